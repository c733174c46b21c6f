"""How commands speak: results on standard output, words and progress on standard error, JSON when asked."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

_json = False


def use_json(wanted: bool = True) -> None:
    """Make standard output JSON only, one object a line."""
    global _json
    _json = wanted


def json_wanted() -> bool:
    """Say whether `--json` was given."""
    return _json


def emit(record: Mapping[str, Any], words: str | None = None) -> None:
    """Print one result: the record as a line of JSON with `--json`, else the words if there are any."""
    if _json:
        print(as_json(record), flush=True)
    elif words is not None:
        print(words, flush=True)


def say(words: str) -> None:
    """Tell a person something that is no result; it never disturbs a program that reads the results."""
    print(words, file=sys.stderr, flush=True)


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Collection[str] = (),
    indent: str = "",
) -> None:
    """Print an aligned table for a person; `right` names the headings whose columns hold numbers.

    With `--json` it prints nothing: the command emits the records themselves.
    """
    if _json:
        return
    cells = [[str(heading) for heading in headings]]
    cells += [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    aligners: list[Callable[[str, int], str]] = [
        str.rjust if heading in right else str.ljust for heading in headings
    ]
    cells.insert(1, ["─" * width for width in widths])
    for row in cells:
        line = "  ".join(align(cell, width) for align, cell, width in zip(aligners, row, widths, strict=True))
        print(f"{indent}{line}".rstrip())
    sys.stdout.flush()


def records(
    found: Sequence[Mapping[str, Any]], columns: Sequence[str], none: str, *, right: Collection[str] = ()
) -> None:
    """Print records, for a person as a table of these of their fields; `none` says that there are none."""
    for each in found:
        emit(each)
    if not found:
        say(none)
        return
    table(
        [name.replace("_", " ") for name in columns],
        [[each[name] for name in columns] for each in found],
        right=right,
    )


class Live:
    """One line of progress that is written over on a terminal, and printed sparsely anywhere else."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._width = 0

    def show(self, words: str) -> None:
        """Replace the line; elsewhere than on a terminal nothing is printed until `finish`."""
        if self._is_terminal:
            print(f"\r{words.ljust(self._width)}", end="", file=sys.stderr, flush=True)
            self._width = len(words)

    def finish(self, words: str) -> None:
        """Print the line's last words and begin a new line."""
        if self._is_terminal:
            print(f"\r{words.ljust(self._width)}", file=sys.stderr, flush=True)
        else:
            print(words, file=sys.stderr, flush=True)
        self._width = 0


def print_error(error: str, message: str, fix: str) -> None:
    """Print an error on standard error: one JSON object with `--json`, else a sentence or two."""
    if _json:
        print(as_json({"error": error, "message": message, "fix": fix}), file=sys.stderr, flush=True)
    else:
        print(f"backoffice: {message}\n{fix}".rstrip(), file=sys.stderr, flush=True)


def as_json(record: Mapping[str, Any]) -> str:
    """Return the record as one line of JSON: decimals as strings, times as RFC 3339 in UTC."""
    return json.dumps(record, default=_plain, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return rfc3339(value)
        case date():
            return value.isoformat()
        case UUID() | Path():
            return str(value)
        case set() | frozenset() | tuple():
            return sorted(value, key=str)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here")


def rfc3339(instant: datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minute(instant: datetime) -> str:
    """Spell a time to the minute, for people."""
    return rfc3339(instant.replace(second=0, microsecond=0)).removesuffix(":00Z") + "Z"
