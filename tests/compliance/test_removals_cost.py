"""A step of a removal looks up what it looks at: the shard's writer waits for it, however much there is."""

from typing import Any

import pytest

from services.compliance.handlers import removals
from services.compliance.store import removals as removal_store
from tests.compliance.conftest import Harness
from tests.compliance.test_removals import FIVE, TEN, approve, at, propose, ticked
from tests.compliance.test_retention import Office

CUSTOMERS = 1_500
EVENTS = 7
"""Of each customer."""
ROWS_A_RECORD = 30
"""Of all tables together: the record, what its day and class follow from, and what is emptied."""

FINDINGS = '[{"rule": "CTR-1", "rule_version": 1, "sentence": "seen", "values": {"amount": "1"}}]'
ID = "('00000000-0000-0000-0000-' || lpad({}::text, 12, '0'))::uuid"

_CUSTOMERS = """
INSERT INTO account_fact (shard, seq, recorded_at, owner, account, what, day)
SELECT 0, 2 * n + x.number, '2020-01-01Z', 'C' || n, 'C' || n, x.what, x.day
FROM generate_series(1, $1::int) AS n
CROSS JOIN (VALUES (0, 'opened', DATE '2020-01-01'), (1, 'closed', '2020-02-01')) AS x (number, what, day)
"""

_PARTIES = f"""
INSERT INTO party (shard, seq, recorded_at, owner, digest, instruction_id, field, name, kind, birth_date,
                   country)
SELECT 0, 2 * n, '2020-01-01Z', 'C' || n, md5(n::text), {ID.format("n")}, 'party', 'Alice Adams', 'person',
       '1971-04-30', 'FR'
FROM generate_series(1, $1::int) AS n
"""

_EVENTS = """
INSERT INTO outbox (shard, seq, recorded_at, epoch, topic, type, key, body, prev)
SELECT 0, $2 * (n - 1) + x.number, '2020-01-02Z', 1, x.topic, x.type, convert_to('C' || n, 'UTF8'),
       convert_to('{"type":"' || x.type || '","reason":"seen","findings":' || $3::text || '}', 'UTF8'), 0
FROM generate_series(1, $1::int) AS n
CROSS JOIN (VALUES (1, 'compliance.alerts.v1', 'AlertRaised'), (2, 'compliance.alerts.v1', 'ActDone'),
                   (3, 'compliance.alerts.v1', 'AlertRaised'), (4, 'compliance.alerts.v1', 'ActDone'),
                   (5, 'compliance.alerts.v1', 'HoldPlaced'), (6, 'compliance.decisions.v1', 'DecisionMade'),
                   (7, 'compliance.alerts.v1', 'CustomerRated'))
    AS x (number, topic, type)
"""

_ANSWERS = f"""
INSERT INTO act_answer
    (shard, act_id, seq, recorded_at, act, actor, reason, content_hash, done, detail, result)
SELECT 0, {ID.format("o.seq")}, o.seq, o.recorded_at, 'x', 'ann', 'seen', '', true, '', '{{}}'
FROM outbox AS o WHERE o.seq % $1 IN (2, 4, 6)
"""

_ALERTS = """
INSERT INTO alert (shard, seq, recorded_at, owner, rule, business_date, subject, findings, about_shard,
                   about_seq)
SELECT 0, o.seq, o.recorded_at, convert_from(o.key, 'UTF8'), 'CTR-1', '2020-01-02', o.seq::text, $1::jsonb,
       0, 1
FROM outbox AS o WHERE o.type = 'AlertRaised'
"""

_CASES = f"""
INSERT INTO case_file (shard, case_id, opened_seq, opened_at, owner, kind, version, status, deadline, officer,
                       disposition, report)
SELECT 0, {ID.format("o.seq")}, o.seq, o.recorded_at, convert_from(o.key, 'UTF8'), 'suspicion', 2, 'closed',
       o.recorded_at, 'otto', 'inconclusive', false
FROM outbox AS o WHERE o.seq % $1 = 4
"""

_FACTS = f"""
INSERT INTO case_fact (shard, case_id, version, seq, recorded_at, act_id, what, actor, reason, deadline,
                       disposition, report)
SELECT c.shard, c.case_id, x.version, c.opened_seq, c.opened_at, x.act_id, x.what, 'otto', 'seen',
       CASE WHEN x.version = 1 THEN c.deadline END, CASE WHEN x.version = 2 THEN c.disposition END,
       CASE WHEN x.version = 2 THEN c.report END
FROM case_file AS c
CROSS JOIN LATERAL (VALUES (1, 'opened', {ID.format("c.opened_seq")}),
                           (2, 'decided', {ID.format("(c.opened_seq + 500000000)")}))
    AS x (version, what, act_id)
"""

_TRIAGE = f"""
INSERT INTO alert_triage (shard, alert_seq, seq, recorded_at, act_id, actor, reason, case_id, case_version)
SELECT a.shard, a.seq, a.seq + 1, a.recorded_at, {ID.format("(a.seq + 1)")}, 'ann', 'seen', c.case_id,
       CASE WHEN c.case_id IS NOT NULL THEN 1 END
FROM alert AS a LEFT JOIN case_file AS c ON c.shard = a.shard AND c.opened_seq = a.seq + 1
"""

