"""What upstream systems send: instructions, each a request (may be refused) or a fact (has happened).

Amounts are decimal strings (see `shared.money`), dates ISO 8601, times RFC 3339 with an offset. An
instruction names its home `owner`: the one customer it debits, else the only customer in it, else
`house`; the record key on the topic is that owner.
"""

from typing import Annotated, Final, get_args

from pydantic import Field, TypeAdapter

from shared.messages.instructions.accounts import (
    ChangeLimit,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    ReopenAccount,
    UnfreezeAccount,
)
from shared.messages.instructions.base import InstructionBase
from shared.messages.instructions.books import (
    Adjustment,
    ClosePeriod,
    HousePosting,
    OpenBusinessDay,
    OpeningBalance,
)
from shared.messages.instructions.corrections import Allocate, Reversal, WriteOff
from shared.messages.instructions.fees_and_interest import Accrual, Fee, Interest
from shared.messages.instructions.groups import Group
from shared.messages.instructions.payments import Deposit, Exchange, Return, Transfer, Withdrawal
from shared.messages.instructions.pendings import PostPending, Reserve, VoidPending
from shared.messages.instructions.securities import CustodyTransfer, Trade

Instruction = (
    OpenAccount
    | Deposit
    | Withdrawal
    | Transfer
    | Exchange
    | Fee
    | Interest
    | Accrual
    | OpeningBalance
    | HousePosting
    | Adjustment
    | CustodyTransfer
    | Trade
    | Reserve
    | PostPending
    | VoidPending
    | Reversal
    | Return
    | Allocate
    | WriteOff
    | Group
    | FreezeAccount
    | UnfreezeAccount
    | ChangeLimit
    | CloseAccount
    | ReopenAccount
    | OpenBusinessDay
    | ClosePeriod
)

INSTRUCTIONS: Final[tuple[type[InstructionBase], ...]] = get_args(Instruction)

FACTS: Final = frozenset(
    {
        "deposit",
        "fee",
        "interest",
        "custody_transfer",
        "trade",
        "return",
        "allocate",
        "write_off",
        "opening_balance",
        "accrual",
    }
)
"""Types that have happened outside and are always booked; the others are requests."""

BROADCAST: Final = frozenset({"open_business_day", "close_period"})
"""Types whose one record goes to every partition."""

SCHEDULABLE: Final = frozenset({"transfer", "withdrawal", "exchange", "house_posting"})
"""Types of request that may be sent for a later day: `execute_on`."""

INSTRUCTION: Final[TypeAdapter[Instruction]] = TypeAdapter(
    Annotated[Instruction, Field(discriminator="type")]
)
