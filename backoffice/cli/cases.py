"""`backoffice cases`: what officers make of alerts, from triage to a decision by two people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, get_args
from uuid import UUID

import typer

from backoffice.cli import acts, case_acts, filing, output, sessions
from backoffice.cli.acts import ActorOption, ReasonOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, CommandError, require_one_of, require_status
from services.compliance.queries.cases import WAITING, cases_list, loads
from shared.messages.acts import (
    AcknowledgeReport,
    ApproveDecision,
    AssignCase,
    DecideCase,
    FileReport,
    GatherAlerts,
    LinkEvidence,
    NoteCase,
    ReopenCase,
    ReturnDecision,
)
from shared.messages.acts.cases import CaseKind, Disposition, FilingAnswer, LinkKind

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

STATUSES: Final = (WAITING, "open", "investigating", "proposed", "closed", "all")

CaseArgument = Annotated[
    UUID, typer.Argument(help="The case's id, as `cases list` shows it.", show_default=False)
]
AlertsArgument = Annotated[
    list[str], typer.Argument(help="Alerts of one owner, as `alerts list` shows them.", show_default=False)
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--version", help="The version you have seen: refused if the case has gone on; else the current one."
    ),
]


@app.callback()
def _cases() -> None:
    """Gather alerts into cases, investigate them, and decide them."""


@app.command(name="list")
def list_cases(
    status: Annotated[str, typer.Option(help=f"One of {', '.join(STATUSES)}.")] = WAITING,
    owner: Annotated[str | None, typer.Option(help="Only about this owner.")] = None,
    officer: Annotated[str | None, typer.Option(help="Only with this officer.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"One of {', '.join(get_args(CaseKind))}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 1000,
) -> None:
    """List cases, the most urgent first."""
    require_status(status, STATUSES)
    require_one_of(kind, get_args(CaseKind), "kind")
    wanted = None if status == "all" else status
    found = sessions.run(_found(connect(), wanted, owner=owner, officer=officer, kind=kind, limit=limit))
    for each in found:
        output.emit(each)
    if not found:
        output.say("There is no such case.")
        return
    output.table(
        ("case", "owner", "kind", "status", "officer", "alerts", "version", "deadline"),
        [
            (
                each["case_id"],
                each["owner"],
                each["kind"],
                f"{each['status']}, overdue" if each["overdue"] else each["status"],
                each["officer"],
                each["alerts"],
                each["version"],
                output.minute(each["deadline"]),
            )
            for each in found
        ],
        right=("alerts", "version"),
    )


@app.command()
def show(case: CaseArgument) -> None:
    """Show a case and everything that was done to it."""
    found = sessions.run(case_acts.shown(connect(), case))
    report = f", {found['filing_status'] or 'to be reported'}" if found["report"] else ""
    decided = f": {found['disposition']}{report}"
    output.emit(
        found,
        f"{found['owner']}, {found['kind']}, {found['status']}{decided if found['disposition'] else ''};"
        f" version {found['version']}, due {output.minute(found['deadline'])}",
    )
    output.table(
        ("version", "when", "who", "what", "why"),
        [
            (
                each["version"],
                output.minute(each["recorded_at"]),
                each["actor"],
                " ".join([each["what"], *_details(each)]),
                each["reason"],
            )
            for each in found["history"]
        ],
        right=("version",),
    )


_DETAILS: Final = ("officer", "disposition", "link_kind", "link", "form", "answer", "reference")


def _details(fact: dict[str, Any]) -> list[str]:
    named = [fact.get(name) for name in _DETAILS]
    return [*(str(each) for each in named if each), *fact.get("alerts", ())]


@app.command(name="open")
def open_case(
    reason: ReasonOption,
    alerts: Annotated[
        list[str] | None, typer.Argument(help="Alerts of one owner, as `alerts list` shows them.")
    ] = None,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(CaseKind))}.")] = "suspicion",
    owner: Annotated[str | None, typer.Option(help="Whom it is about, where no alert says so.")] = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Open a case about one owner, with alerts or without; the answer tells its id."""
    require_one_of(kind, get_args(CaseKind), "kind")
    acts.carry_out(
        case_acts.opened(connect(), tuple(alerts or ()), kind, owner, acts.actor(actor), reason, timeout)
    )


@app.command()
def gather(
    case: CaseArgument,
    alerts: AlertsArgument,
    reason: ReasonOption,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Take more alerts of the owner into a case."""
    case_acts.perform(GatherAlerts, case, version, reason, actor, timeout, alert_ids=tuple(alerts))


@app.command()
def assign(
    case: CaseArgument,
    reason: ReasonOption,
    to: Annotated[
        list[str],
        typer.Option("--to", help="The officer; of several, who has the fewest cases waiting."),
    ],
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Give a case to an officer."""
    case_acts.perform(
        AssignCase, case, version, reason, actor, timeout, officer=sessions.run(_least_loaded(connect(), to))
    )


@app.command()
def note(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="The note, 500 characters at most.", show_default=False)],
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Add a note to a case."""
    case_acts.perform(NoteCase, case, version, text, actor, timeout)


@app.command()
def link(
    case: CaseArgument,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(get_args(LinkKind))}.", show_default=False)],
    reference: Annotated[str, typer.Argument(help="Its id, or where the document lies.", show_default=False)],
    reason: ReasonOption,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Add to a case what bears on it."""
    require_one_of(kind, get_args(LinkKind), "kind of evidence")
    case_acts.perform(LinkEvidence, case, version, reason, actor, timeout, kind=kind, reference=reference)


