"""The second tier on a real database while its parameters change: live and in shadow, and as audited."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from audit.movements import movements_of
from audit.places import partition_of
from audit.readers.postgres import read_screening
from audit.screening import Expected
from audit.tiers import tell_shadows, tell_tier
from services.compliance.handlers import tier_two
from services.compliance.queries import parameters as queries
from shared.messages.acts import ApproveRating, RateCustomer
from shared.messages.compliance import AlertRaised
from tests.compliance.conftest import READONLY, Harness
from tests.compliance.ledger import DAY, PARTITIONS, RECORDED_AT, Delivery, Ledger, hours
from tests.compliance.test_acts import Desk
from tests.compliance.test_rule_changes import EVER, Authors, refusals
from tests.compliance.test_tier_two import ANN, BOB, CLEO, DAN, paid

SMALL: dict[str, Any] = {
    "hops_min": 3,
    "hops_max": 6,
    "days": 5,
    "percent": 60,
    "new_percent": 90,
    "amount_min": "500",
    "alerts_a_day": 50,
}
MONTH = timedelta(days=30)
RICH = ("C901", "C902")
Owners = list[tuple[str, str, int]]


@dataclass
class Case:
    """A harness whose deliveries the auditor sees, too."""

    harness: Harness
    ledger: Ledger = field(default_factory=Ledger)
    expected: dict[int, Expected] = field(
        default_factory=lambda: {shard: Expected() for shard in range(PARTITIONS)}
    )

    @property
    def authors(self) -> Authors:
        """Those who look after rules."""
        return Authors(self.harness, acts=100 * self.harness.batches)

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Let both take what the ledger has said."""
        await self.harness.take(*deliveries)
        for copy in sorted(deliveries, key=lambda each: each.partition):
            for each in movements_of(json.loads(copy.value)):
                if partition_of(each.owner.encode(), PARTITIONS) == copy.partition:
                    self.expected[copy.partition].entered.append(each)

    async def told(self, rule: str) -> Owners:
        """Let the time pass twice; return rule, owner and version of what was raised."""
        events = [event for _ in range(2) for event in await self.harness.tick(RECORDED_AT)]
        raised = [each for each in events if isinstance(each, AlertRaised) and each.rule == rule]
        return [(each.rule, each.owner, each.findings[0].rule_version) for each in raised]

    async def is_agreed(self) -> None:
        """The auditor, who reads the tables with its own code, says the same, live and in shadow."""
        connection = await asyncpg.connect(self.harness.database.dsn(READONLY))
        for name in ("json", "jsonb"):
            codec = {"schema": "pg_catalog", "encoder": json.dumps, "decoder": json.loads}
            await connection.set_type_codec(name, **codec)
        try:
            data = await read_screening(connection)
        finally:
            await connection.close()
        assert data is not None
        told = {(each.owner, each.rule, each.business_date) for each in data.tier_findings}
        assert set(tell_tier(data, self.expected, PARTITIONS)) == told
        shadowed = tell_shadows(data, self.expected, PARTITIONS)
        found = {
            (each.proposal_id, each.owner, each.rule, each.business_date) for each in data.shadow_findings
        }
        tier = {(proposal_id, *each) for proposal_id, keys in shadowed.items() for each in keys}
        assert tier == {each for each in found if each[2] in ("CYC-1", "STK-1", "DEV-2")}


@pytest.fixture
def case(live: Harness) -> Case:
    """Begin with nothing."""
    return Case(live)


def month(ledger: Ledger, peers: int = 30) -> list[Delivery]:
    """Let persons over all shards move 2,000 each in a month, and one more than that at its end."""
    made = ledger.moved("deposit", "1", owner="C999", cash=False, at=hours(0), day=DAY)
    for number in range(peers):
        owner = f"C{500 + number}"
        day = DAY + timedelta(days=1 + number % 20)
        made += ledger.opened("Somebody", owner=owner, at=RECORDED_AT - 400 * timedelta(days=1))
        made += ledger.moved("deposit", "2000", owner=owner, cash=False, at=hours(24), day=day)
    for owner in RICH:
        made += ledger.opened("Somebody", owner=owner, at=RECORDED_AT - 400 * timedelta(days=1))
    return made


def rich(ledger: Ledger, amount: str, owner: str = RICH[0], on: int = 30) -> list[Delivery]:
    """Let somebody move so much when the month is over."""
    day = DAY + timedelta(days=on)
    return ledger.moved("deposit", amount, owner=owner, cash=False, at=hours(24 * on), day=day)


