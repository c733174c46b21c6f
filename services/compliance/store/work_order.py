"""Where alerts stand in the order of work, and how many are in each pile.

What a batch asks for is looked up row by row, whatever the planner thinks of joins (ADR 0063).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.compliance.domain.work_order import Pile, Placed, Standing

_OF_OWNERS = """
WITH begun AS (
    SELECT x.shard, x.owner, coalesce((
        SELECT p.since
        FROM alert AS a JOIN alert_place AS p ON p.shard = a.shard AND p.alert_seq = a.seq
        WHERE a.shard = x.shard AND a.owner = x.owner AND a.business_date <= x.day
        ORDER BY a.business_date DESC LIMIT 1
    ), x.day) AS since
    FROM unnest($1::int[], $2::text[], $3::date[]) AS x (shard, owner, day)
)
SELECT s.shard, s.seq, s.owner, s.rule, s.segment, s.business_date, s.is_new, s.is_held, s.was_confirmed,
       p.since, p.is_new AS was_new, p.rank, p.segment AS was_segment, p.rules
FROM begun AS b
CROSS JOIN LATERAL (
    SELECT * FROM alert_standing
    WHERE shard = b.shard AND owner = b.owner AND business_date >= b.since OFFSET 0
) AS s
LEFT JOIN LATERAL (
    SELECT * FROM alert_place WHERE shard = s.shard AND alert_seq = s.seq OFFSET 0
) AS p ON true
"""

_OF_ALERTS = """
WITH named AS (
    SELECT x.shard, x.seq FROM unnest($1::int[], $2::bigint[]) AS x (shard, seq)
    UNION
    SELECT a.shard, a.seq
    FROM unnest($3::int[], $4::uuid[]) AS x (shard, instruction_id)
    CROSS JOIN LATERAL (
        SELECT * FROM alert WHERE shard = x.shard AND instruction_id = x.instruction_id OFFSET 0
    ) AS a
)
SELECT s.shard, s.seq, s.owner, s.rule, s.segment, s.business_date, s.is_new, s.is_held, s.was_confirmed,
       p.since, p.is_new AS was_new, p.rank, p.segment AS was_segment, p.rules
FROM named AS n
CROSS JOIN LATERAL (SELECT * FROM alert_standing WHERE shard = n.shard AND seq = n.seq OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT * FROM alert_place WHERE shard = s.shard AND alert_seq = s.seq OFFSET 0) AS p
"""

_SAVE = """
INSERT INTO alert_place (shard, alert_seq, owner, since, is_new, rank, rule, segment, rules, placed_seq,
                         recorded_at)
SELECT x.*, (SELECT recorded_at FROM alert WHERE shard = x.shard AND seq = x.alert_seq)
FROM unnest($1::int[], $2::bigint[], $3::text[], $4::date[], $5::boolean[], $6::smallint[],
            $7::text[], $8::text[], $9::text[], $10::bigint[])
    AS x (shard, alert_seq, owner, since, is_new, rank, rule, segment, rules, placed_seq)
ON CONFLICT (shard, alert_seq) DO UPDATE
SET since = excluded.since, is_new = excluded.is_new, rank = excluded.rank, segment = excluded.segment,
    rules = excluded.rules,
    placed_seq = CASE
        WHEN (alert_place.since, alert_place.rank, alert_place.segment, alert_place.rules)
            = (excluded.since, excluded.rank, excluded.segment, excluded.rules) THEN alert_place.placed_seq
        ELSE excluded.placed_seq
    END
