"""What is screened before it is posted: by type, amount, the customer's risk, country and channel."""

import json
from datetime import date
from typing import Any

import pytest

from services.transactions.data import read_policies
from services.transactions.domain.chart import Dated, ScreeningPolicy
from shared.messages.journal import TransactionPending
from shared.runtime.errors import ConfigurationError
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    rating,
    received,
    table,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
EVER = date(1900, 1, 1)
POLICIES = (
    ScreeningPolicy(1000_00),
    ScreeningPolicy(100_00, risk_classes=("high",), deadline_hours=24),
    ScreeningPolicy(0, countries=("IR", "KP"), deadline_hours=4, told="sanctions"),
    ScreeningPolicy(500_00, risk_classes=("medium",), channels=("api", "online")),
)


def a_ledger(*policies: ScreeningPolicy, quick: bool = True) -> PureLedger:
    """Alice has enough; her withdrawals are screened by these policies."""
    ledger = PureLedger(quick=quick)
    ledger.chart.policies.clear()
    ledger.chart.policies[1, "withdrawal", 978] = [Dated(each, EVER, None) for each in policies or POLICIES]
    ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "9000.00"))
    return ledger


def paying(amount: str, country: str = "", channel: str = "") -> dict[str, Any]:
    """A withdrawal by this channel to a bank in this country, where they are named."""
    fields: dict[str, Any] = {}
    if country:
        fields["payment"] = {"creditor_agent": f"BANK{country}PP"}
    if channel:
        fields["channel"] = {"channel": channel}
    return withdrawal(ALICE, amount, **fields)


