"""`backoffice compliance screen` and `compare`: names against watch lists, and against each other."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.compliance.domain.lists import UNPACKED_BYTES_MAX, ListRefused, WatchList, read_list
from services.compliance.domain.lists.facts import country_from
from services.compliance.domain.lists.party import IdentifierKind
from services.compliance.domain.matches import EntryMatch
from services.compliance.domain.names.evidence import Known, PartyKind, birth_date_is_readable
from services.compliance.domain.names.likeness import Likeness, Name, align
from services.compliance.domain.names.official import official_style_score
from services.compliance.domain.names.readings import has_nothing_to_compare, is_more_than_compared, mark
from services.compliance.domain.names.scripts import has_unknown_letters
from services.compliance.domain.names.spelling import CHARACTERS_MAX, spell
from services.compliance.domain.names.weights import light_weights_beside
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.queries.lists import list_parties, lists_active, name_parameters
from services.compliance.rules import san_1
from shared.runtime import clock

Level = Literal["hold", "alert", "clear"]
KINDS: Final[dict[str, PartyKind]] = {
    "person": "person",
    "organisation": "organisation",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
IDENTIFIERS: Final[tuple[IdentifierKind, ...]] = (
    "passport", "national_id", "tax_id", "registration", "lei", "bic", "imo", "mmsi", "crypto", "account",
)  # fmt: skip
MATCHES_MAX: Final = 20
"""Shown of one name, the most alike."""

KindOption = Annotated[
    str | None, typer.Option(help="person, organisation, vessel or aircraft, if it is known.")
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A name to screen, with what else is known of its bearer."""

    name: str
    known: Known
    identifier: str | None = None
    line: int | None = None
    """Of the file it comes from."""


def screen(
    names: Annotated[list[str] | None, typer.Argument(help="Names, each in quotation marks.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A name a line, or CSV with the column name and, as known, kind, birth_date, …"),
    ] = None,
    birth_date: Annotated[str | None, typer.Option(help="Such as 1962-09-08, 1962-09 or 1962.")] = None,
    country: Annotated[list[str] | None, typer.Option(help="Nationality or residence; repeatable.")] = None,
    kind: KindOption = None,
    identifier: Annotated[
        str | None, typer.Option(help="A passport, tax or registration number, BIC, IMO, crypto address.")
    ] = None,
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", help="CODE=FILE[,FILE…]: screen against files, without a stack; repeatable."),
    ] = None,
    alert_at: Annotated[float | None, typer.Option(help="Score from which to alert.")] = None,
    hold_at: Annotated[float | None, typer.Option(help="Score from which to hold.")] = None,
) -> None:
    """Screen names against the lists that are active, or against list files. Exit 1 if one is found.

    Nothing is decided or stored. Names are compared as SAN-1 compares them; scores and the parts that are
    alike are shown, and what a birth date, country or kind says for or against a match.
    """
    known = _known(kind, birth_date, tuple(country or ()))
    asked = [Asked(name, known, identifier) for name in names or ()]
    asked += list(_from_file(file, known)) if file is not None else []
    if not asked:
        raise CommandError(
            "usage", "There is no name to screen.", 'Type a name, as in "Jane Doe", or give --file.', USAGE
        )
    indexes, parameters = _from_files(lists) if lists else sessions.run(_from_stack())
    parameters = replace(
        parameters,
        alert_at=parameters.alert_at if alert_at is None else alert_at,
        hold_at=parameters.hold_at if hold_at is None else hold_at,
    )
    found = 0
    for each in asked:
        found += _screen(each, indexes, parameters)
    if found:
        raise typer.Exit(FOUND)


def compare(
    name: Annotated[str, typer.Argument(help="A name, in quotation marks.", show_default=False)],
    other: Annotated[str, typer.Argument(help="The name to compare it with.", show_default=False)],
    kind: KindOption = None,
) -> None:
    """Compare two names: a score from 0 to 1, and which part of one is which part of the other.

    No list is asked, so every part counts alike; against a list, rare parts count more, and common ones
    must be borne out by others.
    """
    party = _kind(kind)
    one, two = _name(name, party), _name(other, party)
    likeness = align(one, two) if one.parts and two.parts else None
    record: dict[str, Any] = {
        "names": [name, other],
        "score": likeness.score if likeness is not None else 0.0,
        "equal": likeness is not None and likeness.is_equal,
        "official_style_score": official_style_score(one.parts, two.parts),
        "compared_as": [" ".join(one.parts), " ".join(two.parts)],
        **_parts(likeness, "other"),
        "left_aside": list(likeness.aside) if likeness is not None else [],
    }
    output.emit(
        record, f"score {record['score']:.2f}; of the kind OFAC shows {record['official_style_score']}"
    )
    output.table(
        ("part", "other's part", "score", "how"),
        [(each["part"], each["other"], f"{each['score']:.2f}", each["how"]) for each in record["parts"]],
        right=("score",),
    )
    for words, left in (
        ("only in the first", record["left"]),
        ("only in the second", record["other_left"]),
        ("left aside", record["left_aside"]),
    ):
        if left and not output.json_wanted():
            output.say(f"{words}: {', '.join(left)}")


