"""Closes what is closing once it has come to nothing, and sweeps away credits that still arrive.

Other shards read with every batch which accounts are shut, so a credit can only arrive from a batch that had
read before. It is on another shard's row, and home alone may take it away.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.cases import Context, credits_elsewhere
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.duties import Duty, Task
from services.transactions.domain.state import ShardState
from services.transactions.domain.stops import Closing


def _find(state: ShardState, recorded_at: datetime) -> Iterator[Task]:
    """All that are closing, and then the closed ones, those first that were not looked at for long."""
    del recorded_at
    for closing in chain(state.closing.values(), state.closed.values()):
        codes = tuple(each.code for each in (closing.account, *closing.within))
        yield Task(_settle, closing.account.owner, accounts=codes)


def _settle(context: Context, task: Task, seq: int) -> Decision | None:
    changes = context.changes
    account = changes.find_account(task.accounts[0])
    assert account is not None
    closing = changes.closing_of(account.account_id)
    if closing is None:
        return None
    all_of_it = (account, *closing.within)
    credits_ = {each.account_id: credits_elsewhere(context, each.account_id) for each in all_of_it}
    decision = _event(context, closing, seq)
    seen = {str(account_id): credited for account_id, credited in credits_.items() if credited}
    decision.seen = {"credits": seen} if seen else None
    is_free = True
    for each in all_of_it:
        row = changes.read_row(each.account_id)
        left = row[1] - row[0] + credits_[each.account_id]
        if left > 0:
            return _sweep(context, decision, each, left)
        reserved = context.outside.reserved.get(each.account_id, 0)
        is_free = is_free and not (left or row[2] or row[3] or reserved)
    if closing.closed_seq is not None or not is_free:
        changes.closings[account.account_id] = closing  # looked at: it goes to the end
        return None
    decision.kind = kinds.CLOSED
    decision.account = account
    decision.detail = {"account": account.code}
    changes.set_closing(closing._replace(closed_seq=seq))
    return decision


def _event(context: Context, closing: Closing, seq: int) -> Decision:
    """What the ledger says by itself about an account, as a follow-up of what began to close it."""
    account = closing.account
    decision = Decision(seq, kinds.SWEPT, None, None, None, closing.instruction_id, "close_account")
    decision.owner = account.owner
    decision.about_seq = closing.seq
    decision.booking_date = context.changes.day_of(account.entity_id)
    return decision


def _sweep(context: Context, decision: Decision, account: Account, amount: int) -> Decision | None:
    suspense = context.chart.house.get((account.entity_id, "suspense", account.asset_id))
    if suspense is None:
        return None
    taken = context.changes.row(account.account_id)
    given = context.changes.row(suspense.account_id)
    taken[0] += amount
    given[1] += amount
    decision.value_date = decision.booking_date
    decision.legs = [
        Leg("principal", account, suspense, amount, taken[1] - taken[0], given[1] - given[0]),
    ]
    return decision


CLOSING: Final = Duty(_find)
