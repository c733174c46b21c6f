"""What may be asked of the ledger with the read-only login.

Statements name the schema, since that login sees every service's.
"""

from services.transactions.queries.accounts import account_history, account_show
from services.transactions.queries.traces import transaction_trace
from services.transactions.queries.verify import VerifyResult, compare_published, verify

__all__ = [
    "VerifyResult",
    "account_history",
    "account_show",
    "compare_published",
    "transaction_trace",
    "verify",
]
