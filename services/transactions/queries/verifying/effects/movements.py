"""What moves money: counters, after-balances, limits, and the stored balances they come to."""

import json
from collections.abc import Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import (
    AMOUNT_MAX,
    PREFETCH,
    Account,
    Books,
    Shard,
    decimal_of,
)
from services.transactions.queries.verifying.effects.accruals import walk_accrual
from services.transactions.queries.verifying.effects.carrying import note_carried
from services.transactions.queries.verifying.effects.charging import walk_charges
from services.transactions.queries.verifying.effects.closing import credits_seen, see_open, see_swept
from services.transactions.queries.verifying.effects.effect import Effect
from services.transactions.queries.verifying.effects.expiry import expired_of
from services.transactions.queries.verifying.effects.freezing import frozen_of, see_freezes
from services.transactions.queries.verifying.effects.grouping import is_of_facts, walk_group
from services.transactions.queries.verifying.effects.limits import limit_of, see_caps
from services.transactions.queries.verifying.effects.obligations import arriving_by, see_reopened
from services.transactions.queries.verifying.effects.obligations import see_booked as see_obligation
from services.transactions.queries.verifying.effects.opening import walk_opened_within
from services.transactions.queries.verifying.effects.pendings import open_pending, resolved
from services.transactions.queries.verifying.effects.periods import see_booked
from services.transactions.queries.verifying.effects.reversals import is_forced, walk_use
from services.transactions.queries.verifying.effects.scheduling import see_executed
from services.transactions.queries.verifying.effects.value_dates import note_value, still_to_come
from shared.messages.kinds import FACTS, MOVED

NOT_CAPPED: Final = frozenset({"reversal", "close_account"})
"""Types that take from a customer's account and are neither facts nor asked for by who pays."""


def see_ends(
    books: Books, shard: Shard, leg: Mapping[str, Any], number: int, seq: int
) -> tuple[Account, Account] | None:
    """See that a movement, of this number within its event, is between two accounts that can have it."""
    debit = books.accounts.get(leg["debit_account"])
    credit = books.accounts.get(leg["credit_account"])
    if not books.see(
        "movements",
        debit is not None
        and credit is not None
        and leg["leg"] == number
        and debit.asset_id == credit.asset_id == leg["asset_id"]
        and debit.entity_id == credit.entity_id
        and (not debit.is_customer or debit.home == shard.number),
        expected="two accounts of one asset and entity, the debited one at home",
        found=f"leg {leg['leg']}: {leg['debit_account']} and {leg['credit_account']}",
        shard=shard.number,
        seq=seq,
        leg=number,
    ):
        return None
    assert debit is not None
    assert credit is not None
    return debit, credit


