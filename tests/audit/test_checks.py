"""Each check finds the difference planted for it, and none where the books are honest."""

import dataclasses
import datetime
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.checks import CHECKS, examine
from audit.checks.events import rebuilt
from audit.evidence import DECISIONS, INSTRUCTIONS, JOURNAL, Evidence, Grant, ReportRun, Sample
from audit.examination import Examination
from audit.result import failed
from audit.runtime_rows import PassedOverRow
from tests.audit.honest import ALICE, BOB, Upstream, books

A, B = f"{ALICE}-EUR", f"{BOB}-EUR"


def day_in_the_life() -> Evidence:
    """Every kind of row: postings at home and abroad, a rejection, a duplicate, a freeze, a decision."""
    upstream = Upstream()
    upstream.open_day(1, "2026-01-05")
    upstream.send("open_account", ALICE, 2, account=A, entity="BANK", asset="EUR", limit="10.00")
    upstream.send("open_account", BOB, 3, account=B, entity="BANK", asset="EUR")
    upstream.send("deposit", ALICE, 4, account=A, amount="3000.00", asset="EUR")
    upstream.send("deposit", ALICE, 4, account=A, amount="3000.00", asset="EUR")
    upstream.send("transfer", ALICE, 5, debit_account=A, credit_account=B, amount="40.00", asset="EUR")
    upstream.send("transfer", ALICE, 6, debit_account=A, credit_account=B, amount="50.00", asset="EUR")
    upstream.send("withdrawal", BOB, 7, account=B, amount="500.00", asset="EUR")
    upstream.send("freeze_account", BOB, 8, account=B, freeze_id="F", authority="court", direction="debit")
    upstream.raw(b"nobody can read this", key=BOB.encode())
    upstream.send("withdrawal", ALICE, 9, account=A, amount="1500.00", asset="EUR")
    upstream.decide(0, 1, 9, "cleared", ALICE, upstream.records[-1].value or b"", first=7)
    upstream.send("fee", BOB, 10, account=B, amount="1.00", asset="EUR")
    upstream.send("change_limit", ALICE, 11, account=A, limit="60.00", authority="committee")
    upstream.send("withdrawal", ALICE, 12, account=A, amount="900.00", asset="EUR")
    upstream.send("withdrawal", ALICE, 13, account=A, amount="560.00", asset="EUR")
    upstream.send("fee", ALICE, 14, account=A, amount="3.00", asset="EUR", dry_run=True)
    upstream.send("withdrawal", ALICE, 15, account=A, amount="9000.00", asset="EUR", dry_run=True)
    upstream.send("withdrawal", ALICE, 13, account=A, amount="560.00", asset="EUR", dry_run=True)
    upstream.send("fee", ALICE, 14, account=A, amount="1.00", asset="EUR")
    upstream.send("reserve", ALICE, 16, account=A, amount="3.00", asset="EUR", expires_on="2026-01-05")
    upstream.open_day(17, "2026-01-06")
    upstream.give_back(0, 16, number=16)
    upstream.send("withdrawal", ALICE, 18, account=A, amount="50.00", asset="EUR")
    undo: dict[str, Any] = {"original_id": str(UUID(int=5)), "original_owner": ALICE}
    early = {"originals": {str(UUID(int=5)): "original_unknown"}}
    upstream.send("reversal", BOB, 24, **undo, seen=early)
    upstream.send("unfreeze_account", BOB, 25, account=B, freeze_id="F")
    upstream.send("reversal", BOB, 26, **undo)
    upstream.send("reversal", BOB, 27, **undo)
    right: dict[str, Any] = {
        "forced": True,
        "reason": "an error",
        "entered_by": "op:jane",
        "approved_by": "op:joe",
    }
    upstream.send("reversal", ALICE, 28, original_id=str(UUID(int=4)), **right)
    return books(upstream)


def change(rows: list, index: int, **fields: object) -> None:  # type: ignore[type-arg]
    """Put a changed row in the place of another."""
    rows[index] = dataclasses.replace(rows[index], **fields)


def test_honest_books_pass_every_check() -> None:
    """Else no finding would mean anything."""
    results = examine(Examination(day_in_the_life()))
    assert [f"{each.name}: {each.first_difference}" for each in failed(results)] == []
    assert len(results) == len(CHECKS) == 17


