"""What the service answers and raises on the ledger's events, on a real PostgreSQL."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.app import ComplianceService
from services.compliance.domain.ledger_events import read_news
from services.compliance.domain.lists.party import party_of
from services.compliance.queries.lists import list_parties
from shared.messages.acts import ActivateList, LoadList, ResumeShard
from shared.messages.acts.lists import ListedName
from shared.messages.compliance import AlertRaised, DecisionMade, HoldOverdue, HoldPlaced
from shared.messages.envelope import Number
from shared.messages.journal import ActDone
from shared.runtime.errors import ShardHalted, UnreadableRecord
from shared.runtime.work import Received, Unreadable
from tests.compliance.conftest import OWNER, READONLY, Harness, kinds
from tests.compliance.ledger import (
    ALICE,
    ANNE,
    BOB,
    DAY,
    PARTITIONS,
    RECORDED_AT,
    Ledger,
    hours,
    owners_at,
)
from tests.compliance.tables import table
from tests.support.infrastructure import Database

LISTED = "Grimwold, Otto"
OUTCOMES = table("""
    what        amount    cash  pending  screening  payee   published
    withdrawal  100       no    yes      yes        -       cleared
    withdrawal  100       no    yes      no         -       -             # nobody asks
    withdrawal  100       no    no       -          -       -
    withdrawal  100       no    yes      yes        listed  HoldPlaced
    withdrawal  100       no    no       -          listed  SAN-1         # posted: nothing is undone
    withdrawal  100       no    yes      no         listed  SAN-1
    withdrawal  10000.01  yes   yes      yes        -       cleared       # CTR-1 is about money that moved
    withdrawal  10000.01  yes   no       -          -       CTR-1
    withdrawal  10000.01  no    no       -          -       -             # no banknotes
    withdrawal  10000.01  yes   no       -          listed  SAN-1,CTR-1
    deposit     10000.01  yes   no       -          -       CTR-1
    fee         10000.01  yes   no       -          -       -             # a fee is no banknotes
