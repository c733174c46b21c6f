"""Spells the pages of the reference in Markdown."""

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Final

NOTICE: Final = "<!-- Made by `backoffice docs` from code. Do not edit: change the code and run it again. -->"


def page(title: str, *parts: str) -> str:
    """Put a title, the notice and the parts that are not empty together."""
    return "\n\n".join([f"# {title}", NOTICE, *(part for part in parts if part)]) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Spell a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def documentation(thing: Any) -> str:
    """Return what a thing's docstring says, each paragraph on one line."""
    return paragraphs(inspect.getdoc(thing) or "")


def first_line(thing: Any) -> str:
    """Return the first line of a thing's docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def one_line(text: str) -> str:
    """Join a text's lines."""
    return " ".join(text.split())


def paragraphs(text: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(one_line(paragraph) for paragraph in inspect.cleandoc(text).split("\n\n"))
