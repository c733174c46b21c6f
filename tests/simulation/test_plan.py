"""The simulated upstream: repeatable, well-formed where it should be, fast enough to load the ledger."""

import itertools
import json
import time
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal as Exact
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.simulator import SimulatedRecord, anchor_id, first_day_after, plan
from shared.messages.instructions import INSTRUCTION
from shared.messages.kinds import BROADCAST
from shared.messages.partitioner import partition_of

START = date(2026, 1, 2)
NOT_AN_INSTRUCTION = ("unreadable", "wrong_amount_not_a_string")
LISTED = ("Yorick Undertow", "Brunhilde von Nebelstein")


def stream(count: int, *, seed: int = 7, partitions: int = 4, start: date = START) -> list[SimulatedRecord]:
    """Return a whole stream."""
    return list(plan(seed=seed, count=count, partitions=partitions, start=start, listed_names=LISTED))


@pytest.fixture(scope="module")
def records() -> list[SimulatedRecord]:
    """A stream long enough to hold every kind."""
    return stream(12_000)


def test_the_same_seed_gives_the_same_stream(records: list[SimulatedRecord]) -> None:
    """A failing run must be repeatable from its seed alone."""
    assert stream(12_000) == records


def test_another_seed_has_customers_and_ids_of_its_own(records: list[SimulatedRecord]) -> None:
    """Two seeds can be played into one ledger without meeting."""
    other = stream(2_000, seed=8)
    assert not {each.key for each in other if each.key != b"house"} & {each.key for each in records}
    assert not ids_of(other) & ids_of(records)


@settings(max_examples=25, deadline=None)
@given(short=st.integers(1, 900), seed=st.integers(0, 5))
def test_a_stream_is_a_prefix_of_every_longer_one(short: int, seed: int) -> None:
    """So a longer run of a seed goes on where the shorter one ended."""
    longer = plan(seed=seed, count=1_000, partitions=3, start=START)
    shorter = stream_of(seed, short)
    assert list(itertools.islice(longer, len(shorter))) == shorter


def stream_of(seed: int, count: int) -> list[SimulatedRecord]:
    """Return a stream without a watch list."""
    return list(plan(seed=seed, count=count, partitions=3, start=START))


@pytest.mark.parametrize("count", [1, 2, 299, 300, 301, 5_000])
def test_count_is_the_number_of_instructions(count: int) -> None:
    """A broadcast is one instruction, though it is a record in each partition."""
    found = stream(count)
    broadcast = sum(each.kind in BROADCAST for each in found)
    assert len(found) - broadcast + broadcast // 4 == count


def test_every_record_is_what_its_kind_says(records: list[SimulatedRecord]) -> None:
    """Hand-built JSON is held against the wire contract; only the unreadable kinds fail it."""
    for record in records:
        if record.kind in NOT_AN_INSTRUCTION:
            with pytest.raises(ValidationError):
                INSTRUCTION.validate_json(record.value)
        else:
            INSTRUCTION.validate_json(record.value)


def test_the_key_is_the_owner_but_where_that_is_the_mistake(records: list[SimulatedRecord]) -> None:
    """Rule 1: an instruction is keyed by its home owner."""
    for record in records:
        if record.kind in ("unreadable", "wrong_key"):
            continue
        assert json.loads(record.value)["owner"].encode() == record.key


def test_a_business_day_is_the_same_record_in_every_partition(records: list[SimulatedRecord]) -> None:
    """It must be ordered with the postings of each shard."""
    by_value: dict[bytes, list[int | None]] = defaultdict(list)
    for record in records:
        if record.kind == "open_business_day":
            by_value[record.value].append(record.partition)
    assert len(by_value) > 10
    assert all(partitions == [0, 1, 2, 3] for partitions in by_value.values())
    days = [json.loads(value)["booking_date"] for value in by_value]
    assert days[0] == START.isoformat()
    assert days == sorted(set(days))
    assert all(date.fromisoformat(day).weekday() < 5 for day in days)


def test_only_broadcasts_and_the_wrong_partition_name_a_partition(records: list[SimulatedRecord]) -> None:
    """All else goes where its key says."""
    for record in records:
        if record.partition is None:
            continue
        assert record.kind in (*BROADCAST, "wrong_partition")
        if record.kind == "wrong_partition":
            assert record.partition != partition_of(record.key, 4)


def test_a_month_is_closed_softly_and_then_for_good(records: list[SimulatedRecord]) -> None:
    """Periods follow each other without a gap, and each ends before the open day."""
    day, closings = START, dict[bytes, tuple[str, str, str]]()
    for record in records:
        fields = json.loads(record.value) if record.kind in BROADCAST else {}
        if record.kind == "open_business_day":
            day = date.fromisoformat(fields["booking_date"])
        elif record.kind == "close_period":
            assert date.fromisoformat(fields["last_day"]) < day
            closings[record.value] = (fields["first_day"], fields["last_day"], fields["state"])
    found = list(closings.values())
    assert found == [
        ("2000-01-01", "2026-01-31", "soft_closed"),
        ("2000-01-01", "2026-01-31", "closed"),
    ]


