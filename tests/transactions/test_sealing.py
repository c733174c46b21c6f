"""What is personal is sealed under its owner's key before it is kept; erasing removes the key."""

import base64
import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.domain.decoding import decode_instruction
from services.transactions.domain.personal import is_personal, sealed_content
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.records import Record
from services.transactions.handlers.memory import TYPES
from services.transactions.queries.verifying import verify
from shared.messages import sealing
from shared.messages.acts import EraseParty
from shared.messages.envelope import canonical_json
from shared.messages.instructions import INSTRUCTION
from shared.messages.instructions.base import content_of
from shared.messages.partitioner import shard_of
from shared.messages.sealing import (
    PARTY_KEY_RECORD,
    CannotOpen,
    MasterKey,
    PartyKey,
    key_ids_in,
    opened,
)
from shared.messages.topics import PARTY_KEYS, TRANSACTIONS_ACTS
from shared.runtime.work import Ahead, Received
from tests.support.keys import MASTER_KEY
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    StoredLedger,
    closing,
    deposit,
    named_id,
    opening,
    owner_in,
    received,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
KEY, OTHER = PartyKey(bytes(range(64))), PartyKey(bytes(64))
PAYMENT = {
    "debtor": {"name": "Otto Grimwold", "account": "DE0200"},
    "creditor": {"name": "Zoë Quux", "country": "NO", "identifier": "ID-77"},
    "creditor_agent": "DNBANOKKXXX",
    "end_to_end_id": "E2E-1",
    "ultimate_creditor": {"name": "Ulla Ultima"},
    "remittance": "for Aunt Agatha",
}
PARTY = {"kind": "person", "name": "Odile Querfurt", "holders": [{"name": "Ina Inhaber"}]}
NAMES = ("Grimwold", "DE0200", "Quux", "ID-77", "Ultima", "Agatha", "Querfurt", "Inhaber")


