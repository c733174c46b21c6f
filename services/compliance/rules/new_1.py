"""NEW-1, a young relationship with much volume.

FFIEC BSA/AML examination manual, appendix F: a new account with large activity. The default is the threshold
at which Directive (EU) 2015/849, article 11(b), asks who an occasional customer is.

Example: an account is opened on the 1st; by the 20th 9,000 came in and 7,000 went out: the entry that passes
15,000 is found, once.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.rule import Gate, RuleParameter, WindowRule
from services.compliance.domain.windows.entry import DAY, Entry
from services.compliance.domain.windows.telling import tell_volume
from services.compliance.domain.windows.window import DAYS, LOG_DAYS, Window
from shared.messages.compliance import Finding
from shared.money import format_amount


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: younger than 30 days, over 15,000 in and out together."""

    version: int
    days: int
    over: int


BOUNDS: Final[bounds.Bounds] = {
    "days": bounds.count(1, LOG_DAYS),
    "over": bounds.amount(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def gate(parameters: Parameters) -> Gate:
    """So much has to have moved."""
    return Gate(volume_min=parameters.over + 1)


def evaluate(window: Window, entry: Entry, parameters: Parameters) -> Finding | None:
    """Find that the first account was opened (or first moved) lately, and with this too much has moved."""
    age = window.now - window.opened_at
    if age >= parameters.days * DAY:
        return None
    came_count, came, went_count, went = window.in_days(DAYS)
    if not came + went - abs(entry.amount) <= parameters.over < came + went:
        return None
    over = format_amount(parameters.over, entry.scale)
    words = f"Over {over} {entry.asset} moved in the first {parameters.days} days."
    return tell_volume(
        RULE.code,
        parameters.version,
        words,
        window,
        entry,
        came_count + went_count,
        came + went,
        age_days=max(0, age // DAY),
        over=over,
    )


RULE: Final = WindowRule(
    code="NEW-1",
    title="Young account, much volume",
    bounds=BOUNDS,
    judges="both",
    read_parameters=read_parameters,
    evaluate=evaluate,
    gate=gate,
)
