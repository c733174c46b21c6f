"""The assets there are: by number and scale those of `assets.csv`, ISO 4217's currencies; others by ISIN.

A firm that has another asset, not an instrument, adds a line to the file.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("assets.csv")


def asset_rows() -> list[dict[str, str]]:
    """Read the file: `asset_id`, `code`, `kind`, `scale` and `name` of each."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def scale_of(code: str) -> int | None:
    """Return the number of decimals of an asset of the file; None where it has none of this code."""
    return _scales().get(code)


@cache
def _scales() -> Mapping[str, int]:
    return {row["code"]: int(row["scale"]) for row in asset_rows()}
