"""Who acts for, owns or controls a customer: asked of either side, as told by openings and changes."""

import json
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from backoffice.cli.app import main
from services.compliance.queries.persons import roles_of_owner, roles_of_person
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import READONLY, Harness
from tests.compliance.ledger import ALICE, BOB, DAY, PARTITIONS, RECORDED_AT, Ledger
from tests.compliance.test_api import Desk

HOME = shard_of(ALICE, PARTITIONS)
ADA: dict[str, Any] = {"name": "Ada Morgenrot", "role": "signatory", "person": "P-1"}


@pytest.fixture
def desk(harness: Harness) -> Desk:
    """The API, with nobody at it."""
    return Desk(harness)


async def told(harness: Harness) -> None:
    """Alice's firm names Ada and somebody without a code, Bob is Ada herself; then Ada's role ends."""
    ledger = Ledger()
    nobody = {"name": "Nil Nocode", "role": "beneficial_owner"}
    await harness.take(
        *ledger.opened(
            "Morgenrot Ltd", owner=ALICE, kind="organisation", person="F-1", holders=[ADA, nobody]
        ),
        *ledger.opened("Ada Morgenrot", owner=BOB, person="P-1"),
    )
    ended = {**ADA, "since": "2026-01-01", "until": DAY.isoformat()}
    await harness.take(*ledger.told_of(ended), *ledger.told_of({**ADA, "role": "guardian"}))


def spelt(rows: list[dict[str, Any]]) -> list[tuple[str, str, str, date | None, date | None]]:
    """What rows say; of whoever has no code, "-"."""
    return sorted(
        (row["owner"], row["person"] or "-", row["role"], row["since"], row["until"]) for row in rows
    )


async def test_roles_are_listed_by_customer_and_by_person(harness: Harness):
    """The last word on each person and role; who has no code is listed with the customer."""
    await told(harness)
    signatory = (ALICE, "P-1", "signatory", date(2026, 1, 1), DAY)
    guardian = (ALICE, "P-1", "guardian", None, None)
    reader = await asyncpg.connect(harness.database.dsn(READONLY))
    try:
        of_alice = await roles_of_owner(reader, HOME, ALICE)
        uncoded = (ALICE, "-", "beneficial_owner", None, None)
        assert spelt(of_alice) == sorted([(ALICE, "F-1", "holder", None, None), guardian, signatory, uncoded])
        assert [(each["person"], each["place"]) for each in of_alice][-1] == (None, 2), "the second holder"
        of_ada = await roles_of_person(reader, "P-1")
        assert spelt(of_ada) == sorted([(BOB, "P-1", "holder", None, None), guardian, signatory])
        assert await roles_of_person(reader, "P-9") == []
        for day, counts in ((DAY - timedelta(days=1), True), (DAY, False), (date(2025, 12, 31), False)):
            assert (signatory in spelt(await roles_of_person(reader, "P-1", on=day))) == counts
        before = RECORDED_AT - timedelta(days=1)
        assert await roles_of_owner(reader, HOME, ALICE, at=before) == []
    finally:
        await reader.close()


async def test_the_command_lists_the_roles_of_a_person(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A line a customer and role, with the event that told it."""
    import asyncio

    await told(harness)
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", harness.database.dsn(READONLY))
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    asked = ("account", "holders", "--person", "P-1", "--booking-date", DAY.isoformat(), "--json")
    assert await asyncio.to_thread(main, list(asked)) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["owner"], each["role"]) for each in found] == sorted([(BOB, "holder"), (ALICE, "guardian")])
    assert all(each["seq"] and each["recorded_at"].endswith("Z") for each in found)


async def test_the_command_lists_the_roles_with_a_customer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """By the customer's code alone, whatever accounts there are."""
    import asyncio

    await told(harness)
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", harness.database.dsn(READONLY))
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("BACKOFFICE_PARTITIONS", str(PARTITIONS))
    asked = ("account", "holders", "--owner", ALICE, "--json")
    assert await asyncio.to_thread(main, list(asked)) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(each["person"], each["role"]) for each in found} == {
        ("F-1", "holder"),
        ("P-1", "guardian"),
        ("P-1", "signatory"),
        (None, "beneficial_owner"),
    }


async def test_roles_are_asked_for_by_http_of_a_customer_and_of_a_person(harness: Harness, desk: Desk):
    """Page by page, of either side or of both, on a business day or on all."""
    await told(harness)
    first = await desk.ask("GET", "/v1/person-roles", owner=ALICE, limit=2)
    rest = await desk.ask("GET", "/v1/person-roles", owner=ALICE, cursor=first.body["next"])
    found = [(each.get("person"), each["role"]) for each in (*first.body["items"], *rest.body["items"])]
    coded = [("F-1", "holder"), ("P-1", "guardian"), ("P-1", "signatory")]
    assert found == [(None, "beneficial_owner"), *coded]
    assert rest.body.get("next") is None
    of_ada = await desk.ask("GET", "/v1/person-roles", person="P-1", on=DAY.isoformat())
    assert {(each["owner"], each["role"]) for each in of_ada.body["items"]} == {
        (ALICE, "guardian"),
        (BOB, "holder"),
    }
    both = await desk.ask("GET", "/v1/person-roles", owner=ALICE, person="F-1")
    assert [each["role"] for each in both.body["items"]] == ["holder"]
    assert (await desk.ask("GET", "/v1/person-roles", owner="nobody")).body["items"] == []
    assert (await desk.ask("GET", "/v1/person-roles")).status == 422


@pytest.mark.parametrize(
    "words",
    [(), ("C1-EUR", "--person", "P-1"), ("--owner", "C1", "--person", "P-1"), ("C1-EUR", "--owner", "C1")],
)
def test_roles_are_asked_for_of_an_account_a_customer_or_a_person(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    """Of neither it would be everybody, of both nobody knows what is meant."""
    assert main(["account", "holders", *words]) == 2
    assert "Give either" in capsys.readouterr().err
