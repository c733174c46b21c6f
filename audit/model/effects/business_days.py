"""Moving an entity's business day on."""

from datetime import date

from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.predictions import Prediction, rejected
from audit.model.state import ShardState
from audit.wire import HOUSE, Asked


def open_business_day(books: Books, state: ShardState, row: JournalRow, asked: Asked) -> Prediction:
    """A day later than the open one, in this shard."""
    entity = asked.content["entity"]
    if entity not in books.first_days:
        return rejected("entity_unknown", "entity")
    if asked.owner != HOUSE:
        return rejected("wrong_owner", "owner")
    day = date.fromisoformat(asked.content["booking_date"])
    if day <= state.today[entity]:
        return rejected("business_day_not_later", "booking_date")
    state.begin_day(entity, day, row.seq)
    state.today[entity] = day
    state.days[entity, day] = row.seq
    return Prediction("BusinessDayOpened", booking_date=day)
