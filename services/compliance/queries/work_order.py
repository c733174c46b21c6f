"""Alerts in the order in which they are worked, as of one state of all shards.

A page reads the piles, weighs them, and takes the next alerts of the heaviest by index. What has been placed
anew since the first page is not read from where it stands now: it is placed as it was then, from the facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from services.compliance.domain.leads import LEAD_DAYS
from services.compliance.domain.priority import ORDER
from services.compliance.domain.work_order import (
    LeadKind,
    Pile,
    Place,
    Placed,
    Scales,
    Standing,
    Work,
    weigh,
    work_order,
)
from services.compliance.queries.alerts import alerts_named

_BY_KEY = """
SELECT set_config(setting, 'off', true)
FROM unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) AS setting
"""

_NOW = """
SELECT array(SELECT coalesce((SELECT max(p.placed_seq) FROM compliance.alert_place AS p
                              WHERE p.shard = s.shard), 0)
             FROM compliance.shard AS s ORDER BY s.shard) AS seqs,
       (SELECT coalesce(sum(m.last_seq), 0)::bigint FROM compliance.source_mark AS m
        WHERE m.topic = $1 AND m.partition = m.source_shard) AS events
"""

_HITS = """
SELECT p.rule, p.segment, sum(p.alerts)::bigint AS alerts
FROM compliance.alert_pile AS p
GROUP BY p.rule, p.segment
"""

_LEADS = """
SELECT p.segment, p.rules, sum(p.alerts)::bigint AS alerts
FROM compliance.alert_pile AS p
WHERE p.rank = $1 AND ($2::text IS NULL OR p.rule = $2) AND (p.is_new OR NOT $3)
GROUP BY p.segment, p.rules
"""

_MOVED = """
SELECT p.shard, p.alert_seq AS seq, p.owner
FROM unnest($1::bigint[]) WITH ORDINALITY AS x (seq, number)
JOIN compliance.alert_place AS p ON p.shard = x.number - 1 AND p.placed_seq > x.seq
"""

_STANDING = """
SELECT s.shard, s.seq, s.owner, s.rule, s.segment, s.business_date, s.is_new,
       (
           SELECT h.seq FROM compliance.hold AS h
           WHERE h.shard = s.shard AND h.instruction_id = s.instruction_id AND h.seq <= x.seq
               AND (h.decided_seq IS NULL OR h.decided_seq > x.seq)
       ) IS NOT NULL AS is_held,
       (
           SELECT f.seq FROM compliance.case_file AS c
           JOIN compliance.case_fact AS f ON f.shard = c.shard AND f.case_id = c.case_id
           WHERE c.shard = s.shard AND c.owner = s.owner AND f.what = 'approved' AND f.seq <= x.seq
               AND NOT EXISTS (
                   SELECT FROM compliance.case_fact AS r
                   WHERE r.shard = f.shard AND r.case_id = f.case_id AND r.what = 'reopened'
                       AND r.version > f.version AND r.seq <= x.seq
               )
           LIMIT 1
       ) IS NOT NULL AS was_confirmed
FROM unnest($1::int[], $2::text[], $3::bigint[]) AS x (shard, owner, seq)
JOIN compliance.alert_standing AS s ON s.shard = x.shard AND s.owner = x.owner AND s.seq <= x.seq
"""

_NEXT = """
SELECT n.shard, n.alert_seq AS seq, n.owner, n.since,
       k.is_new, $7::smallint AS rank, k.rule, x.segment, x.rules
FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::int[], $6::bigint[])
    AS x (segment, rules, since, owner, shard, seq)
