"""Outcome tables: a row a case, `#` begins a remark, `-` stands for nothing."""


def table(text: str) -> list[dict[str, str]]:
    """Read a table with a line of headings; columns are apart by two blanks or more, or one where clear."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    headings, *rows = [line for line in lines if line]
    return [dict(zip(headings, row, strict=True)) for row in rows]
