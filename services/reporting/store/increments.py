"""Adds a batch's increments to the aggregates: one statement each, in the batch's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from asyncpg import Connection

from services.reporting.domain.increments import (
    AccountAttributes,
    AccountDay,
    AccountDayKey,
    AccountKey,
    Activity,
    ActivityKey,
    ComplianceDayKey,
    Entry,
    Increments,
    OwnerDay,
    OwnerDayKey,
    PeriodStep,
    TakenKey,
)
from services.reporting.domain.items import Item, ItemUse

ENTRY_COLUMNS: Final = (
    "seq",
    "amount",
    "recorded_at",
    "shard",
    "booking_date",
    "value_date",
    "leg",
    "debit_account",
    "credit_account",
    "instruction_type",
    "reference",
)


async def load_business_days(connection: Connection, shards: Sequence[int]) -> dict[int, date]:
    """Read the business day each of these shards stands at; one that has had none is absent."""
    rows = await connection.fetch(
        "SELECT shard, booking_date FROM business_day WHERE shard = ANY($1::int[])", shards
    )
    return {row["shard"]: row["booking_date"] for row in rows}


async def add_increments(connection: Connection, increments: Increments) -> None:
    """Add everything a batch counted; aggregates it does not touch cost nothing."""
    if increments.accounts:
        await add_accounts(connection, increments.accounts)
    if increments.account_days:
        await add_account_days(connection, increments.account_days)
    if increments.owner_days:
        await add_owner_days(connection, increments.owner_days)
    if increments.activity:
        await add_activity(connection, increments.activity)
    if increments.compliance_days:
        await add_compliance_days(connection, increments.compliance_days)
    if increments.taken:
        await add_taken(connection, increments.taken)
    if increments.business_days:
        await move_business_days(connection, increments.business_days)
    if increments.entries:
        await append_entries(connection, increments.entries)
    if increments.items:
        await append_items(connection, increments.items)
    if increments.item_uses:
        await append_item_uses(connection, increments.item_uses)
    if increments.periods:
        await append_periods(connection, increments.periods)


async def add_accounts(connection: Connection, accounts: Mapping[AccountKey, AccountAttributes]) -> None:
    """Remember accounts met for the first time in their shard."""
    await connection.execute(
        """
        INSERT INTO account (shard, account, owner, entity, class, asset, scale)
        SELECT * FROM unnest(
            $1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[]
        )
        ON CONFLICT (account, shard) DO NOTHING
        """,
        *_columns([(*key, *attributes) for key, attributes in accounts.items()]),
    )


async def add_account_days(connection: Connection, account_days: Mapping[AccountDayKey, AccountDay]) -> None:
    """Add what each account's days have gained."""
    # In the order of the primary key neighbours land on neighbouring pages.
    rows = [
        (
            *key,
            account_days[key].asset,
            account_days[key].debits,
            account_days[key].credits,
            account_days[key].entries,
            account_days[key].debits_pending,
            account_days[key].credits_pending,
        )
        for key in sorted(account_days)
    ]
    await connection.execute(
        """
        INSERT INTO account_day AS stored (
            account, booking_date, shard, asset, debits, credits, entries, debits_pending, credits_pending
        )
        SELECT * FROM unnest(
            $1::text[], $2::date[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::int[],
            $8::bigint[], $9::bigint[]
        )
        ON CONFLICT (account, booking_date, shard) DO UPDATE SET
            debits = stored.debits + excluded.debits,
            credits = stored.credits + excluded.credits,
            entries = stored.entries + excluded.entries,
            debits_pending = stored.debits_pending + excluded.debits_pending,
            credits_pending = stored.credits_pending + excluded.credits_pending
        """,
        *_columns(rows),
    )


async def add_owner_days(connection: Connection, owner_days: Mapping[OwnerDayKey, OwnerDay]) -> None:
    """Add what each owner's days have gained; sums go over as text, since they may pass 64 bits."""
    rows = [
        (*key, str(owner_days[key].debits), str(owner_days[key].credits), owner_days[key].entries)
        for key in sorted(owner_days)
    ]
    await connection.execute(
        """
        INSERT INTO owner_day AS stored (owner, asset, booking_date, shard, debits, credits, entries)
        SELECT added.owner, added.asset, added.booking_date, added.shard,
            added.debits::numeric, added.credits::numeric, added.entries
        FROM unnest(
            $1::text[], $2::text[], $3::date[], $4::int[], $5::text[], $6::text[], $7::int[]
        ) AS added (owner, asset, booking_date, shard, debits, credits, entries)
        ON CONFLICT (owner, asset, booking_date, shard) DO UPDATE SET
            debits = stored.debits + excluded.debits,
            credits = stored.credits + excluded.credits,
            entries = stored.entries + excluded.entries
        """,
        *_columns(rows),
    )


