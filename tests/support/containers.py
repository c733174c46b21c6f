"""PostgreSQL and Kafka in containers of the official images, by testcontainers, set as the embedded ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from backoffice.stack.ports import LOOPBACK, free_port

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
START_SECONDS_MAX = 120

INITDB_ARGS = "--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
POSTGRES_COMMAND = (
    "postgres -cmax_wal_size=512MB -cjit=off -cmax_parallel_workers_per_gather=0 -ctimezone=UTC"
)

KAFKA_ENVIRONMENT = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_NUM_PARTITIONS": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_HEAP_OPTS": "-Xms128m -Xmx384m",
}


@contextmanager
def postgres_container() -> Iterator[str]:
    """Yield the superuser's DSN."""
    container = (
        PostgresContainer(POSTGRES_IMAGE, username="postgres", dbname="postgres", driver=None)
        .with_env("POSTGRES_INITDB_ARGS", INITDB_ARGS)
        .with_command(POSTGRES_COMMAND)
    )
    with container:
        yield container.get_connection_url()


@contextmanager
def kafka_container() -> Iterator[str]:
    """Yield the broker's address; the port is chosen first, since it must be advertised."""
    port = free_port()
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    container = container.with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://{LOOPBACK}:{port}")
    for name, value in KAFKA_ENVIRONMENT.items():
        container = container.with_env(name, value)
    started = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START_SECONDS_MAX)
    with container.waiting_for(started):
        yield f"{LOOPBACK}:{port}"
