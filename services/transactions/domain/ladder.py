"""The ladder: seven rungs in a fixed order by which every instruction is judged.

Each rung is a flat list of rules in order of precedence, and each rule is asked of all movements before
the next one, so that the reason of a rejection is always the same whatever else is wrong. A rung returns
the first refusal, or none. What becomes of a refusal, for a request and for a fact, is in `reasons`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from services.transactions.domain.chart import Account, Chart, Entity, make_account
from services.transactions.domain.decisions import PENDING, Decision, Leg
from services.transactions.domain.plain import FIRST_SANE_YEAR, LAST_SANE_YEAR
from services.transactions.domain.planning import Planned, TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import (
    CREDIT_FROZEN,
    DEBIT_FROZEN,
    DIRECTION_NAMES,
    Changes,
    First,
    Freeze,
    OpenPending,
    Outside,
)
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import JOURNAL
from shared.money import AMOUNT_MINOR_MAX, SCALE_MAX, AmountError, parse_amount, parse_signed
from shared.runtime.failpoints import planted

CONTENT_BYTES_MAX: Final = JOURNAL.max_message_bytes - 65_536
"""An instruction larger than this could make an event larger than the topic takes."""

FIRST_SANE_DATE: Final = date(FIRST_SANE_YEAR, 1, 1)
LAST_SANE_DATE: Final = date(LAST_SANE_YEAR, 12, 31)

PENDING_EFFECTS: Final = ("post_pending", "void_pending")
"""Effects of instructions that name a pending transaction."""


class Refusal(NamedTuple):
    """A rule said no."""

    reason: str
    field: str | None
    detail: str


Ends = tuple[Planned, Account | None, Account | None]
"""A planned movement with the accounts it names; none where the posting rules name one."""


class Context:
    """What all cases of a batch share."""

    __slots__ = ("changes", "chart", "counterparts", "needs", "outside", "partitions", "types")

    def __init__(
        self,
        *,
        chart: Chart,
        types: Mapping[str, TransactionType],
        partitions: int,
        changes: Changes,
        outside: Outside,
    ) -> None:
        self.chart = chart
        self.types = types
        self.partitions = partitions
        self.changes = changes
        self.outside = outside
        self.counterparts: dict[tuple[int, int, str, str, date], Account] = {}
        """House accounts that posting rules have named in this batch."""
        self.needs: set[int] = set()
        """Accounts whose foreign credits a decision asked for and nobody had loaded."""


class Case:
    """One instruction on its way up the ladder; what a rung finds out is there for the next ones."""

    __slots__ = (
        "account",
        "amounts",
        "context",
        "day",
        "first",
        "legs",
        "limit",
        "limit_passed",
        "moves",
        "named",
        "named_first",
        "pending",
        "record",
        "redirected",
        "routed",
        "screening",
        "seen",
        "seq",
    )

    amounts: list[int]
    """Form: minor units, by movement."""
    moves: list[tuple[Account, Account]]
    """References: debit and credit account, by movement."""
    account: Account | None
    """References: the account an instruction without movements is about, or would open."""
    limit: int | None
    day: date
    """References: the entity's open business day."""
    legs: list[Leg]
    """Limits: what was posted or reserved."""
    named: OpenPending | None
    """Form: the pending transaction it names, if that is still open."""
    named_first: dict[str, Any] | None
    """Form: what that one asked for, open or resolved; none where there has been none of this id."""
    first: Decision | First | None
    """Identity: the first outcome of the same id."""

    def __init__(self, record: Record, context: Context, seq: int) -> None:
        self.record = record
        self.context = context
        self.seq = seq
        self.first = None
        self.account = None
        self.pending = False
        self.screening = False
        """Whether it waits for compliance before it is posted."""
        self.redirected = False
        """Whether a fact goes to suspense because what it names cannot take it."""
        self.routed: str | None = None
        self.limit_passed = False
        self.seen: dict[str, Any] | None = None

    def has_seen(self, what: str, value: Any) -> None:
        """Remember what was taken from outside the shard, so that the decision can be repeated."""
        if self.seen is None:
            self.seen = {}
        if isinstance(value, dict):
            self.seen.setdefault(what, {}).update(value)
        elif value not in self.seen.setdefault(what, []):
            self.seen[what].append(value)


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
        return None
    case.first = first
    if first.content_hash == case.record.content_hash:
        return Refusal("duplicate", None, "")
    field = first_difference(first.content, case.record.content)
    return Refusal("id_reused", field, "the id was used before for something else")


