"""Verifies where alerts stand in the order of work: each as the facts have it, and piles as counted."""

from collections.abc import Callable
from typing import Any, Final

from services.compliance.domain.work_order import Pile, Placed, Standing, place_alerts

OWNERS_A_PAGE: Final = 1000

_SHARDS = "SELECT s.shard FROM compliance.shard AS s ORDER BY s.shard"

_OWNERS = """
SELECT a.owner FROM compliance.alert AS a WHERE a.shard = $1 AND a.owner > $2
GROUP BY a.owner ORDER BY a.owner LIMIT $3
"""

_PLACES = """
SELECT s.shard, s.seq, s.owner, s.rule, s.segment, s.business_date, s.is_new, s.is_held, s.was_confirmed,
       p.owner AS placed_owner, p.since, p.is_new AS placed_new, p.rank, p.rule AS placed_rule,
       p.segment AS placed_segment, p.rules
FROM compliance.alert_standing AS s
LEFT JOIN compliance.alert_place AS p ON p.shard = s.shard AND p.alert_seq = s.seq
WHERE s.shard = $1 AND s.owner > $2 AND s.owner <= $3
"""

_MISCOUNTED = """
SELECT coalesce(c.shard, p.shard) AS shard, coalesce(c.rule, p.rule) AS rule,
       coalesce(c.alerts, 0) AS there, coalesce(p.alerts, 0) AS counted
FROM (SELECT shard, is_new, rank, rule, segment, rules, count(*) AS alerts
      FROM compliance.alert_place GROUP BY shard, is_new, rank, rule, segment, rules) AS c
FULL JOIN compliance.alert_pile AS p ON p.shard = c.shard AND p.is_new = c.is_new AND p.rank = c.rank
    AND p.rule = c.rule AND p.segment = c.segment AND p.rules = c.rules
WHERE c.alerts IS DISTINCT FROM p.alerts
ORDER BY 1, 2
"""


async def verify_places(connection: Any, differs: Callable[[str], None]) -> int:
    """Look at the place of every alert, and return how many there are."""
    alerts = 0
    for each in await connection.fetch(_SHARDS):
        shard, after = each["shard"], ""
        while owners := await connection.fetch(_OWNERS, shard, after, OWNERS_A_PAGE):
            rows = await connection.fetch(_PLACES, shard, after, owners[-1]["owner"])
            _compare(rows, differs)
            alerts, after = alerts + len(rows), owners[-1]["owner"]
    for row in await connection.fetch(_MISCOUNTED):
        differs(f"{row['shard']}: a pile of {row['rule']} has {row['there']} alerts, not {row['counted']}")
    return alerts


def _compare(rows: list[Any], differs: Callable[[str], None]) -> None:
    standing = [
        Standing(
            row["shard"],
            row["seq"],
            row["owner"],
            row["rule"],
            row["segment"],
            row["business_date"],
            is_new=row["is_new"],
            is_held=row["is_held"],
            was_confirmed=row["was_confirmed"],
        )
        for row in rows
    ]
    stored = {row["seq"]: row for row in rows}
    for each in place_alerts(standing):
        row = stored[each.seq]
        if row["since"] is None:
            differs(f"{each.shard}-{each.seq}: the alert has no place in the order of work")
            continue
        pile = Pile(row["placed_new"], row["rank"], row["placed_rule"], row["placed_segment"], row["rules"])
        if each != Placed(row["shard"], row["seq"], row["placed_owner"], row["since"], pile):
            differs(
                f"{each.shard}-{each.seq}: the alert stands elsewhere in the order of work than it belongs"
            )
