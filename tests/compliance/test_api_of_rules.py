"""By HTTP: rules' parameters, ratings, roles and lists; two officers never overwrite each other."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.messages.acts import PublishParameters, RevokeRole, WithdrawParameters
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.compliance.api_desk import NO_ID, Desk
from tests.compliance.conftest import Harness, kinds
from tests.compliance.ledger import ALICE, ANNE, DAY, PARTITIONS, Ledger
from tests.support.asgi import Reply

HOUSE_SHARD = shard_of(HOUSE, PARTITIONS)
OTHER_SHARD = (HOUSE_SHARD + 1) % PARTITIONS


@pytest.fixture
def desk(harness: Harness) -> Desk:
    """Make the API."""
    return Desk(harness)


async def proposed(desk: Desk, by: str = "rita", **values: str) -> str:
    """Propose another limit of CTR-1; return where the version is."""
    reply = await desk.post(
        "/v1/parameters", "rule_author", by, rule="CTR-1", values=values or {"over": "4999"}
    )
    assert (reply.status, reply.body["result"]["status"]) == (200, "proposed"), reply.body
    return f"/v1/parameters/{reply.body['result']['proposal_id']}"


async def publish(desk: Desk, path: str, seen: str = '"proposed"', **more: Any) -> Reply:
    """Publish as Paul, unless somebody else is named."""
    said: dict[str, Any] = {"role": "rule_publisher", "by": "paul", **more}
    return await desk.post(f"{path}/publication", seen=seen, **said)


async def test_a_version_is_proposed_watched_published_and_withdrawn(harness: Harness, desk: Desk):
    """By two people, in every shard, each step on the status seen; the history tells all of it."""
    path = await proposed(desk)
    own = await publish(desk, path, by="rita")
    assert (own.status, own.body["title"]) == (403, "same_person")
    assert (await publish(desk, path, shadow=True)).body["result"]["status"] == "shadow"
    ledger = Ledger()
    assert kinds(await harness.take(*ledger.moved("deposit", "5000", owner=ALICE))) == []
    report = await desk.ask("GET", f"{path}/shadow-report", "rule_author")
    assert (report.body["findings"], report.body["live_too"]) == (1, 0)
    [finding] = (await desk.ask("GET", f"{path}/shadow-findings", limit=1)).body["items"]
    assert (finding["owner"], finding["business_date"], finding["is_live"]) == (ALICE, str(DAY), False)

    shown = await desk.ask("GET", path)
    assert (shown.headers["etag"], shown.body["proposed_by"]) == ('"shadow"', "rita")
    assert shown.body["shards"] == {str(shard): "shadow" for shard in range(PARTITIONS)}
    live = await publish(desk, path, seen='"shadow"')
    assert (live.status, live.body["result"]["status"], live.body["shard"]) == (200, "live", HOUSE_SHARD)
    assert kinds(await harness.take(*ledger.moved("deposit", "5000", owner=ANNE))) == ["CTR-1"]
    withdrawn = await desk.post(f"{path}/withdrawal", "rule_publisher", "paul", seen='"live"')
    assert withdrawn.body["result"]["status"] == "withdrawn"

    steps: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while not steps or cursor:
        reply = await desk.ask("GET", "/v1/rules/CTR-1/history", limit=1, **cursor)
        steps += reply.body["items"]
        cursor = {"cursor": reply.body["next"]} if reply.body.get("next") else {}
    assert [(each["step"], each["actor"]) for each in steps] == [
        ("proposed", "rita"),
        ("shadow", "paul"),
        ("live", "paul"),
        ("withdrawn", "paul"),
    ]
    assert steps[0]["reason"] == "looked at", "who looks after rules sees why"


async def test_an_author_takes_back_what_is_not_live_and_nobody_elses(desk: Desk):
    """And a publisher rejects it by the same request."""
    path = await proposed(desk)
    other = await desk.post(f"{path}/withdrawal", "rule_author", "rose", seen='"proposed"')
    assert (other.status, other.body["title"]) == (403, "no_right")
    own = await desk.post(f"{path}/withdrawal", "rule_author", "rita", seen='"proposed"')
    assert (own.status, own.body["result"]["status"]) == (200, "withdrawn")
    second = await proposed(desk)
    rejected = await desk.post(f"{second}/withdrawal", "rule_publisher", "paul", seen='"proposed"')
    assert (rejected.status, rejected.body["result"]["status"]) == (200, "withdrawn")
    third = await proposed(desk)
    assert (await publish(desk, third)).status == 200
    live = await desk.post(f"{third}/withdrawal", "rule_author", "rita", seen='"live"')
    assert (live.status, live.body["title"]) == (403, "same_person")


async def test_of_two_officers_at_one_version_the_second_is_told_to_look_again(harness: Harness, desk: Desk):
    """Though both were let in by what they had seen: the house's shard judges it, and no other is asked."""
    path = await proposed(desk)
    assert (await desk.post(f"{path}/withdrawal", "rule_publisher", "paul")).body[
        "title"
    ] == "if_match_missing"
    proposal_id = path.rsplit("/", 1)[1]
    raced = False

    async def overtaken() -> None:
        """Let Pia publish between the look and the act."""
        nonlocal raced
        if not raced:
            raced = True
            assert (await publish(desk, path, by="pia")).status == 200

    desk.before = overtaken
    late = await desk.post(f"{path}/withdrawal", "rule_publisher", "paul", seen='"proposed"')
    assert (late.status, late.body["title"], late.body["result"]["status"]) == (412, "version_old", "live")
    assert late.body["fix"].startswith("GET it again")
    asked = [each for each in desk.published if isinstance(each, WithdrawParameters)]
    assert [(str(each.proposal_id), each.seen) for each in asked] == [(proposal_id, "proposed")]
    rows = await harness.connection.fetch("SELECT DISTINCT after FROM rule_change")
    assert [row["after"] for row in rows] == ["live"]


