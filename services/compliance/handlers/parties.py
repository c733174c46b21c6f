"""Keeps parties on record, and screens them again against what a new version of a list has changed.

New and changed entries are what counts: everything else of the new version was screened against as it is. The
search is the one that every name goes through, over the whole version, so that a score is the same whichever
way a party comes to be screened.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import blake2b
from typing import Final

from services.compliance.domain.ledger_events import NUMBERS, Bearer, LedgerNews
from services.compliance.domain.lists.difference import difference
from services.compliance.domain.matches import NameMatch
from services.compliance.domain.memory import Memory
from services.compliance.domain.names.evidence import Known, PartyKind
from services.compliance.domain.records import AlertKey, AlertRow, OpenRescreening, PartyRow, RescreeningRow
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import NOBODY
from services.compliance.handlers.alerts import raise_alert
from services.compliance.handlers.delistings import announce_delisted
from services.compliance.handlers.screening import Hit, find_names, name_hits
from services.compliance.handlers.work_order import FROM_THE_FIRST, place_owners, save_alerts
from services.compliance.store import decisions as decision_store
from services.compliance.store import parties as party_store
from shared.messages.compliance import PartiesRescreened
from shared.messages.envelope import HOUSE, Number
from shared.messages.journal import InstructionApplied
from shared.messages.topics import ALERTS
from shared.runtime.work import Received, UnitOfWork

PARTIES_PER_TICK_MAX: Final = 150
"""Of all shards together: some 0.015 s of a processor, so that payments do not wait long behind it."""

_KINDS: Final[dict[str, PartyKind]] = {"person": "person", "organisation": "organisation"}


async def remember_parties(work: UnitOfWork, records: Iterable[Received]) -> None:
    """Put the parties of accounts opened, and holders told of later, on record, each once."""
    rows: dict[tuple[int, str, str], PartyRow] = {}
    for record in records:
        news: LedgerNews = record.message
        if not any(each.is_party for each in news.names) or record.copy != "primary":
            continue
        event = news.event()
        if isinstance(event, InstructionApplied) and event.instruction_id is not None:
            for bearer in news.names:
                if bearer.is_party and bearer.name:
                    row = _on_record(record.shard, event, bearer, work.shards[record.shard].recorded_at)
                    rows.setdefault((row.shard, row.owner, row.digest), row)
    await party_store.save_parties(work.connection, list(rows.values()))
    told = {(row.shard, row.owner): FROM_THE_FIRST for row in rows.values() if row.kind is not None}
    await place_owners(work, told)


def _on_record(shard: int, event: InstructionApplied, bearer: Bearer, recorded_at: datetime) -> PartyRow:
    known = bearer.known
    country = known.countries[0] if known.countries else None
    identifier = bearer.identifiers[0][0] if bearer.identifiers else None
    told = [bearer.field, bearer.name, known.kind, known.birth_date, country, identifier]
    assert event.instruction_id is not None
    return PartyRow(
        shard=shard,
        seq=event.seq,
        recorded_at=recorded_at,
        owner=event.owner or event.account.owner,
        digest=blake2b(json.dumps(told).encode(), digest_size=16).hexdigest(),
        instruction_id=event.instruction_id,
        field=bearer.field,
        name=bearer.name or "",
        kind=known.kind,
        birth_date=known.birth_date,
        country=country,
        identifier=identifier,
    )


def _bearer(row: PartyRow) -> Bearer:
    known = Known(
        _KINDS.get(row.kind or ""), row.birth_date, (row.country,) if row.country is not None else ()
    )
    identifiers = ((row.identifier, NUMBERS),) if row.identifier is not None else ()
    return Bearer(row.field, row.name, known, identifiers)


def plan_rescreening(
    shard: int, seq: int, index: NamesIndex, before: NamesIndex | None, day: date
) -> RescreeningRow:
    """Say what parties on record are to be screened against, now that `index` replaces `before`."""
    entries = None
    if before is not None:
        changed = difference(before.parties, index.parties).to_screen_against
        entries = frozenset(each.entry_id for each in changed)
    replaced = before.version if before is not None else None
    return RescreeningRow(shard, seq, index.code, index.version, replaced, day, entries)


async def screen_parties_again(work: UnitOfWork, memory: Memory) -> bool:
    """Screen the next parties of each shard's first open screening, and say whether any is left.

    Alerts, and how far it has come, are one commit: a party is screened once, whoever dies meanwhile.
    """
    shards = list(work.shards)
    opened = await party_store.open_rescreenings(work.connection, shards)
    if not opened:
        return False
    first: dict[int, OpenRescreening] = {}
    for each in opened:
        first.setdefault(each.shard, each)
    entries = await _entries(work, memory, opened)
    indexes = {
        shard: memory.indexes[job.list_code, memory.active[shard][job.list_code]]
        for shard, job in first.items()
    }
    wanted = {
        shard: (job.done_through, 0 if job.entries == 0 else job.through) for shard, job in first.items()
    }
    limit = max(1, PARTIES_PER_TICK_MAX // len(first))
    parties = await party_store.parties_after(work.connection, wanted, limit)
    found = {
        shard: [
            (row, hit)
            for row, hit in _screen(parties[shard], job, indexes[shard], _only(job, opened, entries), memory)
            if not hit.is_only_told
        ]
        for shard, job in first.items()
    }
    told = await _tell(work, first, found)
    after: list[OpenRescreening] = []
    finished: dict[int, int] = {}
    for shard, job in first.items():
        rows = parties[shard]
        is_last = len(rows) < limit
        moved = replace(
            job,
            done_through=job.through if is_last else rows[-1][0],
            parties=job.parties + len(rows),
            alerts=job.alerts + sum(1 for row in told if row.key[0] == shard),
        )
        after.append(moved)
        if is_last:
            finished[shard] = _announce_end(work, moved)
    await party_store.go_on(work.connection, after, finished)
    active = {shard: (first[shard].list_code, indexes[shard].version) for shard in finished}
    await announce_delisted(work, active)
    return len(opened) > len(finished)


async def _entries(
    work: UnitOfWork, memory: Memory, opened: Sequence[OpenRescreening]
) -> Mapping[tuple[int, int], frozenset[str] | None]:
    """The entries that each screening is about; read once, since they never change."""
    keys = [(each.shard, each.seq) for each in opened]
    missing = [key for key in keys if key not in memory.rescreened]
    memory.rescreened |= await party_store.entries_of(work.connection, missing)
    memory.rescreened = {key: memory.rescreened[key] for key in keys}
    return memory.rescreened


def _only(
    job: OpenRescreening,
    opened: Sequence[OpenRescreening],
    entries: Mapping[tuple[int, int], frozenset[str] | None],
) -> "_Entries":
    """What this screening is about, less what a later one of the same list is about: that one will do it."""
    later = [
        entries[each.shard, each.seq]
        for each in opened
        if (each.shard, each.list_code) == (job.shard, job.list_code) and each.seq > job.seq
    ]
    return _Entries(entries[job.shard, job.seq], later)


class _Entries:
    """A set of entry ids, told by what is in it and what is not."""

    def __init__(self, within: frozenset[str] | None, without: Sequence[frozenset[str] | None]) -> None:
        self._within = within
        self._without = without

    def __contains__(self, entry_id: str) -> bool:
        if self._within is not None and entry_id not in self._within:
            return False
        return not any(each is None or entry_id in each for each in self._without)


def _screen(
    parties: Sequence[tuple[int, PartyRow]],
    job: OpenRescreening,
    index: NamesIndex,
    entries: _Entries,
    memory: Memory,
) -> list[tuple[PartyRow, Hit]]:
    """Return what is found of each party among the entries."""
    whitelist = memory.whitelists.get(job.shard, NOBODY)
    found: list[tuple[PartyRow, Hit]] = []
    for _, row in parties:
        matches: tuple[NameMatch, ...] = tuple(
            match for match in find_names([_bearer(row)], [index]) if match.entry_id in entries
        )
        if matches:
            book = memory.rules[job.shard].now.book
            hits = name_hits(matches, row.owner, job.business_date, book, whitelist)
            found += [(row, replace(hit, subject=f"{hit.subject}@{index.version}")) for hit in hits]
    return found


async def _tell(
    work: UnitOfWork,
    first: Mapping[int, OpenRescreening],
    found: Mapping[int, Sequence[tuple[PartyRow, Hit]]],
) -> list[AlertRow]:
    """Raise an alert for each hit, unless the owner has alerted by the same entries of the version."""
    keyed: list[tuple[AlertKey, PartyRow, Hit]] = [
        ((shard, hit.owner, hit.rule, first[shard].business_date, hit.subject), row, hit)
        for shard, hits in found.items()
        for row, hit in hits
    ]
    alerted = await decision_store.alerted(work.connection, {key for key, _, _ in keyed})
    rows: list[AlertRow] = []
    for key, party, hit in keyed:
        if key not in alerted:
            alerted.add(key)
            about = Number(shard=party.shard, seq=party.seq)
            rows.append(raise_alert(work, key, hit, about, party.instruction_id))
    await save_alerts(work, rows)
    return rows


def _announce_end(work: UnitOfWork, job: OpenRescreening) -> int:
    def build(seq: int, recorded_at: datetime) -> PartiesRescreened:
        return PartiesRescreened(
            shard=job.shard,
            seq=seq,
            recorded_at=recorded_at,
            list_code=job.list_code,
            version=job.version,
            replaced=job.replaced,
            entries=job.entries,
            parties=job.parties,
            alerts=job.alerts,
        )

    return work.publish(job.shard, ALERTS, build, key=HOUSE).seq
