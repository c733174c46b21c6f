"""What people page through is read by index: as many rows as are shown, of however many there are."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from services.compliance.queries.alerts import alert_find, alerts_list
from services.compliance.queries.cases import case_show, cases_list, cases_page, loads
from services.compliance.queries.decisions import decisions_page
from services.compliance.queries.holds import holds_list, holds_show
from services.compliance.queries.work_order import place_of, work_queue
from shared.messages.topics import JOURNAL
from tests.compliance.conftest import Harness
from tests.compliance.ledger import PARTITIONS

MANY = 20_000
SHOWN = 50
ROWS_MAX = 1000
"""Of all tables together, for a page: what is shown, and beside each what is told of it."""
ONE_SNAPSHOT = {"isolation": "repeatable_read", "readonly": True}

_ALERTS = """
INSERT INTO alert (shard, seq, recorded_at, owner, rule, business_date, subject, findings, about_shard,
                   about_seq, instruction_id)
SELECT n % 4, n / 4 + 1, '2026-03-02T00:00Z'::timestamptz + n * interval '1 s', 'C' || n / 2,
       (array['RND-1', 'GS-1', 'PAY-1', 'VEL-1', 'CTR-1'])[1 + n * 7919 % 5],
       DATE '2026-03-02' + n % 300, n::text, '[]', 0, 1,
       ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid
FROM generate_series(1, $1::int) AS n
"""

_PLACES = """
INSERT INTO alert_place (shard, alert_seq, owner, since, is_new, rank, rule, segment, rules, recorded_at,
                         placed_seq)
SELECT a.shard, a.seq, a.owner, a.business_date, t.seq IS NULL, CASE WHEN a.rule = 'CTR-1' THEN 1 ELSE 2 END,
       a.rule, '', CASE WHEN a.seq % 3 = 0 THEN a.rule ELSE 'CTR-1 ' || a.rule END, a.recorded_at, a.seq
FROM alert AS a LEFT JOIN alert_triage AS t ON t.shard = a.shard AND t.alert_seq = a.seq
"""

_PILES = """
INSERT INTO alert_pile
SELECT shard, is_new, rank, rule, segment, rules, count(*) FROM alert_place GROUP BY 1, 2, 3, 4, 5, 6
"""

_TRIAGE = """
INSERT INTO alert_triage (shard, alert_seq, seq, recorded_at, act_id, actor, reason)
SELECT shard, seq, seq + 1, recorded_at, instruction_id, 'ann', 'seen' FROM alert WHERE seq < $1::int / 5
"""

_CASES = """
INSERT INTO case_file (shard, case_id, opened_seq, opened_at, owner, kind, version, status, deadline, officer,
                       disposition, report)
SELECT shard, instruction_id, seq, recorded_at, owner, 'suspicion', 4,
       CASE WHEN seq % 10 = 0 THEN 'investigating' ELSE 'closed' END, recorded_at + interval '30 days',
       'otto' || seq % 20, CASE WHEN seq % 10 > 0 THEN 'inconclusive' END,
       CASE WHEN seq % 10 > 0 THEN false END
FROM alert
"""

_FACTS = """
INSERT INTO case_fact (shard, case_id, version, seq, recorded_at, act_id, what, actor, reason, disposition,
                       report)
SELECT shard, case_id, 4, opened_seq, opened_at, case_id, 'decided', officer, 'seen', disposition, report
FROM case_file WHERE status = 'closed'
"""

_HOLDS = """
INSERT INTO hold (shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard, first_seq, asset,
                  amount, deadline, findings, lists, status, decided_seq)
SELECT shard, instruction_id, seq, recorded_at, '', owner, shard, seq, 'EUR', '1.00', recorded_at, '[]', '{}',
       CASE WHEN seq % 10 = 0 THEN 'held' ELSE 'refused' END, CASE WHEN seq % 10 > 0 THEN seq END