async def test_what_was_cut_off_is_done_again_and_what_reached_a_shard_stays(harness: Harness, desk: Desk):
    """Whoever finds shards that differ says so in If-Match; with the same key nothing is done twice."""
    path = await proposed(desk)
    proposal_id = UUID(path.rsplit("/", 1)[1])
    act = PublishParameters(actor="paul", reason="looked at", proposal_id=proposal_id, act_id=UUID(NO_ID))
    await harness.act(act, shard=OTHER_SHARD)
    assert (await desk.ask("GET", path)).headers["etag"] == '"mixed"'
    again = await publish(desk, path, seen='"mixed"', key=NO_ID)
    assert again.status == 200
    assert (await desk.ask("GET", path)).body["status"] == "live"
    twice = await publish(desk, path, seen='"live"', key=NO_ID)
    assert (twice.status, twice.body["seq"]) == (200, again.body["seq"])
    other = await publish(desk, path, seen='"live"')
    assert (other.status, other.body["title"]) == (409, "already_live")


async def test_where_the_house_does_not_answer_no_other_shard_is_asked(desk: Desk):
    """So that nothing counts in some shards that the house refuses later."""
    path = await proposed(desk)
    desk.asleep, desk.answer_seconds_max, desk.published = True, 0.1, []
    reply = await publish(desk, path)
    assert (reply.status, reply.body["title"]) == (504, "unanswered")
    assert [each.act_id for each in desk.published] == [each.act_id for each in desk.published[:1]]
    assert str(desk.published[0].act_id) == reply.body["result"]["act_id"]
    desk.asleep, desk.answer_seconds_max = False, 10.0
    done = await publish(desk, path, key=reply.body["result"]["act_id"])
    assert done.status == 200


