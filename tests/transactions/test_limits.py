"""Limits that change on a date: who may set them, which one is in force, and what it lets through."""

# ruff: noqa: E501 - tables are as wide as what they show

from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.queries import Moment, account_show
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    closing,
    deposit,
    instruction,
    limiting,
    opening,
    outcome,
    owner_in,
    received,
    reopening,
    reversal,
    table,
    transfer,
    withdrawal,
)


def opening_day(day: str) -> list[Any]:
    """Move the bank's books on to a day, in every shard."""
    message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=day)
    return [received(message, partition=shard) for shard in range(PARTITIONS)]


def a_bank() -> PureLedger:
    """Alice and Bob with 100.00 EUR each, on the second day of the books."""
    ledger = PureLedger()
    ledger.send(opening("alice"), opening("bob"), opening("alice", "alice-usd", asset="USD"))
    ledger.send(deposit("alice", "100.00"), deposit("bob", "100.00"), *opening_day("2026-01-05"))
    ledger.events.clear()
    return ledger


CHANGES = table("""
    owner  account          limit               from        until       outcome                    field
    alice  alice            50.00               -           -           applied                    -
    alice  alice            0                   -           -           applied                    -
    alice  alice            null                -           -           applied                    -
    alice  alice            50.00               2026-01-05  -           applied                    -
    alice  alice            50.00               2026-02-01  2026-02-02  applied                    -
    alice  alice            50.00               2026-01-04  -           validity_past              valid_from   # the open day is the 5th
    alice  alice            50.00               -           2026-01-05  validity_past              valid_until  # over before it begins
    alice  alice            50.00               -           2026-01-06  applied                    -            # for this day alone
    alice  alice            50.00               2026-02-01  2026-02-01  validity_empty             valid_until
    alice  alice            50.00               2026-02-01  2026-01-31  validity_empty             valid_until
    alice  alice            50.00               1899-12-31  -           date_out_of_range          valid_from
    alice  alice            50.00               -           2101-01-01  date_out_of_range          valid_until
    alice  alice            -1.00               -           -           amount_negative            limit
    alice  alice            0.001               -           -           amount_too_many_decimals   limit
    alice  alice            92233720368547758.08  -         -           amount_too_large           limit
    alice  alice            fifty               -           -           amount_malformed           limit
    alice  nobody           50.00               -           -           account_unknown            account
    alice  nobody           0.001               -           -           account_unknown            account      # its scale is not known
    alice  bob              50.00               -           -           wrong_owner                owner
    house  BANK/nostro/EUR  50.00               -           -           account_class_not_allowed  account
""")


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: f"{row['account']} {row['limit']} {row['outcome']}")
def test_a_limit_is_set_or_refused(row: dict[str, str]) -> None:
    """On a customer's account, by its owner's record, for days that are not gone."""
    message = limiting(
        row["owner"],
        None if row["limit"] == "null" else row["limit"],
        row["account"],
        valid_from=row["from"] or None,
        valid_until=row["until"] or None,
    )
    (event,) = a_bank().send(message)
    assert outcome(event) == row["outcome"]
    assert event.get("field", "") == row["field"]
    if row["outcome"] == "applied":
        assert event["account"]["account"] == row["account"]
        assert event["valid_from"] == (row["from"] or "2026-01-05")


def test_no_limit_is_set_on_what_is_closed() -> None:
    """Nor while it is closing: it takes no debits. Opened again, it has the limit that it had, and may have another."""
    ledger = a_bank()
    ledger.send(limiting("alice", "7.00"), opening("alice", "idle", limit="3.00"), closing("alice", "idle"))
    (closing_,) = ledger.send(limiting("alice", "50.00", "idle", valid_from="2026-01-01"))
    assert (outcome(closing_), closing_["field"]) == ("account_closed", "account")
    ledger.tick(ledger.accounts["idle"].shard)
    (closed,) = ledger.send(limiting("alice", "50.00", "idle"))
    assert outcome(closed) == "account_closed"
    ledger.send(reopening("alice", "idle"))
    used, beyond, again = ledger.send(
        withdrawal("alice", "3.00", "idle"),
        withdrawal("alice", "0.01", "idle"),
        limiting("alice", "50.00", "idle"),
    )
    assert [outcome(each) for each in (used, beyond, again)] == ["posted", "insufficient_funds", "applied"]


