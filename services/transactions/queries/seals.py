"""Reads what a checkpoint of the ledger and a proof are made of.

The form that is hashed (`docs/decisions/0021-seals.md`) is spelt here by PostgreSQL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection

from services.transactions.queries.verifying.seals import NOTHING, SEAL_EVERY, hash_of_event, path_of
from shared.runtime.work import Outgoing

Rebuild = Callable[[Connection, int, int, int], Awaitable[list[Outgoing]]]
"""The service's `events_after`: (connection, shard, seq, limit) to events as they were published."""

ROWS: Final = r"""
    SELECT journal.seq,
           '\x001b00000004'::bytea || int4send(journal.shard)
           || '\x00000008'::bytea || int8send(journal.seq)
           || '\x00000008'::bytea || timestamptz_send(recorded_at)
           || '\x00000008'::bytea || int8send(epoch)
           || coalesce('\x00000008'::bytea || int8send("offset"), '\xffffffff')
           || coalesce('\x00000004'::bytea || int4send(partition), '\xffffffff')
           || int4send(octet_length(journal.kind::text)) || convert_to(journal.kind::text, 'UTF8')
           || coalesce(int4send(octet_length(topic::text)) || convert_to(topic::text, 'UTF8'), '\xffffffff')
           || coalesce(int4send(octet_length(instruction_type)) || convert_to(instruction_type, 'UTF8'),
                       '\xffffffff')
           || coalesce('\x00000004'::bytea || date_send(booking_date), '\xffffffff')
           || coalesce('\x00000004'::bytea || date_send(value_date), '\xffffffff')
           || coalesce('\x00000008'::bytea || int8send(about_seq), '\xffffffff')
           || coalesce(int4send(octet_length(reason)) || convert_to(reason, 'UTF8'), '\xffffffff')
           || coalesce(int4send(octet_length(detail::text)) || convert_to(detail::text, 'UTF8'), '\xffffffff')
           || coalesce(int4send(octet_length(seen::text)) || convert_to(seen::text, 'UTF8'), '\xffffffff')
           || coalesce(int4send(octet_length(traceparent)) || convert_to(traceparent, 'UTF8'), '\xffffffff')
           || coalesce('\x00000010'::bytea || uuid_send(instruction_id), '\xffffffff')
           || coalesce(int4send(octet_length(owner)) || convert_to(owner, 'UTF8'), '\xffffffff')
           || coalesce(int4send(octet_length(array_send(copies))) || array_send(copies), '\xffffffff')
           || coalesce('\x00000008'::bytea || int8send(debit_account)
                       || '\x00000008'::bytea || int8send(credit_account)
                       || '\x00000008'::bytea || int8send(amount)
                       || '\x00000008'::bytea || int8send(debit_balance_after)
                       || '\x00000008'::bytea || int8send(credit_balance_after)
                       || '\x00000004'::bytea || int4send(asset_id)
                       || int4send(octet_length(movement_kind)) || convert_to(movement_kind, 'UTF8'),
                       '\xffffffffffffffffffffffffffffffffffffffffffffffffffffffff')
           || coalesce(int4send(octet_length(content)), '\xffffffff')
           || coalesce(several.rows, '') AS row
    FROM transactions.journal
    LEFT JOIN LATERAL (
        SELECT string_agg(
            '\x000a00000004'::bytea || int4send(each.shard)
            || '\x00000004'::bytea || int4send(leg)
            || '\x00000008'::bytea || int8send(each.seq)
            || '\x00000008'::bytea || int8send(each.debit_account)
            || '\x00000008'::bytea || int8send(each.credit_account)
            || '\x00000008'::bytea || int8send(each.amount)
            || '\x00000008'::bytea || int8send(each.debit_balance_after)
            || '\x00000008'::bytea || int8send(each.credit_balance_after)
            || '\x00000004'::bytea || int4send(each.asset_id)
            || int4send(octet_length(each.kind)) || convert_to(each.kind, 'UTF8'), '' ORDER BY leg) AS rows
        FROM transactions.movement_of_several AS each
        WHERE each.shard = journal.shard AND each.seq = journal.seq
    ) AS several ON debit_account IS NULL
    WHERE journal.shard = $1 AND journal.seq > $2 AND journal.seq <= $3
    ORDER BY journal.seq
    LIMIT $4
"""


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
        rows = await connection.fetch(ROWS, shard, first - 1, last, SEAL_EVERY)
        bodies = {
            event.seq: event.body for event in await rebuild(connection, shard, first - 1, last - first + 1)
        }
        leaves: list[bytes] = []
        previous = head
        for number, row in rows:
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
            "row": rows[seq - first]["row"].hex(),
            "previous": previous.hex(),
            "path": [node.hex() for node in path_of(seq - first, leaves)],
            "previous_seal": seals[0]["previous_hash"].hex() if seals else None,
            "roots_after": [seal["root"].hex() for seal in seals[1:]],
        }
    return None
