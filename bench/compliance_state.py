"""What does compliance hold in memory by active account, and how soon is it back after a kill?"""

import asyncio
import time
from typing import Final

from bench import machine
from bench.compliance import BOTH
from bench.load import Load
from bench.recovery import HEALTHY_SECONDS, RATE, kill, steady
from bench.results import Bound, Findings, number, percentile
from bench.world import World

QUESTION: Final = "compliance's process by active account; seconds from kill -9 to work on every shard"
FIRST: Final = 20_000
ACCOUNTS: Final = 100_000
MILLION: Final = 1_000_000
MEMORY: Final = Bound("a million active accounts, extrapolated", 3.0, 1.5, "GB", upwards=False)
RECOVERY: Final = Bound("killed with 100,000 accounts → worked on again", 10, 3, "s", upwards=False)
TRANSFERS_AN_ACCOUNT: Final = 2
"""Each has two ends, so that an account moves five times, its funding with it."""
ROUNDS: Final = 3


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Let many accounts move, look at the process, and kill it again and again under load."""
    del accounts
    findings = Findings(columns=("active accounts", "PSS MB", "bytes an account since the row before"))
    compliance = await world.start_ready("compliance")
    await asyncio.sleep(2.0)
    held = {0: _memory(world)}
    load: Load | None = None
    for more in (FIRST // 10, (ACCOUNTS - FIRST) // 10) if quick else (FIRST, ACCOUNTS - FIRST):
        load = await world.open_accounts(more)
        ledger = await world.start("transactions")
        await world.send(load.transfers(TRANSFERS_AN_ACCOUNT * more))
        await world.wait_no_lag(BOTH)
        await world.stop(ledger)
        held[max(held) + more] = _memory(world)
    assert load is not None
    (_, idle), (few, small), (accounts, large) = held.items()
    each, moves = (large - small) / (accounts - few), 1 + 2 * TRANSFERS_AN_ACCOUNT
    million = (large + each * (MILLION - accounts)) / 2**30
    findings.rows += [
        ("0", number(idle / 2**20), "–"),
        (f"{few:,}", number(small / 2**20), number((small - idle) / few)),
        (f"{accounts:,}", number(large / 2**20), number(each)),
    ]
    slots = [*compliance, *await world.start("transactions")]
    await world.wait_no_lag(BOTH)
    taken: list[float] = []
    async with steady(world, load):
        await asyncio.sleep(HEALTHY_SECONDS / 3)
        for round_ in range(1 if quick else ROUNDS):
            began = time.monotonic()
            taken.append(await kill(world, "compliance"))
            if round_ + 1 < ROUNDS and not quick:
                await asyncio.sleep(max(0.0, HEALTHY_SECONDS - (time.monotonic() - began)))
    await world.wait_no_lag(BOTH)
    behind = await world.owner.fetchval(
        "SELECT coalesce(sum(b.count), 0)::bigint FROM compliance.window_batch AS b"
        " LEFT JOIN compliance.window_checkpoint AS c USING (shard) WHERE b.number > coalesce(c.through, 0)"
    )
    await world.stop(slots)
    findings.figures = {
        "accounts": accounts,
        "held_mb": {str(number_of): round(bytes_ / 2**20, 1) for number_of, bytes_ in held.items()},
        "bytes_an_account": round(each),
        "million_gb": round(million, 2),
        "killed_s": [round(seconds, 2) for seconds in taken],
        "entries_after_checkpoint": behind,
    }
    findings.judged = [(MEMORY, million), (RECOVERY, max(taken))]
    findings.notes = [
        f"each page once; the line through {few:,} and {accounts:,} accounts, {moves} moves each",
        f"killed under {RATE:,} transfers a second: p50 {percentile(sorted(taken), 0.5):.2f} s, each "
        + " ".join(f"{seconds:.2f}" for seconds in taken)
        + f"; {behind:,} entries after the checkpoint",
    ]
    return findings


def _memory(world: World) -> float:
    """Bytes of compliance's process, each page once."""
    return machine.memory(world.roles()["compliance"])["pss_mb"] * 2**20
