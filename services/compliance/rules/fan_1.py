"""FAN-1, fan-in: money of many new payers comes together at one account.

FFIEC BSA/AML examination manual, appendix F (many transfers, unrelated parties); Altman et al., Realistic
Synthetic Financial Transactions for AML Models (NeurIPS 2023): laundering patterns are small and last for
days, so the counts are low, and how often a counterparty had been seen before weighs against it.

Example: four people who never paid Dan before pay him on one day: the fourth is found. Had one of them paid
him once before, that one would count a half, and 3.5 are not enough.
"""

from typing import Final

from services.compliance.domain.rule import WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.fans import (
    FAN_BOUNDS,
    FanParameters,
    fan,
    fan_gate,
    fan_reach,
    fan_words,
    read_fan_parameters,
)
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import Window
from shared.messages.compliance import Finding


def reach(parameters: FanParameters, entry: Entry) -> int:
    """Only what comes in counts."""
    return fan_reach(parameters, entry) if entry.amount > 0 else 0


def evaluate(window: Window, entry: Entry, parameters: FanParameters) -> Finding | None:
    """Find that this payer is one of several new ones in a short time."""
    found = fan(window, entry, parameters)
    if found is None:
        return None
    sentence, values = fan_words(found, "payers")
    return tell(RULE.code, parameters.version, sentence, window, entry, found[2], **values)


RULE: Final = WindowRule(
    code="FAN-1",
    title="Fan-in",
    bounds=FAN_BOUNDS,
    judges="in",
    read_parameters=read_fan_parameters,
    evaluate=evaluate,
    gate=fan_gate,
    reach=reach,
)
