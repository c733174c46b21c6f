"""Assets, instruments, entities, chart of accounts, posting rules and policies, loaded by migrate.

They are `shared/assets.csv` and the `.csv` files in `data/`. Loading again changes nothing but what the files
change; nothing is ever deleted: an instrument, a class, a rule or a policy ends by its `valid_until`, from
which day on another rule may hold. A class that has ended takes no new accounts; those there are go on.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from services.transactions.domain.chart import ScreeningPolicy
from services.transactions.domain.instruments import Instrument, InstrumentError, read_instruments
from services.transactions.store import Connection, chart
from shared.assets import asset_rows
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.money import parse_signed
from shared.runtime.errors import ConfigurationError

FOLDER: Final = Path(__file__).with_name("data")

EVERY_INSTRUMENT: Final = "instruments"
"""In `house_accounts.csv`, in place of an asset: the house has these accounts in every instrument."""


_CHANNELS: Final = "branch|atm|card|online|mobile|api|file|internal"
_CONDITIONS: Final = {
    "risk_class": re.compile("low|medium|high").fullmatch,
    "country": re.compile("[A-Z]{2}").fullmatch,
    "channel": re.compile(_CHANNELS).fullmatch,
}
"""What the conditions of a screening policy may be, in their order."""


async def load(owner_connection: Connection, partitions: int) -> None:
    """Bring the schema's data up to what the files say. Run as the owner of the schema.

    Raises `ConfigurationError` with file and line for an instrument that is wrong, or a posting rule whose
    days overlap another's or are not those of its class; nothing is loaded then.
    """
    see_dates(_lines("account_classes"), _lines("posting_rules"))
    assets = asset_rows()
    scales = {row["code"]: int(row["scale"]) for row in assets if row["kind"] == "currency"}
    async with owner_connection.transaction():
        instruments = _instruments(scales, await chart.instruments(owner_connection))
        await chart.save_assets(
            owner_connection,
            [
                (int(row["asset_id"]), row["code"], row["kind"], int(row["scale"]), row["name"])
                for row in assets
            ]
            + [(each.asset_id, each.isin, "security", each.scale, each.name) for each in instruments],
        )
        await chart.save_instruments(owner_connection, instruments)
        await chart.save_entities(
            owner_connection,
            [
                (int(row["entity_id"]), row["code"], row["name"], _day(row["first_booking_date"]))
                for row in _rows("entities")
            ],
        )
        await chart.save_classes(
            owner_connection,
            [
                (
                    row["class"],
                    row["name"],
                    row["holder"],
                    row["statement"],
                    row["parent"] or None,
                    _day(row["valid_from"]),
                    _day_or_none(row["valid_until"]),
                )
                for row in _rows("account_classes")
            ],
        )
        await chart.save_rules(
            owner_connection,
            [
                (
                    row["entity"],
                    row["instruction_type"],
                    row["condition"],
                    row["house_class"],
                    _day(row["valid_from"]),
                    _day_or_none(row["valid_until"]),
                )
                for row in _rows("posting_rules")
            ],
        )
        await chart.save_policies(
            owner_connection,
            [
                (
                    row["entity"],
                    row["instruction_type"],
                    row["asset"],
                    policy,
                    _day(row["valid_from"]),
                    _day_or_none(row["valid_until"]),
                )
                for row, policy in read_policies(_lines("screening_policies"), scales)
            ],
        )
        await chart.save_trade_policies(
            owner_connection,
            [
                (row["entity"], row["policy"], _day(row["valid_from"]), _day_or_none(row["valid_until"]))
                for row in _rows("trade_policies")
            ],
        )
        await chart.save_house_accounts(
            owner_connection,
            shard_of(HOUSE, partitions),
            [
                (row["entity"], name, asset)
                for row in _rows("house_accounts")
                for asset in (
                    [each.isin for each in instruments]
                    if row["asset"] == EVERY_INSTRUMENT
                    else [row["asset"]]
                )
                for name in row["classes"].split()
            ],
        )


def see_dates(
    classes: Iterable[tuple[int, Mapping[str, str]]], rules: Iterable[tuple[int, Mapping[str, str]]]
) -> None:
    """See that on every day one posting rule at most holds for each purpose, and its house class with it.

    Takes the rows of both files with their lines; raises `ConfigurationError`.
    """
    days = {row["class"]: _days(row) for _, row in classes}
    earlier: dict[tuple[str, str, str], list[tuple[int, date, date]]] = {}
    for line, row in rules:
        since, until = _days(row)
        place = f"posting_rules.csv, line {line}"
        if since >= until:
            raise ConfigurationError(f"{place}: it would hold on no day at all")
        of_class = days.get(row["house_class"])
        if of_class is None or not of_class[0] <= since < until <= of_class[1]:
            raise ConfigurationError(f"{place}: there is no class {row['house_class']} on all of its days")
        others = earlier.setdefault((row["entity"], row["instruction_type"], row["condition"]), [])
        for other, began, ended in others:
            if since < ended and began < until:
                raise ConfigurationError(f"{place}: line {other} holds on some of its days; end that first")
        others.append((line, since, until))


def read_policies(
    rows: Iterable[tuple[int, Mapping[str, str]]], scales: Mapping[str, int]
) -> list[tuple[Mapping[str, str], ScreeningPolicy]]:
    """Read what is screened before it is posted; takes the file's rows with their lines.

    Several values of a condition stand beside each other. Raises `ConfigurationError` for a value that no
    instruction or customer has, since what it asks for would never be screened.
    """
    found: list[tuple[Mapping[str, str], ScreeningPolicy]] = []
    for line, row in rows:
        place = f"screening_policies.csv, line {line}"
        conditions: list[tuple[str, ...]] = []
        for name, may_be in _CONDITIONS.items():
            values = tuple(sorted(row[name].split()))
            odd = [each for each in values if may_be(each) is None]
            if odd:
                raise ConfigurationError(f"{place}: {name} cannot be {odd[0]}")
            conditions.append(values)
        hours = row["deadline_hours"]
        if hours and not (hours.isdecimal() and int(hours)):
            raise ConfigurationError(f"{place}: deadline_hours is a whole number of hours")
        amount_from = parse_signed(row["amount_from"], scales[row["asset"]])
        risk_classes, countries, channels = conditions
        policy = ScreeningPolicy(
            amount_from, risk_classes, countries, channels, int(hours) if hours else None, row["told"]
        )
        found.append((row, policy))
    return found


def _days(row: Mapping[str, str]) -> tuple[date, date]:
    return _day(row["valid_from"]), _day_or_none(row["valid_until"]) or date.max


def _instruments(currencies: Iterable[str], known: Mapping[int, Instrument]) -> list[Instrument]:
    try:
        return read_instruments(_lines("instruments"), currencies, known)
    except InstrumentError as error:
        raise ConfigurationError(f"instruments.csv, {error}; mend it and run `backoffice migrate`") from None


def _rows(name: str) -> list[dict[str, str]]:
    return [row for _, row in _lines(name)]


def _lines(name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a file's rows, each with the number of its line."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            yield reader.line_num, row


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _day_or_none(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
