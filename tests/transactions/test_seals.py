"""The journal is chained and sealed: nothing in it can be changed, removed or put in without being found."""

# ruff: noqa: E501 - statements in one line each

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from backoffice.cli import proofs
from backoffice.cli.errors import CommandError
from services.transactions.domain.seals import SEAL_EVERY, START, Chain, Seal, hash_of_seal
from services.transactions.queries import seals as queries
from services.transactions.queries.seals import prove
from services.transactions.queries.verifying import (
    Anchor,
    Check,
    Difference,
    PublishedEvent,
    compare_published,
    verify,
)
from services.transactions.queries.verifying.books import Books
from services.transactions.queries.verifying.derivation import derive
from services.transactions.queries.verifying.effects.opening import read_chart
from services.transactions.queries.verifying.plain import Ends
from services.transactions.queries.verifying.seals import subtrees_of
from shared.runtime.publisher import Publisher
from shared.runtime.settings import KafkaSettings
from shared.runtime.telemetry import Telemetry
from tests.repository.documents import block_to_run
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, database
from tests.transactions.support import (
    StoredLedger,
    deposit,
    instruction,
    opening,
    owner_in,
    received,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
START_OF_ALL = datetime(2026, 3, 1, tzinfo=UTC)
GUIDE = "docs/guides/check-a-proof.md"
LEAVES = [sha256(b"%d" % number).digest() for number in range(3 * SEAL_EVERY + 5)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


@given(st.lists(st.integers(0, len(LEAVES)), max_size=12))
def test_any_cutting_of_events_gives_the_same_seals(cuts: list[int]) -> None:
    """Batches depend on traffic; what is sealed must not."""
    chain, seals = Chain(3), list[Seal]()
    places = [0, *sorted(cuts), len(LEAVES)]
    for start, end in pairwise(places):
        chain, complete = chain.extended(LEAVES[start:end])
        seals += complete
    previous = START
    for number, seal in enumerate(seals):
        first = number * SEAL_EVERY
        root = naive_root(LEAVES[first : first + SEAL_EVERY])
        hashed = hash_of_seal(3, first + 1, first + SEAL_EVERY, previous, root)
        head = LEAVES[first + SEAL_EVERY - 1]
        assert seal == (3, first + 1, first + SEAL_EVERY, previous, root, hashed, head)
        previous = hashed
    assert len(seals) == 3
    open_nodes = naive_root(LEAVES[-5:-1]) + LEAVES[-1]
    assert chain == Chain(3, len(LEAVES), LEAVES[-1], open_nodes, previous)


async def a_sealed_ledger(ledger: StoredLedger) -> None:
    """Over two seals' events in one shard, of several kinds, and a few in the others."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(BOB, "70.00"))
    await ledger.send(
        received(deposit(ALICE, "5000.00"), traceparent=TRACE),
        transfer(ALICE, BOB, "1.00", value_date="2026-01-01"),
        transfer(ALICE, "nobody", "1.00"),
        deposit(ALICE, "3.00", "nobody"),
        b"{",
    )
    message = transfer(BOB, ALICE, "60.00")
    await ledger.send(message, withdrawal(ALICE, "1500.00"))
    await ledger.send(message, transfer(ALICE, BOB, "3550.00"))
    await ledger.send(instruction("freeze_account", owner=BOB, account=BOB, freeze_id="f", authority="c"))
    for size in (1, 900, 1300, 20):
        await ledger.send(*[deposit(ALICE, "0.01") for _ in range(size)])
    interest = {"owner": ALICE, "account": ALICE, "amount": "0.03", "asset": "EUR"}
    await ledger.send(
        instruction("fee", owner=ALICE, account=ALICE, amount="0.02", asset="EUR"),
        deposit(ALICE, "1.5"),
        *[instruction("interest", direction=each, **interest) for each in ("credit", "debit")],
        instruction("interest", **interest),
        transfer(ALICE, BOB, "0.04"),
        withdrawal(ALICE, "0.05", value_date="2026-01-02"),
    )


@dataclass(frozen=True)
class Sealed:
    """The sealed ledger's database, to be cloned, and its heads as the topic has them."""

    template: str
    heads: dict[tuple[int, int], bytes]
    instructions: dict[int, str]
    """Of shard 1, by seq."""


@pytest.fixture(scope="session")
def sealed(ledger_server: Server) -> Sealed:
    """Make the sealed ledger once."""

    async def prepare() -> Sealed:
        async with database(ledger_server, TEMPLATE, name="sealed_template", keep=True) as addresses:
            connection = await asyncpg.connect(addresses.service)
            ledger = await StoredLedger.started(connection)
            await a_sealed_ledger(ledger)
            await connection.close()
        heads = {
            (each.shard, each.seq): bytes.fromhex((each.chain or b"").decode()) for each in ledger.outgoing
        }
        posted = [each for each in ledger.outgoing if each.shard == 1 and each.type == "TransactionPosted"]
        return Sealed(
            "sealed_template", heads, {each.seq: json.loads(each.body)["instruction_id"] for each in posted}
        )

    return asyncio.run(prepare())


@pytest_asyncio.fixture
async def books(ledger_server: Server, sealed: Sealed) -> AsyncIterator[LedgerDatabase]:
    """A clone of the sealed ledger."""
    async with database(ledger_server, sealed.template) as addresses:
        yield addresses


async def compared(
    books: LedgerDatabase, anchors: list[Anchor] | None = None
) -> tuple[Check, Difference | None]:
    """What the check finds, the same whether plain transactions are walked in columns or row by row."""
    quickly, slowly = [
        (await verify(books.readonly, anchors=anchors or [], quick=quick, runs_from=1)).checks
        for quick in (True, False)
    ]
    assert quickly == slowly
    check = quickly[-1]
    assert check.name == "seals"
    return check, check.first


async def tamper(books: LedgerDatabase, *statements: str) -> None:
    """Change the tables as only their owner may."""
    owner = await asyncpg.connect(books.owner, server_settings={"search_path": "transactions"})
    try:
        for each in statements:
            assert not (await owner.execute(each)).endswith(" 0"), each
    finally:
        await owner.close()


async def test_a_ledger_in_order_is_found_in_order(books: LedgerDatabase, sealed: Sealed) -> None:
    """Every event was hashed, every seal and every published head is as it must be."""
    check, difference = await compared(
        books, [Anchor(shard, seq, head) for (shard, seq), head in sealed.heads.items()]
    )
    assert difference is None
    assert check.ok
    assert check.checked == len(sealed.heads)
    connection = await asyncpg.connect(books.readonly)
    assert await connection.fetchval("SELECT count(*) FROM transactions.seal") == 2
    await connection.close()


async def test_plain_transactions_are_walked_in_columns(books: LedgerDatabase) -> None:
    """So that what is held against the walk row by row is another one."""
    connection = await asyncpg.connect(books.readonly)
    async with connection.transaction(readonly=True):
        chart = Books()
        await read_chart(connection, chart)
        ends = Ends(chart)
        last_seq = await connection.fetchval("SELECT last_seq FROM transactions.shard WHERE shard = 1")
        plain = {
            runs_from: (await derive(connection, chart, ends, 1, last_seq, runs_from=runs_from)).plain
            for runs_from in (1, None)
        }
        deposits = await connection.fetchval(
            "SELECT count(*) FROM transactions.journal WHERE shard = 1 AND instruction_type = 'deposit'"
            " AND kind = 'TransactionPosted' AND detail IS NULL"
        )
    await connection.close()
    assert plain[None] == 0
    assert last_seq > plain[1] >= deposits > 2_000


CHANGES = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "epoch": "epoch + 1",
    "offset": '"offset" + 1',
    "partition": "coalesce(partition, shard) + 1",
    "topic": "'transactions.acts.v1'",
    "kind": "'TransactionPending'",
    "instruction_id": "gen_random_uuid()",
    "instruction_type": "'fee'",
    "booking_date": "booking_date + 1",
    "value_date": "coalesce(value_date, booking_date) + 1",
    "owner": "'x'",
    "about_seq": "coalesce(about_seq, 0) + 1",
    "reason": "coalesce(reason, '') || 'x'",
    "detail": "'{\"a\": 1}'",
    "content": "content || ' '",
    "seen": "'{}'",
    "copies": "'3 7'",
    "traceparent": "coalesce(traceparent, '') || '0'",
    "debit_account": "debit_account + 1",
    "credit_account": "credit_account + 1",
    "amount": "amount + 1",
    "debit_balance_after": "debit_balance_after + 1",
    "credit_balance_after": "credit_balance_after + 1",
    "asset_id": "840",
    "movement_kind": "'fee'",
}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("seq", [7, 1500, 2100])
async def test_a_change_in_any_column_is_found(books: LedgerDatabase, column: str, seq: int) -> None:
    """In the first seal, in the second, and after the last."""
    connection = await asyncpg.connect(books.readonly)
    columns = await connection.fetch(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'transactions' AND table_name = 'journal_row'"
    )
    assert {row["column_name"] for row in columns} == CHANGES.keys() | {"shard", "seq"}
    seq = await connection.fetchval(
        "SELECT min(seq) FROM transactions.journal WHERE shard = 1 AND seq >= $1 AND amount IS NOT NULL", seq
    )
    await connection.close()
    await tamper(
        books, f'UPDATE journal_row SET "{column}" = {CHANGES[column]} WHERE shard = 1 AND seq = {seq}'
    )
    check, difference = await compared(books)
    assert not check.ok
    assert difference is not None
    assert difference.shard == 1


LAST = "(SELECT last_seq FROM shard WHERE shard = 1)"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(["DELETE FROM journal WHERE shard = 1 AND seq = 9"], id="a deleted row"),
        pytest.param([f"DELETE FROM journal WHERE shard = 1 AND seq = {LAST}"], id="a deleted last row"),
        pytest.param(
            [
                f"""INSERT INTO journal_row (shard, seq, recorded_at, epoch, kind, topic, partition, "offset", detail)
                SELECT 1, {LAST} + 1, now(), 1, 'RecordUnreadable', 'transactions.instructions.v1', 1, 1,
                       '{{"error": "x", "size": 1, "sha256": "00"}}' """,
                "UPDATE shard SET last_seq = last_seq + 1 WHERE shard = 1",
            ],
            id="a row put in later",
        ),
        pytest.param(
            [
                "UPDATE journal_row SET seq = 4000000 WHERE shard = 1 AND seq = 1100",
                "UPDATE journal_row SET seq = 1100 WHERE shard = 1 AND seq = 1101",
                "UPDATE journal_row SET seq = 1101 WHERE shard = 1 AND seq = 4000000",
            ],
            id="a swapped pair",
        ),
        pytest.param(["UPDATE seal SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE last_seq = 1024"], id="a changed root"),
        pytest.param(["UPDATE seal SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE last_seq = 2048"], id="a changed seal"),
        pytest.param(["UPDATE seal SET previous_hash = hash WHERE last_seq = 2048"], id="another seal before it"),
        pytest.param(["UPDATE seal SET head = hash WHERE last_seq = 2048"], id="another head"),
        pytest.param(["UPDATE seal SET first_seq = 2 WHERE last_seq = 1024"], id="another first event"),
        pytest.param(["DELETE FROM seal WHERE last_seq = 1024"], id="a deleted seal"),
        pytest.param(["INSERT INTO seal SELECT 2, first_seq, last_seq, previous_hash, root, hash, head FROM seal WHERE last_seq = 1024"], id="an invented seal"),
        pytest.param(["UPDATE seal_head SET head = seal_hash WHERE shard = 1"], id="another end"),
        pytest.param(["UPDATE seal_head SET open_nodes = '' WHERE shard = 1"], id="another open tree"),
        pytest.param(["DELETE FROM seal_head WHERE shard = 1"], id="a deleted end"),
        pytest.param(["UPDATE account SET owner = owner || 'x' WHERE code LIKE 'alice%'"], id="another owner of an account"),
    ],
)  # fmt: skip
async def test_tampering_is_found(books: LedgerDatabase, statements: list[str]) -> None:
    """Rows gone, rows put in, places changed, seals changed."""
    await tamper(books, *statements)
    check, difference = await compared(books)
    assert not check.ok
    assert difference is not None


