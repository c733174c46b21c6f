"""A dry run says what would come of an instruction, and nothing whatever comes of it."""

from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain.changes import Changes
from services.transactions.domain.decisions import Decision, hash_of
from services.transactions.domain.decoding import MalformedInstruction
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.state import ShardState
from services.transactions.handlers.memory import TYPES
from services.transactions.queries.showing import transaction_show
from services.transactions.queries.traces import transaction_trace
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.base import content_of
from shared.runtime.work import Received
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    exchange,
    instruction,
    is_malformed,
    limiting,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    table,
    trade,
    transfer,
    withdrawal,
)
from tests.transactions.test_fold import (
    DAYS,
    HOME,
    MESSAGES,
    NEIGHBOUR,
    RESERVES,
    SHARD,
    STREAMS,
    a_ledger,
    stream,
)

ALICE, BOB = owner_in(1), owner_in(2)
HEAD = (
    "shard", "seq", "recorded_at", "source", "instruction_id", "instruction_type", "owner", "first",
    "content_hash", "instruction",
)  # fmt: skip
"""What all events of the ledger begin with, and end with."""


def dry(message: dict[str, Any]) -> dict[str, Any]:
    """The same instruction as a dry run."""
    return {**message, "dry_run": True}


def real(message: dict[str, Any]) -> dict[str, Any]:
    """The same instruction, to be carried out."""
    return {name: value for name, value in message.items() if name != "dry_run"}


def own_fields(event: dict[str, Any]) -> dict[str, Any]:
    """The fields that are an event's own."""
    return {name: value for name, value in event.items() if name not in HEAD}


OUTCOMES = table("""
    what                     outcome    would_be             reason
    posted                   posted     TransactionPosted    -
    screened                 pending    TransactionPending   -
    reserved                 pending    TransactionPending   -
    opened                   applied    InstructionApplied   -
    too_much                 rejected   InstructionRejected  insufficient_funds
    malformed                rejected   InstructionRejected  amount_not_a_string
    astray                   rejected   InstructionRejected  wrong_key
    repeated                 duplicate  DuplicateReceived    -
    reused                   rejected   InstructionRejected  id_reused
    given_back               voided     TransactionVoided    void_requested
    day                      applied    BusinessDayOpened    -
    routed                   posted     TransactionPosted    -
""")


def message_of(what: str) -> dict[str, Any]:
    """An instruction by which rung or outcome it is to meet."""
    return {
        "posted": transfer(HOME, NEIGHBOUR, "10.00"),
        "screened": withdrawal(HOME, "1000.00"),
        "reserved": instruction("reserve", owner=HOME, account=HOME, amount="5.00", asset="EUR"),
        "opened": opening(HOME, "another"),
        "too_much": transfer(HOME, NEIGHBOUR, "9999.00"),
        "malformed": {**transfer(HOME, NEIGHBOUR, "1"), "amount": 1},
        "astray": transfer(HOME, NEIGHBOUR, "10.00"),
        "repeated": transfer(HOME, NEIGHBOUR, "1.00", instruction_id=named_id("came before")),
        "reused": transfer(HOME, NEIGHBOUR, "2.00", instruction_id=named_id("came before")),
        "given_back": instruction("void_pending", owner=HOME, pending_id=named_id("set aside")),
        "day": instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-02-01"),
        "routed": deposit(HOME, "5.00", "nobody"),
    }[what]


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: row["what"])
def test_a_dry_run_says_what_would_come_of_it(row: dict[str, str]) -> None:
    """By the whole ladder, as the books are then; afterwards the same id is sent for real, and that comes."""
    ledger = a_ledger()
    reserve = {"account": HOME, "amount": "5.00", "asset": "EUR", "instruction_id": named_id("set aside")}
    ledger.send(
        transfer(HOME, NEIGHBOUR, "1.00", instruction_id=named_id("came before")),
        instruction("reserve", owner=HOME, **reserve),
    )
    message = message_of(row["what"])
    key = "another" if row["what"] == "astray" else None
    tried, event = (
        ledger.send(received(each, key=key, partition=SHARD))[0] for each in (dry(message), message)
    )
    assert tried["type"] == "DryRunJudged"
    assert outcome(event) in (row["outcome"], row["reason"])
    assert (tried["outcome"], tried["would_be"]["type"]) == (row["outcome"], row["would_be"])
    assert tried.get("reason", "") == row["reason"]
    assert tried["would_be"] == own_fields(event)
    for name in ("instruction", "content_hash", "first", "instruction_id", "instruction_type", "owner"):
        assert tried.get(name) == event.get(name)


def test_a_dry_run_says_which_balances_would_be_left() -> None:
    """Of each movement, as the journal would keep them beside it."""
    ledger = a_ledger()
    message = transfer(HOME, NEIGHBOUR, "10.00")
    tried, event = ledger.send(dry(message), message)
    assert tried["balances_after"] == [{"leg": 0, "debit": "1990.00", "credit": "2010.00"}]
    leg = ledger.decisions[event["shard"]][-1].legs[0]
    assert (leg.debit_balance_after, leg.credit_balance_after) == (1990_00, 2010_00)


