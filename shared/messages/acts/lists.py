"""Acts on watch lists: a version loaded in parts, screened against, or refused when it was read."""

from typing import Literal

from shared.messages.acts.base import ActBase
from shared.messages.envelope import Code, Message, Reference, Text


class ListedName(Message):
    """One entry of a watch list with its names."""

    entry_id: str
    kind: Literal["person", "organisation", "vessel", "aircraft", "unknown"] = "unknown"
    names: tuple[str, ...]
    programmes: tuple[str, ...] = ()
    weak_names: tuple[str, ...] = ()
    """Aliases too common to screen by; they confirm a match."""
    birth_dates: tuple[str, ...] = ()
    """`1962-09-08`, `1962-09`, `1962` or a range of years, `1960/1965`."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2."""
    identifiers: tuple[str, ...] = ()
    """`kind:value`, such as `passport:X12345`, `bic:ABCDFRPP`, `crypto:…`."""
    addresses: tuple[str, ...] = ()
    remarks: str = ""


class LoadList(ActBase):
    """One part of a new version of a watch list; sent to the house's shard, parts 1 to `parts`."""

    type: Literal["load_list"] = "load_list"
    list_code: Code
    version: Code
    part: int
    parts: int
    sha256: str
    """Of the file the version was made from."""
    entries: tuple[ListedName, ...]


class ActivateList(ActBase):
    """Screen against a loaded version from this record on; sent to every partition."""

    type: Literal["activate_list"] = "activate_list"
    list_code: Code
    version: Code


class RefuseList(ActBase):
    """Note that a file of a list was refused whole when it was read; sent to the house's shard."""

    type: Literal["refuse_list"] = "refuse_list"
    list_code: Code
    file: Reference
    """Its name, without folders."""
    line: int = 0
    """The line to blame; 0 where there is none."""
    why: Text
