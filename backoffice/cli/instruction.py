"""`backoffice instruction`: sends instructions as an upstream system would and tells what came of them."""

import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import typer

from backoffice.cli import output, sessions
from backoffice.cli.causality import waves
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import TIMED_OUT, USAGE, CommandError
from backoffice.cli.outcomes import REJECTED, TIMEOUT, Outcome, Outcomes
from shared.messages.envelope import CODE_PATTERN, HOUSE
from shared.messages.kinds import BROADCAST
from shared.messages.partitioner import partition_of
from shared.messages.topics import INSTRUCTIONS, JOURNAL
from shared.runtime.client import Client

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

CHUNK_LINES: Final = 5_000
DRY_RUN: Final = "dry_run"
OVERHEAD_BYTES: Final = 128
"""What Kafka adds to one record alone in a batch, at most, beside key and value."""


@app.callback()
def instruction() -> None:
    """Send instructions and follow what comes of them."""


@app.command()
def send(
    file: Annotated[
        Path, typer.Option("--file", help="One JSON document a line; `-` reads standard input.")
    ] = Path("-"),
    wait: Annotated[bool, typer.Option("--wait", help="Wait for each line's outcome and print it.")] = False,
    until: Annotated[
        Literal["first", "final"],
        typer.Option(
            help="`first`: the first outcome; `final`: what a pending one ends as. Nobody waits for a day."
        ),
    ] = "first",
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait after the last line is sent.")
    ] = 30.0,
    key: Annotated[
        str | None, typer.Option(help="Send under this owner's key instead of the line's owner.")
    ] = None,
    raw_key: Annotated[
        str | None, typer.Option(help=r"Send under exactly these bytes (`\xNN` is a byte; empty: no key).")
    ] = None,
    partition: Annotated[
        int | None, typer.Option(help="Send to this partition, whatever the key says.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only ask what would come of each line: nothing moves.")
    ] = False,
) -> None:
    """Publish each line under its owner's key, as it is, readable or not.

    Empty lines are passed over. An `open_business_day` or `close_period` goes to every partition and is
    answered once, with the outcome of the house's shard. With --wait, a line that builds on an earlier one of
    another shard (names an account opened there, spends what came from there, undoes what was done there) is
    sent once that one has its outcome. A rejection is an answer: status 0. A line without an outcome in time
    is printed with the outcome `timeout`: status 4. With --dry-run, each line is marked as a dry run and is
    judged as the books are then, as if no other line were there; a line that cannot be marked stops all:
    status 2.
    """
    connection = connect()
    lines = read_lines(file, _key_for_all(key, raw_key), _checked(partition, connection.partitions))
    if dry_run:
        lines = [mark_as_dry_run(line) for line in lines]
    for line in lines:
        _refuse_too_large(line)
    answered = sessions.run(send_lines(connection, lines, wait=wait, final=until == "final", timeout=timeout))
    if answered.timed_out:
        raise typer.Exit(TIMED_OUT)


class Answered(NamedTuple):
    """How it went with all the lines."""

    timed_out: bool = False
    """An outcome did not come in time."""
    refused: bool = False
    """One that came is that a rule said no, in one shard at least."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the input, and how it is to be published."""

    number: int
    value: bytes
    instruction_id: str | None
    key: bytes | None
    partition: int | None
    """A partition asked for, or None: where the key says."""
    broadcast: bool
    own: frozenset[str] = frozenset()
    """The owner, the ids that the line uses up, and the accounts that it names as the owner's."""
    others: frozenset[str] = frozenset()
    """Accounts it names, which may be another's; ids of earlier instructions, and what those named."""
    ids: frozenset[str] = frozenset()
    """The ids that it uses up: its own, and those of a group's members."""

    def home(self, partitions: int) -> int:
        """Return the shard whose answer counts."""
        return self.partition if self.partition is not None else partition_of(self.key or b"", partitions)


