"""STR-2, smurfing: several payers, each just under the reporting threshold, for one payee.

31 CFR 1010.314 speaks of structuring through others, too; FFIEC BSA/AML examination manual, appendix G, has
the example of several persons depositing for one account.

Example: 9,000 USD from Ann on Monday, 9,500 from Bob on Tuesday and 8,800 from Cleo on Thursday, all to
Dan: the third is found with Dan.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import LOG_DAYS, LOG_MAX, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 3 payers with 8,000 to 9,999.99 each in 4 days."""

    version: int
    band_from: int
    band_below: int
    payers: int
    days: int


BOUNDS: Final[bounds.Bounds] = {
    "band_from": bounds.amount(),
    "band_below": bounds.amount(),
    "payers": bounds.count(1, LOG_MAX),
    "days": bounds.count(1, LOG_DAYS),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    said = bounds.read_values(row.values, BOUNDS, scale)
    bounds.require_band(said["band_from"], said["band_below"], "band_from", "band_below")
    return Parameters(version=row.version, **said)


def gate(parameters: Parameters) -> Gate:
    """Only amounts in the band count."""
    return Gate(size_min=parameters.band_from)


def reach(parameters: Parameters, entry: Entry) -> int:
    """Only another payment in the band makes them more."""
    is_in_band = parameters.band_from <= entry.amount < parameters.band_below and entry.other
    return parameters.days * DAY if is_in_band else 0


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that this is one of several payments in the band, from as many payers as it takes."""
    low, high = parameters.band_from, parameters.band_below
    if not low <= entry.amount < high or not entry.other:
        return None
    amount, other = window.amount, window.other
    members = [
        each for each in window.span(parameters.days * DAY) if low <= amount[each] < high and other[each]
    ]
    payers = len({other[each] for each in members})
    if payers < parameters.payers:
        return None
    words = f"{payers} payers sent amounts just under the threshold within {parameters.days} days."
    return tell(RULE.code, parameters.version, words, window, entry, members, payers=payers)


RULE: Final = WindowRule(
    code="STR-2",
    title="Many payers under the threshold",
    bounds=BOUNDS,
    judges="in",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
