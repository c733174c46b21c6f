"""Makes the findings of rules about windows, all of one form."""

from collections.abc import Iterable
from typing import Any, Final

from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding
from shared.money import format_amount

_COMPLETED_BY: Final = "completed_by"


def tell(
    rule: str,
    version: int,
    sentence: str,
    window: Window,
    entry: Entry,
    places: Iterable[int],
    **values: Any,
) -> Finding:
    """Tell what entries of the log, each by its place, a rule is about: how many, their sum, their events."""
    amount = window.amount
    members = list(places)
    return _finding(
        rule,
        version,
        sentence,
        window,
        entry,
        count=len(members),
        total=format_amount(sum(abs(amount[each]) for each in members), entry.scale),
        events=sorted({window.reference_at(each) for each in members}),
        **values,
    )


def tell_one(rule: str, version: int, sentence: str, window: Window, entry: Entry, **values: Any) -> Finding:
    """Tell what a rule found of one entry."""
    total = format_amount(abs(entry.amount), entry.scale)
    return _finding(
        rule, version, sentence, window, entry, count=1, total=total, events=[entry.reference], **values
    )


def tell_volume(
    rule: str,
    version: int,
    sentence: str,
    window: Window,
    entry: Entry,
    count: int,
    total: int,
    **values: Any,
) -> Finding:
    """Tell a count and a sum out of buckets; of the events only the last is named."""
    text = format_amount(total, entry.scale)
    return _finding(
        rule, version, sentence, window, entry, count=count, total=text, events=[entry.reference], **values
    )


def told_anew(finding: Finding, entry: Entry) -> Finding:
    """Say of a finding that a later entry, which had been judged before, completes it."""
    return finding.model_copy(update={"values": {**finding.values, _COMPLETED_BY: entry.reference}})


def is_anew(finding: Finding) -> bool:
    """Whether a later entry completes it: it tells of what has been decided, so that it holds nothing."""
    return _COMPLETED_BY in finding.values


def _finding(rule: str, version: int, sentence: str, window: Window, entry: Entry, **values: Any) -> Finding:
    late = {"late": True} if window.late else {}
    known = {"asset": entry.asset, "business_date": entry.booking_date.isoformat()}
    return Finding(rule=rule, rule_version=version, sentence=sentence, values={**known, **values, **late})
