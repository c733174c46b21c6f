"""The simulated upstream's memory: its clock, ids and accounts, and how it spells an instruction.

JSON is put together by hand, since a load generator must not be slower than what it loads; a test
holds every record against `shared.messages.instructions`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from backoffice.simulator.population import Account

if TYPE_CHECKING:
    from backoffice.simulator.people import Person

DAY_START_MS: Final = 7 * 3_600_000
DAY_LENGTH_MS: Final = 13 * 3_600_000
APART: Final = 5_000
"""How many records one shard may be ahead of another when all is sent at once."""
RECENT: Final = 512
"""How many records back a repeated one may lie."""


class SimulatedRecord(NamedTuple):
    """One record to publish. A tuple, not a dataclass: it is made 100,000 times a second."""

    key: bytes
    value: bytes
    partition: int | None
    """Where it must go; None: where its key says."""
    kind: str
    """What it is meant to be: a kind of traffic, or `wrong_…`, `repeated`, `unreadable`."""


class Upstream:
    """What the simulated upstream knows while its days go by."""

    __slots__ = (
        "accounts",
        "accrued",
        "authorised",
        "by_asset",
        "closings",
        "custody",
        "customers",
        "date_text",
        "day_ms",
        "freezes",
        "frozen",
        "listed_names",
        "now_ms",
        "ordered",
        "pairs",
        "partitions",
        "people",
        "random",
        "recent",
        "recent_count",
        "rng",
        "seed",
        "short_lived",
        "step_ms",
        "unfunded",
        "unsettled",
    )

    def __init__(self, *, seed: int, partitions: int, listed_names: Sequence[str]) -> None:
        """Start with nobody and nothing; all chance comes from the seed."""
        self.seed = seed
        self.partitions = partitions
        self.listed_names = tuple(listed_names)
        self.rng = Random(f"backoffice upstream {seed}")  # noqa: S311 - repeatable on purpose
        self.random = self.rng.random
        self.accounts: list[Account] = []
        self.by_asset: dict[str, list[Account]] = {}
        self.pairs: list[tuple[Account, Account]] = []
        """Accounts of one customer in two assets."""
        self.custody: dict[str, dict[str, int]] = {}
        """By the customer, what is in the custody account."""
        self.unsettled: list[tuple[str, str]] = []
        """Trades that are not settled yet: owner and id."""
        self.accrued: dict[str, tuple[str, int]] = {}
        """By account: the series in which interest accrues, and how much so far, in millionths."""
        self.customers = 0
        self.people: list[Person] = []
        """Who has a role with several customers, in the order in which they came."""
        self.unfunded: list[Account] = []
        self.frozen: list[Account] = []
        self.freezes = 0
        self.authorised: list[tuple[Account, str, int]] = []
        """What is set aside: the account, the id that names it, and the amount."""
        self.ordered: list[tuple[Account, str, int]] = []
        """What is on order for a later day, in the same way."""
        self.short_lived: list[tuple[int, Account]] = []
        """Accounts on their way to be closed, each with its next step."""
        self.closings = 0
        self.recent: list[SimulatedRecord] = []
        self.recent_count = 0
        self.date_text = ""
        self.day_ms = 0
        self.now_ms = 0
        self.step_ms = 0

    def begin_day(self, day: date, instructions: int) -> None:
        """Move the clock to the morning; so many instructions are spread over the day."""
        self.date_text = day.isoformat()
        self.day_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        self.now_ms = self.day_ms + DAY_START_MS
        self.step_ms = max(1, DAY_LENGTH_MS // (instructions + 1))

    def new_id(self) -> str:
        """Spell a time-ordered id (version 7) of the simulated time and the seed's chance."""
        chance = self.rng.getrandbits(74)
        stamp = f"{self.now_ms:012x}"
        return (
            f"{stamp[:8]}-{stamp[8:]}-7{chance >> 62:03x}"
            f"-{0x8000 | chance >> 48 & 0x3FFF:04x}-{chance & 0xFFFFFFFFFFFF:012x}"
        )

    def occurred_at(self) -> str:
        """Spell the simulated time."""
        seconds, milliseconds = divmod(self.now_ms - self.day_ms, 1000)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{self.date_text}T{hour:02d}:{minute:02d}:{second:02d}.{milliseconds:03d}Z"

    def instruct(
        self,
        kind: str,
        type_: str,
        owner: str,
        fields: str,
        *,
        key: bytes | None = None,
        partition: int | None = None,
    ) -> SimulatedRecord:
        """Spell an instruction whose own fields are given as JSON without braces."""
        value = (
            f'{{"type":"{type_}","instruction_id":"{self.new_id()}","owner":"{owner}",'
            f'"occurred_at":"{self.occurred_at()}",{fields}}}'
        )
        return SimulatedRecord(owner.encode() if key is None else key, value.encode(), partition, kind)

    def remember(self, record: SimulatedRecord) -> None:
        """Keep a good record, so that it can come again."""
        if self.recent_count < RECENT:
            self.recent.append(record)
        else:
            self.recent[self.recent_count % RECENT] = record
        self.recent_count += 1

    def some_account(self) -> Account:
        """Pick an account; older customers do more."""
        chance = self.random()
        return self.accounts[int(len(self.accounts) * chance * chance)]

    def payee_for(self, account: Account) -> Account | None:
        """Pick somebody to send money to, in the same asset.

        Order holds within a partition only, so an account in another one is paid when it is older than
        the shards may be apart: upstream would not know it sooner.
        """
        peers = self.by_asset[account.asset]
        for _ in range(6):
            peer = peers[int(self.random() * len(peers))]
            known = peer.partition == account.partition or self.recent_count - peer.opened_at > APART
            if peer is not account and known:
                return peer
        return None

    def spending_account(self, needed: int) -> Account | None:
        """Pick an unfrozen account with at least so much on it, if a few looks find one."""
        for _ in range(4):
            account = self.some_account()
            if account.balance >= needed and account.frozen is None:
                return account
        return None

    def exchanging_pair(self, needed: int) -> tuple[Account, Account] | None:
        """Pick two accounts of one customer that may exchange so much of the first one's asset."""
        for _ in range(4 if self.pairs else 0):
            gives, takes = self.pairs[int(self.random() * len(self.pairs))]
            if gives.balance >= needed and gives.frozen is None and takes.frozen is None:
                return gives, takes
        return None


def money(minor: int) -> str:
    """Spell minor units of an asset with two decimals."""
    return f"{minor // 100}.{minor % 100:02d}"


Maker = Callable[[Upstream], SimulatedRecord]
"""Makes one record of a kind of traffic."""
