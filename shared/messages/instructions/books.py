"""The firm's own books: what they open with, moves between house accounts, business days, closed periods."""

from datetime import date
from typing import Literal

from shared.messages.blocks import AmountText
from shared.messages.envelope import Code, Text
from shared.messages.instructions.base import InstructionBase


class OpeningBalance(InstructionBase):
    """Fact: an account had a balance elsewhere, before its books were kept here.

    It stands against the entity's migration account, which holds nothing when both sides of the books have
    been carried over. An account's balances come in the order of their booking dates.
    """

    type: Literal["opening_balance"] = "opening_balance"
    account: Code
    """A customer's, or one of the firm's own. A custody account for any security stands for the one in it."""
    direction: Literal["credit", "debit"] = "credit"
    """On a customer's account, `credit` is in the holder's favour."""
    amount: AmountText
    asset: Code
    booking_date: date
    """The open business day or an earlier one, also before the entity's first; of a period that is closed in
    any way, it is booked on the open day."""


class HousePosting(InstructionBase):
    """Request: money moves between two of the firm's own accounts. Its owner is `house`."""

    type: Literal["house_posting"] = "house_posting"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code


class Adjustment(InstructionBase):
    """Request: the firm's own books are put right, from one of its accounts to another. Its owner is `house`.

    Two people answer for it, and why is said. It alone may still be booked into a period that is soft-closed.
    """

    type: Literal["adjustment"] = "adjustment"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code
    reason: Text
    entered_by: Code
    approved_by: Code
    """Somebody other than who entered it."""
    booking_date: date | None = None
    """A day of a period that is soft-closed; the open business day where absent."""


class OpenBusinessDay(InstructionBase):
    """Request: the entity's books move on to another day. Its owner is `house`.

    The same record, with the same id, is sent to each partition of the topic, so that it is ordered
    with the postings of every shard.
    """

    type: Literal["open_business_day"] = "open_business_day"
    entity: Code
    booking_date: date


class ClosePeriod(InstructionBase):
    """Request: nothing more is booked into a period of the entity's books. Its owner is `house`.

    The same record, with the same id, is sent to each partition of the topic. Periods follow each other
    without a gap, and one is closed when a business day behind it is open. Soft-closed first, it still takes
    adjustments; closed, it takes nothing. What has its value in it goes on being booked on the open day.
    """

    type: Literal["close_period"] = "close_period"
    entity: Code
    first_day: date
    """The day after the last period's; of the first one the first day of the books, or an earlier one."""
    last_day: date
    state: Literal["soft_closed", "closed"] = "closed"
    """What it becomes."""
