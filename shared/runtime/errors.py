"""What can go wrong in running a service, and what each error means for the records at hand."""


class RuntimeFaultError(Exception):
    """Base of the runtime's own errors; the message says what to do."""


class ConfigurationError(RuntimeFaultError):
    """The service must not start: a setting, a migration or a topic is not as it must be."""


class EventTooLargeError(RuntimeFaultError):
    """An event is longer than its topic takes: it could never be published, nor anything behind it."""


class UnreadableRecord(Exception):
    """Raised by an input's `decode`: nobody can read this record. `error` is a short, stable name."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ShardLost(RuntimeFaultError):  # noqa: N818  # a state of affairs
    """Another process has taken the shard over (its epoch or batch number has moved on)."""


class ShardHalted(RuntimeFaultError):  # noqa: N818  # a state of affairs
    """The shard must stop and a person must look; acts are still executed. The message is the reason."""
