"""In which order alerts are looked at: by what waits, and what the law gives little time for.

It changes with what is known of a customer, and is derived anew whenever that does.
"""

from typing import Final, Literal

Priority = Literal["urgent", "high", "normal"]

ORDER: Final[tuple[Priority, ...]] = ("urgent", "high", "normal")
"""The first is looked at first; within one, the oldest."""

LISTED_NAME: Final = "SAN-1"
"""What belongs to a listed person is frozen (Regulation (EU) 269/2014, article 2), and reported within 10
business days (31 CFR 501.603)."""
REPORTABLE_CASH: Final = "CTR-1"
"""To be reported within 15 days: 31 CFR 1010.306(a)(1)."""


def priority_of(rule: str, *, is_held: bool, was_confirmed: bool) -> Priority:
    """Return how soon an alert is looked at.

    `is_held`: the payment that it is about waits for a decision. `was_confirmed`: a case about the owner was
    closed as confirmed; what goes on is to be reported again (FinCEN's guidance on continuing activity).
    """
    if rule == LISTED_NAME or is_held:
        return "urgent"
    if rule == REPORTABLE_CASH or was_confirmed:
        return "high"
    return "normal"


def why(rule: str, priority: Priority) -> str:
    """Say in words why an alert of a rule has its priority."""
    match priority:
        case "urgent":
            is_listed = rule == LISTED_NAME
            return "a listed name was found" if is_listed else "the payment that it is about waits"
        case "high":
            is_cash = rule == REPORTABLE_CASH
            return "the law sets 15 days to report it" if is_cash else "a case about the owner was confirmed"
        case "normal":
            return "nothing waits for it"
