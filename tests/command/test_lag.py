"""The state of a partition, named from what was seen of it: the rules of Burrow, and two of our own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from backoffice.cli import lag
from backoffice.cli.connection import Connection
from backoffice.cli.lagmeter import Look, Place, Sample, judge, topics_of
from shared.messages.topics import JOURNAL
from shared.runtime.queries import Backlog

NOW_MS = 1_770_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

FRESH = Sample(
    at_ms=NOW_MS,
    stored=100,
    end=100,
    lag=0,
    seconds=0.0,
    estimated=False,
    kafka_offset=100,
    owner="reporting-0",
    halted=None,
    last_progress_at=NOW,
)


def look(at: float, stored: int, lag: int, seconds: float, progress: float) -> Sample:
    """Return a sample `at` seconds on, with the last progress so many seconds from the start."""
    return replace(
        FRESH,
        at_ms=NOW_MS + int(at * 1000),
        stored=stored,
        end=stored + lag,
        lag=lag,
        seconds=seconds,
        last_progress_at=NOW + timedelta(seconds=progress),
    )


CASES = [
    ("nothing waits", [look(0, 100, 0, 0, 0)], "ok"),
    ("one look cannot tell that it stands still", [look(0, 100, 5, 0.1, 0)], "ok"),
    ("it catches up", [look(0, 100, 50, 9, 0), look(1, 140, 20, 8, 1)], "ok"),
    ("it moves, and the lag never falls", [look(0, 100, 50, 9, 0), look(1, 140, 60, 9, 1)], "warn"),
    ("it moves, the lag is young", [look(0, 100, 50, 0.1, 0), look(1, 140, 60, 0.1, 1)], "ok"),
    ("the lag was zero within the window", [look(0, 100, 0, 0, 0), look(1, 100, 60, 9, 0)], "ok"),
    ("commits elsewhere, not here", [look(0, 100, 50, 8, 0), look(1, 100, 50, 9, 1)], "stall"),
    ("commits elsewhere, waits but a moment", [look(0, 100, 50, 0.2, 0), look(1, 100, 50, 1.2, 1)], "ok"),
    ("no commit for a window", [look(20, 100, 50, 15, 0), look(21, 100, 50, 16, 0)], "stop"),
    ("no commit, but what waits is young", [look(20, 100, 50, 1, 0), look(21, 100, 50, 2, 0)], "ok"),
    ("the position went back", [look(0, 100, 50, 1, 0), look(1, 90, 60, 2, 1)], "rewind"),
]


@pytest.mark.parametrize(("history", "state"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_states(history: list[Sample], state: str) -> None:
    """Each state and its near neighbour."""
    assert judge(history) == state


def test_a_halted_shard_is_halted_whatever_else() -> None:
    """It needs a person, and says why."""
    assert judge([replace(look(0, 100, 0, 0, 0), halted="a broken chain", owner=None)]) == "halted"


def test_a_shard_nobody_works_is_unowned_even_without_lag() -> None:
    """Otherwise a service that was never started looks well until the first record."""
    assert judge([replace(FRESH, owner=None)]) == "unowned"


def test_totals_add_records_and_take_the_oldest() -> None:
    """The line that scripts read."""
    places = [Place("reporting", JOURNAL.name, partition) for partition in range(2)]
    samples = dict(zip(places, [look(0, 1, 5, 3.5, 0), look(0, 1, 7, 1.25, 0)], strict=True))
    backlogs = {"transactions": Backlog(2, 3, 4), "reporting": Backlog(1, 0, 0)}
    totals = Look(samples, dict.fromkeys(places, "ok"), backlogs).totals()
    assert totals == {
        "total": True,
        "services": {
            "transactions": {"lag": 0, "lag_seconds": 0.0},
            "compliance": {"lag": 0, "lag_seconds": 0.0},
            "reporting": {"lag": 12, "lag_seconds": 3.5},
        },
        "unpublished": 3,
        "parked": 3,
        "dead_letters": 4,
    }


def test_each_service_is_measured_on_what_it_reads() -> None:
    """The generated topics list is the one source."""
    assert [topic.name for topic in topics_of("compliance")] == [
        "transactions.journal.v1",
        "compliance.acts.v1",
    ]


async def test_a_watch_ends_when_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`lag --watch | head` must not go on for ever: a closed pipe is no outage to be waited out."""
    opened: list[str] = []

    class Meter:
        """Looks at nothing."""

        async def look(self) -> Look:
            """See no places."""
            return Look({}, {}, {})

    @contextlib.asynccontextmanager
    async def meter(_: object) -> AsyncIterator[Meter]:
        """Count how often it is opened."""
        opened.append("meter")
        yield Meter()

    def closed(*_: object) -> None:
        """Print into a closed pipe."""
        raise BrokenPipeError

    monkeypatch.setattr(lag, "open_lagmeter", meter)
    monkeypatch.setattr(lag, "_print", closed)
    with pytest.raises(BrokenPipeError):
        await lag._watch(cast("Connection", None), None)  # pyright: ignore[reportPrivateUsage]
    assert opened == ["meter"]
