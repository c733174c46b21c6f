"""Reads kana after Hepburn; names of other languages in katakana by their consonants, too.

Long vowels are written short, as in passports, and also as they are spelled. Katakana has one letter for r
and l, and one for f and h, and puts vowels between consonants: what it was before is tried in several ways.
"""

import re
from typing import Final

from services.compliance.domain.names.scripts.reading import (
    Word,
    in_ways,
    of_consonants,
    spaced,
    spoken,
)

_KATAKANA_FROM: Final = 0x30A1
_SYLLABLES: Final = spaced("""
    a a i i u u e e o o ka ga ki gi ku gu ke ge ko go sa za shi ji su zu se ze so zo ta da chi ji * tsu zu
    te de to do na ni nu ne no ha ba pa hi bi pi fu bu pu he be pe ho bo po ma mi mu me mo ya ya yu yu yo yo
    ra ri ru re ro wa wa i e o n vu ka ke va vi ve vo
""")
"""From U+30A1 on; `*` doubles the next consonant."""
_SMALL: Final = frozenset("ァィゥェォャュョヮ")
_TO_KATAKANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_DOUBLED: Final = re.compile(r"\*(ch|[bcdfghjkmprstvwyz])?")
_LONG: Final = re.compile(r"ou|oo|uu")
_LAST_RU: Final = re.compile(r"ru(?![aeiou])")
_BARE_FU: Final = re.compile(r"fu(?=[^aeiou])")


def read_kana(word: str) -> Word:
    """Return how a word of kana may be read."""
    katakana = word.translate(_TO_KATAKANA)
    spelled = _spelled(katakana.replace("ー", ""))
    short = spoken(_LONG.sub(lambda found: found[0][0], spelled))
    if katakana != word:
        return in_ways(short, spoken(re.sub(r"n(?=[bmp])", "m", spelled)))
    foreign = _BARE_FU.sub("hu", spelled)
    return in_ways(
        short,
        of_consonants(_LAST_RU.sub("lu", foreign)),
        of_consonants(foreign),
        of_consonants(foreign.replace("r", "l")),
    )


def _spelled(word: str) -> str:
    found: list[str] = []
    for letter in word:
        n = ord(letter) - _KATAKANA_FROM
        if not 0 <= n < len(_SYLLABLES):
            continue
        syllable = _SYLLABLES[n]
        if letter in _SMALL and found and found[-1][-1:] in "iueo":
            found[-1] = _with_small(found[-1], syllable)
        else:
            found.append(syllable)
    text = "".join(found)
    return _DOUBLED.sub(lambda hit: ("t" if hit[1] == "ch" else hit[1][0]) + hit[1] if hit[1] else "", text)


def _with_small(syllable: str, small: str) -> str:
    """Write a syllable with a small letter: "ki" and "ya" are "kya", "shi" and "ya" are "sha"."""
    start = syllable[:-1]
    if not start:
        return "w" + small if syllable == "u" else syllable + small
    return start + small[1:] if small[0] == "y" and start in ("sh", "ch", "j") else start + small
