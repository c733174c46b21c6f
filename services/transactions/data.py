"""The chart of accounts, assets, entities, posting rules and screening policies, loaded by migrate.

They are the `.csv` files in `data/`. Loading again changes nothing but what the files change; nothing is
ever deleted: a rule or policy ends by its `valid_until`.
"""

import csv
from datetime import date
from pathlib import Path
from typing import Final

from services.transactions.store import Connection, chart
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.money import parse_signed

FOLDER: Final = Path(__file__).with_name("data")


async def load(owner_connection: Connection, partitions: int) -> None:
    """Bring the schema's data up to what the files say. Run as the owner of the schema."""
    assets = _rows("assets")
    scales = {row["code"]: int(row["scale"]) for row in assets}
    async with owner_connection.transaction():
        await chart.save_assets(
            owner_connection,
            [
                (int(row["asset_id"]), row["code"], row["kind"], int(row["scale"]), row["name"])
                for row in assets
            ],
        )
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
                    parse_signed(row["amount_from"], scales[row["asset"]]),
                    _day(row["valid_from"]),
                    _day_or_none(row["valid_until"]),
                )
                for row in _rows("screening_policies")
            ],
        )
        await chart.save_house_accounts(
            owner_connection,
            shard_of(HOUSE, partitions),
            [
                (row["entity"], name, row["asset"])
                for row in _rows("house_accounts")
                for name in row["classes"].split()
            ],
        )


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _day_or_none(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
