"""Checks 1, 3, 4 and 6: the books by themselves, from movements and balances alone."""

import json
from collections import defaultdict
from datetime import date

from audit.amounts import LARGEST, BadAmount, read_amount
from audit.examination import MOVED, PENDING, POSTED, RESERVED, Examination, resolved_by
from audit.ledger_rows import Account, BalanceRow, FreezeRow, JournalRow
from audit.result import Result, Tally
from audit.wire import FACTS

Counters = list[int]
"""Debits posted, credits posted, debits pending, credits pending."""


def value_is_conserved(examination: Examination) -> Result:
    """1: in each asset, what was debited is what was credited, in movements and in balances."""
    tally = Tally(1, "conservation per asset")
    accounts = examination.accounts
    posted: dict[int, int] = defaultdict(int)
    for leg in examination.posted_legs():
        posted[leg.asset_id] += leg.amount
        ends = (accounts.get(leg.debit_account), accounts.get(leg.credit_account))
        agree = all(end is not None and end.asset_id == leg.asset_id for end in ends)
        tally.expect(agree, f"shard {leg.shard} seq {leg.seq} leg {leg.leg}: accounts and asset do not agree")
    debits: dict[int, int] = defaultdict(int)
    credits: dict[int, int] = defaultdict(int)  # noqa: A001 - the ledger's word
    for balance in examination.evidence.ledger.balances:
        account = accounts.get(balance.account_id)
        if account is None:
            tally.differs(f"balance of an unknown account {balance.account_id}")
            continue
        debits[account.asset_id] += balance.debits_posted
        credits[account.asset_id] += balance.credits_posted
    for asset_id in sorted(set(posted) | set(debits) | set(credits)):
        asset = examination.assets.get(asset_id)
        name = asset.code if asset else f"asset {asset_id}"
        tally.same(posted[asset_id], debits[asset_id], f"{name}: debits of balances")
        tally.same(posted[asset_id], credits[asset_id], f"{name}: credits of balances")
    _stock_record(tally, examination)
    return tally.result()


def _stock_record(tally: Tally, examination: Examination) -> None:
    """Of each security, what holders have is what the firm has at locations, entity by entity."""
    chart = examination.evidence.chart
    locations = {each.code for each in chart.classes if each.parent == "locations"}
    held: dict[tuple[int, int], int] = defaultdict(int)
    located: dict[tuple[int, int], int] = defaultdict(int)
    for balance in examination.evidence.ledger.balances:
        account = examination.accounts.get(balance.account_id)
        if account is None or examination.assets[account.asset_id].kind != "security":
            continue
        where = located if account.account_class in locations else held
        sign = -1 if account.account_class in locations else 1
        where[account.entity_id, account.asset_id] += sign * (balance.credits_posted - balance.debits_posted)
    for entity, asset_id in sorted(set(held) | set(located)):
        name = f"stock of {examination.assets[asset_id].code} in {examination.entities[entity]}"
        tally.same(located[entity, asset_id], held[entity, asset_id], name)


def balances_equal_their_movements(examination: Examination) -> Result:
    """3: each balance row's four counters are the sums of its shard's movements."""
    tally = Tally(3, "balances = sum of movements")
    expected: dict[tuple[int, int], Counters] = defaultdict(lambda: [0, 0, 0, 0])
    for row in examination.rows:
        number = (row.shard, row.seq)
        for leg in examination.legs.get(number, ()):
            debit, credit = expected[row.shard, leg.debit_account], expected[row.shard, leg.credit_account]
            if row.kind in RESERVED:
                debit[2] += leg.amount
                credit[3] += leg.amount
            elif row.kind in MOVED:
                debit[0] += leg.amount
                credit[1] += leg.amount
        pending = resolved_by(row)
        if pending is not None and number not in examination.settlements:
            tally.differs(f"shard {row.shard} seq {row.seq}: resolves {pending[1]}, which is not open")
        for debited, credited, amount in examination.settlements.get(number, ()):
            expected[row.shard, debited][2] -= amount
            expected[row.shard, credited][3] -= amount
    found = {(each.shard, each.account_id): _counters(each) for each in examination.evidence.ledger.balances}
    for place in sorted(set(expected) | set(found)):
        wanted = expected.get(place, [0, 0, 0, 0])
        tally.same(wanted, found.get(place, [0, 0, 0, 0]), f"shard {place[0]} account {place[1]}")
    resolved = {(each.shard, each.seq): each.resolved_seq for each in examination.evidence.ledger.pendings}
    still_open = examination.still_reserved
    for number, seq in resolved.items():
        tally.same(number in still_open, seq is None, f"pending {number}: open")
    tally.same(set(), set(still_open) - set(resolved), "pendings without a row")
    return tally.result()


