"""Instructions are found as a naive look at every one finds them, and shown whole."""

# ruff: noqa: E501 - questions in one line each

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.transactions.queries import (
    PositionUnknownError,
    Wanted,
    find_transactions,
    finding,
    transaction_show,
    transaction_trace,
)
from shared.messages.envelope import HOUSE
from shared.messages.journal import OUTCOMES
from shared.messages.sealing import MasterKey
from shared.messages.sealing import opened as open_sealed
from tests.support.keys import MASTER_KEY
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    answer,
    deposit,
    instruction,
    opening,
    owner_in,
    received,
    returning,
    reversal,
    transfer,
    withdrawal,
)

ANN, BEA = owner_in(1, "ann"), owner_in(2, "bea")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Event = dict[str, Any]


@pytest_asyncio.fixture
async def asking(ledger_database: LedgerDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the read-only login."""
    connection = await asyncpg.connect(ledger_database.readonly)
    yield connection
    await connection.close()


async def opener(ledger: StoredLedger) -> Callable[[str, str, bytes], bytes]:
    """What opens contents, with the keys there are now."""
    rows = await ledger.connection.fetch("SELECT shard, owner, wrapped FROM party_key")
    master = MasterKey(MASTER_KEY)
    keys = {row["owner"]: master.unwrap(row["wrapped"], row["shard"], row["owner"]) for row in rows}

    def opened(owner: str, instruction_id: str, content: bytes) -> bytes:
        """The content, opened where there is a key."""
        return open_sealed(content, instruction_id, keys[owner]) if owner in keys else content

    return opened


async def find(connection: asyncpg.Connection, wanted: Wanted, **options: Any) -> list[dict[str, Any]]:
    """All that is found, or as many as the limit."""
    limit = options.pop("limit", None)
    found: list[dict[str, Any]] = []
    async with aclosing(find_transactions(connection, wanted, **options)) as matches:
        async for each in matches:
            found.append(each)
            if len(found) == limit:
                break
    return found


async def a_month(ledger: StoredLedger) -> list[Event]:
    """Payments of every fate on three days, with references and counterparties."""
    events: list[Event] = []

    async def send(*messages: Any) -> list[Event]:
        """Send one batch and keep its events."""
        new = await ledger.send(*messages)
        events.extend(new)
        return new

    payment = {"creditor": {"name": "Zoë & Co", "account": "DE02"}, "end_to_end_id": "E2E/1"}
    await send(
        opening(ANN, "box"),
        opening(ANN, container="box"),
        opening(BEA),
        deposit(ANN, "5000.00"),
        deposit(BEA, "100.00"),
    )
    (first,) = await send(withdrawal(ANN, "1500.00", business_reference="INV-1", payment=payment))
    (second,) = await send(withdrawal(ANN, "1200.00", business_reference="INV-2"))
    await send(answer(first, "cleared"))
    await send(transfer(ANN, BEA, "12.50", business_reference="INV-1"))
    await next_day(send, "2026-01-02")
    await send(answer(second, "refused"))
    await send(transfer(BEA, ANN, "12.50"), transfer(BEA, ANN, "9999.00", business_reference='"INV-1'))
    await send(withdrawal(BEA, "1.00", payment={"remittance": "Zoë & Co", "end_to_end_id": "INV-1"}))
    await next_day(send, "2026-01-03")
    await send(*[deposit(BEA, f"{number}.00") for number in range(1, 9)])
    await send(deposit(BEA, "2.00", value_date="2026-01-01"), withdrawal(ANN, "3000.00"))
    return events


async def next_day(send: Callable[..., Any], day: str) -> None:
    """Open a business day in every shard."""
    message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=day)
    await send(*[received(message, partition=shard) for shard in range(PARTITIONS)])


def naive(events: list[Event], matches: Callable[[Event, str], bool]) -> list[str]:
    """Positions of the first outcomes that match, with what they came to, newest first."""
    firsts = [each for each in events if "first" not in each and "instruction_id" in each]
    ends = {(each["shard"], each["first"]["seq"]): each["type"] for each in events if "first" in each}
    found = [
        each
        for each in firsts
        if matches(each, OUTCOMES[ends.get((each["shard"], each["seq"]), each["type"])])
    ]
    found.sort(key=lambda each: (each["recorded_at"], each["shard"], each["seq"]), reverse=True)
    return [f"{each['shard']}-{each['seq']}" for each in found]


def asked(event: Event, *path: str) -> Any:
    """A field of what was asked."""
    value: Any = event.get("instruction", {})
    for name in path:
        value = value.get(name, {})
    return value


def amount_in(event: Event, low: str, high: str) -> bool:
    """Whether what moved, or was to move, is within."""
    text = event["movements"][0]["amount"] if event.get("movements") else asked(event, "amount")
    return isinstance(text, str) and Decimal(low) <= Decimal(text) <= Decimal(high)


def booked(event: Event, first: str, last: str) -> bool:
    """Whether it has a booking date, and within. What is only applied does not say it: all on the first day."""
    day = event.get("booking_date", "2026-01-01" if event["type"] == "InstructionApplied" else None)
    return day is not None and first <= day <= last


def touches(event: Event, *accounts: str) -> bool:
    """Whether a movement is with one of these accounts."""
    return any(
        move[side]["account"] in accounts
        for move in event.get("movements", ())
        for side in ("debit", "credit")
    )


JAN_2 = date(2026, 1, 2)
QUESTIONS: dict[str, tuple[Wanted, Callable[[Event, str], bool]]] = {
    "everything": (Wanted(), lambda event, outcome: True),
    "reference": (Wanted(reference="INV-1"), lambda event, outcome: asked(event, "business_reference") == "INV-1"),
    "reference of a refused one": (Wanted(reference='"INV-1'), lambda event, outcome: asked(event, "business_reference") == '"INV-1'),
    "end-to-end id": (Wanted(end_to_end_id="E2E/1"), lambda event, outcome: asked(event, "payment", "end_to_end_id") == "E2E/1"),
    "amount": (Wanted(asset="EUR", amount_min=Decimal("12.5"), amount_max=Decimal("12.5")), lambda event, outcome: amount_in(event, "12.50", "12.50")),
    "amounts from": (Wanted(asset="EUR", amount_min=Decimal("1200.001")), lambda event, outcome: amount_in(event, "1200.01", "1e9")),
    "amounts up to": (Wanted(asset="EUR", amount_max=Decimal("2.004")), lambda event, outcome: amount_in(event, "0", "2")),
    "day": (Wanted(booked_since=JAN_2, booked_until=JAN_2), lambda event, outcome: booked(event, "2026-01-02", "2026-01-02")),
    "days from": (Wanted(booked_since=JAN_2), lambda event, outcome: booked(event, "2026-01-02", "9")),
    "days up to": (Wanted(booked_until=JAN_2), lambda event, outcome: booked(event, "", "2026-01-02")),
    "counterparty by name": (Wanted(counterparty="Zoë & Co"), lambda event, outcome: asked(event, "payment", "creditor", "name") == "Zoë & Co"),
    "counterparty by account": (Wanted(counterparty="DE02"), lambda event, outcome: asked(event, "payment", "creditor", "account") == "DE02"),
    "counterparty here": (Wanted(counterparty=ANN), lambda event, outcome: event["owner"] != ANN and (touches(event, ANN) or ANN in (asked(event, "debit_account"), asked(event, "credit_account")))),
    "owner": (Wanted(owner=BEA), lambda event, outcome: event["owner"] == BEA),
    "type": (Wanted(type="withdrawal"), lambda event, outcome: event["instruction_type"] == "withdrawal"),
    "posted": (Wanted(outcome="posted"), lambda event, outcome: outcome == "posted"),
    "pending": (Wanted(outcome="pending"), lambda event, outcome: outcome == "pending"),
    "voided": (Wanted(outcome="voided"), lambda event, outcome: outcome == "voided"),
    "rejected": (Wanted(outcome="rejected"), lambda event, outcome: outcome == "rejected"),
    "several": (Wanted(owner=ANN, type="withdrawal", reference="INV-1", outcome="posted", asset="EUR", amount_min=Decimal(1000)), lambda event, outcome: event["owner"] == ANN and asked(event, "business_reference") == "INV-1" and event["instruction_type"] == "withdrawal"),
    "an asset nobody has": (Wanted(asset="XXX"), lambda event, outcome: False),
    "an amount between two minor units": (Wanted(asset="EUR", amount_min=Decimal("2.001"), amount_max=Decimal("2.009")), lambda event, outcome: False),
}  # fmt: skip


async def test_what_is_found_is_what_a_look_at_every_instruction_finds(
    ledger: StoredLedger, asking: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By each question, newest first, however small the windows, and page by page the same."""
    events = await a_month(ledger)
    opened = await opener(ledger)
    for each in events:
        if "instruction" in each:
            content = json.dumps(each["instruction"], ensure_ascii=False, separators=(",", ":")).encode()
            each["instruction"] = json.loads(opened(each["owner"], each["instruction_id"], content))
    for size in (1, 3, finding.WINDOW_FIRST):
        monkeypatch.setattr(finding, "WINDOW_FIRST", size)
        for name, (wanted, matches) in QUESTIONS.items():
            expected = naive(events, matches)
            found = [each["position"] for each in await find(asking, wanted, opened=opened)]
            assert found == expected, (name, size)
            if name not in ("an asset nobody has", "an amount between two minor units"):
                assert expected, f"{name} asks for nothing"
            paged: list[str] = []
            while page := await find(
                asking, wanted, opened=opened, after=paged[-1] if paged else None, limit=2
            ):
                paged += [each["position"] for each in page]
            assert paged == expected, (name, size)


async def test_without_keys_nobody_is_found_by_what_is_sealed(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """Names are only for those who may open them; accounts, owners and banks are found as ever."""
    await a_month(ledger)
    for name in ("Zoë & Co", "DE02"):
        assert await find(asking, Wanted(counterparty=name)) == []
    assert await find(asking, Wanted(counterparty=ANN)) != []


async def test_instants_bound_what_is_found(ledger: StoredLedger, asking: asyncpg.Connection) -> None:
    """Both ends belong to it."""
    events = await a_month(ledger)
    instants = sorted({each["recorded_at"] for each in events})
    since, until = instants[2], instants[-3]
    wanted = Wanted(
        recorded_since=datetime.fromisoformat(since), recorded_until=datetime.fromisoformat(until)
    )
    expected = naive(events, lambda event, _: since <= event["recorded_at"] <= until)
    assert [each["position"] for each in await find(asking, wanted)] == expected


async def test_a_position_that_is_none_is_refused(ledger: StoredLedger, asking: asyncpg.Connection) -> None:
    """Rather than beginning again."""
    await ledger.send(opening(ANN))
    for position in ("1-99", "x", "-", "1-", "9999999999-1"):
        with pytest.raises(PositionUnknownError):
            await find(asking, Wanted(), after=position)


async def test_a_transaction_is_shown_with_all_that_is_kept_of_it(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """What was asked, from where in Kafka, what came of it, the movements, and what followed."""
    await ledger.send(opening(ANN), deposit(ANN, "2000.00"))
    message = withdrawal(ANN, "1000.00", business_reference="INV-1")
    (pending,) = await ledger.send(received(message, traceparent=TRACE))
    offset = ledger.offset
    await ledger.send(message)
    (posted,) = await ledger.send(answer(pending, "cleared"))
    (shown,) = await transaction_show(asking, uuid.UUID(message["instruction_id"]))
    assert json.loads(json.dumps(shown)) == shown
    assert shown["asked"]["business_reference"] == "INV-1"
    assert (shown["event"], shown["outcome"]) == ("TransactionPending", "posted")
    assert shown["resolved_by"] == {"shard": 1, "seq": posted["seq"]}
    assert shown["source"] == {"topic": "transactions.instructions.v1", "partition": 1, "offset": offset}
    assert (shown["traceparent"], shown["epoch"]) == (TRACE, 1)
    assert shown["content_hash"] == pending["content_hash"]
    (movement,) = shown["movements"]
    assert (movement["amount"], movement["asset"], movement["debit"]) == (
        "1000.00",
        "EUR",
        {"account": ANN, "owner": ANN, "class": "cash", "container": None, "shard_balance_after": "2000.00"},
    )
    assert [each["event"] for each in shown["follow_ups"]] == ["DuplicateReceived", "TransactionPosted"]
    assert shown["follow_ups"][1]["movements"][0]["debit"]["shard_balance_after"] == "1000.00"
    assert await transaction_show(asking, uuid.uuid4()) == []


async def test_a_reversal_and_what_it_undid_are_shown_with_each_other(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """In both directions, over shards, and of what was screened the posting."""
    await ledger.send(opening(ANN), opening(BEA), deposit(ANN, "2000.00"))
    message, screened = transfer(ANN, BEA, "5.00"), withdrawal(ANN, "1000.00")
    pending, sent = await ledger.send(screened, message)
    (posted,) = await ledger.send(answer(pending, "cleared"))
    undo, back = reversal(message, BEA), reversal(screened)
    events = {each["instruction_id"]: each for each in await ledger.send(undo, back)}
    numbers = {
        each["instruction_id"]: {name: each[name] for name in ("shard", "seq", "instruction_id")}
        for each in (sent, posted, *events.values())
    }
    (shown,) = await transaction_show(asking, uuid.UUID(undo["instruction_id"]))
    assert (shown["reverses"], shown["reversed_by"]) == (numbers[message["instruction_id"]], [])
    (shown,) = await transaction_show(asking, uuid.UUID(message["instruction_id"]))
    assert (shown["reverses"], shown["reversed_by"]) == (None, [numbers[undo["instruction_id"]]])
    (shown,) = await transaction_show(asking, uuid.UUID(screened["instruction_id"]))
    assert shown["reversed_by"] == []
    assert shown["follow_ups"][0]["reversed_by"] == [numbers[back["instruction_id"]]]
    for one, other in ((undo, message), (message, undo), (screened, back), (back, screened)):
        trace = await transaction_trace(asking, uuid.UUID(one["instruction_id"]))
        named = {each["instruction_id"] for each in trace}
        assert named == {one["instruction_id"], other["instruction_id"]}


async def test_a_payment_and_what_came_back_of_it_are_shown_with_each_other(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """With the amount of each part; what had no match is no part."""
    await ledger.send(opening(ANN), deposit(ANN, "2000.00"))
    paid = withdrawal(ANN, "50.00")
    backs = [returning(paid, each) for each in ("20.00", "30.01", "30.00")]
    events = await ledger.send(paid, *backs)
    numbers = [{name: each[name] for name in ("shard", "seq", "instruction_id")} for each in events]
    (shown,) = await transaction_show(asking, uuid.UUID(paid["instruction_id"]))
    assert shown["used_by"] == [
        numbers[1] | {"leg": 0, "amount": "20.00"},
        numbers[3] | {"leg": 0, "amount": "30.00"},
    ]
    assert (shown["reversed_by"], shown["uses"]) == ([], None)
    for number, uses in ((0, numbers[0] | {"leg": 0}), (1, None), (2, numbers[0] | {"leg": 0})):
        (shown,) = await transaction_show(asking, uuid.UUID(backs[number]["instruction_id"]))
        assert (shown["uses"], shown["used_by"]) == (uses, [])
    trace = await transaction_trace(asking, uuid.UUID(backs[0]["instruction_id"]))
    assert {each["instruction_id"] for each in trace} == {each["instruction_id"] for each in events[:2]}
    trace = await transaction_trace(asking, uuid.UUID(paid["instruction_id"]))
    assert len({each["instruction_id"] for each in trace}) == 3


async def test_a_reserve_is_shown_with_the_parts_posted_of_it(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """Each part is an instruction of its own, and names the reserve."""
    await ledger.send(opening(ANN), deposit(ANN, "2000.00"))
    message = instruction("reserve", owner=ANN, account=ANN, amount="100.00", asset="EUR")
    await ledger.send(message)
    for amount, final in (("30.00", False), ("20.00", True)):
        part = {"pending_id": message["instruction_id"], "amount": amount, "final": final}
        await ledger.send(instruction("post_pending", owner=ANN, **part), deposit(ANN, "1.00"))
    (shown,) = await transaction_show(asking, uuid.UUID(message["instruction_id"]))
    assert [each["movements"][0]["amount"] for each in shown["follow_ups"]] == ["30.00", "20.00"]
    assert shown["follow_ups"][1]["detail"]["freed"] == "50.00"
    assert (shown["outcome"], shown["resolved_by"]["seq"]) == ("posted", shown["follow_ups"][1]["seq"])


async def test_a_refusal_is_shown_with_its_rule(ledger: StoredLedger, asking: asyncpg.Connection) -> None:
    """The rung, the code of ISO 20022, and what upstream should do; also where the id was not used up."""
    await ledger.send(opening(ANN))
    message = transfer(ANN, BEA, "1.00")
    misplaced = await ledger.send(received(message, key="mallory"))
    assert [each["reason"] for each in misplaced] == ["wrong_key"]
    (shown,) = await transaction_show(asking, uuid.UUID(message["instruction_id"]))
    assert (shown["outcome"], shown["reason"], shown["rule"]["rung"]) == ("rejected", "wrong_key", "place")
    await ledger.send(message)
    (shown,) = await transaction_show(asking, uuid.UUID(message["instruction_id"]))
    assert (shown["reason"], shown["rule"]["rung"], shown["rule"]["iso20022"]) == (
        "account_unknown",
        "references",
        "AC01",
    )
    assert shown["detail"]["field"] == "credit_account"


async def test_a_group_is_found_and_shown_by_any_of_its_ids(
    ledger: StoredLedger, asking: asyncpg.Connection
) -> None:
    """Whoever knows a member's id alone sees what it was booked with."""
    await ledger.send(opening(ANN), opening(BEA), deposit(ANN, "100.00"))
    paid = transfer(ANN, BEA, "10.00")
    charged = instruction("fee", owner=ANN, account=ANN, amount="0.50", asset="EUR")
    group = instruction("group", owner=ANN, members=[paid, charged], business_reference="order 7")
    (event,) = await ledger.send(group)
    for each in (group, paid, charged):
        instruction_id = uuid.UUID(each["instruction_id"])
        (found,) = await find(asking, Wanted(instruction_id=instruction_id))
        assert (found["instruction_id"], found["seq"], found["type"]) == (
            group["instruction_id"],
            event["seq"],
            "group",
        )
        (shown,) = await transaction_show(asking, instruction_id)
        assert shown["instruction_id"] == group["instruction_id"]
        assert [movement["member"] for movement in shown["movements"]] == [
            paid["instruction_id"],
            charged["instruction_id"],
        ]
    assert await find(asking, Wanted(instruction_id=uuid.uuid4())) == []
    assert [each["seq"] for each in await find(asking, Wanted(reference="order 7"))] == [event["seq"]]
    assert [each["seq"] for each in await find(asking, Wanted(counterparty=BEA))] == [event["seq"]]
