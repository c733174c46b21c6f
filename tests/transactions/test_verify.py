"""The verifier finds what was tampered with, and nothing else."""

# ruff: noqa: E501 - statements in one line each

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.transactions.queries.verifying import CHECKS, PublishedEvent, compare_published, verify
from shared.messages.acts import PassOverLost
from shared.messages.envelope import HOUSE
from shared.messages.topics import INSTRUCTIONS, TRANSACTIONS_ACTS
from shared.money import format_amount
from shared.runtime.clock import new_id
from shared.runtime.lost import Lost, pass_over
from shared.runtime.work import Outgoing, Received
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, database
from tests.transactions.support import (
    ISIN,
    PARTITIONS,
    StoredLedger,
    allocating,
    answer,
    closing,
    custody,
    custody_transfer,
    deposit,
    exchange,
    instruction,
    named_id,
    opening,
    outcome,
    owner_in,
    rating,
    received,
    reopening,
    returning,
    reversal,
    trade,
    transfer,
    withdrawal,
    writing_off,
)

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(3, "carol")


async def a_lively_ledger(ledger: StoredLedger) -> None:
    """A bit of everything: foreign credits, freezes, facts past limits, pending ones of each fate."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "5000.00"), deposit(BOB, "100.00"))
    message = transfer(BOB, ALICE, "60.00")
    await ledger.send(message)
    await ledger.send(message, message | {"amount": "61.00"}, transfer(ALICE, "nobody", "1.00"))
    first, second, _ = await ledger.send(*[withdrawal(ALICE, "1500.00") for _ in range(3)])
    await ledger.send(transfer(ALICE, BOB, "560.00"), transfer(ALICE, BOB, "0.01"))
    await ledger.send(answer(first, "cleared"), answer(second, "refused"), answer(first, "cleared"))
    await ledger.send(
        instruction("fee", owner=BOB, account=BOB, amount="900.00", asset="EUR"),
        instruction("freeze_account", owner=BOB, account=BOB, freeze_id="f1", authority="c"),
        deposit(BOB, "3.00"),
        transfer(BOB, ALICE, "1.00"),
        instruction("freeze_account", owner=BOB, account=BOB, freeze_id="f2", authority="c"),
        instruction("unfreeze_account", owner=BOB, account=BOB, freeze_id="f1"),
        deposit(BOB, "7.00", "nobody"),
        b"{",
    )
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    await ledger.send(transfer(ALICE, BOB, "1.00"), deposit(ALICE, "0.50"))
    await ledger.send(deposit(ALICE, "1.50") | {"dry_run": True}, message | {"dry_run": True})
    await a_few_ratings(ledger)
    await a_few_exchanges(ledger)
    await a_few_groups(ledger)
    await a_few_securities(ledger)
    await a_few_reserves(ledger)
    await a_few_amounts_kept(ledger)
    await a_few_limits(ledger)
    await a_few_reversals(ledger)
    await a_few_returns(ledger)
    await a_few_items(ledger)
    await a_few_closings(ledger)
    await a_few_scheduled(ledger)
    await a_few_obligations(ledger)
    await a_few_periods(ledger)


async def a_few_periods(ledger: StoredLedger) -> None:
    """The first day closed in two steps, with an adjustment in between that is booked on it, and one later."""
    people = {"reason": "an error", "entered_by": "op:jane", "approved_by": "op:joe"}
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/suspense/EUR"}
    period = {"entity": "BANK", "first_day": "2025-12-31", "last_day": "2026-01-01"}
    right = {**people, **ends, "amount": "3.00", "asset": "EUR", "booking_date": "2026-01-01"}
    for state in ("soft_closed", "closed"):
        message = instruction("close_period", owner=HOUSE, **period, state=state)
        await ledger.send(*[received(message, partition=shard) for shard in range(PARTITIONS)])
        await ledger.send(instruction("adjustment", owner=HOUSE, **right))
    await ledger.send(deposit(ALICE, "0.07"))
    accrued = {"account": "second", "series": "q1", "asset": "EUR"}
    for cumulative in ("1.005", "1.009", "1.5"):
        await ledger.send(instruction("accrual", owner=CAROL, **accrued, cumulative=cumulative))
    balance = {"account": "fourth", "amount": "6.00", "asset": "EUR"}
    await ledger.send(
        opening(CAROL, "fourth"),
        instruction("opening_balance", owner=CAROL, **balance, booking_date="2026-01-02"),
        instruction(
            "opening_balance", owner=CAROL, **balance, booking_date="2026-01-01", value_date="2026-09-01"
        ),
        transfer(CAROL, BOB, "6.00", debit_account="fourth"),
        transfer(CAROL, BOB, "0.01", debit_account="fourth"),
    )
    await passed_over(ledger, 9_000, 9_005)


async def passed_over(ledger: StoredLedger, from_offset: int, until_offset: int) -> None:
    """Two people have shard 0 go on behind records that were lost, as the runtime does it."""
    right: dict[str, Any] = {"actor": "ann", "reason": "sent again", "approved_by": "bea"}
    lost = Lost(INSTRUCTIONS.name, 0, from_offset, until_offset)
    act = PassOverLost(
        act_id=new_id(),
        shard=0,
        topic=lost.topic,
        from_offset=from_offset,
        until_offset=until_offset,
        **right,
    )
    record = Received(0, TRANSACTIONS_ACTS.name, 0, 7, 0, None, act)
    result = {**lost._asdict(), "records": until_offset - from_offset, "approved_by": "bea", "was": None}
    async with ledger.work([0]) as work:
        await ledger.service.announce_act(work, record, done=True, detail="passed_over", result=result)
        await pass_over(ledger.connection, lost, act, work.shards[0].recorded_at)


async def a_few_scheduled(ledger: StoredLedger) -> None:
    """One executed on its day, one refused then, one cancelled before, and one that waits."""

    def pays(name: str, amount: str, on: str = "2026-01-04") -> dict[str, Any]:
        """From one account of Alice's to another, on a day."""
        given = {"credit_account": "kept", "execute_on": on, "instruction_id": named_id(name)}
        return transfer(ALICE, ALICE, amount, **given)

    waiting = [
        pays("s1", "1.00"),
        pays("s2", "999999.00"),
        pays("s3", "1.00"),
        pays("s4", "1.00", "2026-02-01"),
    ]
    await ledger.send(*waiting)
    await ledger.send(instruction("void_pending", owner=ALICE, pending_id=named_id("s3")))
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-04")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    due = [outcome(each) for each in await ledger.tick()]
    assert due == ["expired", "posted", "insufficient_funds"]


