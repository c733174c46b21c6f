"""Every field of what upstream sends has its ISO 20022 name, or is said to have none."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from services.transactions.domain.reasons import TABLE
from shared.messages import iso20022
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.base import InstructionBase
from shared.messages.iso20022 import EVENT_FIELDS, INSTRUCTION_FIELDS, STATUS_REASONS, STATUSES, Names
from shared.messages.journal import OUTCOMES

PATHS = {"pacs.008": "pacs_008", "pacs.002": "pacs_002", "camt.053": "camt_053"}


def _blocks_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _blocks_in(each)


def _with_blocks(classes: Iterable[type[BaseModel]]) -> dict[type[BaseModel], None]:
    found: dict[type[BaseModel], None] = {}
    waiting = list(classes)
    while waiting:
        block = waiting.pop(0)
        if block not in found:
            found[block] = None
            for field in block.model_fields.values():
                waiting.extend(_blocks_in(field.annotation))
    return found


def _own_fields(block: type[BaseModel]) -> dict[str, bool]:
    """Return the wire names of the fields that a class adds, and whether each is a block."""
    fields = {
        name: block.model_fields[name]
        for name in inspect.get_annotations(block)
        if name in block.model_fields
    }
    return {
        field.alias or name: any(True for _ in _blocks_in(field.annotation))
        for name, field in fields.items()
        if name != "type"
    }


@pytest.mark.parametrize(
    "block", _with_blocks((InstructionBase, *INSTRUCTIONS)), ids=lambda block: block.__name__
)
def test_a_field_of_an_instruction_is_mapped_or_said_to_have_no_counterpart(block: type[BaseModel]) -> None:
    """Add it to `shared/messages/iso20022.py`: with its paths, or to `_nowhere`."""
    own = _own_fields(block)
    named = set(INSTRUCTION_FIELDS.get(block, {}))
    assert {name for name, is_block in own.items() if not is_block} - named == set()


@pytest.mark.parametrize(
    ("block", "fields"),
    [*INSTRUCTION_FIELDS.items(), *EVENT_FIELDS.items()],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_mapped_is_a_field(block: type[BaseModel], fields: Mapping[str, Names]) -> None:
    """A field renamed or moved takes its mapping with it."""
    assert set(fields) - set(_own_fields(block)) == set()


@pytest.mark.parametrize("block", EVENT_FIELDS, ids=lambda block: block.__name__)
def test_a_block_of_an_event_is_mapped_whole_or_not_at_all(block: type[BaseModel]) -> None:
    """Whoever makes a statement of events must not wonder whether a field was forgotten."""
    own = _own_fields(block)
    assert {name for name, is_block in own.items() if not is_block} - set(EVENT_FIELDS[block]) == set()


def test_every_outcome_has_its_status_or_is_said_to_have_none() -> None:
    """A new outcome without one would leave a payer without an answer."""
    assert set(STATUSES) == set(OUTCOMES.values())
    assert all(status.transaction or status.note for status in STATUSES.values())


def test_every_code_of_a_reason_has_its_name() -> None:
    """A code that is in no external code set is refused by whoever receives it."""
    assert {reason.status_code for reason in TABLE} - set(STATUS_REASONS) == set()


def test_a_path_is_spelt_as_elements_and_attributes() -> None:
    """Letters and digits between slashes; an attribute last, after an at sign."""
    assert set(iso20022.ROOTS) == set(PATHS)
    for fields in (*INSTRUCTION_FIELDS.values(), *EVENT_FIELDS.values()):
        for names in fields.values():
            for attribute in PATHS.values():
                for path in getattr(names, attribute):
                    *elements, last = path.split("/")
                    assert all(each.isalnum() and each[0].isupper() for each in elements)
                    assert last.removeprefix("@").isalnum()
