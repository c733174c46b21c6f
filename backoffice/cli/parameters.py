"""`backoffice compliance parameters`: what rules judge by, and how two people change it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError, require_rule, require_status
from backoffice.cli.typed import day_of, values_of
from services.compliance.domain.backtest import spelt_as_before
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import ANYTHING, RuleParameter
from services.compliance.queries import parameters as queries
from services.compliance.rules import CODES, DATA_CODES
from services.transactions.queries.assets import asset_scale
from shared.messages.acts import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.acts.base import ActBase
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import partition_of
from shared.messages.topics import COMPLIANCE_ACTS
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = ("product", "proposed", "shadow", "live", "withdrawn", "mixed", "all")
EVER: Final = date(1970, 1, 1)
"""Where no first day is given: a version counts for every day from its record on."""

RuleArgument = Annotated[str, typer.Argument(help="The rule's code, such as STR-1.", show_default=False)]
ProposalArgument = Annotated[
    UUID, typer.Argument(help="The proposal's id, as `parameters list` shows it.", show_default=False)
]
_VERSION: Final = ("version", "asset", "segment", "jurisdiction", "from", "until")


@app.callback()
def _parameters() -> None:
    """See what rules judge by, and change it: one person proposes a version, another publishes it."""


@app.command(name="list")
def list_versions(
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = "all",
) -> None:
    """List all versions: those that come with the product, and those that people have proposed."""
    require_status(status, STATUSES)
    require_rule(rule, (*CODES, *DATA_CODES))
    rows, proposals = sessions.run(_read(connect(), rule))
    records = [_record(row) for row in rows] + [_proposal_record(each) for each in proposals]
    chosen = [each for each in records if status in ("all", each["status"])]
    for each in sorted(chosen, key=lambda each: (each["rule"], each["version"])):
        output.emit(each)
    output.table(
        ("rule", *_VERSION, "status", "proposed by", "proposal"),
        [
            (each["rule"], *_version(each), each["status"], each["proposed_by"], each["proposal_id"])
            for each in sorted(chosen, key=lambda each: (each["rule"], each["version"]))
        ],
        right=("version",),
    )


@app.command()
def show(rule: RuleArgument) -> None:
    """Show what a rule judges by now, and how what is proposed or in shadow differs from it."""
    require_rule(rule, (*CODES, *DATA_CODES))
    rows, proposals = sessions.run(_read(connect(), rule))
    live = [queries.parameter_of(each) for each in proposals if "live" in each["shards"].values()]
    standing = [*rows, *live]
    for row in standing:
        output.emit({**_record(row), "status": "live"})
    output.table(
        (*_VERSION, "values", "source"),
        [(*_version(_record(row)), json.dumps(dict(row.values)), row.source) for row in standing],
        right=("version",),
    )
    for each in proposals:
        if each["status"] in ("proposed", "shadow", "mixed"):
            row = queries.parameter_of(each)
            changes = difference(base_of(standing, row), row)
            output.emit({**_proposal_record(each), "changes": changes})
            if not output.json_wanted():
                output.say(f"{each['proposal_id']}, version {row.version}, is {each['status']}: {changes}.")


@app.command()
def history(rule: RuleArgument) -> None:
    """Tell who proposed, published and withdrew which version, and from which record of each shard on."""
    require_rule(rule, CODES)
    steps = sessions.run(_history(connect(), rule))
    for each in steps:
        output.emit(each)
    if not steps:
        output.say(f"Nobody has proposed anything for {rule}.")
        return
    output.table(
        ("at", "version", "step", "by", "why", "from record (shard:offset)"),
        [
            (
                output.minute(each["at"]),
                each["version"],
                each["step"],
                each["actor"],
                each["reason"],
                " ".join(f"{shard}:{offset}" for shard, offset in sorted(each["journal_offsets"].items())),
            )
            for each in steps
        ],
        right=("version",),
    )


@app.command()
def propose(
    rule: RuleArgument,
    reason: ReasonOption,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A parameter as it shall be, NAME=VALUE; several times. Others stay as they are."
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Switch the rule off there, instead.")] = False,
    asset: Annotated[str, typer.Option(help="For this asset only.")] = ANYTHING,
    segment: Annotated[str, typer.Option(help="For persons or organisations only.")] = ANYTHING,
    jurisdiction: Annotated[str, typer.Option(help="For customers of this country only.")] = ANYTHING,
    valid_from: Annotated[str | None, typer.Option(help="The first business day, as 2026-03-01.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="The first that it is not for.")] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Propose a version of a rule's parameters; it counts when another person has published it.

    What is not set is taken from what counts there now. Try it first:
    `backoffice compliance backtest RULE --proposal ID`.
    """
    require_rule(rule, CODES)
    if off == bool(set_):
        raise CommandError("usage", "Nothing is proposed.", "Give --set NAME=VALUE, or --off.", USAGE)
    scope = RuleParameter(
        rule=rule,
        version=0,
        asset=asset,
        values={},
        valid_from=day_of("--valid-from", valid_from) or EVER,
        valid_until=day_of("--valid-until", valid_until),
        source=reason,
        segment=segment,
        jurisdiction=jurisdiction,
    )
    acts.carry_out(_propose(connect(), scope, set_ or [], acts.actor(actor), timeout))


