"""MIR-1, mirrored amounts: what goes out equals what came in, or that less a commission.

FATF, Professional Money Laundering (2018): money is passed on through mule accounts for a commission, often
a tenth. The smallest amount is that of occasional transfers in FATF recommendation 16, 1,000.

Example: 20,000 come in, 18,000 go out the same evening: 90 %, so less a commission of a tenth. Found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import ITSELF, Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import HOUR, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LOG_DAYS, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: the same within 1 %, or less 10 %, in 24 hours, from 1,000 on."""

    version: int
    hours: int
    tolerance_percent: int
    commission_percent: int
    amount_min: int


BOUNDS: Final[bounds.Bounds] = {
    "hours": bounds.count(1, 24 * LOG_DAYS),
    "tolerance_percent": bounds.percent(0),
    "commission_percent": bounds.percent(0, 99),
    "amount_min": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """Smaller amounts mirror nothing."""
    return Gate(size_min=parameters.amount_min)


def reach(parameters: Parameters, entry: Entry) -> int:
    """What came in is mirrored by what goes out later; what went out mirrors only itself."""
    return parameters.hours * HOUR if entry.amount > 0 else ITSELF


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find the latest that came in and is mirrored by this."""
    out = -entry.amount
    if out < parameters.amount_min or not window.in_count:
        return None
    span = window.span(parameters.hours * HOUR)
    amount, tolerance = window.amount, parameters.tolerance_percent
    kept = 100 - parameters.commission_percent
    for each in reversed(span):
        came = amount[each]
        if came <= 0:
            continue
        if abs(out - came) * 100 <= came * tolerance:
            return _told(window, entry, each, parameters, "same")
        if abs(out * 100 - came * kept) * 100 <= came * kept * tolerance:
            return _told(window, entry, each, parameters, "less_commission")
    return None


def _told(window: Window, entry: Entry, place: int, parameters: Parameters, pattern: str) -> Finding:
    less = f", less a commission of {parameters.commission_percent} %," if pattern != "same" else ""
    words = f"What came in{less} went out again within {parameters.hours} hours."
    amount = window.amount
    own = (
        each
        for each in reversed(window.span(parameters.hours * HOUR))
        if amount[each] == entry.amount and window.reference_at(each) == entry.reference
    )
    return tell(RULE.code, parameters.version, words, window, entry, (place, *own), pattern=pattern)


RULE: Final = WindowRule(
    code="MIR-1",
    title="Mirrored amounts",
    bounds=BOUNDS,
    judges="out",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
