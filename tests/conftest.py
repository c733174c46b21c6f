"""What all tests share: none leaves the command's output changed for the next one."""

from collections.abc import Iterator

import pytest

from backoffice.cli import output


@pytest.fixture(autouse=True)
def _words_again() -> Iterator[None]:
    """Print words again, not JSON: `--json` is kept for the process, and a worker runs many tests."""
    yield
    output.use_json(wanted=False)
