"""Securities bought or sold: set aside, with the money for them, until they are settled."""

from dataclasses import replace
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.containers import traded_within
from services.transactions.domain.effects.movements import MOVEMENTS


def _references(case: Case) -> Refusal | None:
    """Both accounts are the same customer's: nobody pays for another's securities."""
    refusal = MOVEMENTS.references(case)
    if refusal is not None or case.redirected:
        return refusal
    ends = (account for ends in case.moves for account in ends)
    if any(each.is_customer and each.owner != case.record.owner for each in ends):
        return Refusal("wrong_owner", "owner", "the owner named is not that of both accounts")
    return None


TRADING: Final = replace(MOVEMENTS, references=_references, accounts=traded_within)
