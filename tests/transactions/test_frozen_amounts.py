"""Freezes of an amount: what they keep of the available balance, from whom, and what passes them."""

from typing import Any

import pytest

from tests.transactions.support import (
    ISIN,
    PureLedger,
    closing,
    custody,
    custody_transfer,
    deposit,
    instruction,
    limiting,
    opening,
    outcome,
    owner_in,
    received,
    reversal,
    table,
    transfer,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
RIGHT: dict[str, Any] = {
    "forced": True,
    "reason": "an error",
    "entered_by": "op:jane",
    "approved_by": "op:joe",
}


def keeping(amount: str | None, freeze_id: str = "f", **fields: Any) -> dict[str, Any]:
    """Freeze an amount on Alice's account, or all debits."""
    given = {"account": ALICE, "authority": "court", "direction": "debit", **fields}
    return instruction("freeze_account", owner=ALICE, freeze_id=freeze_id, amount=amount, **given)


def lifting(freeze_id: str = "f") -> dict[str, Any]:
    """Lift a freeze of Alice's account."""
    return instruction("unfreeze_account", owner=ALICE, account=ALICE, freeze_id=freeze_id)


def a_bank(limit: str | None = "0") -> PureLedger:
    """Alice and Bob in different shards, with 100.00 EUR each."""
    ledger = PureLedger()
    ledger.send(opening(ALICE) | {"limit": limit}, opening(BOB), custody(ALICE))
    ledger.send(deposit(ALICE, "100.00"), deposit(BOB, "100.00"))
    ledger.events.clear()
    return ledger


FORMS = table("""
    amount                account   direction  outcome                    field
    60.00                 -         debit      applied                    -
    60.00                 -         -          direction_not_debit        direction   # both is the default
    60.00                 -         both       direction_not_debit        direction
    60.00                 -         credit     direction_not_debit        direction
    92233720368547758.07  -         debit      applied                    -           # what comes, too
    92233720368547758.08  -         debit      amount_too_large           amount
    0.00                  -         debit      amount_zero                amount
    -1.00                 -         debit      amount_negative            amount
    0.001                 -         debit      amount_too_many_decimals   amount
    x                     -         debit      amount_malformed           amount
    0.001                 nobody    debit      account_unknown            account     # its scale is not known
    1                     custody   debit      account_class_not_allowed  account     # of which security?
    0.001                 custody   debit      account_class_not_allowed  account
""")  # fmt: skip


@pytest.mark.parametrize("row", FORMS, ids=lambda row: f"{row['amount']} {row['direction']} {row['account']}")
def test_an_amount_is_frozen_for_debits_of_one_asset(row: dict[str, str]) -> None:
    """Spelt as all amounts are."""
    account = {"": ALICE, "nobody": "nobody", "custody": f"{ALICE}/custody"}[row["account"]]
    (event,) = a_bank().send(keeping(row["amount"], account=account, direction=row["direction"] or None))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["field"])
    if row["outcome"] == "applied":
        assert event["instruction"]["amount"] == row["amount"]


DEBITS = table("""
    limit  frozen       amount  outcome
    0      60.00        40.00   posted
    0      60.00        40.01   amount_frozen
    0      60.00        100.00  amount_frozen
    0      60.00        100.01  insufficient_funds   # there is not so much anyhow
    0      60.00,30.00  10.00   posted               # they add up
    0      60.00,30.00  10.01   amount_frozen
    0      60.00,all    1.00    account_frozen       # all is stopped while any freeze of all stands
    0      500.00       0.01    amount_frozen        # more than there is
    50.00  60.00        90.00   posted               # available is less, wherever it comes from
    50.00  60.00        90.01   amount_frozen
    50.00  60.00        150.01  insufficient_funds
    null   60.00        999.00  posted               # without a limit there is no end to what is available
""")


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", DEBITS, ids=lambda row: f"{row['limit']} {row['frozen']} {row['amount']}")
def test_what_is_frozen_is_not_available(row: dict[str, str], quick: bool, batches: int) -> None:
    """To the last cent, in the batch of the freeze and later; and the reason says which of the two it is."""
    ledger = a_bank(None if row["limit"] == "null" else row["limit"])
    ledger.quick = quick
    freezes = [
        keeping(None if each == "all" else each, f"f{number}")
        for number, each in enumerate(row["frozen"].split(","))
    ]
    records = [received(each) for each in (*freezes, transfer(ALICE, BOB, row["amount"]))]
    for part in (records,) if batches == 1 else (records[:-1], records[-1:]):
        ledger.run(part)
    event = ledger.events[-1]
    assert outcome(event) == row["outcome"]
    if row["outcome"] != "posted":
        assert event["field"] == "debit_account"
    assert ledger.balance(BOB) == 100_00 + (
        int(float(row["amount"]) * 100) if outcome(event) == "posted" else 0
    )


