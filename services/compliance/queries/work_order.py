"""Alerts in the order in which they are worked, as of one state of all shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.compliance.domain.work_order import Place, Standing, Work, place, work_order
from services.compliance.queries.alerts import alerts_list

_NOW = """
SELECT array(SELECT coalesce((SELECT max(a.seq) FROM compliance.alert AS a WHERE a.shard = s.shard), 0)
             FROM compliance.shard AS s ORDER BY s.shard) AS seqs,
       (SELECT coalesce(sum(m.last_seq), 0)::bigint FROM compliance.source_mark AS m
        WHERE m.topic = $1 AND m.partition = m.source_shard) AS events
"""

_HITS = """
WITH counted AS (
    SELECT a.shard, a.owner, a.rule, count(*) AS alerts
    FROM unnest($1::bigint[]) WITH ORDINALITY AS x (seq, number)
    JOIN compliance.alert AS a ON a.shard = x.number - 1 AND a.seq <= x.seq
    GROUP BY a.shard, a.owner, a.rule
),
known AS (
    SELECT DISTINCT ON (p.shard, p.owner) p.shard, p.owner, p.kind
    FROM compliance.party AS p WHERE p.field = 'party' AND p.kind IS NOT NULL
    ORDER BY p.shard, p.owner, p.number DESC
)
SELECT c.rule, coalesce(k.kind, '') AS segment, sum(c.alerts)::bigint AS alerts
FROM counted AS c LEFT JOIN known AS k ON k.shard = c.shard AND k.owner = c.owner
GROUP BY c.rule, coalesce(k.kind, '')
"""

_ALERTS = """
WITH chosen AS (
    SELECT a.shard, a.seq, a.owner,
           ($2::text IS NULL OR a.rule = $2) AND ($4::boolean IS NOT TRUE OR t.alert_seq IS NULL)
               AS is_wanted,
           a.rule, a.business_date, a.instruction_id
    FROM unnest($1::bigint[]) WITH ORDINALITY AS x (seq, number)
    JOIN compliance.alert AS a ON a.shard = x.number - 1 AND a.seq <= x.seq
    LEFT JOIN compliance.alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
    WHERE $3::text IS NULL OR a.owner = $3
),
whose AS (
    SELECT c.shard, c.owner,
           coalesce((SELECT p.kind FROM compliance.party AS p
                     WHERE p.shard = c.shard AND p.owner = c.owner AND p.field = 'party'
                         AND p.kind IS NOT NULL
                     ORDER BY p.number DESC LIMIT 1), '') AS segment,
           EXISTS (SELECT FROM compliance.case_file AS f
                   WHERE f.shard = c.shard AND f.owner = c.owner AND f.status = 'closed'
                       AND f.disposition = 'confirmed') AS was_confirmed
    FROM chosen AS c GROUP BY c.shard, c.owner HAVING bool_or(c.is_wanted)
)
SELECT c.shard, c.seq, c.owner, c.rule, w.segment, c.business_date, c.is_wanted,
       c.is_wanted AND EXISTS (
           SELECT FROM compliance.hold AS h
           WHERE h.shard = c.shard AND h.instruction_id = c.instruction_id AND h.status = 'held'
       ) AS is_held,
       w.was_confirmed
FROM chosen AS c JOIN whose AS w ON w.shard = c.shard AND w.owner = c.owner
"""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What an order is of: the last alert of each shard, and how many events of the ledger were judged."""

    events: int
    seqs: tuple[int, ...]


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
        if as_of is None:
            row = await connection.fetchrow(_NOW, journal)
            as_of = AsOf(row["events"], tuple(row["seqs"]))
        seqs = list(as_of.seqs)
        hits = {(row["rule"], row["segment"]): row["alerts"] for row in await connection.fetch(_HITS, seqs)}
        alerts = [Standing(**row) for row in await connection.fetch(_ALERTS, seqs, rule, owner, is_new)]
        ordered = work_order(alerts, hits, as_of.events)
        chosen = [each for each in ordered if after is None or each.place > after][:limit]
        numbers = [(each.shard, each.seq) for each in chosen]
        found = await alerts_list(connection, limit=len(numbers), numbers=numbers)
    by_number = {(each["shard"], each["seq"]): each for each in found}
    return as_of, [{**by_number[each.shard, each.seq], "work": _shown(each)} for each in chosen]


def place_of(row: Mapping[str, Any]) -> Place:
    """Return where an alert stands in the order, as `work_queue` has it."""
    lead = row["work"]["lead"]
    return place(row["priority"], lead["bits"], lead["since"], row["owner"], row["shard"], row["seq"])


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
