"""The HTTP API: nobody without a right, pages without holes, and nothing changed that was not seen."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.compliance.api import create_api
from services.compliance.api.bodies import BODY_BYTES_MAX
from services.compliance.api.rights import DECLARED, DECLARED_OF_OWN, RIGHTS
from services.compliance.api.shapes import PERSONAL, CaseShown
from shared.runtime.gateway import Gateway
from tests.compliance.api_desk import NO_ID, Desk
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, BOB, DAY, Ledger
from tests.support.asgi import ask, encoded


@pytest.fixture
def desk(harness: Harness) -> Desk:
    """Make the API."""
    return Desk(harness)


def routes(desk: Desk) -> list[tuple[str, str, dict[str, Any]]]:
    """Every method and path that the API describes."""
    return [
        (method, path, said)
        for path, methods in desk.app.openapi()["paths"].items()
        for method, said in methods.items()
    ]


def some(path: str) -> str:
    """Fill in a path's names."""
    known = {"alert_id": "0-1", "rule": "CTR-1", "owner": ALICE}
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", known.get(name, NO_ID))
    return path


async def test_whoever_is_not_known_is_refused_everywhere(desk: Desk):
    """No route is open: without a token, with another's, and where the service has no key at all."""
    for method, path, _ in routes(desk):
        bare = await ask(desk.app, method.upper(), some(path))
        assert (path, bare.status, bare.body["title"]) == (path, 401, "no_token")
        assert bare.headers["www-authenticate"] == "Bearer"
        forged = await ask(desk.app, method.upper(), some(path), headers={"Authorization": "Bearer a.b.c"})
        assert (path, forged.status, forged.body["title"]) == (path, 401, "token_refused")
    desk.tokens = None
    assert (await desk.ask("GET", "/v1/alerts")).body["title"] == "no_key"
    assert desk.published == []


async def test_every_route_asks_for_a_right_and_denies_who_lacks_it(desk: Desk):
    """A role has what is listed for it and nothing else; an unknown role has nothing."""
    for method, path, said in routes(desk):
        needed = {said[DECLARED], said.get(DECLARED_OF_OWN)}
        for role, rights in {**RIGHTS, "passer-by": frozenset[str]()}.items():
            reply = await desk.ask(method.upper(), some(path), role)
            assert (role, path, reply.status == 403) == (role, path, not needed & rights)
    assert desk.published == []


async def test_no_route_takes_a_parameter_that_it_does_not_have(desk: Desk):
    """A misspelt one would be left out, and the answer taken for what was asked; what there is, is named."""
    for method, path, said in routes(desk):
        role = next(role for role, rights in RIGHTS.items() if said[DECLARED] in rights)
        reply = await desk.ask(method.upper(), some(path), role, assigned_too="otto")
        assert (path, reply.status, reply.body["title"]) == (path, 422, "query_unknown")
        known = [each["name"] for each in said.get("parameters", ()) if each["in"] == "query"]
        words = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        assert reply.body["detail"] == f"there is no parameter 'assigned_too' here; {words}"
        assert (await desk.ask(method.upper(), some(path), "passer-by", assigned_too="otto")).status == 403
    assert desk.published == []
    reply = await desk.ask("GET", "/v1/alerts", limit=[1, 2])
    assert (reply.status, reply.body["title"]) == (422, "query_repeated")


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/cases", "/v1/whitelist", "/v1/decisions", "/v1/snoozes"])
async def test_what_no_text_can_be_is_refused_and_not_asked_for(path: str, desk: Desk):
    """PostgreSQL has no text with a null character in it."""
    reply = await desk.ask("GET", path, owner="anna\0")
    assert (reply.status, reply.body["title"]) == (422, "field_wrong")
    assert reply.body["detail"].startswith("query.owner: ")


