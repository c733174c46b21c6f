"""Puts the service together: which topics it reads, how, and which handler takes what."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from services.reporting.domain.events import read_event
from services.reporting.domain.increments import AccountKey, Delivered
from services.reporting.handlers import answer, count_events, make_reports
from services.reporting.store.snapshot import Connect, OpenSnapshot, open_snapshot
from shared.messages.acts import REPORTING_ACT, MakeReport
from shared.messages.compliance import ALERT_EVENT, DECISION_EVENT, AlertEvent, DecisionEvent
from shared.messages.topics import ALERTS, DECISIONS, JOURNAL, PUBLISHED, REPORTING_ACTS
from shared.runtime.database import connect
from shared.runtime.errors import ShardHalted, UnreadableRecord
from shared.runtime.service import application
from shared.runtime.settings import ServiceSettings, load_settings
from shared.runtime.work import Input, Received, Service, UnitOfWork, Unreadable

NAME: Final = "reporting"
ACTS_RANK: Final = 30
"""Acts come after the events of the same batch."""
KNOWN_ACCOUNTS_MAX: Final = 200_000
"""How many accounts are remembered as stored; one forgotten is only sent again."""


class ReportingService(Service):
    """Folds the events of the ledger and of compliance into aggregates, and makes reports of them."""

    name = NAME
    outputs = (PUBLISHED,)
    parks = False
    linger_seconds = 0.03

    def __init__(self, connect_again: Connect) -> None:
        """Take what opens a second connection, on which reports are made."""
        self._open_snapshot: OpenSnapshot = partial(open_snapshot, connect_again)
        self._known: set[AccountKey] = set()
        self._met: tuple[UnitOfWork, set[AccountKey]] | None = None
        self.inputs = (
            Input(JOURNAL, reading(read_event), chained=True),
            Input(DECISIONS, reading(adapter_reader(DECISION_EVENT)), chained=True),
            Input(ALERTS, reading(adapter_reader(ALERT_EVENT)), chained=True),
            Input(REPORTING_ACTS, reading(adapter_reader(REPORTING_ACT)), rank=ACTS_RANK),
        )

    async def handle(self, work: UnitOfWork, records: list[Received]) -> None:
        """Count the batch's events, then make the reports its acts ask for.

        Raises `ShardHalted` for an event that cannot be read: a hole would make every figure a lie.
        """
        journal: list[Delivered] = []
        decisions: list[DecisionEvent] = []
        alerts: list[AlertEvent] = []
        acts: list[Received] = []
        for received in records:
            message = received.message
            if received.topic == REPORTING_ACTS.name:
                if isinstance(message, MakeReport):
                    acts.append(received)
            elif isinstance(message, Unreadable):
                raise ShardHalted(
                    f"{received.topic}, partition {received.partition}, offset {received.offset} cannot be"
                    f" read: {message.error}"
                )
            elif received.topic == JOURNAL.name:
                journal.append(Delivered(received.shard, received.copy == "primary", message))
            elif received.topic == DECISIONS.name:
                decisions.append(message)
            else:
                alerts.append(message)
        self._met = work, await count_events(work, journal, decisions, alerts, self._known)
        if acts:
            await make_reports(work, acts, self._open_snapshot)

    def adopt(self, work: UnitOfWork) -> None:
        """Remember which accounts are stored, now that they are."""
        if self._met is not None and self._met[0] is work:
            if len(self._known) > KNOWN_ACCOUNTS_MAX:
                self._known.clear()
            self._known |= self._met[1]
        self._met = None

    def forget(self, shard: int) -> None:
        """Drop what is remembered of a shard: the database may have lost it."""
        self._known = {account for account in self._known if account[0] != shard}

    async def announce_act(
        self, work: UnitOfWork, received: Received, done: bool, detail: str, result: dict[str, Any]
    ) -> None:
        """Answer an act that the runtime has carried out."""
        answer(work, received, done=done, detail=detail, result=result)


MIGRATIONS: Final = Path(__file__).parent / "migrations"


def create_service() -> ReportingService:
    """Put the service together as the environment says; raises `ConfigurationError`."""
    settings, _ = load_settings()
    return ReportingService(partial(_connect, settings))


def create_app() -> Any:
    """Make the application, for `faststream run --factory services.reporting.app:create_app`."""
    return application(create_service(), MIGRATIONS)


def reading(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Turn a reader that raises `ValueError` into an input's `decode`."""

    def decode(value: bytes) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise UnreadableRecord("malformed") from error

    return decode


def adapter_reader(adapter: TypeAdapter[Any]) -> Callable[[bytes], Any]:
    """Return a reader of whole messages of the contract."""
    return adapter.validate_json


async def _connect(settings: ServiceSettings) -> Any:
    password = settings.database_password
    return await connect(
        settings.database_dsn.get_secret_value(),
        password=password.get_secret_value() if password else None,
        application=f"{NAME} report",
    )
