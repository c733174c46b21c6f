"""Check 17 finds a rating that nobody asked for, that stands on another, or that one person has lowered."""

import json
from datetime import date
from typing import Any

import pytest

from audit.checks.ratings import ratings_follow_from_data_and_acts
from audit.evidence import ALERTS, DECISIONS, JOURNAL, Evidence, Record, ScreeningData
from audit.examination import Examination
from audit.places import partition_of
from audit.result import Result
from audit.screening_rows import Rated, RuleParameter

OWNER = "C1"
SHARD = partition_of(OWNER.encode(), 4)
DATA = RuleParameter("RATING", 5, "*", {"high": ["IR", "KP"], "low": ["NO"]}, date(1970, 1, 1), None)
FINDING = {"rule": "RATING", "rule_version": 5, "values": {"countries": ["IR"], "risk_class": "high"}}

SAFE = {"rule": "RATING", "rule_version": 5, "values": {"countries": ["NO"], "risk_class": "low"}}


def record(topic: str, event: dict[str, Any], seq: int) -> Record:
    """An event of shard's on its topic."""
    event = {"shard": SHARD, "seq": seq, "recorded_at": "2026-03-02T10:00:00Z", "owner": OWNER, **event}
    headers = {"ce_type": event["type"], "copy": "primary", "shard": SHARD, "seq": seq, "prev": seq - 1}
    named = [(name, str(value).encode()) for name, value in headers.items()]
    return Record(topic, SHARD, seq, 0, OWNER.encode(), json.dumps(event).encode(), tuple(named))


def opening(country: str) -> dict[str, Any]:
    """An account opened for a party of this country."""
    party = {"kind": "person", "name": "Quiet Name", "country": country}
    asked = {"type": "open_account", "party": party}
    return {
        "type": "InstructionApplied", "instruction_type": "open_account", "account": {"owner": OWNER},
        "instruction": asked,
    }  # fmt: skip


def rated(version: int, previous: str, given: str, **more: Any) -> dict[str, Any]:
    """What compliance tells of a rating."""
    return {
        "type": "CustomerRated", "version": version, "previous": previous, "risk_class": given, **more,
    }  # fmt: skip


def by(act_id: str, actor: str, proposed_by: str | None = None) -> dict[str, Any]:
    """By this act."""
    return {"act_id": act_id, "actor": actor, "reason": "x", "proposed_by": proposed_by}


def done(act_id: str, actor: str, given: str, version: int) -> dict[str, Any]:
    """The answer to an act that has rated."""
    result = {"status": "rated", "risk_class": given, "version": version}
    return {
        "type": "ActDone",
        "act": "rate_customer",
        "act_id": act_id,
        "actor": actor,
        "done": True,
        "result": result,
    }


BY_DATA = rated(1, "medium", "high", finding=FINDING, about={"shard": SHARD, "seq": 1})


def found(
    openings: list[Any], decisions: list[Any], answers: list[Any], kept: list[Any] | None = None
) -> Result:
    """What the check says of these events, and of rows kept of them or of others."""
    evidence = Evidence(partitions=4)
    for topic, events in ((JOURNAL, openings), (DECISIONS, decisions), (ALERTS, answers)):
        evidence.topics[topic] = [record(topic, each, seq) for seq, each in enumerate(events, start=1)]
    ratings = [
        Rated(SHARD, seq, OWNER, each["version"], each["risk_class"])
        for seq, each in enumerate(decisions if kept is None else kept, start=1)
    ]
    evidence.screening = ScreeningData([DATA], [], [], [], ratings=ratings)
    return ratings_follow_from_data_and_acts(Examination(evidence))


def test_data_may_lower_a_class_as_an_account_is_opened() -> None:
    """Once, where there was none before."""
    safe = rated(1, "medium", "low", finding=SAFE, about={"shard": SHARD, "seq": 1})
    assert found([opening("NO")], [safe], []).ok


def test_what_is_told_of_a_rating_is_kept_of_it() -> None:
    """Rules that compare customers read what is kept."""
    raised = rated(1, "medium", "high", **by("c", "ann"))
    answers = [done("c", "ann", "high", 1)]
    assert found([], [raised], answers).ok
    assert not found([], [raised], answers, kept=[]).ok
    assert not found([], [raised], answers, kept=[raised | {"risk_class": "low"}]).ok


def test_ratings_by_data_by_one_upwards_and_by_two_downwards_are_right() -> None:
    """As compliance gives them."""
    lowered = rated(2, "high", "low", **by("b", "ben", "ann"))
    raised = rated(3, "low", "medium", **by("c", "ann"))
    answers = [done("b", "ben", "low", 2), done("c", "ann", "medium", 3)]
    result = found([opening("IR")], [BY_DATA, lowered, raised], answers)
    assert result.first_difference is None
    assert found([opening("SE")], [], []).ok


WRONG: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "by data that say nothing": ([opening("SE")], [BY_DATA], []),
    "by data about no account": ([], [BY_DATA], []),
    "not rated though data say so": ([opening("IR")], [], []),
    "lowered by one": (
        [opening("IR")],
        [BY_DATA, rated(2, "high", "low", **by("b", "ben"))],
        [done("b", "ben", "low", 2)],
    ),
    "approved by who proposed it": (
        [opening("IR")],
        [BY_DATA, rated(2, "high", "low", **by("b", "ben", "ben"))],
        [done("b", "ben", "low", 2)],
    ),
    "lowered by data, by a holder told of later": (
        [opening("NO") | {"instruction_type": "change_holder"}],
        [rated(1, "medium", "low", finding=SAFE, about={"shard": SHARD, "seq": 1})],
        [],
    ),
    "by nobody's act": ([], [rated(1, "medium", "high", **by("a", "ann"))], []),
    "by another's act": (
        [],
        [rated(1, "medium", "high", **by("a", "ann"))],
        [done("a", "ben", "high", 1)],
    ),
    "a version left out": (
        [],
        [rated(2, "medium", "high", **by("a", "ann"))],
        [done("a", "ann", "high", 2)],
    ),
    "an act without its rating": ([], [], [done("a", "ann", "high", 1)]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_rating_that_does_not_follow_is_found(wrong: tuple[list[Any], list[Any], list[Any]]) -> None:
    """Else the check could not fail."""
    assert not found(*wrong).ok
