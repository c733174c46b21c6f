"""Payments: money comes for a customer, moves between customers, is exchanged, leaves, and comes back."""

from typing import Literal
from uuid import UUID

from shared.messages.blocks import AmountText, Charge, RateText
from shared.messages.envelope import Code, Reference
from shared.messages.instructions.base import InstructionBase


class Deposit(InstructionBase):
    """Fact: money arrived for a customer."""

    type: Literal["deposit"] = "deposit"
    account: Code
    amount: AmountText
    asset: Code


class Withdrawal(InstructionBase):
    """Request: money leaves a customer's account for a counterparty outside."""

    type: Literal["withdrawal"] = "withdrawal"
    account: Code
    amount: AmountText
    asset: Code
    charges: tuple[Charge, ...] = ()


class Transfer(InstructionBase):
    """Request: money moves from one customer's account to another account of the firm's customers."""

    type: Literal["transfer"] = "transfer"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code
    charges: tuple[Charge, ...] = ()


class Exchange(InstructionBase):
    """Request: a customer exchanges one asset for another with the firm, both movements or neither.

    The amounts are what moves; the rate says how they came about, and must agree with them: each is the other
    at that rate, but for less than one minor unit of what was rounded. Booked late, it may have its value up
    to four days back, if that leaves the account short on no day since.
    """

    type: Literal["exchange"] = "exchange"
    debit_account: Code
    """The customer's account that gives."""
    debit_amount: AmountText
    debit_asset: Code
    credit_account: Code
    """An account of the same customer, which takes."""
    credit_amount: AmountText
    credit_asset: Code
    rate: RateText
    rate_unit: Literal["debit", "credit"] = "debit"
    """Of which asset one unit is `rate` units of the other."""
    charges: tuple[Charge, ...] = ()
    """On top of what is given, in its asset; deducted from what is taken, in that one. The rate goes by the
    amounts without them."""


class Return(InstructionBase):
    """Fact: a payment that went out came back, whole or in part; to whom had paid it.

    Several may come back of one payment, until nothing is left of it. What names no payment that can come
    back, or is more than is left of it, goes to suspense.
    """

    type: Literal["return"] = "return"
    original_id: UUID
    """The `instruction_id` of the withdrawal, of the same owner."""
    amount: AmountText
    asset: Code
    reason: Reference | None = None
    """Why it came back: a code of ISO 20022's ExternalReturnReason1Code, or words."""