def test_a_group_that_was_reserved_while_it_was_screened_needs_no_funds_again() -> None:
    """A fact may take what is left meanwhile: what was set aside is posted all the same."""
    upstream = Upstream()
    upstream.open_day(1, "2026-01-05")
    upstream.send("open_account", ALICE, 2, account=A, entity="BANK", asset="EUR", limit="0")
    upstream.send("deposit", ALICE, 3, account=A, amount="2000.00", asset="EUR")
    members = [
        {"type": kind, "instruction_id": str(UUID(int=number)), "owner": ALICE, "account": A, **money}
        for kind, number, money in (
            ("withdrawal", 5, {"amount": "1500.00", "asset": "EUR"}),
            ("fee", 6, {"amount": "1.00", "asset": "EUR"}),
        )
    ]
    upstream.send("group", ALICE, 4, members=members)
    asked = upstream.records[-1].value or b""
    upstream.send("fee", ALICE, 7, account=A, amount="1200.00", asset="EUR")
    evidence = books(upstream)
    reserved = next(row for row in evidence.ledger.journal if row.kind == "TransactionPending")
    upstream.decide(0, 1, 4, "cleared", ALICE, asked, first=reserved.seq)
    evidence = books(upstream)
    (posted,) = (row for row in evidence.ledger.journal if row.about_seq == reserved.seq)
    assert posted.kind == "TransactionPosted"
    found = {each.number: each for each in failed(examine(Examination(evidence)))}
    assert 6 not in found, found[6].first_difference


@pytest.mark.parametrize("kind", ["PendingCleared", "DecisionWithoutEffect", "DuplicateReceived"])
def test_an_event_that_points_to_a_first_outcome_does_not_repeat_it(kind: str) -> None:
    """What was asked stands in the event that it points to, and an auditor must not want it twice."""
    evidence = day_in_the_life()
    (first, *_) = [row for row in evidence.ledger.journal if row.kind == "TransactionPending"]
    row = dataclasses.replace(first, seq=99, kind=kind, about_seq=first.seq, content=None, booking_date=None)
    evidence.ledger.journal.append(row)
    said = rebuilt(Examination(evidence), row)
    assert said["first"] == {"shard": first.shard, "seq": first.seq}
    assert not {"instruction", "content_hash"} & set(said)


Plant = Callable[[Evidence], None]


def _forget_credit_side(evidence: Evidence) -> None:
    change(evidence.ledger.balances, 0, credits_posted=evidence.ledger.balances[0].credits_posted + 1)


def _post_twice(evidence: Evidence) -> None:
    """The duplicate is posted like the first: conserved, balanced, chained, and wrong all the same."""
    ledger = evidence.ledger
    index = next(n for n, row in enumerate(ledger.journal) if row.kind == "DuplicateReceived")
    again = ledger.journal[index]
    first = next(row for row in ledger.journal if (row.shard, row.seq) == (again.shard, again.about_seq))
    change(ledger.journal, index, kind="TransactionPosted", about_seq=None, content=first.content)


def _keep_other_content(evidence: Evidence) -> None:
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.instruction_id == UUID(int=5))
    content = (evidence.ledger.journal[index].content or b"").replace(b"40.00", b"40.0")
    change(evidence.ledger.journal, index, content=content)


def _remember_nothing(evidence: Evidence) -> None:
    evidence.ledger.keys.clear()


def _wrong_chain(evidence: Evidence) -> None:
    change(evidence.ledger.movements, 0, credit_balance_after=7)


def _gap(evidence: Evidence) -> None:
    evidence.ledger.journal.pop(2)


def _lose_a_record(evidence: Evidence) -> None:
    records = evidence.topics[INSTRUCTIONS]
    last = [each for each in records if each.partition == 0][-1]
    records.append(dataclasses.replace(last, offset=last.offset + 1))
    _move(evidence, last.partition, last.offset + 2)


def _move(evidence: Evidence, partition: int, offset: int) -> None:
    positions = evidence.services["transactions"].positions
    for index, each in enumerate(positions):
        if (each.topic, each.partition) == (INSTRUCTIONS, partition):
            change(positions, index, next_offset=offset)


