"""How a service asks Kafka for records: from all shards alike, and for what has come meanwhile, too.

aiokafka asks the broker for more of a partition as soon as all it has of it is taken, and then not again
until that is taken, too. So what lies by came when the batch before began, and what has come while it was
worked on is still with the broker: taken by itself, each record would wait for a whole batch more.

And it gives what lies by partition for partition: of a backlog ten thousand records of one, then of the next.
So shards would be far apart in what happened, and who follows them would have to take much of it for late.
"""

import contextlib
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

POLL_MS: Final = 200
"""How long an empty poll waits; a poll with records returns at once."""
FRESH_MS: Final = 5
"""How long a poll that found records laid by waits for those that have come since."""

Records = list[ConsumerRecord[Any, Any]]


class Poller:
    """Takes up to `records_max` records of a consumer at a time.

    FastStream's own way sleeps as long as it has waited, deaf to what comes meanwhile: on an idle system
    an instruction took 100 ms more on average.
    """

    def __init__(self, records_max: int) -> None:
        self._records_max = records_max
        self._ahead: Records = []
        self._polls = 0

    async def __call__(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord[Any, Any], ...]:
        """Take what lies by and what the broker answers within a moment; where nothing is, wait for it."""
        taken, self._ahead = self._ahead, []
        if not taken:
            taken = await self._take_what_lies_by(consumer)
        room = min(self._share(consumer), self._records_max - len(taken))
        if room > 0:
            try:
                polled = await consumer.getmany(timeout_ms=FRESH_MS if taken else POLL_MS, max_records=room)
            except KafkaError:  # what stays wrong the next poll says again; what is taken comes no more
                if not taken:
                    raise
            else:
                for records in polled.values():
                    taken += records
        return tuple(taken)

    async def reach_ahead(self, consumer: AIOKafkaConsumer | None) -> None:
        """Take what lies by for the next poll, without waiting: so the broker is asked for more meanwhile."""
        if consumer is not None and not self._ahead:
            with contextlib.suppress(KafkaError):
                self._ahead = await self._take_what_lies_by(consumer)

    async def _take_what_lies_by(self, consumer: AIOKafkaConsumer) -> Records:
        """Take of each partition no more than its share, each time beginning with another one."""
        places = sorted(consumer.assignment())
        self._polls += 1
        begin = self._polls % len(places) if places else 0
        share, taken = self._share(consumer), Records()
        for place in places[begin:] + places[:begin]:
            room = min(share, self._records_max - len(taken))
            if room == 0:
                break
            try:
                polled = await consumer.getmany(place, timeout_ms=0, max_records=room)
            except KafkaError:
                if not taken:
                    raise
                break
            for records in polled.values():
                taken += records
        return taken

    def _share(self, consumer: AIOKafkaConsumer) -> int:
        """How many records of one partition come into a batch at most, as long as others have some, too."""
        return max(1, self._records_max // max(1, len({place.partition for place in consumer.assignment()})))
