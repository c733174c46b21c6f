"""Transactions that are not posted yet: what is reserved for them, until when, and what of them is booked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Leg


class Obligation(NamedTuple):
    """What stands in the house's books for a trade that is not settled."""

    booked: tuple[Leg, ...]
    """As it was booked with the trade: what is owed both ways, and the commission, if there is one."""
    failed: tuple[Account, Account] | None = None
    """Debit and credit account of what moved the market's side to the fails, once its day had passed."""


@dataclass(slots=True)
class OpenPending:
    """A transaction that waits for a decision, or for what posts or voids it."""

    seq: int
    instruction_id: str
    instruction_type: str
    owner: str
    content: bytes
    content_hash: bytes
    value_date: date | None
    """As the instruction named it; the booking date of the posting where it named none."""
    legs: list[Leg]
    """With what is still reserved of each; the first one's amount is that of which parts are posted."""
    whole: list[Leg]
    """As they were reserved."""
    screening: bool = True
    """Whether it waits for compliance. What does not, or no longer, waits for another instruction."""
    expires_on: date | None = None
    """The last booking date on which it stands; none where it stands until it is resolved."""
    booking_date: date | None = None
    """As the instruction named it; what resolves it is booked on the open day where it named none."""
    obligation: Obligation | None = None
    """Of a trade that is booked by trade date."""
    settles_on: date | None = None
    """Of a fact, which is sure to come: its contractual settlement day, if it names one."""
    members: list[dict[str, Any]] | None = None
    """Of a group: as its events name them."""

    @property
    def buys(self) -> bool:
        """Whether a trade booked by trade date is a purchase, for which the house pays the market."""
        assert self.obligation is not None
        return self.whole[-1].debit.account_id == self.obligation.booked[0].credit.account_id

    def amounts_left(self, after: int = 0) -> list[int]:
        """Return how much is left of each movement, when so much more of the first has been posted."""
        return amounts_left(self.whole, self.whole[0].amount - self.legs[0].amount + after)

    def is_overdue(self, day: date) -> bool:
        """Say whether a trade was to be settled before the entity's business day, and has not failed."""
        obligation = self.obligation
        return (
            obligation is not None
            and obligation.failed is None
            and self.settles_on is not None
            and self.settles_on < day
        )

    def has_expired(self, day: date) -> bool:
        """Say whether it stands no longer on the entity's business day."""
        return self.expires_on is not None and self.expires_on < day


def amounts_left(whole: Sequence[Leg], settled: int) -> list[int]:
    """Return how much is left of each movement when so much of the first has been posted."""
    total = whole[0].amount
    return [leg.amount - (2 * leg.amount * settled + total) // (2 * total) for leg in whole]
