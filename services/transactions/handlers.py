"""Lets a batch of records take effect in the ledger: load, decide, write, announce."""

from binascii import hexlify
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.transactions.domain import decisions as kinds
from services.transactions.domain.chart import Account, Chart
from services.transactions.domain.decisions import Decision
from services.transactions.domain.due import DUTIES, tasks_due
from services.transactions.domain.duties import Duty
from services.transactions.domain.entries import (
    Entries,
    dry_run_ids,
    instruction_ids,
    originals,
    pending_ids,
    short_ones,
    touched,
    wanted_by,
)
from services.transactions.domain.events import event_bytes, plain_bytes, spell_time
from services.transactions.domain.ledger import Folded, fold
from services.transactions.domain.planning import TransactionType
from services.transactions.domain.seals import Chain, Seal, chained
from services.transactions.domain.state import Changes, First, Outside, ShardState, Wanted, stops_of
from services.transactions.store import (
    Connection,
    accounts,
    balances,
    binary,
    closing,
    journal,
    limits,
    moving,
    reversals,
    seals,
)
from services.transactions.transaction_types import TRANSACTION_TYPES
from shared.messages.acts import ActBase
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import JOURNAL
from shared.runtime.failpoints import planted
from shared.runtime.work import Outgoing, Received, ShardWork, UnitOfWork

REPEATS_EXPECTED_BATCHES: Final = 50
"""For so many batches after a repeated instruction, ids are looked up before they are used."""

ACCOUNTS_REMEMBERED_MAX: Final = 500_000
"""Beyond this, what can be read again is forgotten at the next batch."""

TYPES: Final[Mapping[str, TransactionType]] = {each.code: each for each in TRANSACTION_TYPES}


@dataclass(slots=True)
class Memory:
    """What one process remembers of the ledger: the chart, and each shard it works."""

    chart: Chart
    types: Mapping[str, TransactionType] = field(default_factory=lambda: TYPES)
    duties: Sequence[Duty] = DUTIES
    accounts: dict[str, Account] = field(default_factory=dict)
    shards: dict[int, ShardState] = field(default_factory=dict)
    work: UnitOfWork | None = None
    """The unit of work whose changes wait to be adopted."""
    waiting: list[Changes] = field(default_factory=list)
    chains: dict[int, Chain] = field(default_factory=dict)
    chains_ahead: dict[int, Chain] = field(default_factory=dict)
    """The chains after the unit of work that waits to be adopted."""
    repeats_expected: int = 0
    """For how many batches to come instructions are expected to repeat earlier ones."""

    def state_for(self, work: UnitOfWork, shard: int) -> ShardState:
        """Return what the next decision of this unit of work stands on.

        Its second call to the handler stands on a copy with the first one's changes laid on, since
        nothing that may still be rolled back may come into the memory.
        """
        if work is not self.work:
            self.work, self.waiting, self.chains_ahead = work, [], {}
        state = self.shards[shard]
        if not self.waiting:
            return state
        ahead = state.copied()
        for changes in self.waiting:
            if changes.state.shard == shard:
                ahead.take(changes)
            ahead.accounts.update(changes.accounts)
        return ahead

    def adopt(self, work: UnitOfWork) -> None:
        """Take over the changes of a unit of work that is committed."""
        if work is not self.work:
            return
        for changes in self.waiting:
            state = self.shards.get(changes.state.shard)
            if state is not None:
                state.take(changes)
        self.chains.update(self.chains_ahead)
        self.work, self.waiting, self.chains_ahead = None, [], {}
        if len(self.accounts) > ACCOUNTS_REMEMBERED_MAX:
            self._forget_what_can_be_read_again()

    def _forget_what_can_be_read_again(self) -> None:
        self.accounts.clear()
        self.accounts.update(self.chart.accounts)
        house = {account.account_id for account in self.chart.accounts.values()}
        for state in self.shards.values():
            state.short.clear()
            state.unsaved &= house
            for account_id in [each for each in state.balances if each not in house]:
                del state.balances[account_id]


