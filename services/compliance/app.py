"""Puts the compliance service together: which topics it reads and writes, and what each record leads to."""

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from services.compliance.api import PREFIX, create_api
from services.compliance.domain.chain import Head
from services.compliance.domain.memory import Draft, Memory, versions_of
from services.compliance.domain.rule_changes import RuleSets, RuleTimeline
from services.compliance.domain.sealed_news import read_or_sealed
from services.compliance.handlers import (
    acts,
    chaining,
    deadlines,
    events,
    parties,
    persons,
    ratings,
    removals,
    retention,
    tier_two,
    windows,
)
from services.compliance.handlers.opening import Keys
from services.compliance.handlers.rule_changes import check_parameters
from services.compliance.rules import LOOKBACK, WINDOW_RULES
from services.compliance.store import chain as chain_store
from services.compliance.store import list_age as list_age_store
from services.compliance.store import parameters as parameter_store
from services.compliance.store import rule_changes as rule_store
from services.compliance.store import snoozes as snooze_store
from services.compliance.store import watchlists as list_store
from services.compliance.store import whitelist as whitelist_store
from shared.messages.acts import COMPLIANCE_ACT
from shared.messages.topics import ALERTS, COMPLIANCE_ACTS, DECISIONS, JOURNAL, PARTY_KEYS
from shared.runtime.compacted import CompactedTopic
from shared.runtime.database import Connection
from shared.runtime.errors import ConfigurationError, ShardHalted, UnreadableRecord
from shared.runtime.gateway import Gateway
from shared.runtime.service import application
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.work import Input, Received, Service, UnitOfWork, Unreadable

MIGRATIONS: Final = Path(__file__).parent / "migrations"

TICK_IDLE: Final = timedelta(seconds=5)
TICK_BUSY: Final = timedelta(seconds=0.12)
"""While parties are screened again, or the second tier has much to read: little at a time, and often, since
payments wait meanwhile."""
DUE_EVERY: Final = 8
"""Busy ticks between two looks at deadlines, keys and persons, and between two that raise what was found."""
TRIAL_SCALE: Final = 8
"""The scale parameters are read at once at the start, to find wrong ones."""


def create_service() -> Service:
    """Make the service; it holds nothing until the runtime has started it and claimed shards."""
    return ComplianceService()


def create_app() -> Any:
    """Make the application, for `faststream run --factory services.compliance.app:create_app`."""
    return application(create_service(), MIGRATIONS)


def decode_act(value: bytes) -> Any:
    """Read an act."""
    return _read(COMPLIANCE_ACT, value)


def decode_journal(value: bytes) -> Any:
    """Read as much of an event of the ledger as tells whether it concerns compliance."""
    try:
        return read_or_sealed(value)
    except ValueError as error:
        raise UnreadableRecord("not_a_journal_event") from error


def _read(adapter: TypeAdapter[Any], value: bytes) -> Any:
    try:
        return adapter.validate_json(value)
    except ValidationError as error:
        raise UnreadableRecord("not_an_act") from error


