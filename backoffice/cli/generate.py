"""`backoffice compliance generate`: a file of made-up transactions with labelled laundering among them."""

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from backoffice.cli import output
from backoffice.cli.errors import USAGE, CommandError
from backoffice.simulator.laundering import PATTERNS, Labelled, labelled, laundering_since, segment_of

HEADINGS = ("occurred_at", "payer", "payee", "amount", "asset", "cash", "label", "pattern", "case")
START = datetime(2026, 1, 5)  # noqa: DTZ001 - a day, as typer reads one


def generate(
    file: Annotated[Path, typer.Argument(help="The CSV file to write.", show_default=False)],
    parties: Annotated[int, typer.Option(min=20, help="Ordinary parties.")] = 2_000,
    days: Annotated[int, typer.Option(min=20, help="Days of traffic.")] = 60,
    cases: Annotated[int, typer.Option(min=0, help="Cases of each pattern.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same file.")] = 1,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")] = START,
    asset: Annotated[str, typer.Option(help="The currency.")] = "USD",
    customers: Annotated[
        Path | None, typer.Option(help="A CSV file to write who the parties are to.", show_default=False)
    ] = None,
) -> None:
    """Write ordinary traffic and laundering among it, labelled, for `compliance evaluate`.

    Patterns: fan-in, fan-out, cycle, gather–scatter, scatter–gather, stack, bipartite, structuring, smurfing,
    rapid movement, dormant, mirror. They begin in the second half: what is usual has to be seen first.
    """
    made = labelled(seed=seed, parties=parties, days=days, cases=cases, start=start.date())
    try:
        with file.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines, lineterminator="\n")
            writer.writerow(HEADINGS)
            for each in made:
                amount = f"{each.amount_minor // 100}.{each.amount_minor % 100:02d}"
                at = output.rfc3339(each.at)
                is_labelled = int(bool(each.pattern))
                row = (at, each.payer, each.payee, amount, asset, int(each.cash), is_labelled)
                writer.writerow((*row, each.pattern, each.case))
        if customers is not None:
            _write_customers(customers, made)
    except OSError as error:
        raise CommandError(
            "file", f"{file} cannot be written: {error}.", "Name another file.", USAGE
        ) from error
    told = sum(bool(each.pattern) for each in made)
    since = laundering_since(start.date(), days)
    record = {
        "file": str(file),
        "transactions": len(made),
        "labelled": told,
        "patterns": len(PATTERNS),
        "since": since,
    }
    words = f"{len(made):,} transactions, {told:,} of them labelled, none before {since}, are in {file}."
    output.emit(record, words)


def _write_customers(file: Path, made: Sequence[Labelled]) -> None:
    parties = sorted({party for each in made for party in (each.payer, each.payee) if party})
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("party", "segment"))
        writer.writerows((party, segment_of(party)) for party in parties)
