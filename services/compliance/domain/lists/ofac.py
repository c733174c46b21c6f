"""OFAC's own CSV files, of the SDN and the consolidated non-SDN list, as its `dat_spec.txt` describes them.

`sdn.csv` (`cons_prim.csv`), `alt.csv`, `add.csv` and `sdn_comments.csv`, told apart by their width. No
header; `-0- ` stands for nothing; the last line is a Ctrl-Z. Remarks hold dates, countries, identifiers and
the weak aliases, and go on in the comments where they are too long.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.lists.gathering import Gathered
from services.compliance.domain.lists.party import Kind, ListedParty
from services.compliance.domain.lists.refusal import ListRefused

PRIMARY_FIELDS: Final = 12
ADDRESS_FIELDS: Final = 6
ALIAS_FIELDS: Final = 5
COMMENT_FIELDS: Final = 2
_FILES: Final = {
    PRIMARY_FIELDS: "main names (sdn.csv)",
    ADDRESS_FIELDS: "addresses (add.csv)",
    ALIAS_FIELDS: "aliases (alt.csv)",
    COMMENT_FIELDS: "comments (sdn_comments.csv)",
}

END_MARK: Final = "\x1a"
NOTHING: Final = "-0-"
KINDS: Final[dict[str, Kind]] = {
    "individual": "person",
    NOTHING: "organisation",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
ALIAS_KINDS: Final = frozenset({"aka", "fka", "nka"})
_NEITHER: Final = re.compile(r"[\x80-\x9f]")
"""Control characters of Latin-1 that no list has: the bytes are letters in another encoding."""
_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)
_PROGRAMME: Final = re.compile(r"\]\s*\[")
_WEAK_ALIAS: Final = re.compile(r"(?:a|f|n)\.k\.a\. '(.+)'")
_BIRTH: Final = re.compile(r"(?:.* )?DOB (.+)|Organization Established Date (.+)")
_COUNTRY: Final = re.compile(r"(?:alt\. )?(?:nationality|citizen) (.+)|(?:alt\. )?Vessel Flag (.+)")
_CRYPTO: Final = re.compile(r"(?:alt\. )?Digital Currency Address - \w+ (\S+)")
_IDENTIFIER: Final = re.compile(
    r"(?:alt\. )?((?:[A-Z][\w./]*\s)*?(?:Passport|National ID|Identification Number|Identification|Cedula|"
    r"Tax ID|Registration Number|Registration ID|Registry Number|Company Number|Fiscal Code|RFC|SSN|MMSI|"
    r"SWIFT/BIC|Legal Entity Number|ID Card|C\.U\.I\.T\.|D\.N\.I\.|Residency Number)(?: No\.)?(?: IMO)?)"
    r" ([^();]*\d[^();]*|[A-Z0-9]{8}|[A-Z0-9]{11})(?: \((.+)\))?"
)


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
            is_whole = line.rstrip().endswith(('"', NOTHING))
            if not is_whole and not self.only_an_empty_end_is_cut(number, fields):
                raise ListRefused(self.name, number, "the line's last field is cut off")
            yield number, [_told(field) for field in fields]

    def only_an_empty_end_is_cut(self, number: int, fields: Sequence[str]) -> bool:
        """Whether a file of addresses lacks nothing but the end of its very last null.

        Known copies are like that. Addresses hold no names, and a file without end mark is remarked on.
        """
        is_last = number == len(self.lines) and not self.has_end_mark
        return (
            is_last and len(fields) == ADDRESS_FIELDS and bool(fields[-1]) and NOTHING.startswith(fields[-1])
        )


def read(files: Sequence[tuple[str, bytes]]) -> tuple[tuple[ListedParty, ...], tuple[str, ...]]:
    """Return all entries, and remarks on the files; raises `ListRefused`."""
    by_width: dict[int, _File] = {}
    remarks: list[str] = []
    for name, content in files:
        file = _cut(name, content)
        width = file.width
        if width not in _FILES:
            raise ListRefused(name, 1, "this is no form of a list that can be read")
        if width in by_width:
            raise ListRefused(name, 1, "a file of this form is given twice")
        by_width[width] = file
        if not file.has_end_mark:
            remarks.append(
                f"{name} has no end mark (Ctrl-Z), so lines missing at its end would not be noticed."
            )
    if PRIMARY_FIELDS not in by_width:
        raise ListRefused(files[0][0], 1, "the list's main file (sdn.csv) is missing")
    primary = by_width[PRIMARY_FIELDS]
    entries, told = _primary_entries(primary)
    for width, add in (
        (ALIAS_FIELDS, _add_aliases),
        (ADDRESS_FIELDS, _add_addresses),
        (COMMENT_FIELDS, None),
    ):
        file = by_width.get(width)
        if file is None:
            remarks.append(f"There is no file of {_FILES[width]}.")
        elif add is not None:
            add(entries, file, primary.name)
        else:
            remarks += _add_comments(told, file, primary.name)
    for entry_id, text in told.items():
        _add_remarks(entries[entry_id], text)
    return tuple(entry.party() for entry in entries.values()), tuple(remarks)


def _primary_entries(file: _File) -> tuple[dict[str, Gathered], dict[str, str]]:
    """Return the entries, and the remarks of each."""
    entries: dict[str, Gathered] = {}
    remarks: dict[str, str] = {}
    for number, fields in file.rows(PRIMARY_FIELDS):
        entry_id, name, kind, programmes, title, call_sign, _, _, _, flag, _, remark = fields
        if not _NUMBER.fullmatch(entry_id):
            raise ListRefused(file.name, number, "the entry number is no number")
        if entry_id in entries:
            raise ListRefused(file.name, number, "the entry number occurs twice")
        if not name:
            raise ListRefused(file.name, number, "the name is missing")
        if (kind or NOTHING) not in KINDS:
            raise ListRefused(file.name, number, "the type is none of individual, vessel, aircraft, -0-")
        entry = entries[entry_id] = Gathered(entry_id, KINDS[kind or NOTHING])
        entry.add_name(name)
        entry.programmes = [part for each in _PROGRAMME.split(programmes) if (part := each.strip("[] "))]
        entry.add_country(flag)
        entry.remarks += [title, call_sign and f"call sign {call_sign}"]
        remarks[entry_id] = remark
    return entries, remarks


def _add_aliases(entries: dict[str, Gathered], file: _File, primary_name: str) -> None:
    for number, fields in file.rows(ALIAS_FIELDS):
        entry_id, alias_id, kind, name, _ = fields
        if not (_NUMBER.fullmatch(entry_id) and _NUMBER.fullmatch(alias_id)):
            raise ListRefused(file.name, number, "an entry or alias number is no number")
        _require(entry_id, entries, file.name, number, primary_name)
        if kind not in ALIAS_KINDS:
            raise ListRefused(file.name, number, "the kind of alias is none of aka, fka, nka")
        if not name:
            raise ListRefused(file.name, number, "the name is missing")
        entries[entry_id].add_name(name)


def _add_addresses(entries: dict[str, Gathered], file: _File, primary_name: str) -> None:
    for number, fields in file.rows(ADDRESS_FIELDS):
        entry_id, address_id, street, city, country, _ = fields
        if not (_NUMBER.fullmatch(entry_id) and _NUMBER.fullmatch(address_id)):
            raise ListRefused(file.name, number, "an entry or address number is no number")
        _require(entry_id, entries, file.name, number, primary_name)
        entries[entry_id].add_address((street, city, country))
        entries[entry_id].add_country(country)


def _add_comments(remarks: dict[str, str], file: _File, primary_name: str) -> list[str]:
    """Let remarks go on. Comments on entries of OFAC's other list are no fault: one file serves both."""
    others = 0
    for _, (entry_id, comment) in file.rows(COMMENT_FIELDS):
        if entry_id in remarks:
            remarks[entry_id] += comment
        else:
            others += 1
    return [f"{others} comments in {file.name} are on entries that {primary_name} has not."] if others else []