CROSS JOIN LATERAL (
    SELECT DISTINCT p.is_new, p.rule
    FROM compliance.alert_pile AS p
    WHERE p.rank = $7 AND p.segment = x.segment AND p.rules = x.rules
        AND ($8::text IS NULL OR p.rule = $8) AND (p.is_new OR NOT $9)
) AS k
CROSS JOIN LATERAL (
    SELECT p.shard, p.alert_seq, p.owner, p.since
    FROM compliance.alert_place AS p
    WHERE p.is_new = k.is_new AND p.rank = $7 AND p.rule = k.rule AND p.segment = x.segment
        AND p.rules = x.rules
        AND (p.since, p.owner, p.shard, p.alert_seq) > (x.since, x.owner, x.shard, x.seq)
        AND p.placed_seq <= ($10::bigint[])[p.shard + 1]
    ORDER BY p.since, p.owner, p.shard, p.alert_seq
    LIMIT $11
) AS n
"""

_SIZES = """
SELECT x.number, count(*) AS alerts
FROM unnest($1::int[], $2::text[], $3::date[], $4::bigint[])
    WITH ORDINALITY AS x (shard, owner, since, seq, number)
JOIN compliance.alert AS a ON a.shard = x.shard AND a.owner = x.owner AND a.business_date >= x.since
    AND a.business_date < x.since + $5::int AND a.seq <= x.seq
GROUP BY x.number
"""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What an order is of: how far each shard had placed its alerts, and what piles were weighed by."""

    seqs: tuple[int, ...]
    scales: Scales


async def work_queue(
    connection: Any,
    journal: str,
    rule: str | None = None,
    owner: str | None = None,
    limit: int = 1000,
    *,
    is_new: bool = False,
    as_of: AsOf | None = None,
    after: Place | None = None,
) -> tuple[AsOf, list[dict[str, Any]]]:
    """Return alerts in the order of work, each with `work`, the reasons; and the state they are ordered by.

    `journal` is the ledger's topic. Without `as_of` it is the state of now.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_BY_KEY)
        is_first = as_of is None
        if as_of is None:
            now = await connection.fetchrow(_NOW, journal)
            hits = {(row["rule"], row["segment"]): row["alerts"] for row in await connection.fetch(_HITS)}
            as_of = AsOf(tuple(now["seqs"]), Scales(hits, now["events"]))
        wanted = _Wanted(rule, is_new)
        if owner is not None:
            owners = [(shard, owner) for shard in range(len(as_of.seqs))]
            found = await _work_of(connection, as_of, owners, wanted)
        else:
            found = await _next(connection, as_of, wanted, after, limit)
            if not is_first:
                found += await _moved(connection, as_of, wanted)
        found = sorted((each for each in found if after is None or each.place > after), key=lambda e: e.place)
        chosen = await _sized(connection, as_of, found[:limit])
        rows = await alerts_named(connection, [(each.shard, each.seq) for each in chosen])
    return as_of, [
        {**row, "priority": each.priority, "work": _shown(each)}
        for row, each in zip(rows, chosen, strict=True)
    ]


def place_of(row: Mapping[str, Any]) -> Place:
    """Return where an alert stands in the order, as `work_queue` has it."""
    lead = row["work"]["lead"]
    rank, since = ORDER.index(row["priority"]), lead["since"].toordinal()
    return rank, -lead["bits"], since, row["owner"], row["shard"], row["seq"]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Of one rule, if given; only those that nobody has triaged, or all."""

    rule: str | None
    is_new: bool


async def _next(connection: Any, as_of: AsOf, wanted: _Wanted, after: Place | None, limit: int) -> list[Work]:
    """Return the next alerts of the most urgent and heaviest piles, as many as are wanted and are there."""
    found: list[Work] = []
    for rank in range(len(ORDER)):
        if len(found) < limit and (after is None or rank >= after[0]):
            begin = after if after is not None and rank == after[0] else None
            found += await _next_of_rank(connection, as_of, wanted, rank, begin, limit - len(found))
    return found


