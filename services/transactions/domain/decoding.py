"""Turns the bytes of an instructions record into an instruction, or says exactly what is wrong with it.

What pydantic's parser and models take is an instruction. What they refuse is read again, slowly: where
its id, type and owner can be read it is *malformed* and will be rejected with the field named; else it
is unreadable. A record in which a JSON object names a key twice is unreadable (`duplicate_key`), since
parsers disagree about which one counts; so is one with `NaN` or `Infinity` (`not_json`, RFC 8259, section 6),
wherever they stand: many parsers read nothing of it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from services.transactions.domain.decisions import hash_of
from services.transactions.domain.personal import is_personal_in_malformed
from services.transactions.domain.plain import PlainInstruction, read_plain
from services.transactions.domain.planning import TransactionType
from shared.messages.envelope import Code, canonical_json
from shared.messages.instructions import INSTRUCTION, INSTRUCTIONS, Instruction
from shared.messages.topics import JOURNAL
from shared.runtime.errors import UnreadableRecord

RECORD_BYTES_MAX: Final = JOURNAL.max_message_bytes
"""A compressed batch may hold a record larger than the broker would take by itself."""

MALFORMED_CONTENT_BYTES_MAX: Final = 65_536
"""What could be read of a malformed record is kept and published up to this size."""

NESTING_MAX: Final = 50
"""Deeper than any message; consumers' parsers stop at 128 to 200 levels."""

DIGITS_MAX: Final = 18
"""A number with more digits is kept as its spelling: not every consumer's parser reads it exactly."""

TYPES: Final = frozenset(each.model_fields["type"].default for each in INSTRUCTIONS)
DRY_RUN: Final = "dry_run"
AMOUNT_FIELDS: Final = frozenset(
    {
        "amount",
        "debit_amount",
        "credit_amount",
        "settlement_amount",
        "commission",
        "quantity",
        "price",
        "rate",
        "limit",
        "instructed_amount",
    }
)

_NO_TEXTS: Final = (b"null", b"true", b"false", b"[")
"""What stands in a record with a known field whose value is no text; none of them takes a number."""

_CODE: Final[TypeAdapter[str]] = TypeAdapter(Code)
_UUID: Final[TypeAdapter[UUID]] = TypeAdapter(UUID)


class Fault(NamedTuple):
    """What is wrong with a field."""

    reason: str
    field: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class MalformedInstruction:
    """A record that can be answered but not obeyed."""

    instruction_id: UUID
    type: str
    owner: str
    fault: Fault
    content: bytes | None
    """What could be read, as canonical JSON; none where that is too large or has no exact spelling."""
    content_hash: bytes
    dry_run: bool = False
    personal: bytes | None = None
    """All of the content, where something in it is to be sealed."""


class _Spelling(str):
    """A number kept as it was spelt, since no type of ours holds it exactly."""

    __slots__ = ()


class _DuplicateKeyError(ValueError):
    pass


def decode_instruction(
    types: Mapping[str, TransactionType], value: bytes
) -> PlainInstruction | Instruction | MalformedInstruction:
    """Read one record's value. Raises `UnreadableRecord` and nothing else."""
    return read_plain(value, types) or read_closely(value)


def read_closely(value: bytes) -> Instruction | MalformedInstruction:
    """Read one record's value with pydantic. Raises `UnreadableRecord` and nothing else."""
    try:
        instruction = INSTRUCTION.validate_json(value)
    except ValidationError as error:
        return _decode_slowly(value, error)
    # As many quotes as distinct fields with a text each need, and no value that is none: no room for a second
    # spelling of any key, nor for a field that nobody knows. All else is looked at closely.
    if (
        value.count(b'"') != 4 * len(instruction.__pydantic_fields_set__)
        or value.count(b"{") != 1
        or any(each in value for each in _NO_TEXTS)
        or len(value) > RECORD_BYTES_MAX
    ):
        _parse(value)
    return instruction


