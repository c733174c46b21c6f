"""What counts as there: for a trade also what others bring by its own day, for all else what is settled."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries import Moment, account_show
from tests.transactions.support import (
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    instruction,
    opening,
    outcome,
    table,
    trade,
    transfer,
    withdrawal,
)
from tests.transactions.test_expiry import ALICE, day
from tests.transactions.test_trades import HELD, a_broker, ending


def buy(quantity: str, money: str, due: str | None) -> dict[str, object]:
    """Alice buys, to be settled on a day."""
    return trade("alice", "buy", quantity, money, contractual_settlement_date=due)


def sell(quantity: str, money: str, due: str | None) -> dict[str, object]:
    """Alice sells, to be settled on a day."""
    return trade("alice", "sell", quantity, money, contractual_settlement_date=due)


SOLD = table("""
    bought_due  sold_due    quantity  limit_passed
    2026-01-05  2026-01-05  14        no             # what was bought yesterday
    2026-01-05  2026-01-06  14        no
    2026-01-05  2026-01-04  14        yes            # it comes too late
    2026-01-05  2026-01-05  15        yes            # one more than there will be
    2026-01-05  -           14        yes            # nobody knows by when
    -           2026-01-05  14        yes            # nobody knows when
    -           -           10        no             # it is there
""")


@pytest.mark.parametrize(
    "row", SOLD, ids=lambda row: f"{row['bought_due']} {row['sold_due']} {row['quantity']}"
)
def test_what_was_bought_may_be_sold_before_it_is_settled(row: dict[str, str]) -> None:
    """If it comes by the day of the sale; a trade is booked all the same, and says so."""
    ledger = a_broker()
    ledger.send(buy("4", "60.00", row["bought_due"] or None))
    (sold,) = ledger.send(sell(row["quantity"], "100.00", row["sold_due"] or None))
    assert outcome(sold) == "pending"
    assert sold.get("limit_passed", False) == (row["limit_passed"] == "yes")


def test_what_was_sold_may_pay_for_what_is_bought() -> None:
    """Money counts as securities do."""
    ledger = a_broker()
    ledger.send(sell("4", "60.00", "2026-01-05"))
    (bought,) = ledger.send(buy("1", "160.00", "2026-01-05"))
    assert "limit_passed" not in bought
    (bought,) = ledger.send(buy("1", "0.01", "2026-01-05"))
    assert bought["limit_passed"] is True


@pytest.mark.parametrize("how", ["custody_transfer", "transfer", "reserve", "withdrawal"])
def test_what_is_not_settled_cannot_leave(how: str) -> None:
    """A delivery, a transfer, a reserve or a withdrawal needs what is there, whatever day it names."""
    ledger = a_broker()
    ledger.send(opening("alice", "alice/other"), custody("alice", "alice/box"))
    ledger.send(buy("4", "60.00", "2026-01-05"), sell("2", "90.00", "2026-01-05"))
    late = {"contractual_settlement_date": "2026-02-01"}
    message = {
        "custody_transfer": custody_transfer("alice", "deliver", "9", **late),
        "transfer": transfer("alice", "alice/other", "40.01", **late),
        "reserve": instruction(
            "reserve", owner="alice", account="alice", amount="40.01", asset="EUR", **late
        ),
        "withdrawal": withdrawal("alice", "40.01", **late),
    }[how]
    (event,) = ledger.send(message)
    assert event.get("limit_passed") or outcome(event) == "insufficient_funds"


@pytest.mark.parametrize("kind", ["post_pending", "void_pending"])
def test_a_purchase_counts_while_it_is_pending(kind: str) -> None:
    """Of what is settled in part, the rest; what is cancelled, not at all; what is settled is there."""
    ledger = a_broker()
    (bought,) = ledger.send(buy("4", "60.00", "2026-01-05"))
    ledger.send(ending("post_pending", bought, amount="1", final=False))
    ledger.send(sell("11", "1.00", "2026-01-05"))
    ledger.send(ending(kind, bought))
    (sold,) = ledger.send(sell("3", "1.00", "2026-01-05"))
    assert sold.get("limit_passed", False) == (kind == "void_pending")


@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 12), st.integers(3, 6)), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.booleans(), st.integers(1, 12)), max_size=8),
    st.integers(0, 20),
)
@settings(deadline=None)
def test_what_counts_is_the_sum_of_what_is_pending(
    trades: list[tuple[str, int, int]], ends: list[tuple[int, bool, int]], forget_at: int
) -> None:
    """However trades came and ended, and whether the memory was read anew in between."""
    ledger = a_broker()
    open_trades: list[tuple[dict[str, object], str, int, int]] = []
    for step, (side, quantity, due) in enumerate(trades):
        held = ledger.balance(HELD) + sum(
            left if side_ == "buy" else -left
            for _, side_, left, due_ in open_trades
            if side_ == "sell" or due_ <= due
        )
        given_day = f"2026-01-0{due}"
        (event,) = ledger.send(
            trade("alice", side, str(quantity), "0.01", contractual_settlement_date=given_day)
        )
        if side == "sell":
            assert event.get("limit_passed", False) == (quantity > held)
        open_trades.append((event, side, quantity, due))
        if step < len(ends):
            which, is_cancelled, amount = ends[step]
            event, side_, left, due_ = open_trades.pop(which % len(open_trades))
            if is_cancelled or amount >= left:
                ledger.send(ending("void_pending" if is_cancelled else "post_pending", event))
            else:
                ledger.send(ending("post_pending", event, amount=str(amount), final=False))
                open_trades.append((event, side_, left - amount, due_))
        if step == forget_at:
            for state in ledger.states.values():
                kept, state.arriving = state.arriving, {}
                state.expiries, state.settling = {}, {}
                state.index_pendings()
                assert state.arriving == kept


async def test_what_is_to_arrive_outlives_the_memory(ledger: StoredLedger) -> None:
    """It is worked out anew from what is pending."""
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    fields = {"contractual_settlement_date": "2026-01-05"}
    (bought,) = await ledger.send(trade(ALICE, "buy", "3", "10.00", **fields))
    await ledger.send(ending("post_pending", bought, amount="1", final=False))
    kept = {shard: each.arriving for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    assert kept == {shard: each.arriving for shard, each in ledger.service.memory.shards.items()}
    one, two = await ledger.send(*(trade(ALICE, "sell", each, "1.00", **fields) for each in ("3", "1")))
    assert (one.get("limit_passed"), two.get("limit_passed")) == (None, True)


async def test_holdings_are_shown_as_traded_settled_and_available(ledger: StoredLedger) -> None:
    """By settlement date and by trade date alike: the customer's side is the same."""
    box = f"{ALICE}/custody"
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(custody_transfer(ALICE, "receive", "10"))
    figures: list[tuple[str, ...]] = []
    for booking_date in ("2026-01-04", "2026-01-05"):
        await ledger.send(*day(booking_date))
        bought, sold = [
            each
            for each in await ledger.send(trade(ALICE, "buy", "4", "6.00"), trade(ALICE, "sell", "7", "9.00"))
            if "source" in each
        ]
        await ledger.send(ending("post_pending", bought, amount="1", final=False))
        shown = await account_show(ledger.connection, box)
        assert shown is not None
        (holding,) = shown["holdings"]
        names = ("traded", "settled", "pending_in", "pending_out", "available")
        figures.append(tuple(holding[name] for name in names))
        await ledger.send(ending("post_pending", sold), ending("void_pending", bought))
        await ledger.send(custody_transfer(ALICE, "receive", "6"))
    assert figures == [("7", "11", "3", "7", "4")] * 2


async def test_by_date_a_holding_is_what_is_settled(ledger: StoredLedger) -> None:
    """What is pending has no date: a sum with what waits now would be of no day at all."""
    box = f"{ALICE}/custody"
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(custody_transfer(ALICE, "receive", "10"), *day("2026-01-05"))
    await ledger.send(custody_transfer(ALICE, "deliver", "1"), trade(ALICE, "sell", "7", "9.00"))
    for moment, settled in (
        (Moment(booking_date=date(2026, 1, 4)), "10"),
        (Moment(value_date=date(2026, 1, 5)), "9"),
    ):
        shown = await account_show(ledger.connection, box, moment)
        assert shown is not None
        (holding,) = shown["holdings"]
        assert (holding["settled"], holding["traded"], holding["available"]) == (settled, None, None)
        assert (holding["pending_in"], holding["pending_out"]) == ("0", "7")