async def load_shard(memory: Memory, connection: Connection, shard: int) -> None:
    """Read what a shard's writer must know from the start; the rest is read as it is met."""
    chart = memory.chart
    house = [account.account_id for account in chart.accounts.values()]
    rows = await balances.balances_of(connection, [shard] * len(house), house)
    freezes = await moving.freezes_at(connection, shard)
    closings = await closing.closings_at(connection, chart, shard)
    masks = stops_of(freezes, closings)
    pendings = await moving.open_pendings(connection, chart, shard)
    memory.accounts.update(chart.accounts)
    state = ShardState(
        shard=shard,
        accounts=memory.accounts,
        freezes=freezes,
        stopped={account_id: mask for account_id, mask in masks.items() if mask},
        closing={each.account.account_id: each for each in closings if each.closed_seq is None},
        closed={each.account.account_id: each for each in closings if each.closed_seq is not None},
        limits=await limits.limits_at(connection, shard),
        days=await moving.days_at(connection, chart, shard),
        pendings=pendings,
        next_account=await accounts.next_account_number(connection, shard),
    )
    state.index_expiries()
    for account_id in house:
        state.meet(account_id, rows.get((shard, account_id)))
    memory.shards[shard] = state


def forget_shard(memory: Memory, shard: int) -> None:
    """Drop a shard's memory, and the accounts at home there."""
    memory.shards.pop(shard, None)
    memory.chains.pop(shard, None)
    for code in [each.code for each in memory.accounts.values() if each.shard == shard]:
        if code not in memory.chart.accounts:
            del memory.accounts[code]


async def handle_records(memory: Memory, work: UnitOfWork, records: Iterable[Received]) -> None:
    """Decide each record, write what was decided and add its event to the unit of work."""
    batches: defaultdict[int, Entries] = defaultdict(Entries)
    types = memory.types
    for received in records:
        batches[received.shard].add(received, types)
    await _take_effect(memory, work, batches)


async def do_what_is_due(memory: Memory, work: UnitOfWork) -> None:
    """Perform what is due by itself in the shards of the unit of work, a bounded piece of it."""
    batches: dict[int, Entries] = {}
    for shard, part in work.shards.items():
        state = memory.state_for(work, shard)
        for task in tasks_due(state, part.recorded_at, part.parked, memory.duties):
            batches.setdefault(shard, Entries()).add_task(task)
    if batches:
        await _take_effect(memory, work, batches)


async def _take_effect(memory: Memory, work: UnitOfWork, batches: Mapping[int, Entries]) -> None:
    """Load, decide, write and announce what each shard's entries come to."""
    states = {shard: memory.state_for(work, shard) for shard in batches}
    outsides = await _load(memory, work, states, batches)
    if memory.repeats_expected:
        memory.repeats_expected -= 1
        await _load_known_ids(work.connection, batches, outsides)
    folded = await _fold_all(memory, work, states, batches, outsides)
    if not await journal.claim_ids(work.connection, _ids_used(folded)):
        # One of them has come before, which is rare: now the first outcomes are looked up, and for the
        # batches that follow beforehand, since repeats seldom come alone.
        memory.repeats_expected = REPEATS_EXPECTED_BATCHES
        await _load_known_ids(work.connection, batches, outsides)
        folded = await _fold_all(memory, work, states, batches, outsides)
        if not await journal.claim_ids(work.connection, _ids_used(folded)):
            raise RuntimeError("an instruction's id is taken, and its first outcome cannot be found")
    await _load_foreign_credits(memory, work, states, batches, outsides, folded)
    await _claim_accounts(memory, work, states, batches, outsides, folded)
    chains = await _chains(memory, work, folded)
    rows = journal.JournalRows()
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
    """Fold every shard, until none lacks an account or a balance."""
    folded: dict[int, Folded] = {}
    shards: Collection[int] = batches
    while True:
        for shard in shards:
            folded[shard] = _fold(memory, work, states[shard], batches[shard], outsides[shard])
        wanted = {shard: folded[shard].wanted for shard in shards if folded[shard].wanted}
        if not wanted:
            return folded
        await _load_wanted(memory, work.connection, states, outsides, wanted)
        await _load_stopped(work.connection, states, batches, outsides)
        shards = wanted


