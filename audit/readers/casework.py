"""Reads cases, their facts and the triage of alerts from compliance's tables."""

from typing import Any

from audit.casework import CaseData, CaseFactRow, CaseRow, TriageRow
from audit.roles import RoleFactRow


async def read_cases(connection: Any) -> CaseData | None:
    """What officers did with alerts; None when compliance's schema is not there."""
    if await connection.fetchval("SELECT to_regclass('compliance.case_file')") is None:
        return None
    files = await connection.fetch(
        "SELECT shard, case_id::text AS case_id, owner, kind, version, status, deadline, officer,"
        " disposition, report, proposal, proposed_by, filing, filing_status FROM compliance.case_file"
    )
    facts = await connection.fetch(
        "SELECT shard, case_id::text AS case_id, version, seq, act_id::text AS act_id, what, actor, deadline,"
        " officer, disposition, report, proposal, proposed_by, schema_sha256, filing, answer, form"
        " FROM compliance.case_fact"
    )
    triage = await connection.fetch(
        "SELECT shard, alert_seq, seq, act_id::text AS act_id, case_id::text AS case_id, case_version"
        " FROM compliance.alert_triage"
    )
    roles = await connection.fetch(
        "SELECT shard, grant_id::text AS grant_id, what, seq, act_id::text AS act_id, actor, officer, role,"
        " since::text AS since, until::text AS until, proposed_by FROM compliance.role_fact"
    )
    return CaseData(
        files=[CaseRow(**row) for row in files],
        facts=[CaseFactRow(**row) for row in facts],
        triage=[TriageRow(**row) for row in triage],
        roles=[RoleFactRow(**row) for row in roles],
    )
