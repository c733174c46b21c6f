"""Balances at any moment: as recorded at an instant, by booking date, by value date, for any accounts.

The stored balances are true now. What was true before is found by taking off what has been recorded since,
or by adding up from the first event, whichever is less to read; so what has been dated back is in it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from asyncpg import Connection

from services.transactions.queries.moments import days_begun_after, vector_at, vector_now
from services.transactions.queries.parts import detached_until, need_from
from shared.messages.envelope import HOUSE
from shared.money import format_amount

COUNTERS: Final = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
_DEBIT_IS_FAVOUR: Final = frozenset({"asset", "expense"})
"""House accounts of these statements grow by debits; a customer's grow by credits, whatever the class."""
_PREFETCH: Final = 5_000

Key = int | tuple[int, int, str]
"""Whose counters: an account by its id, or all accounts of an entity, asset and class."""

ScopeKind = Literal["container", "owner", "entity", "book"]


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when a balance is asked; what is left out is no bound."""

    at: datetime | None = None
    """Only what had been recorded by then counts."""
    booking_date: date | None = None
    """Only what is booked by the end of that day counts."""
    value_date: date | None = None
    """Only what has its value by the end of that day counts."""

    @property
    def is_by_date(self) -> bool:
        """Whether a date bounds it; what is pending has none, and nothing is `available` by date."""
        return self.booking_date is not None or self.value_date is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose balances are asked; the book has no code."""

    kind: ScopeKind
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """Which accounts are counted, and whether each by itself or all of a class as one."""

    account_ids: Sequence[int] | None = None
    """Without, all accounts."""
    by_class: bool = False


def favour_sign(owner_is_house: bool, statement: str) -> int:
    """Return the sign that turns credits less debits into the holder's favour."""
    return -1 if owner_is_house and statement in _DEBIT_IS_FAVOUR else 1


async def counters_at(
    connection: Connection, moment: Moment, whose: Whose, entity_id: int | None = None
) -> tuple[dict[Key, list[int]], dict[int, int]]:
    """Return the four counters in minor units, summed over the shards, and the vector they are true at.

    `entity_id` is the accounts' entity, if only one is asked for. What is pending has no booking date: with a
    date, the pending counters are those of the instant. Must run in one snapshot; raises `PartsDetachedError`
    where what must be read is detached.
    """
    last = await vector_now(connection)
    vector = last if moment.at is None else await vector_at(connection, moment.at, last)
    if moment.at is not None:
        # Where events are detached, halving ends behind the last of them.
        await need_from(connection, min(vector.values(), default=1))
    counters = await _recorded(connection, vector, last, whose)
    if moment.value_date is not None:
        await need_from(connection, 1)
        for row in counters.values():
            row[0] = row[1] = 0
        for shard, seq in vector.items():
            changes = _changes(
                connection,
                shard,
                (0, seq),
                whose,
                booked_until=moment.booking_date,
                value_until=moment.value_date,
            )
            await _add(counters, changes, (1, 1, 0, 0))
    elif moment.booking_date is not None:
        begun = await days_begun_after(connection, moment.booking_date, vector, entity_id)
        await need_from(connection, min(begun.values(), default=0) + 1)
        for shard, seq in vector.items():
            changes = _changes(
                connection, shard, (begun[shard], seq), whose, booked_after=moment.booking_date
            )
            await _add(counters, changes, (-1, -1, 0, 0))
    return counters, vector


async def recorded_by_shard(connection: Connection, shard: int, seq: int, last: int) -> dict[Key, list[int]]:
    """Return the counters of one shard's rows, by account, as they were after an event of it; `last` is its
    last one."""
    return await _recorded(connection, {shard: seq}, {shard: last}, Whose())


async def _recorded(
    connection: Connection,
    vector: Mapping[int, int],
    last: Mapping[int, int],
    whose: Whose,
) -> dict[Key, list[int]]:
    """Return the counters at a vector: from the stored ones back, or from nothing on, by shard."""
    counters: dict[Key, list[int]] = {}
    detached = await detached_until(connection)
    from_now = [shard for shard, seq in vector.items() if detached or last[shard] - seq <= seq]
    await _add(counters, _stored(connection, from_now, whose), (1, 1, 1, 1))
    for shard, seq in vector.items():
        if last[shard] == seq:
            continue
        if shard in from_now:
            changes = _changes(connection, shard, (seq, last[shard]), whose)
            await _add(counters, changes, (-1, -1, -1, -1))
        else:
            changes = _changes(connection, shard, (0, seq), whose)
            await _add(counters, changes, (1, 1, 1, 1))
    return counters


async def _add(
    counters: dict[Key, list[int]],
    rows: AsyncIterator[Mapping[str, Any]],
    signs: tuple[int, int, int, int],
) -> None:
    async for row in rows:
        key: Key = row["account_id"]
        if row["class"] is not None:
            key = (row["entity_id"], row["asset_id"], row["class"])
        own = counters.setdefault(key, [0, 0, 0, 0])
        for index, (name, sign) in enumerate(zip(COUNTERS, signs, strict=True)):
            own[index] += sign * int(row[name])