RND_1 = {"multiple": "1000", "count": 3, "days": 30}
WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "rule": ({"rule": "XYZ-1", "values": {}}, 422, "rule_unknown"),
    "parameter": ({"rule": "CTR-1", "values": {"ovr": "1"}}, 422, "parameter_unknown"),
    "value": ({"rule": "CTR-1", "values": {"over": "much"}}, 422, "parameter_wrong"),
    "scope": ({"rule": "CTR-1", "segment": "person", "values": {"over": "1"}}, 422, "scope_unused"),
    "country": ({"rule": "RND-1", "jurisdiction": "ZZ", "values": RND_1}, 422, "jurisdiction_unknown"),
    "kind of party": ({"rule": "RND-1", "segment": "firm", "values": RND_1}, 422, "segment_unknown"),
    "asset": ({"rule": "RND-1", "asset": "EURO", "values": RND_1}, 422, "asset_unknown"),
    "count": ({"rule": "RND-1", "values": {**RND_1, "count": 0}}, 422, "parameter_wrong"),
    "time": (
        {"rule": "CTR-1", "values": {}, "valid_from": "2026-03-02", "valid_until": "2026-03-01"},
        422,
        "never_valid",
    ),
    "field": ({"rule": "CTR-1", "values": {}, "version": 7}, 422, "field_wrong"),
}


@pytest.mark.parametrize(("body", "status", "title"), WRONG.values(), ids=WRONG)
async def test_a_version_that_could_not_be_judged_by_is_refused(
    body: dict[str, Any], status: int, title: str, desk: Desk
):
    """By name, before it counts anywhere."""
    reply = await desk.post("/v1/parameters", "rule_author", **body)
    assert (reply.status, reply.body["title"]) == (status, title)
    assert (await desk.ask("GET", "/v1/parameters", status="proposed")).body == {"items": []}


async def test_versions_of_the_product_and_of_people_are_listed_in_pages(desk: Desk):
    """In the order of rule and number, each once."""
    await proposed(desk)
    await proposed(desk, over="5999")
    everything = (await desk.ask("GET", "/v1/parameters", limit=500)).body["items"]
    shown: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while not shown or cursor:
        reply = await desk.ask("GET", "/v1/parameters", limit=2, **cursor)
        shown += reply.body["items"]
        cursor = {"cursor": reply.body["next"]} if "next" in reply.body else {}
    assert shown == everything
    assert sorted({each["status"] for each in shown}) == ["product", "proposed"]
    mine = (await desk.ask("GET", "/v1/parameters", rule="CTR-1", status="proposed")).body["items"]
    assert [(each["version"], each["values"]) for each in mine] == [
        (1001, {"over": "4999"}),
        (1002, {"over": "5999"}),
    ]


async def test_a_customer_is_rated_on_the_rating_seen(desk: Desk):
    """A higher class at once, a lower one by two people, and neither on what somebody has changed since."""
    path = f"/v1/ratings/{ALICE}"
    before = await desk.ask("GET", path)
    assert (before.headers["etag"], before.body["risk_class"]) == ('"0"', "medium")
    rating: dict[str, Any] = {"owner": ALICE, "risk_class": "high"}
    assert (await desk.post("/v1/ratings", "investigator", **rating)).body["title"] == "if_match_missing"
    raised = await desk.post("/v1/ratings", "investigator", "otto", **rating, seen='"0"')
    assert (raised.status, raised.headers["etag"]) == (200, '"1"')
    rating["risk_class"] = "low"
    late = await desk.post("/v1/ratings", "investigator", "lena", **rating, seen='"0"')
    assert (late.status, late.body["title"], late.body["result"]["version"]) == (412, "version_old", 1)

    lower = await desk.post("/v1/ratings", "investigator", "otto", **rating, seen='"1"')
    assert lower.body["result"]["status"] == "proposed"
    where = f"/v1/rating-proposals/{lower.body['result']['rating_id']}"
    [waiting] = (await desk.ask("GET", "/v1/rating-proposals")).body["items"]
    assert (waiting["owner"], waiting["risk_class"], waiting["proposed_by"]) == (ALICE, "low", "otto")
    own = await desk.post(f"{where}/approval", "approver", "otto", seen='"proposed"')
    assert (own.status, own.body["title"]) == (403, "same_person")
    assert (await desk.post(f"{where}/approval", "approver", "ben", seen='"proposed"')).status == 200
    assert (await desk.ask("GET", where)).headers["etag"] == '"approved"'
    again = await desk.post(f"{where}/approval", "approver", "ben", seen='"proposed"')
    assert again.status == 412
    after = await desk.ask("GET", path)
    assert [(each["version"], each["risk_class"]) for each in after.body["history"]] == [
        (1, "high"),
        (2, "low"),
    ]
    assert after.body["history"][1]["reason"] == "looked at"
    for reply in (
        await desk.ask("GET", path, "rule_author"),
        await desk.ask("GET", "/v1/ratings", "rule_author", history="true"),
    ):
        assert "looked at" not in str(reply.body), "why is about a person"


