"""Random scripts: what may be said of each type of instruction, and what happens in between. EXTEND HERE.

Few owners, few accounts, few ids and amounts near the limits, so that what is drawn collides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from shared.messages.envelope import HOUSE
from tests.stateful.machine import HOW, Script, Step
from tests.transactions.support import custody, deposit, named_id, opening, owner_in, transfer, withdrawal

ANNA, CLEO, BEN, DORA = owner_in(1, "anna"), owner_in(1, "cleo"), owner_in(2, "ben"), owner_in(0, "dora")
"""Two at home in one shard, two in others. Each has an account of the same name, in EUR at the bank."""

OWN: Final = "(the owner's own)"
RESERVES: Final = ("(reserve 1)", "(reserve 2)")
"""Each owner has two ids of its own for what may be pending."""

OWNERS: Final = (*[ANNA] * 6, *[BEN] * 3, CLEO, DORA)
OTHERS: Final = (
    ANNA,
    BEN,
    CLEO,
    DORA,
    f"{ANNA}-usd",
    f"{BEN}-broker",
    "later",
    "nobody",
    "BANK/suspense/EUR",
)
CODES: Final = (*[OWN] * 18, *OTHERS)
COUNTERPARTIES: Final = (*[ANNA, BEN, CLEO, DORA] * 3, *OTHERS)
HOUSE_CODES: Final = (*[f"BANK/{name}/EUR" for name in ("nostro", "vault", "suspense")], ANNA)
ASSETS: Final = (*["EUR"] * 20, "USD", "JPY", "XXX")
AMOUNTS: Final = (
    *["0.01", "10.00", "50.00", "99.99", "100.00", "100.01", "500.00", "1000.00", "1000.01", "1500.00"] * 5,
    *["1", "0.00", "-1.00", "1.001", "x", 1.5, "92233720368547758.07", "92233720368547758.08"],
)
DAYS: Final = tuple(f"2026-01-{day:02}" for day in range(1, 13))
IDS: Final = tuple(named_id(f"id {number}") for number in range(300))
SAP: Final = "DE0007164600"
BOXES: Final = (*[f"{ANNA}/custody"] * 9, f"{BEN}/custody", f"{ANNA}/custody#{SAP}", ANNA, "nobody")
"""Custody accounts for any security, what may be within one, and what is none."""
SECURITIES: Final = (*[SAP] * 9, "US0378331005", "EUR", "XXX")
PIECES: Final = (*["1", "2", "5", "10", "100"] * 4, "1.5", "0", "9223372036854775807")
FREEZES: Final = ("f1", "f2")
PARTS: Final = ("(part 1)", "(part 2)", "(part 3)")
"""And three for what settles parts of it, so that they are met again when something is undone."""
ITEMS: Final = (*[f"1-{seq}-0" for seq in (*[8] * 20, *range(7, 40))], "2-9-0", "1-8-1", "x")
"""Numbers of movements; the first is of what Anna's shard keeps for nobody known."""

CHARGES: Final = tuple(
    [{"kind": kind, "amount": amount, "asset": asset, "taken": taken} for kind, amount, asset, taken in drawn]
    for drawn in (
        *[[("fee", "0.50", "EUR", "on_top")]] * 3,
        *[[("fee", "0.50", "EUR", "deducted"), ("tax", "0.01", "EUR", "deducted")]] * 3,
        [("commission", "1.00", "USD", "deducted"), ("tax", "0.07", "EUR", "on_top")],
        [("fee", "10.00", "EUR", "deducted")],
        [("fee", "0.00", "EUR", "on_top")],
        [("gift", "1.00", "EUR", "on_top")],
        [],
    )
)

HOLDERS: Final = tuple(
    {"name": "Ada Morgenrot", "role": role, "person": person, **days}
    for role, person, days in (
        ("joint_holder", "P-1", {}),
        ("beneficial_owner", "P-1", {"since": "2020-01-01", "until": "2026-01-04"}),
        ("signatory", "P-2", {"until": "2026-01-02"}),
        ("signatory", "P-2", {"since": "2026-01-02", "until": "2026-01-01"}),
        ("guardian", None, {}),
        ("godfather", "P-1", {}),
    )
)

