"""`backoffice compliance evaluate`: what the rules find in a file of transactions, labelled or not."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from backoffice.cli import output
from backoffice.cli.errors import USAGE, CommandError
from backoffice.cli.evaluation import Alert, Customer, Row, above_the_line, judge_rows
from backoffice.cli.transaction_file import Columns, TimeUnit, read_transactions
from services.compliance.rules import RULES


def evaluate(
    file: Annotated[Path, typer.Argument(help="A CSV file of transactions.", show_default=False)],
    at: Annotated[
        str, typer.Option(help="The column with the time; `A+B` for date and time.")
    ] = "occurred_at",
    payer: Annotated[str, typer.Option(help="Who pays; `A+B` takes two columns together.")] = "payer",
    payee: Annotated[str, typer.Option(help="Who is paid.")] = "payee",
    amount: Annotated[str, typer.Option(help="The amount, a decimal.")] = "amount",
    asset: Annotated[str, typer.Option(help="The currency.")] = "asset",
    label: Annotated[str, typer.Option(help="Whether it is laundering; 0, no or nothing is not.")] = "label",
    pattern: Annotated[str, typer.Option(help="What kind it is part of, if the file says so.")] = "pattern",
    case: Annotated[str, typer.Option(help="Which one of that kind, if the file says so.")] = "case",
    cash: Annotated[str, typer.Option(help="Whether it is banknotes; the till has no name.")] = "cash",
    scale: Annotated[int, typer.Option(min=0, max=18, help="Decimals of an amount.")] = 2,
    time_unit: Annotated[
        TimeUnit,
        typer.Option(help="text, or what times count where they are numbers, from whenever."),
    ] = "text",
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
    alert names it; a case, if one of its is. A file names no persons: cash is judged by customer. Of headings
    that come again the second is `Account.1`. Lines from a party to itself, or to nobody, are left out.
    """
    known = _customers(customers) if customers is not None else {}
    columns = Columns(at, payer, payee, amount, asset, label, pattern, case, cash, scale, time_unit)
    rows, left_out = read_transactions(file, columns)
    first = since.toordinal() if since is not None else 0
    alerts = judge_rows(rows, scale, customers=known, since=first)
    judged = [row for row in rows if row.at.toordinal() >= first]
    _tell(judged, alerts, above_the_line(judged, alerts, known, budget, first), budget, left_out)


def _tell(
    rows: Sequence[Row],
    alerts: Sequence[Alert],
    leads: Sequence[Sequence[Alert]],
    budget: int,
    left_out: int,
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
        "left_out": left_out,
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
        f" ({summary['leads_per_thousand']} a thousand), {right_leads:,} about labelled ones."
        + (f" Left out: {left_out:,} lines between no two parties." if left_out else ""),
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