def chains_have_no_gap(examination: Examination) -> Result:
    """4: `seq` runs from 1 without gaps, and each after-balance follows from the one before."""
    tally = Tally(4, "after-balances chain, seq gapless")
    last: dict[int, int] = defaultdict(int)
    balance: dict[tuple[int, int], int] = defaultdict(int)
    recorded: dict[int, JournalRow] = {}
    for row in examination.rows:
        tally.same(last[row.shard] + 1, row.seq, f"shard {row.shard}: next seq")
        last[row.shard] = row.seq
        before = recorded.get(row.shard)
        if (
            before is not None
            and before.recorded_at
            and row.recorded_at
            and before.recorded_at > row.recorded_at
        ):
            tally.differs(f"shard {row.shard} seq {row.seq}: recorded before seq {before.seq}")
        if before is not None and before.epoch > row.epoch:
            tally.differs(
                f"shard {row.shard} seq {row.seq}: written under an older epoch than seq {before.seq}"
            )
        recorded[row.shard] = row
        for position, leg in enumerate(examination.legs.get((row.shard, row.seq), ())):
            where = f"shard {row.shard} seq {row.seq} leg {leg.leg}"
            tally.same(position, leg.leg, f"{where}: leg number")
            debit, credit = (row.shard, leg.debit_account), (row.shard, leg.credit_account)
            if row.kind in MOVED:
                balance[debit] -= leg.amount
                balance[credit] += leg.amount
            tally.same(balance[debit], leg.debit_balance_after, f"{where}: debit side after")
            tally.same(balance[credit], leg.credit_balance_after, f"{where}: credit side after")
    for number in examination.legs:
        if number not in examination.row_of:
            tally.differs(f"movement of shard {number[0]} seq {number[1]} without a journal row")
    for shard in examination.service("transactions").shards:
        tally.same(shard.last_seq, last[shard.shard], f"shard {shard.shard}: last seq of the fence")
    return tally.result()


def limits_hold_at_every_prefix(examination: Examination) -> Result:
    """6: no request ever takes a customer below its limit; foreign credits it counts on were there."""
    tally = Tally(6, "no limit broken at any prefix")
    accounts = examination.accounts
    own: dict[tuple[int, int], Counters] = defaultdict(lambda: [0, 0, 0, 0])
    foreign = _foreign_credits(examination)
    seen_before: dict[int, int] = defaultdict(int)
    limits = _Limits(examination)
    frozen = _Frozen(examination)
    expiring = _Expiring(examination)
    for row in examination.rows:
        expiring.take(row)
        if row.kind == "InstructionApplied" and row.instruction_type == "change_limit":
            limits.set(row)
        seen = {int(key): int(value) for key, value in ((row.seen or {}).get("credits") or {}).items()}
        for account_id, amount in seen.items():
            where = f"shard {row.shard} seq {row.seq}: foreign credits of {account_id}"
            tally.expect(amount <= foreign.get(account_id, 0), f"{where}: {amount} were never there")
            tally.expect(amount >= seen_before[account_id], f"{where}: {amount} is less than seen before")
            seen_before[account_id] = amount
        for debited, credited, amount in examination.settlements.get((row.shard, row.seq), ()):
            own[row.shard, debited][2] -= amount
            own[row.shard, credited][3] -= amount
        if row.kind not in MOVED | RESERVED:
            continue
        for leg in examination.legs.get((row.shard, row.seq), ()):
            debit, credit = own[row.shard, leg.debit_account], own[row.shard, leg.credit_account]
            debit[2 if row.kind in RESERVED else 0] += leg.amount
            credit[3 if row.kind in RESERVED else 1] += leg.amount
            account = accounts.get(leg.debit_account)
            if account is None or account.owner == "house":
                continue
            where = f"shard {row.shard} seq {row.seq} leg {leg.leg}: {account.code}"
            tally.expect(account.shard == row.shard, f"{where} is debited away from home")
            limit = limits.in_force(account, row.booking_date)
            if limit is None or _may_pass_limit(row):
                continue
            reserved = debit[2] - expiring.gone(row, account.account_id)
            available = debit[1] - debit[0] - reserved + limit + seen.get(account.account_id, 0)
            kept = frozen.kept(account.account_id, row.seq)
            available -= kept
            says = f"{row.instruction_type} {row.kind}, debits {debit[0]}, credits {debit[1]}"
            says += f", reserved {reserved}, limit {limit}, frozen {kept}, seen elsewhere {row.seen}"
            tally.expect(available >= 0, f"{where} is {-available} beyond its limit ({says})")
    for balance in examination.evidence.ledger.balances:
        largest = max(_counters(balance))
        tally.expect(largest <= LARGEST, f"shard {balance.shard} account {balance.account_id}: overflow")
    return tally.result()


