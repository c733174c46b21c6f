"""Our own simple form: UTF-8 CSV with the header `entry_id,kind,name,programmes`.

One line a name; further lines of the same entry id add names. Programmes are separated by `;`.
"""

import csv
import re
from typing import Final, Literal

from services.compliance.domain.lists.refusal import ListRefused
from shared.messages.acts import ListedName

HEADER: Final = ("entry_id", "kind", "name", "programmes")
Kind = Literal["person", "organisation", "vessel", "aircraft", "unknown"]
KINDS: Final[dict[str, Kind]] = {
    "person": "person",
    "organisation": "organisation",
    "vessel": "vessel",
    "aircraft": "aircraft",
    "unknown": "unknown",
}
_ENTRY_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def is_simple(content: bytes) -> bool:
    """Whether the first line is the simple form's header."""
    first = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip()
    return first.replace(b'"', b"") == ",".join(HEADER).encode()


def read(file: str, content: bytes) -> tuple[ListedName, ...]:
    """Read all entries, in their order; raises `ListRefused`."""
    if not content.endswith(b"\n"):
        raise ListRefused(file, content.count(b"\n") + 1, "the last line has no end: the file is cut off")
    entries: dict[str, ListedName] = {}
    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        entry = _entry(file, number, line)
        earlier = entries.get(entry.entry_id)
        if earlier is None:
            entries[entry.entry_id] = entry
        elif (earlier.kind, earlier.programmes) != (entry.kind, entry.programmes):
            raise ListRefused(file, number, "another line of this entry has another kind or other programmes")
        else:
            names = tuple(dict.fromkeys((*earlier.names, *entry.names)))
            entries[entry.entry_id] = earlier.model_copy(update={"names": names})
    if not entries:
        raise ListRefused(file, 2, "the file has no entries")
    return tuple(entries.values())


def _entry(file: str, number: int, line: bytes) -> ListedName:
    try:
        fields = next(csv.reader([line.decode("utf-8")], strict=True), [])
    except UnicodeDecodeError:
        raise ListRefused(file, number, "the line is not UTF-8") from None
    except csv.Error as error:
        raise ListRefused(file, number, f"the line cannot be read: {error}") from None
    if len(fields) != len(HEADER):
        raise ListRefused(file, number, f"the line has {len(fields)} fields instead of {len(HEADER)}")
    entry_id, kind, name, programmes = (field.strip() for field in fields)
    if not _ENTRY_ID.fullmatch(entry_id):
        raise ListRefused(file, number, "the entry id is not 1 to 64 letters, digits or ._:-")
    if kind not in KINDS:
        raise ListRefused(file, number, f"the kind is none of {', '.join(KINDS)}")
    if not name:
        raise ListRefused(file, number, "the name is empty")
    return ListedName(
        entry_id=entry_id,
        kind=KINDS[kind],
        names=(name,),
        programmes=tuple(each.strip() for each in programmes.split(";") if each.strip()),
    )
