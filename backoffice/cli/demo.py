"""`backoffice demo`: a simulated trading day from nothing, on a stack of its own, shown step by step."""

import asyncio
import contextlib
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from backoffice.cli import acts, business_days, output, sessions
from backoffice.cli.connection import DATA_DEFAULT, Connection
from backoffice.cli.errors import FOUND, TIMED_OUT, USAGE, CommandError
from backoffice.cli.lag import seconds_words
from backoffice.cli.lagmeter import Lagmeter, open_lagmeter
from backoffice.cli.ledger import verify_books
from backoffice.cli.report import OUTPUT_DEFAULT, facts, render, write_file
from backoffice.cli.sending import Sending, progress_words, send_all, shown
from backoffice.cli.simulate import COUNT, first_day, records
from backoffice.cli.status import megabytes, memory_by_process
from backoffice.cli.up import StepPrinter
from backoffice.simulator.population import ENTITY
from backoffice.stack.record import read_record
from backoffice.stack.stack import Stack
from services.compliance.queries.alerts import alerts_list
from services.compliance.queries.holds import holds_list
from services.reporting.queries import ReportRun, find_run
from shared.messages.acts import MakeReport, RefuseHold, ReleaseHold
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.messages.topics import COMPLIANCE_ACTS, REPORTING_ACTS
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LAG_SECONDS_MAX: Final = 120.0
ACT_SECONDS_MAX: Final = 30.0
SHOWN_HOLDS: Final = 5
SHOWN_PERSONS: Final = 2
ACTOR: Final = "demo-operator"
SECOND_ACTOR: Final = "demo-approver"


@app.command()
def demo(
    count: Annotated[int, typer.Option("--count", min=1, help="How many instructions.")] = COUNT,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed makes another day.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder to work in; .backoffice/demo if not given.", file_okay=False),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the books, to look at them with `up`.")] = False,
) -> None:
    """Start everything in a fresh folder, play a simulated day, show what happened, and stop again.

    Instructions flow through the ledger, compliance and reporting on real Kafka and PostgreSQL. Takes
    under a minute. Reports and logs stay in the folder; nothing keeps running.
    """
    folder = (data or DATA_DEFAULT / "demo").expanduser().absolute()
    _make_room(folder)
    started = time.monotonic()
    try:
        result = sessions.run(_demo(folder, count, seed))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # SIGTERM ends it as Ctrl-C does
    finally:
        if not keep:
            _clear(folder)
    seconds = time.monotonic() - started
    output.emit({**result, "seconds": round(seconds, 1)})
    if not output.json_wanted():
        _farewell(folder, seconds, keep=keep)
    if not result["ok"]:
        raise typer.Exit(FOUND)


@dataclass(slots=True)
class Show:
    """What the audience is told: numbered steps with their times, and the findings of each."""

    result: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[None]:
        """Announce a step, and say at its end how long it took."""
        output.say(f"\n── {len(self.steps) + 1}. {title}")
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.steps.append({"step": title, "seconds": round(seconds, 2)})
        output.say(f"   ({seconds:.1f} s)")

    def tell(self, words: str) -> None:
        """Print a finding; it is no JSON."""
        if not output.json_wanted():
            print(words, flush=True)

    def tell_counts(self, title: str, counts: dict[str, int]) -> None:
        """Print counts as an indented table, largest first."""
        if not counts or output.json_wanted():
            return
        self.tell(f"   {title}:")
        width = max(map(len, counts))
        for name, number in sorted(counts.items(), key=lambda each: -each[1]):
            self.tell(f"     {name:<{width}}  {number:>8,}")


