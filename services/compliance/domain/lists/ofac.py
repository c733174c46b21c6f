"""OFAC's own CSV files: `sdn.csv` (or `cons_prim.csv`) and `alt.csv`, as described in its `dat_spec.txt`.

No header; `-0- ` stands for nothing; the last line is a Ctrl-Z. Weak aliases stand only in the remarks and
are not taken: they confirm, they do not alert.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.compliance.domain.lists.refusal import ListRefused
from shared.messages.acts import ListedName

PRIMARY_FIELDS: Final = 12
ALIAS_FIELDS: Final = 5
LEFT_OUT_FIELDS: Final = frozenset({2, 6})
"""Comments and addresses."""

END_MARK: Final = "\x1a"
NOTHING: Final = "-0-"
Kind = Literal["person", "organisation", "vessel", "aircraft"]
KINDS: Final[dict[str, Kind]] = {
    "individual": "person",
    NOTHING: "organisation",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
ALIAS_KINDS: Final = frozenset({"aka", "fka", "nka"})
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)
_PROGRAMME: Final = re.compile(r"\]\s*\[")


@dataclass(frozen=True, slots=True)
class _File:
    """One file, cut into lines."""

    name: str
    lines: tuple[str, ...]
    has_end_mark: bool

    @property
    def width(self) -> int:
        """The number of fields in the first line, by which the files are told apart."""
        return len(_fields(self.name, 1, self.lines[0]))

    def rows(self, width: int) -> Iterator[tuple[int, list[str]]]:
        """Yield line number and fields; raises `ListRefused` at a line that is not whole."""
        for number, line in enumerate(self.lines, start=1):
            fields = _fields(self.name, number, line)
            if len(fields) != width:
                raise ListRefused(self.name, number, f"the line has {len(fields)} fields instead of {width}")
            if not line.rstrip().endswith(('"', NOTHING)):
                raise ListRefused(self.name, number, "the line's last field is cut off")
            yield number, fields


def read(files: Sequence[tuple[str, bytes]]) -> tuple[tuple[ListedName, ...], tuple[str, ...]]:
    """Return all entries with their aliases, and remarks; raises `ListRefused`."""
    primary: _File | None = None
    aliases: _File | None = None
    remarks: list[str] = []
    for name, content in files:
        file = _cut(name, content)
        match file.width:
            case 12 if primary is None:
                primary = file
            case 5 if aliases is None:
                aliases = file
            case width if width in LEFT_OUT_FIELDS:
                remarks.append(f"{name} holds no names and was left out.")
                continue
            case 12 | 5:
                raise ListRefused(name, 1, "a file of this form is given twice")
            case _:
                raise ListRefused(name, 1, "this is neither OFAC's form nor the simple one")
        if not file.has_end_mark:
            remarks.append(
                f"{name} has no end mark (Ctrl-Z), so lines missing at its end would not be noticed."
            )
    if primary is None:
        raise ListRefused(files[0][0], 1, "the list's main file (sdn.csv) is missing")
    names = _primary_names(primary)
    if aliases is None:
        remarks.append("There is no file of aliases (alt.csv): only main names are screened.")
    else:
        _add_aliases(names, aliases, primary.name)
    return tuple(names.values()), tuple(remarks)


def _primary_names(file: _File) -> dict[str, ListedName]:
    entries: dict[str, ListedName] = {}
    for number, fields in file.rows(PRIMARY_FIELDS):
        entry_id, name, kind, programmes = (field.strip() for field in fields[:4])
        if not _NUMBER.fullmatch(entry_id):
            raise ListRefused(file.name, number, "the entry number is no number")
        if entry_id in entries:
            raise ListRefused(file.name, number, "the entry number occurs twice")
        if name in ("", NOTHING):
            raise ListRefused(file.name, number, "the name is missing")
        if kind not in KINDS:
            raise ListRefused(file.name, number, "the type is none of individual, vessel, aircraft, -0-")
        listed = "" if programmes == NOTHING else programmes
        entries[entry_id] = ListedName(
            entry_id=entry_id,
            kind=KINDS[kind],
            names=(name,),
            programmes=tuple(part for each in _PROGRAMME.split(listed) if (part := each.strip("[] "))),
        )
    return entries


def _add_aliases(entries: dict[str, ListedName], file: _File, primary_name: str) -> None:
    found: dict[str, list[str]] = {}
    for number, fields in file.rows(ALIAS_FIELDS):
        entry_id, alias_id, kind, name = (field.strip() for field in fields[:4])
        if not (_NUMBER.fullmatch(entry_id) and _NUMBER.fullmatch(alias_id)):
            raise ListRefused(file.name, number, "an entry or alias number is no number")
        if entry_id not in entries:
            raise ListRefused(
                file.name,
                number,
                f"entry {entry_id} is not in {primary_name}: one of them is cut off or older",
            )
        if kind not in ALIAS_KINDS:
            raise ListRefused(file.name, number, "the kind of alias is none of aka, fka, nka")
        if name in ("", NOTHING):
            raise ListRefused(file.name, number, "the name is missing")
        found.setdefault(entry_id, []).append(name)
    for entry_id, names in found.items():
        entry = entries[entry_id]
        entries[entry_id] = entry.model_copy(update={"names": tuple(dict.fromkeys((*entry.names, *names)))})


def _cut(name: str, content: bytes) -> _File:
    """Cut a file into lines; nothing may follow the end mark."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    before, mark, after = text.partition(END_MARK)
    lines = tuple(before.replace("\r\n", "\n").removesuffix("\n").split("\n"))
    if after.strip():
        raise ListRefused(name, len(lines) + 1, "something follows the end mark")
    return _File(name, lines, has_end_mark=bool(mark))


def _fields(name: str, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ListRefused(name, number, f"the line cannot be read: {error}") from None
