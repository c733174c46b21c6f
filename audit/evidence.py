"""What an audit looks at, as plain data: records of the topics, rows of the tables, samples of running."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Final

from audit.casework import CaseData
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
from audit.places import Place
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
    KeptRow,
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
from audit.sealed import Keys, opened, read_keys

INSTRUCTIONS: Final = "transactions.instructions.v1"
TRANSACTIONS_ACTS: Final = "transactions.acts.v1"
JOURNAL: Final = "transactions.journal.v1"
PARTY_KEYS: Final = "transactions.keys.v1"
DECISIONS: Final = "compliance.decisions.v1"
ALERTS: Final = "compliance.alerts.v1"
COMPLIANCE_ACTS: Final = "compliance.acts.v1"
REPORTING_ACTS: Final = "reporting.acts.v1"
PUBLISHED: Final = "reporting.published.v1"
TOPICS: Final = (
    INSTRUCTIONS,
    TRANSACTIONS_ACTS,
    JOURNAL,
    PARTY_KEYS,
    DECISIONS,
    ALERTS,
    COMPLIANCE_ACTS,
    REPORTING_ACTS,
    PUBLISHED,
)

SERVICES: Final = ("transactions", "compliance", "reporting")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic, as it was delivered."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> Place:
        """Where it stands."""
        return (self.topic, self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A report that was made, with the vector it is true at."""

    run_id: str
    report: str
    booking_date: date
    vector: Mapping[int, int]
    body: bytes
    sha256: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScreeningData:
    """What compliance screens by: parameters, lists, and pairs that people have found to be two."""

    parameters: Sequence[RuleParameter]
    names: Sequence[ListedName]
    entries: Sequence[ListedEntry]
    activations: Sequence[Activation]
    whitelistings: Sequence[Whitelisting] = ()
    unfinished: Collection[int] = ()
    """Shards in which parties are still being screened against what a list has changed."""
    checks: Sequence[ListCheck] = ()
    changes: Sequence[RuleChange] = ()
    """Of each shard in their order."""
    shadow_findings: Sequence[ShadowFinding] = ()
    snoozes: Sequence[Snooze] = ()
    """Of each shard in their order."""
    tier_runs: Sequence[TierRun] = ()
    tier_findings: Sequence[TierFinding] = ()
    ratings: Sequence[Rated] = ()
    """In the order of each shard."""
    person_runs: Sequence[PersonRun] = ()
    person_findings: Sequence[PersonFinding] = ()

    def silenced_by(
        self, shard: int, owner: str, rule: str, day: date, *, offset: int | None = None, seq: int = 2**63
    ) -> str | None:
        """The snooze that counts for a record of the journal, or when a shard said its event `seq`."""
        counting: list[str] = []
        for each in self.snoozes:
            is_mine = (each.shard, each.owner, each.rule) == (shard, owner, rule)
            if is_mine and each.seq < seq and (offset is None or each.journal_offset <= offset):
                if each.what == "ended":
                    counting = [one for one in counting if one != each.snooze_id]
                elif day < each.until:
                    counting.append(each.snooze_id)
        return counting[0] if counting else None

    def versions_at(self, shard: int, offset: int, status: str) -> Sequence[RuleChange]:
        """The versions that are live, or in shadow, for a record of the shard's partition of the journal."""
        mine = [each for each in self.changes if each.shard == shard and each.journal_offset <= offset]
        return [each for each in {each.proposal_id: each for each in mine}.values() if each.after == status]

    def at(self, shard: int, offset: int) -> "ScreeningData":
        """The same with the parameters that are live for a record."""
        return self.with_rows([each.row for each in self.versions_at(shard, offset, "live")])

    def when_told(self, shard: int, seq: int) -> "ScreeningData":
        """The same with the parameters that were live when a shard said its event `seq`."""
        last = {each.proposal_id: each for each in self.changes if each.shard == shard and each.seq < seq}
        return self.with_rows([each.row for each in last.values() if each.after == "live"])

    def with_rows(self, rows: Sequence[RuleParameter]) -> "ScreeningData":
        """The same with more parameters."""
        if not rows:
            return self
        return replace(self, parameters=[*self.parameters, *rows])

    @cached_property
    def entries_of(self) -> Mapping[tuple[str, str], Mapping[str, ListedEntry]]:
        """By list and version, then by entry id."""
        found: dict[tuple[str, str], dict[str, ListedEntry]] = {}
        for each in self.entries:
            found.setdefault((each.list_code, each.version), {})[each.entry_id] = each
        return found

    @cached_property
    def names_of(self) -> Mapping[tuple[str, str, str], Sequence[ListedName]]:
        """By list, version and entry id."""
        found: dict[tuple[str, str, str], list[ListedName]] = {}
        for each in self.names:
            found.setdefault((each.list_code, each.version, each.entry_id), []).append(each)
        return found


