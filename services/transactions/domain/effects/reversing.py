"""A posted transaction is undone by its mirror, once and whole.

A movement has one home at which it may be undone (`home_of`), so that one shard alone keeps whether it was,
wherever the original stands. That stands still: what is read of another shard never changes, and that it was
not there is kept with the decision and nowhere else. What was reserved is undone as it was posted: each
part is a transaction of its own, named by the `post_pending` that made it; what is freed needs no reversal.
What was settled of a trade is owed again, so undoing it opens the trade anew (`reopening`).
"""

from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case, stopped, stopped_end
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal, no_item, reopening
from services.transactions.domain.effects.authority import two_people
from services.transactions.domain.effects.movements import Put, put_down, refuse_value_date, take_back
from services.transactions.domain.effects.using import find_original, home_of, not_there, of_group, use_of
from services.transactions.domain.originals import MovementId, Original

TOO_LITTLE: Final = frozenset({"insufficient_funds", "short_on_value_date"})
"""What a reversal by right passes."""


def _form(case: Case) -> Refusal | None:
    message = case.record.message
    return two_people(message, needed=message.forced)


def _references(case: Case) -> Refusal | None:
    found = find_original(case)
    if found is not None and found.is_member:
        return of_group()
    if found is None or not found.legs:
        return not_there(case, found)
    code = found.instruction_type
    if not case.context.types[code].reversible:
        return Refusal("original_not_reversible", "original_id", f"a {code} is not reversed")
    return _own_movements(case, found)


def _own_movements(case: Case, found: Original) -> Refusal | None:
    """Take the movements that are at home with the owner named."""
    owner = case.record.owner
    own = [(number, leg) for number, leg in enumerate(found.legs) if home_of(found, leg) == owner]
    if not own:
        right = " or ".join(sorted({home_of(found, leg) for leg in found.legs}))
        party = any(owner in (leg.debit.owner, leg.credit.owner) for leg in found.legs)
        reason = "reversed_elsewhere" if party else "wrong_owner"
        return Refusal(reason, "owner", f"it is reversed by the owner {right}")
    case.original = found._replace(legs=[leg for _, leg in own])
    case.undoes = [MovementId(found.shard, found.seq, number) for number, _ in own]
    case.moves = [(leg.credit, leg.debit) for _, leg in own]
    case.amounts = [leg.amount for _, leg in own]
    case.day = case.context.changes.day_of(own[0][1].debit.entity_id)
    return reopening.find_trade(case)


def _status(case: Case) -> Refusal | None:
    stop = stopped_end(case)
    return None if stop is None else stopped(stop.reason, "original_id")


def _state(case: Case) -> Refusal | None:
    for each, amount in zip(case.undoes, case.amounts, strict=True):
        used = use_of(case, each, amount)
        if not used.left:
            return Refusal("already_reversed", "original_id", "nothing is left of it to be undone")
        if used.parts:
            return Refusal("partly_used", "original_id", "a part of it has come back before")
    refusal = reopening.stands_last(case)
    return refusal if refusal is not None or case.record.message.forced else refuse_value_date(case)


def _limits(case: Case) -> Refusal | None:
    puts = [
        Put(leg.kind, leg.credit, leg.debit, leg.amount, "original_id", "original_id")
        for leg in case.original.legs
    ]
    refusal = put_down(case, puts)
    if refusal is not None and refusal.reason in TOO_LITTLE and case.record.message.forced:
        case.limit_passed = True
        refusal = put_down(case, puts)
    if refusal is None:
        refusal = reopening.bears(case)
        if refusal is not None:
            take_back(case)
    return refusal


def _accept(case: Case, decision: Decision) -> None:
    decision.kind = kinds.POSTED
    decision.legs = case.legs
    decision.value_date = case.record.message.value_date or case.day
    decision.detail = {"reverses": {"shard": case.original.shard, "seq": case.original.seq}}
    if case.context.types[case.original.instruction_type].effect.item is not no_item:
        decision.detail["reopens"] = True
    if case.limit_passed:
        decision.detail["limit_passed"] = True
    for each, amount in zip(case.undoes, case.amounts, strict=True):
        case.context.changes.use(each, use_of(case, each, amount), amount, case.seq)
    reopening.reopen(case)


def _original(message: Any) -> tuple[str, str]:
    return message.original_owner or message.owner, str(message.original_id)


REVERSE: Final = Effect(
    form=_form,
    references=_references,
    status=_status,
    state=_state,
    limits=_limits,
    accept=_accept,
    original=_original,
)
