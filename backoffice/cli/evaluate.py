"""`backoffice compliance evaluate`: what the rules find in a file of transactions, labelled or not."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from backoffice.cli import output
from backoffice.cli.errors import USAGE, CommandError
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cash import CashEvent, CashLog
from services.compliance.domain.graph import Graph
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.windows.entry import DAY, Entry, counterparty, instant
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.window import Window
from services.compliance.rules import CASH_RULES, GRAPH_RULES, RULES, WINDOW_RULES
from shared.money import AmountError, parse_amount

NO: Final = frozenset({"", "0", "false", "no", "-"})
"""What a label says of an ordinary transaction."""
_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
_TIMES: Final = ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")


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


@dataclass(slots=True)
class Columns:
    """Where in the file things stand; several columns with `+` between are taken together."""

    at: str
    payer: str
    payee: str
    amount: str
    asset: str
    label: str
    pattern: str
    case: str
    cash: str
    scale: int


@dataclass(slots=True)
class Alert:
    """What one rule found of one party on one day: one thing to look at."""

    events: set[int] = field(default_factory=set[int])


Alerts = dict[tuple[str, str, int], Alert]
"""By rule, party and day."""


def evaluate(
    file: Annotated[Path, typer.Argument(help="A CSV file of transactions.", show_default=False)],
    at: Annotated[str, typer.Option(help="The column with the time.")] = "occurred_at",
    payer: Annotated[str, typer.Option(help="Who pays; `A+B` takes two columns together.")] = "payer",
    payee: Annotated[str, typer.Option(help="Who is paid.")] = "payee",
    amount: Annotated[str, typer.Option(help="The amount, a decimal.")] = "amount",
    asset: Annotated[str, typer.Option(help="The currency.")] = "asset",
    label: Annotated[str, typer.Option(help="Whether it is laundering; 0, no or nothing is not.")] = "label",
    pattern: Annotated[str, typer.Option(help="What kind it is part of, if the file says so.")] = "pattern",
    case: Annotated[str, typer.Option(help="Which one of that kind, if the file says so.")] = "case",
    cash: Annotated[str, typer.Option(help="Whether it is banknotes; the till has no name.")] = "cash",
    scale: Annotated[int, typer.Option(min=0, max=18, help="Decimals of an amount.")] = 2,
) -> None:
    """Let the rules judge a file of transactions, labelled or not: recall by pattern, alerts by rule.

    Nothing is stored and no stack is needed. Every party's window is as the service keeps it; parameters are
    those in the box. A labelled transaction is found if a finding names it; a case, if one of its is.
    """
    rows = _rows(file, Columns(at, payer, payee, amount, asset, label, pattern, case, cash, scale))
    alerts = judge_rows(rows, scale)
    _tell(rows, alerts)


def judge_rows(rows: Sequence[Row], scale: int) -> Alerts:
    """Judge transactions in order, each for its payer and its payee, then for all of them together."""
    evaluation = _Evaluation(scale)
    for row in rows:
        for owner, other, moved in ((row.payer, row.payee, -row.amount), (row.payee, row.payer, row.amount)):
            if owner:
                evaluation.judge(row, owner, other, moved)
        if row.payer and row.payee:
            evaluation.follow(row)
    return evaluation.alerts


class _Evaluation:
    """The state of one evaluation: windows, histories of banknotes, a graph for each asset."""

    def __init__(self, scale: int) -> None:
        self.scale = scale
        self.alerts: Alerts = {}
        self._book = ParameterBook(RULE_PARAMETERS)
        self._judge = WindowJudge(WINDOW_RULES, self._book)
        self._windows: dict[tuple[str, str], Window] = {}
        self._cash: dict[str, CashLog] = {}
        self._graphs: dict[str, Graph] = {}

    def judge(self, row: Row, owner: str, other: str, moved: int) -> None:
        """Judge one side by the rules about windows, and banknotes by those about cash."""
        window = self._windows.setdefault((owner, row.asset), Window())
        time = instant(row.at)
        entry = Entry(
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
        for finding in self._judge.take(window, entry):
            self._note(finding.rule, owner, row, finding.values["events"])
        if row.cash:
            self._judge_cash(row, owner, moved)

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
        """Judge a transaction by the rules about who paid whom."""
        graph = self._graphs.setdefault(row.asset, Graph())
        edge = graph.add(row.payer, row.payee, row.amount, instant(row.at), f"0-{row.number}")
        for rule in GRAPH_RULES:
            parameters = self._book.read(rule, row.asset, row.at.date(), self.scale)
            found = rule.evaluate(graph, edge, parameters) if parameters is not None else []
            if found:
                self._note(rule.code, row.payer, row, [each.reference for each in found])

    def _note(self, rule: str, owner: str, row: Row, events: Sequence[str]) -> None:
        alert = self.alerts.setdefault((rule, owner, row.at.toordinal()), Alert())
        alert.events.update(int(each.partition("-")[2]) for each in events)


def _tell(rows: Sequence[Row], alerts: Alerts) -> None:
    labelled = {row.number: row for row in rows if row.pattern}
    found = {number for alert in alerts.values() for number in alert.events} & labelled.keys()
    patterns = sorted({row.pattern for row in labelled.values()})
    told: list[dict[str, Any]] = []
    for pattern in patterns:
        of = [row for row in labelled.values() if row.pattern == pattern]
        cases = {row.case for row in of}
        seen = {row.case for row in of if row.number in found}
        told.append(
            {
                "pattern": pattern,
                "cases": len(cases),
                "cases_found": len(seen),
                "transactions": len(of),
                "transactions_found": sum(row.number in found for row in of),
                "recall_percent": _percent(len(seen), len(cases)),
            }
        )
    by_rule: dict[str, list[Alert]] = {}
    for (rule, _, _), alert in alerts.items():
        by_rule.setdefault(rule, []).append(alert)
    rules = [
        {
            "rule": rule.code,
            "alerts": len(of),
            "alerts_labelled": sum(bool(each.events & labelled.keys()) for each in of),
        }
        for rule in RULES
        if (of := by_rule.get(rule.code))
    ]
    for record in told + rules:
        output.emit(record)
    right = sum(bool(each.events & labelled.keys()) for each in alerts.values())
    summary = {
        "transactions": len(rows),
        "labelled": len(labelled),
        "labelled_found": len(found),
        "alerts": len(alerts),
        "alerts_labelled": right,
        "alerts_per_thousand": round(1000 * len(alerts) / len(rows), 2) if rows else 0.0,
    }
    output.table(
        ("pattern", "cases", "found", "transactions", "found", "recall %"),
        [list(each.values()) for each in told],
        right=("cases", "found", "transactions", "recall %"),
    )
    output.table(
        ("rule", "alerts", "of them labelled"),
        [list(each.values()) for each in rules],
        right=("alerts", "of them labelled"),
    )
    output.emit(
        summary,
        f"{len(rows):,} transactions, {len(labelled):,} labelled, {len(found):,} of them found;"
        f" {len(alerts):,} alerts ({summary['alerts_per_thousand']} a thousand transactions),"
        f" {right:,} about labelled ones.",
    )


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _rows(file: Path, columns: Columns) -> list[Row]:
    """Read the file in order of time; the first line that cannot be read ends it."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            _require(reader.fieldnames or (), columns)
            return sorted(_read(reader, columns), key=lambda row: (row.at, row.number))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError("file", f"{file} cannot be read: {error}.", "Give a CSV file.", USAGE) from error


