"""The code that the guides show does what they say."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from backoffice.stack import schema
from backoffice.stack.ports import free_port
from services.compliance.domain.cash import CashEvent, CashLog
from services.reporting.domain.report import Question, canonical_csv
from services.transactions.domain.planning import COUNTERPARTY, Planned
from shared.messages.topics import TOPICS
from shared.runtime.client import create_topics
from shared.runtime.settings import KafkaSettings
from tests.repository.documents import ROOT, block_to_run, blocks_of
from tests.support import infrastructure
from tests.support.infrastructure import PARTITIONS, Database

UPSTREAM = "docs/guides/connect-an-upstream-system.md"
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
        row("RND-1", 1, "*", {"multiple": "1000", "count": 3}, date(1970, 1, 1), None, "manual"), 2
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
    question = Question(report.code, date(2026, 3, 1), {})
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
async def test_the_upstream_program_of_the_guide_gets_its_outcomes(tmp_path: Path) -> None:
    """An upstream system's first day: the program as printed, on a real Kafka and a real ledger."""
    expected = next(block.text for block in blocks_of(ROOT / UPSTREAM) if block.language == "text")
    async with _ledger(tmp_path) as bootstrap:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", block_to_run(UPSTREAM, "upstream")),
            env={**_clean_environment(), "BACKOFFICE_KAFKA_BOOTSTRAP": bootstrap},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(program.communicate(), RUN_SECONDS_MAX)
        except TimeoutError:
            program.kill()
            pytest.fail(f"no outcome came\n{(tmp_path / 'transactions.log').read_text()[-3000:]}")
    assert (out.decode(), err.decode()) == (expected, "")


@asynccontextmanager
async def _ledger(folder: Path) -> AsyncIterator[str]:
    """Run the ledger on servers of its own and yield the broker's address."""
    async with infrastructure.postgres() as superuser, infrastructure.kafka(folder) as bootstrap:
        template = f"guide_{secrets.token_hex(4)}"
        await infrastructure.make_template(superuser, template)
        async with infrastructure.cloned(superuser, template) as database:
            await create_topics(KafkaSettings(bootstrap=bootstrap), PARTITIONS, TOPICS)
            with (folder / "transactions.log").open("wb") as log:
                process = _start(log, _settings(database, bootstrap))
            try:
                yield bootstrap
            finally:
                process.terminate()
                await asyncio.to_thread(process.wait, 30)


def _start(log: BinaryIO, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "backoffice", "run", schema.SERVICES[0]],
        env=environment,
        cwd=ROOT,
        stdout=log,
        stderr=log,
    )


def _settings(database: Database, bootstrap: str) -> dict[str, str]:
    return {
        **_clean_environment(),
        "BACKOFFICE_KAFKA_BOOTSTRAP": bootstrap,
        "BACKOFFICE_DATABASE_DSN": database.dsn("transactions_service"),
        "BACKOFFICE_PARTITIONS": str(PARTITIONS),
        "BACKOFFICE_STANDBY_REQUIRED": "false",
        "BACKOFFICE_HTTP_PORT": str(free_port()),
    }


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BACKOFFICE_")}