def test_a_mark_that_is_no_truth_value_is_a_fault_of_form() -> None:
    """Nobody knows then whether it was meant: it is rejected, and its id used up."""
    ledger = a_ledger()
    message = {**transfer(HOME, NEIGHBOUR, "1.00"), "dry_run": "yes"}
    rejected, repeated = ledger.send(message, message)
    assert (rejected["reason"], rejected["field"]) == ("field_wrong_type", "dry_run")
    assert repeated["type"] == "DuplicateReceived"


@pytest.mark.parametrize("amount", ["1.00", 1])
def test_the_mark_is_no_part_of_the_content(amount: Any) -> None:
    """Said or not, the instruction is the same, also where it is malformed."""
    plain = {**transfer(HOME, NEIGHBOUR, "1.00"), "amount": amount}
    records = [received(each).message for each in (plain, {**plain, "dry_run": False}, dry(plain))]
    assert all(isinstance(each, MalformedInstruction) == (amount == 1) for each in records)
    hashes = set[bytes]()
    for each in records:
        is_read = isinstance(each, MalformedInstruction | PlainInstruction)
        hashes.add(each.content_hash if is_read else hash_of(content_of(each)))
    assert len(hashes) == 1
    assert is_malformed(received(dry(plain))) == (amount == 1)


# ── nothing comes of it ──────────────────────────────────────────────────────────────────────────

MIXED = st.lists(st.tuples(st.booleans(), MESSAGES | RESERVES | DAYS), max_size=40) | st.lists(
    st.tuples(st.booleans(), RESERVES), min_size=6, max_size=30
)


def whole(changes: Changes) -> dict[str, Any]:
    """All that a batch has changed, by its parts."""
    return {each.name: getattr(changes, each.name) for each in fields(changes) if each.name != "state"}


def remembered(state: ShardState) -> dict[str, Any]:
    """All that a shard remembers."""
    return {each.name: getattr(state, each.name) for each in fields(state)}


def came_of(records: list[Received]) -> tuple[list[Decision], list[dict[str, Any]], dict[str, Any]]:
    """Decisions about a batch, what it changed, and what the shard remembers afterwards."""
    ledger = a_ledger()
    changed: list[dict[str, Any]] = []
    fold = ledger._fold

    def watched(*given: Any) -> Any:
        """Keep what the last fold of the batch comes to."""
        folded = fold(*given)
        changed[:] = [whole(folded.changes)]
        return folded

    ledger._fold = watched  # type: ignore[method-assign]
    already = len(ledger.decisions[SHARD])
    ledger.run(records)
    return ledger.decisions[SHARD][already:], changed, remembered(ledger.states[SHARD])


@given(MIXED)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_batch_comes_to_the_same_with_dry_runs_in_it(drawn: list[tuple[bool, dict[str, Any]]]) -> None:
    """Every other decision, all changes and all memory: nothing of a dry run is seen by what follows.

    Without them means with records in their places that nobody can read, so that numbers stay as they are.
    """
    tries = {number for number, (is_dry, _) in enumerate(drawn) if is_dry}
    with_them = stream([dry(each) if is_dry else real(each) for is_dry, each in drawn])
    without = stream([b"{" if is_dry else real(each) for is_dry, each in drawn])
    decided, changed, memory = came_of(with_them)
    expected, as_changed, as_memory = came_of(without)
    assert [each for number, each in enumerate(decided) if number not in tries] == [
        each for number, each in enumerate(expected) if number not in tries
    ]
    assert (changed, memory) == (as_changed, as_memory)
    for number in tries:
        tried = decided[number]
        assert (tried.kind, tried.legs, tried.uses_up_id) == ("DryRunJudged", [], False)


@given(STREAMS)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_dry_run_says_is_what_comes_of_the_same_sent_next(drawn: list[Any]) -> None:
    """In one batch, each instruction first as a dry run and then for real."""
    doubled: list[Any] = []
    for each in drawn:
        doubled += [dry(each), real(each)] if isinstance(each, dict) else [each]
    ledger = a_ledger()
    events = ledger.run(stream(doubled))
    for number, each in enumerate(doubled):
        if isinstance(each, dict) and each.get("dry_run"):
            tried, event = events[number], events[number + 1]
            assert tried["would_be"] == own_fields(event)
            assert tried.get("first") == event.get("first")
            assert tried.get("content_hash") == event.get("content_hash")


def test_every_type_can_be_tried() -> None:
    """The mark stands on the envelope: no type is without it."""
    assert all("dry_run" in each.model_fields for each in INSTRUCTIONS)
    assert len(TYPES) == len(INSTRUCTIONS)


# ── with tables ──────────────────────────────────────────────────────────────────────────────────

TABLES = (
    "account", "balance", "pending", "account_freeze", "account_limit", "business_day", "instruction_key",
    "movement_of_several",
)  # fmt: skip


