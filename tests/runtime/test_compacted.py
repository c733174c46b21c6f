"""A compacted topic is read as a table, up to its end when asked."""

import uuid

import pytest
from aiokafka import AIOKafkaProducer

from shared.messages.topics import DAY_MS, Topic
from shared.runtime import clock
from shared.runtime.client import check_topics, create_topics
from shared.runtime.compacted import CompactedTopic
from shared.runtime.publisher import Publisher
from shared.runtime.settings import KafkaSettings
from shared.runtime.telemetry import Telemetry
from shared.runtime.work import Ahead, Outgoing
from tests.runtime.conftest import PARTITIONS, Rig


@pytest.fixture
async def keys(rig: Rig) -> Topic:
    """A topic of its own for each test."""
    topic = Topic(
        name=f"keys-{uuid.uuid4()}",
        messages="sealing:PARTY_KEY_RECORD",
        key="owner",
        owner="transactions",
        producers=("transactions",),
        consumers=("compliance",),
        kind="keys",
        retention_ms=DAY_MS,
    )
    await create_topics(rig.kafka, PARTITIONS, [topic])
    return topic


async def test_what_stands_ahead_of_an_event_is_there_before_it(rig: Rig, keys: Topic) -> None:
    """In the order in which it was said, with tombstones; what is read is the last of each key."""
    await check_topics(rig.kafka, PARTITIONS, [keys])
    table = CompactedTopic(keys, rig.kafka)
    await table.catch_up([0, 1])
    assert table.value(0, b"a") is None

    publisher = Publisher("toy", rig.kafka, Telemetry("toy", "0"))
    publisher.begin(0, 0, {})
    await publisher.start()
    try:
        said = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"c", b"3")]
        publisher.enqueue(
            Outgoing(
                0, number, clock.now(), 1, rig.journal.name, "Toy", b"k", b"{}", number - 1,
                ahead=(Ahead(keys.name, key, value),),
            )
            for number, (key, value) in enumerate(said, start=1)
        )  # fmt: skip
        await publisher.drained()
    finally:
        await publisher.stop(1)
    assert publisher.progress[0].published_seq == 5
    await table.catch_up([0])
    assert [table.value(0, key) for key in (b"a", b"b", b"c")] == [b"2", None, b"3"]
    assert table.value(1, b"a") is None
    await table.catch_up([0, 1])
    await table.close()
    await table.catch_up([0])
    assert table.value(0, b"a") == b"2"
    await table.close()


async def test_whoever_was_cut_off_follows_again(rig: Rig, keys: Topic) -> None:
    """Asked to keep following, it reads what came meanwhile, too; with nothing to follow it asks nobody."""
    table = CompactedTopic(keys, rig.kafka)
    await table.keep_following()
    await table.catch_up([0])
    await table.close()
    producer = AIOKafkaProducer(**rig.kafka.client_options())
    await producer.start()
    try:
        await producer.send_and_wait(keys.name, key=b"a", value=b"1", partition=0)
    finally:
        await producer.stop()
    await table.keep_following()
    assert table.value(0, b"a") == b"1"
    await table.keep_following()
    await table.close()


async def test_a_broker_that_is_away_is_said_to_be() -> None:
    """So that the batch is read again, and the shard does not halt."""
    topic = Topic("keys", "sealing:PARTY_KEY_RECORD", "owner", "t", (), (), "keys", DAY_MS)
    table = CompactedTopic(topic, KafkaSettings(bootstrap="127.0.0.1:1"))
    with pytest.raises(ConnectionError):
        await table.catch_up([0])


async def test_what_is_published_later_comes_by_itself(rig: Rig, keys: Topic) -> None:
    """Nobody has to ask again; nor does what is read get lost when another partition is asked for."""
    table = CompactedTopic(keys, rig.kafka)
    await table.catch_up([0])
    producer = AIOKafkaProducer(**rig.kafka.client_options())
    await producer.start()
    try:
        for number in range(300):
            await producer.send(keys.name, key=b"%d" % (number % 7), value=b"%d" % number, partition=0)
            if number % 100 == 50:
                await table.catch_up([number // 100 % PARTITIONS])
        await producer.send_and_wait(keys.name, key=b"0", value=None, partition=0)
    finally:
        await producer.stop()

    async def has_learned_of_it() -> bool:
        """Whether the tombstone has come."""
        return table.erasures > 0

    await rig.until(has_learned_of_it, "the tombstone has been read")
    read = [table.value(0, b"%d" % key) for key in range(7)]
    assert read == [None, b"295", b"296", b"297", b"298", b"299", b"293"]
    await table.close()
