"""The reference model of screening: each event against everything before it, by plain loops.

CTR-1, STR-1 and SAN-1 as `services/compliance` documents them: a rule sees the events before its own in
the order of the shard's partition, never how they were cut into batches.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.amounts import read_amount
from audit.evidence import JOURNAL, Activation, Evidence, ListedName, Record, RuleParameter, ScreeningData
from audit.places import partition_of
from audit.wire import HOUSE

Event = Mapping[str, Any]

CONCERNING: Final = frozenset({"TransactionPosted", "TransactionPending", "InstructionApplied"})
PARTIES: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor")

_LEGAL_FORMS_TEXT: Final = """
    ab ad ag ao aps as asa bhd bv bvba cjsc co company corp corporation cv dd doo eirl eood est fzc fzco fze
    gmbh gp inc incorporated jsc kft kg kk ks limited llc llp lp ltd ltda nv oao ojsc ood ooo ou oy oyj pao
    pjsc plc pte pty pvt rt sa sae sarl sas sca scs sdn se snc spa spol spzoo srl sro tbk uab ug wll zao zrt
"""
LEGAL_FORMS: Final = frozenset(_LEGAL_FORMS_TEXT.split())
"""Abbreviations of legal forms, without points; after GLEIF's ELF code list (ISO 20275)."""


@dataclass(frozen=True, slots=True)
class Cash:
    """Banknotes that one owner brought or took in one transaction."""

    owner: str
    asset: str
    scale: int
    direction: str
    phase: str
    amount: int
    at: datetime
    day: date
    shard: int
    seq: int
    leg: int

    @property
    def reference(self) -> str:
        """The ledger's event."""
        return f"{self.shard}-{self.seq}"


@dataclass(frozen=True, slots=True)
class Found:
    """One rule that hit: what identifies the finding, whatever words describe it."""

    rule: str
    facts: tuple[tuple[str, Any], ...]


@dataclass(slots=True)
class Expected:
    """What compliance must have said in one shard."""

    cleared: set[str] = field(default_factory=set)
    """Instruction ids."""
    held: dict[str, frozenset[Found]] = field(default_factory=dict)
    alerts: dict[tuple[str, str, str, str], frozenset[Found]] = field(default_factory=dict)
    """Owner, rule, business date, subject → findings."""
    events: int = 0


def screen(evidence: Evidence, data: ScreeningData) -> dict[int, Expected]:
    """Judge every shard's partition of the journal, event by event."""
    expected: dict[int, Expected] = {}
    for shard in range(evidence.partitions):
        said = expected[shard] = Expected()
        seen: list[Cash] = []
        for record in chain_of(evidence.topics.get(JOURNAL, ()), shard):
            event: Event = json.loads(record.value or b"{}")
            said.events += 1
            if event.get("type") in CONCERNING:
                _judge(evidence, data, shard, event, seen, said)
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
    evidence: Evidence, data: ScreeningData, shard: int, event: Event, seen: list[Cash], said: Expected
) -> None:
    moves = event["type"] != "InstructionApplied"
    primary = event["shard"] == shard
    waits = event["type"] == "TransactionPending" and event.get("screening", True) and primary
    moment = _instant(event["recorded_at"])
    day = date.fromisoformat(event["booking_date"]) if moves else moment.date()
    home = event.get("owner") or ""
    holding: set[Found] = set()
    hits: list[tuple[str, str, str, frozenset[Found], bool]] = []
    if primary and event.get("first") is None:
        matches = _matches(data, shard, event)
        row = _parameter(data, "SAN-1", "*", day)
        if matches and row is not None:
            findings = frozenset(
                Found("SAN-1", (("entry", entry), ("field", where), ("list", code)))
                for where, code, entry in matches
            )
            hits.append(("SAN-1", home, _subject(matches), findings, True))
    cash_flag = bool(((event.get("instruction") or {}).get("channel") or {}).get("cash"))
    for cash in _cash(event) if moves and cash_flag else ():
        if partition_of(cash.owner.encode(), evidence.partitions) != shard:
            continue
        before = [each for each in seen if each.owner == cash.owner]
        for rule, finding in _cash_findings(data, before, cash):
            hits.append((rule, cash.owner, "", frozenset({finding}), rule == "STR-1" and cash.owner == home))
        seen.append(cash)
    for rule, owner, subject, findings, holds in hits:
        if waits and holds:
            holding |= findings
        else:
            said.alerts.setdefault((owner, rule, day.isoformat(), subject), findings)
    if waits and holding:
        said.held[event["instruction_id"]] = frozenset(holding)
    elif waits:
        said.cleared.add(event["instruction_id"])


