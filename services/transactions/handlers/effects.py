"""Lets a batch of records, or what is due by itself, take effect: load, decide, write, announce."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from services.transactions.domain.chart import Account
from services.transactions.domain.claims import Claim
from services.transactions.domain.decisions import Decision
from services.transactions.domain.due import tasks_due
from services.transactions.domain.duties import Task
from services.transactions.domain.duties.execution import with_contents
from services.transactions.domain.entries import Entries
from services.transactions.domain.ledger import Folded, fold
from services.transactions.domain.outside import Outside
from services.transactions.domain.seals import Chain, Seal
from services.transactions.domain.state import ShardState
from services.transactions.handlers.announcing import announce
from services.transactions.handlers.loading import (
    load_credits,
    load_known_ids,
    load_needed,
    load_past,
    load_stopped,
    load_wanted,
    remember,
)
from services.transactions.handlers.memory import Memory
from services.transactions.handlers.sealing import NONE, keys_for
from services.transactions.store import (
    Connection,
    accounts,
    accruals,
    balances,
    carried,
    closing,
    instruction_keys,
    journal_rows,
    limits,
    moving,
    parts,
    periods,
    reversals,
    risk,
    scheduled,
    seals,
    value_dates,
)
from shared.runtime.work import Received, UnitOfWork

REPEATS_EXPECTED_BATCHES: Final = 50
"""For so many batches after a repeated instruction, ids are looked up before they are used."""

PARTS_AHEAD: Final = 4_194_304
"""So many numbers, a whole part, are ready before they are needed."""


async def handle_records(memory: Memory, work: UnitOfWork, records: Iterable[Received]) -> None:
    """Decide each record, write what was decided and add its event to the unit of work."""
    batches: defaultdict[int, Entries] = defaultdict(Entries)
    types = memory.types
    taken = list(records)
    keys, ahead = await keys_for(memory.keys, work, taken)
    for received in taken:
        batches[received.shard].add(received, types, keys.get(received.shard, NONE))
    announced = len(work.outgoing)
    await _take_effect(memory, work, batches)
    if ahead:
        for event in work.outgoing[announced:]:
            # What was made for a shard's part of the batch goes before its first event.
            event.ahead = ahead.pop(event.shard, ())


async def do_what_is_due(memory: Memory, work: UnitOfWork) -> None:
    """Perform what is due by itself in the shards of the unit of work, a bounded piece of it."""
    await _make_parts(memory, work)
    batches: dict[int, Entries] = {}
    due = {
        shard: tasks_due(memory.state_for(work, shard), part.recorded_at, part.parked, memory.duties)
        for shard, part in work.shards.items()
    }
    for shard, tasks in (await _with_contents(memory, work, due)).items():
        for task in tasks:
            batches.setdefault(shard, Entries()).add_task(task)
    if batches:
        await _take_effect(memory, work, batches)


async def _make_parts(memory: Memory, work: UnitOfWork) -> None:
    """See to it that the journal's parts reach far beyond its end.

    How far is remembered once it is seen: what is made here may be rolled back.
    """
    beyond = max((part.last_seq for part in work.shards.values()), default=0) + PARTS_AHEAD
    if memory.parts_reach <= beyond:
        memory.parts_reach = await parts.reach(work.connection)
        if memory.parts_reach <= beyond:
            await parts.make(work.connection, beyond)


async def _with_contents(
    memory: Memory, work: UnitOfWork, due: dict[int, list[Task]]
) -> dict[int, list[Task]]:
    """Read what those ask for that were scheduled."""
    numbers = [
        (shard, task.waiting.seq)
        for shard, tasks in due.items()
        for task in tasks
        if task.waiting is not None
    ]
    if not numbers:
        return due
    contents = await scheduled.contents_of(work.connection, numbers)
    return {
        shard: with_contents(
            tasks, {seq: content for (of, seq), content in contents.items() if of == shard}, memory.types
        )
        for shard, tasks in due.items()
    }


async def _take_effect(memory: Memory, work: UnitOfWork, batches: Mapping[int, Entries]) -> None:
    """Load, decide, write and announce what each shard's entries come to."""
    states = {shard: memory.state_for(work, shard) for shard in batches}
    outsides = await load_needed(memory, work, states, batches)
    if memory.repeats_expected:
        memory.repeats_expected -= 1
        await load_known_ids(work.connection, batches, outsides)
    folded = await _fold_all(memory, work, states, batches, outsides)
    if not await instruction_keys.claim_ids(work.connection, _ids_used(folded)):
        # One of them has come before, which is rare: now the first outcomes are looked up, and for the
        # batches that follow beforehand, since repeats seldom come alone.
        memory.repeats_expected = REPEATS_EXPECTED_BATCHES
        await load_known_ids(work.connection, batches, outsides)
        folded = await _fold_all(memory, work, states, batches, outsides)
        if not await instruction_keys.claim_ids(work.connection, _ids_used(folded)):
            raise RuntimeError("an instruction's id is taken, and its first outcome cannot be found")
    await _claim_accounts(memory, work, states, batches, outsides, folded)
    chains = await _chains(memory, work, folded)
    rows = journal_rows.JournalRows()
    sealed: list[Seal] = []
    for shard, result in folded.items():
        memory.chains_ahead[shard] = announce(rows, work, chains[shard], result.decisions, sealed)
    await rows.write(work.connection)
    await seals.save_chains(work.connection, [memory.chains_ahead[shard] for shard in folded], sealed)
    await _write_moving(work.connection, folded)
    memory.waiting += [result.changes for result in folded.values()]


