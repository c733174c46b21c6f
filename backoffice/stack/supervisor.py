"""Keeps the service processes running: starts them, restarts those that end, and stops them all."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backoffice.stack import processes

PROJECT = Path(__file__).resolve().parents[2]
DELAY_SECONDS_MIN = 0.2
DELAY_SECONDS_MAX = 5.0
HEALTHY_SECONDS = 30.0
STOP_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True)
class Service:
    """One process to keep: the service's name, its slot such as `transactions-0`, what it is told.

    `environment` is the whole environment of the process. `command` is for tests.
    """

    name: str
    slot: str
    environment: Mapping[str, str]
    command: Sequence[str] = ()

    def command_line(self) -> Sequence[str]:
        """Return what is run for this service."""
        return self.command or (sys.executable, "-m", "backoffice", "run", self.name)


@dataclass(slots=True)
class _Child:
    service: Service
    log: Path
    log_since: int
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    process: subprocess.Popen[bytes] | None = None
    exits: int = 0
    last_status: int | None = None
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Runs services, each in its own session with its own log file, until `stop`.

    A child that ends is started again at once if it was well, that is, had run for 30 s; else after 0.2 s,
    then after twice as long each time up to 5 s. Children die with the supervisor's process. `on_change` is
    called whenever the process ids have changed, `tell` with a sentence for a person when a child ends.
    """

    def __init__(
        self,
        logs: Path,
        *,
        on_change: Callable[[], None] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.logs = logs
        self._on_change = on_change or (lambda: None)
        self._tell: Callable[[str], None] = tell or (lambda _words: None)
        self._children: dict[str, _Child] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Return the process id of each slot whose process runs now."""
        return {
            slot: child.process.pid
            for slot, child in self._children.items()
            if child.process is not None and child.process.poll() is None
        }

    @property
    def slots(self) -> tuple[str, ...]:
        """Return the slots that are kept running."""
        return tuple(self._children)

    def exits(self, slot: str) -> int:
        """Return how often the slot's process has ended without being asked to."""
        return self._children[slot].exits

    def last_status(self, slot: str) -> int | None:
        """Return the exit status of the slot's last ended process, negative for a signal."""
        return self._children[slot].last_status

    def log_of(self, slot: str) -> Path:
        """Return the file that holds what the slot's processes have printed, in earlier runs too."""
        return self._children[slot].log

    def last_words(self, slot: str) -> str:
        """Return the last lines that the slot's processes have printed in this run."""
        child = self._children[slot]
        return processes.log_tail(child.log, since=child.log_since)

    async def start(self, service: Service) -> None:
        """Start a service and keep it running from now on."""
        if service.slot in self._children:
            raise ValueError(f"{service.slot} is running already")
        log = self.logs / f"{service.slot}.log"
        child = _Child(service, log, log_since=log.stat().st_size if log.exists() else 0)
        self._children[service.slot] = child
        self._launch(child)
        child.task = asyncio.create_task(self._keep(child), name=f"keep {service.slot}")

    def kill(self, slot: str, sent: signal.Signals = signal.SIGKILL) -> int:
        """Send the slot's process a signal and return its process id; a dead one is started again.

        Raises ProcessLookupError while the slot has no process.
        """
        process = self._children[slot].process
        if process is None or process.poll() is not None:
            raise ProcessLookupError(f"{slot} has no process at the moment")
        process.send_signal(sent)
        return process.pid

    async def stop_one(self, slot: str) -> None:
        """Stop one service for good: SIGTERM, and SIGKILL after 15 s."""
        child = self._children.pop(slot)
        await self._stop(child)
        self._on_change()

    async def stop(self) -> None:
        """Stop all services at once: SIGTERM, and SIGKILL for those that take longer than 15 s."""
        children = list(self._children.values())
        self._children.clear()
        await asyncio.gather(*(self._stop(child) for child in children))

    async def _stop(self, child: _Child) -> None:
        child.stopping.set()
        if child.process is not None:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGCONT)  # A frozen process could not hear the next one.
            await processes.end(child.process, patience_seconds=STOP_SECONDS_MAX)
        if child.task is not None:
            await child.task

    def _launch(self, child: _Child) -> None:
        environment = {
            **child.service.environment,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        }
        child.process = processes.spawn(
            child.service.command_line(), log=child.log, environment=environment, directory=PROJECT
        )
        self._on_change()

    async def _keep(self, child: _Child) -> None:
        delay = DELAY_SECONDS_MIN
        while True:
            assert child.process is not None
            begun = time.monotonic()
            child.last_status = await processes.exit_of(child.process)
            if child.stopping.is_set():
                return
            child.exits += 1
            if time.monotonic() - begun >= HEALTHY_SECONDS:
                delay = 0.0
            self._tell(
                f"{child.service.slot} has ended (status {child.last_status}); "
                f"it is started again in {delay:.1f} s."
            )
            try:
                await asyncio.wait_for(child.stopping.wait(), delay)
            except TimeoutError:
                delay = min(max(delay * 2, DELAY_SECONDS_MIN), DELAY_SECONDS_MAX)
                self._launch(child)
            else:
                return
