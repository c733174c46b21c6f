"""Snoozes: rules silent about a customer, by two people, for a time; no finding and no hold is."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.checks.screening import screening_equals_recomputation
from audit.examination import Examination
from backoffice.cli.app import main
from services.compliance.domain.snoozes import Snooze, SnoozeFact, Snoozes
from services.compliance.queries.snoozes import snoozed_list, snoozes_list
from services.compliance.queries.verifying import verify_records
from shared.messages.acts import (
    ApproveSnooze,
    EndSnooze,
    ProposeParameters,
    ProposeSnooze,
    PublishParameters,
)
from shared.messages.compliance import AlertRaised, AlertSnoozed, SnoozeChanged
from shared.messages.envelope import HOUSE
from tests.compliance.api_desk import Desk
from tests.compliance.auditing import evidence_of
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, Delivery, Ledger, hours
from tests.compliance.tables import table
from tests.compliance.test_tier_two import ANN, CLEO, DAN, paid, ticked

RULE = "RND-1"
"""Three whole thousands in 30 days; it alerts once in 30."""
TODAY = date(2026, 3, 2)
UNTIL = TODAY + timedelta(days=60)


@dataclass
class Officers:
    """People who look at alerts; Ann proposes and Ben approves."""

    harness: Harness
    ledger: Ledger = field(default_factory=Ledger)
    acts: int = 0
    delivered: list[Delivery] = field(default_factory=list[Delivery])

    def act(self, kind: type, actor: str = "ann", **fields: Any) -> Any:
        """Make an act with an id of its own."""
        self.acts += 1
        return kind(act_id=UUID(int=8000 + self.acts), actor=actor, reason="a payroll agent", **fields)

    async def propose(
        self, rule: str = RULE, owner: str = ALICE, until: date = UNTIL, shard: int | None = None
    ) -> Any:
        """Propose that a rule is silent about Alice; return the answer."""
        act = self.act(ProposeSnooze, owner=owner, rule=rule, until=until)
        [done] = await self.harness.act(act, shard=shard)
        return done

    async def approve(self, proposed: Any, actor: str = "ben") -> Any:
        """Approve what was proposed; return the answer."""
        act = self.act(ApproveSnooze, actor, owner=proposed.owner, snooze_id=proposed.act_id)
        *_, done = await self.harness.act(act)
        return done

    async def end(self, proposed: Any, actor: str = "ann") -> Any:
        """End what was proposed; return the answer."""
        act = self.act(EndSnooze, actor, owner=proposed.owner, snooze_id=proposed.act_id)
        *_, done = await self.harness.act(act)
        return done

    async def snooze(self, rule: str = RULE, owner: str = ALICE, until: date = UNTIL) -> Any:
        """Let a rule be silent; return the answer to the proposal."""
        proposed = await self.propose(rule, owner, until)
        assert (await self.approve(proposed)).done
        return proposed

    def thousands(self, *days: int, owner: str = ALICE) -> list[Delivery]:
        """Whole thousands that come in."""
        found = [
            delivery
            for day in days
            for delivery in self.ledger.moved(
                "deposit",
                "1000",
                owner=owner,
                cash=False,
                day=DAY + timedelta(days=day),
                at=hours(24 * day),
            )
        ]
        self.delivered += found
        return found

    async def take(self, *days: int, owner: str = ALICE) -> list[str]:
        """Let whole thousands come in, and name what was said of them by this rule."""
        return told(await self.harness.take(*self.thousands(*days, owner=owner)))

    async def agrees(self) -> list[str]:
        """Name what the auditor finds otherwise."""
        evidence = await evidence_of(self.harness, self.delivered)
        return list(screening_equals_recomputation(Examination(evidence)).examples)


def told(events: list[Any]) -> list[str]:
    """Name what was said by the rule."""
    return [
        type(each).__name__
        for each in events
        if isinstance(each, AlertRaised | AlertSnoozed) and each.rule == RULE
    ]


@pytest.fixture
def officers(live: Harness) -> Officers:
    """Make the people, with all rules in force."""
    return Officers(live)


async def test_a_snooze_counts_when_a_second_person_has_approved_it(live: Harness, officers: Officers):
    """Then what would have been an alert is kept, with its findings, and told as that."""
    proposed = await officers.propose()
    assert (proposed.done, proposed.result["status"]) == (True, "proposed")
    assert await officers.take(0, 0, 0, owner=ANNE) == ["AlertRaised"], "another customer's is raised"
    act = officers.act(ApproveSnooze, "ben", owner=ALICE, snooze_id=proposed.act_id)
    changed, approved = await live.act(act)
    assert isinstance(changed, SnoozeChanged)
    assert (changed.after, changed.actor, changed.proposed_by) == ("approved", "ben", "ann")
    assert (changed.owner, changed.rule, changed.until) == (ALICE, RULE, UNTIL)
    assert changed.journal_offset == 3, "Anne's are before it"
    assert (approved.done, approved.result["status"]) == (True, "approved")
    assert await officers.take(0, 0, 0, 1) == ["AlertSnoozed"], "once within its cooldown"
    [silenced] = [each for each in live.published if isinstance(each, AlertSnoozed)]
    assert (silenced.snooze_id, silenced.owner, silenced.business_date) == (proposed.act_id, ALICE, DAY)
    assert silenced.findings[0].values["count"] == 3
    assert await live.connection.fetchval("SELECT count(*) FROM alert WHERE owner = $1", ALICE) == 0
    await live.restart()
    assert await officers.take(2) == [], "another process knows it, too"
    assert await officers.agrees() == []


async def test_nobody_approves_their_own_proposal(live: Harness, officers: Officers):
    """Two people look; the database holds it, whatever the code does."""
    proposed = await officers.propose()
    done = await officers.approve(proposed, actor="ann")
    assert (done.done, done.result["refused"]) == (False, "same_person")
    assert await officers.take(0, 0, 0) == ["AlertRaised"]


FORGED = {
    "approved by who proposed it": ("'approved', 'ann', 'RND-1', '2026-05-01', 'ann', 0", "two_people"),
    "approved and never proposed": ("'approved', 'ben', 'RND-1', '2026-05-01', 'cy', 0", "its_proposal"),
    "approved for longer": ("'approved', 'ben', 'RND-1', '2027-05-01', 'ann', 0", "its_proposal"),
    "of another rule": ("'approved', 'ben', 'FAN-1', '2026-05-01', 'ann', 0", "its_proposal"),
    "approved from no record on": ("'approved', 'ben', 'RND-1', '2026-05-01', 'ann', NULL", "check"),
    "proposed by somebody else": ("'proposed', 'ben', 'RND-1', '2026-05-01', 'ann', NULL", "two_people"),
    "of names": ("'proposed', 'ann', 'SAN-1', '2026-05-01', 'ann', NULL", "names_are_never"),
}


@pytest.mark.parametrize(("values", "words"), FORGED.values(), ids=FORGED)
async def test_the_database_takes_no_snooze_that_two_people_did_not_make(
    officers: Officers, values: str, words: str
):
    """The keys and checks hold it whoever writes."""
    proposed = await officers.propose(until=date(2026, 5, 1))
    snooze_id = proposed.act_id if "approved" in values else UUID(int=1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=words):
        await officers.harness.connection.execute(
            "INSERT INTO snooze_fact (shard, snooze_id, seq, recorded_at, act_id, reason, owner, what, actor,"
            " rule, until, proposed_by, journal_offset)"
            f" VALUES (0, $1, 99, now(), $2, 'x', $3, {values})",
            snooze_id, UUID(int=2), ALICE,
        )  # fmt: skip


async def test_the_database_takes_nothing_silenced_that_was_not_approved(officers: Officers):
    """A proposal silences nothing."""
    proposed = await officers.propose()
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="what_is_snoozed_was_approved"):
        await officers.harness.connection.execute(
            "INSERT INTO snoozed_alert (shard, seq, recorded_at, snooze_id, owner, rule, business_date,"
            " subject, findings, about_shard, about_seq)"
            " VALUES (0, 99, now(), $1, $2, $3, '2026-03-02', '', '[]', 0, 1)",
            proposed.act_id, ALICE, RULE,
        )  # fmt: skip


REFUSED = table("""
    owner  rule    days  reason
    alice  SAN-1     30  rule_holds         # a listed name is held before anything is posted
    alice  STR-1     30  rule_holds
    alice  XYZ-1     30  rule_unknown
    alice  RND-1      0  expired
    alice  RND-1     91  too_long
    house  RND-1     30  not_a_customer
