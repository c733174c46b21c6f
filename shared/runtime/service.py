"""Runs a service: checks what it stands on, then FastStream's batch subscriber feeds the worker.

FastStream is the shell: it owns the consumer, the ASGI application and the life cycle. What a batch
does is `shared.runtime.consumer`. Its handler never raises and nothing is acknowledged through it.
"""

import asyncio
import gc
import json
import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import asyncpg
import structlog
import uvicorn
import uvloop
from aiokafka import ConsumerRecord
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime import database, migrate
from shared.runtime.client import check_topics
from shared.runtime.consumer import Worker
from shared.runtime.errors import ConfigurationError
from shared.runtime.failpoints import arm
from shared.runtime.gateway import Gateway
from shared.runtime.housekeeping import failing_checks, is_alive
from shared.runtime.polling import POLL_MS, Poller
from shared.runtime.settings import KafkaSettings, ServiceSettings, load_settings
from shared.runtime.telemetry import Telemetry, configure_logging
from shared.runtime.work import Service

CANNOT_START: Final = 78
"""The exit status for a configuration that must be mended first (EX_CONFIG of sysexits.h)."""

SMALL_BATCH_RECORDS: Final = 64


def create_app(
    service: Service, migrations: Path, settings: ServiceSettings, kafka: KafkaSettings
) -> AsgiFastStream:
    """Compose a service's application: subscriber, worker, health and metrics.

    Its start raises `ConfigurationError` when migrations, topics or the database are not as they must be.
    """
    try:
        arm(service.name, settings.failpoint, settings.planted_bug)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    telemetry = Telemetry(service.name, settings.instance)
    worker = Worker(service, settings, kafka, telemetry)
    options = kafka.client_options()
    broker = KafkaBroker(
        options.pop("bootstrap_servers"),
        client_id=f"backoffice-{service.name}",
        allow_auto_create_topics=False,
        logger=None,
        apply_types=False,
        **_security(kafka),
    )
    subscriber = broker.subscriber(
        *(each.topic.name for each in service.inputs),
        group_id=kafka.group_of(service.name),
        group_instance_id=f"{service.name}-{settings.instance}",
        batch=True,
        max_records=settings.batch_records_max,
        batch_timeout_ms=POLL_MS,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.heartbeat_interval_ms,
        rebalance_timeout_ms=30_000,
        # All of a shard's partitions must come to one process: by ranges, topic for topic alike.
        partition_assignment_strategy=(RangePartitionAssignor,),
        max_poll_interval_ms=600_000,
        max_partition_fetch_bytes=2 * 1024 * 1024,
        fetch_max_wait_ms=100,
        listener=worker.listener,
        parser=_unparsed,
        decoder=_raw,
    )

    @subscriber
    async def take(records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        await worker.process(records)
        if len(records) < SMALL_BATCH_RECORDS and service.linger_seconds:
            await asyncio.sleep(service.linger_seconds)

    poll = Poller(settings.batch_records_max)
    setattr(subscriber, "get_msg", poll)  # noqa: B010 - typed as a method

    async def on_startup() -> None:
        try:
            topics = [each.topic for each in service.inputs] + [*service.outputs, *service.beside]
            for refusal in await asyncio.gather(
                check_database(service, migrations, settings),
                check_topics(kafka, settings.partitions, topics),
                return_exceptions=True,
            ):
                if refusal is not None:
                    raise refusal
            await worker.start()
        except (ConfigurationError, OSError, asyncpg.PostgresError, KafkaError) as error:
            telemetry.error("cannot_start", message=str(error))
            os._exit(CANNOT_START)  # nothing has begun yet

    gateway = Gateway(service.name, settings, kafka)

    worker.bind(lambda: subscriber.consumer)
    worker.reach_ahead = lambda: poll.reach_ahead(subscriber.consumer)
    worker.when_claimed = settle_memory

    async def after_startup() -> None:
        telemetry.info("started", partitions=settings.partitions)

    shell = Shell(
        broker,
        logger=None,
        on_startup=[on_startup],
        after_startup=[after_startup],
        on_shutdown=[worker.stop, gateway.close],
        asgi_routes=[
            ("/health/live", _live(worker)),
            ("/health/ready", _ready(worker)),
            ("/metrics", _metrics(telemetry)),
        ],
    )
    shell.api = service.api(gateway)
    return shell


class Shell(AsgiFastStream):
    """FastStream's application, whose own routes are whole paths, with the service's API below one path."""

    api: tuple[str, Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand requests below the API's path to it, and all else to FastStream."""
        if self.api is not None and scope["type"] == "http" and scope["path"].startswith(self.api[0]):
            await self.api[1](scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def settle_memory() -> None:
    """Take what has been loaded out of the garbage collector's sight; a batch makes little garbage in cycles.

    Worth about a quarter of a batch's time (`bench/fold.py`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 100)


async def check_database(service: Service, migrations: Path, settings: ServiceSettings) -> None:
    """Raise `ConfigurationError` unless schema, number of shards and standby are as they must be."""
    password = settings.database_password
    connection = await database.connect(
        settings.database_dsn.get_secret_value(),
        password=password.get_secret_value() if password else None,
        application=f"backoffice-{service.name}-check",
    )
    try:
        await migrate.check_schema(connection, service.name, migrate.migrations_of(service.name, migrations))
        partitions = await connection.fetchval("SELECT partitions FROM topology")
        if partitions != settings.partitions:
            raise ConfigurationError(
                f"the schema {service.name} was made for {partitions} shards;"
                f" set BACKOFFICE_PARTITIONS={partitions}"
            )
        standbys = await connection.fetchval("SELECT current_setting('synchronous_standby_names')")
        if settings.standby_required and not standbys:
            raise ConfigurationError(
                "PostgreSQL has no synchronous standby, so a lost machine would lose committed books;"
                " configure synchronous_standby_names, or set BACKOFFICE_STANDBY_REQUIRED=false"
            )
    finally:
        await connection.close()


def _security(kafka: KafkaSettings) -> dict[str, Any]:
    """The same security for FastStream's own clients, in its own words."""
    if kafka.security_protocol == "PLAINTEXT":
        return {}
    from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

    options = kafka.client_options()
    context = options.get("ssl_context")
    use_ssl = context is not None
    if not kafka.security_protocol.startswith("SASL"):
        return {"security": BaseSecurity(ssl_context=context, use_ssl=use_ssl)}
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    kind = kinds.get(kafka.sasl_mechanism)
    if kind is None:
        raise ConfigurationError(
            f"BACKOFFICE_KAFKA_SASL_MECHANISM={kafka.sasl_mechanism} is not supported by a service;"
            " use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
    return {
        "security": kind(
            username=kafka.sasl_username or "",
            password=options["sasl_plain_password"] or "",
            ssl_context=context,
            use_ssl=use_ssl,
        )
    }


async def _unparsed(records: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
    """Wrap a poll without looking into it.

    FastStream's own parser decodes every header of every record, and drops the whole poll in silence at
    one that is not UTF-8; what upstream sends in headers must not stop anything.
    """
    return KafkaMessage(raw_message=records, body=b"", headers={}, consumer=FAKE_CONSUMER)


async def _raw(message: Any) -> Any:
    """Hand the polled records on as they are; each is decoded alone, by us."""
    return message.raw_message


def _live(worker: Worker) -> Any:
    @get
    async def live(scope: Any) -> AsgiResponse:
        del scope
        alive = is_alive(worker)
        body = json.dumps({"live": alive}).encode()
        return AsgiResponse(body, 200 if alive else 503, headers={"Content-Type": "application/json"})

    return live


def _ready(worker: Worker) -> Any:
    @get
    async def ready(scope: Any) -> AsgiResponse:
        del scope
        failing = failing_checks(worker)
        warnings = dict(worker.service.warnings())
        body = json.dumps({"ready": not failing, "failing": failing, "warnings": warnings}).encode()
        return AsgiResponse(body, 503 if failing else 200, headers={"Content-Type": "application/json"})

    return ready


def _metrics(telemetry: Telemetry) -> Any:
    @get
    async def metrics(scope: Any) -> AsgiResponse:
        del scope
        return AsgiResponse(
            generate_latest(telemetry.registry), 200, headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    return metrics


def run(app: AsgiFastStream, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT; on uvloop."""
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


def application(service: Service, migrations: Path) -> AsgiFastStream:
    """Compose a service's application from the environment's settings, as `faststream run` wants it."""
    settings, kafka = load_settings()
    configure_logging(settings.log_level)
    return create_app(service, migrations, settings, kafka)


def main(name: str) -> int:
    """Run the service `services.<name>.app` in the foreground; returns the process's status."""
    configure_logging("INFO")
    try:
        settings, kafka = load_settings()
        configure_logging(settings.log_level)
        app = import_module(f"services.{name}.app")
        run(create_app(app.create_service(), app.MIGRATIONS, settings, kafka), settings)
    except ConfigurationError as error:
        structlog.get_logger().error("cannot_start", service=name, message=str(error))
        return CANNOT_START
    return 0
