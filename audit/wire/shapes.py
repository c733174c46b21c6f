"""Reading an object: which fields must be there, which may be, and where one in it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.wire.fields import Reader, Wrong, or_null


@dataclass(frozen=True, slots=True)
class WrongField:
    """A field that breaks the contract, dotted, and the reasons that name how."""

    field: str
    reasons: frozenset[str]


Shape = Mapping[str, tuple[bool, Reader]]
"""Field → whether it must be there, and what reads it."""


def block(shape: Shape) -> Reader:
    """Make a reader of an object; of several wrong fields the first is told."""

    def read(found: Any) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise Wrong("field_wrong_type")
        content, wrong = read_fields(found, shape)
        if wrong:
            raise Wrong(*wrong[0].reasons, place=wrong[0].field)
        return content

    return read


def list_of(reader: Reader) -> Reader:
    """Make a reader of a list; the number of a wrong one, from 0, is part of its place."""

    def read(found: Any) -> list[Any]:
        if not isinstance(found, list):
            raise Wrong("field_wrong_type")
        read_so_far: list[Any] = []
        for number, each in enumerate(found):
            try:
                read_so_far.append(reader(each))
            except Wrong as finding:
                place = f"{number}.{finding.place}".rstrip(".")
                raise Wrong(*finding.reasons, place=place) from None
        return read_so_far

    return read


def read_fields(found: Mapping[str, Any], shape: Shape) -> tuple[dict[str, Any], list[WrongField]]:
    """Return an object's fields that are well-formed, and those that are not."""
    content: dict[str, Any] = {}
    wrong: list[WrongField] = []
    for name, (is_required, reader) in shape.items():
        if name not in found:
            if is_required:
                wrong.append(WrongField(name, frozenset({"field_missing"})))
            continue
        try:
            content[name] = reader(found[name])
        except Wrong as finding:
            dotted = f"{name}.{finding.place}" if finding.place else name
            wrong.append(WrongField(dotted, finding.reasons))
    return content, wrong


def optional(**readers: Reader) -> Shape:
    """Describe fields that may be left out, or null."""
    return {name: (False, or_null(reader)) for name, reader in readers.items()}


def required(**readers: Reader) -> Shape:
    """Describe fields that must be there."""
    return {name: (True, reader) for name, reader in readers.items()}
