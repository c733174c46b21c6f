"""Reads the generated contract as a program outside would: JSON Schemas and the AsyncAPI document."""

import json
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from backoffice.cli.reference import pages

DOCUMENT = "asyncapi.json"

FORMATS = FormatChecker()


@FORMATS.checks("date-time", ValueError)
def _is_time_with_offset(value: Any) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def files() -> dict[str, Any]:
    """Return every JSON file of the reference by its name, as the code makes it now."""
    return {name: json.loads(text) for name, text in pages().items() if name.endswith(".json")}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the message schemas by their message's class name."""
    return {
        name.removeprefix("schemas/").removesuffix(".json"): schema
        for name, schema in files().items()
        if name.startswith("schemas/")
    }


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return files()[DOCUMENT]


def errors_in(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what a schema says against a value."""
    validator = Draft202012Validator(schema, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def resolved(reference: str, file: str = DOCUMENT) -> Any:
    """Return what a `$ref` in a file leads to; raises KeyError if it leads nowhere."""
    name, _, pointer = reference.partition("#")
    found = files()[name or file]
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found