def _screen(asked: Asked, indexes: Sequence[NamesIndex], parameters: san_1.Parameters) -> bool:
    """Print what one name is found to be; say whether it is found."""
    searches = [(index, index.search(asked.name, asked.known.kind)) for index in indexes]
    matches = [(index, match) for index, search in searches for match in search.matches]
    if asked.identifier is not None:
        value = asked.identifier
        matches += [
            (index, match) for index in indexes for match in index.find_identifier(value, IDENTIFIERS)
        ]
    told = [_told(index, match, asked.known, parameters) for index, match in matches]
    told.sort(key=lambda each: (-each["score"], each["list"], each["entry_id"]))
    levels = {each["level"] for each in told}
    nothing = has_nothing_to_compare(asked.name)
    too_long = not nothing and is_more_than_compared(asked.name)
    is_unknown = not nothing and not too_long and has_unknown_letters(asked.name)
    decision = (
        "hold"
        if nothing or too_long or is_unknown
        else next((each for each in ("hold", "alert") if each in levels), "clear")
    )
    record: dict[str, Any] = {
        "name": asked.name[:CHARACTERS_MAX],
        "line": asked.line,
        "decision": decision,
        "score": told[0]["score"] if told else 0.0,
        "alert_at": parameters.alert_at,
        "hold_at": parameters.hold_at,
        "lists": {index.code: index.version for index in indexes},
        "compared": sum(search.candidates for _, search in searches),
        "cut": len(asked.name) > CHARACTERS_MAX,
        "too_long": too_long,
        "nothing_to_compare": nothing,
        "unknown_script": is_unknown,
        "matches": told[:MATCHES_MAX],
        "more_matches": max(0, len(told) - MATCHES_MAX),
    }
    why = "; there is nothing in it that can be compared with any list" if nothing else ""
    why = "; it has more words or parties than are compared with lists" if too_long else why
    why = "; it has letters of a script that is not known how to read" if is_unknown else why
    output.emit(record, f"{record['name']}: {decision}{why}")
    output.table(
        ("level", "score", "list", "entry", "listed name", "why"),
        [
            (each["level"], f"{each['score']:.2f}", each["list"], each["entry_id"], each["name"], _why(each))
            for each in record["matches"]
        ],
        right=("score",),
        indent="  ",
    )
    return decision != "clear"


def _told(index: NamesIndex, match: EntryMatch, known: Known, parameters: san_1.Parameters) -> dict[str, Any]:
    level: Level = match.level(known, alert_at=parameters.alert_at, hold_at=parameters.hold_at)
    entry = match.entry
    return {
        "level": level,
        "score": match.score(known, parameters.alert_at),
        "name_score": match.likeness.score if match.likeness is not None else None,
        "official_style_score": match.official_score,
        "comparison": match.comparison,
        "identifier_kind": match.identifier_kind,
        "list": index.code,
        "list_version": index.version,
        "entry_id": entry.entry_id,
        "kind": entry.kind,
        "name": match.name,
        "weak_alias": match.is_weak,
        "programmes": list(entry.programmes),
        "birth_dates": list(entry.birth_dates),
        "countries": list(entry.countries),
        "evidence": [
            {"what": each.what, "bearing": each.bearing, "change": each.change}
            for each in match.evidence(known)
        ],
        **_parts(match.likeness, "listed"),
        "left_aside": list(match.left_aside),
        "business_words": list(match.business_words),
    }


def _parts(likeness: Likeness | None, other: str) -> dict[str, Any]:
    """Which parts are which, and what is left over on each side."""
    if likeness is None:
        return {"parts": [], "left": [], f"{other}_left": []}
    return {
        "parts": [
            {"part": each.part, other: each.listed, "score": each.score, "how": each.how}
            for each in likeness.parts
        ],
        "left": list(likeness.left),
        f"{other}_left": list(likeness.listed_left),
    }


def _why(match: Mapping[str, Any]) -> str:
    if match["comparison"] == "identifier":
        kind = match["identifier_kind"].replace("_", " ")
        return "; ".join([f"the {kind} is the same", *_beside(match)])
    words = ["weak alias"] if match["weak_alias"] else []
    if match["comparison"] == "equal":
        words.append("equal")
    words += [
        f"{each['part']} ~ {each['listed']} ({each['how']})"
        for each in match["parts"]
        if each["how"] != "equal"
    ]
    words += [f"lacks {', '.join(match['listed_left'])}"] if match["listed_left"] else []
    left = [each for each in match["left"] if each not in match["business_words"]]
    words += [f"{', '.join(left)} not listed"] if left else []
    words += [f"whole beside {', '.join(match['business_words'])}"] if match["business_words"] else []
    words += [f"left aside: {' '.join(match['left_aside'])}"] if match["left_aside"] else []
    return "; ".join([*words, *_beside(match)])


