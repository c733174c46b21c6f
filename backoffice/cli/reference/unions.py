"""Finds the message classes that each topic carries, and their examples."""

import importlib
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter

from shared import messages
from shared.messages.topics import TOPICS, Topic

EXAMPLES: Final = Path(messages.__file__).parent / "examples"


def module_of(topic: Topic) -> ModuleType:
    """Return the module that describes a topic's messages."""
    return importlib.import_module(f"shared.messages.{topic.messages.partition(':')[0]}")


def messages_on(topic: Topic) -> tuple[type[BaseModel], ...]:
    """Return the message classes of a topic's union, in its order."""
    adapter: TypeAdapter[Any] = getattr(module_of(topic), topic.messages.partition(":")[2])
    kind: Any = getattr(adapter, "_type")  # noqa: B009 - pydantic keeps it nowhere else
    if hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    return get_args(kind) or (kind,)


@cache
def all_messages() -> dict[type[BaseModel], tuple[Topic, ...]]:
    """Return every message class and the topics that carry it."""
    found: dict[type[BaseModel], tuple[Topic, ...]] = {}
    for topic in TOPICS:
        for member in messages_on(topic):
            found[member] = (*found.get(member, ()), topic)
    return found


def wire_name(member: type[BaseModel]) -> str:
    """Return what stands in the message's field `type`."""
    return member.model_fields["type"].default


def example_text(member: type[BaseModel]) -> str:
    """Return the golden example of a message, as it is spelt in its file."""
    return (EXAMPLES / f"{member.__name__}.json").read_text(encoding="utf-8")


def example(member: type[BaseModel]) -> dict[str, Any]:
    """Return the golden example of a message."""
    return json.loads(example_text(member))
