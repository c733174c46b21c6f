"""The forms in which a case is reported: how each is read and written, and which schema is for it."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, assert_never

from pydantic import Field, TypeAdapter

from services.compliance.domain.filing.fincen import write_batch
from services.compliance.domain.filing.goaml import GoamlSheet, write_goaml
from services.compliance.domain.filing.sheet import CtrSheet, SarSheet
from services.compliance.domain.filing.stor import StorSheet, write_stor

Sheet = SarSheet | CtrSheet | GoamlSheet | StorSheet
SHEET: Final[TypeAdapter[Sheet]] = TypeAdapter(Annotated[Sheet, Field(discriminator="form")])

SCHEMA_OF: Final[Mapping[str, str]] = {
    "sar": "EFL_SARXBatchSchema.xsd",
    "ctr": "EFL_CTRXBatchSchema.xsd",
    "goaml": "goAMLSchema.xsd",
    "stor": "STOR-2016-957.xsd",
}
"""The file in which each form's schema is published: by FinCEN, or by the authority that runs goAML. A STOR's
comes with the product, since the law gives its fields and no format."""


def read_sheet(content: bytes | str | dict[str, Any]) -> Sheet:
    """Read a sheet from JSON; raises pydantic's `ValidationError` naming what is wrong."""
    return SHEET.validate_python(content) if isinstance(content, dict) else SHEET.validate_json(content)


def write_report(sheet: Sheet, filed_on: date) -> bytes:
    """Write the report of a sheet as the authority's XML."""
    match sheet:
        case GoamlSheet():
            return write_goaml(sheet, filed_on)
        case StorSheet():
            return write_stor(sheet, filed_on)
        case SarSheet() | CtrSheet():
            return write_batch(sheet, filed_on)
        case _:
            assert_never(sheet)
