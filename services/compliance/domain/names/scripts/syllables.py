"""Reads Sinhala by its consonants, and Ethiopic, in which a sign may have a vowel or none.

Letters after anyascii.
"""

import re
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.scripts.reading import Word, in_ways, of_consonants, spoken

_NO_LETTER: Final = re.compile(r"[^a-z0-9]")


def read_sinhala(word: str) -> Word:
    """Return the consonants of a word."""
    return in_ways(of_consonants(_ascii(word)))


def read_ethiopic(word: str) -> Word:
    """Return how a word may be read."""
    text = _ascii(word)
    return in_ways(spoken(text), of_consonants(text))


def _ascii(word: str) -> str:
    return _NO_LETTER.sub("", anyascii(word).lower())
