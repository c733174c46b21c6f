"""What the tests of the embedded stack share: a clean environment and quick children."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backoffice.stack.supervisor import Service


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings of whoever runs the tests, and any stack that runs above the current folder."""
    for name in list(os.environ):
        if name.startswith("BACKOFFICE_") and name != "BACKOFFICE_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def child() -> Callable[..., Service]:
    """Make a service whose process runs the given Python text instead of a real service."""

    def make(code: str, slot: str = "transactions-0") -> Service:
        name = slot.rpartition("-")[0]
        return Service(name, slot, {"PATH": os.environ["PATH"]}, (sys.executable, "-c", code))

    return make
