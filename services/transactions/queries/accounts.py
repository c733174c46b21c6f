"""Shows an account and its history, summed over the shards that have entries on it."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.balances_at import (
    COUNTERS,
    Moment,
    Whose,
    counters_at,
    favour_sign,
    spelt_moment,
)
from services.transactions.queries.closings import Closings, closings_of
from services.transactions.queries.holdings import NO_CURRENCY, holdings_of
from services.transactions.queries.limits import Limits, limits_of
from services.transactions.queries.moments import PositionUnknownError
from services.transactions.queries.value_dates import still_to_come
from shared.messages.envelope import HOUSE
from shared.money import format_amount

NOW: Final = Moment()
"""No bound at all."""


async def account_show(connection: Connection, code: str, moment: Moment = NOW) -> dict[str, Any] | None:
    """Return the account as `backoffice account show` prints it, or none if there was no such account.

    Amounts are decimal strings. `balance` is in the holder's favour. `available` is credits posted − debits
    posted − debits pending + limit − frozen amount over all rows, less what of it has its value later on any
    day from the open one on, null where the limit is null (unlimited, as for the house's). `frozen_amount` is
    what standing freezes of an amount come to; where there are no others, the account is `open`. As recorded
    at an instant, counters, freezes and limit are those of then. By booking or value date, the posted
    counters and the balance are those of the end of that day; what is pending has no date and is shown as
    recorded, and `available` is null. `limit` is that in force on the booking date, or on the business day
    that was open; `limits` are all that were set since the account was opened. `closings` name the events of
    its home shard that began to close it, closed and reopened it.
    A custody account for any security has `holdings` (`holdings_of`); a freeze of it is shown with each
    account within it.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(
            """
            SELECT account.account_id, account.entity_id, account.opened_seq, account.code,
                   entity.code AS entity, account.owner, account.shard, asset.code AS asset, asset.scale,
                   account.class, account_class.statement, account.limit_minor, account.container
            FROM transactions.account
            JOIN transactions.entity USING (entity_id)
            JOIN transactions.asset USING (asset_id)
            JOIN transactions.account_class USING (class)
            WHERE account.code = $1
            """,
            code,
        )
        if row is None:
            return None
        account_id: int = row["account_id"]
        found, vector = await counters_at(connection, moment, Whose([account_id]), row["entity_id"])
        here = vector.get(row["shard"], 0)
        if moment.at is not None and row["opened_seq"] > here:
            return None
        freezes = await connection.fetch(
            """
            SELECT freeze_id, direction, amount_minor
            FROM transactions.account_freeze
            WHERE account_id IN ($1, (
                    SELECT within.account_id
                    FROM transactions.account AS within
                    WHERE within.code = $3 AND $4 LIKE '%#%'
                ))
              AND seq <= $2 AND (lifted_seq IS NULL OR lifted_seq > $2)
            ORDER BY freeze_id
            """,
            account_id,
            here,
            row["container"],
            row["code"],
        )
        limits = await limits_of(connection, row, here, moment.booking_date)
        closings = await closings_of(connection, account_id, row["code"].rpartition("#")[0], here)
        holdings = await holdings_of(connection, row["code"], row["entity_id"], moment, here)
        counters: dict[str, int] = dict(zip(COUNTERS, found.get(account_id, [0, 0, 0, 0]), strict=True))
        favour = counters["credits_posted"] - counters["debits_posted"]
        ahead = 0 if moment.is_by_date else await still_to_come(connection, row, here, moment, favour)
    shown = _shown(
        row, counters, moment, ahead, freezes=freezes, closings=closings, limits=limits, vector=vector
    )
    return shown | {"holdings": holdings} if row["asset"] == NO_CURRENCY else shown


def _shown(
    row: Mapping[str, Any],
    counters: dict[str, int],
    moment: Moment,
    ahead: int,
    *,
    freezes: list[Any],
    closings: Closings,
    limits: Limits,
    vector: Mapping[int, int],
) -> dict[str, Any]:
    scale: int = row["scale"]
    limit = limits.in_force
    favour = counters["credits_posted"] - counters["debits_posted"]
    frozen = sum(each["amount_minor"] or 0 for each in freezes)
    available = None if limit is None else favour - ahead - counters["debits_pending"] + limit - frozen
    is_frozen = any(each["amount_minor"] is None for each in freezes)
    balance = favour_sign(row["owner"] == HOUSE, row["statement"]) * favour
    return {
        "code": row["code"],
        "entity": row["entity"],
        "owner": row["owner"],
        "shard": row["shard"],
        "asset": row["asset"],
        "class": row["class"],
        "status": closings.status or ("frozen" if is_frozen else "open"),
        "closings": closings.spelt(),
        "freezes": [
            {
                "freeze_id": each["freeze_id"],
                "direction": each["direction"],
                "amount": _amount_or_none(each["amount_minor"], scale),
            }
            for each in freezes
        ],
        "frozen_amount": format_amount(frozen, scale),
        "container": row["container"],
        "limit": _amount_or_none(limit, scale),
        "limits": limits.spelt(scale),
        **{name: format_amount(value, scale) for name, value in counters.items()},
        "balance": format_amount(balance, scale),
        "available": None if available is None or moment.is_by_date else format_amount(available, scale),
        **spelt_moment(moment),
        "as_of": {str(shard): seq for shard, seq in vector.items()},
    }


def _amount_or_none(minor: int | None, scale: int) -> str | None:
    return None if minor is None else format_amount(minor, scale)


async def account_history(
    connection: Connection, code: str, limit: int | None = None, after: str | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Yield the account's posted movements with a running balance in the holder's favour.

    In order of booking date, time of recording, shard, seq and leg, which is how a statement merges the
    shards. `after` is the `position` of the last line had; the balance runs through all the same. Nothing
    is yielded for an account that does not exist. There is no index by account on the movements: this
    reads them all once (about 0.2 s a million). Raises
    `PositionUnknownError` where no line has that position.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        account = await connection.fetchrow(
            """
            SELECT account_id, scale, owner, statement, asset.code AS asset
            FROM transactions.account
            JOIN transactions.asset USING (asset_id)
            JOIN transactions.account_class USING (class)
            WHERE account.code = $1
            """,
            code,
        )
        if account is None:
            return
        sign = favour_sign(account["owner"] == HOUSE, account["statement"])
        balance = 0
        count = 0
        waiting = after is not None
        async for row in connection.cursor(
            """
            SELECT movement.shard, movement.seq, movement.leg, movement.kind, movement.amount,
                   movement.debit_account = $1 AS is_debit, other.code AS counterpart,
                   journal.booking_date, journal.value_date, journal.recorded_at, journal.instruction_id,
                   journal.instruction_type, journal.detail ->> 'routed' AS routed
            FROM transactions.movement
            JOIN transactions.journal USING (shard, seq)
            JOIN transactions.account AS other
              ON other.account_id
               = CASE WHEN movement.debit_account = $1 THEN movement.credit_account
                      ELSE movement.debit_account END
            WHERE $1 IN (movement.debit_account, movement.credit_account)
              AND journal.kind IN ('TransactionPosted', 'CreditSwept', 'ObligationBooked')
            ORDER BY journal.booking_date, journal.recorded_at, movement.shard, movement.seq, movement.leg
            """,
            account["account_id"],
            prefetch=1000,
        ):
            balance += sign * (-row["amount"] if row["is_debit"] else row["amount"])
            position = f"{row['shard']}-{row['seq']}-{row['leg']}"
            if waiting:
                waiting = position != after
                continue
            if limit is not None and count >= limit:
                return
            count += 1
            scale = account["scale"]
            yield {
                "position": position,
                "booking_date": row["booking_date"].isoformat(),
                "value_date": row["value_date"].isoformat(),
                "recorded_at": _instant(row["recorded_at"]),
                "shard": row["shard"],
                "seq": row["seq"],
                "leg": row["leg"],
                "instruction_id": str(row["instruction_id"]),
                "type": row["instruction_type"],
                "kind": row["kind"],
                "side": "debit" if row["is_debit"] else "credit",
                "counterpart": row["counterpart"],
                "amount": format_amount(row["amount"], scale),
                "asset": account["asset"],
                "balance": format_amount(balance, scale),
                "routed": row["routed"],
            }
        if waiting:
            raise PositionUnknownError(after)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
