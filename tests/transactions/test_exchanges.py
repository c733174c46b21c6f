"""A customer's exchange with the firm: two movements or none, at a rate that the amounts agree with."""

# ruff: noqa: E501 - tables are as wide as what they show

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.domain.chart import Dated, ScreeningPolicy
from shared.money import AmountError, format_amount, parse_rate
from tests.transactions.support import (
    PureLedger,
    answer,
    deposit,
    exchange,
    instruction,
    opening,
    outcome,
    table,
)
from tests.transactions.test_outcomes import freezing


def a_bank() -> PureLedger:
    """Alice with 100.00 EUR and an account in USD, Bob with the same; a third account at another entity."""
    ledger = PureLedger()
    ledger.send(
        *(opening(owner) for owner in ("alice", "bob")),
        *(opening(owner, f"{owner}/USD", asset="USD") for owner in ("alice", "bob")),
        opening("alice", "alice/broker", entity="BROKER"),
        opening("alice", "alice/isin", asset="US0378331005", **{"class": "custody"}),
        *(deposit(owner, "100.00") for owner in ("alice", "bob")),
    )
    return ledger


OUTCOMES = table("""
    owner  debit            gives    from credit           takes    into          rate        unit    outcome
    alice  alice            100.00   EUR  alice/USD        108.52   USD           1.0852      debit   posted
    alice  alice            100.00   EUR  alice/USD        108.52   USD           0.92149     credit  posted
    alice  alice            33.33    EUR  alice/USD        36.17    USD           1.0852      debit   posted                     # 36.1697…
    alice  alice            33.33    EUR  alice/USD        36.16    USD           1.0852      debit   posted                     # cut off instead
    alice  alice            33.33    EUR  alice/USD        36.15    USD           1.0852      debit   rate_mismatch
    alice  alice            33.33    EUR  alice/USD        36.19    USD           1.0852      debit   rate_mismatch              # more than a cent off
    alice  alice            33.33    EUR  alice/USD        36.17    USD           1.0852      credit  rate_mismatch              # the wrong way round
    alice  alice            0.06     EUR  alice/USD        10.01    USD           160         debit   posted                     # 0.0626 of a cent rounded
    alice  alice            100.01   EUR  alice/USD        100.01   USD           1           debit   insufficient_funds
    alice  alice            0        EUR  alice/USD        1.00     USD           1           debit   amount_zero
    alice  alice            1.00     EUR  alice/USD        1.001    USD           1           debit   amount_too_many_decimals
    alice  alice            1.00     EUR  alice/USD        1.00     USD           0           debit   amount_zero
    alice  alice            1.00     EUR  alice/USD        1.00     USD           -1          debit   amount_negative
    alice  alice            1.00     EUR  alice/USD        1.00     USD           1e0         debit   amount_malformed
    alice  alice            1.00     EUR  alice/USD        1.00     USD           1           both    field_value_unknown
    alice  alice            1.00     EUR  alice            1.00     EUR           1           debit   assets_same
    alice  alice            1.00     EUR  alice            1.00     USD           1           debit   asset_mismatch
    alice  alice            1.00     EUR  alice/USD        1.00     XXX           1           debit   asset_unknown
    alice  alice            1.00     EUR  nobody           1.00     USD           1           debit   account_unknown
    alice  nobody           1.00     EUR  alice/USD        1.00     USD           1           debit   account_unknown
    alice  alice            1.00     EUR  bob/USD          1.00     USD           1           debit   wrong_owner                # another customer's
    bob    alice            1.00     EUR  bob/USD          1.00     USD           1           debit   wrong_owner
    alice  alice/broker     1.00     EUR  alice/USD        1.00     USD           1           debit   spans_entities
    alice  alice            1.00     EUR  alice/isin       1        US0378331005  1           debit   account_class_not_allowed  # that is a trade
    alice  alice            1.00     EUR  BANK/nostro/USD  1.00     USD           1           debit   account_class_not_allowed
    house  BANK/nostro/EUR  1.00     EUR  BANK/nostro/USD  1.00     USD           1           debit   account_class_not_allowed  # that is a house posting
""")


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['gives']} {row['takes']} {row['outcome']}")
def test_an_exchange_is_posted_or_refused(row: dict[str, str]) -> None:
    """Both movements or neither."""
    ledger = a_bank()
    (event,) = ledger.send(
        exchange(
            row["owner"],
            row["gives"],
            row["takes"],
            row["rate"],
            debit_account=row["debit"],
            credit_account=row["credit"],
            debit_asset=row["from"],
            credit_asset=row["into"],
            rate_unit=row["unit"],
        )
    )
    assert outcome(event) == row["outcome"]
    is_posted = row["outcome"] == "posted"
    assert ledger.balance("alice/USD") == (int(Decimal(row["takes"]) * 100) if is_posted else 0)
    assert ledger.balance("alice") == 100_00 - (int(Decimal(row["gives"]) * 100) if is_posted else 0)


