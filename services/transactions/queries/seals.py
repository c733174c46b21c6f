"""Reads what a checkpoint of the ledger and a proof are made of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from asyncpg import Connection

from services.transactions.queries.verifying.journal import TRAILER, read_rows, row_at
from services.transactions.queries.verifying.seals import NOTHING, SEAL_EVERY, hash_of_event, path_of
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
        rows = await _sealed_rows(connection, shard, first - 1, last)
        bodies = {
            event.seq: event.body for event in await rebuild(connection, shard, first - 1, last - first + 1)
        }
        leaves: list[bytes] = []
        previous = head
        for number, row in rows.items():
            if number == seq:
                previous = head
            head = hash_of_event(head, bodies[number], row)
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
            "row": rows[seq].hex(),
            "previous": previous.hex(),
            "path": [node.hex() for node in path_of(seq - first, leaves)],
            "previous_seal": seals[0]["previous_hash"].hex() if seals else None,
            "roots_after": [seal["root"].hex() for seal in seals[1:]],
        }
    return None


async def _sealed_rows(connection: Connection, shard: int, after: int, last_seq: int) -> dict[int, bytes]:
    """Return what of a stretch of the journal is hashed beside the bodies, by seq in its order."""
    found: dict[int, bytes] = {}

    def take(chunk: bytes, at: int) -> None:
        while at < len(chunk) and not chunk.startswith(TRAILER, at):
            row, at = row_at(chunk, at)
            found[row["seq"]] = row.sealed

    await read_rows(connection, shard, after, last_seq, take)
    return found
