"""Balances at any moment are what a naive count over the published events comes to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.transactions.queries import Moment, Scope, account_show, balances_show
from services.transactions.queries.moments import vector_at
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import TEMPLATE, LedgerDatabase, Server, address, database
from tests.transactions.support import (
    PARTITIONS,
    START,
    StoredLedger,
    answer,
    deposit,
    instruction,
    opening,
    owner_in,
    received,
    table,
    transfer,
    withdrawal,
)

ANN, BEA, CAL = owner_in(1, "ann"), owner_in(2, "bea"), owner_in(1, "cal")
OWNERS: Final = (ANN, BEA, CAL)
BROKERAGE: Final = f"{ANN}-broker"
"""Of the other entity, so that business days differ."""
CONTAINER, SAVINGS = f"{ANN}-main", f"{ANN}-savings"
FIRST_DAY: Final = date(2026, 1, 1)


# ── the naive model ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Change:
    """What one end of one movement adds to the four counters of its account."""

    recorded_at: datetime
    booking_date: date
    value_date: date
    posted: tuple[Decimal, Decimal]
    pending: tuple[Decimal, Decimal]


@dataclass
class Naive:
    """Every event ever published, counted from the first with each question."""

    changes: dict[str, list[Change]]
    facts: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, events: Sequence[dict[str, Any]]) -> "Naive":
        """Count each event once, however many copies of it there are."""
        model = cls({}, {})
        for event in {(each["shard"], each["seq"]): each for each in events}.values():
            for movement in event.get("movements", ()):
                model._take(event, movement)
        return model

    def _take(self, event: dict[str, Any], movement: dict[str, Any]) -> None:
        amount, zero = Decimal(movement["amount"]), Decimal(0)
        posted = pending = zero
        match event["type"]:
            case "TransactionPending":
                pending = amount
            case "TransactionPosted" if "first" in event or "resolves" in event:
                posted, pending = amount, -amount - Decimal(event.get("freed", 0))
            case "TransactionPosted":
                posted = amount
            case _:
                pending = -amount
        when = (
            datetime.fromisoformat(event["recorded_at"]),
            date.fromisoformat(event["booking_date"]),
            date.fromisoformat(event["value_date"]),
        )
        for side in ("debit", "credit"):
            end = movement[side]
            both = [(posted, zero), (pending, zero)] if side == "debit" else [(zero, posted), (zero, pending)]
            self.changes.setdefault(end["account"], []).append(Change(*when, *both))
            self.facts[end["account"]] = {**end, "asset": movement["asset"]}

    def counters(self, account: str, moment: Moment) -> list[Decimal]:
        """Debits and credits posted and pending; what is pending knows no dates."""
        sums = [Decimal(0)] * 4
        for each in self.changes.get(account, ()):
            if moment.at is not None and each.recorded_at > moment.at:
                continue
            sums[2] += each.pending[0]
            sums[3] += each.pending[1]
            if moment.booking_date is not None and each.booking_date > moment.booking_date:
                continue
            if moment.value_date is not None and each.value_date > moment.value_date:
                continue
            sums[0] += each.posted[0]
            sums[1] += each.posted[1]
        return sums


# ── random books ─────────────────────────────────────────────────────────────────────────────────

days = st.one_of(st.none(), st.integers(-4, 12).map(lambda n: (FIRST_DAY + timedelta(days=n)).isoformat()))
cents = st.integers(1, 250_000).map(lambda minor: f"{minor // 100}.{minor % 100:02}")
parts = st.integers(1, 20_000).map(lambda minor: f"{minor // 100}.{minor % 100:02}")
whose = st.sampled_from(OWNERS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), whose, cents, days),
        st.tuples(st.just("broker"), cents, days),
        st.tuples(st.just("fee"), whose, cents, days),
        st.tuples(st.just("transfer"), whose, whose, cents, days),
        st.tuples(st.just("withdrawal"), whose, cents, days),
        st.tuples(st.just("reserve"), whose, cents, days),
        st.tuples(st.just("part"), parts, st.booleans()),
        st.tuples(st.just("void")),
        st.tuples(st.just("answer"), st.sampled_from(["cleared", "refused"])),
        st.tuples(st.just("day"), st.sampled_from(["BANK", "BROKER"]), st.integers(1, 3)),
    ),
    min_size=8,
    max_size=40,
)
moments = st.builds(
    Moment,
    at=st.one_of(st.none(), st.integers(-1, 40).map(lambda n: START + timedelta(milliseconds=n))),
    booking_date=st.one_of(st.none(), st.integers(-2, 10).map(lambda n: FIRST_DAY + timedelta(days=n))),
    value_date=st.one_of(st.none(), st.integers(-5, 13).map(lambda n: FIRST_DAY + timedelta(days=n))),
)


async def keep_books(ledger: StoredLedger, wanted: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Send one step after the other, each as a batch of its own, and return all events."""
    events = await ledger.send(
        opening(ANN, CONTAINER),
        opening(ANN, limit="500.00", container=CONTAINER),
        opening(ANN, SAVINGS, container=CONTAINER),
        deposit(ANN, "70.00", SAVINGS),
        opening(BEA),
        opening(CAL),
        opening(ANN, BROKERAGE, entity="BROKER", limit=None),
    )
    for owner in OWNERS:
        events += await ledger.send(deposit(owner, "3000.00"))
    open_days = {"BANK": FIRST_DAY, "BROKER": FIRST_DAY}
    screened: list[dict[str, Any]] = []
    reserved: list[tuple[str, str]] = []
    for step in wanted:
        sent: list[Any] = []
        match step:
            case ("deposit", owner, amount, day):
                sent = [deposit(owner, amount, value_date=day)]
            case ("broker", amount, day):
                sent = [deposit(ANN, amount, BROKERAGE, value_date=day)]
            case ("fee", owner, amount, day):
                fee = instruction(
                    "fee", owner=owner, account=owner, amount=amount, asset="EUR", value_date=day
                )
                sent = [fee]
            case ("transfer", debit, credit, amount, day) if debit != credit:
                sent = [transfer(debit, credit, amount, value_date=day)]
            case ("withdrawal", owner, amount, day):
                sent = [withdrawal(owner, amount, value_date=day)]
            case ("reserve", owner, amount, day):
                fields = {"account": owner, "amount": amount, "asset": "EUR", "value_date": day}
                sent = [instruction("reserve", owner=owner, **fields)]
            case ("part", amount, final) if reserved:
                named, owner = reserved[-1]
                fields = {"pending_id": named, "amount": amount, "final": final}
                sent = [instruction("post_pending", owner=owner, **fields)]
            case ("void",) if reserved:
                named, owner = reserved.pop()
                sent = [instruction("void_pending", owner=owner, pending_id=named)]
            case ("answer", decision) if screened:
                sent = [answer(screened.pop(0), decision)]
            case ("day", entity, more):
                open_days[entity] += timedelta(days=more)
                booking_date = open_days[entity].isoformat()
                message = instruction(
                    "open_business_day", owner=HOUSE, entity=entity, booking_date=booking_date
                )
                sent = [received(message, partition=shard) for shard in range(PARTITIONS)]
            case _:
                continue
        for event in await ledger.send(*sent):
            events.append(event)
            if event["type"] == "TransactionPending" and event["instruction_type"] == "reserve":
                reserved.append((event["instruction_id"], event["owner"]))
            elif event["type"] == "TransactionPending":
                screened.append(event)
    return events


