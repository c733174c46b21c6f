"""Rules about a person: cash of all customers with whom one person has a role, and what that person brought.

A person is an opaque code. What is found follows from the set of cash and roles up to a run, and from what of
it came since the run before: each handing over is judged by those before it in event time, and again when an
earlier one comes later. More cash never unmakes a finding, so what is found in the end, however runs cut
what came, is what one run over everything finds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from services.compliance.domain.cash import LOGS, CashEvent, CashLog, in_time
from services.compliance.domain.event_view import HolderView, PartyView
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import CashRule
from shared.messages.compliance import Finding

COUNTING: Final = frozenset({"holder", "joint_holder", "beneficial_owner", "signatory"})
"""Roles in which a customer's cash is a person's own matter (31 CFR 1010.313(b), "by or on behalf of").

A representative or guardian acts for somebody else: of theirs only what they bring counts.
"""
REACH_DAYS: Final = 56
"""Business days that may lie between two handings over of one finding: eight weeks, as STR-1 looks back."""
_DAY: Final = TypeAdapter(date)


@dataclass(frozen=True, slots=True)
class PersonRole:
    """Somebody has a role with a customer, from a business day on and until another."""

    owner: str
    person: str
    role: str
    since: date | None = None
    until: date | None = None
    place: int = 0
    """Where it stands in what tells it."""

    def counts_on(self, day: date) -> bool:
        """Whether cash of the customer on a business day is the person's matter."""
        return (
            self.role in COUNTING
            and (self.since is None or self.since <= day)
            and (self.until is None or day < self.until)
        )


@dataclass(frozen=True, slots=True)
class UncodedRole:
    """Somebody without a code has a role with a customer: listed, and nothing more can be made of it."""

    owner: str
    role: str
    since: date | None
    until: date | None
    place: int
    """Of the holders in what tells it, from 1 on."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A handing over of banknotes, with its asset's scale."""

    event: CashEvent
    scale: int
    is_fresh: bool
    """Whether it came, or came to be this person's matter, since the run before."""


Key = tuple[str, str, str, str, date]
"""Person, rule, asset, direction and business day: what is told once."""


@dataclass(frozen=True, slots=True)
class PersonFinding:
    """What a rule has found of a person; `event` is the last of it in event time."""

    key: Key
    event: CashEvent
    finding: Finding


def roles_told(
    owner: str, party: PartyView | None, holder: HolderView | None = None
) -> tuple[PersonRole, ...]:
    """Return who has a role with a customer, by the block of an opening or of one that came later.

    Whoever has no code is left to `uncoded_roles`.
    """
    told: list[tuple[str | None, str, str | None, str | None]] = []
    holders = (holder,) if holder is not None else ()
    if party is not None:
        told.append((party.person, "holder", None, None))
        holders = (*party.holders, *holders)
    told += [(each.person, each.role or "holder", each.since, each.until) for each in holders]
    return tuple(
        PersonRole(owner=owner, person=person, role=role, since=_day(since), until=_day(until), place=place)
        for place, (person, role, since, until) in enumerate(told)
        if person
    )


def uncoded_roles(owner: str, party: PartyView | None) -> tuple[UncodedRole, ...]:
    """Return the roles of those whom an opening names beside the customer without a code."""
    return tuple(
        UncodedRole(owner, each.role or "holder", _day(each.since), _day(each.until), place)
        for place, each in enumerate(party.holders if party is not None else (), start=1)
        if not each.person
    )


def find(
    person: str,
    handed: Iterable[Handed],
    rules: Sequence[CashRule[Any]],
    book: ParameterBook,
    told: set[Key],
) -> Iterator[PersonFinding]:
    """Yield what rules find of a person's cash in event time and have not told; adds it to `told`.

    A rule is asked about what is fresh, and about what lies within the reach after that.
    """
    in_order = sorted(handed, key=_in_order)
    for rule in rules:
        mine = [each for each in in_order if rule.judges in LOGS[each.event.phase]]
        for asset in sorted({each.event.asset for each in mine}):
            yield from _find(person, [each for each in mine if each.event.asset == asset], rule, book, told)


def _find(
    person: str, handed: Iterable[Handed], rule: CashRule[Any], book: ParameterBook, told: set[Key]
) -> Iterator[PersonFinding]:
    assert rule.evaluate_person is not None, "rules that have nothing to say of persons are not asked"
    before = CashLog()
    fresh_days: set[date] = set()
    for each in handed:
        event = each.event
        day = event.booking_date
        if each.is_fresh:
            fresh_days.add(day)
        key = (person, rule.code, event.asset, event.direction, day)
        if key not in told and any(abs((day - fresh).days) <= REACH_DAYS for fresh in fresh_days):
            parameters = book.read(rule, event.asset, day, each.scale)
            finding = rule.evaluate_person(before, event, parameters) if parameters is not None else None
            if finding is not None:
                told.add(key)
                values = {**finding.values, "person": person}
                yield PersonFinding(key, event, finding.model_copy(update={"values": values}))
        before.add(event)


def _in_order(handed: Handed) -> tuple[tuple[datetime, int, int, int], str, str]:
    return (in_time(handed.event), handed.event.owner, handed.event.direction)


def _day(text: str | None) -> date | None:
    """Read a day as the ledger does, which takes more spellings than ISO 8601."""
    return _DAY.validate_python(text) if text else None
