"""How rare a part of a name is on a list: what it weighs in a comparison, and how much it tells."""

from collections.abc import Iterable, Sequence
from math import log
from typing import Final

from services.compliance.domain.listed_names import bearers_of
from services.compliance.domain.names.parts import folded

ENTRIES_MIN: Final = 10_000
"""A list is reckoned to have so many entries at least when it is judged how rare a part is."""
UNLISTED: Final = 0.7
"""In nats: how much more a part tells that no entry has than one that a single entry has."""
LETTER: Final = 0.4
"""In nats: how much more each of its letters from the sixth on tells: long words are rare by themselves."""
WEIGHT_MIN: Final = 0.35
"""Of a part that every entry has in a name; one that a single entry has weighs 1."""
_UNLISTED_WEIGHTS: Final = (0.0, 0.3, 0.6, 0.85)
"""Of a part that no listed name has, by its letters; 1 from four letters on: short ones tell less."""


class Rarity:
    """How many entries of a list have each part in their names."""

    def __init__(
        self, borne: Iterable[tuple[Sequence[str], Sequence[tuple[int, str, bool]]]], entries: int
    ) -> None:
        """Count the parts of distinct names, each with who bears it."""
        borne = tuple(borne)
        self.log_entries = log(max(entries, ENTRIES_MIN))
        self.parts = bearers_of((part, bearers) for parts, bearers in borne for part in parts)
        """Entries by part."""
        self.sounds = bearers_of((folded(part), bearers) for parts, bearers in borne for part in parts)
        """Entries by how their parts sound."""

    def weight(self, entries: int) -> float:
        """Return what a part weighs that so many entries have in their names."""
        return WEIGHT_MIN + (1.0 - WEIGHT_MIN) * (1.0 - log(entries) / self.log_entries)

    def own_weight(self, part: str) -> float:
        """Return what a part weighs by itself: by how many entries have one that sounds so."""
        entries = self.sounds.get(folded(part))
        return self.weight(entries) if entries is not None else _unlisted_weight(part)

    def weights_of(self, parts: Sequence[str], light: Sequence[float | None]) -> tuple[float, ...]:
        """Return what each part weighs: what is light by its meaning as that says, else by itself."""
        return tuple(
            [self.own_weight(part) if each is None else each for part, each in zip(parts, light, strict=True)]
        )

    def tells_alone(self, part: str) -> float:
        """Return how much it tells that a name has just this part."""
        entries = self.parts.get(part)
        if entries is None:
            return self.log_entries + UNLISTED + LETTER * max(0, len(part) - 5)
        return self.log_entries - log(entries)


def _unlisted_weight(part: str) -> float:
    return _UNLISTED_WEIGHTS[len(part)] if len(part) < len(_UNLISTED_WEIGHTS) else 1.0
