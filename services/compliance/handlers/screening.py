"""Judges events of the ledger by all rules: a pure fold over each shard's events, in their order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Protocol

from services.compliance.domain.cash import CashEvent, OwnerHistory
from services.compliance.domain.ledger_events import Bearer, cash_events
from services.compliance.domain.list_age import ListCheck, outdated
from services.compliance.domain.matches import EntryMatch, NameMatch
from services.compliance.domain.names.readings import has_nothing_to_compare, is_more_than_compared
from services.compliance.domain.names.scripts import has_unknown_letters
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANY_ASSET, CashRule
from services.compliance.domain.rule_changes import RuleSet, Shadow
from services.compliance.domain.snoozes import NOW
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import PairVerdict, Whitelist
from services.compliance.rules import CASH_RULES, san_1
from shared.messages.compliance import Finding
from shared.messages.journal import (
    InstructionApplied,
    LedgerEvent,
    ScreenedBy,
    TransactionEvent,
    TransactionPending,
)

SUBJECT_ENTRIES_MAX: Final = 10
MATCHES_TOLD_MAX: Final = 100
"""Of one event and level; the subject says how many entries there are."""
UNREAD: Final = "sealed"
"""The subject of a hit about names that nobody can read any more."""
UNNAMED: Final = "unnamed"
"""The subject of a hit about names with nothing in them to compare."""
TOO_LONG: Final = "too_long"
"""The subject of a hit about names with more in them than is compared."""
UNKNOWN_SCRIPT: Final = "unknown_script"
"""The subject of a hit about names with letters that are not known how to read."""
OUTDATED: Final = "lists"
"""The subject of a hit about lists that are older than allowed."""


class Histories(Protocol):
    """Where the cash of an owner is found; the caller has loaded all that is asked for."""

    def history(self, shard: int, owner: str) -> OwnerHistory | None:
        """An owner's history, which may be added to."""
        ...

    def whitelist(self, shard: int) -> Whitelist:
        """The pairs of parties and entries that neither hold nor alert."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """An event that needs judging, with what was found out about it without any state."""

    shard: int
    """Whose partition it was read from."""
    is_primary: bool
    event: TransactionEvent | InstructionApplied
    matches: tuple[NameMatch, ...]
    cash: tuple[tuple[CashEvent, int], ...]
    """Cash of owners at home in this shard, with the asset's scale."""
    waits: bool
    lists: dict[str, str]
    traceparent: str | None
    rules: RuleSet
    """What judges it."""
    moved: tuple["Hit", ...] = ()
    """What rules about windows found."""
    unread: bool = False
    """Whether it has names that nobody can read any more."""
    unnamed: tuple[tuple[str, str], ...] = ()
    """Where it has names that cannot be compared, or not as a whole: a key of `_TELL`."""
    offset: int = NOW
    """Of the record in the shard's partition of the journal."""
    checks: Mapping[str, ListCheck] = field(default_factory=lambda: MappingProxyType({}))
    """When each list was last read, by code; empty where it names nobody or nothing waits."""

    @property
    def policy(self) -> ScreenedBy | None:
        """By which policy of the ledger it waits."""
        return self.event.screened_by if isinstance(self.event, TransactionPending) else None


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule that hit, about one owner."""

    rule: str
    owner: str
    subject: str
    """What the cooldown tells apart within an owner, rule and day: the list entries; else nothing."""
    findings: tuple[Finding, ...]
    holds: bool
    """Whether it holds the payment, where that waits for an answer."""
    hold_for: timedelta
    is_only_told: bool = False
    """Whether it raises no alert and is told with the decision: a whitelisted pair, or an old list."""
    cooldown_days: int = 1
    """Business days in which it alerts once, its own among them."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say about one event."""

    question: Question
    hits: tuple[Hit, ...]
    business_date: date
    deadline: datetime | None
    """When a hold is overdue; None where the payment is not held, or nothing waits."""
    shadowed: tuple[tuple[Shadow, Hit], ...] = ()
    """What versions in shadow say of its names and banknotes."""

    @property
    def holding(self) -> tuple[Hit, ...]:
        """The hits for which the payment is held."""
        return tuple(hit for hit in self.hits if hit.holds) if self.question.waits else ()

    @property
    def alerting(self) -> tuple[Hit, ...]:
        """The hits that raise an alert of their own; a hold is one itself."""
        return tuple(
            hit for hit in self.hits if not hit.is_only_told and not (hit.holds and self.question.waits)
        )


def find_names(names: Iterable[Bearer], indexes: Sequence[NamesIndex]) -> tuple[NameMatch, ...]:
    """Look the names and identifiers of an instruction up in the lists: all that may be alike enough."""
    return tuple(
        NameMatch(bearer.field, index.code, index.version, match, bearer.known)
        for bearer in names
        for index in indexes
        for match in _found(bearer, index)
    )


