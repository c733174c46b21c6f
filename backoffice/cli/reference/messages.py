"""The page of messages: every type with its fields, defaults and an example."""

import inspect
import json
from collections.abc import Iterable
from typing import Any, Final, get_args

from pydantic import BaseModel

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import documentation, first_line, one_line, table
from backoffice.cli.reference.unions import example_text, messages_on, module_of, wire_name
from shared.messages.envelope import CODE_PATTERN
from shared.messages.journal import OUTCOMES
from shared.messages.topics import TOPICS

ABOUT: Final = (
    "Values are JSON objects in UTF-8. Readers ignore fields they do not know; nothing is coerced: a "
    "number is no string. Amounts are decimal strings in the asset's decimals, dates are ISO 8601, "
    "times RFC 3339 with an offset. A *code* is 1 to 64 ASCII characters."
)
FOR_PROGRAMS: Final = (
    "For programs: each message as a [JSON Schema](schemas), all of them with topics, keys and headers as "
    "an [AsyncAPI 3.0 document](asyncapi.json). What payment systems call the fields is in "
    "[ISO 20022](iso20022.md)."
)


def page() -> str:
    """Describe every message, topic by topic, then the parts they share."""
    parts: list[str] = []
    blocks: dict[str, type[BaseModel]] = {}
    for topic in TOPICS:
        parts += [f"## On `{topic.name}`", first_line(module_of(topic))]
        for member in messages_on(topic):
            parts += _message(member)
            _collect_blocks(member, blocks)
    parts += ["## Parts of messages"]
    for name in sorted(blocks):
        parts += [f"### {name}", documentation(blocks[name]), _fields(blocks[name])]
    return markdown.page("Messages", ABOUT, FOR_PROGRAMS, *parts)


def _message(member: type[BaseModel]) -> list[str]:
    name = member.__name__
    outcome = f" Its fate: `{OUTCOMES[name]}`." if name in OUTCOMES else ""
    example = example_text(member).rstrip()
    kind = wire_name(member)
    heading = f"### {name}" if kind == name else f"### `{kind}`"
    return [heading, documentation(member) + outcome, _fields(member), f"```json\n{example}\n```"]


def _fields(member: type[BaseModel]) -> str:
    schema = member.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            _type(field),
            "required" if name in required or name == "type" else _default(field),
            one_line(field.get("description", "")),
        )
        for name, field in schema["properties"].items()
    ]
    return table(("field", "type", "default", "meaning"), rows)


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, dict) and inner else "object"
    if field.get("type") == "string":
        return _string(field)
    return {"integer": "integer", "boolean": "boolean", "null": "null", "number": "number"}.get(
        field.get("type", ""), "anything"
    )


def _string(field: dict[str, Any]) -> str:
    formats = {"uuid": "UUID", "date": "date", "date-time": "time"}
    if field.get("format") in formats:
        return formats[field["format"]]
    if field.get("pattern") == CODE_PATTERN:
        return "code"
    if "maxLength" in field:
        return f"text of 1–{field['maxLength']}"
    return f"text like `{field['pattern']}`" if "pattern" in field else "text"


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "empty"
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`"


def _collect_blocks(member: type[BaseModel], blocks: dict[str, type[BaseModel]]) -> None:
    for field in member.model_fields.values():
        for part in _parts_of(field.annotation):
            if part.__name__ not in blocks:
                blocks[part.__name__] = part
                _collect_blocks(part, blocks)


def _parts_of(annotation: Any) -> Iterable[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _parts_of(each)