def _require(
    entry_id: str, known: dict[str, Gathered] | dict[str, str], file: str, line: int, main: str
) -> None:
    if entry_id not in known:
        raise ListRefused(file, line, f"entry {entry_id} is not in {main}: one of them is cut off or older")


def _add_remarks(entry: Gathered, text: str) -> None:
    """Take dates, countries, identifiers and weak aliases out of the remarks, and keep them whole."""
    entry.remarks.append(text)
    for each in text.split(";"):
        remark = each.strip().removesuffix(".")
        if found := _WEAK_ALIAS.fullmatch(remark):
            entry.add_name(found[1], is_weak=True)
        elif found := _BIRTH.fullmatch(remark):
            entry.add_birth_date(found[1] or found[2])
        elif found := _COUNTRY.fullmatch(remark):
            entry.add_country(found[1] or found[2])
        elif found := _CRYPTO.fullmatch(remark):
            entry.add_identifier("crypto", found[1])
        elif found := _IDENTIFIER.fullmatch(remark):
            entry.add_identifier(found[1], found[2])
            entry.add_country(found[3] or "")


def _cut(name: str, content: bytes) -> _File:
    """Cut a file into lines; nothing may follow the end mark. Old copies are in Latin-1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        if strange := _NEITHER.search(text):
            line = text.count("\n", 0, strange.start()) + 1
            raise ListRefused(name, line, "the file is in another encoding than UTF-8 or Latin-1") from None
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


def _told(field: str) -> str:
    text = field.strip()
    return "" if text == NOTHING else text
