"""What stops an account: freezes of it, its being closed, and what of it has its value on a day to come."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.transactions.domain.chart import Account

DEBIT_FROZEN: Final = 1
CREDIT_FROZEN: Final = 2
DIRECTIONS: Final = {"debit": DEBIT_FROZEN, "credit": CREDIT_FROZEN, "both": DEBIT_FROZEN | CREDIT_FROZEN}
DIRECTION_NAMES: Final = {mask: name for name, mask in DIRECTIONS.items()}
FROZEN: Final = DEBIT_FROZEN | CREDIT_FROZEN
CLOSING: Final = 4
CLOSED: Final = 8
AMOUNT_FROZEN: Final = 16
"""It takes both, but some of what is available on it is not to be touched."""
VALUE_AHEAD: Final = 32
"""It takes both, but some of what is posted on it has its value on a day to come."""
SHUT: Final = CLOSING | CLOSED
"""Either way it takes neither debits nor credits."""


class Freeze(NamedTuple):
    """One freeze of an account; lifted ones stay, since their ids are used up."""

    direction: str
    lifted: bool
    amount: int | None = None
    """Minor units that must stay available; none where the direction is stopped altogether."""


class Closing(NamedTuple):
    """An account that is closing, or closed."""

    account: Account
    seq: int
    """What began it: the number of that instruction's first outcome, and its id."""
    instruction_id: str
    closed_seq: int | None = None
    within: tuple[Account, ...] = ()
    """Of a custody account: the accounts within it, which are closed with it."""


def stops_of(
    freezes: dict[int, dict[str, Freeze]], closings: Iterable[Closing], ahead: Iterable[int] = ()
) -> dict[int, int]:
    """Return what stops accounts, as `ShardState.stopped` has it, or 0 where nothing does any more."""
    masks = {account_id: mask_of(each) for account_id, each in freezes.items()}
    for each in closings:
        account_id = each.account.account_id
        masks[account_id] = masks.get(account_id, 0) | shut_by(each)
    for account_id in ahead:
        masks[account_id] = masks.get(account_id, 0) | VALUE_AHEAD
    return masks


def mask_of(freezes: dict[str, Freeze]) -> int:
    """Return the directions in which standing freezes stop an account, and whether they keep an amount."""
    mask = 0
    for freeze in freezes.values():
        if not freeze.lifted:
            mask |= DIRECTIONS[freeze.direction] if freeze.amount is None else AMOUNT_FROZEN
    return mask


def shut_by(closing: Closing | None) -> int:
    """Return whether an account is closing or closed, as part of what stops it."""
    return 0 if closing is None else CLOSING if closing.closed_seq is None else CLOSED