async def test_a_case_is_asked_for_by_the_names_of_its_fields(desk: Desk):
    """What a case shows and what it is found by are one word."""
    takes = {each["name"] for each in desk.app.openapi()["paths"]["/v1/cases"]["get"]["parameters"]}
    assert takes - {"cursor", "limit"} <= CaseShown.model_fields.keys()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/alerts", {"rule": "CTR-11"}),
        ("/v1/alerts", {"order": "oldest"}),
        ("/v1/snoozed-alerts", {"rule": "XXX"}),
        ("/v1/parameters", {"rule": "XXX"}),
        ("/v1/cases", {"kind": "queue"}),
        ("/v1/cases", {"status": "new"}),
        ("/v1/holds", {"status": "waiting"}),
    ],
)
async def test_a_value_that_there_is_not_is_no_empty_page(path: str, query: dict[str, str], desk: Desk):
    """Nothing found would read as an answer; a customer or officer nobody knows has none, rightly."""
    reply = await desk.ask("GET", path, **query)
    assert (reply.status, reply.body["title"]) == (422, "field_wrong")
    assert f"query.{next(iter(query))}" in reply.body["detail"]
    assert (await desk.ask("GET", "/v1/cases", officer="nobody", owner="nobody")).body["items"] == []


async def test_a_route_that_declares_no_right_is_denied(desk: Desk):
    """Deny by default: forgetting to say it opens nothing."""
    from services.compliance.api.reading import router

    for route in router.routes:
        if getattr(route, "path", "") == "/v1/alerts":
            declared, route.openapi_extra = route.openapi_extra, None  # pyright: ignore[reportAttributeAccessIssue]
            try:
                reply = await desk.ask("GET", "/v1/alerts", "investigator")
            finally:
                route.openapi_extra = declared  # pyright: ignore[reportAttributeAccessIssue]
            assert (reply.status, reply.body["title"]) == (403, "no_right")
            return
    pytest.fail("there is no such route")


def test_no_role_both_decides_and_approves():
    """Nor does who only reads write anything."""
    for rights in RIGHTS.values():
        assert not {"investigate", "approve"} <= rights
    assert RIGHTS["auditor"] <= {"read", "read_personal"}


async def alerts(harness: Harness, ledger: Ledger, days: int) -> list[str]:
    """Let Alice bring much cash on some days."""
    found: list[str] = []
    for number in range(days):
        moved = ledger.moved("deposit", "10000.01", day=DAY + timedelta(days=number))
        found += [each.alert_id for each in await harness.take(*moved)]
    return found


async def test_pages_follow_each_other_without_a_hole(harness: Harness, desk: Desk):
    """Also while more comes in: a row is shown once, in order."""
    ledger = Ledger()
    wanted = await alerts(harness, ledger, 5)
    shown: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        reply = await desk.ask("GET", "/v1/alerts", limit=2, **cursor)
        shown += [each["alert_id"] for each in reply.body["items"]]
        if "next" not in reply.body:
            break
        cursor = {"cursor": reply.body["next"]}
    assert shown == wanted
    only = await desk.ask("GET", "/v1/alerts", rule="CTR-1", owner=BOB)
    assert only.body == {"items": []}


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        *(encoded(each) for each in (b"{}", b"[]", b'["a",1,2]', b'["2026-01-01",1,2]', b"[" * 5_000)),
    ],
    ids=lambda cursor: cursor[:12],
)
async def test_a_cursor_that_no_page_told_is_refused(desk: Desk, cursor: str):
    """It is opaque; whoever makes one up is told so."""
    reply = await desk.ask("GET", "/v1/alerts", cursor=cursor)
    assert (reply.status, reply.body["title"]) == (400, "cursor_unreadable")


async def test_what_there_is_no_route_for_is_told_by_problem_details(desk: Desk):
    """Who reads refusals by their title reads these, too."""
    for method, path, status, title in (
        ("GET", "/v1/case", 404, "no_such_route"),
        ("DELETE", "/v1/cases", 405, "method_wrong"),
    ):
        reply = await desk.ask(method, path)
        assert (reply.status, reply.body["title"]) == (status, title)
        assert reply.headers["content-type"] == "application/problem+json"
    assert "GET" in reply.headers["allow"]


async def test_a_body_beyond_all_use_is_not_read(desk: Desk):
    """It comes before anybody knows who asks; and what could not be published is no act."""
    for role in ("analyst", "passer-by"):
        reply = await desk.post("/v1/cases", role, owner=ALICE, more="x" * BODY_BYTES_MAX)
        assert (reply.status, reply.body["title"]) == (413, "body_too_large")
        assert reply.headers["content-type"] == "application/problem+json"
    assert (await desk.post("/v1/cases", "analyst", owner=ALICE)).status == 200
    assert len(desk.published) == 1


