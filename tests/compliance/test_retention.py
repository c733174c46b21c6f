"""Retention: classes by law, a day for each record, and what is never due."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.retention import CLASSES, AccountFact, Terms, due_on, terms_on
from services.compliance.queries.retention import retention
from services.compliance.queries.verifying import verify_records
from services.compliance.store.retention import save_account_facts
from shared.messages.acts import DismissAlert, LiftLegalHold, OpenCase, PlaceLegalHold, RefuseHold
from shared.messages.compliance import AlertRaised, HoldPlaced
from shared.messages.envelope import HOUSE
from tests.compliance.api_desk import Desk
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, DAY, Delivery, Ledger
from tests.compliance.tables import table

LISTED = "Otto Grimwold"
"""Of the made-up list."""
BOOK = ParameterBook(RULE_PARAMETERS)
TODAY = date(2026, 3, 2)


@dataclass
class Office:
    """A customer who comes and goes, and people who look at what is found."""

    harness: Harness
    ledger: Ledger = field(default_factory=Ledger)
    acts: int = 0
    delivered: list[Delivery] = field(default_factory=list[Delivery])

    async def take(self, *deliveries: Delivery) -> list[Any]:
        """Let events of the ledger come in, and remember them for the auditor."""
        self.delivered += deliveries
        return await self.harness.take(*deliveries)

    def act(self, what: type, actor: str = "ann", **fields: Any) -> Any:
        """Make an act with an id of its own."""
        self.acts += 1
        return what(act_id=UUID(int=9000 + self.acts), actor=actor, reason="seen", **fields)

    async def opened(self, owner: str = ALICE) -> None:
        """Let a customer open an account."""
        await self.take(*self.ledger.opened("Alice Adams", owner=owner))

    async def closed(self, day: date, owner: str = ALICE) -> None:
        """Let the account come to nothing."""
        await self.take(*self.ledger.closed(owner=owner, day=day))

    async def alert(self, owner: str = ALICE) -> AlertRaised:
        """Let reportable cash come in, and return the alert."""
        events = await self.take(*self.ledger.moved("deposit", "10000.01", owner=owner))
        [alert] = [each for each in events if isinstance(each, AlertRaised)]
        return alert

    async def hold(self, owner: str = ALICE) -> HoldPlaced:
        """Let a payment to a listed name wait, and return the hold."""
        moved = self.ledger.moved(
            "withdrawal", "10", owner=owner, cash=False, pending=True, names={"creditor": LISTED}
        )
        events = await self.take(*moved)
        [hold] = [each for each in events if isinstance(each, HoldPlaced)]
        return hold

    async def do(self, what: type, actor: str = "ann", **fields: Any) -> Any:
        """Have an act carried out; return its answer."""
        *_, done = await self.harness.act(self.act(what, actor, **{"owner": ALICE, **fields}))
        return done

    async def leave(self) -> None:
        """Have Alice come, be alerted about and held, have all of it decided, and let her go."""
        await self.opened()
        alert = await self.alert()
        await self.do(DismissAlert, alert_id=alert.alert_id)
        hold = await self.hold()
        await self.do(RefuseHold, instruction_id=hold.instruction_id)
        await self.closed(TODAY)

    async def kept(self, as_of: date = TODAY) -> dict[tuple[str, str], dict[str, Any]]:
        """What is kept, by kind and class."""
        found = await retention(self.harness.connection, as_of)
        return {(each["kind"], each["record_class"]): each for each in found.groups}


@pytest.fixture
def office(live: Harness) -> Office:
    """Make the office, with all rules in force."""
    return Office(live)


def test_sanctions_are_kept_for_ten_years_from_the_day_of_the_law_on():
    """31 CFR 501.601 says so from 2025-03-12; before it was five, as of everything else."""
    before, after = terms_on(BOOK, date(2025, 3, 11)), terms_on(BOOK, date(2025, 3, 12))
    assert before is not None
    assert after is not None
    assert dict(before.years) == {"aml": 5, "sanctions": 5, "filing": 5}
    assert dict(after.years) == {"aml": 5, "sanctions": 10, "filing": 5}
    assert (before.years_from_end, after.years_from_end) == (5, 5)


DUE = table("""
    class      since       ended       due
    aml        2026-03-02  2026-03-02  2031-03-03     # the anniversary is the last day of it
    aml        2026-03-02  2028-07-01  2033-07-02     # the relationship ended later
    aml        2026-03-02  never       never
    sanctions  2026-03-02  2026-03-02  2036-03-03
    sanctions  2026-03-02  2033-01-01  2038-01-02     # the end counts for these, too
    filing     2028-02-29  2020-01-01  2033-03-01     # no such day in 2033: February's last
    aml        never       2026-03-02  never          # still worked on
