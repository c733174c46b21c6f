"""Finds what became of records that were sent: by the place each one took, in the ledger's journal."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import ConsumerRecord
from pydantic_core import from_json

from shared.messages.journal import OUTCOMES
from shared.messages.topics import ALERTS, INSTRUCTIONS, JOURNAL
from shared.runtime.client import header

PENDING: Final = "pending"
POSTED: Final = "posted"
REJECTED: Final = "rejected"
CLEARED: Final = "PendingCleared"
TIMEOUT: Final = "timeout"
TOLD_OF_A_DRY_RUN: Final = ("outcome", "would_be", "balances_after")

Place = tuple[int, int]
"""A partition of the instructions topic, and the offset there."""


@dataclass(slots=True)
class Outcome:
    """What the ledger said about one record, so far."""

    place: Place
    outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    first: dict[str, Any] | None = None
    shard: int | None = None
    seq: int | None = None
    recorded_at: str | None = None
    instruction_id: str | None = None
    field: str | None = None
    waits: bool = False
    """A decision is still to come."""
    held: bool = False
    """Compliance holds it until somebody decides."""
    dry_run: dict[str, Any] | None = None
    """Of a dry run: what would have come of it."""

    def is_known(self, *, final: bool) -> bool:
        """Say whether there is an outcome, and one that no decision will change if a final one is wanted."""
        return self.outcome is not None and not (final and self.waits)


@dataclass(slots=True)
class Outcomes:
    """The outcomes awaited, and a tally of those found. Feed it the journal, before or after `expect`."""

    open: dict[Place, Outcome] = field(default_factory=dict)
    """Those with no outcome yet."""
    pending: dict[tuple[int, int], Outcome] = field(default_factory=dict)
    """Those waiting for a decision, by the number of the event that said so."""
    settled: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why records were rejected, voided, unreadable, parked or discarded."""
    routed: Counter[str] = field(default_factory=Counter)
    """Why posted facts went to suspense or blocked funds instead of the account they named."""
    _held_early: set[tuple[int, int]] = field(default_factory=set)
    _early: dict[Place, list[dict[str, Any]]] = field(default_factory=dict)

    def expect(self, places: Iterable[Place]) -> list[Outcome]:
        """Await what becomes of the records at these places; the answers change as it is found."""
        expected: list[Outcome] = []
        for place in places:
            outcome = self.open[place] = Outcome(place)
            expected.append(outcome)
            for event in self._early.pop(place, ()):
                self._apply(outcome, event)
        return expected

    def settle(self) -> None:
        """Forget what came for places nobody has expected: others send too. Not while a send is under way."""
        self._early.clear()

    def take(self, records: Iterable[ConsumerRecord[Any, Any]]) -> None:
        """Take records of the journal (and of the alerts, to know what is held)."""
        for record in records:
            if record.value is None or header(record, "copy") == "secondary":
                continue
            kind = header(record, "ce_type")
            if record.topic == ALERTS.name:
                if kind == "HoldPlaced":
                    self._hold(from_json(record.value)["first"])
            elif record.topic == JOURNAL.name and (kind in OUTCOMES or kind == CLEARED):
                self._take_event(from_json(record.value))

    @property
    def held(self) -> int:
        """How many are held until somebody decides."""
        return sum(each.held for each in self.pending.values())

    @property
    def undecided(self) -> int:
        """How many wait for a decision that is still to come: pending ones that are not held."""
        return len(self.pending) - self.held

    @property
    def known(self) -> int:
        """How many have an outcome, final or not."""
        return self.settled.total() + len(self.pending)

    def tally(self) -> dict[str, int]:
        """Count by outcome as things stand; those without one count as `timeout`."""
        counts = dict(self.settled.most_common())
        if self.pending:
            counts[PENDING] = counts.get(PENDING, 0) + len(self.pending)
        if self.open:
            counts[TIMEOUT] = len(self.open)
        return counts

    def _take_event(self, event: dict[str, Any]) -> None:
        first = event.get("first")
        if first is not None and event["type"] not in ("DuplicateReceived", "DryRunJudged"):
            waiting = self.pending.pop((first["shard"], first["seq"]), None)
            if waiting is not None:
                self._apply(waiting, event)
        source = event.get("source")
        if source is None or source["topic"] != INSTRUCTIONS.name:
            return
        # What asks for a pending one to be posted or voided has the same event for its own outcome.
        place = (source["partition"], source["offset"])
        outcome = self.open.get(place)
        if outcome is None:
            self._early.setdefault(place, []).append(event)
        else:
            self._apply(outcome, event)

    def _apply(self, outcome: Outcome, event: dict[str, Any]) -> None:
        self.open.pop(outcome.place, None)
        if event["type"] == CLEARED:  # it stays reserved, and no decision is awaited any more
            outcome.waits = outcome.held = False
            self.settled[PENDING] += 1
            return
        outcome.outcome = OUTCOMES[event["type"]]
        outcome.waits = outcome.outcome == PENDING and event.get("screening", True)
        outcome.reason = _reason(event)
        outcome.detail = event.get("detail")
        outcome.field = event.get("field")
        if event["type"] == "DryRunJudged":
            outcome.dry_run = {name: event[name] for name in TOLD_OF_A_DRY_RUN if name in event}
            outcome.detail, outcome.field = (event["would_be"].get(name) for name in ("detail", "field"))
        outcome.shard, outcome.seq, outcome.recorded_at = event["shard"], event["seq"], event["recorded_at"]
        outcome.instruction_id = event.get("instruction_id") or outcome.instruction_id
        if event["type"] == "DuplicateReceived":
            outcome.first = {
                "outcome": event["first_outcome"],
                "reason": event.get("first_reason"),
                "shard": event["first"]["shard"],
                "seq": event["first"]["seq"],
            }
        if outcome.waits:
            number = (event["shard"], event["seq"])
            outcome.held = number in self._held_early
            self.pending[number] = outcome
            return
        outcome.held = False
        self.settled[outcome.outcome] += 1
        if outcome.reason is not None:
            counter = self.routed if outcome.outcome in (POSTED, PENDING) else self.reasons
            counter[outcome.reason] += 1

    def _hold(self, first: dict[str, Any]) -> None:
        number = (first["shard"], first["seq"])
        self._held_early.add(number)
        if number in self.pending:
            self.pending[number].held = True


def _reason(event: dict[str, Any]) -> str | None:
    """Return the published reason of an outcome, where it has one."""
    match event["type"]:
        case "InstructionRejected" | "TransactionVoided" | "RecordDiscarded" | "DryRunJudged":
            return event.get("reason")
        case "TransactionPosted" | "TransactionPending":
            return event.get("routed")
        case "RecordUnreadable" | "OwnerParked":
            return event.get("error")
        case _:
            return None