async def a_few_closings(ledger: StoredLedger) -> None:
    """One closed after a credit that was under way, one opened again, one that something is still under way to."""
    codes = (CAROL, "second", "third")
    await ledger.send(*(opening(CAROL, each) for each in codes), deposit(ALICE, "8.00"))
    late = transfer(ALICE, CAROL, "5.00")
    reserve = {"account": ALICE, "credit_account": "third", "amount": "1.00", "asset": "EUR"}
    await ledger.send(
        late, instruction("reserve", owner=ALICE, **reserve), *(closing(CAROL, each) for each in codes)
    )
    assert [each["type"] for each in await ledger.tick()] == ["CreditSwept", "AccountClosed"]
    assert [each["type"] for each in await ledger.tick()] == ["AccountClosed"]
    await ledger.send(reopening(CAROL, "second"), deposit(CAROL, "2.00", "second"), deposit(CAROL, "3.00"))


async def a_few_exchanges(ledger: StoredLedger) -> None:
    """One posted at once, one that compliance clears, one that it refuses, and one that does not agree."""
    dollars = opening(ALICE, f"{ALICE}/USD", asset="USD")
    one, wrong = exchange(ALICE, "10.00", "10.85", "1.0852"), exchange(ALICE, "10.00", "11.85", "1.0852")
    await ledger.send(dollars, deposit(ALICE, "150.00"), one, wrong)
    fee, cut = ({"kind": "fee", "amount": "0.50", "asset": each} for each in ("EUR", "USD"))
    cut["taken"] = "deducted"
    await ledger.send(exchange(ALICE, "1.00", "1.09", "1.0852", charges=[fee, cut]))
    await ledger.send(transfer(ALICE, BOB, "2.00", charges=[fee, {**fee, "taken": "deducted"}]))
    held, other = await ledger.send(*[exchange(ALICE, "60.00", "65.11", "1.0852") for _ in range(2)])
    await ledger.send(answer(held, "cleared"), answer(other, "refused"))


async def a_few_groups(ledger: StoredLedger) -> None:
    """One posted, one of facts that go different ways, one refused, and two that compliance decides."""

    def group(*members: dict[str, Any], owner: str = ALICE) -> dict[str, Any]:
        """Several instructions in one."""
        return instruction("group", owner=owner, members=list(members))

    def fee(amount: str, account: str = ALICE) -> dict[str, Any]:
        """A fee of Alice's."""
        return instruction("fee", owner=ALICE, account=account, amount=amount, asset="EUR")

    charges = [{"kind": "tax", "amount": "0.05", "asset": "EUR"}]
    paid, swapped = transfer(ALICE, BOB, "3.00", charges=charges), exchange(ALICE, "1.00", "1.09", "1.0852")
    one = group(paid, fee("0.20"), swapped)
    await ledger.send(deposit(ALICE, "4000.00"), one, paid, {**fee("1.00"), "dry_run": True})
    await ledger.send(
        group(fee("90000.00"), fee("0.30", "nobody")), deposit(ALICE, "90000.00"), group(fee("x"))
    )
    held, other = await ledger.send(*[group(fee("0.10"), withdrawal(ALICE, "1500.00")) for _ in range(2)])
    await ledger.send(group(fee("0.40"), transfer(ALICE, BOB, "90000.00")), group(fee("0.40"), paid))
    await ledger.send(answer(held, "cleared"), answer(other, "refused"), reversal(one))


async def a_few_securities(ledger: StoredLedger) -> None:
    """In and out of two custody accounts, over to the other one, and what a freeze keeps from one."""
    box = f"{ALICE}/custody"
    await ledger.send(custody(ALICE), custody(BOB), custody_transfer(ALICE, "receive", "30"))
    await ledger.send(custody_transfer(BOB, "receive", "2", location="custodian"))
    sold = transfer(ALICE, f"{BOB}/custody#{ISIN}", "4", debit_account=f"{box}#{ISIN}", asset=ISIN)
    await ledger.send(custody_transfer(ALICE, "deliver", "5"), sold)
    await a_few_trades(ledger)
    await ledger.send(
        instruction(
            "freeze_account", owner=ALICE, account=box, freeze_id="s", authority="c", direction="credit"
        ),
        custody_transfer(ALICE, "receive", "7"),
        custody_transfer(ALICE, "deliver", "1"),
    )


