"""Takes what is personal out of an instruction's content and puts what is sealed of it there instead.

How it is sealed is the contract's (`shared.messages.sealing`). What comes out is the content that the rest of
the ledger knows: it is hashed, journalled, chained and published; what was personal is nowhere else.
Pure: keys are loaded, or made, before a batch is decided.
"""

import json
import re
from itertools import groupby
from typing import Any, Final

from shared.messages.blocks import Payment
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.base import InstructionBase
from shared.messages.sealing import PARTY_BLOCKS, PAYMENT_FIELDS, SEALED, WITHHELD, PartyKey
from shared.messages.structs import spelling_of

PLAIN_FIELDS: Final = frozenset(
    (field.alias or name)
    for each in INSTRUCTIONS
    for name, field in each.model_fields.items()
    if name not in ("payment", *PARTY_BLOCKS)
)
"""What is kept as it is of a record that is malformed, where it is a single value."""

_RUNS: Final = [
    (is_personal, "".join(spelling for _, spelling in run))
    for is_personal, run in groupby(spelling_of(Payment).items(), lambda each: each[0] in PAYMENT_FIELDS)
]
"""The block's fields, personal and public ones by turns, as they stand one behind the other."""

_FIND_BLOCK: Final = re.compile(
    rf'"payment":\{{{"".join(f"({spelling})" for _, spelling in _RUNS)}\}}'.encode()
).search
assert [is_personal for is_personal, _ in _RUNS] == [True, False, True], "a block has these runs of fields"
_JOIN: Final = b"".join


def block_in(content: bytes) -> re.Match[bytes] | None:
    """Find the payment block in a content that msgspec has spelt without escapes.

    None where one of its fields is not spelt as its class wants it.
    """
    return _FIND_BLOCK(content)


def is_personal_in(block: re.Match[bytes]) -> bool:
    """Say whether a payment block that was found holds anything to seal."""
    return block.end(1) > block.start(1) or block.end(3) > block.start(3)


def sealed_at(block: re.Match[bytes], instruction_id: str, key: PartyKey | None) -> bytes:
    """Return the content with what is personal in its payment block sealed; withheld without a key."""
    parties, public, last = block.groups()
    if not last:
        parties = parties.rstrip(b",")
    text = WITHHELD.encode() if key is None else key.seal(instruction_id, _JOIN((b"{", parties, last, b"}")))
    content = block.string
    # A run ends with a comma where another one follows.
    sealed = b',"sealed":"' if public and not last else b'"sealed":"'
    return _JOIN((content[: block.start(1)], public, sealed, text, b'"}', content[block.end() :]))


def is_personal(message: InstructionBase) -> bool:
    """Say whether a well-formed instruction holds anything to seal."""
    payment = message.payment
    if payment is not None and not payment.model_fields_set.isdisjoint(PAYMENT_FIELDS):
        return True
    if any(getattr(message, name, None) is not None for name in PARTY_BLOCKS):
        return True
    # Instructions within another one, whatever is said of them.
    return any(is_personal(each) for each in getattr(message, "members", ()))


def sealed_content(content: bytes, instruction_id: str, key: PartyKey | None) -> bytes:
    """Seal what is personal in a well-formed instruction's content."""
    fields = json.loads(content)
    for each in (fields, *fields.get("members", ())):
        payment = each.get("payment")
        if payment is not None:
            personal = {name: payment.pop(name) for name in PAYMENT_FIELDS if name in payment}
            if personal:
                payment[SEALED] = _sealed(personal, instruction_id, key)
        for name in PARTY_BLOCKS:
            if (block := each.get(name)) is not None:
                each[name] = {SEALED: _sealed(block, instruction_id, key)}
    return _spelt(fields)


def is_personal_in_malformed(fields: dict[str, Any]) -> bool:
    """Say whether a malformed record holds anything to seal: whatever is no single value of a known field."""
    return not all(name in PLAIN_FIELDS and _is_single(value) for name, value in fields.items())


def sealed_malformed(content: bytes, instruction_id: str, key: PartyKey | None) -> bytes:
    """Seal all of a malformed record's content but single values of known fields; keys stay sorted."""
    fields = json.loads(content)
    public = {name: value for name, value in fields.items() if name in PLAIN_FIELDS and _is_single(value)}
    personal = {name: value for name, value in fields.items() if name not in public}
    return _spelt(dict(sorted((public | {SEALED: _sealed(personal, instruction_id, key)}).items())))


def _is_single(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _sealed(personal: dict[str, Any], instruction_id: str, key: PartyKey | None) -> str:
    return WITHHELD if key is None else key.seal(instruction_id, _spelt(personal)).decode()


def _spelt(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
