"""A defect that hits some owners: whatever the ledger handles for them fails, until it is mended."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import asyncpg

SECONDS_MAX: Final = 30.0

FORGET: Final = "ALTER TABLE transactions.journal_row DROP CONSTRAINT IF EXISTS campaign_defect"
OWNER_OF: Final = """
    CREATE OR REPLACE FUNCTION transactions.campaign_owner(named text, debited bigint, credited bigint)
    RETURNS text LANGUAGE sql STABLE SET search_path = transactions AS $$
        SELECT coalesce(named, (
            SELECT CASE WHEN debit.owner <> 'house' THEN debit.owner ELSE credit.owner END
            FROM account AS debit, account AS credit
            WHERE debit.account_id = debited AND credit.account_id = credited))
    $$
"""
"""A row names its owner only where its accounts do not."""
REFUSE: Final = (
    "ALTER TABLE transactions.journal_row ADD CONSTRAINT campaign_defect CHECK"
    " (kind IN ('OwnerParked', 'RecordDiscarded', 'ActDone')"
    " OR transactions.campaign_owner(owner, debit_account, credit_account) <> ALL (ARRAY[{owners}]))"
    " NOT VALID"
)
"""To the ledger, a data error as any: the batch fails and is divided until the record is found."""


class Defect:
    """The owners who are struck now; the ledger's own code knows nothing of it."""

    def __init__(self, dsn: Callable[[], str]) -> None:
        self.struck: set[str] = set()
        self._dsn = dsn
        """The address of the database for the schema's owner."""

    async def strike(self, owners: Iterable[str]) -> None:
        """Let the handling of these owners' records fail from now on, too."""
        self.struck |= set(owners)
        await self._apply()

    async def mend(self, owners: Iterable[str] | None = None) -> None:
        """Let it succeed again: for these, or for all."""
        self.struck -= set(owners) if owners is not None else self.struck
        await self._apply()

    async def _apply(self) -> None:
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            connection: Any = None
            try:
                connection = await asyncpg.connect(self._dsn(), timeout=5)
                async with connection.transaction():
                    await connection.execute("SET LOCAL lock_timeout = '500ms'")
                    await connection.execute(FORGET)
                    if self.struck:
                        await connection.execute(OWNER_OF)
                        named = ", ".join(f"'{owner}'" for owner in sorted(self.struck))
                        await connection.execute(REFUSE.format(owners=named))
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)
            else:
                return
            finally:
                if connection is not None:
                    connection.terminate()