async def test_a_removed_tail_is_found_by_whoever_kept_a_head(books: LedgerDatabase, sealed: Sealed) -> None:
    """However well the end is removed from all tables: the topic's headers or a checkpoint tell."""
    last = max(seq for shard, seq in sealed.heads if shard == 2)
    kept = last - 1
    await tamper(
        books,
        f"DELETE FROM journal WHERE shard = 2 AND seq > {kept}",
        f"UPDATE shard SET last_seq = {kept} WHERE shard = 2",
    )
    leaves = [sealed.heads[2, seq] for seq in range(1, kept + 1)]
    nodes = b"".join(subtrees_of(leaves))
    await tamper(
        books,
        f"UPDATE seal_head SET seq = {kept}, head = '\\x{leaves[-1].hex()}', open_nodes = '\\x{nodes.hex()}'"
        " WHERE shard = 2",
    )
    check, _ = await compared(books)
    assert check.ok, "nothing in the tables tells"
    check, difference = await compared(books, [Anchor(2, last, sealed.heads[2, last])])
    assert not check.ok
    assert difference is not None
    assert (difference.shard, difference.seq) == (2, last)


async def test_a_changed_head_is_found_at_its_event(books: LedgerDatabase, sealed: Sealed) -> None:
    """A kept head narrows the place down to one event."""
    _, difference = await compared(books, [Anchor(1, 5, START), Anchor(1, 6, sealed.heads[1, 6])])
    assert difference is not None
    assert (difference.shard, difference.seq) == (1, 5)


