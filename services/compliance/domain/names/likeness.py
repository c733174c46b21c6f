"""How alike two names are: which part of one is which part of the other, how well, and what is left over.

Parts may stand in any order. The score is made of two things. *Likeness*: how well the parts agree, weighed
by how rare each is, less what is left over; parts that contradict each other count most. *Evidence*, in nats,
after Fellegi and Sunter (1969): how rare each part is that the name really has, less how unlikely just this
difference is between two spellings of one name, less what is left over. Where the evidence does not outweigh
the size of the list the score is lowered, so that common names do not match by chance. Equal names always do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.names.parts import JOINED_FROM, SOUND, How, consonant_likeness, part_likeness
from services.compliance.domain.names.words import PARTICLES, WEIGHT_OF_INITIAL

EXPONENT: Final = 1.5
"""A part's likeness counts with this power: two doubtful parts are worse than a sure and a bad one."""

CONTRADICTED: Final = 1.3
"""How much a part of each name without its like in the other counts against the match."""
OMITTED: Final = 0.45
"""How much a part counts against it that the other name merely lacks."""

DIFFERENCE: Final[dict[How, float]] = {
    "equal": 0.0,
    "sound": 3.0,
    "variant": 3.0,
    "joined": 1.0,
    "slip": 7.0,
    "letters": 8.0,
    "vowels": 7.0,
    "consonants": 1.0,
    "initial": 2.0,
}
"""How unlikely just this difference is in two spellings of one name, in nats: a slip in one of fifty parts,
and one of thirty that can be made in it."""
LACKED: Final = 12.0
"""What a whole part costs that one name lacks, in nats."""
CONTRADICTING: Final = 8.0
"""What a part of each name costs besides that have nothing to do with each other."""
FIRST_LACKED: Final = 3.0
"""What it costs besides if that is the first given name or the first surname: middle names are left out."""
SURNAME_LACKED: Final = 8.0
"""What it costs besides if no part of the listed surname is in the other name."""
POWER: Final = 2.0
"""How fast the score falls with evidence that is missing."""
BESIDE: Final = 0.8
"""What a listed name counts that stands whole beside business words: a firm may be named after anybody. Above
0.70 and below 0.85, so that it is looked at and holds nothing."""


@dataclass(frozen=True, slots=True)
class PartMatch:
    """A part of a name and the part of the listed name that it is taken for."""

    part: str
    listed: str
    score: float
    how: How
    places: tuple[int, ...]
    """Where the part stands in the name, from 0; two neighbours where the other name has them in one."""
    listed_places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two names are, and why."""

    score: float
    """0 to 1; 1 is the same parts."""
    is_equal: bool
    """Whether they have the same parts but for titles, legal forms and particles."""
    parts: tuple[PartMatch, ...]
    left: tuple[str, ...]
    """Parts of the name that the listed one lacks."""
    listed_left: tuple[str, ...]
    """Parts of the listed name that this one lacks."""
    aside: tuple[str, ...] = ()
    """Remarks that the listed name lacks: they are no parts of the name, and weigh nothing."""
    beside: tuple[str, ...] = ()
    """Of `left`, the business words for which the score is that of the rest of the name, times `BESIDE`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A spelled name with what its parts weigh."""

    parts: tuple[str, ...]
    weights: tuple[float, ...]
    sounds: tuple[str, ...] = ()
    """Of its parts; may be left out of a name that is not listed."""
    surname: int = 0
    """How many of the parts, from the first, are the surname; 0 where it is not known."""
    vowelless: frozenset[str] = frozenset()
    remarks: tuple[int, ...] = ()
    """Places of parts that weigh nothing where the listed name lacks them."""
    trades: tuple[int, ...] = ()
    """Places of business words, which beside a whole listed name do not tell another."""
    is_telling_word: bool = False
    """Of a listed name: whether it is a firm's, and one word, that tells by itself who is meant."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How much it tells that parts are alike, in nats, and how much is needed."""

    tells: Callable[[str, str, How], float]
    """Of a part and a listed part that are alike in this."""
    needed: float
    needed_of_one: float
    """Where the names have one part each that tells anything."""


def align(
    name: Name,
    listed: Name,
    telling: Telling | None = None,
    alike: Sequence[Mapping[str, float] | None] | None = None,
) -> Likeness:
    """Align the parts of a name with those of a listed one, best pairs first, and score the whole.

    Without `telling` the score is that of likeness alone. `alike` saves work: for each part of the name, all
    sounds that may be like it, or None where they are not known.
    """
    aligned = _Alignment(name, listed)
    pairs = _pairs(name, listed, alike)
    order = _best_first
    if name.remarks:
        order = _best_first_but(name.remarks)
        pairs.sort(key=order)
    aligned.take(each for each in pairs if each[0] >= SOUND)
    if aligned.is_open:
        aligned.take(sorted([*pairs, *_joined(aligned)], key=order))
    return _score(aligned, telling)


