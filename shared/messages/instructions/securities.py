"""Securities: into safekeeping and out of it, bought and sold."""

from typing import Literal

from shared.messages.blocks import AmountText, RateText
from shared.messages.envelope import Code
from shared.messages.instructions.base import InstructionBase


class CustodyTransfer(InstructionBase):
    """Fact: securities of a customer's came into the firm's safekeeping, free of payment, or left it."""

    type: Literal["custody_transfer"] = "custody_transfer"
    account: Code
    """The customer's custody account."""
    direction: Literal["receive", "deliver"]
    quantity: AmountText
    asset: Code
    """The security, by its ISIN."""
    location: Code = "depository"
    """Where the securities are: the condition of the posting rule that names the firm's account there."""


class Trade(InstructionBase):
    """Fact: a customer has bought or sold securities, which is not settled yet.

    Securities and money are pending until `post_pending` names the trade, with the quantity that was settled
    (all of it, where absent); the money of a part is in proportion, and parts add up exactly. A part that is
    not the last one has `final` false. `void_pending` cancels what is not settled.
    """

    type: Literal["trade"] = "trade"
    side: Literal["buy", "sell"]
    custody_account: Code
    cash_account: Code
    quantity: AmountText
    asset: Code
    """The security, by its ISIN."""
    settlement_amount: AmountText
    """What the customer pays in all, or gets in all."""
    settlement_asset: Code
    commission: AmountText | None = None
    """What of it is the firm's, or has been kept back for the firm; absent for nothing."""
    price: RateText | None = None
    """As it was executed; carried, and not judged."""
    location: Code = "depository"
    """Where it settles: as of a `custody_transfer`."""
