"""A batch's records on their way through the transaction: decoded, sorted by what is to be done with each."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from shared.runtime.errors import ShardHalted, UnreadableRecord
from shared.runtime.shard import Place, Shard, record_hash
from shared.runtime.work import Parked, Received, Service, ShardWork, Unreadable


class Batch:
    """Sorts a batch's records by what is to be done with each, inside the transaction."""

    def __init__(self, service: Service, held: dict[int, Shard], works: dict[int, ShardWork]) -> None:
        self._service = service
        self._held = held
        self._works = works
        self.received: list[Received] = []
        self.unreadable: list[Received] = []
        self.parked: list[tuple[Received, Parked]] = []
        self.taken_again: list[Received] = []
        self.marks: dict[tuple[str, int, int], int] = {}
        self.counts: dict[str, int] = {}
        self.ahead: set[tuple[int, str, int]] = set()
        self.in_order: set[tuple[int, str, int]] = set()

    def add_all(self, items: Iterable[Received]) -> None:
        """Decide what becomes of each record."""
        take = self.received.append
        counts = self.counts
        parkable = {number for number, shard in self._held.items() if shard.parked}
        for item in items:
            if item.parked_id is not None:
                self.taken_again.append(item)
                take(item)
                continue
            counts[item.topic] = counts.get(item.topic, 0) + 1
            if item.source.chained and not self._take_from_chain(item):
                continue
            if item.message.__class__ is Unreadable:
                self._refuse_if_chained(item)
                self.unreadable.append(item)
                take(item)
                continue
            if item.failed is not None or item.shard in parkable:
                entry = self._parking(item)
                if entry is not None:
                    parkable.add(item.shard)
                    self.parked.append((item, entry))
                    take(replace(item, message=entry))
                    continue
            take(item)

    def _refuse_if_chained(self, item: Received) -> None:
        if item.source.chained:
            raise ShardHalted(
                f"{item.topic}/{item.shard}/{item.offset} cannot be read ({item.message.error}); "
                "passing over another service's event would make our books a lie"
            )

    def _parking(self, item: Received) -> Parked | None:
        if item.source.topic.kind == "acts":
            return None
        owner = self._service.owner_of(item.message)
        if owner is None:
            return None
        if item.failed is not None:
            return Parked(owner, item.failed, behind=False, message=item.message)
        if owner in self._held[item.shard].parked:
            return Parked(owner, "waits behind an earlier record", behind=True, message=item.message)
        return None

    def _take_from_chain(self, item: Received) -> bool:
        """Whether another service's event is the next of its chain here; passes over all others."""
        chain = _chain(item)
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


def decode(item: Received) -> None:
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


def _chain(item: Received) -> tuple[int, int, int] | None:
    """(source shard, seq, prev) of another service's event."""
    named = item.named
    try:
        return int(named["shard"]), int(named["seq"]), int(named["prev"])
    except (KeyError, ValueError):
        return None


def places_of(items: Sequence[Received]) -> list[Place]:
    """The last record of each lane, which the positions move past."""
    last = {(item.topic, item.shard): item for item in items if item.parked_id is None}
    return [
        (topic, partition, item.offset, item.timestamp_ms, record_hash(item.key, item.value))
        for (topic, partition), item in last.items()
    ]
