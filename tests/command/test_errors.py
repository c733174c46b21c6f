"""What a command says when it cannot do what it was asked: one line, whatever libraries say beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from backoffice.cli.errors import UNREACHABLE

NOBODY = {
    "BACKOFFICE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "BACKOFFICE_READONLY_DSN": "postgresql://nobody@127.0.0.1:1/none",
}


def test_an_error_is_one_line_whatever_libraries_say_of_it(tmp_path: Path) -> None:
    """A program reads it; the Kafka client has words of its own for a broker that is away."""
    lines = tmp_path / "lines.jsonl"
    lines.write_text("{}\n")
    ended = subprocess.run(
        [sys.executable, "-m", "backoffice", "instruction", "send", "--file", lines, "--json"],
        env={**os.environ, **NOBODY, "BACKOFFICE_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (UNREACHABLE, "")
    [line] = ended.stderr.splitlines()
    assert json.loads(line).keys() == {"error", "message", "fix"}