""")


@pytest.mark.parametrize("row", REFUSED, ids=str)
async def test_what_cannot_be_silenced_is_refused_by_name(officers: Officers, row: dict[str, str]):
    """And the answer names the rule that holds payments."""
    owner = ALICE if row["owner"] == "alice" else HOUSE
    done = await officers.propose(row["rule"], owner, TODAY + timedelta(days=int(row["days"])))
    assert (done.done, done.result["refused"]) == (False, row["reason"])
    if row["reason"] == "rule_holds":
        assert row["rule"] in done.detail


async def test_a_snooze_belongs_to_the_home_of_its_customer(officers: Officers):
    """Only that shard's writer knows what it alerts of."""
    done = await officers.propose(shard=1)
    assert (done.done, done.result["refused"]) == (False, "wrong_shard")


async def test_what_was_decided_is_not_decided_again(officers: Officers):
    """Each step once, and of this customer."""
    unknown = await officers.propose()
    stranger = unknown.model_copy(update={"owner": ANNE})
    assert (await officers.approve(stranger)).result["refused"] == "no_such_snooze"
    snooze = await officers.snooze()
    assert (await officers.approve(snooze)).result["refused"] == "already_approved"
    assert (await officers.end(snooze)).done, "one person is enough"
    assert (await officers.end(snooze)).result["refused"] == "already_ended"
    assert (await officers.approve(snooze)).result["refused"] == "already_ended"


