"""Movements between accounts: posted at once, screened first by policy, or reserved."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import (
    Case,
    absent,
    ahead_elsewhere,
    asset_not_used,
    class_not_allowed,
    credits_elsewhere,
    house_end,
    past_of,
    stopped,
    stopped_end,
)
from services.transactions.domain.chart import ITEM_CLASSES, Account
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.effects.containers import (
    begin_opening,
    find_held,
    finish_opening,
    give_up_opening,
)
from services.transactions.domain.open_pendings import OpenPending
from services.transactions.domain.openings import nets_since
from services.transactions.domain.planning import Against, Planned, TransactionType
from services.transactions.domain.records import is_fact
from services.transactions.domain.screening import Screened, screened_by, seen_in
from services.transactions.domain.stops import DEBIT_FROZEN
from services.transactions.domain.value_dates import NONE_AHEAD, Shift, withheld
from shared.messages.envelope import HOUSE
from shared.money import AMOUNT_MINOR_MAX, SCALE_MAX, AmountError, parse_amount
from shared.runtime.failpoints import planted

MOVEMENTS_MAX: Final = 64
"""More could make an event larger than the topic takes, if the instruction is as large as it may be."""

Ends = tuple[Planned, Account | None, Account | None]
"""A planned movement with the accounts it names; none where the posting rules name one."""


def _amounts(case: Case) -> Refusal | None:
    if len(case.record.plan) > MOVEMENTS_MAX:
        return Refusal("too_large", None, f"an instruction may make {MOVEMENTS_MAX} movements")
    assets = case.context.chart.assets
    case.amounts = amounts = []
    for planned in case.record.plan:
        asset = assets.get(planned.asset)
        try:
            amounts.append(parse_amount(planned.amount, SCALE_MAX if asset is None else asset.scale))
        except AmountError as error:
            # How many decimals an unknown asset has is not known: it is refused as unknown, further up.
            if asset is None and error.reason in ("amount_too_many_decimals", "amount_too_large"):
                amounts.append(1)
                continue
            return Refusal(error.reason, planned.amount_field, error.detail)
    for planned in case.record.plan:
        if planned.debit == planned.credit:
            return Refusal("accounts_same", planned.credit_field, "the two accounts are the same")
    return None


def _references(case: Case) -> Refusal | None:
    context = case.context
    chart = context.chart
    plan = case.record.plan
    for planned in plan:
        if planned.asset not in chart.assets:
            return Refusal("asset_unknown", planned.asset_field, "the asset is not known here")
    if case.redirected:
        return to_suspense(case)
    ends: list[Ends] = []
    for planned in plan:
        debit = credit = None
        if type(planned.debit) is str:
            debit = find_held(case, planned.debit, planned.asset)
            if debit is None:
                return absent(case, planned.debit, planned.debit_field)
        if type(planned.credit) is str:
            credit = find_held(case, planned.credit, planned.asset)
            if credit is None:
                return absent(case, planned.credit, planned.credit_field)
        ends.append((planned, debit, credit))
    return _ownership(case, ends) or _agreement(case, ends) or _counterparties(case, ends)


def _ownership(case: Case, ends: list[Ends]) -> Refusal | None:
    """The home is the one customer it debits, else the only customer in it, else the house."""
    debited: str | None = None
    credited: str | None = None
    several_credited = False
    for _, debit, credit in ends:
        if debit is not None and debit.is_customer:
            if debited is not None and debit.owner != debited:
                return Refusal("spans_owners", "debit_account", "one transaction debits one customer")
            debited = debit.owner
        if credit is not None and credit.is_customer:
            several_credited = several_credited or credited not in (None, credit.owner)
            credited = credit.owner
    home = debited or (HOUSE if several_credited else credited) or HOUSE
    if home != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not the home of this instruction")
    return None


def _agreement(case: Case, ends: list[Ends]) -> Refusal | None:
    kind = case.record.kind
    assert kind is not None
    entity_id: int | None = None
    for _, debit, credit in ends:
        for account in (debit, credit):
            if account is not None and account.entity_id != entity_id:
                if entity_id is not None:
                    return Refusal("spans_entities", None, "the accounts are of different entities")
                entity_id = account.entity_id
    for planned, debit, credit in ends:
        if debit is not None and debit.asset != planned.asset:
            return Refusal("asset_mismatch", planned.debit_field, f"the account holds {debit.asset}")
        if credit is not None and credit.asset != planned.asset:
            return Refusal("asset_mismatch", planned.credit_field, f"the account holds {credit.asset}")
    for planned, debit, credit in ends:
        if debit is not None and (not _is_allowed(debit, kind) or debit.account_class in ITEM_CLASSES):
            return class_not_allowed(planned.debit_field)
        if credit is not None and not _is_allowed(credit, kind):
            return class_not_allowed(planned.credit_field)
    return None


def _is_allowed(account: Account, kind: TransactionType) -> bool:
    return account.account_class in kind.account_classes if kind.account_classes else not account.is_customer


def _counterparties(case: Case, ends: list[Ends]) -> Refusal | None:
    home = next(account for _, *both in ends for account in both if account is not None)
    case.day = case.context.changes.day_of(home.entity_id)
    return _move(case, ends, home.entity_id)


def to_suspense(case: Case) -> Refusal | None:
    """Put the house's suspense where a fact names a customer's account that cannot take it."""
    context = case.context
    chart = context.chart
    plan = case.record.plan
    codes = (code for planned in plan for code in (planned.debit, planned.credit) if type(code) is str)
    named = next((found for code in codes if (found := context.changes.find_account(code))), None)
    entity_id = named.entity_id if named is not None else case.entity_id
    if entity_id is None:
        entity = chart.entity_of_last_resort(chart.assets[plan[0].asset].asset_id)
        if entity is None:
            return asset_not_used()
        entity_id = entity.entity_id
    case.day = context.changes.day_of(entity_id)
    ends: list[Ends] = []
    for planned in plan:
        suspense = chart.house.get((entity_id, "suspense", chart.assets[planned.asset].asset_id))
        if suspense is None:
            return asset_not_used()
        debit, credit = (None if type(end) is Against else suspense for end in planned[1:3])
        ends.append((planned, debit, credit))
    return _move(case, ends, entity_id)


def _move(case: Case, ends: list[Ends], entity_id: int) -> Refusal | None:
    """Find the house's accounts that stand where the plan names none."""
    case.moves = moves = []
    for planned, debit, credit in ends:
        asset_id = case.context.chart.assets[planned.asset].asset_id
        taken = debit or house_end(case, planned.debit, entity_id, asset_id)
        given = credit or house_end(case, planned.credit, entity_id, asset_id)
        if taken is None or given is None:
            return asset_not_used()
        moves.append((taken, given))
    return None


