"""A payment held for an entry that is no longer listed: people are told once, and decide."""

from typing import Any
from uuid import UUID

import pytest

from services.compliance.queries.holds import holds_list
from shared.messages.compliance import HoldDelisted, HoldPlaced
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import Ledger
from tests.compliance.test_holds import act
from tests.compliance.test_parties import ODILE, RAGNA, TIBOR, Lists, ticked


@pytest.fixture
def lists(harness: Harness) -> Lists:
    """Make somebody who loads lists."""
    return Lists(harness)


async def held(harness: Harness, ledger: Ledger, *names: str) -> UUID:
    """Let a payment that names these be held."""
    roles: list[str] = ["creditor", "ultimate_creditor"]
    payment = dict(zip(roles, names, strict=False))
    moved = ledger.moved("withdrawal", "5", cash=False, pending=True, names=payment)
    [hold] = await harness.take(*moved)
    assert isinstance(hold, HoldPlaced)
    return hold.instruction_id


async def shown(harness: Harness) -> list[tuple[str, list[Any]]]:
    """How the holds stand, and which entries are no longer listed."""
    return [
        (each["status"], [entry["entry"] for entry in each["delisted"]])
        for each in await holds_list(harness.connection, None)
    ]


async def test_a_hold_for_an_entry_that_is_removed_is_told_once_and_stays(harness: Harness, lists: Lists):
    """Nothing is released by itself: the list may be wrong, and the name like another one's."""
    await lists.activate("1", TIBOR, ODILE)
    await ticked(harness)
    ledger = Ledger()
    tibors = await held(harness, ledger, "Tibor Anselm Morgenwasser")
    await held(harness, ledger, "Odile Querfurt")
    await lists.activate("2", ODILE, RAGNA)
    [told] = [each for each in await ticked(harness) if isinstance(each, HoldDelisted)]
    assert (told.instruction_id, told.list_code, told.version, told.entries) == (tibors, "OWN", "2", ("A-1",))
    assert await shown(harness) == [("held", ["A-1"]), ("held", [])]
    await lists.activate("3", ODILE)
    assert kinds(await ticked(harness, 2)) == ["PartiesRescreened"], "it was told"
    await harness.restart()
    assert await ticked(harness) == []


async def test_each_entry_of_a_hold_is_told_of_when_it_goes(harness: Harness, lists: Lists):
    """And whoever is listed again is shown as such."""
    await lists.activate("1", TIBOR, ODILE)
    await held(harness, Ledger(), "Tibor Anselm Morgenwasser", "Odile Querfurt")
    told: list[tuple[str, ...]] = []
    for version, entries in (("2", (TIBOR, RAGNA)), ("3", (RAGNA,)), ("4", (RAGNA, TIBOR)), ("5", (RAGNA,))):
        await lists.activate(version, *entries)
        told += [each.entries for each in await ticked(harness, 2) if isinstance(each, HoldDelisted)]
        if version == "4":
            assert await shown(harness) == [("held", ["A-2"])]
    assert told == [("A-2",), ("A-1",)]
    assert await shown(harness) == [("held", ["A-1", "A-2"])]


async def test_a_hold_that_is_decided_is_told_of_no_more(harness: Harness, lists: Lists):
    """Only what waits is people's matter."""
    await lists.activate("1", TIBOR)
    instruction_id = await held(harness, Ledger(), "Tibor Anselm Morgenwasser")
    await harness.act(act("refuse", "ann", instruction_id))
    await lists.activate("2", RAGNA)
    assert kinds(await ticked(harness, 2)) == ["PartiesRescreened", "PartiesRescreened"]
