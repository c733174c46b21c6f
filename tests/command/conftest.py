"""What the tests of the commands share: a clean environment, and a way to run a command."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backoffice.cli.app import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines of JSON on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The error on standard error, with `--json`."""
        return json.loads(self.err.splitlines()[-1])


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings of whoever runs the tests, and any stack that runs above the current folder."""
    for name in list(os.environ):
        if name.startswith("BACKOFFICE_") and name != "BACKOFFICE_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def backoffice(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command with `--json`, unless told otherwise, in this process."""

    def run(*arguments: object, as_json: bool = True) -> Ran:
        capsys.readouterr()
        words = [str(each) for each in arguments] + (["--json"] if as_json else [])
        status = main(words)
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return run
