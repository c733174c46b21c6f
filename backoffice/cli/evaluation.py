"""Judges a file's transactions as the service would, and puts what is found together into leads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cash import CashEvent, CashLog
from services.compliance.domain.leads import LeadQueue, Raised
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.peers import AllTurnovers
from services.compliance.domain.tier_two import Flows, Telling, deviations, last_of_each
from services.compliance.domain.windows.entry import DAY, Entry, counterparty, instant
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.window import Window
from services.compliance.rules import CASH_RULES, GRAPH_RULES, PEER_RULES, WINDOW_RULES

OBLIGATORY: Final = frozenset(rule.code for rule in CASH_RULES)
"""31 CFR 1010.311 and 1010.314 want each of them looked at."""
_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


@dataclass(frozen=True, slots=True)
class Row:
    """A transaction of the file."""

    number: int
    at: datetime
    payer: str
    payee: str
    amount: int
    asset: str
    pattern: str
    """What it is part of; empty where it is ordinary."""
    case: str
    """Which one of that pattern."""
    cash: bool = False
    """Banknotes: one side is the till."""


@dataclass(frozen=True, slots=True)
class Customer:
    """What a bank knows of a party before it moves anything."""

    segment: str = ""
    """`person` or `organisation`."""
    country: str = ""
    opened_on: date | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What one rule found of one party, the first in its cooldown: as the service raises it."""

    rule: str
    owner: str
    day: int
    events: frozenset[int]
    """The rows that the finding names."""


def judge_rows(
    rows: Iterable[Row], scale: int, *, customers: Mapping[str, Customer] | None = None, since: int = 0
) -> list[Alert]:
    """Judge transactions in order, each for its payer and its payee, then for all of them together.

    Where `customers` are given nobody else is judged: they bank elsewhere. Days before `since` (an ordinal)
    only warm up: nothing alerts on them.
    """
    evaluation = _Evaluation(scale, customers or {}, since)
    for row in rows:
        for owner, other, moved in ((row.payer, row.payee, -row.amount), (row.payee, row.payer, row.amount)):
            if owner and (not customers or owner in customers):
                evaluation.judge(row, owner, other, moved)
        if row.payer and row.payee:
            evaluation.follow(row)
        evaluation.compare(row)
    return evaluation.alerts


def above_the_line(
    rows: Sequence[Row],
    alerts: Sequence[Alert],
    customers: Mapping[str, Customer],
    per_mille: int,
    since: int,
) -> list[list[Alert]]:
    """Return the leads that a budget leaves above the line, each as its alerts."""
    days: dict[int, int] = {}
    for row in rows:
        day = row.at.toordinal()
        if day >= since:
            days[day] = days.get(day, 0) + 1
    raised: dict[int, list[Raised]] = {}
    for number, alert in enumerate(alerts):
        segment = customers[alert.owner].segment if alert.owner in customers else ""
        raised.setdefault(alert.day, []).append(Raised(alert.rule, alert.owner, segment, number))
    queue = LeadQueue(per_mille, OBLIGATORY)
    for day in sorted(days):
        queue.close_day(day, days[day], raised.get(day, ()))
    above = [lead for lead in queue.leads if lead.above_since is not None]
    return [[alerts[each.number] for each in lead.alerts] for lead in above]