def _ids_used(folded: Mapping[int, Folded]) -> list[tuple[int, Sequence[Decision]]]:
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


# ── load ─────────────────────────────────────────────────────────────────────────────────────────


async def _load(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
) -> dict[int, Outside]:
    """Read what the batch needs and nobody remembers, with a constant number of statements."""
    connection = work.connection
    asked = {
        shard: pending_ids(states[shard], batch.closely_read) | dry_run_ids(batch.closely_read)
        for shard, batch in batches.items()
    }
    firsts = await _first_outcomes(connection, asked)
    outsides = {shard: Outside(firsts.get(shard, {})) for shard in batches}
    await _load_originals(memory, work, states, batches, outsides)
    while True:
        wanted = {
            shard: found
            for shard, batch in batches.items()
            if (found := wanted_by(states[shard], batch.closely_read, outsides[shard]))
        }
        if not wanted:
            break
        await _load_wanted(memory, connection, states, outsides, wanted)
    await _load_stopped(connection, states, batches, outsides)
    short = {
        account_id: shard
        for shard, batch in batches.items()
        for account_id in short_ones(states[shard], batch.all)
    }
    if short:
        credits_of = await balances.foreign_credits(connection, short)
        for account_id, shard in short.items():
            outsides[shard].credits[account_id], outsides[shard].reserved[account_id] = credits_of[account_id]
    return outsides


