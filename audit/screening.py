"""The reference model of screening: each event against everything before it, by plain loops.

The rules as `services/compliance` documents them (those about windows in `audit.patterns`): a rule sees the
events before its own in the order of the shard's partition, never how they were cut into batches. Names that
are equal must be found; of any more that compliance finds, the score it tells is held against the thresholds
(`audit.names`).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.amounts import read_amount
from audit.evidence import JOURNAL, Evidence, ListedEntry, Record, RuleChange, RuleParameter, ScreeningData
from audit.movements import History, Moved, Opened, is_undoing, movements_of
from audit.names import (
    Bearer,
    bearers_of,
    bearings,
    has_number_of,
    is_same_but_for_its_form,
    is_same_name,
    score_of,
)
from audit.patterns import Pattern, patterns_in
from audit.persons import Cash, Role, ToldOfPerson, roles_in
from audit.places import partition_of
from audit.sealed import is_sealed
from audit.wire import HOUSE

Event = Mapping[str, Any]

SEQ_MAX: Final = 2**63 - 1
CONCERNING: Final = frozenset({"TransactionPosted", "TransactionPending", "InstructionApplied"})


@dataclass(frozen=True, slots=True)
class Found:
    """One rule that hit: what identifies the finding, whatever words describe it."""

    rule: str
    facts: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Where in an instruction an entry of a list was found."""

    field: str
    list_code: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class Named:
    """An event that names somebody: what must be found in it, and what any more is judged by."""

    owner: str
    day: date
    waits: bool
    bearers: Sequence[Bearer]
    parameters: RuleParameter
    must: Mapping[Match, str]
    """What is equal in every version there was, with what it leads to: `hold`, `alert`, or `any` of both."""
    stays: frozenset[tuple[str, str]] = frozenset()
    """Of a customer: the (list, entry) equal in the versions active now, whenever they became so."""
    recorded_on: date = date.min
    """When the ledger recorded the event: the day on which lists are as old as they are."""


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
    moment = _instant(event["recorded_at"])
    day = date.fromisoformat(event["booking_date"]) if moves else moment.date()
    home = event.get("owner") or ""
    holding: set[Found] = set()
    hits: list[tuple[str, str, Found, bool, int]] = []
    if primary and not moves:
        said.roles += roles_in(event)
    if primary and event.get("first") is None:
        holding = _judge_names(data, shard, event, home, day, waits, said)
    cash_flag = bool(((event.get("instruction") or {}).get("channel") or {}).get("cash"))
    for cash in _cash(event) if moves and cash_flag and not is_undoing(event) else ():
        if partition_of(cash.owner.encode(), evidence.partitions) != shard:
            continue
        before = [each for each in seen if each.owner == cash.owner]
        for shadow, beside in shadows:
            if parameter_of(beside, shadow.row.rule, cash.asset, cash.day) is shadow.row:
                for rule, finding in _cash_findings(beside, before, cash):
                    holds = rule == "STR-1" and cash.owner == home and waits
                    said.shadow(shadow, rule, cash.owner, day, finding, would_hold=holds)
        for rule, finding in _cash_findings(data, before, cash):
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


def found_pattern(rule: str, found: Pattern) -> Found:
    facts: list[tuple[str, Any]] = [("count", found.count), ("events", found.events), ("total", found.total)]
    return Found(rule, tuple([*facts, ("pattern", found.pattern)] if found.pattern else facts))


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
        for match, level in _equal(data, shard, bearer, row)
        if (match.list_code, match.entry_id) not in spared
    }
    is_customer = event["type"] == "InstructionApplied"
    stays = frozenset(_stays(data, shard, bearers, row) - spared if is_customer else ())
    said.named[event["shard"], event["seq"]] = Named(
        owner, day, waits, bearers, row, must, stays, _instant(event["recorded_at"]).date()
    )
    if not waits:
        return set()
    return {name_found(match) for match, level in must.items() if level == "hold"}


def name_found(match: Match) -> Found:
    """What identifies a finding about a name."""
    return Found("SAN-1", (("entry", match.entry_id), ("field", match.field), ("list", match.list_code)))