@pytest.mark.parametrize("limit", ["0", "501", "x"])
async def test_a_wrong_field_is_named_and_not_repeated(desk: Desk, limit: str):
    """Problem details, like every refusal."""
    reply = await desk.ask("GET", "/v1/alerts", limit=limit)
    assert (reply.status, reply.body["title"]) == (422, "field_wrong")
    assert reply.body["detail"].startswith("query.limit: ")
    assert reply.headers["content-type"] == "application/problem+json"
    wrong = await desk.post("/v1/cases", "analyst", owner="no code", secret_field="Otto Grimwold")
    assert wrong.status == 422
    assert "Grimwold" not in str(wrong.body)


async def test_a_case_is_worked_on_the_version_seen(harness: Harness, desk: Desk):
    """Each step needs the entity tag of the one before; two people close what is confirmed."""
    one, two = await alerts(harness, Ledger(), 2)
    opened = await desk.post("/v1/cases", "analyst", owner=ALICE, alert_ids=[one])
    assert opened.status == 200
    path = f"/v1/cases/{opened.body['result']['case_id']}"
    shown = await desk.ask("GET", path)
    assert (shown.headers["etag"], shown.body["status"], shown.body["alerts"]) == ('"1"', "open", 1)

    missing = await desk.post(f"{path}/assignment", "investigator", officer="otto")
    assert (missing.status, missing.body["title"]) == (428, "if_match_missing")
    assigned = await desk.post(f"{path}/assignment", "investigator", officer="otto", seen='"1"')
    assert (assigned.status, assigned.headers["etag"]) == (200, '"2"')
    late = await desk.post(f"{path}/assignment", "investigator", officer="lena", seen='"1"')
    assert (late.status, late.body["title"], late.body["result"]["version"]) == (412, "version_old", 2)

    steps: list[tuple[str, str, str, dict[str, Any]]] = [
        ("alerts", "analyst", "ann", {"alert_ids": [two]}),
        ("notes", "analyst", "ann", {}),
        ("evidence", "investigator", "otto", {"kind": "document", "reference": "slip.pdf"}),
        ("decision", "investigator", "otto", {"disposition": "confirmed", "report": True}),
    ]
    for version, (what, role, name, said) in enumerate(steps, start=2):
        done = await desk.post(f"{path}/{what}", role, name, seen=f'"{version}"', **said)
        assert (what, done.status, done.headers.get("etag")) == (what, 200, f'"{version + 1}"')
    own = await desk.post(f"{path}/approval", "approver", "otto", seen='"6"')
    assert (own.status, own.body["title"]) == (403, "same_person")
    returned = await desk.post(f"{path}/return", "approver", "lena", seen='"6"')
    assert returned.body["result"]["status"] == "investigating"
    again = await desk.post(
        f"{path}/decision", "investigator", "otto", seen='"7"', disposition="inconclusive"
    )
    assert again.body["result"]["status"] == "closed"
    reopened = await desk.post(f"{path}/reopening", "investigator", "lena", seen='"8"')
    assert reopened.body["result"]["version"] == 9
    found = await desk.ask("GET", "/v1/cases", status="waiting", officer="otto", kind="suspicion")
    assert [each["version"] for each in found.body["items"]] == [9]
    history = (await desk.ask("GET", path)).body["history"]
    assert [each["version"] for each in history] == list(range(1, 10))
    assert history[0]["alerts"] == [one]


async def test_a_report_is_filed_and_answered(desk: Desk):
    """On the version seen, once, and shown with the authority's reference."""
    opened = await desk.post("/v1/cases", "analyst", owner=ALICE)
    path = f"/v1/cases/{opened.body['result']['case_id']}"
    hashes = {"sha256": "0" * 64, "schema_sha256": "1" * 64}
    steps: list[tuple[str, str, str, dict[str, Any]]] = [
        ("assignment", "investigator", "otto", {"officer": "otto"}),
        ("decision", "investigator", "otto", {"disposition": "confirmed", "report": True}),
        ("approval", "approver", "lena", {}),
        ("filing", "investigator", "otto", {"form": "goaml", **hashes}),
        (
            "acknowledgement",
            "investigator",
            "otto",
            {"filing": 5, "status": "accepted", "reference": "R-1"},
        ),
    ]
    for version, (what, role, name, said) in enumerate(steps, start=1):
        done = await desk.post(f"{path}/{what}", role, name, seen=f'"{version}"', **said)
        assert (what, done.status) == (what, 200), done.body
    twice = await desk.post(f"{path}/filing", "investigator", "otto", seen='"6"', form="goaml", **hashes)
    assert (twice.status, twice.body["title"]) == (409, "already_accepted")
    wrong = await desk.post(f"{path}/filing", "investigator", seen='"6"', form="goaml", sha256="x")
    assert wrong.status == 422
    shown = (await desk.ask("GET", path)).body
    assert (shown["filing"], shown["filing_status"]) == (5, "accepted")
    filed, answered = shown["history"][-2:]
    assert (filed["form"], filed["schema_sha256"]) == ("goaml", "1" * 64)
    assert (answered["answer"], answered["reference"]) == ("accepted", "R-1")


