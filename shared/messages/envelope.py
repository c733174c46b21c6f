"""What all messages have in common: strict producers, lenient consumers, codes, places and headers."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.messages.kinds import HOUSE as HOUSE

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$"

Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN)]
"""An opaque identifier chosen by somebody: owner, account, entity, asset. ASCII, 1-64 characters."""

REFERENCE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$"
TEXT_PATTERN: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"

Reference = Annotated[str, StringConstraints(min_length=1, max_length=140, pattern=REFERENCE_PATTERN)]
"""A business reference: 1-140 characters (ISO 20022 Max140Text), no control characters."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT_PATTERN)]
"""Words written by a person or another system."""


RiskClass = Literal["low", "medium", "high"]
"""How likely a customer is to launder money or to pay for terrorism, as compliance has rated them."""


class Message(BaseModel):
    """Base of every message. Unknown fields are ignored when read; nothing is coerced."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        strict=True,
        populate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


class Place(Message):
    """Where a record stands in Kafka."""

    topic: str
    partition: int
    offset: int


class Number(Message):
    """An event of a service's journal: `seq` is without gaps in its `shard`."""

    shard: int
    seq: int


class Event(Message):
    """What a service says happened; the same fields open every event of every service."""

    shard: int
    """The shard whose writer made the event."""
    seq: int
    """The event's number in its shard, without gaps, from 1."""
    recorded_at: datetime
    """The writer's time, strictly increasing in a shard from batch to batch."""


def canonical_json(value: Any) -> bytes:
    """Spell a JSON value in the one way that hashes are taken over: sorted keys, no spaces, UTF-8."""
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