def _equal(
    data: ScreeningData, shard: int, bearer: Bearer, row: RuleParameter
) -> Iterable[tuple[Match, str]]:
    """What is equal in every version of its list that the shard ever screened against."""
    versions: dict[str, set[str]] = {}
    for each in data.activations:
        if each.shard == shard:
            versions.setdefault(each.list_code, set()).add(each.version)
    for code, wanted in versions.items():
        found: dict[str, list[str]] = {}
        for version in wanted:
            for entry_id, level in _equal_in(data, code, version, bearer, row):
                found.setdefault(entry_id, []).append(level)
        for entry_id, levels in found.items():
            if len(levels) == len(wanted):
                level = levels[0] if len(set(levels)) == 1 else "any"
                yield Match(bearer.field, code, entry_id), level


def _stays(
    data: ScreeningData, shard: int, bearers: Sequence[Bearer], row: RuleParameter
) -> set[tuple[str, str]]:
    """What is equal in the versions that the shard screens against now, and alerts whatever was in force."""
    codes = {each.list_code for each in data.activations if each.shard == shard}
    active = {code: active_version(data, shard, code, SEQ_MAX) for code in codes}
    others = [each.row for each in data.changes if each.shard == shard and each.row.rule == row.rule]
    alerting = [
        {
            (code, entry_id)
            for bearer in bearers
            for code, version in active.items()
            for entry_id, level in _equal_in(data, code, version, bearer, each)
            if level != "clear"
        }
        for each in (row, *others)
    ]
    return set.intersection(*alerting)


def _equal_in(
    data: ScreeningData, code: str, version: str, bearer: Bearer, row: RuleParameter
) -> Iterable[tuple[str, str]]:
    for entry in data.entries_of.get((code, version), {}).values():
        if has_number_of(bearer, entry):
            yield entry.entry_id, "hold"
            continue
        names = data.names_of.get((code, version, entry.entry_id), ())
        borne = [each for each in names if not each.is_weak]
        if bearer.name and any(is_same_name(bearer.name, each) for each in borne):
            yield (
                entry.entry_id,
                level_of(row, score_of(1.0, bearings(bearer, entry), threshold(row, "alert_at"))),
            )
        elif bearer.name and any(is_same_but_for_its_form(bearer.name, bearer.kind, each) for each in borne):
            yield entry.entry_id, "any"


def threshold(row: RuleParameter, name: str) -> float:
    """A threshold of SAN-1."""
    return float(row.values[name])


def level_of(row: RuleParameter, score: float) -> str:
    """What a score leads to."""
    if score >= threshold(row, "hold_at"):
        return "hold"
    return "alert" if score >= threshold(row, "alert_at") else "clear"


def unjustified(
    finding: Mapping[str, Any], named: Named, row: RuleParameter, data: ScreeningData, shard: int, seq: int
) -> tuple[str, str]:
    """Return what is wrong with a finding about a name ("" for nothing), and the level it has.

    `row` are the parameters of its day; `shard` and `seq` are compliance's event that tells it.
    """
    wrong, level = _unjustified(finding, named, row, data, shard, seq)
    told = finding["values"].get("whitelisting")
    if wrong or told is None or told["void"] is not None:
        return wrong, level
    values = finding["values"]
    pair = (shard, told["id"], named.owner, values["list"], values["entry"])
    for each in data.whitelistings:
        if (each.shard, each.whitelisting_id, each.owner, each.list_code, each.entry_id) == pair:
            by_two = each.approved_by is not None and each.approved_by != each.proposed_by
            return ("" if by_two else "one person has whitelisted it"), "whitelisted"
    return "nobody has whitelisted it", ""


def _unjustified(
    finding: Mapping[str, Any], named: Named, row: RuleParameter, data: ScreeningData, shard: int, seq: int
) -> tuple[str, str]:
    values = finding["values"]
    alert_at = threshold(row, "alert_at")
    told = (finding["rule_version"], values.get("alert_at"), values.get("hold_at"))
    if told != (row.version, alert_at, threshold(row, "hold_at")):
        return f"the parameters are {told}", ""
    version = active_version(data, shard, values["list"], seq)
    if values["list_version"] != version:
        return f"version {values['list_version']} of {values['list']} was told, {version} was active", ""
    entry = data.entries_of.get((values["list"], version), {}).get(values["entry"])
    if entry is None:
        return f"{values['entry']} is not on {values['list']} {version}", ""
    bearers = [each for each in named.bearers if each.field == values["field"]]
    if not bearers:
        return f"nobody stands in {values['field']}", ""
    if values["comparison"] == "identifier":
        has = any(has_number_of(each, entry) for each in bearers)
        return ("" if has and values["score"] == 1.0 else "the identifier is another one"), "hold"
    wrong = [_wrong_score(values, each, entry, alert_at) for each in bearers if each.name]
    level = level_of(row, values["score"])
    if values["weak_alias"]:
        is_weak = any(each.is_weak for each in data.names_of[values["list"], version, values["entry"]])
        confirmed = any(
            (each["what"], each["bearing"]) == ("birth_date", "agrees") for each in values["evidence"]
        )
        if not is_weak or not confirmed:
            return "a weak alias that no birth date confirms", ""
        level = "alert" if level == "hold" else level
    if level == "clear":
        return f"the score {values['score']} is below {alert_at}", ""
    return ("" if "" in wrong else next(iter(wrong), "nobody has a name")), level