async def test_a_version_published_between_two_runs_judges_the_next_one(case: Case):
    """What is small by the old one is found by the new one, with what came before it; then no more."""
    await case.take(paid(case.ledger, (ANN, BOB, CLEO), "800"))
    assert await case.told("CYC-1") == []
    authors = case.authors
    proposed = await authors.propose("CYC-1", SMALL)
    assert await case.told("CYC-1") == [], "it is proposed, and judges nothing"
    assert refusals(await authors.publish(proposed)) == {None}
    assert await case.told("CYC-1") == [], "what was asked about is asked no more"
    await case.take(paid(case.ledger, (CLEO, ANN), "800", hour=3))
    assert await case.told("CYC-1") == [("CYC-1", CLEO, 1001)]
    await case.harness.restart()
    assert await case.told("CYC-1") == []
    assert refusals(await authors.withdraw(proposed)) == {None}
    await case.take(paid(case.ledger, ("C701", "C702", "C703", "C701"), "800", hour=4))
    assert await case.told("CYC-1") == []
    await case.is_agreed()


async def test_another_rules_version_lets_the_second_tier_go_on(case: Case, monkeypatch: pytest.MonkeyPatch):
    """Reading everything again takes long, and is needed only where it would find something else."""
    await case.take(paid(case.ledger, (ANN, BOB, CLEO)))
    assert await case.told("CYC-1") == []
    begun: list[object] = []
    begin = tier_two.begin

    async def counted(*arguments: Any) -> Any:
        """Count how often it begins."""
        begun.append(arguments)
        return await begin(*arguments)

    monkeypatch.setattr(tier_two, "begin", counted)
    authors = case.authors
    await authors.publish(await authors.propose("CTR-1", {"over": "4999"}))
    await case.take(paid(case.ledger, (CLEO, ANN), hour=3))
    assert await case.told("CYC-1") == [("CYC-1", CLEO, 1)]
    assert begun == []
    await authors.publish(await authors.propose("STK-1", {}), shadow=True)
    await case.told("CYC-1")
    assert len(begun) == 1
    await case.is_agreed()


async def test_a_shadow_finds_rings_beside_what_is_live_and_tells_nobody(case: Case):
    """Its own edges count, and live findings are those that they would have been without it."""
    authors = case.authors
    proposed = await authors.propose("CYC-1", SMALL)
    assert refusals(await authors.publish(proposed, shadow=True)) == {None}
    await case.take(paid(case.ledger, (ANN, BOB, CLEO, ANN), "800"))
    assert await case.told("CYC-1") == []
    await case.take(paid(case.ledger, ("C701", "C702", "C703", "C701"), "5000", hour=4))
    assert [owner for _, owner, _ in await case.told("CYC-1")] == ["C703"]
    await case.harness.restart()
    await case.take(paid(case.ledger, (CLEO, DAN), "900", hour=8))
    assert await case.told("CYC-1") == []
    rows = await queries.shadow_findings(case.harness.connection, proposed.act_id)
    assert [(each["owner"], each["is_live"], each["would_hold"]) for each in rows] == sorted(
        [(CLEO, False, False), ("C703", True, False)]
    )
    assert {each["shard"] for each in rows} == {partition_of(o.encode(), PARTITIONS) for o in (CLEO, "C703")}
    await case.is_agreed()


async def test_a_shadow_goes_live_and_then_tells(case: Case):
    """What it found in shadow was told to nobody, so that it cools nothing down."""
    authors = case.authors
    proposed = await authors.propose("CYC-1", SMALL)
    await authors.publish(proposed, shadow=True)
    await case.take(paid(case.ledger, (ANN, BOB, CLEO, ANN), "800"))
    assert await case.told("CYC-1") == []
    assert refusals(await authors.publish(proposed)) == {None}
    await case.take(paid(case.ledger, (DAN, CLEO), "800", hour=4))
    await case.take(paid(case.ledger, (CLEO, "C702", DAN), "800", hour=5))
    assert [owner for _, owner, _ in await case.told("CYC-1")] == ["C702"]
    await case.is_agreed()


