"""Every kind of instruction the ledger takes: one file a kind, listed here. EXTEND HERE."""

from typing import Final

from services.transactions.domain.planning import TransactionType
from services.transactions.transaction_types.accrual import ACCRUAL
from services.transactions.transaction_types.adjustment import ADJUSTMENT
from services.transactions.transaction_types.allocate import ALLOCATE
from services.transactions.transaction_types.change_holder import CHANGE_HOLDER
from services.transactions.transaction_types.change_limit import CHANGE_LIMIT
from services.transactions.transaction_types.close_account import CLOSE_ACCOUNT
from services.transactions.transaction_types.close_period import CLOSE_PERIOD
from services.transactions.transaction_types.custody_transfer import CUSTODY_TRANSFER
from services.transactions.transaction_types.deposit import DEPOSIT
from services.transactions.transaction_types.exchange import EXCHANGE
from services.transactions.transaction_types.fee import FEE
from services.transactions.transaction_types.freeze_account import FREEZE_ACCOUNT
from services.transactions.transaction_types.group import GROUP
from services.transactions.transaction_types.house_posting import HOUSE_POSTING
from services.transactions.transaction_types.interest import INTEREST
from services.transactions.transaction_types.open_account import OPEN_ACCOUNT
from services.transactions.transaction_types.open_business_day import OPEN_BUSINESS_DAY
from services.transactions.transaction_types.opening_balance import OPENING_BALANCE
from services.transactions.transaction_types.post_pending import POST_PENDING
from services.transactions.transaction_types.reopen_account import REOPEN_ACCOUNT
from services.transactions.transaction_types.reserve import RESERVE
from services.transactions.transaction_types.return_ import RETURN
from services.transactions.transaction_types.reversal import REVERSAL
from services.transactions.transaction_types.trade import TRADE
from services.transactions.transaction_types.transfer import TRANSFER
from services.transactions.transaction_types.unfreeze_account import UNFREEZE_ACCOUNT
from services.transactions.transaction_types.void_pending import VOID_PENDING
from services.transactions.transaction_types.withdrawal import WITHDRAWAL
from services.transactions.transaction_types.write_off import WRITE_OFF

TRANSACTION_TYPES: Final[tuple[TransactionType, ...]] = (
    OPEN_ACCOUNT,
    DEPOSIT,
    WITHDRAWAL,
    TRANSFER,
    EXCHANGE,
    FEE,
    INTEREST,
    ACCRUAL,
    OPENING_BALANCE,
    HOUSE_POSTING,
    ADJUSTMENT,
    CUSTODY_TRANSFER,
    TRADE,
    RESERVE,
    POST_PENDING,
    VOID_PENDING,
    REVERSAL,
    RETURN,
    ALLOCATE,
    WRITE_OFF,
    GROUP,
    FREEZE_ACCOUNT,
    UNFREEZE_ACCOUNT,
    CHANGE_LIMIT,
    CHANGE_HOLDER,
    CLOSE_ACCOUNT,
    REOPEN_ACCOUNT,
    OPEN_BUSINESS_DAY,
    CLOSE_PERIOD,
)
