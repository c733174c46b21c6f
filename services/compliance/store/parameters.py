"""Parameters of rules."""

import json
from collections.abc import Sequence
from typing import Any

from services.compliance.domain.rule import RuleParameter

_LOAD = """
SELECT rule, version, asset, "values", valid_from, valid_until, source, segment, jurisdiction
FROM rule_parameter
ORDER BY rule, asset, segment, jurisdiction, version
"""

_SAVE = """
INSERT INTO rule_parameter
    (rule, version, asset, "values", valid_from, valid_until, source, segment, jurisdiction)
SELECT * FROM unnest(
    $1::text[], $2::int[], $3::text[], $4::jsonb[], $5::date[], $6::date[], $7::text[], $8::text[], $9::text[]
)
ON CONFLICT DO NOTHING
"""


async def load_parameters(connection: Any) -> list[RuleParameter]:
    """Read all parameters."""
    rows = await connection.fetch(_LOAD)
    return [RuleParameter(**{**dict(row), "values": json.loads(row["values"])}) for row in rows]


async def save_parameters(connection: Any, rows: Sequence[RuleParameter]) -> None:
    """Append parameters that are not stored yet; only the owner of the schema may."""
    await connection.execute(
        _SAVE,
        [row.rule for row in rows],
        [row.version for row in rows],
        [row.asset for row in rows],
        [json.dumps(dict(row.values)) for row in rows],
        [row.valid_from for row in rows],
        [row.valid_until for row in rows],
        [row.source for row in rows],
        [row.segment for row in rows],
        [row.jurisdiction for row in rows],
    )
