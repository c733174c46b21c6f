"""Check 18: words went from records past their day alone, by two people, under no legal hold."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from audit.evidence import ALERTS, DECISIONS, Record
from audit.examination import Examination
from audit.keeping import ROWS, Book, years_on
from audit.places import Numbered
from audit.result import Result, Tally
from audit.screening_rows import KeptRow

ACTS: Final = {
    "place_legal_hold": "legal_hold_id",
    "lift_legal_hold": "legal_hold_id",
    "propose_removal": "removal_id",
    "approve_removal": "removal_id",
}
"""By what they say what they are about."""
GONE: Final = "(removed)"
HOUSE: Final = "house"
EVENT_OF: Final = {
    "alert": "AlertRaised",
    "snoozed_alert": "AlertSnoozed",
    "hold": "HoldPlaced",
    "decision": "DecisionMade",
    "rating": "CustomerRated",
    "snooze_change": "SnoozeChanged",
}
"""What tells of a record of a kind first, where that has words."""
ACT_OF: Final = {
    "case": "open_case",
    "rating_proposal": "rate_customer",
    "whitelisting": "propose_whitelisting",
    "snooze": "propose_snooze",
    "legal_hold": "place_legal_hold",
}
"""What people did first, of kinds whose words stand in tables alone."""

Event = Mapping[str, Any]


def removed_as_the_law_allows(examination: Examination) -> Result:
    """18: each record without its words was due, and what stays of its event is all but those."""
    tally = Tally(18, "removed = due, by two people")
    said = removals(examination)
    records = _records(examination)
    events = {number: json.loads(record.value or b"{}") for number, record in records.items()}
    book = Book(examination, events)
    rows = {
        (row.shard, row.seq): row.body
        for row in examination.service("compliance").outbox
        if row.topic in (ALERTS, DECISIONS)
    }
    _acts(tally, events, book)
    seen: set[tuple[str, int, int]] = set()
    for event in said:
        _wanted_by_two(tally, event, events, book)
        for each in event["records"]:
            number = (event["shard"], each["seq"])
            where = f"{each['kind']} {number}"
            tally.expect((each["kind"], *number) not in seen, f"{where}: removed twice")
            seen.add((each["kind"], *number))
            told_of = {} if each["kind"] in ROWS else events.get(number, {})
            if _is_told(tally, where, each["kind"], told_of, book.row(each["kind"], *number)):
                _due(tally, where, event, each, told_of, book)
            if each["kind"] not in EVENT_OF:
                continue
            body = rows.get(number, b"")
            tally.same(each.get("sha256"), sha256(body).hexdigest(), f"{where}: what stays of its event")
            if number in records:
                tally.same(_without_words(events[number]), json.loads(body or b"{}"), f"{where}: what stays")
    return tally.result()


def removals(examination: Examination) -> list[Event]:
    """What says that words were removed, by shard and number, each once."""
    found: dict[Numbered, Event] = {}
    for record in examination.evidence.topics.get(ALERTS, ()):
        if dict(record.headers).get("ce_type") == b"RecordsRemoved":
            event: Event = json.loads(record.value or b"{}")
            found.setdefault((event["shard"], event["seq"]), event)
    return [event for _, event in sorted(found.items())]


def emptied(examination: Examination) -> set[Numbered]:
    """Events whose words are gone, as a later one of their shard says; check 18 looks at what stays."""
    return {
        (event["shard"], each["seq"])
        for event in removals(examination)
        for each in event["records"]
        if "sha256" in each and each["seq"] < event["seq"]
    }


def rows_emptied(examination: Examination) -> dict[tuple[str, int, int], date]:
    """Rows without an event of their own whose words are gone, with the day; by kind, shard and place."""
    return {
        (each["kind"], event["shard"], each["seq"]): date.fromisoformat(event["recorded_at"][:10])
        for event in removals(examination)
        for each in event["records"]
        if each["kind"] in ROWS
    }


def _acts(tally: Tally, events: Mapping[Numbered, Event], book: Book) -> None:
    """What is to be removed, and what is kept whatever its age, was wanted by those who may, in order."""
    wanted: dict[tuple[int, str], list[Event]] = {}
    for (shard, seq), said in sorted(events.items()):
        what = ACTS.get(said.get("act", ""))
        if what is None or not said["done"] or said["result"].get("repeat"):
            continue
        result, where = said["result"], f"{said['act']} {shard}-{seq}"
        steps = wanted.setdefault((shard, result[what]), [])
        if said["act"] in ("lift_legal_hold", "approve_removal"):
            is_second = len(steps) == 1 and steps[0]["actor"] != said["actor"]
            tally.expect(is_second, f"{where}: not the second step of two people")
        else:
            tally.expect(not steps, f"{where}: done before")
        steps.append(said)
        if what != "removal_id":
            continue
        day = date.fromisoformat(said["recorded_at"][:10])
        tally.same(book.terms(shard, day, seq), result["terms"], f"{where}: the law's years")
        tally.expect(date.fromisoformat(result["through"]) <= day, f"{where}: of days to come")
        if len(steps) == 1 and result["customer"]:
            held = book.is_held(shard, result["customer"], seq)
            tally.expect(not held, f"{where}: of a customer under a legal hold")
        tally.same(steps[0]["result"]["through"], result["through"], f"{where}: its last day")


def _records(examination: Examination) -> dict[Numbered, Record]:
    found: dict[Numbered, Record] = {}
    for topic in (ALERTS, DECISIONS):
        for record in examination.evidence.topics.get(topic, ()):
            event = json.loads(record.value or b"{}")
            found.setdefault((event["shard"], event["seq"]), record)
    return found


def _without_words(event: Event) -> Event:
    """An event as it stays: of a finding its rule, of a person's reason that there was one."""
    stays = dict(event)
    if "findings" in event:
        stays["findings"] = [_of_finding(each) for each in event["findings"]]
    if event.get("finding") is not None:
        stays["finding"] = _of_finding(event["finding"])
    if event.get("reason") is not None:
        stays["reason"] = GONE
    return stays


