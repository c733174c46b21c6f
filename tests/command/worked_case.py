"""Does what the guide of one worked case says, as it stands there."""

import json
import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from tests.compliance.test_filing import SCHEMAS
from tests.compliance.test_goaml import STR
from tests.repository.documents import ROOT

GUIDE = (ROOT / "docs" / "guides" / "work-one-case-through.md").read_text(encoding="utf-8")
WHAT = ["opened", "assigned", "noted", "linked", "proposed", "approved", "filed", "acknowledged"]


def follow_the_guide(backoffice: Callable[..., Any], folder: Path) -> None:
    """Type each command of the guide, with its files there; then try what it says cannot be done."""
    (folder / "deposits.jsonl").write_text(_blocks("json")[0], encoding="utf-8")
    (folder / "sheet.json").write_text(json.dumps(STR), encoding="utf-8")
    shutil.copytree(SCHEMAS, folder / "schemas")
    known: dict[str, str] = {}
    for command in (line for block in _blocks("sh") for line in block.splitlines()):
        words = [known.get(word, word) for word in shlex.split(command)[1:]]
        ran = _until_found(backoffice, words) if words[:2] == ["alerts", "list"] else backoffice(*words)
        assert ran.status == 0, (command, ran.out, ran.err)
        _learn(ran.records, known)
        if words[:2] == ["cases", "decide"]:
            refused = backoffice("cases", "approve", known["CASE"], "--reason", "x", "--actor", "otto")
            assert refused.records[0]["result"]["refused"] == "no_right"
    shown = backoffice("cases", "show", known["CASE"]).records[0]
    assert [each["what"] for each in shown["history"]] == WHAT
    assert (shown["filing_status"], shown["history"][-1]["reference"]) == ("accepted", "31000123456789")
    report = Xml.fromstring((folder / "report.xml").read_bytes())
    assert report.findtext("entity_reference") == STR["entity_reference"]
    unknown = backoffice("alerts", "dismiss", known["ALERT"], "--reason", "x", "--actor", "nobody")
    assert unknown.records[0]["result"] == {"refused": "no_right", "right": "triage"}


def _blocks(language: str) -> list[str]:
    return [block.split("```")[0] for block in GUIDE.split(f"```{language}\n")[1:]]


def _learn(records: list[dict[str, Any]], known: dict[str, str]) -> None:
    """Keep what the commands after this one are about."""
    for record in records:
        result = record.get("result") or {}
        learnt = {
            "GRANT": result.get("grant_id"),
            "CASE": result.get("case_id"),
            "ALERT": record.get("alert_id") if record.get("triage") == "new" else None,
        }
        known |= {name: value for name, value in learnt.items() if value}


def _until_found(backoffice: Callable[..., Any], words: list[str]) -> Any:
    """Ask again until there is one, since an alert takes a moment."""
    for _ in range(60):
        ran = backoffice(*words)
        if ran.records:
            return ran
        time.sleep(0.5)
    raise AssertionError("no alert came")