async def _demo(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Play the whole show; whatever happens, the stack is stopped."""
    show = Show()
    with contextlib.suppress(NotImplementedError):
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    stack = Stack(folder, progress=StepPrinter())
    async with show.step("Start PostgreSQL, Kafka and the three services"):
        await stack.start()
    try:
        await _play(show, stack, folder, count, seed)
    finally:
        output.say("\nStopping …")
        await stack.stop()
    show.result["steps"] = show.steps
    return show.result


async def _play(show: Show, stack: Stack, folder: Path, count: int, seed: int) -> None:
    connection = _connection(stack)
    async with open_lagmeter(connection) as meter:
        async with show.step(f"Play upstream: {count:,} instructions, seed {seed}"):
            await _simulate(show, connection, meter, count, seed)
        async with show.step("Let every service catch up"):
            await _catch_up(show, meter)
        async with show.step("What compliance found"):
            await _work_holds(show, connection)
            await _catch_up(show, meter)
        async with show.step("Report: a trial balance that balances"):
            await _report(show, connection, folder)
        async with show.step("Verify the books from the journal up"):
            await _verify(show, connection)
        await _catch_up(show, meter)
    async with show.step("What it took"):
        memory = memory_by_process(stack.record.pids)
        show.result["memory_bytes"] = memory
        names = {"supervisor": "this command"}
        show.tell(
            "   " + ", ".join(f"{names.get(name, name)} {megabytes(size)}" for name, size in memory.items())
        )
    show.result["ok"] = show.result["verified"] and show.result["reconciled"]


async def _simulate(show: Show, connection: Connection, meter: Lagmeter, count: int, seed: int) -> None:
    start = await first_day(connection, seed)
    sending = Sending()
    lags: list[str] = [""]

    async def watch() -> None:
        while True:
            look = await meter.look()
            lags[0] = "lag " + ", ".join(
                f"{service} {look.of_service(service)[0]:,}" for service in sessions.SERVICES
            )
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    try:
        async with shown(lambda: f"   {progress_words(sending, count, lags[0])}"):
            stream = records(connection, seed=seed, count=count, start=start)
            await send_all(connection, stream, wait=True, timeout=LAG_SECONDS_MAX, sending=sending)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    result = sending.result()
    show.result["simulation"] = result
    if sending.timed_out:
        raise _stuck(
            f"{len(sending.outcomes.open):,} instructions had no outcome within {LAG_SECONDS_MAX:.0f} s."
        )
    show.tell(
        f"   {sending.published:,} records published and answered in {sending.seconds:.1f} s"
        f" ({sending.published / sending.seconds:,.0f} a second)"
    )
    show.tell_counts("outcomes", result["outcomes"])
    show.tell_counts("reasons", result["reasons"])
    show.tell_counts("facts booked elsewhere", result["routed"])


async def _catch_up(show: Show, meter: Lagmeter) -> None:
    """Show the lag falling until it is zero everywhere and everything is published."""
    deadline = time.monotonic() + LAG_SECONDS_MAX
    seen: list[dict[str, int]] = []
    while True:
        look = await meter.look()
        lags = {service: look.of_service(service) for service in sessions.SERVICES}
        unpublished = sum(each.unpublished for each in look.backlogs.values())
        seen.append({service: lag for service, (lag, _) in lags.items()})
        words = ", ".join(
            f"{service} {lag:,}" + (f" ({seconds_words(seconds)})" if lag else "")
            for service, (lag, seconds) in lags.items()
        )
        if look.lag == 0 and unpublished == 0:
            show.tell(f"   lag: {words}; nothing unpublished")
            show.result.setdefault("lag", []).extend(seen)
            return
        if look.lag:
            output.say(f"   lag: {words}")
        if time.monotonic() > deadline:
            raise _stuck(f"The services are still behind after {LAG_SECONDS_MAX:.0f} s: {words}.")
        await asyncio.sleep(0.5 if look.lag else 0.1)


async def _work_holds(show: Show, connection: Connection) -> None:
    """Show holds and alerts; release the first hold and refuse the second, as two operators would."""
    async with sessions.open_database(connection) as database:
        held = await holds_list(database, "held", limit=1000)
        alerts = await alerts_list(database, limit=100_000)
    show.result["alerts"] = dict(Counter(each["rule"] for each in alerts))
    show.result["holds"] = len(held)
    show.tell_counts("alerts by rule", show.result["alerts"])
    of_persons = [each for each in alerts if any("person" in one["values"] for one in each["findings"])]
    show.result["alerts_of_persons"] = dict(Counter(each["rule"] for each in of_persons))
    show.tell_counts("of these about a person with several customers", show.result["alerts_of_persons"])
    for each in of_persons[:SHOWN_PERSONS]:
        show.tell(f"     {each['owner']}: {_why(each['findings'])}")
    show.tell(f"   payments held: {len(held)}")
    for each in held[:SHOWN_HOLDS]:
        show.tell(f"     {each['owner']}  {each['amount']} {each['asset']}: {_why(each['findings'])}")
    verdicts = (
        (ReleaseHold, "another person of the same name, passport seen"),
        (RefuseHold, "the match is confirmed"),
    )
    async with sessions.open_client(connection) as client:
        for hold, (kind, reason) in zip(held, verdicts, strict=False):
            for actor in (ACTOR, SECOND_ACTOR):
                act = kind(
                    act_id=clock.new_id(),
                    actor=actor,
                    reason=reason,
                    owner=hold["owner"],
                    instruction_id=UUID(hold["instruction_id"]),
                )
                done = await acts.perform(
                    client,
                    COMPLIANCE_ACTS,
                    act,
                    partition=hold["shard"],
                    timeout=ACT_SECONDS_MAX,
                )
                show.tell(f"   {hold['owner']}'s payment: {done.detail}")
                if done.result.get("decision") != "proposed":
                    break


def _why(findings: Iterable[dict[str, Any]]) -> str:
    return " ".join(str(each.get("sentence", each.get("rule"))) for each in findings)


async def _report(show: Show, connection: Connection, folder: Path) -> None:
    async with sessions.open_database(connection) as database:
        day = await business_days.current_day(database, ENTITY)
    assert day is not None
    run, body = await _have_made(connection, day)
    show.result |= {"reconciled": run.reconciled, "report": facts(run)}
    if not run.reconciled:
        show.tell("   it does not reconcile, and is not written")
        return
    path = write_file(folder / OUTPUT_DEFAULT, f"{run.report}-{day}.csv", render(run, body, "csv"))
    show.tell(f"   {run.rows:,} rows as of {day}; {len(run.reconciles_with)} comparisons agree")
    for asset, totals in run.totals.items():
        if isinstance(totals, dict):
            show.tell(f"     {asset}: " + ", ".join(f"{name} {value}" for name, value in totals.items()))
    show.tell(f"   written to {_short(path)}")


async def _have_made(connection: Connection, day: date) -> tuple[ReportRun, bytes]:
    act = MakeReport(
        act_id=clock.new_id(), actor=ACTOR, reason="end of the demo", report="trial_balance", booking_date=day
    )
    async with sessions.open_client(connection) as client:
        done = await acts.perform(
            client,
            REPORTING_ACTS,
            act,
            partition=shard_of(HOUSE, connection.partitions),
            timeout=ACT_SECONDS_MAX,
        )
    async with sessions.open_database(connection) as database:
        found = await find_run(database, act.act_id)
    if found is None:
        raise CommandError(
            "report_refused", f"The trial balance was not made: {done.detail}.", "Look into reporting's log."
        )
    return found


async def _verify(show: Show, connection: Connection) -> None:
    verdict = await verify_books(connection)
    show.result |= {"verified": verdict["ok"], "verification": verdict}
    for check in verdict["checks"]:
        show.tell(f"   {'✓' if check['ok'] else '✗'} {check['name']}: {check['checked']:,} checked")
    for asset, sums in verdict["assets"].items():
        show.tell(f"     {asset}: debits {sums['debits']} = credits {sums['credits']}")


def _connection(stack: Stack) -> Connection:
    record = stack.record
    return Connection(
        bootstrap=record.bootstrap,
        dsn_readonly=record.dsn_readonly,
        partitions=record.partitions,
        health=record.health,
        pids=record.pids,
        dsn_owner=record.dsn_owner,
        data=Path(record.data),
        logs=Path(record.logs),
    )


def _stuck(message: str) -> CommandError:
    return CommandError(
        "demo_stuck",
        message,
        "Look into the logs named above; `backoffice doctor` looks at the machine.",
        TIMED_OUT,
    )


BOOKS: Final = ("postgres", "postgres.making", "kafka", "passwords.json", "master.key", "lock", "stack.json")
"""What a stack keeps in its folder; reports and logs stay."""

CLEAR_LOOKS: Final = 50
CLEAR_SECONDS: Final = 0.1

MARK: Final = "made-by-demo"
"""A file that says a folder's books are a demo's, which the next demo may throw away."""


def _make_room(folder: Path) -> None:
    """Take away what an earlier demo left; raises CommandError where the folder is somebody else's."""
    record = read_record(folder)
    if record is not None and record.is_alive:
        raise CommandError(
            "already_running",
            f"A stack is running on {folder}.",
            "Type `backoffice down` to stop it, or give the demo another folder with --data.",
        )
    if not (folder / MARK).exists() and any((folder / name).exists() for name in BOOKS):
        raise CommandError(
            "folder_in_use",
            f"{folder} holds books that no demo has made.",
            "Give the demo another folder with --data.",
            USAGE,
        )
    _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _clear(folder: Path) -> None:
    """Remove the books. A program stopped half-way may still be tidying up after itself, so look again."""
    for name in BOOKS:
        path = folder / name
        for _ in range(CLEAR_LOOKS):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            if not path.exists():
                break
            time.sleep(CLEAR_SECONDS)


def _farewell(folder: Path, seconds: float, *, keep: bool) -> None:
    kept = (
        f"The books are kept: `backoffice up --data {_short(folder)}` starts on them."
        if keep
        else "The books are gone again (--keep keeps them)."
    )
    print(
        f"\nDone in {seconds:.0f} s. Nothing keeps running. {kept}\n"
        f"Reports are in {_short(folder / OUTPUT_DEFAULT)}, logs in {_short(folder / 'logs')}.\n"
        "Try next:\n"
        "    backoffice up                              everything, until Ctrl-C; then elsewhere:\n"
        "    backoffice simulate --count 5000 --wait    traffic, with every outcome counted\n"
        "    backoffice lag --watch                     who is behind, by how many seconds\n"
        "    backoffice account show C1000001-EUR       a balance; `account history` for each movement\n"
        "    backoffice holds list                      payments that wait for a decision"
    )


def _short(path: Path) -> Path:
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path
