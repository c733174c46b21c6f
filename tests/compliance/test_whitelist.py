"""Whitelisted pairs of a party and a listed entry: by two people, and as narrow as what they saw."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.queries.whitelist import whitelist_list
from shared.messages.acts import (
    ActivateList,
    ApproveWhitelisting,
    LoadList,
    ProposeWhitelisting,
    RevokeWhitelisting,
)
from shared.messages.acts.lists import ListedName
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import READONLY, Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, RECORDED_AT, Ledger
from tests.support.infrastructure import Database

HOUSE_SHARD = shard_of(HOUSE, 4)
NAME = "Otto Grimwold"
UNTIL = DAY + timedelta(days=30)
PAIR: dict[str, Any] = {
    "owner": ALICE,
    "name": NAME,
    "list_code": "DEMO",
    "entry_id": "DEMO-001",
    "until": UNTIL,
}
ODILE = ListedName(
    entry_id="A-1",
    kind="person",
    names=("QUERFURT, Odile",),
    birth_dates=("1971-04-30",),
    identifiers=("passport:X12345",),
)


@dataclass
class Officers:
    """People who look at matches; Ann proposes and Ben approves."""

    harness: Harness
    acts: int = 0

    def act(self, type_: type, actor: str = "ann", **fields: Any) -> Any:
        """Make an act with an id of its own."""
        self.acts += 1
        return type_(act_id=UUID(int=7000 + self.acts), actor=actor, reason="born elsewhere", **fields)

    async def propose(self, **fields: Any) -> Any:
        """Propose that a payee of Alice is not the listed one; return the answer."""
        [done] = await self.harness.act(self.act(ProposeWhitelisting, **{**PAIR, **fields}))
        return done

    async def approve(self, proposed: Any, actor: str = "ben") -> Any:
        """Approve what was proposed; return the answer."""
        act = self.act(ApproveWhitelisting, actor, owner=proposed.owner, whitelisting_id=proposed.act_id)
        [done] = await self.harness.act(act)
        return done

    async def revoke(self, proposed: Any, actor: str = "ann") -> Any:
        """Revoke what was proposed; return the answer."""
        act = self.act(RevokeWhitelisting, actor, owner=proposed.owner, whitelisting_id=proposed.act_id)
        [done] = await self.harness.act(act)
        return done

    async def list(self, version: str, *entries: ListedName) -> None:
        """Load a version of a list and let Alice's shard screen against it."""
        common: dict[str, Any] = {"list_code": "OWN", "version": version}
        load = self.act(LoadList, part=1, parts=1, sha256=version, entries=entries, **common)
        await self.harness.act(load, shard=HOUSE_SHARD)
        await self.harness.act(self.act(ActivateList, **common), shard=0)


@pytest.fixture
def officers(harness: Harness) -> Officers:
    """Make the people."""
    return Officers(harness)


@pytest.fixture
def ledger() -> Ledger:
    """Make a ledger."""
    return Ledger()


async def paid(harness: Harness, ledger: Ledger, name: str = NAME, **more: Any) -> list[str]:
    """Let a payment to somebody wait for an answer, and name what was published."""
    day, owner = more.pop("day", DAY), more.pop("owner", ALICE)
    payment = {"creditor": {"name": name, **more}}
    moved = ledger.moved("withdrawal", "5", cash=False, pending=True, owner=owner, payment=payment, day=day)
    return kinds(await harness.take(*moved))


async def test_a_pair_counts_when_a_second_person_has_approved_it(
    harness: Harness, officers: Officers, ledger: Ledger
):
    """Then the payment is cleared, and the decision tells of the match and of the pair."""
    assert await paid(harness, ledger) == ["HoldPlaced"]
    proposed = await officers.propose()
    assert (proposed.done, proposed.result["status"]) == (True, "proposed")
    assert await paid(harness, ledger) == ["HoldPlaced"], "one person is not enough"
    approved = await officers.approve(proposed)
    assert (approved.done, approved.result["status"]) == (True, "approved")
    assert await paid(harness, ledger, "GRIMWOLD, Otto") == ["cleared"], "the same name in another order"
    [finding] = harness.published[-1].findings
    assert finding.values["whitelisting"] == {"id": str(proposed.act_id), "void": None}
    assert finding.sentence.endswith("The pair is whitelisted until 2026-04-01.")
    await harness.restart()
    assert await paid(harness, ledger) == ["cleared"], "another process knows it, too"


