"""The master key of tests, and settings that hold it."""

import base64
from typing import Final

from pydantic import SecretStr

from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.work import Service

MASTER_KEY: Final = base64.b64encode(bytes(range(64))).decode()


def with_master_key(service: Service) -> None:
    """Configure a service that no runtime does."""
    service.configure(ServiceSettings(master_key=SecretStr(MASTER_KEY)), KafkaSettings())
