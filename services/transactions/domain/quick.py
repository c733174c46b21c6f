"""Judges a plain instruction in one go: posts it where every rung of the ladder would say yes.

The ladder (`services.transactions.domain.ladder`) is the rule; this is the same yes, found with a tenth of
the work. Each condition below stands for the rules named beside it. Where one fails, or cannot be told
here, nothing has been changed and the instruction goes up the ladder, which alone gives reasons. A
property test decides random streams both ways and finds no difference.
"""

from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Context
from services.transactions.domain.chart import Account, ScreeningPolicy
from services.transactions.domain.decisions import Decision, Leg, Terms
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import Against, End
from services.transactions.domain.screening import screened_by, seen_in
from shared.money import AMOUNT_MINOR_MAX
from shared.runtime.work import Received

DIGITS_MAX: Final = 18
"""An amount of more digits may be too large."""


def judge_quickly(received: Received, context: Context, seq: int) -> Decision | None:
    """Post a plain instruction, or say None and leave everything as it was.

    Accounts and balances that memory lacks are noted in the context's `wanted`: then this fold is in vain.
    """
    plain: PlainInstruction = received.message
    _, debit_code, credit_code, text, asset = plain.planned[:5]
    changes = context.changes
    state = changes.state
    changed = changes.balances
    # references: an end named is found, an end left to the posting rules is the house's account; one entity,
    # one asset
    debit = state.accounts.get(debit_code)  # pyright: ignore[reportArgumentType] - a stand-in is not found
    credit = state.accounts.get(credit_code)  # pyright: ignore[reportArgumentType]
    opened = changes.accounts
    if opened:
        # An account that this batch opens may be moved on at once.
        debit = debit or opened.get(debit_code)  # pyright: ignore[reportArgumentType]
        credit = credit or opened.get(credit_code)  # pyright: ignore[reportArgumentType]
    against = None
    if debit is not None:
        home = debit
        if credit is not None:
            if credit.entity_id != debit.entity_id or credit.asset_id != debit.asset_id or credit is debit:
                return _want_rows(context, debit, credit)
        else:
            against = credit_code
    elif credit is not None:
        home = credit
        against = debit_code
    else:
        return _ask_for(context, debit_code, credit_code)
    if against.__class__ is str:
        return _ask_for(context, debit_code, credit_code, home)
    fields = plain.fields
    key = (plain.type, home.asset_id, home.entity_id, fields.value_date, against)
    terms = context.terms.get(key)
    if terms is None:
        terms = context.terms[key] = _terms(context, plain, home, against)
    if debit is None:
        debit = terms.house
    elif credit is None:
        credit = terms.house
    if debit is None or credit is None:
        return _want_rows(context, home)
    debit_id = debit.account_id
    credit_id = credit.account_id
    taken = changed.get(debit_id) or state.balances.get(debit_id)
    given = changed.get(credit_id) or state.balances.get(credit_id)
    if taken is None or given is None:
        return _want_rows(context, debit, credit)
    # place, and references' ownership: the home is the customer debited, else the one credited
    if (
        home.owner != plain.owner
        or not home.is_customer
        or home.shard != state.shard
        or received.key != home.key
        or received.partition != state.shard
    ):
        return None
    # identity: the first time that the id comes
    instruction_id = plain.instruction_id
    if instruction_id in changes.firsts or instruction_id in context.outside.firsts:
        return None
    # form: a positive decimal string that fits the asset's scale, spelt as the event will spell it
    amount = _minor_units(text, terms.scale)
    if amount <= 0:
        return None
    # references: the asset named is theirs, and their classes are those that the type takes
    if asset != terms.asset or home.account_class not in terms.classes:
        return None
    if against is None and (not credit.is_customer or credit.account_class not in terms.classes):
        return None
    # status: neither end is shut, and no freeze stands on either
    for stopped in (state.stopped, changes.stopped, context.outside.stopped):
        if stopped and (
            debit_id in stopped
            or credit_id in stopped
            or debit.container_id in stopped
            or credit.container_id in stopped
        ):
            return None
    # limits: not to be screened first, no counter overflows, the available balance bears it, no cap is passed
    debits = taken[0] + amount
    credits_ = given[1] + amount
    limit = debit.opening_limit
    if state.limits or changes.limits:
        limit, cap = changes.allowed_of(debit, terms.booking_date)
        if cap is not None and amount > cap:
            return None
    if (
        (
            terms.screened_from is not None
            and amount >= terms.screened_from
            and screened_by(terms.policies, amount, seen_in(fields, changes.risk_class_of(plain.owner)))
        )
        or debits + taken[2] > AMOUNT_MINOR_MAX
        or credits_ + given[3] > AMOUNT_MINOR_MAX
        or (limit is not None and debits + taken[2] - taken[1] > limit)
    ):
        return None
    if debit_id not in changed:
        taken = changed[debit_id] = taken.copy()
    if credit_id not in changed:
        given = changed[credit_id] = given.copy()
    taken[0] = debits
    given[1] = credits_
    decision = changes.firsts[instruction_id] = Decision(
        seq,
        kinds.POSTED,
        received.topic,
        received.partition,
        received.offset,
        instruction_id,
        plain.type,
        plain.owner,
        None,
        terms.booking_date,
        terms.value_date,
        None,
        None,
        plain.content,
        plain.content_hash,
        [Leg(terms.kind, debit, credit, amount, taken[1] - debits, credits_ - given[0])],
        None,
        None,
        received.traceparent if received.headers else None,
        True,
        terms,
    )
    return decision


