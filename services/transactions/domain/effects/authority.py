"""By what right something is done that the rules alone would not let through: two people answer for it."""

from typing import Any, Final

from services.transactions.domain.effects import Refusal

ANSWERED_FOR: Final = ("reason", "entered_by", "approved_by")


def two_people(message: Any, *, needed: bool) -> Refusal | None:
    """Refuse what must say by what right it is done and does not, or what one person approved alone."""
    if needed:
        for field in ANSWERED_FOR:
            if getattr(message, field) is None:
                return Refusal("authority_missing", field, "reason, who entered and who approved are needed")
    if message.approved_by is not None and message.approved_by == message.entered_by:
        return Refusal("approver_same", "approved_by", "nobody approves what they entered")
    return None
