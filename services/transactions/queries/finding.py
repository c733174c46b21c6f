"""Finds instructions by what is known of them, newest first, reading the journal backwards in windows.

The journal has no index but its numbers. A window covers the same time in every shard, so that the newest
are found before older ones are read; it grows while nothing is found. What bounds the numbers bounds the
reading: an owner (one shard), a booking date (the numbers between two business days), an instant.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection

from services.transactions.queries.finding_criteria import (
    Criteria,
    Opened,
    Wanted,
    asked_for,
    criteria_of,
    is_wanted,
    object_in,
)
from services.transactions.queries.moments import (
    PositionUnknownError,
    days_begun_after,
    vector_at,
    vector_now,
)
from shared.messages.envelope import HOUSE
from shared.messages.journal import OUTCOMES
from shared.messages.partitioner import shard_of
from shared.money import format_amount

WINDOW_FIRST: Final = 100
WINDOW_MAX: Final = 256_000
"""Events of a shard in a window."""
_GROWTH: Final = 4
_INSTANT: Final = timedelta(microseconds=1)
_PREFETCH: Final = 500


async def find_transactions(
    connection: Connection, wanted: Wanted, after: str | None = None, opened: Opened | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield instructions, newest first, each with the `position` from which the next page goes on.

    What is sealed in payments is looked into only where it can be `opened`. Raises `PositionUnknownError`.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        criteria = await criteria_of(connection, wanted, opened)
        if criteria is None:
            return
        start = None if after is None else await _place_of(connection, after)
        low, high = await _bounds(connection, wanted, None if start is None else start[0])
        size = WINDOW_FIRST
        while any(low[shard] < high[shard] for shard in high):
            floor = await _floor(connection, low, high, size)
            found = await _window(connection, floor, high, criteria, start)
            for begin in range(0, len(found), _PREFETCH):
                page = found[begin : begin + _PREFETCH]
                codes = await _codes(connection, page)
                for row in page:
                    yield _found(row, codes)
            high = floor
            if not found:
                size = min(size * _GROWTH, WINDOW_MAX)


async def _window(
    connection: Connection,
    low: Mapping[int, int],
    high: Mapping[int, int],
    criteria: Criteria,
    start: tuple[datetime, int, int] | None,
) -> list[Any]:
    """Return what matches in a window, newest first, from after the start on."""
    found: list[Any] = []
    for shard, until in high.items():
        matches = _matches(connection, shard, (low[shard], until), criteria)
        found += [each async for each in matches if start is None or _place(each) < start]
    found.sort(key=_place, reverse=True)
    return found


def _place(row: Mapping[str, Any]) -> tuple[datetime, int, int]:
    return row["recorded_at"], row["shard"], row["seq"]


async def _bounds(
    connection: Connection, wanted: Wanted, until: datetime | None
) -> tuple[dict[int, int], dict[int, int]]:
    """Return between which numbers of each shard all of them are: after the first, up to the second."""
    high = await vector_now(connection)
    if wanted.owner is not None:
        home = shard_of(wanted.owner, len(high))
        high = {home: high[home]}
    low = dict.fromkeys(high, 0)
    for instant in (wanted.recorded_until, until):
        if instant is not None:
            high = await vector_at(connection, instant, high)
    if wanted.recorded_since is not None:
        low = await vector_at(connection, wanted.recorded_since - _INSTANT, high)
    if wanted.booked_until is not None:
        last_begun = await _last_begun(connection, wanted.booked_until, high)
        dated_back = await _last_dated_back(connection, wanted.booked_until, high)
        high = {
            shard: min(seq, max(last_begun[shard], dated_back.get(shard, 0))) for shard, seq in high.items()
        }
    if wanted.booked_since is not None:
        before = date.fromordinal(wanted.booked_since.toordinal() - 1)
        begun = await days_begun_after(connection, before, high)
        low = {shard: max(seq, begun[shard]) for shard, seq in low.items()}
    if wanted.instruction_id is not None:
        taken = await _taken(connection, wanted.instruction_id)
        low = {shard: max(seq, taken.get(shard, 0) - 1) for shard, seq in low.items()}
        high = {shard: min(seq, taken.get(shard, 0)) for shard, seq in high.items()}
    return low, high


async def _taken(connection: Connection, instruction_id: UUID) -> dict[int, int]:
    """Return by which event of each shard an id was used up."""
    rows = await connection.fetch(
        "SELECT shard, seq FROM transactions.instruction_key WHERE instruction_id = $1", instruction_id
    )
    return {row["shard"]: row["seq"] for row in rows}


async def _last_begun(connection: Connection, day: date, last: Mapping[int, int]) -> dict[int, int]:
    """Return up to which number of each shard some entity's open day was that one or an earlier one.

    An entity that has never had an account or a day of its own in a shard has no events there.
    """
    rows = await connection.fetch(
        """
        WITH active AS (
            SELECT entity_id, shard FROM transactions.account WHERE opened_seq > 0
            UNION
            SELECT account.entity_id, balance.shard
            FROM transactions.account
            JOIN transactions.balance USING (account_id)
            WHERE account.owner = $4
            UNION
            SELECT entity_id, shard FROM transactions.business_day
        )
        SELECT asked.shard,
               max(CASE WHEN entity.first_booking_date > $1 THEN 0
                        ELSE coalesce(begun.seq - 1, asked.last_seq) END) AS seq
        FROM unnest($2::int[], $3::bigint[]) AS asked (shard, last_seq)
        JOIN active USING (shard)
        JOIN transactions.entity USING (entity_id)
        LEFT JOIN LATERAL (
            SELECT min(business_day.seq) AS seq
            FROM transactions.business_day
            WHERE business_day.shard = asked.shard AND business_day.entity_id = entity.entity_id
              AND business_day.booking_date > $1
        ) AS begun ON true
        GROUP BY asked.shard
        """,
        day,
        list(last),
        list(last.values()),
        HOUSE,
    )
    return dict.fromkeys(last, 0) | {row["shard"]: row["seq"] for row in rows}


async def _last_dated_back(connection: Connection, day: date, shards: Collection[int]) -> dict[int, int]:
    """Return the number of each shard's last event that was booked by then and may have named its day."""
    rows = await connection.fetch(
        """
        SELECT shard, max(seq) AS seq
        FROM transactions.journal_row
        WHERE shard = ANY($1::int[]) AND instruction_type IN ('adjustment', 'opening_balance')
          AND booking_date <= $2
        GROUP BY shard
        """,
        list(shards),
        day,
    )
    return {row["shard"]: row["seq"] for row in rows}