BY_PARTS: Final = [
    ("reserve", ANN, "100.00", "2025-12-30"),
    ("part", "30.00", False),
    ("day", "BANK", 1),
    ("broker", "7.00", None),
    ("part", "20.00", True),
    ("reserve", BEA, "10.00", None),
    ("void",),
    ("withdrawal", CAL, "1500.00", None),
    ("day", "BROKER", 2),
    ("answer", "refused"),
]
"""A reserve of which half is given back, one given back whole, a refused withdrawal; and an entity that is
still on its first day when the other is not."""
ON_THE_WAY: Final = [
    *(Moment(at=START + timedelta(milliseconds=n)) for n in range(4, 16)),
    Moment(booking_date=FIRST_DAY),
    Moment(booking_date=FIRST_DAY, value_date=FIRST_DAY),
]


@example(wanted=BY_PARTS, asked=ON_THE_WAY)
@settings(max_examples=8, deadline=None)
@given(wanted=steps, asked=st.lists(moments, min_size=4, max_size=4))
def test_any_balance_at_any_moment_is_what_a_naive_count_comes_to(
    ledger_server: Server, wanted: list[tuple[Any, ...]], asked: list[Moment]
) -> None:
    """For accounts, containers, owners, entities and the book, under any bounds, however dated back."""

    async def run() -> None:
        """Keep the books and ask."""
        async with database(ledger_server, TEMPLATE) as addresses:
            service = await asyncpg.connect(addresses.service)
            model = Naive.of(await keep_books(await StoredLedger.started(service), wanted))
            await service.close()
            asking = await asyncpg.connect(addresses.readonly)
            for moment in (Moment(), *asked):
                await compare(asking, model, moment)
            await asking.close()

    asyncio.run(run())


