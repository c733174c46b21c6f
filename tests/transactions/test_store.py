"""The ledger on a real database: what is written, what is refused, what can be rebuilt."""

import asyncio
import json
import random
import uuid
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.transactions import data
from services.transactions.app import create_service
from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.ledger import fold
from services.transactions.domain.seals import SEAL_EVERY
from services.transactions.handlers import effects
from services.transactions.queries import (
    account_history,
    account_show,
    transaction_show,
    transaction_trace,
    verify,
)
from services.transactions.store import instruction_keys, moving
from shared.messages.acts import DiscardParked, ReplayParked
from shared.messages.envelope import HOUSE
from shared.messages.topics import JOURNAL, TRANSACTIONS_ACTS
from shared.runtime.errors import ConfigurationError
from shared.runtime.work import Discarded, Outgoing, Parked, Received, Unreadable
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PARTITIONS,
    PureLedger,
    StoredLedger,
    allocating,
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
    rating,
    received,
    reopening,
    returning,
    reversal,
    trade,
    transfer,
    withdrawal,
)

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(3, "carol")


async def assert_rebuilt(ledger: StoredLedger) -> None:
    """Every event, rebuilt from the tables, is what was published; in stretches of any length."""
    for shard in range(PARTITIONS):
        published = [each for each in ledger.outgoing if each.shard == shard]
        assert await _rebuilt(ledger, shard, 0, 1_000_000) == published
        for start in range(0, len(published), 3):
            assert await _rebuilt(ledger, shard, start, 3) == published[start : start + 3]


async def _rebuilt(ledger: StoredLedger, shard: int, seq: int, limit: int) -> list[Outgoing]:
    events = await ledger.service.events_after(ledger.connection, shard, seq, limit)
    if events:
        await ledger.service.add_ahead(ledger.connection, events)
    return events


