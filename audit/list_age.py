"""The reference model of how old lists are: which were last read longer ago than the parameters allow."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from audit.evidence import ScreeningData
from audit.screening_rows import ListCheck, RuleParameter

NOT_SCREENED: Final = "not_screened"
EVERY_LIST: Final = "*"

Old = tuple[str, str, int]
"""Of a list that is too old: its version, the day on which it was last read, and how long ago that is."""


def too_old(data: ScreeningData, row: RuleParameter, shard: int, seq: int, day: date) -> dict[str, Old]:
    """The lists that were too old on a day for what a shard said as its event `seq`, by their codes."""
    limits: Mapping[str, Any] = row.values.get("list_days_max", {EVERY_LIST: 1})
    found: dict[str, Old] = {}
    for code, check in _last_read(data.checks, shard, seq).items():
        limit = limits[code] if code in limits else limits.get(EVERY_LIST)
        read_on = check.recorded_at.date()
        if limit is not None and day.toordinal() - read_on.toordinal() > int(limit):
            found[code] = (check.version, read_on.isoformat(), (day - read_on).days)
    return found


def _last_read(checks: Iterable[ListCheck], shard: int, seq: int) -> dict[str, ListCheck]:
    found: dict[str, ListCheck] = {}
    for each in sorted(checks, key=lambda each: each.seq):
        if each.shard == shard and each.seq < seq:
            found[each.list_code] = each
    return found


def told_old(findings: Iterable[Mapping[str, Any]]) -> dict[str, Old]:
    """The lists that an event tells to be too old."""
    told = [each["values"] for each in findings if is_about_age(each)]
    return {each["list"]: (each["list_version"], each["checked_on"], each["days"]) for each in told}


def is_about_age(finding: Mapping[str, Any]) -> bool:
    """Whether a finding is about the age of a list, not about a name."""
    return finding["values"].get("comparison") == NOT_SCREENED


def is_held_for_age(row: RuleParameter) -> bool:
    """Whether payments are held whose names were compared with an old list; else they are marked."""
    return row.values.get("when_outdated", "mark") == "hold"
