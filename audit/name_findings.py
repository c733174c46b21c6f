"""Names against lists: what is equal and must be found, and whether what is told of any more is justified."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.evidence import ScreeningData
from audit.findings import Found
from audit.names import (
    Bearer,
    bearings,
    has_a_letter,
    has_nothing,
    has_number_of,
    has_too_much,
    has_unread_letters,
    is_same_but_for_its_form,
    is_same_name,
    may_have_too_much,
    may_have_unread_letters,
    score_of,
)
from audit.screening_rows import ListedEntry, RuleParameter

UNNAMED: Final = "unnamed"
"""What compliance says of a name with nothing in it to compare."""
TOO_LONG: Final = "too_long"
"""What it says of one with more words or parties in it than it compares."""
UNKNOWN_SCRIPT: Final = "unknown_script"
"""What it says of one with letters that it does not know how to read."""
SEQ_MAX: Final = 2**63 - 1
CLOCKS_APART: Final = timedelta(seconds=10)
"""Clocks of two services are within five seconds of the database's, each."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where an instruction names an entry of a list; or, without one, has a name with nothing to compare."""

    field: str
    list_code: str = ""
    entry_id: str = ""


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


def name_found(match: Match) -> Found:
    """What identifies a finding about a name."""
    entry, code = match.entry_id or None, match.list_code or None
    return Found("SAN-1", (("entry", entry), ("field", match.field), ("list", code)))


def unnamed_in(bearers: Iterable[Bearer]) -> dict[Match, str]:
    """What is held, or alerts, because its name has nothing to compare, more than is, or unknown letters."""
    return {
        Match(each.field): "hold"
        for each in bearers
        if each.name and any(is_so(each.name) for is_so in (has_nothing, has_too_much, has_unread_letters))
    }


def equal_names(
    data: ScreeningData, shard: int, bearer: Bearer, row: RuleParameter, recorded_at: datetime
) -> Iterable[tuple[Match, str]]:
    """What is equal in every version of its list that the shard ever screened against.

    A list of which no version was active yet, when the ledger recorded the event, could not be asked.
    """
    versions: dict[str, set[str]] = {}
    for each in data.activations:
        if each.shard == shard and _was_there(data, shard, each.list_code, recorded_at):
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


def _was_there(data: ScreeningData, shard: int, code: str, recorded_at: datetime) -> bool:
    """Whether the shard surely had some version of a list when it came to an event."""
    if any((each.shard, each.list_code, each.seq) == (shard, code, 0) for each in data.activations):
        return True
    since = [each.recorded_at for each in data.checks if (each.shard, each.list_code) == (shard, code)]
    return bool(since) and min(since) + CLOCKS_APART < recorded_at


def equal_now(
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
    if values.get("comparison") in (UNNAMED, TOO_LONG, UNKNOWN_SCRIPT):
        if finding["rule_version"] != row.version:
            return f"the version is {finding['rule_version']}", ""
        names = [each.name for each in named.bearers if each.field == values["field"] and each.name]
        is_possible = {
            UNNAMED: lambda name: not has_a_letter(name),
            TOO_LONG: may_have_too_much,
            UNKNOWN_SCRIPT: may_have_unread_letters,
        }[values["comparison"]]
        can_be_compared = not any(is_possible(name) for name in names)
        return ("it has a name that can be compared" if can_be_compared else ""), "hold"
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
