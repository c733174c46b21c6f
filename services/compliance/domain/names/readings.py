"""Reads a name field in all the ways it may be meant: as a whole, and each party in it by itself.

Most fields are one name and one reading. Brackets, `;`, `|`, `/`, a dash between spaces, a line's end, words
such as "aka" and "c/o", and "and" between two whole names part it into pieces; each piece is a name of its
own. Their number is bounded, whatever the text.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final

from services.compliance.domain.names.scripts import without_hidden
from services.compliance.domain.names.spelling import CHARACTERS_MAX, Spelled, other_spellings, spell
from services.compliance.domain.names.words import ORGANISATION_FORMS, PARTICLES, TITLES
from services.compliance.domain.names.words_beside import (
    BESIDE,
    BUSINESS_WORDS,
    SLASHED,
    is_number,
    runs_beside,
)

PIECES_MAX: Final = 16
"""Of one field that are looked at besides the whole; those of two words and more first."""

TWICE_MIN: Final = 4
"""Parts of a name of two that stands there twice."""
COMMAS_MIN: Final = 2
"""From which on they may stand between names; one stands behind a surname, too, or between two names."""
DOUBT_BESIDE_ONE_WORD: Final = 3.0
DOUBT_AT_ONE_COMMA: Final = 4.0
"""In nats: of 20 (e³) couples such as "Ann and Max Roe" one is a whole name beside somebody else's, and of 55
(e⁴) fields with two words and more on each side of a comma one is of two people."""
MAY_BE_CUT_FROM: Final = 2 * PIECES_MAX
"""Characters from which on a name may have more words or pieces than are looked at."""

CODES_MAX: Final = 6
"""Parts of a field of nothing but numbers and single letters, of which one or two may be the name."""

_MAY_PART: Final = re.compile(r"[\d/;|&+()\[\]{}\n\r\u2010-\u2015／；｜＆＋（）［］｛｝【】〔〕℅]")
_PLAIN: Final = re.compile(r"[A-Za-z0-9]")
_SLASHED: Final = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(each) for each in SLASHED) + r")(?!\w)", re.IGNORECASE
)
_BRACKETS: Final = re.compile(r"[()\[\]{}【】〔〕]")
_OPENING: Final = frozenset("([{【〔")
_BETWEEN: Final = re.compile(r"[/;|\n\r]|\s[-\u2010-\u2015]\s")
JOINING: Final = ("and", "und", "et", "y", "e")
"""Words for "and" between two names, in the languages in which most payments are written."""
_BOTH: Final = re.compile(rf"\s*[&+]\s*|\s(?:{'|'.join(JOINING)})\s", re.IGNORECASE)
_PLAIN_WORDS: Final = (BESIDE | frozenset(JOINING)).isdisjoint
_NAMELESS: Final = ORGANISATION_FORMS | PARTICLES | TITLES | BUSINESS_WORDS


@lru_cache(maxsize=1 << 10)
def readings(name: str) -> tuple[Spelled, ...]:
    """Return the whole name, then its pieces, at most `PIECES_MAX`; remembered for the next list."""
    whole = spell(name)
    if (
        _MAY_PART.search(name, 0, CHARACTERS_MAX) is None
        and " - " not in name
        and not _may_part_names(name, whole)
        and _PLAIN_WORDS(whole.parts)
    ):
        again = _said_once(whole.parts) if len(whole.parts) >= TWICE_MIN else None
        return (whole,) if again is None else (whole, again)
    is_cut = whole.is_cut
    text = _without_slashed(name)
    whole = spell(text)
    marked, spans = _marked(whole)
    pieces = {marked.parts: marked}
    # A number with letters in it may be a name, such as an aircraft's.
    remarks = {part for n in marked.remarks if (part := whole.parts[n]).isdigit() or part.isalpha()}
    again = _said_once(marked.kept)
    for piece in (*([] if again is None else [again]), *_bare(marked), *_ordered(_pieces(text, spans))):
        is_name = any(len(part) > 1 for part in piece.parts) and not remarks.issuperset(piece.parts)
        known = pieces.get(piece.parts)
        is_known = known is not None and not (known.is_one_word_of_several or known.doubt)
        if not is_name or is_known:
            continue
        if known is None and len(pieces) > PIECES_MAX:
            is_cut = True
            break
        outside = Counter(whole.parts) - Counter(piece.parts)
        pieces[piece.parts] = replace(piece, outside=tuple(outside.elements()))
    is_cut = is_cut or whole.is_cut or len(_BOTH.findall(text)) > PIECES_MAX
    pieces[marked.parts] = replace(marked, is_cut=is_cut)
    return tuple(pieces.values())


def is_more_than_compared(name: str) -> bool:
    """Whether a name has more characters, words or parties than are compared with lists."""
    return len(name) > MAY_BE_CUT_FROM and readings(name)[0].is_cut


def _said_once(parts: tuple[str, ...]) -> Spelled | None:
    """Return a name of two parts and more that stands there twice and more, and nothing else, once."""
    if len(parts) < TWICE_MIN or parts[0] not in parts[2:]:
        return None
    for length in range(2, len(parts) // 2 + 1):
        if len(parts) % length == 0 and parts[:length] * (len(parts) // length) == parts:
            return mark(Spelled(parts[:length]))
    return None


def other_readings(name: str) -> tuple[Spelled, ...]:
    """Return the name and its pieces in the other ways their script may be read, `PIECES_MAX` at most."""
    if name.isascii() or not other_spellings(name):
        return ()
    text = _without_slashed(name)
    chunks = dict.fromkeys([text, *(chunk for each in _bracketed(text) for chunk in _BETWEEN.split(each))])
    found: dict[Spelled, None] = {}
    for chunk in islice(chunks, PIECES_MAX):
        for spelled in other_spellings(chunk):
            marked = mark(spelled)
            found |= dict.fromkeys((marked, *_bare(marked)))
    return tuple(islice(found, PIECES_MAX))


def _without_slashed(name: str) -> str:
    """Return what of a text is looked at, with abbreviations such as "c/o" in words."""
    text = name[:CHARACTERS_MAX]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", without_hidden(text))
    if "/" not in text:
        return text
    return _SLASHED.sub(lambda found: f" {SLASHED[found[0].lower()]} ", text)


def has_nothing_to_compare(name: str) -> bool:
    """Whether a name has no letter and no digit in any script, so that no list can be asked about it."""
    return _PLAIN.search(name, 0, CHARACTERS_MAX) is None and not spell(name).parts


def mark(spelled: Spelled) -> Spelled:
    """Say of a spelled name which of its parts are remarks, and which business words."""
    return _marked(spelled)[0]


def _marked(spelled: Spelled) -> tuple[Spelled, list[tuple[int, int]]]:
    parts = spelled.parts
    connectors, remarks = runs_beside(parts)
    trades = [
        n
        for n, part in enumerate(parts)
        if (part in BUSINESS_WORDS or part in ORGANISATION_FORMS) and n not in remarks
    ]
    if not any(parts[n] in BUSINESS_WORDS for n in trades):
        trades = []
    if remarks or trades:
        spelled = replace(spelled, remarks=tuple(sorted(remarks)), trades=tuple(trades))
    return spelled, connectors


def _bare(marked: Spelled) -> Iterator[Spelled]:
    """Yield the name without its phrases, so that nothing is taken for a word of them; numbers stay remarks.

    Where there are but numbers, any of them may be the name: an aircraft's beside an account's.
    """
    parts = marked.parts
    numbers = [n for n, part in enumerate(parts) if is_number(part)]
    codes = marked.kept
    if 1 < len(codes) <= CODES_MAX and not any(part.isalpha() and len(part) > 1 for part in codes):
        for size in (2, 1):
            windows = (codes[n : n + size] for n in range(len(codes) - size + 1))
            yield from (Spelled(each) for each in windows if not "".join(each).isdigit())
    kept = [n for n in range(len(parts)) if n not in marked.remarks or n in numbers]
    if len(kept) < len(parts):
        surname = sum(n < marked.surname for n in kept)
        bare = tuple(parts[n] for n in kept)
        yield mark(Spelled(bare, surname if surname < len(bare) else 0, marked.vowelless))


def _pieces(text: str, spans: list[tuple[int, int]]) -> Iterator[Spelled]:
    """Yield the pieces of a text, in no order of importance."""
    chunks = {chunk: None for each in _bracketed(text) for chunk in _BETWEEN.split(each) if chunk.strip()}
    if spans:
        chunks[text] = None
    for chunk in chunks:
        spelled = spell(chunk)
        yield from _between_commas(chunk)
        start = 0
        for begin, end in (*runs_beside(spelled.parts)[0], (len(spelled.parts), 0)):
            if begin > start:
                yield _part_of(spelled, start, begin)
            start = end
        yield from _joined(chunk)


def _may_part_names(name: str, whole: Spelled) -> bool:
    """Whether there are several commas, or one with two words and more on each side."""
    return name.count(",") >= COMMAS_MIN or (whole.surname > 1 and len(whole.parts) - whole.surname > 1)


def _between_commas(chunk: str) -> Iterator[Spelled]:
    """Yield the names between commas; where there is one, only if there is a name on each side of it."""
    commas = chunk.count(",")
    if commas:
        found = [each for part in chunk.split(",") if _names((each := spell(part)).parts) > 1]
        if commas >= COMMAS_MIN or len(found) > 1:
            doubt = DOUBT_AT_ONE_COMMA if commas < COMMAS_MIN else 0.0
            yield from (replace(mark(each), doubt=doubt) for each in found)


def _joined(chunk: str) -> Iterator[Spelled]:
    """Yield the names that "and" stands between: whole ones, and one word beside a name of two and more."""
    found = list(islice(_BOTH.finditer(chunk), PIECES_MAX))
    for each in found:
        sides = spell(chunk[: each.start()]), spell(chunk[each.end() :])
        if all(_is_whole_name(side.parts) for side in sides):
            yield from (mark(side) for side in sides)
        else:
            yield from _one_word_beside(*sides)
    for before, after in pairwise(found):
        middle = spell(chunk[before.end() : after.start()])
        if _names(middle.parts) > 1:
            yield mark(middle)


def _one_word_beside(before: Spelled, after: Spelled) -> Iterator[Spelled]:
    for word, other in ((before, after), (after, before)):
        if len(word.parts) == 1 and _names(word.parts) == 1 and _names(other.parts) > 1:
            yield replace(word, is_one_word_of_several=True)
            yield replace(mark(other), doubt=DOUBT_BESIDE_ONE_WORD)


def _bracketed(text: str) -> list[str]:
    """Return what stands outside of brackets, as one text, and what stands in each; by the outermost."""
    outside: list[str] = []
    inside: list[str] = []
    depth = start = 0
    for found in _BRACKETS.finditer(text):
        is_opening = found[0] in _OPENING
        if is_opening and depth == 0:
            outside.append(text[start : found.start()])
            start = found.end()
        elif not is_opening and depth <= 1:
            (inside if depth else outside).append(text[start : found.start()])
            start = found.end()
        depth = max(0, depth + (1 if is_opening else -1))
    (inside if depth else outside).append(text[start:])
    return [" ".join(outside), *inside]


def _part_of(spelled: Spelled, start: int, end: int) -> Spelled:
    """Return the parts from one place to another as a name of its own, marked."""
    surname = min(max(0, spelled.surname - start), end - start)
    surname = 0 if surname >= end - start else surname
    return mark(Spelled(spelled.parts[start:end], surname, spelled.vowelless))


def _is_whole_name(parts: Sequence[str]) -> bool:
    """Whether there are two words and more, one of them no business word or legal form."""
    return _names(parts) > 0 and sum(len(part) > 1 and part not in PARTICLES for part in parts) > 1


def _names(parts: Iterable[str]) -> int:
    return sum(len(part) > 1 and part not in _NAMELESS for part in parts)


def _ordered(pieces: Iterable[Spelled]) -> list[Spelled]:
    return sorted(pieces, key=lambda piece: _names(piece.kept) < 2)
