"""What the id of a group's member is used up by: the group's outcome."""

import json
from dataclasses import dataclass
from typing import Any

from services.transactions.domain.decisions import Decision, hash_of
from services.transactions.domain.reasons import REASONS
from shared.messages.instructions.base import NOT_CONTENT


@dataclass(frozen=True, slots=True)
class Claim:
    """The first outcome of an id that a group has taken for one of its members."""

    instruction_id: str
    seq: int
    """Of the group's first outcome, and its kind."""
    kind: str
    content: bytes
    """What the member asks for."""
    content_hash: bytes
    reason: str | None


def contents_of(group: bytes) -> dict[str, bytes]:
    """Return what each member of a group asks for, by id, spelt as if it had come alone."""
    members: list[dict[str, Any]] = json.loads(group)["members"]
    return {each["instruction_id"]: _spelt(each) for each in members}


def taken_with(group: bytes | None, reason: str | None) -> dict[str, bytes]:
    """Return the ids that a group's first outcome uses up beside its own: none, where its form is wrong."""
    if group is None or (reason is not None and REASONS[reason].rung == "form"):
        return {}
    return contents_of(group)


def claims_of(group: Decision) -> list[Claim]:
    """Return what a group's first outcome uses up beside its own id."""
    return [
        Claim(instruction_id, group.seq, group.kind, content, hash_of(content), group.reason)
        for instruction_id, content in taken_with(group.content, group.reason).items()
    ]


def _spelt(member: dict[str, Any]) -> bytes:
    said = {name: value for name, value in member.items() if name not in NOT_CONTENT}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
