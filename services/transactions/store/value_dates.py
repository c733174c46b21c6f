"""Reads and writes what accounts held by value date: what counts on another day, and what days began with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from asyncpg import Connection

from services.transactions.domain.chart import ACCOUNTS_PER_SHARD
from services.transactions.domain.value_dates import Ahead, DayOpening, DaysOpened, Past, Shift, nets_of
from services.transactions.store.arrays import array_of


async def ahead_at(connection: Connection, shard: int, days: Mapping[int, date]) -> dict[int, Ahead]:
    """Return what lies ahead of the accounts at home in this shard, by its own rows."""
    rows = await connection.fetch(
        """
        SELECT account_id, entity_id, value_date, sum(credits - debits)::bigint AS net
        FROM day_balance
        JOIN account USING (account_id)
        WHERE day_balance.shard = $1 AND account_id >= $2 AND account_id < $3 AND value_date > $4
          AND posted_on < value_date
        GROUP BY account_id, entity_id, value_date
        """,
        shard,
        shard * ACCOUNTS_PER_SHARD,
        (shard + 1) * ACCOUNTS_PER_SHARD,
        min(days.values(), default=date.max),
    )
    found: dict[int, tuple[int, dict[date, int]]] = {}
    for row in rows:
        if row["net"] and row["value_date"] > days[row["entity_id"]]:
            found.setdefault(row["account_id"], (row["entity_id"], {}))[1][row["value_date"]] = row["net"]
    return {account_id: Ahead(*each) for account_id, each in found.items()}


async def ahead_elsewhere(
    connection: Connection, homes: Mapping[int, int], since: date
) -> dict[int, dict[date, int]]:
    """Return what other shards than its home have credited to each account with its value after a day."""
    rows = await connection.fetch(
        """
        SELECT account_id, value_date, sum(credits)::numeric(38, 0) AS credits
        FROM unnest($1::bigint[], $2::int[]) AS asked (account_id, home)
        JOIN day_balance USING (account_id)
        WHERE day_balance.shard <> asked.home AND value_date > $3 AND posted_on < value_date
        GROUP BY account_id, value_date
        """,
        list(homes),
        list(homes.values()),
        since,
    )
    found: dict[int, dict[date, int]] = {account_id: {} for account_id in homes}
    for row in rows:
        found[row["account_id"]][row["value_date"]] = int(row["credits"])
    return found


_DAYS: Final = """
SELECT shard, entity_id, booking_date, seq FROM business_day WHERE booking_date > $1
UNION ALL
SELECT shard, entity_id, first_booking_date, 0 FROM entity CROSS JOIN shard WHERE first_booking_date > $1
ORDER BY booking_date
"""

_HELD: Final = """
SELECT asked.account_id, asked.since, account.entity_id, balance.shard, balance.shard = asked.home AS is_home,
       balance.credits_posted - CASE WHEN balance.shard = asked.home THEN balance.debits_posted ELSE 0 END
           AS now,
       opening.seqs, opening.held
