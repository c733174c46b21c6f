"""Child processes: they start from any thread, print into their log, and never outlive their parent."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from backoffice.stack import processes

FOREVER = "import time; print('ready', flush=True); time.sleep(600)"

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux ties a child's life to its parent's"
)


def eventually(condition, *, seconds: float = 10) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def test_a_child_prints_into_its_log_and_its_exit_status_is_known(tmp_path: Path) -> None:
    """A service's last words are what an error message shows."""
    log = tmp_path / "logs" / "child.log"
    process = processes.spawn([sys.executable, "-c", "print('hello'); raise SystemExit(7)"], log=log)
    assert await processes.exit_of(process) == 7
    assert log.read_text() == "hello\n"


async def test_a_program_that_does_not_exist_ends_with_a_reason_in_the_log(tmp_path: Path) -> None:
    """The launcher itself must not fail with a traceback."""
    log = tmp_path / "log"
    process = processes.spawn(["/nowhere/program"], log=log)
    assert await processes.exit_of(process) != 0
    assert "/nowhere/program cannot be run" in log.read_text()
    assert "Traceback" not in log.read_text()


@linux_only
def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Nothing of ours may keep a port after `kill -9` of the supervisor."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from backoffice.stack import processes\n"
        f"command, log = [sys.executable, '-c', {FOREVER!r}], Path({str(tmp_path / 'log')!r})\n"
        "print(processes.spawn(command, log=log).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    project = Path(processes.__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    eventually(lambda: "ready" in processes.log_tail(tmp_path / "log"))
    parent.kill()
    parent.wait()
    eventually(lambda: not _runs(pid))


async def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """Linux counts the forking thread as the parent, and executor threads come and go."""
    started: list[subprocess.Popen[bytes]] = []

    def _start() -> None:
        started.append(processes.spawn([sys.executable, "-c", FOREVER], log=tmp_path / "log"))

    thread = threading.Thread(target=_start)
    thread.start()
    thread.join()
    eventually(lambda: "ready" in processes.log_tail(tmp_path / "log"))
    await asyncio.sleep(0.1)
    assert started[0].poll() is None
    assert await processes.end(started[0]) == -signal.SIGTERM


async def test_a_child_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    """A stop must end."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FOREVER
    process = processes.spawn([sys.executable, "-c", code], log=tmp_path / "log")
    eventually(lambda: "ready" in processes.log_tail(tmp_path / "log"))
    assert await processes.end(process, patience_seconds=0.2) == -signal.SIGKILL


def test_what_an_earlier_run_left_is_found_by_its_marker_and_ended(tmp_path: Path) -> None:
    """Only processes whose command line names our own file may be touched."""
    marker = str(tmp_path / "server.properties")
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", marker])
    name = psutil.Process(process.pid).name()
    eventually(lambda: [each.pid for each in processes.leftovers(name, marker)] == [process.pid])
    processes.end_leftovers(name, marker, ask=signal.SIGKILL)
    assert not psutil.pid_exists(process.pid)
    process.wait()
    assert processes.leftovers(name, marker) == []


def test_the_tail_of_a_log_is_its_last_lines_without_stack_frames(tmp_path: Path) -> None:
    """A person needs the sentence, not Java's forty frames."""
    log = tmp_path / "log"
    log.write_text("before\n" + "".join(f"line {number}\n\tat frame\n" for number in range(20)))
    assert processes.log_tail(log, lines=2) == "    line 18\n    line 19"
    assert processes.log_tail(log, since=log.stat().st_size) == "(nothing was logged)"


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
