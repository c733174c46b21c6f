"""Instruments as they are given in data: each line is checked whole before any is loaded.

A security's ISIN is the code of its asset, and an instruction has no other field for it. So whoever names an
ISIN names the asset: one that an account does not hold is an `asset_mismatch`, one that is not loaded
`asset_unknown`, whatever its check digit. Whether a line gives the ISIN of the paper it describes, no check
digit can tell; ISIN, scale and currency never change once loaded.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.money import SCALE_MAX, isin_fault

NUMBERS_FROM: Final = 1000
"""Below are ISO 4217's numbers of currencies."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A security by its ISIN (ISO 6166), with what its quantities and prices are counted in."""

    asset_id: int
    isin: str
    scale: int
    """Decimals of a quantity: 0 for whole pieces, 2 for a bond's face value in cents."""
    currency: str
    """In which it is traded (ISO 4217)."""
    name: str
    valid_from: date
    valid_until: date | None
    """The first day on which it is no more; none while that is not known."""

    def is_valid(self, day: date) -> bool:
        """Say whether the instrument is there on the day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


class InstrumentError(ValueError):
    """A line that cannot be taken, and why; `line` counts from 1, the header's."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


def read_instruments(
    lines: Iterable[tuple[int, Mapping[str, str]]],
    currencies: Iterable[str],
    known: Mapping[int, Instrument],
) -> list[Instrument]:
    """Read all lines, or raise `InstrumentError` for the first that is wrong.

    `lines` are numbered. `currencies` are the codes that may be named. `known` are the instruments loaded
    before, by number: such a one keeps its ISIN, scale and currency for ever, since there are quantities
    counted in it.
    """
    allowed = frozenset(currencies)
    numbers: set[int] = set()
    isins = {each.isin: number for number, each in known.items()}
    read: list[Instrument] = []
    for line, row in lines:
        instrument = _instrument(line, row, allowed)
        if instrument.asset_id in numbers:
            raise InstrumentError(line, f"the number {instrument.asset_id} stands there twice")
        numbers.add(instrument.asset_id)
        if isins.setdefault(instrument.isin, instrument.asset_id) != instrument.asset_id:
            raise InstrumentError(line, f"{instrument.isin} has another number already")
        earlier = known.get(instrument.asset_id)
        if earlier is not None:
            _must_stay(line, earlier, instrument)
        read.append(instrument)
    return read


def _instrument(line: int, row: Mapping[str, str], currencies: frozenset[str]) -> Instrument:
    number, scale, isin, currency = (
        row.get(name) or "" for name in ("asset_id", "scale", "isin", "currency")
    )
    if not _NUMBER.fullmatch(number) or int(number) < NUMBERS_FROM:
        raise InstrumentError(line, f"{number!r} is no number from {NUMBERS_FROM} to 999999999")
    fault = isin_fault(isin)
    if fault is not None:
        raise InstrumentError(line, fault)
    if not _NUMBER.fullmatch(scale) or int(scale) > SCALE_MAX:
        raise InstrumentError(line, f"the scale {scale!r} is no number from 0 to {SCALE_MAX}")
    if currency not in currencies:
        raise InstrumentError(line, f"{currency!r} is no currency of assets.csv")
    name = (row.get("name") or "").strip()
    if not name:
        raise InstrumentError(line, "the name is missing")
    valid_from = _day(line, "valid_from", row.get("valid_from") or "")
    until = row.get("valid_until") or ""
    valid_until = _day(line, "valid_until", until) if until else None
    if valid_until is not None and valid_until <= valid_from:
        raise InstrumentError(line, f"it would end on {valid_until}, before it begins")
    return Instrument(int(number), isin, int(scale), currency, name, valid_from, valid_until)


def _day(line: int, field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InstrumentError(line, f"{field} {text!r} is no date such as 2026-03-02") from None


def _must_stay(line: int, earlier: Instrument, now: Instrument) -> None:
    for field in ("isin", "scale", "currency"):
        before, after = getattr(earlier, field), getattr(now, field)
        if before != after:
            raise InstrumentError(
                line, f"the {field} of number {now.asset_id} is {before} and cannot become {after}"
            )
