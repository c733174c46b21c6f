"""A service refuses to go on where going on would lose or repeat effects, and says what to do."""

import asyncio
import signal

import pytest

from shared.runtime import database
from shared.runtime.client import _admin
from shared.runtime.errors import ConfigurationError
from shared.runtime.service import CANNOT_START
from shared.runtime.shard import LOST
from tests.runtime.conftest import Rig

pytestmark = pytest.mark.xdist_group("kafka")


async def exits(rig: Rig, slot: str = "toy-0") -> bool:
    """Whether the process has refused to start."""
    return rig.processes[slot].poll() == CANNOT_START


async def test_a_missing_migration_names_the_command(rig: Rig) -> None:
    """Started on a schema that is behind, it does not guess."""
    await rig.database.execute("DELETE FROM toy.migration WHERE name LIKE 'toy/%'")
    rig.start("toy")
    await rig.until(lambda: exits(rig), "the refusal")
    assert "backoffice migrate" in rig.log("toy-0")


async def test_another_number_of_shards_names_the_setting(rig: Rig) -> None:
    """With another P, owners would live elsewhere."""
    rig.start("toy", BACKOFFICE_PARTITIONS="3")
    await rig.until(lambda: exits(rig), "the refusal")
    assert "BACKOFFICE_PARTITIONS=2" in rig.log("toy-0")


async def test_a_missing_standby_is_refused_unless_waived(rig: Rig) -> None:
    """In production a lost machine must not lose committed books."""
    rig.start("toy", BACKOFFICE_STANDBY_REQUIRED="true")
    await rig.until(lambda: exits(rig), "the refusal")
    assert "synchronous_standby_names" in rig.log("toy-0")


@pytest.mark.parametrize(
    "address",
    ["nonsense", "postgresql://u:secret@127.0.0.1:99999/books", "postgresql://u:secret@127.0.0.1:port/books"],
)
async def test_an_address_of_no_database_is_refused_without_being_told(address: str) -> None:
    """By the services and by the command alike; there may be a password in it."""
    with pytest.raises(ConfigurationError, match="is not written as postgresql://") as refused:
        await database.connect(address, application="test")
    assert "secret" not in str(refused.value)


async def test_an_unknown_setting_names_the_nearest(rig: Rig) -> None:
    """A misspelt setting is not silently a default."""
    rig.start("toy", BACKOFFICE_PARTITION="2")
    await rig.until(lambda: _done(rig), "the refusal")
    assert "BACKOFFICE_PARTITIONS?" in rig.log("toy-0")


async def _done(rig: Rig) -> bool:
    return rig.processes["toy-0"].poll() not in (None, 0)


async def test_a_topic_with_another_policy_names_the_change(rig: Rig) -> None:
    """History published with its own dates would be deleted at once under CreateTime."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    async with _admin(rig.kafka) as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, rig.instructions.name, {"cleanup.policy": "compact"})]
        )
    rig.start("toy")
    await rig.until(lambda: exits(rig), "the refusal")
    assert "cleanup.policy=delete" in rig.log("toy-0")


async def test_a_database_that_lost_its_tail_halts_the_shard_and_publishes_nothing(rig: Rig) -> None:
    """Kafka holds an event that the journal does not know: a standby was promoted too early."""
    rig.start("toy")
    await rig.send("a", "b")
    await rig.until_notes(2)

    async def published() -> bool:
        return sum((await rig.client.end_offsets(rig.journal)).values()) == 2

    await rig.until(published, "both events in Kafka")
    rig.kill("toy-0")
    await rig.database.execute("DELETE FROM toy.outbox WHERE seq > 1")
    await rig.database.execute("UPDATE toy.shard SET last_seq = 1, published_seq = 1 WHERE shard = 0")
    await rig.database.execute("UPDATE toy.sent SET published_offset = 0, published_seq = 1, last_seq = 1")
    await rig.database.execute("DELETE FROM toy.position")
    rig.start("toy")

    async def halted() -> bool:
        return ((await rig.shard(0))["halted"] or "").startswith(LOST)

    await rig.until(halted, "the halt")
    await rig.send("c")
    await asyncio.sleep(1)
    assert sum((await rig.client.end_offsets(rig.journal)).values()) == 2


async def test_a_shard_goes_on_by_itself_once_what_was_lost_is_back(rig: Rig) -> None:
    """The next claim finds the journal as long as Kafka says; nobody need resume it."""
    rig.start("toy")
    await rig.send("a")
    await rig.until_notes(1)
    rig.kill("toy-0", signal.SIGTERM)
    await rig.database.execute("UPDATE toy.shard SET halted = $1 WHERE shard = 0", f"{LOST} a tail")
    rig.start("toy")
    await rig.send("b")
    assert await rig.until_notes(2) == ["a", "b"]


async def test_an_input_topic_made_anew_halts_the_shard(rig: Rig) -> None:
    """Its offsets mean other records: the record before the position is not the one remembered."""
    rig.start("toy")
    await rig.send("a", "b")
    await rig.until_notes(2)
    rig.kill("toy-0")
    await rig.database.execute("UPDATE toy.position SET last_hash = 'other'::bytea")
    rig.start("toy")

    async def halted() -> bool:
        return "made anew" in ((await rig.shard(0))["halted"] or "")

    await rig.until(halted, "the halt")
