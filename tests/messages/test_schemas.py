"""The JSON Schemas say what the message classes say."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from backoffice.cli.reference.unions import all_messages, example, example_text
from tests.messages.contract import errors_in, schemas

WRONG: tuple[Any, ...] = (None, True, 7, 1.5, "", "two words", "\x00", [], {}, [7], {"name": 7})
"""What is put in place of each field."""

PORTABLE = {
    "$defs", "$id", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description",
    "enum", "examples", "format", "items", "maxLength", "maximum", "minItems", "minLength", "minimum",
    "pattern", "properties", "required", "title", "type",
}  # fmt: skip
"""Keywords that mean the same in draft-07, which AsyncAPI's own schemas are made of."""

each_message = pytest.mark.parametrize("member", all_messages(), ids=lambda member: member.__name__)


@each_message
def test_a_schema_is_well_formed_and_names_itself(member: type[BaseModel]) -> None:
    """Title and address are those by which others find it, and there is an example."""
    schema = schemas()[member.__name__]
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == member.__name__
    assert schema["$id"] == f"urn:backoffice:message:{schema['properties']['type']['const']}"
    assert schema["description"]
    assert schema["examples"] == [example(member)]


@each_message
def test_the_golden_example_is_valid(member: type[BaseModel]) -> None:
    """Also with a field of the future, since messages grow."""
    schema = schemas()[member.__name__]
    assert errors_in(example(member), schema) == []
    assert errors_in({**example(member), "field_of_the_future": {"a": [1]}}, schema) == []


@each_message
def test_schema_and_class_refuse_the_same(member: type[BaseModel]) -> None:
    """Whoever checks with the schema before sending is not refused afterwards, nor held back for nothing."""
    differing = [
        (changed, errors)
        for changed in _changed(example(member))
        if bool(errors := errors_in(changed, schemas()[member.__name__])) is not _is_refused(member, changed)
    ]
    assert differing == []


def _changed(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an example with one field left out or replaced, on every level."""
    for name, inner in value.items():
        yield {each: kept for each, kept in value.items() if each != name}
        yield from ({**value, name: wrong} for wrong in WRONG)
        if isinstance(inner, dict):
            yield from ({**value, name: each} for each in _changed(cast(dict[str, Any], inner)))


def _is_refused(member: type[BaseModel], value: dict[str, Any]) -> bool:
    if "type" not in value:  # the union refuses it before any class sees it
        return True
    try:
        member.model_validate_json(json.dumps(value))
    except ValidationError:
        return True
    return False


def test_nothing_stands_in_a_schema_that_older_readers_take_otherwise() -> None:
    """AsyncAPI's tools read draft-07; what both drafts say alike serves everybody."""
    used = {word for schema in schemas().values() for word in _keywords(schema)}
    assert used <= PORTABLE


def _keywords(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    for below in (*named, *schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")):
        if isinstance(below, dict):
            yield from _keywords(cast(dict[str, Any], below))


def test_every_schema_belongs_to_a_message() -> None:
    """And every message has one."""
    assert set(schemas()) == {member.__name__ for member in all_messages()}
    assert len({schema["$id"] for schema in schemas().values()}) == len(schemas())


def test_what_a_program_would_read_is_what_people_read() -> None:
    """The example in the schema is the file beside the classes, to the byte when spelt again."""
    for member in all_messages():
        spelt = json.dumps(schemas()[member.__name__]["examples"][0], indent=2, ensure_ascii=False) + "\n"
        assert spelt == example_text(member)
