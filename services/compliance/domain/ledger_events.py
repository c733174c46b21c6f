"""What compliance reads of the ledger's events: first what moved and whether more matters, then the whole.

Most events bear neither cash nor a name and wait for nothing, so a narrow view of the same contract, read by
msgspec at a tenth of the cost, is enough for windows; an event that matters is then read by `JOURNAL_EVENT`.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import msgspec

from services.compliance.domain.cash import CashEvent, Direction, Phase
from services.compliance.domain.event_view import (
    CONCERNING,
    EventView,
    HolderView,
    InstructionView,
    PartyView,
    PaymentView,
    read_view,
)
from services.compliance.domain.lists.party import IdentifierKind
from services.compliance.domain.names.evidence import NOTHING_KNOWN, Known, PartyKind
from services.compliance.domain.persons import PersonRole, UncodedRole, roles_told, uncoded_roles
from services.compliance.domain.retention import AccountEvent, AccountFact
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.moved import NO_INSTRUCTION, UNDOING, entries_of, may_move
from shared.messages.envelope import HOUSE
from shared.messages.journal import (
    JOURNAL_EVENT,
    JournalEvent,
    LedgerEvent,
    TransactionEvent,
    TransactionPending,
    TransactionPosted,
)
from shared.money import parse_amount

PARTY_FIELDS: Final = frozenset({"party", "party.holders"})

NUMBERS: Final[tuple[IdentifierKind, ...]] = (
    "passport", "national_id", "tax_id", "registration", "lei", "imo", "mmsi",
)  # fmt: skip
"""What the identifier of a party may be."""
ACCOUNTS: Final[tuple[IdentifierKind, ...]] = ("account", "crypto")
AGENTS: Final[tuple[IdentifierKind, ...]] = ("bic",)


class Bearer(msgspec.Struct, frozen=True):
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


class LedgerNews(msgspec.Struct, frozen=True):
    """An event of the ledger that may concern compliance, not yet read whole."""

    value: bytes
    names: tuple[Bearer, ...]
    cash: bool
    waits: bool
    """Whether it is pending and waits for a decision."""
    view: EventView | None = None
    """Where it may have moved something."""
    unread: bool = False
    """Whether names in it could not be read, since the key that they are sealed under is gone."""
    roles: tuple[PersonRole, ...] = ()
    """Who has a role with the customer, as far as persons have codes."""
    uncoded: tuple[UncodedRole, ...] = ()
    """Roles of those who have none."""
    account: AccountFact | None = None
    """What became of a customer's account."""

    def entries(self, is_home: Callable[[str], bool] = bool) -> list[Entry]:
        """Return what it moved for owners at home, or for all of them; raises `ValueError`."""
        return entries_of(self.view, is_home) if self.view is not None else []

    def event(self) -> JournalEvent:
        """Read the whole event; raises pydantic's `ValidationError`."""
        return JOURNAL_EVENT.validate_json(self.value)


NOTHING: Final = LedgerNews(b"", (), cash=False, waits=False)
"""Of an event that does not concern compliance."""


def read_news(value: bytes) -> LedgerNews:
    """Return what concerns compliance in an event's bytes; `NOTHING` where nothing does.

    Raises `ValueError` where it is no event of the ledger at all.
    """
    event = read_view(value)
    if event is None or event.type not in CONCERNING:
        return NOTHING
    waits = event.type == "TransactionPending" and event.screening
    instruction = event.instruction or NO_INSTRUCTION
    view = event if may_move(event, instruction) else None
    is_applied = event.type == "InstructionApplied"
    # What undoes a posting is no handing over of banknotes: windows neither gain nor lose by it.
    cash = (
        instruction.channel is not None
        and instruction.channel.cash
        and not is_applied
        and instruction.type not in UNDOING
    )
    # What was pending has been screened by its names already.
    names = bearers_of(instruction) if event.first is None else ()
    account = _account_fact(event, instruction)
    if not (names or cash or waits or view is not None or account is not None):
        return NOTHING
    roles = roles_told(event.account.owner, instruction.party, instruction.holder) if is_applied else ()
    uncoded = uncoded_roles(event.account.owner, instruction.party) if is_applied else ()
    return LedgerNews(value, names, cash, waits, view, roles=roles, uncoded=uncoded, account=account)


_ACCOUNTS_BY: Final[dict[str, AccountEvent]] = {"open_account": "opened", "reopen_account": "reopened"}


def _account_fact(event: EventView, instruction: InstructionView) -> AccountFact | None:
    """What became of a customer's account; None of the house's own, and of all other events."""
    what: AccountEvent | None = None
    if event.type == "AccountClosed":
        what = "closed"
    elif event.type == "InstructionApplied":
        what = _ACCOUNTS_BY.get(instruction.type)
    posting = event.account
    if what is None or posting.owner in ("", HOUSE):
        return None
    day = event.booking_date if what == "closed" else event.recorded_at[:10]
    return AccountFact(event.seq, posting.owner, posting.account, what, date.fromisoformat(day))


def bearers_of(instruction: InstructionView) -> tuple[Bearer, ...]:
    """Return everybody, and every bank, that an instruction names."""
    payment, party, holder = instruction.payment, instruction.party, instruction.holder
    if payment is None and party is None and holder is None:
        return ()
    found: list[Bearer] = []
    if payment is not None:
        _add_payment(found, payment)
    if party is not None:
        _add_party(found, party)
    if holder is not None:
        _add_holder(found, holder)
    return tuple(found)


def _add_payment(found: list[Bearer], payment: PaymentView) -> None:
    for role, named in (
        ("debtor", payment.debtor),
        ("creditor", payment.creditor),
        ("ultimate_debtor", payment.ultimate_debtor),
        ("ultimate_creditor", payment.ultimate_creditor),
    ):
        if named is not None:
            numbers = _numbers((named.identifier, NUMBERS), (named.account, ACCOUNTS))
            _add(found, Bearer(f"payment.{role}", named.name, _known(None, None, named.country), numbers))
    for role, agent in (("debtor_agent", payment.debtor_agent), ("creditor_agent", payment.creditor_agent)):
        _add(found, Bearer(f"payment.{role}", None, identifiers=_numbers((agent, AGENTS))))


def _add_party(found: list[Bearer], party: PartyView) -> None:
    known = _known(party.kind, party.birth_date, party.country)
    _add(found, Bearer("party", party.name or None, known, _numbers((party.identifier, NUMBERS))))
    for holder in party.holders:
        _add_holder(found, holder)


def _add_holder(found: list[Bearer], holder: HolderView) -> None:
    known = _known(None, holder.birth_date, holder.country)
    _add(found, Bearer("party.holders", holder.name or None, known))


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
    """Return the event time: upstream's where it gave one, else when the ledger recorded it, and never later.

    What is dated ahead would else be the last that an account did for years, and rules blind to what follows.
    What was scheduled happens when the ledger carries it out, not when it was asked for.
    """
    if getattr(event, "executes", None) is not None:
        return event.recorded_at
    given: Any = (event.instruction or {}).get("occurred_at")
    return min(datetime.fromisoformat(given), event.recorded_at) if given else event.recorded_at


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
