"""Interest accrues without losing what the rounding of each step would."""

from fractions import Fraction
from math import floor
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.queries.verifying import verify
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PureLedger,
    StoredLedger,
    closing,
    instruction,
    opening,
    outcome,
    owner_in,
    reversal,
    table,
)

ALICE = owner_in(1, "alice")


def accrual(cumulative: str, account: str = ALICE, **fields: Any) -> dict[str, Any]:
    """So much has accrued on an account of Alice's."""
    given = {"owner": ALICE, "series": "q1", "asset": "EUR", **fields}
    return instruction("accrual", account=account, cumulative=cumulative, **given)


def a_bank() -> PureLedger:
    """Alice with an account that holds nothing, and one that is closing."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(ALICE, "shut"), closing(ALICE, "shut"))
    ledger.events.clear()
    return ledger


STEPS = table("""
    cumulative     amount  outcome
    0.004          -       applied
    0.005          0.01    posted    # half a minor unit
    0.0149999      -       applied
    0.015          0.01    posted
    10.273972603   10.25   posted
    9.9            -0.37   posted    # less than was posted: taken back
    0              -9.90   posted
    0.0            -       applied
""")


@pytest.mark.parametrize("direction", ["credit", "debit"])
def test_what_is_posted_is_all_that_has_accrued_less_what_was_posted(direction: str) -> None:
    """In the holder's favour or the firm's; what was posted too much goes the other way."""
    ledger = a_bank()
    for row in STEPS:
        (event,) = ledger.send(accrual(row["cumulative"], direction=direction))
        assert outcome(event) == row["outcome"], row
        if row["outcome"] == "posted":
            (movement,) = event["movements"]
            is_given = movement["credit"]["account"] == ALICE
            assert movement["amount"] == row["amount"].removeprefix("-")
            assert is_given == ((direction == "credit") != row["amount"].startswith("-"))
            assert movement["kind"] == "interest"
        else:
            assert event["account"]["account"] == ALICE
    assert ledger.balance(ALICE) == 0


@given(st.lists(st.fractions(min_value=0, max_value=1000, max_denominator=10_000), min_size=1, max_size=12))
def test_however_many_steps_no_rounding_adds_up(steps: list[Fraction]) -> None:
    """The balance is what has accrued, rounded once."""
    ledger = a_bank()
    for step in steps:
        digits = f"{floor(step * 10**20):021}"
        ledger.send(accrual(f"{digits[:-20]}.{digits[-20:]}"))
    exact = Fraction(floor(steps[-1] * 10**20), 10**20)
    assert ledger.balance(ALICE) == floor(exact * 100 + Fraction(1, 2))


WRONG = table("""
    field       value            outcome                   routed
    cumulative  -1               amount_negative           -
    cumulative  1,5              amount_malformed          -
    cumulative  123456789012345  amount_too_large          -
    asset       XXY              asset_unknown             -
    asset       USD              posted                    asset_mismatch
    account     nobody           posted                    account_unknown
    account     shut             posted                    account_closed
""")


@pytest.mark.parametrize("row", WRONG, ids=lambda row: f"{row['field']} {row['value']}")
def test_an_accrual_is_a_fact_with_a_number_in_it(row: dict[str, str]) -> None:
    """For an account that cannot take it, it goes elsewhere, and there only once."""
    ledger = a_bank()
    given = {"cumulative": "1.239", row["field"]: row["value"]}
    (event,) = ledger.send(accrual(**given))
    assert (outcome(event), event.get("routed", "")) == (row["outcome"], row["routed"])
    if row["routed"]:
        assert event["movements"][0]["amount"] == "1.24"
        (again,) = ledger.send(accrual(**given))
        expected = "applied" if row["routed"] == "account_closed" else row["routed"]
        assert outcome(again) == expected


def test_series_are_apart_and_an_accrual_is_not_reversed() -> None:
    """A new series begins at nothing; what was too much is corrected by the next step."""
    ledger = a_bank()
    first = accrual("5.00")
    events = ledger.send(first, accrual("2.00", series="q2"), reversal(first))
    assert [outcome(each) for each in events] == ["posted", "posted", "original_not_reversible"]
    assert ledger.balance(ALICE) == 700


def test_an_accrual_in_another_direction_or_asset_is_of_another_series() -> None:
    """What the firm owes is not set off against what it is owed, nor one currency against another."""
    ledger = a_bank()
    said = [{"direction": "credit"}, {"direction": "debit"}, {"asset": "USD"}, {"direction": "credit"}]
    steps = zip(["1.23", "2.00", "0.50", "1.25"], said, strict=True)
    events = [ledger.send(accrual(cumulative, **fields))[0] for cumulative, fields in steps]
    moved = [each["movements"][0] for each in events]
    assert [each["amount"] for each in moved] == ["1.23", "2.00", "0.50", "0.02"]
    assert [each["credit"]["account"] == ALICE for each in moved] == [True, False, False, True]
    assert events[2]["routed"] == "asset_mismatch"
    assert ledger.balance(ALICE) == 125 - 200


async def test_what_was_posted_is_remembered(ledger: StoredLedger, ledger_database: LedgerDatabase) -> None:
    """After a claim the next step goes on from there, and the verifier derives it."""
    await ledger.send(opening(ALICE), accrual("1.004"), accrual("1.0049"), accrual("3", series="q2"))
    await ledger.send(accrual("0.40", direction="debit"), accrual("0.30", asset="USD"))
    await ledger.forget()
    events = await ledger.send(accrual("1.005"), accrual("1.0051"), accrual("0.40", direction="debit"))
    assert [outcome(each) for each in events] == ["posted", "applied", "applied"]
    assert events[0]["movements"][0]["amount"] == "0.01"
    result = await verify(ledger_database.readonly)
    assert result.first_difference is None
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    await owner.execute("UPDATE accrual SET posted_minor = posted_minor + 1 WHERE series = 'q2'")
    tampered = await verify(ledger_database.readonly)
    assert [each.name for each in tampered.checks if not each.ok] == ["accruals"]
    await owner.close()