@pytest.mark.parametrize("flips", [False, True])
async def test_a_changed_head_on_the_topic_is_found(ledger: StoredLedger, flips: bool) -> None:
    """The header is compared with the journal like the value it stands beside."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "5.00"))
    await ledger.send(transfer(ALICE, BOB, "1.00"))
    await ledger.connection.execute("UPDATE shard SET published_seq = last_seq")

    async def events() -> AsyncIterator[PublishedEvent]:
        for each in ledger.outgoing:
            chain = each.chain or b""
            if flips and each is ledger.outgoing[2]:
                chain = chain[:-1] + (b"0" if chain[-1:] != b"0" else b"1")
            for partition, prev, _ in ((each.shard, each.prev, b""), *each.copies):
                yield PublishedEvent(partition, each.shard, each.seq, prev, each.body, chain)

    vector = dict(await ledger.connection.fetch("SELECT shard, last_seq FROM shard"))
    async with ledger.connection.transaction():
        await ledger.connection.execute("SET LOCAL search_path = transactions")
        check, difference = await compare_published(
            ledger.connection, vector, events=events(), rebuild=ledger.service.events_after
        )
    assert check.ok != flips
    assert (difference is not None) == flips


async def test_batches_and_claims_leave_no_trace_in_seals(ledger_server: Server) -> None:
    """The same records in other batches, with memory dropped between them: the same events and seals."""
    rng = random.Random(4)
    messages = [opening(ALICE), *[deposit(ALICE, f"0.{number % 90 + 10}") for number in range(1200)]]
    found: list[tuple[list[bytes], list[Any]]] = []
    for sizes in ((2000,), (1, 2, 30, 500), (1023, 1, 1)):
        async with database(ledger_server, TEMPLATE) as addresses:
            connection = await asyncpg.connect(addresses.service)
            ledger = await StoredLedger.started(connection)
            at = 0
            while at < len(messages):
                size = rng.choice(sizes)
                # Time is what the batch is given; here all have the same.
                ledger.now = START_OF_ALL
                await ledger.send(*messages[at : at + size])
                at += size
                if rng.random() < 0.3:
                    await ledger.forget()
            seals = [
                tuple(row) for row in await connection.fetch("SELECT * FROM seal ORDER BY shard, last_seq")
            ]
            heads = await connection.fetch("SELECT * FROM seal_head ORDER BY shard")
            found.append(([each.chain or b"" for each in ledger.outgoing], [*seals, *map(tuple, heads)]))
            await connection.close()
    assert found[0] == found[1] == found[2]
    assert len(found[0][1]) == 2


async def test_the_service_may_not_change_a_seal(books: LedgerDatabase) -> None:
    """Append-only by rights."""
    connection = await asyncpg.connect(books.service, server_settings={"search_path": "transactions"})
    for statement in ("UPDATE seal SET root = hash", "DELETE FROM seal", "DELETE FROM seal_head"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_an_end_that_is_not_the_journals_stops_the_writer(ledger: StoredLedger) -> None:
    """Nothing is chained to a place where the chain does not stand."""
    await ledger.send(opening(ALICE))
    await ledger.connection.execute("UPDATE seal_head SET seq = 7 WHERE shard = 1")
    await ledger.forget()
    with pytest.raises(RuntimeError, match="the chain of shard 1 ends at 7 and its journal at 1"):
        await ledger.send(deposit(ALICE, "1.00"))


async def test_every_copy_of_an_event_carries_the_head(ledger: StoredLedger) -> None:
    """Whoever reads any partition can keep it."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "5.00"))
    await ledger.send(transfer(ALICE, BOB, "1.00"))
    event = ledger.outgoing[-1]
    assert event.chain is not None
    publisher = Publisher("transactions", KafkaSettings(), Telemetry("transactions", "test"))
    for lanes in publisher.spell([event]):
        ((records, _),) = lanes.values()
        assert b"\x0achain\x80\x01" + event.chain in records[0]


