"""Brings names to the one spelling in which they are compared: parts in plain lower-case ASCII.

Unicode NFKC, hidden characters removed, other scripts in Latin letters, case and punctuation gone,
abbreviations and legal forms unified. What a name is too long for is cut off: bounded work for any input.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from services.compliance.domain.names.scripts import latin, otherwise
from services.compliance.domain.names.words import ABBREVIATIONS, ORGANISATION_FORMS

CHARACTERS_MAX: Final = 1_000
"""Of a name that are looked at; the longest name on a list has under 400."""
PARTS_MAX: Final = 32
"""Of a name that are looked at. The longest listed name has about 25, and a name with over twice the parts
of another is never like it."""
PART_CHARACTERS_MAX: Final = 40

_ARTICLES: Final = frozenset(("al", "el", "ul", "ur", "ol"))
_NOTHING: Final = frozenset[str]()


def _ascii_table() -> dict[int, str | None]:
    """Capitals to small letters, apostrophes away, whatever else is no letter or digit to a space."""
    table: dict[int, str | None] = {}
    for code in range(128):
        character = chr(code)
        if character.isalnum():
            table[code] = character.lower()
        elif character in "'`" or (code < 32 and not character.isspace()) or code == 127:
            table[code] = None
        else:
            table[code] = " "
    return table


_TABLE: Final = _ascii_table()


@dataclass(frozen=True, slots=True)
class Spelled:
    """A name as it is compared."""

    parts: tuple[str, ...]
    """In their order; none where nothing of the name can be read."""
    surname: int = 0
    """How many parts, from the first, stand before a comma; 0 where there is none, or nothing behind it."""
    vowelless: frozenset[str] = _NOTHING
    """Those parts of which only the consonants are known."""
    remarks: tuple[int, ...] = ()
    """Places of parts that weigh nothing unless the other name has them; only of a name to be screened."""
    trades: tuple[int, ...] = ()
    """Places of business words and legal forms, where there are business words; as above."""
    outside: tuple[str, ...] = ()
    """Words of the field that this, a piece of it, leaves out."""
    is_cut: bool = False
    """Whether there is more of it than is looked at."""
    doubt: float = 0.0
    """In nats: how much more must tell who is meant, since it may be but a part of a name."""
    is_one_word_of_several: bool = False
    """Whether it is one word beside "and": compared only with names of firms that are that word."""

    @property
    def key(self) -> str:
        """The same for names of the same parts in any order."""
        return " ".join(sorted(self.parts))

    @property
    def kept(self) -> tuple[str, ...]:
        """The parts but for remarks."""
        if not self.remarks:
            return self.parts
        return tuple([part for n, part in enumerate(self.parts) if n not in self.remarks])

    @property
    def keys(self) -> tuple[str, ...]:
        """The key; and those without each run of remarks, without all, and without business words, too."""
        runs: list[set[int]] = []
        for n in self.remarks:
            if runs and n - 1 in runs[-1]:
                runs[-1].add(n)
            else:
                runs.append({n})
        without = [set[int](), *runs, set(self.remarks), {*self.remarks, *self.trades}]
        return tuple(dict.fromkeys([self._key_without(each) for each in without]))

    def _key_without(self, places: set[int]) -> str:
        return " ".join(sorted([part for n, part in enumerate(self.parts) if n not in places]))


@lru_cache(maxsize=1 << 10)
def spell(name: str) -> Spelled:
    """Bring a name to its compared spelling; remembered for the next list that it is screened against."""
    is_cut = len(name) > CHARACTERS_MAX
    if is_cut:
        name = name[:CHARACTERS_MAX]
    if name.isascii():
        return _spelled(name, _NOTHING, is_cut=is_cut)
    text, vowelless = latin(name)
    return _spelled(text, vowelless, is_cut=is_cut)


def other_spellings(name: str) -> tuple[Spelled, ...]:
    """Bring a name to the spellings of the other ways in which its script may be read; none for most."""
    if name.isascii():
        return ()
    found = [_spelled(text, vowelless) for text, vowelless in otherwise(name[:CHARACTERS_MAX])]
    return tuple([each for each in found if each.parts])


def _spelled(name: str, vowelless: frozenset[str], *, is_cut: bool = False) -> Spelled:
    if "." in name:
        name = _DOTTED.sub(_undotted, name)
    before, comma, after = name.partition(",")
    text = name.translate(_TABLE)
    parts = text.split()
    if not parts:
        return _CUT if is_cut else _EMPTY
    if len(min(parts, key=len)) == 1:
        parts = _with_initials_joined(parts)
    if "abd" in parts:
        parts = _with_articles_joined(parts)
    is_cut |= len(parts) > PARTS_MAX
    parts = [ABBREVIATIONS.get(part, part) for part in parts[:PARTS_MAX]]
    if len(text) > PART_CHARACTERS_MAX:
        parts = [part[:PART_CHARACTERS_MAX] for part in parts]
    surname = 0
    if comma and after.strip(", "):
        surname = min(len(before.translate(_TABLE).split()), len(parts) - 1)
    return Spelled(tuple(parts), surname, vowelless, is_cut=is_cut)


_EMPTY: Final = Spelled(())
_CUT: Final = Spelled((), is_cut=True)
_DOTTED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?")


def _undotted(found: re.Match[str]) -> str:
    """Write "S.A." as one word; leave two initials of a person apart."""
    word = found[0].replace(".", "")
    return f" {word} " if len(word) > 2 or word.lower() in ORGANISATION_FORMS else f" {' '.join(word)} "


def _with_initials_joined(parts: list[str]) -> list[str]:
    """Put a run of single letters together where it spells a legal form, or an acronym of three and more."""
    joined: list[str] = []
    run: list[str] = []
    for part in (*parts, ""):
        if len(part) == 1:
            run.append(part)
            continue
        if run:
            word = "".join(run)
            joined += [word] if len(run) > 2 or word in ORGANISATION_FORMS else run
            run = []
        if part:
            joined.append(part)
    return joined


def _with_articles_joined(parts: list[str]) -> list[str]:
    """Spell "Abd al-Rahman" as "Abdal Rahman", so that it sounds like "Abdul Rahman" and "Abdulrahman"."""
    found: list[str] = []
    for part in parts:
        if found and found[-1] == "abd" and part in _ARTICLES:
            found[-1] = "abdal"
        else:
            found.append(part)
    return found
