"""Customers' risk classes: by data as they are met, by one person upwards, by two downwards."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.domain.bounds import ValueWrongError
from services.compliance.domain.names.evidence import Known
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.ratings import RATING, rate_by_data
from services.compliance.domain.rule import ANY_ASSET, RuleParameter
from services.compliance.handlers.rule_changes import check_parameters
from shared.messages.acts import ApproveRating, RateCustomer
from shared.messages.compliance import CustomerRated, HoldPlaced
from shared.messages.journal import ScreenedBy
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, DAY, Ledger
from tests.compliance.tables import table
from tests.compliance.test_acts import Desk


def of(row: dict[str, Any]) -> RuleParameter:
    """Data from these values."""
    return RuleParameter(RATING, 7, ANY_ASSET, row, DAY, None, "a test")


BOOK = ParameterBook([of({"high": ["KP", "IR"], "low": ["NO"]})])
BY_DATA = table("""
    countries  class
    IR         high
    NO         low
    NO,IR      high
    FR         -
    -          -
""")


@pytest.mark.parametrize("row", BY_DATA, ids=str)
def test_data_rate_by_the_country_of_the_highest_risk(row: dict[str, str]) -> None:
    """Of all parties behind a customer; of whom data say nothing, nothing is said."""
    parties = [Known(countries=(each,)) for each in row["countries"].split(",") if each != "-"]
    found = rate_by_data(parties, DAY, BOOK)
    assert (found[0] if found else "-") == row["class"]
    if found:
        assert (found[1].rule, found[1].rule_version) == (RATING, 7)


@pytest.mark.parametrize("values", [{"high": ["Iran"]}, {"huge": ["IR"]}], ids=str)
def test_wrong_data_stop_the_start(values: dict[str, Any]) -> None:
    """A country or class that does not exist would rate nobody."""
    with pytest.raises(ValueWrongError, match=f"^{next(iter(values))} |^{RATING} has no huge; "):
        check_parameters(of(values), 0)


def rate(desk: Desk, risk_class: str, actor: str = "ann") -> RateCustomer:
    """An act that gives Alice this class."""
    return desk.act(RateCustomer, owner=ALICE, risk_class=risk_class).model_copy(update={"actor": actor})


def approve(desk: Desk, rating_id: UUID, actor: str) -> ApproveRating:
    """An act that approves what was proposed."""
    return desk.act(ApproveRating, owner=ALICE, rating_id=rating_id).model_copy(update={"actor": actor})


async def test_a_higher_class_counts_at_once(harness: Harness):
    """The ledger is told before the officer is answered."""
    rated, done = await harness.act(rate(Desk(), "high"))
    assert isinstance(rated, CustomerRated)
    assert (rated.risk_class, rated.previous, rated.version) == ("high", "medium", 1)
    assert (rated.actor, rated.reason, rated.proposed_by) == ("ann", "looked at it", None)
    assert (done.done, done.result["status"]) == (True, "rated")
    assert harness.keys[-2:] == [ALICE.encode()] * 2


async def test_a_lower_class_takes_two_people(harness: Harness):
    """The first proposes it, and nothing is said to the ledger; the second lets it count."""
    desk = Desk()
    proposal = rate(desk, "low")
    [proposed] = await harness.act(proposal)
    assert (proposed.done, proposed.result["status"]) == (True, "proposed")
    [own] = await harness.act(approve(desk, proposal.act_id, "ann"))
    assert (own.done, own.result["refused"]) == (False, "same_person")
    rated, done = await harness.act(approve(desk, proposal.act_id, "ben"))
    assert (rated.risk_class, rated.actor, rated.proposed_by, done.done) == ("low", "ben", "ann", True)


async def test_a_proposal_counts_only_on_the_rating_it_was_made_on(harness: Harness):
    """Who has become of high risk meanwhile is not made one of low risk by an old proposal."""
    desk = Desk()
    proposal = rate(desk, "low")
    events = await harness.act(proposal, rate(desk, "high"), approve(desk, proposal.act_id, "ben"))
    assert kinds(events) == ["ActDone", "CustomerRated", "ActDone", "ActDone"]
    assert events[-1].result["refused"] == "rating_changed"


REFUSED = table("""
    act       class   reason
    rate      medium  already_rated
    approve   -       no_such_rating
