"""Reads the plain instruction: one movement to be posted, written so that nothing in it needs a second look.

Nearly all traffic is plain; a dry run never is, nor what names a day of its own. Such a record is read by a
struct instead of pydantic's class, and the fold judges it in one go (`services.transactions.domain.quick`).
Being plain decides nothing: whatever is not taken as plain, here or there, is read by pydantic and goes up
the ladder, rung by rung. A test holds the two ways against each other.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.transactions.domain.decisions import hash_of
from services.transactions.domain.personal import block_in, is_personal_in, sealed_at
from services.transactions.domain.planning import Planned, TransactionType
from shared.messages.envelope import CODE_PATTERN
from shared.messages.instructions.base import NOT_CONTENT
from shared.messages.instructions.fees_and_interest import Fee, Interest
from shared.messages.instructions.payments import Deposit, Transfer, Withdrawal
from shared.messages.sealing import PartyKey
from shared.messages.structs import struct_of, union_of

PLAIN_BYTES_MAX: Final = 16_384
FIRST_SANE_YEAR: Final = 1900
LAST_SANE_YEAR: Final = 2100

_PROVEN: Final = frozenset({"owner", "account", "debit_account", "credit_account", "asset", "payment"})
"""Codes whose spelling is proven when they are found in the books, and the block that proves its own."""

_NEVER_PLAIN: Final = NOT_CONTENT | {"execute_on"}
"""Fields that a plain instruction does not have: with one of them it is read closely."""

_STRUCTS: Final = {
    struct_of(each, proven=_PROVEN, without=_NEVER_PLAIN): each.model_fields["type"].default
    for each in (Deposit, Withdrawal, Transfer, Fee, Interest)
}
_ID_FROM: Final = {struct: len(f'{{"type":"{code}","instruction_id":"') for struct, code in _STRUCTS.items()}
_DECODE: Final = msgspec.json.Decoder(union_of(_STRUCTS)).decode
_ENCODE: Final = msgspec.json.Encoder().encode
_IS_CODE: Final = re.compile(CODE_PATTERN).fullmatch
_FINER_THAN_MICROSECONDS: Final = re.compile(rb"\.\d{7}").search


class PlainInstruction:
    """An instruction that a struct could read, with what the quick judgement needs of it."""

    __slots__ = (
        "block",
        "closely",
        "content",
        "content_hash",
        "fields",
        "instruction_id",
        "owner",
        "planned",
        "type",
        "value",
    )

    def __init__(
        self,
        code: str,
        planned: Planned,
        fields: Any,
        content: bytes,
        value: bytes,
        block: re.Match[bytes] | None,
    ) -> None:
        self.type = code
        self.planned = planned
        """Its one movement."""
        self.fields = fields
        """The struct: the fields of the message class, absent ones `UNSET`."""
        start = _ID_FROM[fields.__class__]
        self.instruction_id = content[start : start + 36].decode()
        self.owner: str = fields.owner
        self.content = content
        self.value = value
        """The record's value, to be read again by pydantic where it is not judged quickly."""
        self.block = block
        """The payment block in the content, where something personal in it is to be sealed."""
        self.closely: Any = None
        """The same as a record, once the ladder had to have it so: a batch may be decided again."""
        self.content_hash = hash_of(content) if block is None else b""
        """Of what is sealed, where something is."""

    def seal(self, key: PartyKey | None) -> None:
        """Seal what is personal in the content under its owner's key; withhold it where there is none."""
        assert self.block is not None
        self.content = content = sealed_at(self.block, self.instruction_id, key)
        self.content_hash = hash_of(content)
        self.closely = None


def read_plain(value: bytes, types: Mapping[str, TransactionType]) -> PlainInstruction | None:
    """Read a plain instruction; None for anything that somebody must look at more closely."""
    # With no escape and no DEL in it, no text holds a control character: the parser takes none unescaped.
    if len(value) > PLAIN_BYTES_MAX or b"\\" in value or b"\x7f" in value:
        return None
    try:
        fields: Any = _DECODE(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    content = _ENCODE(fields)
    # Every key, and every text, has its two quotes: one more, and a key was unknown or named twice.
    if content.count(b'"') != value.count(b'"') or not _IS_CODE(fields.owner) or not _are_sane(fields, value):
        return None
    block = None
    if fields.payment:
        block = block_in(content)
        if block is None:
            return None
        if not is_personal_in(block):
            block = None
    code = _STRUCTS[fields.__class__]
    planned = types[code].movements(fields)
    return PlainInstruction(code, planned[0], fields, content, value, block) if len(planned) == 1 else None


def _are_sane(fields: Any, value: bytes) -> bool:
    """Say whether the dates that are there lie within bounds, and no time is finer than it is kept."""
    moment = fields.occurred_at
    if moment and (
        not FIRST_SANE_YEAR <= moment.year <= LAST_SANE_YEAR
        or (moment.microsecond and _FINER_THAN_MICROSECONDS(value))
    ):
        return False
    day = fields.value_date
    if day and not FIRST_SANE_YEAR <= day.year <= LAST_SANE_YEAR:
        return False
    day = fields.contractual_settlement_date
    if day and not FIRST_SANE_YEAR <= day.year <= LAST_SANE_YEAR:
        return False
    day = fields.actual_settlement_date
    return not day or FIRST_SANE_YEAR <= day.year <= LAST_SANE_YEAR
