"""What is counted where: on which copy, on which day, and the same however the stream is cut."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.reporting.domain.events import KINDS, JournalView, read_event
from services.reporting.domain.increments import (
    CHANNELS,
    Delivered,
    Increments,
    fold_alerts,
    fold_decisions,
    fold_journal,
)
from shared.messages.compliance import AlertRaised, DecisionMade, Finding, HoldPlaced
from shared.messages.envelope import HOUSE, Number
from shared.messages.journal import JournalEvent, TransactionPosted
from tests.reporting.books import (
    IDS,
    MONDAY,
    START,
    TUESDAY,
    Delivery,
    Ledger,
    asked,
    home,
    movement,
    two_days,
)

OWNERS = ("ann", "ben", "cyd", "dee")


def fold(deliveries: Sequence[Delivery], days: dict[int, date] | None = None) -> Increments:
    """Fold deliveries as one batch."""
    into = Increments()
    delivered = [Delivered(each.partition, each.primary, read_event(each.value)) for each in deliveries]
    fold_journal(into, delivered, days or {}, home)
    return into


def fold_cut(deliveries: Sequence[Delivery], cuts: Sequence[int]) -> Increments:
    """Fold deliveries as several batches and add these up as the database does."""
    total = Increments()
    bounds = [0, *sorted(cuts), len(deliveries)]
    for start, end in pairwise(bounds):
        part = fold(deliveries[start:end], total.business_days)
        for key, each in part.account_days.items():
            _add(
                total.account_days,
                key,
                each,
                ("debits", "credits", "entries", "debits_pending", "credits_pending"),
            )
        for key, each in part.owner_days.items():
            _add(total.owner_days, key, each, ("debits", "credits", "entries"))
        for key, each in part.activity.items():
            _add(total.activity, key, each, ("count", "amount"))
        for key, count in part.taken.items():
            total.taken[key] = total.taken.get(key, 0) + count
        total.accounts |= part.accounts
        total.entries += part.entries
        total.business_days |= part.business_days
    return total


def _add(totals: dict[Any, Any], key: Any, each: Any, names: tuple[str, ...]) -> None:
    if key not in totals:
        totals[key] = each
        return
    for name in names:
        setattr(totals[key], name, getattr(totals[key], name) + getattr(each, name))


@st.composite
def streams(draw: st.DrawFn) -> list[Delivery]:
    """Draw a stream of a few shards, and one order in which its partitions may be read."""
    books = Ledger()
    waiting: list[Any] = []
    for step in draw(st.lists(st.integers(0, 7), max_size=25)):
        owner, other = draw(st.sampled_from(OWNERS)), draw(st.sampled_from((*OWNERS, HOUSE)))
        moved = movement(f"{owner}/EUR", f"{other}/other-EUR", draw(st.integers(1, 10**9)))
        match step:
            case 0:
                books.open_day(draw(st.dates(MONDAY, TUESDAY)), [home(owner)])
            case 1:
                books.reject(owner, "insufficient_funds", **asked("online"))
            case 2 | 3:
                waiting.append(books.reserve(moved, owner=owner))
            case 4 if waiting:
                books.settle(waiting.pop())
            case 5 if waiting:
                books.void(waiting.pop(0))
            case _:
                books.post(moved, owner=owner)
    lanes: dict[int, list[Delivery]] = {}
    for each in books.delivered:
        lanes.setdefault(each.partition, []).append(each)
    order = draw(st.permutations([lane for lane, records in lanes.items() for _ in records]))
    return [lanes[lane].pop(0) for lane in order]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_cutting_into_batches_counts_the_same(data: st.DataObject) -> None:
    """Batches are an accident; the aggregates must not show them."""
    stream = data.draw(streams())
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    assert fold_cut(stream, cuts) == fold(stream)


@settings(max_examples=60, deadline=None)
@given(stream=streams())
def test_everything_is_counted_once_whatever_the_copies(stream: list[Delivery]) -> None:
    """A naive count over the events themselves, each once, comes to the same figures."""
    counted = fold(stream)
    events = [each.event for each in stream if each.primary]
    debits, credits_, owners = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for event in events:
        if not isinstance(event, TransactionPosted):
            continue
        for each in event.movements:
            minor = int(each.amount.replace(".", ""))
            debits[each.debit.account] += minor
            credits_[each.credit.account] += minor
            owners[each.debit.owner, "debits"] += minor
            owners[each.credit.owner, "credits"] += minor
    found_debits, found_credits, found_owners = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for (account, _, _), day in counted.account_days.items():
        found_debits[account] += day.debits
        found_credits[account] += day.credits
    for (owner, _, _, shard), day in counted.owner_days.items():
        assert shard == home(owner)
        found_owners[owner, "debits"] += day.debits
        found_owners[owner, "credits"] += day.credits
    assert found_debits == debits
    assert found_credits == credits_
    assert found_owners == Counter({key: minor for key, minor in owners.items() if key[0] != HOUSE})
    assert sum(counted.taken.values()) == sum(each.count for each in counted.activity.values()) == len(events)


def test_a_pending_transaction_that_is_posted_counts_once() -> None:
    """Reserving moves nothing; posting moves it and takes the reservation away."""
    books = Ledger()
    pending = books.reserve(movement("ann/EUR", "house/out-EUR", 500), owner="ann", **asked("atm"))
    before = fold(books.delivered).account_days["ann/EUR", MONDAY, home("ann")]
    assert (before.debits, before.entries, before.debits_pending) == (0, 0, 500)
    books.settle(pending)
    counted = fold(books.delivered)
    after = counted.account_days["ann/EUR", MONDAY, home("ann")]
    assert (after.debits, after.entries, after.debits_pending) == (500, 1, 0)
    assert len(counted.entries) == 1
    assert sorted((key[6], key[8], each.count, each.amount) for key, each in counted.activity.items()) == [
        ("pending", False, 1, 500),
        ("posted", True, 1, 500),
    ]


def test_a_pending_transaction_that_is_voided_leaves_nothing() -> None:
    """The reservation is freed, on both sides, and no money has moved."""
    books = Ledger()
    books.void(books.reserve(movement("ann/EUR", "house/out-EUR", 500), owner="ann"))
    counted = fold(books.delivered)
    assert {
        (day.debits, day.credits, day.debits_pending, day.credits_pending)
        for day in counted.account_days.values()
    } == {(0, 0, 0, 0)}
    assert (counted.entries, counted.owner_days) == ([], {})


def test_a_reserve_posted_in_parts_is_reserved_until_it_is_posted_or_freed() -> None:
    """Each part is an instruction's own first outcome; the last one gives back what is left."""
    books = Ledger()
    reserve = books.reserve(movement("ann/EUR", "ben/EUR", 500), owner="ann", screening=False)
    resolves = Number(shard=reserve.shard, seq=reserve.seq)
    books.post(movement("ann/EUR", "ben/EUR", 200), owner="ann", resolves=resolves)
    part = fold(books.delivered).account_days["ann/EUR", MONDAY, home("ann")]
    assert (part.debits, part.debits_pending) == (200, 300)
    books.post(movement("ann/EUR", "ben/EUR", 100), owner="ann", resolves=resolves, freed="2.00")
    counted = fold(books.delivered)
    whole = counted.account_days["ann/EUR", MONDAY, home("ann")]
    assert (whole.debits, whole.entries, whole.debits_pending) == (300, 2, 0)
    assert [(key[6], key[8]) for key in counted.activity if key[6] == "posted"] == [("posted", False)]


