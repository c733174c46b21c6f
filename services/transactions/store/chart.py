"""Reads the chart of accounts at the start of a service, and writes it when the schema is migrated."""

from collections.abc import Iterable, Sequence
from datetime import date

from asyncpg import Connection

from services.transactions.domain.chart import (
    ACCOUNTS_PER_SHARD,
    HOUSE_ACCOUNTS_FROM,
    AccountClass,
    Chart,
    ChartAsset,
    Dated,
    Entity,
    ScreeningPolicy,
)
from services.transactions.domain.instruments import Instrument
from services.transactions.store.accounts import accounts_by_code
from shared.messages.envelope import HOUSE


async def load_chart(connection: Connection) -> Chart:
    """Read assets, instruments, entities, classes, house accounts, posting rules and policies."""
    chart = Chart()
    for row in await connection.fetch("SELECT asset_id, code, kind, scale FROM asset ORDER BY asset_id"):
        chart.add_asset(ChartAsset(row["asset_id"], row["code"], row["kind"], row["scale"]))
    chart.instruments.update(await instruments(connection))
    for row in await connection.fetch(
        "SELECT entity_id, code, first_booking_date FROM entity ORDER BY entity_id"
    ):
        chart.add_entity(Entity(row["entity_id"], row["code"], row["first_booking_date"]))
    for row in await connection.fetch(
        "SELECT class, holder, statement, valid_from, valid_until FROM account_class"
    ):
        chart.classes[row["class"]] = AccountClass(
            row["class"],
            is_customer=row["holder"] == "customer",
            is_memorandum=row["statement"] == "memorandum",
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
        )
    codes = await connection.fetch("SELECT code FROM account WHERE owner = $1", HOUSE)
    for account in (await accounts_by_code(connection, chart, [row["code"] for row in codes])).values():
        chart.add_house_account(account)
    for row in await connection.fetch(
        """
        SELECT entity_id, instruction_type, condition, house_class, valid_from, valid_until
        FROM posting_rule
        ORDER BY valid_from
        """
    ):
        chart.rules.setdefault((row["entity_id"], row["instruction_type"], row["condition"]), []).append(
            Dated(row["house_class"], row["valid_from"], row["valid_until"])
        )
    for row in await connection.fetch(
        """
        SELECT entity_id, instruction_type, asset_id, amount_from, risk_classes, countries, channels,
               deadline_hours, told, valid_from, valid_until
        FROM screening_policy
        ORDER BY valid_from
        """
    ):
        chart.policies.setdefault((row["entity_id"], row["instruction_type"], row["asset_id"]), []).append(
            Dated(
                ScreeningPolicy(
                    row["amount_from"],
                    tuple(row["risk_classes"]),
                    tuple(row["countries"]),
                    tuple(row["channels"]),
                    row["deadline_hours"],
                    row["told"],
                ),
                row["valid_from"],
                row["valid_until"],
            )
        )
    for row in await connection.fetch(
        "SELECT entity_id, policy, valid_from, valid_until FROM trade_policy ORDER BY valid_from"
    ):
        chart.trade_policies.setdefault(row["entity_id"], []).append(
            Dated(row["policy"], row["valid_from"], row["valid_until"])
        )
    return chart


async def save_assets(connection: Connection, rows: Sequence[tuple[int, str, str, int, str]]) -> None:
    """Insert or rename assets: number, code, kind, scale, name. A scale never changes."""
    await connection.executemany(
        """
        INSERT INTO transactions.asset (asset_id, code, kind, scale, name) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (asset_id) DO UPDATE SET name = EXCLUDED.name WHERE asset.name <> EXCLUDED.name
        """,
        rows,
    )


async def instruments(connection: Connection) -> dict[int, Instrument]:
    """Return the instruments there are, by number."""
    rows = await connection.fetch(
        """
        SELECT asset.asset_id, asset.code AS isin, asset.scale, currency.code AS currency, asset.name,
               valid_from, valid_until
        FROM transactions.instrument
        JOIN transactions.asset USING (asset_id)
        JOIN transactions.asset AS currency ON currency.asset_id = currency_id
        """
    )
    return {row["asset_id"]: Instrument(**row) for row in rows}


async def save_instruments(connection: Connection, rows: Sequence[Instrument]) -> None:
    """Insert instruments, or say how long they are valid; their assets are there."""
    await connection.executemany(
        """
        INSERT INTO transactions.instrument (asset_id, currency_id, valid_from, valid_until)
        SELECT $1, asset_id, $3, $4 FROM transactions.asset WHERE code = $2
        ON CONFLICT (asset_id) DO UPDATE
        SET valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until
        WHERE (instrument.valid_from, instrument.valid_until)
           IS DISTINCT FROM (EXCLUDED.valid_from, EXCLUDED.valid_until)
        """,
        [(each.asset_id, each.currency, each.valid_from, each.valid_until) for each in rows],
    )


