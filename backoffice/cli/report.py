"""`backoffice report`: has a report made, shows it, and writes it to a file."""

import csv
import io
import json
import re
import time
from asyncio import sleep
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import typer

from backoffice.cli import acts, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, TIMED_OUT, USAGE, CommandError
from backoffice.cli.typed import day_of
from services.reporting.domain.report import Column, Report, check_parameters
from services.reporting.queries import ReportRun, find_run, list_runs
from services.reporting.reports import REPORT, REPORTS
from shared.messages.acts import MakeReport
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.messages.topics import REPORTING_ACTS
from shared.runtime import clock
from shared.runtime.client import Client

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

Format = Literal["csv", "json"]

OUTPUT_DEFAULT: Final = Path("reports")
SHOWN_ROWS_MAX: Final = 60
ASK_AGAIN_SECONDS: Final = 0.2
AWAITED: Final = frozenset({"not_reached", "period_closing"})
"""What stands against a report only until reporting has read on."""
DIGITS_MAX: Final = 18
"""Of a shard or a number: no event has more."""
RIGHT_KINDS: Final = frozenset({"amount", "integer"})

FormatOption = Annotated[Format, typer.Option("--format", help="Of the file that is written.")]
OutputOption = Annotated[Path, typer.Option("--output", help="Folder for the file.", file_okay=False)]


@app.callback()
def report() -> None:
    """Make reports and look at those made."""


@app.command()
def run(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"One of {', '.join(each.code for each in REPORTS)}.")
    ],
    booking_date: Annotated[str, typer.Option("--booking-date", help="Business day, such as 2026-03-02.")],
    account: Annotated[str | None, typer.Option(help="Account code, for a statement.")] = None,
    since: Annotated[str | None, typer.Option(help="First booking date of a statement.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only this legal entity.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only this security.")] = None,
    format: FormatOption = "csv",  # noqa: A002 - the option's name
    output_folder: OutputOption = OUTPUT_DEFAULT,
    at_least: Annotated[
        str | None,
        typer.Option("--at-least", help="Wait until this was read: SHARD=SEQ,SHARD=SEQ."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the report.")] = 60.0,
    actor: Annotated[str | None, typer.Option(help="Who asks; else BACKOFFICE_ACTOR, else you.")] = None,
) -> int:
    """Make a report in one snapshot of the books, show it and write it to a file.

    A report that does not agree with what it must agree with is not written: status 1.
    """
    known = _known(name)
    act = MakeReport(
        act_id=clock.new_id(),
        actor=acts.actor(actor),
        reason="report run",
        report=name,
        booking_date=day_of("--booking-date", booking_date),
        parameters=_parameters(known, {"account": account, "since": since, "entity": entity, "asset": asset}),
        at_least=_vector(at_least),
    )
    connection = connect()
    require_shards(act.at_least, connection.partitions)
    made, body = sessions.run(_have_made(connection, act, timeout))
    return _present(made, body, format, output_folder)


@app.command(name="list")
def list_(
    name: Annotated[str | None, typer.Option("--report", help="Only runs of this report.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at the most.")] = 20,
) -> None:
    """List the reports made, newest first."""
    code = None if name is None else _known(name).code
    runs = sessions.run(_runs(connect(), code, limit))
    for each in runs:
        output.emit(facts(each))
    if not runs:
        output.say("No report has been made yet.")
        return
    output.table(
        ("run", "report", "booking date", "parameters", "rows", "reconciled", "made at", "by"),
        [
            (
                each.run_id,
                each.report,
                each.booking_date,
                " ".join(f"{key}={value}" for key, value in each.parameters.items()),
                each.rows,
                "yes" if each.reconciled else "NO",
                output.rfc3339(each.known_at)[:16],
                each.actor,
            )
            for each in runs
        ],
        right=("rows",),
    )


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, as `report list` shows it.")],
    format: FormatOption = "csv",  # noqa: A002 - the option's name
    output_folder: Annotated[
        Path | None, typer.Option("--output", help="Also write it to a file here.", file_okay=False)
    ] = None,
) -> int:
    """Show a report made earlier, as it was then."""
    wanted = _id(run_id)
    found = sessions.run(_find(connect(), wanted))
    if found is None:
        raise CommandError(
            "run_unknown", f"There is no report run {wanted}.", "Type `backoffice report list` to see them."
        )
    return _present(*found, format, output_folder)


