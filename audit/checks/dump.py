"""Check 14: a canonical dump hashes the same for any run of the same per-shard order.

The faultless run is the model's: it handles the same records one at a time, in the order the journal says
they were taken, and never crashes. Times, epochs, seals and what was seen of other shards are left out.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from audit.examination import Examination
from audit.ledger_rows import MovementRow
from audit.result import Result, Tally
from audit.wire import HOUSE


def runs_of_one_order_are_equal(examination: Examination) -> Result:
    """14: the tables hash as the model's do, and as an earlier run's where one was given."""
    tally = Tally(14, "canonical dump hash")
    tables = list(dump_of_tables(examination))
    model = list(dump_of_model(examination))
    tally.counted = len(tables)
    if hash_of(tables) != hash_of(model):
        missing = sorted(set(model) - set(tables))
        surplus = sorted(set(tables) - set(model))
        for line in missing:
            tally.differs(f"only in the model: {line}")
        for line in surplus:
            tally.differs(f"only in the tables: {line}")
        if not missing and not surplus:
            tally.differs("lines repeat")
    expected = examination.evidence.expected_hash
    if expected is not None:
        tally.same(expected, hash_of(tables), "the other run's hash")
    return tally.result()


def hash_of(lines: Iterable[str]) -> str:
    """SHA-256 of the sorted lines."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def dump_of_tables(examination: Examination) -> Iterator[str]:
    """Spell the ledger's tables, ids replaced by codes."""
    accounts, assets = examination.accounts, examination.assets
    ledger = examination.evidence.ledger
    for row in examination.rows:
        yield _line("journal", row.shard, row.seq, row.kind, row.about_seq, row.reason, row.booking_date)
    for leg in ledger.movements:
        yield _line(
            "movement", leg.shard, leg.seq, leg.leg, leg.kind, *_ends(examination, leg),
            assets[leg.asset_id].code, leg.amount, leg.debit_balance_after, leg.credit_balance_after,
        )  # fmt: skip
    for each in ledger.balances:
        counters = (each.debits_posted, each.credits_posted, each.debits_pending, each.credits_pending)
        if any(counters):
            yield _line("balance", each.shard, accounts[each.account_id].code, *counters)
    for key in ledger.keys:
        yield _line("key", key.shard, key.instruction_id, key.seq)
    for pending in ledger.pendings:
        yield _line(
            "pending", pending.shard, pending.seq, pending.instruction_id, pending.resolved_seq,
            pending.screening, pending.cleared_seq, pending.settled_minor,
        )  # fmt: skip
    for waiting in ledger.scheduled:
        entity = examination.entities[waiting.entity_id]
        yield _line("scheduled", waiting.shard, waiting.seq, entity, waiting.execute_on, waiting.ended_seq)
    for freeze in ledger.freezes:
        code = accounts[freeze.account_id].code
        yield _line(
            "freeze", code, freeze.freeze_id, freeze.direction, freeze.amount_minor, freeze.seq,
            freeze.lifted_seq,
        )  # fmt: skip
    for each in ledger.closings:
        yield _line("closing", accounts[each.account_id].code, each.seq, each.closed_seq, each.reopened_seq)
    for limit in ledger.limits:
        yield _line(
            "limit", accounts[limit.account_id].code, limit.seq, limit.limit_minor, limit.cap_minor,
            limit.valid_from, limit.valid_until, limit.authority,
        )  # fmt: skip
    for undone in ledger.reversed:
        yield _line(
            "reversed", undone.shard, undone.original_shard, undone.original_seq, undone.leg, undone.part,
            undone.amount, undone.left_minor, undone.seq,
        )  # fmt: skip
    for day in ledger.days:
        yield _line("day", day.shard, examination.entities[day.entity_id], day.booking_date, day.seq)
    for each in ledger.day_balances:
        yield _line(
            "valued", each.shard, accounts[each.account_id].code, each.value_date, each.posted_on,
            each.debits, each.credits,
        )  # fmt: skip
    for each in ledger.day_openings:
        code = accounts[each.account_id].code
        yield _line("opening", each.shard, each.seq, code, each.debits, each.credits)
    for each in ledger.accruals:
        yield _line(
            "accrual", each.shard, each.account, each.series, each.asset, each.direction, each.posted_minor,
            each.seq,
        )  # fmt: skip
    for each in ledger.risks:
        yield _line("risk", each.shard, each.owner, each.seq, each.risk_class)
    for each in ledger.carried:
        yield _line("carried", each.shard, accounts[each.account_id].code, each.booking_date, each.seq)
    for each in ledger.periods:
        yield _line(
            "period", each.shard, examination.entities[each.entity_id], each.first_day, each.last_day,
            each.state, each.seq,
        )  # fmt: skip
    for account in ledger.accounts:
        if account.opened_seq:
            yield _line(
                "account", account.shard, account.opened_seq, account.code, account.owner,
                examination.entities[account.entity_id], assets[account.asset_id].code,
                account.account_class, account.limit_minor, account.container,
            )  # fmt: skip


