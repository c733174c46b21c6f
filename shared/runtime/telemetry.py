"""What a service says about itself: JSON logs with stable event names, metrics, no personal data."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.platform_collector import PlatformCollector

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def configure_logging(level: str) -> None:
    """Send every log line, ours and the libraries', to standard error as one JSON object."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(sort_keys=True)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class Telemetry:
    """One service's logger and metrics."""

    def __init__(self, service: str, instance: str) -> None:
        self._log = structlog.get_logger().bind(service=service, instance=instance)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        registry = self.registry
        self._records = Counter(
            "backoffice_records", "Records whose effect is committed", ["service", "topic"], registry=registry
        )
        self._batches = Histogram(
            "backoffice_batch_records",
            "Records a batch",
            ["service"],
            buckets=(1, 10, 100, 500, 1000, 2000, 5000),
            registry=registry,
        )
        self._steps = Histogram(
            "backoffice_batch_step_seconds",
            "Time of a batch by step",
            ["service", "step"],
            buckets=SECONDS,
            registry=registry,
        )
        self._events = Counter(
            "backoffice_published_events", "Events acknowledged by Kafka", ["service"], registry=registry
        )
        self._publish = Histogram(
            "backoffice_publish_seconds",
            "From commit to acknowledgement",
            ["service"],
            buckets=SECONDS,
            registry=registry,
        )
        self._counts = Counter(
            "backoffice_occurrences", "Things worth counting, by name", ["service", "name"], registry=registry
        )
        self._gauges = Gauge(
            "backoffice_state", "State of the process, by name", ["service", "name"], registry=registry
        )
        self._lag = Gauge(
            "backoffice_lag_records",
            "Records not yet processed",
            ["service", "topic", "partition"],
            registry=registry,
        )
        self.service = service
        self.step_seconds: dict[str, float] = {}
        """Seconds spent by step since the start; what the benchmark reads."""
        self.records_total = 0

    def info(self, event: str, **fields: Any) -> None:
        """Log something normal."""
        self._log.info(event, **fields)

    def warn(self, event: str, **fields: Any) -> None:
        """Log and count something that somebody may have to look at."""
        self._counts.labels(self.service, event).inc()
        self._log.warning(event, **fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log and count something that somebody must look at."""
        self._counts.labels(self.service, event).inc()
        self._log.error(event, **fields)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step of a batch."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add_step(name, time.perf_counter() - started)

    def add_step(self, name: str, seconds: float) -> None:
        """Add a step's time measured by the caller."""
        self.step_seconds[name] = self.step_seconds.get(name, 0.0) + seconds
        self._steps.labels(self.service, name).observe(seconds)

    def taken(self, counts: dict[str, int]) -> None:
        """Count a committed batch's records by topic."""
        total = sum(counts.values())
        self.records_total += total
        self._batches.labels(self.service).observe(total)
        for topic, count in counts.items():
            self._records.labels(self.service, topic).inc(count)

    def published(self, count: int, seconds: float) -> None:
        """Count events acknowledged."""
        self._events.labels(self.service).inc(count)
        self._publish.labels(self.service).observe(seconds)

    def gauge(self, name: str, value: float) -> None:
        """Set a state of the process."""
        self._gauges.labels(self.service, name).set(value)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Set how many records of a partition are waiting."""
        self._lag.labels(self.service, topic, str(partition)).set(records)