@dataclass(frozen=True)
class Keys:
    """A key pair's files."""

    private: Path
    public: Path


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A new key pair."""
    private = tmp_path / "ledger.pem"
    return Keys(private, proofs.new_key(private))


def test_the_wrong_key_of_a_pair_is_refused_and_the_right_one_named(keys: Keys) -> None:
    """To take one for the other is the likeliest mistake."""
    with pytest.raises(CommandError) as told:
        proofs.read_public_key(keys.private)
    assert str(keys.public) in told.value.fix
    with pytest.raises(CommandError) as told:
        proofs.sign({}, keys.public)
    assert str(keys.private) in told.value.fix


async def proof_of(books: LedgerDatabase, keys: Keys, instruction_id: str) -> dict[str, Any]:
    """A proof under a checkpoint of now."""
    connection = await asyncpg.connect(books.readonly, server_settings={"search_path": "transactions"})
    service = (await StoredLedger.started(connection)).service
    made: dict[str, Any] = {"version": 1, "shards": await queries.checkpoint(connection)}
    found = await prove(connection, UUID(instruction_id), made["shards"], service.events_after)
    await connection.close()
    assert found is not None
    return json.loads(
        proofs.canonical({"checkpoint": made, "signature": proofs.sign(made, keys.private), **found})
    )


def by_the_guide(proof: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """Check a proof with the guide's code."""
    namespace: dict[str, Any] = {"__name__": "guide"}
    exec(compile(block_to_run(GUIDE, "check"), GUIDE, "exec"), namespace)  # our own page
    return namespace["check"](proof, keys.public.read_bytes())