async def test_every_kind_of_event_is_rebuilt_byte_for_byte(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """The journal is the outbox: a crash after the commit loses nothing and changes nothing."""
    await ledger.send(opening(ALICE), opening(BOB), opening(ALICE, "jpy", asset="JPY"))
    await ledger.send(
        received(
            deposit(ALICE, "5000.00"), traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ),
        deposit(BOB, "5.00", "nobody"),
        instruction("fee", owner=BOB, account=BOB, amount="7.50", asset="EUR"),
        deposit(ALICE, "500", "jpy", asset="JPY"),
    )
    message = transfer(
        ALICE, BOB, "40.00", business_reference='Łódź "quoted" \\ \u202e', payment={"purpose": "RENT"}
    )
    await ledger.send(message)
    (pending, *_) = await ledger.send(
        withdrawal(ALICE, "1000.00"), message, message | {"amount": "41.00"}, message | {"amount": 41}
    )
    (second,) = await ledger.send(withdrawal(ALICE, "1000.00", value_date="2026-01-09"))
    await ledger.send(
        instruction("freeze_account", owner=BOB, account=BOB, freeze_id="f", authority='court "x"'),
        transfer(ALICE, BOB, "1.00"),
        instruction("unfreeze_account", owner=BOB, account=BOB, freeze_id="f"),
        limiting(BOB, "70.00", valid_until="2026-02-01"),
        limiting(BOB, None, authority='board "2/26"'),
        received(transfer(ALICE, BOB, "1.00"), key="mallory"),
        b"{",
        transfer(ALICE, "nobody", "1.00") | {"amount": 5, "x": "y" * 70_000},
        opening(
            ALICE, "too-large", party={"kind": "person", "name": "x", "holders": [{"name": "y" * 500}] * 2000}
        ),
        instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-05"),
    )
    await ledger.send(answer(pending, "cleared"), answer(second, "refused"), answer(pending, "cleared"))
    await ledger.send(rating(ALICE, "high"))
    ledger.service.memory.chart.policies[1, "reserve", 978] = [
        Dated(ScreeningPolicy(1000_00), date(1900, 1, 1), None)
    ]
    held = instruction("reserve", owner=ALICE, account=ALICE, amount="1500.00", asset="EUR")
    free = {**held, "instruction_id": str(uuid.uuid4()), "amount": "15.00", "credit_account": BOB}
    given_back = {**free, "instruction_id": str(uuid.uuid4())}
    (reserved, *_) = await ledger.send(held, free, given_back)
    await ledger.send(answer(reserved, "released"))
    for each, part in ((held, {"amount": "100.00", "final": False}), (held, {"amount": "1.00"}), (free, {})):
        named = {"owner": ALICE, "pending_id": each["instruction_id"]}
        await ledger.send(instruction("post_pending", **named, **part))
    await ledger.send(instruction("void_pending", owner=ALICE, pending_id=given_back["instruction_id"]))
    dry = [transfer(ALICE, BOB, "2.00"), transfer(ALICE, 'nobody "ü', "2.00"), transfer(ALICE, BOB, "x")]
    await ledger.send(*[{**each, "dry_run": True} for each in (*dry, held, {**held, "a": "ü" * 70_000})])
    await ledger.send({**transfer(ALICE, BOB, "x" * 70_000), "dry_run": True})
    await ledger.send(opening(CAROL))
    await ledger.send(transfer(ALICE, CAROL, "2.00"), closing(CAROL))
    await ledger.tick()
    await ledger.tick()
    await ledger.send(reopening(CAROL))
    right: dict[str, Any] = {
        "forced": True,
        "reason": 'paid "twice"',
        "entered_by": "op:jane",
        "approved_by": "op:joe",
    }
    await ledger.send(reversal(message, BOB, **right), reversal(message, BOB))
    inner = received(transfer(ALICE, BOB, "2.00"))

    def told(message: Any) -> Received:
        return Received(inner.shard, inner.topic, inner.partition, 9, 0, inner.key, message)

    await ledger.send(
        told(Unreadable("not_json", 3, "ab" * 32)),
        told(Parked(ALICE, "KeyError: 'ü'", behind=True, message=inner.message)),
        told(Discarded(ALICE, UUID(int=5), "op:jane", '"why" ü', inner.message)),
    )
    act = ReplayParked(act_id=uuid.uuid4(), actor="op:jane", reason="mended", owner=ALICE)
    async with ledger.work([1]) as work:
        record = Received(1, TRANSACTIONS_ACTS.name, 1, 4, 0, None, act)
        await ledger.service.announce_act(
            work, record, done=True, detail='replayed "2"', result={"b": 1, "a": ["ü", 1.5, None]}
        )
    async with ledger.work([1]) as work:
        discard = DiscardParked(
            act_id=uuid.uuid4(), actor="op:jane", reason="no", owner=BOB, topic="t", partition=1, offset=2
        )
        record = Received(1, TRANSACTIONS_ACTS.name, 1, 5, 0, None, discard)
        await ledger.service.announce_act(work, record, done=False, detail="nothing there", result={})
    kinds = {each.type for each in ledger.outgoing}
    assert kinds == {
        "TransactionPosted",
        "TransactionPending",
        "TransactionVoided",
        "PendingCleared",
        "InstructionApplied",
        "InstructionRejected",
        "DuplicateReceived",
        "DryRunJudged",
        "RecordUnreadable",
        "OwnerParked",
        "RecordDiscarded",
        "DecisionWithoutEffect",
        "RiskClassChanged",
        "BusinessDayOpened",
        "CreditSwept",
        "AccountClosed",
        "ActDone",
    }
    await assert_rebuilt(ledger)
    await ledger.forget()
    await assert_rebuilt(ledger)
    for quick in (True, False):
        # The verifier spells each anew, by code of its own, and hashes it.
        seals = (await verify(ledger_database.readonly, quick=quick)).checks[-1]
        assert (seals.name, seals.first, seals.checked) == ("seals", None, len(ledger.outgoing))


async def test_a_credit_to_another_shards_customer_is_copied_there_in_a_chain(ledger: StoredLedger) -> None:
    """One secondary for each other partition, keyed by the owner credited there."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "10.00"))
    ledger.outgoing.clear()
    await ledger.send(transfer(ALICE, BOB, "1.00"), transfer(ALICE, BOB, "2.00"))
    first, second = ledger.outgoing
    assert first.copies == ((2, 0, BOB.encode()),)
    assert second.copies == ((2, first.seq, BOB.encode()),)
    assert (first.prev, second.prev) == (first.seq - 1, first.seq)
    assert first.key == ALICE.encode()
    assert first.topic == JOURNAL.name
    assert first.correlation_id == json.loads(first.body)["instruction_id"]


@pytest.mark.parametrize("at_once_max", [0, instruction_keys.IDS_AT_ONCE_MAX], ids=["many ids", "few ids"])
async def test_a_repeat_is_found_though_ids_are_looked_up_only_when_one_is_taken(
    ledger: StoredLedger, monkeypatch: pytest.MonkeyPatch, at_once_max: int
) -> None:
    """The database says that an id is taken; the batch is decided again, and nothing of it has had effect."""
    monkeypatch.setattr(instruction_keys, "IDS_AT_ONCE_MAX", at_once_max)
    again = transfer(ALICE, BOB, "1.00")
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "100.00"), again)
    ledger.service.memory.repeats_expected = 0
    carol = owner_in(ledger.outgoing[0].shard, "carol")
    events = await ledger.send(opening(carol), again, transfer(ALICE, carol, "2.00"))
    assert [each["type"] for each in events] == [
        "InstructionApplied",
        "DuplicateReceived",
        "TransactionPosted",
    ]
    assert ledger.service.memory.repeats_expected > 0
    await assert_rebuilt(ledger)


@pytest.mark.parametrize("seed", range(3))
async def test_the_tables_decide_as_the_memory_does(ledger: StoredLedger, seed: int) -> None:
    """A random stream over all shards: the service, forgetting now and then, and the ladder alone agree."""
    chance = random.Random(seed)
    chart = ledger.service.memory.chart
    for kind in ("reserve", "exchange"):
        chart.policies[1, kind, 978] = [Dated(ScreeningPolicy(15_00), date(1900, 1, 1), None)]
    pure = PureLedger(chart=chart, quick=False)
    owners = [ALICE, BOB, owner_in(0, "carol"), owner_in(3, "dave")]
    sent: list[dict[str, Any]] = []
    pendings: list[dict[str, Any]] = []
    for _ in range(25):
        owner = chance.choice(owners)
        batch: list[Received] = []
        for _ in range(chance.randint(1, 12)):
            if sent and chance.random() < 0.1:
                message = chance.choice(sent)
            elif sent and chance.random() < 0.2:
                message = random_end(chance, owner, sent)
            else:
                message = random_message(chance, owner, owners)
                sent.append(message)
            batch.append(received(message, partition=received({"owner": owner}).partition))
        batch += [
            answer(each, chance.choice(["cleared", "refused"]))
            for each in pendings
            if each["shard"] == batch[0].shard
        ]
        pendings = [each for each in pendings if each["shard"] != batch[0].shard]
        for offset, each in enumerate(batch):
            each.offset = offset
        if chance.random() < 0.2:
            await ledger.forget()
        stored = await ledger.run(batch)
        for one, other in zip(stored, pure.run(batch), strict=True):
            assert {**one, "recorded_at": None} == {**other, "recorded_at": None}
        pendings += [each for each in stored if each["type"] == "TransactionPending"]
    await assert_rebuilt(ledger)
    seen = await ledger.connection.fetch("SELECT shard, seq, seen FROM journal WHERE seen IS NOT NULL")
    assert seen
    for row in seen:
        assert json.loads(row["seen"]) == pure.decisions[row["shard"]][row["seq"] - 1].seen


def random_message(chance: random.Random, owner: str, owners: list[str]) -> dict[str, Any]:
    """Something that may happen to an owner."""
    other = chance.choice([*owners, "nobody"])
    amount = chance.choice(["0.01", "10.00", "35.00", "100.00", "1500.00", "0"])
    match chance.randint(0, 19):
        case 18 | 19:
            return instruction("group", owner=owner, members=some_members(chance, owner, other, amount))
        case 16 | 17:
            side, kept = chance.choice(["buy", "sell"]), chance.choice([None, "0.07"])
            return trade(owner, side, chance.choice(["3", "10"]), amount, commission=kept)
        case 14:
            if chance.random() < 0.5:
                return custody(owner)
            to = {"debit_account": f"{owner}/custody#{ISIN}", "credit_account": f"{other}/custody#{ISIN}"}
            return transfer(owner, other, "3", **to, asset=ISIN)
        case 15:
            box = chance.choice([owner, owner, other])
            way = chance.choice(["receive", "receive", "deliver"])
            return custody_transfer(owner, way, "5", account=f"{box}/custody")
        case 13:
            if chance.random() < 0.5:
                return opening(owner, f"{owner}/USD", asset="USD")
            return exchange(owner, amount, amount, chance.choice(["1", "1", "1.1"]))
        case 12:
            since = chance.choice([None, f"2026-01-{chance.randint(2, 28):02}"])
            return limiting(owner, chance.choice(["0", "50.00", None]), valid_from=since)
        case 10 | 11:
            credit = chance.choice([None, None, other])
            given = {"account": owner, "credit_account": credit, "amount": amount, "asset": "EUR"}
            return instruction("reserve", owner=owner, **given, charges=some_charges(chance))
        case 0:
            return opening(owner, chance.choice([owner, other]))
        case 1 | 2:
            return deposit(owner, amount, chance.choice([owner, owner, other]))
        case 3:
            return withdrawal(owner, amount, charges=some_charges(chance))
        case 4:
            fee = instruction("fee", owner=owner, account=owner, amount=amount, asset="EUR")
            return fee | chance.choice([{}, {"instruction_id": named_id(f"{owner} {chance.randint(1, 4)}")}])
        case 5:
            return instruction(
                chance.choice(["freeze_account", "unfreeze_account"]),
                owner=owner,
                account=chance.choice([owner, f"{owner}/custody"]),
                freeze_id=chance.choice("abc"),
                authority="court",
                direction=chance.choice(["debit", "credit"]),
            )
        case 6:
            day = f"2026-01-{chance.randint(2, 28):02}"
            return instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=day)
        case _:
            return transfer(owner, other, amount, charges=some_charges(chance))


def some_members(chance: random.Random, owner: str, other: str, amount: str) -> list[dict[str, Any]]:
    """Two of a kind or of several; a few of which come again alone."""
    fee = instruction("fee", owner=owner, account=chance.choice([owner, other]), amount="0.10", asset="EUR")
    paid, drawn = transfer(owner, other, amount, charges=some_charges(chance)), withdrawal(owner, amount)
    if chance.random() < 0.2:
        fee["instruction_id"] = named_id(f"{owner} {chance.randint(1, 4)}")
    return chance.choice([[fee, paid], [drawn, fee], [fee, deposit(owner, amount, other)], [paid, drawn]])


def some_charges(chance: random.Random) -> list[dict[str, Any]] | None:
    """Mostly none."""
    fee = {"kind": "fee", "amount": "0.07", "asset": "EUR", "taken": "deducted"}
    return chance.choice([None, None, None, [fee], [{**fee, "taken": "on_top"}, {**fee, "kind": "tax"}]])


def random_end(chance: random.Random, owner: str, sent: list[dict[str, Any]]) -> dict[str, Any]:
    """Something that posts or voids a reserve, if what it names is one; or undoes something."""
    if chance.random() < 0.5:
        return reversal(chance.choice(sent), owner, forced=False)
    kinds = ("reserve", "trade")
    reserves = [each for each in sent if each["type"] in kinds and each["owner"] == owner]
    named = chance.choice(reserves or sent)
    given = {"owner": owner, "pending_id": named["instruction_id"]}
    if chance.random() < 0.3:
        return instruction("void_pending", **given)
    amount = chance.choice([None, "0.01", "5.00", "35.00"])
    if named["type"] == "trade":
        amount = chance.choice([None, "1", "2"])
    return instruction("post_pending", **given, amount=amount, final=chance.choice([None, True, False]))


async def test_a_limit_outlives_the_memory(ledger: StoredLedger) -> None:
    """What was set is read again at a claim: the same one is in force on the same day."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "1.00"))
    await ledger.send(limiting(ALICE, "50.00", valid_from="2026-01-06"), limiting(ALICE, "9.00"))
    day = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-06")
    for opened in (False, True):
        if opened:
            await ledger.send(*[received(day, partition=shard) for shard in range(PARTITIONS)])
            await ledger.send(limiting(ALICE, None, valid_from="2026-01-07"))
        kept = {shard: each.limits for shard, each in ledger.service.memory.shards.items()}
        await ledger.forget()
        assert {shard: each.limits for shard, each in ledger.service.memory.shards.items()} == kept
        (event,) = await ledger.send(transfer(ALICE, BOB, "10.01"))
        assert event["reason"] == "insufficient_funds"
    await ledger.send(limiting(ALICE, "50.00"))
    (event,) = await ledger.send(transfer(ALICE, BOB, "51.00"))
    assert event["type"] == "TransactionPosted"


async def test_a_second_answer_in_a_batch_knows_of_the_first(ledger: StoredLedger) -> None:
    """Though what it is about was pending when the batch was loaded."""
    reserve = instruction("reserve", owner=ALICE, account=ALICE, amount="5.00", asset="EUR")
    (_, _, _, pending) = await ledger.send(
        opening(ALICE), deposit(ALICE, "5000.00"), reserve, withdrawal(ALICE, "1000.00")
    )
    void = instruction("void_pending", owner=ALICE, pending_id=reserve["instruction_id"])
    events = await ledger.send(
        answer(pending, "cleared"),
        answer(pending, "cleared"),
        void,
        {**void, "instruction_id": str(uuid.uuid4())},
    )
    assert events[1]["why"] == "already_resolved"
    assert [outcome(each) for each in events[2:]] == ["void_requested", "pending_resolved"]


async def test_a_code_that_two_shards_want_in_one_batch_goes_to_one(ledger: StoredLedger) -> None:
    """And the other is told so; everything else in the batch goes on."""
    first, second = await ledger.send(opening(ALICE, "wanted"), opening(BOB, "wanted"))
    assert {outcome(first), outcome(second)} == {"applied", "account_exists"}
    events = await ledger.send(deposit(ALICE, "5.00", "wanted"), deposit(BOB, "5.00", "wanted"))
    assert [each.get("routed") for each in events] == [None, "wrong_owner"]


async def test_a_code_that_another_process_takes_meanwhile_is_refused(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Both have looked and found it free; the tables decide, and the loser decides again."""
    connection = await asyncpg.connect(ledger_database.service)
    other = await StoredLedger.started(connection)
    try:
        async with ledger.work([1]) as work:
            await ledger.service.handle(work, [received(opening(ALICE, "wanted"))])
            waiting = asyncio.create_task(other.send(opening(BOB, "wanted"), opening(BOB, "free")))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        taken, free = await waiting
        assert (outcome(taken), outcome(free)) == ("account_exists", "applied")
        seen = await connection.fetchval("SELECT seen FROM journal WHERE shard = 2 AND seq = 1")
        assert json.loads(seen) == {"taken": ["wanted"]}
    finally:
        await connection.close()


async def test_one_unit_of_work_may_call_the_handler_twice(ledger: StoredLedger) -> None:
    """A replay is handled record by record; each stands on the ones before, committed or not."""
    async with ledger.work([1, 2]) as work:
        await ledger.service.handle(work, [received(opening(ALICE)), received(opening(BOB))])
        await ledger.service.handle(work, [received(deposit(ALICE, "5.00"))])
        await ledger.service.handle(work, [received(transfer(ALICE, BOB, "5.00"))])
    assert [each.type for each in work.outgoing][2:] == ["TransactionPosted", "TransactionPosted"]
    (event,) = await ledger.send(transfer(BOB, ALICE, "5.00"))
    assert outcome(event) == "posted"


async def looked_at(connection: asyncpg.Connection) -> int:
    """How many rows of the journal this transaction has looked at."""
    rows = await connection.fetchval(
        """
        SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
        FROM pg_stat_xact_user_tables
        WHERE relname LIKE 'journal_row%'
        """
    )
    return rows or 0


@pytest.mark.parametrize("page_cost", [1, 1000], ids=["indexes help", "as if indexes were no use"])
async def test_events_are_rebuilt_without_reading_the_journal_for_each(
    ledger: StoredLedger, page_cost: int
) -> None:
    """Whatever PostgreSQL thinks of its indexes: who takes a shard over reads no more for it."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "3000.00"))
    for _ in range(6):
        await ledger.send(*[transfer(ALICE, BOB, "1.00") for _ in range(350)])
    await ledger.connection.execute(f"SET random_page_cost = {page_cost}")
    async with ledger.connection.transaction():
        before = await looked_at(ledger.connection)
        assert len(await ledger.service.events_after(ledger.connection, 1, SEAL_EVERY, 10)) == 10
        read = await looked_at(ledger.connection) - before
    assert read < 100


@pytest.mark.parametrize("page_cost", [1, 1000], ids=["indexes help", "as if indexes were no use"])
async def test_what_is_pending_is_loaded_without_reading_the_journal_for_each(
    ledger: StoredLedger, page_cost: int
) -> None:
    """Who takes a shard over with much that is pending reads that, not all the shard for each of it."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "3000.00"))
    await ledger.send(*[transfer(ALICE, BOB, "1.00") for _ in range(500)])
    asked = {"owner": ALICE, "account": ALICE, "amount": "1.00", "asset": "EUR"}
    await ledger.send(*[instruction("reserve", **asked) for _ in range(100)])
    await ledger.connection.execute(f"SET random_page_cost = {page_cost}")
    async with ledger.connection.transaction():
        before = await looked_at(ledger.connection)
        await ledger.service.load(ledger.connection, 1)
        read = await looked_at(ledger.connection) - before
    assert len(ledger.service.memory.shards[1].pendings) == 100
    assert read < 400


@pytest.mark.parametrize("page_cost", [1, 1000], ids=["indexes help", "as if indexes were no use"])
@pytest.mark.parametrize(
    "name", ["reversal", "return", "settlement", "release", "repeat", "allocation", "reopening"]
)
async def test_what_follows_up_an_event_reads_that_event_alone(
    ledger: StoredLedger, name: str, page_cost: int
) -> None:
    """A batch costs what is in it, however long the journal is behind it and whatever was analyzed."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "3000.00"))
    paid, reserved, ordered = (
        withdrawal(ALICE, "5.00"),
        instruction("reserve", owner=ALICE, account=ALICE, amount="1.00", asset="EUR"),
        deposit(ALICE, "1.00"),
    )
    fact = deposit(ALICE, "2.00", "nobody")
    *_, suspended = await ledger.send(paid, reserved, ordered, fact)
    await ledger.send(opening(ALICE, "other"), closing(ALICE, "other"))
    await ledger.tick()
    await ledger.send(*[transfer(ALICE, BOB, "1.00") for _ in range(500)])
    sent = {
        "reversal": reversal(paid, entered_by="op:a", approved_by="op:b"),
        "return": returning(paid, "5.00"),
        "settlement": instruction("post_pending", owner=ALICE, pending_id=reserved["instruction_id"]),
        "release": instruction("void_pending", owner=ALICE, pending_id=reserved["instruction_id"]),
        "repeat": ordered,
        "allocation": allocating(suspended, "2.00", ALICE),
        "reopening": reopening(ALICE, "other"),
    }[name]
    await ledger.forget()
    await ledger.connection.execute(f"SET random_page_cost = {page_cost}")
    async with ledger.work([1]) as work:
        before = await looked_at(ledger.connection)
        await ledger.service.handle(work, [received(sent)])
        read = await looked_at(ledger.connection) - before
    assert read < 20
    event = json.loads(work.outgoing[0].body)
    assert outcome(event) == {"release": "void_requested", "repeat": "duplicate", "reopening": "applied"}.get(
        name, "posted"
    )


async def test_showing_an_instruction_reads_its_own_events_alone(ledger: StoredLedger) -> None:
    """Of ten million as of ten."""
    paid = withdrawal(ALICE, "5.00")
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "3000.00"), paid)
    await ledger.send(*[transfer(ALICE, BOB, "1.00") for _ in range(500)])
    async with ledger.connection.transaction(isolation="repeatable_read", readonly=True):
        before = await looked_at(ledger.connection)
        await transaction_show(ledger.connection, UUID(paid["instruction_id"]))
        await transaction_trace(ledger.connection, UUID(paid["instruction_id"]))
        read = await looked_at(ledger.connection) - before
    assert read < 20


