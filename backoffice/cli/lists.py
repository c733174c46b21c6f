"""`backoffice compliance lists`: watch lists loaded, shown and compared, and how far screening again is."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from backoffice.cli import acts, list_changes, names, output, sessions
from backoffice.cli.acts import ActorOption, TimeoutOption
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError, require_one_of
from services.compliance.domain.lists import ListRefused, WatchList, in_parts
from services.compliance.domain.lists.difference import difference, lost
from services.compliance.domain.lists.party import ListedParty
from services.compliance.queries.lists import (
    list_parties,
    lists_active,
    lists_outdated,
    lists_refused,
    lists_show,
    rescreenings,
)
from shared.messages.acts import ActivateList, LoadList, RefuseList
from shared.messages.envelope import CODE_PATTERN, HOUSE
from shared.messages.journal import ActDone
from shared.messages.partitioner import partition_of
from shared.messages.topics import COMPLIANCE_ACTS
from shared.runtime import clock

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

LOST_MAX: Final = 0.2
"""The share of the active version's entries that a new one may lack before it is taken for another list, or
for one that is cut off. Not by law: OFAC's list lost 3.5 % of its entries from 2019 to 2021."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@app.callback()
def _lists() -> None:
    """Load and show the lists that parties are screened against."""


@app.command()
def load(
    files: Annotated[
        list[Path], typer.Argument(help="OFAC's CSV files together, or one file of another publisher.")
    ],
    code: Annotated[str, typer.Option(help="What the list is called, such as OFAC.", show_default=False)],
    version: Annotated[
        str | None, typer.Option(help="What this version is called; else after its content.")
    ] = None,
    activate: Annotated[bool, typer.Option(help="Screen against it as soon as it is loaded.")] = True,
    allow_fewer: Annotated[
        bool, typer.Option(help="Take a list that lacks over a fifth of the active version's entries.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "a new version of the list",
    actor: ActorOption = None,
    timeout: TimeoutOption = 60.0,
) -> None:
    """Load a new version of a watch list, and let every shard screen against it.

    Read are OFAC's CSV files (SDN and consolidated), the UN's XML, the EU's XML and CSV, the UK's (OFSI and
    UK Sanctions List) XML and CSV, FollowTheMoney JSON lines, and our own CSV. Files may be packed with gzip.
    A file that is cut off, empty, of another kind, or that lacks over a fifth of the active version's entries
    is refused whole: the version before stays, and compliance warns until a version is activated. What was
    interrupted can be typed again: parts that are there already are left alone. Says what is added, removed
    and changed since the active version.

    Load daily: that confirms a version that is active already, and a list that nobody reads grows too old.
    """
    if re.fullmatch(CODE_PATTERN, code) is None:
        raise CommandError(
            "usage", f"{code!r} is no name for --code.", "Use letters, digits and ._:/#- only.", USAGE
        )
    who = acts.actor(actor)
    try:
        watch_list = names.read_files(files)
    except CommandError as refused:
        if isinstance(refused.__cause__, ListRefused):
            cause = refused.__cause__
            place = (cause.file or files[0].name, cause.line)
            raise _warned(refused, code, place, cause.why, who, reason, timeout) from refused
        raise
    chosen = version or watch_list.sha256[:12]
    if re.fullmatch(CODE_PATTERN, chosen) is None:
        raise CommandError(
            "usage", f"{chosen!r} is no name for --version.", "Use letters, digits and ._:/#- only.", USAGE
        )
    for remark in watch_list.remarks:
        output.say(remark)
    try:
        shards, before = sessions.run(
            _load(
                connect(),
                watch_list,
                code,
                chosen,
                activate=activate,
                allow_fewer=allow_fewer,
                reason=reason,
                actor=who,
                timeout=timeout,
            )
        )
    except CommandError as refused:
        if refused.error == "list_unlike":
            place = (files[0].name, 0)
            raise _warned(refused, code, place, refused.message, who, reason, timeout) from refused
        raise
    record = {
        "list": code,
        "version": chosen,
        "form": watch_list.form,
        "entries": len(watch_list.entries),
        "names": watch_list.names,
        "sha256": watch_list.sha256,
        "active_shards": shards,
        "remarks": list(watch_list.remarks),
    }
    words = f"{code} {chosen}: {len(watch_list.entries)} entries, {watch_list.names} names"
    if before.active is not None:
        found = difference(before.entries, watch_list.entries)
        record |= {"replaced": before.active, **list_changes.counted(found)}
        changes = f"since {before.active} {list_changes.in_words(found)}"
        words += f"; {'it was active already' if before.active == chosen else changes}"
    now = f"{len(shards)} shards screen against it now" if activate else "it is not active yet"
    output.emit(record, f"{words}; {now}.")


@app.command()
def show() -> None:
    """Show each stored version of each list, when it was last read, and how many shards screen against it."""
    connection = connect()
    found, refused, old = sessions.run(_lists_found(connection))
    last = {each["list_code"]: each for each in refused}
    outdated = {(each["list_code"], each["version"]) for each in old}
    for each in found:
        is_outdated = (each["list_code"], each["version"]) in outdated
        output.emit({**each, "refused": last.get(each["list_code"]), "outdated": is_outdated})
    if not found:
        output.say("There is no list. Type `backoffice migrate`, which loads a small made-up one.")
        return
    output.table(
        ("list", "version", "entries", "names", "parts", "loaded", "read", "shards"),
        [
            (
                each["list_code"],
                each["version"],
                each["entries"],
                each["names"],
                f"{each['parts_loaded']}/{each['parts']}",
                output.minute(each["loaded_at"]),
                output.minute(each["checked_at"]) if each["checked_at"] else "–",
                f"{len(each['active_shards'])}/{connection.partitions}",
            )
            for each in found
        ],
        right=("entries", "names", "parts", "shards"),
    )
    for each in refused:
        line = f", line {each['line']}" if each["line"] else ""
        stays = f"version {each['stays']} stays in force" if each["stays"] else "there is no other version"
        output.say(
            f"! {each['list_code']}: {each['file']}{line}: {each['why']}"
            f" (refused {output.minute(each['refused_at'])}); {stays}."
        )
    for each in old:
        output.say(
            f"! {each['list_code']}: version {each['version']} was last read"
            f" {output.minute(each['checked_at'])}, and is older than allowed ({each['days_max']} days)."
        )


@app.command()
def progress(
    code: Annotated[str | None, typer.Argument(help="Only of this list, such as OFAC.")] = None,
) -> None:
    """Show how far the parties on record are screened against what each version has changed, by shard."""
    found = sessions.run(_rescreenings_found(connect(), code))
    for each in found:
        output.emit(each)
    if not found:
        output.say("No version was activated since the books began.")
        return
    output.table(
        ("list", "version", "replaced", "shard", "entries", "parties", "left", "alerts", "state"),
        [
            (
                each["list_code"],
                each["version"],
                each["replaced"] or "–",
                each["shard"],
                "all" if each["entries"] is None else each["entries"],
                each["parties"],
                each["parties_left"],
                each["alerts"],
                "done" if each["finished"] else "going on",
            )
            for each in found
        ],
        right=("shard", "entries", "parties", "left", "alerts"),
    )


@app.command()
def diff(
    code: Annotated[str, typer.Argument(help="The list, such as OFAC.", show_default=False)],
    before: Annotated[str | None, typer.Option(help="The older version; else the one before.")] = None,
    after: Annotated[str | None, typer.Option(help="The newer version; else the last that is whole.")] = None,
    before_file: Annotated[
        list[Path] | None,
        typer.Option(help="A file of the older version, instead; repeatable. No stack needed."),
    ] = None,
    after_file: Annotated[
        list[Path] | None, typer.Option(help="A file of the newer version, instead; repeatable.")
    ] = None,
) -> None:
    """Show what a version of a list has that another has not: entries added, removed and changed."""
    if bool(before_file) != bool(after_file):
        raise CommandError("usage", "Files are given of one version only.", "Give files of both.", USAGE)
    if before_file and after_file:
        old, new = names.read_files(before_file), names.read_files(after_file)
        list_changes.tell(code, old.sha256[:12], new.sha256[:12], difference(old.entries, new.entries))
        return
    first, second, former, latter = sessions.run(_two_versions(connect(), code, before, after))
    list_changes.tell(code, first, second, difference(former, latter))


@dataclass(frozen=True, slots=True)
class _Before:
    """What is stored of a list before one of its versions is loaded."""

    active: str | None
    entries: tuple[ListedParty, ...]
    """Of the active version."""
    is_there: bool
    """Whether the version to load is stored whole already, from the same files."""


async def _load(
    connection: Connection,
    watch_list: WatchList,
    code: str,
    version: str,
    *,
    activate: bool,
    allow_fewer: bool,
    reason: str,
    actor: str,
    timeout: float,
) -> tuple[list[int], _Before]:
    """Load all parts in the house's shard, then activate in every shard.

    Returns the shards where it is active, and what was active before.
    """
    before = await _before(connection, code, (version, watch_list.sha256))
    if not allow_fewer:
        _require_likeness(before, watch_list)
    parts = [] if before.is_there else in_parts(watch_list.entries)
    house = partition_of(HOUSE.encode(), connection.partitions)
    async with sessions.open_client(connection) as client:
        for number, entries in enumerate(parts, start=1):
            act = LoadList(
                act_id=clock.new_id(),
                actor=actor,
                reason=reason,
                list_code=code,
                version=version,
                part=number,
                parts=len(parts),
                sha256=watch_list.sha256,
                entries=entries,
            )
            done = await acts.perform(client, COMPLIANCE_ACTS, act, partition=house, timeout=timeout)
            _require(done, f"part {number} of {len(parts)}")
            output.say(f"part {number} of {len(parts)}: {len(entries)} entries")
        if not activate:
            return [], before
        answers = await asyncio.gather(
            *(
                acts.perform(
                    client,
                    COMPLIANCE_ACTS,
                    ActivateList(
                        act_id=clock.new_id(), actor=actor, reason=reason, list_code=code, version=version
                    ),
                    partition=shard,
                    timeout=timeout,
                )
                for shard in range(connection.partitions)
            )
        )
    for done in answers:
        _require(done, f"activation in shard {done.shard}")
    return sorted(done.shard for done in answers), before


def _warned(
    refused: CommandError,
    code: str,
    place: tuple[str, int],
    why: str,
    actor: str,
    reason: str,
    timeout: float,
) -> CommandError:
    """Have compliance warn of a refused file; return the error that says so, or that it was not told."""
    file, line = place
    act = RefuseList(
        act_id=clock.new_id(),
        actor=actor,
        reason=reason,
        list_code=code,
        file=_CONTROL.sub("?", file)[-140:],
        line=line,
        why=_CONTROL.sub("?", why)[:500],
    )
    try:
        done = sessions.run(_note_refusal(connect(), act, timeout))
        words = (
            f"Compliance warns of it; {done.detail}."
            if done.done
            else f"Compliance refused to be told, so nothing warns of it ({done.detail})."
        )
    except CommandError as problem:
        words = f"Compliance could not be told, so nothing warns of it ({problem.error})."
    return CommandError(refused.error, f"{refused.message} {words}", refused.fix, refused.exit_code)


async def _note_refusal(connection: Connection, act: RefuseList, timeout: float) -> ActDone:
    house = partition_of(HOUSE.encode(), connection.partitions)
    return await acts.in_compliance(connection, act, house, timeout)


def _require(done: ActDone, what: str) -> None:
    if not done.done:
        raise CommandError(
            str(done.result.get("refused", "refused")),
            f"Compliance refused {what}: {done.detail}.",
            "Type `backoffice compliance lists show` to see what is stored, or give another --version.",
        )


async def _before(connection: Connection, code: str, wanted: tuple[str, str]) -> _Before:
    """Read what is active of a list, and whether the version (its name and hash) is stored whole."""
    async with sessions.open_database(connection) as database:
        active = (await lists_active(database)).get(code)
        entries = await list_parties(database, code, active) if active is not None else []
        is_there = any(
            each["complete"] and (each["list_code"], each["version"], each["sha256"]) == (code, *wanted)
            for each in await lists_show(database)
        )
    return _Before(active, tuple(entries), is_there)


def _require_likeness(before: _Before, watch_list: WatchList) -> None:
    """Refuse what lacks much of the active version: another list, or one cut off between two lines."""
    stored, missing = len(before.entries), lost(before.entries, watch_list.entries)
    if missing > stored * LOST_MAX:
        raise CommandError(
            "list_unlike",
            f"Of the {stored} entries of version {before.active}, which is active, {missing} are not among "
            f"the {len(watch_list.entries)} here ({watch_list.form}): it is another list, or cut off.",
            "Fetch it again, and look at --code; if so many were really removed, add --allow-fewer.",
        )


async def _two_versions(
    connection: Connection, code: str, before: str | None, after: str | None
) -> tuple[str, str, list[ListedParty], list[ListedParty]]:
    """Read two versions of a list: those named, else the last two that are stored whole."""
    async with sessions.open_database(connection) as database:
        stored = [
            each["version"]
            for each in await lists_show(database)
            if each["list_code"] == code and each["complete"]
        ]
        if after is None and stored:
            after = next((version for version in reversed(stored) if version != before), None)
        if before is None and after in stored[1:]:
            before = stored[stored.index(after) - 1]
        if before is None or after is None or not {before, after} <= {*stored}:
            raise CommandError(
                "version_unknown",
                f"There are not two such versions of {code}; whole are: {', '.join(stored) or 'none'}.",
                "Type `backoffice compliance lists show`, and name two with --before and --after.",
            )
        return (
            before,
            after,
            await list_parties(database, code, before),
            await list_parties(database, code, after),
        )


async def _lists_found(
    connection: Connection,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    async with sessions.open_database(connection) as database:
        return await lists_show(database), await lists_refused(database), await lists_outdated(database)


async def _rescreenings_found(connection: Connection, code: str | None) -> list[dict[str, Any]]:
    async with sessions.open_database(connection) as database:
        if code is not None:
            stored = sorted({each["list_code"] for each in await lists_show(database)})
            require_one_of(code, stored, "list", "list_unknown")
        return await rescreenings(database, code)
