"""Starts, watches and ends child processes that cannot outlive their parent."""

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import psutil

LAUNCHER = Path(__file__).with_name("launch.py")


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    directory: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, appending what it prints to `log`.

    When this process dies, however it dies, the child gets `death_signal` (Linux). The whole
    environment is replaced when `environment` is given.
    """
    full = [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER),
        str(int(death_signal)),
        str(os.getpid()),
        user or "-",
        *map(str, command),
    ]

    def start() -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  # the command is ours, never a person's text
                full,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=directory,
                start_new_session=True,
            )

    return _in_the_spawning_thread(start)


async def exit_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process to end and return its exit status, negative for a signal."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[int] = loop.create_future()

    def resolve(status: int) -> None:
        if not done.done():
            done.set_result(status)

    def watch() -> None:
        status = process.wait()
        with suppress(RuntimeError):  # The loop has been closed; nobody waits any more.
            loop.call_soon_threadsafe(resolve, status)

    threading.Thread(target=watch, name=f"exit of {process.pid}", daemon=True).start()
    return await done


async def end(
    process: subprocess.Popen[bytes], *, ask: signal.Signals = signal.SIGTERM, patience_seconds: float = 15
) -> int:
    """Ask the process to stop, kill it if it takes longer than the patience, and return its exit status."""
    if process.poll() is None:
        process.send_signal(ask)
    try:
        return await asyncio.wait_for(exit_of(process), patience_seconds)
    except TimeoutError:
        process.kill()
        return await exit_of(process)


def leftovers(program: str, marker: str) -> list[psutil.Process]:
    """Find processes of that program whose command line names `marker`, such as an earlier run's server."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["name", "cmdline"]):
        name, arguments = process.info["name"], process.info["cmdline"]
        if name == program and arguments and marker in arguments:
            found.append(process)
    return found


def end_leftovers(program: str, marker: str, *, ask: signal.Signals) -> None:
    """Stop what an earlier, killed run has left behind, so that its files can be opened again."""
    processes = leftovers(program, marker)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(ask)
    _, stubborn = psutil.wait_procs(processes, timeout=10)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=10)


def log_tail(log: Path, *, lines: int = 8, since: int = 0) -> str:
    """Return the last lines written to the log after byte `since`, for an error message."""
    if not log.exists():
        return "(nothing was logged)"
    with log.open("rb") as file:
        file.seek(max(since, log.stat().st_size - 65536))
        text = file.read().decode(errors="replace")
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
    return "\n".join(f"    {line[:300]}" for line in kept[-lines:]) or "(nothing was logged)"


_Start = Callable[[], subprocess.Popen[bytes]]

_requests: queue.SimpleQueue[tuple[_Start, Future[subprocess.Popen[bytes]]]] = queue.SimpleQueue()
_thread_lock = threading.Lock()
_thread: threading.Thread | None = None


def _in_the_spawning_thread(start: _Start) -> subprocess.Popen[bytes]:
    """Run `start` in a thread that lives as long as this process.

    Linux sends the death signal when the *thread* that forked the child ends, and a worker thread
    of an executor ends long before its process.
    """
    global _thread
    with _thread_lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_serve, name="spawning", daemon=True)
            _thread.start()
    answer: Future[subprocess.Popen[bytes]] = Future()
    _requests.put((start, answer))
    return answer.result()


def _serve() -> None:
    while True:
        start, answer = _requests.get()
        try:
            answer.set_result(start())
        except BaseException as problem:  # noqa: BLE001  # handed to the caller
            answer.set_exception(problem)