def _stored(connection: Connection, shards: Sequence[int], whose: Whose) -> AsyncIterator[Mapping[str, Any]]:
    return connection.cursor(
        """
        SELECT CASE WHEN NOT $3 THEN balance.account_id END AS account_id,
               account.entity_id, account.asset_id, account.class,
               sum(debits_posted) AS debits_posted, sum(credits_posted) AS credits_posted,
               sum(debits_pending) AS debits_pending, sum(credits_pending) AS credits_pending
        FROM transactions.balance
        LEFT JOIN transactions.account ON $3 AND account.account_id = balance.account_id
        WHERE balance.shard = ANY($1::int[]) AND ($2::bigint[] IS NULL OR balance.account_id = ANY($2))
        GROUP BY 1, 2, 3, 4
        """,
        shards,
        whose.account_ids,
        whose.by_class,
        prefetch=_PREFETCH,
    ).__aiter__()


def _changes(
    connection: Connection,
    shard: int,
    between: tuple[int, int],
    whose: Whose,
    *,
    booked_after: date | None = None,
    booked_until: date | None = None,
    value_until: date | None = None,
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield what a shard's events after the first and up to the second number add to the counters.

    An event that ends a pending transaction, or a part of one, names it (`about_seq`, `resolves`) and takes
    its own amount, and what it frees, off the pending counters. What executes something scheduled names that
    (`executes`), and nothing was pending for it.
    """
    return connection.cursor(
        """
        WITH moved AS (
            SELECT kind, about_seq, detail, debit_account, credit_account, amount
            FROM transactions.journal
            WHERE shard = $1 AND seq > $2 AND seq <= $3 AND debit_account IS NOT NULL
              AND ($4::bigint[] IS NULL OR debit_account = ANY($4) OR credit_account = ANY($4))
              AND ($5::date IS NULL OR booking_date > $5)
              AND ($6::date IS NULL OR booking_date <= $6)
              AND ($7::date IS NULL OR value_date <= $7)
            UNION ALL
            SELECT journal.kind, journal.about_seq, journal.detail, movement.debit_account,
                   movement.credit_account, movement.amount
            FROM transactions.movement_of_several AS movement
            JOIN transactions.journal USING (shard, seq)
            WHERE shard = $1 AND seq > $2 AND seq <= $3
              AND ($4::bigint[] IS NULL
                   OR movement.debit_account = ANY($4) OR movement.credit_account = ANY($4))
              AND ($5::date IS NULL OR booking_date > $5)
              AND ($6::date IS NULL OR booking_date <= $6)
              AND ($7::date IS NULL OR value_date <= $7)
        ),
        effect AS (
            SELECT debit_account, credit_account,
                   CASE WHEN kind IN ('TransactionPosted', 'CreditSwept', 'ObligationBooked')
                        THEN amount ELSE 0 END AS posted,
                   CASE WHEN kind IN ('TransactionPending', 'PendingReopened') THEN amount
                        WHEN kind IN ('CreditSwept', 'ObligationBooked') THEN 0
                        WHEN detail -> 'executes' IS NOT NULL THEN 0
                        WHEN about_seq IS NOT NULL OR detail -> 'resolves' IS NOT NULL
                        THEN -amount - coalesce(replace(detail ->> 'freed', '.', '')::bigint, 0)
                        ELSE 0 END AS pending
            FROM moved
        ),
        side AS (
            SELECT debit_account AS account_id, sum(posted) AS debits, 0 AS credits,
                   sum(pending) AS debits_pending, 0 AS credits_pending
            FROM effect
            GROUP BY debit_account
            UNION ALL
            SELECT credit_account, 0, sum(posted), 0, sum(pending)
            FROM effect
            GROUP BY credit_account
        )
        SELECT CASE WHEN NOT $8 THEN side.account_id END AS account_id,
               account.entity_id, account.asset_id, account.class,
               sum(side.debits) AS debits_posted, sum(side.credits) AS credits_posted,
               sum(side.debits_pending) AS debits_pending, sum(side.credits_pending) AS credits_pending
        FROM side
        LEFT JOIN transactions.account ON $8 AND account.account_id = side.account_id
        WHERE $4::bigint[] IS NULL OR side.account_id = ANY($4)
        GROUP BY 1, 2, 3, 4
        """,
        shard,
        *between,
        whose.account_ids,
        booked_after,
        booked_until,
        value_until,
        whose.by_class,
        prefetch=_PREFETCH,
    ).__aiter__()


# ── many accounts ────────────────────────────────────────────────────────────────────────────────


async def balances_show(
    connection: Connection, scope: Scope, moment: Moment
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """Return the lines and the totals by asset that `backoffice balances` prints, or none if nobody knows it.

    Of a container or an owner there is a line an account that had been opened by then; of an entity or the
    book, a line an entity, account class and asset. `balanced` says whether debits equal credits, posted and
    pending, and is null where they need not.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if scope.kind in ("container", "owner"):
            return await _accounts(connection, scope, moment)
        return await _classes(connection, scope, moment)


async def _accounts(
    connection: Connection, scope: Scope, moment: Moment
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    rows = await connection.fetch(
        """
        SELECT account.account_id, account.code, account.owner, account.container, account.shard,
               account.opened_seq, entity.code AS entity, asset.code AS asset, asset.scale, account.class,
               account_class.statement
        FROM transactions.account
        JOIN transactions.entity USING (entity_id)
        JOIN transactions.asset USING (asset_id)
        JOIN transactions.account_class USING (class)
        WHERE CASE WHEN $1 = 'owner' THEN account.owner ELSE account.container END = $2
        ORDER BY account.code
        """,
        scope.kind,
        scope.code,
    )
    if not rows:
        return None
    ids = [row["account_id"] for row in rows]
    counters, vector = await counters_at(connection, moment, Whose(ids))
    lines: list[dict[str, Any]] = []
    totals: dict[str, tuple[int, list[int]]] = {}
    for row in rows:
        if moment.at is not None and row["opened_seq"] > vector.get(row["shard"], 0):
            continue
        own = counters.get(row["account_id"], [0, 0, 0, 0])
        sign = favour_sign(row["owner"] == HOUSE, row["statement"])
        lines.append(
            {
                "account": row["code"],
                "owner": row["owner"],
                "container": row["container"],
                "entity": row["entity"],
                "class": row["class"],
                "asset": row["asset"],
                **_amounts(own, row["scale"], sign),
            }
        )
        _total(totals, row["asset"], row["scale"], own)
    return lines, _totals(totals, moment, vector, is_whole=False)


async def _classes(
    connection: Connection, scope: Scope, moment: Moment
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    entity_id: int | None = None
    if scope.kind == "entity":
        entity_id = await connection.fetchval(
            "SELECT entity_id FROM transactions.entity WHERE code = $1", scope.code
        )
        if entity_id is None:
            return None
    counters, vector = await counters_at(connection, moment, Whose(by_class=True), entity_id)
    rows = await connection.fetch(
        """
        SELECT account.entity_id, entity.code AS entity, account.asset_id, asset.code AS asset, asset.scale,
               account.class, account_class.statement, account_class.holder, count(*) AS accounts
        FROM transactions.account
        JOIN transactions.entity USING (entity_id)
        JOIN transactions.asset USING (asset_id)
        JOIN transactions.account_class USING (class)
        WHERE $1::int IS NULL OR account.entity_id = $1
        GROUP BY account.entity_id, entity.entity_id, account.asset_id, asset.asset_id, account.class,
                 account_class.class
        ORDER BY entity.code, asset.code, account.class
        """,
        entity_id,
    )
    lines: list[dict[str, Any]] = []
    totals: dict[str, tuple[int, list[int]]] = {}
    for row in rows:
        own = counters.get((row["entity_id"], row["asset_id"], row["class"]))
        if own is None or not any(own):
            continue
        lines.append(
            {
                "entity": row["entity"],
                "class": row["class"],
                "statement": row["statement"],
                "asset": row["asset"],
                "accounts": row["accounts"],
                **_amounts(own, row["scale"], favour_sign(row["holder"] == HOUSE, row["statement"])),
            }
        )
        _total(totals, row["asset"], row["scale"], own)
    return lines, _totals(totals, moment, vector, is_whole=True)


def _amounts(counters: Sequence[int], scale: int, sign: int) -> dict[str, str]:
    spelt = {name: format_amount(value, scale) for name, value in zip(COUNTERS, counters, strict=True)}
    return {**spelt, "balance": format_amount(sign * (counters[1] - counters[0]), scale)}


def _total(totals: dict[str, tuple[int, list[int]]], asset: str, scale: int, own: Iterable[int]) -> None:
    _, summed = totals.setdefault(asset, (scale, [0, 0, 0, 0]))
    for index, value in enumerate(own):
        summed[index] += value


def _totals(
    totals: Mapping[str, tuple[int, list[int]]],
    moment: Moment,
    vector: Mapping[int, int],
    *,
    is_whole: bool,
) -> list[dict[str, Any]]:
    return [
        {
            "total": True,
            "asset": asset,
            **_amounts(own, scale, 1),
            "balanced": own[0] == own[1] and own[2] == own[3] if is_whole else None,
            **spelt_moment(moment),
            "as_of": {str(shard): seq for shard, seq in vector.items()},
        }
        for asset, (scale, own) in sorted(totals.items())
    ]


def spelt_moment(moment: Moment) -> dict[str, str | None]:
    """Return a moment as the commands print it."""
    at = None if moment.at is None else moment.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        "at": None if at is None else at.replace("+00:00", "Z"),
        "booking_date": None if moment.booking_date is None else moment.booking_date.isoformat(),
        "value_date": None if moment.value_date is None else moment.value_date.isoformat(),
    }