class ComplianceService(Service):
    """Folds the ledger's journal into windows, screens it, and carries out operators' acts."""

    name = "compliance"
    inputs = (
        Input(COMPLIANCE_ACTS, decode_act, chained=False, rank=0),
        Input(JOURNAL, decode_journal, chained=True, rank=10),
    )
    outputs = (DECISIONS, ALERTS)
    beside = (PARTY_KEYS,)
    parks = False
    linger_seconds = 0.01
    tick_every = TICK_IDLE

    def __init__(self) -> None:
        self._memory = Memory(RuleSets((), WINDOW_RULES), LOOKBACK)
        self._draft: tuple[UnitOfWork, Draft] | None = None
        self._ticked: tuple[UnitOfWork, Draft] | None = None
        """Apart from the draft of a batch, since a tick settles no windows."""
        self._heads: dict[int, Head] = {}
        self._chained: tuple[UnitOfWork, dict[int, Head]] | None = None
        self._keys: Keys | None = None
        self._ticks = 0
        self._looked: UnitOfWork | None = None
        """The last tick, whose commit settles what the second tier has in memory."""
        self.roles_required = False

    def configure(self, settings: ServiceSettings, kafka: KafkaSettings) -> None:
        """Take the master key; raise `ConfigurationError` where there is none."""
        self.roles_required = settings.roles_required
        self._keys = Keys(settings.master_key_required(), CompactedTopic(PARTY_KEYS, kafka))

    async def stop(self) -> None:
        """Let go of the topic of keys."""
        if self._keys is not None:
            await self._keys.close()

    async def start(self, connection: Connection) -> None:
        """Load the rules' parameters and read each once, so that a wrong one stops the start."""
        rows = await parameter_store.load_parameters(connection)
        if not rows:
            raise ConfigurationError("the rules have no parameters; run `backoffice migrate`")
        for row in rows:
            try:
                check_parameters(row, TRIAL_SCALE)
            except ValueError as error:
                raise ConfigurationError(
                    f"version {row.version} of the parameters of {row.rule} for {row.asset} is wrong: {error}"
                ) from error
        self._memory.sets = RuleSets(rows, WINDOW_RULES)

    async def load(self, connection: Connection, shard: int) -> None:
        """Read which lists a shard screens against, and their names if no other shard has them."""
        if self._keys is not None:
            await self._keys.begin(shard)
        active = await list_store.active_lists(connection, [shard])
        if not active[shard]:
            raise ConfigurationError("no watch list is active; run `backoffice migrate`")
        missing = versions_of(active.values()) - self._memory.indexes.keys()
        self._memory.indexes.update(await list_store.load_indexes(connection, missing))
        self._memory.active.update(active)
        self._memory.whitelists[shard] = await whitelist_store.approved_pairs(connection, shard)
        self._memory.snoozes[shard] = await snooze_store.load_snoozes(connection, shard)
        changes = await rule_store.load_changes(connection, shard)
        self._memory.rules[shard] = RuleTimeline(self._memory.sets, changes)
        self._heads[shard] = await chain_store.chain_head(connection, shard)
        self._memory.checked[shard] = await list_age_store.load_checks(connection, shard)
        self._memory.outdated[shard] = await list_age_store.load_outdated(connection, shard)
        self._memory.refused[shard] = await list_store.refused_lists(connection, shard)
        self._memory.windows[shard] = await windows.load_shard(connection, shard)

    def forget(self, shard: int) -> None:
        """Drop a shard's windows and lists."""
        self._memory.forget(shard)
        self._heads.pop(shard, None)

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Carry out the acts of a batch, then screen its events; of one shard in this order."""
        journal = [each for each in records if each.topic == JOURNAL.name]
        starts = {each.shard: each.offset for each in reversed(journal)}
        draft = Draft(self._memory, starts)
        self._draft = (work, draft)
        for record in journal:
            if isinstance(record.message, Unreadable):
                raise ShardHalted(
                    f"{record.topic}-{record.partition} offset {record.offset} cannot be read:"
                    f" {record.message.error}; going on would leave a hole in the windows"
                )
        if self._keys is not None:
            await self._keys.open_news(journal)
        own = [each for each in records if each.topic == COMPLIANCE_ACTS.name]
        await acts.carry_out(work, own, draft, roles_required=self.roles_required)
        await events.screen_events(work, journal, draft)
        await parties.remember_parties(work, journal)
        await persons.remember_roles(work, journal)
        await retention.remember_accounts(work, journal)
        await ratings.rate_new_customers(work, journal, draft)
        await self._chain(work)

    def adopt(self, work: UnitOfWork) -> None:
        """Keep what the committed batch has added to windows and changed of the active lists."""
        if self._draft is not None and self._draft[0] is work:
            self._memory.adopt(self._draft[1])
            windows.settle(self._memory)
        if self._ticked is not None and self._ticked[0] is work:
            self._memory.adopt(self._ticked[1])
        if self._chained is not None and self._chained[0] is work:
            self._heads |= {s: head for s, head in self._chained[1].items() if s in self._heads}
        if self._looked is work and self._memory.tier_two is not None:
            self._memory.tier_two.is_settled = True
        self._draft = self._ticked = self._chained = self._looked = None

    async def tick(self, work: UnitOfWork) -> None:
        """Announce what is overdue or too old, screen parties against changed lists, let tier two look."""
        draft = Draft(self._memory)
        self._ticked = (work, draft)
        self._ticks += 1
        is_due = self.tick_every == TICK_IDLE or self._ticks % DUE_EVERY == 0
        if is_due:
            await self._look_at_what_is_due(work, draft)
        is_busy = await parties.screen_parties_again(work, self._memory)
        self._looked = work
        is_busy |= await tier_two.look_at_all(work, self._memory)
        if is_due or not is_busy:
            await tier_two.raise_findings(work, self._memory)
            is_busy |= await persons.look_at_persons(work, self._memory)
            await persons.raise_findings(work)
            is_busy |= await removals.remove_what_is_due(work, draft)
        self.tick_every = TICK_BUSY if is_busy else TICK_IDLE
        await self._chain(work)

    async def _look_at_what_is_due(self, work: UnitOfWork, draft: Draft) -> None:
        await deadlines.announce_overdue(work)
        await deadlines.announce_overdue_cases(work)
        await deadlines.announce_outdated_lists(work, draft)
        if self._keys is not None:
            # With the broker away nothing comes that could be opened; the next look tries again.
            with contextlib.suppress(OSError, TimeoutError):
                await self._keys.forget_erased()

    async def announce_act(
        self, work: UnitOfWork, received: Received, done: bool, detail: str, result: Mapping[str, Any]
    ) -> None:
        """Publish the answer to an act that the runtime has done itself."""
        acts.announce_act(work, received, received.message, done=done, detail=detail, result=result)
        await self._chain(work)

    async def _chain(self, work: UnitOfWork) -> None:
        """Put what this unit of work has said so far into the audit chain."""
        is_same = self._chained is not None and self._chained[0] is work
        heads = self._chained[1] if self._chained is not None and is_same else self._heads
        self._chained = (work, await chaining.chain_events(work, heads))

    def warnings(self) -> Mapping[str, str]:
        """Tell of lists whose last file was refused, and of those that are older than allowed."""
        refused = [row.words for rows in self._memory.refused.values() for row in rows.values()]
        old = {row.words for rows in self._memory.outdated.values() for row in rows.values()}
        told = {"list_refused": refused, "list_outdated": sorted(old)}
        return {name: "; ".join(words) for name, words in told.items() if words}

    def api(self, gateway: Gateway) -> tuple[str, Any]:
        """Make the HTTP API for officers."""
        return PREFIX, create_api(gateway)

    def owner_of(self, message: Any) -> str | None:
        """Nobody's records wait: a failure halts the shard."""
        del message
        return None
