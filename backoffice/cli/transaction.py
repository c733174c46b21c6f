"""`backoffice transaction`: finds instructions, shows one, and follows one through the system, hop by hop."""

import json
from contextlib import AsyncExitStack, aclosing
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

import typer

from backoffice.cli import hops, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from backoffice.cli.personal import open_asked, open_personal
from backoffice.cli.typed import day_of, instant_of
from services.transactions.queries import (
    PositionUnknownError,
    Wanted,
    find_transactions,
    transaction_show,
    transaction_trace,
)
from services.transactions.queries.assets import asset_scale
from services.transactions.transaction_types import TRANSACTION_TYPES
from shared.messages.topics import INSTRUCTIONS, JOURNAL

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The instruction's id.", show_default=False)]

TYPES = tuple(each.code for each in TRANSACTION_TYPES)
OUTCOMES = ("posted", "pending", "scheduled", "voided", "applied", "rejected")


@app.callback()
def transaction() -> None:
    """Find transactions, and show or follow one."""


@app.command()
def show(
    instruction_id: IdArgument,
    personal: Annotated[
        bool, typer.Option("--personal", help="Open what is sealed; needs the master key.")
    ] = False,
) -> None:
    """Show all that is kept about an instruction: what was asked, what came of it, by which rule, and where.

    One record for each shard that used its id.
    """
    wanted = _id(instruction_id)
    found = sessions.run(_show(connect(), wanted, personal=personal))
    if not found:
        raise _unknown(wanted)
    for each in found:
        output.emit(each)
        if not output.json_wanted():
            _print(each)


