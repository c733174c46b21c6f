"""Walks plain transactions many at once, in columns.

What is looked at is what `effects.movements` looks at, for the case that all of it holds; whatever does not
hold is left to the walk row by row, which names it, as is whatever touches an account that more than counters
decide on. `tests/transactions/test_columns.py` holds both against each other.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import numpy as np

from services.transactions.queries.verifying.books import Books, Shard
from services.transactions.queries.verifying.columns import PLAIN_TYPES, Block, Bools, Ints
from services.transactions.queries.verifying.effects.reversals import ITEM_CLASSES
from services.transactions.queries.verifying.first_outcomes import Ids
from services.transactions.queries.verifying.journal import EPOCH_DAY
from services.transactions.queries.verifying.plain_hashing import SaidOfAccounts, heads_of
from services.transactions.queries.verifying.seals import Chain
from shared.messages.kinds import FACTS

SUM_MAX: Final = 2**61
"""Where sums might come near what a column can hold, Python's own numbers are asked instead."""
_FACTS: Final = np.array([each in FACTS for each in PLAIN_TYPES])


class Ends:
    """Accounts as columns, in the order of their ids; the same for all shards of a process."""

    def __init__(self, books: Books) -> None:
        accounts = sorted(books.accounts.items())
        self.accounts = [account for _, account in accounts]
        self.ids = np.array([account_id for account_id, _ in accounts], np.int64)
        self.asset_id = self._column(lambda each: each.asset_id)
        self.entities = sorted({each.entity_id for each in self.accounts})
        self.entity = np.searchsorted(self.entities, self._column(lambda each: each.entity_id))
        """By its place in `entities`."""
        self.home = self._column(lambda each: each.home if each.is_customer else -1)
        self.of_items = np.array([each.account_class in ITEM_CLASSES for each in self.accounts], np.bool_)
        """What takes from an account of items is looked at closely: it must say which."""
        limits = [each.limit if each.is_customer else None for each in self.accounts]
        self.limited = np.array([each is not None for each in limits], np.bool_)
        self.limit = np.array([min(each or 0, SUM_MAX) for each in limits], np.int64)
        self.said = SaidOfAccounts(self.accounts)

    def places(self, ids: Ints) -> Ints:
        """Say where accounts stand; of one that is not known, where another does."""
        return np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)

    def _column(self, of: Callable[[Any], int]) -> Ints:
        return np.array([of(each) for each in self.accounts], np.int64)


