"""Keeps what tells how long records are kept."""

from collections.abc import Iterable

from services.compliance.store import retention as retention_store
from shared.runtime.work import Received, UnitOfWork


async def remember_accounts(work: UnitOfWork, records: Iterable[Received]) -> None:
    """Put on record which accounts of customers were opened and closed."""
    rows = [
        (record.shard, work.shards[record.shard].recorded_at, record.message.account)
        for record in records
        if record.message.account is not None and record.copy == "primary"
    ]
    await retention_store.save_account_facts(work.connection, rows)
