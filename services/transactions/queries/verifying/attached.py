"""Looks at what is attached of the journal while its older parts are away.

What stood where it begins is not believed: an account's balance there follows from its first movement since,
and again from its stored row less all that was moved since. Both must be the same, no counter may have been
below zero, and in each shard and asset those balances come to nothing. What depends on more of the past
(limits, freezes, pendings and the like) is not looked at.
"""

from collections import defaultdict
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import PREFETCH, Books, Shard
from services.transactions.queries.verifying.effects.movements import see_ends
from services.transactions.queries.verifying.journal import Row
from services.transactions.queries.verifying.spelling import MOVING
from shared.messages.kinds import MOVED

CHECKS_ATTACHED: Final = (
    "sequence",
    "first_outcomes",
    "content",
    "movements",
    "after_balances",
    "balances",
    "debits_equal_credits",
)
"""What can be seen without the events that are away."""


def see_whether_it_moves(books: Books, shard: Shard, row: Row) -> bool:
    """See that an event has movements if its kind moves anything, and else none."""
    kind: str = row["kind"]
    return books.see(
        "movements",
        bool(row.legs) == (kind in MOVING),
        expected="movements" if kind in MOVING else "none",
        found=f"{len(row.legs)} of a {kind}",
        shard=shard.number,
        seq=row["seq"],
    )


def walk_attached(books: Books, shard: Shard, row: Row) -> None:
    """Move what an event moves, from the balance on that an account's first movement shows.

    `Shard.rows` holds for each account debits and credits since, and its balance where the walk began.
    """
    if not see_whether_it_moves(books, shard, row):
        return
    moves, seq = row["kind"] in MOVED, row["seq"]
    for number, leg in enumerate(row.legs):
        books.movements += 1
        if see_ends(books, shard, leg, number, seq) is None:
            continue
        amount = leg["amount"] if moves else 0
        for place, side in enumerate(("debit", "credit")):
            after: int = leg[f"{side}_balance_after"]
            change = amount if place else -amount
            counters = shard.rows.setdefault(leg[f"{side}_account"], [0, 0, after - change])
            counters[place] += amount
            balance = counters[2] + counters[1] - counters[0]
            books.see(
                "after_balances",
                balance == after,
                expected=f"{side} {balance}",
                found=f"{side} {after}",
                shard=shard.number,
                seq=seq,
                leg=number,
            )


async def compare_attached(connection: Connection, books: Books) -> None:
    """Hold stored balances against what was moved, and see what they say of where the walk began."""
    moved = {
        (shard.number, account_id): counters
        for shard in books.shards.values()
        for account_id, counters in shard.rows.items()
    }
    began: defaultdict[tuple[int, int], int] = defaultdict(int)
    async for row in connection.cursor(
        """
        SELECT balance.shard, account_id, asset_id, code, debits_posted, credits_posted
        FROM transactions.balance
        JOIN transactions.account USING (account_id)
        ORDER BY balance.shard, account_id
        """,
        prefetch=PREFETCH,
    ):
        place = (row["shard"], row["account_id"])
        debits, credits_, *balance = moved.pop(place, [0, 0])
        debits, credits_ = row["debits_posted"] - debits, row["credits_posted"] - credits_
        began[row["shard"], row["asset_id"]] += credits_ - debits
        at: dict[str, Any] = {"shard": row["shard"]}
        books.see(
            "balances",
            min(debits, credits_) >= 0 and balance in ([], [credits_ - debits]),
            expected=f"{row['code']}: {balance[0] if balance else 'any balance'} at first",
            found=f"{row['code']}: debits {debits}, credits {credits_} at first",
            **at,
        )
    for number, account_id in sorted(moved):
        code = books.accounts[account_id].code
        books.see("balances", False, expected=f"a row of {code}", found="none", shard=number)
    for (number, asset_id), sum_ in sorted(began.items()):
        books.see(
            "debits_equal_credits",
            sum_ == 0,
            expected=f"balances of asset {asset_id} that come to nothing at first",
            found=sum_,
            shard=number,
        )
