"""RMF-1, rapid movement of funds: what came in goes out again within a day or three.

FFIEC BSA/AML examination manual, appendix F: "funds transfers … deposited into an account and promptly
transferred out"; the Wolfsberg Group's guidance on pass-through accounts. The shares are the design's.

Example: 10,000 come in on Monday at 9; 6,000 go out at 15 and 2,500 at 20. That is 85 % within 24 hours:
the last is found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import HOUR, Entry
from services.compliance.domain.windows.telling import tell
from services.compliance.domain.windows.window import DAYS, LOG_DAYS, Window
from shared.messages.compliance import Finding


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: out at least 80 % of in within 24 or 72 hours, in at least 5,000."""

    version: int
    hours: tuple[int, ...]
    percent: int
    in_min: int


BOUNDS: Final[bounds.Bounds] = {
    "hours": bounds.several(bounds.count(1, 24 * LOG_DAYS)),
    "percent": bounds.percent(),
    "in_min": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """So much has to have come in."""
    return Gate(volume_min=parameters.in_min)


def reach(parameters: Parameters, entry: Entry) -> int:
    """Whatever came or went makes the share another."""
    del entry
    return parameters.hours[-1] * HOUR


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that what went out since the first of what came in is most of it."""
    if window.in_sum < parameters.in_min or window.in_days(DAYS)[1] < parameters.in_min:
        return None
    amount = window.amount
    for hours in parameters.hours:
        members: list[int] = []
        came = went = 0
        for each in window.span(hours * HOUR):
            moved = amount[each]
            if moved > 0:
                came += moved
                members.append(each)
            elif members:
                went -= moved
                members.append(each)
        if came >= parameters.in_min and went * 100 >= came * parameters.percent:
            words = f"{went * 100 // came} % of what came in went out again within {hours} hours."
            return tell(RULE.code, parameters.version, words, window, entry, members, hours=hours)
    return None


RULE: Final = WindowRule(
    code="RMF-1",
    title="Rapid in and out",
    bounds=BOUNDS,
    judges="out",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
    reach=reach,
)
