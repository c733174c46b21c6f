"""Reads watch lists as their publishers give them out: a whole list, or a refusal that names the line."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.lists import eu, ftm, internal, ofac, uk, un
from services.compliance.domain.lists.markup import Node, read_xml
from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.lists.refusal import ListRefused
from services.compliance.domain.lists.tables import decoded, rows_of
from shared.messages.acts.lists import ListedName

PART_BYTES_MAX: Final = 400_000
"""Of the entries in one act, as JSON: well below what the acts topic takes."""
UNPACKED_BYTES_MAX: Final = 2**28
"""Of the files of one list together; ten times the largest list that an authority gives out."""
_CHUNK_BYTES: Final = 2**20
"""Unpacked at a time while it is found out how much there is."""

_OTHER_ENCODINGS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_DAMAGED: Final = "the gzip file is cut off or damaged"

_XML_FORMS: Final[dict[str, tuple[str, Callable[[str, Node], tuple[ListedParty, ...]]]]] = {
    un.ROOT: ("UN consolidated list, XML", un.read),
    eu.ROOT: ("EU consolidated list, XML", eu.read_xml),
    uk.OFSI_ROOT: ("OFSI consolidated list, XML", uk.read_ofsi_xml),
    uk.SANCTIONS_LIST_ROOT: ("UK Sanctions List, XML", uk.read_sanctions_list_xml),
}
"""By their root element."""


@dataclass(frozen=True, slots=True)
class WatchList:
    """A list read whole."""

    form: str
    """What the files were taken for."""
    entries: tuple[ListedParty, ...]
    sha256: str
    """Over the files' contents, unpacked, in the order of their hashes."""
    remarks: tuple[str, ...]
    """What the reader should know, in sentences."""

    @property
    def names(self) -> int:
        """How many names there are to screen against."""
        return sum(len(entry.names) + len(entry.weak_names) for entry in self.entries)


def read_list(files: Sequence[tuple[str, bytes]]) -> WatchList:
    """Read the files (name, content; gzip or plain) of one list, in any order.

    OFAC's CSV files together, or one file of any other form. Raises `ListRefused` naming file and line.
    """
    if not files:
        raise ListRefused("", 0, "there is no file")
    size = 0
    for name, content in files:
        size += _size_of(name, content, UNPACKED_BYTES_MAX - size)
    unpacked = [(name, _unpacked(name, content)) for name, content in files]
    for name, content in unpacked:
        if not content.removeprefix(_BOM).strip(b"\x1a\r\n\t "):
            raise ListRefused(name, 1, "the file is empty")
        if content.startswith(_OTHER_ENCODINGS) or b"\x00" in content[:1000]:
            raise ListRefused(name, 1, "the file is in another encoding than UTF-8")
    digests = sorted(hashlib.sha256(content).hexdigest() for _, content in unpacked)
    sha256 = hashlib.sha256("".join(digests).encode()).hexdigest()
    single = [(name, read) for name, content in unpacked if (read := _form_of(content)) is not None]
    if single and len(unpacked) > 1:
        other = next(name for name, _ in unpacked if name != single[0][0])
        raise ListRefused(other, 1, f"{single[0][0]} is a whole list by itself")
    if single:
        form, entries = single[0][1](*unpacked[0])
        if not entries:
            raise ListRefused(unpacked[0][0], 1, "the list has no entries")
        return WatchList(form, entries, sha256, ())
    entries, remarks = ofac.read(unpacked)
    return WatchList("OFAC, CSV", entries, sha256, remarks)


def in_parts(entries: Sequence[ListedParty]) -> list[tuple[ListedName, ...]]:
    """Cut a list into parts that each fit one act."""
    parts: list[list[ListedName]] = [[]]
    size = 0
    for entry in entries:
        listed = ListedName(entry_id=entry.entry_id, **entry.facts)
        length = len(listed.model_dump_json()) + 1
        if parts[-1] and size + length > PART_BYTES_MAX:
            parts.append([])
            size = 0
        parts[-1].append(listed)
        size += length
    return [tuple(part) for part in parts]


_Read = Callable[[str, bytes], tuple[str, tuple[ListedParty, ...]]]


def _form_of(content: bytes) -> _Read | None:
    """Return how to read a file that is a whole list; None of what may be one of OFAC's files."""
    start = content.removeprefix(_BOM).lstrip()
    if start.startswith(b"<"):
        return _read_xml
    if ftm.is_ftm(content):
        return lambda name, content: ("FollowTheMoney, JSON lines", ftm.read(name, content))
    if internal.is_internal(content):
        return lambda name, content: ("internal list, CSV", internal.read(name, content))
    for number, line in enumerate(start.split(b"\n", 2)[:2]):
        columns = {column.strip().strip('"') for column in line.decode("latin-1").split(";")}
        if columns >= eu.CSV_COLUMNS and not number:
            return _read_eu_csv
        columns = {column.strip().strip('"').casefold() for column in line.decode("latin-1").split(",")}
        if columns >= uk.OFSI_COLUMNS or columns >= uk.SANCTIONS_LIST_COLUMNS:
            form = "OFSI consolidated list, CSV" if columns >= uk.OFSI_COLUMNS else "UK Sanctions List, CSV"
            return lambda name, content: (form, _read_uk_csv(name, content, skip=number))
    return None


def _read_xml(name: str, content: bytes) -> tuple[str, tuple[ListedParty, ...]]:
    if content.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise ListRefused(name, 1, "this is a web page, not a list")
    root = read_xml(name, content.removeprefix(_BOM).lstrip())
    if root.name not in _XML_FORMS:
        raise ListRefused(name, 1, f"<{root.name}> is no list that can be read")
    form, read = _XML_FORMS[root.name]
    return form, read(name, root)


def _read_eu_csv(name: str, content: bytes) -> tuple[str, tuple[ListedParty, ...]]:
    rows = rows_of(name, decoded(name, content), delimiter=";")
    return "EU consolidated list, CSV", eu.read_rows(name, rows)


def _read_uk_csv(name: str, content: bytes, *, skip: int) -> tuple[ListedParty, ...]:
    return uk.read_rows(name, rows_of(name, decoded(name, content), skip=skip))


def _size_of(name: str, content: bytes, most: int) -> int:
    """Return how many bytes a file has, unpacked but not kept; refuse it once there are more than `most`."""
    size, unpacker = len(content), None
    if content.startswith(_GZIP):
        size, unpacker = 0, zlib.decompressobj(wbits=31)
    try:
        while size <= most and unpacker is not None and not unpacker.eof:
            found = unpacker.decompress(content, _CHUNK_BYTES)
            content = unpacker.unconsumed_tail
            size += len(found)
            if not found and not content:
                break
    except zlib.error as error:
        raise ListRefused(name, 1, _DAMAGED) from error
    if size > most:
        limit = f"{UNPACKED_BYTES_MAX:,} bytes"
        raise ListRefused(name, 1, f"there is more in the file than {limit}, which is no list")
    if unpacker is not None and not unpacker.eof:
        raise ListRefused(name, 1, _DAMAGED)
    return size


def _unpacked(name: str, content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content)
    except zlib.error as error:
        raise ListRefused(name, 1, _DAMAGED) from error


__all__ = ["UNPACKED_BYTES_MAX", "ListRefused", "ListedParty", "WatchList", "in_parts", "read_list"]
