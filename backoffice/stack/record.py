"""The record of a running stack, `stack.json`, by which the commands find it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from backoffice.stack.disk import write_private

FILE_NAME = "stack.json"
SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class StackRecord:
    """Where a running stack is reached.

    `health` maps a service to its readiness address and `pids` what runs to its process id; the first
    process of a service goes by the service's name, further ones by their slot.
    """

    bootstrap: str
    dsn_readonly: str
    health: Mapping[str, str]
    pids: Mapping[str, int]
    partitions: int
    dsn_owner: str
    data: str
    logs: str

    @property
    def is_alive(self) -> bool:
        """Say whether the process that wrote the record still runs."""
        pid = self.pids.get(SUPERVISOR)
        if pid is None or not psutil.pid_exists(pid):
            return False
        with suppress(psutil.Error):
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return True


def write_record(record: StackRecord, folder: Path) -> None:
    """Write the record into the folder, readable by its owner only: it holds passwords."""
    write_private(folder / FILE_NAME, json.dumps(asdict(record), indent=2) + "\n")


def read_record(folder: Path) -> StackRecord | None:
    """Read the folder's record; there is none if the file is missing or half of something else."""
    try:
        fields = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return StackRecord(**{name: fields[name] for name in StackRecord.__slots__})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_record(folder: Path, *, supervisor: int) -> None:
    """Remove the folder's record if that supervisor wrote it."""
    record = read_record(folder)
    if record is not None and record.pids.get(SUPERVISOR) == supervisor:
        (folder / FILE_NAME).unlink(missing_ok=True)


def find_record(start: Path) -> StackRecord | None:
    """Return the record of the stack that runs from this folder or the nearest one above it."""
    for folder in (start, *start.parents):
        record = read_record(folder / ".backoffice")
        if record is not None and record.is_alive:
            return record
    return None