""")


def _day(text: str) -> date | None:
    return None if text == "never" else date.fromisoformat(text)


@pytest.mark.parametrize("row", DUE, ids=str)
def test_a_record_is_due_when_all_its_years_are_over(row: dict[str, Any]):
    """Those of its class, and those from the end of the relationship."""
    terms = terms_on(BOOK, TODAY)
    assert terms is not None
    assert due_on(terms, row["class"], _day(row["since"]), ALICE, _day(row["ended"])) == _day(row["due"])


DAYS = (None, date(2024, 2, 29), date(2026, 3, 1), date(2026, 3, 2), date(2028, 2, 29), date(2031, 12, 31))


async def test_the_database_comes_to_the_same_day(harness: Harness):
    """One rule written down twice, in the domain and in the function that all counting uses."""
    rows = list(product(DAYS, (1, 4, 5, 10, 100), (ALICE, HOUSE), DAYS, (None, 1, 4, 5)))
    found = await harness.connection.fetch(
        "SELECT due_on(x.since, x.years, x.owner, x.ended, x.years_from_end) AS due"
        " FROM unnest($1::date[], $2::int[], $3::text[], $4::date[], $5::int[]) WITH ORDINALITY"
        " AS x (since, years, owner, ended, years_from_end, number) ORDER BY x.number",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    for (since, years, owner, ended, from_end), row in zip(rows, found, strict=True):
        terms = Terms(dict.fromkeys(CLASSES, years), from_end, "", 1)
        assert row["due"] == due_on(terms, "aml", since, owner, ended), (since, years, owner, ended, from_end)


async def test_what_is_worked_on_is_never_due(office: Office):
    """An alert that nobody has looked at, a case that is open, a payment that waits."""
    await office.opened()
    await office.closed(TODAY)
    await office.alert()
    await office.hold()
    kept = await office.kept(date(2100, 1, 1))
    for key in (("alert", "aml"), ("hold", "sanctions")):
        assert (kept[key]["records"], kept[key]["worked_on"], kept[key]["due"]) == (1, 1, 0), key
        assert kept[key]["first_due"] is None


async def test_each_kind_is_due_by_its_class(office: Office):
    """What was dismissed five years on, a listed name's hold and decision ten."""
    await office.opened()
    alert = await office.alert()
    await office.do(DismissAlert, alert_id=alert.alert_id)
    hold = await office.hold()
    await office.do(RefuseHold, instruction_id=hold.instruction_id)
    kept = await office.kept(date(2100, 1, 1))
    assert kept["alert", "aml"]["related"] == 1, "Alice is a customer still"
    await office.closed(TODAY)
    five, ten = date(2031, 3, 3), date(2036, 3, 3)
    due = {
        ("alert", "aml"): five,
        ("hold", "sanctions"): ten,
        ("decision", "sanctions"): ten,
    }
    kept = await office.kept()
    assert {key: kept[key]["first_due"] for key in due} == due
    for key, day in due.items():
        before = (await office.kept(day - timedelta(days=1)))[key]["due"]
        assert (before, (await office.kept(day))[key]["due"]) == (0, 1), key


async def test_an_alert_in_a_case_is_kept_as_the_case_is(office: Office):
    """It is worked on until the case is closed and what is to be filed is filed."""
    await office.opened()
    await office.closed(TODAY)
    alert = await office.alert()
    opened = await office.do(OpenCase, alert_ids=(alert.alert_id,), kind="suspicion")
    assert opened.done
    kept = await office.kept(date(2100, 1, 1))
    assert (kept["case", "aml"]["worked_on"], kept["alert", "aml"]["worked_on"]) == (1, 1)


