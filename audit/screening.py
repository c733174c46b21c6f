"""The reference model of screening: each event against everything before it, by plain loops.

The rules as `services/compliance` documents them (those about windows in `audit.patterns`, about cash in
`audit.cash_findings`): a rule sees the events before its own in the order of the shard's partition, never how
they were cut into batches. Names that are equal must be found; of any more that compliance finds, the score
it tells is held against the thresholds (`audit.name_findings`).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.cash_findings import Event, cash_findings, cash_of
from audit.evidence import JOURNAL, Evidence, Record, ScreeningData
from audit.findings import Found, found_pattern
from audit.movements import History, Moved, Opened, is_undoing, movements_of
from audit.name_findings import Named, equal_names, equal_now, name_found, unnamed_in
from audit.names import bearers_of
from audit.parameters import parameter_of
from audit.patterns import patterns_in
from audit.persons import Cash, Role, roles_in
from audit.places import partition_of
from audit.screening_rows import RuleChange, RuleParameter
from audit.sealed import is_sealed

CONCERNING: Final = frozenset({"TransactionPosted", "TransactionPending", "InstructionApplied"})


@dataclass(slots=True)
class Expected:
    """What compliance must have said in one shard; or, read from its topics, what it has said."""

    cleared: set[str] = field(default_factory=set)
    """Instruction ids; where it is expected, of those that no rule about cash and no equal name holds."""
    held: dict[str, frozenset[Found]] = field(default_factory=dict)
    beside: dict[str, frozenset[Found]] = field(default_factory=dict)
    """Instruction id of what waits → all that rules about cash find, whether that holds or not."""
    alerts: dict[tuple[str, str, str, str], frozenset[Found]] = field(default_factory=dict)
    """Owner, rule, business date, subject → findings; of names (`SAN-1`) only what was said."""
    snoozed: dict[tuple[str, str, str, str], tuple[str | None, frozenset[Found]]] = field(
        default_factory=dict
    )
    """What would have been alerts: the same → the snooze, and the findings."""
    named: dict[tuple[int, int], Named] = field(default_factory=dict)
    """By the ledger's event, its shard and seq."""
    asked: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Instruction id of what waits → the ledger's event."""
    unread: set[tuple[int, int]] = field(default_factory=set)
    """Events sealed under a key that is gone: what was found in them cannot be found again."""
    shadowed: dict[tuple[str, str, str, str, bool], frozenset[Found]] = field(default_factory=dict)
    """Proposal, owner, rule, business date, whether it would have held → the first finding; not of names."""
    erased: set[str] = field(default_factory=set)
    """Whose movements such events tell of."""
    entered: list[Moved | Opened] = field(default_factory=list[Moved | Opened])
    """What moved for its owners, in order."""
    cashed: list[Cash] = field(default_factory=list[Cash])
    """Their banknotes, in order."""
    roles: list[Role] = field(default_factory=list[Role])
    """Who has a role with them, in order."""
    events: int = 0

    def shadow(
        self, shadow: RuleChange, rule: str, owner: str, day: date, found: Found, *, would_hold: bool
    ) -> None:
        """Note what a version in shadow finds, the first of an owner and a day."""
        if rule == shadow.row.rule:
            key = (shadow.proposal_id, owner, rule, day.isoformat(), would_hold)
            self.shadowed.setdefault(key, frozenset({found}))


def screen(evidence: Evidence, data: ScreeningData) -> dict[int, Expected]:
    """Judge every shard's partition of the journal, event by event."""
    expected: dict[int, Expected] = {}
    for shard in range(evidence.partitions):
        said = expected[shard] = Expected()
        seen: list[Cash] = []
        moved: dict[tuple[str, str], History] = {}
        for record in chain_of(evidence.topics.get(JOURNAL, ()), shard):
            event: Event = evidence.opened(json.loads(record.value or b"{}"))
            said.events += 1
            if is_sealed(event.get("instruction") or {}):
                said.unread.add((event["shard"], event["seq"]))
                ends = [
                    each[side]["owner"] for each in event.get("movements", ()) for side in ("debit", "credit")
                ]
                said.erased.update(ends, [event.get("owner", "")])
            if event.get("type") in CONCERNING:
                _judge(evidence, data, record, event, seen, moved, said)
    return expected


def chain_of(records: Iterable[Record], partition: int) -> Iterable[Record]:
    """What a consumer takes of a partition: copies already had are skipped, those ahead passed over."""
    marks: dict[int, int] = {}
    for record in records:
        if record.partition != partition:
            continue
        headers = dict(record.headers)
        source, seq, prev = (int(headers[name]) for name in ("shard", "seq", "prev"))
        if seq > marks.get(source, 0) and prev == marks.get(source, 0):
            marks[source] = seq
            yield record