@dataclass(frozen=True, slots=True)
class AccountDay:
    """A row of reporting's `account_day`: an account's movements of one day by one shard."""

    shard: int
    account: str
    booking_date: date
    debits: int
    credits: int
    debits_pending: int
    credits_pending: int


@dataclass(slots=True)
class ServiceState:
    """What the runtime keeps in one service's schema."""

    shards: list[ShardRow] = field(default_factory=list)
    positions: list[PositionRow] = field(default_factory=list)
    sent: list[SentRow] = field(default_factory=list)
    marks: list[MarkRow] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    parked: list[ParkedRow] = field(default_factory=list)
    passed_over: list[PassedOverRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)


@dataclass(slots=True)
class Chart:
    """What migrations loaded: assets, instruments, entities, the chart of accounts, rules and policies."""

    assets: list[Asset] = field(default_factory=list)
    instruments: list[Instrument] = field(default_factory=list[Instrument])
    entities: list[Entity] = field(default_factory=list)
    classes: list[AccountClass] = field(default_factory=list)
    posting_rules: list[PostingRule] = field(default_factory=list)
    policies: list[ScreeningPolicy] = field(default_factory=list)
    trade_policies: list[TradePolicy] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """The ledger's own tables."""

    accounts: list[Account] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    movements: list[MovementRow] = field(default_factory=list)
    balances: list[BalanceRow] = field(default_factory=list)
    keys: list[KeyRow] = field(default_factory=list)
    pendings: list[PendingRow] = field(default_factory=list)
    scheduled: list[ScheduledRow] = field(default_factory=list)
    freezes: list[FreezeRow] = field(default_factory=list)
    closings: list[ClosingRow] = field(default_factory=list)
    limits: list[LimitRow] = field(default_factory=list)
    reversed: list[ReversedRow] = field(default_factory=list)
    days: list[BusinessDayRow] = field(default_factory=list)
    periods: list[PeriodRow] = field(default_factory=list)
    day_balances: list[DayBalanceRow] = field(default_factory=list)
    day_openings: list[DayOpeningRow] = field(default_factory=list)
    carried: list[CarriedRow] = field(default_factory=list)
    risks: list[RiskRow] = field(default_factory=list)
    accruals: list[AccrualRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether a role holds a privilege on a table (or on one of its columns)."""

    role: str
    schema: str
    table: str
    privilege: str
    held: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """How the running system was at one moment."""

    seconds: float
    lag: Mapping[str, int]
    """Per service: records not yet handled."""
    connections: int
    resident_bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A line of the load generator's own log: what it sent, and where the broker put it."""

    topic: str
    partition: int
    offset: int | None
    key: bytes | None
    value: bytes | None


@dataclass
class Evidence:
    """Everything an audit looks at. A part that was not read is None and its checks say so."""

    partitions: int = 0
    chart: Chart = field(default_factory=Chart)
    ledger: Ledger = field(default_factory=Ledger)
    services: dict[str, ServiceState] = field(default_factory=dict)
    topics: dict[str, list[Record]] = field(default_factory=dict)
    commands: Sequence[SentCommand] | None = None
    grants: Sequence[Grant] | None = None
    samples: Sequence[Sample] | None = None
    report_runs: Sequence[ReportRun] | None = None
    account_days: Sequence[AccountDay] | None = None
    screening: ScreeningData | None = None
    cases: CaseData | None = None
    kept_rows: Sequence[KeptRow] | None = None
    master_key: bytes | None = None
    """Under which owners' keys are published; without it nothing that is sealed is opened."""
    expected_hash: str | None = None
    """The canonical dump of a run that must have come to the same."""

    @cached_property
    def keys(self) -> Keys:
        """The keys of owners that were not erased."""
        if self.master_key is None:
            return Keys()
        records = self.topics.get(PARTY_KEYS, ())
        return read_keys(((each.partition, each.key, each.value) for each in records), self.master_key)

    def opened(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an event of the ledger with what is sealed in it opened, as far as that is possible."""
        instruction = event.get("instruction")
        if not instruction:
            return event
        return {**event, "instruction": opened(self.keys, event["shard"], instruction)}