async def a_few_trades(ledger: StoredLedger, **fields: Any) -> None:
    """One settled by parts, one of which a part is cancelled, and one that waits."""
    told = await ledger.send(
        trade(ALICE, "buy", "3", "10.00", commission="0.02", **fields),
        trade(ALICE, "sell", "2", "9.99", **fields),
        trade(ALICE, "sell", "1", "4.00", commission="0.50", **fields),
    )
    bought, sold, _ = (each for each in told if "source" in each)
    first, second = ({"owner": ALICE, "pending_id": each["instruction_id"]} for each in (bought, sold))
    await ledger.send(
        instruction("post_pending", **first, amount="1", final=False),
        instruction("post_pending", **first),
        instruction("post_pending", **second, amount="1", final=False),
        instruction("void_pending", **second),
    )


async def a_few_obligations(ledger: StoredLedger) -> None:
    """By trade date: one settled by parts, one of which a part is cancelled, and one that waits."""
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-05")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    await a_few_trades(ledger, contractual_settlement_date="2026-01-05")
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-06")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    assert [each["cause"] for each in await ledger.tick() if "cause" in each] == ["failed"]


async def a_few_limits(ledger: StoredLedger) -> None:
    """One used at once, one for a later day alone, and one lower than what is used."""

    def limit(amount: str | None, **fields: Any) -> dict[str, Any]:
        """Give Bob's account another limit."""
        given = {"account": BOB, "authority": "credit committee", **fields}
        return instruction("change_limit", owner=BOB, **given) | {"limit": amount}

    unfreeze = instruction("unfreeze_account", owner=BOB, account=BOB, freeze_id="f2")
    debit = transfer(BOB, ALICE, "10.00")
    await ledger.send(unfreeze, limit(None), debit, limit("5000.00"), transfer(BOB, ALICE, "20.00"))
    await ledger.send(limit("1.00"), limit("9000.00", valid_from="2026-01-03", valid_until="2026-01-04"))
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-03")
    await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
    await ledger.send(transfer(BOB, ALICE, "30.00"))
    assert len(await ledger.tick()) == 1
    freeze = instruction("freeze_account", owner=BOB, account=BOB, freeze_id="f3", authority="c")
    await ledger.send(freeze)
    holder = {"name": "Ada Morgenrot", "role": "signatory", "person": "P-1"}
    await ledger.send(
        instruction("change_holder", owner=BOB, account=BOB, holder=holder, authority="the register")
    )


async def a_few_amounts_kept(ledger: StoredLedger) -> None:
    """Two that add up, one of them lifted, and what passes and what does not."""
    await ledger.send(opening(ALICE, "kept"), deposit(ALICE, "100.00", "kept"))
    freeze = {"account": "kept", "authority": "c", "direction": "debit"}

    def pays(amount: str) -> dict[str, Any]:
        """Out of the account of which some is kept."""
        return transfer(ALICE, ALICE, amount, debit_account="kept")

    await ledger.send(
        instruction("freeze_account", owner=ALICE, freeze_id="k1", amount="50.00", **freeze),
        instruction("freeze_account", owner=ALICE, freeze_id="k2", amount="30.00", **freeze),
        pays("20.01"),
        pays("20.00"),
        instruction("unfreeze_account", owner=ALICE, account="kept", freeze_id="k2"),
        pays("30.00"),
        instruction("fee", owner=ALICE, account="kept", amount="1.00", asset="EUR"),
    )


async def a_few_reserves(ledger: StoredLedger) -> None:
    """One of each fate: posted whole, by parts, given back, cleared and refused by compliance, and open."""

    def named(name: str, kind: str, **fields: Any) -> dict[str, Any]:
        """An instruction about the reserve of this name."""
        return instruction(kind, owner=ALICE, pending_id=named_id(name), **fields)

    def reserve(name: str, amount: str) -> dict[str, Any]:
        """Alice's reserve of this name."""
        given = {"account": ALICE, "amount": amount, "asset": "EUR", "instruction_id": named_id(name)}
        return instruction("reserve", owner=ALICE, **given)

    fee = {"kind": "fee", "amount": "0.30", "asset": "EUR", "taken": "deducted"}
    charged = {"charges": [fee, {**fee, "kind": "tax", "taken": "on_top"}], "expires_on": "2026-01-03"}
    await ledger.send(deposit(ALICE, "20.00"), reserve("f", "1.00") | charged, reserve("g", "1.00") | charged)
    for name in "fg":
        await ledger.send(named(name, "post_pending", amount="0.20", final=False))
    await ledger.send(named("f", "post_pending"))
    await ledger.send(deposit(ALICE, "500.00"), *[reserve(each, "10.00") for each in ("a", "b", "c", "d")])
    await ledger.send(reserve("e", "10.00") | {"expires_on": "2026-01-02"})
    held, other = await ledger.send(reserve("held", "60.00"), reserve("other", "60.00"))
    await ledger.send(answer(held, "cleared"), answer(other, "refused"))
    await ledger.send(
        named("a", "post_pending"),
        named("b", "post_pending", amount="2.00", final=False),
        named("b", "post_pending", amount="3.00"),
        named("c", "void_pending"),
        named("d", "post_pending", amount="4.00", final=False),
        named("held", "post_pending", amount="50.00", final=False),
    )


