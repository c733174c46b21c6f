"""Spells decisions as journal rows and events, in the chain of their shard; and rebuilds events."""

from binascii import hexlify
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Chart
from services.transactions.domain.decisions import Decision
from services.transactions.domain.events import event_bytes, plain_bytes, spell_time
from services.transactions.domain.seals import Chain, Seal, chained, chained_plain
from services.transactions.handlers.sealing import tombstone
from services.transactions.store import (
    Connection,
    binary,
    journal,
    journal_rows,
    seals,
)
from shared.messages.acts import EraseParty
from shared.messages.acts.base import ActBase
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import JOURNAL
from shared.runtime.work import Ahead, Outgoing, Received, ShardWork, UnitOfWork

ERASE_PARTY: Final[str] = EraseParty.model_fields["type"].default


def announce(
    rows: journal_rows.JournalRows,
    work: UnitOfWork,
    chain: Chain,
    decided: Sequence[Decision],
    sealed: list[Seal],
) -> Chain:
    """Number decisions, add their rows, and add their events to the unit of work.

    Returns the chain after them, and adds the seals that became complete to `sealed`.
    """
    shard, head = chain.shard, chain.head
    heads: list[bytes] = []
    part = work.shards[shard]
    recorded_at, epoch = part.recorded_at, part.epoch
    spelt = spell_time(recorded_at)
    stamp = binary.microseconds(recorded_at)
    add_rows = rows.add
    announce_one = work.outgoing.append
    prev = part.heads.get((JOURNAL.name, shard), 0)
    topic = JOURNAL.name
    secondaries = part.heads
    for decision in decided:
        seq = decision.seq
        assert seq == part.last_seq + 1, "the fold numbers as the shard does"
        part.last_seq = seq
        terms = decision.terms
        if terms is None:
            copies = _copies(decision, part, seq) if decision.legs else ()
            event = outgoing(decision, shard, recorded_at, spelt, epoch, prev, copies)
        else:
            # Nearly all there are, spelt without a call too many; a test finds the same both ways.
            credit = decision.legs[0].credit
            copies = ()
            if credit.shard != shard and credit.is_customer:
                lane = (topic, credit.shard)
                copies = ((credit.shard, secondaries.get(lane, 0), credit.key),)
                secondaries[lane] = seq
            event = Outgoing(
                shard,
                seq,
                recorded_at,
                epoch,
                topic,
                kinds.POSTED,
                decision.owner.encode(),  # pyright: ignore[reportOptionalMemberAccess] - who is debited
                plain_bytes(decision, terms, shard, spelt),
                prev,
                copies,
                decision.instruction_id,
                decision.traceparent,
            )
        is_plain, row = add_rows(decision, shard, stamp, epoch, copies)
        head = chained_plain(head, *row) if is_plain else chained(head, event.body, *row)
        heads.append(head)
        event.chain = hexlify(head)
        announce_one(event)
        prev = seq
    part.heads[topic, shard] = prev
    chain, complete = chain.extended(heads)
    sealed += complete
    return chain


def _copies(decision: Decision, part: ShardWork, seq: int) -> tuple[tuple[int, int, bytes], ...]:
    """Chain a secondary to each other partition where a credited customer lives."""
    if len(decision.legs) == 1:
        credit = decision.legs[0].credit
        if credit.shard == part.shard or not credit.is_customer:
            return ()
        return ((credit.shard, part.chain(JOURNAL.name, credit.shard, seq), credit.key),)
    keys = copy_keys(decision, part.shard)
    return tuple(
        [(partition, part.chain(JOURNAL.name, partition, seq), key) for partition, key in keys.items()]
    )


def copy_keys(decision: Decision, shard: int) -> dict[int, bytes]:
    """Return the other partitions that a decision is copied to, each with the first owner credited there."""
    keys: dict[int, bytes] = {}
    for leg in decision.legs:
        credit = leg.credit
        if credit.is_customer and credit.shard != shard and credit.shard not in keys:
            keys[credit.shard] = credit.key
    return keys


def outgoing(
    decision: Decision,
    shard: int,
    recorded_at: datetime,
    spelt: str,
    epoch: int,
    prev: int,
    copies: tuple[tuple[int, int, bytes], ...],
) -> Outgoing:
    """Spell a decision as the event to publish."""
    correlation_id = decision.instruction_id
    if correlation_id is None and decision.kind == kinds.ACT_DONE:
        correlation_id = (decision.detail or {})["act_id"]
    return Outgoing(
        shard,
        decision.seq,
        recorded_at,
        epoch,
        JOURNAL.name,
        decision.kind,
        (decision.owner or HOUSE).encode(),
        event_bytes(decision, shard, spelt),
        prev,
        copies,
        correlation_id,
        decision.traceparent,
    )


async def announce_act(
    work: UnitOfWork, received: Received, *, done: bool, detail: str, result: dict[str, Any]
) -> None:
    """Journal that an operator's act was carried out by the runtime, or refused."""
    act = received.message
    assert isinstance(act, ActBase)
    owner = getattr(act, "owner", None)
    if owner is None or shard_of(owner, work.partitions) != received.shard:
        owner = HOUSE
    decision = Decision(
        work.shards[received.shard].last_seq + 1,
        kinds.ACT_DONE,
        received.topic,
        received.partition,
        received.offset,
        owner=owner,
        detail={
            "act_id": str(act.act_id),
            "act": act.type,  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            "actor": act.actor,
            "done": done,
            "detail": detail,
            "result": result,
        },
        traceparent=received.traceparent,
    )
    rows = journal_rows.JournalRows()
    sealed: list[Seal] = []
    chains = await seals.chains_at(work.connection, [received.shard])
    chain = announce(rows, work, chains[received.shard], [decision], sealed)
    work.outgoing[-1].ahead = _erased(decision)
    await rows.write(work.connection)
    await seals.save_chains(work.connection, [chain], sealed)


def _erased(decision: Decision) -> tuple[Ahead, ...]:
    """Say before an event that an owner was erased that their key is gone."""
    detail = decision.detail or {}
    if decision.kind != kinds.ACT_DONE or not detail["done"] or detail["act"] != ERASE_PARTY:
        return ()
    assert decision.owner is not None
    return (tombstone(decision.owner),)


async def events_after(
    connection: Connection, chart: Chart, shard: int, seq: int, limit: int
) -> list[Outgoing]:
    """Rebuild the events after `seq` from the journal, byte for byte as they were first published."""
    events: list[Outgoing] = []
    rows = journal_rows.JournalRows()
    # The chain is taken up at the last seal before, so up to a seal's events more are read.
    sealed_seq, head = await seals.head_before(connection, shard, seq)
    for decision, recorded_at, epoch, places in await journal.decisions_after(
        connection, chart, shard, sealed_seq, limit + seq - sealed_seq
    ):
        credited = copy_keys(decision, shard)
        before = dict(zip(places[::2], places[1::2], strict=True))
        copies = tuple((partition, before[partition], key) for partition, key in credited.items())
        event = outgoing(
            decision, shard, recorded_at, spell_time(recorded_at), epoch, decision.seq - 1, copies
        )
        stamp = binary.microseconds(recorded_at)
        is_plain, row = rows.add(decision, shard, stamp, epoch, copies)
        head = chained_plain(head, *row) if is_plain else chained(head, event.body, *row)
        event.chain = hexlify(head)
        event.ahead = _erased(decision)
        if decision.seq > seq:
            events.append(event)
    return events