def _wrong_score(values: Mapping[str, Any], bearer: Bearer, entry: ListedEntry, alert_at: float) -> str:
    found = bearings(bearer, entry)
    told = [(each["what"], each["bearing"], each["change"]) for each in values["evidence"]]
    if sorted(told) != sorted((each.what, each.bearing, each.change) for each in found):
        return f"what is known beside the name is {told}"
    if not 0.0 < values["name_score"] <= 1.0:
        return f"the name's score is {values['name_score']}"
    score = score_of(values["name_score"], found, alert_at)
    return "" if values["score"] == score else f"the score is {score}, told was {values['score']}"


def active_version(data: ScreeningData, shard: int, code: str, seq: int) -> str:
    """The version of a list that a shard screened against when it said its event `seq`."""
    before = [
        each for each in data.activations if (each.shard, each.list_code) == (shard, code) and each.seq < seq
    ]
    return max(before, key=lambda each: each.seq).version if before else ""


def _cash(event: Event) -> list[Cash]:
    """Principal only; one handing over per owner, asset and direction."""
    if event["type"] == "TransactionPending":
        phase = "pending"
    else:
        phase = "posted" if event.get("first") is None and event.get("resolves") is None else "settled"
    given = None if event.get("executes") else (event.get("instruction") or {}).get("occurred_at")
    found: dict[tuple[str, str, str], Cash] = {}
    for movement in event["movements"]:
        owners = (movement["debit"]["owner"], movement["credit"]["owner"])
        if movement["kind"] != "principal" or owners[0] == owners[1]:
            continue
        amount = read_amount(movement["amount"], movement["scale"])
        assert isinstance(amount, int)
        for owner, direction in zip(owners, ("out", "in"), strict=True):
            if owner == HOUSE:
                continue
            key = (owner, movement["asset"], direction)
            earlier = found.get(key)
            found[key] = Cash(
                owner=owner,
                asset=movement["asset"],
                scale=movement["scale"],
                direction=direction,
                phase=phase,
                amount=amount + (earlier.amount if earlier else 0),
                at=_instant(given or event["recorded_at"]),
                day=date.fromisoformat(event["booking_date"]),
                shard=event["shard"],
                seq=event["seq"],
                leg=earlier.leg if earlier else movement["leg"],
                conductor=((event.get("instruction") or {}).get("channel") or {}).get("conductor"),
            )
    return list(found.values())


def _cash_findings(data: ScreeningData, before: Sequence[Cash], cash: Cash) -> Iterable[tuple[str, Found]]:
    ctr, structuring = (parameter_of(data, rule, cash.asset, cash.day) for rule in ("CTR-1", "STR-1"))
    if ctr is not None and cash.phase != "pending":
        finding = _reportable(ctr, [each for each in before if each.phase != "pending"], cash)
        if finding is not None:
            yield "CTR-1", finding
    if structuring is not None and cash.phase != "settled":
        finding = _structuring(structuring, [each for each in before if each.phase != "settled"], cash)
        if finding is not None:
            yield "STR-1", finding


def _reportable(row: RuleParameter, before: Sequence[Cash], cash: Cash) -> Found | None:
    """CTR-1: the business day's cash in one asset and direction, this one among it, is over the threshold."""
    same = [
        each
        for each in before
        if (each.asset, each.direction, each.day) == (cash.asset, cash.direction, cash.day)
    ]
    total = sum(each.amount for each in same) + cash.amount
    if total <= _minor(row.values["over"], cash.scale):
        return None
    return _found("CTR-1", [*same, cash])


