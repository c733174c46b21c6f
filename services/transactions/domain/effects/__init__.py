"""What an instruction does to the books, rung by rung: one module an effect. EXTEND HERE.

A transaction type names its effect; the ladder asks the effect at each of its rungs. Each rule takes the
case (`services.transactions.domain.cases.Case`), where what a rung found out is there for the next ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Refusal(NamedTuple):
    """A rule said no."""

    reason: str
    field: str | None
    detail: str
    member: int | None = None
    """Of a group: the member that it says no to."""


Rule = Callable[[Any], Refusal | None]
"""Takes a case; returns the first thing that is wrong, or none."""


def passes(case: Any) -> None:
    """Say yes: there is nothing that this rung could refuse."""
    del case


def no_accounts(message: Any) -> tuple[str, ...]:
    """Name no account."""
    del message
    return ()


def no_original(message: Any) -> tuple[str, str] | None:
    """Name no transaction that was posted before."""
    del message
    return None


def no_pending(message: Any) -> str | None:
    """Name no pending transaction."""
    del message
    return None


def no_item(message: Any) -> tuple[int, int, int] | None:
    """Name no movement by its number."""
    del message
    return None


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of effect: what each rung asks, and what is changed once all are passed."""

    references: Rule
    """Does what it names exist, and belong together? Sets the case's `day`."""
    accept: Callable[[Any, Any], None]
    """Changes what it changes, and completes the decision: takes case and `Decision`."""
    form: Rule = passes
    """Is it written as it must be, whatever it refers to? Reads amounts."""
    dates: tuple[str, ...] = ()
    """Fields that are dates, beside those of every instruction."""
    status: Rule = passes
    """Do its accounts take debits and credits now?"""
    state: Rule = passes
    """Is what it wants to change still as it must be for that?"""
    limits: Rule = passes
    """Do the balances bear it?"""
    accounts: Callable[[Any], tuple[str, ...]] = no_accounts
    """Accounts that an instruction names beside those of its movements."""
    whole: bool = False
    """Whether a custody account that it names stands for all accounts within it, which must be known."""
    pending_id: Callable[[Any], str | None] = no_pending
    """The pending transaction that an instruction is about: the id of what reserved it."""
    original: Callable[[Any], tuple[str, str] | None] = no_original
    """The posted transaction that an instruction is about: the owner and id of what asked for it."""
    item: Callable[[Any], tuple[int, int, int] | None] = no_item
    """The movement that an instruction is about, by shard, seq and leg."""
    redirects: bool = True
    """Whether a fact that cannot be booked as named goes to suspense. What is about something that is there
    already is refused instead, and leaves it where it is."""
