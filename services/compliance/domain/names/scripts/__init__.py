"""Writes names of any script in Latin letters, in all the ways in which they may be read.

The tables are in the modules beside, each with the system it follows; anyascii has the rest. Some scripts say
less than a name has: Arabic and Hebrew leave vowels out, Thai is spelled otherwise than it is written; such
words are compared by their consonants. Han characters are read as Mandarin. A script that none of the tables
has is compared letter by letter, and told as one that is not known (`has_unknown_letters`).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice, product
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.scripts.abjads import ABJAD, read_abjad
from services.compliance.domain.names.scripts.alphabets import GREEK, alphabetic, read_greek
from services.compliance.domain.names.scripts.han import read_han
from services.compliance.domain.names.scripts.hangul import read_hangul
from services.compliance.domain.names.scripts.indic import INDIC, read_indic
from services.compliance.domain.names.scripts.kana import read_kana
from services.compliance.domain.names.scripts.reading import Reading, Sound, Word
from services.compliance.domain.names.scripts.syllables import read_ethiopic, read_sinhala
from services.compliance.domain.names.scripts.thai import read_thai

READINGS_MAX: Final = 16
"""Of one name, the usual one among them: as many as two words have that may each be read in four ways."""

Written = tuple[str, frozenset[str]]
"""A name in ASCII, and those of its words of which only the consonants count, in lower case."""

_HIDDEN: Final = re.compile(
    r"[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What is not seen: control and format characters, joiners, direction marks, variation selectors."""

_OVERRIDE: Final = re.compile("\u202e([^\u202c\u202d\u202e]*)[\u202c\u202d]?")
"""Text shown from right to left whatever it is: a name stored backwards reads forwards."""

_MAY_BE_PICTURE: Final = re.compile(r"[\u00a1-\u00bf\u2000-\u2bff\u3000-\u303f\U0001f000-\U0001faff]")
"""Blocks of signs and pictures; the one letter that some of them are is kept."""
_SEPARATORS: Final = re.compile(r"[\s,;/·・･‧•\u3000\-‐‑–—_]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_RUNS: Final = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々]+|[\uac00-\ud7a3]+|[\u3040-\u30ff\u31f0-\u31ff]+"
    r"|[^\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々\uac00-\ud7a3\u3040-\u30ff\u31f0-\u31ff]+"
)
"""Scripts without spaces between words."""

_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Word]], ...]] = (
    (ABJAD, read_abjad),
    (GREEK, read_greek),
    (re.compile(r"[\uac00-\ud7a3]"), read_hangul),
    (_HAN, read_han),
    (re.compile(r"[\u3040-\u30ff\u31f0-\u31ff]"), read_kana),
    (INDIC, read_indic),
    (re.compile(r"[\u0d80-\u0dff]"), read_sinhala),
    (re.compile(r"[\u0e00-\u0e7f]"), read_thai),
    (re.compile(r"[\u1200-\u137f]"), read_ethiopic),
)
"""Who reads a word with such a letter; all other words are read by `alphabetic`, in one way."""
_MAY_BE_READ_OTHERWISE: Final = re.compile(
    r"[\u0370-\u03ff\u0590-\u06ff\u0750-\u077f\u0870-\u0dff\u0e00-\u0e7f\u1100-\u137f\u3040-\u30ff\u3130-\u318f"
    r"\u31f0-\u31ff\u3400-\ud7a3\uf900-\ufdff\ufe70-\ufeff\uff66-\uffdc\U00020000-\U0003ffff]"
)

_UNKNOWN: Final = re.compile(
    r"[^\W\d_"
    r"A-Za-z\u00aa-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f"  # Latin
    r"\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f\u1c80-\u1c8f\ua640-\ua69f"  # Greek and Cyrillic
    r"\u0530-\u058f\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f"  # Armenian and Georgian
    r"\u0590-\u06ff\u0750-\u077f\u0870-\u08ff"  # Hebrew and Arabic
    r"\u0900-\u0dff\u0e00-\u0e7f\u1200-\u137f"  # India, Sinhala, Thai and Ethiopia
    r"\u1100-\u11ff\uac00-\ud7a3\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"
    r"|[\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
"""Letters of none of these scripts, and what only those know who agreed on it (private use)."""


def without_hidden(name: str) -> str:
    """Return the name as a reader sees it: overrides of direction carried out, hidden characters gone."""
    if "\u202e" in name:
        name = _OVERRIDE.sub(lambda found: found[1][::-1], name)
    return _HIDDEN.sub("", name)


def latin(name: str) -> Written:
    """Write a name in ASCII as it is usually read."""
    return _written(name)[0]


def otherwise(name: str) -> tuple[Written, ...]:
    """Write a name in the other ways in which it may be read; none for most scripts."""
    return _written(name)[1:] if _MAY_BE_READ_OTHERWISE.search(name) is not None else ()


def has_unknown_letters(name: str) -> bool:
    """Whether a name has letters that are of no script known here, or that nobody can say."""
    if name.isascii():
        return False
    text = unicodedata.normalize("NFKC", without_hidden(name))
    return any(
        unicodedata.category(each) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Co") for each in _UNKNOWN.findall(text)
    ) or any(not anyascii(each) for each in _HAN.findall(text))


@lru_cache(maxsize=1 << 10)
def _written(name: str) -> tuple[Written, ...]:
    """Read each word in each of its ways, the usual ones first; and last all words by their letters."""
    runs = [run for word in _words_of(name) for run in ([word] if word.isascii() else _RUNS.findall(word))]
    words = [word for run in runs if (word := _read(run)).said]
    found = [_as_written(each) for each in islice(product(*[word.said for word in words]), READINGS_MAX)]
    if any(word.letters is not None for word in words):
        found.append(_as_written([word.letters or word.said[0] for word in words]))
    return tuple(dict.fromkeys(found))


def _read(run: str) -> Word:
    if not run.isascii():
        for letter, reader in _READERS:
            if letter.search(run) is not None:
                return reader(run)
        run = alphabetic(run)
    return Word(((Sound(run),),))


def _as_written(words: Iterable[Reading]) -> Written:
    sounds = [sound for word in words for sound in word]
    return (
        " ".join([sound.text for sound in sounds]),
        frozenset([sound.text for sound in sounds if not sound.has_vowels]),
    )


def _words_of(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", without_hidden(name))
    if _MAY_BE_PICTURE.search(text) is not None:
        text = _MAY_BE_PICTURE.sub(_letter_of, text)
    return _SEPARATORS.split(text)


def _letter_of(found: re.Match[str]) -> str:
    """Return a sign as it is where it stands for a letter or a digit; a picture is no word of a name."""
    sign = found[0]
    is_letter = unicodedata.category(sign)[0] in "LN" or len(anyascii(sign)) == 1
    return sign if is_letter else " "
