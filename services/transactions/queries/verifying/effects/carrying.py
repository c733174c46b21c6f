"""Balances carried over: on the days that they name, in order, and each remembered."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Shard
from services.transactions.queries.verifying.effects.effect import Effect

TO_OPEN_DAY: Final = ("period_closed", "booking_date_not_open")
"""For these a balance is booked on the open day, and on the account that was named."""


def note_carried(books: Books, shard: Shard, row: Mapping[str, Any], leg: Mapping[str, Any]) -> None:
    """Note that an account's balance was carried over, and see that none of a later day was before."""
    if row["instruction_type"] != "opening_balance":
        return
    named: str = json.loads(row["content"])["account"]
    routed: str | None = None if row["detail"] is None else json.loads(row["detail"]).get("routed")
    if routed not in (None, *TO_OPEN_DAY):
        return  # It stands elsewhere, because what was named could not take it.
    for account_id in (leg["debit_account"], leg["credit_account"]):
        account = books.accounts[account_id]
        container = None if account.container is None else books.accounts[account.container].code
        if named not in (account.code, container):
            continue
        day: date = row["booking_date"]
        last = shard.carried.get(account_id, day)
        books.see(
            "booking_dates",
            last <= day,
            expected=f"on {last} or later",
            found=day,
            shard=shard.number,
            seq=row["seq"],
        )
        shard.carried[account_id] = day
        shard.carried_over[row["seq"]] = (account_id, day)


async def compare_carried(connection: Connection, books: Books) -> None:
    """Each balance carried over has its row, and no row is without one."""
    derived = {
        (shard.number, seq): each
        for shard in books.shards.values()
        for seq, each in shard.carried_over.items()
    }
    for row in await connection.fetch(
        "SELECT shard, seq, account_id, booking_date FROM transactions.carried_over ORDER BY shard, seq"
    ):
        expected = derived.pop((row["shard"], row["seq"]), None)
        found = (row["account_id"], row["booking_date"])
        books.see(
            "booking_dates",
            expected == found,
            expected=expected,
            found=found,
            shard=row["shard"],
            seq=row["seq"],
        )
    for (number, seq), each in derived.items():
        books.see("booking_dates", False, expected=each, found="no row", shard=number, seq=seq)


CARRYING: Final = Effect(compare=compare_carried)
