"""Keeps who has a role with which customer, and looks at the cash of each person: alerts only, in the ticks.

Whoever holds the house's shard looks, at what all shards have stored; each shard raises what was found about
its own customers. Nothing is kept in memory: a run is made by the tables up to it, and whoever dies meanwhile
leaves it to the next.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from services.compliance.domain.ledger_events import LedgerNews
from services.compliance.domain.memory import Memory
from services.compliance.domain.persons import COUNTING, REACH_DAYS, Handed, Key, find
from services.compliance.domain.records import (
    AlertRow,
    PersonFindingRow,
    PersonRoleRow,
    PersonRunRow,
    UncodedRoleRow,
)
from services.compliance.handlers.alerts import raise_alert
from services.compliance.handlers.screening import Hit
from services.compliance.handlers.work_order import save_alerts
from services.compliance.rules import PERSON_RULES
from services.compliance.store import persons as person_store
from services.compliance.store.persons import RoleAt, Touched
from shared.messages.envelope import HOUSE, Number
from shared.messages.partitioner import shard_of
from shared.runtime.database import Connection
from shared.runtime.work import Received, UnitOfWork

FACTS_A_RUN: Final = 2_000
"""Of one shard, of cash and of roles each: some 0.1 s of a processor if all of it is about persons."""
ALERTS_A_TICK: Final = 1000


async def remember_roles(work: UnitOfWork, records: Iterable[Received]) -> None:
    """Put on record who has a role with a customer, as an account is opened or later."""
    rows: list[PersonRoleRow] = []
    uncoded: list[UncodedRoleRow] = []
    for record in records:
        news: LedgerNews = record.message
        if (news.roles or news.uncoded) and record.copy == "primary":
            recorded_at = work.shards[record.shard].recorded_at
            seq = news.event().seq
            rows += [PersonRoleRow(record.shard, seq, recorded_at, told) for told in news.roles]
            uncoded += [UncodedRoleRow(record.shard, seq, recorded_at, told) for told in news.uncoded]
    await person_store.save_roles(work.connection, rows)
    await person_store.save_uncoded(work.connection, uncoded)


async def look_at_persons(work: UnitOfWork, memory: Memory) -> bool:
    """Let rules look at the cash of persons that has come since the last run, and say whether more waits."""
    house = shard_of(HOUSE, work.partitions)
    if house not in work.shards:
        return False
    before = await person_store.load_last_run(work.connection, work.partitions)
    run = await person_store.next_run(work.connection, before, FACTS_A_RUN)
    if (run.cash, run.roles) == (before.cash, before.roles):
        return False
    handed = await _handed(work.connection, before, run)
    told = await person_store.load_told(work.connection, handed.keys())
    book = memory.rules[house].now.book
    found = [
        each for person in sorted(handed) for each in find(person, handed[person], PERSON_RULES, book, told)
    ]
    run = replace(
        run,
        recorded_at=work.shards[house].recorded_at,
        house_seq=work.shards[house].last_seq,
        persons=len(handed),
        alerts=len(found),
    )
    await person_store.save_run(work.connection, run)
    await person_store.save_findings(
        work.connection,
        [
            PersonFindingRow(run.number, number, shard_of(each.event.owner, work.partitions), each)
            for number, each in enumerate(found, start=1)
        ],
    )
    counts = zip((*before.cash, *before.roles), (*run.cash, *run.roles), strict=True)
    return any(after - count >= FACTS_A_RUN for count, after in counts)


async def raise_findings(work: UnitOfWork) -> None:
    """Raise an alert for each finding about a customer of the shards held; more than a tick's worth waits."""
    rows = await person_store.waiting_findings(work.connection, list(work.shards), ALERTS_A_TICK)
    alerts: list[AlertRow] = []
    for row in rows:
        _, rule, _, _, day = row.key
        subject = _subject(row.key)
        hit = Hit(rule, row.owner, subject, (row.finding,), holds=False, hold_for=timedelta())
        about = Number(shard=row.about_shard, seq=row.about_seq)
        alerts.append(raise_alert(work, (row.shard, row.owner, rule, day, subject), hit, about, None))
    await save_alerts(work, alerts)
    await person_store.mark_raised(
        work.connection, [(row.run, row.number, each.seq) for row, each in zip(rows, alerts, strict=True)]
    )


def _subject(key: Key) -> str:
    """Tell an alert about a person from the customer's own, and from those about other persons."""
    person, _, asset, direction, _ = key
    return f"person:{person}:{asset}:{direction}"


async def _handed(connection: Connection, before: PersonRunRow, run: PersonRunRow) -> dict[str, list[Handed]]:
    """Return the cash that is a person's matter, of all persons whom something new concerns.

    Whoever has a role with one customer only and never brought cash is that customer's own rule's matter.
    """
    touched = {each.person: each for each in await person_store.touched(connection, before, run)}
    if not touched:
        return {}
    roles: dict[tuple[str, str], list[RoleAt]] = {}
    for each in await person_store.roles_of(connection, list(touched), run):
        if each.told.role in COUNTING:
            roles.setdefault((each.told.person, each.told.owner), []).append(each)
    conductors = await person_store.who_conducted(connection, list(touched), run)
    customers: dict[str, int] = {}
    for person, _ in roles:
        customers[person] = customers.get(person, 0) + 1
    concerned = {person for person in touched if person in conductors or customers.get(person, 0) > 1}
    if not concerned:
        return {}
    cash = await person_store.cash_of(
        connection,
        [(person, of[0].shard, owner) for (person, owner), of in roles.items() if person in concerned],
        sorted(conductors),
        {person: _days(touched[person]) for person in concerned},
        before,
        run,
    )
    return {
        person: mine
        for person in concerned
        if (mine := _of_person(person, cash.get(person, ()), roles, before))
    }


def _of_person(
    person: str, cash: Iterable[Handed], roles: dict[tuple[str, str], list[RoleAt]], before: PersonRunRow
) -> list[Handed]:
    """Keep what a person had a role in on its day, or brought; under a new role it is fresh to them."""
    mine: list[Handed] = []
    for each in cash:
        event = each.event
        of = roles.get((person, event.owner), ())
        if event.conductor == person or any(role.told.counts_on(event.booking_date) for role in of):
            is_new = any(role.number > before.roles_through[role.shard] for role in of)
            mine.append(replace(each, is_fresh=each.is_fresh or is_new))
    return mine


def _days(touched: Touched) -> tuple[date, date]:
    """The business days that matter: what is asked lies a reach from what is new, and looks as far."""
    if touched.has_other_roles:
        return date.min, date.max
    reach = timedelta(days=2 * REACH_DAYS)
    return touched.first - reach, touched.last + reach
