"""What one process remembers of the ledger, and how a shard's memory is read and dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.transactions.domain.changes import Changes
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.due import DUTIES
from services.transactions.domain.duties import Duty
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.seals import Chain
from services.transactions.domain.state import ShardState
from services.transactions.domain.stops import stops_of
from services.transactions.handlers.sealing import Keys
from services.transactions.store import (
    Connection,
    accounts,
    accruals,
    balances,
    carried,
    closing,
    limits,
    moving,
    periods,
    risk,
    scheduled,
    value_dates,
)
from services.transactions.transaction_types import TRANSACTION_TYPES
from shared.runtime.work import UnitOfWork

ACCOUNTS_REMEMBERED_MAX: Final = 500_000
"""Beyond this, what can be read again is forgotten at the next batch."""

TYPES: Final[Mapping[str, TransactionType]] = {each.code: each for each in TRANSACTION_TYPES}


@dataclass(slots=True)
class Memory:
    """What one process remembers of the ledger: the chart, and each shard it works."""

    chart: Chart
    keys: Keys | None = None
    """Owners' keys; without any this process only reads."""
    types: Mapping[str, TransactionType] = field(default_factory=lambda: TYPES)
    duties: Sequence[Duty] = DUTIES
    accounts: dict[str, Account] = field(default_factory=dict)
    shards: dict[int, ShardState] = field(default_factory=dict)
    work: UnitOfWork | None = None
    """The unit of work whose changes wait to be adopted."""
    waiting: list[Changes] = field(default_factory=list)
    chains: dict[int, Chain] = field(default_factory=dict)
    chains_ahead: dict[int, Chain] = field(default_factory=dict)
    """The chains after the unit of work that waits to be adopted."""
    repeats_expected: int = 0
    """For how many batches to come instructions are expected to repeat earlier ones."""
    parts_reach: int = 0
    """How far the journal's parts reach, as it was last seen."""

    def state_for(self, work: UnitOfWork, shard: int) -> ShardState:
        """Return what the next decision of this unit of work stands on.

        Its second call to the handler stands on a copy with the first one's changes laid on, since
        nothing that may still be rolled back may come into the memory.
        """
        if work is not self.work:
            self.work, self.waiting, self.chains_ahead = work, [], {}
        state = self.shards[shard]
        if not self.waiting:
            return state
        ahead = state.copied()
        for changes in self.waiting:
            if changes.state.shard == shard:
                changes.lay_on(ahead)
            ahead.accounts.update(changes.accounts)
        return ahead

    def adopt(self, work: UnitOfWork) -> None:
        """Take over the changes of a unit of work that is committed."""
        if self.keys is not None:
            self.keys.adopt(work)
        if work is not self.work:
            return
        for changes in self.waiting:
            state = self.shards.get(changes.state.shard)
            if state is not None:
                changes.lay_on(state)
        self.chains.update(self.chains_ahead)
        self.work, self.waiting, self.chains_ahead = None, [], {}
        if len(self.accounts) > ACCOUNTS_REMEMBERED_MAX:
            self._forget_what_can_be_read_again()

    def _forget_what_can_be_read_again(self) -> None:
        self.accounts.clear()
        self.accounts.update(self.chart.accounts)
        house = {account.account_id for account in self.chart.accounts.values()}
        for state in self.shards.values():
            state.short.clear()
            state.unsaved &= house
            for account_id in [each for each in state.balances if each not in house]:
                del state.balances[account_id]


async def load_shard(memory: Memory, connection: Connection, shard: int) -> None:
    """Read what a shard's writer must know from the start; the rest is read as it is met."""
    chart = memory.chart
    house = [account.account_id for account in chart.accounts.values()]
    rows = await balances.balances_of(connection, [shard] * len(house), house)
    freezes = await moving.freezes_at(connection, shard)
    closings = await closing.closings_at(connection, chart, shard)
    days = await moving.days_at(connection, chart, shard)
    ahead = await value_dates.ahead_at(connection, shard, days)
    masks = stops_of(freezes, closings, ahead)
    pendings = await moving.open_pendings(connection, chart, shard)
    memory.accounts.update(chart.accounts)
    state = ShardState(
        shard=shard,
        accounts=memory.accounts,
        freezes=freezes,
        stopped={account_id: mask for account_id, mask in masks.items() if mask},
        closing={each.account.account_id: each for each in closings if each.closed_seq is None},
        closed={each.account.account_id: each for each in closings if each.closed_seq is not None},
        limits=await limits.limits_at(connection, shard),
        days=days,
        ahead=ahead,
        day_seq=await value_dates.day_seq_at(connection, shard),
        carried=await carried.carried_at(connection, shard),
        accrued=await accruals.accrued_at(connection, shard),
        periods=await periods.periods_at(connection, shard),
        risk_classes=await risk.classes_at(connection, shard),
        pendings=pendings,
        scheduled=await scheduled.waiting_at(connection, shard),
        next_account=await accounts.next_account_number(connection, shard),
    )
    state.index_pendings()
    state.index_schedule()
    for account_id in house:
        state.meet(account_id, rows.get((shard, account_id)))
    memory.shards[shard] = state


def forget_shard(memory: Memory, shard: int) -> None:
    """Drop a shard's memory, and the accounts at home there."""
    memory.shards.pop(shard, None)
    memory.chains.pop(shard, None)
    if memory.keys is not None:
        memory.keys.forget(shard)
    for code in [each.code for each in memory.accounts.values() if each.shard == shard]:
        if code not in memory.chart.accounts:
            del memory.accounts[code]
