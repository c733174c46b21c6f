"""A name with nothing in it to compare is not cleared: its payment is held, else there is an alert."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.names import has_a_letter, has_nothing
from services.compliance.domain.names.readings import has_nothing_to_compare
from services.compliance.handlers.screening import UNNAMED
from shared.messages.compliance import AlertRaised, HoldPlaced
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ANNE, Ledger

WAITING: dict[str, Any] = {"cash": False, "pending": True}


@pytest.mark.parametrize("name", ["???", "-----", "🙂", "\u200b\u200b", "   "])
async def test_a_payment_to_a_name_of_nothing_is_held(name: str, harness: Harness):
    """Screening it finds nobody, whoever it is; so somebody looks at it."""
    [hold] = await harness.take(*Ledger().moved("withdrawal", "100", **WAITING, names={"creditor": name}))
    assert isinstance(hold, HoldPlaced)
    [finding] = hold.findings
    assert (
        finding.sentence == "The creditor has a name with nothing in it that can be compared with any list."
    )
    assert finding.values == {"field": "payment.creditor", "comparison": UNNAMED}


async def test_each_place_is_told_once_and_an_identifier_does_not_stand_in_for_a_name(harness: Harness):
    """Lists have few identifiers; one that is on none says nothing of the name."""
    payment = {"debtor": {"name": "-"}, "creditor": {"name": "?", "identifier": "X-99999"}}
    [hold] = await harness.take(*Ledger().moved("withdrawal", "100", **WAITING, payment=payment))
    assert [each.values["field"] for each in hold.findings] == ["payment.debtor", "payment.creditor"]


async def test_what_was_posted_and_who_was_opened_alert(harness: Harness):
    """There is nothing to hold; the alert is one of its owner and day."""
    ledger = Ledger()
    moved = ledger.moved("withdrawal", "100", cash=False, names={"creditor": "..."})
    [alert] = await harness.take(*moved)
    assert isinstance(alert, AlertRaised)
    assert (alert.rule, [each.values["comparison"] for each in alert.findings]) == ("SAN-1", [UNNAMED])
    again = ledger.moved("withdrawal", "100", cash=False, names={"creditor": "???"})
    assert kinds(await harness.take(*again)) == [], "told once a day"
    opened = ledger.opened("???", owner=ANNE, kind="person")
    assert kinds(await harness.take(*opened)) == ["SAN-1"]


async def test_a_missing_name_is_another_thing(harness: Harness):
    """The ledger says which instructions need one; what is not told is not compared."""
    payment = {"creditor": {"account": "NOWHERE-1"}}
    moved = Ledger().moved("withdrawal", "100", **WAITING, payment=payment)
    assert kinds(await harness.take(*moved)) == ["cleared"]


@given(
    st.one_of(
        st.text(min_size=1, max_size=4), st.text("?!/()&'. -…\u200b\u202e🙂★éЖ7", min_size=1, max_size=6)
    )
)
def test_the_auditor_has_the_same_idea_of_nothing(name: str):
    """It knows fewer characters: what it calls nothing is nothing, and what has a letter for it is not."""
    if has_nothing(name):
        assert has_nothing_to_compare(name)
    if has_nothing_to_compare(name):
        assert not has_a_letter(name)
