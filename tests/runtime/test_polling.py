"""How a service asks Kafka for records."""

from typing import Any, cast

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime.service import POLL_MS, poller


class Quiet:
    """A consumer that has nothing twice, and then two records."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[str]]:
        """Answer the next poll."""
        self.asked.append((timeout_ms, max_records))
        return {TopicPartition("t", 0): ["a"], TopicPartition("t", 1): ["b"]} if len(self.asked) > 2 else {}


async def test_a_poll_without_records_is_repeated_at_once(monkeypatch: pytest.MonkeyPatch):
    """Nobody sleeps between two polls: what comes then would wait."""

    async def refuse(seconds: float) -> None:
        """Stand in for the sleep that must not be."""
        raise AssertionError(f"slept for {seconds} s between two polls")

    monkeypatch.setattr(anyio, "sleep", refuse)
    quiet = Quiet()
    poll = poller(500)
    polled: list[Any] = [await poll(cast(AIOKafkaConsumer, quiet)) for _ in range(3)]
    assert polled == [(), (), ("a", "b")]
    assert quiet.asked == [(POLL_MS, 500)] * 3
