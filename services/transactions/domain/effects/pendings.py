"""What was reserved, posted at once or part by part, or given back; and what was scheduled, given up."""

import json
from dataclasses import replace
from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain import scheduling
from services.transactions.domain.cases import Case, stopped, stopped_end
from services.transactions.domain.changes import Changes
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.effects.obligations import Booking, book_behind, booked_behind, overflow
from services.transactions.domain.open_pendings import EndedTrade, OpenPending, Part, amounts_left
from services.transactions.domain.outside import First
from shared.money import SCALE_MAX, AmountError, format_amount, parse_amount


def _part(case: Case) -> Refusal | None:
    """Find the pending transaction named, and read the amount of it by its asset."""
    pending_id = case.record.pending_id
    assert pending_id is not None
    context = case.context
    case.named = context.changes.find_pending(pending_id)
    case.waiting = context.changes.find_scheduled(pending_id)
    case.named_first = None
    first = context.changes.firsts.get(pending_id) or context.outside.firsts.get(pending_id)
    if case.named is not None:
        case.named_first = json.loads(case.named.content)
    elif (
        isinstance(first, Decision | First)
        and first.kind in (kinds.PENDING, kinds.SCHEDULED)
        and not _is_member(first)
        and first.content is not None  # in a part that is detached
    ):
        case.named_first = json.loads(first.content)
    amount = getattr(case.record.message, "amount", None)
    case.amounts = []
    if amount is None:
        return None
    asset = None if case.named_first is None else context.chart.assets[_asset_of(case.named_first)]
    try:
        case.amounts.append(parse_amount(amount, SCALE_MAX if asset is None else asset.scale))
    except AmountError as error:
        if asset is not None or error.reason not in ("amount_too_many_decimals", "amount_too_large"):
            return Refusal(error.reason, "amount", error.detail)
    return None


def _is_member(first: Decision | First) -> bool:
    return isinstance(first, First) and first.is_member


def _asset_of(first: dict[str, Any]) -> str:
    """Return what is reserved of: the asset of a pending transaction's first movement."""
    named: dict[str, Any] = first["members"][0] if "members" in first else first
    return str(named["asset"] if "asset" in named else named["debit_asset"])


def _references(case: Case) -> Refusal | None:
    first = case.named_first
    if first is None:
        return Refusal("pending_unknown", "pending_id", "nothing was ever pending or scheduled under this id")
    if first["owner"] != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not that of what is pending")
    case.moves = []
    if case.named is not None:
        case.moves = [(leg.debit, leg.credit) for leg in case.named.legs]
        case.day = case.context.changes.day_of(case.moves[0][0].entity_id)
    elif case.waiting is not None:
        case.day = case.context.changes.day_of(case.waiting.entity_id)
    return None


def _state_to_void(case: Case) -> Refusal | None:
    """What is scheduled can be given up until its day; then the ledger itself is about to execute it."""
    waiting = case.waiting
    return None if waiting is not None and not waiting.is_due(case.day) else _state(case)


def _state(case: Case) -> Refusal | None:
    named = case.named
    if case.waiting is not None:
        return Refusal("not_executed", "pending_id", f"it is executed on {case.waiting.execute_on}")
    if named is None:
        return Refusal("pending_resolved", "pending_id", "it was posted or given back before")
    if named.screening:
        return Refusal("under_screening", "pending_id", "it waits for compliance")
    value_date = case.record.message.value_date
    if value_date is not None and value_date < case.day and _is_asked_for(case, named):
        return Refusal("value_date_out_of_window", "value_date", f"the open day is {case.day}")
    if case.amounts and case.amounts[0] > named.legs[0].amount:
        return Refusal("amount_exceeds_pending", "amount", "less than that is still reserved")
    if len(named.whole) > 1 and case.amounts and case.amounts[0] < named.legs[0].amount:
        return _rest(case)
    return None


def _is_asked_for(case: Case, named: OpenPending) -> bool:
    """Say whether what is pending might have been refused: a trade was made when it was made."""
    return case.context.types[named.instruction_type].kind == "request"


def _rest(case: Case) -> Refusal | None:
    """Refuse to give back what a last part leaves of several movements: nobody said in which proportion."""
    if not case.record.message.final:
        return None
    return Refusal("rest_remains", "final", "more than that is still reserved")


def _status(case: Case) -> Refusal | None:
    stop = stopped_end(case)
    return None if stop is None else stopped(stop.reason, "pending_id")


def _void(case: Case, decision: Decision) -> None:
    """Give back what is still reserved, or give up what is scheduled."""
    if case.waiting is not None:
        scheduling.cancel(case, case.waiting, decision)
        return
    pending = _resolved_by(case, decision)
    changes = case.context.changes
    decision.kind = kinds.VOIDED
    decision.reason = "void_requested"
    decision.legs = [settle(changes, leg, posted=False) for leg in pending.legs]
    book_behind(changes, pending, _booked_behind(case), case.day)
    changes.end_pending(pending, decision.seq)
    if pending.is_trade:
        changes.ended[pending.instruction_id] = EndedTrade(pending, is_cancelled=True)