@app.command()
def publish(
    proposal: ProposalArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let a version count from the next record of each shard on; by somebody else than proposed it."""
    _step(PublishParameters, proposal, reason, actor, timeout, "live")


@app.command()
def shadow(
    proposal: ProposalArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Only keep what a version finds from now on: nothing is held, and nobody is alerted.

    By somebody else than proposed it. `parameters findings` shows what it found; `publish` lets it go live.
    """
    _step(PublishParameters, proposal, reason, actor, timeout, "shadow", shadow=True)


@app.command()
def withdraw(
    proposal: ProposalArgument, reason: ReasonOption, actor: ActorOption = None, timeout: TimeoutOption = 30.0
) -> None:
    """Let a version count no more, or never: what counted before it does. Live ones by another person."""
    _step(WithdrawParameters, proposal, reason, actor, timeout, "withdrawn")


@app.command()
def findings(
    proposal: ProposalArgument,
    since: Annotated[str | None, typer.Option(help="The first business day, as 2026-03-01.")] = None,
    until: Annotated[str | None, typer.Option(help="The first business day that does not count.")] = None,
) -> None:
    """Show what a version found in shadow, and how much of it the live rule told, too."""
    found = sessions.run(_findings(connect(), proposal, day_of("--since", since), day_of("--until", until)))
    for each in found:
        output.emit({"shadow_finding": True, **each})
    summary = queries.shadow_report(proposal, found)
    output.emit(summary)
    output.table(
        ("business date", "owner", "event", "would hold", "live too"),
        [
            (
                each["business_date"],
                each["owner"],
                each["events"][0],
                "yes" if each["would_hold"] else "",
                "yes" if each["is_live"] else "",
            )
            for each in found
        ],
    )
    output.say(
        f"{len(found):,} findings about {summary['parties']:,} parties; {summary['would_hold']:,} would hold;"
        f" the live rule told {summary['live_too']:,} of them, too."
    )


def base_of(standing: Sequence[RuleParameter], scope: RuleParameter) -> RuleParameter | None:
    """Return the row that counts for a scope on its first day; None where the rule is not in force there."""
    day = scope.valid_from if scope.valid_from > EVER else clock.now().date()
    book = ParameterBook(standing)
    return book.choose(scope.rule, scope.asset, day, scope.segment, scope.jurisdiction)


def proposed_values(base: RuleParameter | None, texts: Sequence[str]) -> dict[str, Any]:
    """Return what a version says: what its base says, but for what is set. Raises `CommandError`."""
    spelt = values_of(texts)
    known: Mapping[str, Any] = base.values if base is not None else {}
    try:
        values = spelt_as_before(known, spelt)
    except ValueError as error:
        raise CommandError(
            "usage",
            f"A value is not of the kind it was: {error}.",
            "Write it as `parameters show` does.",
            USAGE,
        ) from error
    return {**values, **{name: _read_value(text) for name, text in spelt.items() if name not in known}}


def _read_value(text: str) -> Any:
    """A whole number or a list by itself; all else, amounts among it, as text."""
    try:
        read = json.loads(text)
    except ValueError:
        return text
    return read if isinstance(read, int | list) else text


def difference(base: RuleParameter | None, row: RuleParameter) -> str:
    """Say in words what a version changes of what counts now."""
    if not row.values:
        return "the rule is off there"
    if base is None:
        return "the rule is in force there, and was not"
    names = sorted({*base.values, *row.values})
    words = [
        f"{name} {base.values.get(name, 'unset')} → {row.values.get(name, 'unset')}"
        for name in names
        if base.values.get(name) != row.values.get(name)
    ]
    return ", ".join(words) or "nothing is otherwise"


def _record(row: RuleParameter) -> dict[str, Any]:
    return {
        "rule": row.rule,
        "version": row.version,
        "asset": row.asset,
        "segment": row.segment,
        "jurisdiction": row.jurisdiction,
        "values": dict(row.values),
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
        "source": row.source,
        "status": "product",
        "proposal_id": None,
        "proposed_by": None,
    }


def _proposal_record(each: Mapping[str, Any]) -> dict[str, Any]:
    ours = ("status", "proposal_id", "proposed_by", "proposed_at", "shards")
    return {**_record(queries.parameter_of(each)), **{name: each[name] for name in ours}}


def _version(each: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(
        each[name] for name in ("version", "asset", "segment", "jurisdiction", "valid_from", "valid_until")
    )


async def _read(connection: Connection, rule: str | None) -> tuple[list[RuleParameter], list[dict[str, Any]]]:
    async with sessions.open_database(connection) as database:
        rows = [row for row in await queries.product_rows(database) if rule in (None, row.rule)]
        return rows, await queries.proposals_list(database, rule)


async def _history(connection: Connection, rule: str) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await queries.steps_list(database, rule)


async def _findings(
    connection: Connection, proposal: UUID, since: date | None, until: date | None
) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        if not await queries.proposals_list(database, None, proposal):
            raise _unknown(proposal)
        return await queries.shadow_findings(database, proposal, since, until)


def _unknown(proposal: UUID) -> CommandError:
    return CommandError(
        "proposal_unknown",
        f"There is no proposal {proposal}.",
        "Type `backoffice compliance parameters list` to see what is proposed.",
    )


async def _propose(
    connection: Connection, scope: RuleParameter, texts: Sequence[str], actor: str, timeout: float
) -> ActDone:
    scale: int | None = 0
    async with sessions.open_database(connection) as database:
        standing = [row for row in await queries.standing_rows(database) if row.rule == scope.rule]
        if scope.asset != ANYTHING:
            scale = await asset_scale(database, scope.asset)
    if scale is None:
        raise CommandError(
            "asset_unknown", f"The ledger has no asset {scope.asset}.", "Give one that it has.", USAGE
        )
    act = ProposeParameters(
        act_id=clock.new_id(),
        actor=actor,
        reason=scope.source,
        rule=scope.rule,
        asset=scope.asset,
        segment=scope.segment,
        jurisdiction=scope.jurisdiction,
        values=proposed_values(base_of(standing, scope), texts) if texts else {},
        scale=scale,
        valid_from=scope.valid_from,
        valid_until=scope.valid_until,
    )
    house = partition_of(HOUSE.encode(), connection.partitions)
    [done] = await _performed(connection, [(act, house)], timeout)
    return done


def _step(
    kind: type[PublishParameters | WithdrawParameters],
    proposal: UUID,
    reason: str,
    actor: str | None,
    timeout: float,
    target: str,
    **fields: Any,
) -> None:
    """Send an act to every shard; a shard that has taken the step already is none that refuses it."""
    connection = connect()
    asked = [
        (
            kind(
                act_id=clock.new_id(),
                actor=acts.actor(actor),
                reason=reason,
                proposal_id=proposal,
                **fields,
            ),
            shard,
        )
        for shard in range(connection.partitions)
    ]
    answers = sessions.run(_performed(connection, asked, timeout))
    refused = [
        done for done in answers if not done.done and done.result.get("refused") != f"already_{target}"
    ] or ([] if any(done.done for done in answers) else list(answers))
    taken = {str(done.shard): done.result.get("journal_offset") for done in answers if done.done}
    record = {
        "proposal_id": proposal,
        "status": target if not refused else "mixed" if taken else "refused",
        "journal_offsets": taken,
        "refused": {str(done.shard): done.result.get("refused") for done in refused},
        "detail": (refused or answers)[0].detail,
    }
    words = f"The version is {target} in all {len(answers)} shards."
    output.emit(record, words if not refused else f"Refused: {refused[0].detail}")
    if refused:
        raise typer.Exit(FOUND)


async def _performed(
    connection: Connection, asked: Sequence[tuple[ActBase, int]], timeout: float
) -> list[ActDone]:
    async with sessions.open_client(connection) as client:
        return await asyncio.gather(
            *(
                acts.perform(client, COMPLIANCE_ACTS, act, partition=shard, timeout=timeout)
                for act, shard in asked
            )
        )
