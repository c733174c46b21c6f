"""`backoffice holds`, `alerts` and `compliance`: what compliance holds and found, and its watch lists."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import (
    acts,
    backtest,
    cases,
    evaluate,
    generate,
    legal_holds,
    lists,
    names,
    output,
    parameters,
    ratings,
    removals,
    retention,
    roles,
    sessions,
    snoozes,
    tokens,
    verification,
    whitelist,
)
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError, require_one_of, require_rule, require_status
from services.compliance.domain.priority import ORDER
from services.compliance.queries.alerts import alerts_list
from services.compliance.queries.holds import holds_list, holds_show
from services.compliance.queries.work_order import work_queue
from services.compliance.rules import CODES
from shared.messages.acts import RefuseHold, ReleaseHold
from shared.messages.journal import ActDone
from shared.messages.topics import JOURNAL
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
alerts = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
holds = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = ("held", "released", "refused", "all")
ORDERS: Final = ("priority", "work")

InstructionArgument = Annotated[
    UUID, typer.Argument(help="The instruction's id, as `holds list` shows it.", show_default=False)
]
OwnerOption = Annotated[
    str | None, typer.Option(help="The owner's code, where two owners used the same instruction id.")
]
LimitOption = Annotated[int, typer.Option(min=1, help="How many at the most.")]


@app.callback()
def compliance() -> None:
    """Look after what parties are screened against, and see what was found."""


@alerts.callback()
def _alerts() -> None:
    """See what compliance found, and dismiss what needs no case."""


@holds.callback()
def _holds() -> None:
    """List, release and refuse what compliance holds."""


app.add_typer(lists.app, name="lists")
app.add_typer(roles.app, name="roles")
app.add_typer(alerts, name="alerts")
app.add_typer(whitelist.app, name="whitelist")
app.add_typer(snoozes.app, name="snooze")
app.add_typer(legal_holds.app, name="legal-hold")
app.add_typer(removals.app, name="removal")
app.add_typer(parameters.app, name="parameters")
app.add_typer(ratings.app, name="ratings")
alerts.command()(cases.dismiss)
app.command()(tokens.token)
app.command()(verification.verify)
app.command(name="retention")(retention.show)
app.command()(names.screen)
app.command()(names.compare)
app.command()(evaluate.evaluate)
app.command()(generate.generate)
app.command()(backtest.backtest)


@holds.command(name="list")
def list_holds(
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "held",
    limit: LimitOption = 1000,
) -> None:
    """List payments that are held, oldest first."""
    require_status(status, STATUSES)
    found = sessions.run(_holds_found(connect(), None if status == "all" else status, limit))
    for each in found:
        output.emit(each)
    if not found:
        output.say("Nothing is held." if status == "held" else "There is none.")
        return
    output.table(
        ("instruction", "owner", "amount", "asset", "rules", "status", "deadline"),
        [
            (
                each["instruction_id"],
                each["owner"],
                each["amount"],
                each["asset"],
                _rules(each["findings"]),
                _status(each),
                output.minute(each["deadline"]),
            )
            for each in found
        ],
        right=("amount",),
    )


@holds.command()
def release(
    instruction: InstructionArgument,
    reason: ReasonOption,
    owner: OwnerOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Let a held payment go; the ledger posts it then.

    Where a listed name was found it takes two people: the first proposes it thereby, another releases it.
    """
    _decide(ReleaseHold, instruction, owner, reason, actor, timeout)


