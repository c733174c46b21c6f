"""Raises alerts."""

from datetime import datetime
from uuid import UUID

from services.compliance.domain.records import AlertKey, AlertRow
from services.compliance.handlers.screening import Hit
from shared.messages.compliance import AlertRaised
from shared.messages.envelope import Number
from shared.messages.topics import ALERTS
from shared.runtime.work import UnitOfWork


def raise_alert(
    work: UnitOfWork,
    key: AlertKey,
    hit: Hit,
    about: Number,
    instruction_id: UUID | None,
    traceparent: str | None = None,
) -> AlertRow:
    """Publish an alert about an event of the ledger, and return the row that remembers it."""
    shard, business_date = key[0], key[3]

    def build(seq: int, recorded_at: datetime) -> AlertRaised:
        return AlertRaised(
            shard=shard,
            seq=seq,
            recorded_at=recorded_at,
            alert_id=f"{shard}-{seq}",
            owner=hit.owner,
            rule=hit.rule,
            findings=hit.findings,
            about=about,
            instruction_id=instruction_id,
            business_date=business_date,
        )

    said = work.publish(
        shard,
        ALERTS,
        build,
        key=hit.owner,
        correlation_id=str(instruction_id) if instruction_id is not None else None,
        traceparent=traceparent,
    )
    return AlertRow(key, said.seq, said.recorded_at, hit.findings, about.shard, about.seq, instruction_id)
