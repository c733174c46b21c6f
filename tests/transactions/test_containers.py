"""Accounts that are grouped: what may be the container of another, and what is made of it."""

import json

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.domain.chart import WITHIN
from services.transactions.queries.verifying import verify
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    closing,
    custody,
    custody_transfer,
    opening,
    outcome,
    owner_in,
    reopening,
    table,
)
from tests.transactions.test_custody import freezing

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")


def a_bank() -> PureLedger:
    """Alice with a main account and another within it, accounts elsewhere, and securities; Bob and Carol."""
    ledger = PureLedger()
    ledger.send(*(opening(each) for each in (ALICE, BOB, CAROL)), custody(ALICE, "box"))
    ledger.send(
        opening(ALICE, "within", container=ALICE),
        opening(ALICE, "broker", entity="BROKER"),
        opening(ALICE, "dollars", asset="USD"),
        opening(ALICE, "shares", asset=ISIN, **{"class": "custody"}),
        custody_transfer(ALICE, "receive", "1", account="box"),
        *(opening(ALICE, each) for each in ("closing", "frozen", "reopened")),
        *(closing(ALICE, each) for each in ("closing", "reopened")),
        reopening(ALICE, "reopened"),
        freezing("frozen", owner=ALICE),
    )
    ledger.events.clear()
    return ledger


CONTAINERS = table("""
    container          outcome                 why
    alice              applied                 -
    dollars            applied                 -                      # of whatever asset
    shares             applied                 -
    frozen             applied                 -                      # a freeze is of what moves
    reopened           applied                 -
    closing            account_closed          closed_or_closing
    nobody             account_unknown         no_account_of_this_code
    new                accounts_same           not_within_itself
    carol              container_not_allowed   another_owner's        # at home here
    bob                container_not_allowed   another_owner's        # elsewhere
    BANK/nostro/EUR    container_not_allowed   another_owner's        # the house's
    broker             container_not_allowed   another_entity
    within             container_not_allowed   within_alice_itself
    box                container_not_allowed   opened_as_they_are_needed
    box+US0378331005   container_not_allowed   within_box_itself
""")
NAMES = {"alice": ALICE, "bob": BOB, "carol": CAROL}


@pytest.mark.parametrize("row", CONTAINERS, ids=lambda row: row["container"])
def test_an_account_is_grouped_under_one_of_the_same_owner_and_entity(row: dict[str, str]) -> None:
    """That is open and within none, so that there is one level of them, all at one home."""
    ledger = a_bank()
    container = NAMES.get(row["container"], row["container"].replace("+", WITHIN))
    (event,) = ledger.send(opening(ALICE, "new", container=container))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "applied":
        assert (ledger.accounts["new"].container, ledger.accounts["new"].container_id) == (container, None)
        assert outcome(ledger.send(opening(ALICE, "newer", container="new"))[0]) == "container_not_allowed"
    else:
        assert event["field"] == "container"
        assert row["why"].replace("_", " ").replace("alice", ALICE) in event["detail"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"account": "new", "container": "new", "entity": "none"}, "accounts_same"),
        ({"account": ALICE, "container": "nobody"}, "account_unknown"),
        ({"account": ALICE, "container": "carol"}, "account_unknown"),
        ({"account": ALICE, "container": BOB}, "container_not_allowed"),
        ({"account": ALICE, "container": "closing"}, "account_exists"),
    ],
)
def test_the_first_rung_that_fails_names_the_reason(fields: dict[str, str], reason: str) -> None:
    """A container that is closed is of the status, behind all references."""
    given_ = {"entity": "BANK", **fields}
    (event,) = a_bank().send(opening(ALICE, **given_))
    assert outcome(event) == reason


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ALICE, CAROL]),
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from([None, "a", "b", "c", "d", BOB]),
        st.sampled_from(["open", "open", "open", "close", "reopen"]),
    ),
    max_size=16,
)


@given(STEPS, st.lists(st.booleans(), min_size=16, max_size=16))
@settings(max_examples=150, deadline=None)
def test_containers_form_no_ring_and_no_chain(
    steps: list[tuple[str, str, str | None, str]], cuts: list[bool]
) -> None:
    """Whatever is opened, closed and opened again, in whatever batches; and every one is its owner's."""
    ledger = PureLedger()
    ledger.send(opening(BOB))
    batch = []
    for (owner, code, container, act), cut in zip(steps, cuts, strict=False):
        match act:
            case "close":
                batch.append(closing(owner, code))
            case "reopen":
                batch.append(reopening(owner, code))
            case _:
                batch.append(opening(owner, code, container=container))
        if cut:
            ledger.send(*batch)
            batch.clear()
    ledger.send(*batch)
    for account in ledger.accounts.values():
        if account.container is not None:
            main = ledger.accounts[account.container]
            assert (main.owner, main.entity, main.container) == (account.owner, account.entity, None)


async def test_a_container_is_kept_and_held_against_the_event_that_names_it(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Nobody moves an account to another group unseen, nor has it grouped by an event that could not."""
    await ledger.send(opening(ALICE), opening(ALICE, "saved", container=ALICE), opening(CAROL))
    await ledger.forget()
    (deep,) = await ledger.send(opening(ALICE, "deep", container="saved"))
    assert outcome(deep) == "container_not_allowed"
    await ledger.send(opening(ALICE, "more", container=ALICE))
    assert (await verify(ledger_database.readonly)).ok
    owner = await asyncpg.connect(ledger_database.owner)
    try:
        await owner.execute("UPDATE transactions.account SET container = $1 WHERE code = 'more'", CAROL)
        found = await verify(ledger_database.readonly)
        assert [each.name for each in found.checks if not each.ok] == ["accounts"]
        await owner.execute("UPDATE transactions.account SET container = $1 WHERE code = 'more'", ALICE)
        await owner.execute("UPDATE transactions.account SET owner = $1 WHERE code = $2", CAROL, ALICE)
        found = await verify(ledger_database.readonly)
        (accounts,) = [each for each in found.checks if each.name == "accounts"]
        assert not accounts.ok
        assert "within no other" in json.dumps(str(found.first_difference))
    finally:
        await owner.close()