async def test_a_proposal_that_a_rating_came_before_counts_no_more(desk: Desk):
    """It is shown as superseded, and its tag says so."""
    rating: dict[str, Any] = {"owner": ALICE, "risk_class": "low"}
    lower = await desk.post("/v1/ratings", "investigator", "otto", **rating, seen='"0"')
    where = f"/v1/rating-proposals/{lower.body['result']['rating_id']}"
    rating["risk_class"] = "high"
    assert (await desk.post("/v1/ratings", "investigator", "lena", **rating, seen='"0"')).status == 200
    assert (await desk.ask("GET", where)).headers["etag"] == '"superseded"'
    late = await desk.post(f"{where}/approval", "approver", "ben", seen='"superseded"')
    assert (late.status, late.body["title"]) == (409, "rating_changed")
    assert (await desk.ask("GET", "/v1/rating-proposals")).body == {"items": []}


async def test_ratings_come_in_pages(desk: Desk):
    """By shard and owner, each once."""
    for owner in (ALICE, ANNE):
        for risk_class, version in (("high", 0),):
            rating = {"owner": owner, "risk_class": risk_class}
            await desk.post("/v1/ratings", "investigator", **rating, seen=f'"{version}"')
    first = (await desk.ask("GET", "/v1/ratings", limit=1)).body
    second = (await desk.ask("GET", "/v1/ratings", limit=1, cursor=first["next"])).body
    assert {each["owner"] for each in (*first["items"], *second["items"])} == {ALICE, ANNE}
    assert "next" not in second
    slash = await desk.ask("GET", "/v1/ratings/IBAN:1/2")
    assert (slash.status, slash.body["owner"]) == (200, "IBAN:1/2")


async def offered(desk: Desk, officer: str, name: str, proposer: str) -> Reply:
    """Propose to give an officer a role, from the day before on."""
    said = {"officer": officer, "role": name, "since": str(DAY - timedelta(days=1)), "reason": "hired"}
    return await desk.ask("POST", "/v1/roles", "administrator", proposer, body=said)


async def role(desk: Desk, officer: str, name: str, proposer: str = "ada", approver: str = "abe") -> str:
    """Give an officer a role; return where the grant is."""
    reply = await offered(desk, officer, name, proposer)
    assert reply.status == 200, reply.body
    path = f"/v1/roles/{reply.body['result']['grant_id']}"
    done = await desk.post(f"{path}/approval", "administrator", approver, seen='"proposed"')
    assert (done.status, done.body["result"]["status"]) == (200, "approved"), done.body
    return path


async def test_roles_are_given_by_two_administrators_and_kept_from_then_on(desk: Desk):
    """In every shard; whoever has a token's role, but none in compliance, is refused by the writer."""
    await role(desk, "ada", "administrator", "x", "y")
    await role(desk, "abe", "administrator", "x", "y")
    path = await role(desk, "ann", "analyst")
    listed = (await desk.ask("GET", "/v1/roles", "administrator")).body["items"]
    assert [(each["officer"], each["status"], each["approved_by"]) for each in listed] == [
        ("ada", "approved", "y"),
        ("abe", "approved", "y"),
        ("ann", "approved", "abe"),
    ]
    pages = (await desk.ask("GET", "/v1/roles", limit=2)).body
    rest = (await desk.ask("GET", "/v1/roles", limit=2, cursor=pages["next"])).body
    assert [*pages["items"], *rest["items"]] == listed
    assert (await desk.ask("GET", "/v1/roles", of="ann")).body["items"] == listed[2:]
    case = {"owner": ALICE}
    assert (await desk.post("/v1/cases", "analyst", "ann", **case)).status == 200
    stranger = await desk.post("/v1/cases", "analyst", "newt", **case)
    assert (stranger.status, stranger.body["title"]) == (403, "no_right")
    own = await offered(desk, "ada", "analyst", "ada")
    assert (own.status, own.body["title"]) == (403, "own_role")

    late = await desk.post(f"{path}/revocation", "administrator", "abe", seen='"proposed"')
    assert (late.status, late.body["title"]) == (412, "version_old")
    taken = await desk.post(f"{path}/revocation", "administrator", "abe", seen='"approved"')
    assert taken.body["result"]["status"] == "revoked"
    assert (await desk.ask("GET", path)).headers["etag"] == '"revoked"'
    assert (await desk.post("/v1/cases", "analyst", "ann", **case)).status == 403