def _found(bearer: Bearer, index: NamesIndex) -> Iterable[EntryMatch]:
    """Yield the matches of one bearer, an entry once: an identifier says more than a name."""
    exact = {
        match.entry_id: match
        for value, kinds in bearer.identifiers
        for match in index.find_identifier(value, kinds)
    }
    yield from exact.values()
    if bearer.name:
        for match in index.search(bearer.name, bearer.known.kind).matches:
            if match.entry_id not in exact:
                yield match


def unnamed_in(names: Iterable[Bearer]) -> tuple[tuple[str, str], ...]:
    """Return where a name has nothing to compare, more than is, or letters nobody knows; each place once."""
    found = [(each.field, why) for each in names if each.name and (why := _uncompared(each.name))]
    return tuple(dict.fromkeys(found))


def _uncompared(name: str) -> str | None:
    if has_nothing_to_compare(name):
        return UNNAMED
    if is_more_than_compared(name):
        return TOO_LONG
    return UNKNOWN_SCRIPT if has_unknown_letters(name) else None


def cash_at_home(event: LedgerEvent, homes: Iterable[str]) -> tuple[tuple[CashEvent, int], ...]:
    """Return the cash of those owners whose home is this shard, so that each leg is seen exactly once."""
    if not isinstance(event, TransactionEvent):
        return ()
    wanted = set(homes)
    return tuple(each for each in cash_events(event) if each[0].owner in wanted)


def judge(questions: Iterable[Question], histories: Histories) -> list[Judgement]:
    """Judge events in order; each sees the cash before it, and adds its own for those after it."""
    return [_judge_one(question, histories) for question in questions]


def _judge_one(question: Question, histories: Histories) -> Judgement:
    event, book, shadows = question.event, question.rules.book, question.rules.shadows
    if isinstance(event, TransactionEvent):
        day, home = event.booking_date, event.owner or ""
    else:
        day, home = event.recorded_at.date(), event.owner or event.account.owner
    whitelist = histories.whitelist(question.shard)
    hits = name_hits(question.matches, home, day, book, whitelist)
    shadowed = [
        (shadow, hit)
        for shadow in shadows
        if shadow.rule == san_1.RULE.code and shadow.counts(ANY_ASSET, day)
        for hit in name_hits(question.matches, home, day, shadow.book, whitelist)
        if not hit.is_only_told
    ]
    hits += _outdated(question, home, day, book)
    if question.unread or question.unnamed:
        hits += _unscreened(question, home, day, book)
    for cash, scale in question.cash:
        history = histories.history(question.shard, cash.owner)
        assert history is not None, "the history of every owner with cash is loaded first"
        hits += _cash_hits(CASH_RULES, cash, scale, history, home, book)
        for shadow in shadows:
            if shadow.counts(cash.asset, cash.booking_date):
                rules = [rule for rule in CASH_RULES if rule.code == shadow.rule]
                found = _cash_hits(rules, cash, scale, history, home, shadow.book)
                shadowed += [(shadow, hit) for hit in found]
        history.add(cash)
    hits += question.moved
    waits = question.waits and any(hit.holds for hit in hits)
    deadline = event.recorded_at + _time_to_decide(question, hits) if waits else None
    return Judgement(question, tuple(hits), day, deadline, tuple(shadowed))


def _time_to_decide(question: Question, hits: Iterable[Hit]) -> timedelta:
    """The shortest time that a rule that holds, or the ledger's policy, gives."""
    times = [hit.hold_for for hit in hits if hit.holds]
    if question.policy is not None and question.policy.deadline_hours is not None:
        times.append(timedelta(hours=question.policy.deadline_hours))
    return min(times)


def name_hits(
    matches: Sequence[NameMatch], owner: str, day: date, book: ParameterBook, whitelist: Whitelist
) -> list[Hit]:
    """Judge matches by a day's levels: those that hold are one hit, those that alert another."""
    row = book.choose(san_1.RULE.code, ANY_ASSET, day)
    if not matches or row is None:
        return []
    parameters = san_1.read_parameters(row)
    by_level: dict[str, list[tuple[NameMatch, PairVerdict | None]]] = {}
    for match in matches:
        level = match.level(alert_at=parameters.alert_at, hold_at=parameters.hold_at)
        verdict = whitelist.judge(owner, match, day) if level != "clear" else None
        if verdict is not None and verdict.void is None:
            level = "whitelisted"
        by_level.setdefault(level, []).append((match, verdict))
    return [
        Hit(
            rule=san_1.RULE.code,
            owner=owner,
            subject=_subject([match for match, _ in found]),
            findings=tuple(
                san_1.tell(match, parameters, verdict)
                for match, verdict in _strongest(found, parameters.alert_at)
            ),
            holds=level == "hold",
            hold_for=book.hold_for(san_1.RULE.code, ANY_ASSET, day) or timedelta(),
            is_only_told=level == "whitelisted",
        )
        for level in ("hold", "alert", "whitelisted")
        if (found := by_level.get(level))
    ]