async def a_few_reversals(ledger: StoredLedger) -> None:
    """One of what is here, one of another shard's, one of a part, and one beyond what is there."""
    unfreeze = instruction("unfreeze_account", owner=BOB, account=BOB, freeze_id="f3")
    sent, paid = transfer(ALICE, BOB, "6.00"), deposit(BOB, "8.00")
    reserve = instruction("reserve", owner=BOB, account=BOB, amount="5.00", asset="EUR")
    part = instruction("post_pending", owner=BOB, pending_id=reserve["instruction_id"], amount="2.00")

    def limit(amount: str) -> dict[str, Any]:
        """Give Bob's account another limit."""
        return instruction("change_limit", owner=BOB, account=BOB, limit=amount, authority="c")

    await ledger.send(unfreeze, paid, limit("9000.00"))
    await ledger.send(sent)
    await ledger.send(reserve, part, reversal(sent, BOB), reversal(part))
    people = {"entered_by": "op:jane", "approved_by": "op:joe"}
    right: dict[str, Any] = {"forced": True, "reason": "an error", **people}
    await ledger.send(limit("0"), reversal(paid), reversal(paid, **right), reversal(sent, BOB))


async def a_few_returns(ledger: StoredLedger) -> None:
    """Of a payment in two parts, more than is left of it, and of one that is not known."""
    paid = withdrawal(ALICE, "9.00")
    await ledger.send(deposit(ALICE, "9.00"), paid)
    await ledger.send(*[returning(paid, each) for each in ("4.00", "5.01", "5.00")])
    await ledger.send(returning(withdrawal(BOB, "3.00"), "3.00"))


async def a_few_items(ledger: StoredLedger) -> None:
    """One in parts, to who is at home elsewhere, too, undone there and written off; and one too much."""
    (item,) = await ledger.send(deposit(ALICE, "7.00", "nobody"))
    wrong = allocating(item, "4.00", BOB)
    await ledger.send(wrong, allocating(item, "3.01", ALICE), allocating(item, "1.00", ALICE))
    await ledger.send(writing_off(item, "2.00"))
    right = {"forced": True, "reason": "not his", "entered_by": "op:jane", "approved_by": "op:joe"}
    (again,) = await ledger.send(reversal(wrong, BOB, **right))
    await ledger.send(allocating(again, "1.50", ALICE))


async def a_few_ratings(ledger: StoredLedger) -> None:
    """Of high risk a customer's transfers wait from 1,000 on and withdrawals always; then they do not."""
    card = {"channel": {"channel": "card"}, "payment": {"creditor_agent": "LUMEFRPP"}}
    draws = (
        instruction("withdrawal", owner=ALICE, account=ALICE, amount="0.10", asset="EUR", **card)
        for _ in range(3)
    )
    told = await ledger.send(
        deposit(ALICE, "1.00"),
        next(draws),
        rating(ALICE, "high"),
        next(draws),
        rating(ALICE, "low"),
        next(draws),
    )
    assert [outcome(each) for each in told[1::2]] == ["posted", "pending", "posted"]


SCREENED_TOO = """
    INSERT INTO transactions.screening_policy
        (entity_id, instruction_type, asset_id, amount_from, valid_from, channels)
    VALUES (1, 'reserve', 978, 5000, '1900-01-01', '{}'), (1, 'exchange', 978, 5000, '1900-01-01', '{}'),
           (1, 'withdrawal', 978, 0, '1900-01-01', '{atm}')
"""


@dataclass(frozen=True)
class Lively:
    """The lively ledger's database, to be cloned, and what was published from it."""

    template: str
    alice: int
    bob: int
    outgoing: list[Outgoing]


@pytest.fixture(scope="session")
def lively(ledger_server: Server) -> Lively:
    """Make the lively ledger once."""

    async def prepare() -> Lively:
        async with database(ledger_server, TEMPLATE, name="lively_template", keep=True) as addresses:
            owner = await asyncpg.connect(addresses.owner)
            await owner.execute(SCREENED_TOO)
            await owner.close()
            connection = await asyncpg.connect(addresses.service)
            ledger = await StoredLedger.started(connection)
            await a_lively_ledger(ledger)
            await connection.close()
        accounts = ledger.service.memory.accounts
        return Lively(
            "lively_template", accounts[ALICE].account_id, accounts[BOB].account_id, ledger.outgoing
        )

    return asyncio.run(prepare())


@pytest_asyncio.fixture
async def books(ledger_server: Server, lively: Lively) -> AsyncIterator[LedgerDatabase]:
    """A clone of the lively ledger."""
    async with database(ledger_server, lively.template) as addresses:
        yield addresses


async def moved_by_asset(books: LedgerDatabase) -> dict[str, dict[str, str]]:
    """Add up what was posted of each asset, by one statement."""
    reader = await asyncpg.connect(books.readonly, server_settings={"search_path": "transactions"})
    try:
        rows = await reader.fetch(
            "SELECT code, scale, sum(movement.amount)::bigint AS moved FROM movement JOIN journal USING (shard, seq)"
            " JOIN asset ON asset.asset_id = movement.asset_id"
            " WHERE journal.kind IN ('TransactionPosted', 'CreditSwept', 'ObligationBooked') GROUP BY code, scale"
        )
    finally:
        await reader.close()
    sums = {row["code"]: format_amount(row["moved"], row["scale"]) for row in rows}
    return {code: {"debits": moved, "credits": moved} for code, moved in sums.items()}