async def test_nobody_approves_their_own_proposal(harness: Harness, officers: Officers, ledger: Ledger):
    """Two people look; the database holds it, whatever the code does."""
    proposed = await officers.propose()
    done = await officers.approve(proposed, actor="ann")
    assert (done.done, done.result["refused"]) == (False, "same_person")
    assert await paid(harness, ledger) == ["HoldPlaced"]
    with pytest.raises(asyncpg.CheckViolationError, match="whitelisting_takes_two_people"):
        await harness.connection.execute(
            "UPDATE whitelisting SET status = 'approved', approved_by = 'ann', approved_seq = 1,"
            " approval_reason = 'x'"
        )


OTHERS: dict[str, dict[str, Any]] = {
    "another payer": {"owner": ANNE},
    "another name of the entry": {"name": "Ottokar Vasilibus Grimwold"},
    "the name from another country": {"country": "AT"},
    "another entry": {"name": "Yorick Undertow"},
}


@pytest.mark.parametrize("payment", OTHERS.values(), ids=OTHERS)
async def test_a_pair_covers_only_what_was_looked_at(
    payment: dict[str, Any], harness: Harness, officers: Officers, ledger: Ledger
):
    """One owner, one name with what is known beside it, one entry."""
    await officers.approve(await officers.propose())
    assert await paid(harness, ledger, **payment) == ["HoldPlaced"]


async def test_a_pair_is_void_when_the_entry_changes_and_the_finding_says_so(
    harness: Harness, officers: Officers, ledger: Ledger
):
    """What was looked at is no longer what is listed; other remarks do not matter."""
    odile = {"name": "Odile Querfurt"}
    await officers.list("1", ODILE)
    own = {"list_code": "OWN", "entry_id": "A-1", "name": "Odile Querfurt"}
    await officers.approve(await officers.propose(**own))
    await officers.list("2", ODILE.model_copy(update={"remarks": "moved", "programmes": ("P",)}))
    assert await paid(harness, ledger, **odile) == ["cleared"]
    await officers.list("3", ODILE.model_copy(update={"countries": ("FR",)}))
    assert await paid(harness, ledger, **odile) == ["HoldPlaced"]
    [finding] = harness.published[-1].findings
    assert finding.values["whitelisting"]["void"] == "entry_changed"
    assert finding.sentence.endswith("The pair was whitelisted, and counts no more: the entry has changed.")


async def test_a_pair_is_over_on_its_day(harness: Harness, officers: Officers, ledger: Ledger):
    """By the business day of the payment, as all that is dated."""
    await officers.approve(await officers.propose())
    assert await paid(harness, ledger, day=UNTIL - timedelta(days=1)) == ["cleared"]
    assert await paid(harness, ledger, day=UNTIL) == ["HoldPlaced"]
    assert harness.published[-1].findings[0].values["whitelisting"]["void"] == "expired"


async def test_a_pair_is_revoked_by_one_person_at_once(harness: Harness, officers: Officers, ledger: Ledger):
    """To be stricter takes no second person; what was only proposed can be withdrawn."""
    proposed = await officers.propose()
    await officers.approve(proposed)
    done = await officers.revoke(proposed)
    assert (done.done, done.result["status"]) == (True, "revoked")
    assert await paid(harness, ledger) == ["HoldPlaced"]
    await harness.restart()
    assert await paid(harness, ledger) == ["HoldPlaced"]
    other = await officers.propose()
    await officers.revoke(other)
    refusals = [await officers.revoke(other), await officers.approve(other), await officers.approve(proposed)]
    assert [each.result["refused"] for each in refusals] == ["already_revoked"] * 3


async def test_an_identifier_that_is_the_same_is_covered_by_no_pair(
    harness: Harness, officers: Officers, ledger: Ledger
):
    """It is no likeness of names that somebody could have looked at."""
    await officers.list("1", ODILE)
    await officers.approve(await officers.propose(list_code="OWN", entry_id="A-1", name="Odile Querfurt"))
    assert await paid(harness, ledger, name="Odile Querfurt", identifier="X 12345") == ["HoldPlaced"]


