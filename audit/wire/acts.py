"""Operators' acts on the ledger: the shape of each, and the judgement of a record."""

from collections.abc import Mapping
from typing import Final

from audit.wire.fields import read_code, read_string, read_uuid, read_whole, read_words
from audit.wire.json_values import read_json
from audit.wire.shapes import Shape, read_fields, required


def is_act(value: bytes | None) -> bool:
    """Judge a record of the ledger's acts topic: whether an operator asks for something in it."""
    found = read_json(value)
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        return False
    shape = ACT_SHAPES.get(found["type"])
    return shape is not None and not read_fields(found, shape)[1]


_EVERY_ACT: Final[Shape] = required(act_id=read_uuid, actor=read_code, reason=read_words)

ACT_SHAPES: Final[Mapping[str, Shape]] = {
    "replay_parked": {**_EVERY_ACT, **required(owner=read_code)},
    "discard_parked": {
        **_EVERY_ACT,
        **required(owner=read_code, topic=read_string, partition=read_whole, offset=read_whole),
    },
    "resume_shard": {**_EVERY_ACT, **required(shard=read_whole)},
    "pass_over_lost": {
        **_EVERY_ACT,
        **required(
            shard=read_whole,
            topic=read_string,
            from_offset=read_whole,
            until_offset=read_whole,
            approved_by=read_code,
        ),
    },
    "erase_party": {**_EVERY_ACT, **required(owner=read_code, approved_by=read_code)},
}