def facts(run: ReportRun) -> dict[str, Any]:
    """Return what is known of a run, in the shape other programs rely on."""
    return {
        "report": run.report,
        "run_id": run.run_id,
        "booking_date": run.booking_date,
        "parameters": run.parameters,
        "known_at": run.known_at,
        "vector": run.vector,
        "rows": run.rows,
        "totals": run.totals,
        "reconciled": run.reconciled,
        "reconciles_with": run.reconciles_with,
        "sha256": run.sha256,
    }


def render(run: ReportRun, body: bytes, format: Format) -> bytes:  # noqa: A002 - the option's name
    """Return a file's content: the canonical CSV as it is, or JSON with the facts and a row an object."""
    if format == "csv":
        return body
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    head = output.as_json({**facts(run), "files": []}).removesuffix(', "files": []}')
    return f'{head}, "lines": [\n{lines}\n]}}\n'.encode()


def write_file(folder: Path, name: str, content: bytes) -> Path:
    """Write a file under a temporary name and rename it, so that nobody finds half of it."""
    path, unfinished = folder / name, folder / f".{name}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as problem:
        raise CommandError(
            "output_unwritable",
            f"The file {path} cannot be written: {problem.strerror}.",
            "Name another folder with --output; the report is kept: `backoffice report list`.",
        ) from problem
    return path


async def _have_made(connection: Connection, act: MakeReport, timeout: float) -> tuple[ReportRun, bytes]:
    """Ask for a report, again while reporting has not read far enough, and return the run."""
    deadline = time.monotonic() + timeout
    behind: str | None = None
    async with sessions.open_client(connection) as client:
        while True:
            try:
                done = await _ask(client, connection, act, max(deadline - time.monotonic(), 0.0))
            except CommandError as problem:
                raise (_not_reached(behind, timeout) if behind is not None else problem) from None
            if done.detail not in AWAITED:
                break
            behind = str(done.result.get("sentence"))
            if time.monotonic() + ASK_AGAIN_SECONDS > deadline:
                raise _not_reached(behind, timeout)
            await sleep(ASK_AGAIN_SECONDS)
            act = act.model_copy(update={"act_id": clock.new_id()})
    if not done.done and done.detail != "not_reconciled":
        raise _refusal(act, done)
    found = await _find(connection, act.act_id)
    if found is None:
        raise CommandError(
            "run_unknown",
            f"The report {act.act_id} was answered but is not in the database.",
            "Check that BACKOFFICE_READONLY_DSN names the database the services use.",
        )
    return found


def _not_reached(sentence: str, timeout: float) -> CommandError:
    return CommandError(
        "not_reached",
        f"Reporting has not read far enough within {timeout:g} s: {sentence}.",
        "Type `backoffice lag` to see how far it is behind, or give a longer --timeout.",
        TIMED_OUT,
    )


async def _ask(client: Client, connection: Connection, act: MakeReport, timeout: float) -> ActDone:
    return await acts.perform(
        client,
        REPORTING_ACTS,
        act,
        partition=shard_of(HOUSE, connection.partitions),
        timeout=timeout,
    )


def _refusal(act: MakeReport, done: ActDone) -> CommandError:
    sentence = str(done.result.get("sentence") or done.detail)
    fixes = {
        "account_unknown": "Type `backoffice account show CODE` to see whether the ledger knows it.",
        "security_unknown": "Leave --asset and --entity out to see all securities.",
        "entity_unknown": "Leave --entity out to see all entities.",
        "period_not_closed": "Type `backoffice ledger periods` to see what is closed.",
        "too_slow": "Try again; if it stays so, look at the database with `backoffice status`.",
    }
    fix = fixes.get(done.detail, "Type `backoffice report run --help` to see what can be asked.")
    return CommandError(done.detail, f"{act.report} was not made: {sentence}.", fix)


async def _find(connection: Connection, run_id: UUID) -> tuple[ReportRun, bytes] | None:
    async with sessions.open_database(connection) as session:
        return await find_run(session, run_id)


async def _runs(connection: Connection, name: str | None, limit: int) -> list[ReportRun]:
    async with sessions.open_database(connection) as session:
        return await list_runs(session, report=name, limit=limit)


