"""Reads the tables of all services with the read-only role, in one snapshot, by the auditor's own SQL."""

import json
from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from audit.evidence import SERVICES, AccountDay, Chart, Grant, Ledger, ReportRun, ScreeningData, ServiceState
from audit.ledger_rows import (
    Account,
    AccountClass,
    AccrualRow,
    Asset,
    BalanceRow,
    BusinessDayRow,
    CarriedRow,
    ClosingRow,
    DayBalanceRow,
    DayOpeningRow,
    Entity,
    FreezeRow,
    Instrument,
    JournalRow,
    KeyRow,
    LimitRow,
    MovementRow,
    PendingRow,
    PeriodRow,
    PostingRule,
    ReversedRow,
    RiskRow,
    ScheduledRow,
    ScreeningPolicy,
    TradePolicy,
)
from audit.runtime_rows import (
    DeadLetterRow,
    MarkRow,
    OutboxRow,
    ParkedRow,
    PassedOverRow,
    PositionRow,
    SentRow,
    ShardRow,
)
from audit.screening_rows import (
    Activation,
    ListCheck,
    ListedEntry,
    ListedName,
    PersonFinding,
    PersonRun,
    Rated,
    RuleChange,
    RuleParameter,
    ShadowFinding,
    Snooze,
    TierFinding,
    TierRun,
    Whitelisting,
)

Connection = Any
"""An asyncpg connection: the package has no types of its own."""

GRANTS: Final = """
    SELECT r.rolname AS role, n.nspname AS schema, c.relname AS "table", p.privilege,
           has_schema_privilege(r.oid, n.oid, 'USAGE') AND
           CASE WHEN p.privilege IN ('DELETE', 'TRUNCATE') THEN has_table_privilege(r.oid, c.oid, p.privilege)
                WHEN p.privilege = 'UPDATE'
                      AND c.relname IN ('pending', 'scheduled', 'account_freeze', 'account_closing')
                THEN has_table_privilege(r.oid, c.oid, p.privilege)
                ELSE has_any_column_privilege(r.oid, c.oid, p.privilege) END AS held
    FROM pg_roles AS r
    CROSS JOIN pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
    WHERE r.rolname = ANY($1) AND n.nspname = ANY($2) AND c.relkind IN ('r', 'p', 'v', 'm')
    ORDER BY 1, 2, 3, 4
"""


async def connect(dsn: str) -> Connection:
    """Open a session that can only read; JSON columns come as Python values."""
    connection = await asyncpg.connect(dsn, server_settings={"default_transaction_read_only": "on"})
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    return connection


async def read_chart(connection: Connection) -> Chart:
    """What migrations loaded into the ledger."""
    return Chart(
        assets=[
            Asset(**row)
            for row in await connection.fetch("SELECT asset_id, code, kind, scale FROM transactions.asset")
        ],
        instruments=[
            Instrument(**row)
            for row in await connection.fetch(
                "SELECT asset_id, valid_from, valid_until FROM transactions.instrument"
            )
        ],
        entities=[
            Entity(**row)
            for row in await connection.fetch(
                "SELECT entity_id, code, first_booking_date FROM transactions.entity"
            )
        ],
        classes=[
            AccountClass(*row)
            for row in await connection.fetch(
                "SELECT class, parent, valid_from, valid_until FROM transactions.account_class"
            )
        ],
        posting_rules=[
            PostingRule(**row)
            for row in await connection.fetch(
                "SELECT entity_id, instruction_type, condition, house_class, valid_from, valid_until"
                " FROM transactions.posting_rule"
            )
        ],
        policies=[
            ScreeningPolicy(**row)
            for row in await connection.fetch(
                "SELECT entity_id, instruction_type, asset_id, amount_from, valid_from, valid_until,"
                " risk_classes, countries, channels, deadline_hours, told FROM transactions.screening_policy"
            )
        ],
        trade_policies=[
            TradePolicy(**row)
            for row in await connection.fetch(
                "SELECT entity_id, policy, valid_from, valid_until FROM transactions.trade_policy"
            )
        ],
    )