class _Limits:
    """The limits that the journal says were set so far, by account."""

    def __init__(self, examination: Examination) -> None:
        self.accounts = {account.code: account for account in examination.accounts.values()}
        self.scales = {asset_id: asset.scale for asset_id, asset in examination.assets.items()}
        self.set_so_far: dict[int, list[tuple[str, str | None, int | None]]] = defaultdict(list)

    def set(self, row: JournalRow) -> None:
        """Take one up from what was asked."""
        asked = json.loads(row.content or b"{}")
        account = self.accounts[asked["account"]]
        since = asked.get("valid_from") or str(row.booking_date)
        text = asked["limit"]
        minor = None if text is None else read_amount(text, self.scales[account.asset_id], zero_allowed=True)
        assert not isinstance(minor, BadAmount)
        self.set_so_far[account.account_id].append((since, asked.get("valid_until"), minor))

    def in_force(self, account: Account, day: date | None) -> int | None:
        """The limit of the last one set that holds on a day; none for unlimited."""
        minor = account.limit_minor
        for since, until, each in self.set_so_far.get(account.account_id, ()):
            if since <= str(day) and (until is None or str(day) < until):
                minor = each
        return minor


class _Frozen:
    """The amounts that freezes keep of what is available, by the tables."""

    def __init__(self, examination: Examination) -> None:
        self.freezes: dict[int, list[FreezeRow]] = defaultdict(list)
        for freeze in examination.evidence.ledger.freezes:
            if freeze.amount_minor is not None:
                self.freezes[freeze.account_id].append(freeze)

    def kept(self, account_id: int, seq: int) -> int:
        """What those keep that stand at an event of the account's home."""
        return sum(
            each.amount_minor or 0
            for each in self.freezes.get(account_id, ())
            if each.seq < seq and (each.lifted_seq is None or each.lifted_seq > seq)
        )


class _Expiring:
    """What is reserved up to some last day, and not posted or given back so far."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.left: dict[tuple[int, int], dict[int, tuple[str, int]]] = defaultdict(dict)
        """By shard and debited account: the seq that reserved it, its last day, and the amount."""

    def take(self, row: JournalRow) -> None:
        """Take up what an event reserves, and off what it settles."""
        asked = json.loads(row.content or b"{}") if row.kind == PENDING else {}
        if asked.get("expires_on") is not None:
            for leg in self.examination.legs.get((row.shard, row.seq), ()):
                self.left[row.shard, leg.debit_account][row.seq] = (asked["expires_on"], leg.amount)
        pending = resolved_by(row)
        for debited, _, amount in self.examination.settlements.get((row.shard, row.seq), ()):
            left = self.left[row.shard, debited]
            if pending is not None and pending[1] in left:
                last_day, before = left[pending[1]]
                left[pending[1]] = (last_day, before - amount)

    def gone(self, row: JournalRow, account_id: int) -> int:
        """What of it stands no longer on an event's booking date: the customer has it again."""
        left = self.left[row.shard, account_id].values()
        return sum(amount for last_day, amount in left if last_day < str(row.booking_date))


def _may_pass_limit(row: JournalRow) -> bool:
    """A fact has happened whatever the limit; what was reserved needs no funds again; some have a right."""
    if row.kind == POSTED and resolved_by(row) is not None:
        return True
    if row.instruction_type == "reversal":
        return bool(json.loads(row.content or b"{}").get("forced", False))
    if row.instruction_type == "group":
        return all(each["type"] in FACTS for each in (row.detail or {})["members"])
    return row.instruction_type in FACTS


def _foreign_credits(examination: Examination) -> dict[int, int]:
    """Per account, all that other shards than its home ever credited."""
    totals: dict[int, int] = defaultdict(int)
    for leg in examination.posted_legs():
        account = examination.accounts.get(leg.credit_account)
        if account is not None and account.shard != leg.shard:
            totals[account.account_id] += leg.amount
    return totals


def _counters(balance: BalanceRow) -> Counters:
    return [balance.debits_posted, balance.credits_posted, balance.debits_pending, balance.credits_pending]
