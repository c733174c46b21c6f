"""Reads the scripts of India after Hunter's system, in which its government spells names.

Nine scripts have the same letters in the same places of their Unicode blocks (after ISCII, IS 13194:1991), so
one table reads them. Every consonant has an `a` unless a vowel or a stroke stands with it; languages of the
North do not say it at the end of a word, nor between a vowel and a consonant with another vowel. Tamil
has one letter for k and g, t and d, p and b: it sounds hard at the beginning and where doubled, else soft.
"""

import re
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.scripts.reading import (
    Word,
    in_ways,
    of_consonants,
    spaced,
    spoken,
)

INDIC: Final = re.compile(r"[\u0900-\u0d7f]")
_BLOCK: Final = 0x80
_ORIYA: Final = 0x0B00
_TAMIL: Final = 0x0B80
_SOUTHERN: Final = range(0x0B80, 0x0D80)
_FIRST_CONSONANT: Final = 0x15

_CONSONANTS: Final = spaced("""
    k kh g gh n ch ch j jh n t th d dh n t th d dh n n p ph b bh m y r r l l zh v sh sh s h
""")
"""From 15 on within a block, to 39."""
_WITH_POINT: Final = {
    "k": "q", "kh": "kh", "g": "gh", "j": "z", "d": "r", "dh": "rh", "ph": "f", "y": "y", "jh": "zh",
}  # fmt: skip
_VOWELS: Final = {
    0x05: "a", 0x06: "a", 0x07: "i", 0x08: "i", 0x09: "u", 0x0A: "u", 0x0B: "ri", 0x0D: "e", 0x0E: "e",
    0x0F: "e", 0x10: "ai", 0x11: "o", 0x12: "o", 0x13: "o", 0x14: "au", 0x60: "ri",
}  # fmt: skip
_SIGNS: Final = {
    0x3E: "a", 0x3F: "i", 0x40: "i", 0x41: "u", 0x42: "u", 0x43: "ri", 0x45: "e", 0x46: "e", 0x47: "e",
    0x48: "ai", 0x49: "o", 0x4A: "o", 0x4B: "o", 0x4C: "au", 0x57: "au",
}  # fmt: skip
_NASALS: Final = (0x01, 0x02, 0x70)
_M_AT_NASALS: Final = (0x0C00, 0x0C80, 0x0D00)
"""Telugu, Kannada and Malayalam."""
_NUKTA: Final = 0x3C
_STROKE: Final = 0x4D
_DOUBLES_NEXT: Final = 0x71
_CHILLU: Final = {0x0D7A: "n", 0x0D7B: "n", 0x0D7C: "r", 0x0D7D: "l", 0x0D7E: "l", 0x0D7F: "k"}
_BENGALI_Y: Final = "\u09af"
"""It sounds as j at the beginning of a syllable, and as y with a point or after a stroke."""

_KNOWN: Final = {
    "सिंह": "singh", "सिंग": "singh", "ਸਿੰਘ": "singh", "સિંહ": "singh", "সিংহ": "singh", "शेख": "sheikh",
    "शेख़": "sheikh", "শেখ": "sheikh", "मोहम्मद": "muhammad", "मुहम्मद": "muhammad",
    "মোহাম্মদ": "muhammad", "মুহাম্মদ": "muhammad", "মোঃ": "muhammad", "ਮੁਹੰਮਦ": "muhammad", "अहमद": "ahmad",
    "আহমেদ": "ahmed", "হোসেন": "hossain", "श्री": "shri", "चौधरी": "chaudhary", "চৌধুরী": "chowdhury",
}  # fmt: skip
"""Names that are spelled otherwise than they are written, and everywhere the same."""

INHERENT: Final = "A"
"""The `a` that is not written, until it is known whether it is heard."""
_ONE: Final = "(?:ch|sh|kh|gh|jh|th|dh|ph|bh|zh|rh|[bcdfghjklmnpqrstvyz])"
_LAST_OF_ONE: Final = re.compile(rf"(?<=[aeiouA])({_ONE})A$")


