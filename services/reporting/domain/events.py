"""Reads the ledger's events narrowly: only the fields that are counted, at a tenth of the cost of messages.

The contract is `shared.messages.journal`; a test holds these views against it. msgspec reads an event of the
promised shape; what it refuses pydantic looks at, and says what is wrong. Fields unknown here are
ignored. An event of an unknown kind is refused: passed over, it would make every figure a lie.
"""

from contextlib import suppress
from datetime import date, datetime
from typing import Final, NotRequired

import msgspec
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

PostingView = TypedDict("PostingView", {"account": str, "owner": str, "entity": str, "class": str})
"""One end of a movement."""


class MovementView(TypedDict):
    """One debit, one credit, one amount: a decimal string of `scale` decimals."""

    leg: int
    amount: str
    asset: str
    scale: int
    debit: PostingView
    credit: PostingView


class ChannelView(TypedDict):
    """How the customer reached the firm."""

    channel: NotRequired[str | None]


class InstructionView(TypedDict):
    """What was asked, as far as it is counted or printed."""

    channel: NotRequired[ChannelView | None]
    business_reference: NotRequired[str | None]


class NumberView(TypedDict):
    """An event's number."""

    shard: int
    seq: int


class MovementNumberView(NumberView):
    """A movement's number."""

    leg: int


class EventView(TypedDict):
    """What any event of the ledger may say."""

    type: str
    shard: int
    seq: int
    recorded_at: datetime
    instruction_type: NotRequired[str | None]
    first: NotRequired[NumberView | None]
    instruction: NotRequired[InstructionView | None]
    entity: NotRequired[str]
    reason: NotRequired[str]
    error: NotRequired[str]


class TransactionView(EventView):
    """An event that moved, reserved or freed money."""

    booking_date: date
    value_date: date
    movements: list[MovementView]
    resolves: NotRequired[NumberView | None]
    freed: NotRequired[str | None]
    reverses: NotRequired[NumberView | None]
    uses: NotRequired[MovementNumberView | None]
    reopens: NotRequired[bool]
    owner: NotRequired[str | None]


class AppliedView(EventView):
    """An event about an account that moved no money."""

    account: PostingView
    asset: str
    scale: int


@with_config(ConfigDict(strict=True, extra="ignore"))
class JournalView(EventView):
    """Any event of the ledger; which of the fields that may be absent are there follows from `type`."""

    booking_date: NotRequired[date]
    value_date: NotRequired[date]
    movements: NotRequired[list[MovementView]]
    resolves: NotRequired[NumberView | None]
    freed: NotRequired[str | None]
    reverses: NotRequired[NumberView | None]
    uses: NotRequired[MovementNumberView | None]
    reopens: NotRequired[bool]
    owner: NotRequired[str | None]
    account: NotRequired[PostingView]
    asset: NotRequired[str]
    scale: NotRequired[int]
    first_day: NotRequired[date]
    last_day: NotRequired[date]
    state: NotRequired[str]


INSTRUCTION_VIEW: Final[TypeAdapter[InstructionView]] = TypeAdapter(InstructionView)
JOURNAL_VIEW: Final[TypeAdapter[JournalView]] = TypeAdapter(JournalView)
_DECODE: Final = msgspec.json.Decoder(JournalView).decode

MONEY: Final = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionVoided",
        "CreditSwept",
        "ObligationBooked",
        "PendingReopened",
    }
)
"""Kinds with movements."""

FATES: Final = frozenset(
    {
        "InstructionApplied",
        "TransactionScheduled",
        "TransactionCancelled",
        "BusinessDayOpened",
        "PeriodClosed",
        "InstructionRejected",
        "DuplicateReceived",
        "RecordUnreadable",
        "OwnerParked",
        "RecordDiscarded",
        "AccountClosed",
    }
)
"""Kinds without movements that give a record its fate, or follow one up."""

ASIDE: Final = frozenset(
    {"PendingCleared", "DecisionWithoutEffect", "RiskClassChanged", "ActDone", "DryRunJudged"}
)
"""Kinds that are no activity: they give no record a fate, or only say what might have been. Counted as
taken, and nowhere else."""

KINDS: Final = MONEY | FATES | ASIDE


def _with_odd_instruction(value: bytes) -> JournalView:
    """Decode the event of an instruction that was rejected for its form: what was asked may be anything."""
    odd = from_json(value)
    instruction = odd.pop("instruction", None)
    event = JOURNAL_VIEW.validate_json(to_json(odd))
    if isinstance(instruction, dict):
        kept = {name: instruction[name] for name in ("channel", "business_reference") if name in instruction}
        with suppress(ValidationError):
            event["instruction"] = INSTRUCTION_VIEW.validate_python(kept)
    return event


def _read_closely(value: bytes) -> JournalView:
    try:
        return JOURNAL_VIEW.validate_json(value)
    except ValidationError as error:
        if any(problem["loc"][:1] != ("instruction",) for problem in error.errors(include_input=False)):
            raise
        return _with_odd_instruction(value)


def read_event(value: bytes) -> JournalView:
    """Decode an event of the ledger; raises `ValueError` for what is none, or of a kind unknown here."""
    try:
        event = _DECODE(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        event = _read_closely(value)
    if event["type"] not in KINDS:
        raise ValueError(f"an event of the unknown kind {event['type']}")
    return event