SCREENED = table("""
    rated   amount    country  channel  outcome  from     hours  told
    -       999.99    -        -        posted   -        -      -
    -       1000.00   -        -        pending  1000.00  -      compliance
    low     999.99    FR       online   posted   -        -      -
    low     1000.00   -        -        pending  1000.00  -      compliance
    high    99.99     -        -        posted   -        -      -
    high    100.00    -        -        pending  100.00   24     compliance
    high    1000.00   FR       api      pending  100.00   24     compliance  # the shortest deadline
    -       0.01      IR       -        pending  0.00     4      sanctions
    high    100.00    KP       -        pending  0.00     4      sanctions
    -       500.00    -        api      pending  500.00   -      compliance  # who was never rated is medium
    medium  500.00    FR       online   pending  500.00   -      compliance
    medium  500.00    FR       branch   posted   -        -      -
    medium  499.99    FR       online   posted   -        -      -
    low     500.00    FR       online   posted   -        -      -
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", SCREENED, ids=str)
def test_a_request_waits_where_all_that_a_policy_names_is_so(row: dict[str, str], quick: bool) -> None:
    """Around every threshold, judged quickly or on the ladder; the event says which, and what it saw."""
    ledger = a_ledger(quick=quick)
    if row["rated"]:
        ledger.run([rating(ALICE, row["rated"])])
    (event,) = ledger.send(paying(row["amount"], row["country"], row["channel"]))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "pending":
        said = TransactionPending.model_validate_json(json.dumps(event)).screened_by
        assert said is not None
        assert said.amount_from == row["from"]
        assert str(said.deadline_hours or "") == row["hours"]
        assert said.told == row["told"]
        assert said.risk_class == (row["rated"] or "medium")
        assert (said.country or "", said.channel or "") == (row["country"], row["channel"])


def test_a_rating_counts_from_its_place_in_the_log() -> None:
    """For what stands behind it in the same batch, and for nothing before it."""
    ledger = a_ledger()
    events = ledger.run(
        [
            received(paying("100.00")),
            rating(ALICE, "high"),
            received(paying("100.00")),
            rating(ALICE, "low"),
            received(paying("100.00")),
        ]
    )
    assert [outcome(each) for each in events] == [
        "posted", "RiskClassChanged", "pending", "RiskClassChanged", "posted",
    ]  # fmt: skip
    assert [(each["previous"], each["risk_class"]) for each in events[1::2]] == [
        ("medium", "high"), ("high", "low"),
    ]  # fmt: skip


def test_a_rating_of_somebody_else_changes_nothing_here() -> None:
    """Each customer is screened by their own."""
    ledger = a_ledger()
    ledger.run([rating(BOB, "high")])
    assert outcome(ledger.send(paying("100.00"))[0]) == "posted"


@pytest.mark.parametrize("owner", [BOB, "house"])
def test_a_rating_in_a_shard_that_is_not_the_customers_has_no_effect(owner: str) -> None:
    """It is answered all the same, and somebody should look."""
    ledger = a_ledger()
    (event,) = ledger.run([rating(owner, "high", shard=1)])
    assert (event["type"], event["why"]) == ("DecisionWithoutEffect", "wrong_owner")


def test_what_was_pending_stays_so_whatever_the_customer_is_rated_later() -> None:
    """The decision stands on what was seen when the request was judged."""
    ledger = a_ledger()
    ledger.run([rating(ALICE, "high")])
    (event,) = ledger.send(paying("100.00"))
    ledger.run([rating(ALICE, "low")])
    (pending,) = ledger.states[1].pendings.values()
    assert pending.seq == event["seq"]
    assert pending.screening


def test_the_house_has_no_risk_class() -> None:
    """A policy that names classes asks nothing of the firm's own postings; one that names none does."""
    ledger = a_ledger()
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/vault/EUR"}
    posting = instruction("house_posting", owner="house", amount="5.00", asset="EUR", **ends)
    ledger.chart.policies[1, "house_posting", 978] = [
        Dated(ScreeningPolicy(0, risk_classes=("low", "medium", "high")), EVER, None)
    ]
    assert outcome(ledger.send(posting)[0]) == "posted"
    ledger.chart.policies[1, "house_posting", 978] = [Dated(ScreeningPolicy(0), EVER, None)]
    (event,) = ledger.send({**posting, "instruction_id": "019c2f10-7a03-7c3e-9a51-4d0f6b2e8c77"})
    assert event["screened_by"] == {"amount_from": "0.00", "told": "compliance"}


def test_a_group_waits_for_its_most_urgent_member() -> None:
    """All of it waits; what the group says of channel and payment is said of each."""
    ledger = a_ledger()
    ledger.chart.policies[1, "transfer", 978] = [Dated(ScreeningPolicy(5_00, deadline_hours=2), EVER, None)]
    ledger.run([rating(ALICE, "high")])
    members = [paying("100.00"), transfer(ALICE, BOB, "5.00")]
    (event,) = ledger.send(instruction("group", owner=ALICE, members=members))
    assert outcome(event) == "pending"
    assert event["screened_by"] == {
        "amount_from": "5.00", "risk_class": "high", "deadline_hours": 2, "told": "compliance",
    }  # fmt: skip


def test_a_policy_holds_from_a_day_on_until_another() -> None:
    """By the open business day."""
    ledger = a_ledger()
    open_day = instruction("open_business_day", owner="house", entity="BANK", booking_date="2026-01-02")
    ledger.chart.policies[1, "withdrawal", 978] = [
        Dated(ScreeningPolicy(1_00), EVER, date(2026, 1, 2)),
        Dated(ScreeningPolicy(2_00), date(2026, 1, 2), None),
    ]
    assert outcome(ledger.send(paying("1.00"))[0]) == "pending"
    for shard in range(PARTITIONS):
        ledger.run([received(open_day, partition=shard)])
    assert [outcome(each) for each in ledger.send(paying("1.99"), paying("2.00"))] == ["posted", "pending"]


LINE = {
    "asset": "EUR", "amount_from": "5.00", "risk_class": "", "country": "", "channel": "",
    "deadline_hours": "", "told": "compliance",
}  # fmt: skip


def test_a_line_of_policies_is_read_with_several_values_of_a_condition() -> None:
    """In an order of their own, so that writing them otherwise is the same policy."""
    row = {**LINE, "risk_class": "medium high", "country": "KP IR", "channel": "api", "deadline_hours": "4"}
    ((_, policy),) = read_policies([(2, row)], {"EUR": 2})
    assert policy == ScreeningPolicy(5_00, ("high", "medium"), ("IR", "KP"), ("api",), 4)


@pytest.mark.parametrize(
    "wrong",
    [{"risk_class": "huge"}, {"country": "Iran"}, {"channel": "pigeon"}, {"deadline_hours": "0"}],
    ids=str,
)
def test_a_condition_that_nothing_meets_stops_the_migration(wrong: dict[str, str]) -> None:
    """What it asks for would never be screened, and nobody would notice."""
    with pytest.raises(ConfigurationError, match=r"screening_policies\.csv, line 7"):
        read_policies([(7, {**LINE, **wrong})], {"EUR": 2})
