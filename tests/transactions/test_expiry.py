"""A reserve that expires: it stands up to its last day, is available after that, and is given back soon."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain import due
from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.decisions import Decision
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.runtime.work import Received
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    DAY_ONE,
    PARTITIONS,
    PureLedger,
    StoredLedger,
    answer,
    deposit,
    instruction,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    table,
    transfer,
)
from tests.transactions.test_fold import EXPIRING, PARTS, SHARD, a_ledger, stream
from tests.transactions.test_store import assert_rebuilt

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


def day(date: str, shard: int | None = None) -> list[Received]:
    """Open a business day of the bank's, in every shard or in one."""
    message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=date)
    shards = range(PARTITIONS) if shard is None else [shard]
    return [received(message, partition=each) for each in shards]


def reserve(name: str, amount: str, last_day: str | None = "2026-01-05", **fields: Any) -> dict[str, Any]:
    """Alice's reserve of this name, up to a day."""
    given = {"account": ALICE, "amount": amount, "asset": "EUR", "instruction_id": named_id(name)}
    return instruction("reserve", owner=ALICE, **{**given, "expires_on": last_day, **fields})


def resolving(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Post what is reserved under a name, or give it back."""
    return instruction(kind, owner=ALICE, pending_id=named_id(name), **fields)


def a_bank() -> PureLedger:
    """Alice with 100.00 EUR, on the fifth of January."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"), *day("2026-01-05"))
    ledger.events.clear()
    return ledger


LAST_DAYS = table("""
    last_day    outcome             field
    -           pending             -
    2026-01-05  pending             -           # for this day alone
    2026-01-06  pending             -
    2100-12-31  pending             -
    2026-01-04  expiry_past         expires_on
    2026-01-01  expiry_past         expires_on
    1899-12-31  date_out_of_range   expires_on
    2101-01-01  date_out_of_range   expires_on
    2026-02-30  date_malformed      expires_on
    tomorrow    date_malformed      expires_on
""")


@pytest.mark.parametrize("row", LAST_DAYS, ids=lambda row: row["last_day"])
def test_a_reserve_may_name_the_last_day_on_which_it_stands(row: dict[str, str]) -> None:
    """The open business day or a later one."""
    ledger = a_bank()
    (event,) = ledger.send(reserve("r", "60.00", row["last_day"] or None))
    assert outcome(event) == row["outcome"]
    assert event.get("field", "") == row["field"]


def test_status_is_asked_before_the_last_day_and_funds_after_it() -> None:
    """The first rung that fails names the reason, here too."""
    ledger = a_bank()
    past = reserve("r", "100.01", "2026-01-04")
    assert outcome(ledger.send(past)[0]) == "expiry_past"
    freeze = instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="court")
    ledger.send(freeze)
    again = reserve("again", "100.01", "2026-01-04")
    assert outcome(ledger.send(again)[0]) == "account_frozen"


EXPIRED = table(
    """
    step                  on the day         after it
    post_pending          posted             pending_resolved
    post_pending:20.00    posted             pending_resolved
    post_pending:99.00    amount_exceeds_pending  pending_resolved
    void_pending          void_requested     pending_resolved
    transfer:40.00        posted             posted
    transfer:40.01        insufficient_funds posted
    transfer:100.00       insufficient_funds posted
    transfer:100.01       insufficient_funds insufficient_funds
    reserve:100.00        insufficient_funds pending
    frozen                account_frozen     pending_resolved
""".replace("on the day", "during").replace("after it", "after")
)


@pytest.mark.parametrize("given_back", [False, True])
@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", EXPIRED, ids=lambda row: row["step"])
def test_a_reserve_that_has_expired_is_resolved_and_its_money_available(
    row: dict[str, str], batches: int, given_back: bool
) -> None:
    """From the moment the later day is opened, in the same batch too, and whether it was given back yet."""
    for last_day, expected in (("2026-01-06", row["during"]), ("2026-01-05", row["after"])):
        ledger = a_bank()
        kind, _, amount = row["step"].partition(":")
        freeze = instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="court")
        step = {
            "transfer": transfer(ALICE, BOB, amount),
            "reserve": reserve("other", amount),
            "frozen": resolving("post_pending", "r"),
        }.get(kind) or resolving(kind, "r", **({"amount": amount} if amount else {}))
        if kind == "reserve":
            step["expires_on"] = "2026-01-09"
        before = [received(reserve("r", "60.00", last_day))]
        before += [received(freeze)] if kind == "frozen" else []
        before += day("2026-01-06", SHARD)
        if batches == 1 and not given_back:
            event = ledger.run([*before, received(step)])[-1]
        else:
            ledger.run(before)
            assert len(ledger.tick(SHARD) if given_back else []) == (given_back and last_day == "2026-01-05")
            (event,) = ledger.run([received(step)])
        assert outcome(event) == expected


