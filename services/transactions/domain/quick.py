"""Judges a plain instruction in one go: posts it where every rung of the ladder would say yes.

The ladder (`services.transactions.domain.ladder`) is the rule; this is the same yes, found with a tenth of
the work. Each condition below stands for the rules named beside it. Where one fails, or cannot be told
here, nothing has been changed and the instruction goes up the ladder, which alone gives reasons. A
property test decides random streams both ways and finds no difference.
"""

from datetime import date
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Context
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import Against
from shared.money import AMOUNT_MINOR_MAX
from shared.runtime.work import Received

DIGITS_MAX: Final = 18
"""An amount of more digits may be too large."""


def judge_quickly(received: Received, context: Context, seq: int) -> Decision | None:
    """Post a plain instruction, or say None and leave everything as it was."""
    plain: PlainInstruction = received.message
    planned = plain.planned
    changes = context.changes
    state = changes.state
    debit = plain.debit
    credit = plain.credit
    # references: an end named is found, an end left to the posting rules is the house's account
    known = debit or credit
    if known is None:
        return None
    entity_id = known.entity_id
    day = changes.day_of(entity_id)
    if debit is None:
        debit = _house_end(context, planned.debit, known, plain.type, day)
    elif credit is None:
        credit = _house_end(context, planned.credit, known, plain.type, day)
    if debit is None or credit is None:
        return None
    # place, and references' ownership: the home is the customer debited, else the one credited
    home = debit if debit.is_customer else credit
    owner = home.owner
    if (
        not home.is_customer
        or owner != plain.owner
        or home.shard != state.shard
        or received.key != plain.key
        or received.partition != state.shard
    ):
        return None
    # identity: the first time that the id comes
    instruction_id = plain.instruction_id
    if instruction_id in changes.firsts or instruction_id in context.outside.firsts:
        return None
    # form: a positive decimal string that fits the asset's scale
    amount = _minor_units(planned.amount, debit.scale)
    if amount <= 0 or planned.debit == planned.credit:
        return None
    # references: one asset, one entity, classes that the type takes
    asset = planned.asset
    kind = context.types[plain.type]
    classes = kind.account_classes
    if (
        debit.asset != asset
        or credit.asset != asset
        or debit.entity_id != credit.entity_id
        or (debit.is_customer and debit.account_class not in classes)
        or (credit.is_customer and credit.account_class not in classes)
        or (not debit.is_customer and planned.debit.__class__ is str)
        or (not credit.is_customer and planned.credit.__class__ is str)
    ):
        return None
    # status: no freeze stands on either end
    debit_id = debit.account_id
    credit_id = credit.account_id
    for frozen in (state.frozen, changes.frozen, context.outside.frozen):
        if frozen and (debit_id in frozen or credit_id in frozen):
            return None
    # limits: not to be screened first, no counter overflows, the available balance bears it
    if (
        kind.kind == "request"
        and (entity_id, plain.type, debit.asset_id) in context.chart.policies
        and context.chart.is_screened_first(entity_id, plain.type, debit.asset_id, amount, day)
    ):
        return None
    taken = changes.read_row(debit_id)
    given = changes.read_row(credit_id)
    debits = taken[0] + amount
    credits_ = given[1] + amount
    limit = debit.limit
    if (
        debits + taken[2] > AMOUNT_MINOR_MAX
        or credits_ + given[3] > AMOUNT_MINOR_MAX
        or (limit is not None and debits + taken[2] - taken[1] > limit)
    ):
        return None
    taken = changes.row(debit_id)
    given = changes.row(credit_id)
    taken[0] = debits
    given[1] = credits_
    decision = Decision(
        seq,
        kinds.POSTED,
        received.topic,
        received.partition,
        received.offset,
        instruction_id,
        plain.type,
        owner,
        None,
        day,
        plain.fields.value_date or day,
        None,
        None,
        plain.content,
        plain.content_hash,
        [Leg(planned.kind, debit, credit, amount, taken[1] - debits, credits_ - given[0])],
        None,
        None,
        received.traceparent if received.headers else None,
        True,
    )
    changes.firsts[instruction_id] = decision
    return decision


def _house_end(context: Context, against: object, known: Account, code: str, day: date) -> Account | None:
    """Return the house's account that the posting rules put against a known one; remembered for the batch."""
    if not isinstance(against, Against):
        return None
    key = (known.entity_id, known.asset_id, code, against.condition, day)
    found = context.counterparts.get(key)
    if found is None:
        found = context.chart.counterpart(known.entity_id, code, against.condition, known.asset_id, day)
        if found is not None:
            context.counterparts[key] = found
    return found


def _minor_units(text: str, scale: int) -> int:
    """Return a well-spelt amount with all its decimals in minor units; 0 for everything else."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if len(fraction) != scale or not whole or len(digits) > DIGITS_MAX or not digits.isdecimal():
        return 0
    return int(digits) if digits.isascii() else 0