def _status(case: Case) -> Refusal | None:
    stop = stopped_end(case)
    if stop is None:
        return None
    planned = case.record.plan[stop.leg]
    return stopped(stop.reason, planned.debit_field if stop.side == DEBIT_FROZEN else planned.credit_field)


def _limits(case: Case) -> Refusal | None:
    kind = case.record.kind
    assert kind is not None
    case.screened = screened_first(case)
    case.pending = case.screened is not None or kind.reserves
    return put_down(case, as_planned(case))


class Put(NamedTuple):
    """A movement to be put down, with the fields that name the account it debits and its amount."""

    kind: str
    debit: Account
    credit: Account
    amount: int
    debit_field: str = "account"
    amount_field: str = "amount"


def as_planned(case: Case) -> list[Put]:
    """Return what is planned, between the accounts that were found for it."""
    together = zip(case.record.plan, case.moves, case.amounts, strict=True)
    return [
        Put(each.kind, *ends, amount, each.debit_field, each.amount_field) for each, ends, amount in together
    ]


def put_down(case: Case, puts: Sequence[Put]) -> Refusal | None:
    """Put each movement down at once, and take all back if one fails."""
    changes = case.context.changes
    pending = case.pending
    case.legs = legs = []
    begin_opening(case)
    for put in puts:
        refusal = _bears(case, put)
        if refusal is not None:
            take_back(case)
            return refusal
        kind, debit, credit, amount, _, _ = put
        taken = changes.row(debit.account_id)
        given = changes.row(credit.account_id)
        if pending:
            taken[2] += amount
            given[3] += amount
        else:
            taken[0] += amount
            if not planted("forgotten_leg"):
                given[1] += amount
        legs.append(Leg(kind, debit, credit, amount, taken[1] - taken[0], given[1] - given[0]))
    return None


