"""Reads and writes what moves beside balances: freezes, pending transactions, business days."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Chart
from services.transactions.domain.decisions import Leg
from services.transactions.domain.effects.pendings import legs_left
from services.transactions.domain.open_pendings import EndedTrade, Obligation, OpenPending
from services.transactions.domain.stops import CLOSED, CLOSING, DIRECTIONS, Freeze
from services.transactions.store.arrays import array_of
from services.transactions.store.journal import legs_at
from shared.messages.instructions import INSTRUCTION
from shared.messages.kinds import FACTS

STANDING_READ_MAX: Final = 1000
STOPS: Final = {**DIRECTIONS, "closing": CLOSING, "closed": CLOSED}


async def freezes_at(connection: Connection, shard: int) -> dict[int, dict[str, Freeze]]:
    """Return all freezes of the accounts at home in this shard, lifted ones too."""
    rows = await connection.fetch(
        """
        SELECT account_id, freeze_id, direction, lifted_seq IS NOT NULL AS lifted, amount_minor
        FROM account_freeze
        WHERE account_id >= $1 AND account_id < $2
        """,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
    )
    found: dict[int, dict[str, Freeze]] = {}
    for row in rows:
        freeze = Freeze(row["direction"], row["lifted"], row["amount_minor"])
        found.setdefault(row["account_id"], {})[row["freeze_id"]] = freeze
    return found


async def standing_stops(
    connection: Connection, concerned: Callable[[], Collection[int]]
) -> tuple[dict[int, int], bool]:
    """Return accounts that are frozen, closing or closed now, and whether that is all there are.

    If there are many, it is the `concerned` alone.

    What freezes an amount is left out: it concerns debits alone, and those happen at home. While they are
    few, to read them all is cheaper than to ask for thousands.
    """
    rows = await connection.fetch(
        """
        SELECT account_id, direction AS stop
        FROM account_freeze
        WHERE lifted_seq IS NULL AND amount_minor IS NULL
        UNION ALL
        SELECT account_id, CASE WHEN closed_seq IS NULL THEN 'closing' ELSE 'closed' END
        FROM account_closing
        WHERE reopened_seq IS NULL
        LIMIT $1
        """,
        STANDING_READ_MAX + 1,
    )
    are_all = len(rows) <= STANDING_READ_MAX
    if not are_all:
        rows = await connection.fetch(
            """
            SELECT account_id, direction AS stop
            FROM account_freeze
            WHERE account_id = ANY($1::text::bigint[]) AND lifted_seq IS NULL AND amount_minor IS NULL
            UNION ALL
            SELECT account_id, CASE WHEN closed_seq IS NULL THEN 'closing' ELSE 'closed' END
            FROM account_closing
            WHERE account_id = ANY($1::text::bigint[]) AND reopened_seq IS NULL
            """,
            array_of(concerned()),
        )
    found: dict[int, int] = {}
    for row in rows:
        found[row["account_id"]] = found.get(row["account_id"], 0) | STOPS[row["stop"]]
    return found, are_all


async def place_freezes(
    connection: Connection, placed: Iterable[tuple[int, str, str, int | None, str, int]]
) -> None:
    """Insert freezes: account, freeze, direction, amount, authority, seq."""
    rows = list(placed)
    if rows:
        await connection.execute(
            """
            INSERT INTO account_freeze (account_id, freeze_id, direction, amount_minor, authority, seq)
            SELECT *
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
            """,
            *map(list, zip(*rows, strict=True)),
        )


async def lift_freezes(connection: Connection, lifted: Iterable[tuple[int, str, int]]) -> None:
    """Mark freezes as lifted: account, freeze, seq."""
    rows = list(lifted)
    if rows:
        await connection.execute(
            """
            UPDATE account_freeze
            SET lifted_seq = asked.seq
            FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (account_id, freeze_id, seq)
            WHERE account_freeze.account_id = asked.account_id AND account_freeze.freeze_id = asked.freeze_id
            """,
            *map(list, zip(*rows, strict=True)),
        )


async def days_at(connection: Connection, chart: Chart, shard: int) -> dict[int, date]:
    """Return the open business day of every entity in this shard."""
    rows = await connection.fetch(
        "SELECT entity_id, max(booking_date) AS day FROM business_day WHERE shard = $1 GROUP BY entity_id",
        shard,
    )
    days = {entity.entity_id: entity.first_booking_date for entity in chart.entities.values()}
    days.update((row["entity_id"], row["day"]) for row in rows)
    return days


async def open_days(connection: Connection, shard: int, opened: Iterable[tuple[int, date, int]]) -> None:
    """Insert business days opened in this shard: entity, day, seq."""
    rows = list(opened)
    if rows:
        await connection.execute(
            """
            INSERT INTO business_day (shard, entity_id, booking_date, seq)
            SELECT $1, * FROM unnest($2::int[], $3::date[], $4::bigint[])
            """,
            shard,
            *map(list, zip(*rows, strict=True)),
        )


async def open_pendings(connection: Connection, chart: Chart, shard: int) -> dict[str, OpenPending]:
    """Return the transactions of this shard that are pending, with what is left, by instruction id."""
    rows = await connection.fetch(
        """
        SELECT pending.shard, pending.seq, pending.instruction_id, pending.content_hash,
               pending.settled_minor, pending.screening AND pending.cleared_seq IS NULL AS screening,
               journal.instruction_type, journal.owner, journal.content, journal.detail
        FROM pending
        CROSS JOIN LATERAL (
            SELECT * FROM journal WHERE shard = pending.shard AND seq = pending.seq OFFSET 0
        ) AS journal
        WHERE pending.shard = $1 AND resolved_seq IS NULL
        ORDER BY pending.seq
        """,
        shard,
    )
    return {each.instruction_id: each for each in (await _pendings(connection, chart, rows)).values()}


async def ended_trades(
    connection: Connection, chart: Chart, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, str], EndedTrade]:
    """Return those of these trades, given by shard and seq, of which nothing is pending any more.

    By shard and instruction id. One whose part of the journal is detached is left out.
    """
    rows = await connection.fetch(
        """
        SELECT pending.shard, pending.seq, pending.instruction_id, pending.content_hash,
               pending.settled_minor, pending.screening AND pending.cleared_seq IS NULL AS screening,
               journal.instruction_type, journal.owner, journal.content, journal.detail,
               resolving.kind = 'TransactionVoided' AS is_cancelled
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN pending ON pending.shard = asked.shard AND pending.seq = asked.seq
        JOIN journal ON journal.shard = asked.shard AND journal.seq = asked.seq
        JOIN journal AS resolving
          ON resolving.shard = pending.shard AND resolving.seq = pending.resolved_seq
        """,
        array_of([shard for shard, _ in numbers]),
        array_of([seq for _, seq in numbers]),
    )
    trades = await _pendings(connection, chart, rows)
    cancelled = {(row["shard"], row["seq"]): row["is_cancelled"] for row in rows}
    return {
        (shard, each.instruction_id): EndedTrade(each, cancelled[shard, seq])
        for (shard, seq), each in trades.items()
    }


async def _pendings(
    connection: Connection, chart: Chart, rows: Sequence[Any]
) -> dict[tuple[int, int], OpenPending]:
    """Return what is left of transactions that are or were pending, by shard and seq."""
    numbers = [(row["shard"], row["seq"]) for row in rows]
    legs = await legs_at(connection, chart, numbers)
    booked = await _obligations(connection, chart, numbers)
    found: dict[tuple[int, int], OpenPending] = {}
    for number, row in zip(numbers, rows, strict=True):
        instruction: Any = INSTRUCTION.validate_json(row["content"])
        found[number] = OpenPending(
            seq=row["seq"],
            instruction_id=str(row["instruction_id"]),
            instruction_type=row["instruction_type"],
            owner=row["owner"],
            content=row["content"],
            content_hash=row["content_hash"],
            value_date=instruction.value_date,
            legs=_left(legs[number], row["settled_minor"]),
            whole=legs[number],
            screening=row["screening"],
            expires_on=getattr(instruction, "expires_on", None),
            obligation=booked.get(number),
            settles_on=instruction.contractual_settlement_date if row["instruction_type"] in FACTS else None,
            booking_date=getattr(instruction, "booking_date", None),
            members=json.loads(row["detail"] or "{}").get("members"),
        )
    return found


async def _obligations(
    connection: Connection, chart: Chart, numbers: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Obligation]:
    """Return what stands in the books for trades, by the trade's shard and seq."""
    rows = await connection.fetch(
        """
        SELECT journal.shard, about_seq, journal.seq, detail ->> 'cause' AS cause
        FROM unnest($1::text::int[], $2::text::bigint[]) AS asked (shard, seq)
        JOIN journal ON journal.shard = asked.shard AND journal.about_seq = asked.seq
        WHERE kind = 'ObligationBooked' AND detail ->> 'cause' IN ('traded', 'failed')
        ORDER BY journal.shard, journal.seq
        """,
        array_of([shard for shard, _ in numbers]),
        array_of([seq for _, seq in numbers]),
    )
    legs = await legs_at(connection, chart, [(row["shard"], row["seq"]) for row in rows])
    found: dict[tuple[int, int], Obligation] = {}
    for row in rows:
        own, trade = legs[row["shard"], row["seq"]], (row["shard"], row["about_seq"])
        if row["cause"] == "traded":
            found[trade] = Obligation(tuple(own))
        else:
            booked = found.get(trade, Obligation())
            found[trade] = booked._replace(failed=(own[0].debit, own[0].credit))
    return found


