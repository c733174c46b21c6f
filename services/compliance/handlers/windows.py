"""Lets windows take what a batch moved, and stores it: entries at once, windows now and then."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.compliance.domain.ledger_events import LedgerNews
from services.compliance.domain.memory import Draft, Memory
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule_changes import RuleSet, ShadowFinding
from services.compliance.domain.windows.entry import Entry
from services.compliance.domain.windows.shard import Key, ShardWindows, read_entries, spell_entries
from services.compliance.domain.windows.telling import is_anew
from services.compliance.domain.windows.window import Window
from services.compliance.handlers.screening import Hit
from services.compliance.store import windows as window_store
from shared.messages.compliance import Finding
from shared.messages.partitioner import shard_of
from shared.runtime.database import Connection
from shared.runtime.work import Received, UnitOfWork

WINDOWS_MAX = 1_000_000
"""Windows of all shards together that stay in memory."""


async def load_shard(connection: Connection, shard: int) -> ShardWindows:
    """Read what came after a shard's checkpoint; windows themselves are read when they are asked for."""
    checkpoint = await window_store.load_checkpoint(connection, shard)
    return ShardWindows.of(checkpoint, await window_store.load_batches(connection, shard, checkpoint))


@dataclass(slots=True)
class Taken:
    """What rules about windows find in a batch."""

    hits: dict[int, tuple[Hit, ...]] = field(default_factory=dict[int, tuple[Hit, ...]])
    """By place in the records."""
    shadowed: list[ShadowFinding] = field(default_factory=list[ShadowFinding])
    """What versions in shadow find."""


async def take_entries(work: UnitOfWork, records: Sequence[Received], draft: Draft) -> Taken:
    """Let windows take what records moved, in their order, and return what rules find.

    Windows change in memory before the batch commits. If it does not, `settle` is not called, and the shard's
    windows are read again by the next batch.
    """
    memory, taken = draft.memory, Taken()
    added: dict[int, list[tuple[int, Entry]]] = {}
    homes = {shard: _homes(shard, work.partitions) for shard in work.shards}
    for place, record in enumerate(records):
        news: LedgerNews = record.message
        if news.view is not None and (entries := news.entries(homes[record.shard])):
            added.setdefault(record.shard, []).extend((place, entry) for entry in entries)
    if not added:
        return taken
    for shard in added:
        if not memory.windows[shard].is_settled:
            memory.windows[shard] = await load_shard(work.connection, shard)
    await _load(
        work, memory, ((shard, _key(entry)) for shard, entries in added.items() for _, entry in entries)
    )
    for shard, entries in added.items():
        timeline = draft.rules_of(shard)
        moved = memory.windows[shard].begin([entry for _, entry in entries])
        for (place, entry), window in zip(entries, moved, strict=True):
            record = records[place]
            rules = timeline.at(record.offset)
            if findings := rules.judge.take(window, entry):
                found = tuple(_hit(finding, entry, record, window, rules.book) for finding in findings)
                taken.hits[place] = taken.hits.get(place, ()) + found
            if rules.shadows and entry.amount:
                taken.shadowed += _shadowed(work, record, window, entry, rules)
    await _save(work, memory, added)
    return taken


def _shadowed(
    work: UnitOfWork, record: Received, window: Window, entry: Entry, rules: RuleSet
) -> Iterator[ShadowFinding]:
    """Yield what versions in shadow find of an entry that its window has taken."""
    day = entry.booking_date
    for shadow in rules.shadows:
        findings = shadow.judge.judge(window, entry)
        if findings and shadow.counts(entry.asset, day, window.segment, window.residence):
            for finding in findings:
                hit = _hit(finding, entry, record, window, shadow.book)
                yield ShadowFinding(
                    shard=record.shard,
                    proposal_id=shadow.proposal.proposal_id,
                    owner=hit.owner,
                    rule=hit.rule,
                    business_date=day,
                    subject=hit.subject,
                    would_hold=hit.holds and record.message.waits,
                    findings=hit.findings,
                    about_shard=entry.shard,
                    about_seq=entry.seq,
                    recorded_at=work.shards[record.shard].recorded_at,
                )


def settle(memory: Memory) -> None:
    """Note that the batch is committed, and forget what is more than memory should hold."""
    for windows in memory.windows.values():
        windows.is_settled = True
    total = sum(len(each.windows) for each in memory.windows.values())
    if total > WINDOWS_MAX:
        for windows in memory.windows.values():
            windows.shrink(len(windows.windows) * WINDOWS_MAX * 9 // 10 // total)


def _homes(shard: int, partitions: int) -> Callable[[str], bool]:
    return lambda owner: shard_of(owner, partitions) == shard


def _key(entry: Entry) -> Key:
    return entry.owner, entry.asset


def _hit(finding: Finding, entry: Entry, record: Received, window: Window, book: ParameterBook) -> Hit:
    """Whether a finding holds is data; only who is debited in their own shard's event can be held.

    What a later entry completes holds nothing: that one's money has been decided, and alone this was nothing.
    """
    whose = (finding.rule, entry.asset, entry.booking_date, window.segment, window.residence)
    hold_for = book.hold_for(*whose)
    return Hit(
        rule=finding.rule,
        owner=entry.owner,
        subject="",
        findings=(finding,),
        holds=hold_for is not None and entry.amount < 0 and record.copy == "primary" and not is_anew(finding),
        hold_for=hold_for or timedelta(),
        cooldown_days=book.cooldown_days(*whose),
    )


async def _load(work: UnitOfWork, memory: Memory, wanted: Iterable[tuple[int, Key]]) -> None:
    """Bring windows into memory, with one statement; those that cannot be read are made anew."""
    missing = list(
        dict.fromkeys((shard, key) for shard, key in wanted if key not in memory.windows[shard].windows)
    )
    if not missing:
        return
    states = await window_store.load_states(work.connection, missing)
    broken: dict[int, set[Key]] = {}
    for shard, key in missing:
        state = states.get((shard, key))
        if state is None or state.is_sound:
            memory.windows[shard].build(key, state)
        else:
            broken.setdefault(shard, set()).add(key)
    for shard, keys in broken.items():
        entries: dict[Key, list[Entry]] = {key: [] for key in keys}
        for _, stored in await window_store.load_batches(work.connection, shard, 0):
            for entry in read_entries(stored):
                if _key(entry) in keys:
                    entries[_key(entry)].append(entry)
        for key, mine in entries.items():
            memory.windows[shard].rebuild(key, mine)


async def _save(work: UnitOfWork, memory: Memory, added: Mapping[int, Sequence[tuple[int, Entry]]]) -> None:
    rows = [
        (shard, memory.windows[shard].number, len(entries), spell_entries([entry for _, entry in entries]))
        for shard, entries in added.items()
    ]
    await window_store.save_batches(work.connection, rows)
    to_save = {shard: memory.windows[shard].to_save() for shard in added}
    await _load(work, memory, ((shard, key) for shard, keys in to_save.items() for key in keys))
    states = [(shard, state) for shard, keys in to_save.items() for state in memory.windows[shard].save(keys)]
    await window_store.save_states(work.connection, states)
    if states:
        moved = {shard: memory.windows[shard].advance() for shard in added}
        through = {shard: number for shard, number in moved.items() if number is not None}
        await window_store.save_checkpoints(work.connection, through)
