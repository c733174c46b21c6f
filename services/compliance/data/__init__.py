"""What a new database starts with, rule parameters and a made-up watch list; and a schema of our own."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.lists import read_list
from services.compliance.domain.records import ListPart
from services.compliance.store import parameters as parameter_store
from services.compliance.store import watchlists as list_store

DEMO_LIST: Final = Path(__file__).parent / "demo_list.csv"
STOR_SCHEMA: Final = Path(__file__).parent / "STOR-2016-957.xsd"
"""Of reports on market abuse: the law gives their fields and no format, so that no authority has one."""
DEMO_CODE: Final = "DEMO"
DEMO_VERSION: Final = "1"
DEMO_RECORDED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


async def load(owner_connection: Any, partitions: int) -> None:
    """Store the parameters and the demo list if they are missing, and let each shard screen against it.

    Done by migrate as the owner of the schema, with it as the search path; harmless when repeated.
    """
    await parameter_store.save_parameters(owner_connection, RULE_PARAMETERS)
    version = (DEMO_CODE, DEMO_VERSION)
    content = DEMO_LIST.read_bytes()
    async with owner_connection.transaction():
        if version not in await list_store.list_states(owner_connection, [version]):
            listed = read_list([(DEMO_LIST.name, content)])
            digest = hashlib.sha256(content).hexdigest()
            part = ListPart(*version, 1, 1, digest, DEMO_RECORDED_AT, listed.entries)
            await list_store.save_parts(owner_connection, [part])
        await list_store.save_activations(
            owner_connection, [(shard, 0, *version, DEMO_RECORDED_AT) for shard in range(partitions)]
        )


def demo_names() -> tuple[str, ...]:
    """Return the main names of the demo list, for those who play customers."""
    return tuple(each.names[0] for each in read_list([(DEMO_LIST.name, DEMO_LIST.read_bytes())]).entries)