""")


async def test_an_event_is_answered_if_it_waits_and_alerts_if_a_rule_hits(harness: Harness):
    """Holding is for what waits; what was posted can only be looked at."""
    ledger = Ledger()
    for row, owner in zip(OUTCOMES, owners_at(0), strict=False):
        what: Any = row["what"]
        events = await harness.take(
            *ledger.moved(
                what,
                row["amount"],
                owner=owner,
                cash=row["cash"] == "yes",
                pending=row["pending"] == "yes",
                screening=row["screening"] == "yes",
                names={"creditor": LISTED if row["payee"] == "listed" else "Jane Doe"},
            )
        )
        assert (",".join(kinds(events)) or "-") == row["published"], row


async def test_a_decision_names_what_was_judged_and_by_which_lists(harness: Harness):
    """The ledger takes no decision about another content; it must be repeatable."""
    [decision] = await harness.take(*Ledger().moved("withdrawal", "100", cash=False, pending=True))
    assert isinstance(decision, DecisionMade)
    assert (decision.owner, decision.instruction_id.int, decision.first) == (ALICE, 1, Number(shard=0, seq=1))
    assert decision.lists == {"DEMO": "1"}
    assert len(decision.content_hash) == 32
    assert harness.keys == [ALICE.encode()]
    [row] = (await harness.tables())["decision"]
    assert (row["seq"], row["decision"], row["content_hash"]) == (1, "cleared", decision.content_hash)


async def test_a_hold_has_a_deadline_and_tells_why_without_names(harness: Harness):
    """Names are personal data: list, version and entry say it to those who may know."""
    names = {"ultimate_creditor": "Umbra Vortex Trading Limited"}
    [hold] = await harness.take(*Ledger().moved("withdrawal", "250.5", cash=False, pending=True, names=names))
    assert isinstance(hold, HoldPlaced)
    assert (hold.asset, hold.amount) == ("USD", "250.50")
    assert hold.deadline == RECORDED_AT + timedelta(milliseconds=1, hours=24)
    [finding] = hold.findings
    assert finding.values["entry"] == "DEMO-101"
    assert finding.sentence == (
        "The ultimate creditor bears a name of entry DEMO-101 on list DEMO, version 1."
    )
    assert "Umbra" not in json.dumps(hold.model_dump(mode="json")), "no name may leave in an event"
    assert (await harness.tables())["decision"] == []


OPENED = [
    ("OTTO GRIMWOLD", "person", ["SAN-1"]),
    ("Otto Grimwold Jr", "person", ["SAN-1"]),
    ("Ottokar Vasilibus Grimwald", "person", ["SAN-1"]),
    ("Otto Grim", "person", []),
    ("Malakhit Khrebtovskiy", "person", ["SAN-1"]),
    ("Schattenfels Import Export", "organisation", ["SAN-1"]),
    ("Jane Doe", "person", []),
]


async def test_a_party_is_screened_when_its_account_is_opened(harness: Harness):
    """By likeness: a generation or one wrong letter hides nobody, a part of a name finds nobody."""
    ledger = Ledger()
    for (name, kind, expected), owner in zip(OPENED, owners_at(0), strict=False):
        assert kinds(await harness.take(*ledger.opened(name, owner=owner, kind=kind))) == expected, name


async def test_a_holder_told_of_later_is_screened_as_those_of_an_opening(harness: Harness):
    """And stays on record with them, to be screened against what changes of the lists."""
    ledger = Ledger()
    holder = {"name": "Otto Grimwold", "role": "joint_holder", "person": "P-1"}
    assert kinds(await harness.take(*ledger.opened("Jane Doe"), *ledger.told_of(holder))) == ["SAN-1"]
    assert (
        kinds(await harness.take(*ledger.told_of(holder | {"name": "Jane Roe", "until": "2026-03-01"}))) == []
    )
    rows = await harness.connection.fetch("SELECT field, name FROM party ORDER BY number")
    assert [tuple(row) for row in rows] == [
        ("party", "Jane Doe"),
        ("party.holders", "Otto Grimwold"),
        ("party.holders", "Jane Roe"),
    ]


OWN = (
    ListedName(
        entry_id="A-1",
        kind="person",
        names=("MORGENWASSER, Tibor Anselm Karl",),
        weak_names=("The Weathercock",),
        birth_dates=("1962-09-08",),
        countries=("FR",),
        identifiers=("passport:X12345", "bic:MORGFRPP", "crypto:1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        addresses=("1 Nowhere Street",),
        remarks="asked twice",
    ),
)


@pytest.fixture
async def own(harness: Harness) -> Harness:
    """Let every shard screen against a list that tells more of its entry than names."""
    common: dict[str, Any] = {"actor": "ann", "reason": "a list", "list_code": "OWN", "version": "1"}
    load = LoadList(act_id=UUID(int=1), part=1, parts=1, sha256="ab", entries=OWN, **common)
    await harness.act(load)
    for shard in range(PARTITIONS):
        await harness.act(ActivateList(act_id=UUID(int=2 + shard), **common), shard=shard)
    return harness


LEVELS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "alike enough to hold": ({"creditor": {"name": "Tibor Anselm Karl Morgenwaser"}}, ["HoldPlaced"]),
    "alike enough to alert": ({"creditor": {"name": "Tibor Anslm Morgenwasser"}}, ["SAN-1", "cleared"]),
    "not alike": ({"creditor": {"name": "Tibor Schmidt"}}, ["cleared"]),
    "a weak alias": ({"creditor": {"name": "The Weathercock"}}, ["cleared"]),
    "a listed passport": ({"creditor": {"name": "Jane Doe", "identifier": "X-12345"}}, ["HoldPlaced"]),
    "a listed wallet": ({"creditor": {"account": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}}, ["HoldPlaced"]),
    "a listed bank": ({"creditor_agent": "MORGFRPPXXX"}, ["HoldPlaced"]),
    "another bank": ({"creditor_agent": "ABCDFRPPXXX"}, ["cleared"]),
}


@pytest.mark.parametrize(("payment", "published"), LEVELS.values(), ids=LEVELS)
async def test_a_payment_is_held_alerted_or_cleared_by_how_alike_it_is(
    payment: dict[str, Any], published: list[str], own: Harness
):
    """Two thresholds: what is surely somebody waits for a decision, what may be is looked at afterwards."""
    moved = Ledger().moved("withdrawal", "100", cash=False, pending=True, payment=payment)
    assert kinds(await own.take(*moved)) == published


STRICTER = """
INSERT INTO compliance.rule_parameter (rule, version, asset, "values", valid_from, source)
VALUES ('SAN-1', 2, '*',
        '{"hold_hours": 48, "alert_at": "0.90", "hold_at": "1.00", "list_days_max": {"*": null}}',
        $1, 'a test')