async def test_what_is_rolled_back_leaves_no_trace_in_memory(ledger: StoredLedger) -> None:
    """Memory is taken over only after the commit."""
    message = opening(ALICE)

    async def fail() -> None:
        async with ledger.work([1]) as work:
            await ledger.service.handle(work, [received(message)])
            await ledger.service.handle(work, [received(deposit(ALICE, "5.00"))])
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await fail()
    events = await ledger.send(message, deposit(ALICE, "1.00"))
    assert [outcome(each) for each in events] == ["applied", "posted"]
    assert await ledger.connection.fetchval("SELECT sum(credits_posted) FROM balance") == 100
    assert len(await ledger.service.events_after(ledger.connection, 1, 0, 10)) == 2


async def test_a_batch_that_nothing_is_remembered_of_is_decided_once(
    ledger: StoredLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What plain instructions need is looked up before they are decided, not found lacking on the way."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "50.00"))
    await ledger.forget()
    folds: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        """Fold, and count that."""
        folds.append(1)
        return fold(*given, **named)

    monkeypatch.setattr(effects, "fold", counted)
    (event,) = await ledger.send(transfer(ALICE, BOB, "5.00"))
    assert (outcome(event), len(folds)) == ("posted", 1)


async def test_an_account_is_moved_on_at_once_in_the_batch_that_opens_it(ledger: StoredLedger) -> None:
    """Without the ladder: on a bank's first day every batch is like that."""
    paid = received(deposit(ALICE, "5.00"))
    events = await ledger.send(opening(ALICE), paid)
    assert [outcome(each) for each in events] == ["applied", "posted"]
    assert paid.message.closely is None


async def test_a_batch_takes_a_constant_number_of_statements(ledger: StoredLedger) -> None:
    """No statement in a loop: a hundred records take as many as two."""
    await ledger.send(*[opening(ALICE, f"a{n}") for n in range(50)])
    await ledger.send(*[opening(BOB, f"b{n}") for n in range(50)])

    async def statements(count: int) -> int:
        await ledger.forget()
        seen: list[Any] = []
        batch = [received(deposit(ALICE, "5.00", f"a{n}")) for n in range(count)]
        batch += [received(transfer(f"a{n}", f"b{n}", "1.00", owner=ALICE)) for n in range(count)]
        async with ledger.work([1]) as work:
            with ledger.connection.query_logger(seen.append):
                await ledger.service.handle(work, batch)
        return len(seen)

    assert await statements(1) == await statements(50)


@pytest.mark.parametrize("statement", ["UPDATE {} SET seq = seq", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("name", ["journal_row", "movement_of_several", "instruction_key"])
async def test_what_was_journalled_cannot_be_changed_by_the_service(
    ledger_database: LedgerDatabase, name: str, statement: str
) -> None:
    """Facts are added, never edited: the login itself has no right to."""
    connection = await asyncpg.connect(ledger_database.service)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(name))
    finally:
        await connection.close()


async def test_the_read_only_login_writes_nothing(ledger_database: LedgerDatabase) -> None:
    """Nor do questions."""
    connection = await asyncpg.connect(ledger_database.readonly)
    try:
        for name in ("account", "balance", "journal_row", "account_freeze", "shard"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"INSERT INTO transactions.{name} DEFAULT VALUES")
    finally:
        await connection.close()


async def test_loading_the_chart_again_changes_nothing(ledger_database: LedgerDatabase) -> None:
    """Migrate may be run at any time."""
    connection = await asyncpg.connect(ledger_database.owner)
    tables = (
        "asset",
        "entity",
        "account_class",
        "account",
        "posting_rule",
        "screening_policy",
        "trade_policy",
    )

    async def content() -> list[Any]:
        return [
            await connection.fetch(f"SELECT * FROM transactions.{name} ORDER BY 1, 2, 3") for name in tables
        ]

    try:
        before = await content()
        await data.load(connection, PARTITIONS)
        assert await content() == before
        assert await connection.fetchval("SELECT scale FROM transactions.asset WHERE code = 'KWD'") == 3
        # 17 classes in eight pairs of entity and currency, twelve in one; six in each security, twice.
        expected = 8 * 17 + 12 + 2 * 6 * 9
        assert await connection.fetchval("SELECT count(*) FROM transactions.account") == expected
    finally:
        await connection.close()


async def test_an_empty_chart_refuses_to_start(ledger_database: LedgerDatabase) -> None:
    """And says what to do."""
    connection = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    try:
        await connection.execute("DELETE FROM account")
        with pytest.raises(ConfigurationError, match="backoffice migrate"):
            await create_service().start(connection)
    finally:
        await connection.close()


async def test_what_is_closed_in_one_shard_is_refused_by_all_others_from_the_next_batch_on(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """In the same batch it could not know: that credit is kept, swept, and the account closed."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(BOB, "10.00"))
    closed, under_way = await ledger.send(transfer(BOB, ALICE, "4.00"), closing(ALICE))
    events = await ledger.send(transfer(BOB, ALICE, "1.00"))
    assert [outcome(each) for each in (under_way, closed, *events)] == ["posted", "applied", "account_closed"]
    for memory_is_lost in (True, False):
        if memory_is_lost:
            await ledger.forget()
        (event,) = await ledger.tick()
        assert event["type"] == ("CreditSwept" if memory_is_lost else "AccountClosed")
    await ledger.forget()
    assert await ledger.tick() == []
    shown = await account_show(ledger.connection, ALICE)
    assert shown is not None
    assert (shown["status"], shown["balance"]) == ("closed", "0.00")
    assert shown["closings"] == [{"seq": 2, "closed_seq": 4, "reopened_seq": None}]
    (refused, reopened) = await ledger.send(closing(ALICE), reopening(ALICE))
    assert (outcome(refused), outcome(reopened)) == ("account_closed", "applied")
    await ledger.forget()
    (posted,) = await ledger.send(transfer(BOB, ALICE, "1.00"))
    assert outcome(posted) == "posted"
    history = [each async for each in account_history(ledger.connection, ALICE)]
    assert [(each["amount"], each["side"], each["type"]) for each in history] == [
        ("4.00", "credit", "transfer"),
        ("4.00", "debit", "close_account"),
        ("1.00", "credit", "transfer"),
    ]
    result = await verify(ledger_database.readonly)
    assert result.ok, result.first_difference
    await assert_rebuilt(ledger)


async def test_an_account_may_be_closed_and_opened_again_within_one_batch(ledger: StoredLedger) -> None:
    """No row says that it is closed twice at a time, in whatever order they are written."""
    await ledger.send(opening(ALICE), closing(ALICE))
    await ledger.send(reopening(ALICE), closing(ALICE), reopening(ALICE), closing(ALICE))
    assert [each["type"] for each in await ledger.tick()] == ["AccountClosed"]
    await ledger.send(reopening(ALICE), closing(ALICE))
    rows = await ledger.connection.fetch(
        "SELECT seq, closed_seq, reopened_seq FROM account_closing ORDER BY seq"
    )
    assert [tuple(row) for row in rows] == [(2, None, 3), (4, None, 5), (6, 7, 8), (9, None, None)]


async def test_many_shut_accounts_are_asked_about_by_name(
    ledger: StoredLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number it is cheaper to ask only of those that a batch touches."""
    monkeypatch.setattr(moving, "STANDING_READ_MAX", 1)
    codes = (ALICE, "second", "third")
    await ledger.send(opening(BOB), deposit(BOB, "5.00"), *(opening(ALICE, each) for each in codes))
    await ledger.send(*(closing(ALICE, each) for each in codes))
    events = await ledger.send(*(transfer(BOB, each, "1.00") for each in codes))
    assert [outcome(each) for each in events] == ["account_closed"] * 3
