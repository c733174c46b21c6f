"""The reference ledger: one record at a time, in the plainest Python, by the ledger's published ladder.

`replay` takes each shard's records in the order its journal says they were taken, together with what the
journal says was seen of other shards, and says what must have come of each. It is slow and obvious.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from audit.amounts import LARGEST, BadAmount, read_amount, spell_amount
from audit.evidence import (
    DECISIONS,
    INSTRUCTIONS,
    TRANSACTIONS_ACTS,
    Chart,
    Evidence,
    JournalRow,
    Numbered,
    Place,
    Record,
)
from audit.places import partition_of
from audit.wire import BROADCAST, FACTS, HOUSE, Asked, Unreadable, is_act, read_instruction

PLACE_REASONS: Final = frozenset({"wrong_key", "wrong_partition"})
"""Rejections of rung 1: they do not use up the id."""

DATES: Final = (
    "occurred_at",
    "value_date",
    "contractual_settlement_date",
    "actual_settlement_date",
    "booking_date",
)
FIRST_DAY: Final = "1900-01-01"
LAST_DAY: Final = "2199-12-31"

LARGEST_CONTENT: Final = 1_048_576 - 65_536
"""Bytes of an instruction; a larger one could make an event larger than the topic takes."""

CASH_CLASSES: Final = frozenset({"cash", "loan"})

TO_SUSPENSE: Final = frozenset(
    {"account_unknown", "wrong_owner", "asset_mismatch", "account_class_not_allowed"}
)
"""What sends a fact to suspense instead of refusing it."""


@dataclass(slots=True)
class Leg:
    """One movement, by codes."""

    kind: str
    debit: str
    credit: str
    asset: str
    amount: int
    debit_after: int = 0
    credit_after: int = 0


@dataclass(slots=True)
class Prediction:
    """What must have come of a record."""

    kind: str
    reason: str | None = None
    fields: tuple[str, ...] = ()
    about_seq: int | None = None
    movements: list[Leg] = field(default_factory=list)
    booking_date: date | None = None
    value_date: date | None = None
    routed: str | None = None
    limit_passed: bool = False
    screening: bool = True
    """Of what is pending: whether it waits for a decision."""
    resolves: int | None = None
    """The seq of the reserve that an instruction posts or gives back."""
    freed: str | None = None
    content: Mapping[str, Any] | None = None
    """What was asked, for a first outcome of a well-formed instruction."""


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account as it was opened."""

    code: str
    entity: str
    owner: str
    asset: str
    account_class: str
    limit_minor: int | None
    shard: int
    opened_seq: int
    container: str | None = None


@dataclass(frozen=True, slots=True)
class KnownId:
    """The first outcome of an id, and what was asked."""

    seq: int
    content: Mapping[str, Any]
    kind: str
    reason: str | None


@dataclass(slots=True)
class Pending:
    """A transaction that waits for a decision."""

    instruction_id: UUID
    asked: Asked
    content_hash: str
    legs: list[Leg]
    """With what is still reserved."""
    resolved_seq: int | None = None
    screening: bool = True
    cleared_seq: int | None = None
    settled: int = 0


@dataclass(slots=True)
class Freeze:
    """A freeze, while it stands and after."""

    account: str
    freeze_id: str
    direction: str
    seq: int
    lifted_seq: int | None = None


@dataclass(slots=True)
class ShardState:
    """One shard's books as the model keeps them."""

    shard: int
    balances: dict[str, list[int]] = field(default_factory=dict)
    """Account code → debits posted, credits posted, debits pending, credits pending."""
    known: dict[UUID, KnownId] = field(default_factory=dict)
    pendings: dict[int, Pending] = field(default_factory=dict)
    freezes: dict[tuple[str, str], Freeze] = field(default_factory=dict)
    days: dict[tuple[str, date], int] = field(default_factory=dict)
    opened: dict[str, KnownAccount] = field(default_factory=dict)
    today: dict[str, date] = field(default_factory=dict)
    """Entity → the open business day."""

    def balance(self, code: str) -> list[int]:
        """The four counters of this shard's row of an account."""
        return self.balances.setdefault(code, [0, 0, 0, 0])