@app.command()
def find(
    instruction_id: Annotated[
        str | None, typer.Option("--id", help="The instruction's id, or that of a group's member.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="The business reference.")] = None,
    end_to_end: Annotated[str | None, typer.Option("--end-to-end", help="The payment's EndToEndId.")] = None,
    amount: Annotated[
        str | None, typer.Option(help="Such as 12.50, 10..20, 10.. or ..20; needs --asset.")
    ] = None,
    asset: Annotated[str | None, typer.Option(help="Such as EUR.")] = None,
    date: Annotated[
        str | None, typer.Option(help="The booking date, or two, such as 2026-03-01..2026-03-31.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Recorded at this instant or after.")] = None,
    until: Annotated[str | None, typer.Option(help="Recorded at this instant or before.")] = None,
    counterparty: Annotated[
        str | None,
        typer.Option(help="A name, account or identifier in the payment; or another account or its owner."),
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whose instruction it is.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Such as transfer.")] = None,
    outcome: Annotated[str | None, typer.Option(help=f"By now: {', '.join(OUTCOMES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 50,
    after: Annotated[str | None, typer.Option(help="Go on after this `position`.")] = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal", help="Look for a counterparty in what is sealed, too; needs the master key."
        ),
    ] = False,
) -> None:
    """Find instructions, newest first; what is given must all be so.

    An owner, dates and instants bound what is read; by anything else the journal is read back to its
    beginning until enough are found.
    """
    if outcome is not None and outcome not in OUTCOMES:
        raise _usage(f"{outcome!r} is no outcome.", f"Type one of {', '.join(OUTCOMES)}.")
    if kind is not None and kind not in TYPES:
        raise _usage(f"{kind!r} is no type of an instruction.", f"Type one of {', '.join(TYPES)}.")
    if amount is not None and asset is None:
        raise _usage("An amount is of an asset.", "Add --asset, such as --asset EUR.")
    smallest, largest = _ends(amount)
    first, last = _ends(date)
    wanted = Wanted(
        instruction_id=None if instruction_id is None else _id(instruction_id),
        reference=reference,
        end_to_end_id=end_to_end,
        asset=asset,
        amount_min=_amount(smallest),
        amount_max=_amount(largest),
        booked_since=day_of("--date", first),
        booked_until=day_of("--date", last),
        recorded_since=instant_of("--since", since),
        recorded_until=instant_of("--until", until),
        counterparty=counterparty,
        owner=owner,
        type=kind,
        outcome=outcome,
    )
    found = sessions.run(_find(connect(), wanted, limit, after, personal=personal))
    if not output.json_wanted():
        _print_found(found, limit)


@app.command()
def trace(instruction_id: IdArgument) -> None:
    """Show each hop of an instruction, from upstream's record to reporting: its time, place and event."""
    wanted = _id(instruction_id)
    found = sessions.run(_trace(connect(), wanted))
    if not found:
        raise _unknown(wanted)
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
    execute_on = (each["detail"] or {}).get("execute_on")
    if execute_on is not None:
        detail += f", for {execute_on}"
    for name in ("reverses", "uses"):
        other = (each["detail"] or {}).get(name)
        if other is not None:
            detail += f", {name} {other['shard']}-{other['seq']}"
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


async def _show(connection: Connection, instruction_id: UUID, *, personal: bool) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        found = await transaction_show(database, instruction_id)
    if personal:
        await open_asked(connection, found)
    return found


async def _find(
    connection: Connection, wanted: Wanted, limit: int, after: str | None, *, personal: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(sessions.open_database(connection))
        if wanted.asset is not None and await asset_scale(database, wanted.asset) is None:
            raise _usage(f"The ledger has no asset {wanted.asset!r}.", "Give one that it has, such as EUR.")
        opener = await stack.enter_async_context(open_personal(connection)) if personal else None
        opened = None if opener is None else opener.open
        try:
            async with aclosing(find_transactions(database, wanted, after, opened)) as matches:
                async for each in matches:
                    output.emit(each)
                    found.append(each)
                    if len(found) == limit:
                        break
        except PositionUnknownError:
            raise _usage(
                f"There is no position {after!r}.", "Type the `position` of the last line of a page."
            ) from None
    return found


def _print(shown: dict[str, Any]) -> None:
    reason = f": {shown['reason']}" if shown["reason"] else ""
    print(
        f"{shown['instruction_id']}  {shown['type'] or '?'} of {shown['owner']}, {shown['outcome']}{reason}"
    )
    if shown["rule"] is not None:
        rule = shown["rule"]
        print(f"  rung {rule['rung']}, ISO 20022 {rule['iso20022']}; to do: {rule['what_to_do']}")
    print(f"  asked     {json.dumps(shown['asked'], ensure_ascii=False)}")
    _print_event(shown)
    if shown["traceparent"] is not None:
        print(f"  trace     {shown['traceparent']}")
    for each in shown["follow_ups"]:
        print(f"then {each['event']}{': ' + each['reason'] if each['reason'] else ''}")
        _print_event(each)


def _print_event(event: dict[str, Any]) -> None:
    source = event["source"]
    print(f"  recorded  {event['recorded_at']} as {event['shard']}-{event['seq']}, epoch {event['epoch']}")
    if source is None:
        print("  from      the ledger itself: it was due")
    else:
        print(f"  from      {source['topic']} {source['partition']}:{source['offset']}")
    if event["booking_date"] is not None:
        print(f"  booked    {event['booking_date']}, value {event['value_date'] or 'none'}")
    execute_on = (event["detail"] or {}).get("execute_on")
    if execute_on is not None:
        print(f"  for       {execute_on}")
    if event["reverses"] is not None:
        print(f"  reverses  {_tie(event['reverses'])}")
    for each in event["reversed_by"]:
        print(f"  reversed  by {_tie(each)}")
    if event["uses"] is not None:
        print(f"  part of   {_tie(event['uses'])}, movement {event['uses']['leg']}")
    for each in event["used_by"]:
        print(f"  of it     {each['amount']} by {_tie(each)}")
    for each in event["movements"]:
        member = f", of member {each['member']}" if "member" in each else ""
        print(f"  {each['kind']:<9} {each['amount']} {each['asset']}{member}")
        for side in ("debit", "credit"):
            end = each[side]
            print(f"    {side:<6}  {end['account']} ({end['class']}), after: {end['shard_balance_after']}")


def _tie(event: dict[str, Any]) -> str:
    return f"{event['shard']}-{event['seq']}, {event['instruction_id']}"


def _print_found(found: list[dict[str, Any]], limit: int) -> None:
    if not found:
        output.say("There is none like that.")
        return
    output.table(
        ("recorded", "booked", "type", "outcome", "debit", "credit", "amount", "asset", "reference", "id"),
        [
            (
                each["recorded_at"][:19].replace("T", " "),
                each["booking_date"],
                each["type"],
                each["reason"] or each["outcome"],
                each["debit_account"],
                each["credit_account"],
                each["amount"],
                each["asset"],
                each["reference"] or each["end_to_end_id"],
                each["instruction_id"],
            )
            for each in found
        ],
        right=("amount",),
    )
    if len(found) == limit:
        output.say(f"There may be more: go on with --after {found[-1]['position']}.")


def _ends(given: str | None) -> tuple[str | None, str | None]:
    """Return the two ends of `a..b`, of which one may be missing, or of a single value."""
    if given is None:
        return None, None
    first, dots, last = given.partition("..")
    return (first or None, last or None) if dots else (given, given)


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and (not amount.is_finite() or amount < 0):
        raise _usage(f"--amount {text!r} is no amount.", "Type it as in 12.50, or as in 10..20.")
    return amount


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _usage(
            f"{text!r} is no instruction id.",
            "Type the UUID that upstream gave it, as `instruction send --wait` prints it.",
        ) from None


def _usage(message: str, fix: str) -> CommandError:
    return CommandError("usage", message, fix, USAGE)


def _unknown(instruction_id: UUID) -> CommandError:
    return CommandError(
        "transaction_unknown",
        f"The ledger has never had an instruction {instruction_id}.",
        "Check the id; `backoffice lag` shows whether the ledger is behind.",
        FOUND,
    )