async def rows_of(ledger: StoredLedger) -> dict[str, list[Any]]:
    """All rows that the ledger keeps beside its journal."""
    return {
        name: sorted((tuple(row) for row in await ledger.connection.fetch(f"SELECT * FROM {name}")), key=repr)
        for name in TABLES
    }


def every_kind() -> list[dict[str, Any]]:
    """An instruction of each kind that would change something in some table."""
    names = {"freeze_id": "f", "authority": "court"}
    return [
        opening(ALICE, "another"),
        deposit(ALICE, "5.00"),
        withdrawal(ALICE, "1000.00"),
        transfer(ALICE, BOB, "5.00"),
        exchange(ALICE, "100.00", "110.00", "1.1"),
        custody(ALICE, "another/custody"),
        custody_transfer(ALICE, "receive", "3"),
        trade(ALICE, "buy", "2", "10.00", commission="0.50"),
        instruction("fee", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        instruction("interest", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        instruction("house_posting", owner=HOUSE, debit_account="BANK/nostro/EUR",
                    credit_account="BANK/vault/EUR", amount="1.00", asset="EUR"),
        instruction("reserve", owner=ALICE, account=ALICE, amount="5.00", asset="EUR"),
        instruction("post_pending", owner=ALICE, pending_id=named_id("r"), amount="1.00", final=False),
        instruction("void_pending", owner=ALICE, pending_id=named_id("r")),
        instruction("freeze_account", owner=ALICE, account=ALICE, **names),
        instruction("unfreeze_account", owner=ALICE, account=ALICE, freeze_id="stands"),
        limiting(ALICE, "10.00"),
        instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2027-01-01"),
    ]  # fmt: skip


async def a_stored_ledger(ledger: StoredLedger) -> None:
    """Two customers with money; one with something reserved, and a freeze of credits."""
    freeze = {"freeze_id": "stands", "authority": "court", "direction": "credit"}
    usd = opening(ALICE, f"{ALICE}/USD", asset="USD")
    await ledger.send(opening(ALICE), custody(ALICE), usd, opening(BOB), deposit(ALICE, "2000.00"))
    await ledger.send(
        instruction("reserve", owner=ALICE, account=ALICE, amount="9.00", asset="EUR",
                    instruction_id=named_id("r")),
        instruction("freeze_account", owner=ALICE, account=ALICE, **freeze),
    )  # fmt: skip


async def test_dry_runs_leave_no_row_but_their_own(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Of every type, and each is accepted by the verifier, that spells and hashes it anew."""
    await a_stored_ledger(ledger)
    before = await rows_of(ledger)
    messages = every_kind()
    assert {each["type"] for each in messages} <= set(TYPES)
    events = await ledger.send(*[dry(each) for each in messages])
    assert [each["type"] for each in events] == ["DryRunJudged"] * len(messages)
    refused = [each["would_be"] for each in events if each["outcome"] == "rejected"]
    assert refused == []
    assert await rows_of(ledger) == before
    found = await verify(ledger_database.readonly)
    assert (found.ok, found.first_difference) == (True, None)
    # None of it was remembered: what is sent for real now is judged as if nothing had been asked.
    for each in await ledger.send(*messages):
        assert each["type"] not in ("InstructionRejected", "DuplicateReceived")


async def test_a_dry_run_of_an_id_that_came_long_ago_says_so(ledger: StoredLedger) -> None:
    """It claims no id, so it must be looked up; and in the same batch, too."""
    await a_stored_ledger(ledger)
    message = transfer(ALICE, BOB, "1.00")
    await ledger.send(message)
    await ledger.forget()
    ledger.service.memory.repeats_expected = 0
    fresh = transfer(ALICE, BOB, "2.00")
    repeated, reused, free, real, late = await ledger.send(
        dry(message), dry({**message, "amount": "3.00"}), dry(fresh), fresh, dry(fresh)
    )
    assert (repeated["outcome"], repeated["would_be"]["first_outcome"]) == ("duplicate", "posted")
    assert (reused["outcome"], reused["reason"]) == ("rejected", "id_reused")
    assert (free["outcome"], real["type"], late["outcome"]) == ("posted", "TransactionPosted", "duplicate")


async def test_a_dry_run_is_traced_and_shown_by_its_id(ledger: StoredLedger) -> None:
    """Before the id is used, and beside what came of it afterwards."""
    await a_stored_ledger(ledger)
    message = transfer(ALICE, BOB, "1.00", instruction_id=named_id("asked"))
    asked = UUID(message["instruction_id"])
    await ledger.send(dry(message))
    (shown,) = await transaction_show(ledger.connection, asked)
    assert (shown["outcome"], shown["detail"]["outcome"]) == ("dry_run", "posted")
    await ledger.send(message)
    await ledger.send(dry(message))
    (shown,) = await transaction_show(ledger.connection, asked)
    assert (shown["outcome"], [each["event"] for each in shown["follow_ups"]]) == ("posted", ["DryRunJudged"])
    traced = await transaction_trace(ledger.connection, asked)
    assert [each["event"] for each in traced] == ["DryRunJudged", "TransactionPosted", "DryRunJudged"]
