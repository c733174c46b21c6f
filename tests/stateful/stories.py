"""Short scripts that are told on purpose: together they touch what the planted mistakes break."""

from typing import Any, Final

from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.stateful.machine import Script, Step
from tests.stateful.scripts import ANNA, BEN, BOXES, CLEO, DORA, SECURITIES
from tests.transactions.support import named_id

ALL_SHARDS: Final = (0, 1, 2, 3)


def say(kind: str, owner: str, name: str, **fields: Any) -> Step:
    """Send an instruction; its id is that of the name."""
    return "send", {"type": kind, "instruction_id": named_id(name), "owner": owner, **fields}, None


def pays(debit: str, credit: str, amount: str, name: str = "") -> Step:
    """Transfer between the accounts of two owners."""
    named = name or f"{debit} {credit} {amount}"
    ends = {"debit_account": debit, "credit_account": credit}
    return say("transfer", debit, named, **ends, amount=amount, asset="EUR")


def valued(debit: str, credit: str, amount: str, value_date: str) -> Step:
    """Transfer between the accounts of two owners with its value on a day."""
    ends = {"debit_account": debit, "credit_account": credit, "asset": "EUR", "value_date": value_date}
    return say("transfer", debit, f"{debit} {credit} {amount} {value_date}", **ends, amount=amount)


def accrues(cumulative: str) -> Step:
    """So much has accrued on Anna's account."""
    given = {"account": ANNA, "series": "q1", "cumulative": cumulative, "asset": "EUR"}
    return say("accrual", ANNA, f"accrued {cumulative}", **given)


def on_account(kind: str, owner: str, amount: str, name: str = "", **fields: Any) -> Step:
    """Something with an amount on the owner's account."""
    given = {"account": owner, "amount": amount, "asset": "EUR", **fields}
    return say(kind, owner, name or f"{kind} {owner} {amount}", **given)


def pays_on(debit: str, credit: str, amount: str, execute_on: str, name: str) -> Step:
    """Transfer between the accounts of two owners on a later day."""
    ends = {"debit_account": debit, "credit_account": credit}
    return say("transfer", debit, name, **ends, amount=amount, asset="EUR", execute_on=execute_on)


def part(reserve: str, name: str, **fields: Any) -> Step:
    """Post Anna's reserve of this name, or a part of it."""
    return say("post_pending", ANNA, name, pending_id=named_id(reserve), **fields)


def returns(amount: str, name: str) -> Step:
    """Some of Anna's payment of 5.00 comes back."""
    paid = named_id(f"withdrawal {ANNA} 5.00")
    return say("return", ANNA, f"{name} back", original_id=paid, amount=amount, asset="EUR")


KEPT_ITEM: Final = "1-6-0"
"""What comes in for nobody known right after the beginning."""
ANSWERED_FOR: Final = {"reason": "small", "entered_by": "op:jane", "approved_by": "op:joe"}


def allocates(amount: str, name: str, account: str) -> Step:
    """Put some of it on an account."""
    given = {"item": KEPT_ITEM, "account": account, "amount": amount, "asset": "EUR"}
    return say("allocate", ANNA, f"{name} of it", **given)


def moves(direction: str, name: str) -> Step:
    """Five shares come into Anna's custody account, or leave it."""
    given = {"account": BOXES[0], "direction": direction, "quantity": "5", "asset": SECURITIES[0]}
    return say("custody_transfer", ANNA, name, **given)


def trades(side: str, name: str, **fields: Any) -> Step:
    """Anna buys or sells ten shares."""
    given = {"custody_account": BOXES[0], "cash_account": ANNA, "quantity": "10", "asset": SECURITIES[0]}
    given |= {"settlement_asset": "EUR", "contractual_settlement_date": "2026-01-05", **fields}
    return say("trade", ANNA, name, side=side, **given)


def swaps(amount: str, value_date: str) -> Step:
    """Anna exchanges an amount at one for one, with this value date."""
    given = {"debit_account": ANNA, "debit_amount": amount, "debit_asset": "EUR", "rate": "1"}
    given |= {"credit_account": f"{ANNA}-usd", "credit_amount": amount, "credit_asset": "USD"}
    return say("exchange", ANNA, f"swap {amount} {value_date}", value_date=value_date, **given)


