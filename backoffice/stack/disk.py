"""Checks that the disk has room, and writes files that only their owner can read."""

import os
import shutil
from pathlib import Path

from backoffice.stack.errors import StackError

MEBIBYTE = 1024 * 1024
ROOM_BYTES_MIN = 1024 * MEBIBYTE


def require_room(folder: Path, *, bytes_min: int = ROOM_BYTES_MIN) -> None:
    """Raise `disk_full` if the disk that holds `folder` has less than `bytes_min` free."""
    free = free_bytes(folder)
    if free >= bytes_min:
        return
    raise StackError(
        "disk_full",
        f"Only {free // MEBIBYTE} MiB are free where {folder} lies; {bytes_min // MEBIBYTE} MiB are needed.",
        "Free some space, or put the data elsewhere with `backoffice up --data DIR`.",
    )


def free_bytes(folder: Path) -> int:
    """Return the free bytes of the disk that holds the folder, or would hold it once made."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
