"""What the tables hold and guard, on a real PostgreSQL."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reporting.books import PARTITIONS, two_days
from tests.reporting.conftest import READONLY, SERVICE, Harness


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(two_days().delivered)), max_size=6))
async def test_any_cutting_gives_the_same_tables(new_harness: Callable[[], Any], cuts: list[int]) -> None:
    """A rebuild from the first event gives identical tables, whatever the batches were."""
    books = two_days().delivered
    whole, cut = await new_harness(), await new_harness()
    await whole.take(books)
    bounds = [0, *sorted(cuts), len(books)]
    for start, end in pairwise(bounds):
        await cut.take(books[start:end], shards=[0])
    assert await cut.tables() == await whole.tables()


async def test_the_order_of_the_shards_makes_no_difference(new_harness: Callable[[], Any]) -> None:
    """Each partition is read in order, but nothing orders one partition among the others."""
    books = two_days().delivered
    forwards, backwards = await new_harness(), await new_harness()
    await forwards.take(books)
    for partition in reversed(range(PARTITIONS)):
        await backwards.take([each for each in books if each.partition == partition], shards=[partition])
    assert await backwards.tables() == await forwards.tables()


async def test_a_batch_rolled_back_leaves_nothing_in_memory(harness: Harness) -> None:
    """An account is remembered as stored only once it is."""
    books = two_days().delivered
    with pytest.raises(ZeroDivisionError):
        await harness.take(books, fail_before_commit=True)
    await harness.take([])
    await harness.take(books)
    stored = {row[2] for row in (await harness.tables())["account"]}
    assert stored >= {"ann/EUR", "house/nostro-EUR"}


@pytest.mark.parametrize("table", ["entry", "report_run", "account"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET shard = shard", "DELETE FROM {}", "TRUNCATE {}"])
async def test_what_was_appended_cannot_be_changed(harness: Harness, table: str, verb: str) -> None:
    """Facts are added, never edited; the database guards it."""
    connection = await harness.database.connect(SERVICE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(verb.format(table))
    await connection.close()


@pytest.mark.parametrize("table", ["account_day", "owner_day", "activity", "compliance_day", "taken"])
async def test_nothing_counted_can_be_deleted(harness: Harness, table: str) -> None:
    """Aggregates only grow."""
    connection = await harness.database.connect(SERVICE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(f"DELETE FROM {table}")
    await connection.close()


async def test_the_read_only_login_writes_nothing(harness: Harness) -> None:
    """The command line never writes tables."""
    connection = await harness.database.connect(READONLY)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("INSERT INTO reporting.business_day VALUES (0, '2026-03-02')")
    await connection.close()
