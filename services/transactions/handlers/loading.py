"""Reads what the decisions about a batch need and nobody remembers, with a constant number of statements."""

from collections.abc import Collection, Mapping
from datetime import date

from services.transactions.domain.chart import Account
from services.transactions.domain.entries import (
    Entries,
    containers,
    ids_not_claimed,
    instruction_ids,
    items,
    originals,
    pending_ids,
    short_ones,
    touched,
    wanted_by,
    wanted_by_plain,
)
from services.transactions.domain.outside import First, Outside, Wanted
from services.transactions.domain.state import ShardState
from services.transactions.handlers.memory import Memory
from services.transactions.store import (
    Connection,
    accounts,
    balances,
    instruction_keys,
    moving,
    reversals,
    value_dates,
)
from shared.runtime.failpoints import planted
from shared.runtime.work import UnitOfWork


async def load_needed(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
) -> dict[int, Outside]:
    """Read what the batch needs and nobody remembers, with a constant number of statements."""
    connection = work.connection
    asked = {
        shard: pending_ids(states[shard], batch.closely_read) | ids_not_claimed(batch.closely_read)
        for shard, batch in batches.items()
    }
    firsts = await _first_outcomes(connection, asked)
    outsides = {shard: Outside(firsts.get(shard, {})) for shard in batches}
    await _load_originals(memory, work, states, batches, outsides)
    await _load_within(memory, connection, states, batches, outsides)
    wanted = {shard: wanted_by_plain(states[shard], batch.all) for shard, batch in batches.items()}
    while True:
        for shard, batch in batches.items():
            wanted[shard] |= wanted_by(states[shard], batch.closely_read, outsides[shard])
        if not any(wanted.values()):
            break
        await load_wanted(memory, connection, states, outsides, wanted)
        wanted = {shard: Wanted() for shard in batches}
    await load_stopped(connection, states, batches, outsides)
    short = {
        account_id: shard
        for shard, batch in batches.items()
        for account_id in short_ones(states[shard], batch.all)
    }
    if short:
        await load_credits(connection, short, states, outsides)
    return outsides


