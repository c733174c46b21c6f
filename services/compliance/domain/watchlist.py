"""One version of a watch list as it is searched: candidates by the parts of a name, then compared exactly.

In memory, never changed once built, shared by all shards of a process. The work for one name is bounded
whatever the name is: so many parts, so many spellings of each, so many candidates.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Final, Literal

from services.compliance.domain.lists.party import (
    IDENTIFIER_CHARACTERS_MIN,
    IdentifierKind,
    Kind,
    ListedParty,
    spell_identifier,
)
from services.compliance.domain.names.evidence import (
    NOTHING_KNOWN,
    Evidence,
    Known,
    is_confirmed,
    qualified,
    weigh_evidence,
)
from services.compliance.domain.names.likeness import (
    BONES_MIN,
    CONSONANTS,
    CONSONANTS_WITH_SLIP_MIN,
    CONTRADICTED,
    CONTRADICTING,
    DIFFERENCE,
    LACKED,
    OMITTED,
    OTHER_LETTER_FROM,
    PART_SCORE_MIN,
    POWER,
    SLIP,
    SOUND,
    VARIANT,
    VOWELS,
    How,
    Likeness,
    Name,
    Telling,
    align,
    by_letters,
    consonants_of,
    folded,
    light_weights,
)
from services.compliance.domain.names.official import official_style_score
from services.compliance.domain.names.sounds import skeleton
from services.compliance.domain.names.spelling import Spelled, spell
from services.compliance.domain.names.words import (
    CANONICAL,
    HALF_NAMES,
    ORGANISATION_FORMS,
    PARTICLES,
    TITLES,
)

PartyKind = Literal["person", "organisation"]
Level = Literal["hold", "alert", "clear"]
Comparison = Literal["equal", "alike", "identifier"]

SCORE_MIN: Final = 0.65
"""Below it nothing is found; thresholds are above it."""
ALERT_AT: Final = 0.70
HOLD_AT: Final = 0.85
"""The default thresholds, where no parameters say others."""

CANDIDATES_MAX: Final = 60
"""Names compared for one name, the best by their common parts."""
SPELLINGS_MAX: Final = 24
"""Listed parts taken for one part of a name, the most alike."""
SEEN_MAX: Final = 50_000
"""Names remembered with their answer, so that one seen before costs a look-up."""
WORDS_MAX: Final = 100_000
"""Parts remembered with the listed parts like them."""
ENTRIES_MIN: Final = 10_000
"""A list is reckoned to have so many entries at least when it is judged how rare a part is."""
MARGIN: Final = -2.0
MARGIN_OF_ONE: Final = -8.0
"""In nats, added to the logarithm of the list's size for the evidence that is needed. Below zero, since a
match missed costs more than seven (e²) looked at in vain; one part alone cannot tell as much."""
UNLISTED: Final = 0.7
"""In nats: how much more a part tells that no entry has than one that a single entry has."""
LETTER: Final = 0.4
"""In nats: how much more each of its letters from the sixth on tells: long words are rare by themselves."""
INITIAL_TELLS: Final = 3.0
"""In nats: how much an initial tells, one of some twenty."""
WEIGHT_MIN: Final = 0.35
"""Of a part that every entry has in a name; one that a single entry has weighs 1."""


@dataclass(frozen=True, slots=True)
class EntryMatch:
    """A name like one that an entry bears (the entry's most alike), or an identifier that it has."""

    entry: ListedParty
    name: str
    """As it stands on the list; the identifier where there is no likeness."""
    is_weak: bool
    """Only a weak alias is alike: it confirms, it does not alert by itself."""
    likeness: Likeness | None
    """None of an identifier, which is equal or not there."""
    parts: tuple[str, ...] = ()
    listed_parts: tuple[str, ...] = ()
    """Of both names, as they are compared."""

    @property
    def entry_id(self) -> str:
        """The entry's id on its list."""
        return self.entry.entry_id

    @property
    def identifier_kind(self) -> str | None:
        """What kind of identifier is the same; None of a name."""
        return self.name.partition(":")[0] if self.likeness is None else None

    @property
    def official_score(self) -> int | None:
        """A score of the kind that OFAC's search shows, 0 to 100."""
        return None if self.likeness is None else official_style_score(self.parts, self.listed_parts)

    @property
    def comparison(self) -> Comparison:
        """By what it was found."""
        if self.likeness is None:
            return "identifier"
        return "equal" if self.likeness.is_equal else "alike"

    def evidence(self, known: Known) -> tuple[Evidence, ...]:
        """What bears on the match beside the name; it is told of an identifier, but moves no score."""
        evidence = weigh_evidence(known, self.entry)
        return (
            evidence if self.likeness is not None else tuple(replace(each, change=0.0) for each in evidence)
        )

    def score(self, known: Known, alert_at: float) -> float:
        """The name's likeness with the evidence; 1 of an identifier."""
        if self.likeness is None:
            return 1.0
        return qualified(self.likeness.score, self.evidence(known), alert_at)

    def level(self, known: Known, *, alert_at: float, hold_at: float) -> Level:
        """What it leads to. A weak alias holds nothing, and alerts only where a birth date confirms it."""
        score = self.score(known, alert_at)
        if score < alert_at or (self.is_weak and not is_confirmed(self.evidence(known))):
            return "clear"
        return "hold" if score >= hold_at and not self.is_weak else "alert"


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A match in an instruction. Says where, and outside compliance never the name."""

    field: str
    """Where the name stood: `party`, `payment.creditor` …"""
    list_code: str
    list_version: str
    match: EntryMatch
    known: Known = NOTHING_KNOWN
    """What the instruction says of the party beside its name."""

    @property
    def entry_id(self) -> str:
        """The entry's id on its list."""
        return self.match.entry_id

    @property
    def subject(self) -> str:
        """The entry, as alerts name it."""
        return f"{self.list_code}:{self.entry_id}"

    @property
    def comparison(self) -> Comparison:
        """By what it was found."""
        return self.match.comparison

    @property
    def likeness(self) -> Likeness | None:
        """How alike the names are; None of an identifier."""
        return self.match.likeness

    @property
    def is_weak(self) -> bool:
        """Whether only a weak alias is alike."""
        return self.match.is_weak

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What bears on the match beside the name."""
        return self.match.evidence(self.known)

    def score(self, alert_at: float) -> float:
        """The name's likeness with the evidence."""
        return self.match.score(self.known, alert_at)

    def level(self, *, alert_at: float, hold_at: float) -> Level:
        """What the match leads to."""
        return self.match.level(self.known, alert_at=alert_at, hold_at=hold_at)


@dataclass(frozen=True, slots=True)
class Search:
    """What one name led to, and how much work it was."""

    matches: tuple[EntryMatch, ...]
    parts: int = 0
    candidates: int = 0
    """Listed names compared."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A distinct listed name and those who bear it."""

    name: Name
    named: int
    """How many parts are more than forms, titles and particles."""
    weight: float
    """Of those parts together."""
    bearers: tuple[tuple[int, str, bool], ...]
    """Entry, the name as listed, whether weak."""


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
_UNLISTED_WEIGHTS: Final = (0.0, 0.3, 0.6, 0.85)
"""Of a part that no listed name has, by its letters; 1 from four letters on: short ones tell less."""


class NamesIndex:
    """The names of one list version, to be searched by likeness."""

    def __init__(self, code: str, version: str, parties: Iterable[ListedParty]) -> None:
        self.code = code
        self.version = version
        self._parties = tuple(parties)
        self.entries = len(self._parties)
        distinct = _distinct_names(self._parties)
        spelled = [each.parts for each, _, _ in distinct]
        self.names = len(spelled)
        self._log_entries = log(max(self.entries, ENTRIES_MIN))
        self._listed_parts = _bearers_of(
            (part, bearers) for parts, _, bearers in distinct for part in parts.parts
        )
        self._postings = _postings(spelled)
        self._bearers = _bearers_of(
            (folded(part), bearers) for parts, _, bearers in distinct for part in parts.parts
        )
        self._joined = _joined_neighbours(spelled)
        self._spellings = _Spellings(self._listed_parts, _often_joined(spelled))
        self._telling = Telling(
            tells=self._tell,
            needed=self._log_entries + MARGIN,
            needed_of_one=self._log_entries + MARGIN_OF_ONE,
        )
        self._enough = self._telling.needed * SCORE_MIN ** (1.0 / POWER)
        """The evidence below which equal parts do not reach `SCORE_MIN`."""
        self._listed = [self._listed_name(*each) for each in distinct]
        self._single = frozenset(n for n, each in enumerate(self._listed) if each.named == 1)
        self._by_key = _by_key(spelled)
        self._identifiers = _identifiers(self._parties)
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
            found = self._search(spell(name), kind)
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

    def _search(self, spelled: Spelled, kind: PartyKind | None) -> Search:
        if not spelled.parts:
            return _NOTHING_FOUND
        light = light_weights(spelled.parts, kind)
        words = [
            self._word(part, is_vowelless=part in spelled.vowelless) if each is None else None
            for part, each in zip(spelled.parts, light, strict=True)
        ]
        candidates = self._candidates(spelled, [word for word in words if word is not None])
        if not candidates:
            return Search((), len(spelled.parts))
        name = Name(
            spelled.parts,
            self._weights_of(spelled.parts, light),
            surname=spelled.surname,
            vowelless=spelled.vowelless,
        )
        alike = [word.sounds if word is not None else None for word in words]
        best: dict[int, tuple[Likeness, str, bool, tuple[str, ...]]] = {}
        for number in candidates:
            listed = self._listed[number]
            likeness = align(name, listed.name, self._telling, alike)
            if likeness.score < SCORE_MIN:
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
            )
            for entry, (likeness, borne, is_weak, parts) in ordered
        )
        return Search(matches, len(spelled.parts), len(candidates))

    # ── candidates ────────────────────────────────────────────────────────────────────────────────

    def _candidates(self, spelled: Spelled, words: list[_Word]) -> Sequence[int]:
        """Return the listed names worth comparing: all that can reach `SCORE_MIN`, or the best of them."""
        found = self._of_one_word(words[0]) if len(words) == 1 else self._of_words(words)
        if len(spelled.parts) > 1:
            self._add_joined(spelled.parts, found)
        for number in self._by_key.get(spelled.key, ()):
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

    def _of_words(self, words: list[_Word]) -> dict[int, float]:
        """Return names with two parts in common and more, by the best score that they can have.

        The rarest common part is tried in turn, for as long as the parts after it can carry a match alone.
        """
        words.sort(key=_by_count)
        found: dict[int, float] = {}
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
                for n in range(k + 1, len(words)):
                    other = words[n]
                    other_left = other.own_weight
                    for one, weight, tells in word.sets:
                        for two, other_weight, other_tells in other.sets:
                            for number in one & two:
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
        for n in range(len(parts) - 1):
            both = parts[n] + parts[n + 1]
            if both in self._listed_parts:
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
        postings, neighbours = self._postings, self._joined
        sets: list[tuple[frozenset[int], float, float]] = []
        joined: list[frozenset[int]] = []
        exact = self._listed_parts.get(part)
        own = self._tells_alone(part)
        for score, sound in spellings:
            one = postings.get(sound)
            two = neighbours.get(sound) if one is None or score >= SOUND else None
            if one is not None:
                tells = own if exact and score >= SOUND else own - DIFFERENCE["sound"]
                sets.append((one, self._weight(self._bearers[sound]), tells))
            if two is not None:
                sets.append((two, 1.0, self._log_entries))
                joined.append(two)
        if not spellings and (two := neighbours.get(folded(part))) is not None:
            sets.append((two, 1.0, self._log_entries))
            joined.append(two)
        return _Word(
            sets=tuple(sets),
            count=sum([len(each[0]) for each in sets]),
            weight=max((each[1] for each in sets), default=0.0),
            own_weight=self._own_weight(part),
            tells=max((each[2] for each in sets), default=0.0),
            joined=tuple(joined),
            sounds={sound: score for score, sound in spellings},
        )

    # ── weights ───────────────────────────────────────────────────────────────────────────────────

    def _weight(self, entries: int) -> float:
        """Return what a part weighs that so many entries have in their names."""
        return WEIGHT_MIN + (1.0 - WEIGHT_MIN) * (1.0 - log(entries) / self._log_entries)

    def _own_weight(self, part: str) -> float:
        """Return what a part weighs by itself: by how many entries have one that sounds so."""
        names = self._bearers.get(folded(part))
        return self._weight(names) if names is not None else _unlisted_weight(part)

    def _weights_of(self, parts: Sequence[str], light: Sequence[float | None]) -> tuple[float, ...]:
        return tuple(
            [
                self._own_weight(part) if each is None else each
                for part, each in zip(parts, light, strict=True)
            ]
        )

    def _tell(self, part: str, listed: str, how: How) -> float:
        """Return how much it tells that a part is there: the more, the fewer entries have it."""
        if how in ("equal", "joined"):
            return self._log_entries - log(self._listed_parts[listed])
        if how == "consonants":
            return self._log_entries - log(self._word(part, is_vowelless=True).count)
        if how == "initial":
            return INITIAL_TELLS
        return self._tells_alone(part)

    def _tells_alone(self, part: str) -> float:
        """Return how much it tells that a name has just this part."""
        entries = self._listed_parts.get(part)
        if entries is None:
            return self._log_entries + UNLISTED + LETTER * max(0, len(part) - 5)
        return self._log_entries - log(entries)

    def _listed_name(
        self, spelled: Spelled, kind: Kind, bearers: tuple[tuple[int, str, bool], ...]
    ) -> _Listed:
        light = light_weights(spelled.parts, kind)
        weights = self._weights_of(spelled.parts, light)
        name = Name(
            spelled.parts,
            weights,
            sounds=tuple([folded(part) for part in spelled.parts]),
            surname=spelled.surname if kind == "person" else 0,
        )
        named = [weight for weight, each in zip(weights, light, strict=True) if each is None]
        return _Listed(name, len(named), sum(named), bearers)