async def read_ledger(connection: Connection) -> Ledger:
    """The ledger's own tables."""
    return Ledger(
        accounts=[
            Account(**row)
            for row in await connection.fetch(
                "SELECT account_id, code, entity_id, owner, shard, asset_id, class AS account_class,"
                " limit_minor, opened_seq, container FROM transactions.account"
            )
        ],
        journal=[
            _journal_row(row)
            for row in await connection.fetch(
                "SELECT shard, seq, kind::text AS kind, about_seq, recorded_at, epoch, topic::text AS topic,"
                ' partition, "offset",'
                " instruction_id, instruction_type, owner, reason, booking_date, value_date, detail, content,"
                " seen, copies, traceparent FROM transactions.journal ORDER BY shard, seq"
            )
        ],
        movements=[
            MovementRow(**row)
            for row in await connection.fetch(
                "SELECT shard, seq, leg, kind, debit_account, credit_account, asset_id, amount,"
                " debit_balance_after, credit_balance_after FROM transactions.movement"
                " ORDER BY shard, seq, leg"
            )
        ],
        balances=[
            BalanceRow(**row)
            for row in await connection.fetch(
                "SELECT shard, account_id, debits_posted, credits_posted, debits_pending, credits_pending"
                " FROM transactions.balance"
            )
        ],
        keys=[
            KeyRow(**row)
            for row in await connection.fetch(
                "SELECT shard, instruction_id, seq FROM transactions.instruction_key"
            )
        ],
        pendings=[
            PendingRow(**row)
            for row in await connection.fetch(
                "SELECT shard, seq, instruction_id, resolved_seq, screening, cleared_seq, settled_minor"
                " FROM transactions.pending"
            )
        ],
        scheduled=[
            ScheduledRow(**row)
            for row in await connection.fetch(
                "SELECT shard, seq, entity_id, execute_on, ended_seq FROM transactions.scheduled"
            )
        ],
        freezes=[
            FreezeRow(**row)
            for row in await connection.fetch(
                "SELECT account_id, freeze_id, direction, authority, seq, lifted_seq, amount_minor"
                " FROM transactions.account_freeze"
            )
        ],
        closings=[
            ClosingRow(**row)
            for row in await connection.fetch(
                "SELECT account_id, seq, closed_seq, reopened_seq FROM transactions.account_closing"
                " ORDER BY account_id, seq"
            )
        ],
        limits=[
            LimitRow(**row)
            for row in await connection.fetch(
                "SELECT account_id, seq, limit_minor, cap_minor, valid_from, valid_until, authority"
                " FROM transactions.account_limit ORDER BY account_id, seq"
            )
        ],
        reversed=[
            ReversedRow(**row)
            for row in await connection.fetch(
                "SELECT original_shard, original_seq, leg, part, amount, left_minor, shard, seq"
                " FROM transactions.reversed"
            )
        ],
        days=[
            BusinessDayRow(**row)
            for row in await connection.fetch(
                "SELECT shard, entity_id, booking_date, seq FROM transactions.business_day"
            )
        ],
        day_balances=[
            DayBalanceRow(**row)
            for row in await connection.fetch(
                "SELECT shard, account_id, value_date, posted_on, debits, credits"
                " FROM transactions.day_balance"
            )
        ],
        day_openings=[
            DayOpeningRow(**row)
            for row in await connection.fetch(
                "SELECT shard, account_id, seq, debits, credits FROM transactions.day_opening"
            )
        ],
        accruals=[
            AccrualRow(**row)
            for row in await connection.fetch(
                """
                SELECT shard, account, series, asset, direction, posted_minor, seq
                FROM transactions.accrual
                """
            )
        ],
        risks=[
            RiskRow(**row)
            for row in await connection.fetch(
                "SELECT shard, owner, seq, risk_class FROM transactions.risk_class"
            )
        ],
        carried=[
            CarriedRow(**row)
            for row in await connection.fetch(
                "SELECT shard, account_id, booking_date, seq FROM transactions.carried_over"
            )
        ],
        periods=[
            PeriodRow(**row)
            for row in await connection.fetch(
                "SELECT shard, entity_id, first_day, last_day, state, seq FROM transactions.period"
            )
        ],
    )


