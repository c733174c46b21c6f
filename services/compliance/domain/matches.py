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

    def as_one_word(self, word: str) -> "EntryMatch":
        """Tell of a word what was found by the parts that it is put together of."""
        if self.likeness is None:
            return self
        parts = tuple(replace(each, part=word, how="joined", places=(0,)) for each in self.likeness.parts)
        return replace(self, parts=(word,), likeness=replace(self.likeness, is_equal=False, parts=parts))

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