def works(how: str = "well", *, quick: bool = True, most: int = 100, again: int = 0) -> Step:
    """All shards take what there is."""
    return "work", ALL_SHARDS, most, again, how, quick


def day(entity: str, booking_date: str) -> Step:
    """Open a business day in every shard."""
    return say(
        "open_business_day", HOUSE, f"{entity} {booking_date}", entity=entity, booking_date=booking_date
    )


def closes(first_day: str, last_day: str, state: str = "closed") -> Step:
    """Close a period of the bank in every shard."""
    given = {"entity": "BANK", "first_day": first_day, "last_day": last_day, "state": state}
    return say("close_period", HOUSE, f"{first_day} {last_day} {state}", **given)


def adjusts(name: str, **fields: Any) -> Step:
    """Put the bank's books right."""
    people = {"reason": "reconciled", "entered_by": "op:jane", "approved_by": "op:joe"}
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/suspense/EUR"}
    return say("adjustment", HOUSE, name, **people, **ends, amount="3.00", asset="EUR", **fields)


def freezes(owner: str, freeze_id: str, direction: str) -> Step:
    """Freeze the owner's account."""
    given = {"account": owner, "freeze_id": freeze_id, "authority": "court", "direction": direction}
    return say("freeze_account", owner, f"{owner} {freeze_id}", **given)


def keeps(owner: str, amount: str, freeze_id: str) -> Step:
    """Freeze an amount on the owner's account."""
    given = {"account": owner, "freeze_id": freeze_id, "authority": "court", "direction": "debit"}
    return say("freeze_account", owner, f"{owner} {freeze_id}", **given, amount=amount)


def lifts(owner: str, freeze_id: str) -> Step:
    """Lift a freeze."""
    return say("unfreeze_account", owner, f"lift {owner} {freeze_id}", account=owner, freeze_id=freeze_id)


def groups(account: str, owner: str, container: str) -> Step:
    """Open an account of the owner's under another."""
    given = {"account": account, "entity": "BANK", "asset": "EUR", "container": container}
    return say("open_account", owner, f"{account} under {container}", **given)


def limits(owner: str, limit: str | None, name: str, **fields: Any) -> Step:
    """Set the limit of the owner's account."""
    given = {"account": owner, "limit": limit, "authority": "committee", **fields}
    return say("change_limit", owner, name, **given)


def reopens(owner: str, name: str, **people: str) -> Step:
    """Open the owner's account again."""
    return say("reopen_account", owner, name, account=owner, reason="an error", **people)


RESTART: Final[Step] = ("share", (0, 2))

