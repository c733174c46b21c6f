"""`stack.json`: found from where a person works, private, and never believed when its stack is gone."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from backoffice.stack.record import (
    FILE_NAME,
    SUPERVISOR,
    StackRecord,
    find_record,
    read_record,
    remove_record,
    write_record,
)


def record(pid: int) -> StackRecord:
    """Make the record of a stack whose supervisor has that process id."""
    return StackRecord(
        bootstrap="127.0.0.1:9",
        dsn_readonly="postgresql://r:secret@127.0.0.1:5/backoffice",
        health={"transactions": "http://127.0.0.1:8/health/ready"},
        pids={SUPERVISOR: pid},
        partitions=4,
        dsn_owner="postgresql://o:secret@127.0.0.1:5/backoffice",
        data="/d",
        logs="/d/logs",
    )


def ended_pid() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_record_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """It holds database passwords."""
    write_record(record(os.getpid()), tmp_path)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_the_record_says_what_the_contract_promises(tmp_path: Path) -> None:
    """Scripts and acceptance checks read it."""
    write_record(record(1), tmp_path)
    fields = json.loads((tmp_path / FILE_NAME).read_text())
    assert {"bootstrap", "dsn_readonly", "health", "pids", "partitions"} <= set(fields)
    assert read_record(tmp_path) == record(1)


def test_the_nearest_running_stack_above_is_found(tmp_path: Path) -> None:
    """People work in folders below the one they started it in."""
    write_record(record(os.getpid()), tmp_path / ".backoffice")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_record(below) == record(os.getpid())


def test_the_record_of_a_stack_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    """Its ports may belong to somebody else by now."""
    write_record(record(ended_pid()), tmp_path / ".backoffice")
    assert find_record(tmp_path) is None


def test_a_file_that_is_no_record_is_passed_over(tmp_path: Path) -> None:
    """Such as one that an older version wrote."""
    for text in ("", "[]", "{}", '{"bootstrap": 1}'):
        (tmp_path / FILE_NAME).write_text(text)
        assert read_record(tmp_path) is None


def test_only_its_own_supervisor_withdraws_a_record(tmp_path: Path) -> None:
    """A second stack that ends must not hide the first."""
    write_record(record(os.getpid()), tmp_path)
    remove_record(tmp_path, supervisor=os.getpid() + 1)
    assert read_record(tmp_path) is not None
    remove_record(tmp_path, supervisor=os.getpid())
    assert read_record(tmp_path) is None
