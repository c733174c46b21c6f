"""Ordinary people's names of several cultures: common given and family names, put together by chance.

`ordinary_names.csv` was written down from general knowledge, apart from any list or matcher, to see how often
innocent people alert.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

TABLE: Final = Path(__file__).with_name("ordinary_names.csv")
MIDDLE_SHARE: Final = 0.25
"""Of people who give a second given name."""


def people() -> dict[str, tuple[list[str], list[str]]]:
    """Return given names and family names by culture."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {culture: (given.split(), family.split()) for culture, given, family in rows}


def ordinary_people(seed: int) -> Iterator[str]:
    """Draw names without end, each culture as often as the others; some with a second given name.

    Common names come again, as among people.
    """
    rng = Random(f"ordinary names {seed}")
    cultures = list(people().values())
    while True:
        given, family = rng.choice(cultures)
        names = [rng.choice(given)]
        if rng.random() < MIDDLE_SHARE:
            names.append(rng.choice(given))
        yield " ".join([*dict.fromkeys(names), rng.choice(family)])


def ordinary_names(count: int, seed: int) -> list[str]:
    """Draw so many names that all differ."""
    found: dict[str, None] = {}
    for name in ordinary_people(seed):
        found[name] = None
        if len(found) == count:
            break
    return list(found)
