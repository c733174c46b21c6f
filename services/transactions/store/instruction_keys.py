"""Takes the ids of instructions, each once, and finds what first came of those that come again."""

import json
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from asyncpg import Connection
from asyncpg.exceptions import UniqueViolationError

from services.transactions.domain.claims import Claim, contents_of
from services.transactions.domain.decisions import Decision
from services.transactions.domain.outside import First
from services.transactions.store import binary
from services.transactions.store.arrays import array_of
from services.transactions.store.journal import hash_of_kept
from shared.runtime.failpoints import planted

IDS_AT_ONCE_MAX: Final = 500
"""So many ids are taken by one statement that asks whether they are free; more, for which asking each would
cost more than four more waits, by a COPY behind a savepoint."""

_KEY: Final = struct.Struct(">hi16siqii")
_KEY_ROW: Final = _KEY.pack
_KEY_COLUMNS: Final = ("instruction_id", "seq", "shard")


def key_rows(used: Iterable[tuple[int, Iterable[Decision | Claim]]]) -> list[bytes]:
    """Spell the rows of first outcomes' ids, in the order of the ids.

    Ids that an upstream makes in the order of time are then appended to their index, which keeps it full.
    """
    rows: list[bytes] = []
    for shard, decisions in used:
        for decision in decisions:
            assert decision.instruction_id is not None
            id_bytes = bytes.fromhex(decision.instruction_id.replace("-", ""))
            rows.append(_KEY_ROW(3, 16, id_bytes, 8, decision.seq, 4, shard))
    rows.sort()
    return rows


async def claim_ids(connection: Connection, used: Iterable[tuple[int, Iterable[Decision | Claim]]]) -> bool:
    """Take the ids of first outcomes, by shard; says no, and takes none, where one has been taken before."""
    rows = key_rows(used)
    if not rows or planted("no_unique_id"):
        return True
    if len(rows) <= IDS_AT_ONCE_MAX:
        return await _claim_together(connection, rows)
    try:
        async with connection.transaction():
            await binary.copy(connection, "instruction_key", _KEY_COLUMNS, rows)
    except UniqueViolationError:
        return False
    return True


async def _claim_together(connection: Connection, rows: Sequence[bytes]) -> bool:
    """Take ids all or none: between looking and taking nobody else can, since a shard has one writer.

    Each id is looked for by itself: so no plan, however old its statistics, reads the whole table.
    """
    keys = [_KEY.unpack(row) for row in rows]
    done = await connection.execute(
        """
        WITH asked AS MATERIALIZED (
            SELECT *
            FROM unnest($1::text::uuid[], $2::text::bigint[], $3::text::int[])
                AS key (instruction_id, seq, shard)
        )
        INSERT INTO instruction_key (instruction_id, seq, shard)
        SELECT instruction_id, seq, shard
        FROM asked
        WHERE NOT EXISTS (
            SELECT
            FROM asked
            WHERE (
                SELECT taken.seq
                FROM instruction_key AS taken
                WHERE taken.instruction_id = asked.instruction_id AND taken.shard = asked.shard
            ) IS NOT NULL
        )
        """,
        array_of(key[2].hex() for key in keys),
        array_of(key[4] for key in keys),
        array_of(key[6] for key in keys),
    )
    return done == f"INSERT 0 {len(rows)}"


async def first_outcomes(
    connection: Connection, instruction_ids: Sequence[str], shards: Sequence[int]
) -> dict[int, dict[str, First]]:
    """Return the first outcomes of those of these instructions that are known, by shard and id."""
    rows = await connection.fetch(
        """
        SELECT key.shard, key.instruction_id, key.seq, coalesce(journal.kind, detached.kind)::text AS kind,
               coalesce(journal.reason, detached.reason) AS reason, journal.content, journal.detail,
               detached.content_hash, journal.instruction_id <> key.instruction_id AS is_member
        FROM unnest($1::text::uuid[], $2::text::int[]) AS asked (instruction_id, shard)
        JOIN instruction_key AS key
          ON key.instruction_id = asked.instruction_id AND key.shard = asked.shard
        LEFT JOIN journal ON journal.shard = key.shard AND journal.seq = key.seq
        LEFT JOIN detached_outcome AS detached
          ON detached.shard = key.shard AND detached.seq = key.seq
         AND detached.instruction_id = key.instruction_id
        """,
        array_of(instruction_ids),
        array_of(shards),
    )
    found: dict[int, dict[str, First]] = {}
    for row in rows:
        instruction_id, content, is_member = str(row["instruction_id"]), row["content"], row["is_member"]
        if is_member:
            content = contents_of(content)[instruction_id]
        detail = None if row["detail"] is None or is_member else json.loads(row["detail"])
        content_hash = row["content_hash"] or hash_of_kept(content, detail)
        assert content_hash is not None, "a first outcome has its content, or the hash of it"
        first = First(row["seq"], content_hash, row["kind"], row["reason"], content, bool(is_member))
        found.setdefault(row["shard"], {})[instruction_id] = first
    return found