def test_a_transaction_of_several_movements_counts_once() -> None:
    """Its amounts go to their assets, its one to the first."""
    books = Ledger()
    legs = movement("ann/EUR", "house/out-EUR", 500), movement("ann/JPY", "house/out-JPY", 7, "JPY", leg=1)
    books.post(*legs, owner="ann")
    counted = fold(books.delivered).activity
    assert sorted((key[4], each.count, each.amount) for key, each in counted.items()) == [
        ("EUR", 1, 500),
        ("JPY", 0, 7),
    ]


def test_a_credit_swept_off_a_closed_account_is_moved_money_and_frees_nothing() -> None:
    """It follows up what closed the account, which held nothing that was reserved."""
    books = Ledger()
    closing = books.apply("ann/EUR", "close_account")
    books.sweep(closing, 500)
    books.shut(closing)
    counted = fold(books.delivered)
    day = counted.account_days["ann/EUR", START.date(), home("ann")]
    assert (day.debits, day.entries, day.debits_pending) == (500, 1, 0)
    assert counted.owner_days["ann", "EUR", START.date(), home("ann")].debits == 500
    assert len(counted.entries) == 1
    found = sorted(
        (key[3], key[6], key[8], each.count, each.amount) for key, each in counted.activity.items()
    )
    assert found == [
        ("close_account", "applied", False, 1, 0),
        ("close_account", "closed", True, 1, 0),
        ("close_account", "swept", True, 1, 500),
    ]


