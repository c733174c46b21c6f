"""The commands against the whole stack, as a person types them: one day, one test, since a start is dear."""

import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import backoffice as backoffice_package
from tests.command.ring import go_round
from tests.command.worked_case import follow_the_guide
from tests.compliance.test_filing import SAR, SCHEMAS

OWNER = "C000123"
ACCOUNT = f"{OWNER}-EUR"
WARNING = 'backoffice_state{name="warning_list_refused",service="compliance"} 1.0'


def until(ask: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Ask until it is so, for a minute at most; return the last answer."""
    for _ in range(120):
        if is_so(found := ask()):
            return found
        time.sleep(0.5)
    raise AssertionError("it did not become so in a minute")


def line(kind: str, *, instruction_id: str | None = None, owner: str = OWNER, **fields: Any) -> str:
    """Spell an instruction."""
    identity = instruction_id or str(uuid.uuid4())
    return json.dumps({"type": kind, "instruction_id": identity, "owner": owner, **fields})


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Everything up in a folder of its own, and down again."""
    monkeypatch.setenv("BACKOFFICE_API_KEY", secrets.token_hex(32))
    data = tmp_path / ".backoffice"
    command = [sys.executable, "-m", "backoffice"]
    environment = {**os.environ, "PYTHONPATH": str(Path(backoffice_package.__file__).parents[1])}
    started = subprocess.run(
        [*command, "up", "--data", data, "--detach"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    yield data
    stopped = subprocess.run([*command, "down", "--data", data], env=environment, check=False)
    assert stopped.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("stack")
def test_a_day_at_the_command_line(backoffice: Callable[..., Any], tmp_path: Path) -> None:
    """Send, look, trace, simulate, verify: each command says what its contract promises."""
    repeated = line("deposit", account=ACCOUNT, amount="2450.00", asset="EUR")
    payment = str(uuid.uuid4())
    lines = [
        line("open_business_day", owner="house", entity="BANK", booking_date="2026-01-02"),
        line("open_account", account=ACCOUNT, entity="BANK", asset="EUR", limit="500.00"),
        repeated,
        repeated,
        "not json",
        "",
        line("withdrawal", instruction_id=payment, account=ACCOUNT, amount="1200.00", asset="EUR"),
        line("withdrawal", account=ACCOUNT, amount="99999.00", asset="EUR"),
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    sent = backoffice("instruction", "send", "--file", "in.jsonl", "--wait", "--until", "final")
    assert sent.status == 0, sent.err
    found = sent.records
    assert [each["line"] for each in found] == [1, 2, 3, 4, 5, 7, 8]
    assert [(each["outcome"], each["reason"]) for each in found] == [
        ("applied", None),
        ("applied", None),
        ("posted", None),
        ("duplicate", None),
        ("unreadable", "not_json"),
        ("posted", None),
        ("rejected", "insufficient_funds"),
    ]
    assert {each["outcome"] for each in found[0]["shards"].values()} == {"applied"}
    assert len(found[0]["shards"]) == 4
    assert found[3]["first"] == {
        "outcome": "posted",
        "reason": None,
        "shard": found[2]["shard"],
        "seq": found[2]["seq"],
    }
    assert all(each["topic"] == "transactions.instructions.v1" for each in found)

    (tmp_path / "wrong.jsonl").write_text(repeated, encoding="utf-8")
    keyed = backoffice("instruction", "send", "--file", "wrong.jsonl", "--wait", "--key", "C999")
    placed = backoffice(
        "instruction", "send", "--file", "wrong.jsonl", "--wait",
        "--partition", (found[2]["partition"] + 1) % 4,
    )  # fmt: skip
    assert [ran.records[0]["reason"] for ran in (keyed, placed)] == ["wrong_key", "wrong_partition"]

    shown = backoffice("account", "show", ACCOUNT).records[0]
    assert (shown["balance"], shown["available"], shown["limit"]) == ("1250.00", "1750.00", "500.00")
    assert [each["balance"] for each in backoffice("account", "history", ACCOUNT).records] == [
        "2450.00",
        "1250.00",
    ]
    unknown = backoffice("account", "show", "NOPE")
    assert (unknown.status, unknown.error["error"]) == (1, "account_unknown")
    holder = {"name": "Quentin Varley", "role": "signatory", "person": "P-1", "since": "2026-01-02"}
    said = line("change_holder", account=ACCOUNT, holder=holder, authority="form 7")
    (tmp_path / "holder.jsonl").write_text(said, encoding="utf-8")
    [done] = backoffice("instruction", "send", "--file", "holder.jsonl", "--wait").records
    assert done["outcome"] == "applied"
    [role] = until(lambda: backoffice("account", "holders", ACCOUNT).records, bool)
    assert (role["owner"], role["person"], role["role"]) == (OWNER, "P-1", "signatory")
    assert backoffice("account", "holders", "--person", "P-1").records == [role]
    assert backoffice("account", "holders", ACCOUNT, "--booking-date", "2026-01-01").records == []

    hops = backoffice("transaction", "trace", payment).records
    events = [(hop["service"], hop["event"]) for hop in hops]
    for event in (
        ("upstream", "sent"),
        ("transactions", "TransactionPending"),
        ("compliance", "DecisionMade"),
        ("transactions", "TransactionPosted"),
    ):
        assert event in events
    assert events.count(("transactions", "published")) == 2

    letters = backoffice("dead-letters", "list").records
    assert [each["error"] for each in letters] == ["not_json"]
    place = f"{letters[0]['partition']}:{letters[0]['offset']}"
    assert backoffice("dead-letters", "show", place).records[0]["value"] == "not json"
    assert backoffice("parked", "list").records == []
    assert backoffice("parked", "replay", OWNER).error["error"] == "not_parked"

    played = backoffice("simulate", "--count", 2000, "--seed", 13, "--investigate")
    assert played.status == 0, played.err
    result, found_out = played.records
    assert result["instructions"] == 2000
    assert found_out["investigated"] > 0
    assert found_out["outcomes"] == {"posted": found_out["investigated"]}
    assert sum(result["outcomes"].values()) == result["published"]
    again = backoffice("simulate", "--count", 2000, "--seed", 13, "--wait").records[-1]
    assert again["published"] == result["published"]
    assert not {"posted", "applied", "pending"} & set(again["outcomes"])

    lag = backoffice("lag", "--fail-over", 60)
    assert lag.status == 0
    *places, totals = lag.records
    assert len(places) == 9 * 4
    assert {each["state"] for each in places} == {"ok"}
    assert set(totals) >= {"total", "services", "unpublished", "parked", "dead_letters"}

    status = backoffice("status").records[0]
    assert status["ok"], status["troubles"]
    assert set(status["services"]) == {"transactions", "compliance", "reporting"}

    _look_after_a_list(backoffice, tmp_path)
    _change_a_rule(backoffice, tmp_path)
    go_round(backoffice, tmp_path, until)
    _work_a_case(backoffice, tmp_path)
    _work_a_case_by_http(backoffice)
    follow_the_guide(backoffice, tmp_path)

    records = backoffice("compliance", "verify")
    assert (records.status, records.records[0]["ok"], records.records[0]["examples"]) == (0, True, [])
    assert records.records[0]["case_facts"] >= 5
    (tmp_path / "heads.json").write_text(records.out)
    assert backoffice("compliance", "verify", "--heads", "heads.json").status == 0
    assert backoffice("compliance", "verify", "--heads", "wrong.jsonl").error["error"] == "heads_unreadable"

    _erase_a_party(backoffice, tmp_path)
    _carry_over_and_close(backoffice, tmp_path)
    verdict = backoffice("ledger", "verify")
    assert verdict.status == 0, verdict.err
    assert verdict.records[0]["ok"]
    assert "published" in {check["name"] for check in verdict.records[0]["checks"]}


def _carry_over_and_close(backoffice: Callable[..., Any], folder: Path) -> None:
    """Both sides of other books come in, and the first day is closed, softly and for good."""
    balance = {"amount": "5.00", "asset": "EUR", "booking_date": "2025-12-31"}
    house = {"owner": "house", "account": "BANK/nostro/EUR", "direction": "debit"}
    for fields, left, status in (({"account": ACCOUNT}, "-5.00", 1), (house, "0.00", 0)):
        (folder / "balances.jsonl").write_text(line("opening_balance", **balance, **fields))
        sent = backoffice("instruction", "send", "--file", "balances.jsonl", "--wait")
        assert sent.records[0]["outcome"] == "posted"
        ran = backoffice("ledger", "migration", "--entity", "BANK")
        assert (ran.status, ran.records[0]["left"]) == (status, left)

    close = ("ledger", "close-period", "--entity", "BANK", "--last-day")
    early = backoffice(*close, "2099-01-01")
    assert (early.status, early.records[0]["reason"]) == (1, "period_not_over")
    report = ("report", "run", "period_trial_balance", "--booking-date", "2026-01-01", "--entity", "BANK")
    assert backoffice(*report).error["error"] == "period_not_closed"
    for options in (["--soft"], []):
        closed = backoffice(*close, "2026-01-01", *options).records[0]
        assert {each["outcome"] for each in closed["shards"].values()} == {"applied"}
    first, rest = backoffice("ledger", "periods", "--entity", "BANK").records
    assert (first["state"], rest["state"], rest["first_day"]) == ("closed", "open", "2026-01-02")
    made = backoffice(*report)
    assert (made.status, made.records[0]["reconciled"]) == (0, True)
    assert made.records[0]["totals"]["closed_at"] == first["closed_at"]


def _look_after_a_list(backoffice: Callable[..., Any], folder: Path) -> None:
    """A customer becomes listed, a file is refused and warned of, a pair is whitelisted by two people."""
    opening = str(uuid.uuid4())
    party = {"kind": "person", "name": "Odile Querfurt", "birth_date": "1999-01-02"}
    common = {"account": "C000124-EUR", "entity": "BANK", "asset": "EUR"}
    opened = folder / "opened.jsonl"
    opened.write_text(
        line("open_account", owner="C000124", instruction_id=opening, party=party, **common) + "\n"
    )
    assert backoffice("instruction", "send", "--file", opened, "--wait").records[0]["outcome"] == "applied"
    file = folder / "own.csv"
    file.write_text('entry_id,kind,name,programmes\nA-1,person,"QUERFURT, Odile",P\n')
    load = ("compliance", "lists", "load", file, "--code", "OWN")
    first = backoffice(*load).records[-1]
    assert first["active_shards"] == [0, 1, 2, 3]
    progress = until(
        lambda: backoffice("compliance", "lists", "progress", "OWN").records,
        lambda rows: all(each["finished"] for each in rows),
    )
    assert (len(progress), sum(each["alerts"] for each in progress)) == (4, 1)
    [alert] = backoffice("compliance", "alerts", "list", "--owner", "C000124").records
    assert (alert["instruction_id"], alert["findings"][0]["values"]["list_version"]) == (
        opening,
        first["version"],
    )

    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    refused = backoffice(*load)
    assert (refused.status, refused.error["error"]) == (1, "list_refused")
    assert (
        f"Compliance warns of it; version {first['version']} of OWN stays in force."
        in refused.error["message"]
    )
    [shown] = [
        each for each in backoffice("compliance", "lists", "show").records if each["list_code"] == "OWN"
    ]
    assert (shown["refused"]["file"], shown["refused"]["stays"]) == ("own.csv", first["version"])
    status = backoffice("status").records[0]
    assert status["services"]["compliance"]["ready"]
    assert status["services"]["compliance"]["warnings"]["list_refused"].startswith("OWN: own.csv")
    url = status["services"]["compliance"]["url"].replace("/health/ready", "/metrics")
    until(lambda: urlopen(url).read().decode(), lambda text: WARNING in text)

    others = "".join(f"B-{each},person,Another Person {each},P\n" for each in range(9))
    file.write_text("entry_id,kind,name,programmes\n" + others)
    another = backoffice(*load)
    assert (another.status, another.error["error"]) == (1, "list_unlike")
    assert f"version {first['version']} of OWN stays in force." in another.error["message"]

    whitelist = ("compliance", "whitelist")
    until_day = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()
    told = ("--until", until_day, "--reason", "born later", "--actor", "ann")
    proposed = backoffice(*whitelist, "propose", opening, *told)
    pair = proposed.records[0]["result"]["whitelisting_id"]
    approve = (*whitelist, "approve", pair, "--reason", "seen", "--actor")
    assert backoffice(*approve, "ann").records[0]["result"]["refused"] == "same_person"
    assert backoffice(*approve, "ben").status == 0
    [row] = backoffice(*whitelist, "list", "--status", "approved").records
    assert (row["name"], row["birth_date"], row["approved_by"]) == ("Odile Querfurt", "1999-01-02", "ben")

    file.write_bytes(whole.replace(b",P", b",Q"))
    changed, again = (backoffice(*load).records[-1] for _ in range(2))
    counts = ("added", "removed", "changed", "to_screen_against")
    assert (changed["replaced"], *(changed[each] for each in counts)) == (first["version"], 0, 0, 1, 0)
    assert (again["replaced"], *(again[each] for each in counts)) == (changed["version"], 0, 0, 0, 0)
    assert again["active_shards"] == [0, 1, 2, 3], "read again, it is confirmed"
    assert backoffice("status").records[0]["services"]["compliance"]["warnings"] == {}


def _change_a_rule(backoffice: Callable[..., Any], folder: Path) -> None:
    """A lower threshold is proposed, watched in shadow, published by another person, and withdrawn."""
    parameters = ("compliance", "parameters")
    told = ("--asset", "EUR", "--reason", "many small ones", "--actor", "ann")
    proposed = backoffice(*parameters, "propose", "CTR-1", "--set", "over=77.00", *told)
    version = proposed.records[0]["result"]["proposal_id"]
    assert (proposed.status, proposed.records[0]["result"]["version"]) == (0, 1001)
    alone = backoffice(*parameters, "shadow", version, "--reason", "x", "--actor", "ann")
    assert (alone.status, set(alone.records[0]["refused"].values())) == (1, {"same_person"})
    by_ben = (version, "--reason", "seen", "--actor", "ben")
    watched = backoffice(*parameters, "shadow", *by_ben).records[0]
    assert (watched["status"], set(watched["journal_offsets"])) == ("shadow", {"0", "1", "2", "3"})

    banknotes = folder / "banknotes.jsonl"
    cash: dict[str, Any] = {
        "account": ACCOUNT,
        "amount": "78.00",
        "channel": {"channel": "branch", "cash": True},
    }
    banknotes.write_text(line("deposit", asset="EUR", **cash) + "\n")
    assert backoffice("instruction", "send", "--file", banknotes, "--wait").records[0]["outcome"] == "posted"
    found = until(
        lambda: backoffice(*parameters, "findings", version).records,
        lambda rows: rows[-1]["findings"] == 1,
    )
    assert (found[0]["owner"], found[-1]["live_too"], found[-1]["would_hold"]) == (OWNER, 0, 0)

    shown = backoffice(*parameters, "show", "CTR-1").records[-1]
    assert (shown["status"], shown["changes"]) == ("shadow", "over 10000 → 77.00")
    tested = backoffice("compliance", "backtest", "CTR-1", "--proposal", version).records[-1]
    assert tested["alerts"]["changed"] > tested["alerts"]["as_it_stands"]
    assert backoffice(*parameters, "publish", *by_ben).records[0]["status"] == "live"
    assert backoffice(*parameters, "withdraw", *by_ben).records[0]["status"] == "withdrawn"
    steps = backoffice(*parameters, "history", "CTR-1").records
    assert [each["step"] for each in steps] == ["proposed", "shadow", "live", "withdrawn"]
    [listed] = backoffice(*parameters, "list", "--rule", "CTR-1", "--status", "withdrawn").records
    assert (listed["proposal_id"], listed["values"]) == (version, {"over": "77.00"})


def _erase_a_party(backoffice: Callable[..., Any], folder: Path) -> None:
    """Who may see a name sees it, until two people have erased it; then nobody does."""
    opening = str(uuid.uuid4())
    account = {"owner": "C000125", "account": "C000125-EUR"}
    party = {"kind": "person", "name": "Ida Vergessen"}
    paid: dict[str, Any] = {
        "payment": {"debtor": {"name": "Theo Vergessen"}},
        "amount": "1.00",
        "asset": "EUR",
    }
    lines = (
        line("open_account", instruction_id=opening, **account, entity="BANK", asset="EUR", party=party),
        line("deposit", **account, **paid),
        line("withdrawal", **account, amount="1.00", asset="EUR"),
    )
    file = folder / "erased.jsonl"
    file.write_text("\n".join(lines) + "\n")
    sent = backoffice("instruction", "send", "--file", file, "--wait").records
    assert [each["outcome"] for each in sent[:3]] == ["applied", "posted", "posted"]

    show = ("transaction", "show", opening)
    assert backoffice(*show).records[0]["asked"]["party"].keys() == {"sealed"}
    shown = backoffice(*show, "--personal").records[0]
    assert (shown["personal"], shown["asked"]["party"]["name"]) == ("opened", "Ida Vergessen")
    find = ("transaction", "find", "--owner", "C000125", "--counterparty", "Theo Vergessen")
    assert backoffice(*find).records == []
    assert len(backoffice(*find, "--personal").records) == 1

    erase = (
        "party",
        "erase",
        "C000125",
        "--reason",
        "asked for it",
        "--actor",
        "ann",
        "--approved-by",
        "ben",
    )
    assert backoffice(*erase).records[0]["detail"] == "accounts_open"
    file.write_text(line("close_account", **account, authority="the customer") + "\n")
    assert backoffice("instruction", "send", "--file", file, "--wait").records[0]["outcome"] == "applied"
    until(
        lambda: backoffice("account", "show", "C000125-EUR").records[0]["status"],
        lambda status: status == "closed",
    )
    erased = backoffice(*erase)
    assert (erased.status, erased.records[0]["detail"]) == (0, "erased")
    shown = backoffice(*show, "--personal").records[0]
    assert (shown["personal"], shown["asked"]["party"].keys()) == ("erased", {"sealed"})
    assert backoffice(*find, "--personal").records == []


def _work_a_case(backoffice: Callable[..., Any], folder: Path) -> None:
    """An alert becomes a case, which one officer decides and another person approves."""
    alert, *_ = [each["alert_id"] for each in backoffice("alerts", "list", "--new").records]
    opened = backoffice("cases", "open", alert, "--reason", "a listed name", "--actor", "ann")
    case = opened.records[0]["result"]["case_id"]
    assert alert not in {each["alert_id"] for each in backoffice("alerts", "list", "--new").records}
    told = ("--reason", "seen", "--actor")
    two = ("--to", "otto", "--to", "lena")
    assigned = backoffice("cases", "assign", case, *two, *told, "ann")
    assert assigned.records[0]["result"]["officer"] == "otto"
    old = backoffice("cases", "decide", case, "confirmed", "--version", "1", *told, "otto")
    assert (old.status, old.records[0]["result"]["refused"]) == (1, "version_old")
    assert backoffice("cases", "note", case, "asked the branch", "--actor", "otto").status == 0
    assert backoffice("cases", "decide", case, "confirmed", "--report", *told, "otto").status == 0
    assert (
        backoffice("cases", "approve", case, *told, "otto").records[0]["result"]["refused"] == "same_person"
    )
    assert backoffice("cases", "approve", case, *told, "lena").records[0]["result"]["status"] == "closed"
    shown = backoffice("cases", "show", case).records[0]
    assert [each["what"] for each in shown["history"]] == [
        "opened",
        "assigned",
        "noted",
        "proposed",
        "approved",
    ]
    assert [each["case_id"] for each in backoffice("cases", "list", "--status", "closed").records] == [case]
    assert [each["case_id"] for each in backoffice("cases", "list").records] == [case], "a report is owed"
    assert backoffice("alerts", "dismiss", alert, *told, "ann").records[0]["result"]["refused"] == (
        "already_in_case"
    )
    (folder / "sheet.json").write_text(json.dumps(SAR))
    report = ("cases", "file", case, "--sheet", "sheet.json", "--out", "sar.xml", "--actor", "otto")
    schemas = ("--schemas", SCHEMAS)
    assert backoffice(*report).error["error"] == "schemas_missing"
    written = backoffice(*report, *schemas).records[0]
    assert (written["validated"], written["version"]) == (True, 6)
    assert written["sha256"] == backoffice("cases", "show", case).records[0]["history"][-1]["sha256"]
    assert backoffice(*report, *schemas).error["error"] == "not_written"
    twice = backoffice(*report[:5], *report[7:], "--out", "two.xml", *schemas)
    assert (twice.status, twice.records[0]["result"]["refused"]) == (1, "already_filed")
    assert not (folder / "two.xml").exists(), "what is not filed is not left lying about"
    answer = ("cases", "acknowledge", case, "accepted", "--reference", "31000123456789", *told, "otto")
    assert backoffice(*answer).status == 0
    assert backoffice("cases", "list").records == []
    unknown = backoffice("cases", "show", "019a0000-0000-7000-8000-000000000001")
    assert (unknown.status, unknown.error["error"]) == (1, "case_unknown")


def _work_a_case_by_http(backoffice: Callable[..., Any]) -> None:
    """With a token: a case is opened and noted on the version seen, and without one nobody gets anywhere."""
    ready: str = backoffice("status").records[0]["services"]["compliance"]["url"]
    address = ready.removesuffix("/health/ready")
    token = backoffice("compliance", "token", "--role", "analyst", "--actor", "ann").records[0]["token"]

    def ask(path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        """Ask with JSON both ways."""
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{address}{path}", content, {"Content-Type": "application/json", **headers})
        try:
            with urlopen(request) as reply:
                return reply.status, dict(reply.headers), json.load(reply)
        except HTTPError as refused:
            with refused:
                return refused.code, dict(refused.headers), json.load(refused)

    known = {"Authorization": f"Bearer {token}"}
    assert ask("/v1/cases")[0] == 401
    opened = ask("/v1/cases", {"reason": "a letter", "owner": "C000124"}, **known)
    assert (opened[0], opened[2]["result"]["version"]) == (200, 1)
    path = f"/v1/cases/{opened[2]['result']['case_id']}"
    tag = ask(path, **known)[1]["etag"]
    noted = ask(f"{path}/notes", {"reason": "asked the branch"}, **known, **{"If-Match": tag})
    assert (noted[0], noted[1]["etag"]) == (200, '"2"')
    late = ask(f"{path}/notes", {"reason": "too late"}, **known, **{"If-Match": tag})
    assert (late[0], late[2]["title"]) == (412, "version_old")
    denied = ask(f"{path}/approval", {"reason": "mine"}, **known, **{"If-Match": '"2"'})
    assert (denied[0], denied[2]["title"]) == (403, "no_right")
    assert ask("/health/ready")[0] == 200
