"""What moved for an owner in an asset, as the auditor reads it, and what rules may ask of it: plain loops."""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from audit.amounts import LARGEST, read_amount
from audit.wire import HOUSE

Event = Mapping[str, Any]

KEPT: Final = 500
KEPT_FOR: Final = timedelta(days=30)
TOLERATED: Final = timedelta(minutes=10)
HOURS: Final = 25
DAYS: Final = 31
WEEK: Final = 8
PARTNERS: Final = 1024
EXEMPT_CHANNELS: Final = ("card", "atm", "internal")
_ZERO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a transaction brought (above 0) or took from one owner in one asset."""

    owner: str
    asset: str
    account: str
    scale: int
    amount: int
    at: datetime
    day: date
    reference: str
    partner: str
    country: str
    missing: str
    outside: bool = False
    """Whether the partner is outside the firm, so that nothing moved for them."""
    traded: bool = False
    """Whether it was bought or sold."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An account was opened for somebody."""

    owner: str
    asset: str
    account: str
    at: datetime
    segment: str
    country: str


def event_time(event: Event) -> datetime:
    """When it happened by upstream, but never after the ledger recorded it; what was scheduled, then."""
    recorded_at = datetime.fromisoformat(event["recorded_at"])
    given = None if event.get("executes") else (event.get("instruction") or {}).get("occurred_at")
    return min(datetime.fromisoformat(given), recorded_at) if given else recorded_at


def movements_of(event: Event) -> list[Moved | Opened]:
    """Everything in an event that belongs into somebody's window."""
    instruction = event.get("instruction") or {}
    at = event_time(event)
    if event["type"] == "InstructionApplied":
        if instruction.get("type") != "open_account":
            return []
        party, account = instruction.get("party") or {}, event["account"]
        segment, country = party.get("kind") or "", party.get("country") or ""
        return [Opened(account["owner"], event["asset"], account["account"], at, segment, country)]
    if event.get("first") is not None or event.get("resolves") is not None:
        return []
    if is_undoing(event):
        return []
    found: dict[tuple[str, str, int], Moved] = {}
    for movement in event["movements"]:
        ends = (movement["debit"], movement["credit"])
        if movement["kind"] != "principal" or ends[0]["owner"] == ends[1]["owner"]:
            continue
        size = read_amount(movement["amount"], movement["scale"])
        assert isinstance(size, int)
        for end, other, sign in ((ends[0], ends[1], -1), (ends[1], ends[0], 1)):
            if end["owner"] == HOUSE:
                continue
            key = (end["owner"], movement["asset"], sign)
            before = found.get(key)
            partner, country, missing = _partner(instruction, other["owner"], comes=sign > 0)
            found[key] = Moved(
                owner=end["owner"],
                asset=movement["asset"],
                account=before.account if before else end["account"],
                scale=movement["scale"],
                amount=sign * min(LARGEST, size + (abs(before.amount) if before else 0)),
                at=at,
                day=date.fromisoformat(event["booking_date"]),
                reference=f"{event['shard']}-{event['seq']}",
                partner=partner,
                country=country,
                missing=missing,
                outside=other["owner"] == HOUSE,
                traded=instruction.get("type") == "trade",
            )
    return list(found.values())


def is_undoing(event: Event) -> bool:
    """Whether it puts right what was booked: the customer does nothing."""
    return (event.get("instruction") or {}).get("type") in {"reversal", "return"}


def _partner(instruction: Event, other: str, *, comes: bool) -> tuple[str, str, str]:
    """Whom it came from or went to, their country, and what is not told of them."""
    payment = instruction.get("payment")
    if other != HOUSE or payment is None:
        return (other if other != HOUSE else ""), "", ""
    side = "debtor" if comes else "creditor"
    party = payment.get(side) or {}
    name = party.get("account") or party.get("identifier") or party.get("name") or ""
    country = party.get("country") or (payment.get(f"{side}_agent") or "")[4:6]
    channel = instruction.get("channel") or {}
    exempt = channel.get("cash") or channel.get("channel") in EXEMPT_CHANNELS
    lacking = [f"{side}.{each}" for each in ("name", "account") if not party.get(each)]
    return name, country, "" if exempt else ",".join(lacking)


