"""Value dates: what counts on another day is kept, as is what days began with; no request takes it before."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import PREFETCH, Books, Openings, Shard
from services.transactions.queries.verifying.effects.effect import Effect

MAY_BE_POSTED_TODAY: Final = frozenset({"reserve", "trade"})
"""Types whose amounts must be there from today on, whatever their value date: they are only set aside."""


def note_value(books: Books, shard: Shard, row: Mapping[str, Any], leg: Mapping[str, Any]) -> None:
    """Keep what customers were posted with its value on another day than the open one."""
    value_date: date = row["value_date"]
    posted_on = shard.days[books.accounts[leg["debit_account"]].entity_id]
    if value_date == posted_on:
        return
    for index, side in enumerate(("debit", "credit")):
        account_id: int = leg[f"{side}_account"]
        if books.accounts[account_id].is_customer:
            sums = shard.valued.setdefault(account_id, {}).setdefault((value_date, posted_on), [0, 0])
            sums[index] += leg["amount"]
            if value_date > posted_on:
                shard.watched.add(account_id)


def still_to_come(
    shard: Shard,
    row: Mapping[str, Any],
    account_id: int,
    entity_id: int,
    foreign: int,
    *,
    may_pass: bool,
) -> int:
    """Return the most of an account that does not count yet, on any day from that of a debit's value on.

    The row's own movements are in its balances by now, and not yet among what has its value on another day.
    """
    today = shard.days[entity_id]
    since = today if row["instruction_type"] in MAY_BE_POSTED_TODAY else row["value_date"]
    if may_pass:
        since = max(since, today)
    seen = {} if row["seen"] is None else json.loads(row["seen"]).get("ahead", {}).get(str(account_id), {})
    nets = {date.fromisoformat(day): int(minor) for day, minor in seen.items()}
    if foreign:
        there = foreign - sum(minor for day, minor in nets.items() if day > since)
        key = (account_id, since)
        shard.seen_by_value[key] = max(shard.seen_by_value.get(key, there), there)
    for day, net in _nets_after(shard, account_id, entity_id, since).items():
        nets[day] = nets.get(day, 0) + net
    worst = ahead = 0
    for day in sorted(nets, reverse=True):
        if day > since:
            ahead += nets[day]
            worst = max(worst, ahead)
    return worst


def _nets_after(shard: Shard, account_id: int, entity_id: int, since: date) -> dict[date, int]:
    """Return credits less debits posted here on an account, by the value date from which they count."""
    nets: dict[date, int] = {}
    for (value_date, posted_on), (debits, credited) in shard.valued.get(account_id, {}).items():
        nets[value_date] = nets.get(value_date, 0) + credited - debits
        nets[posted_on] = nets.get(posted_on, 0) - credited + debits
    if since >= shard.days[entity_id] or shard.openings is None:
        return nets
    days = [(shard.first_days[entity_id], 0)]
    days += [(day, seq) for (_, of, day), seq in shard.days_opened.items() if of == entity_id]
    debits, credited, *_ = shard.rows[account_id]
    then = credited - debits
    for day, seq in sorted(days, reverse=True):
        held = _held_at(shard, account_id, seq)
        nets[day] = nets.get(day, 0) + then - held
        then = held
        if day <= since:
            break
    return nets


def _held_at(shard: Shard, account_id: int, seq: int) -> int:
    """Return credits less debits here when this event had opened a day; 0 for the beginning."""
    assert shard.openings is not None
    held = shard.openings.held_from(account_id, seq) if seq else (0, 0)
    if held is None:
        debits, credited, *_ = shard.rows[account_id]
        return credited - debits
    return held[1] - held[0]


async def read_openings(connection: Connection, shard: int) -> Openings:
    """Read what is stored of what a shard's accounts held when days were opened."""
    openings = Openings()
    async for row in connection.cursor(
        """
        SELECT seq, account_id, debits, credits FROM transactions.day_opening WHERE shard = $1 ORDER BY seq
        """,
        shard,
        prefetch=PREFETCH,
    ):
        openings.add(*row)
    return openings


def begin_day(books: Books, shard: Shard, seq: int) -> None:
    """See that what is stored of this moment is what accounts hold."""
    shard.day_seq = seq
    shard.touched.clear()
    if shard.openings is None:
        return
    for account_id, found in shard.openings.of(seq).items():
        debits, credited, *_ = shard.rows.get(account_id, (0, 0))
        _see(books, shard, found == (debits, credited), (account_id, debits, credited), found)


def see_openings(books: Books, shard: Shard) -> None:
    """See that of a day that is over just that is stored which accounts have changed on it."""
    if shard.openings is None:
        return
    stored = shard.openings.of(shard.day_seq).keys() if shard.day_seq else shard.touched
    for account_id in stored ^ shard.touched:
        is_stored = account_id in stored
        expected, found = ("none", "a row") if is_stored else ("a row", "none")
        _see(books, shard, False, f"{account_id}: {expected}", found)
    books.see_many("value_dates", len(shard.touched))


def _see(books: Books, shard: Shard, holds: bool, expected: object, found: object) -> None:
    books.see("value_dates", holds, expected=expected, found=found, shard=shard.number, seq=shard.day_seq)


async def compare_values(connection: Connection, books: Books) -> None:
    """Each row is what the movements come to; no decision saw more from elsewhere than counted by then."""
    derived = {
        (shard.number, account_id, *days): sums
        for shard in books.shards.values()
        for account_id, valued in shard.valued.items()
        for days, sums in valued.items()
    }
    async for row in connection.cursor(
        "SELECT shard, account_id, value_date, posted_on, debits, credits FROM transactions.day_balance",
        prefetch=PREFETCH,
    ):
        key = row["shard"], row["account_id"], row["value_date"], row["posted_on"]
        expected = derived.pop(key, [0, 0])
        found = [row["debits"], row["credits"]]
        books.see("value_dates", expected == found, expected=expected, found=found, shard=row["shard"])
    for (number, account_id, day, _), sums in sorted(derived.items()):
        books.see("value_dates", False, expected=f"{account_id}: {sums} on {day}", found="none", shard=number)
    for shard in books.shards.values():
        for (account_id, since), seen in shard.seen_by_value.items():
            there = 0
            for other in books.shards.values():
                if other.number != shard.number:
                    there += _credited_by(books, other, account_id, since)
            books.see(
                "value_dates", seen <= there, expected=f"at most {there}", found=seen, shard=shard.number
            )


def _credited_by(books: Books, shard: Shard, account_id: int, since: date) -> int:
    """Return what a shard has credited to an account of another home by the end with its value by a day."""
    if account_id not in shard.rows:
        return 0
    credited = shard.rows[account_id][1]
    valued = shard.valued.get(account_id, {})
    entity_id = books.accounts[account_id].entity_id
    # Of what was posted after the day only that counts which has its value by then.
    later = [seq for (_, of, day), seq in shard.days_opened.items() if of == entity_id and day > since]
    if later:
        assert shard.openings is not None
        held = shard.openings.held_from(account_id, min(later))
        credited = credited if held is None else held[1]
    elif shard.first_days[entity_id] > since:
        credited = 0
    for (value_date, posted_on), (_, minor) in valued.items():
        if value_date <= since < posted_on:
            credited += minor
        if posted_on <= since < value_date:
            credited -= minor
    return credited


VALUE_DATES: Final = Effect(compare=compare_values)
