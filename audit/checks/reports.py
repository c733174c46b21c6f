"""Check 9: reports say what the movements say, at the vector they name."""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Final

from audit.amounts import spell_amount
from audit.evidence import JOURNAL, ReportRun
from audit.examination import MOVED, RESERVED, VOIDED, Examination
from audit.result import Result, Tally

HEADER: Final = (
    "entity",
    "class",
    "owner",
    "account",
    "asset",
    "opening",
    "debits",
    "credits",
    "closing",
    "debits_pending",
    "credits_pending",
)

DayKey = tuple[int, int, date]
"""Shard, account, booking date."""


def reports_equal_recomputation(examination: Examination) -> Result:
    """9: each trial balance equals one recomputed from movements; so do the sums it is made from."""
    tally = Tally(9, "reports = recomputation at their positions")
    evidence = examination.evidence
    if evidence.report_runs is None or evidence.account_days is None:
        tally.differs("reporting's tables were not read")
        return tally.result()
    _sums(tally, examination)
    for run in evidence.report_runs:
        where = f"report {run.report} {run.run_id}"
        tally.same(hashlib.sha256(run.body).hexdigest(), run.sha256, f"{where}: checksum")
        if run.report == "trial_balance":
            _trial_balance(tally, examination, run, where)
    return tally.result()


def days_at(examination: Examination, vector: Mapping[int, int]) -> dict[DayKey, list[int]]:
    """Debits, credits, debits and credits pending by shard, account and day, up to the vector's seqs."""
    days: dict[DayKey, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in examination.rows:
        if row.seq > vector.get(row.shard, 0) or row.kind not in MOVED | RESERVED | {VOIDED}:
            continue
        assert row.booking_date is not None
        for debited, credited, amount in examination.settlements.get((row.shard, row.seq), ()):
            days[row.shard, debited, row.booking_date][2] -= amount
            days[row.shard, credited, row.booking_date][3] -= amount
        for leg in examination.legs.get((row.shard, row.seq), ()):
            debit = days[row.shard, leg.debit_account, row.booking_date]
            credit = days[row.shard, leg.credit_account, row.booking_date]
            if row.kind in MOVED:
                debit[0] += leg.amount
                credit[1] += leg.amount
            if row.kind in RESERVED:
                debit[2] += leg.amount
                credit[3] += leg.amount
    return days


def _sums(tally: Tally, examination: Examination) -> None:
    """What reporting has added up of the events it has taken is what the ledger's rows add up to."""
    marks = examination.service("reporting").marks
    vector = {
        mark.source_shard: mark.last_seq
        for mark in marks
        if mark.topic == JOURNAL and mark.partition == mark.source_shard
    }
    expected = {
        (shard, examination.accounts[account].code, day): sums
        for (shard, account, day), sums in days_at(examination, vector).items()
    }
    found = {
        (each.shard, each.account, each.booking_date): [
            each.debits,
            each.credits,
            each.debits_pending,
            each.credits_pending,
        ]
        for each in examination.evidence.account_days or ()
    }
    for key in sorted(set(expected) | set(found)):
        wanted, sums = expected.get(key, [0, 0, 0, 0]), found.get(key, [0, 0, 0, 0])
        tally.same(wanted, sums, f"sums of shard {key[0]}, account {key[1]}, {key[2]}")


def _trial_balance(tally: Tally, examination: Examination, run: ReportRun, where: str) -> None:
    rows = [tuple(row) for row in csv.reader(io.StringIO(run.body.decode()))]
    tally.same(HEADER, rows[0] if rows else None, f"{where}: header")
    expected = _expected_rows(examination, run)
    found = rows[1:]
    tally.same(len(expected), len(found), f"{where}: rows")
    for wanted, row in zip(expected, found, strict=False):
        tally.same(wanted, row, where)


def _expected_rows(examination: Examination, run: ReportRun) -> list[tuple[str, ...]]:
    """Rows by entity, asset, class and account, of every account that moved by the day."""
    figures: dict[int, list[int]] = {}
    for (_, account_id, day), sums in days_at(examination, run.vector).items():
        if day > run.booking_date:
            continue
        opening, debits, credits, closing, reserved_out, reserved_in = figures.get(  # noqa: A001
            account_id, [0] * 6
        )
        balance = sums[1] - sums[0]
        today = day == run.booking_date
        figures[account_id] = [
            opening + (0 if today else balance),
            debits + (sums[0] if today else 0),
            credits + (sums[1] if today else 0),
            closing + balance,
            reserved_out + sums[2],
            reserved_in + sums[3],
        ]
    rows: list[tuple[str, ...]] = []
    for account_id, numbers in figures.items():
        account = examination.accounts[account_id]
        asset = examination.assets[account.asset_id]
        entity = examination.entities[account.entity_id]
        if run.parameters.get("entity") not in {None, entity}:
            continue
        amounts = (spell_amount(number, asset.scale) for number in numbers)
        rows.append((entity, account.account_class, account.owner, account.code, asset.code, *amounts))
    return sorted(rows, key=lambda row: (row[0], row[4], row[1], row[3]))
