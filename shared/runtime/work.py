"""What passes between the runtime and a service: records received, the unit of work, events to publish."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from uuid import UUID

from shared.messages.envelope import Event
from shared.messages.topics import Topic
from shared.runtime import outbox
from shared.runtime.errors import EventTooLargeError

if TYPE_CHECKING:
    from shared.runtime.gateway import Gateway
    from shared.runtime.settings import KafkaSettings, ServiceSettings

_CORRELATION: Final = re.compile(rb"[!-~]{1,64}")
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header; anything else is not passed on."""


@dataclass(frozen=True, slots=True)
class Input:
    """A topic a service consumes, and how.

    `decode` turns a record's value into a message and raises `UnreadableRecord`; it may return a
    message of the service's own that says "readable enough to answer, but wrong" (the ledger does).
    `chained` inputs are another service's events: they carry `seq` and `prev`, and a copy already had
    never reaches the handler. `rank` orders the records of one shard inside a batch, lowest first.
    """

    topic: Topic
    decode: Callable[[bytes], Any]
    chained: bool = False
    rank: int = 10


@dataclass(slots=True, eq=False)
class Received:
    """One delivered record on its way through a batch, decoded."""

    shard: int
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    message: Any = None
    """What `Input.decode` returned, or `Unreadable`, or `Parked`."""
    value: bytes | None = b""
    headers: Sequence[tuple[str, bytes]] = ()
    source: Input = field(repr=False, default=None)  # pyright: ignore[reportAssignmentType]
    """The input it came by; there always is one but in tests."""
    parked_id: int | None = None
    """Set when the record is taken again from the parked ones: no position moves."""
    failed: str | None = None
    """Handling it failed with this error; it is to be parked."""
    _named: dict[str, bytes] | None = field(default=None, repr=False)

    @property
    def named(self) -> dict[str, bytes]:
        """The headers by name; of several of one name the last."""
        if self._named is None:
            self._named = dict(self.headers)
        return self._named

    def header(self, name: str) -> bytes | None:
        """The last header of this name."""
        return self.named.get(name)

    @property
    def correlation_id(self) -> str | None:
        """What the sender calls the exchange it belongs to, where that is 1-64 visible characters."""
        return _matching(_CORRELATION, self.header("correlation_id")) if self.headers else None

    @property
    def traceparent(self) -> str | None:
        """The trace it belongs to; none where that is not spelt as it must be."""
        return _matching(_TRACEPARENT, self.header("traceparent")) if self.headers else None

    @property
    def copy(self) -> Literal["primary", "secondary"]:
        """Of another service's event: whether its transaction is counted here (primary) or only its legs."""
        return "secondary" if self.headers and self.header("copy") == b"secondary" else "primary"


def _matching(pattern: re.Pattern[bytes], value: bytes | None) -> str | None:
    return value.decode() if value and pattern.fullmatch(value) else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a record nobody can read; the runtime has kept its bytes as a dead letter."""

    error: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Parked:
    """Stands for a record the runtime has parked; the service only announces it."""

    owner: str
    error: str
    behind: bool
    message: Any


@dataclass(frozen=True, slots=True)
class Discarded:
    """Stands for a parked record an operator gave up; the service only announces it."""

    owner: str
    act_id: UUID
    actor: str
    reason: str
    message: Any


class Ahead(NamedTuple):
    """A record of a compacted topic that must be there before an event is; without a value, a tombstone."""

    topic: str
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class Outgoing:
    """An event to publish: one record on the shard's own partition, and one on each of `copies`."""

    shard: int
    seq: int
    recorded_at: datetime
    epoch: int
    topic: str
    type: str
    key: bytes
    body: bytes
    prev: int
    """The seq this shard sent to (topic, own partition) before this one; 0 for none."""
    copies: tuple[tuple[int, int, bytes], ...] = ()
    """Secondaries: (partition, prev there, key)."""
    correlation_id: str | None = None
    traceparent: str | None = None
    chain: bytes | None = None
    """The head of the shard's chain of hashes after this event, in hexadecimal; where there is one."""
    ahead: tuple[Ahead, ...] = ()
    """What is published before it, on the shard's own partition."""


@dataclass(slots=True)
class ShardWork:
    """One shard's part in a unit of work; everything advances here and is stored at the end."""

    shard: int
    epoch: int
    last_seq: int
    recorded_at: datetime
    """The one `recorded_at` of this batch: later than every earlier one of the shard."""
    heads: dict[tuple[str, int], int]
    """(topic, partition) to the last seq this shard sent there."""
    parked: Collection[str] = ()
    """Owners of whom records wait here: what is theirs by itself waits, too."""

    def next_seq(self) -> int:
        """Take the shard's next event number."""
        self.last_seq += 1
        return self.last_seq

    def chain(self, topic: str, partition: int, seq: int) -> int:
        """Put `seq` at the head of a chain and return the `prev` it must carry."""
        previous = self.heads.get((topic, partition), 0)
        self.heads[topic, partition] = seq
        return previous


