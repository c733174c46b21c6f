"""Reads what a checkpoint of the ledger and a proof are made of."""

import json
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from asyncpg import Connection

from services.transactions.queries.verifying.books import Account, Books
from services.transactions.queries.verifying.effects.opening import accounts_of
from services.transactions.queries.verifying.implied import complete
from services.transactions.queries.verifying.journal import NULL, Row, row_at, rows_between
from services.transactions.queries.verifying.seals import (
    NOTHING,
    SEAL_EVERY,
    hash_of_event,
    hash_of_plain,
    path_of,
)
from services.transactions.queries.verifying.spelling import body_of, said_of
from shared.messages.envelope import HOUSE
from shared.runtime.work import Outgoing

Rebuild = Callable[[Connection, int, int, int], Awaitable[list[Outgoing]]]
"""The service's `events_after`: (connection, shard, seq, limit) to events as they were published."""


async def checkpoint(connection: Connection) -> list[dict[str, Any]]:
    """Return where each shard's chain and seals stand, in one statement: one vector."""
    rows = await connection.fetch(
        "SELECT shard, seq, head, open_nodes, seal_hash FROM transactions.seal_head ORDER BY shard"
    )
    return [
        {
            "shard": row["shard"],
            "sealed_seq": row["seq"] - row["seq"] % SEAL_EVERY,
            "seal": row["seal_hash"].hex(),
            "seq": row["seq"],
            "head": row["head"].hex(),
            "open_root": _joined(row["open_nodes"]).hex(),
        }
        for row in rows
    ]


def _joined(nodes: bytes) -> bytes:
    """Return the root over what is not sealed yet, from the complete subtrees; nothing over none."""
    root = b""
    for start in range(len(nodes) - 32, -32, -32):
        node = nodes[start : start + 32]
        root = sha256(b"\x01" + node + root).digest() if root else node
    return root


async def prove(
    connection: Connection, instruction_id: UUID, shards: Sequence[Mapping[str, Any]], rebuild: Rebuild
) -> dict[str, Any] | None:
    """Return what shows that an instruction's first outcome stands under a checkpoint's `shards`.

    None where the ledger does not know the instruction, or had not judged it at the checkpoint.
    """
    for each in await connection.fetch(
        "SELECT shard, seq FROM transactions.instruction_key WHERE instruction_id = $1 ORDER BY shard",
        instruction_id,
    ):
        shard, seq = each
        at = next((stand for stand in shards if stand["shard"] == shard), None)
        if at is None or at["seq"] < seq:
            continue
        first = (seq - 1) // SEAL_EVERY * SEAL_EVERY + 1
        last = min(first + SEAL_EVERY - 1, at["seq"])
        head: bytes = (
            await connection.fetchval(
                "SELECT head FROM transactions.seal WHERE shard = $1 AND last_seq = $2", shard, first - 1
            )
            or NOTHING
        )
        rows = await rows_between(connection, shard, first - 1, last)
        books = Books()
        books.accounts = await accounts_of(connection, _accounts_named(rows))
        bodies = {
            event.seq: event.body for event in await rebuild(connection, shard, first - 1, last - first + 1)
        }
        leaves: list[bytes] = []
        previous = head
        for number, row in rows.items():
            if number == seq:
                previous = head
            head = (
                hash_of_plain(head, row.sealed, said_of(row, books))
                if row.is_plain
                else hash_of_event(head, bodies[number], row.sealed)
            )
            leaves.append(head)
        seals = await connection.fetch(
            "SELECT last_seq, previous_hash, root FROM transactions.seal"
            " WHERE shard = $1 AND last_seq >= $2 AND last_seq <= $3 ORDER BY last_seq",
            shard,
            seq,
            at["sealed_seq"],
        )
        return {
            "shard": shard,
            "seq": seq,
            "body": bodies[seq].decode(),
            "row": rows[seq].sealed.hex(),
            "accounts": said_of(rows[seq], books).decode() if rows[seq].is_plain else None,
            "previous": previous.hex(),
            "path": [node.hex() for node in path_of(seq - first, leaves)],
            "previous_seal": seals[0]["previous_hash"].hex() if seals else None,
            "roots_after": [seal["root"].hex() for seal in seals[1:]],
        }
    return None


def body_of_plain(sealed: bytes, said: str) -> bytes:
    """Spell a plain event from what is hashed of it: its row, and what its accounts are called.

    Raises `LookupError`, `TypeError` or `ValueError` where these are not those of a plain event.
    """
    try:
        row, end = row_at(sealed + 2 * NULL, 0)
    except struct.error as error:
        raise ValueError("the row is cut off") from error
    if not row.is_plain or end != len(sealed) + 2 * len(NULL):
        raise ValueError("the row is not that of a plain event")
    (leg,) = row.legs
    named = json.loads(said)
    books = Books()
    for side in ("debit", "credit"):
        account = named[side]
        books.accounts[leg[f"{side}_account"]] = Account(
            account["account"], 0, leg["asset_id"], 0, None, account["owner"] != HOUSE, 0, named["scale"],
            account["owner"], account["entity"], account["class"], named["asset"],
        )  # fmt: skip
    if said_of(row, books).decode() != said:
        raise ValueError("the accounts are spelt otherwise")
    try:
        complete(row, books)
        return body_of(row, books)
    except AttributeError as error:
        raise ValueError("the row lacks a date") from error


def _accounts_named(rows: Mapping[int, Row]) -> set[int]:
    """Return the ids of the accounts of all plain events."""
    legs = (leg for row in rows.values() if row.is_plain for leg in row.legs)
    return {leg[side] for leg in legs for side in ("debit_account", "credit_account")}
