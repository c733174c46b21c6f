"""What the house keeps for somebody, item by item: put on its owner's account, or given up as income.

An item is a movement that credited an account of items (`ITEM_CLASSES`). It lies in the shard that made it
and is used up there, in parts, so that no two shards ever take the same. What cannot be done leaves it where
it is.
"""

from dataclasses import replace
from typing import Any, Final

from services.transactions.domain.cases import (
    Case,
    absent,
    asset_not_used,
    class_not_allowed,
    house_end,
    stopped,
    stopped_end,
)
from services.transactions.domain.chart import ITEM_CLASSES, Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Refusal, no_accounts
from services.transactions.domain.effects.authority import two_people
from services.transactions.domain.effects.containers import accounts_within, find_held
from services.transactions.domain.effects.movements import MOVEMENTS, as_planned, put_down
from services.transactions.domain.effects.using import find_item, home_of, use_of
from services.transactions.domain.originals import MovementId
from services.transactions.domain.planning import Planned


def _answered_for(case: Case) -> Refusal | None:
    return MOVEMENTS.form(case) or two_people(case.record.message, needed=True)


def _references(case: Case) -> Refusal | None:
    (planned,) = case.record.plan
    if planned.asset not in case.context.chart.assets:
        return Refusal("asset_unknown", planned.asset_field, "the asset is not known here")
    return _find(case, planned) or _find_target(case, planned)


def _find(case: Case, planned: Planned) -> Refusal | None:
    """Find the item, at home here."""
    assert case.record.item is not None
    movement = MovementId(*case.record.item)
    context = case.context
    if movement.shard != context.changes.state.shard:
        return Refusal("wrong_owner", "owner", f"the item is used up by an owner of shard {movement.shard}")
    found = find_item(case, movement)
    if found is None:
        return Refusal("item_unknown", "item", "no movement of this number has left an item")
    original, leg = found
    home = home_of(original, leg)
    if home != case.record.owner:
        return Refusal("wrong_owner", "owner", f"the item is used up by the owner {home}")
    if leg.credit.asset != planned.asset:
        return Refusal("asset_mismatch", planned.asset_field, f"the item is one of {leg.credit.asset}")
    case.original = original._replace(legs=[leg])
    case.undoes = [movement]
    case.day = context.changes.day_of(leg.credit.entity_id)
    return None


def _find_target(case: Case, planned: Planned) -> Refusal | None:
    """Find the account to put it on: one that is named, or the one that the posting rules name."""
    kept = case.original.legs[0].credit
    if not isinstance(planned.credit, str):
        target = house_end(case, planned.credit, kept.entity_id, kept.asset_id)
        if target is None:
            return asset_not_used()
        case.moves = [(kept, target)]
        return None
    target = find_held(case, planned.credit, planned.asset)
    if target is None:
        return absent(case, planned.credit, planned.credit_field)
    case.moves = [(kept, target)]
    return _agree(kept, target, planned)


def _agree(kept: Account, target: Account, planned: Planned) -> Refusal | None:
    if target.entity_id != kept.entity_id:
        return Refusal("spans_entities", None, "the accounts are of different entities")
    if target.asset != kept.asset:
        return Refusal("asset_mismatch", planned.credit_field, f"the account holds {target.asset}")
    if target.account_class in ITEM_CLASSES:
        return class_not_allowed(planned.credit_field)
    return None


def _status(case: Case) -> Refusal | None:
    stop = stopped_end(case)
    return None if stop is None else stopped(stop.reason, case.record.plan[0].credit_field)


def _state(case: Case) -> Refusal | None:
    used = use_of(case, case.undoes[0], case.original.legs[0].amount)
    if not used.left:
        return Refusal("item_used_up", "item", "nothing is left of it")
    if case.amounts[0] > used.left:
        return Refusal("amount_exceeds_item", "amount", "less than that is left of it")
    return None


def _limits(case: Case) -> Refusal | None:
    return put_down(case, as_planned(case))


def _accept(case: Case, decision: Decision) -> None:
    MOVEMENTS.accept(case, decision)
    (movement,) = case.undoes
    used = use_of(case, movement, case.original.legs[0].amount)
    case.context.changes.use(movement, used, case.amounts[0], case.seq)
    decision.detail = {**(decision.detail or {}), "uses": movement._asdict()}


def item_named(message: Any) -> tuple[int, int, int]:
    """Return shard, seq and leg of the movement that an instruction names."""
    shard, seq, leg = map(int, message.item.split("-"))
    return shard, seq, leg


ALLOCATE: Final = replace(
    MOVEMENTS,
    references=_references,
    status=_status,
    state=_state,
    limits=_limits,
    accept=_accept,
    accounts=accounts_within,
    item=item_named,
    redirects=False,
)
WRITE_OFF: Final = replace(ALLOCATE, form=_answered_for, accounts=no_accounts)
