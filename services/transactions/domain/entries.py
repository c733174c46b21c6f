"""A batch's records as the fold takes them, and what must be looked up before they can be decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.transactions.domain.chart import Account
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState
from shared.runtime.work import Received

Entry = Received | Record
"""A plain instruction as it was received, or any other record read."""


def entry_of(received: Received, types: Mapping[str, TransactionType]) -> Entry:
    """Read a record as far as the fold needs it to be."""
    plain = received.message
    if plain.__class__ is not PlainInstruction:
        return Record(received, types)
    planned = types[plain.type].movements(plain.fields)
    if len(planned) != 1:
        return Record(received, types)
    plain.planned = planned[0]
    return received


def ids_asked_for(state: ShardState, batch: Sequence[Entry], *, instructions: bool) -> set[str]:
    """Return the ids whose first outcomes the decisions must know: either the instructions' own, which may
    have come before, or those of the pending transactions that they and compliance's answers name."""
    asked: set[str] = set()
    named: set[str] = set()
    for entry in batch:
        if isinstance(entry, Received):
            if instructions:
                asked.add(entry.message.instruction_id)
            continue
        if instructions and entry.is_instruction and entry.instruction_id is not None:
            asked.add(entry.instruction_id)
        pending_id = entry.pending_id
        if not instructions and pending_id is not None:
            # One that is named twice may be resolved by the first that names it.
            if pending_id in named or pending_id not in state.pendings:
                asked.add(pending_id)
            named.add(pending_id)
    return asked


@dataclass(slots=True)
class Wanted:
    """What a batch of one shard needs and the shard's memory lacks."""

    codes: set[str] = field(default_factory=set)
    """Accounts that nobody remembers; they may exist all the same."""
    rows: set[int] = field(default_factory=set)
    """Customers' accounts whose balance here has not been met."""
    short: set[int] = field(default_factory=set)
    """Accounts at home here whose funds were once short: what others credited them is asked beforehand."""


def find_ends(state: ShardState, batch: Sequence[Entry]) -> Wanted:
    """Look up the accounts that a batch names, set those of plain instructions, and say what is missing."""
    known = state.accounts.get
    rows = state.balances
    wanted = Wanted()
    met: set[int] | None = set() if state.short else None
    for entry in batch:
        if isinstance(entry, Received):
            plain = entry.message
            _, debit_code, credit_code, *_ = plain.planned
            debit = credit = None
            if debit_code.__class__ is str:
                debit = known(debit_code)
                if debit is None:
                    wanted.codes.add(debit_code)
                elif debit.account_id not in rows:
                    wanted.rows.add(debit.account_id)
            if credit_code.__class__ is str:
                credit = known(credit_code)
                if credit is None:
                    wanted.codes.add(credit_code)
                elif credit.account_id not in rows:
                    wanted.rows.add(credit.account_id)
            plain.debit = debit
            plain.credit = credit
            if met is not None and debit is not None:
                met.add(debit.account_id)
            continue
        for account in _accounts_of(state, entry, wanted):
            if account.account_id not in rows:
                wanted.rows.add(account.account_id)
            if met is not None:
                met.add(account.account_id)
    if met is not None:
        wanted.short = met & state.short
    return wanted


def _accounts_of(state: ShardState, entry: Record, wanted: Wanted) -> list[Account]:
    found: list[Account] = []
    for code in entry.accounts:
        account = state.accounts.get(code)
        if account is None:
            wanted.codes.add(code)
        else:
            found.append(account)
    if entry.pending_id is not None:
        pending = state.pendings.get(entry.pending_id)
        for leg in pending.legs if pending is not None else ():
            found += (leg.debit, leg.credit)
    return found


def touched(state: ShardState, batch: Sequence[Entry]) -> set[int]:
    """Return the accounts that a batch names, once its ends are found."""
    found: set[int] = set()
    for entry in batch:
        if isinstance(entry, Received):
            found.update(each.account_id for each in (entry.message.debit, entry.message.credit) if each)
        else:
            found.update(each.account_id for each in _accounts_of(state, entry, Wanted()))
    return found
