"""Requests for a later day: kept until it, judged on it as all is then, or cancelled before."""

# ruff: noqa: E501 - tables are as wide as what they show

import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain import due
from services.transactions.handlers.memory import TYPES
from services.transactions.queries import (
    Moment,
    Wanted,
    account_show,
    find_transactions,
    transaction_show,
    transaction_trace,
    verify,
)
from shared.messages.envelope import HOUSE
from shared.messages.kinds import SCHEDULABLE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    answer,
    closing,
    custody,
    custody_transfer,
    deposit,
    exchange,
    instruction,
    limiting,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    reopening,
    reversal,
    table,
    trade,
    transfer,
    withdrawal,
)
from tests.transactions.test_expiry import day
from tests.transactions.test_store import assert_rebuilt

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")
TODAY, TOMORROW, LATER = "2026-01-05", "2026-01-06", "2026-01-09"


def pays(name: str, amount: str = "10.00", on: str | None = TOMORROW, **fields: Any) -> dict[str, Any]:
    """Alice's transfer to Bob under this name, for a day."""
    return transfer(ALICE, BOB, amount, execute_on=on, instruction_id=named_id(name), **fields)


def about(kind: str, name: str, owner: str = ALICE) -> dict[str, Any]:
    """Post or void what is known under a name."""
    return instruction(kind, owner=owner, pending_id=named_id(name))


def a_bank() -> PureLedger:
    """Alice with 100.00 EUR, on the fifth of January."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(BOB), opening(CAROL), deposit(ALICE, "100.00"), *day(TODAY))
    ledger.events.clear()
    return ledger


FORMS = table("""
    execute_on  outcome             field
    -           posted              -
    2026-01-05  posted              -           # the open day: at once
    2026-01-06  scheduled           -
    2029-01-05  scheduled           -           # three years
    2029-01-06  execution_too_far   execute_on  # a day more
    2100-12-31  execution_too_far   execute_on
    2026-01-04  execution_past      execute_on
    1900-01-01  execution_past      execute_on
    1899-12-31  date_out_of_range   execute_on
    2101-01-01  date_out_of_range   execute_on
    2026-02-30  date_malformed      execute_on
    tomorrow    date_malformed      execute_on
""")


@pytest.mark.parametrize("row", FORMS, ids=lambda row: row["execute_on"])
def test_a_request_may_name_the_day_on_which_it_is_carried_out(row: dict[str, str]) -> None:
    """The open business day or one of the years to come; nothing is reserved until then."""
    ledger = a_bank()
    (event,) = ledger.send(pays("p", on=row["execute_on"] or None))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["field"])
    assert ledger.balance(ALICE) == (90_00 if row["outcome"] == "posted" else 100_00)
    if row["outcome"] == "scheduled":
        assert (event["booking_date"], event["entity"]) == (TODAY, "BANK")
        assert event["execute_on"] == row["execute_on"]
        assert "movements" not in event
        assert outcome(ledger.send(transfer(ALICE, BOB, "100.00"))[0]) == "posted"


@pytest.mark.parametrize(
    ("today", "last"),
    [
        pytest.param("2026-02-28", "2029-02-28", id="the last of February, no leap year among them"),
        pytest.param("2027-03-01", "2030-03-01", id="a leap day on the way"),
        pytest.param("2028-02-29", "2031-02-28", id="a leap day, and none three years later"),
    ],
)
def test_a_request_waits_for_three_years_and_not_a_day_longer(today: str, last: str) -> None:
    """Whatever leap days lie between: the same day of the month, or the last there is."""
    ledger = a_bank()
    ledger.send(*day(today))
    later = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
    on_it, after = ledger.send(pays("on it", on=last), pays("after", on=later))[-2:]
    assert outcome(on_it) == "scheduled"
    assert (outcome(after), after["detail"]) == ("execution_too_far", f"the last day is {last}")


OTHERS = {
    "scheduled": [
        withdrawal(ALICE, "1.00"),
        exchange(ALICE, "1.00", "1.10", "1.1"),
        instruction(
            "house_posting",
            owner=HOUSE,
            debit_account="BANK/nostro/EUR",
            credit_account="BANK/vault/EUR",
            amount="1.00",
            asset="EUR",
        ),
    ],
    "not_schedulable": [
        deposit(ALICE, "1.00"),
        instruction("fee", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        instruction("interest", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        instruction("reserve", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        trade(ALICE, "buy", "1", "1.00"),
        custody_transfer(ALICE, "receive", "1"),
        about("void_pending", "nothing"),
        opening(ALICE, "another"),
        closing(ALICE),
        reopening(ALICE),
        limiting(ALICE, "1.00"),
        instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="c"),
    ],
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [(message, expected) for expected, messages in OTHERS.items() for message in messages],
    ids=lambda each: each["type"] if isinstance(each, dict) else each,
)
def test_requests_to_move_money_may_wait_and_nothing_else(message: dict[str, Any], expected: str) -> None:
    """A fact has happened; what changes accounts, or is about something else, is done when it comes."""
    ledger = a_bank()
    ledger.send(opening(ALICE, f"{ALICE}/USD", asset="USD"), custody(ALICE))
    (event,) = ledger.send({**message, "execute_on": TOMORROW})
    assert outcome(event) == expected
    if expected == "not_schedulable":
        assert event["field"] == "execute_on"


def test_what_may_wait_is_what_the_contract_says() -> None:
    """The contract and the types say the same."""
    assert {code for code, kind in TYPES.items() if kind.schedulable} == SCHEDULABLE


AT_ONCE = table("""
    broken      outcome
    account     account_unknown
    owner       wrong_owner
    asset       asset_mismatch
    amount      amount_zero
    funds       scheduled           # there may be enough by then
    frozen      scheduled
