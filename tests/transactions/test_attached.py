"""While old parts of the journal are away, what is there is verified as far as it can be."""

# ruff: noqa: E501 - statements in one line each

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from services.transactions import parting
from services.transactions.handlers import effects
from services.transactions.queries.parts import PartsDetachedError
from services.transactions.queries.verifying import CHECKS, CHECKS_ATTACHED, Anchor, verify
from services.transactions.queries.verifying.result import VerifyResult
from services.transactions.queries.verifying.seals import SEAL_EVERY
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, database
from tests.transactions.narrow import narrow
from tests.transactions.support import StoredLedger, answer, deposit, opening, owner_in, transfer, withdrawal

OWNERS = [owner_in(shard, "owner") for shard in range(4)]
ALICE, BOB = owner_in(1, "alice"), owner_in(1, "bob")
FIRST = SEAL_EVERY + 1
"""The first event that is there."""


async def a_long_ledger(ledger: StoredLedger) -> None:
    """Beyond a seal's events in each shard; in one beyond two, and what was held in the first is cleared in the second."""
    await ledger.send(*(opening(each) for each in (*OWNERS, ALICE, BOB)), deposit(BOB, "5.00"))
    await ledger.send(deposit(OWNERS[1], "2000.00"), deposit(ALICE, "50.00"))
    (held,) = await ledger.send(withdrawal(OWNERS[1], "1500.00"))
    for _ in range(11):
        await ledger.send(*(deposit(each, "0.03") for each in OWNERS for _ in range(100)))
    await ledger.send(
        answer(held, "cleared"),
        transfer(ALICE, OWNERS[1], "1.00"),
        transfer(ALICE, "nobody", "1.00"),
    )
    for _ in range(11):
        await ledger.send(*(deposit(OWNERS[1], "0.01") for _ in range(100)))
    await ledger.connection.execute("UPDATE shard SET published_seq = last_seq")


@pytest.fixture(scope="session")
def template(ledger_server: Server) -> str:
    """Make it once, and detach its first part."""

    async def prepare() -> str:
        async with database(ledger_server, TEMPLATE, name="attached_template", keep=True) as addresses:
            owner = await asyncpg.connect(addresses.owner)
            await narrow(owner, SEAL_EVERY)
            await owner.execute("SET search_path = transactions; SELECT make_parts(5000); RESET search_path")
            connection = await asyncpg.connect(addresses.service)
            await a_long_ledger(await StoredLedger.started(connection))
            await connection.close()
            assert (await verify(addresses.readonly)).first_difference is None
            await parting.detach(owner, 0, lambda _: None)
            await owner.close()
        return "attached_template"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "PARTS_AHEAD", SEAL_EVERY)
        return asyncio.run(prepare())


@pytest_asyncio.fixture
async def books(ledger_server: Server, template: str) -> AsyncIterator[LedgerDatabase]:
    """A clone of the ledger without its first part."""
    async with database(ledger_server, template) as addresses:
        yield addresses


async def test_what_is_there_is_verified_while_the_rest_is_away(books: LedgerDatabase) -> None:
    """By one process or several, up to the vector; and it is said from where on, and what was not looked at."""
    with pytest.raises(PartsDetachedError):
        await verify(books.readonly)
    told: list[int] = []
    result = await verify(books.readonly, told.append, attached=True, processes=2)
    assert result.first_difference is None
    assert result.ok
    assert result.from_seq == FIRST
    assert [each.name for each in result.checks] == [*CHECKS_ATTACHED, "seals"]
    assert set(CHECKS_ATTACHED) < set(CHECKS)
    assert all(each.checked for each in result.checks)
    reader = await asyncpg.connect(books.readonly)
    there = await reader.fetchval("SELECT count(*) FROM transactions.journal_row")
    ids = await reader.fetchval("SELECT count(*) FROM transactions.instruction_key WHERE seq >= $1", FIRST)
    ended = await reader.fetchval(
        "SELECT seq FROM transactions.journal_row WHERE shard = 1 AND about_seq < $1", FIRST
    )
    await reader.close()
    assert told[-1] == there
    assert result.instructions == ids
    # What ends something of before cannot be hashed, nor what follows it in its seal; the rest is.
    assert result.checks[-1].checked == there - (2 * SEAL_EVERY - ended + 1)
    alone = await verify(books.readonly, attached=True)
    assert alone.checks == result.checks


async def tampered(
    books: LedgerDatabase, *statements: str, anchors: list[Anchor] | None = None
) -> VerifyResult:
    """Change something as the owner, and verify."""
    owner = await asyncpg.connect(books.owner, server_settings={"search_path": "transactions"})
    for statement in statements:
        assert (await owner.execute(statement)).split()[-1] != "0", statement
    await owner.close()
    return await verify(books.readonly, attached=True, anchors=anchors or [])