def _strongest(
    found: Iterable[tuple[NameMatch, PairVerdict | None]], alert_at: float
) -> list[tuple[NameMatch, PairVerdict | None]]:
    """Return what is told of matches: of each entry and place the strongest, and the strongest of many.

    Many holders may bear names that stand many times on a list. An event that does not fit into its topic
    would be sent again for ever, and nothing after it.
    """
    best: dict[tuple[str, str, str], tuple[NameMatch, PairVerdict | None]] = {}
    for each in found:
        match = each[0]
        key = (match.field, match.list_code, match.entry_id)
        if key not in best or match.score(alert_at) > best[key][0].score(alert_at):
            best[key] = each
    kept = list(best.values())
    if len(kept) > MATCHES_TOLD_MAX:
        kept = sorted(kept, key=lambda each: -each[0].score(alert_at))[:MATCHES_TOLD_MAX]
    return kept


def _unscreened(question: Question, owner: str, day: date, book: ParameterBook) -> list[Hit]:
    """What cannot be screened is not let go: people look at it."""
    row = book.choose(san_1.RULE.code, ANY_ASSET, day)
    if row is None:
        return []
    hold_for = book.hold_for(san_1.RULE.code, ANY_ASSET, day) or timedelta()
    findings: dict[str, tuple[Finding, ...]] = {
        UNREAD: (san_1.tell_unread(row.version),) if question.unread else ()
    }
    for subject, tell in _TELL.items():
        findings[subject] = tuple(
            tell(field_, row.version) for field_, why in question.unnamed if why == subject
        )
    return [
        Hit(san_1.RULE.code, owner, subject, told, holds=True, hold_for=hold_for)
        for subject, told in findings.items()
        if told
    ]


_TELL: Final[Mapping[str, Callable[[str, int], Finding]]] = {
    UNNAMED: san_1.tell_unnamed,
    TOO_LONG: san_1.tell_too_long,
    UNKNOWN_SCRIPT: san_1.tell_unknown_script,
}
"""Why a name is not compared, or not as a whole, and how that is told."""


def _outdated(question: Question, home: str, day: date, book: ParameterBook) -> list[Hit]:
    """What is compared with a list older than allowed is marked, or held where the parameters say so.

    The list's age is that on the day on which the ledger recorded the event, so that a replay finds the same.
    """
    row = book.choose(san_1.RULE.code, ANY_ASSET, day)
    if row is None or not question.checks:
        return []
    parameters = san_1.read_parameters(row)
    found = outdated(question.checks, question.event.recorded_at.date(), parameters.list_days_max)
    if not found:
        return []
    holds = parameters.when_outdated == "hold"
    return [
        Hit(
            rule=san_1.RULE.code,
            owner=home,
            subject=OUTDATED,
            findings=tuple(san_1.tell_outdated(each, parameters) for each in found),
            holds=holds,
            hold_for=book.hold_for(san_1.RULE.code, ANY_ASSET, day) or timedelta(),
            is_only_told=not holds,
        )
    ]


def _subject(matches: Sequence[NameMatch]) -> str:
    entries = sorted({match.subject for match in matches})
    more = len(entries) - SUBJECT_ENTRIES_MAX
    return ",".join(entries[:SUBJECT_ENTRIES_MAX]) + (f"+{more}" if more > 0 else "")


def _cash_hits(
    rules: Iterable[CashRule[Any]],
    cash: CashEvent,
    scale: int,
    history: OwnerHistory,
    home: str,
    book: ParameterBook,
) -> list[Hit]:
    """Judge one owner's cash. Only the home owner's is a reason to hold: others' merely alerts."""
    hits: list[Hit] = []
    for rule in rules:
        if rule.judges == "attempts" and cash.phase == "settled":
            continue
        if rule.judges == "payments" and cash.phase == "pending":
            continue
        parameters = book.read(rule, cash.asset, cash.booking_date, scale)
        finding = (
            rule.evaluate(history.logs[rule.judges], cash, parameters) if parameters is not None else None
        )
        if finding is not None:
            holds = rule.holds and cash.owner == home
            hold_for = book.hold_for(rule.code, cash.asset, cash.booking_date) if holds else None
            hits.append(Hit(rule.code, cash.owner, "", (finding,), holds, hold_for or timedelta()))
    return hits
