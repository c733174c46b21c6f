"""A server that runs as a child process: started until it is ready, stopped, and explained from its log."""

import asyncio
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from backoffice.stack import processes
from backoffice.stack.errors import StackError

START_SECONDS_MAX = 60


class EmbeddedServer(ABC):
    """What the broker and the database have in common: a data folder, a log, a port and a process."""

    name: ClassVar[str]
    """As people know it."""
    asked_to_stop_by: ClassVar[signal.Signals] = signal.SIGTERM
    given_up_by: ClassVar[signal.Signals] = signal.SIGKILL
    """What ends it where it does not become ready."""
    stop_seconds_max: ClassVar[float]

    def __init__(self, data_dir: Path, port: int | None, log: Path) -> None:
        self.data_dir = data_dir
        self.log = log
        self._port_is_given = port is not None
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0
        """Where in the log the last start begins."""

    @property
    def pid(self) -> int | None:
        """Return the server's process id while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @abstractmethod
    async def start(self) -> None:
        """Start the server and return when it serves clients; raises `StackError`."""

    async def stop(self) -> None:
        """Stop the server, in order if it can, and return when it has gone."""
        if self._process is None:
            return
        await processes.end(self._process, ask=self.asked_to_stop_by, patience_seconds=self.stop_seconds_max)
        self._process = None

    async def wait(self) -> int:
        """Wait until the server ends by itself or is stopped, and return its exit status."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return await processes.exit_of(self._process)

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None:
        """Send the server a signal, as a crash (SIGKILL) or a freeze (SIGSTOP, SIGCONT) would."""
        if self._process is not None:
            self._process.send_signal(sent)

    def death(self) -> StackError:
        """Describe why the server has ended, from its log."""
        status = None if self._process is None else self._process.poll()
        return self._explain(f"{self.name} has ended (status {status}).", self._since)

    async def _run_until_ready(
        self, spawn: Callable[[], subprocess.Popen[bytes]], is_ready: Callable[[], bool]
    ) -> None:
        """Start the process and return when it is ready; one that does not become so is ended."""
        since = self._since = self._log_size()
        self._process = spawn()
        deadline = time.monotonic() + START_SECONDS_MAX
        try:
            while not is_ready():
                if self._process.poll() is not None:
                    raise self._explain(f"{self.name} did not start.", since)
                if time.monotonic() > deadline:
                    raise self._explain(f"{self.name} was not ready after {START_SECONDS_MAX} s.", since)
                await asyncio.sleep(0.02)
        except BaseException:
            await processes.end(self._process, ask=self.given_up_by)
            raise

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _explain(self, what: str, since: int) -> StackError:
        tail = processes.log_tail(self.log, since=since)
        if "Address already in use" in tail or "BindException" in tail:
            return StackError(
                "port_taken",
                f"{what} Its port {self._ports()} was taken.",
                "Run the same command again; another port is chosen.",
            )
        if "No space left on device" in tail:
            return StackError(
                "disk_full",
                f"{what} The disk that holds {self.data_dir} is full.",
                "Free some space and try again.",
            )
        return StackError(
            self._error_in(tail),
            f"{what} The last lines of {self.log}:\n{tail}",
            "If they do not tell, `make clean` throws its data away, and the next start begins empty.",
        )

    @abstractmethod
    def _ports(self) -> str:
        """Name the ports it listens on."""

    @abstractmethod
    def _error_in(self, tail: str) -> str:
        """Name the error that the last lines of the log tell of."""