POSTED: Final[Script] = [
    on_account("deposit", ANNA, "70.00"),
    pays(ANNA, BEN, "40.00"),
    pays(ANNA, DORA, "30.00"),
    works(),
    pays(BEN, ANNA, "20.00"),
    pays(ANNA, BEN, "10.00"),
    pays(ANNA, DORA, "5.00"),
    works(),
    on_account("withdrawal", ANNA, "1.00"),
    works(quick=False),
    pays(ANNA, f"{BEN}-broker", "1.00"),
    works(),
]
SPELLED: Final[Script] = [
    on_account("deposit", ANNA, "7"),
    on_account("deposit", ANNA, "7.001"),
    ("send", "{"),
    on_account("deposit", CLEO, "92233720368547758.07"),
    on_account("deposit", CLEO, "0.01"),
    works(quick=False),
]
LIMITED: Final[Script] = [
    pays(CLEO, ANNA, "0.01"),
    pays(BEN, ANNA, "150.01", "one over"),
    pays(BEN, ANNA, "150.00", "all there is"),
    works(),
    pays(ANNA, BEN, "1650.00", "with all that came from elsewhere"),
    works(),
    pays(DORA, ANNA, "100.00", "again from elsewhere"),
    works(),
    pays(ANNA, BEN, "200.01", "more than that"),
    on_account("fee", ANNA, "400.00"),
    works(quick=False),
    day("BANK", "2026-01-05"),
    works(),
    limits(CLEO, "20.00", "first"),
    limits(CLEO, "10.00", "second"),
    pays(CLEO, ANNA, "15.00"),
    limits(DORA, None, "capped", cap="50.00"),
    pays(DORA, ANNA, "50.01", "over the cap"),
    say(
        "transfer",
        DORA,
        "over the cap with its charge",
        debit_account=DORA,
        credit_account=ANNA,
        amount="49.80",
        asset="EUR",
        charges=[{"kind": "fee", "amount": "0.50", "asset": "EUR"}],
    ),
    pays(DORA, ANNA, "50.00", "as much as the cap"),
    works(),
]
REPEATED: Final[Script] = [
    on_account("deposit", ANNA, "5.00"),
    on_account("deposit", ANNA, "5.00"),
    pays(CLEO, ANNA, "1.00"),
    works(quick=False),
    on_account("deposit", CLEO, "50.00"),
    works(),
    on_account("deposit", ANNA, "5.00"),
    pays(CLEO, ANNA, "1.00"),
    on_account("deposit", ANNA, "6.00", f"deposit {ANNA} 5.00"),
    works(),
]
RESERVED: Final[Script] = [
    on_account("reserve", ANNA, "400.00", "r"),
    on_account("reserve", ANNA, "300.00", "s"),
    works(),
    part("s", "more than that", amount="300.01"),
    pays(ANNA, BEN, "900.00"),
    works(),
    part("r", "a part", amount="100.00", final=False),
    works(),
    RESTART,
    part("r", "the last", amount="50.00"),
    part("s", "whole"),
    works(),
]
DECIDED: Final[Script] = [
    on_account("withdrawal", ANNA, "1000.00", "w"),
    works(),
    ("decide", 0, "cleared", "other"),
    ("decide", 0, "refused", "twice"),
    on_account("withdrawal", ANNA, "1000.00", "x"),
    works(),
    ("decide", 1, "cleared", "once"),
    works(),
]
RATED: Final[Script] = [
    on_account("deposit", ANNA, "9.00"),
    ("rate", ANNA, "high"),
    works(),
    on_account("withdrawal", ANNA, "1000.00", "waits"),
    works(),
    RESTART,
    on_account("withdrawal", ANNA, "2.00", "waits still"),
    works(),
    ("rate", ANNA, "low"),
    on_account("withdrawal", ANNA, "3.00", "waits no longer"),
    works(),
]
FROZEN: Final[Script] = [
    freezes(ANNA, "f", "debit"),
    pays(ANNA, BEN, "1.00", "stopped"),
    on_account("deposit", ANNA, "1.00"),
    works(),
    freezes(DORA, "g", "credit"),
    works(),
    pays(CLEO, DORA, "0.01"),
    on_account("deposit", CLEO, "9.00"),
    works(),
    pays(CLEO, DORA, "2.00", "stopped elsewhere"),
    works(),
    lifts(ANNA, "f"),
    works(),
    RESTART,
    pays(ANNA, BEN, "3.00"),
    works(),
]
KEPT: Final[Script] = [
    keeps(ANNA, "1200.00", "k"),
    pays(ANNA, BEN, "300.01", "one over"),
    pays(ANNA, BEN, "300.00", "all that is free"),
    works(),
    RESTART,
    pays(ANNA, BEN, "0.01", "after a claim"),
    on_account("fee", ANNA, "1.00"),
    works(),
    lifts(ANNA, "k"),
    pays(ANNA, BEN, "1199.00", "all there is"),
    works(),
]
DAYS: Final[Script] = [
    day("BROKER", "2026-01-07"),
    day("BANK", "2026-01-05"),
    works(),
    day("BANK", "2026-01-06"),
    works(),
    on_account("deposit", ANNA, "1.00"),
    works(),
    RESTART,
    on_account("deposit", BEN, "1.00"),
    works(quick=False),
]
PERIODS: Final[Script] = [
    day("BANK", "2026-01-05"),
    works(),
    closes("2026-01-01", "2026-01-02"),
    closes("2026-01-03", "2026-01-04", "soft_closed"),
    closes("2026-01-04", "2026-01-04"),
    works(),
    adjusts("in the first", booking_date="2026-01-02"),
    adjusts("in the second", booking_date="2026-01-04"),
    works(),
    RESTART,
    adjusts("in the second again", booking_date="2026-01-03"),
    adjusts("in none", booking_date="2026-01-06"),
    closes("2026-01-03", "2026-01-04"),
    works(),
    adjusts("too late", booking_date="2026-01-04"),
    adjusts("today"),
    works(),
]
VALUED: Final[Script] = [
    on_account("deposit", ANNA, "500.00", value_date="2026-01-05"),
    valued(DORA, ANNA, "50.00", "2026-01-06"),
    works(),
    pays(ANNA, BEN, "1500.01", "before its day"),
    RESTART,
    pays(ANNA, BEN, "1500.02", "before its day again"),
    pays(ANNA, BEN, "1500.00", "what counts today"),
    valued(ANNA, BEN, "550.00", "2026-01-05"),
    valued(ANNA, BEN, "500.00", "2026-01-05"),
    works(),
    day("BANK", "2026-01-06"),
    works(),
    on_account("deposit", ANNA, "1.00", value_date="2026-01-02"),
    pays(ANNA, BEN, "51.00", "on its day"),
    works(),
]
TOMORROW: Final[Script] = [
    pays(ANNA, BEN, "1600.00", "out of what comes tomorrow"),
    day("BANK", "2026-01-03"),
    pays(DORA, ANNA, "100.00", "on the next day"),
    ("work", (0,), 100, 0, "well", True),
    works(),
    pays(ANNA, BEN, "1600.00", "when it has come"),
    works(),
]
PAST: Final[Script] = [
    day("BANK", "2026-01-03"),
    works(),
    RESTART,
    on_account("deposit", ANNA, "1000.00", "on the third"),
    pays(DORA, ANNA, "100.00", "from elsewhere"),
    works(),
    pays(ANNA, BEN, "200.00", "on the same day"),
    day("BANK", "2026-01-05"),
    works(),
    pays(ANNA, BEN, "300.00", "on the fifth"),
    on_account("deposit", ANNA, "7.00", "dated back", value_date="2026-01-02"),
    works(),
    RESTART,
    swaps("2200.00", "2026-01-03"),
    swaps("1507.01", "2026-01-02"),
    swaps("1507.00", "2026-01-02"),
    works(),
    day("BANK", "2026-01-06"),
    works(),
    swaps("20.00", "2026-01-04"),
    works(),
]
ACCRUED: Final[Script] = [
    accrues("0.004"),
    accrues("0.005"),
    works(),
    RESTART,
    accrues("1.0149"),
    accrues("0.99"),
    works(),
]
EXPIRED: Final[Script] = [
    on_account("reserve", ANNA, "400.00", "r", expires_on="2026-01-05"),
    on_account("reserve", ANNA, "300.00", "s", expires_on="2026-01-06"),
    day("BANK", "2026-01-05"),
    works(),
    ("tick",),
    part("r", "a part", amount="100.00", final=False),
    works(),
    day("BANK", "2026-01-06"),
    pays(ANNA, BEN, "900.00"),
    part("r", "too late", amount="1.00"),
    works(),
    ("tick",),
    part("r", "still too late", amount="1.00"),
    works(quick=False),
]
SCHEDULED: Final[Script] = [
    pays_on(ANNA, BEN, "40.00", "2026-01-05", "p"),
    pays_on(ANNA, BEN, "2000.00", "2026-01-05", "too much"),
    pays_on(ANNA, DORA, "30.00", "2026-01-07", "q"),
    pays_on(ANNA, DORA, "20.00", "2026-01-07", "r"),
    pays_on(ANNA, DORA, "10.00", "2026-01-06", "s"),
    works(),
    ("tick",),
    RESTART,
    say("void_pending", ANNA, "cancel q", pending_id=named_id("q")),
    works(),
    day("BANK", "2026-01-05"),
    works(),
    ("tick",),
    RESTART,
    say("void_pending", ANNA, "too late", pending_id=named_id("p")),
    day("BANK", "2026-01-07"),
    works(),
    say("void_pending", ANNA, "due", pending_id=named_id("r")),
    works(),
    ("tick",),
    pays(ANNA, BEN, "1400.00", "all there is but for s and r"),
    works(),
]
CLOSED: Final[Script] = [
    say("close_account", CLEO, "close", account=CLEO, authority="the customer"),
    say("close_account", BEN, "too early", account=BEN, authority="the customer"),
    works(),
    ("tick",),
    limits(CLEO, "20.00", "closed"),
    groups("within", CLEO, CLEO),
    pays(ANNA, CLEO, "1.00"),
    on_account("deposit", CLEO, "5.00"),
    reopens(CLEO, "by one", entered_by="jane", approved_by="jane"),
    works(),
    reopens(CLEO, "by two", entered_by="jane", approved_by="joe"),
    works(),
    RESTART,
    pays(ANNA, CLEO, "2.00"),
    works(),
]
REVERSED: Final[Script] = [
    on_account("deposit", ANNA, "5.00"),
    works(),
    say("reversal", ANNA, "once", original_id=named_id(f"deposit {ANNA} 5.00")),
    works(),
    RESTART,
    say("reversal", ANNA, "twice", original_id=named_id(f"deposit {ANNA} 5.00")),
    works(),
]
RETURNED: Final[Script] = [
    on_account("withdrawal", ANNA, "5.00"),
    works(),
    returns("3.00", "first"),
    works(),
    RESTART,
    returns("3.00", "too much"),
    returns("2.00", "rest"),
    works(),
    say("reversal", ANNA, "undo", original_id=named_id(f"withdrawal {ANNA} 5.00")),
    works(),
]
ALLOCATED: Final[Script] = [
    on_account("deposit", ANNA, "9.00", account="nobody"),
    works(),
    allocates("4.00", "first", BEN),
    works(),
    RESTART,
    allocates("6.00", "too much", CLEO),
    say("allocate", BEN, "from elsewhere", item=KEPT_ITEM, account=BEN, amount="5.00", asset="EUR"),
    say("allocate", CLEO, "from beside", item=KEPT_ITEM, account=CLEO, amount="1.00", asset="EUR"),
    allocates("3.00", "second", CLEO),
    say("write_off", ANNA, "rest", item=KEPT_ITEM, amount="2.00", asset="EUR", **ANSWERED_FOR),
    works(),
    say("reversal", BEN, "wrong one", original_id=named_id("first of it"), original_owner=ANNA),
    works(),
    say("reversal", ANNA, "send back", original_id=named_id(f"deposit {ANNA} 9.00")),
    works(),
]
STOCKED: Final[Script] = [
    moves("receive", "in"),
    works(),
]
FEE: Final[dict[str, Any]] = {"kind": "fee", "amount": "0.50", "asset": "EUR", "taken": "deducted"}
CHARGED: Final[Script] = [
    say(
        "transfer",
        ANNA,
        "charged",
        debit_account=ANNA,
        credit_account=BEN,
        amount="10.00",
        asset="EUR",
        charges=[FEE, {**FEE, "kind": "tax", "taken": "on_top"}],
    ),
    works(),
]
BOXED: Final[Script] = [
    moves("receive", "in"),
    say("close_account", ANNA, "too early", account=BOXES[0], authority="the customer"),
    works(),
    moves("deliver", "out"),
    say("close_account", ANNA, "close", account=BOXES[0], authority="the customer"),
    works(),
    RESTART,
    ("tick",),
    moves("receive", "too late"),
    works(),
]
TRADED: Final[Script] = [
    trades("buy", "f", settlement_amount="9.99", commission="0.01", contractual_settlement_date="2026-01-02"),
    trades("sell", "g", settlement_amount="1.00", contractual_settlement_date="2026-01-02"),
    day("BANK", "2026-01-03"),
    works(),
    ("tick",),
    RESTART,
    part("f", "a part of f", amount="3", final=False),
    say("void_pending", ANNA, "g cancelled", pending_id=named_id("g")),
    works(),
    part("f", "the rest of f"),
    day("BANK", "2026-01-05"),
    works(),
    trades("buy", "t", settlement_amount="99.99", commission="0.01"),
    trades(
        "sell",
        "too early",
        quantity="11",
        settlement_amount="1.00",
        contractual_settlement_date="2026-01-04",
    ),
    trades("sell", "u", settlement_amount="50.00"),
    works(),
    part("t", "a part of t", amount="3", final=False),
    part("u", "a part of u", amount="1", final=False),
    works(),
    RESTART,
    trades("sell", "v", settlement_amount="7.00"),
    part("v", "v at once"),
    works(),
    day("BANK", "2026-01-06"),
    part("u", "another part of u", amount="1", final=False),
    works(),
    ("tick",),
    RESTART,
    part("t", "another part of t", amount="3", final=False),
    works(),
    say("void_pending", ANNA, "cancelled", pending_id=named_id("t")),
    part("u", "the rest of u"),
    works(),
]


