"""Trades: set aside with the money for them, settled whole or part by part, or cancelled."""

# ruff: noqa: E501 - tables are as wide as what they show

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.money import format_amount
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    instruction,
    opening,
    outcome,
    table,
    trade,
)
from tests.transactions.test_outcomes import freezing

HELD = f"alice/custody#{ISIN}"


def a_broker() -> PureLedger:
    """Alice with 100.00 EUR and ten shares, Bob with a custody account and nothing in it."""
    ledger = PureLedger()
    ledger.send(
        *(opening(owner) for owner in ("alice", "bob")), *(custody(owner) for owner in ("alice", "bob"))
    )
    ledger.send(deposit("alice", "100.00"), custody_transfer("alice", "receive", "10"))
    return ledger


def ending(kind: str, event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Settle or cancel a trade."""
    return instruction(kind, owner=event["owner"], pending_id=event["instruction_id"], **fields)


def counters(ledger: PureLedger, code: str) -> tuple[int, int, int]:
    """Balance, pending out and pending in, of an account."""
    account_id = ledger.accounts[code].account_id
    rows = [state.balances.get(account_id, [0, 0, 0, 0]) for state in ledger.states.values()]
    balance, pending_out, pending_in = (
        sum(column) for column in zip(*((row[1] - row[0], row[2], row[3]) for row in rows), strict=True)
    )
    return balance, pending_out, pending_in


TRADES = table("""
    side  quantity  amount  commission  custody        cash    into  location    outcome                   routed           limit_passed
    buy   4         60.00   1.50        alice/custody  alice   EUR   depository  pending                   -                -
    sell  4         60.00   1.50        alice/custody  alice   EUR   depository  pending                   -                -
    sell  4         60.00   -           alice/custody  alice   EUR   depository  pending                   -                -
    buy   4         100.01  1.50        alice/custody  alice   EUR   depository  pending                   -                yes   # it was executed
    sell  11        60.00   1.50        alice/custody  alice   EUR   depository  pending                   -                yes
    buy   4         60.00   1.50        nobody         alice   EUR   depository  pending                   account_unknown  -
    buy   4         60.00   1.50        bob/custody    alice   EUR   depository  pending                   asset_mismatch   -
    sell  4         60.00   1.50        alice/custody  bob     EUR   depository  pending                   wrong_owner      -
    buy   4         60.00   1.50        alice/custody  alice   USD   depository  pending                   asset_mismatch   -
    buy   4         60.00   1.50        alice/custody  alice   EUR   nowhere     asset_not_used            -                -
    buy   4         60.00   60.00       alice/custody  alice   EUR   depository  commission_too_high       -                -   # nothing is left for the securities
    sell  4         60.00   60.00       alice/custody  alice   EUR   depository  pending                   -                -
    buy   4         60.00   0           alice/custody  alice   EUR   depository  amount_zero               -                -
    buy   1.5       60.00   -           alice/custody  alice   EUR   depository  amount_too_many_decimals  -                -
    buy   4         60.001  -           alice/custody  alice   EUR   depository  amount_too_many_decimals  -                -
    swap  4         60.00   -           alice/custody  alice   EUR   depository  field_value_unknown       -                -
""")


@pytest.mark.parametrize(
    "row",
    TRADES,
    ids=lambda row: f"{row['side']} {row['quantity']} {row['amount']} {row['outcome']} {row['routed']}",
)
def test_a_trade_is_set_aside_until_it_is_settled(row: dict[str, str]) -> None:
    """A fact: it is never lost; nothing of it moves yet."""
    ledger = a_broker()
    fields = {
        "custody_account": row["custody"],
        "cash_account": row["cash"],
        "settlement_asset": row["into"],
        "location": row["location"],
        "commission": row["commission"] or None,
    }
    before = {code: ledger.balance(code) for code in ledger.accounts}
    (event,) = ledger.send(trade("alice", row["side"], row["quantity"], row["amount"], **fields))
    assert outcome(event) == row["outcome"]
    assert before == {code: ledger.balance(code) for code in before}
    if row["outcome"] != "pending":
        return
    assert event.get("screening") is False
    assert event.get("routed", "") == row["routed"]
    assert event.get("limit_passed", False) == (row["limit_passed"] == "yes")
    assert [each["kind"] for each in event["movements"]] == ["principal", "principal", "commission"][
        : 3 if row["commission"] else 2
    ]


@pytest.mark.parametrize(
    ("side", "shares", "money", "settled"),
    [
        ("buy", (10, 0, 4), (100_00, 60_00, 0), (14, 40_00)),
        ("sell", (10, 4, 0), (100_00, 0, 60_00), (6, 160_00)),
    ],
)
def test_a_trade_moves_both_when_it_is_settled(
    side: str, shares: tuple[int, int, int], money: tuple[int, int, int], settled: tuple[int, int]
) -> None:
    """Securities against money, and the commission to the firm."""
    ledger = a_broker()
    (event,) = ledger.send(trade("alice", side, "4", "60.00", commission="1.50"))
    assert (counters(ledger, HELD), counters(ledger, "alice")) == (shares, money)
    (posted,) = ledger.send(ending("post_pending", event))
    assert outcome(posted) == "posted"
    assert (counters(ledger, HELD), counters(ledger, "alice")) == ((settled[0], 0, 0), (settled[1], 0, 0))
    assert ledger.balance("BANK/fee_income/EUR") == 1_50
    assert ledger.balance(f"BANK/depository/{ISIN}") == -settled[0]
    assert outcome(ledger.send(ending("post_pending", event))[0]) == "pending_resolved"


def test_a_first_purchase_opens_the_account_of_the_security() -> None:
    """With the trade, so that what waits to come is seen there; a cancelled one leaves it empty."""
    ledger = a_broker()
    ledger.send(deposit("bob", "10.00"))
    (event,) = ledger.send(trade("bob", "buy", "1", "9.00"))
    assert event["opened"] == f"bob/custody#{ISIN}"
    (voided,) = ledger.send(ending("void_pending", event))
    assert (outcome(voided), len(voided["movements"])) == ("void_requested", 2)
    assert counters(ledger, f"bob/custody#{ISIN}") == (0, 0, 0)
    assert ledger.balance("bob") == 10_00


PARTS = table("""
    amount  final  outcome
    1       no     posted
    4       yes    posted                    # all of it
    -       yes    posted
    3       yes    rest_remains              # nobody said what becomes of the fourth
    5       no     amount_exceeds_pending
    1.5     no     amount_too_many_decimals
""")


@pytest.mark.parametrize("row", PARTS, ids=lambda row: f"{row['amount']} {row['final']} {row['outcome']}")
def test_a_part_of_a_trade_is_settled_or_refused(row: dict[str, str]) -> None:
    """By the quantity; the rest of a trade is cancelled by an instruction of its own."""
    ledger = a_broker()
    (event,) = ledger.send(trade("alice", "buy", "4", "60.00", commission="1.50"))
    part = ending("post_pending", event, amount=row["amount"] or None, final=row["final"] == "yes")
    assert outcome(ledger.send(part)[0]) == row["outcome"]


@given(
    st.integers(1, 50).flatmap(
        lambda total: st.tuples(st.just(total), st.lists(st.integers(1, total), max_size=12))
    ),
    st.integers(5_01, 90_00),
    st.integers(1, 5_00),
    st.booleans(),
)
@settings(deadline=None)
def test_the_parts_of_a_trade_sum_exactly(
    drawn: tuple[int, list[int]], money: int, commission: int, cancelled: bool
) -> None:
    """However it is cut, the last part or what is cancelled takes what rounding has left."""
    total, parts = drawn
    ledger = a_broker()
    fees = format_amount(commission, 2)
    (event,) = ledger.send(trade("alice", "buy", str(total), format_amount(money, 2), commission=fees))
    done = 0
    for part in parts:
        if done + part >= total:
            break
        (posted,) = ledger.send(ending("post_pending", event, amount=str(part), final=False))
        assert outcome(posted) == "posted"
        done += part
        so_far = 100_00 - ledger.balance("alice")
        assert abs(so_far * total - money * done) * 2 <= total
    ledger.send(ending("void_pending" if cancelled else "post_pending", event))
    spent = 100_00 - ledger.balance("alice")
    assert counters(ledger, "alice")[1:] == counters(ledger, HELD)[1:] == (0, 0)
    assert ledger.balance(HELD) == 10 + (done if cancelled else total)
    if not cancelled:
        assert (spent, ledger.balance("BANK/fee_income/EUR")) == (money, commission)


def test_a_freeze_stops_settlement_and_not_the_trade_before_it() -> None:
    """What was executed is set aside; it settles once the freeze is lifted."""
    ledger = a_broker()
    (event,) = ledger.send(trade("alice", "sell", "4", "60.00"))
    ledger.send(freezing("alice", "f", "debit") | {"account": "alice/custody"})
    assert outcome(ledger.send(ending("post_pending", event))[0]) == "account_frozen"
    (kept,) = ledger.send(trade("alice", "sell", "1", "15.00"))
    assert (kept["routed"], kept["movements"][0]["debit"]["account"]) == (
        "account_frozen",
        f"BANK/blocked_funds/{ISIN}",
    )
    ledger.send(instruction("unfreeze_account", owner="alice", account="alice/custody", freeze_id="f"))
    assert outcome(ledger.send(ending("post_pending", event))[0]) == "posted"


async def test_a_trade_outlives_the_memory(ledger: StoredLedger) -> None:
    """Part of it settled before, part after: what is left is read from the tables."""
    await ledger.send(opening("alice"), custody("alice"), deposit("alice", "100.00"))
    (event,) = await ledger.send(trade("alice", "buy", "3", "10.00", commission="0.02"))
    await ledger.send(ending("post_pending", event, amount="1", final=False))
    kept = {shard: each.pendings for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    read = {shard: each.pendings for shard, each in ledger.service.memory.shards.items()}
    amounts = [
        [[leg.amount for leg in each.legs] for pendings in found.values() for each in pendings.values()]
        for found in (kept, read)
    ]
    assert amounts[0] == amounts[1] == [[2, 6_67, 1]]
    (posted,) = await ledger.send(ending("post_pending", event))
    assert [each["amount"] for each in posted["movements"]] == ["2", "6.67", "0.01"]
