"""The trial balance: by account and asset, what it opened with, what moved, what it closed with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.reporting.domain.report import (
    Answer,
    Column,
    Made,
    Parameter,
    Problem,
    Question,
    Report,
    Row,
    agree,
)
from shared.messages.reporting import Reconciliation
from shared.money import format_amount

FIGURES: Final = ("opening", "debits", "credits", "closing", "debits_pending", "credits_pending")


@dataclass(slots=True)
class _Sums:
    """The sums of one entity and asset, in minor units."""

    scale: int
    opening: int = 0
    debits: int = 0
    credits: int = 0
    closing: int = 0
    debits_pending: int = 0
    credits_pending: int = 0


def _arguments(question: Question) -> tuple[Any, ...]:
    return question.booking_date, question.parameters.get("entity")


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    entity = question.parameters.get("entity")
    if entity is not None and not answers["accounts"]:
        until = question.booking_date.isoformat()
        return Problem("entity_unknown", f"no account of an entity {entity!r} had moved by {until}")
    rows: list[Row] = []
    books: dict[tuple[str, str], _Sums] = {}
    off = 0
    for each in answers["accounts"]:
        sums = books.setdefault((each["entity"], each["asset"]), _Sums(each["scale"]))
        figures = [int(each[name]) for name in FIGURES]
        opening, debits, credits_, closing, debits_pending, credits_pending = figures
        sums.opening += opening
        sums.debits += debits
        sums.credits += credits_
        sums.closing += closing
        sums.debits_pending += debits_pending
        sums.credits_pending += credits_pending
        off += opening + credits_ - debits != closing
        amounts = (format_amount(figure, each["scale"]) for figure in figures)
        rows.append((each["entity"], each["class"], each["owner"], each["account"], each["asset"], *amounts))
    posted = {(each["entity"], each["asset"]): int(each["posted"]) for each in answers["activity"]}
    compared = [
        agree("opening + movements = closing: accounts that differ", 0, off),
        *_compare(books, posted),
    ]
    return Made(rows, _totals(books), compared)


def _compare(
    books: Mapping[tuple[str, str], _Sums], posted: Mapping[tuple[str, str], int]
) -> list[Reconciliation]:
    compared: list[Reconciliation] = []
    for entity, asset in sorted(books.keys() | posted.keys()):
        sums = books.get((entity, asset), _Sums(0))

        def spell(minor: int, scale: int = sums.scale) -> str:
            return format_amount(minor, scale)

        where = f"{entity} {asset}"
        activity = posted.get((entity, asset), 0)
        compared += [
            agree(f"debits = credits, {where}", spell(sums.credits), spell(sums.debits)),
            agree(f"closing balances sum to zero, {where}", spell(0), spell(sums.closing)),
            agree(
                f"pending debits = pending credits, {where}",
                spell(sums.credits_pending),
                spell(sums.debits_pending),
            ),
            agree(f"movements = daily activity, {where}", spell(activity), spell(sums.debits)),
        ]
    return compared


def _totals(books: Mapping[tuple[str, str], _Sums]) -> dict[str, dict[str, str]]:
    by_asset: dict[str, _Sums] = {}
    for (_, asset), sums in sorted(books.items()):
        total = by_asset.setdefault(asset, _Sums(sums.scale))
        for name in FIGURES:
            setattr(total, name, getattr(total, name) + getattr(sums, name))
    return {
        asset: {name: format_amount(getattr(total, name), total.scale) for name in FIGURES}
        for asset, total in sorted(by_asset.items())
    }


TRIAL_BALANCE: Final = Report(
    code="trial_balance",
    title="Trial balance",
    period="the booking date; opening is everything before it",
    parameters=(Parameter("entity", "only this legal entity"),),
    columns=(
        Column("entity", "text", "legal entity"),
        Column("class", "text", "class in the chart of accounts"),
        Column("owner", "text", "whose account it is; `house` for the firm's own"),
        Column("account", "text", "account code"),
        Column("asset", "text", "currency or security"),
        Column("opening", "amount", "balance before the day: credits less debits"),
        Column("debits", "amount", "debits posted on the day"),
        Column("credits", "amount", "credits posted on the day"),
        Column("closing", "amount", "balance at the day's end: credits less debits"),
        Column("debits_pending", "amount", "reserved and not yet posted at the day's end, to be debited"),
        Column("credits_pending", "amount", "reserved and not yet posted at the day's end, to be credited"),
    ),
    totals="by asset, the sum of each amount column",
    reconciles_with=(
        "opening + movements = closing, for every account",
        "debits = credits, and pending debits = pending credits, by entity and asset",
        "closing balances sum to zero by entity and asset",
        "the day's movements = the posted and swept amounts of daily activity, which are counted apart",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