def _cash(event: Event) -> list[Cash]:
    """Principal only; one handing over per owner, asset and direction."""
    if event["type"] == "TransactionPending":
        phase = "pending"
    else:
        phase = "posted" if event.get("first") is None and event.get("resolves") is None else "settled"
    given = (event.get("instruction") or {}).get("occurred_at")
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
            )
    return list(found.values())


def _cash_findings(data: ScreeningData, before: Sequence[Cash], cash: Cash) -> Iterable[tuple[str, Found]]:
    ctr, structuring = (_parameter(data, rule, cash.asset, cash.day) for rule in ("CTR-1", "STR-1"))
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
    return Found(
        finding["rule"], tuple([*facts, ("pattern", values["pattern"])] if "pattern" in values else facts)
    )


def _matches(data: ScreeningData, shard: int, event: Event) -> list[tuple[str, str, str]]:
    """Where a name stood, and the list and entry it is a name of."""
    active: dict[str, Activation] = {}
    for each in data.activations:
        if each.shard == shard and each.seq >= active.get(each.list_code, each).seq:
            active[each.list_code] = each
    versions = {(each.list_code, each.version) for each in active.values()}
    found: list[tuple[str, str, str]] = []
    for where, name, kind in _names(event.get("instruction") or {}):
        found += [
            (where, listed.list_code, listed.entry_id)
            for listed in data.names
            if (listed.list_code, listed.version) in versions and _same_name(name, kind, listed)
        ]
    return sorted(set(found))


def _names(instruction: Mapping[str, Any]) -> Iterable[tuple[str, str, str | None]]:
    payment, party = instruction.get("payment") or {}, instruction.get("party") or {}
    for role in PARTIES:
        name = (payment.get(role) or {}).get("name")
        if name:
            yield f"payment.{role}", name, None
    if party.get("name"):
        yield "party", party["name"], party.get("kind")
    for holder in party.get("holders") or ():
        yield "party.holders", holder["name"], None


def _same_name(name: str, kind: str | None, listed: ListedName) -> bool:
    """Exact after normalising; of what may be an organisation also without its legal form."""
    if _parts(name) and sorted(_parts(name)) == sorted(_parts(listed.name)):
        return True
    if kind == "person" or listed.kind == "person":
        return False
    bare = sorted(_bare(name))
    return bool(bare) and bare == sorted(_bare(listed.name))


def _parts(name: str) -> list[str]:
    """Latin letters and digits in lower case, marks dropped. (Other scripts are beyond this model.)"""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    for letter, spelled in _LETTERS.items():
        plain = plain.replace(letter, spelled)
    return re.findall(r"[a-z0-9]+", plain.casefold())


_LETTERS: Final = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
}


def _bare(name: str) -> list[str]:
    parts = _parts(name)
    joined: list[str] = []
    run: list[str] = []
    for part in [*parts, ""]:
        if len(part) == 1:
            run.append(part)
            continue
        word = "".join(run)
        joined += [word] if word in LEGAL_FORMS else run
        run = []
        joined += [part] if part else []
    kept = [part for part in joined if part not in LEGAL_FORMS]
    return kept or parts


def _subject(matches: Sequence[tuple[str, str, str]]) -> str:
    entries = sorted({f"{code}:{entry}" for _, code, entry in matches})
    return ",".join(entries[:10]) + (f"+{len(entries) - 10}" if len(entries) > 10 else "")


def _parameter(data: ScreeningData, rule: str, asset: str, day: date) -> RuleParameter | None:
    """The asset's own row before the one for any asset; then the highest version."""
    for wanted in dict.fromkeys((asset, "*")):
        rows = [
            each
            for each in data.parameters
            if each.rule == rule
            and each.asset == wanted
            and each.valid_from <= day
            and (each.valid_until is None or day < each.valid_until)
        ]
        if rows:
            return max(rows, key=lambda each: each.version)
    return None


def _minor(text: str, scale: int) -> int:
    amount = read_amount(text, scale)
    assert isinstance(amount, int)
    return amount


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
