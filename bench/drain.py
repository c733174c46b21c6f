"""How fast is what has piled up during a ten minutes' stop worked off, while as much as ever keeps coming?"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from bench.load import Load
from bench.results import Bound, Findings
from bench.world import SERVICES, World
from shared.messages.topics import INSTRUCTIONS

QUESTION: Final = (
    "a crunch: ten minutes' records at 2,000/s piled up, and 2,000/s more while they are worked off"
)
RATE: Final = 2_000
STOP_SECONDS: Final = 600
STEP_SECONDS: Final = 0.1
LOOK_SECONDS: Final = 0.5
GONE_BELOW_SECONDS: Final = 1.0
"""Worked off: less than a second's records are left."""
EVENTS_WAITING: Final = """
SELECT service, sum(last_seq - taken)::bigint
FROM (
    SELECT 'compliance' AS service, s.last_seq, coalesce(m.last_seq, 0) AS taken
    FROM transactions.shard AS s LEFT JOIN compliance.source_mark AS m
        ON m.topic = 'transactions.journal.v1' AND m.partition = s.shard AND m.source_shard = s.shard
    UNION ALL
    SELECT 'reporting', s.last_seq, coalesce(m.last_seq, 0)
    FROM transactions.shard AS s LEFT JOIN reporting.source_mark AS m
        ON m.topic = 'transactions.journal.v1' AND m.partition = s.shard AND m.source_shard = s.shard
) AS each
GROUP BY service
"""
"""Events of the ledger that its followers have not taken, by service; copies are not counted again."""
BOUND: Final = Bound("records worked off over those that come", 3, 8, "×")


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Publish what would have come during the stop, start the services, go on publishing, and watch."""
    findings = Findings(columns=("services", "piled up", "worked off in", "records/s", "over what comes"))
    load = await world.open_accounts(accounts)
    stop_seconds = 20 if quick else STOP_SECONDS
    for names in (("transactions",), SERVICES):
        await world.send(load.transfers(RATE * stop_seconds))
        slots = await world.start(*names)
        begun, taken_before = time.perf_counter(), await world.taken()
        stopped = asyncio.Event()
        sender = asyncio.create_task(_keep_sending(world, load, stopped))
        try:
            gone = await _watch(world, names)
        finally:
            stopped.set()
            sent = await sender
        seconds = gone - begun
        rate = (await world.taken() - taken_before) / seconds
        await (world.wait_no_lag() if len(names) > 1 else world.wait_taken())
        await world.stop(slots)
        name = "all three" if len(names) > 1 else "the ledger"
        findings.figures[name] = {
            "piled_up": RATE * stop_seconds,
            "sent_meanwhile": sent,
            "seconds": round(seconds, 1),
            "rate": round(rate, 1),
            "over": round(rate / RATE, 2),
        }
        findings.rows.append(
            (name, f"{RATE * stop_seconds:,}", f"{seconds:,.0f} s", f"{rate:,.0f}", f"{rate / RATE:.1f} ×")
        )
        findings.judged.append((BOUND, rate / RATE))
    findings.notes.append(
        "until less than a second's records wait anywhere; starting the processes is part of it"
    )
    return findings


async def _keep_sending(world: World, load: Load, stopped: asyncio.Event) -> int:
    """Publish at the usual rate until told to stop; return how many were sent."""
    sent = 0
    begun = time.perf_counter()
    while not stopped.is_set():
        due = int((time.perf_counter() - begun) * RATE) - sent
        sent += await world.send(load.transfers(due))
        await asyncio.sleep(STEP_SECONDS)
    return sent


async def _watch(world: World, names: Sequence[str]) -> float:
    """Wait until the backlog is gone everywhere, and return when that was."""
    while True:
        ends = sum((await world.client.end_offsets(INSTRUCTIONS)).values())
        waiting = [ends - await world.taken()]
        if len(names) > 1:
            waiting += dict(await world.owner.fetch(EVENTS_WAITING)).values()
        if max(waiting) < RATE * GONE_BELOW_SECONDS:
            return time.perf_counter()
        world.refuse_crashes()
        await asyncio.sleep(LOOK_SECONDS)