def test_more_keys_than_ciphers_seal_as_each_does_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cipher that had to go is made again from the key."""
    monkeypatch.setattr(sealing, "CIPHERS_MAX", 2)
    secrets = [bytes([number]) * 64 for number in range(5)]
    keys = [PartyKey(secret) for secret in secrets]
    for _ in range(2):
        texts = [key.seal("1", b'{"a":1}') for key in keys]
        assert texts == [PartyKey(secret).seal("1", b'{"a":1}') for secret in secrets]
        assert [key.open("1", text) for key, text in zip(keys, texts, strict=True)] == [b'{"a":1}'] * 5


def test_a_key_that_is_wiped_seals_and_opens_nothing() -> None:
    """Whoever still holds it has nothing in hand."""
    key = PartyKey(bytes(64))
    text = key.seal("1", b'{"a":1}')
    key.wipe()
    with pytest.raises(ValueError, match="key"):
        key.seal("1", b'{"a":1}')
    with pytest.raises(CannotOpen):
        key.open("1", text)


def plain(message: dict[str, Any]) -> PlainInstruction:
    """Read a message that must be plain."""
    found = decode_instruction(TYPES, json.dumps(message, ensure_ascii=False).encode())
    assert isinstance(found, PlainInstruction)
    return found


WORDS = st.none() | st.sampled_from(
    ["x", "}", "{", ",", ":null", "debtor", "},remittance:null", "Zoë } , { Quux", "[]", "payment:{"]
)
PAYMENT_PARTIES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "name": WORDS,
        "country": st.sampled_from(["DE", None]),
        "account": WORDS,
        "identifier": WORDS,
    },
)
PAYMENTS = st.fixed_dictionaries(
    {},
    optional={
        "remittance": WORDS,
        "debtor": PAYMENT_PARTIES,
        "creditor": PAYMENT_PARTIES,
        "ultimate_debtor": PAYMENT_PARTIES,
        "ultimate_creditor": PAYMENT_PARTIES,
        "debtor_agent": st.sampled_from(["DNBANOKK", "DNBANOKKXXX", None]),
        "end_to_end_id": WORDS,
        "uetr": st.sampled_from(["EB6305C9-1f7f-49de-aed0-16487c27b42d", None]),
        "instructed_asset": st.sampled_from(["EUR", None]),
        "charges_bearer": st.sampled_from(["SHAR", None]),
        "purpose": WORDS,
    },
)


@given(PAYMENTS)
def test_a_plain_instruction_is_sealed_as_any_other(payment: dict[str, Any]) -> None:
    """Which way a record is read changes nothing of what is kept of it, whatever its texts look like."""
    message = transfer("alice", "bob", "1.00", payment=payment, value_date="2026-01-02")
    quick = plain(message)
    asked = INSTRUCTION.validate_json(json.dumps(message))
    content = content_of(asked)
    assert quick.content == content
    assert (quick.block is not None) == is_personal(asked)
    if quick.block is not None:
        quick.seal(KEY)
        assert quick.content == sealed_content(content, quick.instruction_id, KEY)
        assert opened(quick.content, quick.instruction_id, KEY) != quick.content
        assert json.loads(opened(quick.content, quick.instruction_id, KEY)) == json.loads(content)


def test_what_is_said_of_instructions_within_another_is_sealed_too() -> None:
    """Whoever says it there is refused, and what was said is kept with the refusal."""
    asked = {"instruction_id": named_id("a"), "members": [{"payment": PAYMENT}, {"party": PARTY}, {}]}
    content = json.dumps(asked, ensure_ascii=False).encode()
    sealed = sealed_content(content, named_id("a"), KEY)
    assert not any(name.encode() in sealed for name in NAMES)
    assert json.loads(opened(sealed, named_id("a"), KEY)) == asked


def test_what_is_not_personal_stays_as_it_is() -> None:
    """References and banks are looked for, and tell of nobody."""
    quick = plain(transfer("alice", "bob", "1.00", payment=PAYMENT))
    quick.seal(KEY)
    asked = json.loads(quick.content)
    assert asked["payment"].keys() == {"creditor_agent", "end_to_end_id", "sealed"}
    assert plain(transfer("alice", "bob", "1.00", payment={"end_to_end_id": "E2E-1"})).block is None
    assert plain(transfer("alice", "bob", "1.00")).block is None


def test_the_same_fields_of_the_same_instruction_come_to_the_same_text() -> None:
    """So events are rebuilt byte for byte, and a repeat is known; of two instructions nothing looks alike."""
    one, other = (transfer("alice", "bob", "1.00", payment=PAYMENT) for _ in range(2))
    sealed = [plain(each) for each in (one, one, other)]
    for each in sealed:
        each.seal(KEY)
    texts = [json.loads(each.content)["payment"]["sealed"] for each in sealed]
    assert texts[0] == texts[1] != texts[2]
    assert sealed[0].content_hash == sealed[1].content_hash


def test_only_its_own_key_opens_what_is_sealed() -> None:
    """What is under another key stays closed; what was changed, or stands elsewhere, does not open."""
    quick = plain(transfer("alice", "bob", "1.00", payment=PAYMENT))
    quick.seal(KEY)
    assert key_ids_in(quick.content) == {KEY.key_id}
    assert opened(quick.content, quick.instruction_id, OTHER) == quick.content
    with pytest.raises(CannotOpen):
        opened(quick.content, str(uuid4()), KEY)
    place = quick.content.index(KEY.key_id.encode()) + 40
    other = b"A" if quick.content[place : place + 1] != b"A" else b"B"
    changed = quick.content[:place] + other + quick.content[place + 1 :]
    with pytest.raises(CannotOpen):
        opened(changed, quick.instruction_id, KEY)


def test_a_key_is_unwrapped_for_its_own_owner_only() -> None:
    """Whoever can write to the table must not be able to have one owner's data opened as another's."""
    master = MasterKey(MASTER_KEY)
    wrapped = master.wrap(bytes(range(64)), 1, "alice")
    assert master.unwrap(wrapped, 1, "alice").key_id == KEY.key_id
    for shard, owner in ((2, "alice"), (1, "bob")):
        with pytest.raises(CannotOpen):
            master.unwrap(wrapped, shard, owner)
    with pytest.raises(CannotOpen):
        MasterKey(base64.b64encode(bytes(64)).decode()).unwrap(wrapped, 1, "alice")
    for text in ("", "AAAA", "not base64!"):
        with pytest.raises(ValueError, match=r".*"):
            MasterKey(text)


MALFORMED = [
    {"payment": {"creditor": {"name": "Zoë Quux", "country": "Norway"}}},
    {"party": {"name": "Odile Querfurt"}, "amount": 5},
    {"amount": 5, "beneficiary": "Otto Grimwold"},
    {"amount": {"of": "Otto Grimwold"}},
    {"channel": {"channel": "Ulla Ultima"}},
    {"amount": 5, "sealed": "Otto Grimwold"},
]


@pytest.mark.parametrize("fields", MALFORMED)
def test_of_a_malformed_record_all_but_single_known_fields_is_sealed(fields: dict[str, Any]) -> None:
    """Nobody knows what somebody wrote where nothing belongs."""
    message = transfer("alice", "bob", "1.00") | fields
    record = Record(received(message), TYPES, {"alice": KEY})
    assert record.content is not None
    assert not any(name.encode() in record.content for name in NAMES)
    assert record.content == canonical_json(json.loads(record.content))
    assert record.instruction_id is not None
    assert json.loads(opened(record.content, record.instruction_id, KEY)) == message


def test_a_malformed_record_without_anything_else_stays_as_it_is() -> None:
    """So that it can be seen what was wrong."""
    message = transfer("alice", "bob", "1.00") | {"amount": 5}
    record = Record(received(message), TYPES, {"alice": KEY})
    assert record.content == canonical_json(message)


# ── on the database ──────────────────────────────────────────────────────────────────────────────


def erasing(owner: str, **fields: Any) -> Received:
    """An act that erases somebody, as the runtime hands it to the service."""
    given: dict[str, Any] = {"actor": "ann", "reason": "asked for", "approved_by": "ben", **fields}
    act = EraseParty(act_id=uuid4(), owner=owner, **given)
    home = shard_of(owner, PARTITIONS)
    return Received(home, TRANSACTIONS_ACTS.name, home, 0, 0, owner.encode(), act)


async def erase(ledger: StoredLedger, owner: str, **fields: Any) -> tuple[bool, str]:
    """Have the service carry the act out and announce it, as the runtime does."""
    act = erasing(owner, **fields)
    async with ledger.work([act.shard]) as work:
        done, detail, result = await ledger.service.carry_out(work, act)
        await ledger.service.announce_act(work, act, done, detail, result)
    return done, detail


async def dump(connection: asyncpg.Connection) -> bytes:
    """All rows of all tables of the ledger, as a backup has them."""
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'transactions'")
    found: list[bytes] = []
    for (name,) in names:
        for row in await connection.fetch(f"SELECT * FROM transactions.{name}"):
            found += [each if isinstance(each, bytes) else str(each).encode() for each in row.values()]
    return b"\n".join(found)


def published(ledger: StoredLedger) -> list[Ahead]:
    """What was published ahead of events, in order."""
    return [each for event in ledger.outgoing for each in event.ahead]


async def played(ledger: StoredLedger) -> None:
    """Everything that may name somebody, in several batches."""
    await ledger.send(opening(ALICE, party=PARTY), opening(BOB, party=PARTY))
    await ledger.send(deposit(ALICE, "9.00", payment=PAYMENT), deposit(BOB, "9.00"))
    await ledger.send(
        transfer(ALICE, BOB, "1.00", payment=PAYMENT),
        withdrawal(ALICE, "99.00", payment=PAYMENT),
        withdrawal(ALICE, "1.00", payment=PAYMENT, dry_run=True),
        withdrawal(ALICE, "1.00", payment={"creditor": {"name": "Zoë Quux", "country": "Norway"}}),
    )
    await ledger.send(
        received(withdrawal(ALICE, "1.00", payment=PAYMENT), key="another"),
        received(withdrawal(ALICE, "1.00", payment=PAYMENT), partition=3),
    )


async def test_no_name_is_to_be_read_in_tables_or_events(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Whoever has a backup, or reads the topic, knows nobody."""
    await played(ledger)
    connection = await asyncpg.connect(ledger_database.owner)
    try:
        everything = await dump(connection)
    finally:
        await connection.close()
    everything += b"\n".join(event.body + event.key for event in ledger.outgoing)
    everything += b"\n".join(each.value or b"" for each in published(ledger))
    assert b"E2E-1" in everything
    assert [name for name in NAMES if name.encode() in everything] == []


