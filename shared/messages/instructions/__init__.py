"""What upstream systems send: instructions, each a request (may be refused) or a fact (has happened).

Amounts are decimal strings (see `shared.money`), dates ISO 8601, times RFC 3339 with an offset. An
instruction names its home `owner`: the one customer it debits, else the only customer in it, else
`house`; the record key on the topic is that owner.
"""

from typing import Annotated, Final, get_args

from pydantic import Field, TypeAdapter

from shared.messages.instructions.accounts import (
    ChangeHolder,
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
    | ChangeHolder
    | CloseAccount
    | ReopenAccount
    | OpenBusinessDay
    | ClosePeriod
)

INSTRUCTIONS: Final[tuple[type[InstructionBase], ...]] = get_args(Instruction)

INSTRUCTION: Final[TypeAdapter[Instruction]] = TypeAdapter(
    Annotated[Instruction, Field(discriminator="type")]
)
