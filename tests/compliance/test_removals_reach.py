"""Removal reaches all that is written about a customer: ratings, pairs, snoozes, holds, names, shadows."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.domain.retention import KINDS, KINDS_OF, REMOVED, STAGES, WITH_WORDS, without_words
from services.compliance.handlers import removals
from services.compliance.queries.verifying import verify_records
from shared.messages.acts import (
    ApproveRating,
    ApproveSnooze,
    ApproveWhitelisting,
    EndSnooze,
    LiftLegalHold,
    PlaceLegalHold,
    ProposeParameters,
    ProposeSnooze,
    ProposeWhitelisting,
    PublishParameters,
    RateCustomer,
    RevokeWhitelisting,
    WithdrawParameters,
)
from shared.messages.compliance import RecordsRemoved
from tests.compliance.conftest import PARTITIONS, Harness
from tests.compliance.ledger import ALICE, DAY
from tests.compliance.test_removals import FIVE, TEN, approve, at, propose, removed, ticked
from tests.compliance.test_removals_audited import audited
from tests.compliance.test_retention import LISTED, TODAY, Office

NAME = "Alice Adams"
BORN = "1971-04-30"
UNTIL = TODAY + timedelta(days=30)
OF_FIVE = {
    "rating", "rating_proposal", "snooze", "snooze_change", "legal_hold", "answer", "party", "shadow_finding",
    "tier_shadow_finding",
}  # fmt: skip
"""Kinds of five years; pairs and refused acts about names are of ten."""


@dataclass
class Desk:
    """People who rate, whitelist, silence, hold and try rules, about Alice."""

    office: Office
    done: dict[str, Any] = field(default_factory=dict[str, Any])

    async def rate(self) -> None:
        """Rate her high, and lower again by two people."""
        await self.office.do(RateCustomer, risk_class="high")
        lower = self.done["rating"] = await self.office.do(RateCustomer, risk_class="low")
        assert (await self.office.do(ApproveRating, "ben", rating_id=lower.act_id)).done

    async def whitelist(self, *, revoke: bool = True) -> None:
        """Find, as two people, that a payee of hers is not the listed one; and that she is, after all."""
        pair: dict[str, Any] = {"name": LISTED, "list_code": "DEMO", "entry_id": "DEMO-001", "until": UNTIL}
        known: dict[str, Any] = {"birth_date": date.fromisoformat(BORN), "country": "FR"}
        proposed = self.done["pair"] = await self.office.do(ProposeWhitelisting, **pair, **known)
        pair_id = {"whitelisting_id": proposed.act_id}
        assert (await self.office.do(ApproveWhitelisting, "ben", **pair_id)).done
        if revoke:
            assert (await self.office.do(RevokeWhitelisting, **pair_id)).done

    async def snooze(self, *, end: bool = True) -> None:
        """Silence a rule about her, as two people, and end that."""
        proposed = self.done["snooze"] = await self.office.do(ProposeSnooze, rule="CTR-1", until=UNTIL)
        assert (await self.office.do(ApproveSnooze, "ben", snooze_id=proposed.act_id)).done
        if end:
            assert (await self.office.do(EndSnooze, snooze_id=proposed.act_id)).done

    async def hold(self, *, lift: bool = True) -> None:
        """Keep all about her, and lift that."""
        placed = self.done["hold"] = await self.office.do(PlaceLegalHold)
        if lift:
            assert (await self.office.do(LiftLegalHold, "ben", legal_hold_id=placed.act_id)).done

    async def be_refused(self) -> None:
        """Ask for what is not there, of a pair and of a hold."""
        assert not (await self.office.do(LiftLegalHold, legal_hold_id=UUID(int=1))).done
        assert not (await self.office.do(RevokeWhitelisting, whitelisting_id=UUID(int=1))).done

    async def shadow(self, *, end: bool = True) -> None:
        """Let a version find something of hers in shadow, a run of the second tier, too; and withdraw it."""
        harness = self.office.harness
        values = {"over": "4999"}
        new = self.office.act(ProposeParameters, rule="CTR-1", values=values, valid_from=date(2020, 1, 1))
        [proposed] = await harness.act(new)
        self.done["version"] = proposed
        act = self.office.act(PublishParameters, "ben", proposal_id=proposed.act_id, shadow=True)
        await harness.everywhere(act)
        await self.office.take(*self.office.ledger.moved("deposit", "5000"))
        run = await harness.connection.fetchval(
            "INSERT INTO tier_run"
            " SELECT 1 + coalesce(max(number), 0), now(), 0, '{}', '{}', '{}', 0, 0, 0, 0, 0 FROM tier_run"
            " RETURNING number"
        )
        await harness.connection.execute(
            "INSERT INTO tier_shadow_finding (run, number, proposal_id, shard, owner, rule, business_date,"
            " outcome, score, parties, finding, about_shard, about_seq)"
            " VALUES ($1, 1, $2, 0, $3, 'CTR-1', $4, 'over_budget', 1, '{}', $5, 0, 1)",
            run,
            proposed.act_id,
            ALICE,
            DAY,
            json.dumps({"rule": "CTR-1", "rule_version": 1, "sentence": "seen", "values": {"x": "seen"}}),
        )
        if end:
            await harness.everywhere(self.office.act(WithdrawParameters, "ben", proposal_id=proposed.act_id))

    async def everything(self) -> None:
        """Do all of it, once, and let her go."""
        office = self.office
        await office.take(*office.ledger.opened(NAME, birth_date=BORN, country="IR", identifier="X-12345"))
        await self.rate()
        await self.whitelist()
        await self.snooze()
        await self.hold()
        await self.be_refused()
        await self.shadow()
        await office.closed(TODAY)


@pytest.fixture
def office(live: Harness) -> Office:
    """Make the office, with all rules in force."""
    return Office(live)


@pytest.fixture
def desk(office: Office) -> Desk:
    """Make the people."""
    return Desk(office)


WORDS = ("seen", LISTED, NAME, BORN, "IR", "FR", "X-12345", "5000", "country whose customers")
TABLES = (
    "customer_rating", "rating_proposal", "whitelisting", "snooze_fact", "legal_hold_fact", "party",
    "shadow_finding", "tier_shadow_finding",
)  # fmt: skip
FIRMS_OWN = ("propose_parameters", "publish_parameters", "withdraw_parameters")


async def words_left(office: Office) -> set[str]:
    """Name the tables in which any of the words still stands, in a column of text or JSON."""
    found: set[str] = set()
    for name in (*TABLES, "outbox", "act_answer"):
        for row in await office.harness.connection.fetch(f"SELECT t.* FROM {name} AS t"):
            values = {key: value for key, value in row.items() if key not in ("key", "result", "detail")}
            texts = [json.dumps(_plain(each)) for each in values.values()]
            is_firms = values.get("act") in (*FIRMS_OWN, "propose_removal", "approve_removal")
            if not is_firms and any(
                f'"{word}' in text or f" {word}" in text for text in texts for word in WORDS
            ):
                found.add(name)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return _texts(json.loads(value)) if value[:1] == b"{" else ""
    if isinstance(value, str):
        return _texts(json.loads(value)) if value.startswith(("{", "[")) else value
    return ""


def _texts(value: Any) -> list[str]:
    """What people wrote or rules saw in an event or a finding."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if not isinstance(value, dict):
        return []
    own = [str(value[name]) for name in ("reason", "sentence", "values") if name in value]
    return own + [text for name in ("finding", "findings") if name in value for text in _texts(value[name])]


