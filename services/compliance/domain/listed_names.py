"""The names of a list taken apart: the tables in which a search of it looks its candidates up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.names.likeness import Name
from services.compliance.domain.names.parts import folded
from services.compliance.domain.names.spelling import (
    PART_CHARACTERS_MAX,
    Spelled,
    other_spellings,
    spell,
)
from services.compliance.domain.names.words import HALF_NAMES, PARTICLES
from services.compliance.domain.names.words_beside import BUSINESS_WORDS, is_number

RUN_TOGETHER_MIN: Final = 8
"""Letters of a whole name without spaces, below which it may well be a word of its own."""

TELLING_LETTERS_MIN: Final = 4
TELLING_ENTRIES_MAX: Final = 5
"""Letters of a word, at the least, and entries that have it, at the most, where it tells a firm by itself."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A distinct listed name and those who bear it."""

    name: Name
    named: int
    """How many parts are more than forms, titles and particles."""
    weight: float
    """Of those parts together."""
    bearers: tuple[tuple[int, str, bool], ...]
    """Entry, the name as listed, whether weak."""


def distinct_names(
    parties: Sequence[ListedParty],
) -> list[tuple[Spelled, Kind, tuple[tuple[int, str, bool], ...]]]:
    """Return distinct spelled names with the kind of their bearers, and who bears each.

    One in another script is there once for each way in which it may be read.
    """
    found: dict[tuple[Spelled, Kind], list[tuple[int, str, bool]]] = {}
    for entry, party in enumerate(parties):
        for names, is_weak in ((party.names, False), (party.weak_names, True)):
            for name in names:
                for spelled in dict.fromkeys((spell(name), *other_spellings(name))):
                    if spelled.parts:
                        found.setdefault((spelled, party.kind), []).append((entry, name, is_weak))
    return [(spelled, kind, tuple(bearers)) for (spelled, kind), bearers in found.items()]


def bearers_of(borne: Iterable[tuple[str, Sequence[tuple[int, str, bool]]]]) -> dict[str, int]:
    """Return how many entries have each part, in whichever of their names."""
    found: dict[str, set[int]] = {}
    for part, bearers in borne:
        found.setdefault(part, set()).update([entry for entry, _, _ in bearers])
    return {part: len(entries) for part, entries in found.items()}


def postings(spelled: Sequence[tuple[str, ...]]) -> dict[str, frozenset[int]]:
    """Return the names that have a part of each sound."""
    found: dict[str, set[int]] = {}
    for number, parts in enumerate(spelled):
        for part in parts:
            found.setdefault(folded(part), set()).add(number)
    return {sound: frozenset(numbers) for sound, numbers in found.items()}


def by_key(spelled: Sequence[tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the names by their parts in alphabetical order."""
    found: dict[str, tuple[int, ...]] = {}
    for number, parts in enumerate(spelled):
        key = " ".join(sorted(parts))
        found[key] = (*found.get(key, ()), number)
    return found


def joined_neighbours(spelled: Sequence[tuple[str, ...]]) -> dict[str, frozenset[int]]:
    """Return how two neighbouring parts sound when written as one, and the names that have them."""
    found: dict[str, set[int]] = {}
    for number, parts in enumerate(spelled):
        for n in range(len(parts) - 1):
            found.setdefault(folded(parts[n] + parts[n + 1]), set()).add(number)
    return {sound: frozenset(numbers) for sound, numbers in found.items()}


def run_together(spelled: Iterable[Spelled]) -> dict[str, Spelled]:
    """Return names by how they are written without any space, the surname first or last."""
    found: dict[str, Spelled] = {}
    for each in spelled:
        if len(each.parts) < 2:
            continue
        for parts in (each.parts, each.parts[each.surname :] + each.parts[: each.surname]):
            word = "".join(parts)[:PART_CHARACTERS_MAX]
            if len(word) >= RUN_TOGETHER_MIN:
                found.setdefault(word, Spelled(parts, vowelless=each.vowelless))
    return found


def tells_a_firm(part: str, kind: Kind, entries: int) -> bool:
    """Whether the one word of a firm's name tells who is meant: it is long, of few, and for no business."""
    return (
        kind in ("organisation", "unknown")
        and len(part) >= TELLING_LETTERS_MIN
        and entries <= TELLING_ENTRIES_MAX
        and part not in BUSINESS_WORDS
        and not is_number(part)
    )


def often_joined(spelled: Sequence[tuple[str, ...]]) -> set[str]:
    """Return neighbouring parts, written as one, whose former part is often written with the next."""
    return {
        parts[n] + parts[n + 1]
        for parts in spelled
        for n in range(len(parts) - 1)
        if parts[n] in PARTICLES or parts[n] in HALF_NAMES
    }


def identifiers(parties: Iterable[ListedParty]) -> dict[str, tuple[ListedParty, ...]]:
    """Return the entries by each of their identifiers, a BIC by its first eight characters."""
    found: dict[str, tuple[ListedParty, ...]] = {}
    for party in parties:
        for each in party.identifiers:
            key = each[:12] if each.startswith("bic:") else each
            found[key] = (*found.get(key, ()), party)
    return found