def _require(headings: Sequence[str], columns: Columns) -> None:
    wanted = (columns.at, columns.payer, columns.payee, columns.amount)
    missing = [part for each in wanted for part in each.split("+") if part not in headings]
    if missing:
        raise CommandError(
            "column",
            f"The file has no column {', '.join(map(repr, missing))}.",
            f"It has {', '.join(headings) or 'none'}: name the right ones, with --at, --payer and so on.",
            USAGE,
        )


def _read(reader: "csv.DictReader[str]", columns: Columns) -> Iterator[Row]:
    for number, each in enumerate(reader, start=1):
        try:
            payer, payee = _joined(each, columns.payer), _joined(each, columns.payee)
            minor = parse_amount(each[columns.amount], columns.scale)
            at = _time(each[columns.at])
        except (ValueError, TypeError, AttributeError, AmountError) as error:
            raise CommandError(
                "row", f"Line {reader.line_num} cannot be read: {error}.", "Mend it or leave it out.", USAGE
            ) from error
        is_cash = (each.get(columns.cash) or "").strip().lower() not in NO
        if payer == payee or not (is_cash or (payer and payee)):
            continue
        yes = (each.get(columns.label) or "").strip().lower() not in NO
        kind = (each.get(columns.pattern) or "").strip() or "labelled"
        case = (each.get(columns.case) or "").strip() or str(number)
        asset = (each.get(columns.asset) or "").strip() or "XXX"
        yield Row(number, at, payer, payee, minor, asset, kind if yes else "", case if yes else "", is_cash)


def _joined(row: dict[str, str], columns: str) -> str:
    return "/".join(row[each].strip() for each in columns.split("+"))


def _time(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
