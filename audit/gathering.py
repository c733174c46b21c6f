"""Gathers the evidence of one audit: tables in one snapshot first, then the topics, which only grow."""

import base64
from pathlib import Path

from audit.evidence import Evidence
from audit.readers.casework import read_cases
from audit.readers.commands import read_commands
from audit.readers.kafka import read_topics
from audit.readers.keeping import read_kept_rows
from audit.readers.postgres import (
    connect,
    read_chart,
    read_grants,
    read_ledger,
    read_reports,
    read_screening,
    read_service,
)


async def gather(
    dsn: str, bootstrap: str, commands: Path | None = None, master_key: Path | None = None
) -> Evidence:
    """Read everything. The tables come first, so that what they say was sent must be in the topics."""
    evidence = Evidence()
    if master_key is not None:
        evidence.master_key = base64.b64decode(master_key.read_text(encoding="utf-8"))
    connection = await connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            evidence.chart = await read_chart(connection)
            evidence.ledger = await read_ledger(connection)
            for name in ("transactions", "compliance", "reporting"):
                state = await read_service(connection, name)
                if state is not None:
                    evidence.services[name] = state
            evidence.screening = await read_screening(connection)
            evidence.cases = await read_cases(connection)
            evidence.kept_rows = await read_kept_rows(connection)
            reports = await read_reports(connection)
            if reports is not None:
                evidence.report_runs, evidence.account_days = reports
            evidence.grants = await read_grants(connection)
    finally:
        await connection.close()
    evidence.partitions, evidence.topics = await read_topics(bootstrap)
    if commands is not None:
        evidence.commands = read_commands(commands)
    return evidence