async def compare(asking: asyncpg.Connection, model: Naive, moment: Moment) -> None:
    """Ask for everything there is at a moment, and count it naively."""
    for account in (*OWNERS, BROKERAGE, *model.changes):
        shown = await account_show(asking, account, moment)
        expected = model.counters(account, moment)
        if shown is None:
            assert moment.at is not None
            assert moment.at <= START
            assert not any(expected)
            continue
        assert counters_of(shown) == expected, (account, moment)
    await compare_sum(asking, model, moment, Scope("book"), list(model.changes))
    await compare_sum(asking, model, moment, Scope("container", CONTAINER), [ANN, SAVINGS])
    scopes = [Scope("entity", "BANK"), Scope("entity", "BROKER"), *[Scope("owner", each) for each in OWNERS]]
    for scope in scopes:
        members = [each for each, facts in model.facts.items() if facts[scope.kind] == scope.code]
        await compare_sum(asking, model, moment, scope, members)


async def compare_sum(
    asking: asyncpg.Connection, model: Naive, moment: Moment, scope: Scope, members: Sequence[str]
) -> None:
    """The total is the members' sum, the lines' sum too, and what has two sides has them equal."""
    found = await balances_show(asking, scope, moment)
    assert found is not None
    lines, totals = found
    each_expected = [model.counters(each, moment) for each in members]
    expected = [sum((each[n] for each in each_expected), Decimal(0)) for n in range(4)]
    shown = [sum((counters_of(each)[n] for each in totals), Decimal(0)) for n in range(4)]
    assert shown == expected, (scope, moment)
    assert [sum((counters_of(each)[n] for each in lines), Decimal(0)) for n in range(4)] == expected
    is_whole = scope.kind in ("entity", "book")
    assert all(each["balanced"] is (True if is_whole else None) for each in totals)


def counters_of(shown: dict[str, Any]) -> list[Decimal]:
    """The four counters as numbers."""
    names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")
    return [Decimal(shown[name]) for name in names]


# ── by table ─────────────────────────────────────────────────────────────────────────────────────

BOOKED = table("""
    amount   value       # each recorded a millisecond after the one before, two a business day
    100.00   -
     20.00   2025-12-30  # dated back
      3.00   2026-01-04  # its value is still to come
      0.50   2026-01-01  # dated back, over a day's end
""")

ASKED = table("""
    at  booking     value       balance
    -   -           -            123.50
    0   -           -              0.00
    1   -           -            100.00
    2   -           -            120.00
    4   -           -            123.00   # the day was opened in between
    -   2025-12-31  -              0.00
    -   2026-01-01  -            120.00
    -   2026-01-02  -            123.50
    -   -           2025-12-29     0.00
    -   -           2025-12-30    20.00
    -   -           2026-01-01   120.50
    -   -           2026-01-03   120.50
    -   -           2026-01-04   123.50
    4   -           2026-01-01   120.00   # nobody knew yet of what was dated back
    -   2026-01-01  2026-01-01   120.00
    -   2026-01-02  2026-01-01   120.50
    4   2026-01-02  2026-01-01   120.00
    1   2026-01-02  2026-01-04   100.00
""")