async def test_an_account_opened_again_is_a_relationship_again(office: Office):
    """So is another one that is open: the end is when the last of them is closed."""
    await office.opened()
    await office.closed(DAY)
    alert = await office.alert()
    await office.do(DismissAlert, alert_id=alert.alert_id)
    assert (await office.kept())["alert", "aml"]["first_due"] == date(2031, 3, 3)
    await office.take(*office.ledger.reopened())
    assert (await office.kept())["alert", "aml"]["first_due"] is None
    await office.closed(DAY + timedelta(days=400))
    assert (await office.kept())["alert", "aml"]["first_due"] == date(2032, 4, 7)


ENDS = """
SELECT l.shard, l.owner, CASE WHEN bool_and(l.what = 'closed') THEN max(l.day) END AS ended
FROM (
    SELECT DISTINCT ON (f.shard, f.owner, f.account) f.shard, f.owner, f.what, f.day
    FROM account_fact AS f
    ORDER BY f.shard, f.owner, f.account, f.seq DESC
) AS l
GROUP BY l.shard, l.owner
"""


@pytest.mark.parametrize("seed", range(5))
async def test_a_relationship_stands_as_all_that_became_of_the_accounts_says(harness: Harness, seed: int):
    """However the facts are cut into batches: it is kept with them, and follows from them at any time."""
    random = Random(seed)
    seq = 0
    for _ in range(30):
        rows: list[tuple[int, datetime, AccountFact]] = []
        for _ in range(random.randint(1, 6)):
            seq += 1
            what = random.choice(("opened", "closed", "closed", "reopened"))
            day = TODAY + timedelta(days=random.randint(0, 9))
            fact = AccountFact(seq, random.choice("AB"), random.choice("123"), what, day)
            rows.append((random.randint(0, 1), datetime(2026, 3, 2, tzinfo=UTC), fact))
        await save_account_facts(harness.connection, rows)
        kept = await harness.connection.fetch("SELECT shard, owner, ended FROM relationship")
        assert set(kept) == set(await harness.connection.fetch(ENDS))


async def test_who_never_opened_an_account_is_kept(office: Office):
    """It is not known that the relationship has ended; nothing is removed by ignorance."""
    alert = await office.alert()
    await office.do(DismissAlert, alert_id=alert.alert_id)
    assert (await office.kept(date(2100, 1, 1)))["alert", "aml"]["related"] == 1


async def test_what_is_kept_is_told_by_http(office: Office):
    """With the terms and their source."""
    await office.opened()
    await office.alert()
    said = (await Desk(office.harness).ask("GET", "/v1/retention", as_of="2026-03-02")).body
    assert said["terms"]["years"]["sanctions"] == 10
    assert "31 CFR 501.601" in said["terms"]["source"]
    group, parties = said["groups"]
    assert (parties["kind"], parties["worked_on"]) == ("party", 1)
    assert (group["kind"], group["worked_on"], group["first_due"]) == ("alert", 1, None)


async def test_a_legal_hold_takes_all_of_a_customer_out_of_what_is_due(office: Office):
    """By one person at once, and until another has lifted it."""
    await office.opened()
    alert = await office.alert()
    await office.do(DismissAlert, alert_id=alert.alert_id)
    await office.closed(TODAY)
    late = date(2100, 1, 1)
    assert (await office.kept(late))["alert", "aml"]["due"] == 1
    placed = await office.do(PlaceLegalHold)
    assert (placed.done, placed.result["status"]) == (True, "placed")
    group = (await office.kept(late))["alert", "aml"]
    assert (group["due"], group["held"], group["first_due"]) == (0, 1, None)
    own = await office.do(LiftLegalHold, legal_hold_id=placed.act_id)
    assert (own.done, own.result["refused"]) == (False, "same_person")
    again = await office.do(PlaceLegalHold, "cy")
    lifted = await office.do(LiftLegalHold, "ben", legal_hold_id=placed.act_id)
    assert (lifted.done, lifted.result["status"]) == (True, "lifted")
    assert (await office.kept(late))["alert", "aml"]["held"] == 1, "another one counts still"
    assert (await office.do(LiftLegalHold, "ben", legal_hold_id=again.act_id)).done
    assert (await office.kept(late))["alert", "aml"]["due"] == 1
    twice = await office.do(LiftLegalHold, "ben", legal_hold_id=again.act_id)
    assert twice.result["refused"] == "already_lifted"
    verified = await verify_records(office.harness.connection)
    assert (verified.examples, verified.legal_holds) == ([], 4)


