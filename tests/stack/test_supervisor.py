"""The supervisor: what should run runs, again if need be, and nothing runs after it was stopped."""

import asyncio
import itertools
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from backoffice.stack import supervisor as module
from backoffice.stack.supervisor import Service, Supervisor

FOREVER = "import time; time.sleep(600)"


async def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_killed_child_is_started_again_in_the_same_slot(tmp_path: Path, child) -> None:
    """Its shards wait for it; the slot's static membership gives them back at once."""
    changes: list[int] = []
    supervisor = Supervisor(tmp_path, on_change=lambda: changes.append(1))
    await supervisor.start(child(FOREVER))
    first = supervisor.pids["transactions-0"]
    assert supervisor.kill("transactions-0") == first
    await until(lambda: supervisor.pids.get("transactions-0", first) != first)
    assert supervisor.exits("transactions-0") == 1
    assert supervisor.last_status("transactions-0") == -signal.SIGKILL
    assert len(changes) == 2
    await supervisor.stop()


async def test_a_child_that_keeps_ending_is_started_ever_more_slowly(
    tmp_path: Path, child, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that cannot start must not eat the machine."""
    monkeypatch.setattr(module, "DELAY_SECONDS_MIN", 0.05)
    monkeypatch.setattr(module, "DELAY_SECONDS_MAX", 0.4)
    supervisor = Supervisor(tmp_path)
    code = "import time; print(time.monotonic(), flush=True)"
    await supervisor.start(child(code))
    log = supervisor.log_of("transactions-0")
    await until(lambda: len(log.read_text().split()) >= 5)
    await supervisor.stop()
    times = [float(word) for word in log.read_text().split()]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[0] >= 0.05
    assert gaps[2] >= 0.2
    assert gaps[3] >= 0.4


async def test_a_stopped_child_is_not_started_again(tmp_path: Path, child) -> None:
    """Scaling down means down."""
    supervisor = Supervisor(tmp_path)
    await supervisor.start(child(FOREVER, "transactions-0"))
    await supervisor.start(child(FOREVER, "transactions-1"))
    gone = supervisor.pids["transactions-1"]
    await supervisor.stop_one("transactions-1")
    assert not psutil.pid_exists(gone)
    assert list(supervisor.pids) == ["transactions-0"]
    await supervisor.stop()


async def test_stopping_ends_every_child_even_a_frozen_one_and_one_that_waits_to_start(
    tmp_path: Path, child, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `stop` no process and no port is left."""
    monkeypatch.setattr(module, "DELAY_SECONDS_MIN", 60)
    supervisor = Supervisor(tmp_path)
    await supervisor.start(child(FOREVER, "transactions-0"))
    await supervisor.start(child("raise SystemExit(1)", "compliance-0"))
    await until(lambda: supervisor.exits("compliance-0") == 1)
    pid = supervisor.kill("transactions-0", signal.SIGSTOP)
    begun = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - begun < 5
    assert not psutil.pid_exists(pid)
    assert supervisor.pids == {}


async def test_each_child_has_its_own_log_and_session(tmp_path: Path, child) -> None:
    """Ctrl-C in the terminal must reach the supervisor alone, which stops things in order."""
    supervisor = Supervisor(tmp_path)
    code = "import os; print(os.getsid(0) == os.getpid(), flush=True); " + FOREVER
    for slot in ("transactions-0", "reporting-0"):
        await supervisor.start(child(code, slot))
    for slot in ("transactions-0", "reporting-0"):
        log = tmp_path / f"{slot}.log"
        await until(lambda log=log: log.exists() and log.read_text() == "True\n")
    await supervisor.stop()


async def test_a_slot_is_used_once(tmp_path: Path, child) -> None:
    """Two members with one static id would push each other out of the group for ever."""
    supervisor = Supervisor(tmp_path)
    await supervisor.start(child(FOREVER))
    with pytest.raises(ValueError, match="transactions-0"):
        await supervisor.start(child(FOREVER))
    await supervisor.stop()


def test_a_service_is_run_by_its_name() -> None:
    """The same command that a container runs."""
    assert Service("reporting", "reporting-0", {}).command_line()[1:] == (
        "-m",
        "backoffice",
        "run",
        "reporting",
    )
