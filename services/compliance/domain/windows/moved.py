"""What an event of the ledger moved, as windows take it in: an entry for each owner, asset and direction."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from services.compliance.domain.event_view import EventView, InstructionView, MovementView, NamedView
from services.compliance.domain.windows.entry import Entry, counterparty, instant, number_of
from shared.messages.envelope import HOUSE
from shared.money import AMOUNT_MINOR_MAX, parse_amount

UNDOING: Final = frozenset({"reversal", "return"})
"""Types of instruction that put right what was booked; the customer does nothing."""
UNTRAVELLED: Final = frozenset({"card", "atm", "internal"})
"""Channels whose payments carry a number of their own: Regulation (EU) 2023/1113, article 2(3)."""
NO_INSTRUCTION: Final = InstructionView()
_NOBODY: Final = NamedView()

_End = tuple[tuple[str, str, bool], str, int, int, str]
"""Owner, asset and whether it comes in; account, minor units, scale, the other side."""


def may_move(event: EventView, instruction: InstructionView) -> bool:
    """Whether an event that concerns compliance has entries, as far as that is seen without its movements."""
    if event.type == "InstructionApplied":
        return instruction.type == "open_account"
    return (
        bool(event.movements)
        and event.first is None
        and event.resolves is None
        and instruction.type not in UNDOING
    )


def entries_of(event: EventView, is_home: Callable[[str], bool]) -> list[Entry]:
    """Return what an event that may have moved something did, for owners at home; or an opening.

    Principal only. What was pending has been counted then; between accounts of one owner nothing moves.
    Raises `ValueError` for an amount or a time that is none.
    """
    instruction = event.instruction or NO_INSTRUCTION
    if event.type == "InstructionApplied":
        return [_opening(event, instruction)] if is_home(event.account.owner) else []
    if len(event.movements) == 1:
        ends = _ends(event.movements[0], is_home)
    else:
        ends = _added_up(end for each in event.movements for end in _ends(each, is_home))
    if not ends:
        return []
    at, day = _at(event, instruction), day_of(event.booking_date)
    return [_entry(event, instruction, at, day, *end) for end in ends]


def _ends(movement: MovementView, is_home: Callable[[str], bool]) -> list[_End]:
    """Return what a movement is for the owners of its two ends."""
    debit, credit = movement.debit, movement.credit
    payer, payee = debit.owner, credit.owner
    if movement.kind != "principal" or payer == payee:
        return []
    asset, scale = movement.asset, movement.scale
    amount = parse_amount(movement.amount, scale)
    ends: list[_End] = []
    if payer != HOUSE and is_home(payer):
        ends.append(((payer, asset, False), debit.account, amount, scale, payee))
    if payee != HOUSE and is_home(payee):
        ends.append(((payee, asset, True), credit.account, amount, scale, payer))
    return ends


def _added_up(ends: Iterable[_End]) -> list[_End]:
    """Add up what is of one owner, asset and direction: from the first account, to the last other side."""
    found: dict[tuple[str, str, bool], _End] = {}
    for key, account, amount, scale, other in ends:
        first, before = found[key][1:3] if key in found else (account, 0)
        found[key] = (key, first, min(before + amount, AMOUNT_MINOR_MAX), scale, other)
    return list(found.values())


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
    outside = other == HOUSE
    if outside:
        number, country, missing = _outside(instruction, comes)
    else:
        number, country, missing = number_of(other), "", ""
    return Entry(
        owner,
        asset,
        account,
        scale,
        amount if comes else -amount,
        at,
        day,
        event.shard,
        event.seq,
        number,
        country,
        missing,
        outside=outside,
        traded=instruction.type == "trade",
    )


def _outside(instruction: InstructionView, comes: bool) -> tuple[int, str, str]:
    """Who is on the other side outside the firm: number, country, and what is not told of them."""
    payment = instruction.payment
    if payment is None:
        return 0, "", ""
    role = "debtor" if comes else "creditor"
    named = (payment.debtor if comes else payment.creditor) or _NOBODY
    agent = (payment.debtor_agent if comes else payment.creditor_agent) or ""
    known = named.account or named.identifier or named.name
    country = named.country or agent[4:6]
    channel = instruction.channel
    if channel is not None and (channel.cash or channel.channel in UNTRAVELLED):
        missing = ""
    else:
        told = (("name", named.name), ("account", named.account))
        missing = ",".join(f"{role}.{field}" for field, value in told if not value)
    return counterparty(known) if known else 0, country, missing


def _opening(event: EventView, instruction: InstructionView) -> Entry:
    party = instruction.party
    return Entry(
        event.account.owner,
        event.asset,
        event.account.account,
        event.scale,
        0,
        _at(event, instruction),
        day_of(event.recorded_at[:10]),
        event.shard,
        event.seq,
        segment=(party.kind if party is not None else None) or "",
        residence=(party.country if party is not None else None) or "",
    )


def _at(event: EventView, instruction: InstructionView) -> int:
    """When it happened as upstream says, and never later than recorded: a window goes by its latest entry.

    One dated ahead would be the last that its customer did for years, and all that follows late.
    """
    recorded_at = instant(datetime.fromisoformat(event.recorded_at))
    if event.executes is not None or instruction.occurred_at is None:
        return recorded_at  # what was scheduled happens on its day, not when it was asked for
    return min(instant(datetime.fromisoformat(instruction.occurred_at)), recorded_at)


@lru_cache(maxsize=4096)
def day_of(text: str) -> int:
    """Return a business day as `date.toordinal` counts."""
    return date.fromisoformat(text).toordinal()