async def test_a_legal_hold_is_on_somebody_known_and_at_home(office: Office):
    """And lifted by its own name only."""
    house = office.act(PlaceLegalHold, owner=HOUSE)
    assert (await office.harness.act(house))[-1].result["refused"] == "not_a_customer"
    elsewhere = office.act(PlaceLegalHold, owner=ALICE)
    assert (await office.harness.act(elsewhere, shard=1))[-1].result["refused"] == "wrong_shard"
    unknown = await office.do(LiftLegalHold, legal_hold_id=UUID(int=1))
    assert unknown.result["refused"] == "no_such_legal_hold"


FORGED = {
    "lifted by who placed it": ("'lifted', 'ann', 'ann', $2", "lifting_takes_another_person"),
    "of another customer": ("'lifted', 'ben', 'ann', 'C1'", "a_lifted_hold_was_placed"),
    "placed by nobody known": ("'lifted', 'ben', 'cy', $2", "a_lifted_hold_was_placed"),
    "placed in another's name": ("'placed', 'ben', 'cy', $2", "lifting_takes_another_person"),
}


@pytest.mark.parametrize(("values", "words"), FORGED.values(), ids=FORGED)
async def test_the_database_takes_no_lifting_that_takes_no_other_person(
    office: Office, values: str, words: str
):
    """The keys and checks hold it whoever writes."""
    placed = await office.do(PlaceLegalHold)
    hold_id = placed.act_id if "lifted" in values else UUID(int=1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=words):
        await office.harness.connection.execute(
            "INSERT INTO legal_hold_fact (shard, legal_hold_id, seq, recorded_at, act_id, reason, what,"
            f" actor, placed_by, owner) SELECT 0, $1, 99, now(), gen_random_uuid(), $2, {values}",
            hold_id, ALICE,
        )  # fmt: skip


async def test_a_legal_hold_that_vanishes_is_found(office: Office, owner: Any):
    """Whoever owns the tables cannot let a customer's records go unseen."""
    await office.do(PlaceLegalHold)
    await owner.execute("UPDATE compliance.legal_hold_fact SET owner = 'C1'")
    verified = await verify_records(office.harness.connection)
    assert [each.split(": ")[1] for each in verified.examples] == ["owner on record is not what was told"]
    await owner.execute("DELETE FROM compliance.legal_hold_fact")
    verified = await verify_records(office.harness.connection)
    assert ["not on record" in each for each in verified.examples] == [True]


async def test_a_legal_hold_is_placed_and_lifted_by_http(office: Office):
    """As by the command, on the status that was seen."""
    desk = Desk(office.harness)
    placed = await desk.post("/v1/legal-holds", "investigator", owner=ALICE)
    assert (placed.status, placed.body["result"]["status"]) == (200, "placed")
    path = f"/v1/legal-holds/{placed.body['result']['legal_hold_id']}"
    assert (await desk.ask("GET", path)).headers["etag"] == '"placed"'
    assert (await desk.post(f"{path}/lifting", "approver", seen='"placed"')).status == 403, "her own"
    assert (await desk.post(f"{path}/lifting", "approver", "ben")).status == 428
    assert (await desk.post(f"{path}/lifting", "approver", "ben", seen='"placed"')).status == 200
    [row] = (await desk.ask("GET", "/v1/legal-holds", owner=ALICE)).body["items"]
    assert (row["status"], row["lifted_by"]) == ("lifted", "ben")
    assert (await desk.ask("GET", f"/v1/legal-holds/{UUID(int=1)}")).status == 404