class PlainWalk:
    """Walks the plain transactions of one shard; all else comes to its caller."""

    def __init__(self, books: Books, ends: Ends, shard: Shard, ids: Ids, chain: Chain | None) -> None:
        self._books = books
        self._ends = ends
        self._shard = shard
        self._ids = ids
        self._chain = chain
        self._counters = np.zeros((len(ends.ids), 4), np.int64)
        self._read_at = np.zeros(len(ends.ids), np.int64)
        """Which of the readings of `Shard.rows` an account's counters come from."""
        self._reading = 1
        self._changed: list[Ints] = []
        self._debit = self._credit = np.zeros(0, np.int64)
        self._unfit = np.zeros(0, np.int64)
        self._known_as: object = None
        self.rows = 0
        """How many have been walked, and counted."""

    def open(self, block: Block) -> None:
        """Find the accounts of a block's plain rows, and see what never changes about them."""
        ends = self._ends
        self._known_as = None
        debit = self._debit = ends.places(block.debit)
        credit = self._credit = ends.places(block.credit)
        home = ends.home[debit]
        block.plain &= (
            (ends.ids[debit] == block.debit)
            & (ends.ids[credit] == block.credit)
            & (debit != credit)
            & (block.amount > 0)
            & (ends.asset_id[debit] == block.asset_id)
            & (ends.asset_id[credit] == block.asset_id)
            & (ends.entity[debit] == ends.entity[credit])
            & ((home < 0) | (home == self._shard.number))
            & ~ends.of_items[debit]
            & (ends.limit[debit] < SUM_MAX)
            & (block.value_day == block.booking_day)
        )

    def end_of_run(self, block: Block, first: int, expected: int) -> int:
        """Say before which row a run ends that begins with this one, whose number is expected."""
        shard = self._shard
        known_as = (expected - first, len(shard.watched), *shard.days.values())
        if self._known_as != known_as:
            self._known_as = known_as
            self._unfit = np.flatnonzero(~self._fit(block, expected - first))
        place = np.searchsorted(self._unfit, first)
        return int(self._unfit[place]) if place < len(self._unfit) else len(block.starts)

    def walk(self, block: Block, first: int, last: int) -> int:
        """Walk a run of plain rows, and say how many: up to the first in which anything does not hold."""
        if first == last:
            return 0
        held = self._move(block, first, last)
        if held < last - first:
            # Nothing has been done yet.
            held = self._move(block, first, first + held) if held else 0
        if held:
            self._count(block, first, first + held)
            self._seal(block, first, first + held)
        return held

    def give_back(self) -> None:
        """Let the walk row by row have the counters: it may change any."""
        rows = self._shard.rows
        if self._changed:
            changed = np.unique(np.concatenate(self._changed))
            self._changed.clear()
            ids, counters = self._ends.ids[changed].tolist(), self._counters[changed].tolist()
            for account_id, own in zip(ids, counters, strict=True):
                rows.setdefault(account_id, own)[:] = own
            self._shard.touched.update(ids)
        self._reading += 1

    def _fit(self, block: Block, before: int) -> Bools:
        """Say which rows are plain as the shard stands now."""
        shard, ends = self._shard, self._ends
        fit = block.plain & (block.seq == np.arange(before, before + len(block.seq)))
        days = [shard.days.get(each, date.max).toordinal() - EPOCH_DAY for each in ends.entities]
        fit &= np.array(days, np.int64)[ends.entity[self._debit]] == block.booking_day
        if shard.watched:
            watched = np.isin(ends.ids, np.array(sorted(shard.watched), np.int64))
            fit &= ~(watched[self._debit] | watched[self._credit])
        return fit

    def _move(self, block: Block, first: int, last: int) -> int:
        """Move what a run moves, and say how many rows: all, or those that hold, and nothing is moved."""
        ends, run, count = self._ends, slice(first, last), last - first
        amount = block.amount[run]
        account = np.empty(2 * count, np.int64)
        account[0::2], account[1::2] = self._debit[run], self._credit[run]
        order = np.argsort(account, kind="stable")
        account = account[order]
        begins = np.flatnonzero(np.append(True, account[1:] != account[:-1]))
        touched = account[begins]
        try:
            self._take_over(touched)
        except OverflowError:
            return 0
        own = self._counters[touched]
        largest = float(np.maximum(own.max(), -own.min())) + float(amount.sum(dtype=np.float64))
        if largest >= SUM_MAX:
            return 0
        taken, given = np.zeros(2 * count, np.int64), np.zeros(2 * count, np.int64)
        taken[0::2] = given[1::2] = amount
        taken, given = taken[order], given[order]
        after = np.empty(2 * count, np.int64)
        after[0::2], after[1::2] = block.debit_after[run], block.credit_after[run]
        lengths = np.diff(np.append(begins, 2 * count))
        came = given - taken
        # Over all accounts the sums wrap around, which the differences within an account undo.
        running = np.cumsum(came)
        start = own[:, 1] - own[:, 0] - (running[begins] - came[begins])
        balance = running + np.repeat(start, lengths)
        left = balance + np.repeat(ends.limit[touched] - own[:, 2], lengths)
        short = (left < 0) & (taken > 0) & np.repeat(ends.limited[touched], lengths)
        wrong = (balance != after[order]) | short
        if wrong.any():
            return int(order[wrong].min()) >> 1
        own[:, 0] += np.add.reduceat(taken, begins)
        own[:, 1] += np.add.reduceat(given, begins)
        self._counters[touched] = own
        self._changed.append(touched)
        return count

    def _take_over(self, touched: Ints) -> None:
        """Have the counters of these accounts; raises `OverflowError` where a column cannot hold one."""
        old = touched[self._read_at[touched] != self._reading]
        if not len(old):
            return
        rows, zeros = self._shard.rows, (0, 0, 0, 0)
        own = [rows.get(account_id, zeros) for account_id in self._ends.ids[old].tolist()]
        self._counters[old] = np.array(own, np.int64)
        self._read_at[old] = self._reading

    def _count(self, block: Block, first: int, last: int) -> None:
        """Count what was looked at as the walk row by row does."""
        books, walked, run = self._books, last - first, slice(first, last)
        facts = _FACTS[block.instruction_type[run]]
        limited = self._ends.limited[self._debit[run]] & ~facts
        books.instructions += walked
        books.movements += walked
        books.see_many("sequence", walked)
        books.see_many("content", walked)
        books.see_many("movements", 2 * walked)
        books.see_many("booking_dates", walked)
        books.see_many("periods", walked)
        books.see_many("after_balances", 2 * walked)
        books.see_many("limits", walked + int(facts.sum()) + int(limited.sum()))
        books.see_many("value_dates", int(limited.sum()))
        self.rows += walked

    def _seal(self, block: Block, first: int, last: int) -> None:
        """Take a run's ids, and hash its events into the chain."""
        run, chain = slice(first, last), self._chain
        self._ids.add_run(block.instruction_id[run], block.seq[run])
        if chain is not None and chain.difference is None:
            debit, credit = self._debit[run], self._credit[run]
            chain.extend(heads_of(block, run, debit, credit, chain.head, self._ends.said))