@pytest.mark.parametrize("seen", ["1", '"', '""', '"x"', 'W/"1"', "*", '"1234567890"'])
async def test_an_entity_tag_that_was_never_given_does_not_match(desk: Desk, seen: str):
    """Nothing is done then; `*` too would overwrite what was not seen."""
    opened = await desk.post("/v1/cases", "analyst", owner=ALICE)
    path = f"/v1/cases/{opened.body['result']['case_id']}/notes"
    assert (await desk.post(path, "analyst", seen=seen)).status == 412
    assert len(desk.published) == 1


async def test_a_hold_is_decided_once_and_as_seen(harness: Harness, desk: Desk):
    """And its decision record says by whom."""
    listed = {"creditor": "Yorick Undertow"}
    await harness.take(*Ledger().moved("withdrawal", "5", cash=False, pending=True, names=listed))
    [hold] = (await desk.ask("GET", "/v1/holds", status="held")).body["items"]
    path = f"/v1/holds/{hold['instruction_id']}"
    shown = await desk.ask("GET", path)
    assert (shown.headers["etag"], shown.body["amount"]) == ('"held"', "5.00")
    stale = await desk.post(f"{path}/decision", "approver", decision="released", seen='"refused"')
    assert stale.status == 412
    done = await desk.post(f"{path}/decision", "approver", decision="refused", seen='"held"')
    assert done.body["result"]["decision"] == "refused"
    late = await desk.post(f"{path}/decision", "approver", decision="released", seen='"held"')
    assert (late.status, late.body["title"]) == (412, "version_old")
    [record] = (await desk.ask("GET", "/v1/decisions", owner=ALICE, decision="refused")).body["items"]
    assert (record["actor"], record["reason"], record["findings"][0]["rule"]) == (
        "ann",
        "looked at",
        "SAN-1",
    )
    other = await desk.post(f"{path}/decision", "approver", decision="released", owner=BOB, seen='"held"')
    assert (other.status, other.body["title"]) == (404, "no_such_hold")


async def test_a_pair_is_whitelisted_by_two_people(desk: Desk):
    """Personal data are shown to roles that may see them, and to no other."""
    pair = {"owner": ALICE, "name": "Otto Grimwold", "list_code": "DEMO", "entry_id": "DEMO-001"}
    until = str(DAY + timedelta(days=30))
    proposed = await desk.post("/v1/whitelist", "analyst", **pair, until=until, country="AT")
    assert proposed.status == 200, proposed.body
    path = f"/v1/whitelist/{proposed.body['result']['whitelisting_id']}"
    own = await desk.post(f"{path}/approval", "approver", "ann", seen='"proposed"')
    assert (own.status, own.body["title"]) == (403, "same_person")
    approved = await desk.post(f"{path}/approval", "approver", "ben", seen='"proposed"')
    assert approved.body["result"]["status"] == "approved"
    seen = await desk.ask("GET", path, "analyst")
    assert (seen.headers["etag"], seen.body["name"], seen.body["country"]) == (
        '"approved"',
        "Otto Grimwold",
        "AT",
    )
    for reply in (
        await desk.ask("GET", path, "rule_author"),
        await desk.ask("GET", "/v1/whitelist", "rule_author"),
    ):
        assert reply.status == 200
        assert "Grimwold" not in str(reply.body)
        assert "AT" not in str(reply.body).split("'")
    stale = await desk.post(f"{path}/revocation", "analyst", seen='"proposed"')
    assert stale.status == 412
    assert (await desk.post(f"{path}/revocation", "analyst", seen='"approved"')).status == 200


