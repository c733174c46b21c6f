"""What a search finds: an entry that is alike, how alike, what bears on it, and what it leads to."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.names.evidence import (
    NOTHING_KNOWN,
    Evidence,
    Known,
    is_confirmed,
    qualified,
    weigh_evidence,
)
from services.compliance.domain.names.likeness import Likeness
from services.compliance.domain.names.official import official_style_score
from services.compliance.domain.names.spelling import Spelled

Level = Literal["hold", "alert", "clear"]
Comparison = Literal["equal", "alike", "identifier"]


SCORE_MIN: Final = 0.65
"""Below it nothing is found; thresholds are above it."""
ALERT_AT: Final = 0.70
HOLD_AT: Final = 0.85
"""The default thresholds, where no parameters say others."""


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
    key: str = ""
    """Of the whole field, `Spelled.key`: what a pair on the whitelist is of."""
    outside: tuple[str, ...] = ()
    """Words of the field that are in none of the parts compared: another party, or text in brackets."""

    def as_one_word(self, spelled: Spelled) -> "EntryMatch":
        """Tell of a name of one word what was found by the parts that it is put together of."""
        if self.likeness is None:
            return self
        [place] = [n for n in range(len(spelled.parts)) if n not in spelled.remarks]
        parts = tuple(
            replace(each, part=spelled.parts[place], how="joined", places=(place,))
            for each in self.likeness.parts
        )
        aside = tuple(spelled.parts[n] for n in spelled.remarks)
        likeness = replace(self.likeness, is_equal=False, parts=parts, aside=aside)
        return replace(self, parts=spelled.parts, outside=spelled.outside, likeness=likeness)

    @property
    def left_aside(self) -> tuple[str, ...]:
        """Words of the field that were left aside: they are no parts of the name compared."""
        return self.outside + (self.likeness.aside if self.likeness is not None else ())

    @property
    def business_words(self) -> tuple[str, ...]:
        """Words beside a whole listed name that lower the score to an alert's."""
        return self.likeness.beside if self.likeness is not None else ()

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
        if self.likeness is None:
            return None
        aside = list(self.likeness.aside)
        kept = [part for part in self.parts if not (part in aside and aside.remove(part) is None)]
        return official_style_score(kept, self.listed_parts)

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
class Search:
    """What one name led to, and how much work it was."""

    matches: tuple[EntryMatch, ...]
    parts: int = 0
    candidates: int = 0
    """Listed names compared."""


def together(one: Search, other: Search) -> Search:
    """Put together what two spellings of one name found: each entry once, by the spelling more like it."""
    best: dict[str, EntryMatch] = {}
    for match in (*one.matches, *other.matches):
        if match.entry_id not in best or _rank(match) > _rank(best[match.entry_id]):
            best[match.entry_id] = match
    matches = sorted(best.values(), key=lambda each: (-_rank(each)[1], each.entry_id))
    return Search(tuple(matches), max(one.parts, other.parts), one.candidates + other.candidates)


def _rank(match: EntryMatch) -> tuple[bool, float]:
    """What comes first of two names of one entry: one that is not weak, then the more alike."""
    return not match.is_weak, match.likeness.score if match.likeness is not None else 0.0


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
