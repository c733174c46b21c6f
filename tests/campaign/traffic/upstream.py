"""A seeded upstream: its accounts, its days, what it has sent, and how it spells an instruction."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

INSTRUCTIONS: Final = "transactions.instructions.v1"
ENTITY: Final = "BANK"
FIRST_DAY: Final = date(2026, 1, 5)
LISTED: Final = "Listed Name Of The Campaign"


@dataclass(frozen=True, slots=True)
class Sending:
    """One record to send; `partition` None: where its key says."""

    key: bytes | None
    value: bytes | None
    kind: str
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    compressed: bool = False
    """Only passes the broker's limit when compressed."""


@dataclass(slots=True)
class Account:
    """What upstream knows of an account."""

    code: str
    owner: str
    asset: str
    scale: int
    balance: int = 0
    frozen: list[str] = field(default_factory=list)


class Upstream:
    """A seeded upstream: what it knows and has sent, and how it spells things."""

    def __init__(self, seed: int, partitions: int, listed: str = LISTED) -> None:
        self.rng = Random(f"campaign {seed}")
        self.seed = seed
        self.partitions = partitions
        self.listed = listed
        self.accounts: list[Account] = []
        self.recent: list[Sending] = []
        self.day = FIRST_DAY
        self.closed_until = FIRST_DAY - timedelta(days=1)
        self.soft_closed: tuple[date, date] | None = None
        """A period that still takes adjustments."""
        self.customers = 0
        self.freezes = 0
        self.dollars = set[str]()
        self.reserved: list[tuple[Account, str]] = []
        """What was set aside or scheduled: the account, and the id that names it."""
        self.boxes: list[Account] = []
        self.trades: list[tuple[Account, str]] = []
        self.settlements: list[tuple[Account, str]] = []
        """What has settled trades or parts of them, refused or not."""
        self.house_accounts: dict[tuple[str, str], str] = {}
        """(class, asset) → code of ENTITY's accounts, as the chart has them."""

    def house_account(self, account_class: str, asset: str = "EUR") -> str:
        """The code of one of the firm's own accounts, as the chart spells it."""
        return self.house_accounts.get((account_class, asset), f"{ENTITY}-{account_class}-{asset}")

    def some(self) -> Account:
        """One of the accounts, mostly an early one."""
        chance = self.rng.random()
        return self.accounts[int(len(self.accounts) * chance * chance)]

    def spell(self, account: Account, cents: int) -> str:
        """An amount as the account's asset is spelt, from so many hundredths."""
        return f"{cents // 100}.{cents % 100:02d}" if account.scale == 2 else str(max(1, cents // 100))

    def moment(self) -> str:
        """A time around the open day."""
        day = self.day + timedelta(days=self.rng.choice((0, 0, 0, -1, 1)))
        return f"{day.isoformat()}T{self.rng.randrange(24):02d}:{self.rng.randrange(60):02d}:00Z"

    def to(self, account: Account, kind: str, /, **fields: Any) -> Sending:
        """Send something to where the account is at home."""
        return Sending(account.owner.encode(), self.body(kind, account.owner, **fields), kind)

    def body(self, kind: str, owner: str, /, **fields: Any) -> bytes:
        """Spell an instruction of a fresh id."""
        body = {"type": kind, "instruction_id": str(self.new_id()), "owner": owner, **fields}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    def new_id(self) -> UUID:
        """An id that no other record has."""
        return UUID(int=self.rng.getrandbits(128))
