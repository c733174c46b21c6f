"""Checks the chain and the seals of a ledger, and reads what a checkpoint and a proof are made of.

Shares no code with what seals: the form that is hashed (`docs/decisions/0021-seals.md`) is spelt here by
PostgreSQL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection

from services.transactions.queries.verify import Check, Difference
from shared.runtime.work import Outgoing

SEAL_EVERY: Final = 1_024
NOTHING: Final = bytes(32)
PAGE: Final = 4 * SEAL_EVERY

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


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head of a shard's chain that somebody has kept: from a checkpoint, or from an event's header."""

    shard: int
    seq: int
    head: bytes


async def compare_seals(
    connection: Connection,
    vector: Mapping[int, int],
    *,
    rebuild: Rebuild,
    anchors: Sequence[Anchor] = (),
) -> tuple[Check, Difference | None]:
    """Hash and chain every event anew up to the vector, and compare with seals, heads and anchors.

    What differs is named by the last event of the seal, or by the event that an anchor is of; a shard is
    left at the first. An anchor beyond the vector says that the journal's end was removed.
    """
    check = Check("seals")
    first: Difference | None = None
    for shard, last_seq in sorted(vector.items()):
        kept = {each.seq: each.head for each in anchors if each.shard == shard}
        difference = await _compare_shard(connection, check, shard, last_seq, rebuild, kept)
        if difference is not None:
            check.ok = False
            first = first or difference
    return check, first


async def _compare_shard(
    connection: Connection,
    check: Check,
    shard: int,
    last_seq: int,
    rebuild: Rebuild,
    kept: Mapping[int, bytes],
) -> Difference | None:
    def differs(seq: int, expected: str, found: str) -> Difference:
        return Difference("seals", shard, seq, None, expected, found)

    if kept and max(kept) > last_seq:
        return differs(max(kept), "an event, since its head was kept", f"a journal that ends at {last_seq}")
    sealed = {
        row["last_seq"]: (row["first_seq"], row["previous_hash"], row["root"], row["hash"], row["head"])
        for row in await connection.fetch(
            "SELECT first_seq, last_seq, previous_hash, root, hash, head FROM transactions.seal"
            " WHERE shard = $1",
            shard,
        )
    }
    seq, head, seal_hash = 0, NOTHING, NOTHING
    leaves: list[bytes] = []
    while seq < last_seq:
        rows = await connection.fetch(ROWS, shard, seq, last_seq, PAGE)
        try:
            bodies = {each.seq: each.body for each in await rebuild(connection, shard, seq, len(rows))}
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return differs(seq + 1, f"{len(rows)} events that can be spelt", type(error).__name__)
        for number, row in rows:
            seq += 1
            if number != seq or seq not in bodies:
                return differs(seq, "an event", f"event {number}" if number != seq else "none")
            head = hash_of_event(head, bodies[seq], row)
            leaves.append(head)
            check.checked += 1
            if seq in kept and kept[seq] != head:
                return differs(seq, f"the head that was kept, {kept[seq].hex()}", head.hex())
            if seq % SEAL_EVERY == 0:
                root = root_of(leaves)
                leaves = []
                previous = seal_hash
                seal_hash = hash_of_seal(shard, seq, previous, root)
                expected = (seq - SEAL_EVERY + 1, previous, root, seal_hash, head)
                if sealed.pop(seq, None) != expected:
                    return differs(seq, f"a seal with root {root.hex()}", "another seal, or none")
        if not rows:
            return differs(seq + 1, "an event", "none")
    for each in sealed:
        return differs(each, "no seal", "a seal over events that are not there")
    stands = await connection.fetchrow(
        "SELECT seq, head, open_nodes, seal_hash FROM transactions.seal_head WHERE shard = $1", shard
    )
    expected = (seq, head, b"".join(subtrees_of(leaves)), seal_hash)
    if (tuple(stands) if stands is not None else (0, NOTHING, b"", NOTHING)) != expected:
        return differs(seq, f"a chain that ends in {head.hex()}", "another end")
    return None


def hash_of_event(previous: bytes, body: bytes, row: bytes) -> bytes:
    """Return the head of the chain after an event."""
    return sha256(b"\x00" + previous + len(body).to_bytes(4, "big") + body + row).digest()


def hash_of_seal(shard: int, last_seq: int, previous: bytes, root: bytes) -> bytes:
    """Return the hash of the seal that ends with an event."""
    place = (
        shard.to_bytes(4, "big")
        + (last_seq - SEAL_EVERY + 1).to_bytes(8, "big")
        + last_seq.to_bytes(8, "big")
    )
    return sha256(b"\x02" + place + previous + root).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves, as RFC 6962 section 2.1 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:left]) + root_of(leaves[left:])).digest()


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of a leaf, from its neighbour up, as RFC 6962 section 2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    left = 1 << (len(leaves) - 1).bit_length() - 1
    if index < left:
        return [*path_of(index, leaves[:left]), root_of(leaves[left:])]
    return [*path_of(index - left, leaves[left:]), root_of(leaves[:left])]


def subtrees_of(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees over leaves, the largest first."""
    found: list[bytes] = []
    start = 0
    for level in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> level & 1:
            found.append(root_of(leaves[start : start + (1 << level)]))
            start += 1 << level
    return found


# ── checkpoints and proofs ───────────────────────────────────────────────────────────────────────


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