@dataclass(slots=True)
class _Evaluation:
    """The state of one evaluation: windows, histories of banknotes, a graph for each asset."""

    scale: int
    customers: Mapping[str, Customer]
    since: int
    alerts: list[Alert] = field(default_factory=list[Alert])
    _latest: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """The day of the last alert by rule and owner."""
    _book: ParameterBook = field(default_factory=lambda: ParameterBook(RULE_PARAMETERS))
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict[tuple[str, str], Window])
    _cash: dict[str, CashLog] = field(default_factory=dict[str, CashLog])
    _judge: WindowJudge = field(init=False)
    _flows: Flows = field(init=False)
    _telling: Telling = field(default_factory=Telling)
    _turnovers: AllTurnovers = field(default_factory=AllTurnovers)
    _moved: list[Entry] = field(default_factory=list[Entry])
    """Of the transaction judged."""

    def __post_init__(self) -> None:
        self._judge = WindowJudge(WINDOW_RULES, self._book)
        self._flows = Flows(GRAPH_RULES, (self._book,))

    def judge(self, row: Row, owner: str, other: str, moved: int) -> None:
        """Judge one side by the rules about windows, and banknotes by those about cash."""
        window = self._windows.get((owner, row.asset))
        if window is None:
            window = self._windows[owner, row.asset] = self._opened(owner, row)
        entry = self._entry(row, owner, other, moved)
        window.take(entry)
        self._turnovers.take(entry)
        self._moved.append(entry)
        if row.at.toordinal() >= self.since:
            for finding in self._judge.judge(window, entry):
                self._note(finding.rule, owner, row, finding.values["events"], window)
        if row.cash:
            self._judge_cash(row, owner, moved)

    def _entry(self, row: Row, owner: str, other: str, moved: int) -> Entry:
        time = instant(row.at)
        return Entry(
            owner=owner,
            asset=row.asset,
            account=owner,
            scale=self.scale,
            amount=moved,
            at=time,
            day=time // DAY + _EPOCH_DAY,
            shard=0,
            seq=row.number,
            other=counterparty(other) if other else 0,
        )

    def _opened(self, owner: str, row: Row) -> Window:
        window, known = Window(), self.customers.get(owner)
        if known is None:
            return window
        opened_on = known.opened_on or date.min
        at = (opened_on.toordinal() - _EPOCH_DAY) * DAY
        opening = Entry(
            owner=owner,
            asset=row.asset,
            account=owner,
            scale=self.scale,
            amount=0,
            at=at,
            day=opened_on.toordinal(),
            shard=0,
            seq=0,
            segment=known.segment,
            residence=known.country,
        )
        self._turnovers.take(opening)
        window.segment, window.residence = known.segment, known.country
        if known.opened_on is not None:
            window.open(opening)
        return window

    def _judge_cash(self, row: Row, owner: str, moved: int) -> None:
        event = CashEvent(
            owner=owner,
            asset=row.asset,
            direction="in" if moved > 0 else "out",
            phase="posted",
            amount=abs(moved),
            occurred_at=row.at,
            booking_date=row.at.date(),
            source_shard=0,
            seq=row.number,
            leg=0,
        )
        log = self._cash.setdefault(owner, CashLog())
        for rule in CASH_RULES:
            parameters = self._book.read(rule, row.asset, event.booking_date, self.scale)
            finding = rule.evaluate(log, event, parameters) if parameters is not None else None
            if finding is not None:
                self._note(rule.code, owner, row, finding.values["events"])
        log.add(event)

    def follow(self, row: Row) -> None:
        """Judge a transaction by the rules about who paid whom, and tell what the service would tell."""
        fresh = self._flows.take(self._entry(row, row.payer, row.payee, -row.amount))
        if fresh is None or row.at.toordinal() < self.since:
            return
        for flow in self._flows.find([fresh]):
            owner = flow.last.owner
            is_known = not self.customers or owner in self.customers
            if is_known and self._telling.judge(flow) == "alert":
                self._note(flow.rule.code, owner, row, [each.reference for each in flow.edges])

    def compare(self, row: Row) -> None:
        """Judge both sides of a transaction beside their peers."""
        fresh = last_of_each(self._moved)
        self._moved.clear()
        if row.at.toordinal() < self.since:
            return
        for found in deviations(self._turnovers, PEER_RULES, fresh, self._book):
            if self._telling.judge(found) == "alert":
                self._note(found.rule.code, found.last.owner, row, [found.last.reference])

    def _note(
        self, rule: str, owner: str, row: Row, events: Sequence[str], window: Window | None = None
    ) -> None:
        """Raise an alert, unless the party has one by the rule whose cooldown is not over."""
        day = row.at.toordinal()
        kind = (window.segment, window.residence) if window is not None else ("", "")
        cooldown = self._book.cooldown_days(rule, row.asset, row.at.date(), *kind)
        if day < self.since or day - self._latest.get((rule, owner), day - cooldown) < cooldown:
            return
        self._latest[rule, owner] = day
        named = frozenset(int(each.partition("-")[2]) for each in events)
        self.alerts.append(Alert(rule, owner, day, named))
