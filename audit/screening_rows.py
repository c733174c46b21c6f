"""Rows of compliance's tables that an audit looks at: parameters, lists, whitelistings, runs and findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RuleParameter:
    """A row of compliance's `rule_parameter`."""

    rule: str
    version: int
    asset: str
    values: Mapping[str, Any]
    valid_from: date
    valid_until: date | None
    segment: str = "*"
    jurisdiction: str = "*"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A step of a version of parameters in a shard, and the record of the journal from which on it is so."""

    shard: int
    seq: int
    proposal_id: str
    row: RuleParameter
    before: str
    after: str
    journal_offset: int
    actor: str
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """A row of `snooze_fact` by which a rule is silent about an owner from a record on, or not any more."""

    shard: int
    seq: int
    snooze_id: str
    what: str
    owner: str
    rule: str
    until: date
    journal_offset: int
    actor: str
    proposed_by: str


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """What a version in shadow found first, of an owner and a business day."""

    shard: int
    proposal_id: str
    owner: str
    rule: str
    business_date: date
    subject: str
    would_hold: bool
    findings: Sequence[Mapping[str, Any]]
    kind: str = "shadow_finding"
    """What a removal calls it."""
    place: int = 0
    """Of the row in its shard."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row of compliance with words that no event has, and what is left of them."""

    kind: str
    shard: int
    seq: int
    """The event that tells of it; of a party or a finding in shadow, its place in the shard."""
    owner: str
    words: Sequence[str]
    """None of those that are null."""
    recorded_on: date | None = None
    """The UTC day, where no event of compliance says it."""
    told_seq: int | None = None
    """Of a party, the ledger's event that named them first."""
    proposal_id: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name of a watch list's version."""

    list_code: str
    version: str
    entry_id: str
    kind: str
    name: str
    is_weak: bool = False
    """An alias too common to screen by."""


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """What a watch list's version tells of an entry beside its names."""

    list_code: str
    version: str
    entry_id: str
    kind: str
    birth_dates: Sequence[str] = ()
    countries: Sequence[str] = ()
    identifiers: Sequence[str] = ()
    """`kind:value`, as compliance spells them."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A shard screens against a list's version from one of its events on (0: from the beginning)."""

    shard: int
    seq: int
    list_code: str
    version: str


@dataclass(frozen=True, slots=True)
class ListCheck:
    """A shard took a version for what its publisher gives out: an activation, or a confirmation of one."""

    shard: int
    seq: int
    list_code: str
    version: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Whitelisting:
    """A pair of an owner's party and a listed entry that people have found to be two."""

    shard: int
    whitelisting_id: str
    owner: str
    list_code: str
    entry_id: str
    proposed_by: str
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class TierRun:
    """A run of compliance's second tier."""

    number: int
    entries: Sequence[int]
    """By shard from 0 on, how much of what moved there it had seen."""
    cut_short: int
    """Searches that did not look at everything."""
    house_seq: int
    """The last event of the house's shard before it: parameters that were live then judge it."""
    ratings: Sequence[int] = ()
    """By shard from 0 on, the last event by which it knew how customers were rated."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A customer was rated."""

    shard: int
    seq: int
    owner: str
    version: int
    risk_class: str


@dataclass(frozen=True, slots=True)
class TierFinding:
    """What a run has told of a party."""

    shard: int
    owner: str
    rule: str
    business_date: date
    raised_seq: int | None
    """The alert's event; None where it is not raised yet."""


@dataclass(frozen=True, slots=True)
class PersonRun:
    """A look of compliance at the cash of persons."""

    number: int
    cash: Sequence[int]
    """By shard from 0 on, how many handings over it had seen."""
    roles: Sequence[int]
    """By shard, how many roles."""
    house_seq: int
    """The last event of the house's shard before it: parameters that were live then judge it."""


@dataclass(frozen=True, slots=True)
class PersonFinding:
    """What a run has told of a person, about a customer."""

    shard: int
    owner: str
    person: str
    rule: str
    asset: str
    direction: str
    business_date: date
    raised_seq: int | None