FROM unnest($1::bigint[], $2::int[], $3::date[]) AS asked (account_id, home, since)
JOIN account USING (account_id)
JOIN balance USING (account_id)
CROSS JOIN LATERAL (
    SELECT array_agg(seq ORDER BY seq) AS seqs,
           array_agg(credits - CASE WHEN shard = asked.home THEN debits ELSE 0 END ORDER BY seq) AS held
    FROM day_opening
    WHERE account_id = asked.account_id AND shard = balance.shard
      AND seq >= (
          SELECT min(seq) FROM business_day
          WHERE shard = balance.shard AND entity_id = account.entity_id AND booking_date > asked.since
      )
) AS opening
"""


async def past_since(connection: Connection, wanted: Mapping[tuple[int, int], date]) -> dict[int, Past]:
    """Return what was posted since a day on accounts, given with their homes.

    What other shards credited is to be read behind what is seen of their credits in all: so nothing of it can
    be missing, though more may have come since.
    """
    asked = [[account_id for account_id, _ in wanted], [home for _, home in wanted], list(wanted.values())]
    rows = await connection.fetch(_HELD, *asked)
    # Behind what was held: a day that a shard opens meanwhile would else be taken for the one before.
    days: defaultdict[tuple[int, int], DaysOpened] = defaultdict(lambda: DaysOpened([], []))
    for row in await connection.fetch(_DAYS, min(wanted.values())):
        dates, seqs = days[row["shard"], row["entity_id"]]
        dates.append(row["booking_date"])
        seqs.append(row["seq"])
    openings: dict[tuple[int, bool], dict[int, dict[date, int]]] = {}
    now: dict[tuple[int, bool], dict[int, int]] = {}
    for row in rows:
        kept = zip(row["seqs"] or (), row["held"] or (), strict=True)
        held = days[row["shard"], row["entity_id"]].held_by(row["since"], kept, row["now"])
        if held:
            whose = row["account_id"], row["is_home"]
            openings.setdefault(whose, {})[row["shard"]] = held
            now.setdefault(whose, {})[row["shard"]] = row["now"]
    shifts: dict[tuple[int, bool], dict[int, dict[Shift, int]]] = {}
    for row in await connection.fetch(
        """
        SELECT account_id, day_balance.shard, day_balance.shard = asked.home AS is_home, value_date,
               posted_on,
               CASE WHEN day_balance.shard = asked.home THEN credits - debits ELSE credits END AS net
        FROM unnest($1::bigint[], $2::int[], $3::date[]) AS asked (account_id, home, since)
        JOIN day_balance USING (account_id)
        WHERE value_date > asked.since OR posted_on > asked.since
        """,
        *asked,
    ):
        whose = row["account_id"], row["is_home"]
        of_shard = shifts.setdefault(whose, {}).setdefault(row["shard"], {})
        of_shard[Shift(row["value_date"], row["posted_on"])] = row["net"]
    found: dict[int, Past] = {}
    for (account_id, home), since in wanted.items():
        elsewhere: dict[date, int] = {}
        others = account_id, False
        days_of, shifts_of = openings.get(others, {}), shifts.get(others, {})
        for shard in {*days_of, *shifts_of}:
            held = now.get(others, {}).get(shard, 0)
            for day, net in nets_of(days_of.get(shard, {}), held, shifts_of.get(shard, {})).items():
                elsewhere[day] = elsewhere.get(day, 0) + net
        found[account_id] = Past(
            since,
            openings.get((account_id, True), {}).get(home, {}),
            shifts.get((account_id, True), {}).get(home, {}),
            elsewhere,
        )
    return found


async def save_values(
    connection: Connection, valued: Mapping[int, Mapping[tuple[int, Shift], tuple[int, int]]]
) -> None:
    """Add what a batch has posted with its value on another day, by shard."""
    rows = [
        (shard, account_id, *shift, *sums)
        for shard, of_shard in sorted(valued.items())
        for (account_id, shift), sums in sorted(of_shard.items())
    ]
    if rows:
        await connection.execute(
            """
            INSERT INTO day_balance AS stored (shard, account_id, value_date, posted_on, debits, credits)
            SELECT *
            FROM unnest($1::int[], $2::bigint[], $3::date[], $4::date[], $5::bigint[], $6::bigint[])
            ON CONFLICT (account_id, value_date, posted_on, shard) DO UPDATE SET
                debits = stored.debits + excluded.debits,
                credits = stored.credits + excluded.credits
            """,
            *map(list, zip(*rows, strict=True)),
        )


async def save_openings(connection: Connection, openings: Mapping[int, Sequence[DayOpening]]) -> None:
    """Keep what accounts held when a day was opened; what a former owner of the shard has kept stays."""
    rows = [(shard, *each) for shard, of_shard in sorted(openings.items()) for each in sorted(of_shard)]
    if rows:
        await connection.execute(
            """
            INSERT INTO day_opening (shard, account_id, seq, debits, credits)
            SELECT *
            FROM unnest($1::text::int[], $2::text::bigint[], $3::text::bigint[], $4::text::bigint[],
                        $5::text::bigint[])
            ON CONFLICT DO NOTHING
            """,
            *(array_of(column) for column in zip(*rows, strict=True)),
        )


async def day_seq_at(connection: Connection, shard: int) -> int:
    """Return the event that opened a shard's last business day; 0 where none has."""
    found: int | None = await connection.fetchval("SELECT max(seq) FROM business_day WHERE shard = $1", shard)
    return found or 0
