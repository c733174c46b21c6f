"""What a rule is: a code, the history it needs, how its parameters read, and a pure `evaluate`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Generic, Literal, TypeVar

from services.compliance.domain.bounds import COOLDOWN_DAYS, HOLD_HOURS, Bounds, optional
from services.compliance.domain.cash import CashEvent, CashLog, Log, Lookback
from services.compliance.domain.graph import Edge, Graph
from services.compliance.domain.matches import NameMatch
from services.compliance.domain.peers import Standing, Turnovers
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding

P = TypeVar("P")

ANYTHING: Final = "*"
ANY_ASSET: Final = ANYTHING
SEGMENTS: Final = ("person", "organisation")
"""Kinds of party."""


@dataclass(frozen=True, slots=True)
class CashRule(Generic[P]):
    """A rule about one owner's cash. `evaluate` sees the events before this one, and this one.

    `judges` says which events it looks at, and which log it is given: attempts or payments.
    """

    code: str
    title: str
    bounds: Bounds
    """Of its own parameters; see `bounds_of`."""
    holds: bool
    """Whether a pending payment it hits is held; else it only alerts."""
    judges: Log
    lookback: Lookback
    read_parameters: Callable[["RuleParameter", int], P]
    """From stored values and the asset's scale; raises `ValueWrongError`."""
    evaluate: Callable[[CashLog, CashEvent, P], Finding | None]
    evaluate_person: Callable[[CashLog, CashEvent, P], Finding | None] | None = None
    """The same over all customers of one person: found where more than one of them is part of it.

    The log has what was before the event in event time, of all these customers. Only what is no more than
    `domain.persons.REACH_DAYS` away by business day may matter, and more cash may never unmake a finding.
    """


@dataclass(frozen=True, slots=True)
class NameRule:
    """A rule about the names that an instruction carries."""

    code: str
    title: str
    bounds: Bounds
    holds: bool
    evaluate: Callable[[NameMatch, int], Finding]
    """From a match and the rule's version."""


Direction = Literal["in", "out", "both"]
Telling = Literal["country", "missing", "traded"]
"""Fields of an entry that most have not."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What has to be so of an entry and its month, or a rule finds nothing: most entries pass few gates.

    A necessary condition, never the rule: `evaluate` alone decides of what passes. It is not asked of late
    entries, which are judged as of their own time; of those judged once more, size and field are, and counts
    on the latest day.
    """

    size_min: int = 0
    """Minor units that it moves, in either direction."""
    count_min: int = 0
    """How many the buckets of `DAYS` days have counted in both directions, with it."""
    volume_min: int = 0
    """Minor units that they have counted in both directions, with it."""
    tells: Telling | None = None
    """A field that must not be empty."""


ITSELF: Final = 1
"""A reach that no later entry lies within."""


def open_to_all(parameters: Any) -> Gate:
    """Keep nothing back, whatever the parameters."""
    del parameters
    return Gate()


@dataclass(frozen=True, slots=True)
class WindowRule(Generic[P]):
    """A rule about what moved for one owner in one asset. `evaluate` sees the window with the entry in it.

    It alerts; where its parameters have `hold_hours` it also holds what waits, if the owner is debited.
    """

    code: str
    title: str
    bounds: Bounds
    judges: Direction
    read_parameters: Callable[["RuleParameter", int], P]
    """From stored values and the asset's scale; raises `ValueWrongError`."""
    evaluate: Callable[[Window, Entry, P], Finding | None]
    gate: Callable[[P], Gate] = field(default=open_to_all)
    """From its parameters, what it can be spared; see `Gate`."""
    reach: Callable[[P, Entry], int] | None = None
    """How long after an entry that came out of order one may lie that completes a pattern with it: as far as
    the rule looks back, `ITSELF` if only it itself may, 0 if it can be no part of one.

    None for a rule about one entry, or about counts and sums: no later one is judged once more by it.
    """


@dataclass(frozen=True, slots=True)
class GraphRule(Generic[P]):
    """A rule about who paid whom, over the parties of all shards: second tier, so that it only alerts.

    Its parameters have `version`, `amount_min`, `days`, in which a party is told of once, and `alerts_a_day`.
    """

    code: str
    title: str
    bounds: Bounds
    words: str
    """What a finding says, with `count` edges and the parameters' `days` to be filled in."""
    read_parameters: Callable[["RuleParameter", int], P]
    evaluate: Callable[[Graph, Edge, P], list[Edge]]
    """The edges of what an edge is part of, in order of time; none if it is part of nothing."""


@dataclass(frozen=True, slots=True)
class PeerRule(Generic[P]):
    """A rule about one customer beside all others of its kind: second tier, so that it only alerts.

    Its parameters have `version`, `amount_min`, `days`, in which a party is told of once, and `alerts_a_day`.
    """

    code: str
    title: str
    bounds: Bounds
    words: str
    """What a finding says, with `days`, `times` and `count` of the peers to be filled in."""
    read_parameters: Callable[["RuleParameter", int], P]
    evaluate: Callable[[Turnovers, str, P], Standing | None]
    """How a customer stands, as of the last business day there is; None if it is nothing unusual."""


Rule = CashRule[Any] | NameRule | WindowRule[Any] | GraphRule[Any] | PeerRule[Any]


def bounds_of(rule: Rule) -> Bounds:
    """What a rule's row of parameters may say: the rule's own, and what rules of its kind have."""
    match rule:
        case WindowRule():
            kind = {"hold_hours": optional(HOLD_HOURS, None), "cooldown_days": optional(COOLDOWN_DAYS, 1)}
        case NameRule() | CashRule(holds=True):
            kind = {"hold_hours": HOLD_HOURS}
        case CashRule() | GraphRule() | PeerRule():
            kind = {}
    return {**rule.bounds, **kind}


@dataclass(frozen=True, slots=True)
class RuleParameter:
    """One row of a rule's parameters: data with a date and a source, never constants in code."""

    rule: str
    version: int
    asset: str
    """An asset's code, or `*` for every asset that has no row of its own."""
    values: Mapping[str, Any]
    """None at all where the rule is not in force for whom the row is meant."""
    valid_from: date
    valid_until: date | None
    source: str
    segment: str = ANYTHING
    """The kind of party it is for, `person` or `organisation`; `*` for all without a row of their own."""
    jurisdiction: str = ANYTHING
    """The customer's country, or `*`."""

    def counts_for(self, asset: str, segment: str, jurisdiction: str) -> bool:
        """Whether it is meant for such a customer's asset."""
        return (
            self.asset in (asset, ANYTHING)
            and self.segment in (segment, ANYTHING)
            and self.jurisdiction in (jurisdiction, ANYTHING)
        )

    def is_valid_on(self, day: date) -> bool:
        """Whether it counts on a business day; `valid_until` is the first day it does not."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)
