"""Exports the ledger as files of JSON lines or Parquet, in one snapshot, with a manifest to check them by.

PostgreSQL spells the lines and streams them; here they are only counted, hashed and written down, or put into
columns.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.balances_at import recorded_by_shard
from services.transactions.queries.export_files import JsonLinesFile, ParquetFile, Spelling
from services.transactions.queries.kept import export_kept
from services.transactions.queries.moments import PositionUnknownError, vector_now
from services.transactions.queries.parts import need_from
from services.transactions.queries.sealed_rows import COLUMNS, heads_at, write_rows

FORMAT: Final = "backoffice.ledger.v1"
MANIFEST: Final = "manifest.json"
"""Written last: a folder without it is no complete export."""

# A line is text without control characters, so with these two nothing is ever quoted.
_SPELLING: Final[dict[str, Any]] = {
    "format": "csv",
    "delimiter": "\x02",
    "quote": "\x01",
    "encoding": "utf-8",
}

_WHOLE: Final = {
    "assets": """
        SELECT row_to_json(line) FROM (
            SELECT asset_id, code, kind, scale, name FROM transactions.asset ORDER BY asset_id
        ) AS line
    """,
    "entities": """
        SELECT row_to_json(line) FROM (
            SELECT entity_id, code, name, first_booking_date FROM transactions.entity ORDER BY entity_id
        ) AS line
    """,
    "account_classes": """
        SELECT row_to_json(line) FROM (
            SELECT class, name, holder, statement, parent, valid_from, valid_until
            FROM transactions.account_class ORDER BY class
        ) AS line
    """,
    "accounts": """
        SELECT row_to_json(line) FROM (
            SELECT account_id, code, container, entity_id, owner, shard, asset_id, class,
                   limit_minor::text AS limit_minor, opened_seq
            FROM transactions.account ORDER BY account_id
        ) AS line
    """,
    "business_days": """
        SELECT row_to_json(line) FROM (
            SELECT shard, entity_id, booking_date, seq
            FROM transactions.business_day ORDER BY shard, entity_id, booking_date
        ) AS line
    """,
    "accruals": """
        SELECT row_to_json(line) FROM (
            SELECT shard, account, series, asset, direction, posted_minor::text AS posted_minor, seq
            FROM transactions.accrual ORDER BY account, series, asset, direction, shard
        ) AS line
    """,
    "carried_over": """
        SELECT row_to_json(line) FROM (
            SELECT shard, account_id, booking_date, seq
            FROM transactions.carried_over ORDER BY shard, seq
        ) AS line
    """,
    "day_balances": """
        SELECT row_to_json(line) FROM (
            SELECT shard, account_id, value_date, posted_on, debits::text AS debits, credits::text AS credits
            FROM transactions.day_balance ORDER BY account_id, value_date, posted_on, shard
        ) AS line
    """,
    "day_openings": """
        SELECT row_to_json(line) FROM (
            SELECT shard, account_id, seq, debits::text AS debits, credits::text AS credits
            FROM transactions.day_opening ORDER BY account_id, shard, seq
        ) AS line
    """,
    "periods": """
        SELECT row_to_json(line) FROM (
            SELECT shard, entity_id, first_day, last_day, state, seq
            FROM transactions.period ORDER BY shard, seq
        ) AS line
    """,
    "scheduled": """
        SELECT row_to_json(line) FROM (
            SELECT shard, seq, entity_id, execute_on, ended_seq
            FROM transactions.scheduled ORDER BY shard, seq
        ) AS line
    """,
    "freezes": """
        SELECT row_to_json(line) FROM (
            SELECT account_id, freeze_id, direction, amount_minor::text AS amount_minor, authority, seq,
                   lifted_seq
            FROM transactions.account_freeze ORDER BY account_id, freeze_id
        ) AS line
    """,
    "closings": """
        SELECT row_to_json(line) FROM (
            SELECT account_id, seq, closed_seq, reopened_seq
            FROM transactions.account_closing ORDER BY account_id, seq
        ) AS line
    """,
    "limits": """
        SELECT row_to_json(line) FROM (
            SELECT account_id, seq, limit_minor::text AS limit_minor, cap_minor::text AS cap_minor,
                   valid_from, valid_until, authority
            FROM transactions.account_limit ORDER BY account_id, seq
        ) AS line
    """,
    "balances": """
        SELECT row_to_json(line) FROM (
            SELECT shard, account_id, debits_posted::text AS debits_posted,
                   credits_posted::text AS credits_posted, debits_pending::text AS debits_pending,
                   credits_pending::text AS credits_pending
            FROM transactions.balance ORDER BY shard, account_id
        ) AS line
    """,
}
"""What is exported whole: one query a file."""

_BY_SEQ: Final = {
    "journal": """
        SELECT row_to_json(line) FROM (
            SELECT shard, seq, about_seq,
                   to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
                   epoch, kind, instruction_id, instruction_type, owner, booking_date, value_date, reason,
                   detail, seen, topic, partition, "offset", copies, traceparent,
                   convert_from(content, 'UTF8') AS content
            FROM transactions.journal
            WHERE shard = $1::int AND seq > $2::bigint AND seq <= $3::bigint
            ORDER BY seq
        ) AS line
    """,
    "movements": """
        SELECT row_to_json(line) FROM (
            SELECT shard, seq, leg, kind, debit_account, credit_account, asset_id, amount::text AS amount,
                   debit_balance_after::text AS debit_balance_after,
                   credit_balance_after::text AS credit_balance_after
            FROM transactions.movement
            WHERE shard = $1::int AND seq > $2::bigint AND seq <= $3::bigint
            ORDER BY seq, leg
        ) AS line
    """,
}
"""What is exported from a vector on, shard by shard: one query a file."""

FILES: Final = ("opening_balances", *_WHOLE, *_BY_SEQ, "sealed")
"""What every export has, by its name."""

_OPENING_COLUMNS: Final = {
    "shard": "int4",
    "account_id": "int8",
    "debits_posted": "text",
    "credits_posted": "text",
    "debits_pending": "text",
    "credits_pending": "text",
}


async def export_ledger(
    connection: Connection,
    folder: Path,
    since: Mapping[int, int],
    progress: Callable[[str, int], None],
    *,
    kept: bool = False,
    spelling: Spelling = Spelling.JSON_LINES,
) -> dict[str, Any]:
    """Write the ledger into an empty folder and return the manifest.

    `since` names, for each shard, the last event that is not wanted any more; then the balances at that
    vector are exported too, so that what follows can be added to them. Amounts are minor units, as strings.
    With `kept` every row of every table is written as well, as it is, so that the ledger can be imported.
    Raises `PartsDetachedError` where what is wanted is detached, and `PositionUnknownError` where `since`
    names an event that there is not: another ledger's.
    """

    async def copy(name: str, query: str) -> dict[str, Any]:
        return await copied(name, [()], query)

    async def copied(name: str, arguments: list[Any], query: str) -> dict[str, Any]:
        return await _copied(connection, folder, name, arguments, query, progress, spelling)

    whole: dict[str, Any] = {"files": []}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        vector = await vector_now(connection)
        for shard, seq in sorted(since.items()):
            if not 0 <= seq <= vector.get(shard, -1):
                raise PositionUnknownError(f"shard {shard} has no event {seq}")
        start = {shard: since.get(shard, 0) for shard in vector}
        await need_from(connection, min(start.values(), default=0) + 1)
        files = [
            await _opening(connection, folder, start, vector, progress, spelling),
            *[await copy(name, query) for name, query in _WHOLE.items()],
        ]
        ranges = [(shard, start[shard], seq) for shard, seq in sorted(vector.items())]
        for name, query in _BY_SEQ.items():
            files.append(await copied(name, ranges, query))
        sealed = _file(folder, "sealed", progress, spelling, COLUMNS)
        await write_rows(connection, ranges, sealed.write)
        files.append(sealed.close())
        begins = await heads_at(connection, start)
        ends = await connection.fetch("SELECT shard, seq, head FROM transactions.seal_head ORDER BY shard")
        if kept:
            whole = await export_kept(connection, copy)
        taken_at = await connection.fetchval(
            """SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        )
    manifest = {
        "format": FORMAT,
        "taken_at": taken_at,
        "since": {str(shard): seq for shard, seq in sorted(start.items())},
        "vector": {str(shard): seq for shard, seq in sorted(vector.items())},
        "begins": {str(shard): head.hex() for shard, head in sorted(begins.items())},
        "heads": {str(row["shard"]): {"seq": row["seq"], "head": row["head"].hex()} for row in ends},
        **whole,
        "files": [*files, *whole["files"]],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


async def _copied(
    connection: Connection,
    folder: Path,
    name: str,
    arguments: list[Any],
    query: str,
    progress: Callable[[str, int], None],
    spelling: Spelling,
) -> dict[str, Any]:
    columns = await _columns_of(connection, query) if spelling is Spelling.PARQUET else {}
    file = _file(folder, name, progress, spelling, columns)
    for each in arguments:
        await connection.copy_from_query(query, *each, output=file.write, **_SPELLING)
    return file.close()


def _file(
    folder: Path,
    name: str,
    progress: Callable[[str, int], None],
    spelling: Spelling,
    columns: Mapping[str, str],
) -> JsonLinesFile | ParquetFile:
    if spelling is Spelling.PARQUET:
        return ParquetFile(folder, name, progress, columns)
    return JsonLinesFile(folder, name, progress)


async def _columns_of(connection: Connection, query: str) -> dict[str, str]:
    """Return the columns that a query's lines are made of, with their types."""
    prepared = await connection.prepare(query.replace("row_to_json(line)", "line.*", 1))
    return {
        each.name: "enum" if each.type.schema != "pg_catalog" else each.type.name
        for each in prepared.get_attributes()
    }


async def _opening(
    connection: Connection,
    folder: Path,
    start: Mapping[int, int],
    last: Mapping[int, int],
    progress: Callable[[str, int], None],
    spelling: Spelling,
) -> dict[str, Any]:
    """Write each shard's balances at the vector that the export goes on from."""
    file = _file(folder, "opening_balances", progress, spelling, _OPENING_COLUMNS)
    for shard, seq in sorted(start.items()):
        if seq == 0:
            continue
        counters = await recorded_by_shard(connection, shard, seq, last[shard])
        for account_id, own in sorted(counters.items()):
            line = {
                "shard": shard,
                "account_id": account_id,
                "debits_posted": str(own[0]),
                "credits_posted": str(own[1]),
                "debits_pending": str(own[2]),
                "credits_pending": str(own[3]),
            }
            await file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return file.close()