""")


@pytest.mark.parametrize("row", AT_ONCE, ids=lambda row: row["broken"])
def test_what_can_never_be_is_refused_when_it_comes(row: dict[str, str]) -> None:
    """Form and references at once; status, state and limits on the day."""
    ledger = a_bank()
    message = pays("p")
    match row["broken"]:
        case "account":
            message["credit_account"] = "nobody"
        case "owner":
            message["debit_account"] = CAROL
        case "asset":
            message["asset"] = "USD"
        case "amount":
            message["amount"] = "0.00"
        case "funds":
            message["amount"] = "999.00"
        case _:
            ledger.send(
                instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="c")
            )
    (event,) = ledger.send(message)
    assert outcome(event) == row["outcome"]


ON_THE_DAY = table("""
    meanwhile  amount   outcome             alice
    -          100.00   posted                0.00
    -          100.01   insufficient_funds  100.00
    funds      100.01   posted                9.99
    spent      10.00    insufficient_funds    5.00
    frozen     10.00    account_frozen      100.00
    closed     10.00    account_closed      100.00  # the creditor's
    limit      150.00   posted              -50.00
""")


@pytest.mark.parametrize("row", ON_THE_DAY, ids=lambda row: f"{row['meanwhile']} {row['amount']}")
def test_on_its_day_it_is_judged_by_the_whole_ladder_as_all_is_then(row: dict[str, str]) -> None:
    """And what comes of it names what was scheduled, comes from no record, and comes once."""
    ledger = a_bank()
    (first,) = ledger.send(pays("p", row["amount"]))
    match row["meanwhile"]:
        case "funds":
            ledger.send(deposit(ALICE, "10.00"))
        case "spent":
            ledger.send(transfer(ALICE, BOB, "95.00"))
        case "frozen":
            ledger.send(
                instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="c")
            )
        case "closed":
            ledger.send(closing(BOB))
        case "limit":
            ledger.send(limiting(ALICE, "50.00"))
        case _:
            pass
    assert ledger.tick(1) == [], "its day has not come"
    ledger.send(*day(TOMORROW))
    (event,) = ledger.tick(1)
    assert outcome(event) == row["outcome"]
    assert ledger.balance(ALICE) == round(float(row["alice"]) * 100)
    number = {"shard": first["shard"], "seq": first["seq"]}
    assert event["executes"] == number
    assert not {"source", "first"} & event.keys()
    assert event["instruction"] == first["instruction"]
    assert event["instruction_id"] == first["instruction_id"]
    assert event["content_hash"] == first["content_hash"]
    if row["outcome"] == "posted":
        assert (event["booking_date"], event["value_date"]) == (TOMORROW, TOMORROW)
    assert ledger.tick(1) == []


def test_days_that_are_skipped_delay_it_and_what_was_due_first_goes_first() -> None:
    """By the day asked for, then as they came: the later days of a weekend are executed on Monday."""
    ledger = a_bank()
    ledger.send(pays("b", "60.00", LATER), pays("c", "50.00", LATER), pays("a", "30.00", "2026-01-08"))
    ledger.send(*day("2026-01-12"))
    events = ledger.tick(1)
    assert [(each["instruction_id"], outcome(each)) for each in events] == [
        (named_id("a"), "posted"),
        (named_id("b"), "posted"),
        (named_id("c"), "insufficient_funds"),
    ]
    assert {each.get("booking_date", "2026-01-12") for each in events} == {"2026-01-12"}


def test_the_day_of_another_entity_does_not_count() -> None:
    """Each has its own books."""
    ledger = a_bank()
    ledger.send(pays("p"))
    message = instruction("open_business_day", owner=HOUSE, entity="BROKER", booking_date=LATER)
    ledger.send(*[received(message, partition=shard) for shard in range(PARTITIONS)])
    assert ledger.tick(1) == []


CANCELLED = table("""
    kind          owner  when     outcome
    void_pending  alice  before   voided
    void_pending  carol  before   wrong_owner
    void_pending  alice  due      not_executed      # the ledger is about to
    void_pending  alice  after    pending_resolved
    post_pending  alice  before   not_executed
    post_pending  alice  due      not_executed
    post_pending  alice  after    pending_resolved
