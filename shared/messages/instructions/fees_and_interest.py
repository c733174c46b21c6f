"""What customers are charged for their accounts, or paid: fees, interest, and interest as it accrues."""

from typing import Literal

from shared.messages.blocks import AmountText, RateText
from shared.messages.envelope import Code
from shared.messages.instructions.base import InstructionBase


class Fee(InstructionBase):
    """Fact: a fee was charged to a customer."""

    type: Literal["fee"] = "fee"
    account: Code
    amount: AmountText
    asset: Code


class Interest(InstructionBase):
    """Fact: interest was paid to a customer (`credit`) or charged (`debit`)."""

    type: Literal["interest"] = "interest"
    account: Code
    amount: AmountText
    asset: Code
    direction: Literal["credit", "debit"] = "credit"


class Accrual(InstructionBase):
    """Fact: interest has accrued on a customer's account, so much since its series began.

    What is posted is all that has accrued, rounded to the asset's decimals, less what was posted of the
    series before: so no rounding adds up. Nothing moves while that comes to nothing (`InstructionApplied`);
    if less has accrued than was posted, the rest is taken back. It is not reversed: an accrual corrects it.
    """

    type: Literal["accrual"] = "accrual"
    account: Code
    series: Code
    """Names what accrues, such as the interest of a quarter; a new one begins at nothing. In another asset or
    direction it is another series."""
    cumulative: RateText
    """All that has accrued since the series began, with as many decimals as it takes."""
    asset: Code
    direction: Literal["credit", "debit"] = "credit"
    """`credit` in the holder's favour."""
