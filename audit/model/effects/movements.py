"""Types that move money, or set it aside: their movements, and rungs 4 to 7 over all of them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from audit.amounts import LARGEST, read_amount
from audit.evidence import JournalRow
from audit.model.books import Books, ScreenedBy
from audit.model.effects.effect import Spelled
from audit.model.effects.periods import day_named, not_taken
from audit.model.effects.reserves import is_valued_before, last_day_is_past, value_of
from audit.model.effects.schedules import day_is_past, keep
from audit.model.predictions import Leg, Prediction, rejected
from audit.model.state import KnownAccount, Pending, ShardState
from audit.wire import FACTS, HOUSE, Asked

CASH_CLASSES: Final = frozenset({"cash", "loan"})

WITHIN_BOXES: Final = frozenset({"custody_transfer", "trade", "opening_balance"})
"""Types in which a custody account stands for the account of the security within it."""

TO_SUSPENSE: Final = frozenset(
    {"account_unknown", "wrong_owner", "asset_mismatch", "account_class_not_allowed"}
)
"""What sends a fact to suspense instead of refusing it."""

AMOUNTS: Final = (
    "amount",
    "debit_amount",
    "credit_amount",
    "quantity",
    "settlement_amount",
    "commission",
)
"""Fields that an amount which moves may stand in."""

OF_THE_HOUSE: Final = frozenset({"house_posting", "adjustment"})
"""Types that move money between the firm's own accounts only."""

OF_ITEMS: Final = frozenset({"suspense", "return", "blocked_funds"})
"""Classes of the firm's accounts whose every credit is an item, and that are debited item by item."""
VALUED_BACK: Final = {
    "transfer": timedelta(0),
    "withdrawal": timedelta(0),
    "exchange": timedelta(days=4),
    "reserve": timedelta(0),
}
"""Requests of customers: how far before the open business day their value may lie."""

RESERVING: Final = frozenset({"reserve", "trade"})
"""Types whose movements are only set aside, whatever policy says."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a movement as asked for: an account that is named, or the house account of a rule."""

    code: str | None
    condition: str | None = None
    field: str = "account"


@dataclass(frozen=True, slots=True)
class Asking:
    """One movement as asked for, with its amount as it is spelled."""

    kind: str
    debit: End
    credit: End
    amount: str
    asset: str
    amount_field: str = "amount"
    asset_field: str = "asset"
    less: tuple[str, ...] = ()
    """Amounts that are deducted from it."""


Known = Mapping[str, KnownAccount | None]
"""The accounts that the movements name, by code; None for what there is not."""


def _desk(asked: Asked) -> End:
    """The house's side of money in and out: the correspondent, or over the counter."""
    return End(None, "cash" if (asked.content.get("channel") or {}).get("cash", False) else "")


def _one(kind: str, debit: End, credit: End, asked: Asked) -> tuple[Asking, ...]:
    """The movement of a type that has one, of the amount and asset it names."""
    return (Asking(kind, debit, credit, asked.content["amount"], asked.content["asset"]),)


def _with_charges(asked: Asked, *moves: Asking, payer: End, giver: End) -> tuple[Asking, ...]:
    """What is deducted makes the last movement smaller; each charge goes from payer or giver to the house."""
    charges = asked.content.get("charges", ())
    deducted = [each for each in charges if each.get("taken", "on_top") == "deducted"]
    *before, last = moves
    return (
        *before,
        replace(last, less=tuple(each["amount"] for each in deducted)),
        *(
            Asking(
                each["kind"],
                replace(giver if each in deducted else payer, field="charges"),
                End(None, each["kind"], field="charges"),
                each["amount"],
                each["asset"],
                "charges",
                "charges",
            )
            for each in charges
        ),
    )


def charges_fit(asked: Asked) -> Prediction | None:
    """Form: each charge is in the asset of what it is taken with, or from."""
    content = asked.content
    assets = {
        "on_top": content.get("debit_asset") or content.get("asset"),
        "deducted": content.get("credit_asset") or content.get("asset"),
    }
    if any(each["asset"] != assets[each.get("taken", "on_top")] for each in content.get("charges", ())):
        return rejected("charge_asset_mismatch", "charges")
    return None


def _deposit(asked: Asked) -> tuple[Asking, ...]:
    return _one("principal", _desk(asked), End(asked.content["account"]), asked)


def _withdrawal(asked: Asked) -> tuple[Asking, ...]:
    account = End(asked.content["account"])
    moves = _one("principal", account, _desk(asked), asked)
    return _with_charges(asked, *moves, payer=account, giver=account)


