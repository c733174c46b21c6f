"""`backoffice docs`: writes what is made from code for others to read, or checks that it is current."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from backoffice.cli import output
from backoffice.cli.errors import FOUND, USAGE, CommandError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PROJECT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = PROJECT / "docs" / "reference"


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; status 1 if a file differs.")
    ] = False,
    tables: Annotated[
        bool,
        typer.Option(
            "--tables",
            help="Write services/*/schema.sql instead: what a fresh database has, from a PostgreSQL started "
            "and migrated for this.",
        ),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            help="Where the files are, if not in docs/reference (or, with --tables, the source tree).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the reference of messages, topics, reasons and commands into docs/reference.

    With it go a JSON Schema for each message and an AsyncAPI document of them all.
    """
    if not PROJECT.joinpath("pyproject.toml").exists():
        raise CommandError(
            "no_source_tree",
            "The reference is made from the source tree, and this is an installed package.",
            "Run it in a clone of the repository.",
            USAGE,
        )
    if tables:
        from backoffice.cli.reference.tables import texts

        where, wanted = folder or PROJECT, asyncio.run(texts())
    else:
        from backoffice.cli.reference import pages

        where, wanted = folder or FOLDER, pages()
    differing = [
        *_write(where, wanted, check=check),
        *([] if tables else _remove(where, wanted, check=check)),
    ]
    if check and differing:
        raise CommandError(
            "docs_differ",
            f"{', '.join(differing)} in {where} differ from the code.",
            f"Type `backoffice docs{' --tables' if tables else ''}` and commit what it writes.",
            FOUND,
        )


def _write(folder: Path, wanted: Mapping[str, str], *, check: bool) -> list[str]:
    """Write what is not current, unless it is only checked; return the names of what was not."""
    differing: list[str] = []
    for name, text in wanted.items():
        path = folder / name
        is_current = path.exists() and path.read_text(encoding="utf-8") == text
        if not is_current:
            differing.append(name)
        if not check and not is_current:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _tell(path, "current" if is_current else "differs" if check else "written")
    return differing


def _remove(folder: Path, wanted: Mapping[str, str], *, check: bool) -> list[str]:
    """Remove the schemas of messages that are gone; return their names."""
    gone = [path for path in sorted(folder.glob("schemas/*.json")) if f"schemas/{path.name}" not in wanted]
    for path in gone:
        if not check:
            path.unlink()
        _tell(path, "differs" if check else "removed")
    return [f"schemas/{path.name}" for path in gone]


def _tell(path: Path, state: str) -> None:
    output.emit({"page": str(path), "state": state}, f"{state:8} {path}")