TAMPERINGS = {
    "an amount": ("UPDATE journal_row SET amount = amount + 1 WHERE shard = 0 AND seq = 1030", "after_balances"),
    "a first balance after": ("UPDATE journal_row SET credit_balance_after = credit_balance_after + 1 WHERE shard = 0 AND seq = 1025", "after_balances"),
    "the balances after of all": ("UPDATE journal_row SET credit_balance_after = credit_balance_after + 1 WHERE shard = 0", "balances"),
    "an account": ("UPDATE journal_row SET credit_account = 9999 WHERE shard = 2 AND seq = 1030", "movements"),
    "a row gone": ("DELETE FROM journal_row WHERE shard = 3 AND seq = 1040", "sequence"),
    "the tail gone": ("DELETE FROM journal_row WHERE shard = 3 AND seq > 1040", "sequence"),
    "a row put in": ("INSERT INTO journal_row SELECT (jsonb_populate_record(each, jsonb_build_object('seq', 4000))).* FROM journal_row AS each WHERE shard = 3 AND seq = 1040; UPDATE shard SET last_seq = 4000 WHERE shard = 3", "sequence"),
    "a swapped pair": ("UPDATE journal_row SET seq = 4000 WHERE shard = 0 AND seq = 1031; UPDATE journal_row SET seq = 1031 WHERE shard = 0 AND seq = 1032; UPDATE journal_row SET seq = 1032 WHERE shard = 0 AND seq = 4000", "first_outcomes"),
    "a byte of what was asked": ("UPDATE journal_row SET content = set_byte(content, 1, get_byte(content, 1) # 1) WHERE shard = 0 AND seq = 1050", "seals"),
    "a stored balance": ("UPDATE balance SET credits_posted = credits_posted + 1 WHERE shard = 0 AND credits_posted > 0", "balances"),
    "a stored balance of one who did not move": ("UPDATE balance SET credits_posted = credits_posted + 1 FROM account WHERE balance.account_id = account.account_id AND balance.shard = 1 AND code LIKE 'bob%'", "debits_equal_credits"),
    "counters too small for what was moved": ("UPDATE balance SET credits_posted = credits_posted - 3200 WHERE shard = 0 AND credits_posted > 3200; UPDATE balance SET debits_posted = debits_posted - 3200 WHERE shard = 0 AND debits_posted > 3200", "balances"),
    "no stored balance": ("DELETE FROM balance WHERE shard = 0 AND credits_posted > 0", "balances"),
    "a seal of before": ("UPDATE seal SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE shard = 2 AND last_seq = 1024", "seals"),
    "a head of before": ("UPDATE seal SET head = set_byte(head, 0, get_byte(head, 0) # 1) WHERE shard = 2 AND last_seq = 1024", "seals"),
    "a seal over what cannot be spelt": ("UPDATE seal SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE shard = 1 AND last_seq = 2048", "seals"),
    "no seal of before": ("DELETE FROM seal WHERE shard = 2 AND last_seq = 1024", "seals"),
    "an id of before free again": ("DELETE FROM instruction_key WHERE shard = 0 AND seq = 5", "first_outcomes"),
    "an outcome of before forgotten": ("DELETE FROM detached_outcome WHERE shard = 0 AND seq = 5", "first_outcomes"),
    "an id free again": ("DELETE FROM instruction_key WHERE shard = 0 AND seq = 1030", "first_outcomes"),
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_tampering_with_what_is_there_is_found(books: LedgerDatabase, tampering: str) -> None:
    """As while all is there; and what is kept of the part that is away is held against the rest."""
    statements, check = TAMPERINGS[tampering]
    result = await tampered(books, *statements.split("; "))
    assert not result.ok
    assert check in {each.name for each in result.checks if not each.ok}


async def test_a_kept_head_of_what_is_away_is_compared(books: LedgerDatabase) -> None:
    """Where a seal ends with its event."""
    reader = await asyncpg.connect(books.readonly)
    head = await reader.fetchval(
        "SELECT head FROM transactions.seal WHERE shard = 2 AND last_seq = $1", SEAL_EVERY
    )
    await reader.close()
    right = Anchor(2, SEAL_EVERY, head)
    assert (await verify(books.readonly, attached=True, anchors=[right])).ok
    difference = (await tampered(books, anchors=[Anchor(2, SEAL_EVERY, bytes(32))])).first_difference
    assert difference is not None
    assert (difference.check, difference.shard, difference.seq) == ("seals", 2, SEAL_EVERY)