def _left(legs: list[Leg], settled: int) -> list[Leg]:
    """Return what is still reserved."""
    return [leg for _, leg in legs_left(legs, settled)] if settled else legs


async def save_pendings(connection: Connection, opened: Mapping[int, Iterable[OpenPending]]) -> None:
    """Insert transactions that are now pending, by shard."""
    rows = [(shard, each) for shard, of_shard in opened.items() for each in of_shard]
    if rows:
        await connection.execute(
            """
            INSERT INTO pending (shard, seq, instruction_id, content_hash, screening)
            SELECT * FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::bytea[], $5::boolean[])
            """,
            [shard for shard, _ in rows],
            [each.seq for _, each in rows],
            [each.instruction_id for _, each in rows],
            [each.content_hash for _, each in rows],
            [each.screening for _, each in rows],
        )


async def clear_pendings(connection: Connection, cleared: Mapping[int, Iterable[tuple[int, int]]]) -> None:
    """Mark transactions as screened, by shard: (seq of the pending one, seq that said so)."""
    rows = [(shard, *each) for shard, of_shard in cleared.items() for each in of_shard]
    if rows:
        await connection.execute(
            """
            UPDATE pending
            SET cleared_seq = asked.cleared_seq
            FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS asked (shard, seq, cleared_seq)
            WHERE pending.shard = asked.shard AND pending.seq = asked.seq
            """,
            *map(list, zip(*rows, strict=True)),
        )