_HOLDS = f"""
INSERT INTO hold (shard, instruction_id, seq, recorded_at, content_hash, owner, first_shard, first_seq, asset,
                  amount, deadline, findings, lists, status, decided_seq)
SELECT 0, {ID.format("o.seq")}, o.seq, o.recorded_at, '', convert_from(o.key, 'UTF8'), 0, 1, 'EUR', '1.00',
       o.recorded_at, $1::jsonb, '{{}}', 'refused', o.seq + 1
FROM outbox AS o WHERE o.type = 'HoldPlaced'
"""

_DECISIONS = f"""
INSERT INTO decision (shard, seq, recorded_at, instruction_id, content_hash, owner, first_shard, first_seq,
                      decision, findings, lists, act_id, actor, reason)
SELECT h.shard, h.decided_seq, h.recorded_at, h.instruction_id, '', h.owner, 0, 1, 'refused', h.findings,
       '{{}}', {ID.format("h.decided_seq")}, 'ann', 'seen'
FROM hold AS h
"""

_RATINGS = f"""
INSERT INTO customer_rating (shard, owner, version, seq, recorded_at, risk_class, previous, act_id, actor,
                             reason)
SELECT 0, convert_from(o.key, 'UTF8'), 1, o.seq, o.recorded_at, 'high', 'medium', {ID.format("o.seq")}, 'ann',
       'seen'
FROM outbox AS o WHERE o.type = 'CustomerRated'
"""

_CHAIN = "INSERT INTO event_chain VALUES (0, $1, decode(repeat('00', 32), 'hex'))"

TABLES = (
    "account_fact", "relationship", "party", "outbox", "act_answer", "alert", "alert_triage", "case_file",
    "case_fact", "hold", "decision", "customer_rating", "removed_record",
)  # fmt: skip

_READ = """
SELECT sum(seq_tup_read)::bigint AS through, sum(idx_tup_fetch)::bigint AS by_index
FROM pg_stat_xact_user_tables WHERE relname = ANY($1)
"""


async def fill(owner: Any, customers: int) -> None:
    """Let so many customers have gone long ago, each with alerts, a case and a payment that was refused."""
    await owner.execute("SET search_path = compliance")
    for table in TABLES:
        await owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    await owner.execute(_CUSTOMERS, customers)
    await owner.execute(_PARTIES, customers)
    await owner.execute(_EVENTS, customers, EVENTS, FINDINGS)
    await owner.execute(_ANSWERS, EVENTS)
    await owner.execute(_ALERTS, FINDINGS)
    async with owner.transaction():  # a closed case is looked at when its facts are there, too
        await owner.execute(_CASES, EVENTS)
        await owner.execute(_FACTS)
    for statement in (_TRIAGE, _RATINGS):
        await owner.execute(statement)
    await owner.execute(_HOLDS, FINDINGS)
    await owner.execute(_DECISIONS)
    await owner.execute(_CHAIN, EVENTS * customers)


@pytest.mark.parametrize("analyzed", [TABLES, (), ("alert",)], ids=["all", "none", "one"])
async def test_a_step_of_a_removal_looks_up_what_it_looks_at(
    live: Harness, owner: Any, monkeypatch: pytest.MonkeyPatch, analyzed: tuple[str, ...]
):
    """No table is read through, and no more of it for being larger, whichever of them are analyzed."""
    await fill(owner, CUSTOMERS)
    for table in analyzed:
        await owner.execute(f"ANALYZE {table}")
    live.seqs[0] = EVENTS * CUSTOMERS
    await live.restart()
    office = Office(live)
    await at(office, FIVE)
    assert (await approve(office, await propose(office, FIVE))).done
    begun, costs = list[Any]([None]), list[tuple[int, int]]()
    first_open, go_on = removal_store.first_open, removal_store.go_on

    async def beginning(connection: Any, shards: Any) -> Any:
        """Note what was read before the step."""
        job = await first_open(connection, shards)
        begun[0] = await connection.fetchrow(_READ, list(TABLES))
        return job

    async def ended(connection: Any, job: Any, records: int) -> None:
        """Note what the step has read."""
        await go_on(connection, job, records)
        before, now = begun[0], await connection.fetchrow(_READ, list(TABLES))
        costs.append((now["through"] - before["through"], now["by_index"] - before["by_index"]))

    monkeypatch.setattr(removal_store, "first_open", beginning)
    monkeypatch.setattr(removal_store, "go_on", ended)
    steps = CUSTOMERS * (EVENTS + 1) // removals.LOOKED_AT_A_TICK + 2
    said = await ticked(office, FIVE, times=steps)
    assert sum(len(each.records) for each in said) == 7 * CUSTOMERS
    assert max(len(each.records) for each in said) <= removals.LOOKED_AT_A_TICK
    assert {through for through, _ in costs} == {0}, "a table is read through"
    assert max(read for _, read in costs) < ROWS_A_RECORD * removals.LOOKED_AT_A_TICK
    assert await ticked(office, TEN) == [], "it is finished"