_LIGHT_SOUNDS: Final = frozenset(folded(word) for word in (*ORGANISATION_FORMS, *PARTICLES, *TITLES))
_SLACK: Final = (1.0 - SCORE_MIN) / (OMITTED * SCORE_MIN)
"""What may be left over for each weight matched, at the best."""
_BEST_SCORE_MIN: Final = SCORE_MIN - 0.05
_LIGHT_LEFT: Final = 0.3
"""What may be left over without counting as a part."""
_ROUNDING: Final = 1e-6


def _by_count(word: _Word) -> int:
    return word.count


def _unlisted_weight(part: str) -> float:
    return _UNLISTED_WEIGHTS[len(part)] if len(part) < len(_UNLISTED_WEIGHTS) else 1.0


class _Spellings:
    """The distinct parts of listed names by their sound, found by parts that are spelled or sound like them.

    A *form* is a part as it is spelled, or as it sounds. Parts are alike by one slip (a letter too many, too
    few, or swapped with the next), by one other letter in longer parts, by vowels only, or by usage.
    """

    def __init__(self, parts: Iterable[str], joined: Iterable[str]) -> None:
        self._forms: dict[str, tuple[str, ...]] = {}
        """Sounds, by what is spelled so or sounds so."""
        self._lacking: dict[str, tuple[str, ...]] = {}
        """Forms, by what is left of them without one letter."""
        self._bones: dict[str, tuple[str, ...]] = {}
        self._consonants: dict[str, tuple[str, ...]] = {}
        self._lacking_consonants: dict[str, tuple[str, ...]] = {}
        self._canonical: dict[str, tuple[str, ...]] = {}
        for part in sorted({*parts, *joined}):
            sound = folded(part)
            for form in (part, sound):
                sounds = self._forms.get(form, ())
                if not sounds:
                    for rest in _rests(form):
                        self._lacking[rest] = (*self._lacking.get(rest, ()), form)
                if sound not in sounds:
                    self._forms[form] = (*sounds, sound)
            canonical = CANONICAL.get(part)
            if canonical is not None and sound not in (known := self._canonical.get(canonical, ())):
                self._canonical[canonical] = (*known, sound)
        for sound in sorted({sound for sounds in self._forms.values() for sound in sounds}):
            bones = skeleton(sound)
            self._bones[bones] = (*self._bones.get(bones, ()), sound)
            consonants = consonants_of(sound)
            if consonants not in self._consonants:
                for rest in _rests(consonants):
                    self._lacking_consonants[rest] = (*self._lacking_consonants.get(rest, ()), consonants)
            self._consonants[consonants] = (*self._consonants.get(consonants, ()), sound)

    def of(self, part: str) -> list[tuple[float, str]]:
        """Return the sounds of listed parts like this one with how alike they are, the most alike first."""
        forms, lacking = self._forms, self._lacking
        found: dict[str, float] = {}
        sound = folded(part)
        if len(part) < 2 or part.isdigit():
            return [(1.0, sound)] if part in forms else []
        for form in (part, sound) if sound != part else (part,):
            length = len(form)
            one_more, one_less = 1.0 - SLIP / (length + 1), 1.0 - SLIP / length
            for more in lacking.get(form, ()):
                _keep(found, forms[more], one_more)
            rests = _rests(form)
            for rest in rests:
                if rest in forms:
                    _keep(found, forms[rest], one_less)
            for swapped in _swapped(form):
                if swapped in forms:
                    _keep(found, forms[swapped], one_less)
            if length >= OTHER_LETTER_FROM:
                others = {other for rest in rests for other in lacking.get(rest, ())}
                others.discard(form)
                for other in others:
                    score, _ = by_letters(form, other)
                    if score > 0.0:
                        _keep(found, forms[other], score)
        bones = skeleton(sound)
        if len(bones) >= BONES_MIN + bones.startswith("'"):
            length = len(sound)
            for other in self._bones.get(bones, ()):
                if -2 < len(other) - length < 2:
                    _keep(found, (other,), VOWELS)
        canonical = CANONICAL.get(part)
        if canonical is not None:
            _keep(found, self._canonical.get(canonical, ()), VARIANT)
        _keep(found, forms.get(sound, ()), SOUND)
        _keep(found, forms.get(part, ()), SOUND)
        return _best(found)

    def of_consonants(self, part: str) -> list[tuple[float, str]]:
        """Return the sounds of listed parts with the consonants of this one, which has no vowels."""
        found: dict[str, float] = {}
        consonants = consonants_of(part)
        if len(consonants) > 1:
            _keep(found, self._consonants.get(consonants, ()), CONSONANTS)
        if len(consonants) >= CONSONANTS_WITH_SLIP_MIN:
            others = {
                *_rests(consonants),
                *_swapped(consonants),
                *self._lacking_consonants.get(consonants, ()),
            }
            for other in others:
                score, how = by_letters(consonants, other)
                if how == "slip":
                    _keep(found, self._consonants.get(other, ()), score)
        _keep(found, self._forms.get(part, ()), SOUND)
        return _best(found)