async def test_books_in_order_are_found_in_order(books: LedgerDatabase) -> None:
    """Every check was made, and each held."""
    told: list[int] = []
    result = await verify(books.readonly, told.append)
    shown = result.as_json()
    assert shown["first_difference"] is None
    (lost,) = shown["passed_over"]
    assert (lost["topic"], lost["partition"]) == (INSTRUCTIONS.name, 0)
    assert (lost["from_offset"], lost["until_offset"]) == (9_000, 9_005)
    assert (lost["actor"], lost["approved_by"], lost["reason"]) == ("ann", "bea", "sent again")
    assert shown["ok"]
    assert [each["name"] for each in shown["checks"]] == [*CHECKS, "seals"]
    assert all(each["checked"] for each in shown["checks"])
    assert shown["assets"] == await moved_by_asset(books)
    assert shown["as_of"].keys() == {"0", "1", "2", "3"}
    connection = await asyncpg.connect(books.service)
    assert shown["movements"] == await connection.fetchval("SELECT count(*) FROM movement")
    assert shown["instructions"] == await connection.fetchval("SELECT count(*) FROM instruction_key")
    await connection.close()


@pytest.mark.parametrize("tampering", [None, "UPDATE journal SET amount = amount + 1 WHERE seq = 4"])
async def test_several_processes_find_the_same(books: LedgerDatabase, tampering: str | None) -> None:
    """All look at one snapshot, and the first difference is that of the first shard."""
    if tampering is not None:
        owner = await asyncpg.connect(books.owner, server_settings={"search_path": "transactions"})
        await owner.execute(tampering)
        await owner.close()
    told: list[int] = []
    alone = await verify(books.readonly)
    together = await verify(books.readonly, told.append, processes=3)
    assert replace(together, seconds=alone.seconds) == alone
    assert alone.ok == (tampering is None)
    assert told[-1] == sum(together.as_of.values())


