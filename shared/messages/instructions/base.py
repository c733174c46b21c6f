"""What every instruction carries, and which of it is its content."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import field_validator

from shared.messages.blocks import Channel, Payment
from shared.messages.envelope import Code, Message, Reference

NOT_CONTENT: Final = {"dry_run"}
"""Fields that say how to take an instruction, not what is asked."""


class InstructionBase(Message):
    """What every instruction carries."""

    if not TYPE_CHECKING:  # each class says which one; here is only its place, the first of its content
        type: str
    instruction_id: UUID
    """Names one attempt; a new attempt has a new id. Any spelling of the UUID is the same id."""
    owner: Code
    occurred_at: datetime | None = None
    value_date: date | None = None
    """Counts for interest and availability; the booking date where absent."""
    execute_on: date | None = None
    """Of a `SCHEDULABLE` request: the business day of its entity on which it is to be judged and carried out.
    Until then it is `scheduled` and reserves nothing."""
    business_reference: Reference | None = None
    settlement_id: Reference | None = None
    contractual_settlement_date: date | None = None
    actual_settlement_date: date | None = None
    payment: Payment | None = None
    channel: Channel | None = None
    dry_run: bool = False
    """Whether only to say what would come of it: it moves nothing, and its id stays free. No part of the
    content, so the same instruction may be sent for real under the same id."""

    @field_validator("occurred_at")
    @classmethod
    def _has_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs an offset, as in 2026-03-01T09:30:00Z")
        return value


def content_of(instruction: InstructionBase) -> bytes:
    """Spell the business fields that are present in the record, normalised, as JSON.

    Its type comes first, then its id. This is what the content hash is taken over, what the journal keeps
    and what events carry as `instruction`. Fields the record did not have are left out, so a later default
    is no difference, and so is `dry_run`.
    """
    return instruction.__pydantic_serializer__.to_json(
        instruction, exclude_unset=True, by_alias=True, exclude=NOT_CONTENT
    )
