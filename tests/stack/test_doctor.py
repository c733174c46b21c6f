"""The doctor: it names what a machine lacks, and what to do."""

import json
from pathlib import Path

import pytest

from backoffice.cli import doctor as module
from backoffice.cli.app import main
from backoffice.stack import disk, ports
from backoffice.stack.errors import StackError


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the doctor look into an empty cache and find that nothing can be fetched."""
    monkeypatch.setenv("BACKOFFICE_CACHE", str(tmp_path / "cache"))

    def refuse(**_: object) -> None:
        raise StackError("download_failed", "It could not be fetched.", "Check the network.")

    monkeypatch.setattr(module, "fetch_jars", refuse)


def test_what_is_missing_is_named_with_what_to_do(capsys) -> None:
    """And the exit status says that something was found."""
    assert main(["doctor", "--json"]) == 1
    findings = {each["check"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert findings["jars"]["ok"] is False
    assert findings["jars"]["fix"] == "Check the network."
    assert findings["python"]["ok"] is True


def test_a_full_disk_is_found_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PostgreSQL on a full disk stops in the middle of a day."""
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 10 * disk.MEBIBYTE)
    with pytest.raises(StackError) as refused:
        disk.require_room(tmp_path)
    assert refused.value.error == "disk_full"
    assert "--data" in refused.value.fix


def test_a_taken_port_is_found_before_a_server_is_started() -> None:
    """With the command that names who has it."""
    import socket

    port = ports.free_port()
    with socket.create_server((ports.LOOPBACK, port)), pytest.raises(StackError) as refused:
        ports.require_free(port, wanted_by="Kafka")
    assert refused.value.error == "port_taken"
    assert str(port) in refused.value.fix
    ports.require_free(port, wanted_by="Kafka")


def test_a_port_is_handed_out_once() -> None:
    """Two servers that start at the same time must not meet on one."""
    assert len({ports.free_port() for _ in range(50)}) == 50