def test_what_is_owed_for_a_trade_is_moved_money_and_leaves_what_is_pending() -> None:
    """It follows up the trade, whose movements stay reserved."""
    books = Ledger()
    trade = books.reserve(movement("ann/EUR", "house/nostro-EUR", 500), owner="ann", screening=False)
    books.book(trade, 500)
    counted = fold(books.delivered)
    assert counted.account_days["ann/EUR", START.date(), home("ann")].debits_pending == 500
    owed = counted.account_days["house/trade_receivable-EUR", START.date(), home("ann")]
    assert (owed.debits, owed.entries, owed.debits_pending) == (500, 1, 0)
    assert sorted((key[6], key[8], each.amount) for key, each in counted.activity.items()) == [
        ("booked", True, 500),
        ("pending", False, 500),
    ]


def test_a_rejection_counts_on_the_business_day_its_shard_stood_at() -> None:
    """It has no booking date of its own; the recorded day would put a replayed year on one day."""
    books = Ledger()
    books.reject("ann", "account_unknown")
    books.open_day(TUESDAY)
    books.reject("ann", "limit")
    days = {key[7]: key[1] for key in fold(books.delivered).activity if key[6] == "rejected"}
    assert days == {"account_unknown": START.date(), "limit": TUESDAY}


def test_an_adjustment_of_an_earlier_period_does_not_take_its_shard_back() -> None:
    """It counts on its own day, and what books nothing goes on counting on the open one."""
    books = Ledger()
    books.open_day(TUESDAY)
    earlier = {"instruction_type": "adjustment", "booking_date": START.date()}
    books.post(movement("house/nostro-EUR", "house/suspense-EUR", 500), owner=HOUSE, **earlier)
    shard = books.delivered[-1].event.shard
    counted = fold(books.delivered)
    assert counted.business_days[shard] == TUESDAY
    assert counted.account_days["house/nostro-EUR", START.date(), shard].debits == 500


def test_a_dry_run_counts_nowhere_but_among_the_events_taken() -> None:
    """It is no activity, and what it would move moves nothing."""
    books = Ledger()
    books.try_out(movement("ann/EUR", "ben/EUR", 500), owner="ann")
    counted = fold(books.delivered)
    assert [(key[3], count) for key, count in counted.taken.items()] == [("DryRunJudged", 1)]
    assert (counted.activity, counted.account_days, counted.owner_days, counted.entries) == ({}, {}, {}, [])


def test_what_was_scheduled_counts_as_such_and_on_its_day_by_what_came_of_it() -> None:
    """Its execution frees nothing that was pending, and is a first outcome as any other of that day."""
    books = Ledger()
    moved = movement("ann/EUR", "ben/EUR", 500)
    first = books.schedule("ann", TUESDAY)
    books.open_day(TUESDAY)
    executes = {"executes": Number(shard=first.shard, seq=first.seq)}
    books.post(moved, owner="ann", **executes)
    books.reject("ann", "insufficient_funds", **executes)
    into = fold(books.delivered)
    counted = {(key[1], key[6], key[8]): each.count for key, each in into.activity.items()}
    assert {key: count for key, count in counted.items() if key[1] != "applied"} == {
        (MONDAY, "scheduled", False): 1,
        (TUESDAY, "posted", False): 1,
        (TUESDAY, "rejected", False): 1,
    }
    account_day = into.account_days["ann/EUR", TUESDAY, home("ann")]
    assert (account_day.debits, account_day.debits_pending) == (500, 0)