SOMETIMES: Final[Mapping[str, Sequence[Any]]] = {
    "value_date": (*DAYS, "1899-12-31", "2101-01-01", "2026-02-30", None),
    "occurred_at": ("2026-01-31T10:00:00.1234567+01:00", "1850-01-31T10:00:00Z", "noon"),
    "business_reference": ("Miete März", "tab\there", 'a "quoted" \\ one', ""),
    "channel": ({"cash": True}, {}, {"channel": "api"}, {"channel": "api"}, {"channel": "pigeon"}),
    "payment": ({"creditor": {"name": "Ana", "country": "DE"}}, {"creditor_agent": "MELIIRTH"}, 5),
    "a_later_field": ({"x": [1]},),
    "dry_run": (True, True, False, "yes"),
    "execute_on": (*DAYS[3:], "2026-02-01", "2036-01-01", "soon"),
}
"""What any instruction may carry."""


@dataclass(frozen=True)
class Kind:
    """What is drawn for one type of instruction: for each field one of these; the optional half the time."""

    required: Mapping[str, Sequence[Any]]
    optional: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    owners: Sequence[str] = OWNERS
    ids: Sequence[str] = IDS
    later: bool = False
    """Whether a third of them name a day of their own."""
    often: int = 2
    """How many are drawn, compared with other types."""


