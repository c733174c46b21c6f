"""Everything that must hold after a script, and by what it shows where it does not."""

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import asyncpg

from audit.checks import CHECKS
from audit.checks.cases import cases_follow_from_their_facts
from audit.checks.freezes import freezes_elsewhere_are_seen
from audit.checks.ratings import ratings_follow_from_data_and_acts
from audit.checks.removals import removed_as_the_law_allows
from audit.checks.reports import reports_equal_recomputation
from audit.checks.rights import nobody_reads_anothers
from audit.checks.running import given_back_in_time, the_system_comes_to_rest
from audit.checks.screening import screening_equals_recomputation
from audit.evidence import ALERTS, DECISIONS, PUBLISHED, TOPICS, Evidence, ServiceState
from audit.examination import Examination
from audit.readers.postgres import connect, read_chart, read_ledger, read_service
from audit.result import Tally
from audit.runtime_rows import SentRow, ShardRow
from services.transactions.app import TransactionsService
from services.transactions.domain.state import ShardState
from services.transactions.handlers import announcing
from services.transactions.queries.verifying import PublishedEvent, compare_published, verify
from services.transactions.store import accounts
from shared.messages.topics import JOURNAL
from shared.runtime.consumer import Worker
from tests.stateful.machine import Machine
from tests.support.keys import MASTER_KEY, with_master_key
from tests.transactions.support import PARTITIONS

NOT_OF_THE_LEDGER: Final = (
    removed_as_the_law_allows,
    reports_equal_recomputation,
    screening_equals_recomputation,
    ratings_follow_from_data_and_acts,
    nobody_reads_anothers,
    cases_follow_from_their_facts,
    the_system_comes_to_rest,
)
"""Checks of the auditor for which there must be more than one service."""

AT_ONCE: Final = timedelta(milliseconds=1)
"""Here one batch follows the other, so what was committed before is seen."""

READ_AS_MET: Final = {"accounts", "balances", "day_kept", "short", "unsaved"}
"""Parts of a shard's memory that a claim leaves out; they are compared with the tables one by one."""


class Finding(NamedTuple):
    """Something that does not hold."""

    catcher: str
    what: str


async def examine(machine: Machine) -> list[Finding]:
    """Look at what a script has left; stops the machine."""
    found = _complaints(machine)
    for process in machine.processes:
        found += await _memories(process.worker) + _left(machine, process.worker)
    await machine.stop()
    return found + await _audited(machine) + await _verified(machine)


def _complaints(machine: Machine) -> list[Finding]:
    """What the runtime gave up: a record that failed, a shard that stands still, a batch dropped."""
    found: list[Finding] = []
    for event, said in machine.witness.errors:
        error = str(said.get("error", ""))
        refused = isinstance(getattr(asyncpg.exceptions, error, None), type)
        catcher = f"database: {error}" if refused else f"runtime: {event}"
        found.append(Finding(catcher, f"{event} {said}"))
    return found


def _left(machine: Machine, worker: Worker) -> list[Finding]:
    """Records that the positions have not moved past."""
    return [
        Finding("rest", f"{topic}/{number}: {len(lane) - there} records are left")
        for number, shard in worker.held.items()
        for topic in worker.inputs
        if (lane := machine.broker.lanes[topic, number])
        and (there := shard.position(topic).next_offset) < len(lane)
    ]


async def _memories(worker: Worker) -> list[Finding]:
    """What a process remembers is what another one would read."""
    if not worker.held:
        return []
    assert isinstance(worker.service, TransactionsService)
    fresh = TransactionsService()
    with_master_key(fresh)
    await fresh.start(worker.connection)
    found: list[Finding] = []
    for shard in sorted(worker.held):
        await fresh.load(worker.connection, shard)
        found += await _memory(worker, worker.service.memory.shards[shard], fresh.memory.shards[shard])
    chart = worker.service.memory.chart
    known = {
        code: each for code, each in worker.service.memory.accounts.items() if code not in chart.accounts
    }
    if known != (again := await accounts.accounts_by_code(worker.connection, chart, sorted(known))):
        found.append(Finding("memory", f"accounts {known}, read {again}"))
    return found


