"""What the ledger knows of an asset."""

from typing import Any

_SCALE = "SELECT scale FROM transactions.asset WHERE code = $1"


async def asset_scale(connection: Any, code: str) -> int | None:
    """Return how many decimals an asset's amounts have; None where there is no such asset."""
    return await connection.fetchval(_SCALE, code)