""")


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", CANCELLED, ids=lambda row: f"{row['kind']} {row['owner']} {row['when']}")
def test_it_can_be_cancelled_until_its_day(row: dict[str, str], batches: int) -> None:
    """By its owner, who names its id; when the ledger does what is due decides nothing."""
    ledger = a_bank()
    first = received(pays("p"))
    end = received(about(row["kind"], "p", ALICE if row["owner"] == "alice" else CAROL))
    if row["when"] == "before" and batches == 1:
        ledger.run([first, end])
    else:
        ledger.run([first])
        if row["when"] != "before":
            ledger.send(*day(TOMORROW))
        if row["when"] == "after":
            assert len(ledger.tick(1)) == 1
        ledger.run([end])
    event = ledger.events[-1]
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "voided":
        assert event["type"] == "TransactionCancelled"
        scheduled = ledger.events[0]
        assert event["resolves"] == {"shard": scheduled["shard"], "seq": scheduled["seq"]}
        ledger.send(*day(LATER))
        assert ledger.tick(1) == []
        assert outcome(ledger.send(about("void_pending", "p"))[0]) == "pending_resolved"


def test_it_is_screened_on_its_day_and_waits_for_the_decision_then() -> None:
    """As policy is on that day; the decision names the same instruction."""
    ledger = a_bank()
    ledger.send(deposit(ALICE, "5000.00"))
    (first,) = ledger.send(withdrawal(ALICE, "2000.00", execute_on=TOMORROW))
    early = ledger.send(answer(first, "cleared"))[0]
    assert (early["type"], early["why"]) == ("DecisionWithoutEffect", "not_pending")
    ledger.send(*day(TOMORROW))
    (pending,) = ledger.tick(1)
    assert (pending["type"], pending.get("screening", True)) == ("TransactionPending", True)
    assert (
        outcome(ledger.send(instruction("void_pending", owner=ALICE, pending_id=first["instruction_id"]))[0])
        == "under_screening"
    )
    (posted,) = ledger.send(answer(pending, "cleared"))
    assert posted["first"] == {"shard": pending["shard"], "seq": pending["seq"]}
    assert ledger.balance(ALICE) == 3100_00


def test_its_id_is_used_up_when_it_comes() -> None:
    """Sent again, it is a duplicate of what was scheduled, before its day and after."""
    ledger = a_bank()
    message = pays("p")
    (first, again) = ledger.send(message, message)
    assert (again["type"], again["first_outcome"]) == ("DuplicateReceived", "scheduled")
    assert outcome(ledger.send({**message, "execute_on": LATER})[0]) == "id_reused"
    ledger.send(*day(TOMORROW))
    ledger.tick(1)
    (late,) = ledger.send(message)
    assert late["first"] == {"shard": first["shard"], "seq": first["seq"]}


def test_a_dry_run_says_that_it_would_wait() -> None:
    """And nothing waits."""
    ledger = a_bank()
    (event,) = ledger.send(pays("p") | {"dry_run": True})
    assert (event["outcome"], event["would_be"]["execute_on"]) == ("scheduled", TOMORROW)
    ledger.send(*day(LATER))
    assert ledger.tick(1) == []


def test_what_was_executed_is_reversed_by_the_same_id() -> None:
    """Not before there is something to undo."""
    ledger = a_bank()
    message = pays("p")
    ledger.send(message)
    assert outcome(ledger.send(reversal(message, BOB))[0]) == "original_not_posted"
    ledger.send(*day(TOMORROW))
    (event,) = ledger.tick(1)
    (undone,) = ledger.send(reversal(message, BOB))
    assert undone["reverses"] == {"shard": event["shard"], "seq": event["seq"]}
    assert ledger.balance(ALICE) == 100_00


def test_it_waits_while_records_of_its_owner_are_parked() -> None:
    """One of them may be what would have cancelled or funded it."""
    ledger = a_bank()
    ledger.send(pays("p"), transfer(CAROL, BOB, "1.00", execute_on=TOMORROW), *day(TOMORROW))
    assert [outcome(each) for each in ledger.tick(1, parked=[ALICE])] == ["insufficient_funds"]
    assert [outcome(each) for each in ledger.tick(1)] == ["posted"]


def test_thousands_that_are_due_at_once_are_executed_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded piece at a time, in order."""
    monkeypatch.setattr(due, "TASKS_MAX", 4)
    ledger = a_bank()
    ledger.send(*[pays(f"p{number}", "1.00") for number in range(10)], *day(TOMORROW))
    pieces = [ledger.tick(1) for _ in range(4)]
    assert [len(piece) for piece in pieces] == [4, 4, 2, 0]
    told = [each["instruction_id"] for piece in pieces for each in piece]
    assert told == [named_id(f"p{number}") for number in range(10)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.integers(0, 6), st.sampled_from(["1.00", "40.00"]), st.integers(5, 12)),
        st.tuples(st.just("void"), st.integers(0, 6)),
        st.tuples(st.just("day"), st.integers(6, 12)),
        st.tuples(st.just("out"), st.sampled_from(["5.00", "60.00"])),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.lists(st.booleans(), min_size=25, max_size=25))
