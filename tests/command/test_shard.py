"""What is said of a shard that no act can help."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from backoffice.cli import shard
from backoffice.cli.connection import Connection
from shared.runtime.queries import ShardState
from tests.command.conftest import Ran

LOST = "lost: transactions.journal.v1/2 holds our event 9 of shard 2 and the journal ends at 7"


@pytest.mark.parametrize(
    "words",
    [
        ("resume", "transactions", "2", "--reason", "mended"),
        (
            "pass-over", "transactions", "2", "--from", "7", "--until", "9",
            "--approved-by", "bea", "--reason", "sent again",
        ),
    ],
)  # fmt: skip
def test_no_act_is_sent_to_a_shard_whose_database_lost_its_tail(
    words: tuple[str, ...], backoffice: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take none, and whoever waits must be told what helps instead."""

    async def rows() -> list[tuple[str, ShardState]]:
        """One shard that is halted, and says that it has lost its tail."""
        return [("transactions", ShardState(2, None, 3, 7, 7, datetime(2026, 1, 2, tzinfo=UTC), LOST))]

    monkeypatch.setattr(shard, "_rows", rows)
    monkeypatch.setattr(shard, "connect", lambda: Connection("127.0.0.1:1", "postgresql:///none", 4, {}, {}))
    ran = backoffice("shard", *words)
    assert ran.status == 1
    assert ran.error["error"] == "shard_lost"
    assert "holds our event 9" in ran.error["message"]
    assert "Restore the database's tail" in ran.error["fix"]