async def test_a_role_is_not_taken_by_who_has_only_seen_it_proposed(desk: Desk):
    """Between the look and the act it was given: the house's shard says so, and it stays."""
    await role(desk, "ada", "administrator", "x", "y")
    await role(desk, "abe", "administrator", "x", "y")
    reply = await offered(desk, "ann", "analyst", "ada")
    path = f"/v1/roles/{reply.body['result']['grant_id']}"
    raced = False

    async def overtaken() -> None:
        """Let Abe approve between the look and the act."""
        nonlocal raced
        if not raced:
            raced = True
            done = await desk.post(f"{path}/approval", "administrator", "abe", seen='"proposed"')
            assert done.status == 200

    desk.before = overtaken
    late = await desk.post(f"{path}/revocation", "administrator", "ada", seen='"proposed"')
    assert (late.status, late.body["title"]) == (412, "version_old")
    asked = [each for each in desk.published if isinstance(each, RevokeRole)]
    assert len(asked) == 1, "no other shard was asked"
    assert (await desk.ask("GET", path)).body["status"] == "approved"


async def test_lists_are_shown_with_their_age(harness: Harness, desk: Desk):
    """Which shards screen against which version, and since when it was not read again."""
    [demo] = (await desk.ask("GET", "/v1/lists", "rule_author")).body["items"]
    assert (demo["list_code"], demo["complete"], demo["active_shards"]) == ("DEMO", True, [0, 1, 2, 3])
    assert "outdated" not in demo
    assert (await desk.ask("GET", "/v1/lists", code="OFAC")).body == {"items": []}
    await harness.connection.execute(
        "INSERT INTO list_outdated (shard, seq, recorded_at, list_code, version, checked_seq, checked_at,"
        " days, days_max) SELECT 1, 99, now(), list_code, version, seq, recorded_at, 9, 7"
        " FROM list_activation WHERE shard = 1"
    )
    [old] = (await desk.ask("GET", "/v1/lists", active="true")).body["items"]
    assert old["outdated"] == {"days_max": 7, "shards": [1]}
    assert (await desk.ask("GET", "/v1/list-refusals")).body == {"items": []}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/v1/docs", "/openapi.json"])
async def test_the_description_is_served_alone(desk: Desk, path: str):
    """No page that would load scripts from elsewhere: it works where there is no way out."""
    assert (await desk.ask("GET", path)).status == 404


GONE = {
    f"/v1/parameters/{NO_ID}/publication": ("rule_publisher", "no_such_proposal"),
    f"/v1/parameters/{NO_ID}/withdrawal": ("rule_author", "no_such_proposal"),
    f"/v1/rating-proposals/{NO_ID}/approval": ("approver", "no_such_rating"),
    f"/v1/roles/{NO_ID}/approval": ("administrator", "no_such_grant"),
    f"/v1/roles/{NO_ID}/revocation": ("administrator", "no_such_grant"),
}


@pytest.mark.parametrize(("path", "asked"), GONE.items(), ids=GONE)
async def test_what_there_is_not_is_not_found(desk: Desk, path: str, asked: tuple[str, str]):
    """By the name of what is missing."""
    reply = await desk.post(path, asked[0], seen='"proposed"')
    assert (reply.status, reply.body["title"]) == (404, asked[1])
    assert desk.published == []
    assert (await desk.ask("GET", "/v1/rules/XYZ-1/history")).body["title"] == "no_such_rule"