"""


async def test_levels_count_from_the_business_day_on_at_which_they_are_valid(
    own: Harness, database: Database
):
    """They are data with a date: a replay judges each day by its own levels."""
    owner = await asyncpg.connect(database.dsn(OWNER))
    await owner.execute(STRICTER, DAY + timedelta(days=1))
    await owner.close()
    await own.restart()
    ledger = Ledger()
    said: list[list[str]] = []
    for name in ("Tibor Anslm Morgenwasser", "Tibor Anselm Karl Morgenwaser"):
        for day in (DAY, DAY + timedelta(days=1)):
            payment = {"creditor": {"name": name}}
            moved = ledger.moved("withdrawal", "1", cash=False, pending=True, payment=payment, day=day)
            said.append(kinds(await own.take(*moved)))
    assert said == [["SAN-1", "cleared"], ["cleared"], ["HoldPlaced"], ["SAN-1", "cleared"]]
    [finding] = own.published[-1].findings
    assert (finding.rule_version, finding.values["alert_at"], finding.values["hold_at"]) == (2, 0.9, 1.0)


async def test_a_partys_birth_date_confirms_a_weak_alias_and_is_told(own: Harness):
    """What the customer's file says beside the name is taken with it."""
    ledger = Ledger()
    for born, expected in (("1985-01-17", []), ("1962-09-08", ["SAN-1"])):
        events = await own.take(*ledger.opened("The Weathercock", birth_date=born, country="FR"))
        assert kinds(events) == expected
    [finding] = own.published[-1].findings
    assert [each["bearing"] for each in finding.values["evidence"]] == ["agrees", "agrees"]


async def test_what_a_list_tells_of_an_entry_outlives_the_process(own: Harness, database: Database):
    """It is stored with the version, and read again by the next process and by the command."""
    await own.restart()
    bank = {"debtor_agent": "MORGFRPP"}
    [hold] = await own.take(*Ledger().moved("withdrawal", "1", cash=False, pending=True, payment=bank))
    assert hold.findings[0].values["comparison"] == "identifier"
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        [party] = await list_parties(connection, "OWN", "1")
    finally:
        await connection.close()
    assert party == party_of(OWN[0])


async def test_an_owner_alerts_once_by_rule_and_day(harness: Harness):
    """People look at the owner's day, not at each banknote."""
    ledger = Ledger()
    batch = [each for owner in (ALICE, ALICE, ANNE) for each in ledger.moved("deposit", "12000", owner=owner)]
    assert kinds(await harness.take(*batch)) == ["CTR-1", "CTR-1"]
    assert kinds(await harness.take(*ledger.moved("deposit", "12000"))) == []
    assert kinds(await harness.take(*ledger.moved("deposit", "12000", day=DAY + timedelta(days=1)))) == [
        "CTR-1"
    ]


async def test_another_listed_name_alerts_again_on_the_same_day(harness: Harness):
    """The cooldown must not hide a second match behind the first."""
    ledger = Ledger()
    found: list[str] = []
    for name in (LISTED, LISTED, "Brunhilde von Nebelstein"):
        moved = ledger.moved("withdrawal", "1", cash=False, names={"creditor": name})
        found += [each.findings[0].values["entry"] for each in await harness.take(*moved)]
    assert found == ["DEMO-001", "DEMO-006"]


async def test_the_third_cash_withdrawal_just_under_the_threshold_is_held(harness: Harness):
    """Structuring holds what waits; a deposit of banknotes has happened and can only alert."""
    ledger = Ledger()
    said: list[str] = []
    for hour in (9, 15, 20):
        said += kinds(await harness.take(*ledger.moved("withdrawal", "4000", pending=True, at=hours(hour))))
    assert said == ["cleared", "cleared", "HoldPlaced"]
    [row] = (await harness.tables())["hold"]
    assert json.loads(row["findings"])[0]["values"]["pattern"] == "day_in_parts"