def _decode_slowly(value: bytes, error: ValidationError) -> Instruction | MalformedInstruction:
    fields = _parse(value)
    if not isinstance(fields, dict):
        raise UnreadableRecord("not_an_object")
    instruction_id = _readable(_UUID, fields, "instruction_id", "no_instruction_id")
    code = fields.get("type")
    if not isinstance(code, str) or code not in TYPES:
        raise UnreadableRecord("no_type" if code is None else "unknown_type")
    owner = _readable(_CODE, fields, "owner", "no_owner")
    asked = {name: value for name, value in fields.items() if name != DRY_RUN or not isinstance(value, bool)}
    whole = canonical_json(asked)
    content = whole if len(whole) <= MALFORMED_CONTENT_BYTES_MAX else None
    details = error.errors(include_input=False, include_url=False, include_context=False)
    if details[0]["type"] == "json_invalid":
        # Only our parser could read it, because of a number beyond all bounds: judge it with a small one.
        try:
            return INSTRUCTION.validate_json(json.dumps(_with_small_numbers(fields)))
        except ValidationError as second:
            details = second.errors(include_input=False, include_url=False, include_context=False)
    fault = _fault(details[0], fields)
    dry_run = fields.get(DRY_RUN) is True
    personal = whole if is_personal_in_malformed(asked) else None
    return MalformedInstruction(
        instruction_id, code, owner, fault, content, hash_of(whole), dry_run, personal
    )


def _parse(value: bytes) -> Any:
    """Parse JSON keeping every number exact; raises `UnreadableRecord`."""
    if len(value) > RECORD_BYTES_MAX:
        raise UnreadableRecord("too_large")
    if not value.strip():
        raise UnreadableRecord("empty")
    try:
        text = value.decode("utf-8")
        parsed = json.loads(
            text,
            object_pairs_hook=_distinct,
            parse_int=_whole_number,
            parse_float=_fraction,
            parse_constant=_no_constant,
        )
    except _DuplicateKeyError:
        raise UnreadableRecord("duplicate_key") from None
    except RecursionError:
        raise UnreadableRecord("too_deep") from None
    except ValueError:
        raise UnreadableRecord("not_json") from None
    if "\\u" in text and _has_lone_surrogate(parsed):
        raise UnreadableRecord("not_json")
    if _is_deeper_than(parsed, NESTING_MAX):
        raise UnreadableRecord("too_deep")
    return parsed


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _no_constant(text: str) -> Any:
    """Refuse what Python's parser takes though JSON has no such number."""
    raise ValueError(text)


def _whole_number(text: str) -> int | _Spelling:
    return int(text) if len(text) <= DIGITS_MAX else _Spelling(text)


def _fraction(text: str) -> float | _Spelling:
    number = float(text)
    return number if math.isfinite(number) and len(text) <= DIGITS_MAX else _Spelling(text)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _has_lone_surrogate(value: Any) -> bool:
    """Say whether a text in it cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _with_small_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_small_numbers(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_with_small_numbers(child) for child in value]
    return 0 if isinstance(value, _Spelling) else value


def _readable(adapter: TypeAdapter[Any], fields: dict[str, Any], name: str, error: str) -> Any:
    found = fields.get(name)
    if not isinstance(found, str) or isinstance(found, _Spelling):
        raise UnreadableRecord(error)
    try:
        return adapter.validate_python(found)
    except ValidationError:
        raise UnreadableRecord(error) from None


_BY_TYPE: Final = {
    "missing": ("field_missing", "the field is required"),
    "literal_error": ("field_value_unknown", "the field's value is none of those allowed"),
    "string_pattern_mismatch": ("field_malformed", "the field is not spelt as it must be"),
    "string_too_long": ("field_malformed", "the field is too long"),
    "string_too_short": ("field_malformed", "the field is empty"),
    "uuid_parsing": ("field_malformed", "the field is not a UUID"),
    "value_error": ("date_malformed", "a time needs an offset, as in 2026-03-01T09:30:00Z"),
}


def _fault(detail: ErrorDetails, fields: dict[str, Any]) -> Fault:
    """Name what is wrong, from the first fault in the order of the message's fields."""
    path = [str(part) for part in detail["loc"]]
    if path and path[0] == fields.get("type"):
        path = path[1:]
    if path[:1] == ["members"] and len(path) > 2:
        del path[2]  # The member's type, by which it was read.
    kind = detail["type"]
    if kind.startswith("union_tag"):
        path.append("type")
        kind = "missing" if kind == "union_tag_not_found" else "literal_error"
    field = ".".join(path) or None
    if path and path[-1] in AMOUNT_FIELDS and kind != "missing":
        if kind in ("string_too_long", "string_too_short"):
            return Fault("amount_malformed", field, "an amount is a decimal string such as 12.34")
        return Fault("amount_not_a_string", field, "an amount is a decimal string such as 12.34, in quotes")
    if kind in _BY_TYPE:
        reason, words = _BY_TYPE[kind]
        return Fault(reason, field, words)
    if kind.startswith(("date", "time")) and kind not in ("date_type", "datetime_type"):
        return Fault("date_malformed", field, "dates are ISO 8601, times RFC 3339 with an offset")
    return Fault("field_wrong_type", field, "the field's value is of the wrong type")
