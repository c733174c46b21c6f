"""The changes a batch makes to what a shard's writer remembers, before they are committed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD, Account, Dated
from services.transactions.domain.claims import Claim
from services.transactions.domain.decisions import Decision, Leg
from services.transactions.domain.limits import Allowed, LimitSet
from services.transactions.domain.open_pendings import EndedTrade, OpenPending, Part
from services.transactions.domain.originals import MovementId, Original, Used, original_of
from services.transactions.domain.periods import ALL_OPEN, PeriodClosing, Periods
from services.transactions.domain.screening import UNRATED
from services.transactions.domain.state import Row, Series, ShardState, Waiting, forget
from services.transactions.domain.stops import AMOUNT_FROZEN, VALUE_AHEAD, Closing, Freeze, mask_of, shut_by
from services.transactions.domain.value_dates import (
    NONE_AHEAD,
    Ahead,
    DayBegun,
    DayOpening,
    Nets,
    Shift,
)
from shared.messages.envelope import HOUSE, RiskClass


@dataclass(slots=True)
class Changes:
    """What a batch changes, laid over the state while it is decided."""

    state: ShardState
    elsewhere: dict[str, Account]
    """Accounts that other shards open in the same batch, where both want the code."""
    accounts: dict[str, Account] = field(default_factory=dict)
    opened: list[tuple[Account, int]] = field(default_factory=list)
    """Accounts opened, with the seq that opened them."""
    balances: dict[int, Row] = field(default_factory=dict)
    freezes: dict[int, dict[str, Freeze]] = field(default_factory=dict)
    placed: list[tuple[int, str, str, int | None, str, int]] = field(default_factory=list)
    """Freezes placed: account, freeze, direction, amount, authority, seq."""
    lifted: list[tuple[int, str, int]] = field(default_factory=list)
    """Freezes lifted: account, freeze, seq."""
    stopped: dict[int, int] = field(default_factory=dict)
    closings: dict[int, Closing | None] = field(default_factory=dict)
    """Begun, gone on with or looked at, or none where an account was opened again."""
    closing_rows: dict[tuple[int, int], tuple[int | None, int | None]] = field(default_factory=dict)
    """(account, seq that began to close it) → (seq that closed it, seq that opened it again)."""
    limits: dict[int, tuple[Dated[Allowed], ...]] = field(default_factory=dict)
    limits_set: list[LimitSet] = field(default_factory=list)
    days: dict[int, date] = field(default_factory=dict)
    days_opened: list[tuple[int, date, int]] = field(default_factory=list)
    """Business days opened: entity, day, seq."""
    periods: dict[int, Periods] = field(default_factory=dict)
    periods_closed: list[PeriodClosing] = field(default_factory=list)
    ahead: dict[int, Ahead] = field(default_factory=dict)
    accrued: dict[Series, int] = field(default_factory=dict)
    accrued_by: dict[Series, tuple[int, int]] = field(default_factory=dict)
    """The same with the seq that did it last: rows to be written."""
    carried: dict[int, date] = field(default_factory=dict)
    carried_over: list[tuple[int, date, int]] = field(default_factory=list)
    """Balances carried over: account, booking date, seq."""
    valued: dict[tuple[int, Shift], tuple[int, int]] = field(default_factory=dict)
    """(account, value date and day of posting) → debits and credits posted so: to be added to its row."""
    days_begun: list[DayBegun] = field(default_factory=list)
    day_openings: list[DayOpening] = field(default_factory=list)
    day_kept: set[int] = field(default_factory=set)
    """Accounts of which what they held is kept since the last business day that was opened."""
    before: Mapping[int, Row] | None = None
    """Of a trial: balances as they were before the batch; else those of the state are."""
    risk_classes: dict[str, RiskClass] = field(default_factory=dict)
    rated: list[tuple[str, RiskClass, int]] = field(default_factory=list)
    """Customers rated: owner, class, seq."""
    pendings: dict[str, OpenPending | None] = field(default_factory=dict)
    """Opened, or none where one was resolved."""
    expiring: dict[int, dict[date, int]] = field(default_factory=dict)
    arriving: dict[int, dict[date, int]] = field(default_factory=dict)
    scheduled: dict[str, Waiting | None] = field(default_factory=dict)
    """What waits for its day, or none where it waits no longer."""
    put_off: list[Waiting] = field(default_factory=list)
    """What began to wait, and waits still or not."""
    waited: list[tuple[int, int]] = field(default_factory=list)
    """(seq of what was scheduled, seq that executed or cancelled it)."""
    pended: list[OpenPending] = field(default_factory=list)
    """Those opened, resolved since or not."""
    resolved: dict[int, int | None] = field(default_factory=dict)
    """Seq of the pending one → seq that resolved it; none where it is open again."""
    settled: list[tuple[int, int]] = field(default_factory=list)
    """(seq of the pending one, minor units posted of it); less than nothing where that was undone."""
    parts: dict[int, Part] = field(default_factory=dict)
    """Parts of trades that were settled, by the seq that posted them."""
    ended: dict[str, EndedTrade] = field(default_factory=dict)
    """Trades that were settled or cancelled, by instruction id, open again since or not."""
    posted: dict[str, Decision] = field(default_factory=dict)
    """What was pending and is posted now, by instruction id."""
    uses: dict[MovementId, Used] = field(default_factory=dict)
    """Movements used, as they are left."""
    used: list[tuple[MovementId, Used, int, int]] = field(default_factory=list)
    """Each use: of what, how it was left, the minor units used, the seq that did it."""
    cleared: list[tuple[int, int]] = field(default_factory=list)
    """(seq of the pending one, seq that said it need not wait for compliance)."""
    following: list[Decision] = field(default_factory=list)
    """What the decision being made says beside itself: events that stand behind its own, without a source."""
    next_account: int = 1
    firsts: dict[str, Decision | Claim] = field(default_factory=dict)
    """First outcomes in this batch, by instruction id; those of a group's members are its own."""

    def lay_on(self, state: ShardState) -> None:
        """Let a state have what the batch changed: the memory, once that is committed, or a copy of it."""
        state.accounts.update(self.accounts)
        state.balances.update(self.balances)
        state.unsaved.difference_update(self.balances)
        state.freezes.update(self.freezes)
        state.limits.update(self.limits)
        state.days.update(self.days)
        state.periods.update(self.periods)
        state.carried.update(self.carried)
        state.accrued.update(self.accrued)
        state.risk_classes.update(self.risk_classes)
        state.next_account = self.next_account
        if self.days_begun:
            state.day_seq = self.days_begun[-1].seq
            state.day_kept = set(self.day_kept)
        else:
            state.day_kept |= self.day_kept
        for account_id, mask in self.stopped.items():
            if mask:
                state.stopped[account_id] = mask
            else:
                state.stopped.pop(account_id, None)
        for account_id, ahead in self.ahead.items():
            if ahead.nets:
                state.ahead[account_id] = ahead
            else:
                state.ahead.pop(account_id, None)
        for mine, theirs in ((state.expiring, self.expiring), (state.arriving, self.arriving)):
            for account_id, sums in theirs.items():
                if sums:
                    mine[account_id] = sums
                else:
                    mine.pop(account_id, None)
        for account_id, closing in self.closings.items():
            state.closing.pop(account_id, None)
            state.closed.pop(account_id, None)
            if closing is not None:
                (state.closing if closing.closed_seq is None else state.closed)[account_id] = closing
        for instruction_id, waiting in self.scheduled.items():
            if waiting is None:
                gone = state.scheduled.pop(instruction_id, None)
                if gone is not None:
                    forget(state.schedule, gone.execute_on, instruction_id)
            else:
                state.scheduled[instruction_id] = waiting
                state.schedule.setdefault(waiting.execute_on, {})[instruction_id] = None
        for instruction_id, pending in self.pendings.items():
            before = state.pendings.pop(instruction_id, None) if pending is None else None
            if pending is not None:
                state.pendings[instruction_id] = pending
                state.index(pending)
            elif before is not None:
                forget(state.expiries, before.expires_on, instruction_id)
                forget(state.settling, before.settles_on, instruction_id)

    def find_account(self, code: str) -> Account | None:
        """Return the account of this code, if the state or the batch knows one."""
        return self.state.accounts.get(code) or self.accounts.get(code) or self.elsewhere.get(code)

    def take_number(self) -> int:
        """Number an account that is opened here."""
        number = self.next_account
        self.next_account = number + 1
        return self.state.shard * ACCOUNTS_PER_SHARD + number

    def read_row(self, account_id: int) -> Row:
        """Return a balance to look at."""
        row = self.balances.get(account_id)
        return self.state.balances[account_id] if row is None else row

    def row(self, account_id: int) -> Row:
        """Return a balance to change."""
        row = self.balances.get(account_id)
        if row is None:
            row = self.balances[account_id] = self.state.balances[account_id].copy()
        return row

    def freezes_of(self, account_id: int) -> dict[str, Freeze]:
        """Return all freezes of an account at home here."""
        return self.freezes.get(account_id) or self.state.freezes.get(account_id) or {}

    def set_freeze(self, account_id: int, freeze_id: str, freeze: Freeze) -> None:
        """Place or lift a freeze."""
        freezes = {**self.freezes_of(account_id), freeze_id: freeze}
        self.freezes[account_id] = freezes
        self.stop(account_id)

    def frozen_of(self, account_id: int) -> int:
        """Return how much of what is available on an account at home here its freezes keep."""
        mask = self.stopped.get(account_id)
        if mask is None:
            mask = self.state.stopped.get(account_id, 0)
        if not mask & AMOUNT_FROZEN:
            return 0
        return sum(each.amount or 0 for each in self.freezes_of(account_id).values() if not each.lifted)

    def closing_of(self, account_id: int) -> Closing | None:
        """Return how an account at home here is being closed, if it is."""
        if account_id in self.closings:
            return self.closings[account_id]
        return self.state.closing.get(account_id) or self.state.closed.get(account_id)

    def set_closing(self, closing: Closing) -> None:
        """Begin to close an account, or close it."""
        account_id = closing.account.account_id
        self.closings[account_id] = closing
        self.closing_rows[account_id, closing.seq] = (closing.closed_seq, None)
        self.stop(account_id)

    def open_again(self, closing: Closing, seq: int) -> None:
        """Open an account again that is closing or closed."""
        account_id = closing.account.account_id
        self.closings[account_id] = None
        self.closing_rows[account_id, closing.seq] = (closing.closed_seq, seq)
        self.stop(account_id)

    def stop(self, account_id: int) -> None:
        """Say anew what stops an account at home here: freezes, its closing, value that is ahead."""
        closing = self.closing_of(account_id)
        ahead = VALUE_AHEAD if self.ahead_of(account_id) else 0
        self.stopped[account_id] = mask_of(self.freezes_of(account_id)) | shut_by(closing) | ahead

    def allowed_of(self, account: Account, day: date) -> Allowed:
        """Return an account's limit on a booking date: the last one set that holds then, or its first."""
        account_id = account.account_id
        for allowed in reversed(self.limits.get(account_id) or self.state.limits.get(account_id) or ()):
            if allowed.holds(day):
                return allowed.value
        return Allowed(account.opening_limit)

    def set_limit(self, each: LimitSet) -> None:
        """Set a limit."""
        account_id = each.account_id
        earlier = self.limits.get(account_id) or self.state.limits.get(account_id) or ()
        self.limits[account_id] = (*earlier, each.allowed)
        self.limits_set.append(each)

    def day_of(self, entity_id: int) -> date:
        """Return the entity's open business day."""
        return self.days.get(entity_id) or self.state.days[entity_id]

    def periods_of(self, entity_id: int) -> Periods:
        """Return what of the entity's books is closed."""
        return self.periods.get(entity_id) or self.state.periods.get(entity_id) or ALL_OPEN

    def close_period(self, closing: PeriodClosing) -> None:
        """Close a period, softly or for good."""
        before = self.periods_of(closing.entity_id)
        self.periods[closing.entity_id] = before.after(closing.period, closing.state)
        self.periods_closed.append(closing)

    def accrued_of(self, series: Series) -> int:
        """Return what was posted of a series."""
        posted = self.accrued.get(series)
        return self.state.accrued.get(series, 0) if posted is None else posted

    def accrue(self, series: Series, posted: int, seq: int) -> None:
        """Note what has been posted of a series in all."""
        self.accrued[series] = posted
        self.accrued_by[series] = (posted, seq)

    def risk_class_of(self, owner: str | None) -> RiskClass | None:
        """Return the risk class of a customer at home here; the house has none."""
        if owner is None or owner == HOUSE:
            return None
        return self.risk_classes.get(owner) or self.state.risk_classes.get(owner) or UNRATED

    def rate(self, owner: str, risk_class: RiskClass, seq: int) -> None:
        """Note that compliance has rated a customer."""
        self.risk_classes[owner] = risk_class
        self.rated.append((owner, risk_class, seq))

    def carried_until(self, account_id: int) -> date | None:
        """Return the last day for which a balance of an account at home here was carried over."""
        return self.carried.get(account_id) or self.state.carried.get(account_id)

    def carry_over(self, account_id: int, day: date, seq: int) -> None:
        """Note that a balance was carried over."""
        self.carried[account_id] = day
        self.carried_over.append((account_id, day, seq))

    def ahead_of(self, account_id: int) -> Nets:
        """Return what is posted here on an account at home here with its value on a day to come."""
        ahead = self.ahead.get(account_id) or self.state.ahead.get(account_id)
        return NONE_AHEAD if ahead is None else ahead.nets

    def find_pending(self, instruction_id: str) -> OpenPending | None:
        """Return the transaction that waits under this id, if one does; one that has expired does not."""
        pending = self.find_reserved(instruction_id)
        if pending is None or self.has_expired(pending):
            return None
        return pending

    def find_scheduled(self, instruction_id: str) -> Waiting | None:
        """Return what waits for its day under this id, if something does."""
        if instruction_id in self.scheduled:
            return self.scheduled[instruction_id]
        return self.state.scheduled.get(instruction_id)

    def put_off_until(self, waiting: Waiting) -> None:
        """Keep a request until its day."""
        self.scheduled[waiting.instruction_id] = waiting
        self.put_off.append(waiting)

    def end_waiting(self, waiting: Waiting, seq: int) -> None:
        """Note what executed or cancelled a request that waited."""
        self.scheduled[waiting.instruction_id] = None
        self.waited.append((waiting.seq, seq))

    def find_reserved(self, instruction_id: str) -> OpenPending | None:
        """Return the transaction whose amounts are pending under this id, expired or not."""
        if instruction_id in self.pendings:
            return self.pendings[instruction_id]
        return self.state.pendings.get(instruction_id)

    def end_pending(self, pending: OpenPending, seq: int) -> None:
        """Note what resolved a transaction, of which nothing is pending any more."""
        self.pendings[pending.instruction_id] = None
        for leg in pending.legs:
            self.count_dated(pending, leg, -leg.amount)
        self.resolved[pending.seq] = seq

    def reopen_pending(self, pending: OpenPending, legs: Iterable[Leg], quantity: int) -> None:
        """Keep a trade of which these movements, so much of the first one, are pending again."""
        self.pendings[pending.instruction_id] = pending
        self.settled.append((pending.seq, -quantity))
        self.resolved[pending.seq] = None
        for leg in legs:
            self.count_dated(pending, leg, leg.amount)

    def has_expired(self, pending: OpenPending) -> bool:
        """Say whether a pending one stands no longer, though it may not have been given back yet."""
        return pending.has_expired(self.day_of(pending.legs[0].debit.entity_id))

    def open_pending(self, pending: OpenPending) -> None:
        """Keep a transaction that is now pending."""
        self.pendings[pending.instruction_id] = pending
        self.pended.append(pending)
        for leg in pending.legs:
            self.count_dated(pending, leg, leg.amount)

    def count_dated(self, pending: OpenPending, leg: Leg, amount: int) -> None:
        """Count what expires of a pending movement's debit and arrives of its credit; less if negative."""
        if pending.expires_on is not None:
            account_id = leg.debit.account_id
            self.expiring[account_id] = _plus(self._expiring_of(account_id), pending.expires_on, amount)
        if pending.settles_on is not None and leg.credit.is_customer:
            account_id = leg.credit.account_id
            self.arriving[account_id] = _plus(self._arriving_at(account_id), pending.settles_on, amount)

    def expired_of(self, account: Account, day: date) -> int:
        """Return what of an account's debits pending stands no longer: it is available again."""
        sums = self._expiring_of(account.account_id)
        return sum(amount for last_day, amount in sums.items() if last_day < day)

    def arriving_by(self, account: Account, day: date | None) -> int:
        """Return what facts that are pending bring to an account by a day; nothing where none is named."""
        if day is None:
            return 0
        sums = self._arriving_at(account.account_id)
        return sum(amount for settles_on, amount in sums.items() if settles_on <= day)

    def _expiring_of(self, account_id: int) -> dict[date, int]:
        sums = self.expiring.get(account_id)
        return self.state.expiring.get(account_id, {}) if sums is None else sums

    def use(self, movement: MovementId, before: Used, amount: int, seq: int) -> None:
        """Use up so much of a movement."""
        after = Used(before.parts + 1, before.left - amount)
        self.uses[movement] = after
        self.used.append((movement, after, amount, seq))

    def _arriving_at(self, account_id: int) -> dict[date, int]:
        sums = self.arriving.get(account_id)
        return self.state.arriving.get(account_id, {}) if sums is None else sums

    def find_original(self, shard: int, instruction_id: str) -> Original | None:
        """Return what the batch made of an instruction of this shard; what came of it before is outside."""
        if shard != self.state.shard:
            return None
        decision = self.posted.get(instruction_id) or self.firsts.get(instruction_id)
        if decision is None:
            return None
        if isinstance(decision, Claim):
            return Original(shard, decision.seq, "group", "", (), is_member=True)
        return original_of(shard, decision)._replace(part=self.parts.get(decision.seq))


def _plus(sums: dict[date, int], day: date, amount: int) -> dict[date, int]:
    """Return the sums with so much more, or less, on a day; none of nothing."""
    added = {**sums, day: sums.get(day, 0) + amount}
    if not added[day]:
        del added[day]
    return added
