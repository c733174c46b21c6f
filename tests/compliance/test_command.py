"""What the command says of a list before it reaches anything; the rest is told by the journeys."""

import json
from pathlib import Path

import pytest

from backoffice.cli.app import main


def test_a_list_that_is_not_whole_is_refused_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Exit status 1, the file and line named, and nothing but JSON."""
    file = tmp_path / "sdn.csv"
    file.write_bytes(b'36,"GHOST AIRLINES",-0- ,"DE')
    assert main(["compliance", "lists", "load", str(file), "--code", "OFAC", "--json"]) == 1
    said = capsys.readouterr()
    error = json.loads(said.err)
    assert (said.out, error["error"]) == ("", "list_refused")
    assert "sdn.csv, line 1" in error["message"]


def test_a_file_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    """Exit status 2, and a sentence."""
    assert main(["compliance", "lists", "load", "/nowhere/sdn.csv", "--code", "OFAC"]) == 2
    assert "/nowhere/sdn.csv cannot be read" in capsys.readouterr().err


def test_a_list_needs_a_name_that_can_be_written_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It becomes part of keys and sentences."""
    file = tmp_path / "own.csv"
    file.write_text("entry_id,kind,name,programmes\nA,person,Zoe Q.,\n")
    assert main(["compliance", "lists", "load", str(file), "--code", "no good"]) == 2
    assert "'no good' is no name for --code" in capsys.readouterr().err
