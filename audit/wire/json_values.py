"""Reading a record's value as JSON: bounded, each key once, numbers kept as they are spelled."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

LARGEST_RECORD: Final = 1_048_576
"""Bytes of a record's value, uncompressed; more is unreadable."""

DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nobody can answer this record."""

    why: str


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number, never converted: no field of an instruction is one."""

    spelling: str


def read_json(value: bytes | None) -> Any | Unreadable:
    """Read a record's value as JSON; numbers stay spelled."""
    if not value or not value.strip():
        return Unreadable("empty")
    if len(value) > LARGEST_RECORD:
        return Unreadable("too large")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return Unreadable("not UTF-8")
    if _depth(text) > DEEPEST:
        return Unreadable("too deep")
    try:
        found = json.loads(
            text, object_pairs_hook=_distinct, parse_int=Number, parse_float=Number, parse_constant=_constant
        )
        json.dumps(found, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError) as error:
        return Unreadable(f"not JSON: {type(error).__name__}")
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _constant(text: str) -> Any:
    """NaN and infinities are no JSON, though Python reads them."""
    raise ValueError(text)


def _depth(text: str) -> int:
    """How deep brackets nest outside strings; stops counting once it is clearly too deep."""
    deepest = depth = 0
    for token in _TOKENS.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif first in "]}":
            depth -= 1
    return deepest


_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