def _keep(found: dict[str, float], sounds: tuple[str, ...], score: float) -> None:
    for sound in sounds:
        if found.get(sound, 0.0) < score:
            found[sound] = score


def _best(found: dict[str, float]) -> list[tuple[float, str]]:
    ordered = sorted(
        [(score, sound) for sound, score in found.items() if score >= PART_SCORE_MIN], reverse=True
    )
    return ordered[:SPELLINGS_MAX]


def _rests(form: str) -> set[str]:
    """Return what is left of a form without each one of its letters; nothing of two letters."""
    if len(form) < 3:
        return set()
    return {form[:n] + form[n + 1 :] for n in range(len(form))}


def _swapped(form: str) -> list[str]:
    return [form[:n] + form[n + 1] + form[n] + form[n + 2 :] for n in range(len(form) - 1)]


def _distinct_names(
    parties: Sequence[ListedParty],
) -> list[tuple[Spelled, Kind, tuple[tuple[int, str, bool], ...]]]:
    """Return distinct spelled names with the kind of their bearers, and who bears each."""
    found: dict[tuple[Spelled, Kind], list[tuple[int, str, bool]]] = {}
    for entry, party in enumerate(parties):
        for names, is_weak in ((party.names, False), (party.weak_names, True)):
            for name in names:
                spelled = spell(name)
                if spelled.parts:
                    found.setdefault((spelled, party.kind), []).append((entry, name, is_weak))
    return [(spelled, kind, tuple(bearers)) for (spelled, kind), bearers in found.items()]


