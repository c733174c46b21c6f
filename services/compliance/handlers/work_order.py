"""Keeps alerts where they belong in the order of work, in the transaction that changes their place."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.compliance.domain.records import AlertRow
from services.compliance.domain.work_order import Pile, Placed, pile_of
from services.compliance.domain.work_order import place_alerts as placed_of
from services.compliance.store import decisions as decision_store
from services.compliance.store import work_order as place_store
from services.compliance.store.work_order import Found
from shared.runtime.work import UnitOfWork

FROM_THE_FIRST = date.min
"""All alerts of an owner."""


async def save_alerts(work: UnitOfWork, rows: Sequence[AlertRow]) -> None:
    """Append alerts, and put each where it belongs."""
    await decision_store.save_alerts(work.connection, rows)
    since: dict[tuple[int, str], date] = {}
    for row in rows:
        shard, owner, _, day, _ = row.key
        since[shard, owner] = min(day, since.get((shard, owner), day))
    await place_owners(work, since)


async def place_owners(work: UnitOfWork, since: Mapping[tuple[int, str], date]) -> None:
    """Make the leads of owners anew, each from the one on that a day belongs to."""
    found = await place_store.load_owners(work.connection, since)
    await _save(work, found, placed_of(standing for standing, _ in found))


async def rank_alerts(
    work: UnitOfWork, numbers: Collection[tuple[int, int]], instructions: Collection[tuple[int, UUID]]
) -> None:
    """See again how urgent alerts are, and whether they are new, by number or by what they are about."""
    found = await place_store.load_alerts(work.connection, numbers, instructions)
    ranked = [
        replace(before, pile=pile_of(standing, before.pile.rules))
        for standing, before in found
        if before is not None
    ]
    await _save(work, found, ranked)


async def _save(work: UnitOfWork, found: Sequence[Found], after: Iterable[Placed]) -> None:
    before = {(each.shard, each.seq): each for _, each in found if each is not None}
    changed = [each for each in after if before.get((each.shard, each.seq)) != each]
    more = Counter[tuple[int, Pile]]()
    for each in changed:
        more[each.shard, each.pile] += 1
        was = before.get((each.shard, each.seq))
        if was is not None:
            more[was.shard, was.pile] -= 1
    last_seqs = {shard: each.last_seq for shard, each in work.shards.items()}
    await place_store.save_places(work.connection, changed, last_seqs)
    await place_store.count_piles(work.connection, more)
