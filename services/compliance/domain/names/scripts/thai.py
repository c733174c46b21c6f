"""Reads Thai by its consonants: vowels stand around them, mostly unlike how people spell their names.

Sounds of letters after the Royal Thai General System (1999), which are others where a syllable ends. Families
spell their names as they sound, as they are written, or as the Sanskrit words that they come from, so all are
tried.
"""

import re
from typing import Final

from services.compliance.domain.names.scripts.reading import Word, in_ways, of_letters, spaced, spoken

_FIRST: Final = dict(
    zip(
        "กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลวศษสหฬฮ",
        spaced("""
            k kh kh kh kh kh ng ch ch ch s ch y d t th th th n d t th th th n b p ph f ph f ph m y r ri l w
            s s s h l h
        """),
        strict=True,
    )
)
_LAST: Final = dict(zip("จชซฌฎฏฐฑฒดถทธศษสญรลฬบพฟภขคฆ", "ttttttttttttttttnnnnppppkkk", strict=True))
"""What others sound as at the end of a syllable."""
_SOFT: Final = {"จ": "j", "ข": "k", "ค": "k", "ฆ": "k"}
"""What many write for letters that the system spells ch and kh."""
_SANSKRIT: Final = {
    "ค": "g", "ฆ": "gh", "จ": "j", "ช": "j", "ฑ": "d", "ฒ": "dh", "ท": "d", "ธ": "dh", "พ": "b", "ภ": "bh",
    "ว": "v", "บ": "b",
}  # fmt: skip
"""What letters stood for in the words that names are made of, as many families spell them."""
_NAMES: Final = {"ชินวัตร": "shinawatra", "ไทย": "thai", "จันทร์": "chan"}

_VOWEL: Final = "ะัาิีึืฺุู็"
_MUTE: Final = re.compile(r"ทร์|[ก-ฮ][ิุ]?์")
"""A letter with the sign that says it is not heard."""
_LOW: Final = re.compile(r"ห(?=[งญนมยรลว])")
"""It only gives the tone of the next letter."""
_TONES: Final = re.compile(r"[็-์ํ๎]")
_AS_VOWEL: Final = re.compile(rf"(?<=[ก-ฮ])ว(?=[ก-ฮ](?![{_VOWEL}]))")
"""Between two consonants it is the vowel ua."""
_TITLE: Final = re.compile(r"^(?:นางสาว|นาง|นาย|น\.ส\.)(?=..)")
"""Miss, Mrs and Mr are written with the name."""
_ENDS: Final = re.compile(rf"(?<=[{_VOWEL}])[ก-ฮ](?![{_VOWEL}])|[ก-ฮ]$")
"""A consonant after a vowel and before none ends a syllable."""


def read_thai(word: str) -> Word:
    """Return how a word may be read: by its letters, by their sounds, with j for ch, and as from Sanskrit."""
    word = _TITLE.sub("", word)
    if word in _NAMES:
        return in_ways(spoken(_NAMES[word]))
    word = _LOW.sub("", _MUTE.sub("", word)).replace("ำ", "ัม").replace("รร", "ัน")
    word = _TONES.sub("", word)
    word = _AS_VOWEL.sub("", word)
    word = _ENDS.sub(lambda found: "น" if found[0] == "ญ" else found[0], word)
    ends = {found.start() for found in _ENDS.finditer(word)}
    letters = [(n, each) for n, each in enumerate(word) if each in _FIRST]
    return in_ways(
        of_letters([_FIRST[each] for _, each in letters]),
        of_letters(
            [
                (_LAST.get(each) if n in ends else None) or _SOFT.get(each) or _FIRST[each]
                for n, each in letters
            ]
        ),
        of_letters([_SOFT.get(each) or _FIRST[each] for _, each in letters]),
        of_letters([_SANSKRIT.get(each) or _FIRST[each] for _, each in letters]),
    )
