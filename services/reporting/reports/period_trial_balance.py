"""The trial balance of a closed period: by class of the chart and asset, as it stays from now on.

A shard books nothing into a period once it has closed it. So when all have, what is summed up by booking date
is what had been booked at the vector of the shards' own closes, however much later the report is made.
"""

from collections.abc import Mapping
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

FIGURES: Final = ("opening", "debits", "credits", "closing")


def _arguments(question: Question) -> tuple[Any, ...]:
    return question.booking_date, question.parameters["entity"]


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    entity = question.parameters["entity"]
    closings = answers["closings"]
    begun = [each["first_day"] for each in closings if each["first_day"] is not None]
    if not begun:
        sentence = f"no period of {entity} that ends on {question.booking_date} is closed"
        return Problem("period_not_closed", sentence)
    closed_at = {
        str(each["shard"]): each["closed_seq"] for each in closings if each["closed_seq"] is not None
    }
    missing = question.shards - len(closed_at)
    if missing:
        return Problem("period_closing", f"{missing} of {question.shards} shards have not closed it yet")
    rows: list[Row] = []
    sums: dict[str, tuple[int, dict[str, int]]] = {}
    off = 0
    for each in answers["classes"]:
        figures = {name: int(each[name]) for name in FIGURES}
        _, total = sums.setdefault(each["asset"], (each["scale"], dict.fromkeys(FIGURES, 0)))
        for name, figure in figures.items():
            total[name] += figure
        off += figures["opening"] + figures["credits"] - figures["debits"] != figures["closing"]
        amounts = (format_amount(figure, each["scale"]) for figure in figures.values())
        rows.append((entity, each["class"], each["asset"], *amounts))
    posted = {each["asset"]: int(each["posted"]) for each in answers["activity"]}
    compared = [agree("opening + movements = closing: lines that differ", 0, off), *_compare(sums, posted)]
    totals: dict[str, Any] = {
        asset: {name: format_amount(figure, scale) for name, figure in total.items()}
        for asset, (scale, total) in sorted(sums.items())
    }
    return Made(rows, {**totals, "first_day": min(begun).isoformat(), "closed_at": closed_at}, compared)


def _compare(
    sums: Mapping[str, tuple[int, Mapping[str, int]]], posted: Mapping[str, int]
) -> list[Reconciliation]:
    compared: list[Reconciliation] = []
    for asset in sorted(sums.keys() | {asset for asset, amount in posted.items() if amount}):
        scale, total = sums.get(asset, (0, dict.fromkeys(FIGURES, 0)))
        debits = format_amount(total["debits"], scale)
        compared += [
            agree(f"debits = credits, {asset}", format_amount(total["credits"], scale), debits),
            agree(f"opening balances sum to zero, {asset}", 0, total["opening"]),
            agree(f"closing balances sum to zero, {asset}", 0, total["closing"]),
            agree(f"movements = activity, {asset}", format_amount(posted.get(asset, 0), scale), debits),
        ]
    return compared


PERIOD_TRIAL_BALANCE: Final = Report(
    code="period_trial_balance",
    title="Trial balance of a period",
    period="the closed period that ends on the booking date; opening is everything before it",
    parameters=(Parameter("entity", "the legal entity whose period it is", required=True),),
    columns=(
        Column("entity", "text", "legal entity"),
        Column("class", "text", "class in the chart of accounts"),
        Column("asset", "text", "currency or security"),
        Column("opening", "amount", "balance before the period: credits less debits"),
        Column("debits", "amount", "debits booked in the period"),
        Column("credits", "amount", "credits booked in the period"),
        Column("closing", "amount", "balance at the period's end: credits less debits"),
    ),
    totals="by asset, the sum of each amount column; the first day, and where each shard closed the period",
    reconciles_with=(
        "opening + movements = closing, for every line",
        "debits = credits by asset; opening and closing balances sum to zero",
        "the period's movements = the posted and swept amounts of activity, which are counted apart",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
