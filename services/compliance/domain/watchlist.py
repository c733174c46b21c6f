"""One version of a watch list as it is searched: candidates by the parts of a name, then compared exactly.

In memory, never changed once built, shared by all shards of a process. The work for one name is bounded
whatever the name is: so many parts, so many spellings of each, so many candidates.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from operator import attrgetter
from typing import Final

from services.compliance.domain.listed_names import (
    Listed,
    by_key,
    distinct_names,
    identifiers,
    joined_neighbours,
    often_joined,
    postings,
    run_together,
    tells_a_firm,
)
from services.compliance.domain.lists.party import (
    IDENTIFIER_CHARACTERS_MIN,
    IdentifierKind,
    Kind,
    ListedParty,
    spell_identifier,
)
from services.compliance.domain.matches import HOLD_AT, SCORE_MIN, EntryMatch, Search, together
from services.compliance.domain.names.evidence import Known, PartyKind
from services.compliance.domain.names.likeness import (
    CONTRADICTED,
    CONTRADICTING,
    DIFFERENCE,
    LACKED,
    OMITTED,
    POWER,
    Likeness,
    Name,
    Telling,
    align,
)
from services.compliance.domain.names.parts import SOUND, How, folded
from services.compliance.domain.names.readings import other_readings, readings
from services.compliance.domain.names.spelling import Spelled, spell
from services.compliance.domain.names.spellings import Spellings
from services.compliance.domain.names.weights import light_weights, light_weights_beside
from services.compliance.domain.rarity import Rarity

CANDIDATES_MAX: Final = 60
"""Names compared for one name, the best by their common parts."""
SEEN_MAX: Final = 50_000
"""Names remembered with their answer, so that one seen before costs a look-up."""
WORDS_MAX: Final = 100_000
"""Parts remembered with the listed parts like them."""
MARGIN: Final = -2.0
MARGIN_OF_ONE: Final = -8.0
"""In nats, added to the logarithm of the list's size for the evidence that is needed. Below zero, since a
match missed costs more than seven (e²) looked at in vain; one part alone cannot tell as much."""
INITIAL_TELLS: Final = 3.0
"""In nats: how much an initial tells, one of some twenty."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A part of a name to be screened, with the listed names that have a part like it."""

    sets: tuple[tuple[frozenset[int], float, float], ...]
    """The most alike first; with how much the part counts and how much it tells if it is one of theirs."""
    count: int
    """Of listed names in the sets together."""
    weight: float
    """The most that a match of it can weigh."""
    own_weight: float
    """What it weighs where it is matched by nothing."""
    tells: float
    joined: tuple[frozenset[int], ...]
    """Those of the sets in whose names two neighbouring parts make this one."""
    sounds: Mapping[str, float]
    """All sounds like it."""


_NOTHING_FOUND: Final = Search(())


