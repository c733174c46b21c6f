"""Suspense by age: what the house keeps for somebody, and for how long, item by item and summed up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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

BUCKETS: Final = ("days_0_1", "days_2_7", "days_8_30", "days_31_90", "days_over_90")
"""By age in days, as the query cuts them."""


@dataclass(slots=True)
class _Kept:
    """What one account keeps, in minor units."""

    scale: int
    closing: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    paid: int = 0
    items: int = 0
    oldest: int | None = None
    overused: int = 0

    @property
    def left(self) -> int:
        """What is left of its items, less what it paid for somebody."""
        return sum(self.buckets) - self.paid


def _arguments(question: Question) -> tuple[Any, ...]:
    return question.booking_date, question.parameters.get("entity")


Key = tuple[str, str, str, str]
"""Entity, asset, class, account."""


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    entity = question.parameters.get("entity")
    if entity is not None and not answers["balances"]:
        until = question.booking_date.isoformat()
        return Problem("entity_unknown", f"nothing was kept by an entity {entity!r} by {until}")
    accounts: dict[Key, _Kept] = {}
    for each in answers["balances"]:
        accounts[_key(each)] = _Kept(each["scale"], int(each["closing"]))
    for each in answers["items"]:
        _add(accounts.setdefault(_key(each), _Kept(each["scale"])), each)
    rows = [_row(key, kept) for key, kept in sorted(accounts.items()) if kept.closing or kept.items]
    return Made(rows, _totals(accounts), _compare(accounts))


def _key(each: Mapping[str, Any]) -> Key:
    return each["entity"], each["asset"], each["class"], each["account"]


def _add(kept: _Kept, each: Mapping[str, Any]) -> None:
    left = int(each["left_minor"])
    if each["side"] > 0:
        kept.buckets[each["bucket"] - 1] += left
    else:
        kept.paid -= left
    kept.items += each["open_items"]
    kept.overused += each["overused"]
    ages = [age for age in (kept.oldest, each["oldest"]) if age is not None]
    kept.oldest = max(ages, default=None)


def _row(key: Key, kept: _Kept) -> Row:
    amounts = (format_amount(figure, kept.scale) for figure in (*kept.buckets, kept.paid, kept.left))
    return *key, str(kept.items), "" if kept.oldest is None else str(kept.oldest), *amounts


def _totals(accounts: Mapping[Key, _Kept]) -> dict[str, dict[str, str]]:
    sums: dict[str, _Kept] = {}
    for (_, asset, _, _), kept in sorted(accounts.items()):
        total = sums.setdefault(asset, _Kept(kept.scale))
        total.buckets = [one + other for one, other in zip(total.buckets, kept.buckets, strict=True)]
        total.paid += kept.paid
    return {
        asset: {
            name: format_amount(figure, total.scale)
            for name, figure in zip(
                (*BUCKETS, "paid", "balance"), (*total.buckets, total.paid, total.left), strict=True
            )
        }
        for asset, total in sums.items()
    }


def _compare(accounts: Mapping[Key, _Kept]) -> list[Reconciliation]:
    compared = [
        agree(
            f"what is left of the items = closing balance, {account}",
            format_amount(kept.closing, kept.scale),
            format_amount(kept.left, kept.scale),
        )
        for (_, _, _, account), kept in sorted(accounts.items())
    ]
    overused = sum(kept.overused for kept in accounts.values())
    return [*compared, agree("items used beyond what they were", 0, overused)]


SUSPENSE_BY_AGE: Final = Report(
    code="suspense_by_age",
    title="Suspense by age",
    period="the end of the booking date, with ages in days since an item's own booking date",
    parameters=(Parameter("entity", "only this legal entity"),),
    columns=(
        Column("entity", "text", "legal entity"),
        Column("asset", "text", "currency or security"),
        Column("class", "text", "`suspense`, `return` or `blocked_funds`"),
        Column("account", "text", "account code"),
        Column("items", "integer", "items of which something is left"),
        Column("oldest", "text", "age of the oldest of them in days; empty where there is none"),
        Column("days_0_1", "amount", "left of items of today and yesterday"),
        Column("days_2_7", "amount", "left of items up to a week old"),
        Column("days_8_30", "amount", "left of items up to 30 days old"),
        Column("days_31_90", "amount", "left of items up to 90 days old"),
        Column("days_over_90", "amount", "left of older items"),
        Column("paid", "amount", "paid for somebody not known, such as a fee, and not undone"),
        Column("balance", "amount", "what is kept, less what was paid"),
    ),
    totals="by asset, the sum of each amount column",
    reconciles_with=(
        "what is left of the items = closing balance, for every account, counted apart",
        "no item is used beyond what it was",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
