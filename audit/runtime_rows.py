"""What each service's own tables of the runtime hold: how far it has come, and what stands beside."""

from dataclasses import dataclass
from uuid import UUID

from audit.places import Place


@dataclass(frozen=True, slots=True)
class ShardRow:
    """A row of a service's `shard`: the fence."""

    shard: int
    epoch: int
    last_seq: int
    published_seq: int
    halted: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A row of a service's `position`."""

    topic: str
    partition: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class SentRow:
    """A row of a service's `sent`: the head of a chain."""

    shard: int
    topic: str
    partition: int
    last_seq: int
    published_seq: int


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A row of a service's `source_mark`."""

    topic: str
    partition: int
    source_shard: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """A row of a service's `dead_letter`."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    error: str

    @property
    def place(self) -> Place:
        """Where the record stood."""
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A row of a service's `parked`."""

    topic: str
    partition: int
    offset: int
    owner: str
    resolution: str | None

    @property
    def place(self) -> Place:
        """Where the record stood."""
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class PassedOverRow:
    """A row of a service's `passed_over`: records that were lost before they were taken, half-open."""

    topic: str
    partition: int
    from_offset: int
    until_offset: int
    act_id: UUID
    actor: str
    approved_by: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row of a service's `outbox`: an event kept whole."""

    shard: int
    seq: int
    epoch: int
    topic: str
    type: str
    key: bytes
    body: bytes
    prev: int