BY_TYPE: Final[Mapping[str, Kind]] = {
    "open_account": Kind(
        {
            "account": ("later", OWN, "later-usd"),
            "entity": (*["BANK"] * 6, "BROKER", "NONE"),
            "asset": ASSETS,
        },
        {
            "limit": ("0", "50.00", "50.00", None, "x"),
            "class": ("cash", "loan", "loan"),
            "container": (OWN, OWN, OWN, "later", *OTHERS),
        },
    ),
    "deposit": Kind({"account": CODES, "amount": AMOUNTS, "asset": ASSETS}, often=4),
    "withdrawal": Kind(
        {"account": CODES, "amount": AMOUNTS, "asset": ASSETS},
        {"charges": CHARGES},
        ids=(*IDS[:30], *RESERVES * 3),
        later=True,
        often=3,
    ),
    "transfer": Kind(
        {"debit_account": CODES, "credit_account": COUNTERPARTIES, "amount": AMOUNTS, "asset": ASSETS},
        {"charges": CHARGES},
        ids=(*IDS, *RESERVES * 10),
        later=True,
        often=7,
    ),
    "exchange": Kind(
        {
            "debit_account": (*[OWN] * 9, *OTHERS),
            "debit_amount": (*["100.00"] * 6, "50.00", "1000.00", "1.001"),
            "debit_asset": (*["EUR"] * 9, "JPY"),
            "credit_account": (f"{ANNA}-usd",),
            "credit_amount": (*["110.00"] * 6, "55.00", "1100.00", "0.00"),
            "credit_asset": (*["USD"] * 9, "XXX"),
            "rate": (*["1.1", "1.10"] * 3, "2", "0", "x"),
        },
        {"rate_unit": (*["debit"] * 5, "credit"), "charges": CHARGES},
        owners=(ANNA, ANNA, ANNA, BEN),
        later=True,
    ),
    "fee": Kind({"account": CODES, "amount": AMOUNTS, "asset": ASSETS}),
    "interest": Kind(
        {"account": CODES, "amount": AMOUNTS, "asset": ASSETS}, {"direction": ("debit", "credit")}
    ),
    "accrual": Kind(
        {
            "account": CODES,
            "series": ("q1", "q1", "q2"),
            "cumulative": (
                *["0.004", "0.005", "1.2349", "1.235", "10", "9.999"] * 3,
                "0",
                "-1",
                "x",
                "1" * 15,
            ),
            "asset": ASSETS,
        },
        {"direction": ("credit", "credit", "debit")},
        ids=(*IDS[:30], *RESERVES * 10),
        often=2,
    ),
    "opening_balance": Kind(
        {
            "account": (*CODES, *BOXES[:9], "BANK/nostro/EUR", "BANK/migration/EUR"),
            "amount": AMOUNTS,
            "asset": (*ASSETS, SAP),
            "booking_date": (*DAYS[:6], "2025-12-30", "2025-12-31"),
        },
        {"direction": ("credit", "credit", "debit")},
        owners=(*OWNERS, HOUSE),
    ),
    "house_posting": Kind(
        {"debit_account": HOUSE_CODES, "credit_account": HOUSE_CODES, "amount": AMOUNTS, "asset": ASSETS},
        owners=(HOUSE,),
        later=True,
        often=1,
    ),
    "adjustment": Kind(
        {
            "debit_account": HOUSE_CODES,
            "credit_account": HOUSE_CODES,
            "amount": AMOUNTS,
            "asset": ASSETS,
            "reason": ("reconciled",),
            "entered_by": ("op:jane",),
            "approved_by": ("op:joe", "op:joe", "op:jane"),
        },
        {"booking_date": DAYS[:6]},
        owners=(HOUSE,),
        often=2,
    ),
    "custody_transfer": Kind(
        {
            "account": BOXES,
            "direction": ("receive", "receive", "deliver"),
            "quantity": PIECES,
            "asset": SECURITIES,
        },
        {"location": ("depository", "custodian", "nowhere")},
        owners=(ANNA, ANNA, ANNA, BEN),
    ),
    "trade": Kind(
        {
            "side": ("buy", "buy", "sell"),
            "custody_account": BOXES,
            "cash_account": CODES,
            "quantity": PIECES,
            "asset": SECURITIES,
            "settlement_amount": AMOUNTS,
            "settlement_asset": ASSETS,
        },
        {"commission": ("0.01", "4.90", "0"), "contractual_settlement_date": DAYS[3:9]},
        owners=(ANNA, ANNA, ANNA, BEN),
        ids=RESERVES,
        often=3,
    ),
    "reserve": Kind(
        {"account": CODES, "amount": AMOUNTS, "asset": ASSETS},
        {"credit_account": COUNTERPARTIES, "expires_on": DAYS[:6], "charges": CHARGES},
        ids=RESERVES,
        often=6,
    ),
    "post_pending": Kind(
        {"pending_id": (*RESERVES * 9, *IDS[:3])},
        {"amount": (*AMOUNTS, *PIECES), "final": (True, False)},
        ids=(*IDS[30:60], *PARTS * 20),
        often=8,
    ),
    "void_pending": Kind({"pending_id": (*RESERVES * 9, *IDS[:3])}),
    "reversal": Kind(
        {
            "original_id": (
                *[named_id("fund anna"), named_id("dora to anna"), named_id("pay anna")] * 3,
                *RESERVES * 4,
                *PARTS * 8,
                *IDS[:30],
            )
        },
        {
            "original_owner": (ANNA, DORA, BEN),
            "forced": (True, True, False),
            "reason": ("an error",),
            "entered_by": ("op:jane",),
            "approved_by": ("op:joe", "op:joe", "op:jane"),
        },
        often=4,
    ),
    "return": Kind(
        {
            "original_id": (*[named_id("pay anna"), named_id("pay ben")] * 3, *RESERVES * 2, *IDS[:30]),
            "amount": AMOUNTS,
            "asset": ASSETS,
        },
        {"reason": ("AC04", "unknown there")},
        often=4,
    ),
    "allocate": Kind(
        {"item": ITEMS, "account": (*[OWN] * 6, *OTHERS), "amount": AMOUNTS, "asset": ASSETS},
        often=6,
    ),
    "write_off": Kind(
        {
            "item": ITEMS,
            "amount": AMOUNTS,
            "asset": ASSETS,
            "reason": ("small",),
            "entered_by": ("op:jane",),
            "approved_by": ("op:joe", "op:joe", "op:jane"),
        }
    ),
    "group": Kind({}, owners=(*OWNERS, HOUSE), often=6),
    "freeze_account": Kind(
        {"account": (*CODES, *BOXES), "freeze_id": FREEZES, "authority": ("court",)},
        {"direction": (*["debit"] * 3, "credit", "both"), "amount": ("50.00", "900.00", "0.00", "1")},
        often=2,
    ),
    "unfreeze_account": Kind({"account": (*CODES, *BOXES), "freeze_id": FREEZES}),
    "close_account": Kind(
        {"account": (OWN, OWN, "later", "nobody", *BOXES[-4:]), "authority": ("the customer",)}, often=1
    ),
    "reopen_account": Kind(
        {
            "account": (OWN, OWN, "later", *BOXES[8:11]),
            "reason": ("a mistake",),
            "entered_by": ("op:jane",),
            "approved_by": ("op:joe", "op:joe", "op:jane"),
        }
    ),
    "change_limit": Kind(
        {"account": CODES, "limit": ("0", "50.00", "0.001", None), "authority": ("committee",)},
        {"valid_from": DAYS, "valid_until": DAYS, "cap": ("100.00", "100.00", "0", "-1.00", "1.001", None)},
    ),
    "change_holder": Kind(
        {"account": (*CODES, *BOXES), "holder": HOLDERS, "authority": ("the register",)}, often=1
    ),
    "open_business_day": Kind(
        {"entity": (*["BANK"] * 9, "NONE"), "booking_date": DAYS}, owners=(HOUSE,), often=1
    ),
    "close_period": Kind(
        {
            "entity": (*["BANK"] * 9, "NONE"),
            "first_day": (*["2026-01-01"] * 6, *DAYS[2:6:2], "2025-12-30"),
            "last_day": (*DAYS[1:6:2], "2026-01-01"),
        },
        {"state": ("soft_closed", "soft_closed", "closed")},
        owners=(HOUSE,),
    ),
}
"""A line or a few for each type of instruction; a test fails where one is missing."""

