"""Accounts: each customer's was opened by an event of its home, as it stands."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import (
    PREFETCH,
    Account,
    Books,
    Policy,
    Shard,
    TradePolicy,
    minor_of,
)
from services.transactions.queries.verifying.effects.effect import Effect

_ACCOUNTS: Final = """
    SELECT account_id, account.code, account.shard, asset_id, entity_id, limit_minor,
           account_class.holder = 'customer' AS is_customer, opened_seq, scale, owner,
           entity.code AS entity, class, asset.code AS asset, account.container
    FROM transactions.account
    JOIN transactions.account_class USING (class)
    JOIN transactions.asset USING (asset_id)
    JOIN transactions.entity USING (entity_id)
    WHERE $1::bigint[] IS NULL OR account_id = ANY($1)
"""


async def accounts_of(connection: Connection, account_ids: Iterable[int]) -> dict[int, Account]:
    """Read these accounts, by id."""
    rows = await connection.fetch(_ACCOUNTS, list(account_ids))
    return {account_id: Account(*said) for account_id, *said in rows}


async def read_chart(connection: Connection, books: Books) -> None:
    """Read what all shards' movements refer to."""
    async for row in connection.cursor(_ACCOUNTS, None, prefetch=PREFETCH):
        account_id, *said = row
        account = books.accounts[account_id] = Account(*said)
        books.ids[account.code] = account_id
    for account_id, account in books.accounts.items():
        box, within, _ = account.code.rpartition("#")
        if within and box in books.ids:
            account.container = books.ids[box]
            books.within.setdefault(account.container, []).append(account_id)
    for row in await connection.fetch("SELECT code, scale FROM transactions.asset"):
        books.scales[row["code"]] = row["scale"]
    for row in await connection.fetch("SELECT entity_id, code FROM transactions.entity"):
        books.entities[row["code"]] = row["entity_id"]
    for row in await connection.fetch(
        "SELECT entity_id, policy, valid_from, valid_until FROM transactions.trade_policy"
    ):
        books.trade_policies.append(TradePolicy(*row))
    for row in await connection.fetch(
        """
        SELECT entity_id, instruction_type, asset_id, amount_from, risk_classes, countries, channels,
               deadline_hours, told, valid_from, valid_until
        FROM transactions.screening_policy
        """
    ):
        *place, amount_from, classes, countries, channels, hours, told, since, until = row
        entity_id, kind, asset_id = place
        books.policies.setdefault((entity_id, kind, asset_id), []).append(
            Policy(amount_from, tuple(classes), tuple(countries), tuple(channels), hours, told, since, until)
        )
    for row in await connection.fetch(
        "SELECT class, valid_from, valid_until FROM transactions.account_class"
    ):
        books.classes[row["class"]] = row["valid_from"], row["valid_until"]


def walk_opening(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Note where an account was opened, and see that its class was one of the day, its container right."""
    del legs
    asked = json.loads(row["content"])
    today = shard.days[books.entities[asked["entity"]]]
    since, until = books.classes[asked.get("class", "cash")]
    books.see(
        "accounts",
        since <= today and (until is None or today < until),
        expected=f"a class from {since} until {until}",
        found=today,
        shard=shard.number,
        seq=row["seq"],
    )
    grouped = asked.get("container")
    books.see(
        "accounts",
        grouped is None or _may_hold(books, shard, asked),
        expected="an open account of the same owner and entity that is within no other",
        found=grouped,
        shard=shard.number,
        seq=row["seq"],
    )
    limit = asked.get("limit", "0") if asked.get("asset") else "0"
    shard.opened[asked["account"]] = row["seq"], limit, grouped


def _may_hold(books: Books, shard: Shard, asked: Mapping[str, Any]) -> bool:
    """Whether an account that was opened before may be named as the container of another."""
    code = asked["container"]
    account_id = books.ids.get(code, -1)
    closings = shard.closings.get(account_id)
    _, _, grouped = shard.opened.get(code, (0, None, code))
    main = books.accounts.get(account_id)
    return (
        main is not None
        and grouped is None
        and (main.owner, main.entity) == (asked["owner"], asked["entity"])
        and main.asset != "XXX"
        and (not closings or closings[-1].reopened_seq is not None)
    )


def walk_opened_within(books: Books, shard: Shard, row: Mapping[str, Any], code: str) -> None:
    """Note an account that an event opened within a custody account of the same owner."""
    account = books.accounts.get(books.ids.get(code, -1))
    box = None if account is None or account.container is None else books.accounts[account.container]
    books.see(
        "accounts",
        account is not None
        and box is not None
        and box.code in shard.opened
        and (box.owner, box.entity, box.account_class, box.asset, code)
        == (account.owner, account.entity, account.account_class, "XXX", f"{box.code}#{account.asset}"),
        expected="an account within a custody account of the same owner",
        found=code,
        shard=shard.number,
        seq=row["seq"],
    )
    shard.opened[code] = row["seq"], "0", None if box is None else box.code


async def compare_accounts(connection: Connection, books: Books) -> None:
    """Each customer's account has the event that opened it, and each such event its account."""
    del connection
    opened = {
        code: (shard.number, seq, limit, grouped)
        for shard in books.shards.values()
        for code, (seq, limit, grouped) in shard.opened.items()
    }
    for account in books.accounts.values():
        if account.is_customer:
            number, seq, limit, grouped = opened.pop(account.code, (None, None, None, None))
            expected = (number, seq, minor_of(limit, account.scale), grouped)
            found = (account.home, account.opened_seq, account.limit, account.grouped)
            books.see(
                "accounts", expected == found, expected=expected, found=found, shard=found[0], seq=found[1]
            )
    for code, (number, seq, _, _) in opened.items():
        books.see("accounts", False, expected=code, found="no account", shard=number, seq=seq)


OPENING: Final = Effect(compare=compare_accounts, applied={"open_account": walk_opening})