def undoes(name: str, of: str, **fields: Any) -> Step:
    """Anna's settlement of this name is undone."""
    return say("reversal", ANNA, name, original_id=named_id(of), **fields)


REOPENED: Final[Script] = [
    *(moves("receive", name) for name in ("in", "more in", "much in", "all in")),
    trades("buy", "t", settlement_amount="99.99", commission="0.01"),
    part("t", "one of t", amount="3", final=False),
    part("t", "two of t", amount="3", final=False),
    works(),
    undoes("too early", "one of t"),
    undoes("back", "two of t"),
    works(),
    RESTART,
    part("t", "rest of t"),
    works(),
    RESTART,
    undoes("rest back", "rest of t"),
    works(),
    trades("sell", "what comes", quantity="24", settlement_amount="1.00"),
    works(),
    RESTART,
    say("void_pending", ANNA, "not sold", pending_id=named_id("what comes")),
    trades("sell", "s", quantity="4", settlement_amount="1.01", contractual_settlement_date="2026-01-08"),
    day("BANK", "2026-01-06"),
    works(),
    ("tick",),
    part("t", "late t", amount="5", final=False),
    works(),
    RESTART,
    undoes("late back", "late t"),
    part("s", "all of s"),
    works(),
    undoes("s back", "all of s"),
    works("after_commit"),
    ("tick",),
    part("s", "some of s", amount="1", final=False),
    say("void_pending", ANNA, "s cancelled", pending_id=named_id("s")),
    works(),
    RESTART,
    undoes("cancelled before", "some of s"),
    part("t", "all of t"),
    works(),
]