async def test_a_customer_far_above_its_peers_is_told_of_once_in_a_month(case: Case):
    """Peers are of all shards; whoever takes the house's shard over tells it no second time."""
    await case.take(month(case.ledger))
    assert await case.told("DEV-2") == []
    await case.take(rich(case.ledger, "14999"))
    assert await case.told("DEV-2") == []
    await case.take(rich(case.ledger, "1"))
    assert await case.told("DEV-2") == [("DEV-2", RICH[0], 1)]
    await case.harness.restart()
    await case.take(rich(case.ledger, "5000"))
    assert await case.told("DEV-2") == []
    run = await case.harness.connection.fetchrow("SELECT * FROM tier_run ORDER BY number DESC LIMIT 1")
    assert (run["alerts"], run["cooling"]) == (0, 1)
    await case.is_agreed()


async def test_who_is_rated_has_other_peers_from_the_next_run_on(case: Case):
    """A run says which ratings it knew, so that whoever takes over, and the auditor, know the same."""
    await case.take(month(case.ledger))
    assert await case.told("DEV-2") == []
    desk = Desk(900)
    raised = desk.act(RateCustomer, owner=RICH[0], risk_class="high")
    await case.harness.act(raised)
    await case.take([*rich(case.ledger, "16000"), *rich(case.ledger, "14000", RICH[1])])
    assert await case.told("DEV-2") == [], "nobody else is of high risk"
    await case.harness.restart()
    await case.take(rich(case.ledger, "1"))
    assert await case.told("DEV-2") == []
    lowered = desk.act(RateCustomer, owner=RICH[0], risk_class="medium")
    await case.harness.act(lowered)
    approval = desk.act(ApproveRating, owner=RICH[0], rating_id=lowered.act_id)
    await case.harness.act(approval.model_copy(update={"actor": "ben"}))
    assert await case.told("DEV-2") == [], "a customer is asked about when it moves something"
    await case.take(rich(case.ledger, "1"))
    assert await case.told("DEV-2") == [("DEV-2", RICH[0], 1)]
    ratings = await case.harness.connection.fetch("SELECT max(seq) AS seq FROM customer_rating")
    runs = await case.harness.connection.fetch("SELECT ratings FROM tier_run ORDER BY number")
    assert [max(run["ratings"]) for run in runs][::3] == [0, ratings[0]["seq"]]
    await case.is_agreed()


async def test_who_is_over_the_budget_is_kept_once_a_day(case: Case):
    """However often the customer moves something, and whoever takes over."""
    authors = case.authors
    base: dict[str, Any] = {
        "days": 30, "times": 2, "spreads": 5, "peers_min": 30, "young_days": 30, "amount_min": "15000",
    }  # fmt: skip
    await authors.publish(await authors.propose("DEV-2", {**base, "alerts_a_day": 1}))
    await case.take([*month(case.ledger), *rich(case.ledger, "40000"), *rich(case.ledger, "20000", RICH[1])])
    assert await case.told("DEV-2") == [("DEV-2", RICH[0], 1001)]
    for _ in range(2):
        await case.take(rich(case.ledger, "1", RICH[1]))
        assert await case.told("DEV-2") == []
        await case.harness.restart()
    rows = await case.harness.connection.fetch("SELECT owner, outcome FROM tier_finding ORDER BY run, number")
    assert [tuple(row) for row in rows] == [(RICH[0], "alert"), (RICH[1], "over_budget")]
    await case.take(rich(case.ledger, "1", RICH[1], on=31))
    assert await case.told("DEV-2") == [("DEV-2", RICH[1], 1001)], "another day has a budget of its own"
    await case.is_agreed()


async def test_a_shadow_for_persons_only_judges_persons(case: Case):
    """It is the row that would count, for whom it is meant."""
    authors = case.authors
    low: dict[str, Any] = {
        "days": 30, "times": 2, "spreads": 1, "peers_min": 30, "young_days": 30, "amount_min": "5000",
        "alerts_a_day": 50,
    }  # fmt: skip
    persons = await authors.propose("DEV-2", low, segment="person", valid_from=EVER)
    firms = await authors.propose("DEV-2", low, segment="organisation", valid_from=EVER)
    for proposed in (persons, firms):
        assert refusals(await authors.publish(proposed, shadow=True)) == {None}
    await case.take([*month(case.ledger), *rich(case.ledger, "6000")])
    assert await case.told("DEV-2") == []
    found = [await queries.shadow_findings(case.harness.connection, each.act_id) for each in (persons, firms)]
    assert [[row["owner"] for row in rows] for rows in found] == [[RICH[0]], []]
    await case.is_agreed()


async def test_what_a_shadow_found_cannot_be_changed(case: Case):
    """Facts are added, never edited."""
    for statement in ("UPDATE tier_shadow_finding SET owner = 'x'", "DELETE FROM tier_shadow_finding"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await case.harness.connection.execute(statement)
