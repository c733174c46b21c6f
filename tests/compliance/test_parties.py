"""Parties on record, and screening them again against what a new version of a list has changed."""

from collections.abc import Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import pytest

from services.compliance.handlers import parties
from shared.messages.acts import ActivateList, LoadList
from shared.messages.acts.lists import ListedName
from shared.messages.compliance import AlertRaised, PartiesRescreened
from shared.messages.envelope import HOUSE, Number
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, PARTITIONS, RECORDED_AT, Ledger, owners_at

HOUSE_SHARD = shard_of(HOUSE, PARTITIONS)
TIBOR = ListedName(entry_id="A-1", kind="person", names=("MORGENWASSER, Tibor Anselm",))
ODILE = ListedName(entry_id="A-2", kind="person", names=("QUERFURT, Odile",), birth_dates=("1971-04-30",))
RAGNA = ListedName(entry_id="A-3", kind="person", names=("ZWIEBELTURM, Ragna",))


class Lists:
    """Loads versions of a list and lets one shard, or all, screen against them."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._acts = 0

    async def activate(self, version: str, *entries: ListedName, shards: Sequence[int] = (0,)) -> None:
        """Load a version that has these entries, and activate it."""
        common: dict[str, Any] = {
            "actor": "ann",
            "reason": "a new version",
            "list_code": "OWN",
            "version": version,
        }
        load = LoadList(act_id=self._id(), part=1, parts=1, sha256=version, entries=entries, **common)
        await self._harness.act(load, shard=HOUSE_SHARD)
        for shard in shards:
            await self._harness.act(ActivateList(act_id=self._id(), **common), shard=shard)

    def _id(self) -> UUID:
        self._acts += 1
        return UUID(int=5000 + self._acts)


@pytest.fixture
def lists(harness: Harness) -> Lists:
    """Make somebody who loads lists."""
    return Lists(harness)


async def ticked(harness: Harness, times: int = 1) -> list[Any]:
    """Let the time pass, and return what was published."""
    return [event for _ in range(times) for event in await harness.tick(RECORDED_AT)]


async def test_parties_on_record_are_screened_against_a_new_list(harness: Harness, lists: Lists):
    """Who was no match yesterday may be one today; the alert names the list's version and the account."""
    ledger = Ledger()
    await harness.take(*ledger.opened("Tibor Anselm Morgenwasser"), *ledger.opened("Jane Doe", owner=ANNE))
    await lists.activate("1", TIBOR)
    alert, end = await ticked(harness)
    assert isinstance(alert, AlertRaised)
    assert (alert.owner, alert.about, alert.instruction_id) == (ALICE, Number(shard=0, seq=1), UUID(int=1))
    assert alert.findings[0].values["list_version"] == "1"
    assert alert.findings[0].sentence == "The customer bears a name of entry A-1 on list OWN, version 1."
    assert isinstance(end, PartiesRescreened)
    assert (end.list_code, end.version, end.replaced, end.entries) == ("OWN", "1", None, None)
    assert (end.parties, end.alerts) == (2, 1)
    assert await ticked(harness, 3) == [], "it is done once"


async def test_only_what_a_version_has_changed_is_screened_against(harness: Harness, lists: Lists):
    """What is as it was has been looked at; a removed entry alerts nobody."""
    ledger = Ledger()
    names = ("Tibor Anselm Morgenwasser", "Odile Querfurt", "Ragna Zwiebelturm")
    for name, owner in zip(names, owners_at(0), strict=False):
        await harness.take(*ledger.opened(name, owner=owner))
    await lists.activate("1", TIBOR, ODILE)
    assert kinds(await ticked(harness)) == ["SAN-1", "SAN-1", "PartiesRescreened"]
    known_otherwise = ODILE.model_copy(update={"countries": ("FR",)})
    await lists.activate("2", known_otherwise, RAGNA)
    events = await ticked(harness)
    found = [each.findings[0].values["entry"] for each in events if isinstance(each, AlertRaised)]
    assert found == ["A-2", "A-3"]
    assert (events[-1].entries, events[-1].replaced, events[-1].parties) == (2, "1", 3)


async def test_a_version_that_changes_nobody_is_done_at_once(harness: Harness, lists: Lists):
    """Other programmes, addresses and remarks do not make anybody else of an entry."""
    await harness.take(*Ledger().opened("Tibor Anselm Morgenwasser"))
    await lists.activate("1", TIBOR)
    await ticked(harness)
    await lists.activate("2", TIBOR.model_copy(update={"programmes": ("P",), "remarks": "moved"}))
    [end] = await ticked(harness)
    assert (end.entries, end.parties, end.alerts) == (0, 0, 0)


