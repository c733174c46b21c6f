"""`backoffice up` and `backoffice down`: the whole product on this machine."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from backoffice.cli import output
from backoffice.cli.connection import DATA_DEFAULT, data_folder, running_stack
from backoffice.cli.errors import TIMED_OUT, CommandError
from backoffice.stack.errors import StackError
from backoffice.stack.health import ask
from backoffice.stack.record import SUPERVISOR, StackRecord, read_record

DETACHED_SECONDS_MAX = 300
DOWN_SECONDS_MAX = 60

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder for all data; .backoffice if not given.", file_okay=False),
]


def up(
    data: DataOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when all is ready; `down` stops it.")
    ] = False,
    partitions: Annotated[int, typer.Option(min=1, help="Shards, and partitions of every topic.")] = 4,
) -> int:
    """Start PostgreSQL, Kafka and all services here, and keep them up until Ctrl-C.

    What was posted earlier in the same data folder is still there. Other commands find the running
    stack by `.backoffice/stack.json` in the current folder or one above it.
    """
    folder = data_folder(data)
    earlier = read_record(folder)
    if earlier is not None and earlier.is_alive:
        raise CommandError(
            "already_running",
            f"A stack is running on {folder} already.",
            "Type `backoffice down` to stop it, or `backoffice up --data DIR` for another one.",
        )
    if detach:
        return _detach(folder, partitions)
    return asyncio.run(_stay_up(folder, partitions))


def down(data: DataOption = None) -> int:
    """Stop the stack that runs here, or the one in --data, and keep its data."""
    record = read_record(data_folder(data)) if data is not None else running_stack()
    if record is None or not record.is_alive:
        output.emit({"stopped": False, "reason": "not_running"}, "Nothing is running here.")
        return 0
    _stop(record)
    output.emit({"stopped": True, "data": record.data}, f"Stopped. The data are kept in {record.data}.")
    return 0


class StepPrinter:
    """Tells a person how the start goes on, a line a step, on standard error."""

    def __init__(self) -> None:
        self._live = output.Live()

    def __call__(self, step: Any) -> None:
        """Show a step's progress, and keep its line when it is done."""
        words = f"{'✓' if step.done else '…'} {step.name:<14} {step.detail}"
        if step.done:
            self._live.finish(f"{words}  ({step.seconds:.1f} s)")
        else:
            self._live.show(words)


async def _stay_up(folder: Path, partitions: int) -> int:
    from backoffice.stack.stack import Stack

    stack = Stack(
        folder,
        partitions=partitions,
        announce_in=_announce_in(folder),
        progress=StepPrinter(),
        tell=output.say,
    )
    starting = asyncio.ensure_future(stack.start())
    stopped = _stop_signals(starting)
    try:
        await starting
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    try:
        _welcome(stack.record)
        await _until_stopped(stack, stopped)
    finally:
        output.say("Stopping …")
        await stack.stop()
    output.say(f"Stopped. The data are kept in {folder}.")
    return 0


async def _until_stopped(stack: Any, stopped: asyncio.Event) -> None:
    keeping = asyncio.ensure_future(stack.keep_alive())
    waiting = asyncio.ensure_future(stopped.wait())
    done, pending = await asyncio.wait({keeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if keeping in done:
        keeping.result()


def _stop_signals(starting: asyncio.Future[None]) -> asyncio.Event:
    """Turn Ctrl-C and SIGTERM into an orderly stop, during the start by cancelling it."""
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        starting.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return stopped


def _announce_in(folder: Path) -> tuple[Path, ...]:
    """Also announce the stack where commands look for it, unless another one is announced there."""
    here = Path.cwd() / DATA_DEFAULT
    record = read_record(here)
    if record is not None and record.is_alive and Path(record.data) != folder:
        return ()
    return (here,)


def _welcome(record: StackRecord) -> None:
    output.emit(_public(record))
    if output.json_wanted():
        return
    output.say(
        f"\nEverything is up. Kafka listens on {record.bootstrap}; logs are in {record.logs}.\n"
        "In another terminal, in this folder, try:\n"
        "    backoffice status\n"
        "    backoffice simulate --count 1000 --wait\n"
        "    backoffice lag --watch\n"
        "Ctrl-C stops it."
    )


def _public(record: StackRecord) -> Mapping[str, Any]:
    """Return what may be printed: all but the addresses with passwords."""
    return {
        "bootstrap": record.bootstrap,
        "health": record.health,
        "pids": record.pids,
        "partitions": record.partitions,
        "data": record.data,
        "logs": record.logs,
    }


def _detach(folder: Path, partitions: int) -> int:
    """Start `up` in the background and return when every service is ready."""
    import subprocess

    log = folder / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "backoffice", "up", "--json", "--data", str(folder)]
    command += ["--partitions", str(partitions)]
    with log.open("wb") as printed:
        process = subprocess.Popen(  # noqa: S603  # our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=printed,
            start_new_session=True,
            env=_findable_environment(),
        )
    try:
        record = asyncio.run(_until_ready(process, folder, log))
    except BaseException:
        process.terminate()
        process.wait()
        raise
    output.emit(_public(record), f"Everything is up, in the background (process {process.pid}).")
    output.say("`backoffice down` stops it." if not output.json_wanted() else "")
    return 0


async def _until_ready(process: Any, folder: Path, log: Path) -> StackRecord:
    deadline = time.monotonic() + DETACHED_SECONDS_MAX
    shown = 0
    while time.monotonic() < deadline:
        printed = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if process.poll() is not None:
            raise _failure_told_in(printed, process.returncode)
        for line in printed[shown:]:
            if not line.startswith("{"):  # Its error, which is told once, at the end.
                output.say(line)
        shown = len(printed)
        record = read_record(folder)
        if record is not None and record.pids.get(SUPERVISOR) == process.pid:
            answers = await asyncio.gather(*(ask(url) for url in record.health.values()))
            if all(answer.ok for answer in answers):
                return record
        await asyncio.sleep(0.1)
    raise CommandError(
        "not_ready",
        f"Not ready after {DETACHED_SECONDS_MAX} s, and stopped again.",
        f"Look into {log.parent}.",
        TIMED_OUT,
    )


def _failure_told_in(printed: list[str], status: int) -> StackError:
    """Pass on the error that the background process has told as its last line of JSON."""
    import json

    try:
        told = json.loads(printed[-1])
        return StackError(told["error"], told["message"], told["fix"])
    except (IndexError, ValueError, KeyError, TypeError):
        last = "\n".join(printed[-8:])
        return StackError("up_failed", f"It ended at once (status {status}):\n{last}", "Try `backoffice up`.")


def _findable_environment() -> dict[str, str]:
    """Make sure the background process finds this package, wherever it is started from."""
    project = str(Path(__file__).resolve().parents[2])
    paths = filter(None, (project, os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _stop(record: StackRecord) -> None:
    process = psutil.Process(record.pids[SUPERVISOR])
    output.say("Stopping …")
    process.terminate()
    try:
        process.wait(timeout=DOWN_SECONDS_MAX)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)
