"""The account statement: opening balance, each transaction with the balance after it, closing balance."""

from collections.abc import Mapping
from datetime import date, timedelta
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
    instant,
)
from shared.money import format_amount


def _period(question: Question) -> tuple[date, date]:
    """The half-open period [first day, day after the last)."""
    since = question.parameters.get("since")
    first = date.fromisoformat(since) if since is not None else question.booking_date
    return first, question.booking_date + timedelta(days=1)


def _arguments(question: Question) -> tuple[Any, ...]:
    return question.parameters["account"], *_period(question)


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    first, after = _period(question)
    if first >= after:
        return Problem("parameter_wrong", f"since {first} is after the booking date {question.booking_date}")
    if not answers["account"]:
        return Problem("account_unknown", f"there is no account {question.parameters['account']!r}")
    account = answers["account"][0]
    asset, scale = account["asset"], account["scale"]
    opening, closing = int(account["opening"]), int(account["closing"])
    opened = ("opening", first.isoformat(), *[""] * 8, asset, "")
    rows: list[Row] = [(*opened, format_amount(opening, scale))]
    balance, debits, credits_ = opening, 0, 0
    for each in answers["entries"]:
        amount: int = each["amount"]
        balance += amount
        if amount < 0:
            debits -= amount
        else:
            credits_ += amount
        rows.append(
            (
                "entry",
                each["booking_date"].isoformat(),
                each["value_date"].isoformat(),
                instant(each["recorded_at"]),
                str(each["shard"]),
                str(each["seq"]),
                str(each["leg"]),
                each["instruction_type"],
                each["reference"],
                each["counter_account"],
                asset,
                format_amount(amount, scale),
                format_amount(balance, scale),
            )
        )
    closed = ("closing", question.booking_date.isoformat(), *[""] * 8, asset, "")
    rows.append((*closed, format_amount(balance, scale)))
    figures = {
        "opening": opening,
        "debits": debits,
        "credits": credits_,
        "closing": balance,
        "debits_pending": int(account["debits_pending"]),
        "credits_pending": int(account["credits_pending"]),
    }

    def spell(minor: int) -> str:
        return format_amount(minor, scale)

    compared = (
        agree("opening + entries = closing", spell(closing), spell(balance)),
        agree("debits = the account's days", spell(int(account["debits"])), spell(debits)),
        agree("credits = the account's days", spell(int(account["credits"])), spell(credits_)),
        agree("number of entries = the account's days", int(account["entries"]), len(answers["entries"])),
    )
    totals = {asset: {name: spell(figure) for name, figure in figures.items()}}
    return Made(rows, totals, compared)


ACCOUNT_STATEMENT: Final = Report(
    code="account_statement",
    title="Account statement",
    period="from `since` to the booking date, both included; the booking date alone without it",
    parameters=(
        Parameter("account", "account code", required=True),
        Parameter("since", "first booking date", is_date=True),
    ),
    columns=(
        Column("line", "text", "`opening`, `entry` or `closing`"),
        Column("booking_date", "date", "the entity's business day"),
        Column("value_date", "date", "counts for interest and availability"),
        Column("recorded_at", "instant", "when the ledger wrote it"),
        Column("shard", "integer", "the ledger's event: its shard"),
        Column("seq", "integer", "the ledger's event: its number"),
        Column("leg", "integer", "the movement's place in its transaction"),
        Column("type", "text", "instruction type"),
        Column("reference", "text", "upstream's business reference"),
        Column("counter_account", "text", "the movement's other account"),
        Column("asset", "text", "currency or security"),
        Column("amount", "amount", "credits positive, debits negative: in a customer's favour"),
        Column("balance", "amount", "after this line: credits less debits"),
    ),
    totals="by asset: opening, debits, credits, closing, and what was pending at the end",
    reconciles_with=(
        "opening + entries = closing, where opening and closing come from the account's days",
        "debits, credits and the number of entries = those of the account's days",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