@holds.command()
def refuse(
    instruction: InstructionArgument,
    reason: ReasonOption,
    owner: OwnerOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Stop a held payment for good; the ledger frees what it had reserved."""
    _decide(RefuseHold, instruction, owner, reason, actor, timeout)


@alerts.command(name="list")
def list_alerts(
    rule: Annotated[str | None, typer.Option(help="Only of this rule, such as STR-1.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only about this owner.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Only what is in no case and not dismissed.")] = False,
    order: Annotated[
        str, typer.Option(help="priority, or work: the rarest leads first within one.")
    ] = ORDERS[0],
    limit: LimitOption = 1000,
) -> None:
    """List alerts, the most urgent first; of the oldest, where there are more than the limit.

    In the order of work those of one priority come by lead, which is an owner's alerts of a week: first the
    lead whose rules alert most seldom among such customers, of equal ones the oldest; the limit then cuts off
    what is worked last. A hold is an alert of its own: see `backoffice holds list`.
    """
    require_one_of(order, ORDERS, "order")
    require_rule(rule, CODES)
    found = sessions.run(_alerts_found(connect(), rule, owner, limit, new, order))
    for each in found:
        output.emit(each)
    if not found:
        output.say("There are no alerts.")
        return
    why = ("why", "lead") if order == "work" else ()
    output.table(
        ("alert", "priority", *why, "rule", "owner", "business day", "triage", "what"),
        [
            (
                each["alert_id"],
                each["priority"],
                *(_why(each["work"]) if why else ()),
                each["rule"],
                each["owner"],
                each["business_date"],
                each["triage"],
                " ".join(finding["sentence"] for finding in each["findings"]),
            )
            for each in found
        ],
    )


def _why(work: dict[str, Any]) -> tuple[str, str]:
    """Why an alert stands where it does: its priority's reason, and what its lead's rules weigh."""
    rules = ", ".join(f"{each['rule']} 1 in {each['one_in']:,.0f}" for each in work["lead"]["rules"])
    return work["because"], f"{work['lead']['bits']:.1f} bits: {rules}"


def most_urgent_first(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return alerts by priority; of one priority in the order they have."""
    return sorted(found, key=lambda each: ORDER.index(each["priority"]))


def _decide(
    kind: type[ReleaseHold | RefuseHold],
    instruction: UUID,
    owner: str | None,
    reason: str,
    actor: str | None,
    timeout: float,
) -> None:
    acts.carry_out(_perform(connect(), kind, instruction, owner, reason, acts.actor(actor), timeout))


async def _perform(
    connection: Connection,
    kind: type[ReleaseHold | RefuseHold],
    instruction: UUID,
    owner: str | None,
    reason: str,
    actor: str,
    timeout: float,
) -> ActDone:
    async with sessions.open_database(connection) as database:
        found = await holds_show(database, instruction)
    matching = [each for each in found if owner in (None, each["owner"])]
    if not matching:
        raise CommandError(
            "hold_unknown",
            f"Nothing is or was held of the instruction {instruction}.",
            "Type `backoffice holds list` to see what is held.",
        )
    if len(matching) > 1:
        raise CommandError(
            "hold_ambiguous",
            f"{len(matching)} owners used the instruction id {instruction}.",
            f"Add --owner with one of {', '.join(each['owner'] for each in matching)}.",
            USAGE,
        )
    [hold] = matching
    act = kind(
        act_id=clock.new_id(), actor=actor, reason=reason, owner=hold["owner"], instruction_id=instruction
    )
    return await acts.in_compliance(connection, act, hold["shard"], timeout)


async def _holds_found(connection: Connection, status: str | None, limit: int) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await holds_list(database, status, limit)


async def _alerts_found(
    connection: Connection, rule: str | None, owner: str | None, limit: int, is_new: bool, order: str
) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        if order == "work":
            _, found = await work_queue(database, JOURNAL.name, rule, owner, limit, is_new=is_new)
            return found
        return most_urgent_first(await alerts_list(database, rule, owner, limit, is_new=is_new))


def _status(hold: dict[str, Any]) -> str:
    """How a hold stands, in a word or two."""
    if hold["status"] != "held":
        return hold["status"]
    proposed = f", release proposed by {hold['proposed_by']}" if hold["proposed_by"] else ""
    delisted = ", ".join(f"{each['list']} {each['entry']}" for each in hold["delisted"])
    gone = f", no longer listed: {delisted}" if delisted else ""
    return f"{'overdue' if hold['overdue'] else 'held'}{proposed}{gone}"


def _rules(findings: Sequence[dict[str, Any]]) -> str:
    return ", ".join(sorted({finding["rule"] for finding in findings}))
