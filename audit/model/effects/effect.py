"""What the model must know of a type of instruction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.predictions import Prediction
from audit.model.state import ShardState
from audit.wire import Asked


@dataclass(frozen=True, slots=True)
class Spelled:
    """An amount as it is written in an instruction, with the field and the asset it is an amount of."""

    field: str
    text: str
    asset: str | None
    """None where what it is an amount of is not known, or is what an account holds."""
    zero_allowed: bool = False
    account: str | None = None
    """The account whose asset it is an amount of, where no asset is named."""


ByItself = Callable[[Books, ShardState, JournalRow], Prediction | None]
"""What must have come of something that was due; none where it was not."""


def no_amounts(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """Nothing in it is an amount."""
    return ()


def nothing_more(asked: Asked) -> Prediction | None:  # noqa: ARG001 - others look
    """No rule of form of its own."""
    return None


def no_parts(
    books: Books,  # noqa: ARG001 - others look
    state: ShardState,  # noqa: ARG001
    row: JournalRow,  # noqa: ARG001
    asked: Asked,  # noqa: ARG001
) -> Prediction | None:
    """It is not made of other instructions."""
    return None


@dataclass(frozen=True, slots=True)
class Effect:
    """Rungs 4 to 7 of a type, and what it changes; of rung 3, what is its own."""

    outcome: Callable[[Books, ShardState, JournalRow, Asked], Prediction]
    """References, status, state, limits, in this order; then the effect on the shard's state."""
    amounts: Callable[[ShardState, Asked], Sequence[Spelled]] = no_amounts
    """What form reads as amounts, in order; only of what is well written otherwise."""
    own_form: Callable[[Asked], Prediction | None] = nothing_more
    """Rules of form between amounts and dates."""
    of_parts: Callable[[Books, ShardState, JournalRow, Asked], Prediction | None] = no_parts
    """Rules of form of the instructions that it is made of."""