async def test_a_key_is_published_once_before_the_first_event_that_needs_it(ledger: StoredLedger) -> None:
    """Consumers then find it, however the two topics come to them."""
    await played(ledger)
    ahead = published(ledger)
    assert sorted(each.key for each in ahead) == sorted([ALICE.encode(), BOB.encode()])
    assert {each.topic for each in ahead} == {PARTY_KEYS.name}
    master = MasterKey(MASTER_KEY)
    for each in ahead:
        record = PARTY_KEY_RECORD.validate_json(each.value or b"")
        key = master.unwrap(record.wrapped_bytes, record.shard, record.owner)
        first = next(event for event in ledger.outgoing if each in event.ahead)
        assert first.shard == record.shard
        own = [event for event in ledger.outgoing if key_ids_in(event.body) == {key.key_id}]
        assert min(event.seq for event in own) >= first.seq
        for event in own:
            assert event.correlation_id is not None
            assert any(name.encode() in opened(event.body, event.correlation_id, key) for name in NAMES)


async def test_a_record_in_the_wrong_place_keeps_nothing_personal(ledger: StoredLedger) -> None:
    """Its owner's key is at home elsewhere, where erasing the owner removes it."""
    (event,) = await ledger.send(received(deposit(ALICE, "1.00", payment=PAYMENT), partition=3))
    assert event["reason"] == "wrong_partition"
    assert event["instruction"]["payment"]["sealed"] == "withheld"
    assert published(ledger) == []


