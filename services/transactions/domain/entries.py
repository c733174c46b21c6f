"""A batch's records as the fold takes them, and what must be looked up before they can be decided."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from services.transactions.domain.chart import Account
from services.transactions.domain.duties import Task
from services.transactions.domain.outside import Outside, Wanted
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import Planned, TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState
from shared.messages.partitioner import shard_of
from shared.messages.sealing import PartyKey
from shared.runtime.work import Received

Entry = Received | Record | Task
"""A plain instruction as it was received, any other record read, or what is due without one."""


class Entries:
    """One shard's records of a batch, in order."""

    __slots__ = ("all", "closely_read")

    def __init__(self) -> None:
        self.all: list[Entry] = []
        self.closely_read: list[Record | Task] = []
        """Those that are not plain instructions."""

    def add(
        self, received: Received, types: Mapping[str, TransactionType], keys: Mapping[str, PartyKey]
    ) -> None:
        """Read a record as far as the fold needs it to be, and seal what is personal in it."""
        if received.message.__class__ is PlainInstruction:
            if received.message.block is not None:
                received.message.seal(keys.get(received.message.owner))
            self.all.append(received)
        else:
            record = Record(received, types, keys)
            self.all.append(record)
            self.closely_read.append(record)

    def add_task(self, task: Task) -> None:
        """Put what is due behind what is there."""
        self.all.append(task)
        self.closely_read.append(task)


def instruction_ids(entries: Iterable[Entry]) -> set[str]:
    """Return the ids of a batch's instructions, any of which may have come before."""
    return {instruction_id for entry in entries for instruction_id in _ids_of(entry)}


def _ids_of(entry: Entry) -> Iterator[str]:
    """Give the id of an instruction, and of a group those of its members."""
    if isinstance(entry, Received):
        yield entry.message.instruction_id
    elif isinstance(entry, Record) and entry.is_instruction and entry.instruction_id is not None:
        yield entry.instruction_id
        yield from (each.instruction_id for each in entry.members)


def pending_ids(state: ShardState, records: Iterable[Record | Task]) -> set[str]:
    """Return the ids of pending transactions that instructions and answers name and nobody remembers."""
    asked: set[str] = set()
    named: set[str] = set()
    for record in records:
        pending_id = record.pending_id
        if pending_id is not None:
            # One that is named twice may be resolved by the first that names it, one that expires by a day.
            pending = state.pendings.get(pending_id)
            if pending_id in named or pending is None or pending.expires_on is not None:
                asked.add(pending_id)
            named.add(pending_id)
    return asked


def ids_not_claimed(records: Iterable[Record | Task]) -> set[str]:
    """Return ids of which it must be asked whether they have come before.

    A dry run claims none, and a group that is refused for its form none of its members'.
    """
    asked: set[str] = set()
    for each in records:
        if isinstance(each, Record):
            asked.update(member.instruction_id for member in each.members)
            if (each.dry_run or each.members) and each.instruction_id:
                asked.add(each.instruction_id)
    return asked


def containers(records: Iterable[Record | Task]) -> set[str]:
    """Return the codes of accounts that stand, if they are custody accounts, for all accounts within them."""
    return {
        code
        for each in records
        if isinstance(each, Record) and each.kind is not None and each.kind.effect.whole
        for code in each.accounts
    }


def originals(records: Iterable[Record | Task], partitions: int) -> set[tuple[int, str]]:
    """Return the posted transactions that instructions name, by the shard of their owner and their id."""
    named = (record.original for record in records if isinstance(record, Record))
    return {(shard_of(each[0], partitions), each[1]) for each in named if each is not None}


def items(records: Iterable[Record | Task], shard: int) -> set[int]:
    """Return the numbers of this shard's own events whose movements instructions name."""
    named = (record.item for record in records if isinstance(record, Record))
    return {each[1] for each in named if each is not None and each[0] == shard}


def wanted_by_plain(state: ShardState, entries: Iterable[Entry]) -> Wanted:
    """Say what is missing for plain instructions; the fold would say so, too, and have to begin again."""
    wanted = Wanted()
    accounts, balances = state.accounts, state.balances
    for entry in entries:
        if entry.__class__ is not Received:
            continue
        planned: Planned = entry.message.planned  # pyright: ignore[reportAttributeAccessIssue]
        for code in (planned[1], planned[2]):
            account = accounts.get(code)  # pyright: ignore[reportArgumentType] - a stand-in is not found
            if account is None:
                if code.__class__ is str:
                    wanted.codes.add(code)  # pyright: ignore[reportArgumentType]
            elif account.account_id not in balances:
                wanted.rows.add(account.account_id)
    return wanted


def wanted_by(state: ShardState, records: Iterable[Record | Task], outside: Outside) -> Wanted:
    """Say what is missing for records that are not plain."""
    wanted = Wanted()
    for record in records:
        for account in _accounts_of(state, record, wanted):
            if account.account_id not in state.balances:
                wanted.rows.add(account.account_id)
    for account in (*_accounts_moved(outside), *chain.from_iterable(outside.within.values())):
        if account.account_id not in state.balances:
            wanted.rows.add(account.account_id)
    wanted.codes.difference_update(outside.absent)
    return wanted


def _accounts_moved(outside: Outside) -> Iterator[Account]:
    """Give the accounts between which the transactions moved that a batch names."""
    for original in (*outside.originals.values(), *outside.items.values()):
        for leg in original.legs:
            yield leg.debit
            yield leg.credit


def _accounts_of(state: ShardState, record: Record | Task, wanted: Wanted) -> list[Account]:
    found: list[Account] = []
    for code in record.accounts:
        account = state.accounts.get(code)
        if account is None:
            wanted.codes.add(code)
        else:
            found.append(account)
    if record.pending_id is not None:
        pending = state.pendings.get(record.pending_id)
        for leg in pending.legs if pending is not None else ():
            found += (leg.debit, leg.credit)
    return found


def touched(state: ShardState, entries: Sequence[Entry], outside: Outside) -> set[int]:
    """Return the accounts that a batch names, of those that are remembered."""
    found = {account.account_id for account in _accounts_moved(outside)}
    for entry in entries:
        if isinstance(entry, Received):
            ends = entry.message.planned[1:3]
            named = (state.accounts.get(code) for code in ends if isinstance(code, str))
            accounts = [each for each in named if each is not None]
        else:
            accounts = _accounts_of(state, entry, Wanted())
        for each in accounts:
            found.add(each.account_id)
            if each.container_id is not None:
                found.add(each.container_id)
    return found


def short_ones(state: ShardState, entries: Iterable[Entry]) -> Collection[int]:
    """Return the accounts at home here that a batch may debit and whose funds were once short.

    What others credited them is asked beforehand.
    """
    short = state.short
    if not short:
        return ()
    found: set[int] = set()
    known = state.accounts.get
    for entry in entries:
        if isinstance(entry, Received):
            debit = known(entry.message.planned.debit)
            if debit is not None and debit.account_id in short:
                found.add(debit.account_id)
        else:
            accounts = _accounts_of(state, entry, Wanted())
            found.update(each.account_id for each in accounts if each.account_id in short)
    return found