class NamesIndex:
    """The names of one list version, to be searched by likeness."""

    def __init__(self, code: str, version: str, parties: Iterable[ListedParty]) -> None:
        self.code = code
        self.version = version
        self._parties = tuple(parties)
        self.entries = len(self._parties)
        distinct = distinct_names(self._parties)
        spelled = [each.parts for each, _, _ in distinct]
        self.names = len(spelled)
        self._rarity = Rarity([(each.parts, bearers) for each, _, bearers in distinct], self.entries)
        self._postings = postings(spelled)
        self._joined = joined_neighbours(spelled)
        self._spellings = Spellings(self._rarity.parts, often_joined(spelled))
        self._telling = Telling(
            tells=self._tell,
            needed=self._rarity.log_entries + MARGIN,
            needed_of_one=self._rarity.log_entries + MARGIN_OF_ONE,
        )
        self._enough = self._telling.needed * SCORE_MIN ** (1.0 / POWER)
        """The evidence below which equal parts do not reach `SCORE_MIN`."""
        self._listed = [self._listed_name(*each) for each in distinct]
        self._single = frozenset(n for n, each in enumerate(self._listed) if each.named == 1)
        self._telling_words = frozenset(n for n in self._single if self._listed[n].name.is_telling_word)
        self._by_key = by_key(spelled)
        self._run_together = run_together(each for each, _, _ in distinct)
        self._identifiers = identifiers(self._parties)
        self._by_id = {each.entry_id: each for each in self._parties}
        self._words: dict[str, _Word] = {}
        self._seen: dict[tuple[str, PartyKind | None], Search] = {}

    @property
    def parties(self) -> tuple[ListedParty, ...]:
        """All entries."""
        return self._parties

    def entry(self, entry_id: str) -> ListedParty | None:
        """Return an entry by its id."""
        return self._by_id.get(entry_id)

    def find(
        self, name: str, kind: PartyKind | None = None, *, at_least: float = HOLD_AT
    ) -> tuple[EntryMatch, ...]:
        """Return the entries that bear a name like this one, the most alike first; weak aliases left out.

        `kind` is None where it is not known what bears the name.
        """
        known = Known(kind=kind)
        return tuple(
            each
            for each in self.search(name, kind).matches
            if each.level(known, alert_at=at_least, hold_at=at_least) == "hold"
        )

    def search(self, name: str, kind: PartyKind | None = None) -> Search:
        """Return all entries alike by `SCORE_MIN` and more; from memory where the name was seen before."""
        key = (name, kind)
        found = self._seen.get(key)
        if found is None:
            pieces = readings(name)
            found = self._search_reading(pieces[0], kind)
            if len(pieces) > 1:
                for piece in pieces[1:]:
                    found = together(found, self._search_reading(piece, kind))
            if not name.isascii():
                for other in other_readings(name):
                    found = together(found, self._search(other, kind))
            if found.matches:
                field = spell(name).key
                found = replace(found, matches=tuple([replace(each, key=field) for each in found.matches]))
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen[key] = found
        return found

    def find_identifier(self, value: str, kinds: Collection[IdentifierKind]) -> tuple[EntryMatch, ...]:
        """Return the entries that have this identifier as one of the kinds; a BIC by its first 8 letters."""
        found: dict[str, EntryMatch] = {}
        for kind in kinds:
            text = spell_identifier(value, is_crypto=kind == "crypto")
            text = text[:8] if kind == "bic" else text
            if len(text) >= IDENTIFIER_CHARACTERS_MIN:
                key = f"{kind}:{text}"
                for each in self._identifiers.get(key, ()):
                    found.setdefault(each.entry_id, EntryMatch(each, key, is_weak=False, likeness=None))
        return tuple(found[entry_id] for entry_id in sorted(found))

    def _search_reading(self, spelled: Spelled, kind: PartyKind | None) -> Search:
        """Search by the parts; and where there is but one, by those that it is put together of."""
        found = self._search(spelled, kind)
        kept = spelled.kept if spelled.remarks else spelled.parts
        if len(kept) == 1 and (apart := self._run_together.get(kept[0])) is not None:
            parted = self._search(apart, kind)
            matches = tuple(each.as_one_word(spelled) for each in parted.matches)
            found = together(found, Search(matches, 1, parted.candidates))
        return found

    def _search(self, spelled: Spelled, kind: PartyKind | None) -> Search:
        if not spelled.parts:
            return _NOTHING_FOUND
        light = light_weights_beside(spelled, kind) if spelled.remarks else light_weights(spelled.parts, kind)
        known, vowelless = self._words, spelled.vowelless
        words = [
            (None if vowelless else known.get(part)) or self._word(part, is_vowelless=part in vowelless)
            if each is None
            else None
            for part, each in zip(spelled.parts, light, strict=True)
        ]
        candidates = self._candidates(spelled, words)
        if not candidates:
            return Search((), len(spelled.parts))
        name = Name(
            spelled.parts,
            self._rarity.weights_of(spelled.parts, light),
            surname=spelled.surname,
            vowelless=spelled.vowelless,
            remarks=spelled.remarks,
            trades=spelled.trades,
        )
        alike = [word.sounds if word is not None else None for word in words]
        best: dict[int, tuple[Likeness, str, bool, tuple[str, ...]]] = {}
        for number in candidates:
            listed = self._listed[number]
            likeness = align(name, listed.name, self._telling, alike)
            if likeness.score < SCORE_MIN:
                continue
            if spelled.doubt and not self._tells_who(likeness, spelled.doubt):
                continue
            for entry, borne, is_weak in listed.bearers:
                earlier = best.get(entry)
                if earlier is None or (not is_weak, likeness.score) > (not earlier[2], earlier[0].score):
                    best[entry] = (likeness, borne, is_weak, listed.name.parts)
        ordered = sorted(best.items(), key=lambda each: (-each[1][0].score, self._parties[each[0]].entry_id))
        matches = tuple(
            EntryMatch(
                entry=self._parties[entry],
                name=borne,
                is_weak=is_weak,
                likeness=likeness,
                parts=spelled.parts,
                listed_parts=parts,
                outside=spelled.outside,
            )
            for entry, (likeness, borne, is_weak, parts) in ordered
        )
        return Search(matches, len(spelled.parts), len(candidates))

    # ── candidates ────────────────────────────────────────────────────────────────────────────────

    def _candidates(self, spelled: Spelled, words: Sequence[_Word | None]) -> Sequence[int]:
        """Return the listed names worth comparing: all that can reach `SCORE_MIN`, or the best of them."""
        weighing = [word for word in words if word is not None]
        keys: tuple[str, ...] = (spelled.key,)
        if spelled.is_one_word_of_several:
            return self._of_one_word_of_several(spelled.parts)
        if spelled.remarks or spelled.trades:
            keys = spelled.keys
            found = self._of_words_beside(spelled, words)
        elif len(weighing) == 1:
            found = self._of_one_word(weighing[0])
        else:
            found = self._of_words(weighing)
        if len(spelled.parts) > 1:
            self._add_joined(spelled.parts, found)
        for key in keys:
            for number in self._by_key.get(key, ()):
                found[number] = 2.0
        if len(found) <= CANDIDATES_MAX:
            return list(found)
        return sorted(found, key=lambda number: (-found[number], number))[:CANDIDATES_MAX]

    def _of_one_word(self, word: _Word) -> dict[int, float]:
        """A single part is like names of a single part, and like two parts that make it."""
        found = {number: 1.0 for each, _, _ in word.sets for number in each & self._single}
        for each in word.joined:
            found.update((number, 0.9) for number in each if self._listed[number].named <= 2)
        return found

    def _of_one_word_of_several(self, parts: Sequence[str]) -> list[int]:
        """One word beside "and" is a firm or nobody: couples are called by their given names so."""
        found = self._telling_words.intersection(*[self._postings.get(folded(part), ()) for part in parts])
        return sorted(n for n in found if set(parts) <= set(self._listed[n].name.parts))[:CANDIDATES_MAX]

    def _of_words_beside(self, spelled: Spelled, words: Sequence[_Word | None]) -> dict[int, float]:
        """Where parts may weigh nothing: by all parts, and by the only one that does weigh."""
        may_be_nothing = {*spelled.remarks, *spelled.trades}
        found = self._of_words(
            [
                replace(word, own_weight=0.0) if n in may_be_nothing else word
                for n, word in enumerate(words)
                if word is not None
            ]
        )
        for aside in (frozenset(spelled.remarks), may_be_nothing):
            kept = [word for n, word in enumerate(words) if word is not None and n not in aside]
            if len(kept) == 1:
                found |= self._of_one_word(kept[0])
        return found

    def _of_words(self, words: list[_Word]) -> dict[int, float]:
        """Return names with two parts in common and more, by the best score that they can have.

        The rarest common part is tried in turn, for as long as the parts after it can carry a match alone.
        """
        words.sort(key=_by_count)
        found: dict[int, float] = {}
        if len(words) < 2 or words[-2].count == 0:
            return found
        own = sum([each.own_weight for each in words])
        after = sum([each.weight for each in words])
        told = sum([each.tells for each in words])
        before = 0.0
        for k, word in enumerate(words[:-1]):
            if before > after * _SLACK or (before > 0.0 and told < self._enough):
                break
            if word.count:
                common: dict[int, tuple[float, float, float, int]] = {}
                left = own - word.own_weight
                first = word.sets[0][0]
                with_word = first if len(word.sets) == 1 else first.union(*[each[0] for each in word.sets])
                for n in range(k + 1, len(words)):
                    other = words[n]
                    other_left = other.own_weight
                    for two, other_weight, other_tells in other.sets:
                        both = with_word & two
                        if not both:
                            continue
                        for one, weight, tells in word.sets:
                            for number in both if one is with_word else one & both:
                                sums = common.get(number)
                                if sums is None:
                                    common[number] = (
                                        weight + other_weight,
                                        tells + other_tells,
                                        left - other_left,
                                        n,
                                    )
                                elif sums[3] != n:
                                    common[number] = (
                                        sums[0] + other_weight,
                                        sums[1] + other_tells,
                                        sums[2] - other_left,
                                        n,
                                    )
                for number, (matched, tells, unmatched, _) in common.items():
                    best = self._best_score(number, matched, tells, unmatched)
                    if best > found.get(number, 0.0):
                        found[number] = best
            before += word.own_weight
            after -= word.weight
            told -= word.tells
        return found

    def _best_score(self, number: int, matched: float, tells: float, left: float) -> float:
        """Return the best score that a listed name of which so much is matched can have; 0 if too low.

        Weights are of the rarest spelling of each part, and what is left over may still be joined or light.
        """
        listed_left = max(0.0, self._listed[number].weight - matched - _LIGHT_LEFT)
        left = max(0.0, left - _LIGHT_LEFT)
        less, more = (left, listed_left) if left < listed_left else (listed_left, left)
        if more > 0.0 and tells - LACKED * more - CONTRADICTING * less < self._enough:
            return 0.0
        best = matched / (matched + (CONTRADICTED - OMITTED) * less + OMITTED * more)
        return best if best >= _BEST_SCORE_MIN else 0.0

    def _add_joined(self, parts: Sequence[str], found: dict[int, float]) -> None:
        """Add names that write two neighbouring parts of this one as one."""
        listed = self._rarity.parts
        for one, next_ in pairwise(parts):
            if (both := one + next_) in listed:
                for number in self._postings[folded(both)]:
                    if self._listed[number].named <= len(parts):
                        found.setdefault(number, 0.9)

    def _word(self, part: str, *, is_vowelless: bool) -> _Word:
        key = "'" + part if is_vowelless else part
        word = self._words.get(key)
        if word is None:
            if len(self._words) >= WORDS_MAX:
                self._words.clear()
            word = self._words[key] = self._look_up(part, is_vowelless=is_vowelless)
        return word

    def _look_up(self, part: str, *, is_vowelless: bool) -> _Word:
        spellings = self._spellings.of_consonants(part) if is_vowelless else self._spellings.of(part)
        postings, neighbours, rarity = self._postings, self._joined, self._rarity
        sets: list[tuple[frozenset[int], float, float]] = []
        joined: list[frozenset[int]] = []
        exact = rarity.parts.get(part)
        own = rarity.tells_alone(part)
        for score, sound in spellings:
            one = postings.get(sound)
            two = neighbours.get(sound) if one is None or score >= SOUND else None
            if one is not None:
                tells = own if exact and score >= SOUND else own - DIFFERENCE["sound"]
                sets.append((one, rarity.weight(rarity.sounds[sound]), tells))
            if two is not None:
                sets.append((two, 1.0, rarity.log_entries))
                joined.append(two)
        if not spellings and (two := neighbours.get(folded(part))) is not None:
            sets.append((two, 1.0, rarity.log_entries))
            joined.append(two)
        return _Word(
            sets=tuple(sets),
            count=sum([len(each[0]) for each in sets]),
            weight=max((each[1] for each in sets), default=0.0),
            own_weight=rarity.own_weight(part),
            tells=max((each[2] for each in sets), default=0.0),
            joined=tuple(joined),
            sounds={sound: score for score, sound in spellings},
        )

    # ── what parts tell ───────────────────────────────────────────────────────────────────────────

    def _tell(self, part: str, listed: str, how: How) -> float:
        """Return how much it tells that a part is there: the more, the fewer entries have it."""
        rarity = self._rarity
        if how in ("equal", "joined"):
            return rarity.log_entries - log(rarity.parts[listed])
        if how == "consonants":
            return rarity.log_entries - log(self._word(part, is_vowelless=True).count)
        if how == "initial":
            return INITIAL_TELLS
        return rarity.tells_alone(part)

    def _tells_who(self, likeness: Likeness, doubt: float) -> bool:
        """Whether what is alike tells who is meant, though it may be no name: by how rare it is."""
        told = 0.0
        for each in likeness.parts:
            parts = each.listed.split(" ")
            told += sum([self._tell(each.part, part, each.how) for part in parts]) - DIFFERENCE[each.how]
        return told >= self._rarity.log_entries + doubt

    def _listed_name(
        self, spelled: Spelled, kind: Kind, bearers: tuple[tuple[int, str, bool], ...]
    ) -> Listed:
        light = light_weights(spelled.parts, kind)
        weights = self._rarity.weights_of(spelled.parts, light)
        named = [
            (part, weight)
            for part, weight, each in zip(spelled.parts, weights, light, strict=True)
            if each is None
        ]
        name = Name(
            spelled.parts,
            weights,
            sounds=tuple([folded(part) for part in spelled.parts]),
            surname=spelled.surname if kind == "person" else 0,
            is_telling_word=len(named) == 1
            and tells_a_firm(named[0][0], kind, self._rarity.parts[named[0][0]]),
        )
        return Listed(name, len(named), sum(weight for _, weight in named), bearers)


_SLACK: Final = (1.0 - SCORE_MIN) / (OMITTED * SCORE_MIN)
"""What may be left over for each weight matched, at the best."""
_BEST_SCORE_MIN: Final = SCORE_MIN - 0.05
_LIGHT_LEFT: Final = 0.3
"""What may be left over without counting as a part."""


_by_count: Final = attrgetter("count")