async def test_a_whitelisted_customer_raises_no_alert_again_until_the_entry_changes(
    harness: Harness, officers: Officers, ledger: Ledger
):
    """Screening parties again goes by the same whitelist."""
    await officers.list("1", ODILE)
    born: dict[str, Any] = {"birth_date": "1999-01-02", "kind": "person"}
    assert kinds(await harness.take(*ledger.opened("Odile Querfurt", **born))) == ["SAN-1"]
    known = {"birth_date": date(1999, 1, 2), "kind": "person"}
    pair = {"list_code": "OWN", "entry_id": "A-1", "name": "Odile Querfurt", **known}
    await officers.approve(await officers.propose(**pair))
    assert kinds(await harness.take(*ledger.opened("Odile Querfurt", **born))) == []
    await harness.tick(RECORDED_AT)
    await officers.list("2", ODILE.model_copy(update={"remarks": "moved"}))
    assert kinds(await harness.tick(RECORDED_AT)) == ["PartiesRescreened"]
    await officers.list("3", ODILE.model_copy(update={"names": ("QUERFURT, Odile", "QUERFURTH, Odile")}))
    alert, _ = await harness.tick(RECORDED_AT)
    assert alert.findings[0].values["whitelisting"]["void"] == "entry_changed"


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "a day that is over": ("expired", {"until": DAY}),
    "more than a year": ("too_long", {"until": DAY + timedelta(days=366)}),
    "no name": ("name_empty", {"name": "…"}),
    "an entry nobody knows": ("entry_unknown", {"entry_id": "DEMO-999"}),
    "a list nobody knows": ("entry_unknown", {"list_code": "NONE"}),
}


@pytest.mark.parametrize(("reason", "fields"), REFUSED.values(), ids=REFUSED)
async def test_a_proposal_that_cannot_count_is_refused_by_name(
    reason: str, fields: dict[str, Any], officers: Officers
):
    """So that nobody believes that it does."""
    done = await officers.propose(**fields)
    assert (done.done, done.result["refused"]) == (False, reason)


async def test_an_approval_is_refused_where_the_pair_is_not_there_or_no_more_what_it_was(
    harness: Harness, officers: Officers
):
    """The second person approves what the first has seen, or nothing."""
    await officers.list("1", ODILE)
    proposed = await officers.propose(list_code="OWN", entry_id="A-1", name="Odile Querfurt")
    await officers.list("2", ODILE.model_copy(update={"birth_dates": ("1971-04-29",)}))
    assert (await officers.approve(proposed)).result["refused"] == "entry_changed"
    act = officers.act(ApproveWhitelisting, "ben", owner=ANNE, whitelisting_id=proposed.act_id)
    [done] = await harness.act(act)
    assert done.result["refused"] == "no_such_whitelisting", "another owner's pair is none of theirs"
    [done] = await harness.act(officers.act(ProposeWhitelisting, **{**PAIR, "owner": BOB}), shard=0)
    assert done.result["refused"] == "wrong_shard"


async def test_acts_on_a_pair_that_come_twice_are_done_once(harness: Harness, officers: Officers):
    """An operator who is not sure sends them again; in one batch each sees those before it."""
    proposal = officers.act(ProposeWhitelisting, **PAIR)
    common: dict[str, Any] = {"owner": ALICE, "whitelisting_id": proposal.act_id}
    approval = officers.act(ApproveWhitelisting, "ben", **common)
    revocation = officers.act(RevokeWhitelisting, "ben", **common)
    events = await harness.act(proposal, proposal, approval, approval, revocation)
    assert [each.done for each in events] == [True] * 5
    rows = await harness.connection.fetch("SELECT status, approved_by, revoked_by FROM whitelisting")
    assert [tuple(row) for row in rows] == [("revoked", "ben", "ben")]


async def test_pairs_can_be_asked_for(harness: Harness, officers: Officers, database: Database):
    """Who, why, until when, and whether the entry is still what it was."""
    await officers.list("1", ODILE)
    first = await officers.propose()
    await officers.approve(first)
    own = {"list_code": "OWN", "entry_id": "A-1", "name": "Odile Querfurt"}
    await officers.propose(**own)
    connection = await asyncpg.connect(database.dsn(READONLY))
    try:
        found = await whitelist_list(connection, None, None)
        [approved] = await whitelist_list(connection, "approved", ALICE)
    finally:
        await connection.close()
    assert [each["status"] for each in found] == ["approved", "proposed"]
    told = (approved["name"], approved["proposed_by"], approved["approved_by"], approved["reason"])
    assert told == (NAME, "ann", "ben", "born elsewhere")
    assert (approved["whitelisting_id"], approved["until"]) == (str(first.act_id), UNTIL)