async def _fold_all(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> dict[int, Folded]:
    """Fold every shard."""
    folded: dict[int, Folded] = {}
    await _fold_into(folded, memory, work, states, batches, outsides, batches)
    return folded


async def _fold_into(
    folded: dict[int, Folded],
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
    shards: Collection[int],
) -> None:
    """Fold shards until none lacks an account, a balance, or what others credited where home is short."""
    while shards:
        for shard in shards:
            folded[shard] = _fold(memory, work, states[shard], batches[shard], outsides[shard])
        wanted = {shard: folded[shard].wanted for shard in shards if folded[shard].wanted}
        if wanted:
            await load_wanted(memory, work.connection, states, outsides, wanted)
            if not all(outside.knows_all_stops for outside in outsides.values()):
                await load_stopped(work.connection, states, batches, outsides)
        shards = wanted.keys() | await _load_short(work.connection, states, outsides, folded, shards)


def _ids_used(folded: Mapping[int, Folded]) -> list[tuple[int, Sequence[Decision | Claim]]]:
    """The decisions that use up an id; the same ones however often a shard decides again."""
    return [(shard, list(result.changes.firsts.values())) for shard, result in folded.items()]


def _fold(memory: Memory, work: UnitOfWork, state: ShardState, batch: Entries, outside: Outside) -> Folded:
    return fold(
        state,
        batch.all,
        chart=memory.chart,
        types=memory.types,
        partitions=work.partitions,
        outside=outside,
        last_seq=work.shards[state.shard].last_seq,
    )


async def _load_short(
    connection: Connection,
    states: Mapping[int, ShardState],
    outsides: Mapping[int, Outside],
    folded: Mapping[int, Folded],
    shards: Collection[int],
) -> set[int]:
    """Load what others credited to accounts that are short at home; return the shards that asked for it."""
    past = {
        (account_id, shard): since
        for shard in shards
        for account_id, since in folded[shard].needs_past.items()
    }
    homes = {account_id: shard for shard in shards for account_id in folded[shard].needs}
    homes.update(past.keys())
    if not homes:
        return set()
    await load_credits(connection, homes, states, outsides)
    await load_past(connection, past, outsides)
    for account_id, shard in homes.items():
        states[shard].short.add(account_id)
    return set(homes.values())


async def _claim_accounts(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
    folded: dict[int, Folded],
) -> None:
    """Insert the accounts that are opened; where another shard was first with a code, decide again."""
    while True:
        again = _yield_codes(states, outsides, folded)
        if not again:
            opened = [each for result in folded.values() for each in result.changes.opened]
            if not opened:
                return
            claim = work.connection.transaction()
            await claim.start()
            taken = await accounts.claim_accounts(work.connection, opened)
            if not taken:
                await claim.commit()
                return
            await claim.rollback()
            found = await accounts.accounts_by_code(work.connection, memory.chart, sorted(taken))
            remember(states, found)
            again = {account.shard for account, _ in opened if account.code in taken}
        await _fold_into(folded, memory, work, states, batches, outsides, again)


def _yield_codes(
    states: Mapping[int, ShardState], outsides: Mapping[int, Outside], folded: Mapping[int, Folded]
) -> set[int]:
    """Where shards of one batch open the same code, show the lowest one's to the others.

    Returns the shards that must decide again.
    """
    winners: dict[str, Account] = {}
    for shard in sorted(folded):
        for account, _ in folded[shard].changes.opened:
            winners.setdefault(account.code, account)
    again: set[int] = set()
    for shard, result in folded.items():
        elsewhere = outsides[shard].opened
        shown = {
            code: winners[code]
            for code in (*elsewhere, *(account.code for account, _ in result.changes.opened))
            if code in winners and winners[code].shard != shard
        }
        if shown != elsewhere:
            outsides[shard].opened = shown
            for account in shown.values():
                states[shard].meet(account.account_id, None)
            again.add(shard)
    return again


async def _write_moving(connection: Connection, folded: Mapping[int, Folded]) -> None:
    """Write balances, and the rest where there is any."""
    await balances.save_balances(connection, {shard: each.changes for shard, each in folded.items()})
    await moving.place_freezes(
        connection, [each for result in folded.values() for each in result.changes.placed]
    )
    await moving.lift_freezes(
        connection, [each for result in folded.values() for each in result.changes.lifted]
    )
    await closing.save_closings(
        connection, {key: row for each in folded.values() for key, row in each.changes.closing_rows.items()}
    )
    await limits.set_limits(
        connection, [each for result in folded.values() for each in result.changes.limits_set]
    )
    changed = {shard: result.changes for shard, result in folded.items()}
    await value_dates.save_values(connection, {shard: each.valued for shard, each in changed.items()})
    await value_dates.save_openings(connection, {shard: each.day_openings for shard, each in changed.items()})
    for shard, changes in changed.items():  # what is rare
        await carried.carry_over(connection, shard, changes.carried_over)
        await accruals.accrue(connection, shard, changes.accrued_by)
        await risk.save_classes(connection, shard, changes.rated)
        await moving.open_days(connection, shard, changes.days_opened)
        await periods.close_periods(connection, shard, changes.periods_closed)
        await scheduled.save_waiting(connection, shard, changes.put_off)
        await scheduled.end_waiting(connection, shard, changes.waited)
    await moving.save_pendings(connection, {shard: each.pended for shard, each in changed.items()})
    await moving.clear_pendings(connection, {shard: each.cleared for shard, each in changed.items()})
    await moving.settle_pendings(connection, {shard: each.settled for shard, each in changed.items()})
    await moving.resolve_pendings(connection, {shard: each.resolved for shard, each in changed.items()})
    await reversals.save_uses(connection, {shard: each.used for shard, each in changed.items()})


async def _chains(memory: Memory, work: UnitOfWork, shards: Collection[int]) -> dict[int, Chain]:
    """Return where the chains of these shards stand; those that memory does not know are read.

    It does not know one after a claim, and after an act that the runtime carried out.
    """
    known = {**memory.chains, **memory.chains_ahead}
    found = {shard: known.get(shard, Chain(shard, -1)) for shard in shards}
    unknown = [shard for shard, chain in found.items() if chain.seq != work.shards[shard].last_seq]
    if unknown:
        found.update(await seals.chains_at(work.connection, unknown))
        for shard in unknown:
            last_seq = work.shards[shard].last_seq
            if found[shard].seq != last_seq:
                raise RuntimeError(
                    f"the chain of shard {shard} ends at {found[shard].seq} and its journal at {last_seq}"
                )
    return found
