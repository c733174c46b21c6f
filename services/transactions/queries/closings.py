"""Finds how an account was closed and opened again, up to a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class Closings:
    """Each time that an account was closed, as known at a moment, in order."""

    rows: Sequence[Mapping[str, Any]]

    @property
    def status(self) -> str | None:
        """Whether it is `closing` or `closed`; none while it is neither."""
        last = self.rows[-1] if self.rows else None
        if last is None or last["reopened_seq"] is not None:
            return None
        return "closing" if last["closed_seq"] is None else "closed"

    def spelt(self) -> list[dict[str, Any]]:
        """Return the numbers of the home shard's events that began, ended and undid each."""
        return [dict(row) for row in self.rows]


async def closings_of(connection: Connection, account_id: int, within: str, seq: int) -> Closings:
    """Return the closings of an account, and of the custody account it is within, at an event of its home."""
    rows = await connection.fetch(
        """
        SELECT seq, CASE WHEN closed_seq <= $2 THEN closed_seq END AS closed_seq,
               CASE WHEN reopened_seq <= $2 THEN reopened_seq END AS reopened_seq
        FROM transactions.account_closing
        WHERE seq <= $2 AND (
            account_id = $1 OR account_id = (SELECT account_id FROM transactions.account WHERE code = $3)
        )
        ORDER BY seq
        """,
        account_id,
        seq,
        within,
    )
    return Closings(rows)