_Pair = tuple[float, How, tuple[int, ...], tuple[int, ...]]
"""Likeness, in what, and the places of the parts in the name and in the listed one."""


class _Alignment:
    """Which parts of two names have been taken for each other so far."""

    __slots__ = ("free", "free_listed", "listed", "name", "taken")

    def __init__(self, name: Name, listed: Name) -> None:
        self.name = name
        self.listed = listed
        self.free = [True] * len(name.parts)
        self.free_listed = [True] * len(listed.parts)
        self.taken: list[_Pair] = []

    @property
    def is_open(self) -> bool:
        """Whether both names have parts that are not taken yet."""
        return True in self.free and True in self.free_listed

    def take(self, pairs: Iterable[_Pair]) -> None:
        """Take pairs in their order, but no part twice."""
        free, free_listed = self.free, self.free_listed
        for pair in pairs:
            ours, theirs = pair[2], pair[3]
            if free[ours[0]] and free[ours[-1]] and free_listed[theirs[0]] and free_listed[theirs[-1]]:
                free[ours[0]] = free[ours[-1]] = free_listed[theirs[0]] = free_listed[theirs[-1]] = False
                self.taken.append(pair)


def _pairs(name: Name, listed: Name, alike: Sequence[Mapping[str, float] | None] | None) -> list[_Pair]:
    """Return all pairs of parts that are alike, the best first."""
    pairs: list[_Pair] = []
    vowelless = name.vowelless
    for i, part in enumerate(name.parts):
        sounds = alike[i] if alike else None
        for j, other in enumerate(listed.parts):
            if sounds is not None and listed.sounds[j] not in sounds:
                continue
            if part in vowelless:
                score, how = consonant_likeness(part, other)
            elif other in listed.vowelless:
                score, how = consonant_likeness(other, part)
            else:
                score, how = part_likeness(part, other)
            if how is not None:
                pairs.append((score, how, (i,), (j,)))
    if len(pairs) > 1:
        pairs.sort(key=_best_first)
    return pairs


def _best_first(pair: _Pair) -> tuple[float | int | tuple[int, ...], ...]:
    return (-pair[0], -len(pair[2]) - len(pair[3]), pair[2], pair[3])


def _best_first_but(remarks: tuple[int, ...]) -> Callable[[_Pair], tuple[float | int | tuple[int, ...], ...]]:
    """Return the order in which remarks come behind parts that are as much alike."""
    return lambda pair: (-pair[0], -len(pair[2]) - len(pair[3]), pair[2][0] in remarks, pair[2], pair[3])


def _joined(aligned: _Alignment) -> list[_Pair]:
    """Return pairs of a part with two neighbouring ones of the other name that are written as one."""
    parts, listed = aligned.name.parts, aligned.listed.parts
    free, free_listed = aligned.free, aligned.free_listed
    found: list[_Pair] = []
    for i in range(len(parts) - 1):
        if free[i] and free[i + 1]:
            both = parts[i] + parts[i + 1]
            for j, other in enumerate(listed):
                if free_listed[j] and (score := _joined_score(both, other)):
                    found.append((score, "joined", (i, i + 1), (j,)))
    for j in range(len(listed) - 1):
        if free_listed[j] and free_listed[j + 1]:
            both = listed[j] + listed[j + 1]
            for i, part in enumerate(parts):
                if free[i] and (score := _joined_score(both, part)):
                    found.append((score, "joined", (i,), (j, j + 1)))
    return found


def _joined_score(both: str, other: str) -> float:
    if abs(len(both) - len(other)) > 2 or len(both) < JOINED_FROM:
        return 0.0
    score, how = part_likeness(both, other)
    return score if how in ("equal", "sound") or (how == "slip" and len(both) >= 2 * JOINED_FROM) else 0.0