def test_a_channel_upstream_invents_counts_as_other() -> None:
    """Whoever rejects may repeat what was sent; it must not make rows without end."""
    books = Ledger()
    books.reject("ann", "malformed", **asked("carrier-pigeon"))
    assert [key[5] for key in fold(books.delivered).activity] == ["other"]
    assert "branch" in CHANNELS


def test_a_secondary_copy_only_adds_its_owners() -> None:
    """Transactions and accounts are counted on the primary."""
    books = Ledger()
    books.post(movement("ann/EUR", "ben/EUR", 500), owner="ann")
    assert home("ann") != home("ben")
    _, secondary = books.delivered
    counted = fold([secondary])
    assert [key[0] for key in counted.owner_days] == ["ben"]
    assert (counted.account_days, counted.activity, counted.taken, counted.entries) == ({}, {}, {}, [])


def test_compliance_is_counted_by_event_and_by_rule() -> None:
    """The row without a rule counts events; a rule's row those it was found in."""
    into = Increments()
    findings = tuple(
        Finding(rule=rule, rule_version=1, sentence="-", values={}) for rule in ("STR-1", "CTR-1")
    )
    head: dict[str, Any] = {"shard": 1, "seq": 1, "recorded_at": START, "owner": "ann"}
    asked_for: dict[str, Any] = {"instruction_id": IDS, "first": Number(shard=1, seq=1)}
    fold_decisions(
        into,
        [
            DecisionMade(**head, **asked_for, content_hash="00", decision="cleared"),
            DecisionMade(**head, **asked_for, content_hash="00", decision="refused", findings=findings),
        ],
    )
    fold_alerts(
        into,
        [
            AlertRaised(**head, alert_id="1-1", rule="CTR-1", findings=findings[1:], business_date=TUESDAY),
            HoldPlaced(
                **head, **asked_for, findings=findings[:1], deadline=START, asset="EUR", amount="1.00"
            ),
        ],
    )
    assert {key[1:]: count for key, count in into.compliance_days.items()} == {
        (MONDAY, "decision", "cleared", ""): 1,
        (MONDAY, "decision", "refused", ""): 1,
        (MONDAY, "decision", "refused", "CTR-1"): 1,
        (MONDAY, "decision", "refused", "STR-1"): 1,
        (TUESDAY, "alert", "", ""): 1,
        (TUESDAY, "alert", "", "CTR-1"): 1,
        (MONDAY, "hold", "", ""): 1,
        (MONDAY, "hold", "", "STR-1"): 1,
    }
    assert sum(into.taken.values()) == 4


def test_every_kind_of_event_of_the_contract_is_known() -> None:
    """A new event must be given its place here before it is published."""
    assert {kind.__name__ for kind in get_args(JournalEvent)} == KINDS


def test_the_narrow_view_only_reads_fields_of_the_contract() -> None:
    """A field renamed in the contract must fail here, not be silently absent."""
    known: set[str] = set()
    for kind in get_args(JournalEvent):
        assert issubclass(kind, BaseModel)
        known |= {each.alias or name for name, each in kind.model_fields.items()}
    assert set(JournalView.__annotations__) <= known


@pytest.mark.parametrize("value", [b"", b"{}", b'{"type": "TransactionPosted"}', b"\xff"])
def test_what_is_no_event_is_refused(value: bytes) -> None:
    """A hole would make the fold a lie."""
    with pytest.raises(ValueError):
        read_event(value)


def test_an_event_of_an_unknown_kind_is_refused() -> None:
    """Passed over, it would make every figure a lie; the shard halts until the program knows it."""
    value = two_days().delivered[0].value.replace(b"BusinessDayOpened", b"SomethingElse")
    with pytest.raises(ValueError, match="SomethingElse"):
        read_event(value)
