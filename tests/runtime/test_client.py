"""The client that commands use, while brokers come and go."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from shared.messages.topics import JOURNAL
from shared.runtime import client as clients
from shared.runtime.client import Client, NotReachedError
from shared.runtime.settings import KafkaSettings


class Silent:
    """A consumer of brokers that have gone: it waits for records for ever, and says nothing."""

    answers = False
    asked = 0

    def __init__(self, **_: Any) -> None: ...

    async def start(self) -> None:
        """Take the connection for granted."""

    async def stop(self) -> None:
        """Let go."""

    def assign(self, _: Any) -> None:
        """Take any place."""

    def seek(self, _: Any, __: int) -> None:
        """Go anywhere."""

    async def getmany(self, **_: Any) -> dict[Any, Any]:
        """Return nothing after a moment."""
        await asyncio.sleep(0.001)
        return {}

    async def end_offsets(self, places: list[Any]) -> dict[Any, int]:
        """Answer, or do not."""
        type(self).asked += 1
        if not self.answers:
            await asyncio.sleep(3600)
        return dict.fromkeys(places, 0)


@pytest.mark.parametrize(("answers", "silent"), [(False, 0.05), (True, 0.05), (False, None)])
async def test_who_waits_for_records_learns_that_kafka_has_gone(
    monkeypatch: pytest.MonkeyPatch, answers: bool, silent: float | None
) -> None:
    """aiokafka's consumer never says so; brokers that answer just have nothing, and are waited for."""
    consumer = type("Gone", (Silent,), {"answers": answers, "asked": 0})
    monkeypatch.setattr(clients, "AIOKafkaConsumer", consumer)
    monkeypatch.setattr(clients, "ANSWER_SECONDS_MAX", 0.05)
    gone = pytest.raises(NotReachedError, match="nowhere:1")
    async with Client(KafkaSettings(bootstrap="nowhere:1"), 2) as client, asyncio.timeout(20):
        stream = cast("AsyncGenerator[list[Any], None]", client.follow(JOURNAL, silent_seconds_max=silent))
        with contextlib.nullcontext() if answers or silent is None else gone:
            for _ in range(300):
                assert await anext(stream) == []
        await stream.aclose()
    assert (cast("Any", consumer).asked > 0) == (silent is not None)
