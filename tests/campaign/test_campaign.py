"""One short campaign inside the suite: something of every kind is broken, and the books are right after."""

import asyncio

import pytest

from shared.runtime.failpoints import PLANTED_BUGS
from tests.campaign import mending, officers, planted, runner
from tests.campaign.faults import POINTS
from tests.campaign.plan import full_plan, short_plan
from tests.campaign.workload import Workload


def test_the_full_plan_kills_every_service_at_every_point() -> None:
    """A cell that is 0 fails the campaign; one that is not planned could not be noticed."""
    kinds = {kind for kind, _ in full_plan()}
    assert set(mending.COUNTS) == set(POINTS)
    killed = ("transactions", "compliance", "reporting", "mending")
    missing = {f"{name} {point}" for name in killed for point in POINTS}
    assert missing - kinds == set()
    assert {f"officers {point}" for point in officers.POINTS} <= kinds
    assert {kind for kind, _ in short_plan()} <= kinds


def test_every_bug_that_can_be_planted_is_provoked() -> None:
    """One that nobody provokes would prove nothing."""
    assert set(planted.BUGS) == set(PLANTED_BUGS)


def test_the_same_seed_makes_the_same_traffic() -> None:
    """So that a failing seed can be run again."""

    def stream(seed: int) -> list[bytes | None]:
        workload = Workload(seed, 4)
        opening = [each.value for each in workload.opening(10)]
        return opening + [each.value for _ in range(500) for each in workload.next()]

    assert stream(7) == stream(7)
    assert stream(7) != stream(8)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("campaign")
def test_a_short_campaign_holds() -> None:
    """Every fault recovers, and the independent auditor finds nothing wrong in what is left."""
    outcome = asyncio.run(runner.run(seed=1, short=True, rate=60.0))
    assert outcome.ok, runner.report(outcome)
