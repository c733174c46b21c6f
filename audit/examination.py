"""Evidence with the look-ups and recomputations that several checks share, each made once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from audit.evidence import Evidence, Record, ServiceState
from audit.ledger_rows import Account, Asset, JournalRow, MovementRow
from audit.model import Replay, replay
from audit.places import Numbered, Place
from audit.sealed import has_erased

POSTED = "TransactionPosted"
PENDING = "TransactionPending"
VOIDED = "TransactionVoided"
SWEPT = "CreditSwept"
BOOKED = "ObligationBooked"
REOPENED = "PendingReopened"
RESERVED = frozenset({PENDING, REOPENED})
"""Kinds of events that say that money is set aside."""
MOVED = frozenset({POSTED, SWEPT, BOOKED})
"""Kinds of events that say that money has moved."""


Reserved = tuple[int, int, int]
"""Debit account, credit account, minor units."""


def resolved_by(row: JournalRow) -> Numbered | None:
    """Return the event whose reservation this one posts or gives back, all or a part."""
    if row.kind not in {POSTED, VOIDED}:
        return None
    named = (row.detail or {}).get("resolves")
    if named is not None:
        return named["shard"], named["seq"]
    if row.about_seq is None or "executes" in (row.detail or {}):
        return None
    return row.shard, row.about_seq


def _add_again(left: dict[Numbered, list[Reserved]], pending: Numbered, legs: Sequence[Reserved]) -> None:
    """Add what is reserved again to what is still reserved."""
    amounts = {(debit, credit): amount for debit, credit, amount in left.get(pending, ())}
    for debit, credit, amount in legs:
        amounts[debit, credit] = amounts.get((debit, credit), 0) + amount
    left[pending] = [(*ends, amount) for ends, amount in amounts.items()]


class Examination:
    """What the checks work on."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @cached_property
    def accounts(self) -> Mapping[int, Account]:
        """Accounts by id."""
        return {account.account_id: account for account in self.evidence.ledger.accounts}

    @cached_property
    def account_by_code(self) -> Mapping[str, Account]:
        """Accounts by code."""
        return {account.code: account for account in self.evidence.ledger.accounts}

    @cached_property
    def assets(self) -> Mapping[int, Asset]:
        """Assets by id."""
        return {asset.asset_id: asset for asset in self.evidence.chart.assets}

    @cached_property
    def entities(self) -> Mapping[int, str]:
        """Entity codes by id."""
        return {entity.entity_id: entity.code for entity in self.evidence.chart.entities}

    @cached_property
    def rows(self) -> Sequence[JournalRow]:
        """The journal by shard and seq."""
        return sorted(self.evidence.ledger.journal, key=lambda row: (row.shard, row.seq))

    @cached_property
    def row_of(self) -> Mapping[Numbered, JournalRow]:
        """Journal rows by number."""
        return {(row.shard, row.seq): row for row in self.rows}

    @cached_property
    def erased(self) -> Mapping[tuple[int, str], int]:
        """By shard and owner, the event that told last that they were erased."""
        return {
            (row.shard, row.owner or ""): row.seq
            for row in self.rows
            if row.kind == "ActDone" and has_erased(row.detail or {})
        }

    @cached_property
    def legs(self) -> Mapping[Numbered, Sequence[MovementRow]]:
        """Movement rows by event, in leg order."""
        found: dict[Numbered, list[MovementRow]] = defaultdict(list)
        for movement in sorted(self.evidence.ledger.movements, key=lambda each: each.leg):
            found[movement.shard, movement.seq].append(movement)
        return found

    @cached_property
    def records(self) -> Mapping[Place, Record]:
        """Every record that was read, by place."""
        return {record.place: record for records in self.evidence.topics.values() for record in records}

    @cached_property
    def replay(self) -> Replay:
        """What the reference model makes of the records the ledger took, in the order it took them."""
        return replay(self.evidence)

    @cached_property
    def settlements(self) -> Mapping[Numbered, Sequence[Reserved]]:
        """By event, what it takes away of what was reserved: posted or given back."""
        return self._settle[0]

    @cached_property
    def still_reserved(self) -> Mapping[Numbered, Sequence[Reserved]]:
        """By the event that reserved it, what is reserved at the end."""
        return self._settle[1]

    @cached_property
    def _settle(self) -> tuple[dict[Numbered, list[Reserved]], dict[Numbered, list[Reserved]]]:
        settled: dict[Numbered, list[Reserved]] = {}
        left: dict[Numbered, list[Reserved]] = {}
        for row in self.rows:
            number = (row.shard, row.seq)
            legs = [(leg.debit_account, leg.credit_account, leg.amount) for leg in self.legs.get(number, ())]
            if row.kind == PENDING:
                left[number] = legs
            if row.kind == REOPENED and row.about_seq is not None:
                _add_again(left, (row.shard, row.about_seq), legs)
            pending = resolved_by(row)
            if pending is None or pending not in left:
                continue
            reserved = left.pop(pending)
            detail = row.detail or {}
            if row.kind == POSTED and "resolves" in detail and "freed" not in detail and legs:
                moved = {(debit, credit): amount for debit, credit, amount in legs}
                rest = [
                    (debit, credit, amount - moved.get((debit, credit), 0))
                    for debit, credit, amount in reserved
                ]
                if any(amount > 0 for *_, amount in rest):
                    left[pending] = [each for each in rest if each[2]]
                    reserved = legs
            settled[number] = reserved
        return settled, left

    def service(self, name: str) -> ServiceState:
        """What the runtime keeps for a service."""
        return self.evidence.services.get(name, ServiceState())

    def posted_legs(self) -> Sequence[MovementRow]:
        """Movements that moved money, in shard, seq and leg order."""
        return [
            leg for row in self.rows if row.kind in MOVED for leg in self.legs.get((row.shard, row.seq), ())
        ]
