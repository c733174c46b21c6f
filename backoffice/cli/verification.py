"""`backoffice compliance verify`: the audit chain, and records of decisions, acts and cases against it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from backoffice.cli import output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND, USAGE, CommandError
from services.compliance.queries.verifying import Verified, verify_records


def verify(
    heads: Annotated[
        Path | None,
        typer.Option(
            help="What an earlier verification printed with --json: its heads must stand in the chain still."
        ),
    ] = None,
) -> None:
    """Verify that no event, decision, answer or case was changed or taken away since it was recorded.

    Every event is chained by its hash onto the one before, and every record is held against the event that
    told of it. Keep what this prints somewhere else: a chain made anew would not come to the same heads.
    """
    kept = _read(heads) if heads is not None else {}
    verified = sessions.run(_verify(connect(), kept))
    is_whole = verified.differences == 0
    record = {
        "ok": is_whole,
        "events": verified.events,
        "decisions": verified.decisions,
        "answers": verified.answers,
        "case_facts": verified.facts,
        "role_facts": verified.roles,
        "parameter_changes": verified.changes,
        "ratings": verified.ratings,
        "snoozes": verified.snoozes,
        "legal_holds": verified.legal_holds,
        "removals": verified.removals,
        "removed": verified.removed,
        "alerts": verified.alerts,
        "heads": {str(shard): [seq, head] for shard, (seq, head) in verified.heads.items()},
        "differences": verified.differences,
        "examples": verified.examples,
    }
    verdict = "all is whole" if is_whole else "NOT WHOLE"
    words = (
        f"{verified.events} events chained, {verified.decisions} decisions, {verified.answers} answers,"
        f" {verified.facts} case facts, {verified.roles} role facts, {verified.changes} changes of"
        f" parameters, {verified.ratings} ratings, {verified.snoozes} records of snoozes,"
        f" {verified.legal_holds} of legal holds, {verified.removals} of removals as told;"
        f" {verified.removed} events without their words; {verified.alerts} alerts in the order of work:"
        f" {verdict}."
    )
    output.emit(record, "\n".join([words, *verified.examples]))
    if not is_whole:
        raise typer.Exit(FOUND)


def _read(path: Path) -> dict[int, tuple[int, str]]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["heads"]
        return {int(shard): (int(seq), str(head)) for shard, (seq, head) in found.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as problem:
        raise CommandError(
            "heads_unreadable",
            f"{path} holds no heads.",
            "Give a file that `backoffice compliance verify --json` has written.",
            USAGE,
        ) from problem


async def _verify(connection: Connection, kept: dict[int, tuple[int, str]]) -> Verified:
    async with (
        sessions.open_database(connection) as database,
        database.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await verify_records(database, kept)
