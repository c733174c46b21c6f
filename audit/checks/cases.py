"""Check 16: a case is what its facts say, each fact was asked for once, and closing took two people."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from audit.casework import ACT_OF, CaseData, CaseFactRow, told
from audit.evidence import ALERTS
from audit.examination import Examination
from audit.result import Result, Tally
from audit.roles import role_faults


def cases_follow_from_their_facts(examination: Examination) -> Result:
    """16: facts are numbered without gaps, follow the lifecycle, give the case, and answer one act each.

    What was done was done by somebody whose role has the right, from the second administrator on.
    """
    tally = Tally(16, "cases = their facts")
    data = examination.evidence.cases
    if data is None:
        tally.differs("cases were not read")
        return tally.result()
    facts: dict[tuple[int, str], list[CaseFactRow]] = defaultdict(list)
    for fact in sorted(data.facts, key=lambda each: each.version):
        facts[fact.shard, fact.case_id].append(fact)
    _files(tally, data, facts)
    events = _events(examination)
    _answers(tally, data, events)
    _triage(tally, data, facts, events)
    _roles(tally, data, events)
    return tally.result()


def _files(tally: Tally, data: CaseData, facts: Mapping[tuple[int, str], Sequence[CaseFactRow]]) -> None:
    for file in data.files:
        where = f"case {file.case_id}"
        own = facts.get((file.shard, file.case_id), ())
        derived, wrong = told(own)
        if wrong:
            tally.differs(f"{where}: {wrong}")
        if any(fact.form == "stor" for fact in own) and file.kind != "market_abuse":
            tally.differs(f"{where}: a report on market abuse, of a case of {file.kind}")
        for name, value in derived.items():
            tally.same(value, getattr(file, name), f"{where}: {name}")
    files = {(file.shard, file.case_id) for file in data.files}
    for shard, case_id in facts.keys() - files:
        tally.differs(f"case {case_id}: facts of shard {shard}, and no case")


def _answers(tally: Tally, data: CaseData, events: Mapping[tuple[int, int], Mapping[str, Any]]) -> None:
    """Each fact is told by the answer to its act, and each answer that says so has its fact."""
    done = {
        (event["shard"], event["act_id"])
        for event in events.values()
        if event["type"] == "ActDone" and event["done"] and event["act"] in ACT_OF.values()
    }
    known = {(fact.shard, fact.act_id) for fact in data.facts}
    for fact in data.facts:
        event = events.get((fact.shard, fact.seq), {})
        asked = (ACT_OF[fact.what], fact.act_id, fact.actor, True, fact.version)
        found = (*map(event.get, ("act", "act_id", "actor", "done")), event.get("result", {}).get("version"))
        tally.same(asked, found, f"case {fact.case_id}, version {fact.version}")
    for shard, act_id in sorted(done - known):
        tally.differs(f"shard {shard}: the act {act_id} on a case was done, and there is no fact of it")


def _triage(
    tally: Tally,
    data: CaseData,
    facts: Mapping[tuple[int, str], Sequence[CaseFactRow]],
    events: Mapping[tuple[int, int], Mapping[str, Any]],
) -> None:
    owners = {(file.shard, file.case_id): file.owner for file in data.files}
    for row in data.triage:
        where = f"alert {row.shard}-{row.alert_seq}"
        alert = events.get((row.shard, row.alert_seq), {})
        tally.expect(alert.get("type") == "AlertRaised", f"{where} was triaged, and never raised")
        answer = events.get((row.shard, row.seq), {})
        tally.same((row.act_id, True), (answer.get("act_id"), answer.get("done")), f"{where}: its triage")
        if row.case_id is None:
            tally.same("dismiss_alert", answer.get("act"), where)
            continue
        key = (row.shard, row.case_id)
        taking = [fact.what for fact in facts.get(key, ()) if fact.version == row.case_version]
        tally.expect(taking in (["opened"], ["gathered"]), f"{where} was taken by {taking}")
        tally.same(owners.get(key), alert.get("owner"), f"{where}: whose it is")


def _roles(tally: Tally, data: CaseData, events: Mapping[tuple[int, int], Mapping[str, Any]]) -> None:
    answers = [event for _, event in sorted(events.items()) if event["type"] == "ActDone"]
    faults, looked_at = role_faults(answers, data.roles)
    for fault in faults:
        tally.differs(fault)
    tally.counted += looked_at


def _events(examination: Examination) -> dict[tuple[int, int], dict[str, Any]]:
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for record in examination.evidence.topics.get(ALERTS, ()):
        event: dict[str, Any] = json.loads(record.value or b"{}")
        found.setdefault((event["shard"], event["seq"]), event)
    return found
