"""What operators do about parked records and halted shards: acts right and wrong, and bytes that are none."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

from tests.campaign.world import ACTS, Waiting, World

HUGE_NUMBER: Final = 2**70

NO_ACTS: Final[tuple[bytes | None, ...]] = (
    None,
    b"",
    b"\x00",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"plain words",
    b'{"type":"replay_parked"}',
    b'{"type":"replay_parked","act_id":"0190","actor":"a","reason":"r","owner":"A"}',
    b'{"type":"release_hold","act_id":"018f0000-0000-7000-8000-000000000001","actor":"a","reason":"r"}',
    b'{"type":"discard_parked","act_id":"018f0000-0000-7000-8000-000000000002","actor":"a","offset":1.5}',
    b"[" * 100_000,
    b'{"type":"resume_shard","shard":' + b"9" * 100_000 + b"}",
)
"""Nobody can read these as an act."""


def replay(rng: Random, owner: str) -> bytes:
    """Handle an owner's records again."""
    return _act(rng, "replay_parked", owner=owner)


def discard(rng: Random, waiting: Waiting) -> bytes:
    """Give one record up."""
    place = {"topic": waiting.topic, "partition": waiting.shard, "offset": waiting.offset}
    return _act(rng, "discard_parked", owner=waiting.owner, **place)


def resume(rng: Random, shard: int) -> bytes:
    """Let a shard go on."""
    return _act(rng, "resume_shard", shard=shard)


def no_act(rng: Random) -> bytes | None:
    """A record that nobody can read."""
    return rng.choice(NO_ACTS)


def in_vain(rng: Random, shard: int) -> bytes:
    """An act that can be read, but not carried out; some of its values PostgreSQL cannot even hold."""
    place: dict[str, Any] = {"topic": "transactions.instructions.v1", "partition": shard, "offset": 0}
    match rng.randrange(8):
        case 0:
            return replay(rng, "Nobody")
        case 1:
            return resume(rng, shard + 1)
        case 2:
            return resume(rng, HUGE_NUMBER)
        case 3:
            return _act(rng, "discard_parked", owner="Nobody", **place)
        case 4:
            return _act(rng, "discard_parked", owner="Nobody", **(place | {"offset": HUGE_NUMBER}))
        case 5:
            return _act(rng, "discard_parked", owner="Nobody", **(place | {"partition": 2**40}))
        case 6:
            return _act(rng, "discard_parked", owner="Nobody", **(place | {"partition": -1, "offset": -1}))
        case _:
            return _act(rng, "discard_parked", owner="Nobody", **(place | {"topic": "null\u0000byte"}))


async def operate(world: World, rng: Random, owners: Sequence[str]) -> None:
    """Do one thing that an operator might, about owners who stay struck: most of it cannot succeed yet."""
    waiting = await world.waiting(owners)
    shard = rng.randrange(world.partitions)
    chosen = rng.choice(waiting) if waiting else None
    match rng.randrange(5):
        case 0 if chosen is not None:
            values, shard = [replay(rng, chosen.owner)], chosen.shard
        case 1 | 2 if chosen is not None:
            values, shard = [discard(rng, chosen)], chosen.shard
        case 3:
            values = [resume(rng, shard)]
        case _:
            values = [in_vain(rng, shard)]
    spoilt = [no_act(rng)] if rng.random() < 0.5 else []
    await world.publish(ACTS, shard, [*spoilt, *values * rng.choice((1, 2)), *spoilt])


def _act(rng: Random, kind: str, **fields: Any) -> bytes:
    act_id = str(UUID(int=rng.getrandbits(128)))
    body = {"type": kind, "act_id": act_id, "actor": "campaign", "reason": "campaign", **fields}
    return json.dumps(body).encode()
