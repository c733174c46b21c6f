"""Lists: loaded in parts, activated in each shard, confirmed and refused; and the acts that ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.compliance.domain.list_age import ListCheck
from services.compliance.domain.lists.party import party_of
from services.compliance.domain.memory import Draft, ListVersion
from services.compliance.domain.records import ListPart, ListRefusalRow, ListState, RescreeningRow
from services.compliance.handlers.parties import plan_rescreening
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.store import list_age as list_age_store
from services.compliance.store import parties as party_store
from services.compliance.store import watchlists as list_store
from shared.messages.acts import ActivateList, LoadList, RefuseList
from shared.messages.compliance import ListActivated, ListConfirmed, ListRefused
from shared.messages.envelope import HOUSE
from shared.messages.topics import ALERTS
from shared.runtime.work import Received, UnitOfWork

ListAct = LoadList | ActivateList | RefuseList


def judge_load(shard: int, act: LoadList, known: Known) -> Verdict:
    version = (act.list_code, act.version)
    state = known.lists.get(version) or ListState(act.parts, act.sha256, frozenset())
    entry_ids = [entry.entry_id for entry in act.entries]
    if shard != known.house_shard:
        return refused("wrong_shard", f"lists are loaded in the house's shard, {known.house_shard}")
    if not 1 <= act.part <= act.parts:
        return refused("wrong_part", f"part {act.part} of {act.parts}")
    if (state.sha256, state.parts) != (act.sha256, act.parts):
        return refused("other_content", f"version {act.version} is there, made from another file")
    if act.part in state.loaded:
        return Verdict(True, "the part was there already", _progress(state))
    if len(set(entry_ids)) < len(entry_ids) or known.entries & {(*version, each) for each in entry_ids}:
        return refused("entry_twice", "an entry id occurs twice in the version")
    if any(not entry.names or not all(entry.names) for entry in act.entries):
        return refused("entry_nameless", "an entry has no name")
    after = replace(state, loaded=state.loaded | {act.part})
    known.lists[version] = after
    known.entries |= {(*version, each) for each in entry_ids}
    return Verdict(True, f"{len(after.loaded)} of {after.parts} parts are there", _progress(after), part=act)


def _progress(state: ListState) -> dict[str, Any]:
    return {"loaded": len(state.loaded), "parts": state.parts, "complete": state.is_complete}


def judge_activation(shard: int, act: ActivateList, known: Known) -> Verdict:
    version = (act.list_code, act.version)
    state = known.lists.get(version)
    if state is None:
        return refused("list_unknown", f"there is no version {act.version} of {act.list_code}")
    if not state.is_complete:
        return refused("list_incomplete", f"{len(state.loaded)} of {state.parts} parts are there")
    active = known.active.setdefault(shard, {})
    if active.get(act.list_code) == act.version:
        return Verdict(True, "the version was active already, and is confirmed", {}, confirms=version)
    result = {"replaced": active.get(act.list_code)}
    active[act.list_code] = act.version
    return Verdict(
        True, f"this shard screens against {act.list_code} {act.version}", result, activates=version
    )


def judge_refusal(shard: int, act: RefuseList, known: Known) -> Verdict:
    if shard != known.house_shard:
        return refused("wrong_shard", f"lists are loaded in the house's shard, {known.house_shard}")
    stays = known.active.get(shard, {}).get(act.list_code)
    words = f"version {stays} of {act.list_code} stays in force" if stays else "there is no other version"
    return Verdict(True, words, {"stays": stays}, refuses=act)


async def take_lists(work: UnitOfWork, judged: Sequence[tuple[Received, Verdict]], draft: Draft) -> None:
    """Store the parts that were loaded, and read the versions that are activated."""
    parts = [
        _list_part(verdict.part, work.shards[record.shard].recorded_at)
        for record, verdict in judged
        if verdict.part is not None
    ]
    await list_store.save_parts(work.connection, parts)
    activated = {verdict.activates for _, verdict in judged if verdict.activates is not None}
    missing = [version for version in sorted(activated) if draft.index(version) is None]
    draft.indexes.update(await list_store.load_indexes(work.connection, missing))


def _list_part(act: LoadList, recorded_at: datetime) -> ListPart:
    return ListPart(
        list_code=act.list_code,
        version=act.version,
        part=act.part,
        parts=act.parts,
        sha256=act.sha256,
        recorded_at=recorded_at,
        entries=tuple(party_of(each) for each in act.entries),
    )


Moment = tuple[int, int, str, str, datetime]
"""Shard and number of an event, the list's code and version, and when."""