def grouped(name: str, *members: Step) -> Step:
    """Several of Anna's instructions in one."""
    return say("group", ANNA, name, members=[each[1] for each in members])


GROUPED: Final[Script] = [
    grouped("both", pays(ANNA, BEN, "10.00", "grouped pay"), on_account("fee", ANNA, "0.50", "grouped fee")),
    grouped(
        "neither",
        pays(ANNA, DORA, "10.00", "poor pay"),
        on_account("withdrawal", ANNA, "5000.00", "poor draw"),
    ),
    works(),
    pays(ANNA, BEN, "10.00", "grouped pay"),
    works(),
]
CONTAINED: Final[Script] = [
    groups("saved", ANNA, ANNA),
    groups("deeper", ANNA, "saved"),
    works(),
    groups("strange", ANNA, BEN),
    RESTART,
    groups("later", ANNA, ANNA),
    groups("deepest", ANNA, "later"),
    on_account("deposit", ANNA, "2.00", account="later"),
    works(),
]
CRASHED: Final[Script] = [
    pays(ANNA, BEN, "40.00"),
    works("after_commit"),
    say("open_account", ANNA, "late", account="later", entity="BANK", asset="EUR"),
    works("silent"),
    on_account("deposit", ANNA, "2.00", account="later"),
    pays(ANNA, DORA, "30.00"),
    works("before_commit"),
    ("act", 1, "unreadable"),
    ("act", 1, "replay_parked"),
    works("after_commit"),
]
PARTY: Final[dict[str, Any]] = {"party": {"kind": "person", "name": "Odile Querfurt"}}
HOLDER: Final = {"name": "Ada Morgenrot", "role": "beneficial_owner", "person": "P-1"}
PAYEE: Final[dict[str, Any]] = {"payment": {"creditor": {"name": "Zoe Quux"}, "remittance": "for the boat"}}
OTHER: Final[dict[str, Any]] = {"payment": {"creditor": {"name": "Ulla Ultima"}}}
SEALED: Final[Script] = [
    say("open_account", ANNA, "named", account="named", entity="BANK", asset="EUR", **PARTY),
    say("change_holder", ANNA, "owned", account=ANNA, holder=HOLDER, authority="the register"),
    say("change_holder", ANNA, "nobody", account=ANNA, holder={"name": "Nobody"}, authority="hearsay"),
    on_account("deposit", ANNA, "2.00", **PAYEE),
    works("after_commit"),
    on_account("withdrawal", ANNA, "1.00", **PAYEE),
    on_account("withdrawal", BEN, "1.00", **PAYEE),
    works("before_commit", quick=False),
    on_account("withdrawal", BEN, "2.00", **PAYEE),
    ("again", 1),
    works(),
]
ERASED: Final[Script] = [
    on_account("deposit", CLEO, "5.00", "a gift", **PAYEE),
    on_account("withdrawal", CLEO, "5.00", **PAYEE),
    works(),
    ("act", shard_of(CLEO, 4), "erase_party", CLEO),
    say("close_account", CLEO, "close", account=CLEO, authority="the customer"),
    works(),
    ("tick",),
    ("act", shard_of(CLEO, 4), "erase_party", CLEO),
    works("after_commit"),
    ("again", 0),
    on_account("deposit", CLEO, "5.00", "a gift", **OTHER),
    on_account("deposit", CLEO, "6.00", "a gift", **PAYEE),
    on_account("deposit", CLEO, "7.00", **PAYEE),
    works(),
]
GONE: Final[Script] = [*ERASED[:9], works()]
"""Nothing of the owner's comes any more, so no other key takes the place of the one erased."""
PUBLISHED: Final[Script] = [
    pays(ANNA, BEN, "40.00"),
    on_account("deposit", ANNA, "2.00"),
    works("refuses"),
    pays(ANNA, DORA, "30.00"),
    pays(ANNA, BEN, "10.00"),
    works("refuses_after_1"),
]
WOKEN: Final[Script] = [
    pays(ANNA, BEN, "40.00"),
    pays(BEN, ANNA, "40.00"),
    ("freeze", 0, 100, 100),
    pays(ANNA, DORA, "30.00"),
    works(),
]
STORIES: Final[dict[str, Script]] = {
    "posted": POSTED,
    "spelled": SPELLED,
    "limited": LIMITED,
    "repeated": REPEATED,
    "reserved": RESERVED,
    "decided": DECIDED,
    "rated": RATED,
    "frozen": FROZEN,
    "kept": KEPT,
    "days": DAYS,
    "stocked": STOCKED,
    "charged": CHARGED,
    "boxed": BOXED,
    "tomorrow": TOMORROW,
    "past": PAST,
    "traded": TRADED,
    "reopened": REOPENED,
    "grouped": GROUPED,
    "reversed": REVERSED,
    "returned": RETURNED,
    "allocated": ALLOCATED,
    "closed": CLOSED,
    "expired": EXPIRED,
    "scheduled": SCHEDULED,
    "contained": CONTAINED,
    "crashed": CRASHED,
    "sealed": SEALED,
    "erased": ERASED,
    "gone": GONE,
    "published": PUBLISHED,
    "woken": WOKEN,
}
