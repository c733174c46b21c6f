"""How a service asks Kafka for records."""

from typing import Any, cast

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import BrokerNotAvailableError

from shared.runtime.service import FRESH_MS, POLL_MS, poller


class Answers:
    """A consumer whose polls are answered one after the other with so many records; below 0 they fail."""

    def __init__(self, *counts: int) -> None:
        self.counts = iter(counts)
        self.asked: list[tuple[int, int]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[str]]:
        """Answer the next poll."""
        self.asked.append((timeout_ms, max_records))
        count = next(self.counts)
        if count < 0:
            raise BrokerNotAvailableError
        names = [f"{len(self.asked)}.{number}" for number in range(count)]
        return {TopicPartition("t", 0): names[:1], TopicPartition("t", 1): names[1:]} if names else {}


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sleeps between two polls: what comes then would wait."""

    async def refuse(seconds: float) -> None:
        """Stand in for the sleep that must not be."""
        raise AssertionError(f"slept for {seconds} s between two polls")

    monkeypatch.setattr(anyio, "sleep", refuse)


async def _polled(answers: Answers, times: int = 1) -> list[Any]:
    poll = poller(500)
    return [await poll(cast(AIOKafkaConsumer, answers)) for _ in range(times)]


async def test_a_poll_without_records_is_repeated_at_once():
    """What was not there when it was asked for is waited for, again and again."""
    quiet = Answers(0, 0, 0, 0, 0, 2)
    assert await _polled(quiet, 3) == [(), (), ("6.0", "6.1")]
    assert quiet.asked == [(0, 500), (POLL_MS, 500)] * 3


async def test_what_has_come_since_is_taken_with_what_lay_by():
    """aiokafka has asked for nothing while it had something: else the newer ones wait for another batch."""
    busy = Answers(2, 3)
    assert await _polled(busy) == [("1.0", "1.1", "2.0", "2.1", "2.2")]
    assert busy.asked == [(0, 500), (FRESH_MS, 498)]


async def test_what_lay_by_does_not_wait_long_for_more():
    """Nothing newer within a moment: what is there is taken."""
    slow = Answers(2, 0)
    assert await _polled(slow) == [("1.0", "1.1")]
    assert slow.asked == [(0, 500), (FRESH_MS, 498)]


async def test_what_lay_by_is_taken_though_the_broker_fails_then():
    """The consumer has given it away and would not bring it again by itself; the failure comes again."""
    broken = Answers(2, -1, 0, -1)
    assert await _polled(broken) == [("1.0", "1.1")]
    with pytest.raises(BrokerNotAvailableError):
        await _polled(broken)


async def test_a_full_batch_asks_for_no_more():
    """In a backlog there is no room for what came since."""
    full = Answers(500)
    assert len((await _polled(full))[0]) == 500
    assert full.asked == [(0, 500)]
