"""Detaches old parts of the journal, as the owner of the tables, and attaches them again.

What a part leaves behind is in `detached_outcome`. Its tables stay in the schema under their names until they
are dumped and dropped; restored there, they can be attached again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from asyncpg.exceptions import DeadlockDetectedError, LockNotAvailableError

from services.transactions.domain.claims import taken_with
from services.transactions.domain.decisions import FIRST_OUTCOMES, hash_of
from services.transactions.domain.reasons import REASONS
from services.transactions.domain.records import GROUP
from services.transactions.queries.parts import parts
from services.transactions.store.journal import hash_of_kept

TABLES: Final = ("journal_row", "movement_of_several")
LOCK_MS: Final = 1_000
ATTEMPTS_MAX: Final = 30
PAUSE_SECONDS: Final = 1.0
ROWS: Final = 10_000


class NotPossibleError(Exception):
    """A part cannot be detached or attached now; the message says why."""


async def detach(connection: Any, number: int, progress: Callable[[int], None]) -> None:
    """Keep what is needed of a part's first outcomes, and detach it.

    `progress` is told how many outcomes were kept. Raises `NotPossibleError`.
    """
    found = {each["part"]: each for each in await parts(connection)}
    part = found.get(number)
    if part is None or not part["attached"]:
        raise NotPossibleError(f"there is no part {number}, or it is detached")
    if part["kept_by"] is not None:
        raise NotPossibleError(f"part {number} cannot be detached: {part['kept_by']}")
    async with connection.transaction():
        await _keep_outcomes(connection, part["first_seq"], part["last_seq"], progress)

    async def detached() -> None:
        for table in TABLES:
            await connection.execute(
                f"ALTER TABLE transactions.{table} DETACH PARTITION transactions.{table}_{number}"
            )

    await _patiently(connection, detached)


async def attach(connection: Any, number: int) -> None:
    """Attach a part whose tables are in the schema; raises `NotPossibleError`."""
    found = await parts(connection)
    part = next((each for each in found if each["part"] == number), None)
    if part is None or part["attached"]:
        raise NotPossibleError(f"there is no part {number}, or it is attached")
    if any(not each["attached"] for each in found[number + 1 :]):
        raise NotPossibleError(f"the part after part {number} is detached: attach that one first")
    for table in TABLES:
        if not await connection.fetchval(
            "SELECT to_regclass($1) IS NOT NULL", f"transactions.{table}_{number}"
        ):
            raise NotPossibleError(f"the table transactions.{table}_{number} is not there: restore it first")
    bounds = f"FROM ({part['first_seq']}) TO ({part['last_seq'] + 1})"

    async def attached() -> None:
        for table in TABLES:
            await connection.execute(
                f"ALTER TABLE transactions.{table} ATTACH PARTITION transactions.{table}_{number}"
                f" FOR VALUES {bounds}"
            )
        await _forget_outcomes(connection, part["first_seq"], part["last_seq"])

    await _patiently(connection, attached)


async def _keep_outcomes(connection: Any, first_seq: int, last_seq: int, tell: Callable[[int], None]) -> None:
    await _forget_outcomes(connection, first_seq, last_seq)
    rows = connection.cursor(
        """
        SELECT seq, instruction_id, shard, kind::text AS kind, content, detail, reason, instruction_type
        FROM transactions.journal
        WHERE seq BETWEEN $1 AND $2 AND about_seq IS NULL AND instruction_id IS NOT NULL
          AND kind::text = ANY($3) AND (reason IS NULL OR reason <> ALL($4))
        """,
        first_seq,
        last_seq,
        list(FIRST_OUTCOMES),
        [name for name, reason in REASONS.items() if reason.rung == "place"],
        prefetch=ROWS,
    )
    kept, count = [], 0
    async for row in rows:
        detail = None if row["detail"] is None else json.loads(row["detail"])
        digest = hash_of_kept(row["content"], detail)
        kept.append((row["seq"], row["instruction_id"], row["shard"], row["kind"], digest, row["reason"]))
        if row["instruction_type"] == GROUP:
            kept += [
                (row["seq"], UUID(member), row["shard"], row["kind"], hash_of(content), row["reason"])
                for member, content in taken_with(row["content"], row["reason"]).items()
            ]
        if len(kept) >= ROWS:
            count += await _insert(connection, kept)
            kept = []
            tell(count)
    tell(count + await _insert(connection, kept))


async def _insert(connection: Any, kept: list[tuple[Any, ...]]) -> int:
    await connection.execute(
        """
        INSERT INTO transactions.detached_outcome (seq, instruction_id, shard, kind, content_hash, reason)
        SELECT seq, id, shard, kind::transactions.event_kind, content_hash, reason
        FROM unnest($1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::bytea[], $6::text[])
             AS kept (seq, id, shard, kind, content_hash, reason)
        """,
        *([list(column) for column in zip(*kept, strict=True)] or [[]] * 6),
    )
    return len(kept)


async def _forget_outcomes(connection: Any, first_seq: int, last_seq: int) -> None:
    await connection.execute(
        "DELETE FROM transactions.detached_outcome WHERE seq BETWEEN $1 AND $2", first_seq, last_seq
    )


async def _patiently(connection: Any, change: Callable[[], Awaitable[None]]) -> None:
    """Change tables in one transaction that waits for no lock for long, again and again."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
                await change()
        except (LockNotAvailableError, DeadlockDetectedError) as error:
            if attempt == ATTEMPTS_MAX:
                raise NotPossibleError("the tables are locked by somebody (pg_locks)") from error
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return