def dump_of_model(examination: Examination) -> Iterator[str]:
    """Spell what the model came to in the same way."""
    replay = examination.replay
    for (shard, seq), said in replay.predictions.items():
        yield _line("journal", shard, seq, said.kind, said.about_seq, said.reason, said.booking_date)
        for number, leg in enumerate(said.movements):
            yield _line(
                "movement", shard, seq, number, leg.kind, leg.debit, leg.credit, leg.asset, leg.amount,
                leg.debit_after, leg.credit_after,
            )  # fmt: skip
    for state in replay.shards.values():
        for code, counters in state.balances.items():
            if any(counters):
                yield _line("balance", state.shard, code, *counters)
        for instruction_id, known in state.known.items():
            yield _line("key", state.shard, instruction_id, known.seq)
        for seq, pending in state.pendings.items():
            yield _line(
                "pending", state.shard, seq, pending.instruction_id, pending.resolved_seq,
                pending.screening, pending.cleared_seq, pending.settled,
            )  # fmt: skip
        for seq, waiting in state.scheduled.items():
            yield _line("scheduled", state.shard, seq, waiting.entity, waiting.execute_on, waiting.ended_seq)
        for freeze in state.freezes.values():
            yield _line(
                "freeze", freeze.account, freeze.freeze_id, freeze.direction, freeze.amount, freeze.seq,
                freeze.lifted_seq,
            )  # fmt: skip
        for each in state.closings:
            yield _line("closing", each.account, each.seq, each.closed_seq, each.reopened_seq)
        for limit in state.limits:
            yield _line(
                "limit", limit.account, limit.seq, limit.minor, limit.cap, limit.valid_from,
                limit.valid_until, limit.authority,
            )  # fmt: skip
        for place, uses in state.used.items():
            for number, use in enumerate(uses, start=1):
                yield _line("reversed", state.shard, *place, number, use.amount, use.left, use.seq)
        for (entity, booking_date), seq in state.days.items():
            yield _line("day", state.shard, entity, booking_date, seq)
        for (code, *days), sums in state.valued.items():
            if examination.account_by_code[code].owner != HOUSE:
                yield _line("valued", state.shard, code, *days, *sums)
        for seq, *opening in state.day_openings():
            yield _line("opening", state.shard, seq, *opening)
        for series, posted in state.accruals.items():
            yield _line("accrual", state.shard, *series, *posted)
        for owner, given, seq in state.risks:
            yield _line("risk", state.shard, owner, seq, given)
        for seq, (code, day) in state.carried_over.items():
            yield _line("carried", state.shard, code, day, seq)
        for step in state.periods:
            yield _line(
                "period", state.shard, step.entity, step.first_day, step.last_day, step.state, step.seq
            )
        for account in state.opened.values():
            yield _line(
                "account", state.shard, account.opened_seq, account.code, account.owner, account.entity,
                account.asset, account.account_class, account.limit_minor, account.container,
            )  # fmt: skip


def _ends(examination: Examination, leg: MovementRow) -> Sequence[str]:
    return [examination.accounts[end].code for end in (leg.debit_account, leg.credit_account)]


def _line(*parts: object) -> str:
    return "|".join("" if part is None else str(part) for part in parts)
