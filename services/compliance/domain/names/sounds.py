"""How a part of a name sounds, roughly: what different spellings and romanisations of it have in common."""

import re
from typing import Final

_FOLDS: Final = {
    "shch": "s", "tsch": "c", "sch": "s", "tch": "c", "tsh": "c", "dzh": "j", "dsh": "j", "you": "iu",
    "sh": "s", "ch": "c", "cz": "c", "tz": "ts", "zh": "j", "dj": "j", "kh": "h", "gh": "g", "dh": "d",
    "th": "t", "ph": "f", "bh": "b", "rh": "r", "ck": "k", "qu": "k", "q": "k", "x": "ks", "w": "v",
    "ou": "u", "oo": "u", "ee": "i", "ei": "ai", "ey": "ai", "oe": "o", "ue": "u", "ae": "e", "eo": "o",
    "iy": "i", "ij": "i", "yi": "i", "ye": "e", "ie": "e", "yo": "e", "y": "i", "ce": "se", "ci": "si",
    "cy": "si", "c": "k",
}  # fmt: skip
"""Letters, and what they are heard as; the longest first."""

_FOLD: Final = re.compile(
    "|".join(sorted(_FOLDS, key=len, reverse=True)).replace("|qu|", "|qu(?=[ei])|"),
)
"""In `qu` the vowel is heard but in Quesada and Quito: Quds, Qureshi and Quan are Kuds, Kureshi and Kuan."""
_FOLDED: Final = _FOLDS.__getitem__
_SERVANT: Final = re.compile(r"^(?:[aeou]{0,2}[lrs](?![aeiou]$)|[aeou]{1,2}$)")
"""The vowel and the article after `Abd`, which is spelled in a dozen ways: Abdul, Abdel, Abdur, Abdal."""
_DOUBLED: Final = re.compile(r"(.)\1+")
_END: Final = re.compile(r"(?:(?<=[aeiou])h|(?<=i)i)$")
_ENDINGS: Final = (("off", "ov"), ("eff", "ev"), ("ez", "es"), ("iz", "is"), ("c", "k"))
_VOWELS: Final = str.maketrans("", "", "aeiouyw'")


def fold(part: str) -> str:
    """Return how a part sounds: letters that are written for one another in one spelling, none doubled."""
    if part.startswith("abd"):
        part = "abd" + _SERVANT.sub("", part[3:])
    folded = _FOLD.sub(lambda found: _FOLDED(found[0]), part)
    for ending, sound in _ENDINGS:
        if folded.endswith(ending):
            folded = folded[: -len(ending)] + sound
            break
    folded = _DOUBLED.sub(r"\1", folded)
    return _END.sub("", folded) if len(folded) > 3 else folded


def skeleton(folded: str) -> str:
    """Return the consonants of a folded part, with a mark where it begins with a vowel."""
    bare = folded.translate(_VOWELS)
    return "'" + bare if folded[:1] in "aeiou" else bare


_CODES: Final = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556")


def soundex(part: str) -> str:
    """Return the American Soundex code of a part: a letter and three digits.

    The rules of the US National Archives: letters of one code side by side, or with `h` or `w` between
    them, count once; a vowel between them separates.
    """
    letters = [each for each in part if each.isalpha() and each.isascii()]
    if not letters:
        return ""
    code = letters[0].upper()
    last = letters[0].translate(_CODES)
    for letter in letters[1:]:
        digit = letter.translate(_CODES)
        if digit.isdigit():
            if digit != last:
                code += digit
            last = digit
        elif letter not in "hw":
            last = ""
    return (code + "000")[:4]
