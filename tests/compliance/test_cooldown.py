"""A rule alerts once about an owner until its cooldown is over, whatever the batches were."""

from datetime import timedelta
from typing import Any

from services.compliance.domain.backtest import Backtest, Period
from services.compliance.domain.parameters import ParameterBook
from services.compliance.queries import history
from services.compliance.rules import rnd_1
from services.compliance.store import parameters as parameter_store
from shared.messages.compliance import AlertRaised
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, BOB, DAY, Delivery, Ledger, hours

DAYS = (0, 0, 0, 1, 20, 29, 30, 59)
"""When whole thousands come in; RND-1 asks for three in 30 days and alerts once in 30."""
ALERTED = [0, 30]


def made(owner: str = ALICE) -> list[list[Delivery]]:
    """One deposit after the other."""
    ledger = Ledger()
    return [
        ledger.moved(
            "deposit",
            "1000",
            owner=owner,
            cash=False,
            day=DAY + timedelta(days=day),
            at=hours(24 * day),
        )
        for day in DAYS
    ]


def days_of(events: list[Any]) -> list[int]:
    """The days on which RND-1 alerted."""
    found = [each for each in events if isinstance(each, AlertRaised) and each.rule == "RND-1"]
    return [(each.business_date - DAY).days for each in found if each.business_date is not None]


async def test_within_the_cooldown_nothing_alerts_again(live: Harness):
    """One window is one alert, not one a day; on the thirtieth day it is another one."""
    raised = [event for deliveries in made() for event in await live.take(*deliveries)]
    assert days_of(raised) == ALERTED


async def test_a_batch_is_no_other_than_one_by_one(live: Harness):
    """What a batch has raised itself counts as what was stored before."""
    raised = await live.take(*(each for deliveries in made() for each in deliveries))
    assert days_of(raised) == ALERTED


async def test_another_owner_has_a_cooldown_of_his_own(live: Harness):
    """An alert about Alice says nothing of Bob."""
    for deliveries in made():
        await live.take(*deliveries)
    raised = [event for deliveries in made(BOB) for event in await live.take(*deliveries)]
    assert days_of(raised) == ALERTED


async def test_an_earlier_day_booked_later_is_in_the_cooldown_too(live: Harness):
    """An adjustment in an earlier period looks back, and the alert that is there covers both sides."""
    ledger = Ledger()
    late = [
        ledger.moved("deposit", "1000", cash=False, day=DAY + timedelta(days=day), at=hours(24 * day))
        for day in (40, 40, 40, 20)
    ]
    raised = [event for deliveries in late for event in await live.take(*deliveries)]
    assert days_of(raised) == [40]


async def test_a_backtest_counts_alerts_as_the_service_raises_them(live: Harness):
    """Or every comparison would be off by the days in between."""
    for deliveries in made():
        await live.take(*deliveries)
    book = ParameterBook(await parameter_store.load_parameters(live.connection))
    test = Backtest(rnd_1.RULE, book, book, Period())
    async with live.connection.transaction():
        await history.replay(live.connection, test, lambda read: None)
    assert sorted((day - DAY).days for _, day in test.by_stands) == ALERTED
