"""`backoffice compliance whitelist`: pairs of a party and a listed entry that people have found to be two."""

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError, require_status
from backoffice.cli.personal import open_asked
from backoffice.cli.typed import day_of
from services.compliance.domain.event_view import view_of_instruction
from services.compliance.domain.ledger_events import Bearer, bearers_of
from services.compliance.queries.whitelist import names_found, whitelist_find, whitelist_list
from services.transactions.queries.showing import transaction_show
from shared.messages.acts import ApproveWhitelisting, ProposeWhitelisting, RevokeWhitelisting
from shared.messages.journal import ActDone
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = ("proposed", "approved", "revoked", "all")

PairArgument = Annotated[
    UUID, typer.Argument(help="The pair's id, as `whitelist list` shows it.", show_default=False)
]


@app.callback()
def _whitelist() -> None:
    """Say that a party and a listed entry are two, so that the pair neither holds nor alerts again."""


@app.command()
def propose(
    instruction: Annotated[
        UUID,
        typer.Argument(help="The instruction in which the name was found, as holds and alerts show it."),
    ],
    reason: ReasonOption,
    until: Annotated[
        str, typer.Option(help="The first day on which it no longer counts, such as 2027-03-01.")
    ],
    entry: Annotated[
        str | None, typer.Option(help="LIST:ENTRY, where several entries were found, as in OFAC:36.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The name as it stands there, where several were found.")
    ] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Propose that somebody named in an instruction is not the entry found; another person has to approve.

    The name, and what the instruction says beside it, are taken from the ledger. The pair counts for this
    owner, this name and this entry as they are: when one of them changes, it does not.
    """
    acts.carry_out(
        _propose(
            connect(),
            instruction,
            entry,
            name,
            day_of("--until", until),
            actor=acts.actor(actor),
            reason=reason,
            timeout=timeout,
        )
    )


@app.command()
def approve(
    pair: PairArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let a proposed pair count; by somebody other than who proposed it."""
    _decide(ApproveWhitelisting, pair, reason, actor, timeout)


@app.command()
def revoke(
    pair: PairArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let a pair count no more, or withdraw what is only proposed."""
    _decide(RevokeWhitelisting, pair, reason, actor, timeout)


@app.command(name="list")
def list_pairs(
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "all",
    owner: Annotated[str | None, typer.Option(help="Only of this owner.")] = None,
) -> None:
    """List pairs, oldest first: who proposed and approved them, and until when they count."""
    require_status(status, STATUSES)
    found = sessions.run(_pairs_found(connect(), None if status == "all" else status, owner))
    for each in found:
        output.emit(each)
    if not found:
        output.say("There is no pair.")
        return
    output.table(
        ("pair", "owner", "name", "entry", "status", "proposed by", "approved by", "until"),
        [
            (
                each["whitelisting_id"],
                each["owner"],
                each["name"],
                f"{each['list_code']}:{each['entry_id']}",
                each["status"],
                each["proposed_by"],
                each["approved_by"],
                each["until"],
            )
            for each in found
        ],
    )


def _decide(
    kind: type[ApproveWhitelisting | RevokeWhitelisting],
    pair: UUID,
    reason: str,
    actor: str | None,
    timeout: float,
) -> None:
    acts.carry_out(_decided(connect(), kind, pair, reason, acts.actor(actor), timeout))


async def _decided(
    connection: Connection,
    kind: type[ApproveWhitelisting | RevokeWhitelisting],
    pair: UUID,
    reason: str,
    actor: str,
    timeout: float,
) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await whitelist_find(database, pair)
    if found is None:
        raise CommandError(
            "whitelisting_unknown",
            f"There is no pair {pair}.",
            "Type `backoffice compliance whitelist list` to see what is proposed.",
        )
    shard, owner = found
    act = kind(act_id=clock.new_id(), actor=actor, reason=reason, owner=owner, whitelisting_id=pair)
    return await acts.in_compliance(connection, act, shard, timeout)


async def _propose(
    connection: Connection,
    instruction: UUID,
    entry: str | None,
    name: str | None,
    until: date,
    *,
    actor: str,
    reason: str,
    timeout: float,
) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await names_found(database, instruction)
        shown = await transaction_show(database, instruction)
    await open_asked(connection, shown)
    asked: Any = next((each["asked"] for each in shown if each["asked"] is not None), None)
    if not found or asked is None:
        raise CommandError(
            "nothing_found",
            f"No listed name was found in the instruction {instruction}.",
            "Type `backoffice holds list` or `backoffice compliance alerts list --rule SAN-1`.",
        )
    hit = chosen_finding(found, entry)
    bearer = chosen_bearer(bearers_of(view_of_instruction(asked)), hit["values"]["field"], name)
    known = bearer.known
    act = ProposeWhitelisting(
        act_id=clock.new_id(),
        actor=actor,
        reason=reason,
        owner=hit["owner"],
        name=bearer.name or "",
        kind=known.kind if known.kind in ("person", "organisation") else None,
        birth_date=date.fromisoformat(known.birth_date) if known.birth_date is not None else None,
        country=known.countries[0] if known.countries else None,
        list_code=hit["values"]["list"],
        entry_id=hit["values"]["entry"],
        until=until,
    )
    return await acts.in_compliance(connection, act, hit["shard"], timeout)


def chosen_finding(found: list[dict[str, Any]], entry: str | None) -> dict[str, Any]:
    """Return the one finding that is meant; raises where it is not clear which."""
    found = [each for each in found if "entry" in each["values"]]
    named = {_spelled(each): each for each in found if entry in (None, _spelled(each)[0])}
    if len(named) == 1:
        return next(iter(named.values()))
    entries = ", ".join(sorted({_spelled(each)[0] for each in found}))
    raise CommandError(
        "entry_ambiguous" if named else "entry_not_found",
        f"Found there are {entries}, in {', '.join(sorted({each['values']['field'] for each in found}))}.",
        "Name one of them with --entry.",
        USAGE,
    )


def _spelled(found: dict[str, Any]) -> tuple[str, str, str]:
    values = found["values"]
    return f"{values['list']}:{values['entry']}", values["field"], found["owner"]


def chosen_bearer(bearers: tuple[Bearer, ...], field: str, name: str | None) -> Bearer:
    """Return who is meant by a finding in a field; raises where several stand there."""
    there = [each for each in bearers if each.field == field and each.name and name in (None, each.name)]
    if len({(each.name, each.known) for each in there}) == 1:
        return there[0]
    raise CommandError(
        "name_ambiguous" if there else "name_not_found",
        f"{'Several names stand' if there else 'No such name stands'} in {field} of the instruction.",
        "Give one with --name, spelled as `backoffice transaction show` shows it.",
        USAGE,
    )


async def _pairs_found(connection: Connection, status: str | None, owner: str | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await whitelist_list(database, status, owner)