def _between_two(asked: Asked) -> tuple[Asking, ...]:
    debit = End(asked.content["debit_account"], field="debit_account")
    credit = End(asked.content["credit_account"], field="credit_account")
    return _with_charges(asked, *_one("principal", debit, credit, asked), payer=debit, giver=debit)


def _fee(asked: Asked) -> tuple[Asking, ...]:
    return _one("fee", End(asked.content["account"]), End(None, ""), asked)


def _interest(asked: Asked) -> tuple[Asking, ...]:
    customer = End(asked.content["account"])
    if asked.content.get("direction", "credit") == "credit":
        return _one("interest", End(None, "credit"), customer, asked)
    return _one("interest", customer, End(None, "debit"), asked)


def _opening_balance(asked: Asked) -> tuple[Asking, ...]:
    whose, migration = End(asked.content["account"]), End(None, "")
    if asked.content.get("direction", "credit") == "credit":
        return _one("opening", migration, whose, asked)
    return _one("opening", whose, migration, asked)


def _reserve(asked: Asked) -> tuple[Asking, ...]:
    whom = asked.content.get("credit_account")
    credit = End(whom, field="credit_account") if whom else End(None, "")
    account = End(asked.content["account"])
    return _with_charges(asked, *_one("principal", account, credit, asked), payer=account, giver=account)


def _exchange(asked: Asked) -> tuple[Asking, ...]:
    """Both against the firm's own position in the asset."""
    content = asked.content
    gives, takes = (End(content[f"{side}_account"], field=f"{side}_account") for side in ("debit", "credit"))
    moves = [
        Asking(
            "principal", debit, credit, content[f"{side}_amount"], content[f"{side}_asset"],
            f"{side}_amount", f"{side}_asset",
        )
        for side, debit, credit in (("debit", gives, End(None, "")), ("credit", End(None, ""), takes))
    ]  # fmt: skip
    return _with_charges(asked, *moves, payer=gives, giver=End(None, ""))


def _custody_transfer(asked: Asked) -> tuple[Asking, ...]:
    content = asked.content
    held, there = End(content["account"]), End(None, content.get("location", "depository"))
    debit, credit = (there, held) if content["direction"] == "receive" else (held, there)
    return (Asking("principal", debit, credit, content["quantity"], content["asset"], "quantity"),)


def _trade(asked: Asked) -> tuple[Asking, ...]:
    """Securities against where they are, money against the correspondent, who keeps the commission for us."""
    content = asked.content
    money = content["settlement_asset"]
    held, there = (
        End(content["custody_account"], field="custody_account"),
        content.get("location", "depository"),
    )
    paid = End(content["cash_account"], field="cash_account")
    pairs = [(End(None, there), held), (paid, End(None, "cash"))]
    if content["side"] == "sell":
        pairs = [(credit, debit) for debit, credit in pairs]
    moves = [
        Asking("principal", *pairs[0], content["quantity"], content["asset"], "quantity"),
        Asking(
            "principal",
            *pairs[1],
            content["settlement_amount"],
            money,
            "settlement_amount",
            "settlement_asset",
        ),
    ]
    if content.get("commission") is not None:
        ends = End(None, "cash"), End(None, "commission")
        moves.append(
            Asking("commission", *ends, content["commission"], money, "commission", "settlement_asset")
        )
    return tuple(moves)


INSTEAD: Final = {"account_closed": "return", "account_frozen": "blocked_funds"}
"""Where a fact goes whose account is stopped; whatever else is wrong with it, to suspense."""

MOVEMENTS: Final[Mapping[str, Callable[[Asked], tuple[Asking, ...]]]] = {
    "deposit": _deposit,
    "withdrawal": _withdrawal,
    "transfer": _between_two,
    "exchange": _exchange,
    "fee": _fee,
    "interest": _interest,
    "opening_balance": _opening_balance,
    "house_posting": _between_two,
    "adjustment": _between_two,
    "custody_transfer": _custody_transfer,
    "trade": _trade,
    "reserve": _reserve,
}
"""By type, what moves."""


def amounts_moved(state: ShardState, asked: Asked) -> Sequence[Spelled]:  # noqa: ARG001 - others look
    """Form: the amount of each movement."""
    return [Spelled(each.amount_field, each.amount, each.asset) for each in MOVEMENTS[asked.type](asked)]


