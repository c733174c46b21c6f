"""A custody account is closed as a whole, with all that is within it, and opened again as a whole."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.queries.accounts import account_show
from services.transactions.queries.verifying import verify
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    closing,
    custody,
    custody_transfer,
    deposit,
    limiting,
    opening,
    outcome,
    owner_in,
    received,
    reopening,
    trade,
    transfer,
)
from tests.transactions.test_custody import freezing

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
BOX, HELD, HOME = f"{ALICE}/custody", f"{ALICE}/custody#{ISIN}", 1
SUSPENSE = f"BANK/suspense/{ISIN}"


def a_bank() -> PureLedger:
    """Alice with a custody account and one within it that holds nothing any more; Bob with shares."""
    ledger = PureLedger()
    ledger.send(*(opening(owner) for owner in (ALICE, BOB)), custody(ALICE), custody(BOB))
    ledger.send(deposit(ALICE, "100.00"), custody_transfer(BOB, "receive", "9"))
    ledger.send(custody_transfer(ALICE, "receive", "5"), custody_transfer(ALICE, "deliver", "5"))
    return ledger


def over(amount: str) -> dict[str, Any]:
    """Bob gives Alice some of his shares."""
    return transfer(BOB, HELD, amount, debit_account=f"{BOB}/custody#{ISIN}", asset=ISIN)


def unaware(ledger: PureLedger, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Decide as a batch that has read before that no account is shut."""
    ledger.foreign_stopped = {}
    events = ledger.send(*messages)
    ledger.foreign_stopped = None
    return events


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ([], "applied"),
        ([custody_transfer(ALICE, "receive", "1")], "balance_not_zero"),
        ([over("1")], "balance_not_zero"),
        ([trade(ALICE, "buy", "1", "5.00")], "account_has_pendings"),
        ([freezing(HELD, "debit", ALICE)], "account_frozen"),
        ([freezing(BOX, "credit", ALICE)], "account_frozen"),
        ([closing(ALICE, BOX)], "account_closed"),
    ],
)
def test_what_is_within_must_be_free_and_hold_nothing(before: list[dict[str, Any]], reason: str) -> None:
    """By what home sees of all shards."""
    ledger = a_bank()
    ledger.send(*before)
    assert outcome(ledger.send(closing(ALICE, BOX))[0]) == reason


def test_what_is_within_is_not_closed_or_opened_again_alone() -> None:
    """It has no life of its own."""
    ledger = a_bank()
    assert outcome(ledger.send(closing(ALICE, HELD))[0]) == "account_class_not_allowed"
    ledger.send(closing(ALICE, BOX))
    assert outcome(ledger.send(reopening(ALICE, HELD))[0]) == "account_not_closed"


def test_an_account_opened_within_in_the_same_batch_counts() -> None:
    """It is in no table yet."""
    ledger = a_bank()
    box = f"{ALICE}/box"
    messages = [
        custody(ALICE, box),
        custody_transfer(ALICE, "receive", "1", account=box),
        closing(ALICE, box),
    ]
    events = ledger.run([received(each, offset=900 + place) for place, each in enumerate(messages)])
    assert [outcome(each) for each in events] == ["applied", "posted", "balance_not_zero"]


def test_no_limit_is_set_within_one_that_is_shut() -> None:
    """It is shut with the whole."""
    ledger = a_bank()
    assert outcome(ledger.send(limiting(ALICE, "1", HELD))[0]) == "applied"
    ledger.send(closing(ALICE, BOX))
    assert outcome(ledger.send(limiting(ALICE, "1", HELD))[0]) == "account_closed"


def test_nothing_moves_within_one_that_is_shut() -> None:
    """Here and elsewhere, what is there and what is not opened yet; facts go to the return account."""
    ledger = a_bank()
    ledger.send(closing(ALICE, BOX))
    assert outcome(ledger.send(over("1"))[0]) == "account_closed"
    (kept,) = ledger.send(custody_transfer(ALICE, "receive", "1"))
    assert (kept["routed"], kept["movements"][0]["credit"]["account"]) == (
        "account_closed",
        f"BANK/return/{ISIN}",
    )
    assert "opened" not in kept


def test_it_is_closed_once_all_within_has_come_to_nothing() -> None:
    """A credit that was under way goes to suspense first."""
    ledger = a_bank()
    ledger.send(closing(ALICE, BOX))
    unaware(ledger, over("2"))
    (swept,) = ledger.tick(HOME)
    assert (swept["type"], swept["movements"][0]["debit"]["account"]) == ("CreditSwept", HELD)
    (closed,) = ledger.tick(HOME)
    assert (closed["type"], closed["account"]["account"]) == ("AccountClosed", BOX)
    unaware(ledger, over("1"))
    assert [each["type"] for each in ledger.tick(HOME)] == ["CreditSwept"]
    assert ledger.balance(SUSPENSE) == 3
    assert (outcome(ledger.send(reopening(ALICE, BOX))[0]), ledger.tick(HOME)) == ("applied", [])
    assert outcome(ledger.send(over("1"))[0]) == "posted"


@given(st.lists(st.sampled_from(["late", "tick", "close", "reopen", "receive", "deliver"]), max_size=15))
@settings(deadline=None)
def test_no_share_is_lost(steps: list[str]) -> None:
    """Whatever arrives when: what holders have is what locations have, and what is closed holds nothing."""
    ledger = a_bank()
    made = {
        "close": lambda: closing(ALICE, BOX),
        "reopen": lambda: reopening(ALICE, BOX),
        "receive": lambda: custody_transfer(ALICE, "receive", "1"),
        "deliver": lambda: custody_transfer(ALICE, "deliver", "1"),
    }
    for step in steps:
        if step == "late":
            unaware(ledger, over("1"))
        elif step == "tick":
            ledger.tick(HOME)
        else:
            ledger.send(made[step]())
    while ledger.tick(HOME):
        pass
    holders = sum(
        ledger.balance(each.code)
        for each in ledger.accounts.values()
        if each.asset == ISIN and each.account_class not in ("depository", "custodian")
    )
    located = sum(-ledger.balance(f"BANK/{name}/{ISIN}") for name in ("depository", "custodian"))
    assert holders == located
    state = ledger.states[HOME]
    if ledger.accounts[BOX].account_id in {*state.closing, *state.closed}:
        assert ledger.balance(HELD) <= 0


async def test_a_closing_outlives_the_memory_and_is_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """What is within is known again, and shown as its custody account is."""
    await ledger.send(custody(ALICE), custody(BOB), custody_transfer(BOB, "receive", "9"))
    await ledger.send(custody_transfer(ALICE, "receive", "5"), custody_transfer(ALICE, "deliver", "5"))
    (begun, late) = await ledger.send(closing(ALICE, BOX), over("2"))
    assert (outcome(begun), outcome(late)) == ("applied", "posted")
    kept = {shard: each.closing for shard, each in ledger.service.memory.shards.items()}
    await ledger.forget()
    assert kept == {shard: each.closing for shard, each in ledger.service.memory.shards.items()}
    assert [each["type"] for each in await ledger.tick()] == ["CreditSwept"]
    assert [each["type"] for each in await ledger.tick()] == ["AccountClosed"]
    assert outcome((await ledger.send(over("1")))[0]) == "account_closed"
    for code in (BOX, HELD):
        shown = await account_show(ledger.connection, code)
        assert shown is not None
        assert shown["status"] == "closed"
    for quick in (True, False):
        found = await verify(ledger_database.readonly, quick=quick)
        assert (found.ok, found.first_difference) == (True, None)
