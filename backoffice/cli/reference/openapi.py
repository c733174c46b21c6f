"""Writes compliance's HTTP API as an OpenAPI document, for programs that are made from it."""

import json

from services.compliance.api import create_api


def text() -> str:
    """Return the document."""
    return json.dumps(create_api(None).openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
