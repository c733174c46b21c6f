"""By what each planted mistake is caught, as a page that a test keeps true."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.stateful.conftest import findings
from tests.stateful.planted import BUGS, Bug
from tests.transactions.conftest import Server

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "planted-bugs.md"

HEAD: Final = """# Planted bugs

Mistakes of the kinds people make, each planted into the running ledger (`tests/stateful/planted.py`) while a
short story is told to it (`tests/stateful/stories.py`): two processes, four shards, crashes. Without a
mistake nothing is found; with one it must be. `auditor` and `verify` name the check that finds it, `database`
the error with which PostgreSQL refuses it, `memory` that a process remembers something else than it would
read, `rest` records that are never taken, `runtime` that the ledger itself stops. Of the auditor's, `exactly
once` and `canonical dump` are the comparison with the reference model.

Written by `python -m tests.stateful`; a test holds each row against what catches it.

| bug | the mistake | caught by |
|---|---|---|
"""


async def caught(server: Server, bug: Bug) -> list[str]:
    """Plant a mistake, tell its story, and say what finds it."""
    with bug.planted():
        return sorted({each.catcher for each in await findings(server, bug.story)})


def row(bug: Bug, catchers: Sequence[str]) -> str:
    """The mistake's line of the page."""
    return f"| `{bug.name}` | {bug.mistake} | {' · '.join(catchers)} |"


def page(found: Mapping[str, Sequence[str]]) -> str:
    """The whole page."""
    return HEAD + "\n".join(row(bug, found[bug.name]) for bug in BUGS) + "\n"