async def add_activity(connection: Connection, activity: Mapping[ActivityKey, Activity]) -> None:
    """Add what happened, by type, asset, channel, outcome and reason."""
    rows = [(*key, each.scale, each.count, str(each.amount)) for key, each in activity.items()]
    await connection.execute(
        """
        INSERT INTO activity AS stored (
            shard, day, entity, instruction_type, asset, channel, outcome, reason, later, scale, count, amount
        )
        SELECT added.shard, added.day, added.entity, added.instruction_type, added.asset, added.channel,
            added.outcome, added.reason, added.later, added.scale, added.count, added.amount::numeric
        FROM unnest(
            $1::int[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::boolean[], $10::smallint[], $11::bigint[], $12::text[]
        ) AS added (
            shard, day, entity, instruction_type, asset, channel, outcome, reason, later, scale, count, amount
        )
        ON CONFLICT (day, shard, entity, instruction_type, asset, channel, outcome, reason, later)
        DO UPDATE SET count = stored.count + excluded.count, amount = stored.amount + excluded.amount
        """,
        *_columns(rows),
    )


async def add_compliance_days(connection: Connection, days: Mapping[ComplianceDayKey, int]) -> None:
    """Add what compliance decided, held and raised, by rule."""
    await connection.execute(
        """
        INSERT INTO compliance_day AS stored (shard, day, event, outcome, rule, count)
        SELECT * FROM unnest($1::int[], $2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[])
        ON CONFLICT (day, shard, event, outcome, rule) DO UPDATE SET count = stored.count + excluded.count
        """,
        *_columns([(*key, count) for key, count in days.items()]),
    )


async def add_taken(connection: Connection, taken: Mapping[TakenKey, int]) -> None:
    """Add how many events of each kind were taken."""
    await connection.execute(
        """
        INSERT INTO taken AS stored (topic, shard, day, kind, count)
        SELECT * FROM unnest($1::text[], $2::int[], $3::date[], $4::text[], $5::bigint[])
        ON CONFLICT (day, shard, topic, kind) DO UPDATE SET count = stored.count + excluded.count
        """,
        *_columns([(*key, count) for key, count in taken.items()]),
    )


async def move_business_days(connection: Connection, days: Mapping[int, date]) -> None:
    """Remember the business day each shard stands at now."""
    await connection.execute(
        """
        INSERT INTO business_day AS stored (shard, booking_date)
        SELECT * FROM unnest($1::int[], $2::date[])
        ON CONFLICT (shard) DO UPDATE SET booking_date = excluded.booking_date
        WHERE stored.booking_date <> excluded.booking_date
        """,
        *_columns(list(days.items())),
    )


async def append_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Append posted movements, in the order their events came."""
    await connection.copy_records_to_table("entry", records=entries, columns=ENTRY_COLUMNS)


async def append_items(connection: Connection, items: Sequence[Item]) -> None:
    """Append what the house keeps for somebody."""
    columns = ("seq", "amount", "shard", "booking_date", "leg", "account", "owner")
    await connection.copy_records_to_table("item", records=items, columns=columns)


async def append_item_uses(connection: Connection, uses: Sequence[ItemUse]) -> None:
    """Append what was taken of it."""
    columns = ("item_seq", "seq", "amount", "item_shard", "shard", "booking_date", "item_leg", "leg")
    await connection.copy_records_to_table("item_use", records=uses, columns=columns)


async def append_periods(connection: Connection, periods: Sequence[PeriodStep]) -> None:
    """Append where shards have closed periods."""
    await connection.execute(
        """
        INSERT INTO period (shard, first_day, last_day, seq, entity, state)
        SELECT * FROM unnest($1::int[], $2::date[], $3::date[], $4::bigint[], $5::text[], $6::text[])
        """,
        *_columns(periods),
    )


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
