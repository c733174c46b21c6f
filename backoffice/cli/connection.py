"""Finds what a command talks to: `BACKOFFICE_*` settings first, then the stack that runs from here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backoffice.cli.errors import USAGE, CommandError, stack_not_running
from backoffice.stack.record import StackRecord, find_record, read_record

DATA_DEFAULT = Path(".backoffice")
PARTITIONS_DEFAULT = 12


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to reach Kafka, the database (read-only) and the services.

    `pids`, `dsn_owner`, `data` and `logs` are known only for an embedded stack.
    """

    bootstrap: str
    dsn_readonly: str
    partitions: int
    health: Mapping[str, str]
    pids: Mapping[str, int]
    dsn_owner: str | None = None
    data: Path | None = None
    logs: Path | None = None


def connect() -> Connection:
    """Return where everything is; raises CommandError `stack_not_running` if nothing says so."""
    record = running_stack()
    bootstrap = kafka_address(record)
    dsn = secret("BACKOFFICE_READONLY_DSN") or (record and record.dsn_readonly)
    if not bootstrap or not dsn:
        raise stack_not_running()
    return Connection(
        bootstrap=bootstrap,
        dsn_readonly=dsn,
        partitions=partitions_wanted(record),
        health=_health(record),
        pids=record.pids if record else {},
        dsn_owner=secret("BACKOFFICE_OWNER_DSN") or (record.dsn_owner if record else None),
        data=Path(record.data) if record else None,
        logs=Path(record.logs) if record else None,
    )


def running_stack() -> StackRecord | None:
    """Return the record of the stack in `BACKOFFICE_DATA`, else of the one that runs from here or above."""
    named = os.environ.get("BACKOFFICE_DATA")
    if not named:
        return find_record(Path.cwd())
    record = read_record(Path(named).expanduser())
    return record if record is not None and record.is_alive else None


def data_folder(chosen: Path | None) -> Path:
    """Return the data folder a command is about: as typed, as `BACKOFFICE_DATA` says, else `.backoffice`."""
    if chosen is not None:
        return chosen.expanduser().absolute()
    return Path(os.environ.get("BACKOFFICE_DATA") or DATA_DEFAULT).expanduser().absolute()


def secret(name: str) -> str | None:
    """Return a secret setting, given as it is or as the path of a file in `NAME_FILE`."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise CommandError(
            "setting_wrong",
            f"{name}_FILE names a file that cannot be read: {problem.strerror}.",
            "Name a readable file, or leave the setting out.",
            USAGE,
        ) from problem


def kafka_address(record: StackRecord | None) -> str | None:
    """Return the brokers' addresses by setting or by the running stack."""
    return os.environ.get("BACKOFFICE_KAFKA_BOOTSTRAP") or (record.bootstrap if record else None)


def partitions_wanted(record: StackRecord | None) -> int:
    """Return how many partitions every topic has, by setting or by the running stack, else 12."""
    text = os.environ.get("BACKOFFICE_PARTITIONS")
    if not text:
        return record.partitions if record else PARTITIONS_DEFAULT
    if not text.isdecimal() or int(text) == 0:
        raise CommandError(
            "setting_wrong",
            f"BACKOFFICE_PARTITIONS is {text!r}, which is no number of partitions.",
            "Set it to the number of partitions that every topic has.",
            USAGE,
        )
    return int(text)


def _health(record: StackRecord | None) -> Mapping[str, str]:
    """Return readiness addresses; `BACKOFFICE_HEALTH_URLS` is `service=url,service=url`."""
    text = os.environ.get("BACKOFFICE_HEALTH_URLS")
    if not text:
        return record.health if record else {}
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {name.strip(): url.strip() for name, _, url in pairs}
