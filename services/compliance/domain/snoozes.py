"""Snoozes: rules that two people have silenced for a customer, from a record of the journal on, until a day.

A snooze takes an alert away, never a finding and never a hold. It counts for the records from its offset on,
so that whoever judges a record later is told the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal
from uuid import UUID

from services.compliance.domain.bounds import YEAR, Bounds, count, read_values
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, RuleParameter

SNOOZE: Final = "SNOOZE"
"""The name under which the longest time of a snooze stands among the rules' parameters."""
NOW: Final = 2**63 - 1
"""An offset that no record has: what is asked without one comes after all."""

SnoozeStatus = Literal["proposed", "approved", "ended"]


@dataclass(frozen=True, slots=True)
class Snooze:
    """What somebody wants to be silent, as it was proposed, and what became of it."""

    shard: int
    snooze_id: UUID
    """The act that proposed it."""
    owner: str
    rule: str
    until: date
    """The first business day of which the rule alerts again."""
    proposed_by: str
    status: SnoozeStatus = "proposed"


@dataclass(frozen=True, slots=True)
class SnoozeFact:
    """One thing that was done to a snooze, which is as it stands after it."""

    snooze: Snooze
    act_id: UUID
    actor: str
    reason: str
    journal_offset: int | None = None
    """The first record for which it is so; None of a proposal, which changes nothing."""


@dataclass(frozen=True, slots=True)
class _Span:
    snooze: Snooze
    since: int
    before: int = NOW + 1


class Snoozes:
    """What is silent in one shard. Never changed; `with_fact` makes another."""

    def __init__(self, facts: Iterable[SnoozeFact] = ()) -> None:
        """Take a shard's facts, in their order."""
        self._spans: dict[tuple[str, str], tuple[_Span, ...]] = {}
        for fact in facts:
            self._take(fact)

    def with_fact(self, fact: SnoozeFact) -> "Snoozes":
        """The same after one more fact."""
        after = Snoozes()
        after._spans = dict(self._spans)
        after._take(fact)
        return after

    def _take(self, fact: SnoozeFact) -> None:
        snooze, offset = fact.snooze, fact.journal_offset
        if offset is None:
            return
        key = (snooze.owner, snooze.rule)
        spans = self._spans.get(key, ())
        if snooze.status == "approved":
            self._spans[key] = (*spans, _Span(snooze, offset))
        else:
            self._spans[key] = tuple(
                replace(each, before=offset) if each.snooze.snooze_id == snooze.snooze_id else each
                for each in spans
            )

    def silencing(self, owner: str, rule: str, day: date, offset: int = NOW) -> UUID | None:
        """Return the snooze by which a rule is silent about an owner's day, for the record at an offset.

        Of several it is the one that was approved first.
        """
        for each in self._spans.get((owner, rule), ()):
            if each.since <= offset < each.before and day < each.snooze.until:
                return each.snooze.snooze_id
        return None


NOTHING_SNOOZED: Final = Snoozes()


SNOOZE_BOUNDS: Final[Bounds] = {"days_max": count(1, 10 * YEAR)}


def read_days_max(row: RuleParameter) -> int:
    """Return how many days a snooze may count; raises `ValueWrongError`."""
    return read_values(row.values, SNOOZE_BOUNDS)["days_max"]


def days_max_on(book: ParameterBook, day: date) -> int:
    """How many days a snooze may count that is proposed on a day; none where nothing is in force."""
    row = book.choose(SNOOZE, ANY_ASSET, day)
    return read_days_max(row) if row is not None else 0