def _structuring(row: RuleParameter, before: Sequence[Cash], cash: Cash) -> Found | None:
    """STR-1: the first pattern that this event completes or prolongs."""
    values, scale = row.values, cash.scale
    low, high, over = (_minor(values[name], scale) for name in ("band_from", "band_below", "over"))
    before = [each for each in before if each.asset == cash.asset]
    if cash.amount > over:
        return None
    in_band = low <= cash.amount < high
    banded = [each for each in before if low <= each.amount < high]
    if in_band:
        best = _densest(banded, cash, timedelta(hours=int(values["hours"])))
        if len(best) >= int(values["count"]):
            return _found("STR-1", best, pattern="many_in_band")
    parts = [
        each
        for each in before
        if (each.day, each.direction) == (cash.day, cash.direction) and each.amount <= over
    ]
    if sum(each.amount for each in parts) + cash.amount > over:
        return _found("STR-1", [*parts, cash], pattern="day_in_parts")
    if in_band:
        weeks = _weeks_running(banded, cash, int(values["weeks"]))
        if len(weeks) >= int(values["weeks"]):
            return _found("STR-1", weeks, pattern="weekly")
    return None


def _densest(banded: Sequence[Cash], cash: Cash, span: timedelta) -> list[Cash]:
    """The largest set, this one in it, whose members lie less than the span apart; the earliest of equals."""
    members = sorted([*banded, cash], key=lambda each: (each.at, each.shard, each.seq, each.leg))
    best: list[Cash] = []
    for start in members:
        inside = [each for each in members[members.index(start) :] if each.at - start.at < span]
        if cash in inside and len(inside) > len(best):
            best = inside
    return best


def _weeks_running(banded: Sequence[Cash], cash: Cash, weeks: int) -> list[Cash]:
    """The earliest in the band of each week before and after, until a week has none."""
    own = cash.day - timedelta(days=cash.day.weekday())
    found = [cash]
    for step in (-1, 1):
        for distance in range(1, weeks):
            monday = own + timedelta(weeks=step * distance)
            inside = [each for each in banded if timedelta() <= each.day - monday < timedelta(days=7)]
            if not inside:
                break
            first_day = min(each.day for each in inside)
            on_day = [each for each in inside if each.day == first_day]
            found.append(min(on_day, key=lambda each: (each.at, each.shard, each.seq, each.leg)))
    return found


def found_of_person(told: ToldOfPerson) -> Found:
    """What identifies a finding about a person."""
    found = _found(told.rule, told.members, pattern=told.pattern or None)
    customers = len({each.owner for each in told.members})
    return Found(told.rule, (*found.facts, ("customers", customers), ("person", told.person)))


def _found(rule: str, members: Sequence[Cash], *, pattern: str | None = None) -> Found:
    facts: list[tuple[str, Any]] = [
        ("count", len(members)),
        ("events", tuple(sorted({each.reference for each in members}))),
        ("total", sum(each.amount for each in members)),
    ]
    return Found(rule, tuple([*facts, ("pattern", pattern)] if pattern else facts))


def found_in(finding: Mapping[str, Any], scale: int) -> Found:
    """What identifies a finding as an event tells it."""
    values = finding["values"]
    if finding["rule"] == "SAN-1":
        return Found("SAN-1", tuple((name, values.get(name)) for name in ("entry", "field", "list")))
    facts: list[tuple[str, Any]] = [
        ("count", values["count"]),
        ("events", tuple(values["events"])),
        ("total", _minor(values["total"], scale)),
    ]
    facts += [(name, values[name]) for name in ("pattern", "customers", "person") if name in values]
    return Found(finding["rule"], tuple(facts))


def parameter_of(
    data: ScreeningData, rule: str, asset: str, day: date, segment: str = "", country: str = ""
) -> RuleParameter | None:
    """The closest row: by asset, then by segment, then by jurisdiction; then the highest version.

    A row without values says that the rule is not in force.
    """
    rows = [
        each
        for each in data.parameters
        if each.rule == rule
        and each.asset in (asset, "*")
        and each.segment in (segment, "*")
        and each.jurisdiction in (country, "*")
        and each.valid_from <= day
        and (each.valid_until is None or day < each.valid_until)
    ]
    closest = max(
        rows,
        key=lambda each: (each.asset != "*", each.segment != "*", each.jurisdiction != "*", each.version),
        default=None,
    )
    return closest if closest is not None and closest.values else None


def _minor(text: str, scale: int) -> int:
    amount = read_amount(text, scale)
    assert isinstance(amount, int)
    return amount


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
