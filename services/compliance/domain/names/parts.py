"""How alike two parts of names are, and in what: by sound, by known variants, by letters."""

from functools import lru_cache
from typing import Final, Literal

from rapidfuzz.distance.OSA import distance as osa_distance

from services.compliance.domain.names.sounds import fold, skeleton
from services.compliance.domain.names.words import CANONICAL, HALF_NAMES

How = Literal["equal", "sound", "variant", "joined", "slip", "letters", "vowels", "consonants", "initial"]

SOUND: Final = 0.98
VARIANT: Final = 0.95
CONSONANTS: Final = 0.92
VOWELS: Final = 0.80
INITIAL: Final = 0.60
"""What parts score that are not spelled alike but sound so, are spellings of one name, have the same
consonants where no vowels are known, differ in vowels only, or of which one is an initial."""

SLIP: Final = 0.8
"""What a letter left out, doubled or swapped with the next costs: the commonest slips (Damerau 1964)."""
OTHER_LETTER: Final = 1.2
"""What another letter costs: more often another name than a slip."""
SOUND_SLIPS_FROM: Final = 6
"""Letters from which on parts may differ by a slip in how they sound."""
OTHER_LETTER_FROM: Final = 6
"""Letters from which on one of them may be another one; short names that differ so are different names."""
MORE_SLIPS_FROM: Final = 7
"""Letters from which on a part may have two slips."""
BONES_MIN: Final = 4
"""Consonants from which on parts that differ in vowels only are alike."""
CONSONANTS_WITH_SLIP_MIN: Final = 3
"""Consonants from which on parts without vowels may have a slip."""
JOINED_FROM: Final = 5
"""Letters from which on two parts may be one that is written in two."""
PART_SCORE_MIN: Final = 0.6
"""Parts that score less are two different parts."""


@lru_cache(maxsize=1 << 17)
def part_likeness(part: str, listed: str) -> tuple[float, How | None]:
    """Return how alike two parts are, and in what; 0 and None where they are two different parts."""
    if part == listed:
        return 1.0, "equal"
    if part.isdigit() or listed.isdigit():
        return 0.0, None
    if len(part) == 1 or len(listed) == 1:
        return (INITIAL, "initial") if part[0] == listed[0] else (0.0, None)
    sound, listed_sound = folded(part), folded(listed)
    if sound == listed_sound:
        return SOUND, "sound"
    canonical, listed_canonical = CANONICAL.get(part), CANONICAL.get(listed)
    if (canonical or part) == (listed_canonical or listed):
        return VARIANT, "variant"
    score, how = by_letters(part, listed)
    if part in HALF_NAMES or listed in HALF_NAMES:
        # "Abboud" sounds like "Abu" and "Abdul" with a slip, and is neither.
        return (score, how) if score >= PART_SCORE_MIN else (0.0, None)
    if max(len(part), len(listed)) >= SOUND_SLIPS_FROM:
        score, how = max((score, how), by_letters(sound, listed_sound))
    are_two_names = canonical is not None and listed_canonical is not None
    if score < VOWELS and not are_two_names and _differ_in_vowels(sound, listed_sound):
        return VOWELS, "vowels"
    return (score, how) if score >= PART_SCORE_MIN else (0.0, None)


def consonant_likeness(consonants: str, listed: str) -> tuple[float, How | None]:
    """Return how alike a part without vowels is to one with them, or without."""
    if consonants == listed:
        return 1.0, "equal"
    bones, others = consonants_of(consonants), consonants_of(listed)
    if len(bones) > 1 and bones == others:
        return CONSONANTS, "consonants"
    if min(len(bones), len(others)) < CONSONANTS_WITH_SLIP_MIN:
        return 0.0, None
    score, how = by_letters(bones, others)
    return (score, how) if score >= PART_SCORE_MIN and how == "slip" else (0.0, None)


def consonants_of(part: str) -> str:
    """Return the consonants of a part as scripts without vowels tell them apart, which is not `b p v f`."""
    return consonants_in(folded(part))


def consonants_in(sound: str) -> str:
    """Return `consonants_of` a part of which it is known how it sounds."""
    return skeleton(sound).lstrip("'").translate(_LIP_SOUNDS)


_LIP_SOUNDS: Final = str.maketrans("pvf", "bbb")


@lru_cache(maxsize=1 << 18)
def folded(part: str) -> str:
    """Return `fold` of a part, remembered."""
    return fold(part)


def by_letters(one: str, other: str) -> tuple[float, How]:
    """Score two words by the letters in which they differ, and how long they are; 0 beyond what is a slip."""
    longest = max(len(one), len(other))
    bound = 1 if longest < MORE_SLIPS_FROM else 2
    edits = osa_distance(one, other, score_cutoff=bound)
    if edits > bound:
        return 0.0, "letters"
    if len(one) != len(other) or sorted(one) == sorted(other):
        return 1.0 - SLIP * edits / longest, "slip" if edits < 2 else "letters"
    if longest < OTHER_LETTER_FROM:
        return 0.0, "letters"
    return 1.0 - (OTHER_LETTER + SLIP * (edits - 1)) / longest, "letters"


def _differ_in_vowels(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    bones = skeleton(one)
    return bones == skeleton(other) and len(bones.lstrip("'")) >= BONES_MIN