def test_cutting_decides_nothing(steps: list[Any], cuts: list[bool]) -> None:
    """The same records, with what is due done after each day, come to the same in any batches."""
    whole, cut = a_bank(), a_bank()
    batch: list[Any] = []
    for step, cuts_here in zip(steps, cuts, strict=False):
        match step:
            case ("pay", number, amount, on):
                message = pays(f"p{number}", amount, f"2026-01-{on:02}")
            case ("void", number):
                message = about("void_pending", f"p{number}") | {"instruction_id": named_id(f"void {number}")}
            case ("out", amount):
                message = transfer(ALICE, BOB, amount)
            case _:
                (_, on) = step
                opened = instruction(
                    "open_business_day", owner=HOUSE, entity="BANK", booking_date=f"2026-01-{on:02}"
                )
                cut.run(batch)
                batch = []
                for ledger in (whole, cut):
                    ledger.run([received(opened, partition=1)])
                    ledger.tick(1)
                continue
        record = received(message)
        whole.run([record])
        batch.append(received(message))
        if cuts_here:
            cut.run(batch)
            batch = []
    cut.run(batch)
    assert [outcome(each) for each in whole.events] == [outcome(each) for each in cut.events]
    assert whole.balance(ALICE) == cut.balance(ALICE)
    assert whole.states[1].scheduled == cut.states[1].scheduled
    assert whole.states[1].schedule == cut.states[1].schedule