@dataclass(slots=True)
class UnitOfWork:
    """One database transaction in which a batch takes effect. A handler only adds to it."""

    connection: Any
    """An asyncpg connection inside the transaction; the search path is the service's own schema."""
    shards: dict[int, ShardWork]
    partitions: int
    """P: the number of shards."""
    outgoing: list[Outgoing] = field(default_factory=list)
    """Events whose rows the service has journalled itself (the ledger); of one shard in order of `seq`."""
    stored: list["StoredEvent"] = field(default_factory=list)
    """Events the runtime journals in `outbox`, with their bytes (every other service)."""

    def publish(
        self,
        shard: int,
        topic: Topic,
        build: Callable[[int, datetime], Event],
        *,
        key: str,
        correlation_id: str | None = None,
        traceparent: str | None = None,
    ) -> Event:
        """Number an event of this shard, journal it with the batch and publish it after the commit.

        `build(seq, recorded_at)` makes the message. For services whose journal is the runtime's `outbox`.
        Raises `EventTooLargeError`.
        """
        work = self.shards[shard]
        seq = work.next_seq()
        message = build(seq, work.recorded_at)
        body = message.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(body) > topic.body_bytes_max:
            raise EventTooLargeError(f"{type(message).__name__} of {len(body)} bytes for {topic.name}")
        outgoing = Outgoing(
            shard=shard,
            seq=seq,
            recorded_at=work.recorded_at,
            epoch=work.epoch,
            topic=topic.name,
            type=type(message).__name__,
            key=key.encode(),
            body=body,
            prev=work.chain(topic.name, shard, seq),
            correlation_id=correlation_id,
            traceparent=traceparent,
        )
        self.stored.append(StoredEvent(outgoing))
        return message


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event kept whole in the runtime's `outbox`."""

    outgoing: Outgoing


class Service:
    """What a service tells the runtime. Subclass it; the runtime calls, the service never does."""

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[Topic, ...]
    beside: tuple[Topic, ...] = ()
    """Compacted topics that it reads or writes beside these."""
    own_acts: tuple[type, ...] = ()
    """Acts that it carries out itself, each alone and in its place, like those that mend a shard."""
    parks: bool = False
    """Whether a record whose handling fails parks its owner (the ledger) or halts the shard (folds)."""
    linger_seconds: float = 0.0
    """How long to wait after a small batch for the next to grow. A batch costs about the same few
    milliseconds of everybody's processor however small it is, so waiting a little makes room for others."""
    tick_every: timedelta | None = None
    """How often `tick` runs for work that has no record of its own."""

    def configure(self, settings: "ServiceSettings", kafka: "KafkaSettings") -> None:
        """Take what it needs of the settings, once before the start; raise `ConfigurationError`."""

    async def stop(self) -> None:
        """Let go of what `configure` or the work has opened."""

    async def carry_out(self, work: UnitOfWork, received: Received) -> tuple[bool, str, dict[str, Any]]:
        """Carry out one of `own_acts`: whether it was done, and what there is to say of it."""
        raise NotImplementedError

    async def start(self, connection: Any) -> None:
        """Check and load what all shards share, once before any claim; raise `ConfigurationError`."""

    async def load(self, connection: Any, shard: int) -> None:
        """Read the memory of a shard just claimed."""

    def forget(self, shard: int) -> None:
        """Drop the memory of a shard: revoked, fenced, or its last batch is in doubt."""

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Let a batch take effect: load, decide, write, announce. All shards of the batch at once.

        Records come ordered by shard, then input rank, then offset. An exception rolls everything
        back; memory must not have changed yet (see `adopt`).
        """
        raise NotImplementedError

    def adopt(self, work: UnitOfWork) -> None:
        """Take over in memory what `handle` decided: the transaction is committed."""

    async def tick(self, work: UnitOfWork) -> None:
        """Do what is due without a record that asks for it; a batch of its own, over the shards held.

        It comes between polls, with or without traffic, and takes a bounded time.
        """

    def warnings(self) -> Mapping[str, str]:
        """Say what somebody should look at though the work goes on: a stable name, and words, of each."""
        return {}

    def owner_of(self, message: Any) -> str | None:
        """The home owner whose records wait when this one fails; None where nobody's do."""
        del message
        return None

    async def announce_act(
        self, work: UnitOfWork, received: Received, done: bool, detail: str, result: dict[str, Any]
    ) -> None:
        """Publish an `ActDone` for an act the runtime carried out or refused."""
        raise NotImplementedError

    def api(self, gateway: "Gateway") -> tuple[str, Any] | None:
        """Make the service's HTTP API: the path that all of it is below, and an ASGI application; or none."""
        del gateway
        return None

    async def events_after(self, connection: Any, shard: int, seq: int, limit: int) -> list[Outgoing]:
        """Rebuild the events after `seq` from the journal, byte for byte. Default: the `outbox`."""
        return await outbox.events_after(connection, shard, seq, limit)

    async def add_ahead(self, connection: Any, events: list[Outgoing]) -> None:
        """Put before rebuilt events of one shard, at least one, what is to be there before them."""