async def _floor(
    connection: Connection, low: Mapping[int, int], high: Mapping[int, int], size: int
) -> dict[int, int]:
    """Return where a window ends: at one instant in every shard, none with more than `size` events in it."""
    candidates = {shard: max(low[shard], seq - size) for shard, seq in high.items()}
    open_ = [shard for shard, seq in candidates.items() if seq > low[shard]]
    if not open_:
        return dict(low)
    instant = await connection.fetchval(
        """
        SELECT max(recorded_at)
        FROM transactions.journal_row
        JOIN unnest($1::int[], $2::bigint[]) AS asked (shard, seq) USING (shard, seq)
        """,
        open_,
        [candidates[shard] for shard in open_],
    )
    if instant is None:
        return dict(low)
    floor = await vector_at(connection, instant, high)
    return {shard: max(low[shard], seq) for shard, seq in floor.items()}


async def _matches(
    connection: Connection, shard: int, between: tuple[int, int], criteria: Criteria
) -> AsyncIterator[Any]:
    if between[0] >= between[1]:
        return
    wanted = criteria.wanted
    low, high = criteria.amounts or (None, None)
    async for row in connection.cursor(
        """
        WITH candidate AS (
            SELECT shard, seq, recorded_at, instruction_id, instruction_type, owner, reason, booking_date,
                   value_date, content, debit_account, credit_account, amount, asset_id,
                   $14::bytea IS NOT NULL AND asset_id IS NULL AND EXISTS (
                       SELECT
                       FROM transactions.movement_of_several AS several
                       WHERE several.shard = journal.shard AND several.seq = journal.seq
                         AND (several.debit_account = ANY($15) OR several.credit_account = ANY($15))
                   ) AS is_among_several,
                   CASE WHEN kind = 'TransactionPending'
                        THEN coalesce((
                            SELECT resolving.kind
                            FROM transactions.pending
                            JOIN transactions.journal AS resolving
                              ON resolving.shard = pending.shard AND resolving.seq = pending.resolved_seq
                            WHERE pending.shard = journal.shard AND pending.seq = journal.seq
                        ), kind)
                        WHEN kind = 'TransactionScheduled'
                        THEN coalesce((
                            SELECT ending.kind
                            FROM transactions.scheduled
                            LEFT JOIN transactions.pending
                              ON pending.shard = scheduled.shard AND pending.seq = scheduled.ended_seq
                            JOIN transactions.journal AS ending
                              ON ending.shard = scheduled.shard
                             AND ending.seq = coalesce(pending.resolved_seq, scheduled.ended_seq)
                            WHERE scheduled.shard = journal.shard AND scheduled.seq = journal.seq
                        ), kind)
                        ELSE kind END AS kind,
                   kind AS first_kind
            FROM transactions.journal
            WHERE shard = $1 AND seq > $2 AND seq <= $3
              AND kind IN ('TransactionPosted', 'TransactionPending', 'TransactionVoided',
                           'TransactionScheduled', 'TransactionCancelled', 'InstructionApplied',
                           'InstructionRejected', 'BusinessDayOpened', 'PeriodClosed')
              AND about_seq IS NULL AND instruction_id IS NOT NULL
              AND ($4::text IS NULL OR kept_owner = $4
                   OR kept_owner IS NULL
                      AND (debit_account = ANY($17::bigint[]) OR credit_account = ANY($17)) AND owner = $4)
              AND ($5::text IS NULL OR instruction_type = $5)
              AND ($6::date IS NULL OR booking_date >= $6)
              AND ($7::date IS NULL OR booking_date <= $7)
              AND ($8::timestamptz IS NULL OR recorded_at >= $8)
              AND ($9::bytea IS NULL OR position($9 IN kept_content) > 0)
              AND ($10::bytea IS NULL OR position($10 IN kept_content) > 0)
              AND ($11::int IS NULL
                   OR asset_id = $11 AND amount BETWEEN $12 AND $13
                   OR asset_id IS NULL AND (
                       kind IN ('InstructionRejected', 'InstructionApplied', 'TransactionScheduled')
                       OR EXISTS (
                           SELECT
                           FROM transactions.movement_of_several AS several
                           WHERE several.shard = journal.shard AND several.seq = journal.seq
                             AND several.asset_id = $11 AND several.amount BETWEEN $12 AND $13)))
              AND ($14::bytea IS NULL
                   OR debit_account = ANY($15::bigint[]) OR credit_account = ANY($15)
                   OR position($14 IN kept_content) > 0
                   OR $18::boolean AND position('"sealed":"'::bytea IN kept_content) > 0
                   OR asset_id IS NULL AND EXISTS (
                       SELECT
                       FROM transactions.movement_of_several AS several
                       WHERE several.shard = journal.shard AND several.seq = journal.seq
                         AND (several.debit_account = ANY($15) OR several.credit_account = ANY($15))))
        )
        SELECT candidate.*, kind::text AS event, first_kind::text AS first_event
        FROM candidate
        WHERE $16::text[] IS NULL OR kind::text = ANY($16)
        ORDER BY seq DESC
        """,
        shard,
        *between,
        wanted.owner,
        wanted.type,
        wanted.booked_since,
        wanted.booked_until,
        wanted.recorded_since,
        *([*criteria.fragments, None, None])[:2],
        criteria.asset_id,
        low,
        high,
        criteria.name,
        criteria.ends,
        criteria.kinds,
        criteria.owned,
        criteria.opened is not None,
        prefetch=_PREFETCH,
    ):
        if is_wanted(row, criteria):
            yield row


