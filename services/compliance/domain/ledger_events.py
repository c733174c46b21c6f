"""What compliance reads of the ledger's events: first what moved and whether more matters, then the whole.

Most events bear neither cash nor a name and wait for nothing, so a narrow view of the same contract, read by
msgspec at a tenth of the cost, is enough for windows; an event that matters is then read by `JOURNAL_EVENT`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Required

import msgspec
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from services.compliance.domain.cash import CashEvent, Direction, Phase
from services.compliance.domain.lists.party import IdentifierKind
from services.compliance.domain.names.evidence import NOTHING_KNOWN, Known, PartyKind
from services.compliance.domain.persons import PersonRole, roles_told
from services.compliance.domain.retention import AccountEvent, AccountFact
from services.compliance.domain.windows.entry import Entry, counterparty, instant
from shared.messages.envelope import HOUSE
from shared.messages.journal import (
    JOURNAL_EVENT,
    JournalEvent,
    LedgerEvent,
    TransactionEvent,
    TransactionPending,
    TransactionPosted,
)
from shared.money import AMOUNT_MINOR_MAX, parse_amount

_VIEW: Final = ConfigDict(extra="ignore", strict=True)

PAYMENT_PARTIES: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor")
PARTY_FIELDS: Final = frozenset({"party", "party.holders"})
CONCERNING: Final = frozenset(
    {"TransactionPosted", "TransactionPending", "InstructionApplied", "AccountClosed"}
)


@with_config(_VIEW)
class _Named(TypedDict, total=False):
    name: str | None
    country: str | None
    account: str | None
    identifier: str | None


@with_config(_VIEW)
class _Holder(TypedDict, total=False):
    name: str
    role: str
    birth_date: str | None
    country: str | None
    person: str | None
    since: str | None
    until: str | None


@with_config(_VIEW)
class _Party(TypedDict, total=False):
    kind: PartyKind
    name: str
    birth_date: str | None
    country: str | None
    identifier: str | None
    person: str | None
    holders: list[_Holder]


@with_config(_VIEW)
class _Payment(TypedDict, total=False):
    debtor: _Named | None
    creditor: _Named | None
    ultimate_debtor: _Named | None
    ultimate_creditor: _Named | None
    debtor_agent: str | None
    creditor_agent: str | None


@with_config(_VIEW)
class _Channel(TypedDict, total=False):
    channel: str | None
    cash: bool


@with_config(_VIEW)
class InstructionView(TypedDict, total=False):
    """What bears on compliance in an instruction."""

    type: str
    occurred_at: str | None
    channel: _Channel | None
    payment: _Payment | None
    party: _Party | None
    holder: _Holder | None


@with_config(_VIEW)
class _First(TypedDict, total=False):
    seq: int


@with_config(_VIEW)
class PostingView(TypedDict):
    """One end of a movement."""

    account: str
    owner: str


@with_config(_VIEW)
class MovementView(TypedDict):
    """A movement."""

    kind: str
    amount: str
    asset: str
    scale: int
    debit: PostingView
    credit: PostingView


@with_config(_VIEW)
class EventView(TypedDict, total=False):
    """What bears on compliance in an event."""

    type: Required[str]
    shard: int
    seq: int
    recorded_at: str
    booking_date: str
    movements: list[MovementView]
    account: PostingView
    asset: str
    scale: int
    first: _First | None
    resolves: _First | None
    screening: bool
    executes: _First | None
    instruction: InstructionView | None


_NOWHERE: Final[PostingView] = {"account": "", "owner": ""}
_HEAD: Final[TypeAdapter[EventView]] = TypeAdapter(EventView)
_DECODE: Final = msgspec.json.Decoder(EventView).decode

NUMBERS: Final[tuple[IdentifierKind, ...]] = (
    "passport", "national_id", "tax_id", "registration", "lei", "imo", "mmsi",
)  # fmt: skip
"""What the identifier of a party may be."""
ACCOUNTS: Final[tuple[IdentifierKind, ...]] = ("account", "crypto")
AGENTS: Final[tuple[IdentifierKind, ...]] = ("bic",)
UNDOING: Final = frozenset({"reversal", "return"})
"""Types of instruction that put right what was booked; the customer does nothing."""
UNTRAVELLED: Final = frozenset({"card", "atm", "internal"})
"""Channels whose payments carry a number of their own: Regulation (EU) 2023/1113, article 2(3)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody or something in an instruction that may be listed."""

    field: str
    """Where it stands: `party`, `payment.creditor` …"""
    name: str | None
    known: Known = NOTHING_KNOWN
    identifiers: tuple[tuple[str, tuple[IdentifierKind, ...]], ...] = ()
    """Each with the kinds that it may be."""

    @property
    def is_party(self) -> bool:
        """Whether it is the customer or a holder, and so stays on record."""
        return self.field in PARTY_FIELDS


@dataclass(frozen=True, slots=True)
class LedgerNews:
    """An event of the ledger that may concern compliance, not yet read whole."""

    value: bytes
    names: tuple[Bearer, ...]
    cash: bool
    waits: bool
    """Whether it is pending and waits for a decision."""
    entries: tuple[Entry, ...] = ()
    """What it moved, for all its owners, wherever they are at home."""
    unread: bool = False
    """Whether names in it could not be read, since the key that they are sealed under is gone."""
    roles: tuple[PersonRole, ...] = ()
    """Who has a role with the customer, as far as persons have codes."""
    account: AccountFact | None = None
    """What became of a customer's account."""

    def event(self) -> JournalEvent:
        """Read the whole event; raises pydantic's `ValidationError`."""
        return JOURNAL_EVENT.validate_json(self.value)


