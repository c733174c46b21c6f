"""The AsyncAPI 3.0 document: topics, messages, headers, keys, and who sends and receives what."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from backoffice.cli.reference.json_schemas import file_of, spelt
from backoffice.cli.reference.markdown import documentation, first_line
from backoffice.cli.reference.unions import all_messages, example, messages_on, module_of, wire_name
from backoffice.stack.schema import SERVICES
from shared.messages.envelope import CODE_PATTERN
from shared.messages.headers import RecordKind, headers_of
from shared.messages.journal import OUTCOMES, ActDone
from shared.messages.kinds import BROADCAST
from shared.messages.topics import DELETE_RETENTION_MS, INSTRUCTIONS, JOURNAL, TOPICS, Topic
from shared.runtime.settings import KafkaSettings, ServiceSettings

VERSION: Final = "3.0.0"
BINDING_VERSION: Final = "0.5.0"
CONTENT_TYPE: Final = "application/json"
PROJECT: Final = Path(__file__).resolve().parents[3] / "pyproject.toml"

ABOUT: Final = """\
A double-entry ledger, compliance screening and reports behind Kafka topics. An upstream system sends \
instructions and reads what came of each from the journal; operators send acts. No other way in exists.

The whole system is cut into shards. A shard is the partition of an owner's key, the same number on every \
topic: all topics have equally many partitions (the default is given; `BACKOFFICE_PARTITIONS` sets it) and \
one partitioner. Within a shard there is one order; between shards there is none. An event may come twice \
after a crash, with the same `seq` and the same bytes.

This document is about the whole system: an operation's tag says who performs it."""

PARTICIPANTS: Final = {
    "upstream": "Any system that sends instructions and follows what came of them.",
    "operators": "The people who run it, through the `backoffice` command.",
    "transactions": "The double-entry ledger.",
    "compliance": "Screens what the ledger journals, answers what waits for it, raises alerts.",
    "reporting": "Counts the events of the others and makes reports.",
}
HEADERS_OF: Final[dict[RecordKind, str]] = {
    "instructions": "InstructionHeaders",
    "acts": "ActHeaders",
    "events": "EventHeaders",
    "keys": "KeyHeaders",
}
CORRELATION: Final[dict[RecordKind, tuple[str, str, str]]] = {
    "instructions": ("InstructionId", "$message.payload#/instruction_id", "Names one attempt."),
    "acts": ("ActId", "$message.payload#/act_id", "Names one act."),
    "events": ("CorrelationId", "$message.header#/correlation_id", "The instruction or act it is about."),
    "keys": ("KeyId", "$message.payload#/key_id", "What sealed texts name the key by."),
}


def text() -> str:
    """Return the document as JSON, which every reader of YAML 1.2 can read too."""
    return spelt(document())


def document() -> dict[str, Any]:
    """Describe the whole system."""
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Back office",
            "version": tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"],
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name, "description": words} for name, words in PARTICIPANTS.items()],
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(
            [
                *(_send(topic, name) for topic in TOPICS for name in topic.producers),
                *(_receive(topic, name) for topic in TOPICS for name in topic.consumers),
            ]
        ),
        "components": {
            "messages": {
                member.__name__: _message(member, topics) for member, topics in all_messages().items()
            },
            "schemas": {name: _headers(kind) for kind, name in HEADERS_OF.items()},
            "correlationIds": {
                name: {"location": location, "description": words}
                for name, location, words in CORRELATION.values()
            },
        },
    }


def _server() -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "Where it is, and whether with TLS and SASL, is said by whoever runs it.",
        "variables": {
            "bootstrap": {
                "description": "Broker addresses, as `host:port`.",
                "default": KafkaSettings.model_construct().bootstrap,
            }
        },
    }


