"""Check 13: the system comes to rest, and does not grow while it runs."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from audit.evidence import (
    ALERTS,
    COMPLIANCE_ACTS,
    DECISIONS,
    INSTRUCTIONS,
    JOURNAL,
    REPORTING_ACTS,
    TRANSACTIONS_ACTS,
    Sample,
)
from audit.examination import Examination
from audit.ledger_rows import JournalRow
from audit.result import Result, Tally

INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "transactions": (INSTRUCTIONS, TRANSACTIONS_ACTS, DECISIONS),
    "compliance": (JOURNAL, COMPLIANCE_ACTS),
    "reporting": (JOURNAL, DECISIONS, ALERTS, REPORTING_ACTS),
}

CONNECTIONS_SLACK: Final = 4
GIVEN_BACK_WITHIN: Final = timedelta(minutes=1)
"""Of the shard's own time, after the day was opened on which a reserve stands no longer."""
MEMORY_GROWTH_MAX: Final = 1.35
"""Last third of a run against its middle third, per service."""

SAMPLES_MIN: Final = 9
PROCESS_SAMPLES_MIN: Final = 10
"""Fewer say nothing about a process: it has only just started, or was there for a fault."""


def the_system_comes_to_rest(examination: Examination) -> Result:
    """13: all is read and published, no shard is halted; connections and memory do not grow."""
    tally = Tally(13, "lag returns to zero, nothing grows")
    for service, topics in INPUTS.items():
        state = examination.evidence.services.get(service)
        if state is None:
            tally.differs(f"{service}: not looked at")
            continue
        position = {(each.topic, each.partition): each.next_offset for each in state.positions}
        for topic in topics:
            behind = 0
            for record in examination.evidence.topics.get(topic, ()):
                behind += record.offset >= position.get((topic, record.partition), 0)
            tally.expect(behind == 0, f"{service}: {behind} records of {topic} not taken")
        for shard in state.shards:
            tally.expect(shard.halted is None, f"{service} shard {shard.shard} is halted: {shard.halted}")
            left = shard.last_seq - shard.published_seq
            tally.expect(left == 0, f"{service} shard {shard.shard}: {left} events not published")
    given_back_in_time(tally, examination)
    _growth(tally, examination.evidence.samples or ())
    return tally.result()


def given_back_in_time(tally: Tally, examination: Examination, within: timedelta = GIVEN_BACK_WITHIN) -> None:
    """What has expired is given back soon while its shard is at work, if nothing of its owner's is parked."""
    parked = {
        (each.partition, each.owner)
        for each in examination.service("transactions").parked
        if each.resolution is None
    }
    last = {row.shard: row.recorded_at for row in examination.rows}
    openings = [row for row in examination.rows if row.kind == "BusinessDayOpened"]
    for number in examination.still_reserved:
        row = examination.row_of[number]
        last_day = json.loads(row.content or b"{}").get("expires_on")
        if last_day is None or (row.shard, row.owner) in parked:
            continue
        entity = _entity_of(examination, row)
        begun = [
            each.recorded_at
            for each in openings
            if each.shard == row.shard
            and str(each.booking_date) > last_day
            and (each.detail or {}).get("entity") == entity
        ]
        since, until = min((each for each in begun if each is not None), default=None), last[row.shard]
        late = since is not None and until is not None and until - since > within
        tally.expect(not late, f"shard {row.shard} seq {row.seq}: reserved up to {last_day}, and still is")


def _entity_of(examination: Examination, row: JournalRow) -> str:
    leg = examination.legs[row.shard, row.seq][0]
    return examination.entities[examination.accounts[leg.debit_account].entity_id]


def _growth(tally: Tally, samples: Sequence[Sample]) -> None:
    if not samples:
        return
    for service, lag in samples[-1].lag.items():
        tally.expect(lag == 0, f"{service}: lag {lag} at the end")
    if len(samples) < SAMPLES_MIN:
        return
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    before, after = _highest_connections(middle), _highest_connections(last)
    tally.expect(after <= before + CONNECTIONS_SLACK, f"connections grew from {before} to {after}")
    for name in sorted({name for sample in last for name in sample.resident_bytes}):
        before, after = _median_resident(middle, name), _median_resident(last, name)
        if before and after:
            growth = f"{name}: resident memory grew from {before} to {after} bytes"
            tally.expect(after <= before * MEMORY_GROWTH_MAX, growth)


def _highest_connections(samples: Sequence[Sample]) -> int:
    return max(sample.connections for sample in samples)


def _median_resident(samples: Sequence[Sample], name: str) -> int:
    found = sorted(sample.resident_bytes[name] for sample in samples if name in sample.resident_bytes)
    return found[len(found) // 2] if len(found) >= PROCESS_SAMPLES_MIN else 0