async def test_what_is_ended_early_alerts_again(live: Harness, officers: Officers):
    """Also of a day of which something was silenced: what was only kept keeps no alert away."""
    snooze = await officers.snooze()
    assert await officers.take(0, 0, 0) == ["AlertSnoozed"]
    assert (await officers.end(snooze, actor="cy")).result["status"] == "ended"
    assert await officers.take(0) == ["AlertRaised"]
    assert await officers.agrees() == []


async def test_a_snooze_is_over_on_its_day(officers: Officers):
    """By the business day of what is judged, and by no clock."""
    await officers.snooze(until=DAY + timedelta(days=2))
    assert await officers.take(1, 1, 1) == ["AlertSnoozed"]
    assert await officers.take(2) == ["AlertRaised"]
    assert await officers.take(1, owner=ANNE) == []
    assert await officers.agrees() == []


async def test_an_alert_that_is_there_is_not_told_of_again(officers: Officers):
    """Within the cooldown of an alert nothing would have been raised, so nothing is silenced."""
    assert await officers.take(0, 0, 0) == ["AlertRaised"]
    await officers.snooze()
    assert await officers.take(1) == []
    assert await officers.take(31, 31, 31) == ["AlertSnoozed"]
    assert await officers.agrees() == []


async def test_acts_and_records_of_one_batch_are_as_one_by_one(live: Harness, officers: Officers):
    """A snooze counts from the record on that comes after it, wherever batches are cut."""
    assert await officers.take(0, 0) == []
    propose = officers.act(ProposeSnooze, owner=ALICE, rule=RULE, until=UNTIL)
    approve = officers.act(ApproveSnooze, "ben", owner=ALICE, snooze_id=propose.act_id)
    batch = [*live.asked(propose, approve), *live.delivered(*officers.thousands(0, 1))]
    events = await live.handle(batch)
    assert kinds(events) == ["ActDone", RULE, "ActDone", RULE]
    assert told(events) == ["AlertSnoozed"]
    assert [each.journal_offset for each in events if isinstance(each, SnoozeChanged)] == [2]
    end = officers.act(EndSnooze, owner=ALICE, snooze_id=propose.act_id)
    events = await live.handle([*live.asked(end), *live.delivered(*officers.thousands(1))])
    assert told(events) == ["AlertRaised"]
    assert await officers.agrees() == []


async def test_a_batch_that_is_taken_back_silences_nothing(live: Harness, officers: Officers):
    """Memory changes when the batch is committed, and not before."""
    proposed = await officers.propose()
    act = officers.act(ApproveSnooze, "ben", owner=ALICE, snooze_id=proposed.act_id)
    await live.handle(live.asked(act), commit=False)
    assert await officers.take(0, 0, 0) == ["AlertRaised"]


