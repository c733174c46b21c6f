"""The page of reasons: why the ledger says no, and what to do then."""

from typing import Final

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import table
from services.transactions.domain.reasons import TABLE

ABOUT: Final = (
    "Every instruction is judged by one ladder, a rung at a time; the first rung that fails names the "
    "reason. A published reason keeps its name for ever. *Fact* says what becomes of a fact (`deposit`, "
    "`fee`, `interest`), which has happened whatever a rule says. *Status* is ISO 20022's external "
    "status reason code."
)


def page() -> str:
    """Describe every reason in the order of the ladder."""
    rows = [
        (
            f"`{reason.code}`",
            reason.rung,
            reason.fate,
            reason.fact,
            f"`{reason.status_code}`",
            reason.upstream,
        )
        for reason in TABLE
    ]
    headings = ("reason", "rung", "fate", "fact", "status", "what upstream should do")
    return markdown.page("Reasons", ABOUT, table(headings, rows))
