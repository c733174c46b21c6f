"""The firm's own books are put right: movements that two people answer for."""

from dataclasses import replace
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.authority import two_people
from services.transactions.domain.effects.movements import MOVEMENTS


def _form(case: Case) -> Refusal | None:
    return MOVEMENTS.form(case) or two_people(case.record.message, needed=True)


ADJUST: Final = replace(MOVEMENTS, form=_form)
