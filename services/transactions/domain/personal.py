"""Takes what is personal out of an instruction's content and puts what is sealed of it there instead.

How it is sealed is the contract's (`shared.messages.sealing`). What comes out is the content that the rest of
the ledger knows: it is hashed, journalled, chained and published; what was personal is nowhere else.
Pure: keys are loaded, or made, before a batch is decided.
"""

import json
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import UNSET

from shared.messages.instructions import INSTRUCTIONS, InstructionBase, Payment
from shared.messages.sealing import PAYMENT_FIELDS, SEALED, WITHHELD, PartyKey

PLAIN_FIELDS: Final = frozenset(
    (field.alias or name)
    for each in INSTRUCTIONS
    for name, field in each.model_fields.items()
    if name not in ("payment", "party")
)
"""What is kept as it is of a record that is malformed, where it is a single value."""

_PUBLIC_FIELDS: Final = tuple(name for name in Payment.model_fields if name not in PAYMENT_FIELDS)
_PUBLIC_PAYMENT: Final = msgspec.defstruct("_PublicPayment", [(name, Any, UNSET) for name in _PUBLIC_FIELDS])
_PERSONAL_PAYMENT: Final = msgspec.defstruct(
    "_PersonalPayment", [(name, Any, UNSET) for name in PAYMENT_FIELDS]
)
_PUBLIC_OF: Final = attrgetter(*_PUBLIC_FIELDS)
_PERSONAL_OF: Final = attrgetter(*PAYMENT_FIELDS)
_ENCODE: Final = msgspec.json.Encoder().encode
_BLOCK: Final = b'"payment":'


class Halves:
    """A plain instruction's content, cut where what is sealed goes in."""

    __slots__ = ("after", "before", "personal")

    def __init__(self, before: bytes, personal: bytes, after: bytes) -> None:
        self.before = before
        self.personal = personal
        """A JSON object."""
        self.after = after

    def sealed(self, instruction_id: str, key: PartyKey | None) -> bytes:
        """Return the content with what is personal sealed; withheld where there is no key."""
        text = WITHHELD.encode() if key is None else key.seal(instruction_id, self.personal)
        return b'%b"sealed":"%b"}%b' % (self.before, text, self.after)


def halves_of(payment: Any, content: bytes) -> Halves | None:
    """Cut the content of an instruction with this payment block; None where nothing in it is personal.

    The block is a struct, and the content was spelt by msgspec without escapes, so that the block is found in
    it by its spelling.
    """
    personal = _ENCODE(_PERSONAL_PAYMENT(*_PERSONAL_OF(payment)))
    if personal == b"{}":
        return None
    block = _ENCODE(payment)
    begin = content.index(_BLOCK + block) + len(_BLOCK)
    public = _ENCODE(_PUBLIC_PAYMENT(*_PUBLIC_OF(payment)))[:-1]
    comma = b"" if public == b"{" else b","
    return Halves(content[:begin] + public + comma, personal, content[begin + len(block) :])


def is_personal(message: InstructionBase) -> bool:
    """Say whether a well-formed instruction holds anything to seal."""
    payment = message.payment
    if payment is not None and not payment.model_fields_set.isdisjoint(PAYMENT_FIELDS):
        return True
    if getattr(message, "party", None) is not None:
        return True
    # Instructions within another one, whatever is said of them.
    return any(is_personal(each) for each in getattr(message, "members", ()))


def sealed_content(content: bytes, instruction_id: str, key: PartyKey | None) -> bytes:
    """Seal what is personal in a well-formed instruction's content."""
    fields = json.loads(content)
    for each in (fields, *fields.get("members", ())):
        payment, party = each.get("payment"), each.get("party")
        if payment is not None:
            personal = {name: payment.pop(name) for name in PAYMENT_FIELDS if name in payment}
            if personal:
                payment[SEALED] = _sealed(personal, instruction_id, key)
        if party is not None:
            each["party"] = {SEALED: _sealed(party, instruction_id, key)}
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