def _bearers_of(borne: Iterable[tuple[str, Sequence[tuple[int, str, bool]]]]) -> dict[str, int]:
    """Return how many entries have each part, in whichever of their names."""
    found: dict[str, set[int]] = {}
    for part, bearers in borne:
        found.setdefault(part, set()).update([entry for entry, _, _ in bearers])
    return {part: len(entries) for part, entries in found.items()}


def _postings(spelled: Sequence[tuple[str, ...]]) -> dict[str, frozenset[int]]:
    """Return the names that have a part of each sound."""
    found: dict[str, set[int]] = {}
    for number, parts in enumerate(spelled):
        for part in parts:
            found.setdefault(folded(part), set()).add(number)
    return {sound: frozenset(numbers) for sound, numbers in found.items()}


def _by_key(spelled: Sequence[tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for number, parts in enumerate(spelled):
        key = " ".join(sorted(parts))
        found[key] = (*found.get(key, ()), number)
    return found


def _joined_neighbours(spelled: Sequence[tuple[str, ...]]) -> dict[str, frozenset[int]]:
    """Return how two neighbouring parts sound when written as one, and the names that have them."""
    found: dict[str, set[int]] = {}
    for number, parts in enumerate(spelled):
        for n in range(len(parts) - 1):
            found.setdefault(folded(parts[n] + parts[n + 1]), set()).add(number)
    return {sound: frozenset(numbers) for sound, numbers in found.items()}


def _often_joined(spelled: Sequence[tuple[str, ...]]) -> set[str]:
    """Return neighbouring parts, written as one, whose former part is often written with the next."""
    return {
        parts[n] + parts[n + 1]
        for parts in spelled
        for n in range(len(parts) - 1)
        if parts[n] in PARTICLES or parts[n] in HALF_NAMES
    }


def _identifiers(parties: Iterable[ListedParty]) -> dict[str, tuple[ListedParty, ...]]:
    found: dict[str, tuple[ListedParty, ...]] = {}
    for party in parties:
        for each in party.identifiers:
            key = each[:12] if each.startswith("bic:") else each
            found[key] = (*found.get(key, ()), party)
    return found
