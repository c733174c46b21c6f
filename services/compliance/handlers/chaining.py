"""Chains what a unit of work has said onto each shard's chain, in the same transaction."""

from collections.abc import Mapping

from services.compliance.domain.chain import Head, Link, Told, extend
from services.compliance.store import chain as chain_store
from shared.runtime.work import UnitOfWork


async def chain_events(work: UnitOfWork, heads: Mapping[int, Head]) -> dict[int, Head]:
    """Store the hashes of events that are not chained yet, and return the heads after them."""
    waiting: dict[int, list[Told]] = {}
    for stored in work.stored:
        event = stored.outgoing
        if event.seq > heads[event.shard].seq:
            told = Told(event.shard, event.seq, event.topic, event.body)
            waiting.setdefault(event.shard, []).append(told)
    links: list[Link] = []
    after = dict(heads)
    for shard, events in waiting.items():
        after[shard], more = extend(heads[shard], events)
        links += more
    await chain_store.save_links(work.connection, links)
    return after
