"""Made-up transactions with laundering among them, labelled: what rules are measured on.

Ordinary parties pay the same few again and again: wages, rent, shops, friends, now and then somebody new. The
patterns are those of Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023),
and of FATF's reports: small (7 to 8 transactions), spread over days, amounts like anybody's. Parties of a
pattern are ordinary ones beside. Of all thresholds only the law's 10,000 in banknotes is known here. The same
seed gives the same file.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

PARTY_PURCHASES_A_WEEK: Final = 5
NEW_PAYEE_SHARE: Final = 0.04
SHOP_SHARE: Final = 0.05
ORDINARY_SHARE: Final = 0.5
"""Of the days, before any laundering begins: what is usual for whom has to be seen first."""
BUSINESSES: Final = ("EMPLOYER-", "LANDLORD-", "SHOP-")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A transaction; `pattern` is empty for an ordinary one, payer or payee for the till."""

    at: datetime
    payer: str
    payee: str
    amount_minor: int
    pattern: str = ""
    case: str = ""
    cash: bool = False


Step = tuple[float, str, str, float]
"""Days after the beginning, payer, payee, amount."""


@dataclass(slots=True)
class Scene:
    """What a pattern is made with: chance, parties, and one amount that most of it turns on."""

    rng: Random
    parties: list[str]
    amount: float

    def some(self, count: int) -> list[str]:
        """So many different parties."""
        return self.rng.sample(self.parties, count)

    def near(self, amount: float, share: float = 0.1) -> float:
        """An amount about as large."""
        return amount * self.rng.uniform(1 - share, 1 + share)

    def within(self, days: float) -> float:
        """A moment within so many days."""
        return self.rng.uniform(0, days)


def _fan_in(scene: Scene) -> Iterator[Step]:
    centre, *others = scene.some(scene.rng.randint(6, 9))
    for other in others:
        yield scene.within(4), other, centre, scene.near(scene.amount, 0.5)


def _fan_out(scene: Scene) -> Iterator[Step]:
    centre, *others = scene.some(scene.rng.randint(6, 9))
    for other in others:
        yield scene.within(4), centre, other, scene.near(scene.amount, 0.5)


def _cycle(scene: Scene) -> Iterator[Step]:
    ring = scene.some(scene.rng.randint(3, 6))
    for payer, payee in zip(ring, [*ring[1:], ring[0]], strict=True):
        yield scene.within(4), payer, payee, scene.near(scene.amount)


def _gather_scatter(scene: Scene) -> Iterator[Step]:
    centre, *others = scene.some(9)
    for other in others[:4]:
        yield scene.within(3), other, centre, scene.near(scene.amount)
    for other in others[4:]:
        yield 3 + scene.within(3), centre, other, scene.near(scene.amount * 0.78)


def _scatter_gather(scene: Scene) -> Iterator[Step]:
    source, sink, *others = scene.some(7)
    for other in others:
        first = scene.within(2)
        share = scene.near(scene.amount)
        yield first, source, other, share
        yield first + 0.2 + scene.within(2), other, sink, share * 0.95


def _stack(scene: Scene) -> Iterator[Step]:
    layers = [scene.some(2) for _ in range(4)]
    for depth, (payers, payees) in enumerate(pairwise(layers)):
        for payer, payee in zip(payers, payees, strict=True):
            if payer != payee:
                yield depth + scene.within(0.9), payer, payee, scene.near(scene.amount * 0.97**depth, 0.02)


def _bipartite(scene: Scene) -> Iterator[Step]:
    parties = scene.some(7)
    for payer in parties[:3]:
        for payee in scene.rng.sample(parties[3:], 3):
            yield scene.within(4), payer, payee, scene.near(scene.amount, 0.3)


def _structuring(scene: Scene) -> Iterator[Step]:
    [party] = scene.some(1)
    for _ in range(scene.rng.randint(4, 7)):
        yield scene.within(2), "", party, scene.rng.uniform(8_100, 9_950)


def _smurfing(scene: Scene) -> Iterator[Step]:
    centre, *others = scene.some(scene.rng.randint(5, 7))
    for other in others:
        yield scene.within(3.5), other, centre, scene.rng.uniform(8_100, 9_950)


def _rapid_movement(scene: Scene) -> Iterator[Step]:
    source, centre, *others = scene.some(4)
    total = scene.near(scene.amount * 3)
    yield 0.0, source, centre, total
    for other in others:
        yield 0.1 + scene.within(1.5), centre, other, total * 0.46