_DRAWN: Final = tuple(code for code, kind in BY_TYPE.items() for _ in range(kind.often))


def own_id(owner: str, what: str) -> str:
    """The id that one of an owner's reserves has."""
    return named_id(f"{what} of {owner}")


def instruction(code: str, draw: Random, owner: str | None = None) -> dict[str, Any]:
    """Draw an instruction of this type, of this owner if one is given."""
    kind = BY_TYPE[code]
    owner = owner or draw.choice(kind.owners)
    own = {OWN: owner, **{each: own_id(owner, each) for each in (*RESERVES, *PARTS)}}

    def one_of(values: Sequence[Any]) -> Any:
        """Draw a value; what stands for something of the owner's becomes that."""
        value = draw.choice(values)
        return own.get(value, value) if isinstance(value, str) else value

    message = {"type": code, "instruction_id": one_of(kind.ids), "owner": owner}
    if code == "group":
        message["members"] = _members(draw, owner)
    message |= {name: one_of(values) for name, values in kind.required.items()}
    message |= {name: one_of(values) for name, values in kind.optional.items() if draw.random() < 0.5}
    if kind.later and draw.random() < 0.33:
        message["execute_on"] = draw.choice(DAYS[1:9])
    if draw.random() < 0.15:
        name = draw.choice(list(SOMETIMES))
        message[name] = one_of(SOMETIMES[name])
    return message


def _members(draw: Random, owner: str) -> list[Any]:
    """Draw what a group is made of: mostly by its owner, seldom something that no group may have."""
    kinds = _FACTS if draw.random() < 0.3 else _MEMBERS
    kinds = ("house_posting", "adjustment") if owner == HOUSE else kinds
    members: list[Any] = []
    for _ in range(draw.choice([1, *[2] * 20, *[3] * 10, 4, 17])):
        is_meant = draw.random() < 0.97
        member = instruction(draw.choice(kinds), draw, owner if is_meant else None)
        members.append(
            {name: value for name, value in member.items() if not is_meant or name not in _NOT_OF_MEMBERS}
        )
    if draw.random() < 0.03:
        members.append(draw.choice([5, {}, {"type": "group"}, *members]))
    return members


_NOT_OF_MEMBERS: Final = (*SOMETIMES, "booking_date")
_FACTS: Final = ("deposit", "fee", "interest", "custody_transfer")
_MEMBERS: Final = (*_FACTS, "withdrawal", "withdrawal", "transfer", "transfer", "exchange")


def _send(draw: Random) -> Step:
    twist = draw.choice([*[None] * 40, "wrong_key", "wrong_partition"])
    return "send", instruction(draw.choice(_DRAWN), draw), twist


def _decide(draw: Random) -> Step:
    verdict = draw.choice(["cleared", "cleared", "released", "refused"])
    return (
        "decide",
        draw.randrange(6),
        verdict,
        draw.choice(["once", "once", "once", "twice", "late", "other"]),
    )


