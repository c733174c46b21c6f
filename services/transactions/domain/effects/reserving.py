"""Money is set aside until another instruction posts it or gives it back, or until it expires."""

from dataclasses import replace
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.movements import MOVEMENTS, refuse_value_date


def _stands_today(case: Case) -> Refusal | None:
    refusal = refuse_value_date(case)
    if refusal is not None:
        return refusal
    expires_on = case.record.message.expires_on
    if expires_on is None or expires_on >= case.day:
        return None
    return Refusal("expiry_past", "expires_on", f"the open day is {case.day}")


RESERVE: Final = replace(MOVEMENTS, dates=("expires_on",), state=_stands_today)