def ends_differ(asked: Asked) -> Prediction | None:
    """Form: no movement from an account to itself."""
    for each in MOVEMENTS[asked.type](asked):
        if each.debit.code is not None and each.debit.code == each.credit.code:
            return rejected("accounts_same", each.debit.field, each.credit.field)
    return None


def ends_and_charges_fit(asked: Asked) -> Prediction | None:
    """Form: no movement from an account to itself, and no charge in another asset."""
    return ends_differ(asked) or charges_fit(asked)


Further = Callable[[Books, Known, Asked], Prediction | None]
"""What a type asks on rung 4 beyond what all that move ask."""


Reshape = Callable[[Books, Asked, list[Leg], str, date], list[Leg] | None]
"""What a type makes of its movements by the policy of an entity on a day."""


def move(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    further: Further | None = None,
    reshape: Reshape | None = None,
    moves: tuple[Asking, ...] = (),
) -> Prediction:
    """Rungs 4 to 7, each over all movements before the next; then the posting, or the setting aside."""
    moves = moves or MOVEMENTS[asked.type](asked)
    opening: KnownAccount | None = None
    if asked.type in WITHIN_BOXES:
        moves, opening = within_boxes(books, state, row, asked, moves)
    named = [end for each in moves for end in (each.debit, each.credit) if end.code is not None]
    is_fact = asked.type in FACTS
    accounts, reason, fields = referring(books, state, row, asked, moves, opening)
    if reason is not None and not (is_fact and reason in TO_SUSPENSE):
        return rejected(reason, *fields)
    if reason is None and further is not None:
        said = further(books, accounts, asked)
        if said is not None and not (is_fact and said.reason in TO_SUSPENSE):
            return said
        reason = None if said is None else said.reason
    routed = reason
    first = next((account for account in accounts.values() if account is not None), None)
    entity = first.entity if first is not None else books.last_resort(moves[0].asset)
    if entity is None:
        return rejected("asset_not_used", "asset")
    day = state.today[entity]
    if asked.content.get("charges"):
        paid = legs_of(books, asked, moves, entity=entity, day=day, routed=None)
        if paid is None:
            return rejected("asset_not_used", "asset")
        if min(leg.amount for leg in paid) <= 0:
            return rejected("charges_exceed_amount", "charges")
    later = keep(state, row, asked, entity)
    if later is not None:
        return later
    if routed is None:
        reason = _stopped(state, row, moves, accounts)
        if reason is not None and not is_fact:
            return rejected(reason, *(end.field for end in named))
        routed = reason
    stand_in = routed
    booked = day_named(asked) or day
    refused = not_taken(state, entity, booked, asked)
    if refused is not None and not is_fact:
        return refused
    if refused is not None:
        booked, routed = day, routed or refused.reason
    else:
        for each in carried(asked, moves, accounts) if routed is None else ():
            if booked < state.carried.get(each, booked):
                return rejected("booking_date_decreases", "booking_date")
    if asked.type in VALUED_BACK and is_valued_before(asked, day - VALUED_BACK[asked.type]):
        return rejected("value_date_out_of_window", "value_date")
    if day_is_past(state, row, asked, day):
        return rejected("execution_past", "execute_on")
    if last_day_is_past(asked, day):
        return rejected("expiry_past", "expires_on")
    legs = legs_of(books, asked, moves, entity=entity, day=day, routed=stand_in)
    if legs is not None and reshape is not None:
        legs = reshape(books, asked, legs, entity, day)
    if legs is None:
        return rejected("asset_not_used", "asset")
    total = sum(leg.amount for leg in legs if leg.asset == legs[0].asset)
    screened = [] if is_fact else books.screened_by(state, asked, entity, legs[0].asset, total, day)
    if opening is not None and any(opening.code in (leg.debit, leg.credit) for leg in legs):
        state.opened[opening.code] = opening
    said = _limits(books, state, row, asked, legs, day=booked, routed=routed, screened=screened)
    if said.reason is None and asked.type == "opening_balance":
        said.value_date = value_of(asked) or day_named(asked)
        for each in carried(asked, moves, accounts) if stand_in is None else ():
            state.carried[each] = booked
            state.carried_over[row.seq] = (each, booked)
    if opening is not None and opening.code in state.opened:
        if said.reason is None:
            said.opened = opening.code
        else:
            del state.opened[opening.code]
    return said