def _ask_for(context: Context, *ends: End | Account) -> None:
    """Note accounts that memory lacks, unless they are known to be opened in this batch or not to exist."""
    changes = context.changes
    for end in ends:
        if isinstance(end, str) and changes.find_account(end) is None and end not in context.outside.absent:
            context.wanted.codes.add(end)
    _want_rows(context, *(end for end in ends if isinstance(end, Account)))


def _want_rows(context: Context, *accounts: Account) -> None:
    """Note balances that memory lacks, so that the ladder finds them."""
    changes = context.changes
    for account in accounts:
        account_id = account.account_id
        if account_id not in changes.balances and account_id not in changes.state.balances:
            context.wanted.rows.add(account_id)


def _terms(context: Context, plain: PlainInstruction, home: Account, against: Any) -> Terms:
    """Work out what an instruction has in common with others of its kind."""
    kind = context.types[plain.type]
    chart = context.chart
    entity_id, asset_id = home.entity_id, home.asset_id
    day = context.changes.day_of(entity_id)
    house: Account | None = None
    if isinstance(against, Against):
        house = chart.counterpart(entity_id, plain.type, against.condition, asset_id, day)
    policies: tuple[ScreeningPolicy, ...] = ()
    if kind.kind == "request":
        policies = chart.screening_policies(entity_id, plain.type, asset_id, day)
    # What has its value on another day is for the ladder: here no account is of a class that is taken.
    is_today = (plain.fields.value_date or day) == day
    return Terms(
        plain.type,
        kind.account_classes if is_today else frozenset(),
        plain.planned.kind,
        home.asset,
        home.scale,
        house,
        policies,
        min((each.amount_from for each in policies), default=None),
        day,
        plain.fields.value_date or day,
    )


def _minor_units(text: str, scale: int) -> int:
    """Return an amount, spelt with all its decimals and no zero too many, in minor units; 0 for all else."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if (
        len(fraction) != scale
        or not digits.isdecimal()
        or not whole
        or (whole[0] == "0" and whole != "0")
        or len(digits) > DIGITS_MAX
        or len(text) - len(digits) != (scale > 0)
    ):
        return 0
    return int(digits) if digits.isascii() else 0
