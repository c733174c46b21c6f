"""One JSON Schema (2020-12) for each message, with its golden example."""

import json
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from backoffice.cli.reference.unions import all_messages, example, wire_name
from shared.messages.blocks import AmountText, Bic, Country

FOLDER: Final = "schemas"

SHARED: Final[tuple[tuple[Any, str], ...]] = (
    (AmountText, "A decimal string with no more decimals than the asset has, as in `120.50`."),
    (Bic, "ISO 9362."),
    (Country, "ISO 3166-1 alpha-2."),
)
"""What is said of every field of a type that several messages use, unless the field says more."""


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of field names, which say nothing.

    Of messages within a message it says `anyOf`, which every reader knows: their `type` tells them apart.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        """Return the members of a union without OpenAPI's word for what tells them apart."""
        return {"anyOf": super().tagged_union_schema(schema)["oneOf"]}


def texts() -> dict[str, str]:
    """Return each schema's text by its file's name."""
    return {file_of(member): spelt(schema_of(member)) for member in all_messages()}


def file_of(member: type[BaseModel]) -> str:
    """Return the name of a message's schema below docs/reference."""
    return f"{FOLDER}/{member.__name__}.json"


def schema_of(member: type[BaseModel]) -> dict[str, Any]:
    """Describe a message's value.

    `type` is required, though the class has a default for it, since a reader chooses the message by it.
    Fields that are not named are allowed: messages grow, and readers ignore what they do not know.
    """
    made = member.model_json_schema(by_alias=True, schema_generator=_Generator)
    for part in (made, *made.get("$defs", {}).values()):
        for field in part["properties"].values():
            _describe(field)
        if "const" in part["properties"].get("type", {}):
            part["required"] = ["type", *(each for each in part.get("required", ()) if each != "type")]
    required = [name for name in made["properties"] if name == "type" or name in made.get("required", ())]
    return {
        "$schema": _Generator.schema_dialect,
        "$id": f"urn:backoffice:message:{wire_name(member)}",
        "title": member.__name__,
        "description": made["description"],
        "type": "object",
        "properties": made["properties"],
        "required": required,
        **({"$defs": made["$defs"]} if "$defs" in made else {}),
        "examples": [example(member)],
    }


def _describe(field: dict[str, Any]) -> None:
    for kind, words in SHARED:
        alike = TypeAdapter(kind).json_schema()
        for each in (field, *field.get("anyOf", ())):
            if {name: each.get(name) for name in alike} == alike:
                field.setdefault("description", words)


def spelt(value: Any) -> str:
    """Spell JSON as a file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