def _of_finding(finding: Event) -> Event:
    return {
        "rule": finding["rule"],
        "rule_version": finding["rule_version"],
        "sentence": GONE,
        "values": {},
    }


def _is_told(tally: Tally, where: str, kind: str, told_of: Event, row: KeptRow | None) -> bool:
    """Whether there is such a record, by its event or its row; what of its words stands there is gone."""
    if kind in EVENT_OF:
        is_told = told_of.get("type") == EVENT_OF[kind]
    elif kind == "answer":
        is_told = not told_of.get("done", True)
    else:
        is_told = kind in ROWS or (told_of.get("act"), told_of.get("done")) == (ACT_OF[kind], True)
    tally.expect(is_told, f"{where}: what told of it")
    if kind == "case" or kind in EVENT_OF or not is_told:
        return is_told
    if row is None:
        tally.differs(f"{where}: its row is not there")
        return False
    tally.expect(all(word == GONE for word in row.words), f"{where}: words are left in its row")
    return True


def _wanted_by_two(tally: Tally, event: Event, events: Mapping[Numbered, Event], book: Book) -> None:
    where = f"event {event['shard']}-{event['seq']}"
    steps = {
        said["act"]: said
        for (shard, seq), said in events.items()
        if said["type"] == "ActDone"
        and (shard, said["done"]) == (event["shard"], True)
        and seq < event["seq"]
        and said["act"] in ("propose_removal", "approve_removal")
        and not said["result"].get("repeat")
        and said["result"]["removal_id"] == event["removal_id"]
    }
    people = [steps.get(act, {}).get("actor") for act in ("propose_removal", "approve_removal")]
    tally.same([event["proposed_by"], event["actor"]], people, f"{where}: who wanted it removed")
    tally.expect(event["actor"] != event["proposed_by"], f"{where}: one person had records removed")
    approved = steps.get("approve_removal")
    if approved is None:
        return
    said = approved["result"]
    tally.same((said["through"], said["terms"]), (event["through"], event["terms"]), f"{where}: its terms")
    day = date.fromisoformat(approved["recorded_at"][:10])
    tally.same(book.terms(event["shard"], day, approved["seq"]), event["terms"], f"{where}: the law's years")
    tally.expect(date.fromisoformat(event["through"]) <= day, f"{where}: {event['through']} is to come")


def _due(tally: Tally, where: str, event: Event, record: Event, told_of: Event, book: Book) -> None:
    """Its day and class are what events say, its years are over, and no legal hold counted."""
    shard, seq, terms = event["shard"], event["seq"], event["terms"]
    row = book.row(record["kind"], shard, record["seq"])
    owner = row.owner if row is not None else told_of.get("owner", "")
    if record["kind"] == "party" and row is not None:
        tally.same(book.named_by(shard, row.told_seq or 0), owner, f"{where}: whose it is")
    record_class, since = book.standing(record["kind"], shard, record["seq"], event)
    tally.same(record_class, record["record_class"], f"{where}: its class")
    if since is None:
        tally.differs(f"{where}: removed while it was worked on")
        return
    lasts = [years_on(since, terms[record_class])]
    if terms["years_from_end"] is not None and owner != HOUSE:
        ended = book.ended(shard, owner, event["recorded_at"])
        if ended is None:
            tally.differs(f"{where}: removed while {owner} was a customer")
            return
        lasts.append(years_on(ended, terms["years_from_end"]))
    due = max(lasts) + timedelta(days=1)
    tally.expect(due <= date.fromisoformat(event["through"]), f"{where}: removed before {due}")
    tally.expect(not book.is_held(shard, owner, seq), f"{where}: removed under a legal hold")
