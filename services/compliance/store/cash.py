"""The window store's table: cash events of owners at home in a shard."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.compliance.domain.cash import CashEvent, OwnerHistory, Reach

_LOAD = """
SELECT c.shard, c.owner, c.asset, c.direction, c.phase, c.amount, c.occurred_at, c.booking_date,
       c.source_shard, c.seq, c.leg, c.conductor
FROM unnest($1::int[], $2::text[], $3::date[], $4::timestamptz[]) AS wanted (shard, owner, day, since)
JOIN cash_event AS c ON c.shard = wanted.shard AND c.owner = wanted.owner
    AND (c.booking_date >= wanted.day OR c.occurred_at >= wanted.since)
"""

_COLUMNS = (
    "shard",
    "owner",
    "asset",
    "direction",
    "phase",
    "amount",
    "occurred_at",
    "booking_date",
    "source_shard",
    "seq",
    "leg",
    "conductor",
    "scale",
)


async def load_histories(
    connection: Any, wanted: Mapping[tuple[int, str], Reach]
) -> dict[tuple[int, str], OwnerHistory]:
    """Read the cash of owners, by (shard, owner), as far back as each reach says."""
    histories = {key: OwnerHistory(reach) for key, reach in wanted.items()}
    if not wanted:
        return histories
    rows = await connection.fetch(
        _LOAD,
        [shard for shard, _ in wanted],
        [owner for _, owner in wanted],
        [reach.day for reach in wanted.values()],
        [reach.since for reach in wanted.values()],
    )
    for shard, *rest in rows:
        event = CashEvent(*rest)
        histories[shard, event.owner].add(event)
    return histories


async def save_cash(connection: Any, events: Sequence[tuple[int, CashEvent, int]]) -> None:
    """Append cash events, each with the shard it was seen in and its asset's scale."""
    if not events:
        return
    await connection.copy_records_to_table(
        "cash_event",
        columns=_COLUMNS,
        records=[
            (
                shard,
                each.owner,
                each.asset,
                each.direction,
                each.phase,
                each.amount,
                each.occurred_at,
                each.booking_date,
                each.source_shard,
                each.seq,
                each.leg,
                each.conductor,
                scale,
            )
            for shard, each, scale in events
        ],
    )
