"""Brings up PostgreSQL, Kafka, the schema, the topics and the services, and takes them down again."""

import asyncio
import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backoffice.stack.disk import write_private
from backoffice.stack.errors import StackError
from backoffice.stack.health import Health, ask
from backoffice.stack.kafka import EmbeddedKafka
from backoffice.stack.ports import LOOPBACK, free_port
from backoffice.stack.postgres import EmbeddedPostgres
from backoffice.stack.record import SUPERVISOR, StackRecord, remove_record, write_record
from backoffice.stack.schema import LOGINS, OWNER, READONLY, SERVICES, migrate
from backoffice.stack.server import EmbeddedServer
from backoffice.stack.supervisor import Service, Supervisor

DATABASE = "backoffice"
PARTITIONS = 4
MASTER_KEY = "master.key"
OPENING = ("transactions", "compliance")
"""The services that seal, or open, what is personal."""
CRASHES_MAX = 3
DEATHS_MAX = 3
READY_SECONDS_MAX = 60.0
READY_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """How far one step of the start has come: `detail` says what a person wants to see of it."""

    name: str
    detail: str = ""
    done: bool = False
    seconds: float = 0.0


Progress = Callable[[Step], None]


class Stack:
    """The whole product on one machine, in one data folder.

    `processes_per_service` says how many processes each named service gets; leave a service out and
    it is not started. `environment` is added to every service's. `announce_in` names further folders
    that get a copy of `stack.json`. `progress` is told how the start goes on, `tell` in a sentence
    what has ended by itself and is started again. The data survive `stop`, and a killed stack starts
    again on them.
    """

    def __init__(
        self,
        data: Path,
        *,
        partitions: int = PARTITIONS,
        processes_per_service: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        announce_in: Sequence[Path] = (),
        progress: Progress | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.data = data.absolute()
        self.logs = self.data / "logs"
        self.partitions = partitions
        self.postgres = EmbeddedPostgres(self.data / "postgres", log=self.logs / "postgres.log")
        self.kafka = EmbeddedKafka(self.data / "kafka", log=self.logs / "kafka.log")
        self.supervisor = Supervisor(self.logs, on_change=self._announce, tell=tell)
        self.health: dict[str, str] = {}
        self._wanted = dict.fromkeys(SERVICES, 1) if processes_per_service is None else processes_per_service
        self._environment = dict(environment or {})
        self._folders = tuple(dict.fromkeys((self.data, *(folder.absolute() for folder in announce_in))))
        self._progress: Progress = progress or (lambda _step: None)
        self._tell: Callable[[str], None] = tell or (lambda _words: None)
        self._passwords: dict[str, str] = {}
        self._master_key = ""
        self._lock: IO[str] | None = None
        self._announced = False

    async def start(self) -> None:
        """Start everything and return when every service is ready; on failure nothing is left running."""
        try:
            await self.start_infrastructure()
            await self.start_services()
            await self.wait_ready()
        except BaseException:
            await self.stop()
            raise

    async def start_infrastructure(self) -> None:
        """Start PostgreSQL and Kafka, migrate the database and create the topics."""
        self._take_lock()
        self._passwords = self._load_passwords()
        self._master_key = self._load_master_key()
        await _together(self._start_postgres(), self._start_kafka())

    async def start_services(self) -> None:
        """Start the wanted processes of each service, without waiting for them, and write `stack.json`."""
        for name, count in self._wanted.items():
            for number in range(count):
                await self.start_service(name, number)
        self._announced = True
        self._announce()

    async def start_service(self, name: str, number: int = 0) -> str:
        """Start one more process of a service and return its slot."""
        slot, port = f"{name}-{number}", free_port()
        self.health[_public(slot)] = f"http://{LOOPBACK}:{port}/health/ready"
        await self.supervisor.start(Service(name, slot, self.environment_of(name, slot=slot, port=port)))
        return slot

    async def stop_service(self, slot: str) -> None:
        """Stop one process of a service for good."""
        self.health.pop(_public(slot), None)
        await self.supervisor.stop_one(slot)

    async def wait_ready(self, *, timeout_seconds: float = READY_SECONDS_MAX) -> None:
        """Wait until every service says it is ready.

        Raises StackError `service_crashes` with its last log lines for one that keeps ending, and
        `not_ready` naming the failing checks after the timeout.
        """
        step = Step("services", ", ".join(self.health))
        begun = time.monotonic()
        self._progress(step)
        while True:
            answers = await asyncio.gather(*(ask(url) for url in self.health.values()))
            if all(answer.ok for answer in answers):
                break
            self._refuse_crashes()
            if time.monotonic() - begun > timeout_seconds:
                raise self._not_ready(answers, timeout_seconds)
            await asyncio.sleep(READY_POLL_SECONDS)
        self._progress(Step(step.name, step.detail, done=True, seconds=time.monotonic() - begun))

    async def keep_alive(self) -> None:
        """Start PostgreSQL and Kafka again when they end by themselves; raise StackError if it goes on."""
        await _together(self._keep("PostgreSQL", self.postgres), self._keep("Kafka", self.kafka))

    async def stop(self) -> None:
        """Stop the services, then Kafka and PostgreSQL, and withdraw `stack.json`."""
        if self._announced:
            self._announced = False
            for folder in self._folders:
                remove_record(folder, supervisor=os.getpid())
        await self.supervisor.stop()
        await asyncio.gather(self.kafka.stop(), self.postgres.stop())
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def dsn(self, login: str, *, database: str = DATABASE) -> str:
        """Return the database address of the owner or one of LOGINS."""
        return self.postgres.dsn(user=login, password=self._passwords[login], database=database)

    @property
    def passwords(self) -> Mapping[str, str]:
        """Return the password of each login."""
        return self._passwords

    @property
    def record(self) -> StackRecord:
        """Describe the running stack as `stack.json` does."""
        running = {"kafka": self.kafka.pid, "postgres": self.postgres.pid}
        children = {_public(slot): pid for slot, pid in self.supervisor.pids.items()}
        return StackRecord(
            bootstrap=self.kafka.bootstrap,
            dsn_readonly=self.dsn(READONLY),
            health=dict(self.health),
            pids={
                SUPERVISOR: os.getpid(),
                **{name: pid for name, pid in running.items() if pid is not None},
                **children,
            },
            partitions=self.partitions,
            dsn_owner=self.dsn(OWNER),
            data=str(self.data),
            logs=str(self.logs),
        )

    def environment_of(self, name: str, *, slot: str, port: int) -> dict[str, str]:
        """Return the whole environment of one service process: ours without others' secrets, and its own."""
        inherited = {key: value for key, value in os.environ.items() if not _is_not_for_services(key)}
        return {
            **inherited,
            "BACKOFFICE_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "BACKOFFICE_DATABASE_DSN": self.dsn(f"{name}_service"),
            "BACKOFFICE_PARTITIONS": str(self.partitions),
            "BACKOFFICE_HTTP_PORT": str(port),
            "BACKOFFICE_INSTANCE": slot,
            "BACKOFFICE_STANDBY_REQUIRED": "false",
            "BACKOFFICE_ROLES_REQUIRED": "false",
            **({"BACKOFFICE_MASTER_KEY": self._master_key} if name in OPENING else {}),
            **self._environment,
        }

    async def _start_postgres(self) -> None:
        async with self._step("PostgreSQL") as detail:
            await self.postgres.start()
            detail.append(f"{LOOPBACK}:{self.postgres.port}")
        async with self._step("database") as detail:
            applied = await self._migrate()
            detail.append(f"{len(applied)} migrations applied" if applied else "up to date")

    async def _migrate(self) -> list[str]:
        await _create_owner_and_database(self.postgres.superuser_dsn, self._passwords[OWNER])
        return await migrate(self.dsn(OWNER), passwords=self._passwords, partitions=self.partitions)

    async def _start_kafka(self) -> None:
        async with self._step("Kafka") as detail:
            fetching = Step("Kafka's jars")
            begun = time.monotonic()

            def fetched(done: int, total: int) -> None:
                self._progress(
                    Step(fetching.name, f"{done} of {total}", done == total, time.monotonic() - begun)
                )

            await self.kafka.start(progress=fetched)
            detail.append(self.kafka.bootstrap)
        async with self._step("topics") as detail:
            from shared.runtime.client import create_topics
            from shared.runtime.settings import KafkaSettings

            settings = KafkaSettings(
                bootstrap=self.kafka.bootstrap,
                security_protocol="PLAINTEXT",
                replication_factor=1,
                min_insync_replicas=1,
            )
            await create_topics(settings, self.partitions)
            detail.append(f"{self.partitions} partitions each")

    async def _keep(self, name: str, server: EmbeddedServer) -> None:
        for _ in range(DEATHS_MAX):
            await server.wait()
            self._tell(f"{server.death().message}\n{name} is started again.")
            await server.start()
            self._announce()
        await server.wait()
        raise server.death()

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[list[str]]:
        """Tell that the step has begun, and when it is done what the body has put into the list."""
        begun = time.monotonic()
        detail: list[str] = []
        self._progress(Step(name))
        yield detail
        self._progress(Step(name, ", ".join(detail), done=True, seconds=time.monotonic() - begun))

    def _take_lock(self) -> None:
        """Hold the data folder for as long as this process lives."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            lock = (self.data / "lock").open("a+")
        except OSError as problem:
            raise StackError(
                "data_not_writable",
                f"The data folder {self.data} cannot be used: {problem.strerror}.",
                "Name a folder you may write to: `backoffice up --data DIR`.",
            ) from problem
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(
                "already_running",
                f"A stack is running on {self.data} already.",
                "Type `backoffice down` to stop it, or `backoffice up --data DIR` for another one.",
            ) from None
        self._lock = lock

    def _load_passwords(self) -> dict[str, str]:
        """Return a random password for each login, the same ones at every start."""
        path = self.data / "passwords.json"
        known: dict[str, str] = {}
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
        passwords = {login: known.get(login) or secrets.token_hex(24) for login in (OWNER, *LOGINS)}
        if passwords != known:
            write_private(path, json.dumps(passwords, indent=2) + "\n")
        return passwords

    def _load_master_key(self) -> str:
        """Return the key under which owners' keys are kept, the same one at every start."""
        path = self.data / MASTER_KEY
        if not path.exists():
            write_private(path, base64.b64encode(secrets.token_bytes(64)).decode() + "\n")
        return path.read_text(encoding="utf-8").strip()

    def _announce(self) -> None:
        if not self._announced or self.kafka.pid is None or self.postgres.pid is None:
            return
        for folder in self._folders:
            write_record(self.record, folder)

    def _refuse_crashes(self) -> None:
        for slot in self.supervisor.slots:
            if self.supervisor.exits(slot) < CRASHES_MAX:
                continue
            raise StackError(
                "service_crashes",
                f"{slot} keeps ending (status {self.supervisor.last_status(slot)}). "
                f"The last lines of {self.supervisor.log_of(slot)}:\n{self.supervisor.last_words(slot)}",
                "Mend what they name and type the same command again.",
            )

    def _not_ready(self, answers: Sequence[Health], timeout_seconds: float) -> StackError:
        waiting = [
            f"{name} ({_failing(answer)})"
            for name, answer in zip(self.health, answers, strict=True)
            if not answer.ok
        ]
        return StackError(
            "not_ready",
            f"Not ready after {timeout_seconds:.0f} s: {'; '.join(waiting)}.",
            f"Look into {self.logs}.",
        )


async def _together(*pieces: Coroutine[Any, Any, None]) -> None:
    """Run the pieces at once; the first failure ends the others and is raised as itself, without a group."""
    tasks = [asyncio.ensure_future(piece) for piece in pieces]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _public(slot: str) -> str:
    """Name a slot as `stack.json` does: the first process of a service by the service's name."""
    return slot.removesuffix("-0")


def _is_not_for_services(name: str) -> bool:
    """Say whether a variable is a secret a service is given apart or not at all, or names another broker."""
    if not name.startswith("BACKOFFICE_"):
        return False
    return name.startswith("BACKOFFICE_KAFKA_") or name.removesuffix("_FILE").endswith(
        ("_DSN", "_PASSWORD", "_MASTER_KEY")
    )


def _failing(answer: Health) -> str:
    if answer.status == 0:
        return "does not answer"
    checks = answer.body.get("failing") or answer.body.get("checks") or answer.body
    return json.dumps(checks, default=str)[:300] if checks else f"HTTP {answer.status}"


async def _create_owner_and_database(superuser_dsn: str, password: str) -> None:
    """Make the role that owns the schema, and the database, or renew the role's password.

    It may make the services' logins (CREATEROLE) and the tests' databases (CREATEDB), and no more.
    """
    import asyncpg

    connection = await asyncpg.connect(superuser_dsn)
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", OWNER)
        verb = "ALTER" if known else "CREATE"
        await connection.execute(
            f"{verb} ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'"  # a hex number of ours
        )
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    finally:
        await connection.close()
