"""`backoffice docs`: writes the reference pages that are made from code, or checks that they are current."""

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
        bool, typer.Option("--check", help="Write nothing; status 1 if a page differs.")
    ] = False,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the pages are.", show_default=False)
    ] = FOLDER,
) -> None:
    """Write the reference of messages, topics, reasons and commands into docs/reference."""
    from backoffice.cli.reference import pages

    if not PROJECT.joinpath("pyproject.toml").exists():
        raise CommandError(
            "no_source_tree",
            "The reference is made from the source tree, and this is an installed package.",
            "Run it in a clone of the repository.",
            USAGE,
        )
    differing: list[str] = []
    for name, text in pages().items():
        path = folder / name
        is_current = path.exists() and path.read_text(encoding="utf-8") == text
        if not is_current:
            differing.append(name)
        if not check and not is_current:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        state = "current" if is_current else "differs" if check else "written"
        output.emit({"page": str(path), "state": state}, f"{state:8} {path}")
    if check and differing:
        raise CommandError(
            "docs_differ",
            f"{', '.join(differing)} in {folder} differ from the code.",
            "Type `backoffice docs` and commit what it writes.",
            FOUND,
        )
