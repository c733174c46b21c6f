"""Every topic: its name, key, messages, policy, owner, producers and consumers, one entry each."""

from dataclasses import dataclass
from typing import Final, Literal

DAY_MS: Final = 24 * 60 * 60 * 1000
UNLIMITED: Final = -1
DELETE_RETENTION_MS: Final = 7 * DAY_MS
"""How long a tombstone stays, so that readers who were away learn of it."""
HEADERS_BYTES_MAX: Final = 65_536
"""More than an event's key and headers take, and what stands in the ledger's around what was asked."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's policy. All topics have the same number of partitions: one for each shard."""

    name: str
    messages: str
    """The union in `shared.messages` that its values belong to, `module:ADAPTER`."""
    key: str
    owner: str
    """The service that reads it as input (instructions, acts) or alone writes it (events)."""
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    kind: Literal["instructions", "acts", "events", "keys"]
    retention_ms: int
    """Of a compacted topic: within what time a record that another has replaced is gone for good."""
    max_message_bytes: int = 1_048_576

    @property
    def body_bytes_max(self) -> int:
        """How long an event's body may be, so that key and headers fit in with it."""
        return self.max_message_bytes - HEADERS_BYTES_MAX

    @property
    def is_compacted(self) -> bool:
        """Whether it keeps the last record of each key, and none whose last record is a tombstone."""
        return self.kind == "keys"


INSTRUCTIONS: Final = Topic(
    name="transactions.instructions.v1",
    messages="instructions:INSTRUCTION",
    key="home owner",
    owner="transactions",
    producers=("upstream",),
    consumers=("transactions",),
    kind="instructions",
    retention_ms=14 * DAY_MS,
)
TRANSACTIONS_ACTS: Final = Topic(
    name="transactions.acts.v1",
    messages="acts:TRANSACTIONS_ACT",
    key="owner",
    owner="transactions",
    producers=("operators",),
    consumers=("transactions",),
    kind="acts",
    retention_ms=90 * DAY_MS,
)
JOURNAL: Final = Topic(
    name="transactions.journal.v1",
    messages="journal:JOURNAL_EVENT",
    key="owner whose partition it is",
    owner="transactions",
    producers=("transactions",),
    consumers=("compliance", "reporting", "upstream"),
    kind="events",
    retention_ms=UNLIMITED,
)
PARTY_KEYS: Final = Topic(
    name="transactions.keys.v1",
    messages="sealing:PARTY_KEY_RECORD",
    key="owner",
    owner="transactions",
    producers=("transactions",),
    consumers=("compliance",),
    kind="keys",
    retention_ms=DAY_MS,
)
DECISIONS: Final = Topic(
    name="compliance.decisions.v1",
    messages="compliance:DECISION_EVENT",
    key="home owner of the instruction",
    owner="compliance",
    producers=("compliance",),
    consumers=("transactions", "reporting"),
    kind="events",
    retention_ms=UNLIMITED,
)
ALERTS: Final = Topic(
    name="compliance.alerts.v1",
    messages="compliance:ALERT_EVENT",
    key="owner",
    owner="compliance",
    producers=("compliance",),
    consumers=("reporting", "operators"),
    kind="events",
    retention_ms=UNLIMITED,
)
COMPLIANCE_ACTS: Final = Topic(
    name="compliance.acts.v1",
    messages="acts:COMPLIANCE_ACT",
    key="owner",
    owner="compliance",
    producers=("operators",),
    consumers=("compliance",),
    kind="acts",
    retention_ms=90 * DAY_MS,
)
REPORTING_ACTS: Final = Topic(
    name="reporting.acts.v1",
    messages="acts:REPORTING_ACT",
    key="house",
    owner="reporting",
    producers=("operators",),
    consumers=("reporting",),
    kind="acts",
    retention_ms=90 * DAY_MS,
)
PUBLISHED: Final = Topic(
    name="reporting.published.v1",
    messages="reporting:PUBLISHED_EVENT",
    key="house",
    owner="reporting",
    producers=("reporting",),
    consumers=("operators",),
    kind="events",
    retention_ms=UNLIMITED,
)

TOPICS: Final[tuple[Topic, ...]] = (
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

TOPIC: Final = {topic.name: topic for topic in TOPICS}