def test_what_accrues_in_a_month_never_grows_less(records: list[SimulatedRecord]) -> None:
    """It is all that has accrued so far, and finer than the asset."""
    accrued: dict[tuple[str, str], Exact] = {}
    for record in records:
        if record.kind == "accrual":
            fields = json.loads(record.value)
            key, so_far = (fields["account"], fields["series"]), Exact(fields["cumulative"])
            assert so_far >= accrued.get(key, Exact(0))
            accrued[key] = so_far
    assert any(each * 100 % 1 for each in accrued.values())


def test_ids_are_ordered_by_time(records: list[SimulatedRecord]) -> None:
    """Time-ordered ids (version 7) keep the index of known ids cheap."""
    made = [
        UUID(json.loads(each.value)["instruction_id"])
        for each in records
        if each.kind not in ("unreadable", "repeated", "wrong_id_reused")
    ]
    assert made[0] == anchor_id(7)
    assert {each.version for each in made} == {7}
    stamps = [each.int >> 80 for each in made]
    assert stamps == sorted(stamps)


def test_every_planted_kind_occurs(records: list[SimulatedRecord]) -> None:
    """A demo without holds, alerts, freezes or mistakes would show nothing."""
    kinds = Counter(each.kind for each in records)
    for kind in (
        "open_account", "salary", "card", "cash_deposit", "cash_withdrawal", "transfer", "payment", "fee",
        "interest", "accrual", "close_period", "freeze_account", "unfreeze_account", "change_limit",
        "change_holder", "shared_deposit",
        "exchange", "instant_transfer", "payment_order",
        "close_account", "reopen_account",
        "open_custody", "custody_transfer", "trade", "settlement", "repeated",
        "structuring_deposit", "large_cash_deposit", "payment_to_listed_name", "unreadable",
        "unknown_beneficiary", "house_posting", "dry_run", "authorisation", "capture", "release", "reversal",
        "return",
    ):  # fmt: skip
        assert kinds[kind] > 0, kind
    wrong = {kind for kind in kinds if kind.startswith("wrong_")}
    assert len(wrong) >= 17


def test_structuring_is_three_cash_deposits_under_the_threshold_in_one_day(
    records: list[SimulatedRecord],
) -> None:
    """Scenario STR-1 must find what was planted."""
    days: dict[tuple[str, str], int] = Counter()
    for record in records:
        if record.kind == "structuring_deposit":
            fields = json.loads(record.value)
            assert 8_000 <= float(fields["amount"]) < 10_000
            assert fields["channel"]["cash"] is True
            days[fields["owner"], fields["occurred_at"][:10]] += 1
    assert days
    assert min(days.values()) >= 3


def test_somebody_pays_in_for_several_customers_what_is_reportable_together_alone(
    records: list[SimulatedRecord],
) -> None:
    """CTR-1 must find the person, and of the customers nobody by these deposits."""
    roles: dict[str, str] = {}
    paid: dict[tuple[str, str], dict[str, Exact]] = defaultdict(lambda: defaultdict(Exact))
    for record in records:
        if record.kind in ("open_account", "shared_deposit"):
            fields = json.loads(record.value)
            party = fields.get("party", {})
            for each in (party, *party.get("holders", ())):
                if each.get("person"):
                    roles[fields["owner"]] = each["person"]
            if record.kind == "shared_deposit":
                assert fields["channel"].get("conductor") in (None, roles[fields["owner"]])
                on_the_day = roles[fields["owner"]], fields["occurred_at"][:10]
                paid[on_the_day][fields["owner"]] += Exact(fields["amount"])
    assert paid
    for customers in paid.values():
        assert len(customers) > 1
        assert max(customers.values()) < 10_000 < sum(customers.values())


def test_a_repeated_record_was_sent_before(records: list[SimulatedRecord]) -> None:
    """Same id, same content, same key: a duplicate and nothing else."""
    seen: set[tuple[bytes, bytes]] = set()
    for record in records:
        if record.kind == "repeated":
            assert (record.key, record.value) in seen
        seen.add((record.key, record.value))


def test_a_reused_id_comes_with_another_amount(records: list[SimulatedRecord]) -> None:
    """Same id, other content: the ledger must say `id_reused`."""
    amounts: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.kind == "unreadable":
            continue
        fields = json.loads(record.value)
        if record.kind == "wrong_id_reused":
            assert amounts[fields["instruction_id"]]
            assert fields["amount"] not in amounts[fields["instruction_id"]]
        elif "amount" in fields:
            amounts[fields["instruction_id"]].add(str(fields["amount"]))


def test_days_skip_weekends() -> None:
    """Friday is followed by Monday."""
    assert first_day_after(date(2026, 1, 2)) == date(2026, 1, 5)
    assert first_day_after(date(2026, 1, 5)) == date(2026, 1, 6)


def test_it_makes_records_faster_than_the_ledger_takes_them() -> None:
    """A load generator must not be what is measured: a fifth of the 50,000/s wanted, on a busy machine."""
    started = time.process_time()
    made = sum(1 for _ in plan(seed=3, count=20_000, partitions=12, start=START))
    assert made / (time.process_time() - started) > 10_000


def ids_of(records: list[SimulatedRecord]) -> set[str]:
    """Return the ids of the readable ones."""
    return {json.loads(each.value)["instruction_id"] for each in records if each.kind != "unreadable"}
