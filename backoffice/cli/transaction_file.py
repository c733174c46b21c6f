"""Reads a CSV file of transactions, whosever it is: its separator, headings, times and labels."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from backoffice.cli.errors import USAGE, CommandError
from backoffice.cli.evaluation import Row
from shared.money import AmountError, parse_amount

NO: Final = frozenset({"", "0", "false", "no", "-"})
"""What a label says of an ordinary transaction."""
SEPARATORS: Final = (",", ";", "\t", "|")

TimeUnit = Literal["text", "milliseconds", "seconds", "minutes", "hours", "days"]
"""How times are told: as dates, or as so many of these since 1970."""

_TIMES: Final = ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
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
    time_unit: TimeUnit


def read_transactions(file: Path, columns: Columns) -> tuple[list[Row], int]:
    """Return the transactions in order of time, and how many lines move nothing between two parties.

    The first line that cannot be read ends it: raises `CommandError` naming it.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            head = lines.readline()
            separator = max(SEPARATORS, key=head.count)
            headings = _told_apart(next(csv.reader([head], delimiter=separator), []))
            _require(headings, columns)
            reader = csv.DictReader(lines, headings, delimiter=separator)
            found = list(_read(reader, columns))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(
            "file", f"{file} cannot be read: {error}.", "Give a CSV file of UTF-8 text.", USAGE
        ) from error
    rows = sorted((row for row in found if row is not None), key=lambda row: (row.at, row.number))
    return rows, len(found) - len(rows)


def _told_apart(headings: Sequence[str]) -> list[str]:
    """Number headings that come again, as spreadsheets' readers do: Account, Account.1."""
    seen: dict[str, int] = {}
    names: list[str] = []
    for heading in headings:
        again = seen.get(heading, 0)
        seen[heading] = again + 1
        names.append(f"{heading}.{again}" if again else heading)
    return names


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


def _read(reader: "csv.DictReader[str]", columns: Columns) -> Iterator[Row | None]:
    for number, each in enumerate(reader, start=1):
        try:
            payer, payee = _joined(each, columns.payer, "/"), _joined(each, columns.payee, "/")
            minor = parse_amount(each[columns.amount], columns.scale)
            at = _time(_joined(each, columns.at, " "), columns.time_unit)
        except (ValueError, TypeError, AttributeError, OverflowError, AmountError) as error:
            raise CommandError(
                "row",
                f"Line {reader.line_num + 1} cannot be read: {error}.",
                "Mend it or leave it out, or say how many decimals amounts have (--scale) or what times count"
                " (--time-unit).",
                USAGE,
            ) from error
        is_cash = (each.get(columns.cash) or "").strip().lower() not in NO
        if payer == payee or not (is_cash or (payer and payee)):
            yield None
            continue
        yes = (each.get(columns.label) or "").strip().lower() not in NO
        kind = (each.get(columns.pattern) or "").strip() or "labelled"
        case = (each.get(columns.case) or "").strip() or str(number)
        asset = (each.get(columns.asset) or "").strip() or "XXX"
        yield Row(number, at, payer, payee, minor, asset, kind if yes else "", case if yes else "", is_cash)


def _joined(row: dict[str, str], columns: str, between: str) -> str:
    return between.join(row[each].strip() for each in columns.split("+"))


def _time(text: str, unit: TimeUnit) -> datetime:
    if unit != "text":
        return _EPOCH + timedelta(**{unit: int(text)})
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    if text.isdecimal() and len(text) != len("20260301"):
        raise ValueError(f"{text} is a number, not a time such as 2026-03-01T09:30:00Z")
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
