"""What a running ledger publishes is what the generated contract says."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any, Self

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from backoffice.cli.reference.unions import example
from shared.messages.acts import ResumeShard
from shared.messages.headers import headers_of
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.accounts import OpenAccount
from shared.messages.instructions.books import OpenBusinessDay
from shared.messages.instructions.payments import Deposit, Transfer
from shared.messages.partitioner import shard_of
from shared.messages.topics import INSTRUCTIONS as INSTRUCTIONS_TOPIC
from shared.messages.topics import JOURNAL, TRANSACTIONS_ACTS
from tests.messages.contract import document, errors_in, resolved
from tests.repository.conftest import Ledger
from tests.support.infrastructure import PARTITIONS

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-0123456789012345-01"
KINDS = {
    "InstructionApplied",
    "TransactionPosted",
    "InstructionRejected",
    "DuplicateReceived",
    "RecordUnreadable",
    "ActDone",
}
WAIT_SECONDS_MAX = 40


class Upstream:
    """Sends records, and gathers what the ledger says from then on."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
        self.events: list[ConsumerRecord[Any, Any]] = []

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._consumer.start()
        places = [TopicPartition(JOURNAL.name, number) for number in range(PARTITIONS)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    async def send(self, topic: str, key: str, value: bytes, partition: int | None = None) -> None:
        """Publish a record with a trace context."""
        headers = [("traceparent", TRACEPARENT.encode())]
        await self._producer.send_and_wait(topic, value, key.encode(), partition=partition, headers=headers)

    async def instruct(self, instructions: Sequence[dict[str, Any]]) -> None:
        """Send instructions and wait until each has been answered."""
        for each in instructions:
            await self.send(INSTRUCTIONS_TOPIC.name, each["owner"], json.dumps(each).encode())
        await self.until({each["instruction_id"] for each in instructions})

    async def until(self, wanted: set[str]) -> None:
        """Wait until each of these, an id or a type of event, has stood in a header."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not wanted <= {value for event in self.events for value in _headers(event).values()}:
                polled = await self._consumer.getmany(timeout_ms=200)
                self.events += [record for records in polled.values() for record in records]


def _headers(record: ConsumerRecord[Any, Any]) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def _fresh(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An example under ids of its own, so that other tests on the same ledger are not in its way."""
    return {**value, "instruction_id": str(uuid.uuid4()), **changes}


@pytest.mark.slow
@pytest.mark.xdist_group("kafka")
async def test_what_the_ledger_publishes_is_what_the_contract_says(ledger: Ledger) -> None:
    """Each instruction's example is sent; every answer is valid, its headers too, and each header is seen."""
    owner = f"C{uuid.uuid4().hex[:8]}"
    other = next(
        name
        for number in range(1000)
        if shard_of(name := f"{owner}-{number}", PARTITIONS) != shard_of(owner, PARTITIONS)
    )
    account, others = f"{owner}-EUR", f"{other}-EUR"
    async with Upstream(ledger.bootstrap) as upstream:
        opened = example(OpenAccount)
        await upstream.instruct(
            [_fresh(opened, owner=owner, account=account), _fresh(opened, owner=other, account=others)]
        )
        paid = _fresh(example(Deposit), owner=owner, account=account)
        moved = _fresh(example(Transfer), owner=owner, debit_account=account, credit_account=others)
        rest = [
            _fresh(example(kind))
            for kind in INSTRUCTIONS
            if kind not in (OpenAccount, Deposit, Transfer, OpenBusinessDay)
        ]
        await upstream.instruct([paid, moved, *rest])
        await upstream.instruct([paid])
        act_id = str(uuid.uuid4())
        act = {**example(ResumeShard), "act_id": act_id, "shard": 0}
        await upstream.send(INSTRUCTIONS_TOPIC.name, "house", b"no JSON", partition=0)
        await upstream.send(TRANSACTIONS_ACTS.name, "house", json.dumps(act).encode(), partition=0)
        await upstream.until({act_id, *KINDS})

    seen: set[str] = set()
    for event in upstream.events:
        headers = _headers(event)
        message = document()["components"]["messages"][headers["ce_type"]]
        assert errors_in(headers, resolved(message["headers"]["$ref"])) == []
        assert errors_in(json.loads(event.value or b""), resolved(message["payload"]["$ref"])) == []
        assert errors_in((event.key or b"").decode(), message["bindings"]["kafka"]["key"]) == []
        seen |= {*headers, f"copy={headers['copy']}"}
    assert seen == {*(header.name for header in headers_of("events")), "copy=primary", "copy=secondary"}
