"""Every header a record may carry: on which topics, how its value is spelt, and what it is for.

Values are text in UTF-8, numbers in decimal digits.
"""

from dataclasses import dataclass
from typing import Final, Literal

RecordKind = Literal["instructions", "acts", "events", "keys"]
"""The kinds of topic (`shared.messages.topics.Topic.kind`)."""


@dataclass(frozen=True, slots=True)
class Header:
    """One header."""

    name: str
    pattern: str
    """What its text matches, as a regular expression."""
    meaning: str
    kinds: tuple[RecordKind, ...] = ("events",)
    required: bool = True


NUMBER: Final = r"^(0|[1-9][0-9]*)$"

HEADERS: Final[tuple[Header, ...]] = (
    Header("ce_specversion", r"^1\.0$", "CloudEvents 1.0, in binary mode."),
    Header(
        "ce_id",
        r"^[a-z]+-[0-9]+-[0-9]+$",
        "`<service>-<shard>-<seq>`: the same for every copy of the event.",
    ),
    Header("ce_type", r"^[A-Z][A-Za-z]+$", "The message: what its field `type` says."),
    Header("ce_source", r"^/backoffice/[a-z]+$", "`/backoffice/<service>`: who says it."),
    Header(
        "ce_time",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "The event's `recorded_at`.",
    ),
    Header(
        "content-type",
        r"^application/json$",
        "How the value is spelt; a tombstone has none.",
        ("events", "keys"),
    ),
    Header(
        "shard",
        NUMBER,
        "The shard whose writer made the event; its primary is in the partition of this number.",
    ),
    Header("seq", NUMBER, "The event's number in its shard. Had it already: skip it."),
    Header(
        "prev",
        NUMBER,
        "The `seq` of the event that the same shard sent to this partition before; 0 for none. If it is not "
        "the last one had, an earlier event is still to come.",
    ),
    Header("epoch", NUMBER, "How often the shard had been claimed when the event was written."),
    Header(
        "copy",
        r"^(primary|secondary)$",
        "`primary` once, in the partition of its shard; `secondary` in that of each other customer credited. "
        "Count primaries.",
    ),
    Header(
        "chain",
        r"^[0-9a-f]{64}$",
        "The head of the shard's chain of hashes after this event, the same on every copy; of the ledger's "
        "events only. Whoever keeps one can tell later whether events up to there were changed or removed.",
        required=False,
    ),
    Header(
        "correlation_id",
        r"^[!-~]{1,64}$",
        "The `instruction_id` the event is about, in lower case with hyphens. Where it is about none, the "
        "ledger and reporting put the `act_id` they answer; otherwise it is absent.",
        required=False,
    ),
    Header(
        "traceparent",
        r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
        "W3C trace context, passed on as it came to the events that follow; dropped if spelt otherwise.",
        kinds=("instructions", "acts", "events"),
        required=False,
    ),
)


def headers_of(kind: RecordKind) -> tuple[Header, ...]:
    """Return the headers that records of a kind may carry."""
    return tuple(header for header in HEADERS if kind in header.kinds)