def screened_first(case: Case) -> Screened | None:
    """Return why policy has a request screened before it is posted, by all that it moves in its asset."""
    record = case.record
    assert record.kind is not None
    debit, _ = case.moves[0]
    policies = case.context.chart.screening_policies(
        debit.entity_id, record.kind.code, debit.asset_id, case.day
    )
    if not policies or record.kind.kind != "request":
        return None
    of_one_asset = zip(case.amounts, case.moves, strict=True)
    amount = sum(amount for amount, (each, _) in of_one_asset if each.asset_id == debit.asset_id)
    seen = seen_in(record.message, case.context.changes.risk_class_of(record.owner))
    return screened_by(policies, amount, seen)


def _bears(case: Case, put: Put) -> Refusal | None:
    _, debit, credit, amount, _, amount_field = put
    changes = case.context.changes
    taken = changes.read_row(debit.account_id)
    given = changes.read_row(credit.account_id)
    debits = taken[0] + taken[2] + amount
    if debits > AMOUNT_MINOR_MAX or given[1] + given[3] + amount > AMOUNT_MINOR_MAX:
        return Refusal("balance_overflow", amount_field, "a balance would not fit 64 bits of minor units")
    allowed = changes.allowed_of(debit, case.day)
    if allowed.limit is not None:
        refusal = _is_short(case, put, allowed.limit)
        if refusal is not None:
            return refusal
    return None if allowed.cap is None else _passes_cap(case, put, allowed.cap)


def _passes_cap(case: Case, put: Put, cap: int) -> Refusal | None:
    """Refuse what takes more from an account at one go than may be; a fact and what undoes another may."""
    if is_fact(case.record) or getattr(case.record, "original", None) is not None:
        return None
    own = put.debit.account_id
    taken = put.amount + sum(leg.amount for leg in case.legs if leg.debit.account_id == own)
    if taken <= cap:
        return None
    return Refusal("cap_passed", put.amount_field, "one request may not take so much from the account")


def _is_short(case: Case, put: Put, limit: int) -> Refusal | None:
    """Refuse what an account with a limit does not bear."""
    _, debit, _, amount, debit_field, _ = put
    changes = case.context.changes
    taken = changes.read_row(debit.account_id)
    debits = taken[0] + taken[2] + amount
    frozen = changes.frozen_of(debit.account_id)
    kind = case.record.kind
    assert kind is not None
    # A fact has happened; a right lets a request past the limit, and nothing past a freeze.
    if case.limit_passed and (not frozen or is_fact(case.record)):
        return None
    short = debits - taken[1] - limit + frozen
    since = _counts_from(case)
    ahead, past = changes.ahead_of(debit.account_id), None
    if since < case.day:
        past = past_of(case.context, debit.account_id, since)
        if past is not None:
            ahead = nets_since(changes, debit, past, _moved_before(case, debit, since))
    kept = withheld(ahead, NONE_AHEAD, since) if ahead else 0
    if short + kept > 0:
        short -= changes.expired_of(debit, case.day)
    if short + kept > 0 and kind.availability == "traded":
        short -= changes.arriving_by(debit, case.record.message.contractual_settlement_date)
    if short + kept <= 0:
        return None
    foreign = credits_elsewhere(case.context, debit.account_id)
    if foreign:
        case.has_seen("credits", {str(debit.account_id): foreign})
    elsewhere = ahead_elsewhere(case.context, debit.account_id, since)
    if past is not None:
        elsewhere = {day: net for day, net in past.elsewhere.items() if day > since and net}
    if elsewhere:
        days = {day.isoformat(): net for day, net in elsewhere.items()}
        case.has_seen("ahead", {str(debit.account_id): days})
    if short > foreign:
        if frozen and (case.limit_passed or short - frozen <= foreign):
            return Refusal("amount_frozen", debit_field, "what is available beyond it is frozen")
        return Refusal("insufficient_funds", debit_field, "the available balance is too small")
    if not case.limit_passed and short + withheld(ahead, elsewhere, since) > foreign:
        return Refusal(
            "short_on_value_date", debit_field, "too little is available on a day from its value on"
        )
    return None