@dataclass(slots=True)
class Replay:
    """What the model makes of everything."""

    predictions: dict[Numbered, Prediction] = field(default_factory=dict)
    shards: dict[int, ShardState] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    not_remembered: frozenset[str] = PLACE_REASONS


def replay(evidence: Evidence) -> Replay:
    """Handle every record again, in the order of the journal of each shard."""
    books = Books(evidence)
    result = Replay()
    records = {
        record.place: record
        for topic in (INSTRUCTIONS, DECISIONS, TRANSACTIONS_ACTS)
        for record in evidence.topics.get(topic, ())
    }
    for row in sorted(evidence.ledger.journal, key=lambda each: (each.shard, each.seq)):
        state = result.shards.get(row.shard)
        if state is None:
            state = result.shards[row.shard] = books.new_shard(row.shard)
        said = _one(books, state, row, records, result.problems)
        if said is not None:
            result.predictions[row.shard, row.seq] = said
    return result


def _one(
    books: "Books", state: ShardState, row: JournalRow, records: Mapping[Place, Record], problems: list[str]
) -> Prediction | None:
    """What must have come of the record of one journal row."""
    if row.kind in {"OwnerParked", "RecordDiscarded", "ActDone"}:
        # Our own defects, and people: nothing a model could foresee. Their counting is check 5's.
        return Prediction(
            row.kind,
            row.reason,
            about_seq=row.about_seq,
            booking_date=row.booking_date,
            value_date=row.value_date,
        )
    record = records.get(row.place) if row.place is not None else None
    if record is None:
        problems.append(f"shard {row.shard} seq {row.seq}: {row.kind} without a delivered record")
        return None
    if record.topic == TRANSACTIONS_ACTS:
        return None if is_act(record.value) else Prediction("RecordUnreadable")
    if record.topic == DECISIONS:
        return decide(books, state, row, record)
    return judge(books, state, row, record)


class Books:
    """The chart, and the look-ups that a decision may make outside its shard."""

    def __init__(self, evidence: Evidence) -> None:
        chart: Chart = evidence.chart
        self.partitions = evidence.partitions
        self.assets = {asset.code: asset for asset in chart.assets}
        self.entities = [entity.code for entity in sorted(chart.entities, key=lambda each: each.entity_id)]
        self.first_days = {entity.code: entity.first_booking_date for entity in chart.entities}
        entity_code = {entity.entity_id: entity.code for entity in chart.entities}
        asset_code = {asset.asset_id: asset.code for asset in chart.assets}
        self.rules = [(entity_code[rule.entity_id], rule) for rule in chart.posting_rules]
        self.policies = [
            (entity_code[each.entity_id], asset_code[each.asset_id], each) for each in chart.policies
        ]
        self.code_of: dict[int, str] = {}
        self.house: dict[tuple[str, str, str], str] = {}
        """Entity, class, asset → the firm's own account."""
        self.accounts: dict[str, KnownAccount] = {}
        """Every account there is at the end; who could know of it when is asked separately."""
        for row in evidence.ledger.accounts:
            known = KnownAccount(
                code=row.code,
                entity=entity_code[row.entity_id],
                owner=row.owner,
                asset=asset_code[row.asset_id],
                account_class=row.account_class,
                limit_minor=row.limit_minor,
                shard=row.shard,
                opened_seq=row.opened_seq,
                container=row.container,
            )
            self.code_of[row.account_id] = row.code
            self.accounts[row.code] = known
            if row.owner == HOUSE:
                self.house[known.entity, known.account_class, known.asset] = row.code

    def new_shard(self, shard: int) -> ShardState:
        """A shard on which nothing has happened."""
        return ShardState(shard, today=dict(self.first_days))

    def account(self, state: ShardState, row: JournalRow, code: str) -> KnownAccount | None:
        """An account as this shard knew it when it took the record."""
        if code in state.opened:
            return state.opened[code]
        found = self.accounts.get(code)
        if found is None or code in _seen(row, "absent"):
            return None
        if found.owner != HOUSE and found.shard == state.shard:
            return None  # This shard opens it later.
        return found

    def against(self, entity: str, asked: Asked, condition: str, asset: str, day: date) -> str | None:
        """The house account that the posting rules put against a customer's."""
        for of, rule in self.rules:
            if (of, rule.instruction_type, rule.condition) != (entity, asked.type, condition):
                continue
            if rule.valid_from <= day and (rule.valid_until is None or day < rule.valid_until):
                return self.house.get((entity, rule.house_class, asset))
        return None

    def is_screened(self, entity: str, type_: str, asset: str, amount: int, day: date) -> bool:
        """Whether policy wants a decision before the posting."""
        return any(
            (of, code, policy.instruction_type) == (entity, asset, type_)
            and amount >= policy.amount_from
            and policy.valid_from <= day
            and (policy.valid_until is None or day < policy.valid_until)
            for of, code, policy in self.policies
        )

    def last_resort(self, asset: str) -> str | None:
        """The entity that keeps money of nobody known: the first with suspense in the asset."""
        return next((entity for entity in self.entities if (entity, "suspense", asset) in self.house), None)