def read_lines(file: Path, key: "ForcedKey | None", partition: int | None) -> list[Line]:
    """Read the lines of a file, or of standard input; raises CommandError `file_unreadable`."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as problem:
        raise CommandError(
            "file_unreadable",
            f"{file} cannot be read: {problem.strerror}.",
            "Name a readable file with --file, or `-` for standard input.",
            USAGE,
        ) from problem
    lines: list[Line] = []
    named: dict[str, frozenset[str]] = {}
    for number, raw in enumerate(content.split(b"\n"), start=1):
        value = raw.removesuffix(b"\r")
        if value.strip():
            line = read_line(number, value, key, partition)
            reached = frozenset[str]().union(*(named.get(each, ()) for each in line.others))
            line = replace(line, others=line.others | reached)
            lines.append(line)
            named |= dict.fromkeys(line.ids, line.own | line.others)
    return lines


@dataclass(frozen=True, slots=True)
class ForcedKey:
    """A key given on the command line; no bytes at all mean a record without a key."""

    key: bytes | None


def read_line(number: int, value: bytes, key: ForcedKey | None = None, partition: int | None = None) -> Line:
    """Work out where a record goes."""
    document = _readable(value)
    owner = document.get("owner")
    identity = document.get("instruction_id")
    own_key = owner if isinstance(owner, str) and re.fullmatch(CODE_PATTERN, owner) else HOUSE
    listed = document.get("members")
    members: list[Any] = listed if isinstance(listed, list) else []
    parts = [document, *(each for each in members if isinstance(each, dict))]
    ids = frozenset[str]().union(*(_ids(each, "instruction_id") for each in parts))
    own = frozenset[str]().union(*(_codes(each, "owner", *OWN_ACCOUNTS) for each in parts))
    return Line(
        number=number,
        value=value,
        instruction_id=identity if isinstance(identity, str) else None,
        key=key.key if key is not None else own_key.encode(),
        partition=partition,
        broadcast=document.get("type") in BROADCAST_TYPES and partition is None and key is None,
        own=ids | own if own_key != HOUSE else ids,
        others=frozenset[str]().union(
            *(_codes(each, *OWN_ACCOUNTS, "credit_account") | _ids(each, *EARLIER) for each in parts)
        ),
        ids=ids,
    )


def mark_as_dry_run(line: Line) -> Line:
    """Mark a line as a dry run, leaving all else in it as it is spelt; raises CommandError `not_markable`."""
    document = _readable(line.value)
    if not document or document.get(DRY_RUN, True) is not True:
        raise CommandError(
            "not_markable",
            f"Line {line.number} cannot be marked as a dry run.",
            f"It must be a JSON object whose {DRY_RUN} is not false; nothing was sent.",
            USAGE,
        )
    if DRY_RUN in document:
        return line
    return replace(line, value=line.value.replace(b"{", b'{"%b":true,' % DRY_RUN.encode(), 1))


OWN_ACCOUNTS: Final = ("account", "debit_account", "cash_account", "custody_account")
"""Fields that name an account of the owner's, unless upstream is mistaken or an item goes to another."""
EARLIER: Final = ("original_id", "pending_id")
"""Fields that name an instruction which came before, maybe of another home."""


def _codes(document: Mapping[str, Any], *names: str) -> frozenset[str]:
    return frozenset(code for name in names if isinstance(code := document.get(name), str))


def _ids(document: Mapping[str, Any], *names: str) -> frozenset[str]:
    """Return ids in one spelling, such as no code of an account has."""
    return frozenset(f"id {each.replace('-', '').lower()}" for each in _codes(document, *names))


BROADCAST_TYPES: Final[tuple[object, ...]] = tuple(BROADCAST)
"""Compared by equality, since a record's type may be anything, even a list."""


def _readable(value: bytes) -> dict[str, Any]:
    """Return the JSON object, or an empty one for what is none: it is published all the same."""
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


async def send_lines(
    connection: Connection, lines: Sequence[Line], *, wait: bool, final: bool, timeout: float
) -> Answered:
    """Publish the lines and print what is asked for."""
    async with sessions.open_client(connection) as client:
        outcomes = Outcomes()
        if not wait:
            for start in range(0, len(lines), CHUNK_LINES):
                chunk = lines[start : start + CHUNK_LINES]
                sent = await _publish(client, outcomes, chunk, connection.partitions)
                for line, copies in zip(chunk, sent, strict=True):
                    output.emit(_sent(line, copies), f"line {line.number}: sent to {_place_words(copies[0])}")
            return Answered()
        offsets = await sessions.ends_of(client, [JOURNAL])
        async with sessions.following(client, [JOURNAL], offsets) as stream:
            return await _send_and_report(
                client, connection.partitions, stream, outcomes, lines, final=final, timeout=timeout
            )


async def _send_and_report(
    client: Client,
    partitions: int,
    stream: AsyncIterator[list["sessions.Record"]],
    outcomes: Outcomes,
    lines: Sequence[Line],
    *,
    final: bool,
    timeout: float,
) -> Answered:
    """Publish wave by wave and print each line once it and all before it are known, in time or not."""
    answers: list[list[Outcome]] = []
    printed = 0
    timed_out = False

    async def read_until(until: Callable[[], bool]) -> bool:
        nonlocal printed
        deadline = time.monotonic() + timeout
        while True:
            while printed < len(answers) and all(each.is_known(final=final) for each in answers[printed]):
                _print(lines[printed], answers[printed])
                printed += 1
            if until():
                return True
            if time.monotonic() > deadline:
                return False
            outcomes.take(await anext(stream))
            outcomes.settle()

    for wave in waves(lines, partitions, CHUNK_LINES):
        answers += await _publish(client, outcomes, wave, partitions)
        if not await read_until(lambda: not outcomes.open):
            timed_out = True
            break
    if not timed_out:
        timed_out = not await read_until(lambda: printed == len(lines))
    for line, copies in zip(lines[printed : len(answers)], answers[printed:], strict=True):
        _print(line, copies, timed_out=not all(each.is_known(final=final) for each in copies))
    for line in lines[len(answers) :]:
        output.emit(
            {"line": line.number, "instruction_id": line.instruction_id, "outcome": TIMEOUT, "sent": False},
            f"line {line.number}: not sent, since a line it may build on has no outcome yet",
        )
    refused = any(each.outcome == REJECTED for copies in answers for each in copies)
    return Answered(timed_out, refused)