async def test_what_people_wrote_goes_when_each_kind_is_due(office: Office, desk: Desk):
    """From every table, and from the answers to the acts; ids, owners, classes and outcomes stay."""
    await desk.everything()
    assert await words_left(office) == {*TABLES, "outbox", "act_answer"}
    assert await removed(office, FIVE - timedelta(days=1)) == [], "the last day of five years"
    [first] = await removed(office, FIVE)
    assert {each.kind for each in first.records} == OF_FIVE
    assert await words_left(office) == {"whitelisting", "act_answer"}, "pairs are kept for ten"
    assert await removed(office, TEN - timedelta(days=1)) == []
    [second] = await removed(office, TEN)
    assert {(each.kind, each.record_class) for each in second.records} == {
        ("whitelisting", "sanctions"),
        ("answer", "sanctions"),
    }
    assert await words_left(office) == set()
    assert (await verify_records(office.harness.connection)).examples == []
    assert await audited(office) == []
    connection = office.harness.connection
    ratings = await connection.fetch(
        "SELECT risk_class::text, actor, proposed_by, reason FROM customer_rating ORDER BY version"
    )
    assert [tuple(row) for row in ratings][1:] == [("low", "ben", "ann", REMOVED)]
    pair = await connection.fetchrow(
        "SELECT name, birth_date, country, entry_id, status, revoked_by, revocation_reason FROM whitelisting"
    )
    assert tuple(pair) == (REMOVED, None, None, "DEMO-001", "revoked", "ann", REMOVED)
    party = await connection.fetchrow("SELECT owner, field, kind, name, identifier FROM party")
    assert tuple(party) == (ALICE, "party", "person", REMOVED, None)