def _swallow_a_dead_letter(evidence: Evidence) -> None:
    evidence.services["transactions"].dead_letters.clear()


def _give_a_record_two_fates(evidence: Evidence) -> None:
    journal = evidence.ledger.journal
    mine = [n for n, row in enumerate(journal) if row.shard == 1 and row.topic == INSTRUCTIONS]
    change(journal, mine[-1], offset=journal[mine[-2]].offset)


def _pass_over_what_nobody_told(evidence: Evidence) -> None:
    gone = PassedOverRow(INSTRUCTIONS, 1, 900, 905, UUID(int=1), "ann", "bea")
    evidence.services["transactions"].passed_over.append(gone)


def _swap_an_owners_order(evidence: Evidence) -> None:
    journal = evidence.ledger.journal
    mine = [n for n, row in enumerate(journal) if row.owner == ALICE and row.topic == INSTRUCTIONS]
    first, second = journal[mine[0]].offset, journal[mine[1]].offset
    change(journal, mine[0], offset=second)
    change(journal, mine[1], offset=first)


def _overdraw(evidence: Evidence) -> None:
    accounts = evidence.ledger.accounts
    index = next(n for n, account in enumerate(accounts) if account.code == A)
    change(accounts, index, limit_minor=0)
    legs = evidence.ledger.movements
    row = next(row for row in evidence.ledger.journal if row.instruction_id == UUID(int=5))
    leg = next(n for n, leg in enumerate(legs) if (leg.shard, leg.seq) == (row.shard, row.seq))
    change(legs, leg, amount=3_000_01)


def _lose_a_limit(evidence: Evidence) -> None:
    """Its row, which the model has; and what was asked, so that the check by itself finds it too."""
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.instruction_id == UUID(int=11))
    content = evidence.ledger.journal[index].content or b""
    change(evidence.ledger.journal, index, content=content.replace(b"60.00", b"10.00"))
    evidence.ledger.limits.clear()


def _tell_of_other_balances(evidence: Evidence) -> None:
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.kind == "DryRunJudged")
    detail = evidence.ledger.journal[index].detail or {}
    told = [{**each, "debit": "0.01"} for each in detail["balances_after"]]
    change(evidence.ledger.journal, index, detail={**detail, "balances_after": told})


def _carry_a_dry_run_out(evidence: Evidence) -> None:
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.kind == "DryRunJudged")
    change(evidence.ledger.journal, index, kind="InstructionRejected", reason="amount_zero")


def _give_back_too_early(evidence: Evidence) -> None:
    """The reserve would have stood for another day."""
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.instruction_type == "reserve")
    records = evidence.topics[INSTRUCTIONS]
    place = evidence.ledger.journal[index].place
    number = next(n for n, each in enumerate(records) if each.place == place)
    change(records, number, value=(records[number].value or b"").replace(b"2026-01-05", b"2026-01-06"))


def _keep_what_has_expired(evidence: Evidence) -> None:
    """The writer goes on for a quarter of an hour, and does not give it back."""
    journal = evidence.ledger.journal
    journal.remove(next(row for row in journal if row.reason == "expired"))
    last = journal[-1]
    assert last.recorded_at is not None
    change(journal, -1, recorded_at=last.recorded_at + datetime.timedelta(minutes=15))


def _see_credits_that_never_were(evidence: Evidence) -> None:
    index = next(n for n, row in enumerate(evidence.ledger.journal) if row.instruction_id == UUID(int=7))
    bob = next(account.account_id for account in evidence.ledger.accounts if account.code == B)
    change(evidence.ledger.journal, index, seen={"credits": {str(bob): 9001}})


def _change_an_event(evidence: Evidence) -> None:
    records = evidence.topics[JOURNAL]
    index = next(n for n, each in enumerate(records) if b'"amount": "40.00"' in (each.value or b""))
    change(records, index, value=(records[index].value or b"").replace(b"40.00", b"41.00"))


def _lose_a_secondary(evidence: Evidence) -> None:
    records = evidence.topics[JOURNAL]
    records.remove(next(each for each in records if dict(each.headers)["copy"] == b"secondary"))