async def _publish(
    client: Client, outcomes: Outcomes, lines: Sequence[Line], partitions: int
) -> list[list[Outcome]]:
    """Publish lines in order; return what is awaited for each, the home's copy first."""
    records: list[tuple[bytes | None, bytes, int | None]] = []
    for line in lines:
        home = line.home(partitions)
        others = [each for each in range(partitions) if each != home] if line.broadcast else []
        records += [(line.key, line.value, each) for each in (home, *others)]
    expected = iter(outcomes.expect(await client.send(INSTRUCTIONS, records)))
    return [[next(expected) for _ in range(partitions if line.broadcast else 1)] for line in lines]


def _print(line: Line, copies: Sequence[Outcome], *, timed_out: bool = False) -> None:
    home = copies[0]
    name = TIMEOUT if timed_out else home.outcome
    record: dict[str, Any] = {
        "line": line.number,
        "instruction_id": home.instruction_id or line.instruction_id,
        "outcome": name,
        "reason": home.reason,
        "detail": home.detail,
        "first": home.first,
        "shard": home.shard,
        "seq": home.seq,
        "recorded_at": home.recorded_at,
        "topic": INSTRUCTIONS.name,
        "partition": home.place[0],
        "offset": home.place[1],
    }
    if home.field is not None:
        record["field"] = home.field
    if home.dry_run is not None:
        record["dry_run"] = home.dry_run
    if timed_out and home.outcome is not None:
        record["so_far"] = home.outcome
    if line.broadcast:
        record["shards"] = {
            str(each.place[0]): {"outcome": each.outcome or TIMEOUT, "reason": each.reason, "seq": each.seq}
            for each in sorted(copies, key=lambda each: each.place)
        }
    output.emit(record, _words(line, home, name or TIMEOUT))


def _words(line: Line, home: Outcome, name: str) -> str:
    words = f"line {line.number}: {name}"
    if home.dry_run is not None:
        words += f", would be {home.dry_run['outcome']}"
    if home.reason:
        words += f" ({home.reason})"
    if home.first:
        words += f", first {home.first['outcome']} as {home.first['shard']}-{home.first['seq']}"
    if home.detail:
        words += f": {home.detail}"
    if home.seq is not None:
        words += f"  [event {home.shard}-{home.seq}]"
    return words


def _sent(line: Line, copies: Sequence[Outcome]) -> dict[str, Any]:
    partition, offset = copies[0].place
    return {
        "line": line.number,
        "instruction_id": line.instruction_id,
        "topic": INSTRUCTIONS.name,
        "partition": partition,
        "offset": offset,
    }


def _place_words(outcome: Outcome) -> str:
    return f"partition {outcome.place[0]}, offset {outcome.place[1]}"


def _key_for_all(key: str | None, raw_key: str | None) -> ForcedKey | None:
    if key is not None and raw_key is not None:
        raise CommandError(
            "usage", "--key and --raw-key exclude each other.", "Leave one of them out.", USAGE
        )
    if key is not None:
        if not re.fullmatch(CODE_PATTERN, key):
            raise CommandError(
                "usage",
                f"--key {key!r} is no owner's code.",
                "Type a code of 1 to 64 ASCII characters, or use --raw-key to send it all the same.",
                USAGE,
            )
        return ForcedKey(key.encode())
    if raw_key is None:
        return None
    spelt = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes.fromhex(found[1].decode()), raw_key.encode())
    return ForcedKey(spelt or None)


def _checked(partition: int | None, partitions: int) -> int | None:
    if partition is not None and not 0 <= partition < partitions:
        raise CommandError(
            "usage",
            f"There is no partition {partition}.",
            f"Type a number from 0 to {partitions - 1} with --partition.",
            USAGE,
        )
    return partition


def _refuse_too_large(line: Line) -> None:
    size = len(line.value) + len(line.key or b"") + OVERHEAD_BYTES
    if size > INSTRUCTIONS.max_message_bytes:
        raise CommandError(
            "record_too_large",
            f"Line {line.number} has {len(line.value)} bytes, more than the topic takes.",
            "Shorten or remove the line; nothing was sent.",
            USAGE,
        )
