"""TRV-1, a transfer without the data that have to travel with it.

31 CFR 1010.410(f): from 3,000 on, name and account of both sides; Regulation (EU) 2023/1113, articles 4 and
7: with any transfer of funds; FATF recommendation 16. Only payments between institutions are looked at.

Example: 4,000 USD to a bank abroad without the creditor's account: found. 2,000 USD are not, 2,000 EUR are.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.telling import tell_one
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: from 3,000 on; any amount in EUR."""

    version: int
    amount_min: int


BOUNDS: Final[bounds.Bounds] = {
    "amount_min": bounds.or_none(bounds.amount(), 0, "any amount"),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """Nothing is missing of most."""
    return Gate(size_min=parameters.amount_min, tells="missing")


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that fields are missing."""
    if not entry.missing or abs(entry.amount) < parameters.amount_min:
        return None
    words = f"The payment lacks {entry.missing.replace(',', ', ')}."
    return tell_one(RULE.code, parameters.version, words, window, entry, missing=entry.missing.split(","))


RULE: Final = WindowRule(
    code="TRV-1",
    title="Travel-rule data",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
