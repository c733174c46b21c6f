"""Rules' parameters changed by acts: by two people, from a record of the journal on, live or in shadow."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backoffice.cli.app import main
from backoffice.cli.backtest import JUDGED
from backoffice.cli.errors import CommandError
from backoffice.cli.parameters import base_of, difference, proposed_values
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.backtest import Backtest, Period
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import RuleParameter
from services.compliance.handlers.rule_changes import check_parameters
from services.compliance.queries import history
from services.compliance.queries import parameters as queries
from services.compliance.queries.verifying import verify_records
from shared.messages.acts import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, BOB, DAY, PARTITIONS, Ledger, hours
from tests.compliance.test_cutting import STEPS, deliveries_of

HOUSE_SHARD = shard_of(HOUSE, PARTITIONS)
EVER = date(1970, 1, 1)
STR_1 = {
    "band_from": "8000",
    "band_below": "10000",
    "over": "10000",
    "count": 2,
    "hours": 24,
    "weeks": 3,
    "hold_hours": 24,
}
RND_1 = {"multiple": "100", "count": 1, "days": 30}
VERSIONS: list[tuple[str, dict[str, Any]]] = [
    ("CTR-1", {"over": "3999"}),
    ("CTR-1", {}),
    ("STR-1", STR_1),
    ("PAY-1", {"over": "50", "times": 3, "times_over": "1000", "count": 3, "hold_hours": 24}),
    ("RND-1", RND_1),
    ("SAN-1", {"hold_hours": 24, "alert_at": "0.9", "hold_at": "1.0", "whitelist_days_max": 365}),
]


@dataclass
class Authors:
    """People who look after rules; Ann proposes, Ben publishes."""

    harness: Harness
    acts: int = 0

    def act(self, type_: type, actor: str, **fields: Any) -> Any:
        """Make an act with an id of its own."""
        self.acts += 1
        return type_(act_id=UUID(int=9000 + self.acts), actor=actor, reason="seen", **fields)

    async def propose(self, rule: str, values: dict[str, Any], **fields: Any) -> Any:
        """Propose a version; return the answer."""
        asked: dict[str, Any] = {"valid_from": EVER, "actor": "ann", **fields}
        act = self.act(ProposeParameters, rule=rule, values=values, **asked)
        [done] = await self.harness.act(act, shard=fields.get("shard"))
        return done

    async def publish(self, proposed: Any, *, actor: str = "ben", shadow: bool = False) -> list[Any]:
        """Publish it in every shard; return what was said."""
        act = self.act(PublishParameters, actor, proposal_id=proposed.act_id, shadow=shadow)
        return await self.harness.everywhere(act)

    async def withdraw(self, proposed: Any, actor: str = "ben") -> list[Any]:
        """Withdraw it in every shard; return what was said."""
        act = self.act(WithdrawParameters, actor, proposal_id=proposed.act_id)
        return await self.harness.everywhere(act)


@pytest.fixture
def authors(harness: Harness) -> Authors:
    """Make the people."""
    return Authors(harness)


@pytest.fixture
def ledger() -> Ledger:
    """Make a ledger."""
    return Ledger()


def refusals(said: list[Any]) -> set[str | None]:
    """Why acts were refused; None where they were done."""
    return {each.result.get("refused") for each in said if type(each).__name__ == "ActDone"}


async def test_a_version_counts_when_another_person_has_published_it(
    harness: Harness, authors: Authors, ledger: Ledger
):
    """From the next record on, in every shard, in this process and the next; and no more when withdrawn."""
    proposed = await authors.propose("CTR-1", {"over": "4999"})
    assert (proposed.done, proposed.result["version"]) == (True, 1001)
    assert kinds(await harness.take(*ledger.moved("deposit", "5000"))) == []
    said = await authors.publish(proposed)
    assert [type(each).__name__ for each in said] == ["ParametersChanged", "ActDone"] * PARTITIONS
    assert {each.shard for each in said} == set(range(PARTITIONS))
    raised = await harness.take(*ledger.moved("deposit", "5000", owner=ANNE))
    assert [(each.rule, each.findings[0].rule_version) for each in raised] == [("CTR-1", 1001)]
    await harness.restart()
    assert kinds(await harness.take(*ledger.moved("deposit", "5000", owner=BOB))) == ["CTR-1"]
    assert refusals(await authors.withdraw(proposed)) == {None}
    day = DAY + timedelta(days=1)
    assert kinds(await harness.take(*ledger.moved("deposit", "5000", owner=BOB, day=day))) == []


async def test_nobody_publishes_or_withdraws_alone(harness: Harness, authors: Authors):
    """The act is refused, and the database holds it, whatever the code does."""
    proposed = await authors.propose("CTR-1", {"over": "1"})
    assert refusals(await authors.publish(proposed, actor="ann")) == {"same_person"}
    assert refusals(await authors.publish(proposed, actor="ann", shadow=True)) == {"same_person"}
    assert refusals(await authors.publish(proposed)) == {None}
    assert refusals(await authors.withdraw(proposed, actor="ann")) == {"same_person"}
    for before, after in (("proposed", "live"), ("proposed", "shadow"), ("live", "withdrawn")):
        with pytest.raises(asyncpg.CheckViolationError, match="publishing_takes_two_people"):
            await harness.connection.execute(
                "INSERT INTO rule_change SELECT 9, 9, now(), proposal_id, $1, $2, 0, act_id, proposed_by,"
                " 'x', proposed_by FROM rule_change LIMIT 1",
                before,
                after,
            )
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="rule_change_names_its_proposal"):
        await harness.connection.execute(
            "INSERT INTO rule_change SELECT 9, 9, now(), proposal_id, 'proposed', 'live', 0, act_id, 'ann',"
            " 'x', 'cy' FROM rule_change LIMIT 1"
        )


async def test_each_step_is_taken_once_in_its_order(harness: Harness, authors: Authors):
    """Proposed, shadow, live, withdrawn: steps may be left out, but none is taken back."""
    first = await authors.propose("CTR-1", {"over": "4999"})
    second = await authors.propose("CTR-1", {"over": "5999"})
    other = await authors.propose("CTR-1", {"over": "5999"}, asset="EUR")
    steps: list[tuple[Any, str, str | None]] = [
        (first, "shadow", None),
        (first, "shadow", "already_shadow"),
        (first, "live", None),
        (first, "live", "already_live"),
        (first, "shadow", "already_live"),
        (second, "live", None),
        (first, "withdrawn", None),
        (first, "withdrawn", "already_withdrawn"),
        (first, "live", "already_withdrawn"),
        (second, "withdrawn", None),
        (other, "live", None),
    ]
    for proposed, step, refused in steps:
        if step == "withdrawn":
            said = await authors.withdraw(proposed)
        else:
            said = await authors.publish(proposed, shadow=step == "shadow")
        assert refusals(said) == {refused}, (proposed.result, step)
    third, fourth = [await authors.propose("CTR-1", {"over": "1"}) for _ in range(2)]
    assert refusals(await authors.publish(fourth)) == {None}
    assert refusals(await authors.publish(third)) == {"superseded"}
    rows = await harness.connection.fetch("SELECT shard, count(*) AS n FROM rule_change GROUP BY shard")
    assert {row["shard"]: row["n"] for row in rows} == dict.fromkeys(range(PARTITIONS), 7)


async def test_an_act_sent_twice_changes_once(harness: Harness, authors: Authors):
    """And is answered twice, the same."""
    proposed = await authors.propose("CTR-1", {"over": "4999"})
    act = authors.act(PublishParameters, "ben", proposal_id=proposed.act_id)
    once, twice = await harness.everywhere(act), await harness.everywhere(act)
    assert kinds(twice) == ["ActDone"] * PARTITIONS
    assert [each.result for each in twice] == [
        {**each.result, "repeat": True} for each in once if type(each).__name__ == "ActDone"
    ]


WRONG: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("CTR-2", {"over": "1"}, {}, "rule_unknown"),
    ("CASE", {"review_days": 1}, {}, "rule_unknown"),
    ("CTR-1", {"over": "1"}, {"shard": (HOUSE_SHARD + 1) % PARTITIONS}, "wrong_shard"),
    ("CTR-1", {"over": "1"}, {"segment": "person"}, "scope_unused"),
    ("SAN-1", {"hold_hours": 1}, {"asset": "EUR"}, "scope_unused"),
    ("CTR-1", {"over": "1"}, {"valid_from": DAY, "valid_until": DAY}, "never_valid"),
    ("CTR-1", {"under": "1"}, {}, "parameter_unknown"),
    ("CTR-1", {"over": "some"}, {}, "parameter_wrong"),
    ("CTR-1", {"over": None}, {}, "parameter_wrong"),
    ("CTR-1", {"over": "-1"}, {}, "parameter_wrong"),
    ("CTR-1", {"over": "1.5"}, {}, "parameter_wrong"),  # yen have no halves
    ("CTR-1", {"over": "1.555"}, {"asset": "EUR", "scale": 2}, "parameter_wrong"),
    ("CTR-1", {"over": "1"}, {"asset": "EUR", "scale": 19}, "parameter_wrong"),
    ("STR-1", {**STR_1, "hours": 24 * 365}, {}, "parameter_wrong"),
    ("STR-1", {**STR_1, "count": -1}, {}, "parameter_wrong"),
    ("STR-1", {**STR_1, "hold_hours": 0}, {}, "parameter_wrong"),
    ("STR-1", {**STR_1, "count": 0}, {}, "parameter_wrong"),
    ("STR-1", {**STR_1, "band_below": "7999"}, {}, "parameter_wrong"),
    ("STR-1", {**STR_1, "cooldown_days": 2}, {}, "parameter_unknown"),  # cash has none
    ("RMF-1", {"hours": [24], "percent": 101, "in_min": "5000"}, {}, "parameter_wrong"),
    ("RMF-1", {"hours": [24], "percent": 0, "in_min": "5000"}, {}, "parameter_wrong"),
    ("GEO-1", {"countries": ["ZZ"], "amount_min": "1", "percent": 1, "days": 1}, {}, "parameter_wrong"),
    ("CTR-1", {"over": 9000}, {}, "parameter_wrong"),
    ("RND-1", RND_1, {"jurisdiction": "ZZ"}, "jurisdiction_unknown"),
    ("RND-1", RND_1, {"jurisdiction": "XXX"}, "jurisdiction_unknown"),
    ("RND-1", RND_1, {"segment": "persons"}, "segment_unknown"),
    ("RND-1", RND_1, {"asset": "EURO"}, "asset_unknown"),
    ("RND-1", RND_1, {"asset": "US0378331006"}, "asset_unknown"),  # its check digit is 5
    ("RND-1", RND_1, {"asset": "EUR", "scale": 3}, "parameter_wrong"),
    ("RND-1", RND_1, {"valid_from": DAY, "valid_until": DAY - timedelta(days=1)}, "never_valid"),
    ("STR-1", {name: value for name, value in STR_1.items() if name != "hold_hours"}, {}, "parameter_wrong"),
    ("SAN-1", {}, {}, "parameter_wrong"),
    ("SAN-1", {"hold_hours": 24, "alert_at": "0.1", "hold_at": "0.2"}, {}, "parameter_wrong"),
]


@pytest.mark.parametrize(("rule", "values", "fields", "refused"), WRONG, ids=[str(each) for each in WRONG])
async def test_what_could_not_be_judged_by_is_refused_by_name(
    rule: str, values: dict[str, Any], fields: dict[str, Any], refused: str, harness: Harness
):
    """Before anybody publishes it: a version that halts the shard, or that never counts, is no version."""
    done = await Authors(harness).propose(rule, values, **fields)
    assert (done.done, done.result.get("refused")) == (False, refused), done.detail
    assert await harness.connection.fetchval("SELECT count(*) FROM rule_proposal") == 0


async def test_what_is_refused_names_the_field_and_what_it_may_be(harness: Harness):
    """Whoever proposed it by the command or by HTTP is told the same."""
    authors = Authors(harness)
    done = await authors.propose("RND-1", {**RND_1, "count": 0})
    allowed = "a whole number from 1 to 500"
    assert done.result == {"refused": "parameter_wrong", "field": "values.count", "allowed": allowed}
    assert done.detail == f"parameter_wrong: count 0 is not {allowed}"
    done = await authors.propose("RND-1", RND_1, jurisdiction="ZZ")
    assert done.result["field"] == "jurisdiction"
    assert done.detail == "jurisdiction_unknown: jurisdiction ZZ is not a country, ISO 3166-1 alpha-2"
    done = await authors.propose("RND-1", {"count": 1, "days": 30})
    assert done.detail.startswith("parameter_wrong: multiple is missing: an amount above zero")


async def test_amounts_of_an_asset_may_be_as_fine_as_it_is(authors: Authors):
    """Cents of a dollar; and a version that comes for one asset only."""
    done = await authors.propose("CTR-1", {"over": "9999.99"}, asset="USD", scale=2)
    assert done.done


async def test_nobody_publishes_what_nobody_has_proposed(harness: Harness, authors: Authors):
    """Nor withdraws it."""
    proposed = await authors.propose("CTR-2", {})
    assert refusals(await authors.publish(proposed)) == {"no_such_proposal"}
    assert refusals(await authors.withdraw(proposed)) == {"no_such_proposal"}


@pytest.mark.parametrize("row", RULE_PARAMETERS, ids=lambda row: f"{row.rule} {row.asset} {row.version}")
def test_what_comes_with_the_product_could_be_proposed(row: Any) -> None:
    """For any asset, in whole units; so that a proposal may begin from it."""
    check_parameters(row, 0)


async def test_days_and_closeness_decide_among_versions_as_ever(
    harness: Harness, authors: Authors, ledger: Ledger
):
    """From its first day to the day before its last, for its asset alone, and off where it has no values."""
    until = DAY + timedelta(days=1)
    proposed = await authors.propose(
        "CTR-1", {"over": "50"}, asset="USD", scale=2, valid_from=DAY, valid_until=until
    )
    await authors.publish(proposed)
    for day, asset, found in (
        (DAY - timedelta(days=1), "USD", []),
        (DAY, "USD", ["CTR-1"]),
        (DAY, "EUR", []),
        (until, "USD", []),
    ):
        made = ledger.moved("deposit", "100", day=day, asset=asset)
        assert kinds(await harness.take(*made)) == found, (day, asset)
    await authors.publish(await authors.propose("CTR-1", {}))
    for asset, found in (("EUR", []), ("USD", []), ("JPY", ["CTR-1"])):
        made = ledger.moved("deposit", "2000001", owner=ANNE, asset=asset, scale=0, day=until)
        assert kinds(await harness.take(*made)) == found, asset


async def test_a_shadow_keeps_what_it_finds_and_neither_holds_nor_alerts(
    harness: Harness, ledger: Ledger, authors: Authors
):
    """Banknotes, windows and names alike; what would have been held is told apart."""
    for rule, values in VERSIONS:
        if values:
            assert refusals(await authors.publish(await authors.propose(rule, values), shadow=True)) == {None}
    quiet = await harness.take(
        *ledger.moved("deposit", "9000"),
        *ledger.moved("withdrawal", "8500", pending=True),
        *ledger.moved("transfer", "80", owner=BOB, other=ANNE, cash=False, pending=True),
    )
    assert kinds(quiet) == ["cleared", "cleared"]
    rows = await harness.connection.fetch("SELECT shard, owner, rule, would_hold FROM shadow_finding")
    assert {tuple(row) for row in rows} == {
        (0, ALICE, "CTR-1", False),
        (0, ALICE, "STR-1", True),
        (0, ALICE, "RND-1", False),
        (1, BOB, "PAY-1", True),
    }


async def test_what_goes_live_judges_with_the_history_it_had(
    harness: Harness, live: Harness, ledger: Ledger, authors: Authors
):
    """Windows and banknotes were kept all along: the first record after it completes a pattern."""
    band = {"band_from": "100", "band_below": "200", "payers": 3, "days": 4}
    proposed = await authors.propose("STR-2", band, asset="USD", scale=2)
    for number, payer in enumerate(("one", "two")):
        made = ledger.moved("transfer", "150", owner=payer, other=ALICE, cash=False, at=hours(number))
        assert kinds(await live.take(*made)) == []
    await authors.publish(proposed, shadow=True)
    await live.restart()
    await authors.publish(proposed)
    made = ledger.moved("transfer", "150", owner="three", other=ALICE, cash=False, at=hours(3))
    [alert] = await live.take(*made)
    assert (alert.rule, alert.findings[0].values["count"]) == ("STR-2", 3)


STEP = st.sampled_from(["live", "shadow", "withdraw"])
PLANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), STEP), min_size=1, max_size=6)
CHANGING = ("ActDone", "ParametersChanged")


async def play(
    harness: Harness, made: list[Any], acts: dict[int, list[Any]], cuts: set[int], restarts: set[int]
) -> dict[str, Any]:
    """Take deliveries in batches, with acts before some of them; return what was found."""
    batch: list[Any] = []
    pending: list[Any] = []

    async def flush() -> None:
        """Take what was gathered."""
        for act in pending[:-1]:
            await harness.everywhere(act)
        if pending:
            await harness.everywhere(pending[-1], *batch)
        elif batch:
            await harness.take(*batch)
        batch.clear()
        pending.clear()

    for number, each in enumerate(made):
        if number in cuts or number in acts:
            await flush()
            if number in restarts:
                await harness.restart()
        pending += acts.get(number, [])
        batch.append(each)
    await flush()
    left_out = {"recorded_at", "seq", "alert_id"}
    told: dict[int, list[Any]] = {}
    for event in harness.published:
        if type(event).__name__ not in CHANGING:
            told.setdefault(event.shard, []).append(event.model_dump(exclude=left_out))
    shadows = await harness.connection.fetch(
        "SELECT shard, proposal_id, owner, rule, business_date, subject, would_hold, findings, about_shard,"
        " about_seq FROM shadow_finding ORDER BY 1, 2, 3, 5, 6, 7"
    )
    return {"told": told, "shadows": [tuple(row) for row in shadows]}


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=STEPS,
    chosen=st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=3),
    plan=PLANS,
    cuts=st.sets(st.integers(1, 40)),
    restarts=st.sets(st.integers(1, 40)),
)
async def test_any_cutting_crash_and_rebuild_judge_each_record_by_the_same_version(
    live: Harness,
    owner: Any,
    steps: list[tuple[Any, ...]],
    chosen: list[tuple[str, dict[str, Any]]],
    plan: list[tuple[int, int, str]],
    cuts: set[int],
    restarts: set[int],
):
    """A change counts from its record on, not from a batch; also where all is judged again."""
    made = deliveries_of(steps)
    outcomes: list[dict[str, Any]] = []
    everything = set(range(len(made)))
    for where, again, is_rebuild in (
        (everything, set[int](), False),
        (cuts, restarts, False),
        (cuts, restarts, True),
        (set[int](), set[int](), True),
    ):
        acts_too = ", compliance.rule_proposal, compliance.rule_change, compliance.act_answer"
        await owner.execute(
            "TRUNCATE compliance.cash_event, compliance.decision, compliance.hold, compliance.alert,"
            " compliance.alert_pile,"
            " compliance.window_batch, compliance.window_state, compliance.window_checkpoint,"
            " compliance.event_chain, compliance.outbox, compliance.position, compliance.shadow_finding"
            f"{'' if is_rebuild else acts_too} CASCADE"
        )
        live.__init__(live.database, live.connection)
        await live.begin()
        acts: dict[int, list[Any]] = {}
        if not is_rebuild:
            authors = Authors(live)
            proposed = [await authors.propose(rule, values) for rule, values in chosen]
            for place, number, step in sorted(plan):
                proposal_id = proposed[number % len(proposed)].act_id
                act = (
                    authors.act(WithdrawParameters, "ben", proposal_id=proposal_id)
                    if step == "withdraw"
                    else authors.act(
                        PublishParameters, "ben", proposal_id=proposal_id, shadow=step == "shadow"
                    )
                )
                acts.setdefault(place, []).append(act)
        outcomes.append(await play(live, made, acts, where, again))
    one_by_one, cut, rebuilt, at_once = outcomes
    assert cut == one_by_one
    assert rebuilt == one_by_one
    assert at_once == one_by_one


# ── What people are shown ─────────────────────────────────────────────────────────────────────────


async def test_what_became_of_a_version_is_told_by_shard_and_in_a_word(harness: Harness, authors: Authors):
    """`mixed` while an act has not reached every shard; and from which record on, in each."""
    proposed = await authors.propose("CTR-1", {"over": "4999"})
    [row] = await queries.proposals_list(harness.connection, "CTR-1")
    assert (row["status"], row["shards"], row["proposed_by"]) == ("proposed", {}, "ann")
    act = authors.act(PublishParameters, "ben", proposal_id=proposed.act_id)
    await harness.act(act, shard=1)
    [row] = await queries.proposals_list(harness.connection)
    assert (row["status"], row["shards"]) == ("mixed", {"1": "live"})
    await authors.publish(proposed)
    [row] = await queries.proposals_list(harness.connection, None, proposed.act_id)
    assert row["status"] == "live"
    standing = await queries.standing_rows(harness.connection)
    assert [each.version for each in standing if each.rule == "CTR-1" and each.asset == "*"] == [1, 1001]
    await authors.withdraw(proposed)
    steps = await queries.steps_list(harness.connection, "CTR-1")
    assert [(each["step"], each["actor"], each["journal_offsets"]) for each in steps] == [
        ("proposed", "ann", {}),
        ("live", "ben", {str(shard): 0 for shard in range(PARTITIONS)}),
        ("withdrawn", "ben", {str(shard): 0 for shard in range(PARTITIONS)}),
    ]


async def test_findings_of_a_shadow_are_compared_with_what_is_live(
    harness: Harness, authors: Authors, ledger: Ledger
):
    """By owner and day: what the live rule alerted of or held, too, and what it did not."""
    proposed = await authors.propose("STR-1", {**STR_1, "count": 2})
    await authors.publish(proposed, shadow=True)
    for owner, count in ((ALICE, 2), (ANNE, 3), (BOB, 1)):
        for _ in range(count):
            await harness.take(*ledger.moved("withdrawal", "2000", owner=owner, pending=True))
            await harness.take(*ledger.moved("withdrawal", "8500", owner=owner, pending=True))
    rows = await queries.shadow_findings(harness.connection, proposed.act_id)
    assert [(each["owner"], each["would_hold"], each["is_live"]) for each in rows] == [
        (owner, True, True) for owner in sorted((ALICE, ANNE, BOB))
    ]
    assert await queries.shadow_findings(harness.connection, proposed.act_id, None, DAY) == []
    assert await queries.shadow_findings(harness.connection, proposed.act_id, DAY) == rows


async def test_a_proposed_version_is_tested_on_what_has_happened(live: Harness, ledger: Ledger):
    """As it would stand beside what is live, by its id."""
    authors = Authors(live)
    for owner, amount in ((ALICE, "10001"), (ANNE, "5000"), (BOB, "4000")):
        await live.take(*ledger.moved("deposit", amount, owner=owner))
    proposed = await authors.propose("CTR-1", {"over": "4999"})
    [row] = await queries.proposals_list(live.connection, "CTR-1", proposed.act_id)
    rows = await queries.standing_rows(live.connection)
    test = Backtest(
        JUDGED["CTR-1"], ParameterBook(rows), ParameterBook([*rows, queries.parameter_of(row)]), Period()
    )
    async with live.connection.transaction():
        await history.replay(live.connection, test, lambda read: None)
    assert (test.by_stands, test.by_changed) == ({(ALICE, DAY)}, {(ALICE, DAY), (ANNE, DAY)})


BASE = RuleParameter("STR-1", 1, "*", STR_1, EVER, None, "law")


def test_what_is_not_set_stays_as_it_is() -> None:
    """And what is set is of the kind that it was: text for amounts, whole numbers, lists."""
    assert proposed_values(BASE, ["count=3", "over=9000"]) == {**STR_1, "count": 3, "over": "9000"}
    assert proposed_values(None, ["days=[1, 2]", "over=9000.50", "count=3"]) == {
        "days": [1, 2],
        "over": "9000.50",
        "count": 3,
    }
    for wrong in (["count"], ["=3"], ["count=three"]):
        with pytest.raises(CommandError):
            proposed_values(BASE, wrong)


def test_a_publisher_is_told_what_a_version_changes() -> None:
    """In words, against what counts there now."""
    changed = replace(BASE, version=1001, values={**STR_1, "count": 3, "hours": 48})
    assert difference(BASE, changed) == "count 2 → 3, hours 24 → 48"
    assert difference(BASE, BASE) == "nothing is otherwise"
    assert difference(BASE, replace(BASE, values={})) == "the rule is off there"
    assert difference(None, BASE) == "the rule is in force there, and was not"


def test_a_proposal_begins_from_what_counts_on_its_first_day() -> None:
    """Of its scope, and not of another; today where it has none."""
    until = date(2020, 1, 1)
    old = replace(BASE, valid_until=until)
    new = replace(BASE, version=2, valid_from=until)
    euro = replace(new, asset="EUR")
    scope = replace(BASE, version=0, values={})
    assert base_of([old, new, euro], scope) is new
    assert base_of([old, new, euro], replace(scope, asset="EUR")) is euro
    assert base_of([old, new, euro], replace(scope, valid_from=date(2019, 1, 1))) is old
    assert base_of([], scope) is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("list", "--rule", "CTR-2"), "rule_unknown"),
        (("list", "--status", "dead"), "usage"),
        (("show", "CTR-2"), "rule_unknown"),
        (("propose", "CTR-1", "--reason", "x"), "usage"),
        (("propose", "CTR-1", "--reason", "x", "--off", "--set", "over=1"), "usage"),
        (("propose", "CTR-1", "--reason", "x", "--set", "over=1", "--valid-from", "soon"), "date_wrong"),
    ],
    ids=str,
)
def test_a_command_typed_wrongly_says_what_to_type(
    words: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, before anything is reached."""
    assert main(["compliance", "parameters", *words, "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["error"] == error


async def test_a_change_on_record_is_what_was_told(harness: Harness, authors: Authors, owner: Any):
    """Whoever owns the tables cannot move a change to another record, or to another person, unseen."""
    await authors.publish(await authors.propose("CTR-1", {"over": "4999"}))
    async with harness.connection.transaction():
        verified = await verify_records(harness.connection)
    assert (verified.differences, verified.changes) == (0, PARTITIONS)
    await owner.execute("UPDATE compliance.rule_change SET journal_offset = 7 WHERE shard = 0")
    await owner.execute("UPDATE compliance.rule_change SET actor = 'cy' WHERE shard = 1")
    verified = await verify_records(harness.connection)
    assert [each.split(": ")[1] for each in verified.examples] == [
        "journal_offset on record is not what was told",
        "actor on record is not what was told",
    ]
