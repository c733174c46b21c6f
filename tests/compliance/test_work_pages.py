"""The order of work by index: that of all facts, in pages that neither lose nor repeat, of however many."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.compliance.domain.work_order import Scales, Standing, work_order
from services.compliance.handlers.alerts import raise_alert
from services.compliance.handlers.screening import Hit
from services.compliance.handlers.work_order import save_alerts
from services.compliance.queries.verifying_places import verify_places
from services.compliance.queries.work_order import place_of, work_queue
from shared.messages.acts import RefuseHold
from shared.messages.compliance import Finding
from shared.messages.envelope import Number
from shared.messages.partitioner import shard_of
from shared.messages.topics import JOURNAL
from shared.runtime.work import UnitOfWork
from tests.compliance.conftest import Harness
from tests.compliance.ledger import DAY, PARTITIONS, Ledger
from tests.compliance.test_cases import Office

OWNERS = [f"C{number}" for number in range(7)]
RULES = ("SAN-1", "CTR-1", "RND-1", "RND-1", "RND-1", "GS-1", "GS-1", "PAY-1", "VEL-1")
EVENTS = 5000
ONE_SNAPSHOT = {"isolation": "repeatable_read", "readonly": True}


@dataclass
class Town:
    """People of whom rules find something now and then, and an office that works on it: by chance."""

    harness: Harness
    chance: Random
    ledger: Ledger = field(default_factory=Ledger)
    office: Office = field(init=False)
    alerts: int = 0
    held: list[tuple[str, UUID]] = field(default_factory=list[tuple[str, UUID]])
    confirmed: list[tuple[str, UUID, int]] = field(default_factory=list[tuple[str, UUID, int]])

    def __post_init__(self) -> None:
        self.office = Office(self.harness)

    async def begin(self) -> None:
        """Let the ledger have told of some events, and kinds of some people be known."""
        await self.harness.connection.execute(
            "INSERT INTO source_mark (topic, partition, source_shard, last_seq) VALUES ($1, 0, 0, $2)",
            JOURNAL.name,
            EVENTS,
        )
        for _ in range(3):
            await self.tell_kind()

    async def step(self) -> None:
        """Do one thing that moves alerts, but tell nobody's kind."""
        weights = {
            self.find: 8,
            self.hold: 1,
            self.decide: 1,
            self.dismiss: 2,
            self.confirm: 1,
            self.reopen: 1,
        }
        [chosen] = self.chance.choices(list(weights), list(weights.values()))
        await chosen()

    async def find(self) -> None:
        """Raise some alerts, in no order of days, now and then about a payment that waits."""

        async def do(work: UnitOfWork) -> None:
            rows = [self._raise(work) for _ in range(self.chance.randint(1, 4))]
            await save_alerts(work, rows)

        await self.harness.tick_with(do)

    def _raise(self, work: UnitOfWork) -> Any:
        owner, rule = self.chance.choice(OWNERS), self.chance.choice(RULES)
        about = None
        if self.held and self.chance.random() < 0.3:
            owner, about = self.chance.choice(self.held)
        shard = shard_of(owner, PARTITIONS)
        day = DAY + timedelta(days=self.chance.randint(0, 40))
        self.alerts += 1
        key = (shard, owner, rule, day, str(self.alerts))
        finding = Finding(rule=rule, rule_version=1, sentence="seen", values={})
        hit = Hit(rule, owner, "", (finding,), holds=False, hold_for=timedelta())
        return raise_alert(work, key, hit, Number(shard=shard, seq=1), about)

    async def hold(self) -> None:
        """Hold a payment."""
        owner, names = self.chance.choice(OWNERS), {"creditor": "Yorick Undertow"}
        moved = self.ledger.moved("withdrawal", "5", cash=False, pending=True, names=names, owner=owner)
        await self.harness.take(*moved)
        self.held.append((owner, UUID(int=self.ledger.instructions)))

    async def decide(self) -> None:
        """Refuse one that waits."""
        if self.held:
            owner, instruction = self.held.pop(self.chance.randrange(len(self.held)))
            act = RefuseHold(
                act_id=UUID(int=instruction.int + (1 << 64)),
                actor="ann",
                reason="x",
                owner=owner,
                instruction_id=instruction,
            )
            assert (await self.harness.act(act))[-1].done

    async def dismiss(self) -> None:
        """Dismiss an alert that is new."""
        new = await self.harness.connection.fetch(
            "SELECT owner, shard || '-' || seq AS id FROM alert_standing WHERE is_new ORDER BY shard, seq"
        )
        if new:
            row = self.chance.choice(new)
            assert (await self.office.do("dismiss", owner=row["owner"], alert_id=row["id"])).done

    async def confirm(self) -> None:
        """Close a case as confirmed, by two people."""
        owner = self.chance.choice(OWNERS)
        await self.office.open(owner=owner)
        await self.office.do("assign", officer="otto", owner=owner)
        await self.office.do("decide", "otto", disposition="confirmed", owner=owner)
        assert (await self.office.do("approve", "lena", owner=owner)).done
        self.confirmed.append((owner, self.office.case_id, self.office.version))

    async def reopen(self) -> None:
        """Open one of those again."""
        if self.confirmed:
            owner, case_id, version = self.confirmed.pop()
            done = await self.office.do("reopen", owner=owner, case_id=case_id, version=version)
            assert done.done, done.detail

    async def tell_kind(self, owner: str | None = None) -> None:
        """Let the ledger tell what somebody is."""
        kind = self.chance.choice(["person", "organisation"])
        owner = owner or self.chance.choice(OWNERS)
        name = f"Norma Plain {self.chance.randrange(1000)}"
        await self.harness.take(*self.ledger.opened(name, owner=owner, kind=kind))

    async def expected(self, rule: str | None = None, *, is_new: bool) -> list[Any]:
        """What all facts together say."""
        rows = [dict(row) for row in await self.harness.connection.fetch("SELECT * FROM alert_standing")]
        standing = [Standing(**{k: v for k, v in row.items() if k != "instruction_id"}) for row in rows]
        hits = Counter((each.rule, each.segment) for each in standing)
        found = work_order(standing, Scales(hits, EVENTS), rule, is_new=is_new)
        return [(*each.place, each.because, each.lead_alerts, each.rules[0].alerts) for each in found]

    async def asked(self, limit: int = 1000, **more: Any) -> tuple[Any, list[Any]]:
        """What a page says, and of which state it is."""
        of, rows = await work_queue(self.harness.connection, JOURNAL.name, limit=limit, **more)
        return of, [
            (
                *place_of(row),
                row["work"]["because"],
                row["work"]["lead"]["alerts"],
                row["work"]["lead"]["rules"][0]["alerts"],
            )
            for row in rows
        ]


