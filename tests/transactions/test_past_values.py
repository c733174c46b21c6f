"""Requests whose value lies before the open day: none leaves an account short on any day from it on."""

# ruff: noqa: E501 - tables are as wide as what they show

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain.value_dates import DaysOpened, nets_of
from services.transactions.queries.verifying import verify
from services.transactions.transaction_types.exchange import VALUE_DAYS_BACK
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PureLedger,
    StoredLedger,
    deposit,
    exchange,
    instruction,
    opening,
    outcome,
    owner_in,
    received,
    table,
    transfer,
    withdrawal,
)
from tests.transactions.test_value_dates import day, fee

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")
DOLLARS = f"{ALICE}/USD"
FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=each) for each in range(8)]


@given(st.data())
def test_days_without_postings_may_lack(data: st.DataObject) -> None:
    """What was posted on each day is the same as if what was held were told of every day."""
    count = data.draw(st.integers(1, 6))
    dates = DAYS[:count]
    begins_empty = data.draw(st.booleans())
    seqs = [0 if begins_empty and not each else 10 * (each + 1) for each in range(count)]
    moved = data.draw(st.lists(st.tuples(st.integers(1, 79), st.integers(-5, 5)), max_size=8))
    openings = sorted({*(each for each in seqs if each), *data.draw(st.sets(st.integers(1, 70), max_size=4))})
    before = 0 if begins_empty else 7

    def held_at(seq: int) -> int:
        """What was there when this event came."""
        return before + sum(amount for at, amount in moved if at < seq)

    now = held_at(80)
    kept = [
        (seq, held_at(seq))
        for place, seq in enumerate(openings)
        if any(seq <= at < (*openings, 80)[place + 1] for at, _ in moved)
    ]
    since = data.draw(st.sampled_from([dates[0] - timedelta(days=1), *dates]))
    later = [each for each, day in enumerate(dates) if day > since]
    first = min((seqs[each] for each in later if seqs[each]), default=80)
    found = DaysOpened(dates, seqs).held_by(since, [each for each in kept if each[0] >= first], now)
    told = {dates[each]: held_at(seqs[each]) if seqs[each] else 0 for each in later}
    assert all(told[day] == held for day, held in found.items())
    posted = {day: net for day, net in nets_of(told, now, {}).items() if net}
    assert {day: net for day, net in nets_of(found, now, {}).items() if net} == posted
    assert bool(found) == bool(told)


def swapping(amount: str, value_date: str | None, **fields: Any) -> dict[str, Any]:
    """Exchange an amount of Alice's at one for one, with this value date."""
    return exchange(ALICE, amount, amount, "1", value_date=value_date, **fields)


def a_bank(*, quick: bool = True) -> PureLedger:
    """Alice with 10.00 from the first on, 110.00 from the third on, 60.00 from the fifth on; the sixth is open."""
    ledger = PureLedger(quick=quick)
    ledger.send(opening(ALICE), opening(ALICE, DOLLARS, asset="USD"), opening(BOB), deposit(BOB, "90.00"))
    ledger.send(deposit(ALICE, "10.00"), *day("2026-01-03"), deposit(ALICE, "100.00"))
    ledger.send(*day("2026-01-05"), withdrawal(ALICE, "50.00"), *day("2026-01-06"))
    return ledger


