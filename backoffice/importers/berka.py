"""Turns the transactions of the PKDD'99 "Berka" data set of a Czech bank into instructions.

A file is `;`-separated with quotes, in Latin-1: trans_id, account_id, date (yymmdd), type (PRIJEM is a
credit, VYDAJ and VYBER are debits), operation, amount, balance after, k_symbol, partner bank, partner
account. Every day in it becomes a business day of the entity BERKA. Ids are made from the file's own,
so that importing twice gives duplicates.
"""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from shared.messages.envelope import HOUSE

ENTITY: Final = "BERKA"
ASSET: Final = "CZK"
NAMESPACE: Final = UUID("0f0c4d0e-6d1c-5b5e-9a55-2a1d8f1b9c31")
"""Of every id made here. It never changes."""

CREDIT: Final = "PRIJEM"
TYPES: Final = (CREDIT, "VYDAJ", "VYBER")
INTEREST_CREDITED: Final = "UROK"
INTEREST_CHARGED: Final = "SANKC. UROK"
SERVICES_CHARGED: Final = "SLUZBY"
CASH_PAID_IN: Final = "VKLAD"
CASH_DRAWN: Final = "VYBER"

NOON: Final = time(12, tzinfo=UTC)
_AMOUNT: Final = re.compile(r"\d{1,15}(\.\d{1,2})?", re.ASCII)
_COLUMNS: Final = 10


class BerkaRecord(NamedTuple):
    """One record to publish."""

    key: bytes
    value: bytes
    partition: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One whole line of the file."""

    trans_id: int
    account_id: int
    day: date
    type: str
    operation: str
    amount: str
    balance: str
    """What the bank printed as the balance after it."""
    symbol: str
    bank: str
    partner: str

    @property
    def account(self) -> str:
        """Our code of the account, and of its owner."""
        return account_code(self.account_id)

    @property
    def is_credit(self) -> bool:
        """Whether it was in the customer's favour."""
        return self.type == CREDIT


@dataclass(frozen=True, slots=True)
class BerkaFile:
    """A file taken apart: whole rows by date and trans_id, and lines that are none, as they are."""

    rows: tuple[Row, ...]
    bad_lines: tuple[tuple[int, bytes], ...]
    """Line number and bytes."""

    @property
    def days(self) -> tuple[date, ...]:
        """The file's days, in order."""
        return tuple(dict.fromkeys(row.day for row in self.rows))


def account_code(account_id: int) -> str:
    """Return our code of one of the bank's accounts."""
    return f"BERKA-{account_id}"


def read_transactions(path: Path) -> BerkaFile:
    """Read a transactions file, plain or gzipped; raises `OSError`, or `ValueError` for another file."""
    lines = _lines(path)
    if not lines or not lines[0].startswith(b'"trans_id"'):
        raise ValueError("its first line does not name the columns trans_id, account_id, date …")
    rows: list[Row] = []
    bad: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = _row(line)
        if row is None:
            bad.append((number, line))
        else:
            rows.append(row)
    rows.sort(key=lambda row: (row.day, row.trans_id))
    return BerkaFile(tuple(rows), tuple(bad))


def read_opening_days(path: Path) -> dict[int, date]:
    """Read an accounts file: account_id to the day the account was opened. Raises as `read_transactions`."""
    lines = _lines(path)
    if not lines or not lines[0].startswith(b'"account_id"'):
        raise ValueError("its first line does not name the columns account_id, district_id, frequency, date")
    days: dict[int, date] = {}
    for fields in csv.reader((line.decode("latin-1") for line in lines[1:]), delimiter=";"):
        if len(fields) == 4:
            days[int(fields[0])] = _day(fields[3])
    return days