async def _next_of_rank(
    connection: Any, as_of: AsOf, wanted: _Wanted, rank: int, after: Place | None, limit: int
) -> list[Work]:
    rows = await connection.fetch(_LEADS, rank, wanted.rule, wanted.is_new)
    counted = {LeadKind(row["segment"], row["rules"]): row["alerts"] for row in rows}
    weighed = {leads: -as_of.scales.bits(leads) for leads in counted}
    lightest = after[1] if after is not None else None
    ordered = sorted(
        (leads for leads, bits in weighed.items() if lightest is None or bits >= lightest),
        key=weighed.__getitem__,
    )
    levels = [list(level) for _, level in groupby(ordered, key=weighed.__getitem__)]
    levels.reverse()
    found: list[Work] = []
    while levels and len(found) < limit:
        chosen: list[LeadKind] = []
        there = 0
        while levels and there < limit - len(found):
            chosen += (level := levels.pop())
            there += sum(counted[leads] for leads in level)
        # Of what is lighter than the last page's end, all comes after it.
        bounds = [(leads, after if weighed[leads] == lightest else None) for leads in chosen]
        found += await _of_leads(connection, as_of, wanted, rank, bounds, limit - len(found))
    return found


async def _of_leads(
    connection: Any,
    as_of: AsOf,
    wanted: _Wanted,
    rank: int,
    bounds: Sequence[tuple[LeadKind, Place | None]],
    limit: int,
) -> list[Work]:
    """Return the first alerts of each kind of leads, after a place where one is given."""
    rows = await connection.fetch(
        _NEXT,
        [leads.segment for leads, _ in bounds],
        [leads.rules for leads, _ in bounds],
        [date.fromordinal(place[2]) if place is not None else date.min for _, place in bounds],
        [place[3] if place is not None else "" for _, place in bounds],
        [place[4] if place is not None else 0 for _, place in bounds],
        [place[5] if place is not None else 0 for _, place in bounds],
        rank,
        wanted.rule,
        wanted.is_new,
        as_of.seqs,
        limit,
    )
    return [weigh(_placed(row), as_of.scales, 0) for row in rows]


def _placed(row: Any) -> Placed:
    pile = Pile(row["is_new"], row["rank"], row["rule"], row["segment"], row["rules"])
    return Placed(row["shard"], row["seq"], row["owner"], row["since"], pile)


async def _moved(connection: Any, as_of: AsOf, wanted: _Wanted) -> list[Work]:
    """Return what was placed anew since, where it stood then."""
    rows = await connection.fetch(_MOVED, as_of.seqs)
    numbers = {(row["shard"], row["seq"]) for row in rows}
    owners = sorted({(row["shard"], row["owner"]) for row in rows})
    found = await _work_of(connection, as_of, owners, wanted)
    return [each for each in found if (each.shard, each.seq) in numbers]


async def _work_of(
    connection: Any, as_of: AsOf, owners: Sequence[tuple[int, str]], wanted: _Wanted
) -> list[Work]:
    """Return all alerts of owners that are wanted, from the facts."""
    if not owners:
        return []
    rows = await connection.fetch(
        _STANDING,
        [shard for shard, _ in owners],
        [owner for _, owner in owners],
        [as_of.seqs[shard] for shard, _ in owners],
    )
    standing = [Standing(**row) for row in rows]
    return work_order(standing, as_of.scales, wanted.rule, is_new=wanted.is_new)


async def _sized(connection: Any, as_of: AsOf, found: Sequence[Work]) -> list[Work]:
    """Say how many alerts each lead has."""
    rows = await connection.fetch(
        _SIZES,
        [each.shard for each in found],
        [each.owner for each in found],
        [each.lead_since for each in found],
        [as_of.seqs[each.shard] for each in found],
        LEAD_DAYS,
    )
    sizes = {row["number"]: row["alerts"] for row in rows}
    return [replace(each, lead_alerts=sizes[number]) for number, each in enumerate(found, start=1)]


def _shown(work: Work) -> dict[str, Any]:
    """Why an alert stands where it does."""
    names: Sequence[str] = ("rule", "segment", "alerts", "one_in", "bits")
    return {
        "because": work.because,
        "lead": {
            "since": work.lead_since,
            "alerts": work.lead_alerts,
            "bits": work.lead_bits,
            "rules": [{name: getattr(each, name) for name in names} for each in work.rules],
        },
    }
