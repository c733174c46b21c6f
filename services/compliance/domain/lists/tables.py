"""Cuts publishers' files into rows, refusing what is not whole: a line too short, a quote left open."""

import csv
from collections.abc import Iterator, Mapping

from services.compliance.domain.lists.refusal import ListRefused


def decoded(file: str, content: bytes) -> str:
    """Return a file's text; raises `ListRefused` with the line that is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ListRefused(file, line, "the line is not UTF-8") from None


def rows_of(
    file: str, text: str, *, delimiter: str = ",", skip: int = 0
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the line number and the fields by column of each row after the header and `skip` lines before it.

    Raises `ListRefused` at a row with another number of fields, an open quote, or a last line without end.
    """
    if not text.endswith("\n"):
        line = text.count("\n") + 1
        raise ListRefused(file, line, "the last line has no end: the file is cut off")
    lines = text.splitlines(keepends=True)[skip:]
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = [column.strip() for column in next(reader)]
        if len(set(header)) < len(header):
            raise ListRefused(file, skip + 1, "a column occurs twice")
        count = 0
        for row in reader:
            if len(row) != len(header):
                why = f"the row has {len(row)} fields instead of {len(header)}"
                raise ListRefused(file, skip + reader.line_num, why)
            count += 1
            yield skip + reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise ListRefused(file, skip + reader.line_num, f"the row cannot be read: {error}") from None
    if not count:
        raise ListRefused(file, skip + 2, "the file has no entries")