async def test_what_was_pending_counts_as_an_attempt_at_once_and_as_paid_when_posted(harness: Harness):
    """An attempt is seen by STR-1 though it is never posted; CTR-1 counts money that moved, and once."""
    ledger = Ledger()
    assert kinds(await harness.take(*ledger.moved("withdrawal", "6000", pending=True))) == ["cleared"]
    assert kinds(await harness.take(*ledger.moved("withdrawal", "6000"))) == ["STR-1"]
    first = Number(shard=0, seq=1)
    assert kinds(await harness.take(*ledger.moved("withdrawal", "6000", first=first))) == ["CTR-1"]
    phases = [row["phase"] for row in (await harness.tables())["cash_event"]]
    assert sorted(phases) == ["pending", "posted", "settled"]


async def test_a_name_is_not_screened_again_when_what_was_pending_is_posted(harness: Harness):
    """It was decided about."""
    ledger = Ledger()
    posted = ledger.moved("withdrawal", "1", first=Number(shard=0, seq=1), names={"creditor": LISTED})
    assert await harness.take(*posted) == []


async def test_each_owners_leg_is_counted_once_in_its_own_shard(harness: Harness):
    """A transfer between owners of two shards comes in two copies."""
    ledger = Ledger()
    copies = ledger.moved("transfer", "9000", owner=ALICE, other=BOB)
    assert [each.copy for each in copies] == ["primary", "secondary"]
    await harness.take(*copies)
    rows = (await harness.tables())["cash_event"]
    assert [(row["shard"], row["owner"], row["direction"]) for row in rows] == [
        (0, ALICE, "out"),
        (1, BOB, "in"),
    ]


async def test_both_owners_of_one_shard_are_counted_from_the_primary(harness: Harness):
    """Then there is no secondary."""
    [copy] = Ledger().moved("transfer", "9000", owner=ALICE, other=ANNE)
    await harness.take(copy)
    rows = (await harness.tables())["cash_event"]
    assert {(row["shard"], row["owner"], row["direction"]) for row in rows} == {
        (0, ALICE, "out"),
        (0, ANNE, "in"),
    }


async def test_a_secondary_alerts_about_its_owner_and_answers_nothing(harness: Harness):
    """The instruction is answered, and its names are screened, at its home alone."""
    ledger = Ledger()
    copies = ledger.moved("transfer", "12000", pending=True, names={"creditor": LISTED})
    copies += ledger.moved("transfer", "12000", names={"creditor": LISTED})
    events = await harness.take(*[each for each in copies if each.copy == "secondary"])
    assert [(type(each), each.owner, each.rule, each.shard) for each in events] == [
        (AlertRaised, BOB, "CTR-1", 1)
    ]


async def test_cash_of_the_credited_owner_does_not_hold_the_payer(harness: Harness):
    """Rules about others than the home owner alert; they do not hold."""
    ledger = Ledger()
    await harness.take(*ledger.moved("deposit", "6000", owner=ANNE))
    events = await harness.take(*ledger.moved("transfer", "6000", owner=ALICE, other=ANNE, pending=True))
    assert [(kind, each.owner) for kind, each in zip(kinds(events), events, strict=True)] == [
        ("STR-1", ANNE),
        ("cleared", ALICE),
    ]


async def test_an_event_without_a_time_of_its_own_happened_when_it_was_recorded(harness: Harness):
    """No wall clock in a rule."""
    await harness.take(*Ledger().moved("deposit", "5", at=None))
    [row] = (await harness.tables())["cash_event"]
    assert row["occurred_at"] == RECORDED_AT + timedelta(milliseconds=1)


SHAPES: list[dict[str, Any]] = [{}, {"channel": "x"}, {"payment": {"creditor": 7}}, {"party": []}]


async def test_a_rejected_instruction_of_any_shape_is_no_concern(harness: Harness):
    """Upstream's nonsense must not halt the shard."""
    ledger = Ledger()
    for instruction in SHAPES:
        assert await harness.take(*ledger.rejected(instruction)) == [], instruction


