"""The ladder: seven rungs in a fixed order by which every instruction is judged.

Each rung is a flat list of rules in order of precedence, and each rule is asked of all movements before
the next one, so that the reason of a rejection is always the same whatever else is wrong. A rung returns
the first refusal, or none. The first two rungs are the same for all; the others are those of what the
instruction's type effects (`services.transactions.domain.effects`). What becomes of a refusal, for a
request and for a fact, is in `reasons`.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Final, NamedTuple

from services.transactions.domain import scheduling
from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.plain import FIRST_SANE_YEAR, LAST_SANE_YEAR
from shared.messages.partitioner import shard_of
from shared.messages.sealing import KEY_ID_DIGITS, SEALED, WITHHELD
from shared.messages.topics import JOURNAL

CONTENT_BYTES_MAX: Final = JOURNAL.body_bytes_max
"""An instruction larger than this could make an event larger than the topic takes."""

FIRST_SANE_DATE: Final = date(FIRST_SANE_YEAR, 1, 1)
LAST_SANE_DATE: Final = date(LAST_SANE_YEAR, 12, 31)

DATES: Final = (
    "value_date",
    "execute_on",
    "occurred_at",
    "contractual_settlement_date",
    "actual_settlement_date",
)
"""Dates that any instruction may carry, in the order in which they are looked at."""


# ── 1 place ──────────────────────────────────────────────────────────────────────────────────────


def place(case: Case) -> Refusal | None:
    """Is the record where its owner's records are? A record that is not does not use up its id."""
    record = case.record
    owner = record.owner
    assert owner is not None
    kind = record.kind or case.context.types[record.type or ""]
    if kind.broadcast:
        if record.key != b"house":
            return Refusal("wrong_key", None, "the key of a record to every partition is house")
        return None
    if record.key != owner.encode():
        return Refusal("wrong_key", "owner", f"the record key must be the owner, {owner}")
    home = shard_of(owner, case.context.partitions)
    if record.partition != home:
        return Refusal("wrong_partition", "owner", f"the owner's partition is {home}")
    return None


# ── 2 identity ───────────────────────────────────────────────────────────────────────────────────


def identity(case: Case) -> Refusal | None:
    """Is this the first time that the id comes?"""
    context = case.context
    instruction_id = case.record.instruction_id
    assert instruction_id is not None
    first = context.changes.firsts.get(instruction_id) or context.outside.firsts.get(instruction_id)
    if first is None:
        return _member_identity(case) if case.record.members else None
    case.first = first
    if first.content_hash == case.record.content_hash:
        return Refusal("duplicate", None, "")
    field = first_difference(first.content, case.record.content)
    if field is None and first.content is not None and case.record.content is not None:
        # All that can be compared agrees: what was personal in the first one has been erased since.
        return Refusal("duplicate", None, "")
    return Refusal("id_reused", field, "the id was used before for something else")


def _member_identity(case: Case) -> Refusal | None:
    """Has no id of a group's members come before?"""
    context = case.context
    for number, each in enumerate(case.record.members):
        member_id = each.instruction_id
        first = context.changes.firsts.get(member_id) or context.outside.firsts.get(member_id)
        if first is not None:
            case.first = first
            field = f"members.{number}.instruction_id"
            return Refusal("member_id_used", field, "the member's id was used before", number)
    return None


def first_difference(first: bytes | None, second: bytes | None) -> str | None:
    """Name the first field that differs between two contents, in the order of the first one's fields.

    Of what is sealed the block is named: nobody here can tell more. None where all that can be
    compared agrees.
    """
    if first is None or second is None:
        return None
    return _difference(json.loads(first), json.loads(second))


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    names = (*first, *(name for name in second if name not in first))
    # What is sealed comes last: whatever else differs says more.
    for name in sorted(names, key=lambda each: each == SEALED):
        one, other = first.get(name), second.get(name)
        if one == other and (name in first) == (name in second):
            continue
        if name == SEALED and _under_another_key(one, other):
            continue
        if not isinstance(one, dict) or not isinstance(other, dict):
            return name
        deeper = _difference(one, other)
        if deeper is not None:
            return name if deeper == SEALED else f"{name}.{deeper}"
    return None


def _under_another_key(one: Any, other: Any) -> bool:
    """Say whether two sealed texts cannot be compared, since the key of the first one was erased."""
    if not isinstance(one, str) or not isinstance(other, str) or WITHHELD in (one, other):
        return False
    return one[:KEY_ID_DIGITS] != other[:KEY_ID_DIGITS]


# ── 3 form ───────────────────────────────────────────────────────────────────────────────────────


def form(case: Case) -> Refusal | None:
    """Is it written as it must be, whatever it refers to?"""
    record = case.record
    if record.kind is None:
        return Refusal(*record.message.fault)
    effect = record.kind.effect
    refusal = (
        effect.form(case)
        or _dates(record.message, effect)
        or scheduling.may_name_a_day(record.kind, record.message)
    )
    if refusal is not None:
        return refusal
    if len(record.content or b"") > CONTENT_BYTES_MAX:
        return Refusal("too_large", None, f"an instruction may take {CONTENT_BYTES_MAX} bytes")
    return None


def _dates(message: Any, effect: Effect) -> Refusal | None:
    for field in (*DATES, *effect.dates):
        day = getattr(message, field)
        if day is not None and not FIRST_SANE_YEAR <= day.year <= LAST_SANE_YEAR:
            return Refusal(
                "date_out_of_range", field, f"dates are from {FIRST_SANE_DATE} to {LAST_SANE_DATE}"
            )
    return None


# ── 4 references to 7 limits ─────────────────────────────────────────────────────────────────────


def references(case: Case) -> Refusal | None:
    """Does what it names exist, and belong together?"""
    return _effect_of(case).references(case)


def status(case: Case) -> Refusal | None:
    """Do its accounts take debits and credits now? What waits for its day is asked on its day."""
    return None if scheduling.waits(case) else _effect_of(case).status(case)


def state(case: Case) -> Refusal | None:
    """Is what it wants to change still as it must be for that, and its day one that it can wait for?"""
    refusal = scheduling.is_in_reach(case)
    if refusal is not None or scheduling.waits(case):
        return refusal
    return _effect_of(case).state(case)


def limits(case: Case) -> Refusal | None:
    """Do the balances bear it? Nothing is reserved for what waits for its day."""
    return None if scheduling.waits(case) else _effect_of(case).limits(case)


def _effect_of(case: Case) -> Effect:
    kind = case.record.kind
    assert kind is not None
    return kind.effect


# ── the ladder ───────────────────────────────────────────────────────────────────────────────────


class Rung(NamedTuple):
    """One rung."""

    name: str
    judge: Callable[[Case], Refusal | None]


LADDER: Final = (
    Rung("place", place),
    Rung("identity", identity),
    Rung("form", form),
    Rung("references", references),
    Rung("status", status),
    Rung("state", state),
    Rung("limits", limits),
)
