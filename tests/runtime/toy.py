"""A service small enough to see the runtime through: it notes each record once and says so.

`python -m tests.runtime.toy` runs it as a process of its own, so that it can be killed.
Values: `boom:<owner>` fails in handling, `vast:<owner>` leads to more than a topic takes, `die:<owner>` kills
the process, `bad` cannot be read, anything else `<word>:<owner>` is noted. With `TOY_TICKS` each tick is
noted, too, but fails in shard 0. The toy has one act of its own, `release_hold`: its reason is noted, `boom`
fails in handling. It cannot answer an act of the actor `mute`. With `TOY_MENDED` nothing fails.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from shared.messages.acts import ReleaseHold, TransactionsAct
from shared.messages.journal import ActDone, InstructionRejected
from shared.messages.partitioner import partition_of
from shared.messages.topics import DAY_MS, Topic
from shared.runtime.errors import UnreadableRecord
from shared.runtime.service import create_app, run
from shared.runtime.settings import load_settings
from shared.runtime.telemetry import configure_logging
from shared.runtime.work import Discarded, Input, Parked, Received, Service, UnitOfWork, Unreadable

MIGRATIONS = Path(__file__).parent / "toy_migrations"
ACT: Final[TypeAdapter[TransactionsAct | ReleaseHold]] = TypeAdapter(
    Annotated[TransactionsAct | ReleaseHold, Field(discriminator="type")]
)


def topics(prefix: str) -> tuple[Topic, Topic, Topic]:
    """The toy's own instructions, acts and journal topics."""

    def make(name: str, kind: Any) -> Topic:
        return Topic(f"{prefix}.{name}", "", "", "toy", (), (), kind, DAY_MS)

    return make("instructions", "instructions"), make("acts", "acts"), make("journal", "events")


class Toy(Service):
    """Notes what it is given in table `note`."""

    name = "toy"
    parks = True

    def __init__(self, prefix: str) -> None:
        self.instructions, self.acts, self.journal = topics(prefix)
        self.inputs = (
            Input(self.instructions, decode, rank=20),
            Input(self.acts, decode_act, rank=0),
        )
        self.outputs = (self.journal,)
        self.defective = not os.environ.get("TOY_MENDED")
        if os.environ.get("TOY_TICKS"):
            self.tick_every = timedelta(seconds=1)

    def owner_of(self, message: Any) -> str | None:
        """Whom a readable record names."""
        return message[1] if isinstance(message, tuple) else None

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Note each record and say so; fail or die where it is told to."""
        for record in records:
            message = record.message
            word = "?"
            match message:
                case Parked() | Unreadable() | Discarded():
                    word = type(message).__name__.lower()
                case (word, _):
                    if word == "boom" and self.defective:
                        raise ZeroDivisionError
                    if word == "die" and self.defective:
                        os.kill(os.getpid(), signal.SIGKILL)
                case ReleaseHold():
                    word = message.reason
                    if word == "boom" and self.defective:
                        raise ZeroDivisionError
                case _:
                    pass
            await work.connection.execute(
                'INSERT INTO note (topic, partition, "offset", word) VALUES ($1, $2, $3, $4)',
                record.topic,
                record.partition,
                record.offset,
                word,
            )
            work.publish(
                record.shard,
                self.journal,
                lambda seq, at, word=word, record=record: InstructionRejected(
                    shard=record.shard,
                    seq=seq,
                    recorded_at=at,
                    reason=word,
                    detail="x" * 2**20 if word == "vast" else str(record.offset),
                ),
                key="house",
                correlation_id=record.correlation_id,
                traceparent=record.traceparent,
            )

    async def tick(self, work: UnitOfWork) -> None:
        """Note that it was called for a shard."""
        for shard, part in work.shards.items():
            if shard == 0:
                raise ZeroDivisionError
            seq = part.last_seq + 1
            await work.connection.execute(
                'INSERT INTO note (topic, partition, "offset", word) VALUES ($1, $2, $3, $4)',
                "tick",
                shard,
                seq,
                f"ticked, parked: {sorted(part.parked)}",
            )
            work.publish(
                shard,
                self.journal,
                lambda seq, at, shard=shard: InstructionRejected(
                    shard=shard, seq=seq, recorded_at=at, reason="ticked", detail=""
                ),
                key="house",
            )

    async def announce_act(
        self, work: UnitOfWork, received: Received, done: bool, detail: str, result: dict[str, Any]
    ) -> None:
        """Publish the answer to an act of the runtime."""
        act = received.message
        if act.actor == "mute" and self.defective:
            raise ZeroDivisionError
        work.publish(
            received.shard,
            self.journal,
            lambda seq, at: ActDone(
                shard=received.shard,
                seq=seq,
                recorded_at=at,
                act_id=act.act_id,
                act=act.type,
                actor=act.actor,
                done=done,
                detail=detail,
                result=result,
            ),
            key="house",
        )


class Folder(Service):
    """Counts the toy's events, each once."""

    name = "folder"

    def __init__(self, prefix: str) -> None:
        _, _, journal = topics(prefix)
        self.inputs = (Input(journal, TypeAdapter(dict[str, Any]).validate_json, chained=True),)
        self.outputs = ()

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Note each event."""
        await work.connection.executemany(
            'INSERT INTO note (topic, partition, "offset", word) VALUES ($1, $2, $3, $4)',
            [(r.topic, r.partition, r.message["seq"], r.message["type"]) for r in records],
        )


def decode(value: bytes) -> tuple[str, str]:
    """Read `<word>:<owner>`."""
    word, colon, owner = value.decode().partition(":")
    if not colon:
        raise UnreadableRecord("no_colon")
    return word, owner


def decode_act(value: bytes) -> TransactionsAct | ReleaseHold:
    """Read an act of the runtime's or of the toy's own."""
    try:
        return ACT.validate_json(value)
    except ValueError:
        raise UnreadableRecord("not_an_act") from None


def key_for(partition: int, partitions: int) -> str:
    """An owner who lives in a partition."""
    return next(
        f"owner{n}" for n in range(1000) if partition_of(f"owner{n}".encode(), partitions) == partition
    )


if __name__ == "__main__":
    settings, kafka = load_settings()
    configure_logging("INFO")
    service = {"toy": Toy, "folder": Folder}[sys.argv[1]](sys.argv[2])
    run(create_app(service, MIGRATIONS, settings, kafka), settings)