def judge(books: Books, state: ShardState, row: JournalRow, record: Record) -> Prediction:
    """The ladder: the first rung that fails names the reason."""
    asked = read_instruction(record.value)
    if isinstance(asked, Unreadable):
        return Prediction("RecordUnreadable")
    if asked.type in BROADCAST:
        if record.key != HOUSE.encode():
            return _rejected("wrong_key")
    elif record.key != asked.owner.encode():
        return _rejected("wrong_key")
    elif record.partition != partition_of(asked.owner.encode(), books.partitions):
        return _rejected("wrong_partition")
    known = state.known.get(asked.instruction_id)
    if known is not None:
        differs = _first_difference(known.content, asked.content)
        if differs:
            said = _rejected("id_reused", *differs)
            said.about_seq = known.seq
            return said
        return Prediction("DuplicateReceived", about_seq=known.seq)
    said = _outcome(books, state, row, asked)
    if not asked.wrong and said.reason != "too_large":
        said.content = asked.content
    state.known[asked.instruction_id] = KnownId(row.seq, asked.content, said.kind, said.reason)
    return said


def _outcome(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Rungs 3 to 7, for an id not seen before in this shard."""
    wrong = _form(books, state, row, asked)
    if wrong is not None:
        return wrong
    match asked.type:
        case "open_account":
            return _open_account(books, state, row, asked)
        case "freeze_account" | "unfreeze_account":
            return _freeze(books, state, row, asked)
        case "open_business_day":
            return _open_business_day(books, state, row, asked)
        case "post_pending" | "void_pending":
            return _resolve(books, state, row, asked)
        case _:
            return _move(books, state, row, asked)


def _form(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction | None:
    """Rung 3. Among several wrong fields any may be named; the row says which."""
    if asked.wrong:
        reasons = sorted({reason for each in asked.wrong for reason in each.reasons})
        named = row.reason if row.reason in reasons else reasons[0]
        fields = tuple(each.field for each in asked.wrong if named in each.reasons)
        return _rejected(named, *fields)
    for name in ("amount", "limit"):
        spelled = asked.content.get(name)
        if spelled is None:
            continue
        of = asked.content
        if "pending_id" in of:
            pending = _named(state, asked)
            of = {} if pending is None else pending.asked.content
        asset = books.assets.get(str(of.get("asset")))
        read = read_amount(spelled, asset.scale if asset else 18, zero_allowed=name == "limit")
        if not isinstance(read, BadAmount):
            continue
        # How many decimals an unknown asset has nobody knows: rung 4 refuses it.
        if asset is not None or read.reason not in {"amount_too_many_decimals", "amount_too_large"}:
            return _rejected(read.reason, name)
    if "debit_account" in asked.content and asked.content["debit_account"] == asked.content["credit_account"]:
        return _rejected("accounts_same", "credit_account", "debit_account")
    if asked.type == "reserve" and asked.content["account"] == asked.content.get("credit_account"):
        return _rejected("accounts_same", "credit_account")
    for name in DATES:
        spelled = asked.content.get(name)
        if spelled is not None and not FIRST_DAY <= spelled[:10] <= LAST_DAY:
            return _rejected("date_out_of_range", *DATES)
    if len(json.dumps(asked.content, ensure_ascii=False, separators=(",", ":")).encode()) > LARGEST_CONTENT:
        return _rejected("too_large")
    return None


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a movement as asked for: a customer's or named account, or the house account of a rule."""

    code: str | None
    condition: str | None = None
    field: str = "account"


def _ends(asked: Asked) -> tuple[str, _End, _End]:
    """Movement kind, debit end, credit end."""
    content = asked.content
    cash = bool((content.get("channel") or {}).get("cash", False))
    match asked.type:
        case "deposit":
            return "principal", _End(None, "cash" if cash else ""), _End(content["account"])
        case "withdrawal":
            return "principal", _End(content["account"]), _End(None, "cash" if cash else "")
        case "reserve":
            whom = content.get("credit_account")
            credit = _End(whom, field="credit_account") if whom else _End(None, "")
            return "principal", _End(content["account"]), credit
        case "fee":
            return "fee", _End(content["account"]), _End(None, "")
        case "interest":
            if content.get("direction", "credit") == "credit":
                return "interest", _End(None, "credit"), _End(content["account"])
            return "interest", _End(content["account"]), _End(None, "debit")
        case _:
            debit = _End(content["debit_account"], field="debit_account")
            return "principal", debit, _End(content["credit_account"], field="credit_account")


def _move(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Deposit, withdrawal, transfer, fee, interest, house posting: rungs 4 to 7, then the posting."""
    kind, debit, credit = _ends(asked)
    named = [end for end in (debit, credit) if end.code is not None]
    asset = books.assets.get(asked.content["asset"])
    if asset is None:
        return _rejected("asset_unknown", "asset")
    amount = read_amount(asked.content["amount"], asset.scale)
    assert isinstance(amount, int)
    is_fact = asked.type in FACTS
    accounts = {end.code: books.account(state, row, end.code) for end in named if end.code is not None}
    reason, fields = _references(asked, debit, credit, accounts)
    if reason is not None and not (is_fact and reason in TO_SUSPENSE):
        return _rejected(reason, *fields)
    routed = reason
    first = next((account for account in accounts.values() if account is not None), None)
    entity = first.entity if first is not None else books.last_resort(asset.code)
    if entity is None:
        return _rejected("asset_not_used", "asset")
    day = state.today[entity]
    if routed is None:
        reason = _frozen(state, row, debit, credit, accounts)
        if reason is not None and not is_fact:
            return _rejected(reason, *(end.field for end in named))
        routed = reason
    stand_in = None
    if routed is not None:
        stand_in = books.house.get(
            (entity, "suspense" if routed in TO_SUSPENSE else "blocked_funds", asset.code)
        )
    sides: list[str | None] = []
    for end in (debit, credit):
        if end.code is None:
            sides.append(books.against(entity, asked, end.condition or "", asset.code, day))
        else:
            sides.append(stand_in if routed is not None else end.code)
    if sides[0] is None or sides[1] is None:
        return _rejected("asset_not_used", "asset")
    leg = Leg(kind, sides[0], sides[1], asset.code, amount)
    screened = not is_fact and books.is_screened(entity, asked.type, asset.code, amount, day)
    return _limits(books, state, row, asked, leg, day=day, routed=routed, screened=screened)


def _references(
    asked: Asked,
    debit: _End,
    credit: _End,
    accounts: Mapping[str, KnownAccount | None],
) -> tuple[str | None, tuple[str, ...]]:
    """Rung 4: each rule over both ends before the next rule."""
    ends = [(end, accounts[end.code]) for end in (debit, credit) if end.code is not None]
    missing = tuple(end.field for end, account in ends if account is None)
    if missing:
        return "account_unknown", missing
    found = [(end, account) for end, account in ends if account is not None]
    debited = {account.owner for end, account in found if end is debit and account.owner != HOUSE}
    credited = {account.owner for end, account in found if end is credit and account.owner != HOUSE}
    # The home is the one customer it debits, else the only customer in it, else the house.
    home = next(iter(debited or credited), HOUSE)
    if home != asked.owner:
        return "wrong_owner", ("owner", *(end.field for end, _ in found))
    entities = {account.entity for _, account in found}
    if len(entities) > 1:
        return "spans_entities", tuple(end.field for end, _ in found)
    other_asset = tuple(end.field for end, account in found if account.asset != asked.content["asset"])
    if other_asset:
        return "asset_mismatch", ("asset", *other_asset)
    if asked.type == "house_posting":
        other_class = tuple(end.field for end, account in found if account.owner != HOUSE)
    else:
        other_class = tuple(end.field for end, account in found if account.account_class not in CASH_CLASSES)
    if other_class:
        return "account_class_not_allowed", other_class
    return None, ()


def _frozen(
    state: ShardState,
    row: JournalRow,
    debit: _End,
    credit: _End,
    accounts: Mapping[str, KnownAccount | None],
) -> str | None:
    """Rung 5: a freeze stands for the direction money would go."""
    for end, direction in ((debit, "debit"), (credit, "credit")):
        if (
            end.code is not None
            and accounts[end.code] is not None
            and _stands(state, row, end.code, direction)
        ):
            return "account_frozen"
    return None


def _stands(state: ShardState, row: JournalRow, code: str, direction: str) -> bool:
    seen = (row.seen or {}).get("frozen") or {}
    if code in seen:
        return seen[code] in {direction, "both"}
    return any(
        freeze.account == code and freeze.lifted_seq is None and freeze.direction in {direction, "both"}
        for freeze in state.freezes.values()
    )


def _limits(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    leg: Leg,
    *,
    day: date,
    routed: str | None,
    screened: bool,
) -> Prediction:
    """Rung 7, and if it holds, the effect."""
    debit, credit = state.balance(leg.debit), state.balance(leg.credit)
    if debit[0] + debit[2] + leg.amount > LARGEST or credit[1] + credit[3] + leg.amount > LARGEST:
        return _rejected("balance_overflow", "amount")
    short = _is_short(books, state, row, leg)
    if short and asked.type not in FACTS:
        return _rejected("insufficient_funds", "account", "debit_account")
    reserved = screened or asked.type == "reserve"
    said = Prediction(
        "TransactionPending" if reserved else "TransactionPosted",
        movements=[leg],
        booking_date=day,
        value_date=date.fromisoformat(asked.content["value_date"])
        if asked.content.get("value_date")
        else day,
        routed=routed,
        limit_passed=short,
        screening=screened,
    )
    if reserved:
        debit[2] += leg.amount
        credit[3] += leg.amount
        state.pendings[row.seq] = Pending(
            asked.instruction_id,
            asked,
            hashlib.blake2b(row.content or b"", digest_size=16).hexdigest(),
            [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount)],
            screening=screened,
        )
    else:
        debit[0] += leg.amount
        credit[1] += leg.amount
    _after(state, leg)
    return said


def _is_short(books: Books, state: ShardState, row: JournalRow, leg: Leg) -> bool:
    account = state.opened.get(leg.debit) or books.accounts.get(leg.debit)
    if account is None or account.owner == HOUSE or account.limit_minor is None:
        return False
    debits, credits, pending, _ = state.balance(leg.debit)  # noqa: A001 - the ledger's word
    return credits - debits - pending + account.limit_minor + _foreign(books, row, leg.debit) < leg.amount


def _foreign(books: Books, row: JournalRow, code: str) -> int:
    """Credits that other shards had made to an account, as far as the decision saw them."""
    credits = (row.seen or {}).get("credits") or {}  # noqa: A001 - the ledger's word
    return sum(
        int(amount) for account_id, amount in credits.items() if books.code_of.get(int(account_id)) == code
    )


def _after(state: ShardState, leg: Leg) -> None:
    leg.debit_after = state.balance(leg.debit)[1] - state.balance(leg.debit)[0]
    leg.credit_after = state.balance(leg.credit)[1] - state.balance(leg.credit)[0]


def _open_account(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    content = asked.content
    if content["entity"] not in books.first_days:
        return _rejected("entity_unknown", "entity")
    asset = books.assets.get(content["asset"])
    if asset is None:
        return _rejected("asset_unknown", "asset")
    code = content["account"]
    taken = code in _seen(row, "taken") or books.account(state, row, code) is not None
    if taken:
        return _rejected("account_exists", "account")
    if asked.owner == HOUSE:
        return _rejected("wrong_owner", "owner")
    account_class = content.get("class", "cash")
    if (account_class == "custody") != (asset.kind == "security"):
        return _rejected("account_class_not_allowed", "class")
    if asset.kind == "currency" and (content["entity"], "suspense", asset.code) not in books.house:
        return _rejected("asset_not_used", "asset")
    limit_text = content.get("limit", "0")
    limit = None if limit_text is None else read_amount(limit_text, asset.scale, zero_allowed=True)
    assert not isinstance(limit, BadAmount)
    state.opened[code] = KnownAccount(
        code=code,
        entity=content["entity"],
        owner=asked.owner,
        asset=asset.code,
        account_class=account_class,
        limit_minor=limit,
        shard=state.shard,
        opened_seq=row.seq,
        container=content.get("container"),
    )
    return Prediction("InstructionApplied", booking_date=state.today[content["entity"]])


def _freeze(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    code, freeze_id = asked.content["account"], asked.content["freeze_id"]
    account = books.account(state, row, code)
    if account is None:
        return _rejected("account_unknown", "account")
    if account.owner != asked.owner:
        return _rejected("wrong_owner", "owner", "account")
    if account.owner == HOUSE:
        return _rejected("account_class_not_allowed", "account")
    standing = state.freezes.get((code, freeze_id))
    if asked.type == "freeze_account":
        if standing is not None:
            return _rejected("freeze_exists", "freeze_id")
        direction = asked.content.get("direction", "both")
        state.freezes[code, freeze_id] = Freeze(code, freeze_id, direction, row.seq)
        return Prediction("InstructionApplied", booking_date=state.today[account.entity])
    if standing is None or standing.lifted_seq is not None:
        return _rejected("freeze_unknown", "freeze_id")
    standing.lifted_seq = row.seq
    return Prediction("InstructionApplied", booking_date=state.today[account.entity])


def _open_business_day(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    entity = asked.content["entity"]
    if entity not in books.first_days:
        return _rejected("entity_unknown", "entity")
    if asked.owner != HOUSE:
        return _rejected("wrong_owner", "owner")
    day = date.fromisoformat(asked.content["booking_date"])
    if day <= state.today[entity]:
        return _rejected("business_day_not_later", "booking_date")
    state.today[entity] = day
    state.days[entity, day] = row.seq
    return Prediction("BusinessDayOpened", booking_date=day)


def decide(books: Books, state: ShardState, row: JournalRow, record: Record) -> Prediction:
    """What a decision of compliance does to what waits for it."""
    decision: dict[str, Any] = json.loads(record.value or b"{}")
    instruction_id, verdict = UUID(decision["instruction_id"]), decision["decision"]
    waiting = [
        (seq, each)
        for seq, each in state.pendings.items()
        if each.instruction_id == instruction_id and each.resolved_seq is None
    ]
    if not waiting or waiting[0][1].content_hash != decision["content_hash"]:
        known = state.known.get(instruction_id)
        about = waiting[0][0] if waiting else known.seq if known else None
        return Prediction("DecisionWithoutEffect", about_seq=about)
    first, pending = waiting[0]
    if not pending.screening or pending.cleared_seq is not None:
        return Prediction("DecisionWithoutEffect", about_seq=first)
    if pending.asked.type == "reserve" and verdict != "refused":
        pending.cleared_seq = row.seq
        return Prediction("PendingCleared", about_seq=first)
    pending.resolved_seq = row.seq
    day = _day_of(books, state, pending.legs)
    verdict_reason: str | None = None
    if verdict == "refused":
        verdict_reason = "screening_refused"
    elif any(
        _stands(state, row, leg.debit, "debit") or _stands(state, row, leg.credit, "credit")
        for leg in pending.legs
    ):
        verdict_reason = "account_frozen"
    legs = [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount) for leg in pending.legs]
    for leg in legs:
        debit, credit = state.balance(leg.debit), state.balance(leg.credit)
        debit[2] -= leg.amount
        credit[3] -= leg.amount
        if verdict_reason is None:
            debit[0] += leg.amount
            credit[1] += leg.amount
        _after(state, leg)
    value = pending.asked.content.get("value_date")
    return Prediction(
        "TransactionVoided" if verdict_reason else "TransactionPosted",
        reason=verdict_reason,
        about_seq=first,
        movements=legs,
        booking_date=day,
        value_date=date.fromisoformat(value) if value else day,
    )


def _named(state: ShardState, asked: Asked) -> Pending | None:
    """What was ever pending under the id that an instruction names."""
    wanted = UUID(asked.content["pending_id"])
    return next((each for each in state.pendings.values() if each.instruction_id == wanted), None)


def _resolve(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """Post what is reserved, or a part of it, or give it back: rungs 4 to 6, for funds are there."""
    pending = _named(state, asked)
    if pending is None:
        return _rejected("pending_unknown", "pending_id")
    if pending.asked.owner != asked.owner:
        return _rejected("wrong_owner", "owner")
    (leg,) = pending.legs
    is_open = pending.resolved_seq is None
    posts = asked.type == "post_pending"
    stopped = _stands(state, row, leg.debit, "debit") or _stands(state, row, leg.credit, "credit")
    if posts and is_open and stopped:
        return _rejected("account_frozen", "pending_id")
    if not is_open:
        return _rejected("pending_resolved", "pending_id")
    if pending.screening and pending.cleared_seq is None:
        return _rejected("under_screening", "pending_id")
    scale = books.assets[leg.asset].scale
    amount = leg.amount
    if asked.content.get("amount") is not None:
        read = read_amount(asked.content["amount"], scale)
        assert isinstance(read, int)
        if read > leg.amount:
            return _rejected("amount_exceeds_pending", "amount")
        amount = read
    rest = leg.amount - amount
    ends = not posts or rest == 0 or asked.content.get("final", True)
    debit, credit = state.balance(leg.debit), state.balance(leg.credit)
    given_back = leg.amount if ends else amount
    debit[2] -= given_back
    credit[3] -= given_back
    if posts:
        debit[0] += amount
        credit[1] += amount
        pending.settled += amount
    moved = Leg(leg.kind, leg.debit, leg.credit, leg.asset, amount)
    _after(state, moved)
    leg.amount -= amount
    if ends:
        pending.resolved_seq = row.seq
    day = _day_of(books, state, [leg])
    value = asked.content.get("value_date")
    first = next(seq for seq, each in state.pendings.items() if each is pending)
    return Prediction(
        "TransactionPosted" if posts else "TransactionVoided",
        reason=None if posts else "void_requested",
        movements=[moved],
        booking_date=day,
        value_date=date.fromisoformat(value) if value else day,
        resolves=first,
        freed=spell_amount(rest, scale) if ends and rest else None,
    )


def _day_of(books: Books, state: ShardState, legs: Sequence[Leg]) -> date:
    account = state.opened.get(legs[0].debit) or books.accounts[legs[0].debit]
    return state.today[account.entity]


def _first_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields in which two contents differ; empty for the same content."""
    return tuple(
        name
        for name in sorted(set(first) | set(second))
        if first.get(name, _MISSING) != second.get(name, _MISSING)
    )


_MISSING: Final = object()


def _seen(row: JournalRow, what: Literal["absent", "taken"]) -> Iterable[str]:
    return (row.seen or {}).get(what) or ()


def _rejected(reason: str, *fields: str) -> Prediction:
    return Prediction("InstructionRejected", reason, fields)