""")


@pytest.mark.parametrize("row", REFUSED, ids=str)
async def test_what_cannot_be_done_is_refused_by_name(harness: Harness, row: dict[str, str]):
    """And answered."""
    desk = Desk()
    act = rate(desk, row["class"]) if row["act"] == "rate" else approve(desk, UUID(int=7), "ben")
    [done] = await harness.act(act)
    assert (done.done, done.result["refused"]) == (False, row["reason"])


async def test_the_house_is_no_customer_and_others_are_rated_at_home(harness: Harness):
    """Its own postings have no risk class."""
    desk = Desk()
    [house] = await harness.act(desk.act(RateCustomer, owner="house", risk_class="high"))
    [astray] = await harness.act(rate(desk, "high"), shard=3 - (await _home(harness)))
    assert [each.result["refused"] for each in (house, astray)] == ["not_a_customer", "wrong_shard"]


async def _home(harness: Harness) -> int:
    rated, _ = await harness.act(rate(Desk(500), "high"))
    return rated.shard


async def test_an_act_sent_twice_rates_once(harness: Harness):
    """The second is answered as the first was."""
    act = rate(Desk(), "high")
    events = await harness.act(act, act)
    assert kinds(events) == ["CustomerRated", "ActDone", "ActDone"]
    assert events[2].result["repeat"]


async def test_a_customer_is_rated_by_data_when_an_account_is_opened(live: Harness):
    """Once for each version of the data, so that what people decide afterwards stands."""
    ledger, desk = Ledger(), Desk()
    rated = [
        each
        for each in await live.take(*ledger.opened("Quiet Name", country="IR"))
        if isinstance(each, CustomerRated)
    ]
    assert [(each.risk_class, each.previous, each.version) for each in rated] == [("high", "medium", 1)]
    assert rated[0].finding is not None
    assert rated[0].finding.values == {"countries": ["IR"], "risk_class": "high"}
    assert rated[0].about is not None
    proposal = rate(desk, "medium")
    await live.act(proposal)
    await live.act(approve(desk, proposal.act_id, "ben"))
    again = await live.take(*ledger.opened("Quiet Name", country="IR"))
    assert not [each for each in again if isinstance(each, CustomerRated)]
    rows = await live.connection.fetch(
        "SELECT version, risk_class::text, previous::text, proposed_by, actor FROM customer_rating"
        " ORDER BY version"
    )
    assert [tuple(row) for row in rows] == [
        (1, "high", "medium", None, None),
        (2, "medium", "high", "ann", "ben"),
    ]


async def test_a_holder_told_of_later_can_only_raise_a_class(live: Harness):
    """Who owns a firm from a country of high risk makes it one; nobody makes a customer safer by joining."""
    ledger = Ledger()
    await live.take(*ledger.opened("Quiet Name", country="SE"))
    holder = {"name": "Quiet Owner", "role": "beneficial_owner", "person": "P-1"}
    [rated] = [
        each
        for each in await live.take(*ledger.told_of(holder | {"country": "IR"}))
        if isinstance(each, CustomerRated)
    ]
    assert (rated.risk_class, rated.previous, rated.version) == ("high", "medium", 1)


async def test_of_whom_data_say_nothing_is_not_rated(live: Harness):
    """Medium is what everybody is who has no rating."""
    assert "CustomerRated" not in kinds(await live.take(*Ledger().opened("Quiet Name", country="SE")))


WRONG_ROWS = {
    "lowered by one": ("1, 'low', 'medium'", "gen_random_uuid(), 'ann', 'x', NULL, NULL"),
    "not on the one before": ("2, 'high', 'medium'", "gen_random_uuid(), 'ann', 'x', NULL, NULL"),
    "another class before": ("1, 'medium', 'high'", "gen_random_uuid(), 'ann', 'x', NULL, NULL"),
    "approved without a proposal": (
        "1, 'low', 'medium'",
        "gen_random_uuid(), 'ben', 'x', gen_random_uuid(), 'ann'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ROWS)
async def test_the_database_takes_no_rating_that_the_rules_do_not(harness: Harness, wrong: str):
    """The keys and checks hold it whoever writes."""
    what, who = WRONG_ROWS[wrong]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await harness.connection.execute(
            "INSERT INTO customer_rating (shard, owner, seq, recorded_at, version, risk_class, previous,"
            f" act_id, actor, reason, rating_id, proposed_by) VALUES (1, 'alice', 1, now(), {what}, {who})"
        )


async def test_a_hold_is_due_as_soon_as_the_rule_or_the_policy_says(harness: Harness):
    """And names whom the policy names; who is told of it is told again when it is overdue."""
    names = {"creditor": "Yorick Undertow"}
    policy = ScreenedBy(amount_from="0.00", deadline_hours=4, told="sanctions")
    ledger = Ledger()
    moved = ledger.moved("withdrawal", "5", cash=False, pending=True, names=names, screened_by=policy)
    [hold] = await harness.take(*moved)
    assert isinstance(hold, HoldPlaced)
    assert hold.told == "sanctions"
    [later] = await harness.take(*ledger.moved("withdrawal", "5", cash=False, pending=True, names=names))
    assert isinstance(later, HoldPlaced)
    assert (later.deadline - hold.deadline).total_seconds() > 19 * 3600
    [overdue] = await harness.tick(hold.deadline)
    assert (overdue.instruction_id, overdue.told) == (hold.instruction_id, "sanctions")