def test_it_keeps_what_comes_too_and_nothing_once_it_is_lifted() -> None:
    """From whatever shard it comes; and a credit is never stopped."""
    ledger = a_bank()
    ledger.send(keeping("250.00"))
    assert outcome(ledger.send(transfer(BOB, ALICE, "100.00"))[0]) == "posted"
    (event,) = ledger.send(transfer(ALICE, BOB, "1.00"))
    assert outcome(event) == "amount_frozen"
    assert ledger.decisions[event["shard"]][-1].seen is not None, "what it saw of other shards is kept"
    ledger.send(deposit(ALICE, "51.00"))
    assert outcome(ledger.send(transfer(ALICE, BOB, "1.00"))[0]) == "posted"
    assert outcome(ledger.send(transfer(ALICE, BOB, "0.01"))[0]) == "amount_frozen"
    ledger.send(lifting())
    assert outcome(ledger.send(transfer(ALICE, BOB, "250.00"))[0]) == "posted"


def test_what_was_reserved_before_it_is_not_kept() -> None:
    """Posting a reserve asks for no funds, and a freeze of an amount does not stop debits as such."""
    ledger = a_bank()
    reserve = instruction("reserve", owner=ALICE, account=ALICE, amount="80.00", asset="EUR")
    post = instruction("post_pending", owner=ALICE, pending_id=reserve["instruction_id"])
    events = ledger.send(reserve, keeping("60.00"), transfer(ALICE, BOB, "0.01"), post)
    assert [outcome(each) for each in events] == ["pending", "applied", "amount_frozen", "posted"]


def test_a_fact_takes_what_is_kept_and_says_so() -> None:
    """It has happened; it passes a freeze of an amount as it passes a limit."""
    ledger = a_bank()
    fee = instruction("fee", owner=ALICE, account=ALICE, amount="50.00", asset="EUR")
    (_, event) = ledger.send(keeping("60.00"), fee)
    assert (outcome(event), event["limit_passed"]) == ("posted", True)
    assert event["movements"][0]["debit"]["account"] == ALICE


@pytest.mark.parametrize(("left", "expected"), [("100.00", "amount_frozen"), ("10.00", "amount_frozen")])
def test_a_right_lets_nothing_past_it(left: str, expected: str) -> None:
    """A forced reversal may pass the limit, but takes nothing that is kept for somebody else."""
    ledger = a_bank()
    message = deposit(ALICE, "40.00")
    ledger.send(message, transfer(ALICE, BOB, f"{140 - float(left):.2f}"), keeping(f"{float(left) - 5:.2f}"))
    (event,) = ledger.send(reversal(message, **RIGHT))
    assert (outcome(event), event["field"]) == (expected, "original_id")
    (_, event) = ledger.send(lifting(), reversal(message, **RIGHT))
    assert outcome(event) == "posted"


def test_an_account_does_not_close_while_it_stands() -> None:
    """Whoever had it placed must lift it first."""
    ledger = a_bank()
    ledger.send(transfer(ALICE, BOB, "100.00"), keeping("1.00"))
    assert outcome(ledger.send(closing(ALICE))[0]) == "account_frozen"
    assert [outcome(each) for each in ledger.send(lifting(), closing(ALICE))] == ["applied", "applied"]


def test_a_number_of_a_security_is_kept() -> None:
    """On the account within the custody account, in its own units."""
    ledger = a_bank()
    held = f"{ALICE}/custody#{ISIN}"
    ledger.send(custody_transfer(ALICE, "receive", "10"), keeping("4", account=held))
    sent = instruction(
        "transfer", owner=ALICE, debit_account=held, credit_account=f"{ALICE}/other", amount="7", asset=ISIN
    )
    ledger.send(opening(ALICE, f"{ALICE}/other", asset=ISIN, **{"class": "custody"}))
    assert outcome(ledger.send(sent)[0]) == "amount_frozen"
    (event,) = ledger.send(custody_transfer(ALICE, "deliver", "7"))
    assert event["limit_passed"], "a delivery that has happened is booked"


def test_a_limit_lowered_beside_it_counts_with_it() -> None:
    """Available is what is there, plus the limit in force, less what is frozen."""
    ledger = a_bank("50.00")
    ledger.send(keeping("60.00"), limiting(ALICE, "0"))
    assert outcome(ledger.send(transfer(ALICE, BOB, "40.01"))[0]) == "amount_frozen"
    assert outcome(ledger.send(transfer(ALICE, BOB, "40.00"))[0]) == "posted"
