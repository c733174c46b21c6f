"""How a service asks Kafka for records."""

from typing import Any, cast

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import BrokerNotAvailableError

from shared.runtime.polling import FRESH_MS, POLL_MS, Poller

PLACES = [TopicPartition("t", number) for number in range(4)]
Answer = dict[int, int] | type[Exception]
"""How many records of which partition have come, or what went wrong."""


class Broker:
    """A consumer of four partitions, for which each call that waits brings what comes next."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = iter(answers)
        self.here: dict[int, list[str]] = {number: [] for number in range(4)}
        self.waits: list[int] = []
        self.failing: type[Exception] | None = None
        self.count = 0

    def come(self, counts: dict[int, int]) -> None:
        """Lay records by: what aiokafka has fetched already."""
        for number, count in counts.items():
            for _ in range(count):
                self.count += 1
                self.here[number].append(f"{number}.{self.count}")

    def assignment(self) -> frozenset[TopicPartition]:
        """Name the partitions."""
        return frozenset(PLACES)

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[str]]:
        """Give what lies by, partition for partition; wait for the next answer where nothing does."""
        if timeout_ms:
            self.waits.append(timeout_ms)
            answer = next(self.answers)
            if not isinstance(answer, dict):
                raise answer
            self.come(answer)
        elif self.failing is not None:
            raise self.failing
        given: dict[TopicPartition, list[str]] = {}
        for place in places or PLACES:
            taken, rest = self.here[place.partition][:max_records], self.here[place.partition][max_records:]
            max_records -= len(taken)
            self.here[place.partition] = rest
            if taken:
                given[place] = taken
            if max_records == 0:
                break
        return given


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sleeps between two polls: what comes then would wait."""

    async def refuse(seconds: float) -> None:
        """Stand in for the sleep that must not be."""
        raise AssertionError(f"slept for {seconds} s between two polls")

    monkeypatch.setattr(anyio, "sleep", refuse)


def _consumer(broker: Broker) -> AIOKafkaConsumer:
    return cast(AIOKafkaConsumer, broker)


async def _polled(broker: Broker, poll: Poller | None = None) -> Any:
    return list(await (poll or Poller(400))(_consumer(broker)))


async def test_a_poll_without_records_is_repeated_at_once():
    """What was not there when it was asked for is waited for, again and again."""
    quiet = Broker({}, {}, {1: 2})
    assert [await _polled(quiet) for _ in range(3)] == [[], [], ["1.1", "1.2"]]
    assert quiet.waits == [POLL_MS] * 3


async def test_what_has_come_since_is_taken_with_what_lay_by():
    """aiokafka has asked for nothing while it had something: else the newer ones wait for another batch."""
    busy = Broker({2: 1, 0: 2})
    busy.come({2: 2})
    assert sorted(await _polled(busy)) == ["0.4", "0.5", "2.1", "2.2", "2.3"]
    assert busy.waits == [FRESH_MS]


async def test_what_lay_by_does_not_wait_long_for_more():
    """Nothing newer within a moment: what is there is taken."""
    slow = Broker({})
    slow.come({0: 2})
    assert await _polled(slow) == ["0.1", "0.2"]
    assert slow.waits == [FRESH_MS]


async def test_what_lay_by_is_taken_though_the_broker_fails_then():
    """The consumer has given it away and would not bring it again by itself; the failure comes again."""
    broken = Broker(BrokerNotAvailableError, BrokerNotAvailableError)
    broken.come({0: 2})
    assert await _polled(broken) == ["0.1", "0.2"]
    with pytest.raises(BrokerNotAvailableError):
        await _polled(broken)


async def test_a_full_batch_asks_for_no_more():
    """In a backlog there is no room for what came since."""
    full = Broker()
    full.come(dict.fromkeys(range(4), 100))
    assert len(await _polled(full)) == 400
    assert full.waits == []


async def test_of_a_backlog_each_shard_gets_its_share_of_a_batch():
    """A batch of one shard after another would take shards far apart in what happened."""
    backlog = Broker({0: 1000})
    backlog.come({0: 1000, 1: 1000, 2: 50, 3: 1000})
    batch = await _polled(backlog)
    assert {number: sum(each[0] == str(number) for each in batch) for number in range(4)} == {
        0: 150,  # what one had too few was open to whoever is first
        1: 100,
        2: 50,
        3: 100,
    }


async def test_no_shard_is_always_the_last_for_which_there_is_room():
    """With less room than one record for each, each has its turn."""
    poll, narrow = Poller(2), Broker()
    narrow.come(dict.fromkeys(range(4), 2))
    batches = [await _polled(narrow, poll) for _ in range(4)]
    assert all(len(batch) == 2 for batch in batches)
    assert {each[0] for batch in batches for each in batch} == set("0123")


async def test_what_was_taken_during_a_commit_is_the_begin_of_the_next_batch():
    """It is taken without waiting, so that the broker is asked for more before the next poll."""
    poll, busy = Poller(400), Broker({1: 1})
    busy.come({0: 2})
    await poll.reach_ahead(_consumer(busy))
    assert busy.waits == []
    assert await _polled(busy, poll) == ["0.1", "0.2", "1.3"]
    assert busy.waits == [FRESH_MS]


async def test_more_is_not_taken_ahead_than_the_next_batch_holds():
    """A batch whose records take effect in pieces commits more than once before the next poll."""
    poll, full = Poller(400), Broker()
    full.come(dict.fromkeys(range(4), 1000))
    await poll.reach_ahead(_consumer(full))
    await poll.reach_ahead(_consumer(full))
    assert len(await _polled(full, poll)) == 400


async def test_a_broker_that_fails_during_a_commit_is_asked_again_by_the_next_poll():
    """The commit must not fail for it; the next poll says so, if it is still so."""
    poll, broken = Poller(400), Broker()
    broken.failing = BrokerNotAvailableError
    await poll.reach_ahead(_consumer(broken))
    with pytest.raises(BrokerNotAvailableError):
        await _polled(broken, poll)
