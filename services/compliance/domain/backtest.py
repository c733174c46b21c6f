"""Judges what has happened once more, by a rule as it stands and by the same rule with other parameters.

What is replayed is what the service stored: entries in the order in which each shard took them, and
banknotes. An alert is one owner and business day, as the service raises them: one in a cooldown.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final, Literal, get_args

from services.compliance.domain.cash import CashEvent, CashLog, Log, OwnerHistory, Reach, in_time
from services.compliance.domain.graph import KEPT
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.peers import AllTurnovers
from services.compliance.domain.rule import CashRule, GraphRule, PeerRule, RuleParameter, WindowRule
from services.compliance.domain.tier_two import Flows, Telling, deviations, last_of_each
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.window import Window
from shared.messages.envelope import RiskClass
from shared.money import AmountError

Judged = CashRule[Any] | WindowRule[Any] | GraphRule[Any] | PeerRule[Any]
"""A rule that can be tested on what has happened; names are screened again by `lists load`."""

AlertOf = tuple[str, date]
"""Whom an alert is about, and the business day."""

Became = Literal["confirmed", "false_positive", "inconclusive", "dismissed", "waiting"]
"""What officers have made of an alert."""

GRAPH_DAYS: Final = KEPT // DAY + 1
"""How many days before the period count for rules about who paid whom."""


def changed_book(
    rows: Iterable[RuleParameter], rule: Judged, values: Mapping[str, str], asset: str | None
) -> ParameterBook:
    """Return all parameters with some values of a rule's rows set otherwise, of one asset's row if given.

    Values are spelt: as text, number or JSON, whatever the value that they replace is. Raises `ValueError`
    where the rule has no such row or value, or cannot read the changed row.
    """
    known = list(rows)
    mine = [row for row in known if row.rule == rule.code and row.values and asset in (None, row.asset)]
    if not mine:
        raise ValueError(f"{rule.code} has no parameters for {asset}")
    unknown = sorted(set(values) - {name for row in mine for name in row.values})
    if unknown:
        names = ", ".join(sorted({name for row in mine for name in row.values}))
        raise ValueError(f"{rule.code} has no parameter {', '.join(unknown)}; it has {names}")
    return ParameterBook(
        _changed(row, rule, values) if any(row is each for each in mine) else row for row in known
    )


def _changed(row: RuleParameter, rule: Judged, values: Mapping[str, str]) -> RuleParameter:
    try:
        changed = replace(row, values=spelt_as_before(row.values, values))
        rule.read_parameters(changed, _decimals(changed.values))
    except (KeyError, TypeError, ValueError, AmountError) as error:
        raise ValueError(f"{rule.code} cannot be judged so for {row.asset}: {error}") from error
    return changed


def _decimals(values: Mapping[str, Any]) -> int:
    """How many decimals the values have at the most, that is those an asset has to have."""
    return max((len(each.partition(".")[2]) for each in values.values() if isinstance(each, str)), default=0)


def spelt_as_before(values: Mapping[str, Any], spelt: Mapping[str, str]) -> dict[str, Any]:
    """Return values with those set that are spelt otherwise: as text or JSON, whatever they were.

    Names that there are not among the values are left out. Raises `ValueError` for what is not JSON.
    """
    changed = dict(values)
    for name, text in spelt.items():
        if name in changed:
            is_text = isinstance(changed[name], str | None) and text != "null"
            changed[name] = text if is_text else json.loads(text)
    return changed


@dataclass(frozen=True, slots=True)
class Period:
    """Business days, half-open; an end that is None is open."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether a business day is in it."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(slots=True)
