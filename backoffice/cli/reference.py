"""Makes the pages of docs/reference from code: messages, topics, reasons and commands."""

import importlib
import inspect
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter

from backoffice.cli.app import COMMANDS
from services.transactions.domain.reasons import TABLE
from shared import messages
from shared.messages.envelope import CODE_PATTERN
from shared.messages.journal import OUTCOMES
from shared.messages.topics import DAY_MS, TOPICS, UNLIMITED, Topic

EXAMPLES: Final = Path(messages.__file__).parent / "examples"
NOTICE: Final = "<!-- Made by `backoffice docs` from code. Do not edit: change the code and run it again. -->"

ABOUT_MESSAGES: Final = (
    "Values are JSON objects in UTF-8. Readers ignore fields they do not know; nothing is coerced: a "
    "number is no string. Amounts are decimal strings in the asset's decimals, dates are ISO 8601, "
    "times RFC 3339 with an offset. A *code* is 1 to 64 ASCII characters."
)
ABOUT_TOPICS: Final = (
    "Every topic has as many partitions as there are shards (`BACKOFFICE_PARTITIONS`), the delete "
    "policy and the broker's timestamps (`LogAppendTime`). Keys are spread with murmur2, as Kafka's "
    "Java client does (librdkafka: `partitioner=murmur2_random`). `backoffice migrate` makes the "
    "topics; the services check them at their start."
)
ABOUT_REASONS: Final = (
    "Every instruction is judged by one ladder, a rung at a time; the first rung that fails names the "
    "reason. A published reason keeps its name for ever. *Fact* says what becomes of a fact (`deposit`, "
    "`fee`, `interest`), which has happened whatever a rule says. *Status* is ISO 20022's external "
    "status reason code."
)
ABOUT_COMMANDS: Final = (
    "`--json` prints only JSON on standard output, one object a line; progress and words go to standard "
    "error. Status 0: done; 1: something was found; 2: typed wrongly; 3: cannot be reached; 4: timed "
    "out."
)
ABOUT_HEADERS: Final = (
    "Events carry CloudEvents headers (binary mode): `ce_id` = `<service>-<shard>-<seq>`, `ce_type` = the "
    "message, `ce_source`, `ce_time`, `ce_specversion`, `content-type`; and `shard`, `seq`, `prev` (the seq "
    "the same shard sent to this partition before), `epoch`, `copy` (`primary` or `secondary`), "
    "`correlation_id` (the instruction's id) and `traceparent` as it came. Consumers read `read_committed` "
    "and skip a seq they had."
)


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {
        "messages.md": _messages(),
        "topics.md": _topics(),
        "reasons.md": _reasons(),
        "commands.md": _commands(),
    }


# ── messages ─────────────────────────────────────────────────────────────────────────────────────


def _messages() -> str:
    parts = [
        "Messages",
        NOTICE,
        ABOUT_MESSAGES,
    ]
    blocks: dict[str, type[BaseModel]] = {}
    for topic in TOPICS:
        module_name, _, adapter_name = topic.messages.partition(":")
        module = importlib.import_module(f"shared.messages.{module_name}")
        parts += [f"## On `{topic.name}`", _first_line(module)]
        for member in members_of(getattr(module, adapter_name)):
            parts += _message(member)
            _collect_blocks(member, blocks)
    parts += ["## Parts of messages"]
    for name in sorted(blocks):
        parts += [f"### {name}", _doc(blocks[name]), _fields(blocks[name])]
    return _page(parts)


def members_of(adapter: TypeAdapter[Any]) -> tuple[type[BaseModel], ...]:
    """Return the message classes that a union is made of."""
    kind: Any = getattr(adapter, "_type")  # noqa: B009 - pydantic keeps it nowhere else
    if hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    return get_args(kind) or (kind,)


def _message(member: type[BaseModel]) -> list[str]:
    name = member.__name__
    outcome = f" Its fate: `{OUTCOMES[name]}`." if name in OUTCOMES else ""
    example = (EXAMPLES / f"{name}.json").read_text(encoding="utf-8").rstrip()
    kind = member.model_fields["type"].default
    heading = f"### {name}" if kind == name else f"### `{kind}`"
    return [heading, _doc(member) + outcome, _fields(member), f"```json\n{example}\n```"]