def _bears(case: Case) -> Refusal | None:
    """Counters must take what is booked for a trade that is cancelled or settled late."""
    if case.waiting is not None:
        return None
    return overflow(case.context.changes, _booked_behind(case), "pending_id")


def _booked_behind(case: Case) -> list[Booking]:
    pending = case.named
    assert pending is not None
    settled = None if case.record.type == "void_pending" else _amount_of(case, pending)
    return booked_behind(case.context.chart, pending, case.day, settled=settled)


def _amount_of(case: Case, pending: OpenPending) -> int:
    """Return how much of the first movement is posted: all that is left, if nothing is said."""
    return case.amounts[0] if case.amounts else pending.legs[0].amount


def _post(case: Case, decision: Decision) -> None:
    """Post what is still reserved or a part of it; the rest is given back if that part is the final one."""
    pending = _resolved_by(case, decision)
    changes = case.context.changes
    decision.kind = kinds.POSTED
    if len(pending.whole) > 1:
        _post_in_proportion(case, decision, pending)
        return
    (reserved,) = pending.legs
    amount = _amount_of(case, pending)
    rest = reserved._replace(amount=reserved.amount - amount)
    decision.legs = [settle(changes, reserved._replace(amount=amount), posted=True)]
    changes.settled.append((pending.seq, amount))
    if rest.amount and not case.record.message.final:
        changes.pendings[pending.instruction_id] = replace(pending, legs=[rest])
        changes.count_dated(pending, reserved, -amount)
        return
    if rest.amount:
        settle(changes, rest, posted=False)
        assert decision.detail is not None
        decision.detail["freed"] = format_amount(rest.amount, rest.debit.scale)
    changes.end_pending(pending, decision.seq)


def _post_in_proportion(case: Case, decision: Decision, pending: OpenPending) -> None:
    """Post a part of the first movement, and as much of each other one as that is of the whole."""
    changes = case.context.changes
    bookings = _booked_behind(case)
    amount = _amount_of(case, pending)
    left = legs_left(pending.whole, pending.settled + amount)
    after = {index: leg.amount for index, leg in left}
    before = legs_left(pending.whole, pending.settled)
    parts = [leg._replace(amount=leg.amount - after.get(index, 0)) for index, leg in before]
    decision.legs = [settle(changes, part, posted=True) for part in parts if part.amount]
    changes.settled.append((pending.seq, amount))
    if pending.is_trade:
        _note_part(changes, pending, decision, settled=pending.settled + amount)
    if bookings:
        pending = replace(pending, obligation=book_behind(changes, pending, bookings, case.day))
    if not left:
        changes.end_pending(pending, decision.seq)
        if pending.is_trade:
            ended = replace(pending, legs=[])
            changes.ended[pending.instruction_id] = EndedTrade(ended, is_cancelled=False)
        return
    changes.pendings[pending.instruction_id] = replace(pending, legs=[leg for _, leg in left])
    for part in parts:
        changes.count_dated(pending, part, -part.amount)


def _note_part(changes: Changes, pending: OpenPending, decision: Decision, *, settled: int) -> None:
    """Say of a part of a trade how much is settled with it: so it is known which one is the last."""
    changes.parts[decision.seq] = Part(pending.instruction_id, pending.seq, settled)
    assert decision.detail is not None
    decision.detail["settled"] = format_amount(settled, pending.whole[0].debit.scale)


def legs_left(whole: list[Leg], settled: int) -> list[tuple[int, Leg]]:
    """Return what is left of each movement when so much of the first has been posted, with its index.

    Of each, what has been posted is its share of the whole, rounded half up: so parts sum exactly, however
    they are cut. What has nothing left is left out.
    """
    pairs = zip(whole, amounts_left(whole, settled), strict=True)
    return [(index, leg._replace(amount=amount)) for index, (leg, amount) in enumerate(pairs) if amount]


def _resolved_by(case: Case, decision: Decision) -> OpenPending:
    """Say of a decision what it posts or gives back, and return that."""
    pending = case.named
    assert pending is not None
    decision.value_date = case.record.message.value_date or case.day
    decision.detail = {"resolves": {"shard": case.context.changes.state.shard, "seq": pending.seq}}
    return pending


def settle(changes: Changes, leg: Leg, *, posted: bool) -> Leg:
    """Take a movement out of what is pending, and post it if so asked; returns it with the balances after."""
    taken = changes.row(leg.debit.account_id)
    given = changes.row(leg.credit.account_id)
    taken[2] -= leg.amount
    given[3] -= leg.amount
    if posted:
        taken[0] += leg.amount
        given[1] += leg.amount
    return leg._replace(debit_balance_after=taken[1] - taken[0], credit_balance_after=given[1] - given[0])


def _pending_id(message: Any) -> str:
    return str(message.pending_id)


POST_PENDING: Final = Effect(
    form=_part,
    references=_references,
    status=_status,
    state=_state,
    limits=_bears,
    accept=_post,
    pending_id=_pending_id,
)
VOID_PENDING: Final = Effect(
    form=_part,
    references=_references,
    state=_state_to_void,
    limits=_bears,
    accept=_void,
    pending_id=_pending_id,
)
