"""An upstream in a process of its own: it sends at fixed moments, however busy the follower is.

Sending and following from one event loop, each waited for the other: at 5,000 a second one record in a
hundred was sent 40 to 70 ms after its moment, and that counted as the ledger's.
"""

import asyncio
import contextlib
import pickle
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaProducer

from bench import machine
from bench.world import BenchError
from shared.messages.topics import INSTRUCTIONS

AHEAD_SECONDS: Final = 0.05
"""How long after it is told so the first record is due."""
READY: Final = b"ready\n"
_MOMENT: Final = struct.Struct(">d")

Record = tuple[bytes | None, bytes, int | None]
"""Key, value, partition."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an upstream is to send, and when."""

    options: dict[str, Any]
    """Of Kafka's client."""
    records: Sequence[Record]
    rate: float
    """Records a second."""
    linger_seconds: float
    """What falls due within it is sent together at its end, and is late by as much."""


class Upstream:
    """The process, as the bench has hold of it."""

    def __init__(self, process: asyncio.subprocess.Process, told: Path) -> None:
        self._process = process
        self._told = told

    async def begin(self) -> float:
        """Let it begin; returns the moment at which the first record is due."""
        moment = time.time() + AHEAD_SECONDS
        assert self._process.stdin is not None
        self._process.stdin.write(_MOMENT.pack(moment))
        await self._process.stdin.drain()
        return moment

    async def late_ms(self) -> list[float]:
        """Wait until all is acknowledged; returns how late each was sent, least first."""
        if await self._process.wait():
            raise BenchError("the upstream has failed")
        late, seconds = pickle.loads(self._told.read_bytes())
        machine.ENDED.append(seconds)
        return sorted(late)


@contextlib.asynccontextmanager
async def upstream(plan: Plan) -> AsyncIterator[Upstream]:
    """Start an upstream and wait until it could send; it is stopped at the end, wherever it is."""
    with tempfile.TemporaryDirectory(prefix="backoffice-bench-") as folder:
        asked, told = Path(folder, "plan"), Path(folder, "told")
        asked.write_bytes(pickle.dumps(plan))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, asked, told),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            if await process.stdout.readline() != READY:
                raise BenchError("the upstream could not start")
            yield Upstream(process, told)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _send(plan: Plan) -> tuple[list[float], float]:
    """Send each record at its moment, or as soon after as we get to it.

    Returns the delays in ms, and the processor seconds that it took.
    """
    producer = AIOKafkaProducer(enable_idempotence=True, acks="all", linger_ms=0, **plan.options)
    await producer.start()
    await producer.partitions_for(INSTRUCTIONS.name)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    (begin,) = _MOMENT.unpack(sys.stdin.buffer.read(_MOMENT.size))
    begun = time.process_time()
    late: list[float] = []
    acknowledgements: list[Any] = []
    records, sent = plan.records, 0
    try:
        while sent < len(records):
            due = begin + sent / plan.rate
            await asyncio.sleep(max(0.0, due + plan.linger_seconds - time.time()))
            now = time.time()
            due_now: dict[int | None, list[tuple[bytes | None, bytes]]] = {}
            while sent < len(records) and (due := begin + sent / plan.rate) <= now:
                key, value, partition = records[sent]
                due_now.setdefault(partition, []).append((key, value))
                late.append((now - due) * 1000)
                sent += 1
            for partition, together in due_now.items():
                acknowledgements += await _send_together(producer, partition, together)
        await asyncio.gather(*acknowledgements)
    finally:
        await producer.stop()
    return late, time.process_time() - begun


async def _send_together(
    producer: AIOKafkaProducer, partition: int | None, records: list[tuple[bytes | None, bytes]]
) -> list[Any]:
    """Send records of one partition in as few batches as hold them; returns what is to be awaited."""
    sent: list[Any] = []
    batch = producer.create_batch()
    for key, value in records:
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, INSTRUCTIONS.name, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    return [*sent, await producer.send_batch(batch, INSTRUCTIONS.name, partition=partition)]


def main() -> None:
    """Read the plan from the first file named, send, and write to the second what came of it."""
    asked, told = map(Path, sys.argv[1:])
    told.write_bytes(pickle.dumps(uvloop.run(_send(pickle.loads(asked.read_bytes())))))


if __name__ == "__main__":
    main()
