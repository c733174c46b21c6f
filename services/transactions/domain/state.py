"""What a shard's writer remembers: committed facts only."""

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.transactions.domain.chart import Account, Dated
from services.transactions.domain.limits import Allowed
from services.transactions.domain.open_pendings import OpenPending
from services.transactions.domain.periods import Periods
from services.transactions.domain.stops import Closing, Freeze
from services.transactions.domain.value_dates import Ahead
from shared.messages.envelope import RiskClass

Row = list[int]
"""A shard's balance of an account: debits posted, credits posted, debits pending, credits pending."""


class Series(NamedTuple):
    """What accrues: what was posted of one is nothing of another's, in another asset or direction."""

    account: str
    """As it was named, whether there is one or not."""
    series: str
    asset: str
    direction: str


class Waiting(NamedTuple):
    """A request that waits for its day; nothing is reserved for it."""

    seq: int
    """Of its first outcome, where what it asks is kept."""
    instruction_id: str
    owner: str
    entity_id: int
    execute_on: date

    def is_due(self, day: date) -> bool:
        """Say whether its day has come by the entity's open business day."""
        return self.execute_on <= day


@dataclass(slots=True)
class ShardState:
    """One shard's memory: committed facts only, each as the database has it."""

    shard: int
    accounts: dict[str, Account]
    """Accounts met so far, of any shard and shared by all; what is not here may exist all the same."""
    balances: dict[int, Row] = field(default_factory=dict)
    """This shard's rows met so far."""
    freezes: dict[int, dict[str, Freeze]] = field(default_factory=dict)
    """Of the accounts at home here, all of them."""
    stopped: dict[int, int] = field(default_factory=dict)
    """Accounts at home here that something stops: directions or an amount frozen, closing, closed; no entry
    for none."""
    closing: dict[int, Closing] = field(default_factory=dict)
    """Accounts at home here that are closing, those looked at last at the end."""
    closed: dict[int, Closing] = field(default_factory=dict)
    """Accounts at home here that are closed, those looked at last at the end."""
    limits: dict[int, tuple[Dated[Allowed], ...]] = field(default_factory=dict)
    """Limits set since their opening on accounts at home here, in the order in which they were set."""
    days: dict[int, date] = field(default_factory=dict)
    """The open business day of every entity."""
    periods: dict[int, Periods] = field(default_factory=dict)
    """What of each entity's books is closed; no entry where all is open."""
    ahead: dict[int, Ahead] = field(default_factory=dict)
    """What this shard has posted on accounts at home here with its value on a day to come."""
    day_seq: int = 0
    """The event that opened the last business day of any entity; 0 before there was one."""
    day_kept: set[int] = field(default_factory=set)
    """Accounts of which what they held at that event is kept, since they have changed since; where it was
    kept before a claim, it may be lacking here."""
    carried: dict[int, date] = field(default_factory=dict)
    """Accounts at home here whose balance was carried over, with the last day for which one was."""
    accrued: dict[Series, int] = field(default_factory=dict)
    """Minor units posted of what accrues."""
    pendings: dict[str, OpenPending] = field(default_factory=dict)
    """By instruction id, all of them."""
    expiring: dict[int, dict[date, int]] = field(default_factory=dict)
    """By debited account and last day: how much of its debits pending stands no longer than that."""
    expiries: dict[date, dict[str, None]] = field(default_factory=dict)
    """By last day: the pending ones that stand no longer than that, in the order in which they came."""
    settling: dict[date, dict[str, None]] = field(default_factory=dict)
    """By contractual day: the trades that are to be settled then and have not failed, as they came."""
    arriving: dict[int, dict[date, int]] = field(default_factory=dict)
    """By credited account and contractual day: how much facts that are pending are to bring then."""
    scheduled: dict[str, Waiting] = field(default_factory=dict)
    """By instruction id, all that waits for its day."""
    schedule: dict[date, dict[str, None]] = field(default_factory=dict)
    """By that day: their ids, in the order in which they came."""
    risk_classes: dict[str, RiskClass] = field(default_factory=dict)
    """Of the customers at home here whom compliance has rated."""
    next_account: int = 1
    short: set[int] = field(default_factory=set)
    """Accounts whose funds here were once short: what others credited them is loaded beforehand."""
    unsaved: set[int] = field(default_factory=set)
    """Accounts of which the database has no row of this shard yet."""

    def meet(self, account_id: int, row: Row | None) -> None:
        """Remember an account's balance here as the database has it, or that there is none yet."""
        if row is None:
            self.unsaved.add(account_id)
        self.balances[account_id] = row or [0, 0, 0, 0]

    def index_pendings(self) -> None:
        """Work out, from the pending ones, what expires and what is to be settled when."""
        for pending in sorted(self.pendings.values(), key=lambda each: each.seq):
            self.index(pending)
            for leg in pending.legs:
                if pending.settles_on is not None and leg.credit.is_customer:
                    sums = self.arriving.setdefault(leg.credit.account_id, {})
                    sums[pending.settles_on] = sums.get(pending.settles_on, 0) + leg.amount
            if pending.expires_on is not None:
                for leg in pending.legs:
                    sums = self.expiring.setdefault(leg.debit.account_id, {})
                    sums[pending.expires_on] = sums.get(pending.expires_on, 0) + leg.amount

    def index_schedule(self) -> None:
        """Work out, from what is scheduled, what is due when."""
        for waiting in sorted(self.scheduled.values()):
            self.schedule.setdefault(waiting.execute_on, {})[waiting.instruction_id] = None

    def copied(self) -> "ShardState":
        """Return a state that can take changes without this one having them."""
        return ShardState(
            shard=self.shard,
            accounts=dict(self.accounts),
            balances=dict(self.balances),
            freezes=dict(self.freezes),
            stopped=dict(self.stopped),
            closing=dict(self.closing),
            closed=dict(self.closed),
            limits=dict(self.limits),
            days=dict(self.days),
            periods=dict(self.periods),
            ahead=dict(self.ahead),
            day_seq=self.day_seq,
            day_kept=set(self.day_kept),
            carried=dict(self.carried),
            accrued=dict(self.accrued),
            pendings=dict(self.pendings),
            expiring=dict(self.expiring),
            expiries={day: dict(ids) for day, ids in self.expiries.items()},
            arriving=dict(self.arriving),
            settling={day: dict(ids) for day, ids in self.settling.items()},
            scheduled=dict(self.scheduled),
            schedule={day: dict(ids) for day, ids in self.schedule.items()},
            risk_classes=dict(self.risk_classes),
            next_account=self.next_account,
            short=self.short,
            unsaved=set(self.unsaved),
        )

    def index(self, pending: OpenPending) -> None:
        """Find a pending one by the days on which it expires and is to be settled."""
        if pending.expires_on is not None:
            self.expiries.setdefault(pending.expires_on, {})[pending.instruction_id] = None
        if pending.settles_on is None:
            return
        if not pending.has_failed and pending.market_left():
            self.settling.setdefault(pending.settles_on, {})[pending.instruction_id] = None
        else:
            forget(self.settling, pending.settles_on, pending.instruction_id)


def forget(by_day: dict[date, dict[str, None]], day: date | None, instruction_id: str) -> None:
    """Take what waits for a day out of those of it, if it is among them."""
    if day is None or day not in by_day:
        return
    by_day[day].pop(instruction_id, None)
    if not by_day[day]:
        del by_day[day]
