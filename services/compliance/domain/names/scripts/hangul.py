"""Reads Hangul in three systems: as lists spell names from the North, and in two ways from the South.

After McCune and Reischauer (1939) as Pyongyang spells names; the Revised Romanization (Ministry of Culture
and Tourism, 2000-8); and the spellings that people choose for themselves. No sounds are assimilated between
syllables of a name, which the Revised Romanization has so, too.
"""

from typing import Final

from services.compliance.domain.names.scripts.reading import Reading, Word, in_ways, spaced, spoken

_FIRST_HANGUL: Final = 0xAC00
_VOWELS_COUNT: Final = 21
_FINALS_COUNT: Final = 28

_FINALS: Final = spaced("- k k k n n n t l k m l l l p l m p p t t ng t t k t p t")

_NORTH: Final = (
    spaced("k kk n t tt r m p pp s ss - j jj ch kh th ph h"),
    spaced("a ae ya yae o e yo ye o wa wae oe yo u wo we wi yu u ui i"),
)
_REVISED: Final = (
    spaced("g kk n d tt r m b pp s ss - j jj ch k t p h"),
    spaced("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"),
)
_CHOSEN: Final = (
    spaced("k kk n d tt r m b pp s ss - j jj ch k t p h"),
    spaced("a ae ya yae u e yu ye o wa wae oe yo u wo we wi yu eu ui i"),
)

_NORTHERN_SURNAMES: Final = {
    "김": "kim", "이": "ri", "리": "ri", "박": "pak", "최": "choe", "정": "jong", "강": "kang", "조": "jo",
    "윤": "yun", "장": "jang", "임": "im", "림": "rim", "한": "han", "오": "o", "서": "so", "신": "sin",
    "권": "kwon", "황": "hwang", "안": "an", "송": "song", "류": "ryu", "유": "yu", "전": "jon", "홍": "hong",
    "고": "ko", "문": "mun", "양": "yang", "량": "ryang", "손": "son", "배": "pae", "백": "paek", "허": "ho",
    "노": "no", "로": "ro", "주": "ju", "현": "hyon", "태": "thae", "곽": "kwak", "남": "nam", "심": "sim",
    "차": "cha", "우": "u", "구": "ku", "민": "min", "진": "jin", "지": "ji", "엄": "om", "채": "chae",
    "원": "won", "천": "chon", "방": "pang", "공": "kong", "변": "pyon", "여": "yo", "려": "ryo", "추": "chu",
    "도": "to", "석": "sok", "선": "son", "설": "sol", "마": "ma", "길": "kil", "표": "phyo", "명": "myong",
    "기": "ki", "반": "pan", "왕": "wang", "금": "kum", "옥": "ok", "연": "yon", "렴": "ryom", "염": "yom",
}  # fmt: skip
_SOUTHERN_SURNAMES: Final = {
    "김": "kim", "이": "lee", "박": "park", "최": "choi", "정": "jung", "강": "kang", "조": "cho",
    "윤": "yoon", "장": "jang", "임": "lim", "한": "han", "오": "oh", "서": "seo", "신": "shin",
    "권": "kwon", "황": "hwang", "안": "ahn", "송": "song", "류": "ryu", "유": "yoo", "전": "jeon",
    "홍": "hong", "고": "ko", "문": "moon", "양": "yang", "손": "son", "배": "bae", "백": "baek", "허": "heo",
    "노": "noh", "주": "joo", "현": "hyun", "태": "tae", "곽": "kwak", "남": "nam", "심": "shim",
    "구": "koo", "우": "woo", "엄": "um", "천": "chun", "방": "bang", "공": "kong", "변": "byun",
    "길": "gil", "명": "myung", "반": "ban", "금": "keum", "선": "sun", "추": "choo", "연": "yeon",
}  # fmt: skip
"""The commonest surnames; others are read as they are written."""
_TWO_SYLLABLES: Final = frozenset(("남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방"))

NAME_SYLLABLES_MAX: Final = 4
"""A word of up to so many syllables is taken for a surname and what is given."""


def read_hangul(word: str) -> Word:
    """Return how a word may be read; one of two to four syllables begins with a surname."""
    surname, given = "", word
    if len(word) <= NAME_SYLLABLES_MAX:
        surname = word[:2] if word[:2] in _TWO_SYLLABLES else word[:1]
        given = word[len(surname) :]
    found: list[Reading] = []
    for system, surnames in (
        (_NORTH, _NORTHERN_SURNAMES),
        (_REVISED, _SOUTHERN_SURNAMES),
        (_CHOSEN, _SOUTHERN_SURNAMES),
    ):
        first = surnames.get(surname) or "".join(_syllable(each, system) for each in surname)
        found.append(spoken(first, *[_syllable(each, system) for each in given]))
    return in_ways(*found)


def _syllable(letter: str, system: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
    n = ord(letter) - _FIRST_HANGUL
    initials, vowels = system
    vowel, final = divmod(n % (_VOWELS_COUNT * _FINALS_COUNT), _FINALS_COUNT)
    return initials[n // (_VOWELS_COUNT * _FINALS_COUNT)] + vowels[vowel] + _FINALS[final]