NOTHING: Final = LedgerNews(b"", (), cash=False, waits=False)
"""Of an event that does not concern compliance."""


def read_news(value: bytes) -> LedgerNews:
    """Return what concerns compliance in an event's bytes; `NOTHING` where nothing does.

    Raises `ValueError` where it is no event of the ledger at all.
    """
    try:
        head = _DECODE(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        closely = _look_closely(value)
        if closely is None:
            return NOTHING
        head = closely
    kind = head["type"]
    if kind not in CONCERNING:
        return NOTHING
    waits = kind == "TransactionPending" and head.get("screening", True)
    instruction = head.get("instruction")
    account = _account_fact(head, instruction or {})
    if kind == "AccountClosed":
        return LedgerNews(value, (), cash=False, waits=False, account=account)
    entries = entries_of(head, instruction or {})
    if instruction is None:
        return (
            LedgerNews(value, (), cash=False, waits=waits, entries=entries) if waits or entries else NOTHING
        )
    channel = instruction.get("channel")
    # What undoes a posting is no handing over of banknotes: windows neither gain nor lose by it.
    cash = (
        channel is not None
        and channel.get("cash", False)
        and kind != "InstructionApplied"
        and instruction.get("type") not in UNDOING
    )
    # What was pending has been screened by its names already.
    names = bearers_of(instruction) if head.get("first") is None else ()
    if not (names or cash or waits or entries or account):
        return NOTHING
    roles = ()
    if kind == "InstructionApplied":
        owner = head.get("account", _NOWHERE)["owner"]
        roles = roles_told(owner, instruction.get("party"), instruction.get("holder"))
    return LedgerNews(value, names, cash=cash, waits=waits, entries=entries, roles=roles, account=account)


_ACCOUNTS_BY: Final[dict[str, AccountEvent]] = {"open_account": "opened", "reopen_account": "reopened"}


def _account_fact(event: EventView, instruction: InstructionView) -> AccountFact | None:
    """What became of a customer's account; None of the house's own, and of all other events."""
    kind = event["type"]
    what: AccountEvent | None = "closed" if kind == "AccountClosed" else None
    if kind == "InstructionApplied":
        what = _ACCOUNTS_BY.get(instruction.get("type", ""))
    posting = event.get("account", _NOWHERE)
    if what is None or posting["owner"] in ("", HOUSE):
        return None
    day = event.get("booking_date", "") if what == "closed" else event.get("recorded_at", "")[:10]
    return AccountFact(
        event.get("seq", 0), posting["owner"], posting["account"], what, date.fromisoformat(day)
    )


def _look_closely(value: bytes) -> EventView | None:
    """Read what msgspec refused; None for an event that may have any shape and does not concern us."""
    try:
        return _HEAD.validate_json(value)
    except ValidationError:
        # A rejected instruction may be of any shape; of the others the shape is a promise.
        if JOURNAL_EVENT.validate_json(value).type in CONCERNING:
            raise
        return None


def entries_of(event: EventView, instruction: InstructionView) -> tuple[Entry, ...]:
    """Return what a first outcome moved, one entry for each owner, asset and direction; or an opening.

    Principal only. What was pending has been counted then; between accounts of one owner nothing moves.
    """
    if event["type"] == "InstructionApplied":
        return (_opening(event, instruction),) if instruction.get("type") == "open_account" else ()
    if event.get("first") is not None or event.get("resolves") is not None:
        return ()
    if instruction.get("type") in UNDOING:
        return ()
    moved: dict[tuple[str, str, bool], tuple[str, int, int, str]] = {}
    for movement in event.get("movements", ()):
        debit, credit = movement["debit"], movement["credit"]
        if movement["kind"] != "principal" or debit["owner"] == credit["owner"]:
            continue
        asset, scale = movement["asset"], movement["scale"]
        amount = parse_amount(movement["amount"], scale)
        for own, other, comes in ((debit, credit, False), (credit, debit, True)):
            if own["owner"] != HOUSE:
                key = (own["owner"], asset, comes)
                earlier = moved.get(key)
                account, before = (earlier[0], earlier[1]) if earlier else (own["account"], 0)
                moved[key] = (account, min(before + amount, AMOUNT_MINOR_MAX), scale, other["owner"])
    if not moved:
        return ()
    at, day = _at(event, instruction), day_of(event.get("booking_date", ""))
    return tuple(_entry(event, instruction, at, day, key, *what) for key, what in moved.items())


def _entry(
    event: EventView,
    instruction: InstructionView,
    at: int,
    day: int,
    key: tuple[str, str, bool],
    account: str,
    amount: int,
    scale: int,
    other: str,
) -> Entry:
    owner, asset, comes = key
    if other == HOUSE:
        number, country, missing = _outside(instruction, comes)
    else:
        number, country, missing = _owner(other), "", ""
    return Entry(
        owner,
        asset,
        account,
        scale,
        amount if comes else -amount,
        at,
        day,
        event.get("shard", 0),
        event.get("seq", 0),
        number,
        country,
        missing,
        outside=other == HOUSE,
        traded=instruction.get("type") == "trade",
    )


_owner: Final = lru_cache(maxsize=65_536)(counterparty)
"""The number of an owner; of names outside none is remembered."""


def _outside(instruction: InstructionView, comes: bool) -> tuple[int, str, str]:
    """Who is on the other side outside the firm: number, country, and what is not told of them."""
    payment = instruction.get("payment")
    if payment is None:
        return 0, "", ""
    role = "debtor" if comes else "creditor"
    named: _Named = payment.get(role) or {}
    agent = payment.get("debtor_agent" if comes else "creditor_agent") or ""
    known = named.get("account") or named.get("identifier") or named.get("name")
    country = named.get("country") or agent[4:6]
    channel = instruction.get("channel") or {}
    if channel.get("cash") or channel.get("channel") in UNTRAVELLED:
        missing = ""
    else:
        missing = ",".join(f"{role}.{each}" for each in ("name", "account") if not named.get(each))
    return counterparty(known) if known else 0, country, missing


def _opening(event: EventView, instruction: InstructionView) -> Entry:
    account = event.get("account", _NOWHERE)
    party = instruction.get("party") or {}
    at = _at(event, instruction)
    return Entry(
        account["owner"],
        event.get("asset", ""),
        account["account"],
        event.get("scale", 0),
        0,
        at,
        day_of(event.get("recorded_at", "")[:10]),
        event.get("shard", 0),
        event.get("seq", 0),
        segment=party.get("kind") or "",
        residence=party.get("country") or "",
    )


def _at(event: EventView, instruction: InstructionView) -> int:
    if event.get("executes") is not None:  # what was scheduled happens on its day, not when it was asked for
        return instant(datetime.fromisoformat(event.get("recorded_at", "")))
    text = instruction.get("occurred_at") or event.get("recorded_at", "")
    return instant(datetime.fromisoformat(text))


@lru_cache(maxsize=4096)
def day_of(text: str) -> int:
    """Return a business day as `date.toordinal` counts."""
    return date.fromisoformat(text).toordinal()


def bearers_of(instruction: InstructionView) -> tuple[Bearer, ...]:
    """Return everybody, and every bank, that an instruction names."""
    payment = instruction.get("payment")
    party = instruction.get("party")
    holder = instruction.get("holder")
    if payment is None and party is None and holder is None:
        return ()
    found: list[Bearer] = []
    if payment is not None:
        for role in PAYMENT_PARTIES:
            if (named := payment.get(role)) is not None:
                known = _known(None, None, named.get("country"))
                numbers = _numbers((named.get("identifier"), NUMBERS), (named.get("account"), ACCOUNTS))
                _add(found, Bearer(f"payment.{role}", named.get("name"), known, numbers))
        for role in ("debtor_agent", "creditor_agent"):
            _add(found, Bearer(f"payment.{role}", None, identifiers=_numbers((payment.get(role), AGENTS))))
    if party is not None:
        known = _known(party.get("kind"), party.get("birth_date"), party.get("country"))
        _add(found, Bearer("party", party.get("name"), known, _numbers((party.get("identifier"), NUMBERS))))
    holders = (party.get("holders") or ()) if party is not None else ()
    for each in (*holders, *((holder,) if holder is not None else ())):
        known = _known(None, each.get("birth_date"), each.get("country"))
        _add(found, Bearer("party.holders", each.get("name"), known))
    return tuple(found)


def _add(found: list[Bearer], bearer: Bearer) -> None:
    if bearer.name or bearer.identifiers:
        found.append(bearer)


def _known(kind: PartyKind | None, birth_date: str | None, country: str | None) -> Known:
    if kind is None and birth_date is None and country is None:
        return NOTHING_KNOWN
    return Known(kind, birth_date, (country,) if country else ())


def _numbers(
    *numbers: tuple[str | None, tuple[IdentifierKind, ...]],
) -> tuple[tuple[str, tuple[IdentifierKind, ...]], ...]:
    return tuple((number, kinds) for number, kinds in numbers if number)


def occurred_at(event: LedgerEvent) -> datetime:
    """Return the event time: upstream's where it gave one, else when the ledger recorded it.

    What was scheduled happens when the ledger carries it out, not when it was asked for.
    """
    if getattr(event, "executes", None) is not None:
        return event.recorded_at
    given: Any = (event.instruction or {}).get("occurred_at")
    return datetime.fromisoformat(given) if given else event.recorded_at


def cash_events(event: TransactionEvent) -> list[tuple[CashEvent, int]]:
    """Return each customer's cash in a transaction, with the asset's scale; the house has none.

    Principal only. Several movements of one owner, asset and direction are one handing over of banknotes;
    a movement between accounts of one owner is none.
    """
    phase = _phase(event)
    at = occurred_at(event)
    channel: Any = (event.instruction or {}).get("channel") or {}
    legs: dict[tuple[str, str, str], tuple[CashEvent, int]] = {}
    for movement in event.movements:
        if movement.kind != "principal" or movement.debit.owner == movement.credit.owner:
            continue
        amount = parse_amount(movement.amount, movement.scale)
        ends: tuple[tuple[str, Direction], ...] = (
            (movement.debit.owner, "out"),
            (movement.credit.owner, "in"),
        )
        for owner, direction in ends:
            if owner == HOUSE:
                continue
            key = (owner, movement.asset, direction)
            earlier = legs.get(key)
            legs[key] = (
                CashEvent(
                    owner=owner,
                    asset=movement.asset,
                    direction=direction,
                    phase=phase,
                    amount=amount + (earlier[0].amount if earlier else 0),
                    occurred_at=at,
                    booking_date=event.booking_date,
                    source_shard=event.shard,
                    seq=event.seq,
                    leg=earlier[0].leg if earlier else movement.leg,
                    conductor=channel.get("conductor"),
                ),
                movement.scale,
            )
    return list(legs.values())


def _phase(event: TransactionEvent) -> Phase:
    match event:
        case TransactionPending():
            return "pending"
        case TransactionPosted(first=None, resolves=None):
            return "posted"
        case _:
            return "settled"
