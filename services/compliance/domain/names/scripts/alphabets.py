"""Reads words of scripts that write their vowels: Greek, Cyrillic, Armenian, Georgian, and Latin with marks.

Greek after ELOT 743 (ISO 843, transcription), Armenian and Georgian after ISO 9985 and the national system of
2002 as anyascii has them, but for what is written for one sound with two letters.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.scripts.reading import Word, in_ways, spoken

_CYRILLIC_AS_LATIN: Final = str.maketrans("аеорсухѕіјАВЕЅКМНОРСТУХІЈ", "aeopcyxsijABESKMHOPCTYXIJ")
_GREEK_AS_LATIN: Final = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονκι", "ABEZHIKMNOPTYXovki")
_LATIN_AS_CYRILLIC: Final = str.maketrans("aeopcyxABEKMHOPCTYX", "аеорсухАВЕКМНОРСТУХ")

_GREEK: Final = {
    "ου": "ou", "γγ": "ng", "γξ": "nx", "γχ": "nch", "τζ": "tz", "χ": "ch", "β": "v", "ψ": "ps", "υι": "yi",
}  # fmt: skip
"""Letters that sound together; anyascii takes each alone."""
_GREEK_FOREIGN: Final = {"ντζ": "j", "τζ": "j", "μπ": "b", "ντ": "d", "γκ": "g"}
"""How sounds are written that Greek has no letters for, wherever they stand."""
_GREEK_FIRST: Final = {"μπ": "b", "ντ": "d", "γκ": "g"}
"""What they sound like at the beginning of a word."""
_AV_EV: Final = re.compile(r"([αεη])υ(?=([θκξπσςτφχψ]|$)?)")
"""Before a voiceless letter and at the end `υ` is heard as f, else as v."""

_ARMENIAN: Final = {"ու": "u", "եւ": "ev", "և": "ev", "իա": "ia"}
_ARMENIAN_FIRST: Final = {"ո": "vo", "ե": "ye", "եւ": "yev"}

_MARKS: Final = re.compile(r"[\u0300-\u036f]")
GREEK: Final = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
_ARMENIAN_LETTER: Final = re.compile(r"[\u0531-\u058f]")
_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
_LATIN: Final = re.compile(r"[A-Za-z]")


def alphabetic(word: str) -> str:
    """Read a word of letters; one that mixes scripts is taken for what it looks like."""
    mixes = _LATIN.search(word) is not None
    if _CYRILLIC.search(word):
        word = word.replace("ё", "йо").replace("Ё", "Йо")
        if mixes and _only_looks_latin(word):
            word = word.translate(_CYRILLIC_AS_LATIN)
        elif mixes:
            word = word.translate(_LATIN_AS_CYRILLIC)
    elif GREEK.search(word):
        word = word.translate(_GREEK_AS_LATIN) if mixes else _transcribed(_bare(word), _GREEK_FIRST)
    elif _ARMENIAN_LETTER.search(word):
        word = word.lower()
        first = next((each for each in ("ու", *_ARMENIAN_FIRST) if word.startswith(each)), "")
        word = _ARMENIAN_FIRST.get(first, first) + word[len(first) :]
        for letters, sound in _ARMENIAN.items():
            word = word.replace(letters, sound)
    return anyascii(word)


def read_greek(word: str) -> Word:
    """Return how a word of Greek may be read: as a Greek name, and as one of another language."""
    bare = _bare(word)
    if _LATIN.search(word) is not None or not any(each in bare for each in _GREEK_FOREIGN):
        return in_ways(spoken(alphabetic(word)))
    foreign = bare
    for letters, sound in _GREEK_FOREIGN.items():
        foreign = foreign.replace(letters, sound)
    return in_ways(spoken(alphabetic(word)), spoken(anyascii(_transcribed(foreign, {}))))


def _bare(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.lower())
    # A diaeresis parts two vowels that else are one: "αϋ" is "ay".
    return _MARKS.sub("", decomposed.replace("υ\u0308", "y"))


def _transcribed(word: str, first: Mapping[str, str]) -> str:
    word = first.get(word[:2], word[:2]) + word[2:]
    word = _AV_EV.sub(lambda found: found[1] + ("v" if found[2] is None and not _ends(found) else "f"), word)
    for letters, sound in _GREEK.items():
        word = word.replace(letters, sound)
    return word


def _ends(found: re.Match[str]) -> bool:
    return found.end() == len(found.string)


def _only_looks_latin(word: str) -> bool:
    return not _CYRILLIC.search(word.translate(_CYRILLIC_AS_LATIN))