def read_indic(word: str) -> Word:
    """Return how a word may be read."""
    known = _KNOWN.get(word)
    if known is not None:
        return in_ways(spoken(known))
    block = ord(INDIC.findall(word)[0]) & ~(_BLOCK - 1)
    letters = _letters(word)
    if block == _TAMIL:
        said, hard = _tamil(letters), letters.replace("ch", "s")
        return in_ways(spoken(_heard(said)), of_consonants(_heard(hard)), of_consonants(_heard(said)))
    ended = letters if block in _SOUTHERN or block == _ORIYA else _LAST_OF_ONE.sub(r"\1", letters)
    text = _heard(ended if ended is letters else _without_silent(ended))
    found = [spoken(text), of_consonants(text)]
    if "j" in text:
        found.insert(1, spoken(text.replace("j", "z")))
    return in_ways(*found)


def _heard(text: str) -> str:
    return text.replace(INHERENT, "a")


def _without_silent(text: str) -> str:
    """Leave out what is not heard within a word, from its end to its beginning."""
    place = len(text)
    while place > 0:
        place = text.rfind(INHERENT, 0, place)
        if place < 0:
            break
        before, after = text[:place], text[place + 1 :]
        if re.search(rf"[aeiouA]{_ONE}$", before) and re.match(rf"{_ONE}[aeiouA]", after):
            text = before + after
    return text


def _letters(word: str) -> str:
    """Write a word in Latin letters, with `INHERENT` wherever a vowel is not written."""
    found: list[str] = []
    doubles = False
    before = ""
    for letter in word:
        code = ord(letter)
        place = code % _BLOCK
        block = code - place
        if code in _CHILLU:
            found.append(_CHILLU[code])
        elif not 0x0900 <= code < 0x0D80 or letter.isdigit():
            found.append(anyascii(letter).lower())
        elif 0 <= place - _FIRST_CONSONANT < len(_CONSONANTS):
            sound = _CONSONANTS[place - _FIRST_CONSONANT]
            if letter == _BENGALI_Y:
                sound = "y" if before and ord(before) % _BLOCK == _STROKE else "j"
            found += [sound[0] + sound if doubles else sound, INHERENT]
            doubles = False
        elif place == _NUKTA and len(found) > 1:
            found[-2] = "y" if before == _BENGALI_Y else _WITH_POINT.get(found[-2], found[-2])
        elif place in _SIGNS or place == _STROKE:
            _put_vowel(found, _SIGNS.get(place, ""))
        elif place in _NASALS:
            found.append("m" if block in _M_AT_NASALS else "n")
        elif place == _DOUBLES_NEXT:
            doubles = True
        elif place in _VOWELS:
            found.append(_VOWELS[place])
        before = letter
    return "".join(found).replace("jn" + INHERENT, "gy" + INHERENT)


def _put_vowel(found: list[str], vowel: str) -> None:
    if found and found[-1] == INHERENT:
        found[-1] = vowel
    else:
        found.append(vowel)


_TAMIL_SOFT: Final = {"k": "g", "ch": "s", "t": "d", "p": "b"}
_TAMIL_STOP: Final = re.compile(r"(ch|[kptrn])?(ch|k|t|p)(?=(.?))")


def _tamil(text: str) -> str:
    """Make stops soft between vowels and after nasals."""

    def softened(found: re.Match[str]) -> str:
        before, stop = found[1] or "", found[2]
        if before == stop or before in ("k", "p", "t", "ch", "r"):
            return before + stop
        is_within = before == "n" or (found.start() > 0 and text[found.start() - 1] in "aeiouAmnlryv")
        if not is_within:
            return before + ("s" if stop == "ch" and not before else stop)
        return before + ("j" if stop == "ch" and before == "n" else _TAMIL_SOFT[stop])

    return _TAMIL_STOP.sub(softened, text)
