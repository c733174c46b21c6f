"""FAN-2, fan-out: money of one account is spread over many new payees.

FFIEC BSA/AML examination manual, appendix F (many transfers, unrelated parties); Altman et al., Realistic
Synthetic Financial Transactions for AML Models (NeurIPS 2023): laundering patterns are small and last for
days, so the counts are low, and how often a counterparty had been seen before weighs against it.

Example: Dan pays five people whom he never paid before, one a day: the fifth is found within 5 days.
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
    """Only what goes out counts."""
    return fan_reach(parameters, entry) if entry.amount < 0 else 0


def evaluate(window: Window, entry: Entry, parameters: FanParameters) -> Finding | None:
    """Find that this payee is one of several new ones in a short time."""
    found = fan(window, entry, parameters)
    if found is None:
        return None
    sentence, values = fan_words(found, "payees")
    return tell(RULE.code, parameters.version, sentence, window, entry, found[2], **values)


RULE: Final = WindowRule(
    code="FAN-2",
    title="Fan-out",
    bounds=FAN_BOUNDS,
    judges="out",
    read_parameters=read_fan_parameters,
    evaluate=evaluate,
    gate=fan_gate,
    reach=reach,
)
