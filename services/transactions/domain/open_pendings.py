"""Transactions that are not posted yet: what is reserved for them, until when, and what of them is booked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Leg


class Obligation(NamedTuple):
    """What stands in the house's books for a trade that is not settled."""

    booked: tuple[Leg, ...] = ()
    """By trade date, as it was booked with the trade: what is owed both ways, and the commission, if there is
    one."""
    failed: tuple[Account, Account] | None = None
    """Debit and credit account of what put the market's side among the fails, once its day had passed."""


class Part(NamedTuple):
    """A part of a trade that was settled."""

    pending_id: str
    pending_seq: int
    """Of the trade: its id, and the event that reserved it."""
    settled: int
    """How much of its quantity was settled with this part, minor units."""


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
    """Of a trade: what of it stands in the books; by settlement date nothing does before it has failed."""
    settles_on: date | None = None
    """Of a fact, which is sure to come: its contractual settlement day, if it names one."""
    members: list[dict[str, Any]] | None = None
    """Of a group: as its events name them."""

    @property
    def settled(self) -> int:
        """How much of the first movement has been posted."""
        return self.whole[0].amount - (self.legs[0].amount if self.legs else 0)

    @property
    def buys(self) -> bool:
        """Whether a trade is a purchase, for which the house pays the market."""
        return bool(json.loads(self.content)["side"] == "buy")

    @property
    def is_trade(self) -> bool:
        """Whether securities are pending against money, so that what is settled of it may be open again."""
        return self.instruction_type == "trade"

    @property
    def is_booked(self) -> bool:
        """Whether a trade stands in the books by trade date, and its money leads through them."""
        return self.obligation is not None and bool(self.obligation.booked)

    def market_left(self, after: int = 0) -> int:
        """Return what is left of a trade's side with the market, when so much more of the first movement has
        been posted: its share, rounded half up as that of any movement is.

        By settlement date no movement has it alone: it is what the customer pays, less the commission, or
        gets, and the commission.
        """
        settled = self.settled + after
        if self.is_booked:
            return left_of(self.whole[-1].amount, settled, self.whole[0].amount)
        paid, *kept = (leg.amount for leg in self.whole[1:])
        amount = paid - sum(kept) if self.buys else paid + sum(kept)
        return left_of(amount, settled, self.whole[0].amount)

    def amounts_left(self, after: int = 0) -> list[int]:
        """Return how much is left of each movement, when so much more of the first has been posted."""
        return amounts_left(self.whole, self.settled + after)

    def is_overdue(self, day: date) -> bool:
        """Say whether a trade was to be settled before the entity's business day, and has not failed."""
        return self.settles_on is not None and self.settles_on < day and not self.has_failed

    @property
    def has_failed(self) -> bool:
        """Whether a trade's side with the market stands among the fails."""
        return self.obligation is not None and self.obligation.failed is not None

    def has_expired(self, day: date) -> bool:
        """Say whether it stands no longer on the entity's business day."""
        return self.expires_on is not None and self.expires_on < day


class EndedTrade(NamedTuple):
    """A trade of which nothing is pending any more."""

    pending: OpenPending
    """With what was left when it ended: nothing, unless that was cancelled."""
    is_cancelled: bool


def amounts_left(whole: Sequence[Leg], settled: int) -> list[int]:
    """Return how much is left of each movement when so much of the first has been posted."""
    return [left_of(leg.amount, settled, whole[0].amount) for leg in whole]


def left_of(amount: int, settled: int, total: int) -> int:
    """Return what is left of an amount when so much of the total is settled: its share is rounded half up."""
    return amount - (2 * amount * settled + total) // (2 * total)
