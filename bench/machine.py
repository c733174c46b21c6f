"""What the machine is and who uses it: facts for the record, and processor seconds by process."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parents[1]

ENDED: list[float] = []
"""Processor seconds of processes of the bench itself that have ended."""


def facts() -> dict[str, Any]:
    """Describe the machine as it is before a bench."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def commit() -> str:
    """Name the commit, with `+` where files differ from it."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name}+" if changed else name


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or sys.platform


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds since each process began, by role, and of the whole machine."""

    at: float
    seconds: Mapping[str, float]
    machine: float

    def since(self, before: "Usage") -> dict[str, float]:
        """Processor seconds used between two looks, by role; `others` is everybody else on the machine."""
        used = {role: max(0.0, spent - before.seconds.get(role, 0.0)) for role, spent in self.seconds.items()}
        used["others"] = max(0.0, self.machine - before.machine - sum(used.values()))
        return used


def usage(roles: Mapping[str, Iterable[int]]) -> Usage:
    """Look at the processor time of the named processes; `postgres` and `kafka` with their children."""
    seconds = {role: sum(_seconds(pid) for pid in pids) for role, pids in roles.items()}
    seconds["bench"] = _seconds(os.getpid()) + sum(ENDED)
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    idle += getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return Usage(time.perf_counter(), seconds, sum(times) - idle)


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def family(pid: int | None) -> list[int]:
    """A process and its children, such as PostgreSQL's."""
    if pid is None:
        return []
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return []


def memory(pids: Iterable[int]) -> dict[str, float]:
    """Resident megabytes: `rss` counts shared pages in each process, `pss` each page once."""
    rss = pss = 0
    for pid in pids:
        try:
            info = psutil.Process(pid).memory_full_info()
        except psutil.Error:
            continue
        rss += info.rss
        pss += getattr(info, "pss", info.rss)
    return {"rss_mb": round(rss / 2**20, 1), "pss_mb": round(pss / 2**20, 1)}