async def test_each_kind_is_counted(office: Office, desk: Desk):
    """With its day, and after that as removed."""
    await desk.everything()
    kept = await office.kept(FIVE)
    assert {kind for kind, _ in kept} == {*OF_FIVE, "whitelisting"}
    assert {kind for (kind, of), group in kept.items() if group["due"] and of == "aml"} == OF_FIVE
    assert kept["whitelisting", "sanctions"]["first_due"] == TEN
    await removed(office, TEN)
    kept = await office.kept(TEN)
    assert all(group["removed"] == group["records"] and not group["due"] for group in kept.values())


LATE = date(2100, 1, 1)


async def test_what_counts_is_never_due(office: Office, desk: Desk, owner: Any):
    """A rating that holds, a customer's party, a run in shadow: though no years run from an end."""
    await owner.execute(
        'UPDATE compliance.rule_parameter SET "values" = "values" || \'{"years_from_end": null}\''
        " WHERE rule = 'RETENTION'"
    )
    await office.harness.restart()
    await office.take(*office.ledger.opened(NAME))
    await desk.rate()
    await desk.shadow(end=False)
    kept = await office.kept(LATE)
    assert kept["rating", "aml"]["due"] == 1, "the one that was followed by another"
    for kind in ("rating", "party", "shadow_finding", "tier_shadow_finding"):
        assert kept[kind, "aml"]["worked_on"] == 1, kind
    assert kept["rating_proposal", "aml"]["worked_on"] == 1, "it goes with the rating that came of it"
    [said] = await removed(office, LATE)
    assert [each.kind for each in said.records] == ["rating"]
    assert (await verify_records(office.harness.connection)).examples == []


async def test_time_runs_from_the_end_of_what_was_not_ended_before_its_day(office: Office, desk: Desk):
    """A pair and a snooze end on the day until which they count."""
    await office.opened()
    await desk.whitelist(revoke=False)
    await desk.snooze(end=False)
    await office.closed(TODAY)
    kept = await office.kept()
    five, ten = date(2031, 4, 2), date(2036, 4, 2)
    assert kept["snooze", "aml"]["first_due"] == kept["snooze_change", "aml"]["first_due"] == five
    assert kept["whitelisting", "sanctions"]["first_due"] == ten


async def test_a_legal_hold_that_counts_is_itself_kept(office: Office, desk: Desk):
    """And with it all else about the customer."""
    await desk.everything()
    await desk.hold(lift=False)
    kept = await office.kept(LATE)
    assert kept["legal_hold", "aml"]["worked_on"] == 1
    assert all(group["due"] == 0 and group["held"] == group["records"] for group in kept.values())
    assert await removed(office, TEN) == []
    assert await words_left(office) == {*TABLES, "outbox", "act_answer"}


