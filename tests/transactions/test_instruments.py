"""Instruments as data: what a line must say, and that one wrong line stops them all."""

from datetime import date
from pathlib import Path

import asyncpg
import pytest

from services.transactions import data
from services.transactions.domain.instruments import (
    Instrument,
    InstrumentError,
    read_instruments,
)
from shared.money import check_digit, isin_fault
from shared.runtime.errors import ConfigurationError
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import PARTITIONS

GOOD = {
    "asset_id": "100001",
    "isin": "US0378331005",
    "scale": "0",
    "currency": "USD",
    "name": "Apple Inc. common stock",
    "valid_from": "1980-12-12",
    "valid_until": "",
}


@pytest.mark.parametrize(
    "isin",
    ["US0378331005", "DE0007164600", "IE00B4L5Y983", "US912810TM09", "AU0000XVGZA3", "GB0002634946"],
)
def test_the_check_digit_is_that_of_iso_6166(isin: str) -> None:
    """Published ISINs, with letters in them and without."""
    assert str(check_digit(isin[:-1])) == isin[-1]
    assert isin_fault(isin) is None


@pytest.mark.parametrize("place", range(12))
def test_any_single_wrong_digit_is_noticed(place: int) -> None:
    """The check digit is there for that: a digit read wrongly never makes another ISIN of it."""
    isin = "US0378331005"
    for other in "0123456789":
        wrong = isin[:place] + other + isin[place + 1 :]
        assert (isin_fault(wrong) is None) == (wrong == isin)


WRONG = (
    ({"isin": "US0378331006"}, "the check digit of US0378331006 should be 5"),
    ({"isin": "us0378331005"}, "no ISIN"),
    ({"isin": "US037833100"}, "no ISIN"),
    ({"isin": "US0378331005 "}, "no ISIN"),
    ({"isin": ""}, "no ISIN"),
    ({"asset_id": "840"}, "no number from 1000"),
    ({"asset_id": "-5000"}, "no number from 1000"),
    ({"asset_id": "x"}, "no number from 1000"),
    ({"scale": "19"}, "scale"),
    ({"scale": ""}, "scale"),
    ({"scale": "1.5"}, "scale"),
    ({"currency": "XXX"}, "no currency"),
    ({"currency": "DE0007164600"}, "no currency"),
    ({"name": "  "}, "name"),
    ({"valid_from": "1.2.2026"}, "valid_from"),
    ({"valid_until": "2026-02-30"}, "valid_until"),
    ({"valid_until": "1980-12-12"}, "before it begins"),
)


@pytest.mark.parametrize(("change", "said"), WRONG, ids=lambda part: str(part))
def test_a_wrong_line_is_named(change: dict[str, str], said: str) -> None:
    """By its number in the file, with what is wrong in it."""
    with pytest.raises(InstrumentError, match=r"^line 3: ") as caught:
        read_instruments(
            [(2, GOOD), (3, {**GOOD, "asset_id": "100002", "isin": "US5949181045", **change})], ["USD"], {}
        )
    assert said in caught.value.detail


def test_numbers_and_isins_stand_there_once() -> None:
    """Two lines of one number, or of one ISIN, would be two truths about one thing."""
    with pytest.raises(InstrumentError, match="line 3: the number 100001 stands there twice"):
        read_instruments([(2, GOOD), (3, {**GOOD, "isin": "US5949181045"})], ["USD"], {})
    with pytest.raises(InstrumentError, match="line 3: US0378331005 has another number already"):
        read_instruments([(2, GOOD), (3, {**GOOD, "asset_id": "100002"})], ["USD"], {})


@pytest.mark.parametrize(("field", "value"), [("isin", "US5949181045"), ("scale", "2"), ("currency", "EUR")])
def test_what_quantities_are_counted_in_never_changes(field: str, value: str) -> None:
    """Its name and how long it is valid may."""
    known = {
        100001: Instrument(100001, "US0378331005", 0, "USD", "Apple Inc.", date(1980, 12, 12), None),
    }
    (read,) = read_instruments([(2, {**GOOD, "valid_until": "2030-01-01"})], ["USD", "EUR"], known)
    assert (read.name, read.valid_until) == ("Apple Inc. common stock", date(2030, 1, 1))
    with pytest.raises(InstrumentError, match=f"line 2: the {field} of number 100001 is"):
        read_instruments([(2, {**GOOD, field: value})], ["USD", "EUR"], known)


def test_an_instrument_is_valid_from_its_first_day_until_before_its_last() -> None:
    """Half-open, as all periods here."""
    bond = Instrument(100009, "US912810TM09", 2, "USD", "bond", date(2022, 11, 15), date(2052, 11, 15))
    days = (date(2022, 11, 14), date(2022, 11, 15), date(2052, 11, 14), date(2052, 11, 15))
    assert [bond.is_valid(day) for day in days] == [False, True, True, False]


async def test_one_wrong_line_stops_them_all(
    ledger_database: LedgerDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrate names file and line, and the database stays as it was: also what stands before that line."""
    for file in data.FOLDER.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    connection = await asyncpg.connect(ledger_database.owner)
    try:
        before = await connection.fetch("SELECT * FROM transactions.asset ORDER BY asset_id")
        file = tmp_path / "instruments.csv"
        lines = file.read_text().splitlines()
        new = "100010,AU0000XVGZA3,2,USD,Treasury Corporation of Victoria 5 3/4 % 2016,2005-11-15,2016-11-15"
        assert len(lines) == 10
        file.write_text("\n".join([*lines, new, new.replace("XVGZA3", "XVGZA4").replace("100010", "100011")]))
        with pytest.raises(ConfigurationError, match=r"instruments\.csv, line 12: the check digit"):
            await data.load(connection, PARTITIONS)
        assert await connection.fetch("SELECT * FROM transactions.asset ORDER BY asset_id") == before
        file.write_text("\n".join([*lines, new]))
        await data.load(connection, PARTITIONS)
        row = await connection.fetchrow(
            "SELECT code, kind, scale, valid_until FROM transactions.asset"
            " JOIN transactions.instrument USING (asset_id) WHERE code = 'AU0000XVGZA3'"
        )
        assert row == ("AU0000XVGZA3", "security", 2, date(2016, 11, 15))
        held = await connection.fetchval(
            "SELECT count(*) FROM transactions.account WHERE code LIKE '%/AU0000XVGZA3'"
        )
        assert held >= 2, "the house has its accounts in every instrument"
    finally:
        await connection.close()