def _fields(member: type[BaseModel]) -> str:
    schema = member.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    rows = [
        (
            f"`{name}`",
            _type(field),
            "required" if name in required or name == "type" else _default(field),
            _one_line(field.get("description", "")),
        )
        for name, field in schema["properties"].items()
    ]
    return _table(("field", "type", "default", "meaning"), rows)


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, dict) and inner else "object"
    if field.get("type") == "string":
        return _string(field)
    return {"integer": "integer", "boolean": "boolean", "null": "null", "number": "number"}.get(
        field.get("type", ""), "anything"
    )


def _string(field: dict[str, Any]) -> str:
    formats = {"uuid": "UUID", "date": "date", "date-time": "time"}
    if field.get("format") in formats:
        return formats[field["format"]]
    if field.get("pattern") == CODE_PATTERN:
        return "code"
    if "maxLength" in field:
        return f"text of 1–{field['maxLength']}"
    return f"text like `{field['pattern']}`" if "pattern" in field else "text"


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "empty"
    return f"`{json.dumps(field['default'], ensure_ascii=False)}`"


def _collect_blocks(member: type[BaseModel], blocks: dict[str, type[BaseModel]]) -> None:
    for field in member.model_fields.values():
        for part in _parts_of(field.annotation):
            if part.__name__ not in blocks:
                blocks[part.__name__] = part
                _collect_blocks(part, blocks)


def _parts_of(annotation: Any) -> Iterable[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _parts_of(each)


# ── topics, reasons, commands ────────────────────────────────────────────────────────────────────


def _topics() -> str:
    rows = [
        (
            f"`{topic.name}`",
            topic.key,
            topic.owner,
            ", ".join(topic.producers),
            ", ".join(topic.consumers),
            _retention(topic),
            f"{topic.max_message_bytes:,}",
        )
        for topic in TOPICS
    ]
    return _page(
        [
            "Topics",
            NOTICE,
            ABOUT_TOPICS,
            _table(("topic", "key", "owner", "written by", "read by", "kept", "bytes a record"), rows),
            "## Headers",
            ABOUT_HEADERS,
            "What each topic carries is described in [messages](messages.md).",
        ]
    )


def _retention(topic: Topic) -> str:
    return "for ever" if topic.retention_ms == UNLIMITED else f"{topic.retention_ms // DAY_MS} days"


def _reasons() -> str:
    rows = [
        (
            f"`{reason.code}`",
            reason.rung,
            reason.fate,
            reason.fact,
            f"`{reason.status_code}`",
            reason.upstream,
        )
        for reason in TABLE
    ]
    return _page(
        [
            "Reasons",
            NOTICE,
            ABOUT_REASONS,
            _table(("reason", "rung", "fate", "fact", "status", "what upstream should do"), rows),
        ]
    )


def _commands() -> str:
    parts = [
        "Commands",
        NOTICE,
        ABOUT_COMMANDS,
    ]
    for entry in COMMANDS:
        parts += _command(entry.load(), f"backoffice {entry.name}")
    return _page(parts)


def _command(command: Any, path: str) -> list[str]:
    below: dict[str, Any] = getattr(command, "commands", {})
    if below:
        return [part for name in sorted(below) for part in _command(below[name], f"{path} {name}")]
    options = [each for each in command.params if "--json" not in each.opts]
    words = [_usage(each) for each in options if not _is_option(each)]
    rows = [(f"`{_names(each)}`", _one_line(getattr(each, "help", None) or "")) for each in options]
    parts = [f"## `{' '.join([path, *words])}`", _paragraphs(command.help or "")]
    return [*parts, _table(("", ""), rows)] if rows else parts


def _is_option(parameter: Any) -> bool:
    return parameter.opts[0].startswith("-")


def _usage(parameter: Any) -> str:
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _names(parameter: Any) -> str:
    if not _is_option(parameter):
        return _usage(parameter)
    names = "/".join([parameter.opts[-1], *parameter.secondary_opts])
    return names if getattr(parameter, "is_flag", False) else f"{names} {parameter.name.upper()}"


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────


def _page(parts: Sequence[str]) -> str:
    title, *rest = parts
    return "\n\n".join([f"# {title}", *(part for part in rest if part)]) + "\n"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _doc(thing: Any) -> str:
    return _paragraphs(inspect.getdoc(thing) or "")


def _first_line(module: Any) -> str:
    return (inspect.getdoc(module) or "").partition("\n")[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str) -> str:
    return "\n\n".join(_one_line(paragraph) for paragraph in inspect.cleandoc(text).split("\n\n"))
