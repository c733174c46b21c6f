"""A payment that went out comes back, whole or in part: to whom had paid it, as far as it is known.

It has come back whatever our books say. So what cannot be matched with a payment, or is more than is left of
one, goes to suspense; what is matched is used up, also where its customer's account takes nothing any more.
"""

from dataclasses import replace
from typing import Any, Final

from services.transactions.domain.cases import Case, asset_not_used, house_end, stopped, stopped_end
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.movements import MOVEMENTS, Put, put_down, to_suspense
from services.transactions.domain.effects.using import find_original, not_there, of_group, use_of
from services.transactions.domain.originals import MovementId


def _references(case: Case) -> Refusal | None:
    (planned,) = case.record.plan
    if planned.asset not in case.context.chart.assets:
        return Refusal("asset_unknown", planned.asset_field, "the asset is not known here")
    return to_suspense(case) if case.redirected else _to_payer(case)


def _to_payer(case: Case) -> Refusal | None:
    """Put the account that had paid it where the money goes."""
    (planned,) = case.record.plan
    context = case.context
    found = find_original(case)
    if found is not None and found.is_member:
        return of_group()
    if found is None or not found.legs:
        return not_there(case, found)
    if not context.types[found.instruction_type].returnable:
        code = found.instruction_type
        return Refusal("original_not_returnable", "original_id", f"a {code} is no payment that went out")
    # What else there is, behind it, was taken for it and stays.
    paid = found.legs[0]
    case.original = found
    case.entity_id = paid.debit.entity_id
    if paid.debit.asset != planned.asset:
        return Refusal("asset_mismatch", planned.asset_field, f"the payment was one of {paid.debit.asset}")
    case.day = context.changes.day_of(paid.debit.entity_id)
    source = house_end(case, planned.debit, paid.debit.entity_id, paid.debit.asset_id)
    if source is None:
        return asset_not_used()
    case.moves = [(source, paid.debit)]
    case.undoes = [MovementId(found.shard, found.seq, 0)]
    return None


def _status(case: Case) -> Refusal | None:
    stop = stopped_end(case)
    return None if stop is None else stopped(stop.reason, "original_id")


def _state(case: Case) -> Refusal | None:
    if case.redirected:
        return to_suspense(case)
    used = use_of(case, case.undoes[0], case.original.legs[0].amount)
    if not used.left:
        return Refusal("already_reversed", "original_id", "it was undone, or has come back whole")
    if case.amounts[0] > used.left:
        return Refusal("amount_exceeds_original", "amount", "less than that has not come back yet")
    return None


def _limits(case: Case) -> Refusal | None:
    together = zip(case.record.plan, case.moves, case.amounts, strict=True)
    return put_down(
        case,
        [Put(each.kind, *ends, amount, "original_id", each.amount_field) for each, ends, amount in together],
    )


def _accept(case: Case, decision: Decision) -> None:
    MOVEMENTS.accept(case, decision)
    if case.redirected:
        return
    (movement,) = case.undoes
    used = use_of(case, movement, case.original.legs[0].amount)
    case.context.changes.use(movement, used, case.amounts[0], case.seq)
    decision.detail = {**(decision.detail or {}), "uses": movement._asdict()}


def _original(message: Any) -> tuple[str, str]:
    return message.owner, str(message.original_id)


RETURN: Final = replace(
    MOVEMENTS,
    references=_references,
    status=_status,
    state=_state,
    limits=_limits,
    accept=_accept,
    original=_original,
)
