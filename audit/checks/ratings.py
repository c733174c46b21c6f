"""Check 17: a customer's risk class follows from data or acts, each on the one before, lowered by two."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from audit.evidence import ALERTS, DECISIONS, JOURNAL, Evidence, ScreeningData
from audit.examination import Examination
from audit.names import bearers_of
from audit.parameters import parameter_of
from audit.places import partition_of
from audit.result import Result, Tally
from audit.screening import chain_of
from audit.sealed import is_sealed

CLASSES: Final = ("low", "medium", "high")
ACTS: Final = ("rate_customer", "approve_rating")

Event = Mapping[str, Any]


def ratings_follow_from_data_and_acts(examination: Examination) -> Result:
    """17: what compliance has told of customers' classes, against its data, the acts and the journal."""
    tally = Tally(17, "ratings = data and acts")
    evidence = examination.evidence
    if evidence.screening is None:
        tally.differs("compliance's data were not read")
        return tally.result()
    rated: dict[tuple[int, str], list[Event]] = defaultdict(list)
    for event in _events(evidence, DECISIONS, "CustomerRated"):
        rated[event["shard"], event["owner"]].append(event)
    answers = {
        (event["shard"], event["act_id"]): event
        for event in _events(evidence, ALERTS, "ActDone")
        if event["act"] in ACTS and event["done"] and not event["result"].get("repeat")
    }
    tellings = {(event["shard"], event["seq"]): event for event in _tellings(evidence)}
    for (shard, owner), events in rated.items():
        home = partition_of(owner.encode(), evidence.partitions)
        tally.expect(shard == home, f"{owner} is rated in shard {shard}, and at home in {home}")
        _follow(tally, sorted(events, key=lambda each: each["version"]), answers)
        for event in events:
            if event.get("finding") is not None:
                _bears_out(tally, evidence.screening, event, tellings)
    said = {
        (shard, each["seq"], owner, each["version"], each["risk_class"])
        for (shard, owner), of in rated.items()
        for each in of
    }
    kept = {(e.shard, e.seq, e.owner, e.version, e.risk_class) for e in evidence.screening.ratings}
    for shard, seq, owner, version, _ in sorted(said ^ kept):
        tally.differs(f"rating {shard}-{seq} of {owner}, version {version}: told or kept, and not both")
    told = {(shard, each.get("act_id")) for (shard, _), events in rated.items() for each in events}
    for key, answer in answers.items():
        if answer["result"].get("status") == "rated":
            tally.expect(key in told, f"the act {key[1]} was done, and there is no rating of it")
    for telling in tellings.values():
        _met(tally, evidence.screening, telling, rated)
    return tally.result()


def _follow(tally: Tally, events: Sequence[Event], answers: Mapping[tuple[int, str], Event]) -> None:
    previous = "medium"
    for version, event in enumerate(events, start=1):
        where = f"rating {event['shard']}-{event['seq']} of {event['owner']}"
        tally.same((version, previous), (event["version"], event["previous"]), where)
        given = event["risk_class"]
        tally.expect(given != previous, f"{where} changes nothing")
        if event.get("finding") is None:
            answer = answers.get((event["shard"], event.get("act_id") or ""), {})
            asked = (event["actor"], event["owner"], given, version)
            result = answer.get("result", {})
            found = (*map(answer.get, ("actor", "owner")), *map(result.get, ("risk_class", "version")))
            tally.same(asked, found, f"{where}: its act")
        is_first_by_data = version == 1 and event.get("finding") is not None
        if CLASSES.index(given) < CLASSES.index(previous) and not is_first_by_data:
            two = event.get("proposed_by") not in (None, event.get("actor"))
            tally.expect(two, f"{where}: one person has lowered it")
        previous = given


def _bears_out(
    tally: Tally, data: ScreeningData, event: Event, tellings: Mapping[tuple[int, int], Event]
) -> None:
    """What data say of the parties of whom the record tells that is named."""
    where = f"rating {event['shard']}-{event['seq']} of {event['owner']}"
    telling = tellings.get((event["about"]["shard"], event["about"]["seq"]))
    if telling is None:
        tally.differs(f"{where} is about no record that tells of parties")
    elif not is_sealed(telling.get("instruction") or {}):
        finding = event["finding"]
        found = (finding["rule_version"], finding["values"]["countries"], event["risk_class"])
        tally.same(_said(data, telling), found, where)
        is_lower = CLASSES.index(event["risk_class"]) < CLASSES.index(event["previous"])
        is_opening = telling.get("instruction_type") == "open_account"
        tally.expect(is_opening or not is_lower, f"{where}: lowered by a holder told of later")


def _met(
    tally: Tally, data: ScreeningData, telling: Event, rated: Mapping[tuple[int, str], Sequence[Event]]
) -> None:
    """Of whom data say so, was of at least that class some time."""
    if is_sealed(telling.get("instruction") or {}):
        return
    said = _said(data, telling)
    if said is None:
        return
    owner, shard = telling["account"]["owner"], telling["shard"]
    reached = max(CLASSES.index(each["risk_class"]) for each in (*rated.get((shard, owner), ()), _MEDIUM))
    tally.expect(
        reached >= CLASSES.index(said[2]), f"{shard}-{telling['seq']}: {owner} was never of {said[2]} risk"
    )


_MEDIUM: Final = {"risk_class": "medium"}


def _said(data: ScreeningData, telling: Event) -> tuple[int, list[str], str] | None:
    """The version of the data, the countries met, and the class."""
    row = parameter_of(data, "RATING", "*", datetime.fromisoformat(telling["recorded_at"]).date())
    countries = [
        each.country
        for each in bearers_of(telling.get("instruction") or {})
        if each.field in ("party", "party.holders") and each.country is not None
    ]
    for given in reversed(CLASSES):
        met = sorted({each for each in countries if row is not None and each in row.values.get(given, ())})
        if row is not None and met:
            return row.version, met, given
    return None


def _tellings(evidence: Evidence) -> list[Event]:
    found: list[Event] = []
    for shard in range(evidence.partitions):
        for record in chain_of(evidence.topics.get(JOURNAL, ()), shard):
            headers = dict(record.headers)
            if headers["ce_type"] == b"InstructionApplied" and headers["copy"] == b"primary":
                event: Event = evidence.opened(json.loads(record.value or b"{}"))
                if event.get("instruction_type") in ("open_account", "change_holder"):
                    found.append(event)
    return found


def _events(evidence: Evidence, topic: str, kind: str) -> list[Event]:
    found: dict[tuple[int, int], Event] = {}
    for record in evidence.topics.get(topic, ()):
        event: Event = json.loads(record.value or b"{}")
        if event["type"] == kind:
            found.setdefault((event["shard"], event["seq"]), event)
    return list(found.values())