def _rate(draw: Random) -> Step:
    return "rate", draw.choice([*OWNERS, HOUSE]), draw.choice(["low", "medium", "high", "high"])


def _work(draw: Random) -> Step:
    most, again = draw.choice([100, 100, 1, 2, 5]), draw.choice([0, 0, 0, 3])
    how = draw.choice([*["well"] * len(HOW), *HOW[1:]])
    return "work", draw.choice(_SHARDS), most, again, how, draw.random() < 0.7


_SHARDS: Final = ((0, 1, 2, 3), (0, 1, 2, 3), (1,), (2,), (0, 2), (1, 3))
_STEPS: Final = (
    *[_send] * 30,
    *[_work] * 8,
    *[_decide] * 3,
    *[_rate] * 2,
    *[lambda draw: ("again", draw.randrange(40))] * 2,
    lambda draw: ("send", draw.choice(["{", "", "[1]", '{"type": "rumour"}'])),
    lambda draw: (
        "act",
        draw.randrange(4),
        draw.choice(["replay_parked", "resume_shard", "unreadable", "erase_party"]),
        draw.choice([HOUSE, *OWNERS]),
    ),
    *[lambda _: ("tick",)] * 3,
    lambda draw: ("share", draw.choice(_SHARDS)),
    lambda draw: ("freeze", draw.randrange(2), draw.choice([1, 3, 100]), draw.choice([0, 1, 100])),
)


LENGTH: Final = 60
"""Steps of a script before any is left out."""


def script(seed: int, kept: Sequence[int]) -> Script:
    """The script of a seed without the steps that are not to be kept.

    Drawn by a generator of our own, since Hypothesis likes extremes and repetition better than variety; what
    it finds to fail it shrinks by leaving steps out.
    """
    draw = Random(seed)
    steps = [draw.choice(_STEPS)(draw) for _ in kept]
    return [step for step, is_kept in zip(steps, kept, strict=True) if is_kept]


SCRIPTS: Final[st.SearchStrategy[Script]] = st.builds(
    script, st.integers(0, 2**32), st.lists(st.integers(0, 30), min_size=LENGTH, max_size=LENGTH)
)


def _named(message: dict[str, Any], name: str) -> dict[str, Any]:
    return {**message, "instruction_id": named_id(name)}


def _reserve(owner: str, amount: str) -> dict[str, Any]:
    given = {"account": owner, "amount": amount, "asset": "EUR", "expires_on": "2026-01-04"}
    return {"type": "reserve", "owner": owner, **given}


BEGINNING: Final[Script] = [
    *[("send", _named(opening(each), f"open {each}")) for each in (ANNA, CLEO)],
    ("send", _named(opening(BEN, limit="50.00"), "open ben")),
    ("send", _named(opening(DORA) | {"limit": None}, "open dora")),
    ("send", _named(opening(ANNA, f"{ANNA}-usd", asset="USD"), "open usd")),
    *[("send", _named(custody(each), f"open custody of {each}")) for each in (ANNA, BEN)],
    ("send", _named(opening(BEN, f"{BEN}-broker", entity="BROKER"), "open broker")),
    ("work", (0, 1, 2, 3), 100, 0, "well", True),
    ("send", _named(deposit(ANNA, "1000.00"), "fund anna")),
    ("send", _named(deposit(BEN, "100.00"), "fund ben")),
    ("send", _named(transfer(DORA, ANNA, "500.00"), "dora to anna")),
    ("work", (0, 1, 2, 3), 100, 0, "well", True),
]
"""Accounts of all four and a little money, some of it from another shard; before each script and story."""

ASIDE: Final[Script] = [
    *[
        ("send", {**_reserve(owner, amount), "instruction_id": own_id(owner, RESERVES[0])})
        for owner, amount in ((ANNA, "600.00"), (BEN, "60.00"))
    ],
    *[
        ("send", _named(withdrawal(each, "20.00"), f"pay {name}"))
        for each, name in ((ANNA, "anna"), (BEN, "ben"))
    ],
    ("send", _named(deposit(ANNA, "100.00", "nobody"), "for nobody")),
    ("work", (0, 1, 2, 3), 100, 0, "well", True),
]
"""Some set aside, some paid out that may come back, some of nobody known; before each random script."""
