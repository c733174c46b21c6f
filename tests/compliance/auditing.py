"""What the auditor is given of a service tested without Kafka: its events, the journal, the tables."""

import json
from collections.abc import Iterable
from typing import Any

from audit.evidence import ALERTS, DECISIONS, JOURNAL, Chart, Evidence, Record
from audit.ledger_rows import Asset
from audit.readers.postgres import connect, read_screening
from tests.compliance.conftest import READONLY, Harness
from tests.compliance.ledger import PARTITIONS, Delivery


async def evidence_of(harness: Harness, deliveries: Iterable[Delivery]) -> Evidence:
    """Everything that check 10 looks at, after these deliveries."""
    evidence = Evidence(partitions=PARTITIONS, chart=Chart(assets=[Asset(1, "USD", "fiat", 2)]))
    topics = {ALERTS: list[Record](), DECISIONS: list[Record](), JOURNAL: list[Record]()}
    for event in harness.published:
        is_decision = event.type in ("DecisionMade", "CustomerRated")
        body = event.model_dump_json(exclude_none=True).encode()
        said = {"shard": event.shard, "seq": event.seq, "prev": event.seq - 1, "ce_type": event.type}
        topics[DECISIONS if is_decision else ALERTS].append(
            Record("", event.shard, event.seq, 0, None, body, _headers({**said, "copy": "primary"}))
        )
    last: dict[tuple[int, int], int] = {}
    for each in deliveries:
        event = json.loads(each.value)
        source = (each.partition, event["shard"])
        said = {"shard": event["shard"], "seq": event["seq"], "prev": last.get(source, 0), "copy": each.copy}
        last[source] = event["seq"]
        offset = sum(one.partition == each.partition for one in topics[JOURNAL])
        headers = _headers({**said, "ce_type": event["type"]})
        topics[JOURNAL].append(Record(JOURNAL, each.partition, offset, 0, None, each.value, headers))
    evidence.topics = topics
    connection = await connect(harness.database.dsn(READONLY))
    try:
        evidence.screening = await read_screening(connection)
    finally:
        await connection.close()
    return evidence


def _headers(said: dict[str, Any]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, str(value).encode()) for name, value in said.items())