async def test_a_proof_is_checked_by_command_and_guide(
    books: LedgerDatabase, sealed: Sealed, keys: Keys
) -> None:
    """Events of each seal and of the tree still open, at its edges too; plain ones of every type, and others."""
    public = proofs.read_public_key(keys.public)
    seqs = sorted(sealed.instructions)
    near = [seq for seq in seqs if seq in (1023, 1024, 1025, 2047, 2048, 2049, 2050)]
    plain: dict[bool, int] = {True: 0, False: 0}
    for seq in (*seqs[:6], *near, *seqs[-8:]):
        proof = await proof_of(books, keys, sealed.instructions[seq])
        assert (proof["shard"], proof["seq"]) == (1, seq)
        assert proofs.flaw_of_proof(proof, public) is None
        assert by_the_guide(proof, keys) == json.loads(proof["body"])
        plain[proof["accounts"] is not None] += 1
    assert plain[True] > 10
    assert plain[False] > 1


async def test_a_proof_with_anything_changed_does_not_hold(
    books: LedgerDatabase, sealed: Sealed, keys: Keys, tmp_path: Path
) -> None:
    """Not its event, its place, its path, its seals, its checkpoint nor its key."""
    proof = await proof_of(books, keys, sealed.instructions[min(sealed.instructions)])
    public = proofs.read_public_key(keys.public)

    def flipped(text: str) -> str:
        """The text with its last digit changed."""
        return text[:-1] + ("0" if text[-1] != "0" else "1")

    changed: list[dict[str, Any]] = [
        {**proof, name: flipped(proof[name])} for name in ("row", "previous", "previous_seal", "signature")
    ]
    changed += [
        {**proof, "body": proof["body"].replace('"amount":"5000.00"', '"amount":"5000.01"')},
        {**proof, "accounts": proof["accounts"].replace("alice", "alica")},
        {**proof, "accounts": proof["accounts"] + " "},
        {**proof, "accounts": None},
        {**proof, "row": proof["row"] + "00"},
        {**proof, "row": proof["row"][:-2]},
        {**proof, "seq": proof["seq"] + 1},
        {**proof, "shard": 2},
        {**proof, "path": proof["path"][:-1]},
        {**proof, "path": [*proof["path"][:-1], flipped(proof["path"][-1])]},
        {**proof, "roots_after": []},
        {**proof, "roots_after": [flipped(each) for each in proof["roots_after"]]},
        {**proof, "signature": None},
        {**proof, "checkpoint": {**proof["checkpoint"], "version": 2}},
    ]
    assert all(each != proof for each in changed)
    for each in changed:
        assert proofs.flaw_of_proof(each, public) is not None
        with pytest.raises((AssertionError, InvalidSignature, TypeError, ValueError)):
            assert by_the_guide(each, keys)["seq"] == each["seq"]
    other = proofs.read_public_key(proofs.new_key(tmp_path / "other.pem"))
    assert proofs.flaw_of_proof(proof, other) == "the checkpoint is not signed with this key"


def test_a_new_key_is_secret_and_never_written_over(tmp_path: Path) -> None:
    """Mode 0600, and a second one needs another name."""
    path = tmp_path / "ledger.pem"
    proofs.new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_pem_private_key(path.read_bytes(), None)
    with pytest.raises(CommandError, match="is there already"):
        proofs.new_key(path)
