"""What the ledger tells the runtime: its inputs, its output, and what to call."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.transactions.domain.decoding import MalformedInstruction, decode_instruction
from services.transactions.domain.plain import PlainInstruction
from services.transactions.domain.planning import TransactionType
from services.transactions.handlers import announcing, effects, sealing
from services.transactions.handlers.memory import TYPES, Memory, forget_shard, load_shard
from services.transactions.handlers.sealing import Keys
from services.transactions.store import Connection
from services.transactions.store.chart import load_chart
from services.transactions.store.planning import look_up_by_key
from shared.messages.acts import TRANSACTIONS_ACT, EraseParty, TransactionsAct
from shared.messages.compliance import DECISION_EVENT, CustomerRated, DecisionEvent, DecisionMade
from shared.messages.instructions import INSTRUCTIONS as INSTRUCTION_CLASSES
from shared.messages.topics import DECISIONS, INSTRUCTIONS, JOURNAL, PARTY_KEYS, TRANSACTIONS_ACTS
from shared.runtime.errors import ConfigurationError, UnreadableRecord
from shared.runtime.service import application
from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.work import Discarded, Input, Outgoing, Parked, Received, Service, UnitOfWork

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def create_service() -> Service:
    """Return the ledger, to be run."""
    return TransactionsService()


def create_app() -> Any:
    """Make the application, for `faststream run --factory services.transactions.app:create_app`."""
    return application(create_service(), MIGRATIONS)


class TransactionsService(Service):
    """The ledger, one writer per shard."""

    name = "transactions"
    outputs = (JOURNAL,)
    beside = (PARTY_KEYS,)
    own_acts = (EraseParty,)
    parks = True
    linger_seconds = 0.004
    tick_every = timedelta(seconds=1)

    def __init__(self) -> None:
        self.types: dict[str, TransactionType] = dict(TYPES)
        self.inputs = (
            Input(TRANSACTIONS_ACTS, _decode_act, rank=0),
            Input(DECISIONS, _decode_decision, chained=True, rank=10),
            Input(INSTRUCTIONS, partial(decode_instruction, self.types), rank=20),
        )
        self._memory: Memory | None = None
        self._keys: Keys | None = None

    def configure(self, settings: ServiceSettings, kafka: KafkaSettings) -> None:
        """Take the master key; raise `ConfigurationError` where there is none."""
        del kafka
        self._keys = Keys(settings.master_key_required())

    @property
    def memory(self) -> Memory:
        """What this process remembers of the ledger; there is none before the start."""
        if self._memory is None:
            raise RuntimeError("the service has not been started")
        return self._memory

    async def start(self, connection: Connection) -> None:
        """Load the chart of accounts; raise `ConfigurationError` where migrate has not been run."""
        await look_up_by_key(connection)
        chart = await load_chart(connection)
        if not chart.accounts:
            raise ConfigurationError("the chart of accounts is empty: run `backoffice migrate`")
        self._memory = Memory(chart, self._keys, self.types)

    async def load(self, connection: Connection, shard: int) -> None:
        """Read the memory of a shard just claimed."""
        await load_shard(self.memory, connection, shard)

    def forget(self, shard: int) -> None:
        """Drop the memory of a shard."""
        if self._memory is not None:
            forget_shard(self._memory, shard)

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Let a batch take effect: load, decide, write, announce."""
        await effects.handle_records(self.memory, work, records)

    async def tick(self, work: UnitOfWork) -> None:
        """Do what is due by itself, with or without traffic."""
        await effects.do_what_is_due(self.memory, work)

    def adopt(self, work: UnitOfWork) -> None:
        """Take over in memory what was decided."""
        self.memory.adopt(work)

    async def carry_out(self, work: UnitOfWork, received: Received) -> tuple[bool, str, dict[str, Any]]:
        """Erase a party."""
        assert self._keys is not None
        return await sealing.erase_party(self._keys, work, received)

    async def announce_act(
        self, work: UnitOfWork, received: Received, done: bool, detail: str, result: dict[str, Any]
    ) -> None:
        """Journal that the runtime has carried out an act, or refused it."""
        await announcing.announce_act(work, received, done=done, detail=detail, result=result)

    def owner_of(self, message: Any) -> str | None:
        """Return the home owner whose records wait when this one fails; nobody's wait for an act."""
        match message:
            case Parked() | Discarded() | PlainInstruction() | MalformedInstruction():
                return message.owner
            case DecisionMade() | CustomerRated():
                return message.owner
            case _ if isinstance(message, INSTRUCTION_CLASSES):
                return message.owner
            case _:
                return None

    async def events_after(self, connection: Connection, shard: int, seq: int, limit: int) -> list[Outgoing]:
        """Rebuild the events after `seq` from the journal, byte for byte."""
        return await announcing.events_after(connection, self.memory.chart, shard, seq, limit)

    async def add_ahead(self, connection: Connection, events: list[Outgoing]) -> None:
        """Put the keys, as far as they are still there, before the events that they were made for."""
        assert self._keys is not None
        await sealing.add_keys(self._keys, connection, events)


def _decode_act(value: bytes) -> TransactionsAct:
    try:
        return TRANSACTIONS_ACT.validate_json(value)
    except ValueError:
        raise UnreadableRecord("not_an_act") from None


def _decode_decision(value: bytes) -> DecisionEvent:
    try:
        return DECISION_EVENT.validate_json(value)
    except ValueError:
        raise UnreadableRecord("not_a_decision") from None