@pytest.mark.parametrize(
    ("tampering", "check"),
    [
        pytest.param("UPDATE passed_over SET until_offset = until_offset + 1", "passed_over", id="more passed over than two people did"),
        pytest.param("UPDATE passed_over SET approved_by = 'eve'", "passed_over", id="passed over by another"),
        pytest.param("DELETE FROM passed_over", "passed_over", id="what was passed over forgotten"),
        pytest.param("INSERT INTO passed_over SELECT topic, partition, 1, 2, shard, gen_random_uuid(), actor, approved_by, reason, recorded_at FROM passed_over", "passed_over", id="passed over by no act"),
        pytest.param('UPDATE journal_row SET "offset" = 9001 WHERE shard = 0 AND seq = 1', "passed_over", id="taken, though it was passed over as lost"),
        pytest.param("UPDATE balance SET credits_posted = credits_posted + 1 WHERE account_id = {alice} AND shard = 1", "balances", id="a changed balance"),
        pytest.param("DELETE FROM balance WHERE account_id = {alice} AND shard = 1", "balances", id="a deleted balance"),
        pytest.param("INSERT INTO balance VALUES ({alice}, 5, 5, 0, 0, 3)", "balances", id="an invented balance"),
        pytest.param("DELETE FROM journal WHERE shard = 1 AND seq = 4", "sequence", id="a deleted row in the middle"),
        pytest.param("DELETE FROM journal WHERE shard = 1 AND seq = (SELECT max(seq) FROM journal WHERE shard = 1)", "sequence", id="a deleted last row"),
        pytest.param("UPDATE journal_row SET debit_account = NULL, credit_account = NULL, amount = NULL, debit_balance_after = NULL, credit_balance_after = NULL, asset_id = NULL WHERE shard = 1 AND seq = 2", "movements", id="a deleted movement"),
        pytest.param("INSERT INTO movement_of_several SELECT shard, 0, 1, debit_account, credit_account, amount, debit_balance_after, credit_balance_after, asset_id, kind FROM movement WHERE shard = 1 AND seq = 2", "movements", id="a movement of a kind that does not move"),
        pytest.param("UPDATE journal SET amount = amount + 1 WHERE shard = 1 AND seq = 2", "after_balances", id="a changed amount"),
        pytest.param("UPDATE journal SET debit_balance_after = credit_balance_after, credit_balance_after = debit_balance_after WHERE shard = 1 AND seq = 2", "after_balances", id="a swapped after-balance"),
        pytest.param("UPDATE journal SET credit_account = {bob} WHERE shard = 1 AND seq = 2", "after_balances", id="another account"),
        pytest.param("UPDATE journal SET asset_id = 840 WHERE shard = 1 AND seq = 2", "movements", id="another asset"),
        pytest.param("DELETE FROM instruction_key WHERE shard = 1 AND seq = 2", "first_outcomes", id="a lost id"),
        pytest.param("UPDATE instruction_key SET instruction_id = gen_random_uuid() WHERE shard = 1 AND seq = 2", "first_outcomes", id="a changed id"),
        pytest.param("INSERT INTO instruction_key VALUES (gen_random_uuid(), 2, 1)", "first_outcomes", id="an id of nobody's"),
        pytest.param("UPDATE journal_row SET content = content || ' ' WHERE shard = 1 AND seq = 2", "seals", id="a changed content"),
        pytest.param("UPDATE account SET limit_minor = NULL, opened_seq = 9 WHERE account_id = {alice}", "accounts", id="an account opened by nobody"),
        pytest.param("UPDATE journal SET seen = NULL WHERE seen::text LIKE '%credits%'", "limits", id="a limit not held"),
        pytest.param("UPDATE journal SET seen = replace(seen::text, ':6000}', ':99999}')::json WHERE seen::text LIKE '%credits%'", "foreign_credits", id="more foreign credits than there were"),
        pytest.param("UPDATE account SET limit_minor = 999900 WHERE account_id = {alice}", "accounts", id="another limit than it was opened with"),
        pytest.param("DELETE FROM account_limit", "limits", id="limits lost"),
        pytest.param("UPDATE account_limit SET limit_minor = limit_minor + 1", "limits", id="a changed limit"),
        pytest.param("UPDATE account_limit SET authority = 'nobody'", "limits", id="a limit set by another"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '9000.00', '90.00')::bytea WHERE instruction_type = 'change_limit'", "limits", id="a limit that was not asked for"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '\"account\":\"' || owner, '\"account\":\"kept')::bytea WHERE instruction_type = 'change_holder'", "accounts", id="a role with another customer"),
        pytest.param("UPDATE journal SET detail = (detail::jsonb - 'limit_passed')::json WHERE detail::text LIKE '%limit_passed%'", "limits", id="a passed limit not marked"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '\"type\":\"fee\"', '\"type\":\"interest\"')::json WHERE instruction_type = 'group' AND kind = 'TransactionPosted'", "movements", id="a member of another type"),
        pytest.param("UPDATE journal SET detail = NULL WHERE instruction_type = 'group' AND about_seq IS NOT NULL", "movements", id="a decision about a group without members"),
        pytest.param("DELETE FROM instruction_key AS key USING journal WHERE journal.shard = key.shard AND journal.seq = key.seq AND journal.instruction_id <> key.instruction_id", "first_outcomes", id="members forgotten"),
        pytest.param("DELETE FROM reversed", "reversals", id="what was undone lost"),
        pytest.param("INSERT INTO reversed VALUES (1, 2, 0, 1, 1, 0, 1, 3)", "reversals", id="what was not undone"),
        pytest.param("UPDATE reversed SET seq = seq - 1", "reversals", id="undone by another"),
        pytest.param("UPDATE reversed SET part = part + 100", "reversals", id="undone after something else"),
        pytest.param("UPDATE reversed SET left_minor = left_minor + 1", "reversals", id="more left than there is"),
        pytest.param("UPDATE journal SET detail = (detail::jsonb - 'reverses')::json WHERE detail::text LIKE '%reverses%'", "reversals", id="a reversal of nothing"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '\"seq\":', '\"seq\":1')::json WHERE detail::text LIKE '%reverses%'", "reversals", id="a reversal of another"),
        pytest.param("UPDATE journal_row SET movement_kind = 'fee' WHERE instruction_type = 'reversal' AND kind = 'TransactionPosted'", "reversals", id="no exact mirror"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), 'op:joe', 'op:jane')::bytea WHERE instruction_type = 'reversal' AND kind = 'TransactionPosted'", "reversals", id="forced by one alone"),
        pytest.param("UPDATE reversed SET amount = amount - 1 WHERE part = 2", "reversals", id="less back than there is"),
        pytest.param("UPDATE journal SET detail = (detail::jsonb - 'uses')::json WHERE detail::text LIKE '%uses%'", "reversals", id="a return of nothing"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '\"leg\":0', '\"leg\":1')::json WHERE detail::text LIKE '%uses%'", "reversals", id="a return of another movement"),
        pytest.param("UPDATE journal SET amount = amount + 1 WHERE instruction_type = 'return' AND detail::text LIKE '%uses%'", "after_balances", id="more back than was booked"),
        pytest.param("UPDATE journal SET detail = jsonb_build_object('uses', jsonb_build_object('shard', shard, 'seq', 2, 'leg', 0))::json WHERE instruction_type = 'return' AND detail::text LIKE '%routed%'", "reversals", id="a part of what is none"),
        pytest.param("UPDATE journal SET detail = (detail::jsonb - 'reopens')::json WHERE detail::text LIKE '%reopens%'", "reversals", id="an item not reopened"),
        pytest.param("UPDATE journal_row SET owner = 'another' WHERE instruction_type = 'allocate' AND kind = 'TransactionPosted'", "reversals", id="an item used up by another"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), 'op:joe', 'op:jane')::bytea WHERE instruction_type = 'write_off'", "reversals", id="written off by one alone"),
        pytest.param("UPDATE journal_row SET instruction_type = 'house_posting', detail = NULL WHERE instruction_type = 'write_off' AND kind = 'TransactionPosted'", "reversals", id="taken from suspense by hand"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, 'uses', 'used')::json WHERE instruction_type = 'allocate' AND detail::text LIKE '%uses%'", "reversals", id="an allocation of nothing"),
        pytest.param("UPDATE pending SET resolved_seq = NULL", "pendings", id="a pending one reopened"),
        pytest.param("DELETE FROM pending", "pendings", id="a pending one lost"),
        pytest.param("UPDATE journal SET about_seq = about_seq + 1 WHERE kind = 'TransactionVoided'", "pendings", id="a void of another"),
        pytest.param("UPDATE pending SET settled_minor = settled_minor + 1 WHERE settled_minor > 0", "pendings", id="a part counted twice"),
        pytest.param("UPDATE pending SET cleared_seq = NULL WHERE cleared_seq IS NOT NULL", "pendings", id="a clearing lost"),
        pytest.param("UPDATE pending SET screening = NOT screening, cleared_seq = NULL", "pendings", id="another mark"),
        pytest.param("UPDATE journal SET detail = (detail::jsonb - 'freed')::json WHERE detail::text LIKE '%freed%'", "balances", id="a rest not given back"),
        pytest.param("UPDATE journal SET detail = NULL WHERE detail::text LIKE '%resolves%' AND kind = 'TransactionPosted'", "balances", id="a posting of no reserve"),
        pytest.param("UPDATE journal SET about_seq = 1 WHERE kind = 'PendingCleared'", "pendings", id="a clearing of another"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '2026-01-02', '2026-01-03')::bytea WHERE instruction_type = 'reserve'", "pendings", id="an expiry before its day"),
        pytest.param("UPDATE journal SET reason = 'screening_refused' WHERE reason = 'expired'", "pendings", id="an expired one given back for another reason"),
        pytest.param("UPDATE journal_row SET topic = 'transactions.instructions.v1' WHERE reason = 'expired'", "pendings", id="an expiry that a record asked for"),
        pytest.param("UPDATE journal_row SET detail = '{\"cause\":\"cancelled\"}' WHERE kind = 'ObligationBooked'", "obligations", id="another cause"),
        pytest.param("UPDATE journal_row SET about_seq = about_seq - 1 WHERE kind = 'ObligationBooked'", "obligations", id="owed for another trade"),
        pytest.param("UPDATE journal_row SET topic = 'transactions.acts.v1' WHERE kind = 'ObligationBooked'", "obligations", id="booked by a record"),
        pytest.param("UPDATE journal_row SET kind = 'CreditSwept' WHERE kind = 'ObligationBooked' AND detail::text LIKE '%traded%'", "obligations", id="nothing booked"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '2026-01-05', '2026-01-06')::bytea WHERE instruction_type = 'trade'", "obligations", id="failed before its day"),
        pytest.param("UPDATE journal_row SET credit_account = (SELECT account_id FROM account WHERE code = 'BANK/suspense/EUR') WHERE detail::text LIKE '%failed%'", "obligations", id="failed to another account"),
        pytest.param("UPDATE trade_policy SET policy = 'settlement_date'", "obligations", id="another policy"),
        pytest.param("UPDATE account_freeze SET lifted_seq = NULL", "freezes", id="a freeze that was lifted"),
        pytest.param("UPDATE account_freeze SET amount_minor = amount_minor + 1 WHERE freeze_id = 'k1'", "freezes", id="another amount frozen"),
        pytest.param("UPDATE account_freeze SET amount_minor = NULL WHERE freeze_id = 'k2'", "freezes", id="a freeze of all that was one of an amount"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '50.00', '51.00')::bytea WHERE instruction_type = 'freeze_account' AND content::text LIKE '%6b31%'", "limits", id="more frozen than was left"),
        pytest.param("DELETE FROM account_freeze WHERE freeze_id = 'f2'", "freezes", id="a freeze lost"),
        pytest.param("DELETE FROM account_closing WHERE reopened_seq IS NOT NULL", "closings", id="a closing lost"),
        pytest.param("UPDATE account_closing SET closed_seq = NULL", "closings", id="an end of a closing lost"),
        pytest.param("UPDATE account_closing SET reopened_seq = NULL", "closings", id="a reopening lost"),
        pytest.param("UPDATE journal SET about_seq = 1 WHERE kind = 'CreditSwept'", "closings", id="a sweep of another"),
        pytest.param("UPDATE journal SET amount = amount - 1 WHERE kind = 'CreditSwept'", "closings", id="not all swept"),
        pytest.param("UPDATE journal SET seen = NULL WHERE kind = 'AccountClosed'", "closings", id="closed with money on it"),
        pytest.param("UPDATE journal_row SET topic = 'transactions.acts.v1' WHERE kind = 'AccountClosed'", "closings", id="closed by a record"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), 'ravi', 'jane')::bytea WHERE instruction_type = 'reopen_account'", "closings", id="opened again by one person"),
        pytest.param("UPDATE journal_row SET kind = 'TransactionPosted', about_seq = NULL, \"offset\" = 1 WHERE kind = 'CreditSwept'", "closings", id="a debit on a shut account"),
        pytest.param("UPDATE journal SET booking_date = '2026-01-01' WHERE kind = 'TransactionPosted' AND booking_date = '2026-01-02'", "booking_dates", id="another booking date"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '\"credit\":\"', '\"credit\":\"1')::json WHERE kind = 'DryRunJudged'", "after_balances", id="a dry run that told another balance"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '2026-01-02', '2026-01-03')::json WHERE kind = 'DryRunJudged'", "booking_dates", id="a dry run on another day"),
        pytest.param("INSERT INTO instruction_key SELECT instruction_id, seq, shard FROM journal WHERE kind = 'DryRunJudged' AND about_seq IS NULL", "first_outcomes", id="a dry run that used its id up"),
        pytest.param("UPDATE journal SET booking_date = '2026-01-02' WHERE instruction_type = 'adjustment' AND kind = 'TransactionPosted'", "booking_dates", id="an adjustment on another day"),
        pytest.param("UPDATE journal SET booking_date = '2025-12-31' WHERE amount = 7 AND instruction_type = 'deposit'", "periods", id="a deposit booked into a closed period"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, 'soft_closed', 'closed')::json WHERE kind = 'PeriodClosed'", "periods", id="a period closed that was to be soft-closed"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '2026-01-01', '2025-12-30')::bytea, booking_date = '2025-12-30' WHERE instruction_type = 'adjustment' AND kind = 'TransactionPosted'", "periods", id="an adjustment in a period that takes none"),
        pytest.param("UPDATE period SET last_day = last_day + 1", "periods", id="another period"),
        pytest.param("DELETE FROM period WHERE state = 'closed'", "periods", id="a closing of a period lost"),
        pytest.param("UPDATE carried_over SET booking_date = '2025-01-01'", "booking_dates", id="a balance carried over of another day"),
        pytest.param("UPDATE journal SET booking_date = '2026-01-01' WHERE instruction_type = 'opening_balance' AND kind = 'TransactionPosted'", "periods", id="a balance carried over into a closed period"),
        pytest.param("UPDATE day_balance SET credits = credits + 1", "value_dates", id="more to come than was posted"),
        pytest.param("UPDATE journal_row SET value_date = '2026-09-02' WHERE value_date = '2026-09-01'", "value_dates", id="another value date"),
        pytest.param("UPDATE accrual SET posted_minor = 1", "accruals", id="another sum of what accrued"),
        pytest.param("UPDATE journal_row SET content = replace(convert_from(content, 'UTF8'), '1.009', '1.02')::bytea WHERE instruction_type = 'accrual'", "accruals", id="an accrual of another sum"),
        pytest.param("DELETE FROM risk_class", "screening", id="ratings lost"),
        pytest.param("UPDATE risk_class SET risk_class = 'medium' WHERE risk_class = 'low'", "screening", id="another risk class"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, 'high', 'low')::json WHERE kind = 'RiskClassChanged' AND detail::text LIKE '%\"previous\":\"high%'", "screening", id="a rating after another"),
        pytest.param("UPDATE journal SET detail = replace(detail::text, '\"risk_class\":\"high', '\"risk_class\":\"low')::json WHERE kind = 'TransactionPending' AND detail::text LIKE '%high%'", "screening", id="screened for a risk that was none"),
        pytest.param("UPDATE journal SET detail = NULL WHERE kind = 'TransactionPending' AND detail::text LIKE '%screened_by%' AND instruction_type = 'withdrawal'", "screening", id="screened for no reason"),
        pytest.param("UPDATE screening_policy SET amount_from = amount_from + 1", "screening", id="another screening policy"),
        pytest.param("UPDATE screening_policy SET valid_until = '2026-01-01'", "screening", id="a policy that had ended"),
        pytest.param("DELETE FROM business_day WHERE shard = 1", "booking_dates", id="a business day lost"),
    ],
)  # fmt: skip
async def test_tampering_is_found(books: LedgerDatabase, lively: Lively, tampering: str, check: str) -> None:
    """And the first difference names where."""
    owner = await asyncpg.connect(books.owner, server_settings={"search_path": "transactions"})
    try:
        status = await owner.execute(
            tampering.replace("{alice}", str(lively.alice)).replace("{bob}", str(lively.bob))
        )
        assert not status.endswith(" 0")
    finally:
        await owner.close()
    result = await verify(books.readonly)
    for quick in (True, False):
        again = await verify(books.readonly, quick=quick, runs_from=1)
        assert replace(again, seconds=result.seconds) == result
    assert not result.ok
    assert result.first_difference is not None
    assert {each.name for each in result.checks if not each.ok} >= {check}
    if check not in (
        "balances",
        "accounts",
        "pendings",
        "obligations",
        "content",
        "freezes",
        "booking_dates",
        "seals",
    ):
        assert result.first_difference.check == check


