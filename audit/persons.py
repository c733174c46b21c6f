"""The reference model of rules about a person: the cash of all their customers, by plain loops.

For each run that compliance has stored, everything it had seen of every shard is put together by person.
Each handing over is held against those before it by their own time; one is asked about where it is new, or
something new lies before it, eight weeks away at most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from audit.amounts import LARGEST, read_amount
from audit.flows import ValuesOf

OWN_MATTER: Final = ("holder", "joint_holder", "beneficial_owner", "signatory")
REACH: Final = timedelta(weeks=8)


@dataclass(frozen=True, slots=True)
class Cash:
    """Banknotes that one owner brought or took in one transaction."""

    owner: str
    asset: str
    scale: int
    direction: str
    phase: str
    amount: int
    at: datetime
    day: date
    shard: int
    seq: int
    leg: int
    conductor: str | None = None

    @property
    def reference(self) -> str:
        """The ledger's event."""
        return f"{self.shard}-{self.seq}"


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody has a role with a customer."""

    owner: str
    person: str
    role: str
    since: date | None
    until: date | None

    def counts(self, day: date) -> bool:
        """Whether the customer's cash of a day is theirs."""
        begun = self.since is None or day >= self.since
        return begun and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class ToldOfPerson:
    """What has to be told of a person, about the customer whose cash was the last of it."""

    person: str
    rule: str
    asset: str
    direction: str
    day: date
    owner: str
    pattern: str
    members: tuple[Cash, ...]

    @property
    def key(self) -> tuple[str, str, str, str, date]:
        """What is told once."""
        return (self.person, self.rule, self.asset, self.direction, self.day)


def roles_in(event: Mapping[str, Any]) -> list[Role]:
    """Who has a role with the customer that an account is opened for, or that is told later."""
    instruction = event.get("instruction") or {}
    party = instruction.get("party") or {}
    owner = (event.get("account") or {}).get("owner", "")
    named: list[Mapping[str, Any]] = [
        {"person": party.get("person"), "role": "holder"},
        *(party.get("holders") or ()),
        *([instruction["holder"]] if instruction.get("holder") else ()),
    ]
    return [
        Role(
            owner,
            each["person"],
            each.get("role", "holder"),
            *(_day(each.get(x)) for x in ("since", "until")),
        )
        for each in named
        if each.get("person")
    ]


def tell(
    cash: Mapping[int, Sequence[Cash]],
    roles: Mapping[int, Sequence[Role]],
    runs: Iterable[tuple[Sequence[int], Sequence[int], ValuesOf]],
) -> list[ToldOfPerson]:
    """What every run has to tell; a run is how much cash and how many roles of each shard it had seen."""
    told: dict[tuple[str, str, str, str, date], ToldOfPerson] = {}
    before: tuple[Sequence[int], Sequence[int]] = ((), ())
    for seen, known, values_of in runs:
        news = [
            each
            for shard, count in enumerate(seen)
            for each in cash.get(shard, ())[_at(before[0], shard) : count]
        ]
        handed = [each for shard, count in enumerate(seen) for each in cash.get(shard, ())[:count]]
        new_roles = {
            (each.person, each.owner)
            for shard, count in enumerate(known)
            for each in roles.get(shard, ())[_at(before[1], shard) : count]
            if each.role in OWN_MATTER
        }
        last = {
            (each.person, each.owner, each.role): each
            for shard, count in enumerate(known)
            for each in roles.get(shard, ())[:count]
            if each.role in OWN_MATTER
        }
        persons = {each.person for each in last.values()} | {
            each.conductor for each in handed if each.conductor
        }
        for person in sorted(persons):
            own = [each for each in last.values() if each.person == person]
            mine = [
                each
                for each in handed
                if each.conductor == person
                or any(role.owner == each.owner and role.counts(each.day) for role in own)
            ]
            fresh = {
                id(each)
                for each in mine
                if any(each is new for new in news) or (person, each.owner) in new_roles
            }
            for found in _found(person, sorted(mine, key=_in_time), fresh, values_of):
                told.setdefault(found.key, found)
        before = (seen, known)
    return list(told.values())


def _found(person: str, mine: Sequence[Cash], fresh: set[int], values_of: ValuesOf) -> Iterable[ToldOfPerson]:
    for rule, left_out, patterns_of in (("CTR-1", "pending", _reportable), ("STR-1", "settled", _structured)):
        counted = [each for each in mine if each.phase != left_out]
        for place, cash in enumerate(counted):
            earlier = [each for each in counted[:place] if each.asset == cash.asset]
            is_asked = any(
                id(each) in fresh and abs(each.day - cash.day) <= REACH for each in (*earlier, cash)
            )
            values = values_of(rule, cash.asset, cash.day) if is_asked else None
            if values is None:
                continue
            for pattern, members in patterns_of(values, earlier, cash):
                if len({each.owner for each in members}) > 1:
                    yield ToldOfPerson(
                        person,
                        rule,
                        cash.asset,
                        cash.direction,
                        cash.day,
                        cash.owner,
                        pattern,
                        tuple(members),
                    )
                    break


def _reportable(
    values: Mapping[str, Any], earlier: Sequence[Cash], cash: Cash
) -> Iterable[tuple[str, list[Cash]]]:
    same = [each for each in earlier if (each.day, each.direction) == (cash.day, cash.direction)]
    if sum(each.amount for each in (*same, cash)) > _minor(values["over"], cash.scale):
        yield "", [*same, cash]


def _structured(
    values: Mapping[str, Any], earlier: Sequence[Cash], cash: Cash
) -> Iterable[tuple[str, list[Cash]]]:
    low, high, over = (_minor(values[name], cash.scale) for name in ("band_from", "band_below", "over"))
    if cash.amount > over:
        return
    in_band = low <= cash.amount < high
    banded = [each for each in earlier if low <= each.amount < high]
    span = timedelta(hours=int(values["hours"]))
    near = [each for each in banded if cash.at - each.at < span and abs(each.day - cash.day) <= REACH]
    if in_band and len(near) + 1 >= int(values["count"]):
        yield "many_in_band", [*near, cash]
    parts = [
        each
        for each in earlier
        if (each.day, each.direction) == (cash.day, cash.direction) and each.amount <= over
    ]
    if sum(each.amount for each in (*parts, cash)) > over:
        yield "day_in_parts", [*parts, cash]
    monday = cash.day - timedelta(days=cash.day.weekday())
    weeks = [
        [
            each
            for each in banded
            if monday - timedelta(weeks=back) <= each.day < monday + timedelta(weeks=1 - back)
        ]
        for back in range(int(values["weeks"]))
    ]
    if in_band and all(weeks[1:]):
        yield "weekly", [*(each for week in weeks for each in week), cash]


def _in_time(cash: Cash) -> tuple[Any, ...]:
    return (cash.at, cash.shard, cash.seq, cash.leg, cash.owner, cash.direction)


def _at(counts: Sequence[int], shard: int) -> int:
    return counts[shard] if counts else 0


def _minor(text: str, scale: int) -> int:
    amount = read_amount(str(text), scale)
    return amount if isinstance(amount, int) else LARGEST


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
