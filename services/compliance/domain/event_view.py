"""As much of an event of the ledger as compliance reads of every one: a narrow view of the same contract."""

from typing import Any, Final

import msgspec

from services.compliance.domain.names.evidence import PartyKind
from shared.messages.journal import JOURNAL_EVENT

CONCERNING: Final = frozenset(
    {"TransactionPosted", "TransactionPending", "InstructionApplied", "AccountClosed"}
)
"""Types of events in which something may concern compliance."""


class NamedView(msgspec.Struct, frozen=True, gc=False):
    """Somebody in a payment."""

    name: str | None = None
    country: str | None = None
    account: str | None = None
    identifier: str | None = None


class HolderView(msgspec.Struct, frozen=True, gc=False):
    """Somebody with a role with a customer."""

    name: str = ""
    role: str = ""
    birth_date: str | None = None
    country: str | None = None
    person: str | None = None
    since: str | None = None
    until: str | None = None


class PartyView(msgspec.Struct, frozen=True, gc=False):
    """The customer whom an account is opened for."""

    kind: PartyKind | None = None
    name: str = ""
    birth_date: str | None = None
    country: str | None = None
    identifier: str | None = None
    person: str | None = None
    holders: tuple[HolderView, ...] = ()


class PaymentView(msgspec.Struct, frozen=True, gc=False):
    """Who pays whom, and through which banks."""

    debtor: NamedView | None = None
    creditor: NamedView | None = None
    ultimate_debtor: NamedView | None = None
    ultimate_creditor: NamedView | None = None
    debtor_agent: str | None = None
    creditor_agent: str | None = None


class ChannelView(msgspec.Struct, frozen=True, gc=False):
    """How it came."""

    channel: str | None = None
    cash: bool = False


class InstructionView(msgspec.Struct, frozen=True, gc=False):
    """What bears on compliance in an instruction."""

    type: str = ""
    occurred_at: str | None = None
    channel: ChannelView | None = None
    payment: PaymentView | None = None
    party: PartyView | None = None
    holder: HolderView | None = None


class NumberView(msgspec.Struct, frozen=True, gc=False):
    """An earlier event: that there is one is all that matters."""

    seq: int = 0


class PostingView(msgspec.Struct, frozen=True, gc=False):
    """One end of a movement."""

    account: str
    owner: str


class MovementView(msgspec.Struct, frozen=True, gc=False):
    """A movement."""

    kind: str
    amount: str
    asset: str
    scale: int
    debit: PostingView
    credit: PostingView


class EventView(msgspec.Struct, frozen=True, gc=False):
    """What bears on compliance in an event."""

    type: str
    shard: int = 0
    seq: int = 0
    recorded_at: str = ""
    booking_date: str = ""
    movements: tuple[MovementView, ...] = ()
    account: PostingView = PostingView("", "")
    asset: str = ""
    scale: int = 0
    first: NumberView | None = None
    resolves: NumberView | None = None
    screening: bool = True
    executes: NumberView | None = None
    instruction: InstructionView | None = None


_DECODE: Final = msgspec.json.Decoder(EventView).decode


def read_view(value: bytes) -> EventView | None:
    """Read an event's view; None for one of a shape of its own that does not concern compliance.

    A rejected instruction may be of any shape; of the others the shape is a promise. Raises `ValueError`
    where that is broken, or where it is no event of the ledger at all.
    """
    try:
        return _DECODE(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        if JOURNAL_EVENT.validate_json(value).type in CONCERNING:
            raise
        return None


def view_of_instruction(content: Any) -> InstructionView:
    """Return the view of an instruction's content that was read before; raises `ValueError`."""
    return msgspec.convert(content, InstructionView)
