"""What accounts held when a business day was opened, and what is posted on them since by value date."""

from collections.abc import Mapping
from datetime import date

from services.transactions.domain.changes import Changes
from services.transactions.domain.chart import Account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.value_dates import Ahead, DayBegun, DayOpening, Nets, Past, Shift, nets_of


def open_day(changes: Changes, entity_id: int, day: date, seq: int) -> None:
    """Let the entity's books move on; what had its value ahead counts when its day has come."""
    keep_openings(changes)
    held = {account_id: (row[0], row[1]) for account_id, row in changes.balances.items()}
    changes.days_begun.append(DayBegun(entity_id, changes.day_of(entity_id), day, seq, held))
    changes.days[entity_id] = day
    changes.days_opened.append((entity_id, day, seq))
    changes.day_kept = set()
    for account_id, ahead in {**changes.state.ahead, **changes.ahead}.items():
        if ahead.entity_id == entity_id and (left := ahead.after(day)) != ahead.nets:
            changes.ahead[account_id] = ahead._replace(nets=left)
            changes.stop(account_id)


def keep_openings(changes: Changes) -> None:
    """Keep what accounts held when the last business day was opened, of those that have changed since."""
    begun = changes.days_begun[-1] if changes.days_begun else None
    seq = changes.state.day_seq if begun is None else begun.seq
    if not seq:
        return
    kept = changes.state.day_kept if begun is None else frozenset[int]()
    for account_id in changes.balances.keys() - kept - changes.day_kept:
        debits, credits_ = _held_before(changes, account_id, begun)
        row = changes.balances[account_id]
        if row[0] != debits or row[1] != credits_:
            changes.day_kept.add(account_id)
            changes.day_openings.append(DayOpening(account_id, seq, debits, credits_))


def nets_since(changes: Changes, account: Account, past: Past, own: Mapping[Shift, int]) -> Nets:
    """Return what was posted on an account at home here, by value date, for all days after one.

    `own` is what the instruction in hand has moved on it by now.
    """
    account_id = account.account_id
    begun_here = [each for each in changes.days_begun if each.entity_id == account.entity_id]
    openings = dict(past.openings)
    if not openings:
        # Nothing was posted here before the batch.
        openings[begun_here[0].previous if begun_here else changes.day_of(account.entity_id)] = 0
    for begun in begun_here:
        debits, credits_ = _held_before(changes, account_id, begun)
        openings[begun.day] = credits_ - debits
    shifts = {each: past.shifts.get(each, 0) + own.get(each, 0) for each in {*past.shifts, *own}}
    for (of, shift), (debits, credits_) in changes.valued.items():
        if of == account_id:
            shifts[shift] = shifts.get(shift, 0) + credits_ - debits
    row = changes.read_row(account_id)
    return nets_of(openings, row[1] - row[0], shifts)


def note_value(changes: Changes, decision: Decision, day: date) -> None:
    """Note what was posted on customers' accounts with its value on another day than the open one."""
    value_date = decision.value_date
    assert value_date is not None
    shift = Shift(value_date, day)
    for leg in decision.legs:
        for account, debit, credit in ((leg.debit, leg.amount, 0), (leg.credit, 0, leg.amount)):
            if not account.is_customer:
                continue
            account_id = account.account_id
            debits, credits_ = changes.valued.get((account_id, shift), (0, 0))
            changes.valued[account_id, shift] = (debits + debit, credits_ + credit)
            if account.shard == changes.state.shard and value_date > day:
                nets = dict(changes.ahead_of(account_id))
                nets[value_date] = nets.get(value_date, 0) + credit - debit
                kept = {day: net for day, net in nets.items() if net}
                changes.ahead[account_id] = Ahead(account.entity_id, kept)
                changes.stop(account_id)


def _held_before(changes: Changes, account_id: int, begun: DayBegun | None) -> tuple[int, int]:
    """Return what was posted on an account when a day was opened in this batch, or when that began."""
    held = None if begun is None else begun.held.get(account_id)
    if held is not None:
        return held
    before = (changes.state.balances if changes.before is None else changes.before).get(account_id)
    return (0, 0) if before is None else (before[0], before[1])
