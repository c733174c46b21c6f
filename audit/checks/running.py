"""Check 13: the system comes to rest, and does not grow while it runs."""

from collections.abc import Mapping, Sequence
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
from audit.result import Result, Tally

INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "transactions": (INSTRUCTIONS, TRANSACTIONS_ACTS, DECISIONS),
    "compliance": (JOURNAL, COMPLIANCE_ACTS),
    "reporting": (JOURNAL, DECISIONS, ALERTS, REPORTING_ACTS),
}

CONNECTIONS_SLACK: Final = 4
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
    _growth(tally, examination.evidence.samples or ())
    return tally.result()


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