async def test_a_dry_run_is_not_screened_as_money(harness: Harness):
    """Nothing moves or waits, whomever it would pay; sent for real, it is screened."""
    ledger = Ledger()
    assert await harness.take(*ledger.tried(LISTED)) == []
    names = {"creditor": LISTED}
    assert await harness.take(*ledger.moved("withdrawal", "20000.00", names=names, pending=True)) != []


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b'{"seq":1}', b'{"type":"TransactionPosted","instruction":7}']
)
def test_what_is_no_event_of_the_ledger_is_unreadable(value: bytes):
    """A promise of the contract is broken; going on would leave a hole."""
    decode = ComplianceService().inputs[1].decode
    with pytest.raises(UnreadableRecord):
        decode(value)


def test_an_event_of_a_kind_not_known_yet_is_no_concern():
    """Consumers ignore what they do not know; messages are only added."""
    decode = ComplianceService().inputs[1].decode
    decode(b'{"type":"PeriodClosed","shard":0,"seq":1,"first":{"shard":0,"seq":1,"later":1}}')


async def test_a_journal_record_nobody_can_read_halts_the_shard(harness: Harness):
    """A window with a hole would be a lie."""
    lost = Received(0, "transactions.journal.v1", 0, 7, 0, b"", Unreadable("not_a_journal_event", 1, ""))
    with pytest.raises(ShardHalted, match="offset 7 cannot be read"):
        await harness.handle([lost])


async def test_an_unreadable_act_is_left_to_the_dead_letters(harness: Harness):
    """Anybody can send an act; it must not stop the events behind it."""
    lost = Received(0, "compliance.acts.v1", 0, 7, 0, b"", Unreadable("not_an_act", 1, ""))
    assert await harness.handle([lost]) == []


async def test_a_rolled_back_batch_leaves_no_trace_in_memory(harness: Harness):
    """It is tried again, and must find what it found before."""
    ledger = Ledger()
    await harness.take(*ledger.moved("deposit", "6000"))
    decode = harness.service.inputs[1].decode
    [again] = ledger.moved("deposit", "6000")
    record = Received(0, "transactions.journal.v1", 0, 0, 0, b"", decode(again.value))
    await harness.handle([record], commit=False)
    [rule, _] = kinds(await harness.take(again))
    assert rule == "CTR-1"
    assert harness.published[-2].findings[0].values["total"] == "12000.00"


async def test_a_hold_past_its_deadline_is_announced_once_and_stays_held(harness: Harness):
    """A deadline raises an alarm and never silently undoes a payment."""
    moved = Ledger().moved("withdrawal", "1", cash=False, pending=True, names={"creditor": LISTED})
    [hold] = await harness.take(*moved)
    assert await harness.tick(hold.deadline - timedelta(microseconds=1)) == []
    [overdue] = await harness.tick(hold.deadline)
    assert isinstance(overdue, HoldOverdue)
    assert (overdue.instruction_id, overdue.deadline) == (hold.instruction_id, hold.deadline)
    assert await harness.tick(hold.deadline + timedelta(days=1)) == []
    assert [row["status"] for row in (await harness.tables())["hold"]] == ["held"]


async def test_the_runtimes_own_acts_are_answered_by_the_service(harness: Harness):
    """The runtime carries out `resume_shard`; compliance only says so."""
    act = ResumeShard(act_id=UUID(int=1), actor="ann", reason="mended", shard=2)
    decode = harness.service.inputs[0].decode
    received = Received(2, "compliance.acts.v1", 2, 0, 0, b"", decode(act.model_dump_json().encode()))

    async def do(work: Any) -> None:
        await harness.service.handle(work, [received])
        await harness.service.announce_act(work, received, True, "resumed", {"halted": "x"})

    [done] = await harness._do(do, RECORDED_AT, commit=True)
    assert isinstance(done, ActDone)
    assert (done.act, done.done, done.detail, done.shard) == ("resume_shard", True, "resumed", 2)
    assert harness.keys == [b"house"]


@pytest.mark.parametrize(("kind", "concerns"), [("deposit", True), ("reversal", False), ("return", False)])
def test_what_undoes_a_posting_is_no_handing_over_of_banknotes(kind: str, concerns: bool) -> None:
    """Whatever channel it names: the windows neither gain nor lose by it."""
    asked = {"type": kind, "channel": {"channel": "branch", "cash": True}}
    event = {"type": "TransactionPosted", "instruction": asked}
    assert read_news(json.dumps(event).encode()).cash is concerns
