"""What compliance decides, and what that does."""

import json
from typing import Any
from uuid import UUID

from audit.evidence import Record
from audit.ledger_rows import JournalRow
from audit.model.books import Books
from audit.model.effects.periods import day_named, not_taken
from audit.model.predictions import Leg, Prediction
from audit.model.state import Posted, ShardState
from audit.places import partition_of
from audit.wire import HOUSE


def decide(books: Books, state: ShardState, row: JournalRow, record: Record) -> Prediction:
    """What a decision of compliance does to what waits for it."""
    decision: dict[str, Any] = json.loads(record.value or b"{}")
    if decision["type"] == "CustomerRated":
        return _rate(books, state, row, decision)
    instruction_id, verdict = UUID(decision["instruction_id"]), decision["decision"]
    waiting = [
        (seq, each)
        for seq, each in state.pendings.items()
        if each.instruction_id == instruction_id and each.stands(books.day_of(state, each.legs[0].debit))
    ]
    if not waiting or waiting[0][1].content_hash != decision["content_hash"]:
        known = state.known.get(instruction_id)
        about = waiting[0][0] if waiting else known.seq if known else None
        return Prediction("DecisionWithoutEffect", about_seq=about)
    first, pending = waiting[0]
    if not pending.screening or pending.cleared_seq is not None:
        return Prediction("DecisionWithoutEffect", about_seq=first)
    if pending.asked.type == "reserve" and verdict != "refused":
        pending.cleared_seq = row.seq
        return Prediction("PendingCleared", about_seq=first)
    pending.resolved_seq = row.seq
    day = books.day_of(state, pending.legs[0].debit)
    named = day_named(pending.asked)
    late = named and not_taken(state, books.known(state, pending.legs[0].debit).entity, named, pending.asked)
    if named is not None and late is None:
        day = named
    verdict_reason: str | None = None
    if verdict == "refused":
        verdict_reason = "screening_refused"
    else:
        ends = [end for leg in pending.legs for end in ((leg.debit, "debit"), (leg.credit, "credit"))]
        verdict_reason = state.stopped(row, ends) or (late.reason if late else None)
    legs = [Leg(leg.kind, leg.debit, leg.credit, leg.asset, leg.amount) for leg in pending.legs]
    for leg in legs:
        state.free(leg, leg.amount)
        if verdict_reason is None:
            state.post(leg)
        else:
            state.note_after(leg)
    if verdict_reason is None:
        posted = Posted(row.seq, pending.asked.type, legs, pending.asked.owner)
        state.posted[instruction_id] = state.made[row.seq] = posted
    said = Prediction(
        "TransactionVoided" if verdict_reason else "TransactionPosted",
        reason=verdict_reason,
        about_seq=first,
        movements=legs,
        booking_date=day,
        value_date=pending.asked.value_date or day,
    )
    if said.kind == "TransactionPosted":
        state.note_values(said, books.day_of(state, pending.legs[0].debit))
    return said


def _rate(books: Books, state: ShardState, row: JournalRow, rating: dict[str, Any]) -> Prediction:
    """Take a customer's risk class, if they are at home here."""
    owner, given = rating["owner"], rating["risk_class"]
    if owner == HOUSE or partition_of(owner.encode(), books.partitions) != state.shard:
        return Prediction("DecisionWithoutEffect", detail={"decision": given, "why": "wrong_owner"})
    said = Prediction("RiskClassChanged", detail={"risk_class": given, "previous": state.risk_of(owner)})
    state.risks.append((owner, given, row.seq))
    return said