def test_what_has_expired_is_given_back_once_and_announced() -> None:
    """By an event without a source that is about the reserve, with what was left of it."""
    ledger = a_bank()
    pending, part = ledger.send(
        reserve("r", "60.00"), resolving("post_pending", "r", amount="20.00", final=False)
    )
    assert ledger.tick(SHARD) == []
    ledger.send(*day("2026-01-07"))
    (event,) = ledger.tick(SHARD)
    assert (event["type"], event["reason"], "source" in event) == ("TransactionVoided", "expired", False)
    assert event["first"] == part["resolves"] == {"shard": SHARD, "seq": pending["seq"]}
    assert (event["instruction_id"], event["booking_date"]) == (pending["instruction_id"], "2026-01-07")
    assert event["movements"][0]["amount"] == "40.00"
    assert event["instruction"]["expires_on"] == "2026-01-05"
    assert ledger.tick(SHARD) == []
    account = ledger.accounts[ALICE].account_id
    assert ledger.states[SHARD].balances[account] == [20_00, 100_00, 0, 0]


def test_a_freeze_keeps_nothing_from_being_given_back() -> None:
    """Nothing is taken from anybody."""
    ledger = a_bank()
    freeze = instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="court")
    ledger.send(reserve("r", "60.00"), freeze, *day("2026-01-06"))
    assert [outcome(each) for each in ledger.tick(SHARD)] == ["expired"]


@pytest.mark.parametrize("given_back", [False, True])
@pytest.mark.parametrize("verdict", ["cleared", "refused"])
def test_what_expires_while_it_is_screened_waits_for_nobody(verdict: str, given_back: bool) -> None:
    """The answer that comes too late has no effect, whether the money was given back yet or not."""
    ledger = a_bank()
    ledger.chart.policies[1, "reserve", 978] = [Dated(ScreeningPolicy(50_00), DAY_ONE, None)]
    (pending,) = ledger.send(reserve("r", "60.00"))
    ledger.send(*day("2026-01-06"))
    assert len(ledger.tick(SHARD) if given_back else [1]) == 1
    (late,) = ledger.send(answer(pending, verdict))
    assert (late["type"], late["why"]) == ("DecisionWithoutEffect", "already_resolved")
    assert late["first"] == {"shard": SHARD, "seq": pending["seq"]}


def test_each_entity_has_its_own_days() -> None:
    """One that stays on its day keeps what is reserved there."""
    ledger = a_bank()
    ledger.send(
        opening(ALICE, "at-broker", entity="BROKER"),
        deposit(ALICE, "50.00", "at-broker"),
        reserve("there", "10.00", "2026-01-01", account="at-broker"),
        reserve("here", "10.00"),
        *day("2026-01-06"),
    )
    assert [each["instruction_id"] for each in ledger.tick(SHARD)] == [named_id("here")]
    assert outcome(ledger.send(resolving("post_pending", "there"))[0]) == "posted"


def test_a_dry_run_of_a_day_gives_nothing_back() -> None:
    """Nor does what follows in its batch see that day."""
    ledger = a_bank()
    trial = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-06")
    records = [reserve("r", "60.00"), {**trial, "dry_run": True}, transfer(ALICE, BOB, "50.00")]
    events = ledger.run([received(each, partition=SHARD) for each in records])
    assert outcome(events[-1]) == "insufficient_funds"
    assert ledger.tick(SHARD) == []


# ── pieces ───────────────────────────────────────────────────────────────────────────────────────


def told(decided: list[Decision]) -> tuple[dict[int, Any], list[Any]]:
    """What each record came to, by its offset and without numbers; and what was given back, in order."""
    of_seq = {each.seq: each.instruction_id if each.offset is None else each.offset for each in decided}
    records: dict[int, Any] = {}
    for each in decided:
        if each.offset is None:
            continue
        detail = dict(each.detail or {})
        resolves = detail.pop("resolves", None)
        would_be = detail.get("would_be", {})
        resolves = would_be.pop("resolves", resolves)
        records[each.offset] = (
            each.kind, each.reason, each.legs, each.booking_date, each.value_date, detail, each.seen,
            each.about_seq and of_seq[each.about_seq], resolves and of_seq[resolves["seq"]],
        )  # fmt: skip
    return records, [each.instruction_id for each in decided if each.reason == "expired"]


