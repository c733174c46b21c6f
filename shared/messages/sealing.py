"""How what is personal in an instruction is sealed in the ledger's tables and events, and opened again.

The ledger has a key for each owner, and seals under it, before anything is kept or published:

- `party` of an `open_account`, `holder` of a `change_holder`: the block is `{"sealed": …}`;
- of `payment` the fields in `PAYMENT_FIELDS`: the block keeps the others and ends with `"sealed": …`;
- of a record that is no well-formed instruction all but its plain, known fields: `sealed` stands beside them.

The text is `<key id>.<base64>`, of a JSON object with the fields that were there, under AES-256-SIV (RFC
5297) with the instruction's id as associated data. It needs no nonce: the same fields of the same instruction
come to the same text, so events are rebuilt byte for byte and a repeat has the same content; those of two
instructions never look alike. `withheld` stands where the record came to another shard than its owner's.

Whoever has the key puts the fields back (`opened`). When an owner is erased, the key is gone for everybody.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from binascii import b2a_base64
from collections import deque
from hashlib import sha256
from typing import Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pydantic import TypeAdapter

from shared.messages.envelope import Code, Message

PAYMENT_FIELDS: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor", "remittance")
"""What is personal in a payment, in the order of its fields."""

PARTY_BLOCKS: Final = ("party", "holder")
"""Blocks that are personal as a whole."""

SEALED: Final = "sealed"
WITHHELD: Final = "withheld"
KEY_ID_DIGITS: Final = 16
SECRET_BYTES: Final = 64
"""Of a key of AES-256-SIV."""

_SEALED_FIELD: Final = re.compile(rb'"sealed":"(withheld|[0-9a-f]{16}\.[A-Za-z0-9+/]+={0,2})"')
_PARTY: Final = b"backoffice sealed 1"
_WRAPPED: Final = b"backoffice party key 1"


class PartyKeyMade(Message):
    """An owner's key, for those who may open what is sealed under it. A tombstone follows when it is erased.

    The record stands in the partition of its owner's shard before any event that needs it.
    """

    type: Literal["PartyKeyMade"] = "PartyKeyMade"
    owner: Code
    shard: int
    key_id: str
    """What sealed texts name it by: 16 hexadecimal digits."""
    wrapped: str
    """Base64 of the key under the firm's master key."""

    @property
    def wrapped_bytes(self) -> bytes:
        """What `MasterKey.unwrap` takes."""
        return b64decode(self.wrapped)


PARTY_KEY_RECORD: Final[TypeAdapter[PartyKeyMade]] = TypeAdapter(PartyKeyMade)


class CannotOpen(Exception):  # noqa: N818 - a finding: another key, or other bytes than were sealed
    """What is sealed was not sealed under this key for this instruction."""


CIPHERS_MAX: Final = 8_192
"""Of the keys used last: a cipher takes 4 KB and 3.2 µs to make, 1.8 to use; a key alone takes 0.3 KB."""


class PartyKey:
    """An owner's key."""

    __slots__ = ("_cipher", "_secret", "key_id")

    _with_cipher: Final[deque["PartyKey"]] = deque()

    def __init__(self, secret: bytes) -> None:
        self.key_id = sha256(b"backoffice party key id 1" + secret).hexdigest()[:KEY_ID_DIGITS]
        self._secret = secret
        self._cipher: AESSIV | None = None

    @property
    def _siv(self) -> AESSIV:
        cipher = self._cipher
        if cipher is None:
            cipher = self._cipher = AESSIV(self._secret)
            self._with_cipher.append(self)
            if len(self._with_cipher) > CIPHERS_MAX:
                self._with_cipher.popleft()._cipher = None
        return cipher

    def wipe(self) -> None:
        """Forget the secret: nothing is sealed or opened with this any more."""
        self._secret = b""
        self._cipher = None

    def seal(self, instruction_id: str, personal: bytes) -> bytes:
        """Spell fields as the text that stands for them; `personal` is a JSON object, not empty."""
        sealed = self._siv.encrypt(personal, [_PARTY, instruction_id.encode()])
        return b"%b.%b" % (self.key_id.encode(), b2a_base64(sealed, newline=False))

    def open(self, instruction_id: str, text: bytes) -> bytes:
        """Return the fields that a text stands for; raises `CannotOpen`."""
        try:
            return self._siv.decrypt(
                b64decode(text[KEY_ID_DIGITS + 1 :], validate=True), [_PARTY, instruction_id.encode()]
            )
        except (InvalidTag, NotBase64, ValueError):
            raise CannotOpen from None


class MasterKey:
    """The firm's key, under which owners' keys are kept and published."""

    __slots__ = ("_siv",)

    def __init__(self, text: str) -> None:
        """Take it from its setting, base64 of 64 bytes; raises `ValueError`."""
        secret = b64decode(text, validate=True)
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a master key has {SECRET_BYTES} bytes, this one has {len(secret)}")
        self._siv = AESSIV(secret)

    def wrap(self, secret: bytes, shard: int, owner: str) -> bytes:
        """Return a key's secret as it may be kept; of no use for another owner."""
        return self._siv.encrypt(secret, [_WRAPPED, b"%d" % shard, owner.encode()])

    def unwrap(self, wrapped: bytes, shard: int, owner: str) -> PartyKey:
        """Return the key; raises `CannotOpen`."""
        try:
            return PartyKey(self._siv.decrypt(wrapped, [_WRAPPED, b"%d" % shard, owner.encode()]))
        except (InvalidTag, ValueError):
            raise CannotOpen from None


def key_record(shard: int, owner: str, key: PartyKey, wrapped: bytes) -> bytes:
    """Spell the record that publishes a key."""
    made = PartyKeyMade(owner=owner, shard=shard, key_id=key.key_id, wrapped=b64encode(wrapped).decode())
    return made.model_dump_json().encode()


def is_sealed(value: bytes) -> bool:
    """Say whether something is sealed in an instruction's content, or in an event that carries one."""
    return b'"sealed":"' in value


def key_ids_in(value: bytes) -> set[str]:
    """Return the ids of the keys that something is sealed under."""
    return {
        text[:KEY_ID_DIGITS].decode() for text in _SEALED_FIELD.findall(value) if text != WITHHELD.encode()
    }


def opened(value: bytes, instruction_id: str, key: PartyKey) -> bytes:
    """Put the fields back where they are sealed, in the JSON of a content or of an event that carries one.

    What is sealed under another key, or withheld, stays. Raises `CannotOpen` where it was changed.
    """
    key_id = key.key_id.encode()

    def fields(found: re.Match[bytes]) -> bytes:
        text = found[1]
        return key.open(instruction_id, text)[1:-1] if text[:KEY_ID_DIGITS] == key_id else found[0]

    return _SEALED_FIELD.sub(fields, value)
