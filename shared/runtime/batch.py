"""A batch's records on their way through the transaction: decoded, sorted by what is to be done with each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from shared.runtime.errors import ShardHalted, UnreadableRecord
from shared.runtime.shard import Place, Shard, record_hash
from shared.runtime.work import Input, Parked, Received, Service, ShardWork, Unreadable

NO_HEADERS: Final[Mapping[str, bytes]] = {}
_CORRELATION: Final = re.compile(rb"[!-~]{1,64}")
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header; anything else is not passed on."""


@dataclass(slots=True)
class Item:
    """One delivered record on its way through a batch."""

    shard: int
    source: Input
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    message: Any = None
    parked_id: int | None = None
    """Set when the record is taken again from the parked ones: no position moves."""
    failed: str | None = None
    """Handling it failed with this error; it is to be parked."""

    @property
    def topic(self) -> str:
        """The topic it came from."""
        return self.source.topic.name


class Batch:
    """Sorts a batch's records by what is to be done with each, inside the transaction."""

    def __init__(self, service: Service, held: dict[int, Shard], works: dict[int, ShardWork]) -> None:
        self._service = service
        self._held = held
        self._works = works
        self.received: list[Received] = []
        self.unreadable: list[Item] = []
        self.parked: list[tuple[Item, Parked]] = []
        self.taken_again: list[Item] = []
        self.marks: dict[tuple[str, int, int], int] = {}
        self.counts: dict[str, int] = {}
        self.ahead: set[tuple[int, str, int]] = set()
        self.in_order: set[tuple[int, str, int]] = set()

    def add(self, item: Item) -> None:
        """Decide what becomes of one record."""
        replay = item.parked_id is not None
        if not replay:
            self.counts[item.topic] = self.counts.get(item.topic, 0) + 1
        if item.source.chained and not replay and not self._take_from_chain(item):
            return
        message = item.message
        if replay:
            self.taken_again.append(item)
            self.received.append(received_from(item))
            return
        if isinstance(message, Unreadable):
            if item.source.chained:
                raise ShardHalted(
                    f"{item.topic}/{item.shard}/{item.offset} cannot be read ({message.error}); "
                    "passing over another service's event would make our books a lie"
                )
            self.unreadable.append(item)
            self.received.append(received_from(item))
            return
        entry = self._parking(item)
        if entry is not None:
            self.parked.append((item, entry))
            received = received_from(item)
            received.message = entry
            self.received.append(received)
            return
        self.received.append(received_from(item))

    def _parking(self, item: Item) -> Parked | None:
        if item.source.topic.kind == "acts":
            return None
        waiting = self._held[item.shard].parked
        if item.failed is None and not waiting and not self.parked:
            return None
        owner = self._service.owner_of(item.message)
        if owner is None:
            return None
        if item.failed is not None:
            return Parked(owner, item.failed, behind=False, message=item.message)
        if owner in waiting:
            return Parked(owner, "waits behind an earlier record", behind=True, message=item.message)
        return None

    def _take_from_chain(self, item: Item) -> bool:
        """Whether another service's event is the next of its chain here; passes over all others."""
        chain = _chain(item.headers)
        if chain is None:
            raise ShardHalted(f"{item.topic}/{item.shard}/{item.offset} has no seq and prev headers")
        source, seq, prev = chain
        lane = (item.topic, item.shard, source)
        mark = self.marks.get(lane)
        if mark is None:
            mark = self._held[item.shard].marks.get((item.topic, source), 0)
        if seq <= mark:
            return False
        if prev != mark:
            self.ahead.add((item.shard, item.topic, source))
            return False
        self.marks[lane] = seq
        self.in_order.add((item.shard, item.topic, source))
        return True


def decode(item: Item) -> None:
    """Set the item's message: what its input makes of the value, or `Unreadable`."""
    value = item.value
    if value is None:
        item.message = Unreadable("empty", 0, sha256(b"").hexdigest())
        return
    try:
        item.message = item.source.decode(value)
    except UnreadableRecord as error:
        item.message = Unreadable(error.error, len(value), sha256(value).hexdigest())
    except Exception as error:  # noqa: BLE001 - a decoder's defect must not stop the line
        item.message = Unreadable(type(error).__name__, len(value), sha256(value).hexdigest())


def received_from(item: Item) -> Received:
    """Make what a handler sees of an item."""
    named = dict(item.headers) if item.headers else NO_HEADERS
    correlation = named.get("correlation_id")
    traceparent = named.get("traceparent")
    return Received(
        item.shard,
        item.topic,
        item.shard,
        item.offset,
        item.timestamp_ms,
        item.key,
        item.message,
        correlation.decode() if correlation and _CORRELATION.fullmatch(correlation) else None,
        traceparent.decode() if traceparent and _TRACEPARENT.fullmatch(traceparent) else None,
        "secondary" if named.get("copy") == b"secondary" else "primary",
        item.value or b"",
    )


def _chain(headers: Sequence[tuple[str, bytes]]) -> tuple[int, int, int] | None:
    """(source shard, seq, prev) of another service's event."""
    named = dict(headers)
    try:
        return int(named["shard"]), int(named["seq"]), int(named["prev"])
    except (KeyError, ValueError, TypeError):
        return None


def places_of(items: Sequence[Item]) -> list[Place]:
    """The last record of each lane, which the positions move past."""
    last: dict[tuple[str, int], Item] = {
        (item.topic, item.shard): item for item in items if item.parked_id is None
    }
    return [
        (topic, partition, item.offset, item.timestamp_ms, record_hash(item.key, item.value))
        for (topic, partition), item in last.items()
    ]