def drain(ledger: PureLedger) -> None:
    """Go on until nothing is due."""
    while ledger.tick(SHARD):
        pass


@given(
    st.lists(EXPIRING, min_size=6, max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 3)), max_size=8),
)
@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])
def test_when_and_in_which_pieces_it_is_given_back_decides_nothing(
    drawn: list[Any], pieces: list[tuple[int, int]]
) -> None:
    """Every record comes to the same, the same is given back in the same order, and memory ends the same."""
    records = stream(drawn)
    at_the_end, in_between = a_ledger(), a_ledger()
    already = len(at_the_end.decisions[SHARD])
    for each in records:
        each.offset += 1_000
    at_the_end.run(list(records))
    drain(at_the_end)
    start = 0
    original = due.TASKS_MAX
    try:
        for place, size in sorted((place % (len(records) + 1), size) for place, size in pieces):
            in_between.run(records[start:place])
            start = place
            due.TASKS_MAX = size  # type: ignore[misc]
            in_between.tick(SHARD)
    finally:
        due.TASKS_MAX = original  # type: ignore[misc]
    in_between.run(records[start:])
    drain(in_between)
    whole, cut = (each.decisions[SHARD][already:] for each in (at_the_end, in_between))
    assert told(cut) == told(whole)
    states = [each.states[SHARD] for each in (at_the_end, in_between)]
    for part in PARTS:
        one, other = (getattr(state, part) for state in states)
        if part == "pendings":
            one, other = one.keys(), other.keys()
        assert one == other


# ── with tables ──────────────────────────────────────────────────────────────────────────────────


async def some_that_expire(ledger: StoredLedger) -> None:
    """Two of Alice's up to the fifth, one of them posted in part, and one up to the ninth."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    await ledger.send(
        reserve("a", "10.00"), reserve("b", "20.00"), reserve("c", "30.00", "2026-01-09"),
        resolving("post_pending", "b", amount="5.00", final=False),
    )  # fmt: skip


async def test_a_reserve_expires_as_well_after_another_process_has_taken_over(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """What stands in the tables is all that is needed; the verifier derives the same."""
    await some_that_expire(ledger)
    await ledger.forget()
    await ledger.send(*day("2026-01-06"), transfer(ALICE, BOB, "65.00"))
    assert (await verify(ledger_database.readonly)).ok
    await ledger.forget()
    events = await ledger.tick()
    assert [(each["reason"], each["movements"][0]["amount"]) for each in events] == [
        ("expired", "10.00"),
        ("expired", "15.00"),
    ]
    await ledger.send(*day("2026-01-12"))
    assert [each["instruction_id"] for each in await ledger.tick()] == [named_id("c")]
    await assert_rebuilt(ledger)
    for quick in (True, False):
        found = await verify(ledger_database.readonly, quick=quick)
        assert (found.ok, found.first_difference) == (True, None)
    assert await ledger.connection.fetchval("SELECT count(*) FROM pending WHERE resolved_seq IS NULL") == 0


async def test_thousands_that_expire_at_once_are_given_back_piece_by_piece(ledger: StoredLedger) -> None:
    """In their order, a bounded number at a time, while records go on."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"))
    names = [f"r{number}" for number in range(1_200)]
    await ledger.send(*[reserve(each, "0.01") for each in names])
    await ledger.send(*day("2026-01-06"))
    given_back: list[str] = []
    sizes: list[int] = []
    while events := await ledger.tick():
        sizes.append(len(events))
        given_back += [each["instruction_id"] for each in events]
        await ledger.send(deposit(ALICE, "0.01"))
    assert sizes == [500, 500, 200]
    assert given_back == [named_id(each) for each in names]


async def test_the_verifier_says_what_should_have_been_given_back(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """If the writer has worked on for long enough, and nothing of the owner's is parked."""
    await some_that_expire(ledger)
    await ledger.send(*day("2026-01-06"))
    ledger.now += timedelta(minutes=9)
    await ledger.send(deposit(ALICE, "1.00"))
    assert (await verify(ledger_database.readonly)).ok
    ledger.now += timedelta(minutes=2)
    await ledger.send(deposit(ALICE, "1.00"))
    found = await verify(ledger_database.readonly)
    assert found.first_difference is not None
    assert (found.first_difference.check, found.first_difference.seq) == ("pendings", 3)
    await ledger.tick()
    assert (await verify(ledger_database.readonly)).ok


def test_the_owners_here_live_where_the_tests_say() -> None:
    """Or ticks would be of another shard."""
    assert (shard_of(ALICE, PARTITIONS), shard_of(HOUSE, PARTITIONS) in range(PARTITIONS)) == (SHARD, True)