@dataclass(slots=True)
class ListsTold:
    """What a batch has done to lists, to be stored with it."""

    activations: list[Moment] = field(default_factory=list[Moment])
    confirmations: list[Moment] = field(default_factory=list[Moment])
    refusals: list[ListRefusalRow] = field(default_factory=list[ListRefusalRow])
    rescreenings: list[RescreeningRow] = field(default_factory=list[RescreeningRow])

    def announce(self, work: UnitOfWork, record: Received, verdict: Verdict, draft: Draft) -> None:
        """Publish what became of a version, before the answer to the act that asked for it."""
        if verdict.activates is not None:
            self._activate(work, record, verdict.activates, draft)
        if verdict.confirms is not None:
            self._confirm(work, record, verdict.confirms, draft)
        if verdict.refuses is not None:
            self._refuse(work, record, verdict.refuses, verdict.result["stays"], draft)

    async def save(self, connection: Any) -> None:
        """Store it, in the batch's transaction."""
        await list_store.save_activations(connection, self.activations)
        await list_age_store.save_confirmations(connection, self.confirmations)
        await list_store.save_refusals(connection, self.refusals)
        await party_store.save_rescreenings(connection, self.rescreenings)

    def _activate(self, work: UnitOfWork, record: Received, version: ListVersion, draft: Draft) -> None:
        index = draft.index(version)
        assert index is not None, "the index of a version to activate is loaded first"
        before = draft.lists_of(record.shard).get(index.code)
        replaced = draft.index((index.code, before)) if before is not None else None
        draft.activate(record.shard, index)

        def build(seq: int, recorded_at: datetime) -> ListActivated:
            return ListActivated(
                shard=record.shard,
                seq=seq,
                recorded_at=recorded_at,
                list_code=index.code,
                version=index.version,
                entries=index.entries,
            )

        said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
        self.activations.append((record.shard, said.seq, index.code, index.version, said.recorded_at))
        draft.check(record.shard, index.code, ListCheck(index.version, said.seq, said.recorded_at))
        day = said.recorded_at.date()
        self.rescreenings.append(plan_rescreening(record.shard, said.seq, index, replaced, day))

    def _confirm(self, work: UnitOfWork, record: Received, version: ListVersion, draft: Draft) -> None:
        def build(seq: int, recorded_at: datetime) -> ListConfirmed:
            return ListConfirmed(
                shard=record.shard, seq=seq, recorded_at=recorded_at, list_code=version[0], version=version[1]
            )

        said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
        self.confirmations.append((record.shard, said.seq, *version, said.recorded_at))
        draft.check(record.shard, version[0], ListCheck(version[1], said.seq, said.recorded_at))

    def _refuse(
        self, work: UnitOfWork, record: Received, act: RefuseList, stays: str | None, draft: Draft
    ) -> None:
        def build(seq: int, recorded_at: datetime) -> ListRefused:
            return ListRefused(
                shard=record.shard,
                seq=seq,
                recorded_at=recorded_at,
                list_code=act.list_code,
                file=act.file,
                line=act.line,
                why=act.why,
                stays=stays,
            )

        said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
        row = ListRefusalRow(
            record.shard, said.seq, said.recorded_at, act.list_code, act.file, act.line, act.why, stays
        )
        draft.refuse(row)
        self.refusals.append(row)
