"""What expires: it stands up to its last business day, is available after that, and is given back soon."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Account, Books, Open, Shard

LATE: Final = timedelta(minutes=10)
"""A writer at work has given back by then what has expired, but for a long queue of it."""
A_SECOND: Final = 500
"""So much of it is given back at least, in one shard."""


def expired_of(shard: Shard, account_id: int, account: Account) -> int:
    """Return what of an account's debits pending stands no longer."""
    today = shard.days[account.entity_id]
    return sum(
        amount
        for opened in shard.expiring.get(account_id, {}).values()
        if opened.expires_on is not None and opened.expires_on < today
        for debit, _, amount in opened.legs
        if debit == account_id
    )


def has_expired(books: Books, shard: Shard, opened: Open) -> bool:
    """Say whether a pending one stands no longer."""
    entity_id = books.accounts[opened.legs[0][0]].entity_id
    return opened.expires_on is not None and opened.expires_on < shard.days[entity_id]


async def compare_expired(connection: Connection, books: Books) -> None:
    """What has expired is given back, unless its day has only begun or records of its owner are parked."""
    standing = [
        (shard, seq, opened)
        for shard in books.shards.values()
        for of_account in shard.expiring.values()
        for seq, opened in of_account.items()
        if has_expired(books, shard, opened)
    ]
    if not standing:
        return
    parked = {
        (row["shard"], row["owner"])
        for row in await connection.fetch(
            "SELECT DISTINCT shard, owner FROM transactions.parked WHERE resolved_at IS NULL"
        )
    }
    begun = [_begun(books, shard, opened) for shard, _, opened in standing]
    worked = await _worked_since(connection, [shard.number for shard, _, _ in standing], begun)
    allowed = LATE + timedelta(seconds=len(standing) / A_SECOND)
    for (shard, seq, opened), since in zip(standing, worked, strict=True):
        books.see(
            "pendings",
            since <= allowed or (shard.number, opened.owner) in parked,
            expected=f"given back: it stood up to {opened.expires_on}",
            found=f"reserved {since} after the next day was opened",
            shard=shard.number,
            seq=seq,
        )


def _begun(books: Books, shard: Shard, opened: Open) -> int:
    """Return the event that opened the first day on which it stands no longer."""
    entity_id = books.accounts[opened.legs[0][0]].entity_id
    last_day = opened.expires_on or date.max
    return min(
        seq
        for (_, of_entity, day), seq in shard.days_opened.items()
        if of_entity == entity_id and day > last_day
    )


async def _worked_since(connection: Connection, shards: list[int], seqs: list[int]) -> list[timedelta]:
    """Return for how long the writers of these shards have worked since these events."""
    rows = await connection.fetch(
        """
        SELECT journal.recorded_at, shard.last_recorded_at
        FROM unnest($1::int[], $2::bigint[]) WITH ORDINALITY AS asked (shard, seq, place)
        JOIN transactions.journal USING (shard, seq)
        JOIN transactions.shard USING (shard)
        ORDER BY place
        """,
        shards,
        seqs,
    )
    moments: list[tuple[datetime, Any]] = [(row["recorded_at"], row["last_recorded_at"]) for row in rows]
    return [(last or recorded_at) - recorded_at for recorded_at, last in moments]