def instructions(
    file: BerkaFile, partitions: int, opening_days: Mapping[int, date] | None = None
) -> Iterator[BerkaRecord]:
    """Yield the records to publish, in order: each day is opened in every partition before its rows.

    An account is opened before its first row. Bad lines come last, as they are, under the house's key.
    """
    opened: set[int] = set()
    for day, rows_of_day in groupby(file.rows, key=lambda row: row.day):
        yield from _open_day(day, partitions)
        for position, row in enumerate(rows_of_day):
            if row.account_id not in opened:
                opened.add(row.account_id)
                yield _open_account(row, (opening_days or {}).get(row.account_id, day))
            yield _instruction(row, position)
    for _, line in file.bad_lines:
        yield BerkaRecord(HOUSE.encode(), line, None)


def _lines(path: Path) -> list[bytes]:
    opener: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            return [line.rstrip(b"\r\n") for line in file]
    except (EOFError, zlib.error) as problem:
        raise ValueError(f"the compressed file is damaged: {problem}") from problem


def _row(line: bytes) -> Row | None:
    """Return the row, or None for a line that is cut off or something else."""
    try:
        fields = next(csv.reader([line.decode("latin-1")], delimiter=";", strict=True))
        if len(fields) != _COLUMNS or fields[3] not in TYPES or not _AMOUNT.fullmatch(fields[5]):
            return None
        return Row(int(fields[0]), int(fields[1]), _day(fields[2]), *(field.strip() for field in fields[3:]))
    except (csv.Error, ValueError):
        return None


def _day(yymmdd: str) -> date:
    return date(1900 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:6]))


def _open_day(day: date, partitions: int) -> Iterable[BerkaRecord]:
    value = _json(
        type="open_business_day",
        instruction_id=_id(f"day {day}"),
        owner=HOUSE,
        entity=ENTITY,
        booking_date=day.isoformat(),
    )
    return [BerkaRecord(HOUSE.encode(), value, partition) for partition in range(partitions)]


def _open_account(row: Row, opening_day: date) -> BerkaRecord:
    value = _json(
        type="open_account",
        instruction_id=_id(f"account {row.account_id}"),
        owner=row.account,
        occurred_at=_at_noon(opening_day, 0),
        account=row.account,
        entity=ENTITY,
        asset=ASSET,
        **{"class": "cash"},
        limit=None,
    )
    return BerkaRecord(row.account.encode(), value, None)


def _instruction(row: Row, position: int) -> BerkaRecord:
    fields: dict[str, Any] = {
        "instruction_id": _id(f"trans {row.trans_id}"),
        "owner": row.account,
        "occurred_at": _at_noon(row.day, position),
        "value_date": row.day.isoformat(),
        "business_reference": f"berka-{row.trans_id}",
        "account": row.account,
        "amount": row.amount,
        "asset": ASSET,
    }
    if row.symbol == INTEREST_CREDITED and row.is_credit:
        fields |= {"type": "interest", "direction": "credit"}
    elif row.symbol == INTEREST_CHARGED and not row.is_credit:
        fields |= {"type": "interest", "direction": "debit"}
    elif row.symbol == SERVICES_CHARGED and not row.is_credit:
        fields |= {"type": "fee"}
    else:
        fields |= {"type": "deposit" if row.is_credit else "withdrawal", **_blocks(row)}
    return BerkaRecord(row.account.encode(), _json(**fields), None)


def _blocks(row: Row) -> dict[str, Any]:
    """Return the payment and channel blocks, where there is something to say."""
    blocks: dict[str, Any] = {}
    partner = {name: value for name, value in (("account", row.partner), ("identifier", row.bank)) if value}
    payment: dict[str, Any] = {}
    if partner:
        payment["debtor" if row.is_credit else "creditor"] = partner
    if row.symbol:
        payment["purpose"] = row.symbol
    if payment:
        blocks["payment"] = payment
    is_cash = row.operation == CASH_PAID_IN if row.is_credit else row.operation.startswith(CASH_DRAWN)
    if is_cash:
        blocks["channel"] = {
            "channel": "card" if row.operation.endswith("KARTOU") else "branch",
            "cash": True,
        }
    return blocks


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE, name))


def _at_noon(day: date, position: int) -> str:
    """Spell noon of the day and a second more for each row before, since the file has no times."""
    return (datetime.combine(day, NOON) + timedelta(seconds=position)).isoformat().replace("+00:00", "Z")


def _json(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
