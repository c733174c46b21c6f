"""Hashes the events of plain transactions, many at once, as `derivation` does one.

Such an event is hashed as its row stands in a block, with what its accounts are called (0059).
"""

from collections.abc import Sequence
from hashlib import sha256

from services.transactions.queries.verifying.books import Account
from services.transactions.queries.verifying.columns import Block, Ints
from services.transactions.queries.verifying.journal import SEALED_COUNT
from services.transactions.queries.verifying.seals import PLAIN_EVENT
from services.transactions.queries.verifying.spelling import said_of_credit, said_of_debit


class SaidOfAccounts:
    """What accounts are called, by the places by which runs name them; spelt once, when first asked."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = accounts
        self.debits: list[bytes] = []
        self.credits: list[bytes] = []

    def spell(self) -> None:
        """Spell all, once."""
        if not self.debits:
            self.debits = [said_of_debit(each) for each in self._accounts]
            self.credits = [said_of_credit(each) for each in self._accounts]


def heads_of(
    block: Block, run: slice, debit: Ints, credit: Ints, head: bytes, said: SaidOfAccounts
) -> list[bytes]:
    """Return the head of the chain after each event of a run, of which these are the accounts."""
    said.spell()
    data, join, debits, credits_ = block.data, b"".join, said.debits, said.credits
    # A copy of a hash that has taken its prefix is cheaper than a new one.
    begun = sha256(PLAIN_EVENT).copy
    heads: list[bytes] = []
    add = heads.append
    for row_at, row_end, debited, credited in zip(
        (block.starts[run] + len(SEALED_COUNT)).tolist(),
        block.content_end[run].tolist(),
        debit.tolist(),
        credit.tolist(),
        strict=True,
    ):
        hashed = begun()
        hashed.update(join((head, SEALED_COUNT, data[row_at:row_end], debits[debited], credits_[credited])))
        head = hashed.digest()
        add(head)
    return heads
