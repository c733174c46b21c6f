"""Which record is of which class, since when, and whose customer is gone: the auditor's own account of it."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.casework import CaseFactRow, told
from audit.evidence import JOURNAL
from audit.examination import Examination
from audit.places import Numbered
from audit.screening_rows import KeptRow, RuleParameter

NAMES: Final = "SAN-1"
ROWS: Final = ("party", "shadow_finding", "tier_shadow_finding")
"""Kinds of records that no event of compliance names: they are told by the places of their rows."""
ABOUT_NAMES: Final = frozenset(
    {"release_hold", "refuse_hold", "propose_whitelisting", "approve_whitelisting", "revoke_whitelisting"}
)
"""Acts about what was found among names."""

Event = Mapping[str, Any]


def years_on(day: date, years: int) -> date:
    """The day of the same date so many years on, or the month's last where there is none such."""
    is_leap_day = (day.month, day.day) == (2, 29)
    last = (day - timedelta(days=1)) if is_leap_day else day
    year = day.year + years
    leaps = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 29) if is_leap_day and leaps else last.replace(year=year)


class Book:
    """What events, cases and rows say of records, as it stood before any of compliance's events."""

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
        self._accounts: dict[tuple[int, str], list[tuple[str, date | None, datetime]]] = {}
        for shard, owner, account, day, at in _accounts(examination):
            self._accounts.setdefault((shard, owner), []).append((account, day, at))
        self._rows = {(row.kind, row.shard, row.seq): row for row in examination.evidence.kept_rows or ()}
        self._named = dict(_named(examination))
        self._by_act: dict[tuple[int, str, str], list[Event]] = {}
        self._ratings: dict[tuple[int, str], list[int]] = {}
        for (shard, seq), event in sorted(events.items()):
            if event["type"] == "CustomerRated":
                self._ratings.setdefault((shard, event["owner"]), []).append(seq)
            for name in ("whitelisting_id", "snooze_id", "legal_hold_id"):
                about = event.get(name) or (event.get("result") or {}).get(name)
                if about is not None:
                    self._by_act.setdefault((shard, name, about), []).append(event)
            if event["type"] == "ParametersChanged" and event["before"] == "shadow":
                self._by_act.setdefault((shard, "shadow", event["proposal_id"]), []).append(event)
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

    def row(self, kind: str, shard: int, seq: int) -> KeptRow | None:
        """The row of a record, of those kinds whose words stand in tables alone."""
        return self._rows.get((kind, shard, seq))

    def named_by(self, shard: int, seq: int) -> str | None:
        """Whose account an event of the ledger was about that named parties."""
        return self._named.get((shard, seq))

    def standing(self, kind: str, shard: int, seq: int, removing: Event) -> tuple[str, date | None]:
        """A record's class, and the day on which work on it ended; as it stood before an event."""
        before = removing["seq"]
        event = self._events.get((shard, seq), {})
        match kind:
            case "rating" | "rating_proposal":
                later = [n for n in self._ratings.get((shard, event["owner"]), ()) if seq < n < before]
                place = 0 if kind == "rating" else 1
                if len(later) > place:
                    return "aml", self._day(shard, later[place])
                return "aml", self._left(shard, event["owner"], removing, self._day(shard, seq))
            case "whitelisting":
                end = self._first(shard, "whitelisting_id", event, before, act="revoke_whitelisting")
                return "sanctions", end or date.fromisoformat(event["result"]["until"])
            case "snooze" | "snooze_change":
                end = self._first(shard, "snooze_id", event, before, after="ended")
                until = event.get("until") or event["result"]["until"]
                return "aml", end or date.fromisoformat(until)
            case "legal_hold":
                return "aml", self._first(shard, "legal_hold_id", event, before, act="lift_legal_hold")
            case "answer":
                return ("sanctions" if event["act"] in ABOUT_NAMES else "aml"), self._day(shard, seq)
            case "party":
                row = self._rows[kind, shard, seq]
                return "aml", self._left(shard, row.owner, removing, row.recorded_on)
            case "shadow_finding" | "tier_shadow_finding":
                row = self._rows[kind, shard, seq]
                ended = self._by_act.get((shard, "shadow", row.proposal_id or ""), ())
                days = [self._day(shard, each["seq"]) for each in ended if each["seq"] < before]
                since = max((days[0], row.recorded_on or days[0])) if days and days[0] else None
                return ("sanctions" if row.rule == NAMES else "aml"), since
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

    def _first(self, shard: int, name: str, event: Event, before: int, **said: str) -> date | None:
        """The day of the first event about the same that says this and was told before another."""
        about = event.get(name) or event["result"][name]
        for each in self._by_act.get((shard, name, about), ()):
            is_done = each.get("done", True) and not (each.get("result") or {}).get("repeat")
            if is_done and each["seq"] < before and all(each.get(key) == said[key] for key in said):
                return self._day(shard, each["seq"])
        return None

    def _left(self, shard: int, owner: str, removing: Event, own: date | None) -> date | None:
        """The day from which nothing counts any more of somebody who is gone; not before the record's own."""
        ended = self.ended(shard, owner, removing["recorded_at"])
        return max(ended, own or ended) if ended is not None else None

    def ended(self, shard: int, owner: str, before: str) -> date | None:
        """When the last of an owner's accounts was closed; None while one is open, or none is known."""
        moment = datetime.fromisoformat(before)
        stands = {account: day for account, day, at in self._accounts.get((shard, owner), ()) if at <= moment}
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


def _named(examination: Examination) -> Iterator[tuple[Numbered, str]]:
    """Events of the ledger that may name parties, each with its owner."""
    for record in examination.evidence.topics.get(JOURNAL, ()):
        event: Event = json.loads(record.value or b"{}")
        if event["type"] == "InstructionApplied" and dict(record.headers).get("copy") == b"primary":
            yield (event["shard"], event["seq"]), event.get("owner") or event["account"]["owner"]