async def _memory(worker: Worker, remembered: ShardState, read: ShardState) -> list[Finding]:
    shard = read.shard
    found = [
        Finding("memory", f"shard {shard}: {part} {getattr(remembered, part)}, read {getattr(read, part)}")
        for part in sorted({each.name for each in fields(ShardState)} - READ_AS_MET)
        if getattr(remembered, part) != getattr(read, part)
    ]
    kept = {
        row["account_id"]
        for row in await worker.connection.fetch(
            "SELECT account_id FROM day_opening WHERE shard = $1 AND seq = $2", shard, remembered.day_seq
        )
    }
    if not remembered.day_kept <= kept:
        found.append(Finding("memory", f"shard {shard}: kept {remembered.day_kept}, read {kept}"))
    rows = {
        row[0]: list(row)[1:]
        for row in await worker.connection.fetch(
            "SELECT account_id, debits_posted, credits_posted, debits_pending, credits_pending"
            " FROM balance WHERE shard = $1",
            shard,
        )
    }
    for account_id, row in remembered.balances.items():
        if row != rows.get(account_id, [0, 0, 0, 0]):
            found.append(Finding("memory", f"shard {shard}: {account_id} {row}, read {rows.get(account_id)}"))
        if (account_id in rows) == (account_id in remembered.unsaved):
            found.append(Finding("memory", f"shard {shard}: {account_id} is remembered wrongly as unsaved"))
    return found


# ── the auditor ──────────────────────────────────────────────────────────────────────────────────


async def gathered(machine: Machine) -> Evidence:
    """What the auditor looks at: the ledger's tables, the topics, and what compliance was played to say."""
    connection = await connect(machine.database.readonly)
    try:
        evidence = Evidence(partitions=PARTITIONS, master_key=base64.b64decode(MASTER_KEY))
        evidence.chart = await read_chart(connection)
        evidence.ledger = await read_ledger(connection)
        state = await read_service(connection, "transactions")
    finally:
        await connection.close()
    assert state is not None
    evidence.services["transactions"] = state
    evidence.services["compliance"] = _compliance(machine)
    evidence.topics = {topic: machine.broker.topic(topic) for topic in TOPICS}
    assert not evidence.topics[ALERTS]
    assert not evidence.topics[PUBLISHED]
    return evidence


def _compliance(machine: Machine) -> ServiceState:
    state = ServiceState()
    for shard, rows in machine.decisions.items():
        state.outbox += rows
        state.shards.append(ShardRow(shard, 1, len(rows), len(rows)))
        state.sent.append(SentRow(shard, DECISIONS, shard, len(rows), len(rows)))
    return state


async def _audited(machine: Machine) -> list[Finding]:
    examination = Examination(await gathered(machine))
    found = [Finding("auditor: replay", each) for each in examination.replay.problems]
    checks = [*CHECKS, partial(freezes_elsewhere_are_seen, within=AT_ONCE)]
    late = Tally(13, "lag returns to zero, nothing grows")
    given_back_in_time(late, examination, AT_ONCE)
    found += [Finding(f"auditor: {late.name}", each) for each in late.examples]
    for check in checks:
        if check not in NOT_OF_THE_LEDGER:
            result = check(examination)
            found += [Finding(f"auditor: {result.name}", each) for each in result.examples]
    return found


# ── the verifier ─────────────────────────────────────────────────────────────────────────────────


async def _verified(machine: Machine) -> list[Finding]:
    published = partial(compare_published, events=_published(machine), rebuild=_rebuild(machine))
    try:
        found = await verify(machine.database.readonly, published=published)
    except (KeyError, ValueError) as error:  # it cannot even be rebuilt
        return [Finding("verify: published", repr(error))]
    return [
        Finding(f"verify: {each.name}", str(each.first or found.first_difference))
        for each in found.checks
        if not each.ok
    ]


def _rebuild(machine: Machine) -> Callable[..., Any]:
    service = machine.processes[0].worker.service
    assert isinstance(service, TransactionsService)

    async def events_after(reading: Any, shard: int, seq: int, limit: int) -> Any:
        """The service's own, in the verifier's transaction, without keys: a reader has no right to them."""
        await reading.execute("SET LOCAL search_path TO transactions")
        return await announcing.events_after(reading, service.memory.chart, shard, seq, limit)

    return events_after


async def _published(machine: Machine) -> AsyncIterator[PublishedEvent]:
    for record in machine.broker.topic(JOURNAL.name):
        headers = dict(record.headers)
        yield PublishedEvent(
            record.partition,
            int(headers["shard"]),
            int(headers["seq"]),
            int(headers["prev"]),
            record.value or b"",
            headers.get("chain"),
        )