def referring(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    moves: Sequence[Asking],
    opening: KnownAccount | None = None,
) -> tuple[Known, str | None, tuple[str, ...]]:
    """Rung 4 of all that moves: the accounts named, and what is wrong first with the fields it may be in."""
    if any(each.asset not in books.assets for each in moves):
        return {}, "asset_unknown", tuple(each.asset_field for each in moves)
    accounts = {
        end.code: opening if opening and end.code == opening.code else books.account(state, row, end.code)
        for each in moves
        for end in (each.debit, each.credit)
        if end.code is not None
    }
    return accounts, *_references(asked, moves, accounts)


def within_boxes(
    books: Books, state: ShardState, row: JournalRow, asked: Asked, moves: tuple[Asking, ...]
) -> tuple[tuple[Asking, ...], KnownAccount | None]:
    """The same movements with the accounts within custody accounts, and the one of them to be opened."""
    opening: KnownAccount | None = None
    found: list[Asking] = []
    for each in moves:
        ends = {"debit": each.debit, "credit": each.credit}
        for side, end in ends.items():
            box = None if end.code is None else books.account(state, row, end.code)
            asset = books.assets.get(each.asset)
            is_held = asset is not None and asset.kind == "security"
            if box is None or not box.is_box or box.owner != asked.owner or not is_held:
                continue
            code = f"{box.code}#{each.asset}"
            ends[side] = replace(end, code=code)
            if code not in state.opened:
                opening = replace(
                    box, code=code, asset=each.asset, limit_minor=0, opened_seq=row.seq, container=box.code
                )
        found.append(replace(each, **ends))
    return tuple(found), opening


def _references(asked: Asked, moves: Sequence[Asking], accounts: Known) -> tuple[str | None, tuple[str, ...]]:
    """Rung 4: each rule over all ends before the next rule."""
    ends = [
        (each, end, accounts[end.code])
        for each in moves
        for end in (each.debit, each.credit)
        if end.code is not None
    ]
    missing = tuple(end.field for _, end, account in ends if account is None)
    if missing:
        return "account_unknown", missing
    found = [(each, end, account) for each, end, account in ends if account is not None]
    customers = [each for each in found if each[2].owner != HOUSE]
    debited = {account.owner for each, end, account in customers if end is each.debit}
    credited = {account.owner for each, end, account in customers if end is each.credit}
    if len(debited) > 1:
        return "spans_owners", tuple(end.field for _, end, _ in found)
    # The home is the one customer it debits, else the only customer in it, else the house.
    homes = debited or credited
    if asked.owner != (next(iter(homes)) if len(homes) == 1 else HOUSE):
        return "wrong_owner", ("owner", *(end.field for _, end, _ in found))
    if len({account.entity for _, _, account in found}) > 1:
        return "spans_entities", tuple(end.field for _, end, _ in found)
    other_asset = tuple(end.field for each, end, account in found if account.asset != each.asset)
    if other_asset:
        return "asset_mismatch", ("asset", *other_asset)
    other_class = tuple(
        end.field
        for each, end, account in found
        if not _is_allowed(account, asked.type) or (end is each.debit and account.account_class in OF_ITEMS)
    )
    if other_class:
        return "account_class_not_allowed", other_class
    return None, ()


def _is_allowed(account: KnownAccount, kind: str) -> bool:
    if kind in {"transfer", "trade"}:
        return account.owner != HOUSE
    if kind == "opening_balance":
        return account.account_class != "migration"
    if kind in WITHIN_BOXES:
        return account.account_class == "custody"
    return account.owner == HOUSE if kind in OF_THE_HOUSE else account.account_class in CASH_CLASSES


def _stopped(state: ShardState, row: JournalRow, moves: Sequence[Asking], accounts: Known) -> str | None:
    """Rung 5: no account is shut, and none frozen for the direction money would go."""
    ends = [
        (end.code, direction)
        for each in moves
        for end, direction in ((each.debit, "debit"), (each.credit, "credit"))
        if end.code is not None and accounts[end.code] is not None
    ]
    return state.stopped(row, ends)


def legs_of(
    books: Books,
    asked: Asked,
    moves: Sequence[Asking],
    *,
    entity: str,
    day: date,
    routed: str | None,
) -> list[Leg] | None:
    """Movements with both accounts known: those of rules, and what stands in for whom a fact cannot reach.

    None where the entity keeps no such account in the asset.
    """
    house_class = INSTEAD.get(routed or "", "suspense")
    legs: list[Leg] = []
    for each in moves:
        scale = books.assets[each.asset].scale
        amount, *less = (read_amount(text, scale) for text in (each.amount, *each.less))
        assert isinstance(amount, int)
        amount -= sum(each for each in less if isinstance(each, int))
        stand_in = books.house.get((entity, house_class, each.asset)) if routed is not None else None
        sides = [
            books.against(entity, asked, end.condition or "", each.asset, day)
            if end.code is None
            else stand_in
            if routed is not None
            else end.code
            for end in (each.debit, each.credit)
        ]
        if sides[0] is None or sides[1] is None:
            return None
        legs.append(Leg(each.kind, sides[0], sides[1], each.asset, amount))
    return legs


