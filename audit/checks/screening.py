"""Check 10: decisions, holds and alerts are those of the naive model, whatever the batches were."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from audit.checks.removals import GONE, rows_emptied
from audit.evidence import ALERTS, DECISIONS, ScreeningData
from audit.examination import Examination
from audit.findings import Found, found_in, found_of_person
from audit.list_age import is_about_age, is_held_for_age, told_old, too_old
from audit.name_findings import unjustified
from audit.names import subject_of
from audit.parameters import parameter_of
from audit.places import partition_of
from audit.result import Result, Tally
from audit.screening import Expected, screen
from audit.tiers import RULES, tell_persons, tell_shadows, tell_tier

NAMES: Final = "SAN-1"
NAMES_TOLD_MAX: Final = 100
"""Of an event and a level no more findings about names are told, the strongest."""
HOLDING: Final = frozenset({NAMES, "STR-1"})
"""Rules that hold what waits, whatever their parameters are."""
NOT_CALLED_FOR: Final = frozenset({Found("words", (("gone", True),))})
"""Of a finding that is empty, though there was none to be found, or no event says that it was emptied."""


def screening_equals_recomputation(examination: Examination) -> Result:
    """10: every waiting payment is answered or held as the rules say, and every alert is there, once."""
    tally = Tally(10, "decisions and alerts = recomputation")
    evidence = examination.evidence
    if evidence.screening is None:
        tally.differs("compliance's parameters and lists were not read")
        return tally.result()
    expected = screen(evidence, evidence.screening)
    found = _said(examination)
    is_whole = _second_tier(tally, evidence.screening, expected, found, evidence.partitions)
    _of_persons(tally, evidence.screening, expected, found, evidence.partitions)
    for shard, wanted in expected.items():
        _compare(tally, shard, wanted, found.get(shard, Expected()))
    _compare_shadows(tally, evidence.screening, examination, expected, is_whole=is_whole)
    _changed_by_two(tally, evidence.screening, examination)
    _snoozed_by_two(tally, evidence.screening, examination)
    _compare_names(tally, evidence.screening, examination, expected)
    _compare_ages(tally, evidence.screening, examination, expected)
    _chosen_by_people(tally, examination, found)
    return tally.result()


def _compare(tally: Tally, shard: int, wanted: Expected, found: Expected) -> None:
    """Compare what the rules about cash say exactly; held may be more, for names that are alike."""
    where = f"shard {shard}"
    alerts = {
        key: findings
        for key, findings in found.alerts.items()
        if key[1] != NAMES and key[0] not in wanted.erased
    }
    called_for = {key: findings for key, findings in wanted.alerts.items() if key[0] not in wanted.erased}
    snoozed = {key: each for key, each in found.snoozed.items() if key[0] not in wanted.erased}
    silent = {key: each for key, each in wanted.snoozed.items() if key[0] not in wanted.erased}
    for name, left, right in (
        ("answered", set(wanted.asked), found.cleared | set(found.held)),
        ("held", set(wanted.held), set(found.held) & set(wanted.held)),
        ("alerts", set(called_for), set(alerts)),
        ("snoozed", set(silent), set(snoozed)),
    ):
        tally.counted += len(left)
        for each in sorted(left - right):
            tally.differs(f"{where}: {name}: {each} is missing")
        for each in sorted(right - left):
            tally.differs(f"{where}: {name}: {each} is not called for")
    for each in sorted(found.cleared & set(found.held)):
        tally.differs(f"{where}: {each} was cleared and held")
    for instruction_id, findings in found.held.items():
        if wanted.asked.get(instruction_id) in wanted.unread:
            continue
        must = wanted.held.get(instruction_id, frozenset())
        words = f"{where}: hold {instruction_id}"
        tally.same(wanted.beside.get(instruction_id, frozenset()), _by_cash(findings), words)
        is_full = sum(1 for each in findings if each.rule == NAMES) >= NAMES_TOLD_MAX
        tally.expect(is_full or must <= findings, f"{words}: lacks {sorted(must - findings, key=str)}")
        tally.expect(bool(findings), f"{words}: no rule says why")
    for alert in called_for.keys() & alerts.keys():
        tally.same(called_for[alert], alerts[alert], f"{where}: alert {alert}")
    for alert in silent.keys() & snoozed.keys():
        tally.same(silent[alert], snoozed[alert], f"{where}: snoozed {alert}")


def _second_tier(
    tally: Tally,
    data: ScreeningData,
    expected: Mapping[int, Expected],
    found: Mapping[int, Expected],
    partitions: int,
) -> bool:
    """What runs over all shards told is what they had to tell; those alerts are called for that are raised.

    False where nothing can be said: a counterparty can be read no more, or a search did not look at all.
    """
    if any(said.unread for said in expected.values()) or any(run.cut_short for run in data.tier_runs):
        for shard, said in found.items():
            expected[shard].alerts.update({key: said.alerts[key] for key in said.alerts if key[1] in RULES})
            expected[shard].snoozed.update(
                {key: said.snoozed[key] for key in said.snoozed if key[1] in RULES}
            )
        return False
    for proposal_id, called_for in tell_shadows(data, expected, partitions).items():
        for (owner, rule, day), found_there in called_for.items():
            key = (proposal_id, owner, rule, day.isoformat(), False)
            shard = partition_of(owner.encode(), partitions)
            expected[shard].shadowed[key] = frozenset({found_there})
    must = tell_tier(data, expected, partitions)
    told = {(each.owner, each.rule, each.business_date): each for each in data.tier_findings}
    tally.counted += len(must)
    for owner, rule, day in sorted(must.keys() - told.keys()):
        tally.differs(f"second tier: {rule} of {owner} on {day} is missing")
    for owner, rule, day in sorted(told.keys() - must.keys()):
        tally.differs(f"second tier: {rule} of {owner} on {day} is not called for")
    for key in must.keys() & told.keys():
        row = told[key]
        if row.raised_seq is not None:
            alert = (row.owner, row.rule, row.business_date.isoformat(), "")
            whose = (row.shard, row.owner, row.rule, row.business_date)
            snooze_id = data.silenced_by(*whose, seq=row.raised_seq)
            findings = frozenset({must[key]})
            if snooze_id is None:
                expected[row.shard].alerts[alert] = findings
            else:
                expected[row.shard].snoozed[alert] = (snooze_id, findings)
    return True


def _of_persons(
    tally: Tally,
    data: ScreeningData,
    expected: Mapping[int, Expected],
    found: Mapping[int, Expected],
    partitions: int,
) -> None:
    """What was told of persons is what there was to tell, of the same customers; each raised is called for.

    Nothing can be said where who has a role can be read no more.
    """
    if any(said.unread for said in expected.values()):
        for shard, said in found.items():
            expected[shard].alerts.update(
                {key: said.alerts[key] for key in said.alerts if key[3] and key[1] != NAMES}
            )
        return
    must = {(*each.key, each.owner): each for each in tell_persons(data, expected, partitions)}
    told = {
        (each.person, each.rule, each.asset, each.direction, each.business_date, each.owner): each
        for each in data.person_findings
    }
    tally.counted += len(must)
    for key in sorted(must.keys() - told.keys()):
        tally.differs(f"persons: {key[1]} of {key[0]} on {key[4]} about {key[5]} is missing")
    for key in sorted(told.keys() - must.keys()):
        tally.differs(f"persons: {key[1]} of {key[0]} on {key[4]} about {key[5]} is not called for")
    for key in must.keys() & told.keys():
        row = told[key]
        if row.raised_seq is not None:
            subject = f"{row.person}:{row.asset}:{row.direction}"
            alert = (row.owner, row.rule, row.business_date.isoformat(), subject)
            expected[row.shard].alerts[alert] = frozenset({found_of_person(must[key])})


def _by_cash(findings: frozenset[Found]) -> frozenset[Found]:
    return frozenset(each for each in findings if each.rule != NAMES)


def _compare_names(
    tally: Tally, data: ScreeningData, examination: Examination, expected: Mapping[int, Expected]
) -> None:
    """Every finding about a name bears its score out; what is equal was found, once by owner and day."""
    alerted: dict[tuple[int, str, str], set[tuple[str, str]]] = {}
    ever: dict[tuple[int, str], set[tuple[str, str]]] = {}
    full: set[tuple[int, str]] = set()
    gone = rows_emptied(examination)
    left = {
        (row.shard, row.owner): gone[row.kind, row.shard, row.seq]
        for row in examination.evidence.kept_rows or ()
        if row.kind == "party" and (row.kind, row.shard, row.seq) in gone
    }
    for event in (*_events(examination, ALERTS), *_events(examination, DECISIONS)):
        if event["type"] not in ("HoldPlaced", "AlertRaised") and event.get("decision") != "cleared":
            continue
        findings = [
            each for each in event.get("findings", ()) if each["rule"] == NAMES and not is_about_age(each)
        ]
        if findings:
            _findings_bear_out(tally, data, event, findings, expected[event["shard"]])
        if findings and event["type"] == "AlertRaised":
            entries = {_entry(each) for each in findings}
            who = (event["shard"], event["owner"])
            ever.setdefault(who, set()).update(entries)
            if len(findings) >= NAMES_TOLD_MAX:
                full.add(who)
            alerted.setdefault((*who, event["business_date"]), set()).update(entries)
    for shard, wanted in expected.items():
        for (source, seq), named in wanted.named.items():
            where = f"shard {shard}: {source}-{seq}"
            found = alerted.get((shard, named.owner, named.day.isoformat()), set())
            for match, level in named.must.items():
                is_alert = level == "alert" or (level == "hold" and not named.waits)
                told = (match.list_code, match.entry_id) in found or (shard, named.owner) in full
                tally.expect(told or not is_alert, f"{where} names {match.entry_id}, and there is no alert")
            left_on = left.get((shard, named.owner))
            if shard not in data.unfinished and (left_on is None or named.recorded_on > left_on):
                missed = named.stays - ever.get((shard, named.owner), set())
                is_told = not missed or (shard, named.owner) in full
                tally.expect(is_told, f"{where} names {sorted(missed)}, and nobody was told")


def _findings_bear_out(
    tally: Tally,
    data: ScreeningData,
    event: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    expected: Expected,
) -> None:
    """What an event tells of names, and that it holds, alerts or clears, follows from the scores."""
    where = f"{event['type']} {event['shard']}-{event['seq']}"
    is_alert = event["type"] == "AlertRaised"
    about = event["about"] if is_alert else event["first"]
    if (about["shard"], about["seq"]) in expected.unread:
        return
    named = expected.named.get((about["shard"], about["seq"]))
    if named is None:
        tally.differs(f"{where}: {about['shard']}-{about['seq']} names nobody to be screened here")
        return
    day = date.fromisoformat(event["business_date"]) if is_alert else named.day
    row = parameter_of(data.when_told(event["shard"], event["seq"]), NAMES, "*", day)
    if row is None:
        tally.differs(f"{where}: {NAMES} is not in force on {day}")
        return
    levels: set[str] = set()
    for finding in findings:
        wrong, level = unjustified(finding, named, row, data, event["shard"], event["seq"])
        tally.expect(not wrong, f"{where}: {_entry(finding)[1] or 'a name'}: {wrong}")
        levels.add(level)
    if event["type"] == "HoldPlaced":
        for_age = is_held_for_age(row) and bool(told_old(event["findings"]))
        held = "hold" in levels or event["instruction_id"] in expected.held or for_age
        tally.expect(held, f"{where}: nothing in it is alike enough to hold")
    else:
        tally.expect(not (named.waits and "hold" in levels), f"{where}: what holds a payment did not")
        tally.expect(not (is_alert and "whitelisted" in levels), f"{where}: what is whitelisted alerts")


def _compare_ages(
    tally: Tally, data: ScreeningData, examination: Examination, expected: Mapping[int, Expected]
) -> None:
    """What waits and names somebody tells of exactly those lists that were too old, and is held or marked."""
    for event in (*_events(examination, ALERTS), *_events(examination, DECISIONS)):
        where = f"{event['type']} {event['shard']}-{event['seq']}"
        findings = event.get("findings", ())
        if event["type"] == "ListOutdated":
            _is_outdated(tally, data, event, where)
        elif event["type"] == "AlertRaised":
            tally.expect(not told_old(findings), f"{where}: the age of a list raises no alert")
        elif event["type"] == "HoldPlaced" or event.get("decision") == "cleared":
            first, wanted = event.get("first") or {}, expected[event["shard"]]
            about = (first.get("shard", 0), first.get("seq", 0))
            named = wanted.named.get(about)
            if about in wanted.unread:
                continue
            if named is None:
                tally.expect(not told_old(findings), f"{where} names nobody, and tells of old lists")
                continue
            old = too_old(data, named.parameters, event["shard"], event["seq"], named.recorded_on)
            tally.same(old, told_old(findings), f"{where}: lists that are too old")
            held = event["type"] == "HoldPlaced" or not is_held_for_age(named.parameters)
            tally.expect(not old or held, f"{where}: cleared, though its lists are too old")


def _is_outdated(tally: Tally, data: ScreeningData, event: Mapping[str, Any], where: str) -> None:
    day = date.fromisoformat(event["recorded_at"][:10])
    row = parameter_of(data, NAMES, "*", day)
    old = too_old(data, row, event["shard"], event["seq"], day) if row is not None else {}
    is_old = event["list_code"] in old and old[event["list_code"]][0] == event["version"]
    tally.expect(is_old, f"{where}: {event['list_code']} {event['version']} is not too old")


def _said(examination: Examination) -> dict[int, Expected]:
    """What compliance has said on its topics, each event once."""
    said: dict[int, Expected] = {}
    for event in _decisions(examination):
        shard = said.setdefault(event["shard"], Expected())
        if event["decision"] == "cleared":
            shard.cleared.add(event["instruction_id"])
    for event in _events(examination, ALERTS):
        shard = said.setdefault(event["shard"], Expected())
        if event["type"] == "HoldPlaced":
            shard.held[event["instruction_id"]] = _findings(examination, event)
        elif event["type"] == "AlertRaised":
            key = (event["owner"], event["rule"], event["business_date"], _subject(event))
            shard.alerts[key] = _findings(examination, event)
        elif event["type"] == "AlertSnoozed":
            key = (event["owner"], event["rule"], event["business_date"], "")
            shard.snoozed[key] = (event["snooze_id"], _findings(examination, event))
    return said


def _compare_shadows(
    tally: Tally,
    data: ScreeningData,
    examination: Examination,
    expected: Mapping[int, Expected],
    *,
    is_whole: bool,
) -> None:
    """What versions in shadow found is what they find: of banknotes, of what moved, over all shards."""
    kept: dict[int, dict[tuple[str, str, str, str, bool], frozenset[Found]]] = {}
    gone = rows_emptied(examination)
    for each in data.shadow_findings:
        is_known = each.rule != NAMES and (is_whole or each.rule not in RULES)
        if is_known and each.owner not in expected[each.shard].erased:
            day = each.business_date.isoformat()
            key = (each.proposal_id, each.owner, each.rule, day, each.would_hold)
            if (each.kind, each.shard, each.place) in gone:
                findings = expected[each.shard].shadowed.get(key, NOT_CALLED_FOR)
            elif any(finding.get("sentence") == GONE for finding in each.findings):
                findings = NOT_CALLED_FOR
            else:
                findings = _findings(examination, {"findings": each.findings})
            kept.setdefault(each.shard, {})[key] = findings
    for shard, wanted in expected.items():
        found = kept.get(shard, {})
        called_for = {key: each for key, each in wanted.shadowed.items() if key[1] not in wanted.erased}
        for key in sorted({*called_for, *found}):
            words = f"shard {shard}: in shadow: {key}"
            tally.same(called_for.get(key, frozenset()), found.get(key, frozenset()), words)


def _changed_by_two(tally: Tally, data: ScreeningData, examination: Examination) -> None:
    """Each step of a version was told as it is on record, and what judges was changed by two people."""
    told = {
        (event["shard"], event["seq"]): event
        for event in _events(examination, ALERTS)
        if event["type"] == "ParametersChanged"
    }
    for each in data.changes:
        where = f"shard {each.shard}: version {each.row.version} of {each.row.rule}"
        event = told.pop((each.shard, each.seq), {})
        step = (each.proposal_id, each.before, each.after, each.journal_offset, each.actor, each.proposed_by)
        names = ("proposal_id", "before", "after", "journal_offset", "actor", "proposed_by")
        tally.same(step, tuple(event.get(name) for name in names), f"{where}: what was told")
        is_alone = each.actor == each.proposed_by and not (
            each.after == "withdrawn" and each.before != "live"
        )
        tally.expect(not is_alone, f"{where}: {each.before} to {each.after} by one person")
    for shard, seq in told:
        tally.differs(f"shard {shard}: {seq} tells of a change of parameters that is not on record")


def _snoozed_by_two(tally: Tally, data: ScreeningData, examination: Examination) -> None:
    """Each step of a snooze was told as it is on record, by two people, and of no rule about names."""
    names = ("snooze_id", "after", "owner", "rule", "until", "journal_offset", "actor", "proposed_by")
    told = {
        (event["shard"], event["seq"]): tuple(event[name] for name in names)
        for event in _events(examination, ALERTS)
        if event["type"] == "SnoozeChanged"
    }
    for each in data.snoozes:
        where = f"shard {each.shard}: snooze {each.snooze_id}"
        step = (each.snooze_id, each.what, each.owner, each.rule, each.until.isoformat())
        step = (*step, each.journal_offset, each.actor, each.proposed_by)
        tally.same(step, told.pop((each.shard, each.seq), ()), f"{where}: what was told")
        is_alone = each.what == "approved" and each.actor == each.proposed_by
        tally.expect(not is_alone, f"{where}: {each.rule} silenced by one person")
        tally.expect(each.rule not in HOLDING, f"{where}: {each.rule} holds payments, and is silenced")
    for shard, seq in told:
        tally.differs(f"shard {shard}: {seq} tells of a snooze that is not on record")


def _chosen_by_people(tally: Tally, examination: Examination, found: Mapping[int, Expected]) -> None:
    """Released and refused are what was held, each decided once and by an act."""
    decided: set[str] = set()
    for event in _decisions(examination):
        instruction_id = event["instruction_id"]
        tally.expect(instruction_id not in decided, f"{instruction_id} was decided twice")
        decided.add(instruction_id)
        if event["decision"] != "cleared":
            was_held = instruction_id in found[event["shard"]].held
            tally.expect(was_held, f"{instruction_id} was {event['decision']}, but not held")
            listed = any(each["rule"] == NAMES for each in event.get("findings", ()))
            if listed and event["decision"] == "released":
                two = event.get("proposed_by") not in (None, event.get("actor"))
                tally.expect(two, f"{instruction_id} was released by one person, with a listed name")
            tally.expect(
                event.get("act_id") is not None, f"{instruction_id} was {event['decision']} by nobody"
            )


def _decisions(examination: Examination) -> list[dict[str, Any]]:
    return [each for each in _events(examination, DECISIONS) if each["type"] == "DecisionMade"]


def _events(examination: Examination, topic: str) -> list[dict[str, Any]]:
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for record in examination.evidence.topics.get(topic, ()):
        event: dict[str, Any] = json.loads(record.value or b"{}")
        found.setdefault((event["shard"], event["seq"]), event)
    return list(found.values())


def _findings(examination: Examination, event: Mapping[str, Any]) -> frozenset[Found]:
    scales = {asset.code: asset.scale for asset in examination.evidence.chart.assets}
    return frozenset(
        found_in(finding, scales.get(finding["values"].get("asset", ""), 0)) for finding in event["findings"]
    )


def _subject(event: Mapping[str, Any]) -> str:
    """What the cooldown tells apart: the list entries of a name alert, the person of one about a person."""
    if event["rule"] != NAMES:
        values = event["findings"][0]["values"] if event["findings"] else {}
        return f"{values['person']}:{values['asset']}:{values['direction']}" if "person" in values else ""
    return subject_of(_entry(each) for each in event["findings"])


def _entry(finding: Mapping[str, Any]) -> tuple[str, str]:
    """The list and the entry that a finding is about; none if it is that nobody could read the names."""
    values = finding["values"]
    return values.get("list", ""), values.get("entry", "")
