"""The periods of an entity's books: which are closed, which take adjustments only, which comes next. Pure."""

from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

PeriodState = Literal["soft_closed", "closed"]


class Period(NamedTuple):
    """A range of booking dates, both ends included."""

    first_day: date
    last_day: date


class PeriodClosing(NamedTuple):
    """A step of a period: a row to be written."""

    entity_id: int
    period: Period
    state: PeriodState
    seq: int


class Periods(NamedTuple):
    """How far the books of an entity are closed in a shard; all after that is open."""

    closed_until: date | None = None
    """The last day of the last period that is closed; every earlier day is closed too."""
    soft_closed: tuple[Period, ...] = ()
    """Those behind it that take adjustments only, in order."""

    def is_closed(self, day: date) -> bool:
        """Say whether nothing may be booked on a day any more."""
        return self.closed_until is not None and day <= self.closed_until

    def is_soft_closed(self, day: date) -> bool:
        """Say whether adjustments alone may be booked on a day."""
        return any(each.first_day <= day <= each.last_day for each in self.soft_closed)

    def closed_in_any_way(self) -> date | None:
        """Return the last day that is closed or soft-closed."""
        return self.soft_closed[-1].last_day if self.soft_closed else self.closed_until

    def may_follow(self, period: Period, state: PeriodState, first_booking_date: date) -> bool:
        """Say whether a period is the next one to become so.

        Those that are soft-closed are closed as they stand, in their order. An entity's first period may
        begin before its first business day, since opening balances may be booked there.
        """
        if state == "closed" and self.soft_closed:
            return period == self.soft_closed[0]
        last_day = self.closed_in_any_way()
        if last_day is None:
            return period.first_day <= first_booking_date
        return period.first_day == last_day + timedelta(days=1)

    def after(self, period: Period, state: PeriodState) -> "Periods":
        """Return what is closed once a period has become so."""
        if state == "soft_closed":
            return self._replace(soft_closed=(*self.soft_closed, period))
        return Periods(period.last_day, self.soft_closed[1:])


ALL_OPEN: Final = Periods()
