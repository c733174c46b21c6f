"""Each planted mistake is caught, and each of the things that catch catches something."""

import asyncio

import pytest

from audit.checks import CHECKS as AUDITOR
from audit.evidence import Evidence
from audit.examination import Examination
from services.transactions.queries.verifying import CHECKS as VERIFIER
from shared.runtime.failpoints import PLANTED_BUGS
from tests.stateful.catching import HEAD, PAGE, caught, row
from tests.stateful.conftest import findings
from tests.stateful.examining import NOT_OF_THE_LEDGER
from tests.stateful.machine import Script
from tests.stateful.planted import BUGS, Bug
from tests.stateful.stories import STORIES
from tests.transactions.conftest import Server

BESIDE_THE_PAGE = {"passed_over"}
"""No script loses records; `tests/transactions/test_verify.py` plants mistakes about those that were."""


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_without_a_mistake_nothing_is_found(scripts_server: Server, story: Script) -> None:
    """Else what is found with one would mean nothing."""
    assert asyncio.run(findings(scripts_server, story)) == []


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_mistake_is_caught_by_what_the_page_says(scripts_server: Server, bug: Bug) -> None:
    """`python -m tests.stateful` writes the page anew; one that nothing catches means a missing check."""
    catchers = asyncio.run(caught(scripts_server, bug))
    assert catchers
    assert row(bug, catchers) in PAGE.read_text(encoding="utf-8").splitlines()


def test_every_check_catches_something() -> None:
    """A check that no mistake trips may be blind."""
    text = PAGE.read_text(encoding="utf-8")
    nothing = Examination(Evidence())
    wanted = [f"auditor: {check(nothing).name}" for check in AUDITOR if check not in NOT_OF_THE_LEDGER]
    verifier = {*VERIFIER, "seals", "published"} - BESIDE_THE_PAGE
    wanted += [f"verify: {name}" for name in sorted(verifier)]
    wanted += ["memory", "rest", "database: ", "runtime: "]
    assert [each for each in wanted if each not in text] == []


def test_the_page_is_about_what_is_planted() -> None:
    """As many as there are, each once; and those that the campaign plants under load are among them."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == [
        bug.name for bug in BUGS
    ]
    assert set(PLANTED_BUGS) <= {bug.name for bug in BUGS}
