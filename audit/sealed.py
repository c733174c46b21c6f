"""What is sealed in contents and events, opened with the keys that are published; by the contract's words.

A sealed text is a key's id, a dot, and base64 of a JSON object under AES-256-SIV, with the instruction's id
as associated data. A key is published under the firm's master key, in the same way.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PERSONAL: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor", "remittance")
"""Of a payment."""

WHOLE: Final = ("party", "holder")
"""Blocks that are personal as a whole: whom an account is opened for, and who has a role with a customer."""

WITHHELD: Final = "withheld"

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that are published and not erased, by shard and owner."""

    known: Mapping[tuple[int, str], tuple[str, AESSIV]] = field(
        default_factory=dict[tuple[int, str], tuple[str, AESSIV]]
    )

    def fields(self, shard: int, owner: str, instruction_id: str, text: str) -> dict[str, Any] | None:
        """Return what a sealed text stands for; none if it is withheld or its key is gone."""
        named, _, spelled = text.partition(".")
        key = self.known.get((shard, owner))
        if key is None or key[0] != named:
            return None
        parts = [b"backoffice sealed 1", instruction_id.encode()]
        found: dict[str, Any] = json.loads(key[1].decrypt(base64.b64decode(spelled), parts))
        return found


def read_keys(published: Iterable[tuple[int, bytes | None, bytes | None]], master_key: bytes) -> Keys:
    """Unwrap the last key of each owner; records are partition, key and value, in the order of offsets."""
    last: dict[tuple[int, str], bytes] = {}
    for partition, key, value in published:
        place = (partition, (key or b"").decode())
        if value:
            last[place] = value
        else:
            last.pop(place, None)
    master = AESSIV(master_key)
    known: dict[tuple[int, str], tuple[str, AESSIV]] = {}
    for (shard, owner), value in last.items():
        wrapped = base64.b64decode(json.loads(value)["wrapped"])
        try:
            secret = master.decrypt(wrapped, [b"backoffice party key 1", str(shard).encode(), owner.encode()])
        except InvalidTag:
            continue  # not this owner's: whoever needs it will miss it
        name = hashlib.sha256(b"backoffice party key id 1" + secret).hexdigest()[:16]
        known[shard, owner] = (name, AESSIV(secret))
    return Keys(known)


def opened(keys: Keys, shard: int, content: Content) -> dict[str, Any]:
    """Put back what is sealed in a content, as far as the key is there."""
    return _opened(keys, shard, content, (content.get("owner", ""), content.get("instruction_id", "")))


def _opened(keys: Keys, shard: int, content: Content, said: tuple[str, str]) -> dict[str, Any]:
    owner, instruction_id = said
    found = dict(content)
    if isinstance(found.get("members"), list):
        found["members"] = [
            _opened(keys, shard, each, said) if isinstance(each, dict) else each for each in found["members"]
        ]
    for name in (*WHOLE, "payment"):
        block = found.get(name)
        if isinstance(block, dict) and "sealed" in block:
            fields = _fields(keys, shard, owner, instruction_id, block["sealed"])
            if fields is not None:
                found[name] = {key: value for key, value in block.items() if key != "sealed"} | fields
    if isinstance(found.get("sealed"), str):
        fields = _fields(keys, shard, owner, instruction_id, found["sealed"])
        if fields is not None:
            del found["sealed"]
            found |= fields
    return found


def _fields(keys: Keys, shard: int, owner: str, instruction_id: str, text: str) -> dict[str, Any] | None:
    try:
        return keys.fields(shard, owner, instruction_id, text)
    except (InvalidTag, ValueError):
        return {"unopenable": text}


def has_erased(detail: Content) -> bool:
    """Say whether an event's detail tells that an owner was erased."""
    return detail.get("act") == "erase_party" and detail.get("done") is True


def public(content: Content) -> dict[str, Any]:
    """Return what of a content is kept as it is, with what is sealed blotted out."""
    found = dict(content)
    if isinstance(found.get("members"), list):
        found["members"] = [public(each) if isinstance(each, dict) else each for each in found["members"]]
    found |= {name: {"sealed": None} for name in WHOLE if isinstance(found.get(name), dict)}
    payment = found.get("payment")
    if isinstance(payment, dict):
        kept = {name: value for name, value in payment.items() if name not in (*PERSONAL, "sealed")}
        sealed = len(kept) < len(payment)
        found["payment"] = kept | ({"sealed": None} if sealed else {})
    return found


def shows_personal(content: Content) -> bool:
    """Say whether anything personal stands in a content of a well-formed instruction for all to read."""
    if any(shows_personal(each) for each in _members(content)):
        return True
    blocks = [content[name] for name in WHOLE if isinstance(content.get(name), dict)]
    if any(set(each) != {"sealed"} for each in blocks):
        return True
    payment = content.get("payment")
    return isinstance(payment, dict) and not set(PERSONAL).isdisjoint(payment)


def is_sealed(content: Content) -> bool:
    """Say whether anything is left in it that is sealed."""
    if any(is_sealed(each) for each in _members(content)):
        return True
    blocks = (content, *map(content.get, (*WHOLE, "payment")))
    return any(isinstance(each, dict) and isinstance(each.get("sealed"), str) for each in blocks)


def kept_size(content: Content) -> int:
    """Return how many bytes a content takes when what is personal in it is sealed."""
    size = len(_spelled(public(content)))
    for holder in (content, *_members(content)):
        blotted = public(holder)
        for name in (*WHOLE, "payment"):
            block = holder.get(name)
            if isinstance(block, dict) and "sealed" in blotted[name]:
                personal = {each: block[each] for each in PERSONAL if each in block}
                sealed = 16 + len(_spelled(personal if name == "payment" else block))
                size += 17 + 4 * ((sealed + 2) // 3) + len('""') - len("null")
    return size


def _members(content: Content) -> Sequence[Content]:
    """Instructions within another one."""
    found = content.get("members")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _spelled(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