def _judge(
    evidence: Evidence,
    ever: ScreeningData,
    record: Record,
    event: Event,
    seen: list[Cash],
    moved: dict[tuple[str, str], History],
    said: Expected,
) -> None:
    shard = record.partition
    data = ever.at(shard, record.offset)
    shadows = [
        (each, data.with_rows([each.row])) for each in ever.versions_at(shard, record.offset, "shadow")
    ]
    moves = event["type"] != "InstructionApplied"
    primary = event["shard"] == shard
    waits = event["type"] == "TransactionPending" and event.get("screening", True) and primary
    moment = datetime.fromisoformat(event["recorded_at"])
    day = date.fromisoformat(event["booking_date"]) if moves else moment.date()
    home = event.get("owner") or ""
    holding: set[Found] = set()
    hits: list[tuple[str, str, Found, bool, int]] = []
    if primary and not moves:
        said.roles += roles_in(event)
    if primary and event.get("first") is None:
        holding = _judge_names(data, shard, event, home, day, waits, said)
    cash_flag = bool(((event.get("instruction") or {}).get("channel") or {}).get("cash"))
    for cash in cash_of(event) if moves and cash_flag and not is_undoing(event) else ():
        if partition_of(cash.owner.encode(), evidence.partitions) != shard:
            continue
        before = [each for each in seen if each.owner == cash.owner]
        for shadow, beside in shadows:
            if parameter_of(beside, shadow.row.rule, cash.asset, cash.day) is shadow.row:
                for rule, finding in cash_findings(beside, before, cash):
                    holds = rule == "STR-1" and cash.owner == home and waits
                    said.shadow(shadow, rule, cash.owner, day, finding, would_hold=holds)
        for rule, finding in cash_findings(data, before, cash):
            hits.append((rule, cash.owner, finding, rule == "STR-1" and cash.owner == home, 1))
        seen.append(cash)
        said.cashed.append(cash)
    for each in movements_of(event):
        if partition_of(each.owner.encode(), evidence.partitions) == shard:
            history = moved.setdefault((each.owner, each.asset), History())
            history.take(each)
            said.entered.append(each)
            if isinstance(each, Moved):
                for rule, pattern, holds, cooldown in patterns_in(history, _values(data, history, each)):
                    hits.append((rule, each.owner, found_pattern(rule, pattern), holds and primary, cooldown))
                for shadow, beside in shadows:
                    of_shadow = _values(beside, history, each, shadow.row)
                    for rule, pattern, holds, _ in patterns_in(history, of_shadow):
                        found, would_hold = found_pattern(rule, pattern), holds and primary and waits
                        said.shadow(shadow, rule, each.owner, day, found, would_hold=would_hold)
    for rule, owner, finding, holds, cooldown in hits:
        if waits and holds:
            holding.add(finding)
            continue
        if _is_cooling(said.alerts, owner, rule, day, cooldown):
            continue
        snooze_id = data.silenced_by(shard, owner, rule, day, offset=record.offset)
        key = (owner, rule, day.isoformat(), "")
        if snooze_id is None or holds:
            said.alerts[key] = frozenset({finding})
        elif not _is_cooling(said.snoozed, owner, rule, day, cooldown):
            said.snoozed[key] = (snooze_id, frozenset({finding}))
    if waits:
        said.beside[event["instruction_id"]] = frozenset(finding for _, _, finding, _, _ in hits)
        said.asked[event["instruction_id"]] = (event["shard"], event["seq"])
    if waits and holding:
        said.held[event["instruction_id"]] = frozenset(holding)
    elif waits:
        said.cleared.add(event["instruction_id"])


def _is_cooling(
    told: Mapping[tuple[str, str, str, str], Any], owner: str, rule: str, day: date, days: int
) -> bool:
    """Whether the same was told of the owner less than so many business days away."""
    near = (day + timedelta(days=step) for step in range(1 - days, days))
    return any((owner, rule, each.isoformat(), "") in told for each in near)


def _values(
    data: ScreeningData, history: History, each: Moved, only: RuleParameter | None = None
) -> Callable[[str], Mapping[str, Any] | None]:
    """How a rule's values for this customer and day are found; of one row only, if it is given."""

    def values_of(rule: str) -> Mapping[str, Any] | None:
        row = parameter_of(data, rule, each.asset, each.day, history.segment, history.country)
        return row.values if row is not None and only in (None, row) else None

    return values_of


def _judge_names(
    data: ScreeningData, shard: int, event: Event, owner: str, day: date, waits: bool, said: Expected
) -> set[Found]:
    """Note what must be found among the names, and return what of it holds."""
    bearers = bearers_of(event.get("instruction") or {})
    row = parameter_of(data, "SAN-1", "*", day)
    if not bearers or row is None:
        return set()
    spared = {
        (each.list_code, each.entry_id)
        for each in data.whitelistings
        if (each.shard, each.owner) == (shard, owner) and each.approved_by is not None
    }
    must = {
        match: level
        for bearer in bearers
        for match, level in equal_names(
            data, shard, bearer, row, datetime.fromisoformat(event["recorded_at"])
        )
        if (match.list_code, match.entry_id) not in spared
    }
    must |= unnamed_in(bearers)
    is_customer = event["type"] == "InstructionApplied"
    stays = frozenset(equal_now(data, shard, bearers, row) - spared if is_customer else ())
    said.named[event["shard"], event["seq"]] = Named(
        owner, day, waits, bearers, row, must, stays, datetime.fromisoformat(event["recorded_at"]).date()
    )
    if not waits:
        return set()
    return {name_found(match) for match, level in must.items() if level == "hold"}