FROM alert
"""

_DECISIONS = """
INSERT INTO decision (shard, seq, recorded_at, instruction_id, content_hash, owner, first_shard, first_seq,
                      decision, findings, lists, act_id, actor, reason)
SELECT shard, seq, recorded_at, instruction_id, '', owner, shard, seq,
       CASE WHEN seq % 1000 = 0 THEN 'refused' ELSE 'cleared' END, '[]', '{}',
       CASE WHEN seq % 1000 = 0 THEN instruction_id END, CASE WHEN seq % 1000 = 0 THEN 'ann' END,
       CASE WHEN seq % 1000 = 0 THEN 'seen' END
FROM alert
"""

TABLES = (
    "alert",
    "alert_place",
    "alert_triage",
    "hold",
    "hold_release",
    "case_file",
    "case_fact",
    "decision",
)

_READ = """
SELECT sum(seq_tup_read)::bigint AS through, sum(idx_tup_fetch)::bigint AS by_index
FROM pg_stat_xact_user_tables WHERE relname = ANY($1)
"""


@pytest.fixture
async def much(harness: Harness, owner: Any) -> Any:
    """Fill the tables, and lend a connection of the service's."""
    await owner.execute("SET search_path = compliance")
    await owner.execute(_ALERTS, MANY)
    await owner.execute(_TRIAGE, MANY)
    async with owner.transaction():
        for statement in (_PLACES, _PILES, _CASES, _FACTS, _HOLDS, _DECISIONS):
            await owner.execute(statement)
    await owner.execute("ANALYZE")
    return harness.connection


async def cost(connection: Any, ask: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
    """Ask, and return the answer with how many rows were read; none may be by reading a table through."""
    async with connection.transaction(**ONE_SNAPSHOT):
        before = await connection.fetchrow(_READ, list(TABLES))
        found = await ask()
        after = await connection.fetchrow(_READ, list(TABLES))
    assert after["through"] == before["through"], "a table is read through"
    return found, after["by_index"] - before["by_index"]


async def test_a_page_of_the_order_of_work_reads_what_it_shows(much: Any):
    """And the leads of that; on the first page and on those after it."""
    of, after = None, None
    for _ in range(3):
        (of, rows), read = await cost(
            much,
            lambda of=of, after=after: work_queue(
                much, JOURNAL.name, limit=SHOWN, is_new=True, as_of=of, after=after
            ),
        )
        assert (len(rows), read < ROWS_MAX) == (SHOWN, True), read
        after = place_of(rows[-1])


async def test_a_page_of_a_list_reads_what_it_shows(much: Any):
    """Whatever it is asked by, from the beginning or from the middle of it."""
    middle = await much.fetchrow(
        "SELECT recorded_at, shard, seq FROM alert WHERE seq = $1 AND shard = 0", 4700
    )
    for after in (None, tuple(middle)):
        asked: dict[str, Callable[[], Awaitable[Any]]] = {
            "alerts": lambda after=after: alerts_list(much, limit=SHOWN, after=after),
            "new alerts": lambda after=after: alerts_list(much, limit=SHOWN, after=after, is_new=True),
            "alerts of a rule": lambda after=after: alerts_list(much, "GS-1", limit=SHOWN, after=after),
            "new alerts of a rule": lambda after=after: alerts_list(
                much, "GS-1", limit=SHOWN, after=after, is_new=True
            ),
            "holds": lambda after=after: holds_list(much, None, SHOWN, after),
            "holds that wait": lambda after=after: holds_list(much, "held", SHOWN, after),
            "cases": lambda after=after: cases_by(much, None, after),
            "cases that wait": lambda after=after: cases_by(much, "waiting", after),
            "cases of an officer": lambda after=after: cases_by(much, None, after, officer="otto1"),
        }
        for name, ask in asked.items():
            rows, read = await cost(much, ask)
            assert (name, len(rows), read < ROWS_MAX) == (name, SHOWN, True), (name, read)


async def test_what_waits_with_each_officer_is_counted_by_index(much: Any):
    """Each officer is looked up after the one before, and only what waits is read."""
    waiting = await much.fetchval("SELECT count(*) FROM case_file WHERE is_due")
    found, read = await cost(much, lambda: loads(much))
    assert (len(found), sum(found.values())) == (20, waiting)
    assert read < waiting + 2 * ROWS_MAX / 10, read


async def test_what_is_asked_of_one_customer_or_by_id_is_looked_up(much: Any):
    """However many others there are."""
    owner, number = await much.fetchrow(
        "SELECT owner, instruction_id FROM alert WHERE seq = 4000 AND shard = 1"
    )
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "alerts": lambda: alerts_list(much, owner=owner),
        "new alerts": lambda: alerts_list(much, owner=owner, is_new=True),
        "order of work": lambda: work_queue(much, JOURNAL.name, owner=owner),
        "alert": lambda: alert_find(much, "1-4000"),
        "cases": lambda: cases_by(much, None, None, owner=owner),
        "case": lambda: case_show(much, number),
        "hold": lambda: holds_show(much, number),
        "decisions": lambda: decisions_page(much, None, owner, None, limit=SHOWN, after=()),
        "decisions of a kind": lambda: decisions_page(much, "refused", owner, None, limit=SHOWN, after=()),
        "decisions of people": lambda: decisions_page(much, "refused", None, None, limit=SHOWN, after=()),
        "decision": lambda: decisions_page(much, None, None, number, limit=SHOWN, after=()),
    }
    for name, ask in asked.items():
        found, read = await cost(much, ask)
        assert (name, bool(found), read < ROWS_MAX) == (name, True, True), (name, read)