async def _place_of(connection: Connection, position: str) -> tuple[datetime, int, int]:
    shard, _, seq = position.partition("-")
    recorded_at = None
    if shard.isdecimal() and seq.isdecimal() and len(shard) < 10 and len(seq) < 19:
        recorded_at = await connection.fetchval(
            "SELECT recorded_at FROM transactions.journal_row WHERE shard = $1 AND seq = $2",
            int(shard),
            int(seq),
        )
    if recorded_at is None:
        raise PositionUnknownError(position)
    return recorded_at, int(shard), int(seq)


async def _codes(connection: Connection, rows: Iterable[Any]) -> dict[int, tuple[str, str, int]]:
    """Return code, asset and scale of the accounts of these rows."""
    ids = {each for row in rows for each in (row["debit_account"], row["credit_account"]) if each is not None}
    found = await connection.fetch(
        """
        SELECT account_id, account.code, asset.code AS asset, asset.scale
        FROM transactions.account
        JOIN transactions.asset USING (asset_id)
        WHERE account_id = ANY($1::bigint[])
        """,
        list(ids),
    )
    return {row["account_id"]: (row["code"], row["asset"], row["scale"]) for row in found}


def _found(row: Mapping[str, Any], codes: Mapping[int, tuple[str, str, int]]) -> dict[str, Any]:
    asked = asked_for(row)
    debit, credit = codes.get(row["debit_account"]), codes.get(row["credit_account"])
    moved = None if debit is None else format_amount(row["amount"], debit[2])
    return {
        "position": f"{row['shard']}-{row['seq']}",
        "instruction_id": str(row["instruction_id"]),
        "type": row["instruction_type"],
        "owner": row["owner"],
        "outcome": OUTCOMES[row["event"]],
        "reason": row["reason"],
        "recorded_at": row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z",
        "booking_date": None if row["booking_date"] is None else row["booking_date"].isoformat(),
        "value_date": None if row["value_date"] is None else row["value_date"].isoformat(),
        "shard": row["shard"],
        "seq": row["seq"],
        "amount": moved if moved is not None else asked.get("amount"),
        "asset": debit[1] if debit is not None else asked.get("asset"),
        "debit_account": None if debit is None else debit[0],
        "credit_account": None if credit is None else credit[0],
        "reference": asked.get("business_reference"),
        "end_to_end_id": object_in(asked.get("payment")).get("end_to_end_id"),
    }