PAST = table("""
    value       amount  outcome
    -           60.00   posted
    -           60.01   insufficient_funds
    2026-01-05  60.00   posted
    2026-01-04  60.00   posted
    2026-01-03  60.00   posted
    2026-01-03  60.01   insufficient_funds         # not there in the end
    2026-01-02  10.00   posted
    2026-01-02  10.01   short_on_value_date        # on the second there was less
    2026-01-01  1.00    value_date_out_of_window
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", PAST, ids=lambda row: f"{row['value']} {row['amount']}")
def test_a_request_with_its_value_in_the_past_was_covered_on_every_day_since(
    row: dict[str, str], quick: bool
) -> None:
    """As it would have been had it come then."""
    (event,) = a_bank(quick=quick).send(swapping(row["amount"], row["value"] or None))
    assert outcome(event) == row["outcome"]


def test_a_window_reaches_over_a_weekend_and_no_further() -> None:
    """Two trading days."""
    ledger = a_bank()
    open_day = date(2026, 1, 6)
    for back in range(VALUE_DAYS_BACK + 2):
        (event,) = ledger.send(swapping("0.01", str(open_day - timedelta(days=back))))
        expected = "posted" if back <= VALUE_DAYS_BACK else "value_date_out_of_window"
        assert outcome(event) == expected


def test_a_payment_never_has_its_value_before_its_day() -> None:
    """PSD2, Article 87(3): no debit has its value before the account is debited."""
    ledger = a_bank()
    for message in (
        transfer(ALICE, BOB, "1.00", value_date="2026-01-05"),
        withdrawal(ALICE, "1.00", value_date="2026-01-05"),
    ):
        (event,) = ledger.send(message)
        assert outcome(event) == "value_date_out_of_window"


def test_what_came_in_later_but_counts_from_before_is_there() -> None:
    """A fact that was dated back, here or by another shard; and what was dated back as a debit is not."""
    ledger = a_bank()
    (short,) = ledger.send(swapping("10.01", "2026-01-02"))
    assert outcome(short) == "short_on_value_date"
    ledger.send(deposit(ALICE, "5.00", value_date="2026-01-02"))
    events = ledger.send(swapping("15.01", "2026-01-02"), swapping("15.00", "2026-01-02"))
    assert [outcome(each) for each in events] == ["short_on_value_date", "posted"]
    ledger.send(fee(ALICE, "1.00", value_date="2026-01-03"), deposit(ALICE, "9.00", value_date="2026-01-04"))
    events = ledger.send(swapping("58.01", "2026-01-03"), swapping("50.00", "2026-01-03"))
    assert [outcome(each) for each in events] == ["insufficient_funds", "posted"]
    (event,) = ledger.send(swapping("0.01", "2026-01-02"))
    assert outcome(event) == "short_on_value_date"


def test_what_other_shards_have_credited_counts_on_its_own_days() -> None:
    """And the decision keeps what it saw of that."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(ALICE, DOLLARS, asset="USD"), opening(BOB), deposit(BOB, "90.00"))
    ledger.send(transfer(BOB, ALICE, "20.00"), *day("2026-01-03"), transfer(BOB, ALICE, "30.00"))
    events = ledger.send(swapping("20.01", "2026-01-02"), swapping("20.00", "2026-01-02"))
    assert [outcome(each) for each in events] == ["short_on_value_date", "posted"]
    account_id = str(ledger.accounts[ALICE].account_id)
    seen = ledger.decisions[1][-1].seen
    assert seen == {"credits": {account_id: 50_00}, "ahead": {account_id: {"2026-01-03": 30_00}}}


def test_members_of_a_group_count_together() -> None:
    """What one brings with that value is there for the next, and what one takes is not."""
    ledger = a_bank()

    def group(*members: dict[str, Any]) -> dict[str, Any]:
        return instruction("group", owner=ALICE, members=list(members), value_date="2026-01-02")

    events = ledger.send(
        group(swapping("6.00", None), swapping("4.01", None)),
        group(swapping("6.00", None), swapping("4.00", None)),
        group(deposit(ALICE, "3.00"), swapping("3.01", None)),
        group(deposit(ALICE, "3.00"), swapping("3.00", None)),
    )
    assert [outcome(each) for each in events] == ["short_on_value_date", "posted"] * 2


def test_a_dry_run_says_what_would_come_of_it() -> None:
    """In the batch of what came before it."""
    ledger = a_bank()
    batch = [
        deposit(ALICE, "5.00", value_date="2026-01-02"),
        swapping("15.01", "2026-01-02", dry_run=True),
        swapping("15.00", "2026-01-02", dry_run=True),
        swapping("15.01", "2026-01-02"),
        swapping("15.00", "2026-01-02"),
    ]
    events = ledger.run([received(each, offset=number) for number, each in enumerate(batch)])
    assert [each["outcome"] for each in events[1:3]] == ["rejected", "posted"]
    assert [outcome(each) for each in events[3:]] == ["short_on_value_date", "posted"]


AMOUNTS = st.sampled_from(["5.00", "20.00", "60.00"])
BACK = st.none() | st.integers(-3, 3)
STEPS = st.lists(
    st.tuples(st.sampled_from(["in", "charge", "swap", "pay", "from Bob"]), AMOUNTS, BACK)
    | st.just("next day"),
    min_size=6,
    max_size=30,
)


def moving(kind: str, amount: str, value: str | None) -> dict[str, Any]:
    """Move an amount in or out of Alice's account."""
    match kind:
        case "in":
            return deposit(ALICE, amount, value_date=value)
        case "charge":
            return fee(ALICE, amount, value_date=value)
        case "swap":
            return swapping(amount, value)
        case "pay":
            return transfer(ALICE, CAROL, amount, value_date=value)
        case _:
            return transfer(BOB, ALICE, amount, value_date=value)


def drawn_records(steps: list[Any]) -> list[tuple[Any, str, int, date | None]]:
    """Records of Alice's and Bob's shards, each with its kind, amount, and value date around the open day."""
    today, records = FIRST, list[Any]()
    for step in steps:
        if step == "next day":
            today += timedelta(days=1)
            records += [(each, step, 0, None) for each in day(str(today)) if each.shard in (1, 2)]
            continue
        kind, amount, back = step
        value = None if back is None else today - timedelta(days=back)
        message = moving(kind, amount, None if value is None else str(value))
        records.append((received(message), kind, int(amount.replace(".", "")), value))
    return records


def a_window() -> PureLedger:
    """A bank where transfers may reach back two days, with Bob's money in the other shard."""
    ledger = PureLedger()
    ledger.types["transfer"] = replace(ledger.types["transfer"], value_days_back=2)
    ledger.send(opening(ALICE), opening(ALICE, DOLLARS, asset="USD"), opening(BOB), opening(CAROL))
    ledger.send(deposit(ALICE, "30.00"), deposit(BOB, "900.00"))
    return ledger


def held_on(ledger: PureLedger, code: str, until: date) -> int:
    """What an account holds with its value by the end of a day, over all that was ever posted."""
    return sum(
        leg.amount * ((leg.credit.code == code) - (leg.debit.code == code))
        for decisions in ledger.decisions.values()
        for each in decisions
        if each.kind == "TransactionPosted" and each.value_date is not None and each.value_date <= until
        for leg in each.legs
    )


@given(STEPS)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_request_is_posted_just_if_it_leaves_no_day_short(steps: list[Any]) -> None:
    """Held against what each day adds up to from all that was posted, one record at a time."""
    ledger = a_window()
    for record, kind, amount, value in drawn_records(steps):
        today = ledger.states[1].days[1]
        held = {each: held_on(ledger, ALICE, each) for each in _days(today)}
        (event,) = ledger.send(record)
        if kind not in WINDOW:
            continue
        since = value or today
        if since < today - timedelta(days=WINDOW[kind]):
            assert outcome(event) == "value_date_out_of_window"
            continue
        bears = all(there >= amount for each, there in held.items() if each >= since)
        assert (outcome(event) == "posted") == bears


WINDOW = {"swap": VALUE_DAYS_BACK, "pay": 2}


def _days(today: date) -> list[date]:
    return [today + timedelta(days=each) for each in range(-8, 9)]


@given(STEPS, st.lists(st.integers(0, 40), max_size=3))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_it_is_decided_the_same_however_it_is_cut(steps: list[Any], cuts: list[int]) -> None:
    """Days that open within a batch, too; and what is kept of each day is the same."""
    records = [each for each, kind, *_ in drawn_records(steps) if each.shard == 1 and kind != "from Bob"]
    for number, record in enumerate(records):
        record.offset = number
    found: list[Any] = []
    for places in (sorted(cuts), range(len(records))):
        ledger = a_window()
        already = len(ledger.decisions[1])
        for start, end in zip([0, *places], [*places, len(records)], strict=True):
            ledger.run(records[start:end])
        decided = [(each.kind, each.reason, each.seen) for each in ledger.decisions[1][already:]]
        found.append((decided, ledger.day_openings, ledger.valued))
    assert found[0] == found[1]


async def test_what_days_began_with_is_kept_and_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Across claims, from elsewhere and from here; and the verifier finds what is changed of it."""
    await ledger.send(opening(ALICE), opening(ALICE, DOLLARS, asset="USD"), opening(BOB))
    await ledger.send(deposit(ALICE, "10.00"), deposit(BOB, "900.00"), transfer(BOB, ALICE, "20.00"))
    await ledger.send(*day("2026-01-03"), deposit(ALICE, "100.00"))
    await ledger.forget()
    await ledger.send(deposit(ALICE, "1.00"), transfer(BOB, ALICE, "2.00"))
    await ledger.send(*day("2026-01-05"), withdrawal(ALICE, "50.00"))
    await ledger.send(
        deposit(ALICE, "4.00", value_date="2026-01-02"), fee(ALICE, "1.00", value_date="2026-01-03")
    )
    await ledger.forget()
    events = await ledger.send(
        swapping("34.01", "2026-01-02"),
        swapping("34.00", "2026-01-02"),
        swapping("52.01", "2026-01-03"),
        swapping("52.00", "2026-01-04"),
    )
    assert [outcome(each) for each in events] == [
        "short_on_value_date", "posted", "insufficient_funds", "posted",
    ]  # fmt: skip
    rows = await ledger.connection.fetch(
        "SELECT business_day.booking_date::text, day_opening.shard, day_opening.credits - day_opening.debits"
        " FROM day_opening JOIN business_day USING (shard, seq) JOIN account USING (account_id)"
        " WHERE code = $1 ORDER BY 1, 2",
        ALICE,
    )
    assert [tuple(row) for row in rows] == [
        ("2026-01-03", 1, 10_00), ("2026-01-03", 2, 20_00), ("2026-01-05", 1, 111_00),
    ]  # fmt: skip
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).first_difference is None
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    for statement in (
        "UPDATE day_opening SET credits = credits + 1 WHERE ctid = (SELECT min(ctid) FROM day_opening)",
        "DELETE FROM day_opening WHERE ctid = (SELECT min(ctid) FROM day_opening)",
        f"INSERT INTO day_opening SELECT account_id, (SELECT max(seq) FROM business_day WHERE shard = 1), 0, 0, 1 FROM account WHERE code = '{BOB}'",
        "UPDATE day_balance SET posted_on = posted_on + 1",
    ):
        kept = await owner.fetch("SELECT * FROM day_opening")
        shifts = await owner.fetch("SELECT * FROM day_balance")
        await owner.execute(statement)
        tampered = await verify(ledger_database.readonly)
        assert "value_dates" in {each.name for each in tampered.checks if not each.ok}, statement
        await owner.execute("TRUNCATE day_opening, day_balance")
        await owner.copy_records_to_table("day_opening", records=kept)
        await owner.copy_records_to_table("day_balance", records=shifts)
    await owner.close()
