"""What compliance has seen from the beginning, to be judged again; and what became of what it told."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any, Final

from services.compliance.domain.backtest import GRAPH_DAYS, AlertOf, Backtest, Became, in_journal_order
from services.compliance.domain.cash import CashEvent
from services.compliance.domain.rule import CashRule, GraphRule, PeerRule, WindowRule
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.shard import read_entries

BATCHES_AT_ONCE: Final = 200

_ENTRIES = "SELECT entries FROM compliance.window_batch WHERE shard = $1 ORDER BY number"

_SHARDS = "SELECT DISTINCT shard FROM compliance.shard ORDER BY shard"

_RATINGS = "SELECT owner, version, risk_class::text AS risk_class FROM compliance.customer_rating"

_CASH = """
SELECT owner, asset, direction, phase, amount, occurred_at, booking_date, source_shard, seq, leg
FROM compliance.cash_event
"""

_BECAME = """
SELECT a.owner, a.business_date,
       CASE WHEN t.alert_seq IS NULL THEN 'waiting' WHEN t.case_id IS NULL THEN 'dismissed'
            WHEN c.status = 'closed' THEN c.disposition ELSE 'waiting' END AS became
FROM compliance.alert AS a
LEFT JOIN compliance.alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
LEFT JOIN compliance.case_file AS c ON c.shard = t.shard AND c.case_id = t.case_id
WHERE a.rule = $1 AND NOT starts_with(a.subject, 'person:')
"""

_HELD = """
SELECT h.owner, f.value -> 'values' ->> 'business_date' AS business_date, h.status
FROM compliance.hold AS h, jsonb_array_elements(h.findings) AS f
WHERE f.value ->> 'rule' = $1
    AND EXISTS (SELECT FROM compliance.rule_parameter AS p WHERE p.rule = $1 AND p."values" ? 'hold_hours')
"""
"""Of a rule that cannot hold, a hold tells what was found beside; what alerted is an alert of its own."""

_OF_HOLD: Final[dict[str, Became]] = {"held": "waiting", "released": "dismissed", "refused": "confirmed"}
"""What a hold came to says the same as an alert's triage: let go, or stopped for good."""


async def replay(connection: Any, test: Backtest, tell: Callable[[int], None]) -> None:
    """Let a test judge all there was; inside a transaction. `tell` hears how many entries are read."""
    paid: list[Entry] = []
    scales: dict[str, int] = {}
    read = 0
    since = test.period.since
    first = 0 if since is None else since.toordinal() - GRAPH_DAYS
    for shard in await shards_of(connection):
        async for entries in entries_of_shard(connection, shard):
            read += len(entries)
            tell(read)
            match test.rule:
                case WindowRule():
                    test.windows(entries)
                case GraphRule():
                    paid += [each for each in entries if each.day >= first]
                case PeerRule():
                    paid += entries
                case CashRule():
                    scales |= {each.asset: each.scale for each in entries}
    if isinstance(test.rule, GraphRule):
        test.graph(paid)
    if isinstance(test.rule, PeerRule):
        test.peers(paid, [tuple(row) for row in await connection.fetch(_RATINGS)])
    if isinstance(test.rule, CashRule):
        test.cash(in_journal_order(await cash_of_all(connection)), scales)


async def shards_of(connection: Any) -> list[int]:
    """Return every shard that compliance has worked on."""
    return [row["shard"] for row in await connection.fetch(_SHARDS)]


async def entries_of_shard(connection: Any, shard: int) -> AsyncIterator[list[Entry]]:
    """Yield what a shard's windows took, in order, some batches at a time; inside a transaction."""
    cursor = await connection.cursor(_ENTRIES, shard)
    while rows := await cursor.fetch(BATCHES_AT_ONCE):
        yield [entry for row in rows for entry in read_entries(row["entries"])]


async def cash_of_all(connection: Any) -> list[CashEvent]:
    """Return every handing over of banknotes, in no order."""
    return [CashEvent(*row) for row in await connection.fetch(_CASH)]


async def what_became(connection: Any, rule: str) -> dict[AlertOf, Became]:
    """Return what officers have made of each alert and hold of a rule, by owner and business day."""
    found: dict[AlertOf, Became] = {}
    for row in await connection.fetch(_HELD, rule):
        if row["business_date"] is not None:
            found[row["owner"], date.fromisoformat(row["business_date"])] = _OF_HOLD[row["status"]]
    for row in await connection.fetch(_BECAME, rule):
        became: Became = row["became"]
        found[row["owner"], row["business_date"]] = became
    return found
