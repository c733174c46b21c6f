"""The page that says what our fields, outcomes and reasons are called in ISO 20022."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import table
from backoffice.cli.reference.unions import all_messages, wire_name
from services.transactions.domain.reasons import TABLE
from shared.messages import iso20022
from shared.messages.iso20022 import Names

NOWHERE: Final = "–"
ABOUT: Final = (
    "For whoever makes instructions of payment messages, or status reports and statements of events. The "
    "paths are those of pacs.008.001.08 (credit transfer), pacs.002.001.10 (status report) and "
    "camt.053.001.08 (statement). Several paths in one cell are alternatives. A dash: nothing there means "
    "the same; what means only nearly the same has a dash too. Our fields may be longer than theirs, which "
    "the notes say."
)


def page() -> str:
    """Describe all blocks, then the outcomes and the reasons."""
    return markdown.page(
        "ISO 20022",
        ABOUT,
        table(
            ("message", "its paths begin below"),
            [(name, f"`{path}`") for name, path in iso20022.ROOTS.items()],
        ),
        "## Instructions",
        "Fields that every instruction has come first. Where a field is a block (`payment`, `channel`, "
        "`party`), the block has a table of its own.",
        *_blocks(iso20022.INSTRUCTION_FIELDS),
        "## Events",
        *_blocks(iso20022.EVENT_FIELDS),
        "## Outcomes",
        _outcomes(),
        "## Reasons",
        "A rejection is reported with the status `RJCT`, this code in `StsRsnInf/Rsn/Cd` "
        "(ExternalStatusReason1Code) and, if wanted, `detail` in `StsRsnInf/AddtlInf`. What to do about each "
        "is in [reasons](reasons.md).",
        _reasons(),
    )


def _blocks(blocks: Mapping[type[BaseModel], Mapping[str, Names]]) -> list[str]:
    parts: list[str] = []
    for block, fields in blocks.items():
        name = f"`{wire_name(block)}`" if _is_instruction(block) else block.__name__
        rows = [
            (f"`{field}`", _paths(names.pacs_008), _paths(names.pacs_002), _paths(names.camt_053), names.note)
            for field, names in fields.items()
        ]
        parts += [f"### {name}", table(("field", *iso20022.ROOTS, "note"), rows)]
    return parts


def _is_instruction(block: type[BaseModel]) -> bool:
    return any(topic.kind == "instructions" for topic in all_messages().get(block, ()))


def _paths(paths: tuple[str, ...]) -> str:
    return "<br>".join(f"`{path}`" for path in paths) or NOWHERE


def _outcomes() -> str:
    rows = [
        (
            f"`{outcome}`",
            f"`{status.transaction}`" if status.transaction else NOWHERE,
            f"`{status.entry}`" if status.entry else NOWHERE,
            status.note,
        )
        for outcome, status in iso20022.STATUSES.items()
    ]
    headings = (
        "outcome",
        f"pacs.002 `{iso20022.TRANSACTION_STATUS}`",
        f"camt.053 `{iso20022.ENTRY_STATUS}`",
        "note",
    )
    return table(headings, rows)


def _reasons() -> str:
    rows = [
        (
            f"`{reason.code}`",
            f"`{reason.status_code}`",
            iso20022.STATUS_REASONS.get(reason.status_code, NOWHERE),
        )
        for reason in TABLE
    ]
    return table(("reason", "code", "its name"), rows)
