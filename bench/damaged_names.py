"""Damages names as people and machines do: letters dropped, doubled, swapped, replaced; parts reordered;
written in another script and back; other words put beside them."""

import re
from collections.abc import Callable
from random import Random
from typing import Final

CYRILLIC: Final = {
    "shch": "щ", "sch": "щ", "you": "ю", "zh": "ж", "kh": "х", "ts": "ц", "ch": "ч", "sh": "ш", "yu": "ю",
    "ya": "я", "yo": "ё", "ye": "е", "ph": "ф", "th": "т", "gh": "г", "dh": "д", "ck": "к", "qu": "кв",
    "oo": "у", "ee": "и", "ou": "у", "dj": "дж", "j": "дж", "a": "а", "b": "б", "v": "в", "w": "в", "g": "г",
    "d": "д", "e": "е", "z": "з", "i": "и", "y": "й", "k": "к", "c": "к", "q": "к", "l": "л", "m": "м",
    "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "f": "ф", "h": "х", "x": "кс",
}  # fmt: skip
"""How Latin letters are commonly written in Cyrillic."""
GREEK: Final = {
    "th": "θ", "ph": "φ", "ch": "χ", "kh": "χ", "ps": "ψ", "x": "ξ", "ou": "ου", "b": "μπ", "d": "ντ",
    "g": "γκ", "a": "α", "v": "β", "w": "γου", "e": "ε", "z": "ζ", "i": "ι", "y": "υ", "k": "κ", "c": "κ",
    "q": "κ", "l": "λ", "m": "μ", "n": "ν", "o": "ο", "p": "π", "r": "ρ", "s": "σ", "t": "τ", "u": "ου",
    "f": "φ", "h": "χ", "j": "τζ",
}  # fmt: skip
Damage = Callable[[str, Random], str | None]


def _at_a_letter(name: str, rng: Random, change: Callable[[str, int], str | None]) -> str | None:
    """Change the name at one of its letters, not the only ones of a short word."""
    places = [n for n, letter in enumerate(name) if letter.isalpha() and _word_length(name, n) >= 3]
    rng.shuffle(places)
    return next((changed for n in places if (changed := change(name, n)) is not None), None)


def _word_length(name: str, n: int) -> int:
    start = end = n
    while start > 0 and name[start - 1].isalnum():
        start -= 1
    while end + 1 < len(name) and name[end + 1].isalnum():
        end += 1
    return end - start + 1


def dropped(name: str, rng: Random) -> str | None:
    """Leave a letter out."""
    return _at_a_letter(name, rng, lambda text, n: text[:n] + text[n + 1 :])


def doubled(name: str, rng: Random) -> str | None:
    """Write a letter twice."""
    return _at_a_letter(name, rng, lambda text, n: text[:n] + text[n] + text[n:])


def swapped(name: str, rng: Random) -> str | None:
    """Exchange two neighbouring letters that differ."""

    def change(text: str, n: int) -> str | None:
        if n + 1 == len(text) or not text[n + 1].isalpha() or text[n].lower() == text[n + 1].lower():
            return None
        return text[:n] + text[n + 1] + text[n] + text[n + 2 :]

    return _at_a_letter(name, rng, change)


def replaced(name: str, rng: Random) -> str | None:
    """Put another letter in the place of one."""

    def change(text: str, n: int) -> str | None:
        other = rng.choice("abcdefghijklmnopqrstuvwxyz")
        return None if other == text[n].lower() else text[:n] + other + text[n + 1 :]

    return _at_a_letter(name, rng, change)


def reordered(name: str, rng: Random) -> str | None:
    """Put the parts in another order, without punctuation."""
    parts = name.replace(",", " ").split()
    if len(set(parts)) < 2:
        return None
    other = list(parts)
    while other == parts:
        rng.shuffle(other)
    return " ".join(other)


def _in_script(name: str, letters: dict[str, str]) -> str | None:
    if not name.isascii():
        return None
    text, found = _as_heard(name.lower()), ""
    while text:
        length = next((size for size in (4, 3, 2, 1) if text[:size] in letters), 0)
        found += letters[text[:length]] if length else text[0]
        text = text[length or 1 :]
    return " ".join(word.capitalize() for word in found.split())


def _as_heard(text: str) -> str:
    """Write soft `c` as `s`, `qu` before no vowel as `ku`, and `y` between no vowels as `i`."""
    text = re.sub(r"c(?=[eiy])", "s", text)
    text = re.sub(r"qu(?![aeio])", "ku", text)
    return re.sub(r"(?<=[bcdfghjklmnpqrstvwxz])y(?![aeiou])", "i", text)


def in_cyrillic(name: str, rng: Random) -> str | None:
    """Write it in Cyrillic letters."""
    del rng
    return _in_script(name, CYRILLIC)


def in_greek(name: str, rng: Random) -> str | None:
    """Write it in Greek letters."""
    del rng
    return _in_script(name, GREEK)


DAMAGES: Final[dict[str, Damage]] = {
    "dropped": dropped,
    "doubled": doubled,
    "swapped": swapped,
    "reordered": reordered,
    "transliterated": in_cyrillic,
}
"""What recall is measured on."""
HARDER: Final[dict[str, Damage]] = {"replaced": replaced, "in Greek": in_greek}
"""Reported beside it."""


REMARKS: Final = (
    "{} (deceased)", "{} deceased", "{} (DECEASED) DOB 10.03.1957", "Estate of {}", "The late {}",
    "Executors of the estate of {}", "c/o {}", "Jane Roe c/o {}", "{} c/o Jane Roe", "Jane Roe, attn. {}",
    "{} attn Jane Roe", "on behalf of {}", "Jane Roe on behalf of {}", "{} aka Jane Roe",
    "{} a.k.a. Jane Roe",
    "Jane Roe (also known as {})", "{} (formerly known as Jane Roe)", "{} fka Jane Roe",
    "{} account 12345678",
    "a/c 12345678 {}", "{} A/C NO. 4711", "{} ref INV-2026-0017", "Ref. 4711 {}", "payment to {}",
    "{} 12 March 2026", "{} 4711", "{} / Jane Roe", "{}; Jane Roe", "Jane Roe and {}", "Jane Roe & {}",
    "{} [Jane Roe]", "Jane Roe - {}", "{} fbo Jane Roe",
)  # fmt: skip
"""What stands around names in payments and is no part of them; written down apart from the matcher."""
BUSINESS: Final = (
    "{} Trading", "{} Trading Ltd", "{} General Trading LLC", "{} Import Export", "{} Group", "{} & Sons",
    "{} Brothers Co.", "{} Holding AG", "{} Contracting Company", "{} Shipping Services", "{} Enterprises",
    "{} International Investments Inc.", "{} Logistics GmbH", "{} Industries",
)  # fmt: skip
"""What makes a firm's name of somebody's."""


def with_remarks(name: str, rng: Random) -> str | None:
    """Put remarks, or another party, beside it."""
    return rng.choice(REMARKS).format(name)


def with_business_words(name: str, rng: Random) -> str | None:
    """Put what a firm does, and its form, behind it."""
    return rng.choice(BUSINESS).format(name)


WORDS_BESIDE: Final[dict[str, Damage]] = {
    "with remarks": with_remarks,
    "with business words": with_business_words,
}
"""A figure of its own."""