def test_who_has_set_a_limit_must_be_said() -> None:
    """And a limit, though it may be none; what is left out is no decision."""
    ledger = a_bank()
    for name in ("authority", "limit"):
        message = {key: value for key, value in limiting("alice", "1.00").items() if key != name}
        (event,) = ledger.send(message)
        assert (event["reason"], event["field"]) == ("field_missing", name)


STEPS = table("""
    set                                                        day         most
    -                                                          2026-01-05  100.00
    50                                                         2026-01-05  150.00
    50@2026-01-06                                              2026-01-05  100.00  # not yet
    50@2026-01-06                                              2026-01-06  150.00
    50@2026-01-06..2026-01-08                                  2026-01-07  150.00
    50@2026-01-06..2026-01-08                                  2026-01-08  100.00  # the one it was opened with again
    50@2026-01-06,70@2026-01-08                                2026-01-07  150.00
    50@2026-01-06,70@2026-01-08                                2026-01-08  170.00
    50@2026-01-08,70@2026-01-06                                2026-01-08  170.00  # the one set last, not the one that begins last
    50@2026-01-06,70@2026-01-07..2026-01-08                    2026-01-07  170.00
    50@2026-01-06,70@2026-01-07..2026-01-08                    2026-01-08  150.00  # under it lies the one before
    50@2026-01-06,0@2026-01-07                                 2026-01-07  100.00
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", STEPS, ids=lambda row: f"{row['set']} {row['day']}")
def test_the_limit_in_force_is_the_last_one_set_that_holds_on_the_day(
    row: dict[str, str], batches: int, quick: bool
) -> None:
    """To the last cent and no further, in one batch or in several."""
    ledger = a_bank()
    ledger.quick = quick
    home = shard_of("alice", PARTITIONS)
    messages: list[Any] = []
    for each in row["set"].split(",") if row["set"] else []:
        limit, _, days = each.partition("@")
        since, _, until = days.partition("..")
        messages.append(limiting("alice", limit, valid_from=since or None, valid_until=until or None))
    if row["day"] != "2026-01-05":
        messages += [each for each in opening_day(row["day"]) if each.shard == home]
    one_more = f"{int(row['most'][:-3])}.01"
    messages += [transfer("alice", "bob", one_more), transfer("alice", "bob", row["most"])]
    records = [each if not isinstance(each, dict) else received(each) for each in messages]
    events = ledger.run(records) if batches == 1 else ledger.send(*records)
    assert [outcome(each) for each in events[-2:]] == ["insufficient_funds", "posted"]


def test_none_is_no_limit_at_all_and_a_lower_one_calls_nothing_back() -> None:
    """What was used stays; it only stops what would use more."""
    ledger = a_bank()
    events = ledger.send(
        limiting("alice", None),
        transfer("alice", "bob", "5000.00"),
        limiting("alice", "10.00"),
        transfer("alice", "bob", "0.01"),
        instruction("fee", owner="alice", account="alice", amount="1.00", asset="EUR"),
        deposit("alice", "4900.00"),
        transfer("alice", "bob", "9.00"),
        transfer("alice", "bob", "0.01"),
    )
    assert [outcome(each) for each in events] == [
        "applied", "posted", "applied", "insufficient_funds", "posted", "posted", "posted", "insufficient_funds",
    ]  # fmt: skip
    assert events[4]["limit_passed"]
    assert ledger.balance("alice") == -10_00


CAPPED = table("""
    cap     what                          outcome
    50.00   transfer:50.00                posted
    50.00   transfer:50.01                cap_passed
    50.00   transfer:200.00               insufficient_funds  # before the cap
    50.00   withdrawal:50.01              cap_passed
    50.00   reserve:50.01                 cap_passed
    50.00   charged:49.50                 posted              # with a fee of 0.50 on top
    50.00   charged:49.51                 cap_passed
    50.00   group:30.00:20.00             posted
    50.00   group:30.00:20.01             cap_passed
    50.00   fee:50.01                     posted              # a fact
    0       transfer:0.01                 cap_passed
    -       transfer:90.00                posted
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", CAPPED, ids=lambda row: f"{row['cap']} {row['what']}")
def test_no_request_takes_more_at_one_go_than_the_cap(row: dict[str, str], quick: bool) -> None:
    """With its charges, and all that a group takes; though there is more, and again at once."""
    ledger = a_bank()
    ledger.quick = quick
    ledger.send(limiting("alice", "0", **({"cap": row["cap"]} if row["cap"] else {})))
    what, *amounts = row["what"].split(":")
    charges = [{"kind": "fee", "amount": "0.50", "asset": "EUR"}]
    message = {
        "transfer": lambda: transfer("alice", "bob", amounts[0]),
        "withdrawal": lambda: withdrawal("alice", amounts[0]),
        "reserve": lambda: instruction(
            "reserve", owner="alice", account="alice", amount=amounts[0], asset="EUR"
        ),
        "charged": lambda: transfer("alice", "bob", amounts[0], charges=charges),
        "group": lambda: instruction(
            "group", owner="alice", members=[transfer("alice", "bob", each) for each in amounts]
        ),
        "fee": lambda: instruction("fee", owner="alice", account="alice", amount=amounts[0], asset="EUR"),
    }[what]()
    (event,) = ledger.send(message)
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "cap_passed":
        field = {"charged": "charges.0.amount", "group": "members.1.amount"}.get(what, "amount")
        assert event["field"] == field


def test_a_cap_holds_for_accounts_without_a_limit_and_ends_with_its_days() -> None:
    """The last limit set that holds says both; a reversal passes any cap."""
    ledger = a_bank()
    ledger.send(limiting("alice", None), limiting("alice", None, cap="5.00", valid_until="2026-01-06"))
    paid = transfer("bob", "alice", "20.00")
    undone = reversal(paid, "alice")
    events = ledger.send(transfer("alice", "bob", "500.00"), paid, undone, *opening_day("2026-01-06"))
    assert [outcome(each) for each in events[:3]] == ["cap_passed", "posted", "posted"]
    assert outcome(ledger.send(transfer("alice", "bob", "500.00"))[0]) == "posted"


def test_a_cap_is_an_amount_of_the_account() -> None:
    """Or nothing, or none; as a limit is."""
    for cap, reason in (
        ("-1.00", "amount_negative"),
        ("0.001", "amount_too_many_decimals"),
        ("x", "amount_malformed"),
    ):
        (event,) = a_bank().send(limiting("alice", "0", cap=cap))
        assert (outcome(event), event["field"]) == (reason, "cap")


async def test_a_cap_is_kept_and_derived_anew(ledger: StoredLedger, ledger_database: LedgerDatabase) -> None:
    """After a claim, in the tables, in what is shown, and by the verifier."""
    await ledger.send(opening(HOME), opening(NEIGHBOUR), deposit(HOME, "100.00"))
    await ledger.send(limiting(HOME, "0", cap="20.00"), transfer(HOME, NEIGHBOUR, "15.00"))
    await ledger.forget()
    events = await ledger.send(transfer(HOME, NEIGHBOUR, "20.01"), transfer(HOME, NEIGHBOUR, "20.00"))
    assert [outcome(each) for each in events] == ["cap_passed", "posted"]
    connection = await asyncpg.connect(ledger_database.readonly)
    shown = await account_show(connection, HOME, Moment())
    await connection.close()
    assert shown is not None
    assert [each["cap"] for each in shown["limits"]] == ["20.00"]
    assert (await verify(ledger_database.readonly)).ok
    owner = await asyncpg.connect(ledger_database.owner, server_settings={"search_path": "transactions"})
    await owner.execute("UPDATE account_limit SET cap_minor = 1000")
    await owner.close()
    tampered = await verify(ledger_database.readonly)
    assert [each.name for each in tampered.checks if not each.ok] == ["limits"]


LADDER = table("""
    broken                          outcome
    key,id,limit,account,past       wrong_key
    id,limit,account,past           id_reused
    limit,account,past              amount_negative
    empty,account,past              validity_empty
    account,past                    account_unknown
    past                            validity_past
    -                               applied
""")


@pytest.mark.parametrize("row", LADDER, ids=lambda row: row["outcome"])
def test_the_first_rung_that_fails_names_the_reason(row: dict[str, str]) -> None:
    """Whatever else is wrong with the instruction."""
    ledger = a_bank()
    broken = row["broken"].split(",")
    used = limiting("alice", "1.00")
    ledger.send(used)
    message = limiting("alice", "50.00", valid_from="2026-01-05", valid_until="2026-01-09")
    if "past" in broken:
        message["valid_from"] = "2026-01-02"
    if "empty" in broken:
        message["valid_until"] = "2026-01-01"
    if "account" in broken:
        message["account"] = "nobody"
    if "limit" in broken:
        message["limit"] = "-1.00"
    if "id" in broken:
        message["instruction_id"] = used["instruction_id"]
    (event,) = ledger.send(received(message, key="bob" if "key" in broken else None))
    assert outcome(event) == row["outcome"]


HOME, NEIGHBOUR = owner_in(1), owner_in(1, "neighbour")
limits = st.sampled_from(["0", "10.00", "500.00", None])
days = st.integers(6, 12).map(lambda day: f"2026-01-{day:02}")
CHANGING = st.builds(
    lambda limit, since, length: limiting(
        HOME,
        limit,
        valid_from=since and f"2026-01-{since:02}",
        valid_until=length and f"2026-01-{(since or 5) + length:02}",
    ),
    limits,
    st.none() | st.integers(5, 12),
    st.none() | st.integers(1, 5),
)
SPENDING = st.sampled_from(["5.00", "90.00", "300.00"]).map(lambda amount: transfer(HOME, NEIGHBOUR, amount))
STREAMS = st.lists(CHANGING | SPENDING | days, min_size=4, max_size=25)


def decided(drawn: list[Any], cut: int, *, quick: bool) -> tuple[list[Any], Any]:
    """Decide the stream of one shard, cut before this place."""
    ledger = PureLedger(quick=quick)
    ledger.send(opening(HOME), opening(NEIGHBOUR), deposit(HOME, "100.00"))
    records: list[Any] = []
    for each in drawn:
        if isinstance(each, str):
            message = instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date=each)
            message["instruction_id"] = f"00000000-0000-0000-0000-0000000000{each[-2:]}"
            records.append(received(message, partition=1))
        else:
            records.append(received(each))
    for number, record in enumerate(records):
        record.offset = number
    already = len(ledger.decisions[1])
    ledger.run(records[:cut])
    ledger.run(records[cut:])
    return ledger.decisions[1][already:], ledger.states[1].limits


@given(STREAMS, st.integers(0, 25))
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_limits_are_the_same_however_decided(drawn: list[Any], cut: int) -> None:
    """In one batch or two, judged quickly or on the ladder; and no request ever passes the one in force."""
    whole = decided(drawn, 0, quick=False)
    assert decided(drawn, cut, quick=False) == whole
    assert decided(drawn, cut, quick=True) == whole