def _repeat_with_other_bytes(evidence: Evidence) -> None:
    records = evidence.topics[JOURNAL]
    records.append(dataclasses.replace(records[0], offset=10_000, value=b"{}"))


def _miscount_a_day(evidence: Evidence) -> None:
    days = list(evidence.account_days or ())
    change(days, 0, debits=days[0].debits + 1)
    evidence.account_days = days


def _publish_a_false_report(evidence: Evidence) -> None:
    day = evidence.ledger.days[0].booking_date
    evidence.report_runs = [ReportRun("1", "trial_balance", day, {0: 1}, b"entity\n", "0" * 64)]


def _clear_what_was_not_asked(evidence: Evidence) -> None:
    records = evidence.topics[DECISIONS]
    body = json.loads(records[0].value or b"")
    body["instruction_id"] = str(UUID(int=99))
    change(records, 0, value=json.dumps(body).encode())


def _let_a_service_look_around(evidence: Evidence) -> None:
    evidence.grants = [
        *(evidence.grants or ()),
        Grant("compliance_service", "transactions", "journal", "SELECT", held=True),
    ]


def _let_a_service_edit_facts(evidence: Evidence) -> None:
    evidence.grants = [
        *(evidence.grants or ()),
        Grant("transactions_service", "transactions", "journal", "UPDATE", held=True),
    ]


def _stay_behind(evidence: Evidence) -> None:
    positions = evidence.services["reporting"].positions
    change(positions, 0, next_offset=positions[0].next_offset - 1)


def _halt(evidence: Evidence) -> None:
    change(evidence.services["compliance"].shards, 0, halted="somebody must look")


def _grow(evidence: Evidence) -> None:
    evidence.samples = [
        Sample(n, {"transactions": 0}, 5 if n < 8 else 50, {"transactions-0": 100}) for n in range(12)
    ]


def _overlook_a_freeze(evidence: Evidence) -> None:
    change(evidence.ledger.freezes, 0, direction="both", lifted_seq=None)
    for index, row in enumerate(evidence.ledger.journal):
        if row.shard == 0 and row.recorded_at is not None:
            change(evidence.ledger.journal, index, recorded_at=row.recorded_at + timedelta(hours=1))


def _be_another_run(evidence: Evidence) -> None:
    evidence.expected_hash = "0" * 64


PLANTED: list[tuple[Plant, int]] = [
    (_forget_credit_side, 1),
    (_forget_credit_side, 3),
    (_forget_credit_side, 14),
    (_post_twice, 2),
    (_keep_other_content, 2),
    (_remember_nothing, 2),
    (_give_back_too_early, 2),
    (_keep_what_has_expired, 13),
    (_tell_of_other_balances, 2),
    (_tell_of_other_balances, 8),
    (_carry_a_dry_run_out, 2),
    (_wrong_chain, 4),
    (_gap, 4),
    (_lose_a_record, 5),
    (_swallow_a_dead_letter, 5),
    (_give_a_record_two_fates, 5),
    (_pass_over_what_nobody_told, 5),
    (_swap_an_owners_order, 7),
    (_overdraw, 6),
    (_lose_a_limit, 6),
    (_lose_a_limit, 14),
    (_see_credits_that_never_were, 6),
    (_change_an_event, 8),
    (_lose_a_secondary, 8),
    (_repeat_with_other_bytes, 8),
    (_miscount_a_day, 9),
    (_publish_a_false_report, 9),
    (_clear_what_was_not_asked, 10),
    (_let_a_service_look_around, 12),
    (_let_a_service_edit_facts, 12),
    (_stay_behind, 13),
    (_halt, 13),
    (_grow, 13),
    (_be_another_run, 14),
    (_overlook_a_freeze, 15),
]


@pytest.mark.parametrize(("plant", "number"), PLANTED)
def test_a_planted_difference_is_found(plant: Plant, number: int) -> None:
    """By the check that is there for it; others may see it too."""
    evidence = day_in_the_life()
    plant(evidence)
    found = {result.number: result for result in failed(examine(Examination(evidence)))}
    assert number in found, f"only {sorted(found)} failed"
    assert found[number].first_difference
