"""`backoffice transaction`: follows one instruction through the system, hop by hop."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from backoffice.cli import hops, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.transactions.queries import transaction_trace
from shared.messages.topics import INSTRUCTIONS, JOURNAL

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def transaction() -> None:
    """Follow one transaction through the system."""


@app.command()
def trace(
    instruction_id: Annotated[
        str, typer.Argument(metavar="ID", help="The instruction's id.", show_default=False)
    ],
) -> None:
    """Show each hop of an instruction, from upstream's record to reporting: its time, place and event."""
    try:
        wanted = UUID(instruction_id)
    except ValueError:
        raise CommandError(
            "usage",
            f"{instruction_id!r} is no instruction id.",
            "Type the UUID that upstream gave it, as `instruction send --wait` prints it.",
            USAGE,
        ) from None
    found = sessions.run(_trace(connect(), wanted))
    if not found:
        raise CommandError(
            "transaction_unknown",
            f"The ledger has never had an instruction {wanted}.",
            "Check the id; `backoffice lag` shows whether the ledger is behind.",
            FOUND,
        )
    for hop in found:
        output.emit(hop)
    output.table(
        ("time", "service", "event", "number", "place", ""),
        [
            (
                (hop["at"] or "")[:23].replace("T", " "),
                hop["service"],
                hop["event"],
                "" if hop["seq"] is None else f"{hop['shard']}-{hop['seq']}",
                "" if hop["offset"] is None else f"{hop['topic']} {hop['partition']}:{hop['offset']}",
                hop["detail"] or "",
            )
            for hop in found
        ],
    )


async def _trace(connection: Connection, instruction_id: UUID) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        events = await transaction_trace(database, instruction_id)
        screened = await hops.compliance_events(database, instruction_id)
        numbers = [(each["shard"], each["seq"]) for each in events]
        takes = await hops.reporting_takes(database, numbers) if events else []
    if not events:
        return []
    async with hops.open_reader(connection) as reader:
        found = await _sent(reader, events)
        for each in events:
            recorded_at = datetime.fromisoformat(each["recorded_at"])
            found.append(_ledger_hop(each))
            found += await _published(
                reader, "transactions", JOURNAL.name, {**each, "recorded_at": recorded_at}
            )
        for each in screened:
            found.append(_compliance_hop(each))
            found += await _published(reader, "compliance", each["topic"], each)
    found.sort(key=lambda hop: hop["at"])
    found += [_reporting_hop(each) for each in takes if each["taken"]]
    return [{"hop": number, **hop} for number, hop in enumerate(found, start=1)]


async def _sent(reader: hops.Reader, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a hop for each record of the topics that the ledger's events came from."""
    places = dict.fromkeys(
        (each["topic"], each["partition"], each["offset"]) for each in events if each["offset"] is not None
    )
    found: list[dict[str, Any]] = []
    for topic, partition, offset in places:
        record = await reader.at(topic, partition, offset)
        if record is not None and topic == INSTRUCTIONS.name:
            key = record.key.decode(errors="replace") if record.key is not None else "none"
            found.append(
                _hop(
                    "upstream",
                    "sent",
                    hops.sent_at(record),
                    topic=topic,
                    partition=partition,
                    offset=offset,
                    detail=f"key {key}",
                )
            )
    return found


async def _published(
    reader: hops.Reader, service: str, topic: str, event: dict[str, Any]
) -> list[dict[str, Any]]:
    record = await reader.published(topic, event["shard"], event["seq"], event["recorded_at"])
    if record is None:
        return []
    return [
        _hop(
            service,
            "published",
            hops.sent_at(record),
            shard=event["shard"],
            seq=event["seq"],
            topic=topic,
            partition=record.partition,
            offset=record.offset,
        )
    ]


def _ledger_hop(each: dict[str, Any]) -> dict[str, Any]:
    detail = each["reason"] or ""
    if each["booking_date"] is not None:
        detail = f"{detail} booked {each['booking_date']}".strip()
    return _hop(
        "transactions",
        each["event"],
        datetime.fromisoformat(each["recorded_at"]),
        shard=each["shard"],
        seq=each["seq"],
        detail=detail or None,
    )


def _compliance_hop(each: dict[str, Any]) -> dict[str, Any]:
    return _hop(
        "compliance",
        each["event"],
        each["recorded_at"],
        shard=each["shard"],
        seq=each["seq"],
        detail=each["detail"],
    )


def _reporting_hop(each: dict[str, Any]) -> dict[str, Any]:
    entries = each["entries"]
    return _hop(
        "reporting",
        "taken",
        None,
        shard=each["shard"],
        seq=each["seq"],
        detail=f"{entries} {'entry' if entries == 1 else 'entries'}",
    )


def _hop(
    service: str,
    event: str,
    at: datetime | None,
    *,
    shard: int | None = None,
    seq: int | None = None,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
    detail: str | None = None,
) -> dict[str, Any]:
    return {
        "service": service,
        "event": event,
        "at": output.rfc3339(at) if at is not None else None,
        "shard": shard,
        "seq": seq,
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "detail": detail,
    }