async def test_a_key_is_kept_only_if_its_batch_is_committed(ledger: StoredLedger) -> None:
    """One that was rolled back is in no table: what was sealed under it could never be opened."""
    await ledger.send(opening(ALICE))
    with pytest.raises(ZeroDivisionError):
        await _fail_after(ledger, received(deposit(ALICE, "1.00", payment=PAYMENT)))
    await ledger.send(deposit(ALICE, "1.00", payment=PAYMENT))
    kept = await ledger.connection.fetchval("SELECT wrapped FROM party_key")
    assert kept is not None
    key = MasterKey(MASTER_KEY).unwrap(kept, 1, ALICE)
    assert key_ids_in(ledger.outgoing[-1].body) == {key.key_id}


async def test_what_is_taken_again_after_a_rollback_is_sealed_under_the_key_that_is_kept(
    ledger: StoredLedger,
) -> None:
    """The key of the first time is gone; also where the ladder had read the record closely by then."""
    await ledger.send(opening(ALICE))
    refused = received(withdrawal(ALICE, "5.00", payment={"creditor": {"name": "Jane Roe"}}))
    assert refused.message.__class__ is PlainInstruction
    with pytest.raises(ZeroDivisionError):
        await _fail_after(ledger, refused)
    [event] = await ledger.run([refused])
    assert event["reason"] == "insufficient_funds"
    kept = await ledger.connection.fetchval("SELECT wrapped FROM party_key")
    assert kept is not None
    key = MasterKey(MASTER_KEY).unwrap(kept, 1, ALICE)
    assert key_ids_in(ledger.outgoing[-1].body) == {key.key_id}