async def test_a_rule_that_holds_by_its_parameters_is_not_silenced(live: Harness, officers: Officers):
    """Not to begin with, and not where it came to hold afterwards."""
    await officers.snooze()
    row = await live.connection.fetchval('SELECT "values" FROM rule_parameter WHERE rule = $1', RULE)
    values = {**json.loads(row), "hold_hours": 24}
    propose = officers.act(ProposeParameters, rule=RULE, values=values, valid_from=DAY)
    assert (await live.act(propose))[0].done
    await live.everywhere(officers.act(PublishParameters, "ben", proposal_id=propose.act_id))
    refused = await officers.propose(owner=ANNE)
    assert (refused.done, refused.result["refused"]) == (False, "rule_holds")
    moved = [
        delivery
        for _ in range(3)
        for delivery in officers.ledger.moved("withdrawal", "1000", cash=False, pending=True)
    ]
    officers.delivered += moved
    events = await live.take(*moved)
    assert "AlertSnoozed" not in [type(each).__name__ for each in events]


async def test_what_goes_over_several_shards_is_silenced_at_home(live: Harness, officers: Officers):
    """The second tier finds it all the same, and its party's home keeps it."""
    await officers.snooze("CYC-1", CLEO)
    moved = paid(officers.ledger, (ANN, DAN, CLEO, ANN))
    officers.delivered += moved
    await live.take(*moved)
    [silenced] = await ticked(live)
    assert isinstance(silenced, AlertSnoozed)
    assert (silenced.rule, silenced.owner) == ("CYC-1", CLEO)
    assert await ticked(live, 3) == [], "it is told once"
    assert await live.connection.fetchval("SELECT count(*) FROM alert WHERE rule = 'CYC-1'") == 0
    assert await officers.agrees() == []


async def test_what_was_silenced_is_counted_and_shown(live: Harness, officers: Officers):
    """By snooze, with who and why."""
    snooze = await officers.snooze()
    await officers.take(0, 0, 0)
    await officers.take(40, 40, 40)
    [row] = await snoozes_list(live.connection, "approved", ALICE)
    assert (row["snooze_id"], row["alerts"], row["approved_by"]) == (str(snooze.act_id), 2, "ben")
    assert (row["proposed_by"], row["reason"], row["ended_by"]) == ("ann", "a payroll agent", None)
    assert await snoozes_list(live.connection, "ended") == []
    shown = await snoozed_list(live.connection, ALICE, RULE, snooze.act_id)
    assert [(each["business_date"] - DAY).days for each in shown] == [0, 40]
    assert shown[0]["findings"][0]["rule"] == RULE


async def test_a_rule_is_silenced_by_http(live: Harness, officers: Officers):
    """As by the command: two people, on the status that they have seen."""
    desk = Desk(live)
    asked = {"owner": ALICE, "rule": RULE, "until": UNTIL.isoformat()}
    proposed = await desk.post("/v1/snoozes", "analyst", **asked)
    assert (proposed.status, proposed.body["result"]["status"]) == (200, "proposed")
    path = f"/v1/snoozes/{proposed.body['result']['snooze_id']}"
    shown = await desk.ask("GET", path)
    assert (shown.body["status"], shown.headers["etag"]) == ("proposed", '"proposed"')
    assert (await desk.post(f"{path}/approval", "approver", seen='"proposed"')).status == 403, "her own"
    assert (await desk.post(f"{path}/approval", "approver", "ben")).status == 428
    assert (await desk.post(f"{path}/approval", "approver", "ben", seen='"proposed"')).status == 200
    assert await officers.take(0, 0, 0) == ["AlertSnoozed"]
    [row] = (await desk.ask("GET", "/v1/snoozes", owner=ALICE, status="approved")).body["items"]
    assert (row["alerts"], row["reason"]) == (1, "looked at")
    [kept] = (await desk.ask("GET", "/v1/snoozed-alerts", rule=RULE)).body["items"]
    assert (kept["snooze_id"], kept["business_date"]) == (row["snooze_id"], "2026-03-02")
    assert (await desk.post(f"{path}/end", "analyst", seen='"approved"')).status == 200
    assert (await desk.ask("GET", f"/v1/snoozes/{UUID(int=1)}")).status == 404


async def test_snoozes_on_record_are_what_was_told(live: Harness, officers: Officers, owner: Any):
    """Whoever owns the tables cannot make one longer, or what it silenced another thing, unseen."""
    snooze = await officers.snooze()
    await officers.take(0, 0, 0)
    await officers.end(snooze)
    verified = await verify_records(live.connection)
    assert (verified.examples, verified.snoozes) == ([], 4)
    for statement in (
        "UPDATE compliance.snooze_fact SET journal_offset = 7 WHERE what = 'ended'",
        "UPDATE compliance.snooze_fact SET reason = 'x' WHERE what = 'approved'",
        "UPDATE compliance.snoozed_alert SET findings = '[]'",
    ):
        await owner.execute(statement)
    assert [each.split(": ")[1] for each in (await verify_records(live.connection)).examples] == [
        "reason on record is not what was told",
        "journal_offset on record is not what was told",
        "findings on record is not what was told",
    ]
    await owner.execute("DELETE FROM compliance.snoozed_alert")
    assert "not on record" in (await verify_records(live.connection)).examples[-1]


