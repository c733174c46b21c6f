"""What each type asks to be moved, with its amounts as they are spelled, and the form of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from audit.model.effects.effect import Spelled
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import Asked

AMOUNTS: Final = (
    "amount",
    "debit_amount",
    "credit_amount",
    "quantity",
    "settlement_amount",
    "commission",
)
"""Fields that an amount which moves may stand in."""


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


def ends_and_charges_fit(asked: Asked) -> Prediction | None:
    """Form: no movement from an account to itself, and no charge in another asset."""
    return ends_differ(asked) or charges_fit(asked)