async def save_entities(connection: Connection, rows: Sequence[tuple[int, str, str, date]]) -> None:
    """Insert or rename entities: number, code, name, first booking date."""
    await connection.executemany(
        """
        INSERT INTO transactions.entity (entity_id, code, name, first_booking_date) VALUES ($1, $2, $3, $4)
        ON CONFLICT (entity_id) DO UPDATE SET name = EXCLUDED.name WHERE entity.name <> EXCLUDED.name
        """,
        rows,
    )


async def save_classes(
    connection: Connection, rows: Sequence[tuple[str, str, str, str, str | None, date, date | None]]
) -> None:
    """Insert account classes, or end them: class, name, holder, statement, parent, from, until."""
    await connection.executemany(
        """
        INSERT INTO transactions.account_class
            (class, name, holder, statement, parent, valid_from, valid_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (class) DO UPDATE
        SET name = EXCLUDED.name, valid_until = EXCLUDED.valid_until
        WHERE (account_class.name, account_class.valid_until)
           IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.valid_until)
        """,
        rows,
    )


async def save_rules(
    connection: Connection, rows: Sequence[tuple[str, str, str, str, date, date | None]]
) -> None:
    """Insert posting rules, or end them: entity, type, condition, house class, from, until."""
    await connection.executemany(
        """
        INSERT INTO transactions.posting_rule
            (entity_id, instruction_type, condition, house_class, valid_from, valid_until)
        SELECT entity_id, $2, $3, $4, $5, $6 FROM transactions.entity WHERE code = $1
        ON CONFLICT (entity_id, instruction_type, condition, valid_from) DO UPDATE
        SET house_class = EXCLUDED.house_class, valid_until = EXCLUDED.valid_until
        """,
        rows,
    )


async def save_policies(
    connection: Connection, rows: Sequence[tuple[str, str, str, ScreeningPolicy, date, date | None]]
) -> None:
    """Insert screening policies, or end them: entity, type, asset, policy, from, until."""
    await connection.executemany(
        """
        INSERT INTO transactions.screening_policy
            (entity_id, instruction_type, asset_id, amount_from, risk_classes, countries, channels,
             deadline_hours, told, valid_from, valid_until)
        SELECT entity_id, $2, asset_id, $4, $5, $6, $7, $8, $9, $10, $11
        FROM transactions.entity, transactions.asset
        WHERE entity.code = $1 AND asset.code = $3
        ON CONFLICT (entity_id, instruction_type, asset_id, risk_classes, countries, channels, valid_from)
        DO UPDATE
        SET amount_from = EXCLUDED.amount_from, deadline_hours = EXCLUDED.deadline_hours,
            told = EXCLUDED.told, valid_until = EXCLUDED.valid_until
        """,
        [
            (
                entity,
                instruction_type,
                asset,
                policy.amount_from,
                *map(list, policy.conditions),
                policy.deadline_hours,
                policy.told,
                since,
                until,
            )
            for entity, instruction_type, asset, policy, since, until in rows
        ],
    )


async def save_trade_policies(
    connection: Connection, rows: Sequence[tuple[str, str, date, date | None]]
) -> None:
    """Insert trade policies, or end them: entity, policy, from, until."""
    await connection.executemany(
        """
        INSERT INTO transactions.trade_policy (entity_id, policy, valid_from, valid_until)
        SELECT entity_id, $2, $3, $4 FROM transactions.entity WHERE code = $1
        ON CONFLICT (entity_id, valid_from) DO UPDATE
        SET policy = EXCLUDED.policy, valid_until = EXCLUDED.valid_until
        """,
        rows,
    )


async def save_house_accounts(
    connection: Connection, shard: int, rows: Iterable[tuple[str, str, str]]
) -> None:
    """Insert the house accounts that are missing, at home in this shard: entity, class, asset."""
    await connection.execute(
        """
        INSERT INTO transactions.account
            (account_id, code, entity_id, owner, shard, asset_id, class, limit_minor, opened_seq)
        SELECT $2 + taken.last + row_number() OVER (ORDER BY asked.entity, asked.class, asked.asset),
               asked.entity || '/' || asked.class || '/' || asked.asset,
               entity.entity_id, 'house', $1, asset.asset_id, asked.class, NULL, 0
        FROM unnest($3::text[], $4::text[], $5::text[]) AS asked (entity, class, asset)
        JOIN transactions.entity ON entity.code = asked.entity
        JOIN transactions.asset ON asset.code = asked.asset
        CROSS JOIN (
            SELECT coalesce(max(account_id), $2) - $2 AS last
            FROM transactions.account
            WHERE account_id >= $2 AND account_id < $2 + $6
        ) AS taken
        WHERE NOT EXISTS (
            SELECT FROM transactions.account
            WHERE account.code = asked.entity || '/' || asked.class || '/' || asked.asset
        )
        """,
        shard,
        shard * ACCOUNTS_PER_SHARD + HOUSE_ACCOUNTS_FROM,
        *map(list, zip(*rows, strict=True)),
        HOUSE_ACCOUNTS_FROM,
    )