def _beside(match: Mapping[str, Any]) -> list[str]:
    """What the birth date, country and kind say for or against it."""
    return [f"{each['what'].replace('_', ' ')} {each['bearing']}" for each in match["evidence"]]


def _name(text: str, kind: PartyKind | None) -> Name:
    spelled = mark(spell(text))
    light = light_weights_beside(spelled, kind)
    return Name(
        spelled.parts,
        tuple(1.0 if each is None else each for each in light),
        surname=spelled.surname,
        vowelless=spelled.vowelless,
        remarks=spelled.remarks,
        trades=spelled.trades,
    )


def _kind(text: str | None) -> PartyKind | None:
    if text is None:
        return None
    if text not in KINDS:
        raise CommandError("usage", f"There is no kind {text!r}.", f"Give one of {', '.join(KINDS)}.", USAGE)
    return KINDS[text]


def _known(kind: str | None, birth_date: str | None, countries: Sequence[str], where: str = "") -> Known:
    """Check what is known of a party; `where` is the line of a file."""
    if birth_date is not None and not birth_date_is_readable(birth_date):
        raise CommandError(
            "usage", f"{where}{birth_date!r} is no date.", "Write 1962-09-08, 1962-09 or 1962.", USAGE
        )
    codes = [country_from(each) for each in countries]
    if "" in codes:
        wrong = countries[codes.index("")]
        raise CommandError(
            "usage", f"{where}{wrong!r} is no country.", "Write an ISO 3166-1 code such as FR.", USAGE
        )
    return Known(_kind(kind), birth_date, tuple(codes))


def _from_file(path: Path, common: Known) -> Iterator[Asked]:
    """Yield the names of a file: CSV if its first line has the column `name`, else one a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise CommandError(
            "file_unreadable", f"{path} cannot be read: {why}.", "Name a file of UTF-8 text.", USAGE
        ) from problem
    lines = text.splitlines()
    header = [column.strip().casefold() for column in next(csv.reader(lines[:1]), [])]
    if "name" not in header:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield Asked(line.strip(), common, line=number)
        return
    reader = csv.DictReader(text.splitlines(keepends=True)[1:], fieldnames=header)
    for row in reader:
        name = (row.get("name") or "").strip()
        if not name:
            continue
        number = reader.line_num + 1
        kind, born, country = (
            (row.get(column) or "").strip() for column in ("kind", "birth_date", "country")
        )
        told = _known(kind or None, born or None, [country] if country else [], f"{path}, line {number}: ")
        yield Asked(
            name,
            Known(
                told.kind or common.kind,
                told.birth_date or common.birth_date,
                told.countries or common.countries,
            ),
            (row.get("identifier") or "").strip() or None,
            number,
        )


def _from_files(lists: Sequence[str]) -> tuple[list[NamesIndex], san_1.Parameters]:
    """Read the lists given as CODE=FILE[,FILE…]; thresholds are the defaults."""
    indexes: list[NamesIndex] = []
    for text in lists:
        code, mark, files = text.partition("=")
        if not mark or not code or not files:
            raise CommandError("usage", f"{text!r} is no list.", "Write CODE=FILE, as in UN=un.xml.", USAGE)
        read = read_files([Path(each) for each in files.split(",")])
        for remark in read.remarks:
            output.say(f"{code}: {remark}")
        indexes.append(NamesIndex(code, read.sha256[:12], read.entries))
    return indexes, san_1.Parameters(version=0)


async def _from_stack() -> tuple[list[NamesIndex], san_1.Parameters]:
    """Read the lists that are active, and the thresholds that count today."""
    async with sessions.open_database(connect()) as database:
        active = await lists_active(database)
        indexes = [
            NamesIndex(code, version, await list_parties(database, code, version))
            for code, version in active.items()
        ]
        row = await name_parameters(database, san_1.RULE.code, clock.now().date())
    return indexes, san_1.read_parameters(row) if row is not None else san_1.Parameters(version=0)


def read_files(files: Sequence[Path]) -> WatchList:
    """Read the files of one list; says what to do where it is refused."""
    try:
        return read_list([(path.name, _content(path)) for path in files])
    except OSError as problem:
        raise CommandError(
            "file_unreadable",
            f"{problem.filename} cannot be read: {problem.strerror}.",
            "Name a file that is there.",
            USAGE,
        ) from problem
    except ListRefused as problem:
        raise CommandError(
            "list_refused",
            f"The list is refused whole: {problem}.",
            "Fetch the files again from their publisher; nothing was loaded.",
        ) from problem


def _content(path: Path) -> bytes:
    """Return a file's content, or as much of it as tells that it is too large for a list."""
    with path.open("rb") as file:
        return file.read(UNPACKED_BYTES_MAX + 1)