async def test_the_most_urgent_cases_are_read_by_their_deadline(much: Any):
    """The command shows those that wait, and most are closed."""
    rows, read = await cost(much, lambda: cases_list(much, limit=SHOWN))
    assert (len(rows), read < ROWS_MAX) == (SHOWN, True), read
    deadlines = [row["deadline"] for row in rows]
    assert deadlines == sorted(deadlines)


@pytest.mark.parametrize("decision", [None, "refused"])
async def test_decisions_are_read_shard_by_shard_and_each_is_shown_once(much: Any, decision: str | None):
    """A place in each shard is where the next page begins: one recorded late by a slow shard is not lost."""
    after: tuple[int, ...] = ()
    shown: list[tuple[int, int]] = []
    for _ in range(3):
        rows, read = await cost(
            much,
            lambda after=after: decisions_page(much, decision, None, None, limit=7, after=after),
        )
        assert read <= 7 * PARTITIONS
        after = rows[-1]["through"]
        shown += [(row["shard"], row["seq"]) for row in rows]
    whole = await much.fetch(
        "SELECT shard, seq FROM decision WHERE $1::text IS NULL OR decision = $1"
        " ORDER BY recorded_at, shard, seq LIMIT $2",
        decision,
        len(shown),
    )
    assert shown == [tuple(row) for row in whole]


async def test_an_alert_is_found_by_its_id_alone(much: Any):
    """What is none finds nothing."""
    assert await alert_find(much, "1-4000") is not None
    for other in ("1-4000000", "9-1", "1", "1-", "-1", "1-4000-1", "x-1", "1-²", "9" * 30 + "-1"):
        assert await alert_find(much, other) is None


async def cases_by(connection: Any, status: str | None, after: Any, **by: Any) -> list[dict[str, Any]]:
    """Ask for a page of cases."""
    wanted: dict[str, Any] = {"owner": None, "officer": None, "kind": None, **by}
    return await cases_page(connection, status, limit=SHOWN, after=after, **wanted)


NOBODY = UUID(int=0)


async def test_a_case_that_is_not_there_is_not_looked_for_in_all(much: Any):
    """Whoever mistypes an id is told at once."""
    found, read = await cost(much, lambda: case_show(much, NOBODY))
    assert (found, read) == (None, 0)
