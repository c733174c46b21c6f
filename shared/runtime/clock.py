"""The only place that reads the wall clock, makes ids, or draws secrets."""

import secrets
import time
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def now_ms() -> int:
    """The time in milliseconds since 1970, as Kafka stamps records."""
    return time.time_ns() // 1_000_000


def new_id() -> uuid.UUID:
    """A new time-ordered id (RFC 9562 version 7): neighbours in time are neighbours in an index."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = uuid.uuid4().int & ((1 << 74) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (random_bits >> 62) << 64
    return uuid.UUID(int=value | 0b10 << 62 | random_bits & ((1 << 62) - 1))


def new_secret(size: int) -> bytes:
    """Bytes that nobody can guess, for a key."""
    return secrets.token_bytes(size)
