"""The naive model of the rules: what it finds in a stream of the ledger's events."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.evidence import JOURNAL, Evidence, Record
from audit.screening import Expected, screen
from tests.audit.honest import ALICE, BOB, PARTITIONS, START, Upstream, books

DATA = books(Upstream()).screening
ALICES, BOBS = 0, 1
"""The shards in which they are at home."""


def cash(
    hours: float, amount: str, *, direction: str = "in", day: str = "2026-01-05", **more: Any
) -> dict[str, Any]:
    """Banknotes that Alice brings or takes."""
    customer = {"account": "A", "owner": ALICE, "entity": "BANK", "class": "cash"}
    house = {"account": "V", "owner": "house", "entity": "BANK", "class": "vault"}
    debit, credit = (house, customer) if direction == "in" else (customer, house)
    movement = {"leg": 0, "kind": "principal", "amount": amount, "asset": "EUR", "scale": 2}
    at = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(hours=hours)
    return {
        "type": "TransactionPosted",
        "owner": ALICE,
        "booking_date": day,
        "movements": [{**movement, "debit": debit, "credit": credit}],
        "instruction": {"channel": {"cash": True}, "occurred_at": at.isoformat()},
        **more,
    }


def judged(events: Sequence[dict[str, Any]], shard: int = ALICES) -> Expected:
    """What the model says of these events of one shard, numbered as they come."""
    records: list[Record] = []
    for number, event in enumerate(events, start=1):
        body = {"recorded_at": START.isoformat(), "instruction_id": str(UUID(int=number)), **event}
        body |= {"shard": shard, "seq": number}
        headers = {"shard": shard, "seq": number, "prev": number - 1}
        spelled = tuple((name, str(value).encode()) for name, value in headers.items())
        records.append(Record(JOURNAL, shard, number, 0, b"", json.dumps(body).encode(), spelled))
    assert DATA is not None
    return screen(Evidence(partitions=PARTITIONS, topics={JOURNAL: records}), DATA)[shard]


def rules(said: Expected) -> list[str]:
    """The rules that alerted."""
    return sorted(rule for _, rule, _, _ in said.alerts)


FOUND: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("over the threshold in one", [cash(0, "10000.01")], ["CTR-1"]),
    ("exactly the threshold", [cash(0, "10000.00")], []),
    ("in parts, together over", [cash(0, "6000.00"), cash(1, "4000.01")], ["CTR-1", "STR-1"]),
    ("on two days", [cash(0, "6000.00"), cash(24, "4000.01", day="2026-01-06")], []),
    ("in and out", [cash(0, "6000.00"), cash(1, "4000.01", direction="out")], []),
    (
        "three in the band",
        [cash(h, "8000.00", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 11, 23.9))],
        ["STR-1"],
    ),
    (
        "three in more than a day",
        [cash(h, "8000.00", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 12, 24))],
        [],
    ),
    (
        "just below the band",
        [cash(h, "7999.99", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 1, 2))],
        [],
    ),
    ("weekly", [cash(168 * n, "9000.00", day=f"2026-01-{5 + 7 * n:02d}") for n in range(3)], ["STR-1"]),
    ("two weeks", [cash(168 * n, "9000.00", day=f"2026-01-{5 + 7 * n:02d}") for n in range(2)], []),
]


@pytest.mark.parametrize(("name", "events", "expected"), FOUND, ids=[name for name, _, _ in FOUND])
def test_cash_rules_find_what_they_say(name: str, events: list[dict[str, Any]], expected: list[str]) -> None:
    """Thresholds are exclusive, days and directions apart, weeks run from Monday."""
    assert rules(judged(events)) == expected


def test_one_alert_of_a_rule_an_owner_and_a_day() -> None:
    """The first finding stands."""
    said = judged([cash(0, "10000.01"), cash(1, "20000.00")])
    findings = said.alerts[ALICE, "CTR-1", "2026-01-05", ""]
    assert [dict(each.facts)["count"] for each in findings] == [1]


def test_a_waiting_payment_is_cleared_or_held() -> None:
    """Structuring of the home owner holds it; nothing found clears it."""
    waits: dict[str, Any] = {"type": "TransactionPending", "screening": True}
    assert judged([cash(0, "500.00", direction="out", **waits)]).cleared == {str(UUID(int=1))}
    said = judged([cash(h, "9000.00", direction="out", day=f"2026-01-0{5 + h}", **waits) for h in range(3)])
    assert list(said.held) == [str(UUID(int=3))]


@pytest.mark.parametrize(
    ("name", "hits"),
    [("Doctor Evil", True), ("EVIL,  doctor!", True), ("Dóctor Évil", True), ("Doctor Evil Jr", False)],
)
def test_a_name_on_a_list_is_found_however_it_is_spelled(name: str, hits: bool) -> None:
    """Case, marks, punctuation and order do not count; every part does."""
    event = cash(0, "1.00", instruction={"payment": {"creditor": {"name": name}}})
    assert rules(judged([event])) == (["SAN-1"] if hits else [])


def test_copies_already_had_and_copies_ahead_are_passed_over() -> None:
    """A secondary copy adds the cash of its partition's owners, once, and no names."""
    event: dict[str, Any] = {
        **cash(0, "10000.01"),
        "shard": ALICES,
        "seq": 5,
        "recorded_at": START.isoformat(),
    }
    event["movements"][0]["credit"]["owner"] = BOB
    event["instruction_id"] = str(UUID(int=5))
    event["instruction"]["payment"] = {"creditor": {"name": "Doctor Evil"}}
    body = json.dumps(event).encode()

    def copy(offset: int, seq: int, prev: int) -> Record:
        headers = {"shard": ALICES, "seq": seq, "prev": prev}
        spelled = tuple((name, str(value).encode()) for name, value in headers.items())
        return Record(JOURNAL, BOBS, offset, 0, b"", body, spelled)

    records = [copy(0, 7, 5), copy(1, 5, 0), copy(2, 5, 0), copy(3, 7, 5)]
    assert DATA is not None
    said = screen(Evidence(partitions=PARTITIONS, topics={JOURNAL: records}), DATA)[BOBS]
    assert said.events == 2
    assert [(owner, rule) for owner, rule, _, _ in said.alerts] == [(BOB, "CTR-1")]
