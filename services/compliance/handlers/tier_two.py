"""Runs the second tier, and raises what it has found: alerts only, in the ticks, beside all screening.

Whoever holds the house's shard runs it, over the entries that all shards have stored; each shard raises what
was found of its own parties. Findings and how far they look are one commit, alerts and the marks that they
are raised another: whoever dies meanwhile, each is told once.
"""

from collections import Counter
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.compliance.domain.memory import Memory
from services.compliance.domain.records import AlertRow, TierFindingRow, TierRunRow
from services.compliance.domain.rule_changes import RuleSet
from services.compliance.domain.snoozes import NOTHING_SNOOZED
from services.compliance.domain.tier_two import TierJudge, TierRules, TierTwo, Told, last_of_each
from services.compliance.domain.windows.entry import counterparty
from services.compliance.domain.windows.shard import read_entries
from services.compliance.handlers.alerts import raise_alert
from services.compliance.handlers.screening import Hit
from services.compliance.handlers.snoozes import tell_snoozed
from services.compliance.handlers.work_order import save_alerts
from services.compliance.rules import TIER_RULES
from services.compliance.store import snoozes as snooze_store
from services.compliance.store import tier_two as tier_store
from shared.messages.envelope import HOUSE, Number
from shared.messages.partitioner import shard_of
from shared.runtime.database import Connection
from shared.runtime.work import UnitOfWork

ENTRIES_A_RUN: Final = 1_000
"""Some 0.02 s of a processor: a payment that comes meanwhile waits as long for its decision."""
BATCHES_A_RUN: Final = 50
"""Of one shard."""
ALERTS_A_TICK: Final = 1000


async def look_at_all(work: UnitOfWork, memory: Memory) -> bool:
    """Let rules about all shards look at what has come since the last run, and say whether more waits.

    Memory changes before the commit; if that fails, `is_settled` stays false, and it is read again.
    """
    house = shard_of(HOUSE, work.partitions)
    if house not in work.shards:
        return False
    tier, now = memory.tier_two, memory.rules[house].now
    if tier is None or not tier.is_settled or tier.rules != TierRules.of(TIER_RULES, now):
        # Other parameters may keep other edges: all is read again.
        tier = memory.tier_two = await begin(work.connection, now, house, work.partitions)
    was_warm = tier.is_warm
    batches = await tier_store.next_batches(
        work.connection,
        tier.read,
        [None] * work.partitions if was_warm else tier.through,
        entries=ENTRIES_A_RUN,
        batches=BATCHES_A_RUN,
    )
    if not batches:
        return False
    tier.is_settled = False
    cut_before = tier.cut_short
    taken = Counter[int]()
    entries = [entry for *_, stored in batches for entry in read_entries(stored)]
    tier.take(entries)
    for shard, number, count, _ in batches:
        tier.read[shard] = number
        taken[shard] += count
    if not was_warm:
        for judge in tier.judges:
            judge.fresh.clear()
        return True
    tier.rate(await tier_store.ratings_after(work.connection, tier.ratings, [None] * work.partitions))
    tier.through = list(tier.read)
    tier.entries = [before + taken[shard] for shard, before in enumerate(tier.entries)]
    tier.number += 1
    live, *_ = tier.judges
    edges, moved = len(live.fresh), last_of_each(entries)
    found = [(judge, judge.find(tier.turnovers, moved)) for judge in tier.judges]
    outcomes = Counter(outcome for _, outcome in found[0][1])
    run = TierRunRow(
        number=tier.number,
        recorded_at=work.shards[house].recorded_at,
        house_seq=work.shards[house].last_seq,
        through=tuple(tier.through),
        entries=tuple(tier.entries),
        ratings=tuple(tier.ratings),
        edges=edges,
        alerts=outcomes["alert"],
        cooling=outcomes["cooling"],
        over_budget=outcomes["over_budget"],
        cut_short=tier.cut_short - cut_before,
    )
    await tier_store.save_run(work.connection, run)
    for judge, judged in found:
        told = [(each, outcome) for each, outcome in judged if outcome != "cooling"]
        rows = [
            _row(tier.number, place, each, outcome, work.partitions)
            for place, (each, outcome) in enumerate(told, start=1)
        ]
        await tier_store.save_findings(work.connection, rows, judge.proposal_id)
    return len(entries) >= ENTRIES_A_RUN


async def raise_findings(work: UnitOfWork, memory: Memory) -> None:
    """Raise an alert for each finding about a party of the shards held; more than a tick's worth waits.

    What is silenced now is kept instead.
    """
    rows = await tier_store.waiting_findings(work.connection, list(work.shards), ALERTS_A_TICK)
    alerts: list[AlertRow] = []
    snoozed: list[tuple[AlertRow, UUID]] = []
    raised: list[tuple[int, int, int]] = []
    for row in rows:
        key = (row.shard, row.owner, row.rule, row.business_date, "")
        about = Number(shard=row.about_shard, seq=row.about_seq)
        hit = Hit(row.rule, row.owner, "", (row.finding,), holds=False, hold_for=timedelta())
        snoozes = memory.snoozes.get(row.shard, NOTHING_SNOOZED)
        snooze_id = snoozes.silencing(row.owner, row.rule, row.business_date)
        if snooze_id is None:
            told = raise_alert(work, key, hit, about, None)
            alerts.append(told)
        else:
            told = tell_snoozed(work, key, snooze_id, hit, about, None)
            snoozed.append((told, snooze_id))
        raised.append((row.run, row.number, told.seq))
    await save_alerts(work, alerts)
    await snooze_store.save_snoozed(work.connection, snoozed)
    await tier_store.mark_raised(work.connection, raised)


async def begin(connection: Connection, now: RuleSet, house: int, partitions: int) -> TierTwo:
    """Begin with what was told and how customers were rated up to the last run.

    Entries up to it are read again, some in each tick.
    """
    number, through, entries, rated = await tier_store.load_last_run(connection) or (0, [], [], [])
    rules = TierRules.of(TIER_RULES, now)
    shadows = [each for each in now.shadows if each.proposal.proposal_id in rules.shadows]
    judges = [TierJudge.live(TIER_RULES, now.book)]
    judges += [TierJudge.of_shadow(TIER_RULES, each) for each in shadows]
    for judge in judges:
        for rule, owner, day, outcome, parties in await tier_store.load_kept(connection, judge.proposal_id):
            judge.telling.restore(rule, counterparty(owner), parties, day.toordinal(), outcome)
    nothing = [0] * partitions
    through, entries, rated = ([*each, *nothing[len(each) :]] for each in (through, entries, rated))
    tier = TierTwo(house, rules, judges, number, through, entries, rated)
    tier.rate(await tier_store.ratings_after(connection, nothing, tier.ratings))
    return tier


def _row(run: int, number: int, found: Told, outcome: str, partitions: int) -> TierFindingRow:
    return TierFindingRow(
        run=run,
        number=number,
        shard=shard_of(found.last.owner, partitions),
        owner=found.last.owner,
        rule=found.rule.code,
        business_date=found.business_date,
        outcome=outcome,
        score=found.score,
        parties=found.parties,
        finding=found.finding(),
        about_shard=found.last.shard,
        about_seq=found.last.seq,
    )
