"""Several instructions that are carried out together or not at all."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from shared.messages.instructions.base import InstructionBase
from shared.messages.instructions.books import Adjustment, HousePosting
from shared.messages.instructions.fees_and_interest import Fee, Interest
from shared.messages.instructions.payments import Deposit, Exchange, Transfer, Withdrawal
from shared.messages.instructions.securities import CustodyTransfer

_MEMBER = (
    Deposit | Withdrawal | Transfer | Exchange | Fee | Interest | HousePosting | Adjustment | CustodyTransfer
)

Member = Annotated[_MEMBER, Field(discriminator="type")]
"""An instruction that may be one of a group: it moves something at once, between accounts that there are."""

MEMBERS: Final = frozenset[str](each.model_fields["type"].default for each in get_args(_MEMBER))
"""Types of which a group may be made."""


class Group(InstructionBase):
    """Several instructions of one owner, all or nothing: one record, one id, one outcome.

    Each has an id of its own, which the group's outcome uses up unless its form is wrong, and the same owner.
    What else concerns every instruction (dates, references, payment, channel) is said once, by the group. A
    group of facts alone is a fact, any other a request; it waits for compliance if any member would. All are
    booked on the open day: a group is not schedulable, and no adjustment in it names a `booking_date`.
    """

    type: Literal["group"] = "group"
    members: tuple[Member, ...]
    """Up to 16, with up to 64 movements between them, which are judged and made in this order."""
