"""Reads watch lists as their publishers give them out: a whole list, or a refusal that names the line."""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.lists import ofac, simple
from services.compliance.domain.lists.refusal import ListRefused
from shared.messages.acts import ListedName

PART_BYTES_MAX: Final = 400_000
"""Of the entries in one act, as JSON: well below what the acts topic takes."""


@dataclass(frozen=True, slots=True)
class WatchList:
    """A list read whole."""

    entries: tuple[ListedName, ...]
    sha256: str
    """Over the files' contents, unpacked, in the order of their hashes."""
    remarks: tuple[str, ...]
    """What the reader should know, in sentences."""

    @property
    def names(self) -> int:
        """How many names there are to screen against."""
        return sum(len(entry.names) for entry in self.entries)


def read_list(files: Sequence[tuple[str, bytes]]) -> WatchList:
    """Read the files (name, content; gzip or plain) of one list, in any order.

    Either one file of our own simple form, or OFAC's `sdn.csv` with `alt.csv` (`add.csv` and comments are
    left out). Raises `ListRefused` naming file and line.
    """
    unpacked = [(name, _unpacked(name, content)) for name, content in files]
    if not unpacked:
        raise ListRefused("", 0, "there is no file")
    for name, content in unpacked:
        if not content.strip(b"\x1a\r\n\t "):
            raise ListRefused(name, 1, "the file is empty")
    digests = sorted(hashlib.sha256(content).hexdigest() for _, content in unpacked)
    sha256 = hashlib.sha256("".join(digests).encode()).hexdigest()
    simple_files = [(name, content) for name, content in unpacked if simple.is_simple(content)]
    if simple_files:
        if len(unpacked) > 1:
            raise ListRefused(unpacked[1][0], 1, "a list in the simple form is one file")
        return WatchList(simple.read(*simple_files[0]), sha256, ())
    entries, remarks = ofac.read(unpacked)
    return WatchList(entries, sha256, remarks)


def in_parts(entries: Sequence[ListedName]) -> list[tuple[ListedName, ...]]:
    """Cut a list into parts that each fit one act."""
    parts: list[list[ListedName]] = [[]]
    size = 0
    for entry in entries:
        length = len(entry.model_dump_json()) + 1
        if parts[-1] and size + length > PART_BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(entry)
        size += length
    return [tuple(part) for part in parts]


def _unpacked(name: str, content: bytes) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ListRefused(name, 1, "the gzip file is cut off or damaged") from error


__all__ = ["ListRefused", "WatchList", "in_parts", "read_list"]