class Backtest:
    """One rule under two books of parameters, over one history."""

    rule: Judged
    stands: ParameterBook
    changed: ParameterBook
    period: Period = field(default_factory=Period)
    judged: int = 0
    """Entries, or handings over of banknotes, that the rule looked at in the period."""
    by_stands: set[AlertOf] = field(default_factory=set[AlertOf])
    by_changed: set[AlertOf] = field(default_factory=set[AlertOf])
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict[tuple[str, str], Window])

    def windows(self, entries: Iterable[Entry]) -> None:
        """Judge entries by a rule about windows, in their order; those before the period warm windows up."""
        rule = self.rule
        assert isinstance(rule, WindowRule)
        judges = (WindowJudge([rule], self.stands), WindowJudge([rule], self.changed))
        for entry in entries:
            key = (entry.owner, entry.asset)
            window = self._windows.get(key)
            if window is None:
                window = self._windows[key] = Window()
            if not entry.amount:
                window.open(entry)
                continue
            window.take(entry)
            day = entry.booking_date
            if not self.period.holds(day):
                continue
            self.judged += 1
            for judge, (book, found) in zip(judges, self._sides(), strict=True):
                if judge.judge(window, entry):
                    days = book.cooldown_days(rule.code, entry.asset, day, window.segment, window.residence)
                    _alert(found, entry.owner, day, days)

    def cash(self, events: Iterable[CashEvent], scales: Mapping[str, int]) -> None:
        """Judge banknotes by a rule about them, in the order of the ledger's journal; `scales` by asset."""
        rule = self.rule
        assert isinstance(rule, CashRule)
        histories: dict[str, OwnerHistory] = {}
        for event in events:
            history = histories.get(event.owner)
            if history is None:
                reach = Reach(date.min, event.occurred_at.min.replace(tzinfo=event.occurred_at.tzinfo))
                history = histories[event.owner] = OwnerHistory(reach)
            if self.period.holds(event.booking_date) and _concerns(rule.judges, event):
                self.judged += 1
                self._judge_cash(rule, history.logs[rule.judges], event, scales.get(event.asset, 2))
            history.add(event)

    def _judge_cash(self, rule: CashRule[Any], log: CashLog, event: CashEvent, scale: int) -> None:
        for book, found in self._sides():
            parameters = book.read(rule, event.asset, event.booking_date, scale)
            if parameters is not None and rule.evaluate(log, event, parameters) is not None:
                found.add((event.owner, event.booking_date))

    def graph(self, entries: Iterable[Entry]) -> None:
        """Judge who paid whom, over all shards, a business day at a time; parties outside are numbers."""
        rule = self.rule
        assert isinstance(rule, GraphRule)
        flows = Flows((rule,), (self.stands, self.changed))
        told = ((self.stands, Telling(), self.by_stands), (self.changed, Telling(), self.by_changed))
        for day, entries_of_day in groupby(sorted(entries, key=_in_days), key=lambda each: each.day):
            fresh = [found for entry in entries_of_day if (found := flows.take(entry)) is not None]
            self.judged += len(fresh) if self.period.holds(date.fromordinal(day)) else 0
            for book, telling, found in told:
                for flow in flows.find(fresh, book):
                    if self.period.holds(flow.business_date) and telling.judge(flow) == "alert":
                        found.add((flow.last.owner, flow.business_date))

    def peers(self, entries: Iterable[Entry], ratings: Iterable[tuple[str, int, RiskClass]] = ()) -> None:
        """Judge customers beside their peers, over all shards, a business day at a time.

        They are of the class that they have now: owner, version and class of each rating.
        """
        rule = self.rule
        assert isinstance(rule, PeerRule)
        turnovers = AllTurnovers()
        for rating in ratings:
            turnovers.rate(*rating)
        told = ((self.stands, Telling(), self.by_stands), (self.changed, Telling(), self.by_changed))
        for day, entries_of_day in groupby(sorted(entries, key=_in_days), key=lambda each: each.day):
            moved = list(entries_of_day)
            for entry in moved:
                turnovers.take(entry)
            if not self.period.holds(date.fromordinal(day)):
                continue
            fresh = last_of_each(moved)
            self.judged += len(fresh)
            for book, telling, found in told:
                for each in deviations(turnovers, (rule,), fresh, book):
                    if telling.judge(each) == "alert":
                        found.add((each.last.owner, each.business_date))

    def _sides(self) -> tuple[tuple[ParameterBook, set[AlertOf]], ...]:
        return (self.stands, self.by_stands), (self.changed, self.by_changed)


def _alert(found: set[AlertOf], owner: str, day: date, cooldown_days: int) -> None:
    """Add an alert, unless the owner has one less than so many business days away."""
    near = (day + timedelta(days=step) for step in range(1 - cooldown_days, cooldown_days))
    if not any((owner, each) in found for each in near):
        found.add((owner, day))


def _in_days(entry: Entry) -> tuple[int, int, int, int]:
    return entry.day, entry.at, entry.shard, entry.seq


def _concerns(log: Log, event: CashEvent) -> bool:
    return event.phase != ("settled" if log == "attempts" else "pending")


def in_journal_order(events: Iterable[CashEvent]) -> list[CashEvent]:
    """Order banknotes as the ledger booked them: by business day, then by shard and number."""
    return sorted(events, key=lambda each: (each.booking_date, *in_time(each)[1:]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What officers had made of those alerts that the service itself had raised."""

    confirmed: int
    false_positive: int
    inconclusive: int
    dismissed: int
    waiting: int
    unseen: int
    """Alerts that nobody has ever seen, because the service did not raise them."""

    @property
    def precision_percent(self) -> float | None:
        """Confirmed ones among those decided with a clear yes or no; None where nothing is."""
        decided = self.confirmed + self.false_positive + self.dismissed
        return round(100 * self.confirmed / decided, 1) if decided else None


def verdict(found: Iterable[AlertOf], recorded: Mapping[AlertOf, Became]) -> Verdict:
    """Count alerts by what became of them."""
    counts: dict[str, int] = dict.fromkeys((*get_args(Became), "unseen"), 0)
    for each in found:
        counts[recorded.get(each, "unseen")] += 1
    return Verdict(**counts)
