"""What the decisions of a batch take from outside the shard's memory: read beforehand, or found lacking."""

from dataclasses import dataclass, field
from typing import NamedTuple

from services.transactions.domain.chart import Account
from services.transactions.domain.open_pendings import EndedTrade
from services.transactions.domain.originals import MovementId, Original, Used
from services.transactions.domain.value_dates import Nets, Past


class First(NamedTuple):
    """A first outcome of an earlier batch."""

    seq: int
    content_hash: bytes
    kind: str
    reason: str | None
    content: bytes | None
    is_member: bool = False
    """Whether its id was taken for a member of a group."""


@dataclass(slots=True)
class Outside:
    """What the decisions of a batch take from outside the shard's memory."""

    firsts: dict[str, First] = field(default_factory=dict)
    """First outcomes of the instructions that were known before, by id."""
    stopped: dict[int, int] = field(default_factory=dict)
    """Foreign accounts that something stops now: directions frozen, closing, closed."""
    knows_all_stops: bool = False
    """Whether those are all there are, and not only the ones that the batch was known to touch."""
    credits: dict[int, int] = field(default_factory=dict)
    """What other shards have credited to accounts whose funds here are short."""
    ahead: dict[int, Nets] = field(default_factory=dict)
    """What of these credits has its value on a day to come."""
    past: dict[int, Past] = field(default_factory=dict)
    """What was posted on accounts at home since days gone by, where a request has its value on one."""
    reserved: dict[int, int] = field(default_factory=dict)
    """What other shards have pending as credits to these accounts."""
    opened: dict[str, Account] = field(default_factory=dict)
    """Accounts that lower shards open in the same batch under codes wanted here too."""
    within: dict[str, tuple[Account, ...]] = field(default_factory=dict)
    """By custody account that is to be closed: the accounts within it that were opened before."""
    absent: set[str] = field(default_factory=set)
    """Codes of which there is no account: they were looked for."""
    originals: dict[tuple[int, str], Original] = field(default_factory=dict)
    """What has come of instructions that others name, by shard and id."""
    ended: dict[str, EndedTrade] = field(default_factory=dict)
    """Trades of which originals are parts and nothing is pending, by instruction id."""
    items: dict[int, Original] = field(default_factory=dict)
    """What was posted at home here under numbers that instructions name, by seq."""
    uses: dict[MovementId, Used] = field(default_factory=dict)
    """Movements of these and of originals that were used before."""


@dataclass(slots=True)
class Wanted:
    """What the decisions about a batch need and the shard's memory lacks."""

    codes: set[str] = field(default_factory=set)
    """Accounts that nobody remembers; they may exist all the same."""
    rows: set[int] = field(default_factory=set)
    """Accounts whose balance here has not been met."""

    def __bool__(self) -> bool:
        return bool(self.codes or self.rows)

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(self.codes | other.codes, self.rows | other.rows)
