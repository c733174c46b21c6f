"""Where commands find Kafka, the database and the services."""

import os
from pathlib import Path

import pytest

from backoffice.cli.connection import connect
from backoffice.cli.errors import UNREACHABLE, USAGE, CommandError
from backoffice.stack.record import SUPERVISOR, StackRecord, write_record


@pytest.fixture
def running(tmp_path: Path) -> StackRecord:
    """Pretend that this process is a stack that runs from the current folder."""
    record = StackRecord(
        bootstrap="127.0.0.1:9",
        dsn_readonly="postgresql://readonly",
        health={"transactions": "http://127.0.0.1:8/health/ready"},
        pids={SUPERVISOR: os.getpid()},
        partitions=4,
        dsn_owner="postgresql://owner",
        data=str(tmp_path / ".backoffice"),
        logs=str(tmp_path / ".backoffice" / "logs"),
    )
    write_record(record, tmp_path / ".backoffice")
    return record


def test_without_a_stack_a_command_says_how_to_start_one() -> None:
    """The most frequent mistake of all."""
    with pytest.raises(CommandError) as refused:
        connect()
    assert refused.value.error == "stack_not_running"
    assert refused.value.exit_code == UNREACHABLE
    assert "backoffice up" in refused.value.fix


def test_the_running_stack_is_found(running: StackRecord) -> None:
    """Nothing to set on one machine."""
    found = connect()
    assert (found.bootstrap, found.dsn_readonly, found.partitions) == (
        "127.0.0.1:9",
        "postgresql://readonly",
        4,
    )
    assert found.health == running.health
    assert found.dsn_owner == "postgresql://owner"


def test_settings_override_the_running_stack(running: StackRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person may look at production from a folder with a local stack."""
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN", "postgresql://elsewhere")
    monkeypatch.setenv("BACKOFFICE_PARTITIONS", "12")
    monkeypatch.setenv("BACKOFFICE_HEALTH_URLS", "transactions=http://t:1/health/ready, reporting=http://r:1")
    found = connect()
    assert (found.bootstrap, found.dsn_readonly, found.partitions) == (
        "kafka:9092",
        "postgresql://elsewhere",
        12,
    )
    assert found.health == {"transactions": "http://t:1/health/ready", "reporting": "http://r:1"}


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers get their secrets so."""
    (tmp_path / "dsn").write_text("postgresql://from-file\n")
    monkeypatch.setenv("BACKOFFICE_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("BACKOFFICE_READONLY_DSN_FILE", str(tmp_path / "dsn"))
    assert connect().dsn_readonly == "postgresql://from-file"


@pytest.mark.parametrize(
    ("name", "value"), [("BACKOFFICE_PARTITIONS", "many"), ("BACKOFFICE_READONLY_DSN_FILE", "/nowhere")]
)
def test_a_wrong_setting_is_named(
    running: StackRecord, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """With the exit status of wrong usage."""
    monkeypatch.setenv(name, value)
    with pytest.raises(CommandError) as refused:
        connect()
    assert name in refused.value.message
    assert refused.value.exit_code == USAGE


def test_another_data_folder_is_found_by_setting(
    running: StackRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a stack that was started with --data."""
    monkeypatch.setenv("BACKOFFICE_DATA", str(tmp_path / ".backoffice"))
    monkeypatch.chdir("/")
    assert connect().bootstrap == "127.0.0.1:9"
