"""Has an act carried out: puts it into its topic, waits for the writer's answer, and tells it.

What is in every shard (rules' parameters, roles) is changed through the house's shard: whether it still is as
the officer has seen it is judged there, alone, and no other shard is asked where it is not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import Header, Response

from services.compliance.api import shapes
from services.compliance.api.problems import STATUS_OF, Problem, ProblemDetails
from services.compliance.api.rights import Officer
from services.compliance.queries.decisions import act_answer, act_answers
from shared.messages.acts.base import ActBase, content_hash_of
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import COMPLIANCE_ACTS
from shared.runtime import clock
from shared.runtime.gateway import Gateway

ANSWER_POLL_SECONDS: Final = 0.03

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": shapes.Answer,
        "description": "The act stands in its topic and waits to be carried out.",
    },
    409: {"model": ProblemDetails, "description": "It cannot be done as things are."},
    412: {"model": ProblemDetails, "description": "It has gone on since it was seen."},
    428: {"model": ProblemDetails, "description": "The request does not say what was seen."},
    504: {
        "model": ProblemDetails,
        "description": "The house's shard has not answered; others were not asked.",
    },
}
"""What a request may be told besides what all may."""

Seen = Annotated[str | None, Header(alias="If-Match", description="The entity tag that was seen.")]
Key = Annotated[UUID | None, Header(alias="Idempotency-Key", description="The act's id; else a new one.")]

T = TypeVar("T")


def common(officer: Officer, body: shapes.Body, key: UUID | None) -> dict[str, Any]:
    """What every act says: its id, who asks and why."""
    return {"act_id": key or clock.new_id(), "actor": officer.name, "reason": body.reason}


def read_version(seen: str | None) -> int:
    """Return the version that If-Match names; raises `Problem` 428 or 412."""
    tag = _tag(seen)
    if not tag.isascii() or not tag.isdecimal() or len(tag) > 9:
        raise Problem(412, "version_old", "If-Match is no entity tag of a version")
    return int(tag)


async def require_seen(way: Gateway, act: ActBase, shard: int, seen: str | None, status: str) -> None:
    """Raise `Problem` 428 or 412 unless If-Match names the status that there is.

    What an act itself has changed does not keep it from being sent again: then it has an answer.
    """
    if _tag(seen) != status and await _answer(way, act, shard) is None:
        raise Problem(412, "version_old", f"it has gone on since: it is {status}")


def _tag(seen: str | None) -> str:
    if seen is None:
        raise Problem(
            428, "if_match_missing", "the request does not say in If-Match which entity tag was seen"
        )
    if len(seen) < 3 or seen[0] != '"' or seen[-1] != '"':
        raise Problem(412, "version_old", "If-Match is no entity tag that was ever given")
    return seen[1:-1]


async def perform(way: Gateway, response: Response, act: ActBase, owner: str, shard: int) -> dict[str, Any]:
    """Publish an act and return its answer; 202 while there is none. Raises `Problem` where it is refused."""
    await way.publish(COMPLIANCE_ACTS, act, key=owner, shard=shard)
    try:
        answer = await _in_time(way, lambda: _answer(way, act, shard))
    except TimeoutError:
        return _waits(response, act, shard)
    if not answer["done"]:
        raise _refusal(answer)
    return answer


async def perform_everywhere(
    way: Gateway, response: Response, act: ActBase, *, seen: str | None, done_as: str
) -> dict[str, Any]:
    """Have every shard carry an act out, the house's first, which is told what was `seen`.

    A shard that has come to `done_as` before, as when a request was cut off, is none that refuses. Raises
    `Problem` where a shard will not, and 504 where the house's does not answer: no other was asked then.
    """
    house = shard_of(HOUSE, way.partitions)
    told = f"already_{done_as}"
    first = act.model_copy(update={"seen": seen}) if seen is not None else act
    await way.publish(COMPLIANCE_ACTS, first, key=HOUSE, shard=house)
    try:
        answer = await _in_time(way, lambda: _answer(way, act, house))
    except TimeoutError:
        words = f"shard {house} has not answered the act {act.act_id}, and no other was asked"
        raise Problem(504, "unanswered", words, {"act_id": str(act.act_id)}) from None
    if not answer["done"] and answer["result"]["refused"] != told:
        raise _refusal(answer)
    for shard in range(way.partitions):
        if shard != house:
            await way.publish(COMPLIANCE_ACTS, act, key=HOUSE, shard=shard)
    try:
        answers = await _in_time(way, lambda: _answers(way, act))
    except TimeoutError:
        return _waits(response, act, house)
    stopped = [each for each in answers if not each["done"] and each["result"]["refused"] != told]
    done = [each for each in (answer, *answers) if each["done"]]
    if stopped or not done:
        raise _refusal((stopped or answers)[0])
    return done[0]


async def _in_time(way: Gateway, ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again and again until there is something; raises `TimeoutError`."""
    async with asyncio.timeout(way.answer_seconds_max):
        while True:
            found = await ask()
            if found is not None:
                return found
            await asyncio.sleep(ANSWER_POLL_SECONDS)


async def _answer(way: Gateway, act: ActBase, shard: int) -> dict[str, Any] | None:
    async with way.reading() as connection:
        answer = await act_answer(connection, act.act_id, shard)
    if answer is not None:
        _require_own(answer, act)
    return answer


async def _answers(way: Gateway, act: ActBase) -> list[dict[str, Any]] | None:
    """The answers of all shards, once there are all."""
    async with way.reading() as connection:
        answers = await act_answers(connection, act.act_id)
    for each in answers:
        _require_own(each, act)
    return answers if len(answers) == way.partitions else None


def _require_own(answer: dict[str, Any], act: ActBase) -> None:
    """Raise `Problem` 409 if an answer is that of another act, which had the same key."""
    if answer["content_hash"] != content_hash_of(act):
        raise Problem(409, "key_reused", "the Idempotency-Key was another act's")


def _waits(response: Response, act: ActBase, shard: int) -> dict[str, Any]:
    response.status_code = 202
    response.headers["Location"] = f"/v1/acts/{act.act_id}"
    return {"act_id": act.act_id, "shard": shard}


def _refusal(answer: dict[str, Any]) -> Problem:
    reason = answer["result"]["refused"]
    return Problem(STATUS_OF.get(reason, 409), reason, answer["detail"], answer["result"])