def first_difference(first: bytes | None, second: bytes | None) -> str | None:
    """Name the first field that differs between two contents, in the order of the first one's fields."""
    if first is None or second is None:
        return None
    return _difference(json.loads(first), json.loads(second))


def _difference(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    for name in (*first, *(name for name in second if name not in first)):
        one, other = first.get(name), second.get(name)
        if one == other and (name in first) == (name in second):
            continue
        deeper = _difference(one, other) if isinstance(one, dict) and isinstance(other, dict) else None
        return f"{name}.{deeper}" if deeper else name
    return None


# ── 3 form ───────────────────────────────────────────────────────────────────────────────────────


def form(case: Case) -> Refusal | None:
    """Is it written as it must be, whatever it refers to?"""
    record = case.record
    kind = record.kind
    if kind is None:
        return Refusal(*record.message.fault)
    message = record.message
    if kind.effect == "movements":
        refusal = _amounts(case)
    elif kind.effect == "open_account":
        refusal = _limit(case)
    elif kind.effect in PENDING_EFFECTS:
        refusal = _part(case)
    else:
        refusal = None
    if refusal is not None:
        return refusal
    refusal = _dates(message, kind)
    if refusal is not None:
        return refusal
    if len(record.content or b"") > CONTENT_BYTES_MAX:
        return Refusal("too_large", None, f"an instruction may take {CONTENT_BYTES_MAX} bytes")
    return None


def _amounts(case: Case) -> Refusal | None:
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
            return Refusal(error.reason, "amount", error.detail)
    for planned in case.record.plan:
        if planned.debit == planned.credit:
            return Refusal("accounts_same", planned.credit_field, "the two accounts are the same")
    return None


def _limit(case: Case) -> Refusal | None:
    message = case.record.message
    case.limit = None
    if message.limit is None:
        return None
    asset = case.context.chart.assets.get(message.asset)
    try:
        case.limit = parse_signed(message.limit, SCALE_MAX if asset is None else asset.scale)
    except AmountError as error:
        if asset is not None or error.reason not in ("amount_too_many_decimals", "amount_too_large"):
            return Refusal(error.reason, "limit", error.detail)
    return None


def _part(case: Case) -> Refusal | None:
    """Find the pending transaction named, and read the amount of it by its asset."""
    pending_id = case.record.pending_id
    assert pending_id is not None
    context = case.context
    case.named = context.changes.find_pending(pending_id)
    case.named_first = None
    first = context.changes.firsts.get(pending_id) or context.outside.firsts.get(pending_id)
    if case.named is not None:
        case.named_first = json.loads(case.named.content)
    elif first is not None and first.kind == PENDING:
        case.named_first = json.loads(first.content or b"")
    amount = getattr(case.record.message, "amount", None)
    case.amounts = []
    if amount is None:
        return None
    asset = None if case.named_first is None else context.chart.assets[case.named_first["asset"]]
    try:
        case.amounts.append(parse_amount(amount, SCALE_MAX if asset is None else asset.scale))
    except AmountError as error:
        if asset is not None or error.reason not in ("amount_too_many_decimals", "amount_too_large"):
            return Refusal(error.reason, "amount", error.detail)
    return None


def _dates(message: Any, kind: TransactionType) -> Refusal | None:
    """Check the dates that are there; most instructions carry one or two."""
    day = message.value_date
    if day is not None and not FIRST_SANE_DATE <= day <= LAST_SANE_DATE:
        return _out_of_range("value_date")
    moment = message.occurred_at
    if moment is not None and not FIRST_SANE_YEAR <= moment.year <= LAST_SANE_YEAR:
        return _out_of_range("occurred_at")
    day = message.contractual_settlement_date
    if day is not None and not FIRST_SANE_DATE <= day <= LAST_SANE_DATE:
        return _out_of_range("contractual_settlement_date")
    day = message.actual_settlement_date
    if day is not None and not FIRST_SANE_DATE <= day <= LAST_SANE_DATE:
        return _out_of_range("actual_settlement_date")
    if kind.effect == "open_business_day" and not (FIRST_SANE_DATE <= message.booking_date <= LAST_SANE_DATE):
        return _out_of_range("booking_date")
    return None


def _out_of_range(field: str) -> Refusal:
    return Refusal("date_out_of_range", field, f"dates are from {FIRST_SANE_DATE} to {LAST_SANE_DATE}")


# ── 4 references ─────────────────────────────────────────────────────────────────────────────────


def references(case: Case) -> Refusal | None:
    """Does what it names exist, and belong together?"""
    kind = case.record.kind
    assert kind is not None
    if kind.effect == "movements":
        return _movement_references(case)
    if kind.effect == "open_account":
        return _opening_references(case)
    if kind.effect == "open_business_day":
        return _day_references(case)
    if kind.effect in PENDING_EFFECTS:
        return _pending_references(case)
    return _freezing_references(case)


def _movement_references(case: Case) -> Refusal | None:
    context = case.context
    chart = context.chart
    find_account = context.changes.find_account
    plan = case.record.plan
    for planned in plan:
        if planned.asset not in chart.assets:
            return Refusal("asset_unknown", "asset", "the asset is not known here")
    if case.redirected:
        return _suspense(case)
    ends: list[Ends] = []
    for planned in plan:
        debit = credit = None
        if type(planned.debit) is str:
            debit = find_account(planned.debit)
            if debit is None:
                return _absent(case, planned.debit, planned.debit_field)
        if type(planned.credit) is str:
            credit = find_account(planned.credit)
            if credit is None:
                return _absent(case, planned.credit, planned.credit_field)
        ends.append((planned, debit, credit))
    return _ownership(case, ends) or _agreement(case, ends) or _counterparties(case, ends)


def _absent(case: Case, code: str, field: str) -> Refusal:
    case.has_seen("absent", code)
    return Refusal("account_unknown", field, "there is no account of this code")


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
        if debit is not None and not _is_allowed(debit, kind):
            return _not_allowed(planned.debit_field)
        if credit is not None and not _is_allowed(credit, kind):
            return _not_allowed(planned.credit_field)
    return None


def _is_allowed(account: Account, kind: TransactionType) -> bool:
    return account.account_class in kind.account_classes if kind.account_classes else not account.is_customer


def _not_allowed(field: str) -> Refusal:
    return Refusal("account_class_not_allowed", field, "this type does not take accounts of this class")


def _counterparties(case: Case, ends: list[Ends]) -> Refusal | None:
    case.moves = moves = []
    for planned, debit, credit in ends:
        known = debit or credit
        assert known is not None
        case.day = case.context.changes.day_of(known.entity_id)
        if debit is None or credit is None:
            house = _house_end(case, planned, known.entity_id, known.asset_id)
            if house is None:
                return _not_used()
            moves.append((house, known) if debit is None else (known, house))
        else:
            moves.append((debit, credit))
    return None


def _house_end(case: Case, planned: Planned, entity_id: int, asset_id: int) -> Account | None:
    against = planned.debit if type(planned.debit) is not str else planned.credit
    assert not isinstance(against, str)
    return case.context.chart.counterpart(
        entity_id, case.record.type or "", against.condition, asset_id, case.day
    )


def _not_used() -> Refusal:
    return Refusal("asset_not_used", "asset", "the entity keeps no accounts in this asset")


def _suspense(case: Case) -> Refusal | None:
    """Put the house's suspense where a fact names a customer's account that cannot take it."""
    context = case.context
    chart = context.chart
    case.moves = moves = []
    for planned in case.record.plan:
        asset_id = chart.assets[planned.asset].asset_id
        code = planned.debit if type(planned.debit) is str else planned.credit
        named = context.changes.find_account(code) if type(code) is str else None
        entity_id = named.entity_id if named is not None else None
        if entity_id is None:
            entity = chart.entity_of_last_resort(asset_id)
            if entity is None:
                return _not_used()
            entity_id = entity.entity_id
        case.day = context.changes.day_of(entity_id)
        suspense = chart.house.get((entity_id, "suspense", asset_id))
        house = _house_end(case, planned, entity_id, asset_id)
        if suspense is None or house is None:
            return _not_used()
        moves.append((suspense, house) if type(planned.debit) is str else (house, suspense))
    return None


def _opening_references(case: Case) -> Refusal | None:
    message = case.record.message
    context = case.context
    chart = context.chart
    entity: Entity | None = chart.entities.get(message.entity)
    if entity is None:
        return Refusal("entity_unknown", "entity", "the entity is not known here")
    asset = chart.assets.get(message.asset)
    if asset is None:
        return Refusal("asset_unknown", "asset", "the asset is not known here")
    taken = context.changes.find_account(message.account)
    if taken is not None:
        if taken.is_customer and taken.shard != context.changes.state.shard:
            case.has_seen("taken", message.account)
        return Refusal("account_exists", "account", "there is an account of this code")
    if message.owner == HOUSE:
        return Refusal("wrong_owner", "owner", "the house's accounts are opened by its chart")
    if (message.account_class == "custody") != (asset.kind == "security"):
        return Refusal("account_class_not_allowed", "class", f"this class does not hold a {asset.kind}")
    if asset.kind == "currency" and (entity.entity_id, "suspense", asset.asset_id) not in chart.house:
        return _not_used()
    case.day = context.changes.day_of(entity.entity_id)
    case.account = make_account(
        account_id=0,
        code=message.account,
        owner=message.owner,
        shard=context.changes.state.shard,
        entity=entity,
        asset=asset,
        account_class=message.account_class,
        limit=case.limit,
        container=message.container,
    )
    return None


def _freezing_references(case: Case) -> Refusal | None:
    message = case.record.message
    context = case.context
    account = context.changes.find_account(message.account)
    if account is None:
        return _absent(case, message.account, "account")
    if account.owner != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not the account's")
    if not account.is_customer:
        return _not_allowed("account")
    case.account = account
    case.day = context.changes.day_of(account.entity_id)
    return None


def _pending_references(case: Case) -> Refusal | None:
    first = case.named_first
    if first is None:
        return Refusal("pending_unknown", "pending_id", "nothing was ever pending under this id")
    if first["owner"] != case.record.owner:
        return Refusal("wrong_owner", "owner", "the owner named is not that of what is pending")
    case.moves = []
    if case.named is not None:
        case.moves = [(leg.debit, leg.credit) for leg in case.named.legs]
        case.day = case.context.changes.day_of(case.moves[0][0].entity_id)
    return None


def _day_references(case: Case) -> Refusal | None:
    message = case.record.message
    entity = case.context.chart.entities.get(message.entity)
    if entity is None:
        return Refusal("entity_unknown", "entity", "the entity is not known here")
    if message.owner != HOUSE:
        return Refusal("wrong_owner", "owner", "business days are the house's")
    case.day = case.context.changes.day_of(entity.entity_id)
    return None


# ── 5 status ─────────────────────────────────────────────────────────────────────────────────────


def status(case: Case) -> Refusal | None:
    """Do its accounts take debits and credits now?"""
    kind = case.record.kind
    assert kind is not None
    if kind.effect not in ("movements", "post_pending"):
        return None
    context = case.context
    if not (context.changes.frozen or context.changes.state.frozen or context.outside.frozen):
        return None
    stopped = first_frozen(context, case.moves)
    if stopped is None:
        return None
    index, account, side, mask = stopped
    if account.shard != context.changes.state.shard:
        case.has_seen("frozen", {account.code: DIRECTION_NAMES[mask]})
    if kind.effect == "post_pending":
        field = "pending_id"
    else:
        planned = case.record.plan[index]
        field = planned.debit_field if side == DEBIT_FROZEN else planned.credit_field
    return Refusal("account_frozen", field, "the account is frozen in this direction")


def first_frozen(
    context: Context, moves: list[tuple[Account, Account]]
) -> tuple[int, Account, int, int] | None:
    """Return the first end that a freeze stops: movement, account, direction asked for, directions frozen."""
    for index, (debit, credit) in enumerate(moves):
        for account, side in ((debit, DEBIT_FROZEN), (credit, CREDIT_FROZEN)):
            mask = _mask(context, account)
            if mask & side:
                return index, account, side, mask
    return None


def _mask(context: Context, account: Account) -> int:
    changes = context.changes
    if not account.is_customer:
        return 0
    if account.shard != changes.state.shard:
        return context.outside.frozen.get(account.account_id, 0)
    mask = changes.frozen.get(account.account_id)
    return changes.state.frozen.get(account.account_id, 0) if mask is None else mask


# ── 6 state ──────────────────────────────────────────────────────────────────────────────────────


def state(case: Case) -> Refusal | None:
    """Is what it wants to change still as it must be for that?"""
    kind = case.record.kind
    assert kind is not None
    message = case.record.message
    if kind.effect == "open_business_day":
        if message.booking_date <= case.day:
            return Refusal("business_day_not_later", "booking_date", f"the open day is {case.day}")
    elif kind.effect in ("freeze", "unfreeze"):
        assert case.account is not None
        freeze = case.context.changes.freezes_of(case.account.account_id).get(message.freeze_id)
        if kind.effect == "freeze" and freeze is not None:
            return Refusal("freeze_exists", "freeze_id", "the account has had a freeze of this id")
        if kind.effect == "unfreeze" and (freeze is None or freeze.lifted):
            return Refusal("freeze_unknown", "freeze_id", "no freeze of this id stands on the account")
    elif kind.effect in PENDING_EFFECTS:
        return _pending_state(case)
    return None


def _pending_state(case: Case) -> Refusal | None:
    named = case.named
    if named is None:
        return Refusal("pending_resolved", "pending_id", "it was posted or given back before")
    if named.screening:
        return Refusal("under_screening", "pending_id", "it waits for compliance")
    if case.amounts and case.amounts[0] > named.legs[0].amount:
        return Refusal("amount_exceeds_pending", "amount", "less than that is still reserved")
    return None


# ── 7 limits ─────────────────────────────────────────────────────────────────────────────────────


def limits(case: Case) -> Refusal | None:
    """Do the balances bear it? Each movement is put down at once, and all are taken back if one fails."""
    kind = case.record.kind
    assert kind is not None
    if kind.effect != "movements":
        return None
    changes = case.context.changes
    case.screening = kind.kind == "request" and _is_screened_first(case, kind)
    pending = case.pending = case.screening or kind.reserves
    case.legs = legs = []
    amounts = case.amounts
    for index, (debit, credit) in enumerate(case.moves):
        amount = amounts[index]
        planned = case.record.plan[index]
        refusal = _bears(case, planned, amount, debit, credit)
        if refusal is not None:
            _take_back(changes, legs, pending=pending)
            return refusal
        taken = changes.row(debit.account_id)
        given = changes.row(credit.account_id)
        if pending:
            taken[2] += amount
            given[3] += amount
        else:
            taken[0] += amount
            if not planted("forgotten_leg"):
                given[1] += amount
        legs.append(Leg(planned.kind, debit, credit, amount, taken[1] - taken[0], given[1] - given[0]))
    return None


def _is_screened_first(case: Case, kind: TransactionType) -> bool:
    policies = case.context.chart.policies
    debit, _ = case.moves[0]
    if (debit.entity_id, kind.code, debit.asset_id) not in policies:
        return False
    total = sum(case.amounts)
    return case.context.chart.is_screened_first(debit.entity_id, kind.code, debit.asset_id, total, case.day)


def _bears(case: Case, planned: Planned, amount: int, debit: Account, credit: Account) -> Refusal | None:
    changes = case.context.changes
    taken = changes.read_row(debit.account_id)
    given = changes.read_row(credit.account_id)
    debits = taken[0] + taken[2] + amount
    if debits > AMOUNT_MINOR_MAX or given[1] + given[3] + amount > AMOUNT_MINOR_MAX:
        return Refusal("balance_overflow", "amount", "a balance would not fit 64 bits of minor units")
    if debit.limit is None or case.limit_passed:
        return None
    short = debits - taken[1] - debit.limit
    if short <= 0:
        return None
    context = case.context
    foreign = context.outside.credits.get(debit.account_id)
    if foreign is None:
        context.needs.add(debit.account_id)
        foreign = 0
    if foreign:
        case.has_seen("credits", {str(debit.account_id): foreign})
    if short > foreign:
        return Refusal("insufficient_funds", planned.debit_field, "the available balance is too small")
    return None


def _take_back(changes: Changes, legs: list[Leg], *, pending: bool) -> None:
    offset = 2 if pending else 0
    for leg in legs:
        changes.row(leg.debit.account_id)[offset] -= leg.amount
        changes.row(leg.credit.account_id)[offset + 1] -= leg.amount


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


def apply_effect(case: Case) -> None:
    """Change what an instruction without movements changes, once every rung is passed."""
    record = case.record
    kind = record.kind
    assert kind is not None
    changes = case.context.changes
    message = record.message
    if kind.effect == "open_business_day":
        entity_id = case.context.chart.entities[message.entity].entity_id
        changes.days[entity_id] = message.booking_date
        changes.days_opened.append((entity_id, message.booking_date, case.seq))
        return
    account = case.account
    assert account is not None
    if kind.effect == "open_account":
        chart = case.context.chart
        account = make_account(
            account_id=changes.take_number(),
            code=account.code,
            owner=account.owner,
            shard=account.shard,
            entity=chart.entities[account.entity],
            asset=chart.assets[account.asset],
            account_class=account.account_class,
            limit=account.limit,
            container=account.container,
        )
        case.account = account
        changes.accounts[account.code] = account
        changes.balances[account.account_id] = [0, 0, 0, 0]
        changes.opened.append((account, case.seq))
    elif kind.effect == "freeze":
        changes.set_freeze(account.account_id, message.freeze_id, Freeze(message.direction, lifted=False))
        changes.placed.append(
            (account.account_id, message.freeze_id, message.direction, message.authority, case.seq)
        )
    else:
        freeze = changes.freezes_of(account.account_id)[message.freeze_id]
        changes.set_freeze(account.account_id, message.freeze_id, freeze._replace(lifted=True))
        changes.lifted.append((account.account_id, message.freeze_id, case.seq))