def on_topic(events: list[Outgoing]) -> list[PublishedEvent]:
    """The records that publishing these leaves on the topic."""
    return [
        PublishedEvent(partition, each.shard, each.seq, prev, each.body, each.chain)
        for each in events
        for partition, prev, _ in ((each.shard, each.prev, b""), *each.copies)
    ]


PUBLISHED: dict[str, tuple[Any, bool]] = {
    "as journalled": (lambda found: found, True),
    "one twice": (lambda found: [*found, found[3]], True),
    "one missing": (lambda found: found[:3] + found[4:], False),
    "a copy missing": (lambda found: [each for each in found if each.partition == each.shard], False),
    "other bytes": (
        lambda found: [*found[:3], replace(found[3], body=found[3].body + b" "), *found[4:]],
        False,
    ),
    "another chain": (lambda found: [*found[:3], replace(found[3], prev=77), *found[4:]], False),
    "one twice with other bytes": (lambda found: [*found, replace(found[3], body=b"{}")], False),
    "one on a wrong partition": (lambda found: [*found, replace(found[3], partition=0)], False),
    "one beyond the snapshot": (lambda found: [*found, replace(found[3], seq=10_000)], True),
}


@pytest.mark.parametrize("name", PUBLISHED)
async def test_what_was_published_is_what_was_journalled(
    books: LedgerDatabase, lively: Lively, name: str
) -> None:
    """Rebuilt from the tables and compared by bytes, copies and chains too."""
    change, holds = PUBLISHED[name]
    connection = await asyncpg.connect(books.service)
    await connection.execute("UPDATE shard SET published_seq = last_seq")
    service = (await StoredLedger.started(connection)).service
    await connection.close()
    found = change(on_topic(lively.outgoing))

    async def events() -> AsyncIterator[PublishedEvent]:
        for each in found:
            yield each

    async def published(connection: asyncpg.Connection, vector: dict[int, int]) -> Any:
        await connection.execute("SET LOCAL search_path = transactions")
        return await compare_published(connection, vector, events=events(), rebuild=service.events_after)

    result = await verify(books.readonly, published=published)
    assert result.ok == holds
    assert (result.first_difference is None) == holds