def _score(aligned: _Alignment, telling: Telling | None) -> Likeness:
    """Score an alignment by what is taken, what is left over, and what it all tells."""
    name, listed = aligned.name, aligned.listed
    matched: list[PartMatch] = []
    weight = quality = told = 0.0
    named = 0
    differs = False
    for score, how, ours, theirs in aligned.taken:
        part, other = name.parts[ours[0]], listed.parts[theirs[0]]
        pair_weight = listed.weights[theirs[0]]
        if len(theirs) > 1:
            pair_weight += listed.weights[theirs[-1]]
        if telling is not None and max(pair_weight, name.weights[ours[0]]) >= WEIGHT_OF_INITIAL:
            named += part not in PARTICLES
            told += telling.tells(part, other, how) - DIFFERENCE[how]
            if len(theirs) > 1:
                told += telling.tells(part, listed.parts[theirs[-1]], how)
        first, last = ours[0], ours[-1]
        if first != last:
            part = f"{part} {name.parts[last]}"
        else:
            pair_weight = max(pair_weight, name.weights[first])
        if len(theirs) > 1:
            other = f"{other} {listed.parts[theirs[-1]]}"
        differs = differs or (score < 1.0 and pair_weight >= WEIGHT_OF_INITIAL)
        weight += pair_weight
        quality += pair_weight * score**EXPONENT
        matched.append(PartMatch(part, other, round(score, 4), how, ours, theirs))
    free = aligned.free if not name.remarks else _without_remarks(aligned)
    left = tuple([part for part, is_free in zip(name.parts, free, strict=True) if is_free])
    listed_left = tuple(
        [part for part, is_free in zip(listed.parts, aligned.free_listed, strict=True) if is_free]
    )
    aside = tuple([name.parts[n] for n in name.remarks if aligned.free[n] and not free[n]])
    if weight == 0.0:
        return Likeness(0.0, is_equal=False, parts=(), left=left, listed_left=listed_left, aside=aside)
    extra = sum([each for each, is_free in zip(name.weights, free, strict=True) if is_free])
    lacked = sum([each for each, is_free in zip(listed.weights, aligned.free_listed, strict=True) if is_free])
    is_equal = lacked + extra < WEIGHT_OF_INITIAL and not differs
    total = _weighed(aligned, telling, (quality, weight, told, named), free, extra, lacked, differs=differs)
    beside: tuple[str, ...] = ()
    if name.trades and lacked < WEIGHT_OF_INITIAL <= extra and _stands_whole(aligned):
        apart = [is_free and n not in name.trades for n, is_free in enumerate(free)]
        extra = sum([each for each, is_free in zip(name.weights, apart, strict=True) if is_free])
        if extra < WEIGHT_OF_INITIAL:
            sums = (quality, weight, told, named)
            alone = BESIDE * _weighed(aligned, telling, sums, apart, extra, lacked, differs=differs)
            if alone > total:
                total = alone
                beside = tuple([name.parts[n] for n in name.trades if free[n]])
    return Likeness(round(total, 4), is_equal, tuple(matched), left, listed_left, aside, beside)


def _weighed(
    aligned: _Alignment,
    telling: Telling | None,
    sums: tuple[float, float, float, int],
    free: Sequence[bool],
    extra: float,
    lacked: float,
    *,
    differs: bool,
) -> float:
    """Return the score: `sums` are quality, weight, evidence and number of what is taken."""
    quality, weight, told, named = sums
    contradicted = min(lacked, extra)
    omitted = max(lacked, extra) - contradicted
    total = quality / (weight + CONTRADICTED * contradicted + OMITTED * omitted)
    is_whole = lacked + extra < WEIGHT_OF_INITIAL
    if telling is not None and (differs or not is_whole):
        told -= LACKED * omitted + (LACKED + CONTRADICTING) * contradicted
        if lacked >= WEIGHT_OF_INITIAL:
            told -= _missed(aligned.listed, aligned.free_listed)
        if extra >= WEIGHT_OF_INITIAL:
            told -= _missed(aligned.name, free)
        needed = telling.needed_of_one if is_whole and named == 1 else telling.needed
        if told < needed:
            total *= (max(0.0, told) / needed) ** POWER
    return total


def _without_remarks(aligned: _Alignment) -> list[bool]:
    """Return which parts are left over but for remarks; a number is none if the listed name has others."""
    name, listed = aligned.name, aligned.listed
    other_number = any(
        is_free and part.isdigit() for part, is_free in zip(listed.parts, aligned.free_listed, strict=True)
    )
    free = list(aligned.free)
    for n in name.remarks:
        if not (other_number and name.parts[n].isdigit()):
            free[n] = False
    return free


def _stands_whole(aligned: _Alignment) -> bool:
    """Whether two parts of the listed name that count are found, and not all of them are business words.

    The one word of a firm's name is enough where nothing else is called so, spelled as it is listed.
    """
    name, listed = aligned.name, aligned.listed
    if listed.is_telling_word:
        return any(
            how == "equal" and ours[0] not in name.trades and listed.weights[theirs[0]] >= WEIGHT_OF_INITIAL
            for _, how, ours, theirs in aligned.taken
        )
    counting = [
        ours[0] in name.trades
        for _, _, ours, theirs in aligned.taken
        for place in theirs
        if max(listed.weights[place], name.weights[ours[0]]) >= WEIGHT_OF_INITIAL
    ]
    return len(counting) > 1 and not all(counting)


def _missed(name: Name, free: Sequence[bool]) -> float:
    """Return what it costs which of a name's parts the other one lacks, beside how many they are."""
    surname, weights = name.surname, name.weights
    if name.remarks:
        kept = [n for n in range(len(free)) if n not in name.remarks]
        surname = sum([n < surname for n in kept])
        free, weights = [free[n] for n in kept], tuple([weights[n] for n in kept])
    cost = 0.0
    if surname and all(free[:surname]):
        cost += SURNAME_LACKED
    elif surname and free[0] and weights[0] >= WEIGHT_OF_INITIAL:
        cost += FIRST_LACKED
    if surname < len(free) and free[surname] and weights[surname] >= WEIGHT_OF_INITIAL:
        cost += FIRST_LACKED
    return cost