async def settle_pendings(connection: Connection, settled: Mapping[int, Iterable[tuple[int, int]]]) -> None:
    """Add to what has been posted of transactions, by shard: (seq of the pending one, minor units)."""
    rows = [(shard, *each) for shard, of_shard in settled.items() for each in of_shard]
    if rows:
        await connection.execute(
            """
            UPDATE pending
            SET settled_minor = settled_minor + asked.amount
            FROM (
                SELECT shard, seq, sum(amount)::bigint AS amount
                FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS part (shard, seq, amount)
                GROUP BY shard, seq
            ) AS asked
            WHERE pending.shard = asked.shard AND pending.seq = asked.seq
            """,
            *map(list, zip(*rows, strict=True)),
        )


async def resolve_pendings(connection: Connection, resolved: Mapping[int, Mapping[int, int | None]]) -> None:
    """Mark what is pending as posted or voided, by shard and its seq; with none, as open again."""
    rows = [(shard, *each) for shard, of_shard in resolved.items() for each in of_shard.items()]
    if rows:
        await connection.execute(
            """
            UPDATE pending
            SET resolved_seq = asked.resolved_seq
            FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS asked (shard, seq, resolved_seq)
            WHERE pending.shard = asked.shard AND pending.seq = asked.seq
            """,
            *map(list, zip(*rows, strict=True)),
        )