async def _fail_after(ledger: StoredLedger, record: Received) -> None:
    async with ledger.work([1]) as work:
        await ledger.service.handle(work, [record])
        raise ZeroDivisionError


async def test_a_repeat_is_known_by_what_is_sealed(ledger: StoredLedger) -> None:
    """The key is read again after a restart, and the same content comes to the same hash."""
    await ledger.send(opening(ALICE))
    message = deposit(ALICE, "1.00", payment=PAYMENT)
    await ledger.send(message)
    await ledger.forget()
    (again,) = await ledger.send(message)
    other = {**message, "payment": {**PAYMENT, "remittance": "for somebody else"}}
    (changed,) = await ledger.send(other)
    assert again["type"] == "DuplicateReceived"
    assert (changed["reason"], changed["field"]) == ("id_reused", "payment")


@pytest.mark.parametrize("batches", [1, 2])
async def test_keys_take_two_statements_a_batch_at_most(ledger: StoredLedger, batches: int) -> None:
    """Looked for together and made together; none at all once they are known, or nothing is personal."""
    owners = [owner_in(1, f"o{number}x") for number in range(20)]
    await ledger.send(*[opening(owner) for owner in owners])

    async def statements(payment: dict[str, Any] | None) -> int:
        seen: list[Any] = []
        batch = [received(deposit(owner, "5.00", payment=payment)) for owner in owners]
        async with ledger.work([1]) as work:
            with ledger.connection.query_logger(seen.append):
                await ledger.service.handle(work, batch)
        return len(seen)

    await statements(None)
    without = await statements(None)
    assert await statements(PAYMENT) == without + 2
    for _ in range(batches):
        assert await statements(PAYMENT) == without
    await ledger.forget()
    await statements(None)
    assert await statements(PAYMENT) == without + 1


async def _books_are_right(readonly: str) -> None:
    found = await verify(readonly)
    assert [each.name for each in found.checks if not each.ok] == []


def bodies(events: Iterable[Any]) -> list[bytes]:
    """The events' bytes."""
    return [each.body for each in events]


