"""What identifies a finding, whatever words describe it: as the model makes it, and as an event tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.amounts import read_amount
from audit.patterns import Pattern
from audit.persons import Cash, ToldOfPerson


@dataclass(frozen=True, slots=True)
class Found:
    """One rule that hit: what identifies the finding, whatever words describe it."""

    rule: str
    facts: tuple[tuple[str, Any], ...]


def found_pattern(rule: str, found: Pattern) -> Found:
    """What identifies a finding about movements."""
    facts: list[tuple[str, Any]] = [("count", found.count), ("events", found.events), ("total", found.total)]
    told = (("pattern", found.pattern), ("completed_by", found.completed_by))
    return Found(rule, (*facts, *(each for each in told if each[1] is not None)))


def found_of_cash(rule: str, members: Sequence[Cash], *, pattern: str | None = None) -> Found:
    """What identifies a finding about cash."""
    facts: list[tuple[str, Any]] = [
        ("count", len(members)),
        ("events", tuple(sorted({each.reference for each in members}))),
        ("total", sum(each.amount for each in members)),
    ]
    return Found(rule, tuple([*facts, ("pattern", pattern)] if pattern else facts))


def found_of_person(told: ToldOfPerson) -> Found:
    """What identifies a finding about a person."""
    found = found_of_cash(told.rule, told.members, pattern=told.pattern or None)
    customers = len({each.owner for each in told.members})
    return Found(told.rule, (*found.facts, ("customers", customers), ("person", told.person)))


def found_in(finding: Mapping[str, Any], scale: int) -> Found:
    """What identifies a finding as an event tells it."""
    values = finding["values"]
    if finding["rule"] == "SAN-1":
        return Found("SAN-1", tuple((name, values.get(name)) for name in ("entry", "field", "list")))
    facts: list[tuple[str, Any]] = [
        ("count", values["count"]),
        ("events", tuple(values["events"])),
        ("total", minor_of(values["total"], scale)),
    ]
    facts += [
        (name, values[name]) for name in ("pattern", "customers", "person", "completed_by") if name in values
    ]
    return Found(finding["rule"], tuple(facts))


def minor_of(text: str, scale: int) -> int:
    """Read an amount as minor units."""
    amount = read_amount(text, scale)
    assert isinstance(amount, int)
    return amount
