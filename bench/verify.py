"""How many movements a second does `ledger verify` derive anew, with the seals and without?"""

import asyncio
import sys
import time
from typing import Final

import psutil

from backoffice.stack.schema import READONLY
from bench.results import Bound, Findings
from bench.world import World
from services.transactions.queries import verify

QUESTION: Final = "movements a second that are verified, by one process and by two"
RATE: Final = Bound("verified by two processes, without seals", 200_000, 1_000_000, "movements/s")
SEALED: Final = Bound("verified by two processes, with seals", 200_000, 1_000_000, "movements/s")
LOOK_SECONDS: Final = 0.1


async def measure(world: World, *, quick: bool, accounts: int) -> Findings:
    """Make a ledger of transfers with payment data, and verify it in each way."""
    findings = Findings(columns=("processes", "seals", "movements/s", "s", "µs of processor time", "MB"))
    load = await world.open_accounts(accounts)
    slots = await world.start("transactions")
    await world.send(load.transfers(50_000 if quick else 1_000_000, payment=True))
    await world.wait_taken()
    await world.stop(slots)
    await world.owner.execute("VACUUM ANALYZE")
    for processes in (1, 2):
        for seals in (False, True):
            rate = await verify_once(world, findings, processes=processes, seals=seals)
            if processes == 2:
                findings.judged.append((SEALED if seals else RATE, rate))
    findings.notes.append(
        "processor time of the verifier's processes, and PostgreSQL's; memory of the largest"
    )
    return findings


async def verify_once(world: World, findings: Findings, *, processes: int, seals: bool) -> float:
    """Verify in a process of its own, add what came of it to the findings, and return movements a second."""
    program = "import sys; from bench.verify import once; once(*sys.argv[1:])"
    before = _postgres_seconds(world)
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, world.stack.dsn(READONLY), str(processes), str(int(seals)),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    peak = 0
    watched = psutil.Process(process.pid)
    told = asyncio.ensure_future(process.communicate())
    while not told.done():
        peak = max(peak, *_memory(watched))
        await asyncio.wait([told], timeout=LOOK_SECONDS)
    output, _ = told.result()
    seconds = time.perf_counter() - begun
    flaw, movements, inside, spent = output.decode().split("\t")
    if flaw:
        findings.void.append(f"ledger verify: {flaw}")
    count = int(movements)
    rate = count / float(inside)
    own = float(spent) / count * 1e6
    database = (_postgres_seconds(world) - before) / count * 1e6
    findings.figures[f"{processes} processes, {'with' if seals else 'without'} seals"] = {
        "rate": round(rate, 1),
        "movements": count,
        "seconds": round(float(inside), 2),
        "seconds_with_start": round(seconds, 2),
        "cpu_us": {"verifier": round(own, 2), "postgres": round(database, 2)},
        "rss_mb": round(peak / 1e6),
    }
    findings.rows.append(
        (
            str(processes),
            "yes" if seals else "no",
            f"{rate:,.0f}",
            f"{float(inside):.1f}",
            f"{own:.1f} + {database:.1f}",
            f"{peak / 1e6:.0f}",
        )
    )
    return rate


def once(dsn: str, processes: str, seals: str) -> None:
    """Verify in a process of its own, and print what came of it, how much it was, and what it took."""
    verdict = asyncio.run(verify(dsn, seals=seals == "1", processes=int(processes)))
    times = psutil.Process().cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    flaw = "" if verdict.ok else str(verdict.first_difference)
    print(flaw, verdict.movements, verdict.seconds, spent, sep="\t")


def _memory(process: psutil.Process) -> list[int]:
    """Resident bytes of a process and its children; nothing of those that have just ended."""
    try:
        return [each.memory_info().rss for each in (process, *process.children())]
    except psutil.NoSuchProcess:
        return [0]


def _postgres_seconds(world: World) -> float:
    """Processor time of PostgreSQL's processes, also of those that have ended."""
    times = psutil.Process(world.stack.postgres.pid).cpu_times()
    ended = times.user + times.system + times.children_user + times.children_system
    living = 0.0
    for each in psutil.Process(world.stack.postgres.pid).children():
        one = each.cpu_times()
        living += one.user + one.system
    return ended + living
