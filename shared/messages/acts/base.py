"""What every act carries."""

from uuid import UUID

from shared.messages.envelope import Code, Message, Text


class ActBase(Message):
    """What every act carries."""

    act_id: UUID
    actor: Code
    reason: Text
