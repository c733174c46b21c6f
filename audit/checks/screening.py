"""Check 10: decisions, holds and alerts are those of the naive model, whatever the batches were."""

import json
from collections.abc import Mapping
from typing import Any

from audit.evidence import ALERTS, DECISIONS
from audit.examination import Examination
from audit.result import Result, Tally
from audit.screening import Expected, Found, found_in, screen


def screening_equals_recomputation(examination: Examination) -> Result:
    """10: every waiting payment is answered or held as the rules say, and every alert is there, once."""
    tally = Tally(10, "decisions and alerts = recomputation")
    evidence = examination.evidence
    if evidence.screening is None:
        tally.differs("compliance's parameters and lists were not read")
        return tally.result()
    expected = screen(evidence, evidence.screening)
    found = _said(examination)
    for shard, wanted in expected.items():
        _compare(tally, shard, wanted, found.get(shard, Expected()))
    _chosen_by_people(tally, examination, expected)
    return tally.result()


def _compare(tally: Tally, shard: int, wanted: Expected, found: Expected) -> None:
    where = f"shard {shard}"
    for name, left, right in (
        ("cleared", wanted.cleared, found.cleared),
        ("held", set(wanted.held), set(found.held)),
        ("alerts", set(wanted.alerts), set(found.alerts)),
    ):
        tally.counted += len(left)
        for each in sorted(left - right):
            tally.differs(f"{where}: {name}: {each} is missing")
        for each in sorted(right - left):
            tally.differs(f"{where}: {name}: {each} is not called for")
    for instruction_id in wanted.held.keys() & found.held.keys():
        tally.same(wanted.held[instruction_id], found.held[instruction_id], f"{where}: hold {instruction_id}")
    for alert in wanted.alerts.keys() & found.alerts.keys():
        tally.same(wanted.alerts[alert], found.alerts[alert], f"{where}: alert {alert}")


def _said(examination: Examination) -> dict[int, Expected]:
    """What compliance has said on its topics, each event once."""
    said: dict[int, Expected] = {}
    for event in _events(examination, DECISIONS):
        shard = said.setdefault(event["shard"], Expected())
        if event["decision"] == "cleared":
            shard.cleared.add(event["instruction_id"])
    for event in _events(examination, ALERTS):
        shard = said.setdefault(event["shard"], Expected())
        if event["type"] == "HoldPlaced":
            shard.held[event["instruction_id"]] = _findings(examination, event)
        elif event["type"] == "AlertRaised":
            key = (event["owner"], event["rule"], event["business_date"], _subject(event))
            shard.alerts[key] = _findings(examination, event)
    return said


def _chosen_by_people(tally: Tally, examination: Examination, expected: Mapping[int, Expected]) -> None:
    """Released and refused are what was held, each decided once and by an act."""
    decided: set[str] = set()
    for event in _events(examination, DECISIONS):
        instruction_id = event["instruction_id"]
        tally.expect(instruction_id not in decided, f"{instruction_id} was decided twice")
        decided.add(instruction_id)
        if event["decision"] != "cleared":
            was_held = instruction_id in expected[event["shard"]].held
            tally.expect(was_held, f"{instruction_id} was {event['decision']}, but not held")
            tally.expect(
                event.get("act_id") is not None, f"{instruction_id} was {event['decision']} by nobody"
            )


def _events(examination: Examination, topic: str) -> list[dict[str, Any]]:
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for record in examination.evidence.topics.get(topic, ()):
        event: dict[str, Any] = json.loads(record.value or b"{}")
        found.setdefault((event["shard"], event["seq"]), event)
    return list(found.values())


def _findings(examination: Examination, event: Mapping[str, Any]) -> frozenset[Found]:
    scales = {asset.code: asset.scale for asset in examination.evidence.chart.assets}
    return frozenset(
        found_in(finding, scales.get(finding["values"].get("asset", ""), 0)) for finding in event["findings"]
    )


def _subject(event: Mapping[str, Any]) -> str:
    """What the cooldown tells apart: the list entries of a name alert."""
    if event["rule"] != "SAN-1":
        return ""
    entries = sorted({f"{each['values']['list']}:{each['values']['entry']}" for each in event["findings"]})
    return ",".join(entries[:10]) + (f"+{len(entries) - 10}" if len(entries) > 10 else "")
