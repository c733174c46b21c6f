"""What a rule would have found with other parameters: replayed from what is stored, and compared."""

import json
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from backoffice.cli.backtest import JUDGED
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.backtest import (
    AlertOf,
    Backtest,
    Became,
    Judged,
    Period,
    changed_book,
    verdict,
)
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import GraphRule
from services.compliance.queries import history, parameters
from shared.messages.acts import DismissAlert
from shared.runtime import clock
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, Ledger, hours
from tests.compliance.test_cutting import STEPS, deliveries_of, play

EVER = Period()
STANDING = [rule for rule in JUDGED.values() if not isinstance(rule, GraphRule)]


async def replayed(harness: Harness, rule: str, values: Mapping[str, str], period: Period = EVER) -> Backtest:
    """Replay what the harness has taken, with some values of a rule set otherwise."""
    rows = await parameters.standing_rows(harness.connection)
    judged = JUDGED[rule]
    test = Backtest(judged, ParameterBook(rows), changed_book(rows, judged, values, None), period)
    async with harness.connection.transaction():
        await history.replay(harness.connection, test, lambda read: None)
    return test


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
async def test_a_rule_as_it_stands_finds_again_what_the_service_has_raised(
    live: Harness, owner: Any, steps: list[tuple[Any, ...]]
):
    """Neither more nor less, by every rule: or a comparison with other parameters would mean nothing."""
    await owner.execute(
        "TRUNCATE compliance.cash_event, compliance.decision, compliance.hold, compliance.alert,"
        " compliance.alert_pile,"
        " compliance.window_batch, compliance.window_state, compliance.window_checkpoint,"
        " compliance.event_chain, compliance.outbox CASCADE"
    )
    live.__init__(live.database, live.connection)
    await live.begin()
    await play(live, deliveries_of(steps), set(), set())
    for rule in STANDING:
        test = await replayed(live, rule.code, {})
        assert test.by_stands == test.by_changed
        assert test.by_stands == set(await history.what_became(live.connection, rule.code)), rule.code


async def test_a_lower_threshold_finds_more_and_says_what_became_of_the_rest(live: Harness):
    """What only the changed rule finds nobody has seen; what was dismissed counts against it."""
    ledger = Ledger()
    raised = [
        *await live.take(*ledger.moved("deposit", "10000.01", owner=ALICE)),
        *await live.take(*ledger.moved("deposit", "9000", owner=ANNE)),
        *await live.take(*ledger.moved("deposit", "8999", owner=BOB)),
    ]
    [alert] = [each for each in raised if getattr(each, "rule", None) == "CTR-1"]
    dismiss = DismissAlert(
        act_id=clock.new_id(), actor="ada", reason="known", owner=ALICE, alert_id=f"{alert.shard}-{alert.seq}"
    )
    await live.act(dismiss)
    test = await replayed(live, "CTR-1", {"over": "8999"})
    assert (test.by_stands, test.by_changed) == ({(ALICE, DAY)}, {(ALICE, DAY), (ANNE, DAY)})
    became = await history.what_became(live.connection, "CTR-1")
    counted = verdict(test.by_changed, became)
    assert (counted.dismissed, counted.unseen, counted.precision_percent) == (1, 1, 0.0)
    assert verdict(test.by_changed - test.by_stands, became).precision_percent is None


async def test_what_came_before_the_period_warms_up_and_is_not_judged(live: Harness):
    """The third payer completes the pattern, though two came before the period."""
    ledger = Ledger()
    for number, payer in enumerate(("one", "two", "three")):
        day = DAY + timedelta(days=number)
        at = hours(24 * number)
        made = ledger.moved("transfer", "9000", owner=payer, other=ALICE, cash=False, day=day, at=at)
        await live.take(*made)
    last = DAY + timedelta(days=2)
    inside = await replayed(live, "STR-2", {"payers": "2"}, Period(last, None))
    assert inside.by_stands == inside.by_changed == {(ALICE, last)}
    before = await replayed(live, "STR-2", {"payers": "2"}, Period(None, last))
    assert (before.by_stands, before.by_changed) == (set(), {(ALICE, DAY + timedelta(days=1))})


async def test_a_ring_over_several_shards_is_found_in_what_is_stored(live: Harness):
    """Edges that no shard has for itself: each payer's own entry, put in order of time."""
    ledger = Ledger()
    ring = (ALICE, BOB, "C7", ALICE)
    for number, (payer, payee) in enumerate(pairwise(ring)):
        made = ledger.moved("transfer", "5000", owner=payer, other=payee, cash=False, at=hours(number))
        await live.take(*made)
    test = await replayed(live, "CYC-1", {"hops_min": "4"})
    assert test.by_stands == {("C7", DAY)}
    assert test.by_changed == set()


WRONG: list[tuple[str, dict[str, str], str | None, str]] = [
    ("CTR-1", {"under": "1"}, None, "has no parameter under; it has over"),
    ("CTR-1", {"over": "a lot"}, None, "cannot be judged so"),
    ("CTR-1", {"over": "1"}, "XAU", "has no parameters for XAU"),
    ("STR-2", {"payers": "many"}, None, "cannot be judged so"),
    ("STR-1", {"band_below": "9500"}, None, "cannot be judged so for .*: band_below has to be above"),
    (
        "STR-1",
        {"hours": "9999"},
        None,
        "hours 9999 is not a whole number from 1 to 168",
    ),
]


@pytest.mark.parametrize(("rule", "values", "asset", "words"), WRONG)
def test_a_wrong_parameter_is_refused_by_name(
    rule: str, values: dict[str, str], asset: str | None, words: str
):
    """Before anything is read."""
    with pytest.raises(ValueError, match=words):
        changed_book(RULE_PARAMETERS, JUDGED[rule], values, asset)


@pytest.mark.parametrize("rule", JUDGED.values(), ids=JUDGED)
def test_every_value_of_a_rule_may_be_set_as_it_is(rule: Judged):
    """A value that is spelt out and read again is the same; so is the rule."""
    for row in RULE_PARAMETERS:
        if row.rule == rule.code and row.values:
            values = {name: _spelt(value) for name, value in row.values.items()}
            changed = changed_book([row], rule, values, row.asset).rows
            assert [dict(each.values) for each in changed] == [dict(row.values)]


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_only_alerts_decided_with_yes_or_no_count_for_precision():
    """What waits, or could not be said, says nothing of a rule."""
    days = [DAY + timedelta(days=number) for number in range(6)]
    words = [*get_args(Became)]
    recorded: dict[AlertOf, Became] = {(ALICE, day): word for day, word in zip(days, words, strict=False)}
    counted = verdict([(ALICE, day) for day in days], recorded)
    assert counted.precision_percent == pytest.approx(33.3)
    assert counted.unseen == 1
