"""What expires: it stands up to its last business day, is available after that, and is given back soon."""

from datetime import date

from asyncpg import Connection

from services.transactions.queries.verifying.books import Account, Books, Open, Shard
from services.transactions.queries.verifying.effects.late import Standing, compare_late


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
        Standing(shard, seq, opened, opened.expires_on or date.max)
        for shard in books.shards.values()
        for of_account in shard.expiring.values()
        for seq, opened in of_account.items()
        if has_expired(books, shard, opened)
    ]
    await compare_late(connection, books, "pendings", standing, expected="given back", found="reserved")
