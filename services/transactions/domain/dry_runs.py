"""Judges an instruction sent as a dry run: says what would come of it, and lets nothing come of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Case, Context
from services.transactions.domain.decisions import Decision
from services.transactions.domain.events import tail_of
from services.transactions.domain.records import Record
from shared.messages.journal import OUTCOMES
from shared.money import format_amount


def judge_on_trial(record: Record, context: Context, seq: int, judge: Callable[[Case], Decision]) -> Decision:
    """Take a dry run up the ladder on a trial of the batch's changes, and keep only what would be said."""
    case = Case(record, context.on_trial(), seq)
    tried = judge(case)
    for code in record.accounts:
        # Whoever repeats this may know of an account that another shard opened since.
        if context.changes.find_account(code) is None:
            case.has_seen("absent", code)
    return replace(
        tried,
        kind=kinds.DRY_RUN,
        detail=_detail(tried),
        seen=case.seen,
        booking_date=None,
        value_date=None,
        legs=[],
        account=None,
        uses_up_id=False,
    )


def _detail(tried: Decision) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "outcome": OUTCOMES[tried.kind],
        "would_be": json.loads(f'{{"type":"{tried.kind}"{tail_of(tried)}}}'),
    }
    if tried.legs:
        detail["balances_after"] = [
            {
                "leg": number,
                "debit": format_amount(leg.debit_balance_after, leg.debit.scale),
                "credit": format_amount(leg.credit_balance_after, leg.credit.scale),
            }
            for number, leg in enumerate(tried.legs)
        ]
    if tried.content is None and tried.content_hash is not None:
        detail["content_hash"] = tried.content_hash.hex()
    return detail