# ── channels ─────────────────────────────────────────────────────────────────────────────────────


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "title": topic.name,
        "summary": first_line(module_of(topic)),
        "description": f"Key: {topic.key}. {_partition(topic)}",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            member.__name__: {"$ref": f"#/components/messages/{member.__name__}"}
            for member in messages_on(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": ServiceSettings.model_construct().partitions,
                "topicConfiguration": {
                    **_kept(topic),
                    "max.message.bytes": topic.max_message_bytes,
                    "message.timestamp.type": "LogAppendTime",
                },
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _kept(topic: Topic) -> dict[str, Any]:
    if topic.is_compacted:
        return {"cleanup.policy": ["compact"], "delete.retention.ms": DELETE_RETENTION_MS}
    return {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms, "retention.bytes": -1}


def _partition(topic: Topic) -> str:
    if topic.kind == "instructions":
        everywhere = ", ".join(f"`{each}`" for each in sorted(BROADCAST))
        return (
            "Partition: that of the key by Kafka's default partitioner, (murmur2(key) & 0x7fffffff) mod "
            "partitions (librdkafka: `partitioner=murmur2_random`). Sent to every partition, as the same "
            f"record: {everywhere}."
        )
    if topic.kind == "acts":
        return "Partition: the number of the shard that the act concerns."
    if topic.is_compacted:
        return "Partition: the number of the owner's shard. A record without a value says: the key is erased."
    if topic is JOURNAL:
        return (
            "Partition: the number of the shard whose writer made the event; its copies go to the partitions "
            "of the other customers credited, under their keys."
        )
    return "Partition: the number of the shard whose writer made the event."


# ── messages and headers ─────────────────────────────────────────────────────────────────────────


def _message(member: type[BaseModel], topics: Sequence[Topic]) -> dict[str, Any]:
    kind = topics[0].kind
    summary, _, more = documentation(member).partition("\n\n")
    shown = example(member)
    return {
        "name": wire_name(member),
        "title": member.__name__,
        "summary": summary,
        **({"description": more} if more else {}),
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": f"#/components/schemas/{HEADERS_OF[kind]}"},
        "payload": {"$ref": file_of(member)},
        "correlationId": {"$ref": f"#/components/correlationIds/{CORRELATION[kind][0]}"},
        "bindings": {"kafka": {"key": _key(topics), "bindingVersion": BINDING_VERSION}},
        "examples": [
            {"name": wire_name(member), "headers": _example_headers(topics[0], shown), "payload": shown}
        ],
    }


def _key(topics: Sequence[Topic]) -> dict[str, Any]:
    meanings = dict.fromkeys(topic.key for topic in topics)
    return {"type": "string", "pattern": CODE_PATTERN, "description": "; or ".join(meanings)}


def _headers(kind: RecordKind) -> dict[str, Any]:
    headers = headers_of(kind)
    return {
        "type": "object",
        "properties": {
            header.name: {"type": "string", "pattern": header.pattern, "description": header.meaning}
            for header in headers
        },
        "required": [header.name for header in headers if header.required],
    }


def _example_headers(topic: Topic, value: dict[str, Any]) -> dict[str, str]:
    """Return the headers that a message's example may have come with."""
    traceparent = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-0123456789012345-01"}
    if topic.kind == "keys":
        return {"content-type": CONTENT_TYPE}
    if topic.kind != "events":
        return traceparent
    about = value.get("instruction_id", value.get("act_id"))
    return {
        "ce_specversion": "1.0",
        "ce_id": f"{topic.owner}-{value['shard']}-{value['seq']}",
        "ce_type": value["type"],
        "ce_source": f"/backoffice/{topic.owner}",
        "ce_time": value["recorded_at"],
        "content-type": CONTENT_TYPE,
        "shard": str(value["shard"]),
        "seq": str(value["seq"]),
        "prev": str(value["seq"] - 1),
        "epoch": "1",
        "copy": "primary",
        **({"correlation_id": about} if about else {}),
        **traceparent,
    }


# ── operations ───────────────────────────────────────────────────────────────────────────────────


def _send(topic: Topic, participant: str) -> tuple[str, dict[str, Any]]:
    client = {"clientId": {"type": "string", "const": f"backoffice-{participant}"}}
    return _operation("send", topic, participant, client, _reply(topic))


def _receive(topic: Topic, participant: str) -> tuple[str, dict[str, Any]]:
    group = {"groupId": {"type": "string", "const": KafkaSettings.model_construct().group_of(participant)}}
    return _operation("receive", topic, participant, group, {})


def _operation(
    action: str, topic: Topic, participant: str, binding: dict[str, Any], reply: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    words = re.sub(r"\.v\d+$", "", topic.name).split(".")
    name = "".join([participant, action.title(), "s", *(word.title() for word in words)])
    bindings = {"kafka": {**binding, "bindingVersion": BINDING_VERSION}} if participant in SERVICES else None
    return name, {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "title": f"{participant} {action}s on {topic.name}",
        "tags": [{"name": participant}],
        **({"bindings": bindings} if bindings else {}),
        **reply,
    }


def _reply(topic: Topic) -> dict[str, Any]:
    """Say where the answer to an instruction or an act is found."""
    if topic is INSTRUCTIONS:
        channel, members = JOURNAL, [each for each in messages_on(JOURNAL) if each.__name__ in OUTCOMES]
    elif topic.kind == "acts":
        members = [ActDone]
        channel = next(each for each in TOPICS if each.owner == topic.owner and ActDone in messages_on(each))
    else:
        return {}
    return {
        "reply": {
            "channel": {"$ref": f"#/channels/{channel.name}"},
            "messages": [{"$ref": f"#/channels/{channel.name}/messages/{each.__name__}"} for each in members],
        }
    }