PLANTED = {
    "silenced by one": ("UPDATE {} SET actor = 'ann' WHERE what = 'approved'", "a_snooze_takes_two_people"),
    "silenced later than told": ("UPDATE {} SET journal_offset = 9 WHERE what = 'approved'", ""),
    "a customer's that is not told": ("DELETE FROM {} WHERE what = 'approved'", "what_is_snoozed"),
}


@pytest.mark.parametrize(("statement", "guard"), PLANTED.values(), ids=PLANTED)
async def test_the_auditor_finds_what_is_silenced_wrongly(
    live: Harness, officers: Officers, owner: Any, statement: str, guard: str
):
    """By an account of its own of what counted for which record."""
    await officers.snooze()
    await officers.take(0, 0, 0)
    assert await officers.agrees() == []
    if guard:
        table_name = "snoozed_alert" if guard == "what_is_snoozed" else "snooze_fact"
        name = "what_is_snoozed_was_approved" if guard == "what_is_snoozed" else guard
        await owner.execute(f"ALTER TABLE compliance.{table_name} DROP CONSTRAINT {name}")
    await owner.execute(statement.format("compliance.snooze_fact"))
    assert await officers.agrees() != []


async def test_the_auditor_finds_an_alert_that_nobody_has_silenced(live: Harness, officers: Officers):
    """And one that was raised though it was silent."""
    await officers.snooze()
    await officers.take(0, 0, 0)
    [at] = [n for n, each in enumerate(live.published) if isinstance(each, AlertSnoozed)]
    silenced = live.published[at]
    assert isinstance(silenced, AlertSnoozed)
    fields = silenced.model_dump(exclude={"type", "snooze_id"})
    live.published[at] = AlertRaised(**fields, alert_id=f"0-{silenced.seq}")
    found = await officers.agrees()
    assert any("snoozed" in each and "missing" in each for each in found)
    assert any("alerts" in each and "not called for" in each for each in found)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["approved", "ended"]), st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)
    ),
    max_size=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, offset=st.integers(0, 30), day=st.integers(0, 9))
def test_what_counted_for_a_record_is_what_its_facts_say(
    steps: list[tuple[str, int, int, int]], offset: int, day: int
):
    """Whenever it is asked, and whatever has come since."""
    facts: list[SnoozeFact] = []
    at, ends, stands = 0, dict[int, int](), dict[int, str]()
    for status, number, later, until in steps:
        at += later
        ends.setdefault(number, until)
        if stands.get(number) != (None if status == "approved" else "approved"):
            continue
        stands[number] = status
        last = DAY + timedelta(days=ends[number])
        snooze = Snooze(0, UUID(int=number), ALICE, RULE, last, "ann", status)  # pyright: ignore[reportArgumentType]
        facts.append(SnoozeFact(snooze, UUID(int=9), "ben", "x", at))
    standing: list[Snooze] = []
    for fact in facts:
        assert fact.journal_offset is not None
        if fact.journal_offset <= offset:
            standing = [each for each in standing if each.snooze_id != fact.snooze.snooze_id]
            standing += [fact.snooze] if fact.snooze.status == "approved" else []
    when = DAY + timedelta(days=day)
    expected = next((each.snooze_id for each in standing if when < each.until), None)
    grown = Snoozes()
    for fact in facts:
        grown = grown.with_fact(fact)
    assert Snoozes(facts).silencing(ALICE, RULE, when, offset) == expected
    assert grown.silencing(ALICE, RULE, when, offset) == expected
    assert grown.silencing(BOB, RULE, when, offset) is None


def test_a_command_typed_wrongly_says_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, before anything is reached."""
    words = ("compliance", "snooze", "propose", ALICE, RULE, "--reason", "x", "--until", "soon", "--json")
    assert main(list(words)) == 2
    assert json.loads(capsys.readouterr().err)["error"] == "date_wrong"