def _dormant(scene: Scene) -> Iterator[Step]:
    sleeper, source, sink = f"SLEEPER-{scene.rng.getrandbits(32):08x}", *scene.some(2)
    yield -100.0, source, sleeper, 25.0
    yield scene.within(1), source, sleeper, scene.near(scene.amount * 2)
    yield 1.5 + scene.within(2), sleeper, sink, scene.near(scene.amount * 1.7)


def _mirror(scene: Scene) -> Iterator[Step]:
    source, mule, sink = scene.some(3)
    for round_ in range(3):
        amount = scene.near(scene.amount)
        kept = scene.rng.choice((1.0, 0.9))
        yield round_ * 1.5, source, mule, amount
        yield round_ * 1.5 + 0.05 + scene.within(0.6), mule, sink, amount * kept


PATTERNS: Final[Mapping[str, Callable[[Scene], Iterator[Step]]]] = {
    "fan_in": _fan_in,
    "fan_out": _fan_out,
    "cycle": _cycle,
    "gather_scatter": _gather_scatter,
    "scatter_gather": _scatter_gather,
    "stack": _stack,
    "bipartite": _bipartite,
    "structuring": _structuring,
    "smurfing": _smurfing,
    "rapid_movement": _rapid_movement,
    "dormant": _dormant,
    "mirror": _mirror,
}


def labelled(*, seed: int, parties: int, days: int, cases: int, start: date) -> list[Labelled]:
    """Make ordinary traffic of so many parties, and so many cases of each pattern, in order of time."""
    rng = Random(f"laundering {seed}")  # noqa: S311 - repeatable on purpose
    names = [f"P{number:06}" for number in range(parties)]
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    made = [each for name in names for each in _ordinary(rng, name, names, begin, days)]
    for pattern, steps in PATTERNS.items():
        for number in range(1, cases + 1):
            made += _case(rng, pattern, steps, f"{pattern}-{number}", names, begin, days)
    return sorted(made, key=lambda each: (each.at, each.payer, each.payee))


def laundering_since(start: date, days: int) -> date:
    """The first day on which there may be laundering."""
    return start + timedelta(days=int(days * ORDINARY_SHARE))


def segment_of(party: str) -> str:
    """What a bank knows of its customer: `person` or `organisation`."""
    return "organisation" if party.startswith(BUSINESSES) else "person"


def _case(
    rng: Random,
    pattern: str,
    steps: Callable[[Scene], Iterator[Step]],
    case: str,
    names: list[str],
    begin: datetime,
    days: int,
) -> Iterator[Labelled]:
    scene = Scene(rng, names, rng.lognormvariate(8.3, 0.5))
    quiet = days * ORDINARY_SHARE
    first = begin + timedelta(days=rng.uniform(quiet, max(quiet, days - 9)))
    for after, payer, payee, amount in steps(scene):
        is_early = after < 0
        yield Labelled(
            at=_second(first + timedelta(days=after)),
            payer=payer,
            payee=payee,
            amount_minor=max(1, round(amount * 100)),
            pattern="" if is_early else pattern,
            case="" if is_early else case,
            cash=not payer,
        )


def _ordinary(rng: Random, name: str, names: list[str], begin: datetime, days: int) -> Iterator[Labelled]:
    """What one party does: a wage, a rent, shops, friends, banknotes, now and then somebody new."""
    wage = rng.lognormvariate(7.8, 0.4)
    employer, landlord = (
        f"EMPLOYER-{rng.randrange(1 + len(names) // 50)}",
        f"LANDLORD-{rng.randrange(1 + len(names) // 20)}",
    )
    friends = rng.sample(names, min(4, len(names)))
    payday = rng.randrange(28)
    for day in range(days):
        if day % 30 == payday:
            yield _paid(rng, begin, day, employer, name, wage)
        if day % 30 == (payday + 2) % 30:
            yield _paid(rng, begin, day, name, landlord, wage * 0.3)
        if rng.random() < PARTY_PURCHASES_A_WEEK / 7:
            shop = f"SHOP-{rng.randrange(1 + int(len(names) * SHOP_SHARE))}"
            yield _paid(rng, begin, day, name, shop, rng.lognormvariate(3.5, 0.8))
        if rng.random() < 0.1:
            friend = rng.choice(names) if rng.random() < NEW_PAYEE_SHARE else rng.choice(friends)
            if friend != name:
                yield _paid(rng, begin, day, name, friend, rng.lognormvariate(4.5, 1.0))
        if rng.random() < 0.05:
            yield _paid(rng, begin, day, name, "", 10.0 * rng.randint(2, 40))


def _paid(rng: Random, begin: datetime, day: int, payer: str, payee: str, amount: float) -> Labelled:
    at = _second(begin + timedelta(days=day, hours=rng.uniform(7, 22)))
    return Labelled(at, payer, payee, max(1, round(amount * 100)), cash=not payee)


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