def _journal_row(row: Any) -> JournalRow:
    fields: dict[str, Any] = dict(row)
    fields["copies"] = tuple(row["copies"] or ())
    return JournalRow(**fields)


_STATE: Final[dict[str, tuple[type[Any], str]]] = {
    "shards": (
        ShardRow,
        "SELECT shard, epoch, last_seq, published_seq, halted, owner FROM {schema}.shard",
    ),
    "positions": (PositionRow, "SELECT topic, partition, next_offset FROM {schema}.position"),
    "sent": (SentRow, "SELECT shard, topic, partition, last_seq, published_seq FROM {schema}.sent"),
    "marks": (MarkRow, "SELECT topic, partition, source_shard, last_seq FROM {schema}.source_mark"),
    "dead_letters": (
        DeadLetterRow,
        'SELECT topic, partition, "offset", value, error FROM {schema}.dead_letter',
    ),
    "parked": (ParkedRow, 'SELECT topic, partition, "offset", owner, resolution FROM {schema}.parked'),
    "passed_over": (
        PassedOverRow,
        """
        SELECT topic, partition, from_offset, until_offset, act_id, actor, approved_by
        FROM {schema}.passed_over
        """,
    ),
    "outbox": (
        OutboxRow,
        "SELECT shard, seq, epoch, topic, type, key, body, prev FROM {schema}.outbox ORDER BY shard, seq",
    ),
}


async def read_service(connection: Connection, schema: str) -> ServiceState | None:
    """What the runtime keeps for one service; None when its schema is not there."""
    if (
        schema not in SERVICES
        or await connection.fetchval("SELECT to_regclass($1)", f"{schema}.shard") is None
    ):
        return None
    state = ServiceState()
    for part, (kind, query) in _STATE.items():
        rows: Sequence[Any] = await connection.fetch(query.format(schema=schema))
        setattr(state, part, [kind(**row) for row in rows])
    return state


async def read_screening(connection: Connection) -> ScreeningData | None:
    """What compliance screens by; None when its schema is not there."""
    if await connection.fetchval("SELECT to_regclass('compliance.rule_parameter')") is None:
        return None
    parameters = await connection.fetch(
        'SELECT rule, version, asset, "values", valid_from, valid_until, segment, jurisdiction'
        " FROM compliance.rule_parameter"
    )
    names = await connection.fetch(
        "SELECT n.list_code, n.version, n.entry_id, e.kind, n.name, n.is_weak FROM compliance.list_name AS n"
        " JOIN compliance.list_entry AS e USING (list_code, version, entry_id)"
    )
    entries = await connection.fetch(
        "SELECT list_code, version, entry_id, kind, birth_dates, countries, identifiers"
        " FROM compliance.list_entry"
    )
    activations = await connection.fetch(
        "SELECT shard, seq, list_code, version FROM compliance.list_activation"
    )
    checks = await connection.fetch(
        "SELECT shard, seq, list_code, version, recorded_at FROM compliance.list_activation UNION ALL"
        " SELECT shard, seq, list_code, version, recorded_at FROM compliance.list_confirmation"
    )
    whitelistings = await connection.fetch(
        "SELECT shard, whitelisting_id::text AS whitelisting_id, owner, list_code, entry_id, proposed_by,"
        " approved_by FROM compliance.whitelisting"
    )
    unfinished = await connection.fetch("SELECT shard FROM compliance.rescreening WHERE finished_seq IS NULL")
    changes, shadow_findings = await _rule_changes(connection)
    snoozes = await connection.fetch(
        "SELECT shard, seq, snooze_id::text AS snooze_id, what, owner, rule, until, journal_offset, actor,"
        " proposed_by FROM compliance.snooze_fact WHERE what <> 'proposed' ORDER BY shard, seq"
    )
    runs = await connection.fetch(
        "SELECT number, entries, cut_short, house_seq, ratings FROM compliance.tier_run ORDER BY number"
    )
    findings = await connection.fetch(
        "SELECT shard, owner, rule, business_date, raised_seq FROM compliance.tier_finding"
        " WHERE outcome = 'alert'"
    )
    ratings = await connection.fetch(
        "SELECT shard, seq, owner, version, risk_class::text AS risk_class FROM compliance.customer_rating"
        " ORDER BY shard, seq"
    )
    person_runs = await connection.fetch(
        "SELECT number, cash, roles, house_seq FROM compliance.person_run ORDER BY number"
    )
    person_findings = await connection.fetch(
        "SELECT shard, owner, person, rule, asset, direction, business_date, raised_seq"
        " FROM compliance.person_finding"
    )
    return ScreeningData(
        parameters=[RuleParameter(**row) for row in parameters],
        names=[ListedName(**row) for row in names],
        entries=[ListedEntry(**row) for row in entries],
        activations=[Activation(**row) for row in activations],
        whitelistings=[Whitelisting(**row) for row in whitelistings],
        unfinished={row["shard"] for row in unfinished},
        checks=[ListCheck(**row) for row in checks],
        changes=changes,
        shadow_findings=shadow_findings,
        snoozes=[Snooze(**row) for row in snoozes],
        tier_runs=[TierRun(**row) for row in runs],
        tier_findings=[TierFinding(**row) for row in findings],
        ratings=[Rated(**row) for row in ratings],
        person_runs=[PersonRun(**row) for row in person_runs],
        person_findings=[PersonFinding(**row) for row in person_findings],
    )


