"""`python -m bench [--quick] [names…]`: measures on a stack of its own and leaves nothing behind."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from rich.console import Console

from bench import machine
from bench.results import Findings, append, show
from bench.world import BenchError, World, open_world
from shared.runtime import clock

BENCHES = {
    "memory": "bench.memory",
    "ledger": "bench.ledger",
    "baseline": "bench.baseline",
    "verify": "bench.verify",
    "all": "bench.everything",
    "latency": "bench.latency",
    "recovery": "bench.recovery",
    "compliance": "bench.compliance",
    "compliance-state": "bench.compliance_state",
    "drain": "bench.drain",
    "day": "bench.day",
    "large": "bench.large",
}
"""In the order they are run; `baseline` is run in the world of `ledger` and stands on its figures."""
LONG = ("drain", "day", "large")
"""Only run when they are named."""
ACCOUNTS = 10_000
ACCOUNTS_QUICK = 2_000


def main() -> int:
    """Run what is asked for; 1 if any of it is void."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"of {', '.join(BENCHES)}; all but the long ones ({', '.join(LONG)}) if none is named",
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller counts, one stack for all: about a minute"
    )
    parser.add_argument("--accounts", type=int, help=f"customers' accounts, {ACCOUNTS:,} unless told")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    names = [name for name in BENCHES if name in (options.names or set(BENCHES) - set(LONG))]
    if "baseline" in names and "ledger" not in names:
        names.insert(names.index("baseline"), "ledger")
    accounts = options.accounts or (ACCOUNTS_QUICK if options.quick else ACCOUNTS)
    try:
        void = asyncio.run(_run(names, quick=options.quick, accounts=accounts))
    except KeyboardInterrupt:
        return 130
    return 1 if void else 0


async def _run(names: list[str], *, quick: bool, accounts: int) -> bool:
    console = Console(width=None if sys.stdout.isatty() else 130)
    load = os.getloadavg()[0]
    if load > 0.5 * (os.cpu_count() or 1):
        console.print(
            f"The load average is {load:.1f} on {os.cpu_count()} cores: others are at work here,"
            " so read ratios and processor time, not rates.",
            style="yellow",
        )
    void = False
    earlier: dict[str, Findings] = {}
    worlds = _Worlds(quick=quick)
    async with contextlib.aclosing(worlds):
        for name in names:
            module = import_module(BENCHES[name])
            facts, at, begun = machine.facts(), clock.now(), time.monotonic()
            findings = Findings()
            try:
                async with worlds.world_for(name, names) as world:
                    extra: dict[str, Any] = {"ledger": earlier["ledger"]} if name == "baseline" else {}
                    findings = await module.measure(world, quick=quick, accounts=accounts, **extra)
                    findings.void += await world.objections()
            except BenchError as error:
                findings.void.append(str(error))
            facts["load_after"] = [round(each, 2) for each in os.getloadavg()]
            earlier[name] = findings
            void = void or bool(findings.void)
            append(name, findings, at=at, commit=machine.commit(), machine=facts, quick=quick)
            show(console, name, module.QUESTION, findings, time.monotonic() - begun)
    return void


class _Worlds:
    """Gives each bench a stack of its own; all the same one when it must be quick."""

    def __init__(self, *, quick: bool) -> None:
        self._quick = quick
        self._stack = contextlib.AsyncExitStack()
        self._kept: World | None = None

    async def aclose(self) -> None:
        """Stop what still runs."""
        await self._stack.aclose()

    @contextlib.asynccontextmanager
    async def world_for(self, name: str, names: list[str]) -> AsyncIterator[World]:
        """The stack for a bench; what it has started is stopped afterwards."""
        if self._kept is None:
            self._kept = await self._stack.enter_async_context(open_world())
        try:
            yield self._kept
        finally:
            await self._kept.stop(self._kept.stack.supervisor.slots)
            if not self._quick and not (name == "ledger" and "baseline" in names):
                self._kept = None
                await self._stack.aclose()


if __name__ == "__main__":
    sys.exit(main())