async def test_screening_again_goes_on_where_it_was_when_the_process_died(
    harness: Harness, lists: Lists, monkeypatch: pytest.MonkeyPatch
):
    """Alerts and progress are one commit: a party is screened once, whoever takes the shard over."""
    monkeypatch.setattr(parties, "PARTIES_PER_TICK_MAX", 2)
    ledger = Ledger()
    owners = list(islice(owners_at(0), 5))
    for owner in owners:
        await harness.take(*ledger.opened("Tibor Anselm Morgenwasser", owner=owner))
    await lists.activate("1", TIBOR)
    events: list[Any] = []
    for number in range(1, 5):
        work = harness.service
        await harness._do(work.tick, RECORDED_AT, commit=False)
        await harness.restart()
        events += await ticked(harness)
        assert await harness.connection.fetchval("SELECT parties FROM rescreening") == min(5, 2 * number)
    assert kinds(events) == ["SAN-1"] * 5 + ["PartiesRescreened"]
    assert [each.owner for each in events[:-1]] == owners
    assert (events[-1].parties, events[-1].alerts) == (5, 5)
    assert await harness.connection.fetchval("SELECT finished_seq FROM rescreening") == events[-1].seq


async def test_who_comes_after_the_activation_is_screened_once(harness: Harness, lists: Lists):
    """By the account opened, against the new version; they are not on record of the screening."""
    ledger = Ledger()
    await lists.activate("1", TIBOR)
    assert kinds(await harness.take(*ledger.opened("Tibor Anselm Morgenwasser"))) == ["SAN-1"]
    [end] = await ticked(harness)
    assert (end.parties, end.alerts) == (0, 0)


async def test_a_version_that_overtakes_another_leaves_nobody_out(
    harness: Harness, lists: Lists, monkeypatch: pytest.MonkeyPatch
):
    """The first screening goes on, against the newest version, with what the second is not about."""
    monkeypatch.setattr(parties, "PARTIES_PER_TICK_MAX", 1)
    ledger = Ledger()
    names = ("Jane Doe", "Tibor Anselm Morgenwasser", "Odile Querfurt", "Ragna Zwiebelturm")
    for name, owner in zip(names, owners_at(0), strict=False):
        await harness.take(*ledger.opened(name, owner=owner))
    await lists.activate("1", TIBOR, ODILE, RAGNA)
    await ticked(harness)
    known_otherwise = ODILE.model_copy(update={"countries": ("FR",)})
    await lists.activate("2", TIBOR, known_otherwise)
    await harness.restart()
    alerts = [each for each in await ticked(harness, 10) if isinstance(each, AlertRaised)]
    told = [(each.findings[0].values["entry"], each.findings[0].values["list_version"]) for each in alerts]
    assert told == [("A-1", "2"), ("A-2", "2")], "Ragna is listed no more"
    ends = [each for each in harness.published if isinstance(each, PartiesRescreened)]
    assert [(each.version, each.parties, each.alerts) for each in ends] == [("1", 4, 1), ("2", 4, 1)]


async def test_a_party_is_on_record_once_by_what_is_known_of_it(harness: Harness):
    """Five accounts are one party; another birth date is somebody to screen as such."""
    ledger = Ledger()
    holders = [{"name": "Odile Querfurt", "birth_date": "1971-04-30"}]
    for born in ("1980-01-01", "1980-01-01", "1980-01-02"):
        await harness.take(*ledger.opened("Jane Doe", birth_date=born, country="FR", holders=holders))
    await harness.restart()
    await harness.take(*ledger.opened("Jane Doe", birth_date="1980-01-01", country="FR"))
    rows = await harness.connection.fetch("SELECT field, name, birth_date, seq FROM party ORDER BY number")
    assert [tuple(row) for row in rows] == [
        ("party", "Jane Doe", "1980-01-01", 1),
        ("party.holders", "Odile Querfurt", "1971-04-30", 1),
        ("party", "Jane Doe", "1980-01-02", 3),
    ]


async def test_what_is_known_beside_the_name_is_screened_again_too(harness: Harness, lists: Lists):
    """A new passport number on the list finds whom no name would."""
    ledger = Ledger()
    await harness.take(*ledger.opened("Jane Doe", identifier="X-12345", country="FR"))
    await lists.activate("1", TIBOR)
    assert kinds(await ticked(harness)) == ["PartiesRescreened"]
    await lists.activate(
        "2", TIBOR.model_copy(update={"identifiers": ("passport:X12345",), "countries": ("FR",)})
    )
    alert, _ = await ticked(harness)
    assert alert.findings[0].values["comparison"] == "identifier"
    assert alert.findings[0].sentence.endswith("For it: country.")


async def test_each_shard_screens_its_own_parties(harness: Harness, lists: Lists):
    """Shards have their own positions; one tick looks at all of them."""
    ledger = Ledger()
    for shard in range(PARTITIONS):
        await harness.take(*ledger.opened("Tibor Anselm Morgenwasser", owner=next(owners_at(shard))))
    await lists.activate("1", TIBOR, shards=range(PARTITIONS))
    events = await ticked(harness)
    assert sorted(each.shard for each in events if isinstance(each, AlertRaised)) == list(range(PARTITIONS))
    assert sorted(each.shard for each in events if isinstance(each, PartiesRescreened)) == list(
        range(PARTITIONS)
    )
