"""A delivered record as the fold takes it: read once, so that a batch can be decided again cheaply."""

from collections.abc import Mapping
from typing import Any, Final, cast

from services.transactions.domain.decisions import hash_of
from services.transactions.domain.decoding import (
    MALFORMED_CONTENT_BYTES_MAX,
    MalformedInstruction,
    read_closely,
)
from services.transactions.domain.personal import is_personal, sealed_content, sealed_malformed
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import Planned, TransactionType
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.messages.instructions import INSTRUCTION, INSTRUCTIONS
from shared.messages.instructions.base import InstructionBase, content_of
from shared.messages.instructions.groups import Group
from shared.messages.sealing import PartyKey
from shared.runtime.work import Discarded, Parked, Received, Unreadable

GROUP: Final = "group"
_CODES: Final[dict[type, str]] = {each: each.model_fields["type"].default for each in INSTRUCTIONS}
"""Type code by message class: pydantic's own `isinstance` is slow."""


SAID_ONCE: Final = tuple(
    name for name in InstructionBase.model_fields if name not in {"type", "instruction_id", "owner"}
)
"""Fields that a group has for all its members, which must not have them."""


class Record:
    """One record: what it says, and where it came from."""

    __slots__ = (
        "accounts",
        "content",
        "content_hash",
        "dry_run",
        "instruction_id",
        "is_instruction",
        "item",
        "key",
        "kind",
        "members",
        "message",
        "offset",
        "original",
        "owner",
        "partition",
        "pending_id",
        "plan",
        "topic",
        "traceparent",
        "type",
    )

    topic: str | None
    """Where it stands; none of the three where it was scheduled, and its day has come."""
    partition: int | None
    offset: int | None
    kind: TransactionType | None
    """Of a well-formed instruction; none for everything else."""
    type: str | None
    plan: tuple[Planned, ...]
    accounts: tuple[str, ...]
    """The accounts it names."""
    pending_id: str | None
    """The pending transaction it names, where its type is about one."""
    original: tuple[str, str] | None
    """The owner and id of the posted transaction it names, where its type is about one."""
    item: tuple[int, int, int] | None
    """Shard, seq and leg of the movement it names, where its type is about one."""
    content: bytes | None
    content_hash: bytes | None
    instruction_id: str | None
    owner: str | None
    is_instruction: bool
    """Whether it is an instruction, well-formed or not."""
    dry_run: bool
    """Whether it is an instruction that is only to be judged."""
    members: tuple["Member", ...]
    """Of a group: its instructions."""

    @classmethod
    def of_content(cls, content: bytes, types: Mapping[str, TransactionType]) -> "Record":
        """Return an instruction again whose content was kept, without the place where it stood."""
        message: Any = INSTRUCTION.validate_json(content)
        record = cls(Received(0, "", 0, 0, 0, None, message), types)
        record.topic = record.partition = record.offset = None
        record.content, record.content_hash = content, hash_of(content)
        return record

    def __init__(
        self,
        received: Received,
        types: Mapping[str, TransactionType],
        keys: Mapping[str, PartyKey] | None = None,
    ) -> None:
        """Read a record and seal what is personal in it; without `keys` its content stays as it is.

        It is withheld where the owner is not among them. A plain instruction has been sealed already.
        """
        message: Any = received.message
        content: bytes | None = None
        if message.__class__ is PlainInstruction:
            content = message.content
            message = cast("Any", read_closely(message.value))
        self.message = message
        self.key = received.key
        self.topic = received.topic
        self.partition = received.partition
        self.offset = received.offset
        self.traceparent = received.traceparent
        self.kind = None
        self.plan = ()
        self.accounts = ()
        self.pending_id = None
        self.dry_run = False
        self.original = None
        self.item = None
        self.members = ()
        code = _CODES.get(message.__class__)
        if code is not None:
            self.type = code
            self.is_instruction = True
            self.kind = kind = types[code]
            self.plan = plan = kind.movements(message)
            self.accounts = (*_codes_in(plan), *kind.effect.accounts(message))
            if code == GROUP:
                self.members = members_of(message, types)
                self.accounts = tuple(
                    code
                    for each in self.members
                    for code in (*_codes_in(each.plan), *each.kind.effect.accounts(each.message))
                )
            self.pending_id = kind.effect.pending_id(message)
            self.original = kind.effect.original(message)
            self.item = kind.effect.item(message)
            self.owner = message.owner
            self.dry_run = message.dry_run
            self.instruction_id = str(message.instruction_id)
            if content is None:
                content = content_of(message)
                if keys is not None and is_personal(message):
                    content = sealed_content(content, self.instruction_id, keys.get(message.owner))
            self.content = content
            self.content_hash = hash_of(content)
            return
        self.content = self.content_hash = None
        self.is_instruction = isinstance(message, MalformedInstruction)
        self.instruction_id, self.type, self.owner = _named_in(message)
        if isinstance(message, DecisionMade):
            self.pending_id = self.instruction_id
        if isinstance(message, MalformedInstruction):
            self.dry_run = message.dry_run
            self.content = message.content
            self.content_hash = message.content_hash
            if keys is not None and message.personal is not None:
                key = keys.get(message.owner)
                content = sealed_malformed(message.personal, str(message.instruction_id), key)
                self.content = content if len(content) <= MALFORMED_CONTENT_BYTES_MAX else None
                self.content_hash = hash_of(content)


def sealed_for(message: Any) -> str | None:
    """Return the owner under whose key something in a message is to be sealed; none where nothing is."""
    if message.__class__ is PlainInstruction:
        return None if message.block is None else message.owner
    if isinstance(message, InstructionBase):
        return message.owner if is_personal(message) else None
    if isinstance(message, MalformedInstruction):
        return None if message.personal is None else message.owner
    return None


class Member:
    """One instruction of a group, as the rungs look at a record."""

    __slots__ = ("instruction_id", "kind", "message", "owner", "plan", "type")

    def __init__(self, message: Any, types: Mapping[str, TransactionType]) -> None:
        self.message = message
        self.type = _CODES[message.__class__]
        self.kind = types[self.type]
        self.plan = self.kind.movements(message)
        self.owner: str = message.owner
        self.instruction_id = str(message.instruction_id)


def members_of(group: Group, types: Mapping[str, TransactionType]) -> tuple[Member, ...]:
    """Return a group's instructions, each with what the group says for all of them."""
    said = {name: getattr(group, name) for name in SAID_ONCE}
    return tuple(Member(each.model_copy(update=said), types) for each in group.members)


def is_fact(record: Record) -> bool:
    """Say whether it has happened whatever anybody thinks of it: a fact, or a group of facts alone."""
    kinds = [each.kind for each in record.members] or [record.kind]
    return all(kind is not None and kind.kind == "fact" for kind in kinds)


def _codes_in(plan: tuple[Planned, ...]) -> tuple[str, ...]:
    return tuple(end for planned in plan for end in planned[1:3] if type(end) is str)


def _named_in(message: Any) -> tuple[str | None, str | None, str | None]:
    """Return the instruction id, type and owner that a record that is no instruction names."""
    match message:
        case Unreadable():
            return None, None, None
        case Parked() | Discarded():
            named, code, _ = _named_in(message.message)
            return named, code, message.owner
        case DecisionMade():
            return str(message.instruction_id), None, message.owner
        case CustomerRated():
            return None, None, message.owner
        case MalformedInstruction() | PlainInstruction():
            return str(message.instruction_id), message.type, message.owner
        case _ if type(message) in _CODES:
            return str(message.instruction_id), _CODES[type(message)], message.owner
        case _:
            return None, None, None