async def _rule_changes(connection: Connection) -> tuple[list[RuleChange], list[ShadowFinding]]:
    """What became of versions of parameters in each shard, and what those in shadow found."""
    changes = await connection.fetch(
        "SELECT c.shard, c.seq, c.proposal_id::text AS proposal_id, c.before, c.after, c.journal_offset,"
        ' c.actor, c.proposed_by, p.rule, p.version, p.asset, p."values", p.valid_from, p.valid_until,'
        " p.segment, p.jurisdiction"
        " FROM compliance.rule_change AS c JOIN compliance.rule_proposal AS p USING (proposal_id)"
        " ORDER BY c.shard, c.seq"
    )
    found = await connection.fetch(
        "SELECT shard, proposal_id::text AS proposal_id, owner, rule, business_date, subject, would_hold,"
        " findings, 'shadow_finding' AS kind, place FROM compliance.shadow_finding UNION ALL"
        " SELECT shard, proposal_id::text, owner, rule, business_date, '', false, jsonb_build_array(finding),"
        " 'tier_shadow_finding', place"
        " FROM compliance.tier_shadow_finding WHERE outcome = 'alert'"
    )
    of_row = ("rule", "version", "asset", "values", "valid_from", "valid_until", "segment", "jurisdiction")
    of_step = ("shard", "seq", "proposal_id", "before", "after", "journal_offset", "actor", "proposed_by")
    return [
        RuleChange(
            **{name: row[name] for name in of_step}, row=RuleParameter(**{name: row[name] for name in of_row})
        )
        for row in changes
    ], [ShadowFinding(**row) for row in found]


async def read_reports(connection: Connection) -> tuple[list[ReportRun], list[AccountDay]] | None:
    """Reports made, and the sums they are made from; None when reporting's schema is not there."""
    if await connection.fetchval("SELECT to_regclass('reporting.report_run')") is None:
        return None
    runs = await connection.fetch(
        "SELECT run_id::text AS run_id, report, booking_date, parameters, vector, body, sha256"
        " FROM reporting.report_run WHERE reconciled"
    )
    days = await connection.fetch(
        "SELECT shard, account, booking_date, debits, credits, debits_pending, credits_pending"
        " FROM reporting.account_day"
    )
    return (
        [
            ReportRun(
                run_id=row["run_id"],
                report=row["report"],
                booking_date=row["booking_date"],
                vector={int(shard): seq for shard, seq in row["vector"].items()},
                body=bytes(row["body"]),
                sha256=row["sha256"],
                parameters=row["parameters"],
            )
            for row in runs
        ],
        [AccountDay(**row) for row in days],
    )


async def read_grants(connection: Connection) -> list[Grant]:
    """Who may do what to which table, as PostgreSQL itself answers."""
    roles = [*(f"{service}_service" for service in SERVICES), "backoffice_readonly"]
    return [Grant(**row) for row in await connection.fetch(GRANTS, roles, list(SERVICES))]