# ── on a real database ───────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture
async def asking(ledger_database: LedgerDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the read-only login."""
    connection = await asyncpg.connect(ledger_database.readonly)
    yield connection
    await connection.close()


async def a_few_scheduled(ledger: StoredLedger) -> None:
    """One of each fate: posted, refused, pending and posted, pending and refused, cancelled, waiting."""
    await ledger.send(opening(ALICE), opening(BOB), opening(CAROL), deposit(ALICE, "5000.00"), *day(TODAY))
    out = [
        withdrawal(ALICE, "1000.00", execute_on=TOMORROW, instruction_id=named_id(f"w{number}"))
        for number in (1, 2)
    ]
    await ledger.send(
        pays("p", business_reference="rent"),
        pays("r", "9999.00", value_date=TOMORROW),
        *out,
        pays("c"),
        pays("w", on=LATER),
        pays("too far", on="2036-01-01"),
    )
    await ledger.forget()
    await ledger.send(about("void_pending", "c"))
    await ledger.send(*day(TOMORROW))
    first = await ledger.tick()
    assert [outcome(each) for each in first] == ["posted", "insufficient_funds", "pending", "pending"]
    await ledger.forget()
    assert await ledger.tick() == []
    await ledger.send(answer(first[2], "cleared"), answer(first[3], "refused"), about("void_pending", "p"))
    await ledger.send(reversal(pays("p"), BOB))


async def test_it_is_stored_read_again_and_rebuilt(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """After claims in between; and the verifier finds all as it must be."""
    await a_few_scheduled(ledger)
    await assert_rebuilt(ledger)
    result = await verify(ledger_database.readonly)
    assert result.ok, result.first_difference
    checked = next(each.checked for each in result.checks if each.name == "scheduled")
    assert checked > 10


TAMPERING = {
    "another day": "UPDATE scheduled SET execute_on = execute_on + 1",
    "a row lost": "DELETE FROM scheduled WHERE ended_seq IS NULL",
    "an end lost": "UPDATE scheduled SET ended_seq = NULL",
    "executed by a record": "UPDATE journal_row SET \"offset\" = 1 WHERE detail::text LIKE '%executes%'",
    "executed early": "UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '2026-01-06', '2026-01-07')::bytea, detail = replace(detail::text, '2026-01-06', '2026-01-07')::json WHERE kind = 'TransactionScheduled'",
    "posted by nobody": "UPDATE journal_row SET detail = NULL WHERE detail::text LIKE '%executes%' AND kind = 'TransactionPosted'",
    "about another": "UPDATE journal_row SET about_seq = about_seq + 1 WHERE detail::text LIKE '%executes%'",
    "cancelled by another": "UPDATE journal_row SET owner = 'somebody' WHERE kind = 'TransactionCancelled'",
}  # fmt: skip


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
async def test_tampering_with_what_is_scheduled_is_found(
    ledger: StoredLedger, ledger_database: LedgerDatabase, statement: str
) -> None:
    """By the verifier, which derives it from the journal."""
    await a_few_scheduled(ledger)
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    try:
        assert await owner.execute(statement) != "UPDATE 0"
    finally:
        await owner.close()
    result = await verify(ledger_database.readonly, seals=False)
    assert "scheduled" in {each.name for each in result.checks if not each.ok}


async def test_the_verifier_says_what_should_have_been_executed(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Where a writer has worked for long since its day was opened."""
    await ledger.send(opening(ALICE), opening(BOB), *day(TODAY))
    await ledger.send(pays("p"), *day(TOMORROW))
    assert (await verify(ledger_database.readonly)).ok
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    try:
        await owner.execute("UPDATE shard SET last_recorded_at = last_recorded_at + interval '11 minutes'")
    finally:
        await owner.close()
    result = await verify(ledger_database.readonly)
    assert result.first_difference is not None
    assert result.first_difference.check == "scheduled"


async def test_balances_at_any_moment_reserve_nothing_for_it(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """What executes something frees nothing that was pending."""
    await a_few_scheduled(ledger)
    now = await account_show(asking, ALICE)
    assert now is not None
    then = await account_show(asking, ALICE, Moment(at=ledger.now))
    assert then is not None
    names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending", "available")
    assert {name: now[name] for name in names} == {name: then[name] for name in names}
    assert now["debits_pending"] == "0.00"


SHOWN = table("""
    name  outcome   follow_ups
    p     posted    TransactionPosted
    r     rejected  InstructionRejected
    w1    posted    TransactionPending,TransactionPosted
    w2    voided    TransactionPending,TransactionVoided
    c     voided    TransactionCancelled
    w     scheduled -
""")


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row["name"])
async def test_it_is_shown_traced_and_found_by_what_it_has_come_to(
    ledger: StoredLedger, asking: asyncpg.Connection, row: dict[str, str]
) -> None:
    """With all that followed, at whatever remove."""
    await a_few_scheduled(ledger)
    instruction_id = uuid.UUID(named_id(row["name"]))
    (shown,) = await transaction_show(asking, instruction_id)
    assert (shown["event"], shown["outcome"]) == ("TransactionScheduled", row["outcome"])
    followed = row["follow_ups"].split(",") if row["follow_ups"] else []
    assert [each["event"] for each in shown["follow_ups"]] == followed
    traced = await transaction_trace(asking, instruction_id)
    told = [each["event"] for each in traced if each["type"] != "reversal"]
    assert told == ["TransactionScheduled", *followed]
    found = [
        each
        async for each in find_transactions(asking, Wanted(owner=ALICE, outcome=row["outcome"], asset="EUR"))
    ]
    assert str(instruction_id) in {each["instruction_id"] for each in found}
