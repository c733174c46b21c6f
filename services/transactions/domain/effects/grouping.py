"""Several instructions of one owner that stand or fall together, each judged by the rules of its own type.

Every rung is asked of all members, in their order, before the next rung; status and limits of all their
movements together. A group of facts alone is a fact: a member that cannot be booked as named goes where it
would go by itself, and the others stay as they are.
"""

from collections.abc import Callable
from typing import Any, Final

from services.transactions.domain.cases import Case, stand_in_for, stopped, stopped_end
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.effects.movements import (
    MOVEMENTS_MAX,
    Put,
    accept_movements,
    as_planned,
    put_down,
    screened_first,
)
from services.transactions.domain.reasons import REASONS
from services.transactions.domain.records import SAID_ONCE, is_fact
from services.transactions.domain.stops import DEBIT_FROZEN

MEMBERS_MAX: Final = 16
NOT_OF_MEMBERS: Final = (*SAID_ONCE, "booking_date")
"""Fields that no member may have: the group says them for all, or nobody, since all are booked on one day."""


def _form(case: Case) -> Refusal | None:
    members = case.record.members
    if not members:
        return Refusal("group_empty", "members", "a group has at least one member")
    if len(members) > MEMBERS_MAX:
        return Refusal("too_large", "members", f"a group may have {MEMBERS_MAX} members")
    if sum(len(each.plan) for each in members) > MOVEMENTS_MAX:
        return Refusal("too_large", "members", f"a group may make {MOVEMENTS_MAX} movements")
    met = {case.record.instruction_id}
    for number, each in enumerate(members):
        if each.instruction_id in met:
            field = f"members.{number}.instruction_id"
            return Refusal("member_id_repeated", field, "the id is there twice", number)
        met.add(each.instruction_id)
    case.members = [Case(each, case.context, case.seq) for each in members]
    for each in case.members:
        each.is_member = True
    return _differing(case) or _first_refusal(case, lambda member: _effect_of(member).form(member))


def _differing(case: Case) -> Refusal | None:
    """See that what concerns all members is said by the group alone."""
    for number, each in enumerate(case.record.message.members):
        said = [name for name in NOT_OF_MEMBERS if name in each.model_fields_set]
        if each.owner != case.record.owner:
            said.insert(0, "owner")
        if said:
            field = f"members.{number}.{said[0]}"
            return Refusal("member_differs", field, "no member says it by itself", number)
    return None


def _references(case: Case) -> Refusal | None:
    refusal = _first_refusal(case, lambda member: _refer(case, member)) or _spans_entities(case)
    for member in case.members:
        for what, value in (member.seen or {}).items():
            for each in [value] if isinstance(value, dict) else value:
                case.has_seen(what, each)
    if refusal is not None:
        return refusal
    case.moves = [ends for member in case.members for ends in member.moves]
    case.amounts = [amount for member in case.members for amount in member.amounts]
    case.day = case.members[0].day
    return None


def _refer(case: Case, member: Case) -> Refusal | None:
    refer = _effect_of(member).references
    refusal = refer(member)
    if refusal is None or not is_fact(case.record) or REASONS[refusal.reason].fact != "suspense":
        return refusal
    member.redirected = True
    member.routed = refusal.reason
    return refer(member)


def _spans_entities(case: Case) -> Refusal | None:
    """See that all are of one entity: an event has one booking date."""
    entities = [member.moves[0][0].entity_id for member in case.members]
    for number, entity_id in enumerate(entities):
        if entity_id != entities[0]:
            return Refusal(
                "spans_entities", f"members.{number}", "the accounts are of different entities", number
            )
    return None


def _status(case: Case) -> Refusal | None:
    """Ask of all movements whether something stops them; a fact goes to the house's accounts instead."""
    while True:
        stop = stopped_end(case)
        if stop is None:
            return None
        number, first = _member_of(case, stop.leg)
        member = case.members[number]
        planned = member.record.plan[stop.leg - first]
        field = planned.debit_field if stop.side == DEBIT_FROZEN else planned.credit_field
        fate = REASONS[stop.reason].fact
        if not is_fact(case.record) or fate == "rejected":
            return _of_member(stopped(stop.reason, field), number)
        member.routed = stop.reason
        refusal = stand_in_for(case.context, member.moves, fate, stopped(stop.reason, field))
        if refusal is not None:
            return _of_member(refusal, number)
        case.moves = [ends for each in case.members for ends in each.moves]


def _state(case: Case) -> Refusal | None:
    """Ask of each member whether what the group says for all may be said of it."""
    for number, member in enumerate(case.members):
        refusal = _effect_of(member).state(member)
        if refusal is not None:
            return refusal._replace(member=number)
    return None


def _limits(case: Case) -> Refusal | None:
    all_facts = is_fact(case.record)
    reasons = [] if all_facts else [screened_first(member) for member in case.members]
    found = [each for each in reasons if each is not None]
    case.screened = min(found, key=lambda each: each.urgency, default=None)
    case.pending = case.screened is not None
    puts = [
        _of_group(put, number) for number, member in enumerate(case.members) for put in as_planned(member)
    ]
    refusal = put_down(case, puts)
    if refusal is not None and all_facts and REASONS[refusal.reason].fact == "booked":
        case.limit_passed = True
        refusal = put_down(case, puts)
    if refusal is None or refusal.field is None:
        return refusal
    return refusal._replace(member=int(refusal.field.split(".")[1]))


def _of_group(put: Put, number: int) -> Put:
    where = f"members.{number}"
    return put._replace(debit_field=f"{where}.{put.debit_field}", amount_field=f"{where}.{put.amount_field}")


def _accept(case: Case, decision: Decision) -> None:
    """Post or reserve all of it, and say what is whose."""
    decision.detail = {"members": [_named(member) for member in case.members]}
    accept_movements(case, decision)


def _named(member: Case) -> dict[str, Any]:
    record = member.record
    named = {"instruction_id": record.instruction_id, "type": record.type, "movements": len(record.plan)}
    return named if member.routed is None else {**named, "routed": member.routed}


def _effect_of(member: Case) -> Effect:
    assert member.record.kind is not None
    return member.record.kind.effect


def _first_refusal(case: Case, ask: Callable[[Case], Refusal | None]) -> Refusal | None:
    """Ask all members in their order, and name the first that says no."""
    for number, member in enumerate(case.members):
        refusal = ask(member)
        if refusal is not None:
            return _of_member(refusal, number)
    return None


def _of_member(refusal: Refusal, number: int) -> Refusal:
    field = f"members.{number}" if refusal.field is None else f"members.{number}.{refusal.field}"
    return refusal._replace(field=field, member=number)


def _member_of(case: Case, leg: int) -> tuple[int, int]:
    """Return the member to which a movement belongs, and the number of that one's first movement."""
    first = 0
    for number, member in enumerate(case.members):
        if leg < first + len(member.moves):
            return number, first
        first += len(member.moves)
    raise IndexError(leg)


GROUP: Final = Effect(
    form=_form,
    references=_references,
    status=_status,
    state=_state,
    limits=_limits,
    accept=_accept,
)