@dataclass(slots=True)
class History:
    """All that moved for one owner in one asset so far, the last of it under judgement."""

    moved: list[Moved] = field(default_factory=list[Moved])
    in_time: list[Moved] = field(default_factory=list[Moved])
    """The same by event time; at one time in the order in which they came."""
    opened: datetime | None = None
    segment: str = ""
    country: str = ""
    accounts: dict[str, datetime] = field(default_factory=dict[str, datetime])
    partners: dict[tuple[str, bool], int] = field(default_factory=dict[tuple[str, bool], int])
    latest: datetime | None = None
    # About the last:
    late: bool = False
    now: datetime = _ZERO
    idle: timedelta | None = None
    met: int = 0

    def take(self, each: Moved | Opened) -> None:
        """Add what happened next."""
        if isinstance(each, Opened):
            self.segment, self.country = each.segment or self.segment, each.country or self.country
            self.accounts.setdefault(each.account, each.at)
            self.opened = each.at if self.opened is None else min(self.opened, each.at)
            return
        before = self.latest
        self.late = before is not None and before - each.at > TOLERATED
        self.latest = each.at if before is None else max(before, each.at)
        self.now = each.at if self.late else self.latest
        last = self.accounts.get(each.account)
        self.idle = None if last is None else each.at - last
        self.accounts[each.account] = each.at if last is None else max(last, each.at)
        self.opened = self.opened or each.at
        self.moved.append(each)
        insort(self.in_time, each, key=_when)
        self.met = 0
        if each.partner:
            key = (each.partner, each.amount > 0)
            self.met = self.partners.get(key, 0)
            self.partners[key] = self.met + 1
            if len(self.partners) > PARTNERS:
                self.partners.pop(next(iter(self.partners)))
        if self.late:
            self.met = self._met_before(each)

    def _met_before(self, each: Moved) -> int:
        """How often somebody's partner had been met before, without what is kept that came after it."""
        if not each.partner:
            return 0
        alike = 0
        for later in reversed(self.kept()):
            if later is each:
                break
            alike += (later.partner, later.amount > 0) == (each.partner, each.amount > 0)
        return max(0, self.partners.get((each.partner, each.amount > 0), 0) - 1 - alike)

    @property
    def is_disordered(self) -> bool:
        """Whether the last lies behind the latest."""
        return self.latest is not None and self.moved[-1].at < self.latest

    def since_last(self) -> list[Moved]:
        """What is kept after the last, in time, and the last itself unless it was judged as of its own."""
        kept, last = self.kept(), self.moved[-1]
        own = next((place for place, each in enumerate(kept) if each is last), len(kept))
        return kept[own + 1 :] if self.late else kept[own:]

    def as_of(self, each: Moved) -> "History":
        """The same, looked at as of something that moved before: it has all that was kept, but ends there."""
        return replace(self, late=True, now=each.at, idle=None, met=self._met_before(each))

    def kept(self) -> list[Moved]:
        """What rules may look at: the last of the latest days, by event time."""
        assert self.latest is not None
        oldest = self.latest - KEPT_FOR
        return [each for each in self.in_time[-KEPT:] if each.at > oldest]

    def ahead(self) -> list[Moved]:
        """What is kept and lies after now."""
        return [each for each in self.kept() if each.at > self.now]

    def within(self, time: timedelta) -> list[Moved]:
        """What is kept and lies less than a time before now, in event time."""
        return [each for each in self.kept() if self.now - time < each.at <= self.now]

    def counted(self, *, hours: int = 0, days: int = 0) -> tuple[list[Moved], int]:
        """All in the buckets of so many hours or days up to now, and what they add up to."""
        grain, held, count = (_HOUR, HOURS, hours) if hours else (_DAY, DAYS, days)
        assert self.latest is not None
        newest, last = (self.latest - _ZERO) // grain, (self.now - _ZERO) // grain
        inside = [
            each
            for each in self.moved
            if max(newest - held, last - count) < (each.at - _ZERO) // grain <= last
        ]
        return inside, volume(inside)


def volume(moved: Iterable[Moved]) -> int:
    """What came and went, together."""
    return sum(abs(each.amount) for each in moved)


def _when(each: Moved) -> datetime:
    return each.at
