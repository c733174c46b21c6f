"""The embedded Kafka, for real: it serves, says why it cannot, and is up again after the worst."""

import signal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from backoffice.stack import ports
from backoffice.stack.errors import StackError
from backoffice.stack.kafka import EmbeddedKafka, _cluster_id, _escaped

pytestmark = pytest.mark.xdist_group("embedded-kafka")


async def test_it_starts_again_on_what_kill_9_has_left(tmp_path: Path) -> None:
    """Acknowledged records are still there, under the same address, and a second start is no other broker."""
    broker = EmbeddedKafka(tmp_path / "kafka")
    await broker.start()
    try:
        address, pid = broker.bootstrap, broker.pid
        await broker.start()
        assert broker.pid == pid
        await _create_topic(address, "letters")
        await _send(address, "letters", b"kept")
        broker.kill()
        assert await broker.wait() == -signal.SIGKILL
        assert broker.pid is None
        await broker.start()
        assert broker.bootstrap == address
        assert await _read_one(address, "letters") == b"kept"
    finally:
        await broker.stop()


async def test_a_taken_port_is_told_before_a_jvm_is_started(tmp_path: Path) -> None:
    """A Java stack trace would not say who has it."""
    import socket

    port = ports.free_port()
    with socket.create_server((ports.LOOPBACK, port)), pytest.raises(StackError) as refused:
        await EmbeddedKafka(tmp_path / "kafka", port).start()
    assert refused.value.error == "port_taken"


async def test_a_broker_that_cannot_start_is_explained_by_its_last_lines(tmp_path: Path) -> None:
    """Here its heap is far too small."""
    broker = EmbeddedKafka(tmp_path / "kafka", heap_mb=4)
    with pytest.raises(StackError) as failed:
        await broker.start()
    assert failed.value.error == "kafka_failed"
    assert "kafka.log" in failed.value.message
    assert broker.pid is None


async def test_a_path_kafka_cannot_use_is_refused(tmp_path: Path) -> None:
    """It reads a comma in log.dirs as two folders."""
    with pytest.raises(StackError) as refused:
        await EmbeddedKafka(tmp_path / "a,b").start()
    assert refused.value.error == "path_unsuitable"


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    """One in 64 random ids begins with a hyphen, and Kafka's own tool then refuses it."""
    assert _cluster_id(b"\xff" * 16) == "_" * 21 + "w"
    assert _cluster_id(b"\xfb\xef\xbe" + bytes(13)).startswith("____")


def test_a_path_is_written_as_java_reads_it() -> None:
    """Properties files are Latin-1 with backslash escapes."""
    assert _escaped("/home/Zoë\\x") == "/home/Zo\\u00eb\\\\x"


async def _create_topic(address: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()


async def _send(address: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read_one(address: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return (await consumer.getone()).value
    finally:
        await consumer.stop()