async def test_erasing_an_owner_leaves_books_events_and_seals_as_they_were(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Only the key is gone: every byte that was hashed or published stands."""
    await played(ledger)
    await ledger.send(withdrawal(ALICE, "8.00", payment=PAYMENT), closing(ALICE))
    await ledger.tick()
    await _books_are_right(ledger_database.readonly)
    before = bodies(await ledger.service.events_after(ledger.connection, 1, 0, 1000))
    assert await erase(ledger, ALICE) == (True, "erased")
    await ledger.forget()
    after = bodies(await ledger.service.events_after(ledger.connection, 1, 0, 1000))
    assert after[: len(before)] == before
    await _books_are_right(ledger_database.readonly)
    rows = await ledger.connection.fetch("SELECT owner FROM party_key")
    assert [row["owner"] for row in rows] == [BOB]
    assert ledger.outgoing[-1].ahead == (Ahead(PARTY_KEYS.name, ALICE.encode(), None),)
    (rebuilt,) = await ledger.service.events_after(ledger.connection, 1, len(before), 10)
    assert rebuilt == ledger.outgoing[-1]


async def test_what_was_published_ahead_is_published_again_unless_it_was_erased(ledger: StoredLedger) -> None:
    """After a crash the next owner sends keys again before their events, and never one that is gone."""
    await played(ledger)
    first = await ledger.service.events_after(ledger.connection, 1, 0, 1000)
    other = await ledger.service.events_after(ledger.connection, 2, 0, 1000)
    await ledger.service.add_ahead(ledger.connection, first)
    await ledger.service.add_ahead(ledger.connection, other)
    again = [each for event in (*first, *other) for each in event.ahead]
    assert again == sorted(published(ledger), key=lambda each: each.key)
    await ledger.send(withdrawal(ALICE, "8.00"), closing(ALICE))
    await ledger.tick()
    await erase(ledger, ALICE)
    rebuilt = await ledger.service.events_after(ledger.connection, 1, 0, 1000)
    await ledger.service.add_ahead(ledger.connection, rebuilt)
    assert [each for event in rebuilt for each in event.ahead] == [
        Ahead(PARTY_KEYS.name, ALICE.encode(), None)
    ]


async def test_an_owner_is_erased_by_two_people_when_nothing_is_open(ledger: StoredLedger) -> None:
    """While there is a relationship its data are needed, and one person may be wrong."""
    await played(ledger)
    assert await erase(ledger, ALICE) == (False, "accounts_open")
    await ledger.send(withdrawal(ALICE, "8.00"), closing(ALICE))
    assert await erase(ledger, ALICE) == (False, "accounts_open")
    await ledger.tick()
    assert await erase(ledger, ALICE, approved_by="ann") == (False, "same_person")
    assert await erase(ledger, ALICE) == (True, "erased")
    assert await erase(ledger, ALICE) == (True, "nothing_sealed")
    assert ledger.outgoing[-1].ahead == (Ahead(PARTY_KEYS.name, ALICE.encode(), None),)


async def test_nobody_is_erased_whom_the_ledger_does_not_know(ledger: StoredLedger) -> None:
    """A code that was mistyped must not be taken for a promise that was kept."""
    await played(ledger)
    nobody = owner_in(1, "nobody")
    assert await erase(ledger, nobody) == (False, "owner_unknown")
    assert ledger.outgoing[-1].ahead == ()
    assert await erase(ledger, nobody, approved_by="ann") == (False, "same_person")
    await ledger.send(deposit(nobody, "1.00", payment=PAYMENT))
    assert await erase(ledger, nobody) == (True, "erased")


async def test_after_an_erasure_a_repeat_is_still_one_and_what_is_new_has_another_key(
    ledger: StoredLedger,
) -> None:
    """A fact that comes late is booked; what personal data it brings can be erased again."""
    await ledger.send(opening(ALICE))
    message = deposit(ALICE, "1.00", payment=PAYMENT)
    await ledger.send(message, withdrawal(ALICE, "1.00"), closing(ALICE))
    await ledger.tick()
    await erase(ledger, ALICE)
    count = len(ledger.outgoing)
    (again,) = await ledger.send(message)
    (changed,) = await ledger.send({**message, "amount": "2.00"})
    (late,) = await ledger.send(deposit(ALICE, "3.00", payment=PAYMENT))
    assert again["type"] == "DuplicateReceived"
    assert (changed["reason"], changed["field"]) == ("id_reused", "amount")
    assert late["type"] == "TransactionPosted"
    keys = {each for event in ledger.outgoing for each in key_ids_in(event.body)}
    assert len(keys) == 2
    assert [each.key for event in ledger.outgoing[count:] for each in event.ahead] == [ALICE.encode()]


async def test_nobody_but_the_service_reads_keys(ledger_database: LedgerDatabase) -> None:
    """Not even wrapped: the login that answers questions has no use for them."""
    connection = await asyncpg.connect(ledger_database.readonly)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM transactions.party_key")
    finally:
        await connection.close()


def test_ids_of_the_tests_are_spelt_alike() -> None:
    """A sealed text is bound to the id as it stands in the content: in lower case, with hyphens."""
    message = transfer("alice", "bob", "1.00", payment=PAYMENT, instruction_id=named_id("a").upper())
    record = Record(received(message), TYPES, {"alice": KEY})
    assert record.content is not None
    assert opened(record.content, named_id("a"), KEY) != record.content
