"""What may be asked of the ledger with the read-only login.

Statements name the schema, since that login sees every service's.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.transactions.queries.accounts import account_history, account_show
    from services.transactions.queries.balances_at import Moment, Scope, ScopeKind, balances_show
    from services.transactions.queries.export import export_ledger
    from services.transactions.queries.exported import ExportUnreadableError, check_export
    from services.transactions.queries.finding import find_transactions
    from services.transactions.queries.finding_criteria import Wanted
    from services.transactions.queries.moments import PositionUnknownError
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

_HOMES: Final = {
    "ExportUnreadableError": "exported",
    "Moment": "balances_at",
    "PositionUnknownError": "moments",
    "Scope": "balances_at",
    "ScopeKind": "balances_at",
    "VerifyResult": "verifying",
    "Wanted": "finding_criteria",
    "account_history": "accounts",
    "account_show": "accounts",
    "balances_show": "balances_at",
    "check_export": "exported",
    "compare_published": "verifying",
    "export_ledger": "export",
    "find_transactions": "finding",
    "transaction_show": "showing",
    "transaction_trace": "traces",
    "verify": "verifying",
}


def __getattr__(name: str) -> object:
    """Load a question when it is first asked for: a command asks one, and each brings what it needs."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
