"""What a word of another script is read as: Latin letters, and whether its vowels are among them."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

SYLLABLE: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Between two syllables as anyascii writes them."""


class Sound(NamedTuple):
    """A part of a name in lower-case Latin letters."""

    text: str
    has_vowels: bool = True
    """Else only its consonants count, whatever vowels it has."""


Reading = tuple[Sound, ...]
"""One way to read a written word; several parts where it has several."""


class Word(NamedTuple):
    """A written word in all the ways in which it may be read, the usual one first."""

    said: tuple[Reading, ...]
    letters: Reading | None = None
    """Letter by letter, as nobody says it: two names of one script can be compared by it, with slips."""


def spaced(text: str) -> tuple[str, ...]:
    """Return a table that is written with spaces between its places; `-` stands for nothing."""
    return tuple(["" if each == "-" else each for each in text.split()])


def spoken(*texts: str) -> Reading:
    """Return a reading of parts that have their vowels."""
    return tuple([Sound(text) for text in texts if text])


def of_consonants(text: str) -> Reading:
    """Return a reading of one part that counts by its consonants; a number is what it is."""
    return (Sound(text, has_vowels=text.isdigit()),) if text else ()


def of_letters(sounds: Iterable[str]) -> Reading:
    """Return a reading by consonants of letters that sound each by itself, so that k and h are no kh."""
    return of_consonants("a".join([each for each in sounds if each]))


def in_ways(*readings: Reading) -> Word:
    """Return a word that may be read in these ways, each once."""
    return Word(tuple(dict.fromkeys([each for each in readings if each])))
