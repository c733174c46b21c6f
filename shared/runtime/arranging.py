"""Arranges what one poll returned: the records not taken before, decoded, in the order of their shards."""

import contextlib
import time
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, Final

from aiokafka import ConsumerRecord, TopicPartition

from shared.runtime.batch import decode
from shared.runtime.failpoints import planted
from shared.runtime.work import Received, Unreadable

if TYPE_CHECKING:
    from shared.runtime.consumer import Worker

_LANE: Final = attrgetter("topic", "partition")
_PLACE_IN_BATCH: Final = itemgetter(0, 1)


def arrange(worker: "Worker", records: Sequence[ConsumerRecord[Any, Any]]) -> list[Received]:
    """Keep the records of shards held that were not taken before; decode; order within a shard."""
    started = time.perf_counter()
    lanes: list[tuple[int, int, list[Received]]] = []
    expected: dict[tuple[str, int], int] = {}
    refetch: set[tuple[str, int]] = set()
    swallow = planted("swallowed_decode_error")
    for lane, group in groupby(records, _LANE):
        topic, partition = lane
        shard = worker.held.get(partition)
        source = worker.inputs.get(topic)
        if shard is None or source is None or not shard.takes(source.topic.kind) or lane in refetch:
            continue
        wanted = expected.get(lane)
        if wanted is None:
            wanted = shard.position(topic).next_offset
        items: list[Received] = []
        for record in group:
            offset = record.offset
            if offset != wanted:
                if offset < wanted:
                    continue
                if worker.gaps.get(lane) != (wanted, offset):
                    # Aborted transactions leave gaps; a poll from before a claim looks the same. Read
                    # again: a gap that stays is one of Kafka's own.
                    worker.gaps[lane] = (wanted, offset)
                    refetch.add(lane)
                    _seek(worker, lane, wanted)
                    break
            wanted = offset + 1
            item = Received(
                partition,
                topic,
                partition,
                offset,
                record.timestamp,
                record.key,
                None,
                record.value,
                record.headers,
                source,
            )
            decode(item)
            items.append(item)
        expected[lane] = wanted
        lanes.append((partition, source.rank, items))
    lanes.sort(key=_PLACE_IN_BATCH)
    arranged = [item for _, _, items in lanes for item in items]
    if swallow:
        arranged = [item for item in arranged if not isinstance(item.message, Unreadable)]
    worker.telemetry.add_step("decode", time.perf_counter() - started)
    return arranged


def _seek(worker: "Worker", lane: tuple[str, int], offset: int) -> None:
    if worker.consumer is not None:
        with contextlib.suppress(Exception):
            worker.consumer.seek(TopicPartition(*lane), offset)