def walk_movements(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Move what the movements move, and see that each could be made and leaves what it says."""
    kind: str = row["kind"]
    seq: int = row["seq"]
    at: dict[str, Any] = {"shard": shard.number, "seq": seq}
    detail = {} if row["detail"] is None else json.loads(row["detail"])
    if "opened" in detail:
        walk_opened_within(books, shard, row, detail["opened"])
    resolves, freed = resolved(books, shard, row, legs, detail)
    walk_use(books, shard, row, legs, detail)
    walk_charges(books, shard, row, legs)
    walk_group(books, shard, row, legs, detail)
    is_fact = row["instruction_type"] in FACTS or is_of_facts(row, detail)
    may_pass = is_fact or is_forced(row)
    if not resolves and not is_fact and row["instruction_type"] not in NOT_CAPPED:
        see_caps(books, shard, row, legs)
    passed = False
    seen = credits_seen(books, shard, row)
    if kind in ("TransactionPosted", "TransactionPending"):
        see_executed(books, shard, row, legs, detail)
    if kind == "CreditSwept":
        see_swept(books, shard, row, legs, seen)
    if kind == "ObligationBooked":
        see_obligation(books, shard, row, legs, detail)
    if kind == "PendingReopened":
        see_reopened(books, shard, row, legs, detail)
    if row["instruction_type"] == "accrual":
        walk_accrual(books, shard, row, legs)
    if kind == "TransactionPending":
        open_pending(books, shard, row, legs, detail)
    for number, leg in enumerate(legs):
        books.movements += 1
        at["leg"] = number
        ends = see_ends(books, shard, leg, number, seq)
        if ends is None:
            continue
        debit, _ = ends
        see_booked(books, shard, row, debit.entity_id, at)
        if kind not in ("TransactionVoided", "PendingReopened"):
            see_freezes(books, shard, leg, at)
            see_open(books, shard, row, leg, at)
        taken = shard.rows.setdefault(leg["debit_account"], [0, 0, 0, 0])
        given = shard.rows.setdefault(leg["credit_account"], [0, 0, 0, 0])
        amount: int = leg["amount"]
        if resolves:
            taken[2] -= amount + freed
            given[3] -= amount + freed
        if kind in ("TransactionPending", "PendingReopened"):
            taken[2] += amount
            given[3] += amount
        elif kind in MOVED:
            taken[0] += amount
            given[1] += amount
            shard.touched.update((leg["debit_account"], leg["credit_account"]))
            note_value(books, shard, row, leg)
            note_carried(books, shard, row, leg)
        for side, counters in (("debit", taken), ("credit", given)):
            balance = counters[1] - counters[0]
            books.see(
                "after_balances",
                balance == leg[f"{side}_balance_after"],
                expected=f"{side} {balance}",
                found=f"{side} {leg[f'{side}_balance_after']}",
                **at,
            )
        books.see(
            "limits",
            min(*taken, *given) >= 0 and max(taken[0] + taken[2], given[1] + given[3]) <= AMOUNT_MAX,
            expected=f"counters from 0 to {AMOUNT_MAX}",
            found=[taken, given],
            **at,
        )
        limit = limit_of(shard, leg["debit_account"], debit)
        needs_funds = not resolves and kind != "PendingReopened"
        if needs_funds and debit.is_customer and limit is not None:
            foreign = seen.get(leg["debit_account"], 0)
            expired = expired_of(shard, leg["debit_account"], debit)
            frozen = frozen_of(shard, leg["debit_account"])
            arriving = arriving_by(shard, row, leg["debit_account"]) if is_fact else 0
            left = taken[1] - taken[0] - taken[2] + expired + arriving + limit + foreign - frozen
            to_come = still_to_come(
                shard, row, leg["debit_account"], debit.entity_id, foreign, may_pass=may_pass
            )
            passed = passed or left - to_come < 0
            if not may_pass or (frozen and not is_fact):
                books.see("limits", left >= 0, expected="at least 0 available", found=left, **at)
            if not may_pass:
                there = left - to_come
                books.see("value_dates", there >= 0, expected="at least 0 by then", found=there, **at)
    if may_pass:
        marked = detail.get("limit_passed", False)
        at["leg"] = None
        books.see("limits", passed == marked, expected=f"limit passed: {passed}", found=marked, **at)


async def compare_balances(connection: Connection, books: Books) -> None:
    """Every stored row is what the movements come to; rows of zeros may be there or not."""
    derived = {
        (shard.number, account_id): counters
        for shard in books.shards.values()
        for account_id, counters in shard.rows.items()
    }
    async for row in connection.cursor(
        """
        SELECT shard, account_id, debits_posted, credits_posted, debits_pending, credits_pending
        FROM transactions.balance
        ORDER BY shard, account_id
        """,
        prefetch=PREFETCH,
    ):
        shard, account_id, *found = row
        expected = derived.pop((shard, account_id), [0, 0, 0, 0])
        if expected == found:
            books.see_many("balances", 1)
            continue
        code = books.accounts[account_id].code if account_id in books.accounts else "?"
        books.see("balances", False, expected=f"{code}: {expected}", found=f"{code}: {found}", shard=shard)
    for (number, account_id), counters in derived.items():
        if any(counters):
            code = books.accounts[account_id].code
            books.see(
                "balances",
                False,
                expected=f"{code}: {counters}",
                found=f"{code}: no row",
                shard=number,
            )


def compare_foreign_credits(books: Books) -> None:
    """No decision saw more credits from other shards than there have ever been."""
    for shard in books.shards.values():
        for account_id, seen in shard.seen.items():
            posted = sum(
                other.rows[account_id][1]
                for other in books.shards.values()
                if other.number != shard.number and account_id in other.rows
            )
            books.see(
                "foreign_credits",
                seen <= posted,
                expected=f"at most {posted}",
                found=seen,
                shard=shard.number,
            )


async def compare_sides(connection: Connection, books: Books) -> dict[str, dict[str, str]]:
    """In each asset, debits equal credits, posted and pending, over all stored balances."""
    assets: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(
        """
        SELECT asset.code, asset.scale, sum(debits_posted) AS debits, sum(credits_posted) AS credits,
               sum(debits_pending) AS debits_pending, sum(credits_pending) AS credits_pending
        FROM transactions.balance
        JOIN transactions.account USING (account_id)
        JOIN transactions.asset USING (asset_id)
        GROUP BY asset.asset_id
        HAVING sum(debits_posted) + sum(credits_posted) + sum(debits_pending) + sum(credits_pending) > 0
        ORDER BY asset.code
        """
    ):
        debited, credited = int(row["debits"]), int(row["credits"])
        books.see(
            "debits_equal_credits",
            debited == credited and row["debits_pending"] == row["credits_pending"],
            expected=f"{row['code']} {debited}",
            found=f"{row['code']} {credited}",
        )
        assets[row["code"]] = {
            "debits": decimal_of(debited, row["scale"]),
            "credits": decimal_of(credited, row["scale"]),
        }
    return assets


async def compare_counters(connection: Connection, books: Books) -> None:
    """Hold what the movements come to against what is stored, and against what other shards saw of it."""
    await compare_balances(connection, books)
    compare_foreign_credits(books)


MOVEMENTS: Final = Effect(
    compare=compare_counters,
    kinds={
        "TransactionPosted": walk_movements,
        "TransactionPending": walk_movements,
        "TransactionVoided": walk_movements,
        "CreditSwept": walk_movements,
        "ObligationBooked": walk_movements,
        "PendingReopened": walk_movements,
    },
)
