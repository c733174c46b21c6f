"""What every act carries."""

from hashlib import blake2b
from typing import ClassVar
from uuid import UUID

from shared.messages.envelope import Code, Message, Text


class ActBase(Message):
    """What every act carries."""

    conditions: ClassVar[frozenset[str]] = frozenset({"seen"})
    """Fields that say what the actor has seen, and not what is asked."""

    act_id: UUID
    actor: Code
    reason: Text


def content_hash_of(act: ActBase) -> bytes:
    """Return what tells an act's content from another's: BLAKE2b, 128 bits, over all but its conditions."""
    content = act.model_dump_json(by_alias=True, exclude=set(act.conditions))
    return blake2b(content.encode(), digest_size=16).digest()
