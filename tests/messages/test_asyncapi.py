"""The AsyncAPI document is complete, agrees with the topics as they are made, and leads nowhere astray."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from pydantic import BaseModel

from backoffice.cli.reference.unions import all_messages, messages_on, wire_name
from shared.messages.headers import HEADERS, headers_of
from shared.messages.topics import TOPICS, Topic
from shared.runtime.client import _policy
from shared.runtime.settings import KafkaSettings
from tests.messages.contract import document, errors_in, files, resolved

FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "document": (
        {"asyncapi", "info"},
        {"defaultContentType", "servers", "channels", "operations", "components"},
    ),
    "info": ({"title", "version"}, {"description", "license", "tags"}),
    "server": ({"host", "protocol"}, {"description", "variables"}),
    "channel": (set(), {"address", "title", "summary", "description", "servers", "messages", "bindings"}),
    "operation": ({"action", "channel"}, {"title", "tags", "bindings", "reply"}),
    "message": (
        set(),
        {
            "name", "title", "summary", "description", "contentType", "headers", "payload", "correlationId",
            "bindings", "examples",
        },
    ),
    "components": (set(), {"messages", "schemas", "correlationIds"}),
    "channel binding": (set(), {"topic", "partitions", "topicConfiguration", "bindingVersion"}),
    "operation binding": (set(), {"groupId", "clientId", "bindingVersion"}),
    "message binding": (set(), {"key", "bindingVersion"}),
}  # fmt: skip
"""What must and what may stand in each object: those fields of AsyncAPI 3.0.0 that we use."""

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
each_message = pytest.mark.parametrize("member", all_messages(), ids=lambda member: member.__name__)


def _objects() -> Iterator[tuple[str, dict[str, Any]]]:
    whole = document()
    yield "document", whole
    yield "info", whole["info"]
    yield "components", whole["components"]
    yield from (("server", each) for each in whole["servers"].values())
    kinds = (
        ("channel", whole["channels"]),
        ("operation", whole["operations"]),
        ("message", whole["components"]["messages"]),
    )
    for kind, objects in kinds:
        for each in objects.values():
            yield kind, each
            if "bindings" in each:
                yield f"{kind} binding", each["bindings"]["kafka"]


def test_every_object_has_the_fields_of_the_standard() -> None:
    """A field misspelt is not seen by any tool."""
    assert document()["asyncapi"] == "3.0.0"
    for kind, found in _objects():
        required, allowed = FIELDS[kind]
        assert required <= set(found) <= required | allowed, kind


def test_every_reference_leads_somewhere() -> None:
    """Inside the document, and to the schemas beside it."""
    references = [
        (file, reference) for file, content in files().items() for reference in _references(content)
    ]
    assert len({reference for _, reference in references}) > len(TOPICS)
    for file, reference in references:
        assert resolved(reference, file), reference


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast(list[Any], value):
            yield from _references(each)
    elif isinstance(value, dict):
        for name, inner in cast(dict[str, Any], value).items():
            if name == "$ref":
                yield inner
            elif name not in ("examples", "properties"):
                yield from _references(inner)
            else:
                yield from _references(list(inner.values()) if name == "properties" else [])


@each_topic
def test_a_topic_is_described_as_it_is_made(topic: Topic) -> None:
    """Address, policy and messages; its key and how partitions are chosen in words."""
    channel = document()["channels"][topic.name]
    assert channel["address"] == topic.name
    assert f"Key: {topic.key}." in channel["description"]
    assert "Partition: " in channel["description"]
    assert set(channel["messages"]) == {member.__name__ for member in messages_on(topic)}
    policy = _policy(topic, KafkaSettings.model_construct())
    for name, value in channel["bindings"]["kafka"]["topicConfiguration"].items():
        assert policy[name] == (",".join(value) if isinstance(value, list) else str(value))


@each_topic
def test_every_producer_and_consumer_of_a_topic_has_its_operation(topic: Topic) -> None:
    """Exactly those that the topic names, each under its own tag."""
    found = {
        (operation["action"], tag["name"])
        for operation in document()["operations"].values()
        for tag in operation["tags"]
        if operation["channel"]["$ref"] == f"#/channels/{topic.name}"
    }
    assert found == {
        *(("send", name) for name in topic.producers),
        *(("receive", name) for name in topic.consumers),
    }


def test_everybody_who_takes_part_is_described() -> None:
    """And nobody else."""
    described = {tag["name"] for tag in document()["info"]["tags"]}
    assert described == {name for topic in TOPICS for name in (*topic.producers, *topic.consumers)}


def test_an_instruction_or_act_is_answered_on_a_channel_that_carries_the_answer() -> None:
    """A reply names messages of its own channel, as the standard demands."""
    answered: set[str] = set()
    for operation in document()["operations"].values():
        if "reply" in operation:
            answered.add(operation["channel"]["$ref"].rpartition("/")[2])
            below = operation["reply"]["channel"]["$ref"] + "/messages/"
            assert operation["reply"]["messages"]
            assert all(each["$ref"].startswith(below) for each in operation["reply"]["messages"])
    assert answered == {topic.name for topic in TOPICS if topic.kind in ("instructions", "acts")}


@each_message
def test_the_example_of_a_message_is_valid_with_its_headers(member: type[BaseModel]) -> None:
    """Payload, headers and key against the schemas the message itself refers to."""
    message = document()["components"]["messages"][member.__name__]
    payload = resolved(message["payload"]["$ref"])
    headers = resolved(message["headers"]["$ref"])
    assert message["name"] == wire_name(member)
    (shown,) = message["examples"]
    assert errors_in(shown["payload"], payload) == []
    assert errors_in(shown["headers"], headers) == []
    key = shown["payload"].get("owner") or "house"
    assert errors_in(key, message["bindings"]["kafka"]["key"]) == []


@each_message
def test_a_message_is_correlated_by_what_it_carries(member: type[BaseModel]) -> None:
    """An upstream finds the answer by the very value that it sent."""
    message = document()["components"]["messages"][member.__name__]
    source, _, name = resolved(message["correlationId"]["$ref"])["location"].partition("#/")
    described = resolved(message["payload" if source == "$message.payload" else "headers"]["$ref"])
    assert name in described["properties"]


@pytest.mark.parametrize("kind", ["instructions", "acts", "events"])
def test_a_header_is_described_once_and_spelt_as_a_pattern(kind: Any) -> None:
    """Names are never used for two things; patterns compile and match whole values."""
    headers = headers_of(kind)
    assert headers
    assert len({header.name for header in HEADERS}) == len(HEADERS)
    for header in headers:
        assert header.pattern.startswith("^")
        assert header.pattern.endswith("$")
        assert re.compile(header.pattern).search("\n") is None