async def test_a_proposal_of_a_class_goes_with_the_rating_that_came_instead(office: Office, desk: Desk):
    """Or, if none came, when the relationship has ended for its years."""
    await office.opened()
    await office.do(RateCustomer, risk_class="low")
    kept = await office.kept(LATE)
    assert (kept["rating_proposal", "aml"]["worked_on"], kept["rating_proposal", "aml"]["due"]) == (1, 0)
    await office.closed(TODAY)
    assert (await office.kept())["rating_proposal", "aml"]["first_due"] == FIVE
    await at(office, date(2027, 3, 2))
    await office.do(RateCustomer, risk_class="high")
    await at(office, date(2028, 3, 2))
    await desk.rate()
    assert (await office.kept())["rating_proposal", "aml"]["first_due"] == date(2033, 3, 3)
    [said] = await removed(office, date(2033, 3, 3))
    assert {each.kind for each in said.records} >= {"rating", "rating_proposal", "party"}
    assert await audited(office) == []
    assert (await verify_records(office.harness.connection)).examples == []


async def approved_removal(office: Office, day: date) -> Any:
    """Have a removal approved, and not begun."""
    await at(office, day)
    proposed = await propose(office, day)
    assert (await approve(office, proposed)).done
    return proposed


REMOVE = """
INSERT INTO removed_record (shard, kind, removed_seq, body, removal_id, seq, recorded_at)
SELECT k.shard, k.kind, k.seq, CASE WHEN k.kind = ANY($3::text[]) THEN 'x'::bytea END, $2, 999999, now()
FROM kept_record AS k WHERE k.kind = $1
"""
NEW_KINDS = KINDS[KINDS.index("rating") :]


async def test_the_database_empties_no_kind_before_its_day_or_under_a_legal_hold(office: Office, desk: Desk):
    """Whoever writes as the service; nor a record of a kind that it is not."""
    await desk.everything()
    early = await approved_removal(office, FIVE - timedelta(days=1))
    for kind in NEW_KINDS:
        with pytest.raises(asyncpg.CheckViolationError) as caught:
            await office.harness.connection.execute(REMOVE, kind, early.act_id, list(WITH_WORDS))
        assert getattr(caught.value, "constraint_name", None) == "nothing_is_removed_before_its_day", kind
    with pytest.raises(asyncpg.CheckViolationError, match="not past its day"):
        await office.harness.connection.execute(
            REMOVE.replace("k.kind, k.seq", "'party', k.seq"), "rating", early.act_id, []
        )
    late = await approved_removal(office, TEN)
    await desk.hold(lift=False)
    for kind in NEW_KINDS:
        with pytest.raises(asyncpg.CheckViolationError, match=r"not past its day|under a legal hold"):
            await office.harness.connection.execute(REMOVE, kind, late.act_id, list(WITH_WORDS))
    assert await words_left(office) == {*TABLES, "outbox", "act_answer"}


EDITS = (
    "UPDATE customer_rating SET reason = 'x'",
    "UPDATE rating_proposal SET reason = 'x'",
    "UPDATE whitelisting SET name = 'x'",
    "UPDATE whitelisting SET reason = 'x'",
    "UPDATE snooze_fact SET reason = 'x'",
    "UPDATE legal_hold_fact SET reason = 'x'",
    "UPDATE act_answer SET reason = 'x'",
    "UPDATE party SET name = 'x'",
    "DELETE FROM party",
    "UPDATE shadow_finding SET findings = '[]'",
    "UPDATE tier_shadow_finding SET finding = '{}'",
)


async def test_the_service_empties_nothing_itself(harness: Harness):
    """It can only put down what is to go."""
    for statement in EDITS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await harness.connection.execute(statement)


