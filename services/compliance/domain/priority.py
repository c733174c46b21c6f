"""In which order alerts are looked at: by what waits, and what the law gives little time for.

Derived from what stands in the tables and stored nowhere: it changes with what is known of a customer.
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
    """Return how soon an alert is looked at."""
    return priority_and_why(rule, is_held=is_held, was_confirmed=was_confirmed)[0]


def priority_and_why(rule: str, *, is_held: bool, was_confirmed: bool) -> tuple[Priority, str]:
    """Return how soon an alert is looked at, and why, in words.

    `is_held`: the payment that it is about waits for a decision. `was_confirmed`: a case about the owner was
    closed as confirmed; what goes on is to be reported again (FinCEN's guidance on continuing activity).
    """
    if rule == LISTED_NAME:
        return "urgent", "a listed name was found"
    if is_held:
        return "urgent", "the payment that it is about waits"
    if rule == REPORTABLE_CASH:
        return "high", "the law sets 15 days to report it"
    if was_confirmed:
        return "high", "a case about the owner was confirmed"
    return "normal", "nothing waits for it"
