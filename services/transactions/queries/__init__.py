"""What may be asked of the ledger with the read-only login.

Statements name the schema, since that login sees every service's.
"""

from services.transactions.queries.accounts import account_history, account_show
from services.transactions.queries.balances_at import Moment, Scope, ScopeKind, balances_show
from services.transactions.queries.export import export_ledger
from services.transactions.queries.exported import ExportUnreadableError, check_export
from services.transactions.queries.finding import PositionUnknownError, Wanted, find_transactions
from services.transactions.queries.showing import transaction_show
from services.transactions.queries.traces import transaction_trace
from services.transactions.queries.verifying import VerifyResult, compare_published, verify

__all__ = [
    "ExportUnreadableError",
    "Moment",
    "PositionUnknownError",
    "Scope",
    "ScopeKind",
    "VerifyResult",
    "Wanted",
    "account_history",
    "account_show",
    "balances_show",
    "check_export",
    "compare_published",
    "export_ledger",
    "find_transactions",
    "transaction_show",
    "transaction_trace",
    "verify",
]