@app.command()
def decide(
    case: CaseArgument,
    disposition: Annotated[
        str, typer.Argument(help=f"One of {', '.join(get_args(Disposition))}.", show_default=False)
    ],
    reason: ReasonOption,
    report: Annotated[bool, typer.Option("--report", help="A report is to be filed.")] = False,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Decide a case that is yours; what is confirmed waits for another person's approval."""
    require_one_of(disposition, get_args(Disposition), "disposition")
    case_acts.perform(
        DecideCase, case, version, reason, actor, timeout, disposition=disposition, report=report
    )


@app.command()
def approve(
    case: CaseArgument,
    reason: ReasonOption,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Close a case as proposed; by somebody other than who proposed it."""
    case_acts.perform(ApproveDecision, case, version, reason, actor, timeout)


@app.command(name="return")
def return_case(
    case: CaseArgument,
    reason: ReasonOption,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Give a proposed decision back to the officer, saying what is missing."""
    case_acts.perform(ReturnDecision, case, version, reason, actor, timeout)


@app.command()
def reopen(
    case: CaseArgument,
    reason: ReasonOption,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Investigate a closed case again."""
    case_acts.perform(ReopenCase, case, version, reason, actor, timeout)


@app.command(name="file")
def file_report(
    case: CaseArgument,
    sheet: Annotated[Path, typer.Option(help="What is filled in: JSON, as the guide shows it.")],
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    reason: ReasonOption = "the report of this case",
    schemas: Annotated[
        Path | None,
        typer.Option(
            envvar="BACKOFFICE_FILING_SCHEMAS", help="The folder with the authority's XML schemas (XSD)."
        ),
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Write it to look at: nothing is filed, and no schema is needed.")
    ] = False,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Write the report of a case that is to be reported, and say in the case that it is filed.

    It must be valid against the authority's schema, else nothing is written. The file is for its owner's eyes
    only; sending it is yours to do.
    """
    connection = connect()
    found = sessions.run(case_acts.shown(connection, case))
    if not (found["status"] == "closed" and found["report"]):
        raise CommandError(
            "not_to_be_reported",
            f"The case {case} is not closed with a report to be filed.",
            "Type `backoffice cases show` to see what it came to.",
        )
    written = filing.write(sheet, out, schemas, is_draft=draft, kind=found["kind"])
    if draft:
        output.emit(written, f"Written: {out}, {written['bytes']} bytes. Nothing is filed.")
        return
    fields = {name: written[name] for name in ("form", "sha256", "schema_sha256")}
    done = sessions.run(
        case_acts.performed(connection, FileReport, case, version, reason, acts.actor(actor), timeout, fields)
    )
    if not done.done:
        out.unlink()
        acts.tell(done)
        raise typer.Exit(FOUND)
    output.emit(
        {**written, "version": done.result["version"]},
        f"Filed: {out}, {written['bytes']} bytes, valid against {written['schema']}. Send it now.",
    )


@app.command()
def acknowledge(
    case: CaseArgument,
    status: Annotated[
        str, typer.Argument(help=f"One of {', '.join(get_args(FilingAnswer))}.", show_default=False)
    ],
    reference: Annotated[
        str, typer.Option(help="The authority's own, such as FinCEN's BSA identifier.", show_default=False)
    ],
    reason: ReasonOption,
    filing_version: Annotated[
        int | None,
        typer.Option("--filing", help="The case's version at which the report was filed; else the last."),
    ] = None,
    version: VersionOption = None,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Keep what the authority answered to the report of a case; after `rejected` another may be filed."""
    require_one_of(status, get_args(FilingAnswer), "answer")
    connection = connect()
    last = (
        sessions.run(case_acts.shown(connection, case))["filing"]
        if filing_version is None
        else filing_version
    )
    said = {"filing": last or 0, "status": status, "reference": reference}
    acts.carry_out(
        case_acts.performed(
            connection, AcknowledgeReport, case, version, reason, acts.actor(actor), timeout, said
        )
    )


def dismiss(
    alert: Annotated[
        str, typer.Argument(help="The alert's id, as `alerts list` shows it.", show_default=False)
    ],
    reason: ReasonOption,
    actor: ActorOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """Say that an alert needs no case, and why."""
    acts.carry_out(case_acts.dismissed(connect(), alert, acts.actor(actor), reason, timeout))


async def _found(connection: Connection, status: str | None, **wanted: Any) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        return await cases_list(database, status, **wanted)


async def _least_loaded(connection: Connection, officers: Sequence[str]) -> str:
    """Who of these has the fewest cases waiting; of equals the first named."""
    if len(officers) == 1:
        return officers[0]
    async with sessions.open_database(connection) as database:
        waiting = await loads(database)
    return min(officers, key=lambda each: waiting.get(each, 0))
