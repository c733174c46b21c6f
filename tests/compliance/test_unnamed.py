"""A name with nothing to compare, or more than is, is not cleared: it is held, else there is an alert."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.names import (
    has_a_letter,
    has_nothing,
    has_too_much,
    has_unread_letters,
    may_have_too_much,
    may_have_unread_letters,
)
from services.compliance.domain.names.readings import (
    PIECES_MAX,
    has_nothing_to_compare,
    is_more_than_compared,
)
from services.compliance.domain.names.scripts import has_unknown_letters
from services.compliance.domain.names.spelling import PARTS_MAX
from services.compliance.handlers.screening import TOO_LONG, UNKNOWN_SCRIPT, UNNAMED
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


WORDS = [f"{one}{other}xy" for one in "abcdef" for other in "aeiouy"]
"""All different, and none of them on a list."""
PARTIES = [f"{one.title()} {other.title()}" for one, other in zip(WORDS[::2], WORDS[1::2], strict=True)]


@pytest.mark.parametrize(
    ("name", "is_held"),
    [
        (" ".join(WORDS[:PARTS_MAX]), False),
        (" ".join(WORDS[: PARTS_MAX + 1]), True),
        ("; ".join(PARTIES[:PIECES_MAX]), False),
        (";".join("Xy Ab" for _ in range(PIECES_MAX)), False),
        ("; ".join(PARTIES[: PIECES_MAX + 1]), True),
        (" & ".join("bcdfghjklmnpqrstv") + " & x", True),
    ],
    ids=["32 words", "33 words", "16 parties", "one 16 times", "17 parties", "17 signs"],
)
async def test_a_payment_to_a_name_longer_than_is_compared_is_held(
    name: str, is_held: bool, harness: Harness
):
    """Somebody listed may stand behind the last word looked at."""
    [told] = await harness.take(*Ledger().moved("withdrawal", "100", **WAITING, names={"creditor": name}))
    assert isinstance(told, HoldPlaced) == is_held
    if isinstance(told, HoldPlaced):
        [finding] = told.findings
        assert finding.values == {"field": "payment.creditor", "comparison": TOO_LONG}
        assert "more words or parties" in finding.sentence


@pytest.mark.parametrize(
    ("name", "is_held"),
    [
        ("မောင်မောင်", True),
        ("Jane Roe and ໄຊ", True),
        ("Jane \ue001 Roe", True),
        ("Јован Đurić", False),
        ("O‘zbek Ańa ª", False),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", False),
        ("ຫນຶ່ງ " * 40, True),
    ],
    ids=["burmese", "beside another", "private use", "cyrillic", "latin", "half width", "long, too"],
)
async def test_a_payment_to_a_name_in_a_script_that_is_not_known_is_held(
    name: str, is_held: bool, harness: Harness
):
    """Letter by letter it is unlike how a list spells it: finding nobody says nothing."""
    [told] = await harness.take(*Ledger().moved("withdrawal", "100", **WAITING, names={"creditor": name}))
    assert isinstance(told, HoldPlaced) == is_held
    if isinstance(told, HoldPlaced) and len(name) < 100:
        [finding] = told.findings
        assert finding.values == {"field": "payment.creditor", "comparison": UNKNOWN_SCRIPT}


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


@given(st.lists(st.sampled_from([*WORDS, "Abdul", "of", "J.", ";", "and", "(", ","]), max_size=60))
def test_the_auditor_has_the_same_idea_of_too_much(words: list[str]):
    """What it is sure of is told, and what is told it takes to be possible."""
    name = " ".join(words)
    if has_too_much(name):
        assert is_more_than_compared(name)
    if is_more_than_compared(name):
        assert may_have_too_much(name)


@given(st.text(max_size=8))
def test_the_auditor_has_the_same_idea_of_letters_that_are_not_known(name: str):
    """What it is sure of is told, and what is told it takes to be possible."""
    if has_unread_letters(name):
        assert has_unknown_letters(name)
    if has_unknown_letters(name):
        assert may_have_unread_letters(name)