async def _load_within(
    memory: Memory,
    connection: Connection,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> None:
    """Read the accounts within those that are to be closed as a whole."""
    asked = {shard: containers(batch.closely_read) for shard, batch in batches.items()}
    codes = set[str]().union(*asked.values())
    if not codes:
        return
    found = await accounts.accounts_within(connection, memory.chart, sorted(codes))
    remember(states, {each.code: each for within in found.values() for each in within})
    for shard, of_shard in asked.items():
        outsides[shard].within = {code: found[code] for code in of_shard if code in found}


async def load_credits(
    connection: Connection,
    homes: Mapping[int, int],
    states: Mapping[int, ShardState],
    outsides: Mapping[int, Outside],
) -> None:
    """Read what other shards have credited to accounts, given with their homes.

    What of it has its value on a day to come is read behind it, so that nothing of it can be missing: for a
    shard that has opened its next business day before the home did, that is all that it has posted since.
    """
    today = min(day for shard in set(homes.values()) for day in states[shard].days.values())
    credited = await balances.foreign_credits(connection, homes, today)
    ahead = await value_dates.ahead_elsewhere(connection, homes, today)
    later = {(account_id, homes[account_id]): today for account_id, each in credited.items() if each.is_ahead}
    if later:
        past = await value_dates.past_since(connection, later)
        ahead |= {account_id: each.elsewhere for account_id, each in past.items()}
    for account_id, shard in homes.items():
        outside = outsides[shard]
        outside.credits[account_id] = credited[account_id].posted
        outside.reserved[account_id] = credited[account_id].pending
        outside.ahead[account_id] = ahead[account_id]


async def load_past(
    connection: Connection, wanted: Mapping[tuple[int, int], date], outsides: Mapping[int, Outside]
) -> None:
    """Read what was posted since days gone by on accounts whose credits were read, given with their homes."""
    if not wanted:
        return
    found = await value_dates.past_since(connection, wanted)
    for account_id, shard in wanted:
        outsides[shard].past[account_id] = found[account_id]


async def _load_originals(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> None:
    """Read what was posted under the ids that a batch names, in whatever shard, and what of it is used."""
    named = {shard: originals(batch.closely_read, work.partitions) for shard, batch in batches.items()}
    asked = set[tuple[int, str]]().union(*named.values())
    numbers = {(shard, seq) for shard, batch in batches.items() for seq in items(batch.closely_read, shard)}
    if not asked and not numbers:
        return
    connection, chart = work.connection, memory.chart
    found = await reversals.originals(connection, chart, sorted(asked)) if asked else {}
    posted = await reversals.posted_at(connection, chart, sorted(numbers)) if numbers else {}
    every = [*found.values(), *posted.values()]
    uses = await reversals.uses(connection, [each for each in every if each.legs])
    trades = {
        (each.shard, each.part.pending_seq)
        for each in found.values()
        if each.part is not None
        and each.shard in states
        and each.part.pending_id not in states[each.shard].pendings
    }
    ended = await moving.ended_trades(connection, chart, sorted(trades)) if trades else {}
    for shard, wanted in named.items():
        outsides[shard].ended = {each: trade for (home, each), trade in ended.items() if home == shard}
        outsides[shard].originals = {each: found[each] for each in wanted if each in found}
        outsides[shard].items = {seq: each for (home, seq), each in posted.items() if home == shard}
        outsides[shard].uses = uses
    met = {end.code: end for each in every for leg in each.legs for end in (leg.debit, leg.credit)}
    for state in states.values():
        for code, account in met.items():
            state.accounts.setdefault(code, account)


async def load_wanted(
    memory: Memory,
    connection: Connection,
    states: Mapping[int, ShardState],
    outsides: Mapping[int, Outside],
    wanted: Mapping[int, Wanted],
) -> None:
    """Read accounts and balances; that an account was absent is remembered for this batch alone."""
    codes = set[str]().union(*(each.codes for each in wanted.values()))
    found = await accounts.accounts_by_code(connection, memory.chart, sorted(codes)) if codes else {}
    remember(states, found)
    missing: list[tuple[int, int]] = []
    for shard, each in wanted.items():
        outsides[shard].absent |= each.codes - found.keys()
        ids = each.rows | {found[code].account_id for code in each.codes & found.keys()}
        missing += [(shard, account_id) for account_id in ids if account_id not in states[shard].balances]
    if missing:
        rows = await balances.balances_of(
            connection, [shard for shard, _ in missing], [account_id for _, account_id in missing]
        )
        for shard, account_id in missing:
            states[shard].meet(account_id, rows.get((shard, account_id)))


async def load_stopped(
    connection: Connection,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> None:
    """Read which accounts something stops now."""
    stopped, are_all = await moving.standing_stops(
        connection,
        lambda: {
            each
            for shard, batch in batches.items()
            for each in touched(states[shard], batch.all, outsides[shard])
        },
    )
    for outside in outsides.values():
        outside.stopped, outside.knows_all_stops = stopped, are_all


async def load_known_ids(
    connection: Connection, batches: Mapping[int, Entries], outsides: Mapping[int, Outside]
) -> None:
    """Read the first outcomes of all instructions of the batch that have come before."""
    if planted("no_unique_id"):
        return
    asked = {shard: instruction_ids(batch.all) for shard, batch in batches.items()}
    for shard, firsts in (await _first_outcomes(connection, asked)).items():
        outsides[shard].firsts.update(firsts)


async def _first_outcomes(
    connection: Connection, asked: Mapping[int, Collection[str]]
) -> dict[int, dict[str, First]]:
    ids = [each for ids in asked.values() for each in ids]
    if not ids:
        return {}
    return await instruction_keys.first_outcomes(
        connection, ids, [shard for shard, of_shard in asked.items() for _ in of_shard]
    )


def remember(states: Mapping[int, ShardState], found: Mapping[str, Account]) -> None:
    """Put accounts that were found into the memory that all shards share."""
    for state in states.values():
        state.accounts.update(found)
