"""Names come sealed from the ledger and are opened with its keys; what cannot be opened is not let go."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.compliance.handlers.opening import Keys
from services.transactions.domain.personal import sealed_content
from shared.messages.compliance import AlertRaised, DecisionMade, HoldPlaced
from shared.messages.envelope import Number
from shared.messages.partitioner import shard_of
from shared.messages.sealing import MasterKey, PartyKey, key_record
from shared.runtime.errors import ShardHalted
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, BOB, PARTITIONS, Delivery, Ledger
from tests.support.keys import MASTER_KEY

LISTED = {"creditor": "Otto Grimwold"}
SECRETS = {ALICE: bytes(range(64)), BOB: bytes(64)}
MASTER = MasterKey(MASTER_KEY)


@dataclass
class Topic:
    """The topic of keys: what stands there, and what of it was read."""

    there: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    read: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    caught_up: list[set[int]] = field(default_factory=list)
    gone: int = 0

    @property
    def erasures(self) -> int:
        """How many that were read are not there any more."""
        return self.gone

    def value(self, partition: int, key: bytes) -> bytes | None:
        """What was read."""
        return self.read.get((partition, key))

    async def catch_up(self, partitions: Collection[int]) -> None:
        """Read all there is."""
        self.caught_up.append(set(partitions))
        self.gone += len(self.read.keys() - self.there.keys())
        self.read = dict(self.there)

    async def keep_following(self) -> None:
        """Read what has come by itself."""
        await self.catch_up(())

    async def close(self) -> None:
        """Have nothing to let go of."""

    def publish(self, owner: str, secret: bytes) -> None:
        """Put a key there, as the ledger does before an event."""
        shard = shard_of(owner, PARTITIONS)
        wrapped = MASTER.wrap(secret, shard, owner)
        self.there[shard, owner.encode()] = key_record(shard, owner, PartyKey(secret), wrapped)


@pytest.fixture
def topic(harness: Harness) -> Topic:
    """The topic that the service reads keys from."""
    found = Topic()
    harness.service._keys = Keys(MASTER, found)
    return found


def sealed(deliveries: list[Delivery], owner: str = ALICE, secret: bytes | None = None) -> list[Delivery]:
    """The same events with what is personal sealed, as the ledger publishes them."""
    key = PartyKey(secret or SECRETS[owner])
    found: list[Delivery] = []
    for each in deliveries:
        event: dict[str, Any] = json.loads(each.value)
        content = json.dumps(event["instruction"], ensure_ascii=False).encode()
        event["instruction"] = json.loads(sealed_content(content, event["instruction_id"], key))
        value = json.dumps(event, separators=(",", ":")).encode()
        assert b"Grimwold" not in value
        found.append(replace(each, value=value))
    return found


async def test_a_sealed_name_is_found_like_any_other(harness: Harness, topic: Topic) -> None:
    """The key is published before the event, so what is not known yet is there once the topic was read."""
    topic.publish(ALICE, SECRETS[ALICE])
    waiting = Ledger().moved("withdrawal", "100", cash=False, pending=True, names=LISTED)
    [hold] = await harness.take(*sealed(waiting))
    assert isinstance(hold, HoldPlaced)
    assert [each.values["entry"] for each in hold.findings]
    assert topic.caught_up[-1] == {shard_of(ALICE, PARTITIONS)}


async def test_a_key_that_is_known_is_not_asked_for_again(harness: Harness, topic: Topic) -> None:
    """Reading the topic costs a round trip; nearly all owners are known."""
    topic.publish(ALICE, SECRETS[ALICE])
    ledger = Ledger()
    names = {"creditor": "Jane Doe"}
    await harness.take(*sealed(ledger.moved("withdrawal", "100", cash=False, names=names)))
    count = len(topic.caught_up)
    await harness.take(*sealed(ledger.moved("withdrawal", "100", cash=False, names=names)))
    await harness.take(*ledger.moved("withdrawal", "100", cash=False))
    assert len(topic.caught_up) == count


async def test_a_secondary_is_opened_with_the_key_of_its_writers_partition(
    harness: Harness, topic: Topic
) -> None:
    """The owner of an event is at home where its primary is."""
    topic.publish(ALICE, SECRETS[ALICE])
    transfer = Ledger().moved("transfer", "100", owner=ALICE, other=BOB, cash=False, names=LISTED)
    secondary = [each for each in sealed(transfer) if each.copy == "secondary"]
    assert await harness.take(*secondary) == []
    assert topic.caught_up[-1] == {shard_of(ALICE, PARTITIONS)}


async def test_a_customers_party_is_put_on_record_as_it_was(harness: Harness, topic: Topic) -> None:
    """Compliance keeps names for as long as the law on money laundering wants them."""
    topic.publish(ALICE, SECRETS[ALICE])
    events = await harness.take(*sealed(Ledger().opened("Otto Grimwold", owner=ALICE)))
    assert [type(each) for each in events] == [AlertRaised]
    name = await harness.connection.fetchval("SELECT name FROM party")
    assert name == "Otto Grimwold"


async def test_a_waiting_payment_whose_names_cannot_be_read_is_held(harness: Harness, topic: Topic) -> None:
    """Nothing goes out unscreened because a key is gone, be it erased or lost."""
    waiting = Ledger().moved("withdrawal", "100", cash=False, pending=True, names={"creditor": "Jane Doe"})
    [hold] = await harness.take(*sealed(waiting))
    assert isinstance(hold, HoldPlaced)
    assert [each.values for each in hold.findings] == [{"field": "sealed"}]
    assert topic.caught_up


async def test_what_is_posted_and_cannot_be_read_alerts_once_a_day(harness: Harness, topic: Topic) -> None:
    """An owner erased before compliance had read so far; somebody should know."""
    ledger = Ledger()
    first = await harness.take(*sealed(ledger.moved("withdrawal", "100", cash=False, names=LISTED)))
    again = await harness.take(*sealed(ledger.moved("withdrawal", "100", cash=False, names=LISTED)))
    assert [type(each) for each in first] == [AlertRaised]
    assert again == []
    topic.publish(ALICE, SECRETS[BOB])
    other = await harness.take(*sealed(ledger.opened("Jane Doe", owner=ALICE)))
    assert [each.findings[0].values for each in other if isinstance(each, AlertRaised)] in (
        [],
        [{"field": "sealed"}],
    )


async def test_what_was_screened_when_it_was_pending_needs_no_key_when_it_is_posted(
    harness: Harness, topic: Topic
) -> None:
    """Its names have been judged."""
    del topic
    posted = Ledger().moved("withdrawal", "100", cash=False, names=LISTED, first=Number(shard=0, seq=7))
    assert await harness.take(*sealed(posted)) == []


async def test_an_erased_key_is_forgotten(harness: Harness, topic: Topic) -> None:
    """What it opened is of no use any more, once the tombstone has been read."""
    topic.publish(ALICE, SECRETS[ALICE])
    waiting = Ledger()
    names = {"creditor": "Jane Doe"}
    moved = sealed(waiting.moved("withdrawal", "1", cash=False, pending=True, names=names))
    [cleared] = await harness.take(*moved)
    assert isinstance(cleared, DecisionMade)
    topic.there.clear()
    keys = harness.service._keys
    assert keys is not None
    await keys.forget_erased()
    [hold] = await harness.take(
        *sealed(waiting.moved("withdrawal", "1", cash=False, pending=True, names=names))
    )
    assert isinstance(hold, HoldPlaced)


async def test_what_does_not_open_with_its_key_halts_the_shard(harness: Harness, topic: Topic) -> None:
    """It was changed, or the master key is another: going on would mean not to screen."""
    topic.publish(ALICE, SECRETS[ALICE])
    moved = sealed(Ledger().moved("withdrawal", "1", cash=False, names=LISTED))
    event = json.loads(moved[0].value)
    event["instruction_id"] = "00000000-0000-0000-0000-00000000ffff"
    with pytest.raises(ShardHalted, match="BACKOFFICE_MASTER_KEY"):
        await harness.take(replace(moved[0], value=json.dumps(event, separators=(",", ":")).encode()))
