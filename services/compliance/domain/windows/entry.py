"""What a window takes in: one end of a transaction, as small as rules need it."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

SECOND: Final = 1_000_000
"""Event time is in whole microseconds since 1970."""
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one transaction moved for one owner in one asset and direction, or that an account was opened."""

    owner: str
    asset: str
    account: str
    scale: int
    amount: int
    """Minor units: above 0 came in, below 0 went out, 0 where an account was opened."""
    at: int
    """Event time."""
    day: int
    """The business day, as `date.toordinal` counts."""
    shard: int
    seq: int
    other: int = 0
    """Whom it came from or went to, hashed to an even number; 0 where nobody is named (banknotes)."""
    country: str = ""
    """Of the other side, if it is outside the firm and told: ISO 3166-1 alpha-2."""
    missing: str = ""
    """What a payment between institutions lacks of what has to travel with it; names of fields."""
    segment: str = ""
    """Of an opening: what kind of party the customer is."""
    residence: str = ""
    """Of an opening: the customer's country."""
    outside: bool = False
    """Whether the other side is outside the firm, so that it has no entry of its own."""
    traded: bool = False
    """Whether it was bought or sold."""

    @property
    def reference(self) -> str:
        """The ledger's event, as `shard-seq`."""
        return f"{self.shard}-{self.seq}"

    @property
    def booking_date(self) -> date:
        """The business day."""
        return date.fromordinal(self.day)


def instant(at: datetime) -> int:
    """Return an instant as event time."""
    return (at - _EPOCH) // _MICROSECOND


def counterparty(name: str) -> int:
    """Return the number that stands for a counterparty: it keeps no name, and an equal one is equal."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> 2 << 1


number_of: Final = lru_cache(maxsize=65_536)(counterparty)
"""The same of an owner, remembered; of names outside none is."""