def test_what_officers_write_counts_as_personal():
    """They write about people. And whatever is described as personal, wherever it is shown, is left out."""
    assert {"reason", "name", "birth_date", "country", "link", "triage_reason"} <= PERSONAL
    shown = create_api(None).openapi()["components"]["schemas"].values()
    described = {
        name
        for shape in shown
        for name, told in shape.get("properties", {}).items()
        if told.get("description", "").startswith("Personal data")
    }
    assert described == PERSONAL


async def test_an_alert_is_dismissed_once(harness: Harness, desk: Desk):
    """And an act sent again with its key is done once."""
    [alert] = await alerts(harness, Ledger(), 1)
    first = await desk.post(f"/v1/alerts/{alert}/dismissal", "analyst", key=NO_ID)
    again = await desk.post(f"/v1/alerts/{alert}/dismissal", "analyst", key=NO_ID)
    assert (first.status, again.status, first.body["seq"]) == (200, 200, again.body["seq"])
    assert "reason" not in again.body
    for by, more in (("ben", {}), ("ann", {"reason": "other words"})):
        stolen = await desk.post(f"/v1/alerts/{alert}/dismissal", "analyst", by, key=NO_ID, **more)
        assert (stolen.status, stolen.body["title"]) == (409, "key_reused")
    other = await desk.post(f"/v1/alerts/{alert}/dismissal", "analyst")
    assert (other.status, other.body["title"]) == (409, "already_dismissed")
    assert (await desk.ask("GET", "/v1/alerts", new="true")).body == {"items": []}


async def test_an_act_that_nobody_answers_yet_is_accepted(desk: Desk):
    """The act stands in its topic; its answer can be asked for."""
    desk.asleep, desk.answer_seconds_max = True, 0.2
    reply = await desk.post("/v1/cases", "analyst", owner=ALICE)
    assert reply.status == 202
    where = reply.headers["location"]
    assert where == f"/v1/acts/{reply.body['act_id']}"
    assert (await desk.ask("GET", where)).body["title"] == "not_answered"
    await desk.harness.act(*desk.published)
    answered = await desk.ask("GET", where)
    assert (answered.status, answered.body["done"]) == (200, True)


GONE = {
    "/v1/alerts/9-9/dismissal": "no_such_alert",
    f"/v1/cases/{NO_ID}/notes": "no_such_case",
    f"/v1/whitelist/{NO_ID}/revocation": "no_such_whitelisting",
}


async def test_what_there_is_not_is_not_found(desk: Desk):
    """By the name of what is missing."""
    for path, title in GONE.items():
        reply = await desk.post(path, "analyst", seen='"1"')
        assert (path, reply.status, reply.body["title"]) == (path, 404, title)
    assert (await desk.ask("GET", f"/v1/cases/{NO_ID}")).body["title"] == "no_such_case"


async def test_two_owners_of_one_instruction_id_must_be_told_apart(harness: Harness, desk: Desk):
    """The id is unique at home only."""
    ledger, both = Ledger(), UUID(NO_ID)
    for owner in (ALICE, BOB):
        listed = {"creditor": "Yorick Undertow"}
        moved = ledger.moved(
            "withdrawal", "5", cash=False, pending=True, names=listed, owner=owner, instruction_id=both
        )
        await harness.take(*moved)
    reply = await desk.ask("GET", f"/v1/holds/{NO_ID}")
    assert (reply.status, reply.body["title"]) == (409, "hold_ambiguous")
    assert (await desk.ask("GET", f"/v1/holds/{NO_ID}", owner=BOB)).body["owner"] == BOB


async def test_the_description_says_what_each_answer_holds(desk: Desk):
    """For programs that are made from it."""
    said = (await desk.ask("GET", "/v1/openapi.json")).body
    page = said["paths"]["/v1/cases"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert page == {"$ref": "#/components/schemas/Page_CaseShown_"}
    assert said["paths"]["/v1/cases"]["get"]["security"] == [{"HTTPBearer": []}]


def test_a_service_with_a_weak_key_does_not_start(monkeypatch: pytest.MonkeyPatch):
    """Found before the first token, not by it."""
    from shared.runtime.errors import ConfigurationError
    from shared.runtime.settings import KafkaSettings, ServiceSettings

    monkeypatch.setenv("BACKOFFICE_API_KEY", "short")
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Gateway("compliance", ServiceSettings(), KafkaSettings())