async def test_a_removal_that_dies_in_any_stage_goes_on_where_it_was(
    office: Office, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """One record looked at in a tick, each rolled back once, by another process each time: each goes once."""
    monkeypatch.setattr(removals, "LOOKED_AT_A_TICK", 1)
    await desk.everything()
    proposed = await approved_removal(office, FIVE)
    moment = datetime(FIVE.year, FIVE.month, FIVE.day, 10, tzinfo=UTC)
    connection, said, stages = office.harness.connection, list[RecordsRemoved](), set[str]()
    is_finished = False
    while not is_finished:
        before = await connection.fetchval("SELECT count(*) FROM removed_record")
        await office.harness.tick_shards(range(PARTITIONS), moment, commit=False)
        assert await connection.fetchval("SELECT count(*) FROM removed_record") == before
        await office.harness.restart()
        said += await ticked(office, FIVE)
        stage, is_finished = await connection.fetchrow(
            "SELECT stage, is_finished FROM removal_progress WHERE removal_id = $1", proposed.act_id
        )
        stages.add(stage)
    assert stages == set(STAGES)
    told = [(each.kind, each.seq) for event in said for each in event.records]
    assert len(told) == len(set(told)), "each once"
    assert {kind for kind, _ in told} == OF_FIVE
    assert all(len(event.records) == 1 for event in said)
    assert (await verify_records(connection)).examples == []
    assert await audited(office) == []


LEFT: dict[str, str] = {
    "whitelisting": "whitelisting SET name = 'Otto'",
    "rating_proposal": "rating_proposal SET reason = 'x'",
    "snooze": "snooze_fact SET reason = 'x' WHERE what = 'proposed'",
    "legal_hold": "legal_hold_fact SET reason = 'x'",
    "answer": "act_answer SET reason = 'x' WHERE NOT done",
    "party": "party SET country = 'IR'",
    "shadow_finding": "shadow_finding SET findings = jsonb_set(findings, '{0,sentence}', '\"x\"')",
    "tier_shadow_finding": "tier_shadow_finding SET finding = jsonb_set(finding, '{sentence}', '\"x\"')",
}


async def test_words_that_come_back_are_found(office: Office, desk: Desk, owner: Any):
    """By `compliance verify` and by the auditor, in rows that no event tells."""
    await desk.everything()
    await removed(office, TEN)
    for change in LEFT.values():
        await owner.execute(f"UPDATE compliance.{change}")
    found = {each.split(": ")[1] for each in (await verify_records(office.harness.connection)).examples}
    assert found == {f"the {kind.replace('_', ' ')} has its words still" for kind in LEFT}
    said = await audited(office)
    for kind in LEFT:
        assert any(each.startswith(kind) and "words are left" in each for each in said), kind


async def test_words_that_come_back_into_what_an_event_told_are_found(office: Office, desk: Desk, owner: Any):
    """The chain knows what stays of a rating, and of a change of a snooze."""
    await desk.everything()
    await removed(office, TEN)
    await owner.execute("UPDATE compliance.customer_rating SET reason = 'x' WHERE reason IS NOT NULL")
    await owner.execute("UPDATE compliance.snooze_fact SET reason = 'x' WHERE what <> 'proposed'")
    found = (await verify_records(office.harness.connection)).examples
    assert len([each for each in found if "reason on record is not what was told" in each]) == 3


GONE: dict[str, str] = {
    "party": "party SET name = '(removed)', digest = 'removed-' || number",
    "shadow finding": "shadow_finding SET findings = compliance.all_without_words(findings)",
    "tier shadow finding": "tier_shadow_finding SET finding = compliance.without_words(finding)",
    "whitelisting": "whitelisting SET name = '(removed)'",
}


async def test_words_that_go_by_no_act_are_found(office: Office, desk: Desk, owner: Any):
    """Whoever owns the tables lets no name vanish unseen."""
    await desk.everything()
    for change in GONE.values():
        await owner.execute(f"UPDATE compliance.{change}")
    found = [each.split(": ")[1] for each in (await verify_records(office.harness.connection)).examples]
    assert found == [f"the {kind} lost its words by no act" for kind in GONE]


LIED: dict[str, dict[str, Any]] = {
    "of another class": {"record_class": "filing"},
    "of another kind": {"kind": "case"},
    "that is not there": {"seq": 777_777},
}


async def test_the_auditor_finds_a_record_removed_that_is_none_or_before_its_day(office: Office, desk: Desk):
    """Of every kind, whatever the service says of it, by a day of its own reckoning."""
    await desk.everything()
    [said] = await removed(office, TEN)
    published = office.harness.published
    number = published.index(said)
    assert await audited(office) == []
    for kind in NEW_KINDS:
        place = [each.kind for each in said.records].index(kind)
        for what, lie in LIED.items():
            records = list(said.records)
            records[place] = records[place].model_copy(update=lie)
            published[number] = said.model_copy(update={"records": tuple(records)})
            assert await audited(office) != [], (kind, what)
        early = {"records": (said.records[place],), "through": date(2031, 3, 2)}
        published[number] = said.model_copy(update=early)
        found = await audited(office)
        assert any(each.startswith(f"{kind} (0, ") and "removed before" in each for each in found), kind


async def test_a_pair_without_its_name_matches_nobody(office: Office, desk: Desk):
    """In this process as in the next: what is whitelisted does not hang on when a process began."""
    await office.opened()
    await desk.whitelist(revoke=False)
    await office.closed(TODAY)
    await office.hold()
    finding = office.harness.published[-1].findings[0]
    assert finding.values["whitelisting"]["void"] == "party_changed", "it is still looked at"
    assert "whitelisting" in {
        each.kind for said in await removed(office, date(2037, 1, 1)) for each in said.records
    }
    for _ in range(2):
        await office.hold()
        assert "whitelisting" not in office.harness.published[-1].findings[0].values
        await office.harness.restart()
    pair_id = desk.done["pair"].act_id
    late = await office.do(RevokeWhitelisting, whitelisting_id=pair_id)
    assert late.result["refused"] == "no_such_whitelisting", "nobody writes anything new into it"
    assert (await verify_records(office.harness.connection)).examples == []


async def test_a_party_without_its_name_is_screened_no_more_and_on_record_anew_when_told(office: Office):
    """Somebody who comes back names themselves again."""
    await office.opened()
    await office.closed(TODAY)
    await removed(office, FIVE)
    connection = office.harness.connection
    assert await connection.fetchval("SELECT array_agg(name) FROM party") == [REMOVED]
    assert await audited(office) == []
    await office.opened()
    rows = await connection.fetch("SELECT name FROM party ORDER BY number")
    assert [row["name"] for row in rows] == [REMOVED, NAME]
    kept = await office.kept(LATE)
    assert (kept["party", "aml"]["removed"], kept["party", "aml"]["worked_on"]) == (1, 2)
    assert (await verify_records(connection)).examples == []


async def test_data_that_rated_somebody_who_is_gone_rate_them_no_second_time(office: Office):
    """The class stays, by which it is known that data have said so."""
    opened = office.ledger.opened(NAME, country="IR")
    await office.take(*opened)
    rated = await office.harness.connection.fetchval("SELECT count(*) FROM customer_rating")
    assert rated == 1
    await office.closed(TODAY)
    [said] = await removed(office, FIVE)
    assert "rating" in {each.kind for each in said.records}
    await office.take(*office.ledger.opened(NAME, country="IR"))
    again = await office.harness.connection.fetchval("SELECT count(*) FROM customer_rating WHERE version > 1")
    assert again == 0


def test_every_kind_is_gone_through_once():
    """In one stage or another."""
    assert sorted(kind for stage in STAGES for kind in KINDS_OF[stage]) == sorted(KINDS)


def test_what_stays_of_a_rating_is_its_class_and_the_version_of_the_data():
    """Of the finding by which data rated somebody the rule and its version stay."""
    finding = {"rule": "RATING", "rule_version": 3, "sentence": "x", "values": {"countries": ["IR"]}}
    body = json.dumps({"type": "CustomerRated", "risk_class": "high", "finding": finding}).encode()
    assert json.loads(without_words(body)) == {
        "type": "CustomerRated",
        "risk_class": "high",
        "finding": {"rule": "RATING", "rule_version": 3, "sentence": REMOVED, "values": {}},
    }
