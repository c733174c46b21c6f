"""However the journal is cut into batches, and whenever the process changes, the results are the same."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.compliance.domain.windows import shard
from shared.messages.envelope import Number
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, Delivery, Ledger, hours

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "deposit", "withdrawal", "transfer", "settle"]),
        st.sampled_from(["100", "4000", "8000", "9000", "9999.99", "10000.01"]),
        st.sampled_from([ALICE, ALICE, ANNE, BOB]),
        st.integers(0, 15),  # days
        st.integers(-48, 48),  # hours
        st.booleans(),  # pending
        st.sampled_from([None, None, "Yorick Undertow", "Fenwick Ravensbottom III"]),
    ),
    min_size=5,
    max_size=30,
)


def deliveries_of(steps: list[tuple[Any, ...]]) -> list[Delivery]:
    """Play steps through a ledger, with days going forward and event times mixed."""
    ledger = Ledger()
    made: list[Delivery] = []
    waiting: list[tuple[str, str, Number]] = []
    day = DAY
    for what, amount, owner, days, offset, pending, name in steps:
        day += timedelta(days=days // 5)
        names = {"creditor": name} if name else None
        common: dict[str, Any] = {"day": day, "at": hours(24 * (day - DAY).days + offset), "names": names}
        if what == "settle":
            if waiting:
                payer, sum_, first = waiting.pop(0)
                made += ledger.moved("withdrawal", sum_, owner=payer, first=first, **common)
            continue
        asks = pending and what != "deposit"
        other = BOB if owner != BOB else ALICE
        made += ledger.moved(what, amount, owner=owner, other=other, pending=asks, **common)
        if asks and what == "withdrawal":
            home = 1 if owner == BOB else 0
            waiting.append((owner, amount, Number(shard=home, seq=ledger.seqs[home])))
    return made


async def play(harness: Harness, made: list[Delivery], cuts: set[int], restarts: set[int]) -> dict[str, Any]:
    """Take the deliveries in batches, with a new process at some of the cuts; return all there is then."""
    batch: list[Delivery] = []
    for number, each in enumerate(made):
        if number in cuts and batch:
            await harness.take(*batch)
            batch = []
            if number in restarts:
                await harness.restart()
        batch.append(each)
    await harness.take(*batch)
    published: dict[int, list[Any]] = {}
    for event in harness.published:
        published.setdefault(event.shard, []).append(event.model_dump(exclude={"recorded_at"}))
    return {"published": published, **await harness.tables()}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store windows after every few entries, so that restarts meet them half stored."""
    monkeypatch.setattr(shard, "BEHIND_MAX", 3)
    monkeypatch.setattr(shard, "SAVED_A_BATCH", 1)


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, cuts=st.sets(st.integers(1, 40)), restarts=st.sets(st.integers(1, 40)))
async def test_any_cutting_gives_the_same_findings_alerts_and_decisions(
    live: Harness, owner: Any, few: None, steps: list[tuple[Any, ...]], cuts: set[int], restarts: set[int]
):
    """Each event sees those before it and none later, in a batch as across batches and restarts."""
    made = deliveries_of(steps)
    outcomes: list[dict[str, Any]] = []
    for where, again in ((set(range(len(made))), set[int]()), (cuts, restarts), (set[int](), set[int]())):
        await owner.execute(
            "TRUNCATE compliance.cash_event, compliance.decision, compliance.hold, compliance.alert,"
            " compliance.alert_pile,"
            " compliance.window_batch, compliance.window_state, compliance.window_checkpoint,"
            " compliance.event_chain, compliance.outbox CASCADE"
        )
        live.__init__(live.database, live.connection)
        await live.begin()
        outcomes.append(await play(live, made, where, again))
    one_by_one, cut, at_once = outcomes
    assert cut == one_by_one
    assert at_once == one_by_one
