"""`backoffice status`: what runs and how it is, on one page."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final

import psutil
import typer

from backoffice.cli import business_days, output, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import FOUND
from backoffice.cli.lag import seconds_words
from backoffice.cli.lagmeter import Look, look_twice
from backoffice.stack.health import Health, ask
from shared.runtime import queries
from shared.runtime.queries import PassedOver, ShardState

WAITING: Final = ("unpublished", "parked", "dead_letters")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(slots=True)
class Status:
    """What was found."""

    health: dict[str, Health]
    look: Look
    shards: dict[str, list[ShardState]] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    days_behind: dict[str, dict[int, date]] = field(default_factory=dict)
    """By entity: the shards that are on an earlier business day than another."""
    passed_over: dict[str, list[PassedOver]] = field(default_factory=dict)
    """By service: records that were lost before they were taken. It is no trouble any more, and no secret."""

    @property
    def troubles(self) -> list[str]:
        """Say what is not well, a sentence each; nothing where all is."""
        found = [
            f"{name} is not ready: {_failing(health)}"
            for name, health in self.health.items()
            if not health.ok
        ]
        found += [
            f"{service} shard {each.shard} is halted: {each.halted}"
            for service, shards in self.shards.items()
            for each in shards
            if each.halted is not None
        ]
        found += [
            f"{service} shard {each.shard} is worked by nobody"
            for service, shards in self.shards.items()
            for each in shards
            if each.owner is None and each.halted is None
        ]
        found += [
            f"{name} warns: {what}: {words}"
            for name, health in self.health.items()
            for what, words in _warnings(health).items()
        ]
        # What a shard has not read yet may be the day that it lacks.
        found += [
            f"transactions shard {shard} is on {entity}'s business day {day}, others are on"
            f" {self.days[entity]}: send the same `open_business_day` to every partition"
            for entity, days in (
                self.days_behind.items() if not self.look.of_service("transactions")[0] else ()
            )
            for shard, day in days.items()
        ]
        parked = sum(each.parked for each in self.look.backlogs.values())
        if parked:
            found.append(f"{parked} records are parked; `backoffice parked list` shows whose")
        return found


@app.command()
def status() -> None:
    """Show services, shards, business days, lag, and what waits. Status 1 if anything is not well."""
    connection = connect()
    found = sessions.run(_look(connection))
    memory = memory_by_process(connection.pids)
    troubles = found.troubles
    output.emit(_record(connection, found, memory, troubles))
    if not output.json_wanted():
        _print(connection, found, memory, troubles)
    if troubles:
        raise typer.Exit(FOUND)


async def _look(connection: Connection) -> Status:
    names = list(connection.health)
    answers, look = await asyncio.gather(
        asyncio.gather(*(ask(connection.health[name]) for name in names)), look_twice(connection)
    )
    found = Status(dict(zip(names, answers, strict=True)), look)
    async with sessions.open_database(connection) as database:
        for service in sessions.SERVICES:
            await sessions.enter_schema(database, service)
            found.shards[service] = await queries.shards(database)
            found.passed_over[service] = await queries.passed_over(database)
        found.days = await business_days.current_days(database)
        found.days_behind = await business_days.days_behind(database)
    return found


def memory_by_process(pids: Mapping[str, int]) -> dict[str, int]:
    """Return the resident bytes of each process that runs on this machine, PostgreSQL's as one.

    Its processes share most of their memory, which is counted once.
    """
    found: dict[str, int] = {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if name == "postgres":
                found[name] = sum(_own_share(each) for each in (process, *process.children(recursive=True)))
            else:
                found[name] = process.memory_info().rss
    return found


def _own_share(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        full: Any = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    return 0


def _record(
    connection: Connection, found: Status, memory: dict[str, int], troubles: list[str]
) -> dict[str, Any]:
    totals = found.look.totals()
    return {
        "ok": not troubles,
        "bootstrap": connection.bootstrap,
        "partitions": connection.partitions,
        "services": {
            name: {
                "ready": health.ok,
                "failing": None if health.ok else _failing(health),
                "warnings": _warnings(health),
                "url": connection.health[name],
                "pid": connection.pids.get(name),
            }
            for name, health in found.health.items()
        },
        "memory_bytes": memory,
        "shards": {
            service: {
                str(each.shard): {
                    "owner": each.owner,
                    "seq": each.last_seq,
                    "last_progress_at": each.last_progress_at,
                    "halted": each.halted,
                }
                for each in shards
            }
            for service, shards in found.shards.items()
        },
        "passed_over": {
            service: [asdict(each) for each in ranges] for service, ranges in found.passed_over.items()
        },
        "business_days": found.days,
        "business_days_behind": {
            entity: {str(shard): day for shard, day in days.items()}
            for entity, days in found.days_behind.items()
        },
        "lag": totals["services"],
        "unpublished": totals["unpublished"],
        "parked": totals["parked"],
        "dead_letters": totals["dead_letters"],
        "troubles": troubles,
    }


def _print(connection: Connection, found: Status, memory: dict[str, int], troubles: list[str]) -> None:
    rows: list[tuple[object, ...]] = []
    for service in sessions.SERVICES:
        ready = [
            health.ok
            for name, health in found.health.items()
            if name == service or name.startswith(f"{service}-")
        ]
        records, seconds = found.look.of_service(service)
        shards = found.shards[service]
        rows.append(
            (
                service,
                "ready" if ready and all(ready) else "not ready" if ready else "unknown",
                f"{sum(each.owner is not None for each in shards)} of {connection.partitions}",
                f"{records:,}",
                seconds_words(seconds),
                f"{sum(each.last_seq for each in shards):,}",
                megabytes(sum(size for name, size in memory.items() if name.partition("-")[0] == service)),
            )
        )
    output.table(
        ("service", "state", "shards", "lag", "oldest", "events", "memory"),
        rows,
        right=("shards", "lag", "oldest", "events", "memory"),
    )
    print()
    print("Business day: " + ", ".join(f"{entity} {day}" for entity, day in found.days.items()))
    print(f"Kafka {connection.bootstrap}, {connection.partitions} partitions a topic")
    for service in ("kafka", "postgres"):
        if service in memory:
            print(f"{service}: {megabytes(memory[service])}")
    totals = found.look.totals()
    print(", ".join(f"{name.replace('_', ' ')} {totals[name]}" for name in WAITING))
    for service, ranges in found.passed_over.items():
        for each in ranges:
            print(f"{service}: {passed_words(each)}")
    print("All is well." if not troubles else "\n".join(f"! {each}" for each in troubles))


def passed_words(each: PassedOver) -> str:
    """Say what was lost, and who had its shard go on without it."""
    return (
        f"{each.until_offset - each.from_offset} records of {each.topic}/{each.partition} were lost"
        f" before they were taken ({each.from_offset} until {each.until_offset}); passed over"
        f" {output.rfc3339(each.recorded_at)} by {each.actor} and {each.approved_by}: {each.reason}"
    )


def megabytes(size: int) -> str:
    """Spell a size in memory."""
    return f"{size / 1_000_000:.0f} MB" if size else "–"


def _warnings(health: Health) -> dict[str, str]:
    found: Any = health.body.get("warnings")
    return {str(name): str(words) for name, words in found.items()} if isinstance(found, dict) else {}


def _failing(health: Health) -> str:
    if health.status == 0:
        return "it does not answer"
    failing: Any = health.body.get("failing") or health.body
    if isinstance(failing, dict):
        return "; ".join(f"{name}: {why}" for name, why in failing.items())
    return str(failing)
