"""Check 18: words went from records past their day alone, by two people, under no legal hold."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from audit.casework import CaseFactRow, told
from audit.evidence import ALERTS, DECISIONS, JOURNAL, Record
from audit.examination import Examination
from audit.places import Numbered
from audit.result import Result, Tally
from audit.screening_rows import RuleParameter

ACTS: Final = {
    "place_legal_hold": "legal_hold_id",
    "lift_legal_hold": "legal_hold_id",
    "propose_removal": "removal_id",
    "approve_removal": "removal_id",
}
"""By what they say what they are about."""
GONE: Final = "(removed)"
NAMES: Final = "SAN-1"
HOUSE: Final = "house"
EVENT_OF: Final = {
    "alert": "AlertRaised",
    "snoozed_alert": "AlertSnoozed",
    "hold": "HoldPlaced",
    "decision": "DecisionMade",
    "case": "ActDone",
}
"""What tells of a record of a kind first."""

Event = Mapping[str, Any]


def removed_as_the_law_allows(examination: Examination) -> Result:
    """18: each record without its words was due, and what stays of its event is all but those."""
    tally = Tally(18, "removed = due, by two people")
    said = removals(examination)
    records = _records(examination)
    events = {number: json.loads(record.value or b"{}") for number, record in records.items()}
    book = _Book(examination, events)
    rows = {
        (row.shard, row.seq): row.body
        for row in examination.service("compliance").outbox
        if row.topic in (ALERTS, DECISIONS)
    }
    _acts(tally, events, book)
    seen: set[Numbered] = set()
    for event in said:
        _wanted_by_two(tally, event, events, book)
        for each in event["records"]:
            number = (event["shard"], each["seq"])
            where = f"{each['kind']} {number}"
            tally.expect(number not in seen, f"{where}: removed twice")
            seen.add(number)
            _due(tally, where, event, each, events.get(number, {}), book)
            if each["kind"] == "case":
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


def _acts(tally: Tally, events: Mapping[Numbered, Event], book: "_Book") -> None:
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
        stays["findings"] = [
            {"rule": each["rule"], "rule_version": each["rule_version"], "sentence": GONE, "values": {}}
            for each in event["findings"]
        ]
    if event.get("reason") is not None:
        stays["reason"] = GONE
    return stays


def _wanted_by_two(tally: Tally, event: Event, events: Mapping[Numbered, Event], book: "_Book") -> None:
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


def _due(tally: Tally, where: str, event: Event, record: Event, told_of: Event, book: "_Book") -> None:
    """Its day and class are what events say, its years are over, and no legal hold counted."""
    tally.same(EVENT_OF[record["kind"]], told_of.get("type"), f"{where}: what told of it")
    owner = told_of.get("owner", "")
    shard, seq, terms = event["shard"], event["seq"], event["terms"]
    record_class, since = book.standing(record["kind"], shard, record["seq"], seq)
    tally.same(record_class, record["record_class"], f"{where}: its class")
    if since is None:
        tally.differs(f"{where}: removed while it was worked on")
        return
    lasts = [_years_on(since, terms[record_class])]
    if terms["years_from_end"] is not None and owner != HOUSE:
        ended = book.ended(shard, owner, event["recorded_at"])
        if ended is None:
            tally.differs(f"{where}: removed while {owner} was a customer")
            return
        lasts.append(_years_on(ended, terms["years_from_end"]))
    due = max(lasts) + timedelta(days=1)
    tally.expect(due <= date.fromisoformat(event["through"]), f"{where}: removed before {due}")
    tally.expect(not book.is_held(shard, owner, seq), f"{where}: removed under a legal hold")


def _years_on(day: date, years: int) -> date:
    is_leap_day = (day.month, day.day) == (2, 29)
    last = (day - timedelta(days=1)) if is_leap_day else day
    year = day.year + years
    leaps = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 29) if is_leap_day and leaps else last.replace(year=year)


class _Book:
    """The auditor's own account of which record is of which class, since when, and whose customer is gone."""

    def __init__(self, examination: Examination, events: Mapping[Numbered, Event]) -> None:
        self._events = events
        self._screening = examination.evidence.screening
        cases = examination.evidence.cases
        self._triage = {(row.shard, row.alert_seq): row for row in cases.triage} if cases is not None else {}
        self._facts: dict[tuple[int, str], list[CaseFactRow]] = {}
        for fact in sorted(cases.facts, key=lambda each: each.version) if cases is not None else ():
            self._facts.setdefault((fact.shard, fact.case_id), []).append(fact)
        self._opened = {(facts[0].shard, facts[0].seq): key for key, facts in self._facts.items() if facts}
        self._decided = {
            (shard, event["instruction_id"]): event
            for (shard, _), event in events.items()
            if event["type"] == "DecisionMade"
        }
        self._accounts = list(_accounts(examination))
        self._legal_holds: dict[tuple[int, str], list[tuple[int, str, str]]] = {}
        for (shard, seq), event in sorted(events.items()):
            if event.get("act") in ("place_legal_hold", "lift_legal_hold") and event["done"]:
                said = event["result"]
                whose = self._legal_holds.setdefault((shard, event["owner"]), [])
                whose.append((seq, said["status"], said["legal_hold_id"]))

    def terms(self, shard: int, day: date, before: int) -> Mapping[str, int | None] | None:
        """For how many years records are kept, by what was in force in a shard on a day."""
        if self._screening is None:
            return None
        live: dict[str, RuleParameter] = {}
        for change in self._screening.changes:
            if change.shard == shard and change.seq < before and change.row.rule == "RETENTION":
                if change.after == "live":
                    live[change.proposal_id] = change.row
                elif change.after == "withdrawn":
                    live.pop(change.proposal_id, None)
        product = [row for row in self._screening.parameters if row.rule == "RETENTION"]
        valid = [
            row
            for row in (*product, *live.values())
            if row.valid_from <= day and (row.valid_until is None or day < row.valid_until)
        ]
        if not valid:
            return None
        values = max(valid, key=lambda row: row.version).values
        return {
            **{name: int(values[f"{name}_years"]) for name in ("aml", "sanctions", "filing")},
            "years_from_end": values["years_from_end"],
        }

    def standing(self, kind: str, shard: int, seq: int, before: int) -> tuple[str, date | None]:
        """A record's class, and the day on which work on it ended; as it stood before an event."""
        event = self._events.get((shard, seq), {})
        match kind:
            case "alert":
                row = self._triage.get((shard, seq))
                if row is not None and row.case_id is not None:
                    return self._case((shard, row.case_id), before)
                since = self._day(shard, row.seq) if row is not None and row.seq < before else None
                return ("sanctions" if event.get("rule") == NAMES else "aml"), since
            case "case":
                return self._case(self._opened.get((shard, seq), (shard, "")), before)
            case "snoozed_alert":
                return "aml", self._day(shard, seq)
            case _:
                decided = self._decided.get((shard, event.get("instruction_id", "")), {})
                names = any(each["rule"] == NAMES for each in event.get("findings", ()))
                since = self._day(shard, decided["seq"]) if decided and decided["seq"] < before else None
                return ("sanctions" if names else "aml"), since

    def _case(self, key: tuple[int, str], before: int) -> tuple[str, date | None]:
        facts = [fact for fact in self._facts.get(key, ()) if fact.seq < before]
        made, _ = told(facts)
        owes = made.get("report") and made.get("filing_status") in (None, "rejected")
        since = self._day(key[0], facts[-1].seq) if facts and made.get("status") == "closed" else None
        if owes:
            since = None
        names = any(
            self._events.get(number, {}).get("rule") == NAMES
            for number, row in self._triage.items()
            if (row.shard, row.case_id) == key
        )
        return ("sanctions" if names else "filing" if made.get("filing") is not None else "aml"), since

    def ended(self, shard: int, owner: str, before: str) -> date | None:
        """When the last of an owner's accounts was closed; None while one is open, or none is known."""
        moment = datetime.fromisoformat(before)
        stands = {
            account: day
            for where, whose, account, day, at in self._accounts
            if (where, whose) == (shard, owner) and at <= moment
        }
        closed = [day for day in stands.values() if day is not None]
        return max(closed) if stands and len(closed) == len(stands) else None

    def is_held(self, shard: int, owner: str, before: int) -> bool:
        """Whether a legal hold on an owner counted when an event was told."""
        placed: set[str] = set()
        for seq, status, legal_hold_id in self._legal_holds.get((shard, owner), ()):
            if seq < before:
                placed = placed | {legal_hold_id} if status == "placed" else placed - {legal_hold_id}
        return bool(placed)

    def _day(self, shard: int, seq: int) -> date | None:
        at = self._events.get((shard, seq), {}).get("recorded_at")
        return date.fromisoformat(at[:10]) if at is not None else None


def _accounts(examination: Examination) -> Iterator[tuple[int, str, str, date | None, datetime]]:
    """What became of accounts, in their order: shard, owner, account, day if closed, and when it was told."""
    for record in examination.evidence.topics.get(JOURNAL, ()):
        event: Event = json.loads(record.value or b"{}")
        if dict(record.headers).get("copy") != b"primary":
            continue
        kind = event["type"]
        if kind == "InstructionApplied":
            kind = (event.get("instruction") or {}).get("type")
        if kind in ("open_account", "reopen_account", "AccountClosed"):
            day = date.fromisoformat(event["booking_date"]) if kind == "AccountClosed" else None
            account = event["account"]
            at = datetime.fromisoformat(event["recorded_at"])
            yield record.partition, account["owner"], account["account"], day, at
