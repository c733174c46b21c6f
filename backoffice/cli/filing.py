"""Writes the report of a case from an officer's sheet, held against the authority's schema."""

import hashlib
import os
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from backoffice.cli.errors import USAGE, CommandError
from services.compliance.data import STOR_SCHEMA
from services.compliance.domain.cases import KIND_OF_FORM
from services.compliance.domain.filing.forms import SCHEMA_OF, Sheet, read_sheet, write_report
from services.compliance.domain.filing.schemas import Schema, SchemaError, read_schema
from shared.messages.acts.cases import CaseKind
from shared.runtime import clock

SCHEMA_BYTES_MAX: Final = 20_000_000
"""Of one file in a folder of schemas; goAML's, the longest, has a third of a megabyte."""
FAULTS_SHOWN: Final = 20


def write(
    sheet: Path, out: Path, schemas: Path | None, *, is_draft: bool, kind: CaseKind | None = None
) -> dict[str, Any]:
    """Write a sheet's report into a new file that only its owner can read; return what was written.

    Refused, and nothing written, where the schema in the folder refuses it. A draft needs no schema. `kind`
    is the case's: a report on market abuse is of a case of that kind alone.
    """
    filled = _read(sheet)
    wanted = KIND_OF_FORM.get(filled.form)
    if kind is not None and wanted not in (None, kind):
        raise CommandError(
            f"not_{wanted}",
            f"The form {filled.form} is of a case of {wanted}, and this is one of {kind}.",
            f"Report it with another form, or open a case with --kind {wanted} and link this one to it.",
            USAGE,
        )
    content = write_report(filled, clock.now().date())
    is_unchecked = is_draft and schemas is None and filled.form != "stor"
    schema = None if is_unchecked else load_schema(filled.form, schemas)
    if schema is not None:
        _require_valid(content, schema)
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as problem:
        raise CommandError(
            "not_written", f"{out} cannot be written: {problem.strerror}.", "Name a new file.", USAGE
        ) from problem
    return {
        "form": filled.form,
        "file": out,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "validated": schema is not None,
        "schema": schema.name if schema is not None else None,
        "schema_sha256": schema.sha256 if schema is not None else None,
    }


def load_schema(form: str, folder: Path | None) -> Schema:
    """Make a form's schema ready from a folder; raises `CommandError` where it cannot be.

    One that comes with the product needs no folder; of the same name in the folder, that one counts.
    """
    name = SCHEMA_OF[form]
    files = {STOR_SCHEMA.name: STOR_SCHEMA.read_bytes()}
    advice = f"Put {name}, as the authority publishes it, and what it includes into the folder."
    if folder is None and name not in files:
        raise CommandError(
            "schemas_missing",
            "A report is filed only if it is valid, and no folder of schemas is named.",
            f"{advice} Name it with --schemas or BACKOFFICE_FILING_SCHEMAS.",
            USAGE,
        )
    try:
        files |= {
            each.name: each.read_bytes()
            for each in (sorted(folder.iterdir()) if folder is not None else ())
            if each.suffix == ".xsd" and each.stat().st_size <= SCHEMA_BYTES_MAX
        }
        return read_schema(name, files)
    except OSError as problem:
        raise CommandError(
            "schemas_unreadable", f"{folder} cannot be read: {problem.strerror}.", advice, USAGE
        ) from problem
    except SchemaError as problem:
        raise CommandError("schema_unusable", f"{folder}: {problem}.", advice, USAGE) from None


def _require_valid(content: bytes, schema: Schema) -> None:
    faults = schema.faults(content)
    if not faults:
        return
    shown = "; ".join(str(each) for each in faults[:FAULTS_SHOWN])
    more = f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
    raise CommandError(
        "report_invalid",
        f"{schema.name} refuses the report: {shown}{more}.",
        "Correct the sheet; write it with --draft and without --schemas to see the lines.",
        USAGE,
    )


def _read(sheet: Path) -> Sheet:
    try:
        return read_sheet(sheet.read_bytes())
    except ValidationError as problem:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in problem.errors(include_input=False, include_url=False)
        )
        raise CommandError("sheet_wrong", f"{sheet}: {wrong}.", "Correct it there.", USAGE) from None
    except OSError as problem:
        raise CommandError(
            "sheet_unreadable", f"{sheet} cannot be read: {problem.strerror}.", "Name a file.", USAGE
        ) from problem
