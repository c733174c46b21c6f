"""Shows the bytes of records to people and programs, whatever they are."""

import base64
from typing import Any, Final

SHOWN_CHARACTERS_MAX: Final = 2_000


def text_fields(name: str, content: bytes | None) -> dict[str, Any]:
    """Return `{name: text}`, or `{name_base64: …}` for bytes that are no UTF-8."""
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(content).decode()}


def record_text(content: bytes | None) -> str:
    """Return the bytes as a person can look at them on a terminal: nothing in it is acted upon."""
    if content is None:
        return "(no value)"
    text = content.decode(errors="backslashreplace")
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:SHOWN_CHARACTERS_MAX])
    return shown + (f" … ({len(content)} bytes)" if len(text) > SHOWN_CHARACTERS_MAX else "")
