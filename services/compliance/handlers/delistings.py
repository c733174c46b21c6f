"""Tells of payments that are held for entries which a new version of a list has not got. They stay held."""

from collections.abc import Mapping
from datetime import datetime

from services.compliance.domain.records import Delisting
from services.compliance.store import delistings as delisting_store
from shared.messages.compliance import HoldDelisted
from shared.messages.topics import ALERTS
from shared.runtime.work import UnitOfWork


async def announce_delisted(work: UnitOfWork, versions: Mapping[int, tuple[str, str]]) -> None:
    """Tell of each such hold, once an entry; `versions` has a list's code and version by shard."""
    found = await delisting_store.find_delisted(work.connection, versions)
    told = [(each, *_announce(work, each)) for each in found]
    await delisting_store.save_delistings(work.connection, told)


def _announce(work: UnitOfWork, found: Delisting) -> tuple[int, datetime]:
    def build(seq: int, recorded_at: datetime) -> HoldDelisted:
        return HoldDelisted(
            shard=found.shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=found.owner,
            instruction_id=found.instruction_id,
            list_code=found.list_code,
            version=found.version,
            entries=found.entries,
            told=found.told,
        )

    said = work.publish(found.shard, ALERTS, build, key=found.owner, correlation_id=str(found.instruction_id))
    return said.seq, said.recorded_at