"""

_COUNT = """
WITH more AS (
    SELECT * FROM unnest($1::int[], $2::boolean[], $3::smallint[], $4::text[], $5::text[], $6::text[],
                         $7::bigint[]) AS x (shard, is_new, rank, rule, segment, rules, alerts)
),
gone AS (
    DELETE FROM alert_pile AS p USING more AS m
    WHERE (p.shard, p.is_new, p.rank, p.rule, p.segment, p.rules)
        = (m.shard, m.is_new, m.rank, m.rule, m.segment, m.rules) AND p.alerts + m.alerts = 0
),
counted AS (
    UPDATE alert_pile AS p SET alerts = p.alerts + m.alerts FROM more AS m
    WHERE (p.shard, p.is_new, p.rank, p.rule, p.segment, p.rules)
        = (m.shard, m.is_new, m.rank, m.rule, m.segment, m.rules) AND p.alerts + m.alerts <> 0
)
INSERT INTO alert_pile (shard, is_new, rank, rule, segment, rules, alerts)
SELECT m.shard, m.is_new, m.rank, m.rule, m.segment, m.rules, m.alerts FROM more AS m
WHERE NOT EXISTS (
    SELECT FROM alert_pile AS p
    WHERE (p.shard, p.is_new, p.rank, p.rule, p.segment, p.rules)
        = (m.shard, m.is_new, m.rank, m.rule, m.segment, m.rules)
)
"""

Found = tuple[Standing, Placed | None]
"""An alert, and where it stood until now; None where it is new."""


async def load_owners(connection: Any, since: Mapping[tuple[int, str], date]) -> list[Found]:
    """Return the alerts of owners, each from the lead on that a day belongs to."""
    if not since:
        return []
    rows = await connection.fetch(
        _OF_OWNERS, [shard for shard, _ in since], [owner for _, owner in since], list(since.values())
    )
    return [_found(row) for row in rows]


async def load_alerts(
    connection: Any, numbers: Collection[tuple[int, int]], instructions: Collection[tuple[int, UUID]]
) -> list[Found]:
    """Return alerts that have a place, by number or by the instruction that they are about."""
    if not numbers and not instructions:
        return []
    rows = await connection.fetch(
        _OF_ALERTS,
        [shard for shard, _ in numbers],
        [seq for _, seq in numbers],
        [shard for shard, _ in instructions],
        [instruction for _, instruction in instructions],
    )
    return [_found(row) for row in rows]


async def save_places(connection: Any, rows: Sequence[Placed], last_seqs: Mapping[int, int]) -> None:
    """Put alerts where they stand from now on; `last_seqs` are the shards' last events."""
    if not rows:
        return
    await connection.execute(
        _SAVE,
        [row.shard for row in rows],
        [row.seq for row in rows],
        [row.owner for row in rows],
        [row.since for row in rows],
        [row.pile.is_new for row in rows],
        [row.pile.rank for row in rows],
        [row.pile.rule for row in rows],
        [row.pile.segment for row in rows],
        [row.pile.rules for row in rows],
        [last_seqs[row.shard] for row in rows],
    )


async def count_piles(connection: Any, more: Counter[tuple[int, Pile]]) -> None:
    """Add to what shards have in piles, or take away; a pile of none is none."""
    changed = [(shard, pile, alerts) for (shard, pile), alerts in more.items() if alerts]
    if not changed:
        return
    await connection.execute(
        _COUNT,
        [shard for shard, _, _ in changed],
        [pile.is_new for _, pile, _ in changed],
        [pile.rank for _, pile, _ in changed],
        [pile.rule for _, pile, _ in changed],
        [pile.segment for _, pile, _ in changed],
        [pile.rules for _, pile, _ in changed],
        [alerts for _, _, alerts in changed],
    )


def _found(row: Any) -> Found:
    shard, seq, owner, rule = row["shard"], row["seq"], row["owner"], row["rule"]
    standing = Standing(
        shard,
        seq,
        owner,
        rule,
        row["segment"],
        row["business_date"],
        is_new=row["is_new"],
        is_held=row["is_held"],
        was_confirmed=row["was_confirmed"],
    )
    if row["since"] is None:
        return standing, None
    pile = Pile(row["was_new"], row["rank"], rule, row["was_segment"], row["rules"])
    return standing, Placed(shard, seq, owner, row["since"], pile)
