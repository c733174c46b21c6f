"""What may be set from outside: `BACKOFFICE_*` environment variables, secrets also by file.

A value may be given as `BACKOFFICE_X` or, for anything secret, as a file's path in `BACKOFFICE_X_FILE`.
Secrets are masked wherever settings are shown. An unknown `BACKOFFICE_*` name is refused, so that a
misspelt setting is not silently a default.
"""

import difflib
import os
import re
import ssl
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.messages.sealing import MasterKey
from shared.runtime.errors import ConfigurationError

PREFIX: Final = "BACKOFFICE_"


class KafkaSettings(BaseSettings):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix="BACKOFFICE_KAFKA_", extra="ignore", frozen=True)

    bootstrap: str = "127.0.0.1:9092"
    """Broker addresses, separated by commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca_file: Path | None = None
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None
    ssl_key_password: SecretStr | None = None
    group_prefix: str = "backoffice"
    """Consumer groups are named `<prefix>.<service>`; another prefix lets two systems share a cluster."""
    replication_factor: int = 1
    min_insync_replicas: int = 1

    def group_of(self, service: str) -> str:
        """The consumer group of a service."""
        return f"{self.group_prefix}.{service}"

    def client_options(self) -> dict[str, Any]:
        """The connection arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = (
                self.sasl_password.get_secret_value() if self.sasl_password else None
            )
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.ssl_ca_file) if self.ssl_ca_file else None)
        if self.ssl_certificate_file:
            password = self.ssl_key_password.get_secret_value() if self.ssl_key_password else None
            context.load_cert_chain(
                str(self.ssl_certificate_file),
                str(self.ssl_key_file) if self.ssl_key_file else None,
                password,
            )
        return context


class ServiceSettings(BaseSettings):
    """How one process of a service runs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_dsn: SecretStr = SecretStr("")
    """The service's own login, as a PostgreSQL URI."""
    database_password: SecretStr | None = None
    """Given apart from the DSN where the DSN is not secret."""
    partitions: int = Field(default=12, ge=1, le=10_000)
    """P: the number of shards, and of partitions of every topic."""
    instance: str = Field(default_factory=lambda: os.environ.get("HOSTNAME") or "0")
    """The supervised slot; a restarted process in the same slot is assigned its shards at once. If not
    given it is HOSTNAME: a container's id or a pod's name, its own among several and kept in a restart."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535)
    batch_records_max: int = Field(default=10_000, ge=1, le=100_000)
    """The most that is polled at once. A backlog of the ledger's is worked 5-10 % faster by 10,000 than by
    5,000, since more balances are touched twice; beyond that only memory grows."""
    session_timeout_ms: int = Field(default=8000, ge=6000)
    heartbeat_interval_ms: int = 2000
    standby_required: bool = True
    """Whether to refuse to start on a database without a synchronous standby."""
    roles_required: bool = True
    """Whether compliance does nothing for anybody before two administrators of roles are appointed."""
    lag_seconds_max: float = 60.0
    """Behind by more than this, the service is not ready."""
    chain_gap_seconds_max: float = 60.0
    """How long a chain of another service may stay broken before the shard halts."""
    stall_seconds_max: float = 30.0
    """How long a partition with lag may make no progress before the process exits to be started again."""
    world_down_seconds_max: float = 120.0
    """How long database or broker may be away before the process exits to be started again."""
    parkings_per_minute_max: int = 20
    """More records failing than this in a minute, in one process, halt the shard instead of parking."""
    api_key: SecretStr | None = None
    """What tokens of the HTTP API are signed with: a public key in PEM (RSA, P-256 or Ed25519), or a secret
    of 32 bytes or more for HS256. Without one the API refuses everybody."""
    api_issuer: str = "backoffice"
    """Who must have issued a token (`iss`)."""
    api_audience: str = "backoffice-compliance"
    """Whom a token must be for (`aud`)."""
    api_answer_seconds_max: float = 10.0
    """How long a request waits for the answer to its act; 202 after that."""
    master_key: SecretStr | None = None
    """Under which owners' keys are kept and published: base64 of 64 bytes (`openssl rand -base64 64`). The
    ledger and compliance need it, the same one. Who loses it can read no personal data any more."""
    failpoint: str | None = None
    """`<service>:<point>:<n>[:stop]`: the process is killed, or frozen, there the n-th time. For tests."""
    planted_bug: str | None = None
    """A defect switched on for the campaign that must catch it. For tests."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def master_key_required(self) -> MasterKey:
        """Return the master key; raises `ConfigurationError`."""
        if self.master_key is None:
            raise ConfigurationError(
                "set BACKOFFICE_MASTER_KEY, or BACKOFFICE_MASTER_KEY_FILE to where it is"
            )
        try:
            return MasterKey("".join(self.master_key.get_secret_value().split()))
        except ValueError:
            raise ConfigurationError("the setting BACKOFFICE_MASTER_KEY is not base64 of 64 bytes") from None


KNOWN_ELSEWHERE: Final = frozenset(
    {
        "BACKOFFICE_STACK",
        "BACKOFFICE_CACHE",
        "BACKOFFICE_DATA",
        "BACKOFFICE_READONLY_DSN",
        "BACKOFFICE_OWNER_DSN",
        "BACKOFFICE_TRANSACTIONS_PASSWORD",
        "BACKOFFICE_COMPLIANCE_PASSWORD",
        "BACKOFFICE_REPORTING_PASSWORD",
        "BACKOFFICE_READONLY_PASSWORD",
        "BACKOFFICE_HEALTH_URLS",
        "BACKOFFICE_ACTOR",
        "BACKOFFICE_FILING_SCHEMAS",
    }
)
"""Settings read by the command and the stack, not by a service."""


def load_settings() -> tuple[ServiceSettings, KafkaSettings]:
    """Read and check the environment; raises `ConfigurationError` naming what is wrong."""
    read_secret_files()
    refuse_unknown()
    try:
        return ServiceSettings(), KafkaSettings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(f"the setting {name} is wrong: {first['msg']}") from None


def read_secret_files() -> None:
    """Put the content of each `BACKOFFICE_X_FILE` of a secret into `BACKOFFICE_X`."""
    for name, path in list(os.environ.items()):
        target = name.removesuffix("_FILE")
        if (
            not name.startswith(PREFIX)
            or target == name
            or not re.search(r"_(DSN|PASSWORD|API_KEY|MASTER_KEY)$", target)
        ):
            continue
        try:
            os.environ[target] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"{name} names a file that cannot be read: {error.strerror}") from None


def refuse_unknown() -> None:
    """Raise `ConfigurationError` for a `BACKOFFICE_*` variable that nothing reads."""
    known = set(KNOWN_ELSEWHERE)
    known |= {PREFIX + field.upper() for field in ServiceSettings.model_fields}
    known |= {f"{PREFIX}KAFKA_{field.upper()}" for field in KafkaSettings.model_fields}
    for name in os.environ:
        if not name.startswith(PREFIX) or name in known or name.removesuffix("_FILE") in known:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"the setting {name} is unknown{hint}")
