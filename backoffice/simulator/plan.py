"""The simulated upstream's stream of records, made one at a time: the same seed gives the same stream.

A stream is a prefix of every longer one of the same seed, start and partitions.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from backoffice.simulator import mistakes, people, traffic
from backoffice.simulator.population import ENTITY
from backoffice.simulator.traffic.accounts import open_account
from backoffice.simulator.traffic.payments import salary, structuring_deposit
from backoffice.simulator.upstream import Maker, SimulatedRecord, Upstream
from shared.messages.envelope import HOUSE

__all__ = ["SimulatedRecord", "anchor_id", "first_day_after", "plan"]

MISTAKE_SHARE: Final = 0.025
FIRST_DAY_INSTRUCTIONS: Final = 300
DAILY_GROWTH: Final = 8
"""Each day has so many instructions more than the one before: 20,000 take two months, a million two years."""
FIRST_ACCOUNTS: Final = 12
ACCOUNTS_PER_INSTRUCTION: Final = 0.06
STRUCTURING_EVERY_DAYS: Final = 3
SHARING_EVERY_DAYS: Final = 3
"""On the second day and every third from there on, somebody pays in for several customers of theirs."""
BOOKS_FROM: Final = date(2000, 1, 1)
"""Before any books that are played to: a first period may begin earlier than they do."""
SOFT_CLOSED_DAYS: Final = 3
"""For so many business days after its end a month still takes adjustments."""
ANCHOR_MS: Final = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)


def plan(
    *, seed: int, count: int, partitions: int, start: date, listed_names: Sequence[str] = ()
) -> Iterator[SimulatedRecord]:
    """Yield the records of `count` instructions, from the business day `start` on, in the order to send them.

    A broadcast instruction (a business day opened, a period closed) counts once and yields one record for
    each partition.
    """
    up = Upstream(seed=seed, partitions=partitions, listed_names=listed_names)
    day, number, sent = start, 0, 0
    month_end = MonthEnd(start)
    while sent < count:
        size = FIRST_DAY_INSTRUCTIONS + DAILY_GROWTH * number
        up.begin_day(day, size)
        yield from _open_business_day(up, day, anchor_id(seed) if number == 0 else None)
        sent += 1
        closing = month_end.closing_on(day)
        if closing is not None and sent < count:
            yield from _close_period(up, *closing)
            sent += 1
        for record in _day(up, day, number, size, sent):
            if sent == count:
                return
            yield record
            sent += 1
        day, number = first_day_after(day), number + 1


class MonthEnd:
    """When the month behind is closed: softly as the next one begins, for good some days later."""

    def __init__(self, start: date) -> None:
        """Begin with nothing closed: the first period reaches back to before the books."""
        self._month = start.replace(day=1)
        self._period = (BOOKS_FROM, BOOKS_FROM)
        self._first_day = BOOKS_FROM
        self._days_left = 0

    def closing_on(self, day: date) -> tuple[date, date, str] | None:
        """Return first and last day of a period and what it becomes, if one is closed on this day."""
        if day.replace(day=1) != self._month:
            self._month = day.replace(day=1)
            self._period = (self._first_day, self._month - timedelta(days=1))
            self._first_day = self._month
            self._days_left = SOFT_CLOSED_DAYS
            return (*self._period, "soft_closed")
        if not self._days_left:
            return None
        self._days_left -= 1
        return None if self._days_left else (*self._period, "closed")


def anchor_id(seed: int) -> UUID:
    """Return the id of the seed's first instruction, its first business day: it tells where a seed began."""
    chance = Random(f"backoffice anchor {seed}").getrandbits(74)  # noqa: S311 - repeatable on purpose
    return UUID(
        int=ANCHOR_MS << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & ((1 << 62) - 1)
    )


def first_day_after(day: date) -> date:
    """Return the next day that is not on a weekend."""
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _open_business_day(up: Upstream, day: date, instruction_id: UUID | None) -> Iterator[SimulatedRecord]:
    return _broadcast(up, "open_business_day", f'"booking_date":"{day.isoformat()}"', instruction_id)


def _close_period(up: Upstream, first_day: date, last_day: date, state: str) -> Iterator[SimulatedRecord]:
    period = f'"first_day":"{first_day.isoformat()}","last_day":"{last_day.isoformat()}"'
    return _broadcast(up, "close_period", f'{period},"state":"{state}"')


def _broadcast(
    up: Upstream, type_: str, fields: str, instruction_id: UUID | None = None
) -> Iterator[SimulatedRecord]:
    """Spell the same record about the entity's books for every partition."""
    value = (
        f'{{"type":"{type_}","instruction_id":"{instruction_id or up.new_id()}","owner":"{HOUSE}",'
        f'"occurred_at":"{up.occurred_at()}","entity":"{ENTITY}",{fields}}}'
    ).encode()
    for partition in range(up.partitions):
        yield SimulatedRecord(HOUSE.encode(), value, partition, type_)


def _day(up: Upstream, day: date, number: int, size: int, sent: int) -> Iterator[SimulatedRecord]:
    table = _table(day)
    structuring = _structuring_slots(up, size) if number % STRUCTURING_EVERY_DAYS == 0 else frozenset[int]()
    structurer = None
    sharing = _sharing_slots(up, size) if number % SHARING_EVERY_DAYS == 1 else []
    sharer = people.who_owns_several(up) if sharing else None
    chance = up.random
    for slot in range(1, size):
        up.now_ms += up.step_ms
        if slot in structuring:
            structurer = structurer or up.some_account()
            record = structuring_deposit(up, structurer)
        elif sharer is not None and slot in sharing:
            record = people.shared_deposit(up, sharer, sharing.index(slot))
        elif len(up.accounts) < FIRST_ACCOUNTS + ACCOUNTS_PER_INSTRUCTION * (sent + slot):
            record = open_account(up)
        elif up.unfunded:
            record = salary(up)
        elif chance() < MISTAKE_SHARE:
            yield mistakes.MISTAKES[int(chance() * len(mistakes.MISTAKES))](up)
            continue
        else:
            record = table[int(chance() * len(table))](up)
        up.remember(record)
        yield record


def _structuring_slots(up: Upstream, size: int) -> frozenset[int]:
    return frozenset(up.rng.sample(range(size // 2, size), up.rng.choice((3, 3, 4))))


def _sharing_slots(up: Upstream, size: int) -> list[int]:
    return up.rng.sample(range(size // 2, size), 3)


def _table(day: date) -> list[Maker]:
    month_ends = first_day_after(day).month != day.month
    parts = traffic.MONTH_END if month_ends else traffic.PAYDAY if day.day in (25, 26) else traffic.ORDINARY
    return [maker for maker, weight in parts for _ in range(weight)]