@pytest.fixture(scope="session")
def dated(ledger_server: Server) -> str:
    """A database with what `BOOKED` says."""

    async def prepare() -> str:
        async with database(ledger_server, TEMPLATE, name="dated_template", keep=True) as addresses:
            service = await asyncpg.connect(addresses.service)
            ledger = await StoredLedger.started(service)
            ledger.now -= timedelta(milliseconds=1)
            await ledger.send(opening(ANN))
            for number, row in enumerate(BOOKED):
                if number == 2:
                    message = instruction(
                        "open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-02"
                    )
                    await ledger.send(*[received(message, partition=shard) for shard in range(PARTITIONS)])
                await ledger.send(deposit(ANN, row["amount"], value_date=row["value"] or None))
            await service.close()
        return "dated_template"

    return asyncio.run(prepare())


@pytest.mark.parametrize("row", ASKED, ids=lambda row: "|".join(row.values()))
async def test_a_balance_follows_the_moment_asked(
    ledger_server: Server, dated: str, row: dict[str, str]
) -> None:
    """What was recorded, booked and valued by then, each bound by itself and together."""
    moment = Moment(
        at=START + timedelta(milliseconds=int(row["at"])) if row["at"] else None,
        booking_date=date.fromisoformat(row["booking"]) if row["booking"] else None,
        value_date=date.fromisoformat(row["value"]) if row["value"] else None,
    )
    asking = await asyncpg.connect(address(ledger_server, "backoffice_readonly", dated))
    shown = await account_show(asking, ANN, moment)
    await asking.close()
    assert shown is not None
    assert shown["balance"] == row["balance"]
    assert (shown["available"] is None) == moment.is_by_date


async def test_an_account_is_unknown_before_it_was_opened(ledger_server: Server, dated: str) -> None:
    """As recorded at an instant there was no such account; by date there is one, with nothing in it."""
    asking = await asyncpg.connect(address(ledger_server, "backoffice_readonly", dated))
    assert await account_show(asking, ANN, Moment(at=START - timedelta(seconds=1))) is None
    assert await balances_show(asking, Scope("owner", ANN), Moment(at=START - timedelta(seconds=1))) == (
        [],
        [],
    )
    assert await balances_show(asking, Scope("owner", "nobody"), Moment()) is None
    assert await balances_show(asking, Scope("entity", "NOBODY"), Moment()) is None
    await asking.close()


async def test_what_was_frozen_and_reserved_then_is_shown_as_of_then(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """Freezes and pending amounts are those of the instant."""
    await ledger.send(opening(ANN), deposit(ANN, "2000.00"))
    (pending,) = await ledger.send(withdrawal(ANN, "1000.00"))
    await ledger.send(instruction("freeze_account", owner=ANN, account=ANN, freeze_id="f", authority="c"))
    frozen = ledger.now
    await ledger.send(instruction("unfreeze_account", owner=ANN, account=ANN, freeze_id="f"))
    await ledger.send(answer(pending, "cleared"))
    asking = await asyncpg.connect(ledger_database.readonly)
    then, now = await account_show(asking, ANN, Moment(at=frozen)), await account_show(asking, ANN)
    await asking.close()
    assert then is not None
    assert now is not None
    assert (then["status"], then["debits_pending"], then["available"]) == ("frozen", "1000.00", "1000.00")
    assert (now["status"], now["debits_pending"], now["balance"]) == ("open", "0.00", "1000.00")
    assert now["as_of"]["1"] == then["as_of"]["1"] + 2


async def test_the_vector_of_an_instant_is_the_last_event_recorded_by_then(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """For each instant of each shard, as counting all rows finds it."""
    await ledger.send(opening(ANN), opening(BEA))
    for number in range(1, 8):
        await ledger.send(deposit(ANN, f"{number}.00"), *[deposit(BEA, "1.00") for _ in range(number % 3)])
    asking = await asyncpg.connect(ledger_database.readonly)
    for milliseconds in range(-1, 12):
        instant = START + timedelta(milliseconds=milliseconds)
        counted = await asking.fetch(
            "SELECT shard.shard, (SELECT count(*) FROM transactions.journal"
            " WHERE journal.shard = shard.shard AND recorded_at <= $1) AS seq FROM transactions.shard",
            instant,
        )
        assert await vector_at(asking, instant) == {row["shard"]: row["seq"] for row in counted}
    await asking.close()
