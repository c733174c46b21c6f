"""`backoffice compliance evaluate`: what the rules find in a file of transactions, labelled or not."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from backoffice.cli import output
from backoffice.cli.errors import USAGE, CommandError
from backoffice.cli.evaluation import Alert, Customer, Row, above_the_line, judge_rows
from services.compliance.rules import RULES
from shared.money import AmountError, parse_amount

NO: Final = frozenset({"", "0", "false", "no", "-"})
"""What a label says of an ordinary transaction."""
_TIMES: Final = ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")


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
    customers: Annotated[
        Path | None,
        typer.Option(help="A CSV file of who they are: party, segment, and country, opened_on if known."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The first day that is judged; those before it warm up."),
    ] = None,
    budget: Annotated[
        int, typer.Option(min=1, max=1000, help="Leads that people can look at, of a thousand transactions.")
    ] = 10,
) -> None:
    """Let the rules judge a file of transactions, labelled or not: recall by pattern, alerts by rule.

    Nothing is stored and no stack is needed. Every party's window is as the service keeps it; parameters are
    those in the box, and alerts those that the service would raise. A party's alerts of a week are one lead,
    and the rarest leads come above the line until the budget is spent. A labelled transaction is found if an
    alert names it; a case, if one of its is. A file names no persons: cash is judged by customer.
    """
    known = _customers(customers) if customers is not None else {}
    rows = _rows(file, Columns(at, payer, payee, amount, asset, label, pattern, case, cash, scale))
    first = since.toordinal() if since is not None else 0
    alerts = judge_rows(rows, scale, customers=known, since=first)
    judged = [row for row in rows if row.at.toordinal() >= first]
    _tell(judged, alerts, above_the_line(judged, alerts, known, budget, first), budget)


def _tell(
    rows: Sequence[Row], alerts: Sequence[Alert], leads: Sequence[Sequence[Alert]], budget: int
) -> None:
    labelled = {row.number: row for row in rows if row.pattern}
    found = _named(alerts) & labelled.keys()
    above = _named([alert for lead in leads for alert in lead]) & labelled.keys()
    patterns = [
        _pattern_record(pattern, [row for row in labelled.values() if row.pattern == pattern], found, above)
        for pattern in sorted({row.pattern for row in labelled.values()})
    ]
    rules = [
        {
            "rule": rule.code,
            "alerts": len(of),
            "alerts_labelled": sum(not labelled.keys().isdisjoint(each.events) for each in of),
        }
        for rule in RULES
        if (of := [alert for alert in alerts if alert.rule == rule.code])
    ]
    for record in patterns + rules:
        output.emit(record)
    right = sum(not labelled.keys().isdisjoint(each.events) for each in alerts)
    right_leads = sum(not labelled.keys().isdisjoint(_named(lead)) for lead in leads)
    summary = {
        "transactions": len(rows),
        "labelled": len(labelled),
        "labelled_found": len(found),
        "labelled_above_the_line": len(above),
        "alerts": len(alerts),
        "alerts_labelled": right,
        "alerts_per_thousand": _per_thousand(len(alerts), len(rows)),
        "budget_per_thousand": budget,
        "leads_above_the_line": len(leads),
        "leads_labelled": right_leads,
        "leads_per_thousand": _per_thousand(len(leads), len(rows)),
    }
    output.table(
        (
            "pattern",
            "cases",
            "found",
            "above the line",
            "recall %",
            "transactions",
            "found",
            "above the line",
        ),
        [list(each.values()) for each in patterns],
        right=("cases", "found", "above the line", "recall %", "transactions"),
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
        f" {right:,} about labelled ones. Above the line: {len(leads):,} leads"
        f" ({summary['leads_per_thousand']} a thousand), {right_leads:,} about labelled ones.",
    )


def _named(alerts: Sequence[Alert]) -> set[int]:
    return {number for alert in alerts for number in alert.events}


def _pattern_record(pattern: str, of: Sequence[Row], found: set[int], above: set[int]) -> dict[str, Any]:
    """Cases and transactions of a pattern; recall is that of the leads above the line."""
    cases = {row.case for row in of}
    looked_at = {row.case for row in of if row.number in above}
    return {
        "pattern": pattern,
        "cases": len(cases),
        "cases_found": len({row.case for row in of if row.number in found}),
        "cases_above_the_line": len(looked_at),
        "recall_percent": _percent(len(looked_at), len(cases)),
        "transactions": len(of),
        "transactions_found": sum(row.number in found for row in of),
        "transactions_above_the_line": sum(row.number in above for row in of),
    }


def _per_thousand(part: int, whole: int) -> float:
    return round(1000 * part / whole, 2) if whole else 0.0


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


def _customers(file: Path) -> Mapping[str, Customer]:
    """Read who the parties are; the first line that cannot be read ends it."""
    number = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            known: dict[str, Customer] = {}
            for each in reader:
                number = reader.line_num
                opened_on = each.get("opened_on")
                if not each["party"] or not each["segment"]:
                    raise ValueError("it does not say who is what")
                known[each["party"]] = Customer(
                    each["segment"],
                    each.get("country") or "",
                    date.fromisoformat(opened_on) if opened_on else None,
                )
            return known
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        reason = f"it has no column {error}" if isinstance(error, KeyError) else str(error)
        raise CommandError(
            "file",
            f"{file} cannot be read, at line {number}: {reason}.",
            "Give a CSV file with the columns party and segment; country and opened_on may be there.",
            USAGE,
        ) from error


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