@pytest.fixture(params=[1, 2, 3, 4])
async def town(harness: Harness, request: pytest.FixtureRequest) -> Town:
    """Make a town."""
    made = Town(harness, Random(request.param))
    await made.begin()
    return made


async def misplaced(town: Town) -> list[str]:
    """What `compliance verify` says of the order."""
    differences: list[str] = []
    assert await verify_places(town.harness.connection, differences.append) == town.alerts
    return differences


async def test_the_order_by_index_is_that_of_all_facts(town: Town):
    """Whatever comes late, is decided, confirmed, opened again or told of somebody's kind."""
    for number in range(1, 61):
        await town.step()
        if number % 7 == 0:
            await town.tell_kind()
        if number % 10 == 0:
            assert await misplaced(town) == []
            for rule, is_new in ((None, True), (None, False), ("GS-1", True)):
                _, found = await town.asked(rule=rule, is_new=is_new)
                assert found == await town.expected(rule, is_new=is_new)
            every = await town.expected(is_new=False)
            for owner in OWNERS:
                _, found = await town.asked(owner=owner)
                assert found == [each for each in every if each[3] == owner]


async def test_pages_neither_lose_nor_repeat_an_alert_whatever_happens_between(town: Town):
    """All are of the first's state: what has moved since is shown where it stood, what is newer is not."""
    for _ in range(25):
        await town.step()
    of, whole = await town.asked()
    shown: list[Any] = []
    while True:
        _, rows = await town.asked(4, as_of=of, after=shown[-1][:6] if shown else None)
        if not rows:
            break
        shown += rows
        for _ in range(2):
            await town.step()
    assert shown == whole
    assert await misplaced(town) == []


async def test_of_new_alerts_pages_leave_out_what_was_triaged_meanwhile_and_nothing_else(town: Town):
    """Nobody is sent to what somebody has looked at."""
    for _ in range(25):
        await town.step()
    of, whole = await town.asked(is_new=True)
    shown: list[Any] = []
    triaged: set[tuple[int, int]] = set()
    while True:
        rows = await town.harness.connection.fetch("SELECT shard, alert_seq FROM alert_triage")
        triaged = {(row["shard"], row["alert_seq"]) for row in rows}
        _, found = await town.asked(4, as_of=of, after=shown[-1][:6] if shown else None, is_new=True)
        if not found:
            break
        assert not triaged & {each[4:6] for each in found}
        shown += found
        for _ in range(2):
            await town.step()
    assert [each for each in whole if each in shown] == shown
    assert {each[4:6] for each in whole if each not in shown} <= triaged


async def test_a_kind_told_between_pages_moves_alerts_of_its_customer_alone(town: Town):
    """It is known of one customer anew, and weighs theirs otherwise; all others stand where they stood."""
    for _ in range(25):
        await town.step()
    of, whole = await town.asked()
    shown: list[Any] = []
    while True:
        _, rows = await town.asked(4, as_of=of, after=shown[-1][:6] if shown else None)
        if not rows:
            break
        shown += rows
        await town.tell_kind("C1")
        await town.step()
    assert [each for each in shown if each[3] != "C1"] == [each for each in whole if each[3] != "C1"]