def _limits(
    books: Books,
    state: ShardState,
    row: JournalRow,
    asked: Asked,
    legs: list[Leg],
    *,
    day: date,
    routed: str | None,
    screened: Sequence[ScreenedBy],
) -> Prediction:
    """Rung 7, after each movement in order, and if it holds for all, the effect."""
    state.in_hand.clear()
    reserved = bool(screened) or asked.type in RESERVING
    before = {code: list(state.balance(code)) for leg in legs for code in (leg.debit, leg.credit)}
    limit_passed = False
    for leg in legs:
        since = None if asked.type in RESERVING else value_of(asked)
        may_pass = asked.type in FACTS
        reason = bears(books, state, row, leg, since, may_pass=may_pass, by=_counted_up_to(asked))
        reason = reason or (None if may_pass else passes_cap(books, state, leg, legs))
        if reason == "limit_passed":
            limit_passed = True
        elif reason is not None:
            state.balances.update(before)
            return rejected(*reason)
        (state.reserve if reserved else state.post)(leg)
    if reserved:
        state.pendings[row.seq] = Pending(
            asked.instruction_id,
            asked,
            hashlib.blake2b(row.content or b"", digest_size=16).hexdigest(),
            [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount) for leg in legs],
            screening=bool(screened),
            whole=tuple(leg.amount for leg in legs),
        )
    value = asked.content.get("value_date")
    return Prediction(
        "TransactionPending" if reserved else "TransactionPosted",
        movements=legs,
        booking_date=day,
        value_date=date.fromisoformat(value) if value else day,
        routed=routed,
        limit_passed=limit_passed,
        screening=bool(screened),
        screened_by=screened,
    )


def _counted_up_to(asked: Asked) -> str | None:
    """The day up to which what trades are to bring counts as there: for a trade, its own."""
    return asked.content.get("contractual_settlement_date") if asked.type == "trade" else None


def passes_cap(books: Books, state: ShardState, leg: Leg, legs: Sequence[Leg]) -> tuple[str, ...] | None:
    """Why not, with the fields, where so much has been taken from an account at one go by this movement."""
    cap = books.cap_of(state, leg.debit)
    taken = 0
    for each in legs:
        taken += each.amount if each.debit == leg.debit else 0
        if each is leg:
            break
    return ("cap_passed", *AMOUNTS, "charges") if cap is not None and taken > cap else None


def bears(
    books: Books,
    state: ShardState,
    row: JournalRow,
    leg: Leg,
    since: date | None,
    *,
    may_pass: bool,
    by_right: bool = False,
    by: str | None = None,
) -> tuple[str, ...] | str | None:
    """None, or why not with the fields, or `limit_passed` for what may pass it.

    A right lets nothing past a freeze, and so takes nothing that one keeps.
    """
    debit, credit = state.balance(leg.debit), state.balance(leg.credit)
    if debit[0] + debit[2] + leg.amount > LARGEST or credit[1] + credit[3] + leg.amount > LARGEST:
        return "balance_overflow", *AMOUNTS, "charges"
    kept = sum(
        each.amount or 0
        for each in state.freezes.values()
        if each.account == leg.debit and each.lifted_seq is None
    )
    short = books.short_of(state, row, leg, since, kept, by, may_pass=may_pass)
    if short is None:
        return None
    is_kept = (
        short == "insufficient_funds"
        and kept > 0
        and (
            by_right
            or books.short_of(state, row, leg, since, by=by, may_pass=may_pass) != "insufficient_funds"
        )
    )
    if may_pass and not (by_right and is_kept):
        return "limit_passed"
    return "amount_frozen" if is_kept else short, "account", "debit_account", "charges"


def carried(asked: Asked, moves: Sequence[Asking], accounts: Known) -> Sequence[str]:
    """The account whose balance is carried over, if one is."""
    if asked.type != "opening_balance":
        return ()
    ends = [end.code for each in moves for end in (each.debit, each.credit) if end.code is not None]
    return [code for code in ends if accounts[code] is not None]