def _present(run: ReportRun, body: bytes, format: Format, folder: Path | None) -> int:  # noqa: A002
    """Write the file, print the facts and the table, and return the exit status."""
    files: list[str] = []
    if run.reconciled and folder is not None:
        files.append(str(write_file(folder, _file_name(run, format), render(run, body, format))))
    output.emit({**facts(run), "files": files})
    if output.json_wanted():
        return 0 if run.reconciled else FOUND
    _print_rows(run, body)
    if not run.reconciled:
        _tell_differences(run)
        return FOUND
    compared = len(run.reconciles_with)
    agree = "One comparison agrees" if compared == 1 else f"All {compared} comparisons agree"
    print(f"\n{agree}. The ledger's events were read up to {_spell(run.vector)} (shard=seq).")
    for file in files:
        print(f"Written to {file}")
    return 0


def _print_rows(run: ReportRun, body: bytes) -> None:
    known = REPORT.get(run.report)
    lines = list(csv.reader(io.StringIO(body.decode(), newline="")))
    headings, rows = lines[0], lines[1:]
    title = known.title if known is not None else run.report
    print(f"{title}, {run.booking_date.isoformat()}{_words(run.parameters)}\n")
    columns: Mapping[str, Column] = {each.name: each for each in known.columns} if known is not None else {}
    right = {name for name in headings if name in columns and columns[name].kind in RIGHT_KINDS}
    output.table(headings, rows[:SHOWN_ROWS_MAX], right=right)
    if len(rows) > SHOWN_ROWS_MAX:
        print(f"… and {len(rows) - SHOWN_ROWS_MAX:,} more rows")
    print()
    for name, value in run.totals.items():
        words = (
            "  ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        )
        print(f"{name.replace('_', ' ')}: {words or 'none'}")


def _tell_differences(run: ReportRun) -> None:
    output.say("\nIt does not agree with what it must agree with, and is not written:")
    for each in run.reconciles_with:
        if not each["ok"]:
            output.say(f"    {each['name']}: expected {each['expected']}, found {each['found']}")


def _words(parameters: Mapping[str, str]) -> str:
    return "".join(f", {name} {value}" for name, value in parameters.items())


def _spell(vector: Mapping[str, int]) -> str:
    return ", ".join(f"{shard}={seq}" for shard, seq in vector.items()) or "nothing yet"


def _file_name(run: ReportRun, format: Format) -> str:  # noqa: A002 - the option's name
    about = "".join(f"-{re.sub(r'[^A-Za-z0-9.-]', '_', value)}" for value in run.parameters.values())
    return f"{run.report}-{run.booking_date.isoformat()}{about}-{run.run_id.hex[-8:]}.{format}"


def _known(name: str) -> Report:
    known = REPORT.get(name)
    if known is None:
        names = ", ".join(each.code for each in REPORTS)
        raise CommandError("report_unknown", f"There is no report {name!r}.", f"There are {names}.", USAGE)
    return known


def _parameters(known: Report, given: Mapping[str, str | None]) -> dict[str, str]:
    parameters = {name: value for name, value in given.items() if value is not None}
    wrong = check_parameters(known, parameters)
    if wrong is not None:
        options = ", ".join(f"--{each.name}" for each in known.parameters)
        raise CommandError(wrong.error, f"{wrong.sentence}.", f"{known.code} takes {options}.", USAGE)
    return parameters


def require_shards(vector: Mapping[str, int], shards: int) -> None:
    """Refuse a shard that there is not, which nobody ever reads."""
    for shard in vector:
        if int(shard) >= shards:
            raise CommandError(
                "shard_unknown",
                f"There is no shard {shard}.",
                f"--at-least takes shards from 0 to {shards - 1}.",
                USAGE,
            )


def _vector(text: str | None) -> dict[str, int]:
    if text is None:
        return {}
    vector: dict[str, int] = {}
    for part in text.split(","):
        shard, _, seq = part.strip().partition("=")
        if not (shard.isdecimal() and seq.isdecimal() and max(len(shard), len(seq)) <= DIGITS_MAX):
            raise CommandError(
                "vector_wrong",
                f"--at-least {text!r} is no list of SHARD=SEQ.",
                "Type it as in 0=17,2=5; `instruction send --wait` prints shard and seq.",
                USAGE,
            )
        vector[str(int(shard))] = int(seq)
    return vector


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(
            "run_unknown", f"{text!r} is no run id.", "Type `backoffice report list` to see them.", USAGE
        ) from None
