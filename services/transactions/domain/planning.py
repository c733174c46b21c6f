"""What a transaction type promises: a description, and the movements an instruction asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from services.transactions.domain.effects import Effect


class Against(NamedTuple):
    """The house account that the posting rules of the customer's entity name under this condition."""

    condition: str


COUNTERPARTY: Final = Against("")
CASH_DESK: Final = Against("cash")


class Found(NamedTuple):
    """An account that the transaction names which an instruction names, as long as that can be found."""

    where: str


PAYER: Final = Found("debit")
"""Who paid what comes back."""
ITEM: Final = Found("credit")
"""The house's account in which an item is."""

End = str | Against | Found
"""One end of a movement as asked for."""


class Planned(NamedTuple):
    """One movement as asked for: account codes and the amount as they came, not yet looked up."""

    kind: str
    debit: End
    credit: End
    amount: str
    asset: str
    debit_field: str = "account"
    credit_field: str = "account"
    amount_field: str = "amount"
    asset_field: str = "asset"


def _no_movements(instruction: Any) -> tuple[Planned, ...]:
    del instruction
    return ()


@dataclass(frozen=True, slots=True)
class TransactionType:
    """One kind of instruction. Types differ in what they move; the ladder judges them all alike."""

    code: str
    description: str
    kind: Literal["request", "fact"]
    effect: Effect
    movements: Callable[[Any], tuple[Planned, ...]] = _no_movements
    """What an instruction asks for. A field the record did not have may be falsy instead of its default."""
    reserves: bool = False
    """Whether its movements are only set aside, until another instruction posts or voids them."""
    opens: bool = False
    """Whether a custody account that it names stands for the account of the security within it, which is
    opened where there is none."""
    account_classes: frozenset[str] = frozenset()
    """The classes that accounts it names may have; none means the house's own accounts."""
    availability: Literal["settled", "traded"] = "settled"
    """What an account may be debited: what is there, or also what facts that are pending bring by the day on
    which the instruction itself is to be settled."""
    value_days_back: int | None = None
    """How many days before the open business day its value may lie; none for any."""
    schedulable: bool = False
    """Whether it may be sent for a later business day (`execute_on`)."""
    reversible: bool = True
    """Whether what it has posted may be reversed."""
    returnable: bool = False
    """Whether what it has posted went out and may come back: its first movement, which debits a customer."""
    broadcast: bool = False
    """Whether one record of it goes to every partition, under the house's key."""


CASH_CLASSES: Final = frozenset({"cash", "loan"})
CUSTODY_CLASSES: Final = frozenset({"custody"})
CUSTOMER_CLASSES: Final = frozenset({"cash", "loan", "custody"})