def test_both_movements_go_through_the_houses_positions_in_the_customers_shard() -> None:
    """What the firm gives in one asset and takes in the other is its own position from then on."""
    ledger = a_bank()
    (event,) = ledger.send(exchange("alice", "50.00", "54.26", "1.0852"))
    ends = [(each["debit"]["account"], each["credit"]["account"]) for each in event["movements"]]
    assert ends == [("alice", "BANK/position/EUR"), ("BANK/position/USD", "alice/USD")]
    assert event["shard"] == ledger.accounts["alice"].shard
    assert event["instruction"]["rate"] == "1.0852"
    assert (ledger.balance("BANK/position/EUR"), ledger.balance("BANK/position/USD")) == (50_00, -54_26)


@pytest.mark.parametrize(
    ("code", "direction", "said"),
    [
        ("alice", "debit", "account_frozen"),
        ("alice", "credit", "posted"),
        ("alice/USD", "credit", "account_frozen"),
        ("alice/USD", "debit", "posted"),
    ],
)
def test_a_freeze_of_either_account_stops_both_movements(code: str, direction: str, said: str) -> None:
    """In the direction in which the account would move."""
    ledger = a_bank()
    ledger.send(freezing("alice", "f", direction) | {"account": code})
    (event,) = ledger.send(exchange("alice", "50.00", "54.26", "1.0852"))
    assert outcome(event) == said
    assert ledger.balance("alice") == (50_00 if said == "posted" else 100_00)


@pytest.mark.parametrize(("verdict", "left"), [("cleared", (50_00, 54_26)), ("refused", (100_00, 0))])
def test_an_exchange_is_screened_by_what_is_given(verdict: str, left: tuple[int, int]) -> None:
    """From the amount of the policy on; it is posted or given back whole, and nothing else ends it."""
    ledger = a_bank()
    ledger.chart.policies[1, "exchange", 978] = [Dated(ScreeningPolicy(50_00), date(1900, 1, 1), None)]
    below, event = ledger.send(
        exchange("bob", "49.99", "54.25", "1.0852"), exchange("alice", "50.00", "54.26", "1.0852")
    )
    assert (outcome(below), outcome(event)) == ("posted", "pending")
    part = {"owner": "alice", "pending_id": event["instruction_id"], "amount": "1.001"}
    (refused,) = ledger.send(instruction("post_pending", **part))
    assert outcome(refused) == "amount_too_many_decimals"
    (refused,) = ledger.send(instruction("post_pending", **part | {"amount": "1.00"}))
    assert outcome(refused) == "under_screening"
    ledger.send(answer(event, verdict))
    assert (ledger.balance("alice"), ledger.balance("alice/USD")) == left
    (refused,) = ledger.send(instruction("void_pending", owner="alice", pending_id=event["instruction_id"]))
    assert outcome(refused) == "pending_resolved"


@given(st.integers(1, 10**12), st.integers(1, 10**9), st.sampled_from(["debit", "credit"]))
def test_an_amount_made_by_rounding_at_the_rate_is_always_taken(minor: int, rate: int, unit: str) -> None:
    """Up, down or to the nearest: whoever rounds, and whichever side."""
    ledger = a_bank()
    ledger.chart.policies.clear()
    spelt, exact = format_amount(rate, 6), minor * rate
    for other in {exact // 10**6, -(-exact // 10**6)} - {0}:
        amounts = (format_amount(minor, 2), format_amount(other, 2))
        gives, takes = amounts if unit == "debit" else amounts[::-1]
        (event,) = ledger.send(exchange("alice", gives, takes, spelt, rate_unit=unit))
        assert outcome(event) in ("posted", "insufficient_funds")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "amount_malformed"),
        ("1,5", "amount_malformed"),
        ("0.000", "amount_zero"),
        ("-2", "amount_negative"),
        ("١", "amount_malformed"),
    ],
)
def test_a_rate_is_a_positive_decimal(text: str, reason: str) -> None:
    """Read exactly, whatever its length."""
    with pytest.raises(AmountError) as raised:
        parse_rate(text)
    assert raised.value.reason == reason
    assert parse_rate("0." + "3" * 50) * 10**50 == int("3" * 50)


def test_a_rate_that_is_no_string_is_named() -> None:
    """A float is never read."""
    message: dict[str, Any] = exchange("alice", "1.00", "1.00", "1") | {"rate": 1.0}
    (event,) = a_bank().send(message)
    assert (event["reason"], event["field"]) == ("amount_not_a_string", "rate")