async def _load_originals(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> None:
    """Read what was posted under the ids that a batch names, in whatever shard, and what of it is undone."""
    named = {shard: originals(batch.closely_read, work.partitions) for shard, batch in batches.items()}
    asked = set[tuple[int, str]]().union(*named.values())
    if not asked:
        return
    found = await reversals.originals(work.connection, memory.chart, sorted(asked))
    undone = await reversals.undone(work.connection, [each for each in found.values() if each.legs])
    for shard, wanted in named.items():
        outsides[shard].originals = {each: found[each] for each in wanted if each in found}
        outsides[shard].undone = undone
    met = {end.code: end for each in found.values() for leg in each.legs for end in (leg.debit, leg.credit)}
    for state in states.values():
        for code, account in met.items():
            state.accounts.setdefault(code, account)


async def _load_wanted(
    memory: Memory,
    connection: Connection,
    states: Mapping[int, ShardState],
    outsides: Mapping[int, Outside],
    wanted: Mapping[int, Wanted],
) -> None:
    """Read accounts and balances; that an account was absent is remembered for this batch alone."""
    codes = set[str]().union(*(each.codes for each in wanted.values()))
    found = await accounts.accounts_by_code(connection, memory.chart, sorted(codes)) if codes else {}
    _remember(states, found)
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


async def _load_stopped(
    connection: Connection,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
) -> None:
    """Read which accounts something stops now."""
    stopped = await moving.standing_stops(
        connection,
        lambda: {
            each
            for shard, batch in batches.items()
            for each in touched(states[shard], batch.all, outsides[shard])
        },
    )
    for outside in outsides.values():
        outside.stopped = stopped


async def _load_known_ids(
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
    return await journal.first_outcomes(
        connection, ids, [shard for shard, of_shard in asked.items() for _ in of_shard]
    )


def _remember(states: Mapping[int, ShardState], found: Mapping[str, Account]) -> None:
    for state in states.values():
        state.accounts.update(found)


async def _load_foreign_credits(
    memory: Memory,
    work: UnitOfWork,
    states: Mapping[int, ShardState],
    batches: Mapping[int, Entries],
    outsides: Mapping[int, Outside],
    folded: dict[int, Folded],
) -> None:
    """Load what others credited to accounts that are short at home, and decide those shards again."""
    while True:
        homes = {account_id: shard for shard, result in folded.items() for account_id in result.needs}
        if not homes:
            return
        credits_of = await balances.foreign_credits(work.connection, homes)
        for account_id, shard in homes.items():
            outsides[shard].credits[account_id], outsides[shard].reserved[account_id] = credits_of[account_id]
            states[shard].short.add(account_id)
        for shard in set(homes.values()):
            folded[shard] = _fold(memory, work, states[shard], batches[shard], outsides[shard])


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
            _remember(states, found)
            again = {account.shard for account, _ in opened if account.code in taken}
        for shard in again:
            folded[shard] = _fold(memory, work, states[shard], batches[shard], outsides[shard])
        await _load_foreign_credits(memory, work, states, batches, outsides, folded)


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


# ── write and announce ───────────────────────────────────────────────────────────────────────────


async def _write_moving(connection: Connection, folded: Mapping[int, Folded]) -> None:
    """Write balances, and the rest where there is any."""
    for shard, result in folded.items():
        await balances.save_balances(connection, shard, result.changes)
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
    for shard, result in folded.items():
        changes = result.changes
        await moving.open_days(connection, shard, changes.days_opened)
        await moving.save_pendings(connection, shard, changes.pended)
        await moving.clear_pendings(connection, shard, changes.cleared)
        await moving.settle_pendings(connection, shard, changes.settled)
        await moving.resolve_pendings(connection, shard, changes.resolved)
        await reversals.save_undone(connection, shard, changes.undone)


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


def announce(
    rows: journal.JournalRows,
    work: UnitOfWork,
    chain: Chain,
    decided: Sequence[Decision],
    sealed: list[Seal],
) -> Chain:
    """Number decisions, add their rows, and add their events to the unit of work.

    Returns the chain after them, and adds the seals that became complete to `sealed`.
    """
    shard, head = chain.shard, chain.head
    heads: list[bytes] = []
    part = work.shards[shard]
    recorded_at, epoch = part.recorded_at, part.epoch
    spelt = spell_time(recorded_at)
    stamp = binary.microseconds(recorded_at)
    add_rows = rows.add
    announce_one = work.outgoing.append
    prev = part.heads.get((JOURNAL.name, shard), 0)
    topic = JOURNAL.name
    secondaries = part.heads
    for decision in decided:
        seq = decision.seq
        assert seq == part.last_seq + 1, "the fold numbers as the shard does"
        part.last_seq = seq
        terms = decision.terms
        if terms is None:
            copies = _copies(decision, part, seq) if decision.legs else ()
            event = outgoing(decision, shard, recorded_at, spelt, epoch, prev, copies)
        else:
            # Nearly all there are, spelt without a call too many; a test finds the same both ways.
            credit = decision.legs[0].credit
            copies = ()
            if credit.shard != shard and credit.is_customer:
                lane = (topic, credit.shard)
                copies = ((credit.shard, secondaries.get(lane, 0), credit.key),)
                secondaries[lane] = seq
            event = Outgoing(
                shard,
                seq,
                recorded_at,
                epoch,
                topic,
                kinds.POSTED,
                decision.owner.encode(),  # pyright: ignore[reportOptionalMemberAccess] - who is debited
                plain_bytes(decision, terms, shard, spelt),
                prev,
                copies,
                decision.instruction_id,
                decision.traceparent,
            )
        head = chained(head, event.body, *add_rows(decision, shard, stamp, epoch, copies))
        heads.append(head)
        event.chain = hexlify(head)
        announce_one(event)
        prev = seq
    part.heads[topic, shard] = prev
    chain, complete = chain.extended(heads)
    sealed += complete
    return chain


def _copies(decision: Decision, part: ShardWork, seq: int) -> tuple[tuple[int, int, bytes], ...]:
    """Chain a secondary to each other partition where a credited customer lives."""
    if len(decision.legs) == 1:
        credit = decision.legs[0].credit
        if credit.shard == part.shard or not credit.is_customer:
            return ()
        return ((credit.shard, part.chain(JOURNAL.name, credit.shard, seq), credit.key),)
    keys = copy_keys(decision, part.shard)
    return tuple(
        [(partition, part.chain(JOURNAL.name, partition, seq), key) for partition, key in keys.items()]
    )


def copy_keys(decision: Decision, shard: int) -> dict[int, bytes]:
    """Return the other partitions that a decision is copied to, each with the first owner credited there."""
    keys: dict[int, bytes] = {}
    for leg in decision.legs:
        credit = leg.credit
        if credit.is_customer and credit.shard != shard and credit.shard not in keys:
            keys[credit.shard] = credit.key
    return keys


def outgoing(
    decision: Decision,
    shard: int,
    recorded_at: datetime,
    spelt: str,
    epoch: int,
    prev: int,
    copies: tuple[tuple[int, int, bytes], ...],
) -> Outgoing:
    """Spell a decision as the event to publish."""
    correlation_id = decision.instruction_id
    if correlation_id is None and decision.kind == kinds.ACT_DONE:
        correlation_id = (decision.detail or {})["act_id"]
    return Outgoing(
        shard,
        decision.seq,
        recorded_at,
        epoch,
        JOURNAL.name,
        decision.kind,
        (decision.owner or HOUSE).encode(),
        event_bytes(decision, shard, spelt),
        prev,
        copies,
        correlation_id,
        decision.traceparent,
    )


async def announce_act(
    work: UnitOfWork, received: Received, *, done: bool, detail: str, result: dict[str, Any]
) -> None:
    """Journal that an operator's act was carried out by the runtime, or refused."""
    act = received.message
    assert isinstance(act, ActBase)
    owner = getattr(act, "owner", None)
    if owner is None or shard_of(owner, work.partitions) != received.shard:
        owner = HOUSE
    decision = Decision(
        work.shards[received.shard].last_seq + 1,
        kinds.ACT_DONE,
        received.topic,
        received.partition,
        received.offset,
        owner=owner,
        detail={
            "act_id": str(act.act_id),
            "act": act.type,  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            "actor": act.actor,
            "done": done,
            "detail": detail,
            "result": result,
        },
        traceparent=received.traceparent,
    )
    rows = journal.JournalRows()
    sealed: list[Seal] = []
    chains = await seals.chains_at(work.connection, [received.shard])
    chain = announce(rows, work, chains[received.shard], [decision], sealed)
    await rows.write(work.connection)
    await seals.save_chains(work.connection, [chain], sealed)


async def events_after(
    connection: Connection, chart: Chart, shard: int, seq: int, limit: int
) -> list[Outgoing]:
    """Rebuild the events after `seq` from the journal, byte for byte as they were first published."""
    events: list[Outgoing] = []
    rows = journal.JournalRows()
    # The chain is taken up at the last seal before, so up to a seal's events more are read.
    sealed_seq, head = await seals.head_before(connection, shard, seq)
    for decision, recorded_at, epoch, places in await journal.decisions_after(
        connection, chart, shard, sealed_seq, limit + seq - sealed_seq
    ):
        keys = copy_keys(decision, shard)
        before = dict(zip(places[::2], places[1::2], strict=True))
        copies = tuple((partition, before[partition], key) for partition, key in keys.items())
        event = outgoing(
            decision, shard, recorded_at, spell_time(recorded_at), epoch, decision.seq - 1, copies
        )
        stamp = binary.microseconds(recorded_at)
        head = chained(head, event.body, *rows.add(decision, shard, stamp, epoch, copies))
        event.chain = hexlify(head)
        if decision.seq > seq:
            events.append(event)
    return events