def _moved_before(case: Case, account: Account, value_date: date) -> dict[Shift, int]:
    """Return what earlier movements of the same instruction have posted on an account."""
    if case.pending:
        return {}
    own = account.account_id
    net = sum(
        leg.amount * ((leg.credit.account_id == own) - (leg.debit.account_id == own)) for leg in case.legs
    )
    return {Shift(value_date, case.day): net}


def _counts_from(case: Case) -> date:
    """Return the day from which a debit must be borne: that of its value.

    What is reserved may be posted on any day from today on. A fact, and what passes limits by right, has
    happened or must: of days gone by it is not asked.
    """
    kind, message = case.record.kind, case.record.message
    assert kind is not None
    if kind.reserves:
        return case.day
    since: date = message.value_date or case.day
    may_pass = is_fact(case.record) or getattr(message, "forced", False)
    return max(since, case.day) if may_pass else since


def refuse_value_date(case: Case) -> Refusal | None:
    """Refuse a value date that lies further back than the type may reach."""
    kind = case.record.kind
    assert kind is not None
    value_date = case.record.message.value_date
    if value_date is None or kind.value_days_back is None:
        return None
    first = case.day - timedelta(days=kind.value_days_back)
    if value_date >= first:
        return None
    return Refusal("value_date_out_of_window", "value_date", f"of this type it may reach back to {first}")


def take_back(case: Case) -> None:
    """Take back what was put down."""
    changes = case.context.changes
    offset = 2 if case.pending else 0
    for leg in case.legs:
        changes.row(leg.debit.account_id)[offset] -= leg.amount
        changes.row(leg.credit.account_id)[offset + 1] -= leg.amount
    give_up_opening(case)


def accept_movements(case: Case, decision: Decision) -> None:
    """Post what was put down, or keep it as pending."""
    decision.legs = case.legs
    decision.value_date = case.record.message.value_date or case.day
    if case.pending:
        _keep_pending(case, decision)
        return
    decision.kind = kinds.POSTED
    _say_how(case, decision)


def _say_how(case: Case, decision: Decision) -> None:
    """Say where a fact went instead, that it passed a limit, and what was opened for it."""
    if case.routed is not None or case.limit_passed:
        detail: dict[str, Any] = decision.detail or {}
        if case.routed is not None:
            detail["routed"] = case.routed
        if case.limit_passed:
            detail["limit_passed"] = True
        decision.detail = detail
    finish_opening(case, decision)


def _keep_pending(case: Case, decision: Decision) -> None:
    record = case.record
    kind = record.kind
    assert kind is not None
    decision.kind = kinds.PENDING
    pending = OpenPending(
        seq=case.seq,
        instruction_id=decision.instruction_id or "",
        instruction_type=record.type or "",
        owner=record.owner or "",
        content=record.content or b"",
        content_hash=record.content_hash or b"",
        value_date=record.message.value_date,
        legs=case.legs,
        whole=case.legs,
        screening=case.screened is not None,
        expires_on=getattr(record.message, "expires_on", None),
        settles_on=record.message.contractual_settlement_date if kind.kind == "fact" else None,
        booking_date=getattr(record.message, "booking_date", None),
        members=(decision.detail or {}).get("members"),
    )
    if case.screened is None:
        decision.detail = {"screening": False}
    else:
        scale = case.legs[0].debit.scale
        decision.detail = {**(decision.detail or {}), "screened_by": case.screened.spelt(scale)}
    _say_how(case, decision)
    case.context.changes.open_pending(pending)


MOVEMENTS: Final = Effect(
    form=_amounts,
    references=_references,
    status=_status,
    state=refuse_value_date,
    limits=_limits,
    accept=accept_movements,
)
