"""Custody accounts for any security, what comes into them and leaves, and that the stock record is even."""

# ruff: noqa: E501 - tables are as wide as what they show

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from services.transactions.domain.chart import WITHIN, ChartAsset, code_within, make_account
from services.transactions.queries import account_show
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    custody,
    custody_transfer,
    deposit,
    instruction,
    opening,
    outcome,
    owner_in,
    table,
    trade,
    transfer,
)
from tests.transactions.test_fold import SHARD, STREAMS, a_ledger, stream

BOND = "US912810TM09"
BOX, HELD = "alice/custody", f"alice/custody#{ISIN}"


def a_bank() -> PureLedger:
    """Alice with a custody account and one of a single security, Bob with a custody account, and cash."""
    ledger = PureLedger()
    ledger.send(opening("alice"), custody("alice"), custody("bob"), deposit("alice", "5.00"))
    ledger.send(opening("alice", "alice/isin", asset=ISIN, **{"class": "custody"}))
    return ledger


def freezing(account: str, direction: str = "both", owner: str = "alice") -> dict[str, Any]:
    """Freeze an account."""
    given = {"account": account, "freeze_id": "f", "authority": "court", "direction": direction}
    return instruction("freeze_account", owner=owner, **given)


OPENINGS = table("""
    account         asset  class    container      outcome
    alice/second    -      custody  -              applied
    alice/second    -      cash     -              account_class_not_allowed  # money is of a currency
    alice/second    EUR    custody  -              account_class_not_allowed
    alice/second    XXX    custody  -              asset_unknown              # no currency is no asset to hold
    alice+second    EUR    cash     -              field_malformed            # only the ledger opens such
    alice/second    US0378331005  custody  alice/custody  container_not_allowed      # opened when it is needed
    alice/second    US0378331005  custody  alice/isin     applied
    alice/custody   -      custody  -              account_exists
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa   -  custody  -  applied
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  -  custody  -  field_malformed  # no room for the security
""")


@pytest.mark.parametrize(
    "row", OPENINGS, ids=lambda row: f"{row['account'][-7:]} {row['class']} {row['outcome']}"
)
def test_a_custody_account_is_opened_or_not(row: dict[str, str]) -> None:
    """Without an asset it holds any security, and none itself."""
    ledger = a_bank()
    fields = {name: row[name] or None for name in ("asset", "class", "container")}
    (event,) = ledger.send(opening("alice", row["account"].replace("+", WITHIN), **fields))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "applied" and not row["asset"]:
        assert (event["asset"], event["scale"], event["account"]["class"]) == ("XXX", 0, "custody")


TRANSFERS = table("""
    account        direction  quantity  asset         location    outcome                   routed                     debit                         credit
    alice/custody  receive    10        US0378331005  depository  posted                    -                          BANK/depository/US0378331005  alice/custody+US0378331005
    alice/custody  receive    10        US0378331005  custodian   posted                    -                          BANK/custodian/US0378331005   alice/custody+US0378331005
    alice/isin     receive    10        US0378331005  depository  posted                    -                          BANK/depository/US0378331005  alice/isin
    alice/custody  deliver    10        US0378331005  depository  posted                    -                          alice/custody+US0378331005    BANK/depository/US0378331005  # has happened: short
    nobody         receive    10        US0378331005  depository  posted                    account_unknown            BANK/depository/US0378331005  BANK/suspense/US0378331005
    bob/custody    receive    10        US0378331005  depository  posted                    wrong_owner                BANK/depository/US0378331005  BANK/suspense/US0378331005
    alice          receive    10        US0378331005  depository  posted                    asset_mismatch             BANK/depository/US0378331005  BANK/suspense/US0378331005
    alice/custody  receive    10        EUR           depository  asset_not_used            -                          -                             -                             # the bank keeps no euros there
    alice/custody  receive    10        US0378331005  nowhere     asset_not_used            -                          -                             -
    alice/custody  receive    10        US912810TM09  depository  asset_not_used            -                          -                             -
    alice/custody  receive    1.5       US0378331005  depository  amount_too_many_decimals  -                          -                             -
    alice/custody  receive    0         US0378331005  depository  amount_zero               -                          -                             -
    alice/custody  receive    10        XXX           depository  asset_unknown             -                          -                             -
    alice/custody  sideways   10        US0378331005  depository  field_value_unknown       -                          -                             -
""")


@pytest.mark.parametrize(
    "row", TRANSFERS, ids=lambda row: f"{row['account']} {row['direction']} {row['outcome']} {row['routed']}"
)
def test_a_custody_transfer_is_booked(row: dict[str, str]) -> None:
    """Between the holder and where the securities are; it is a fact, and is never lost."""
    ledger = a_bank()
    fields = {name: row[name] for name in ("account", "asset", "location")}
    (event,) = ledger.send(custody_transfer("alice", row["direction"], row["quantity"], **fields))
    assert outcome(event) == row["outcome"]
    if row["outcome"] != "posted":
        assert HELD not in ledger.accounts
        return
    ends = (row["debit"].replace("+", WITHIN), row["credit"].replace("+", WITHIN))
    (movement,) = event["movements"]
    assert (movement["debit"]["account"], movement["credit"]["account"]) == ends
    assert event.get("routed", "") == row["routed"]
    assert event.get("limit_passed", False) == (row["direction"] == "deliver")
    assert ("opened" in event) == (HELD in ledger.accounts) == (HELD in ends)


def test_an_account_within_a_custody_account_is_opened_once_as_it_is_first_needed() -> None:
    """The event that needs it says so, and the next one finds it, in the same batch too."""
    ledger = a_bank()
    first, second = ledger.send(
        custody_transfer("alice", "receive", "10"), custody_transfer("alice", "deliver", "4")
    )
    assert (first["opened"], "opened" in second) == (HELD, False)
    account = ledger.accounts[HELD]
    assert (account.container, account.container_id) == (BOX, ledger.accounts[BOX].account_id)
    assert (account.opening_limit, ledger.balance(HELD), ledger.balance(f"BANK/depository/{ISIN}")) == (
        0,
        6,
        -6,
    )
    (short,) = ledger.send(custody_transfer("alice", "deliver", "7"))
    assert short["limit_passed"]


def test_a_refused_fact_opens_nothing_and_its_number_is_the_next_ones() -> None:
    """An account's number is used up by accounts alone."""
    ledger = a_bank()
    most = str(2**63 - 1)
    ledger.send(custody_transfer("alice", "receive", most, account="alice/isin"))
    number = ledger.states[ledger.accounts["alice"].shard].next_account
    (event,) = ledger.send(custody_transfer("alice", "receive", "1"))
    assert outcome(event) == "balance_overflow"
    ledger.send(opening("alice", "alice/next"))
    assert ledger.accounts["alice/next"].account_id % 2**40 == number
    assert ledger.balance("alice/next") == 0


@pytest.mark.parametrize("frozen", [BOX, HELD])
@pytest.mark.parametrize("direction", ["debit", "credit", "both"])
def test_a_freeze_of_a_custody_account_stops_all_within_it(frozen: str, direction: str) -> None:
    """In its direction, whether they were there before or not."""
    ledger = a_bank()
    ledger.send(
        custody_transfer("alice", "receive", "10"),
        custody_transfer("bob", "receive", "10", account="bob/custody"),
    )
    ledger.send(freezing(frozen, direction))
    into, out = ledger.send(
        custody_transfer("alice", "receive", "1"), custody_transfer("alice", "deliver", "1")
    )
    assert (into.get("routed") == "account_frozen") == (direction != "debit")
    assert (out.get("routed") == "account_frozen") == (direction != "credit")
    away = transfer("alice", f"bob/custody#{ISIN}", "1", debit_account=HELD, asset=ISIN)
    assert (outcome(ledger.send(away)[0]) == "account_frozen") == (direction != "credit")
    lifting = instruction("unfreeze_account", owner="alice", account=frozen, freeze_id="f")
    assert outcome(ledger.send(lifting)[0]) == "applied"
    assert "routed" not in ledger.send(custody_transfer("alice", "receive", "1"))[0]


def test_what_is_not_opened_yet_is_frozen_with_its_custody_account() -> None:
    """Securities that come then are kept by the house, and no account is opened for them."""
    ledger = a_bank()
    ledger.send(freezing(BOX))
    (event,) = ledger.send(custody_transfer("alice", "receive", "10"))
    assert (event["routed"], event["movements"][0]["credit"]["account"]) == (
        "account_frozen",
        f"BANK/blocked_funds/{ISIN}",
    )
    assert "opened" not in event
    assert HELD not in ledger.accounts


def test_a_foreign_custody_accounts_freeze_is_seen() -> None:
    """It is another shard's, and is kept with the decision under the account that moves."""
    ledger = PureLedger()
    home, foreigner = owner_in(1), owner_in(2)
    ledger.send(custody(home), custody(foreigner))
    ledger.send(*(custody_transfer(owner, "receive", "10") for owner in (home, foreigner)))
    ledger.foreign_stopped = {ledger.accounts[f"{foreigner}/custody"].account_id: 2}
    code = f"{foreigner}/custody#{ISIN}"
    away = transfer(home, code, "1", debit_account=f"{home}/custody#{ISIN}", asset=ISIN)
    assert outcome(ledger.send(away)[0]) == "account_frozen"
    assert ledger.decisions[1][-1].seen == {"frozen": {code: "credit"}}


def test_a_custody_account_has_no_limit_to_be_changed() -> None:
    """It holds nothing itself."""
    ledger = a_bank()
    message = instruction("change_limit", owner="alice", account=BOX, limit="5", authority="committee")
    assert outcome(ledger.send(message)[0]) == "account_class_not_allowed"
    assert (
        outcome(ledger.send(transfer("alice", "bob/custody", "1", debit_account=BOX, asset="XXX"))[0])
        == "asset_unknown"
    )


@given(STREAMS)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_the_stock_record_is_always_even(drawn: list[Any]) -> None:
    """Whatever comes: of each security, what holders have is what locations have."""
    ledger = a_ledger()
    ledger.run(stream(drawn))
    held: Counter[str] = Counter()
    located: Counter[str] = Counter()
    for code, account in ledger.accounts.items():
        if ledger.chart.assets_by_id[account.asset_id].kind == "currency":
            continue
        if account.account_class in ("depository", "custodian"):
            located[account.asset] -= ledger.balance(code)
        else:
            held[account.asset] += ledger.balance(code)
        if account.container_id is not None:
            assert code == code_within(account.container or "", account.asset)
            assert ledger.accounts[account.container or ""].owner == account.owner
            assert all(
                other.account_id != account.account_id
                for other in ledger.accounts.values()
                if other is not account
            )
    assert held == located
    assert ledger.states[SHARD].next_account == 1 + sum(
        each.is_customer and each.shard == SHARD for each in ledger.accounts.values()
    )


async def test_a_custody_account_is_shown_with_what_it_holds(ledger: StoredLedger) -> None:
    """A line a security; after the memory was lost the account within it is found, not opened again."""
    await ledger.send(custody("alice"), custody("bob"))
    await ledger.send(custody_transfer("alice", "receive", "10"), custody_transfer("bob", "receive", "2"))
    await ledger.forget()
    events = await ledger.send(custody_transfer("alice", "deliver", "3"), freezing(BOX, "debit"))
    assert "opened" not in events[0]
    (event,) = await ledger.send(
        transfer("alice", f"bob/custody#{ISIN}", "1", debit_account=HELD, asset=ISIN)
    )
    assert event["reason"] == "account_frozen"
    found = await account_show(ledger.connection, BOX)
    assert found is not None
    assert found["holdings"] == [
        {
            "asset": ISIN,
            "account": HELD,
            "traded": "7",
            "settled": "7",
            "pending_out": "0",
            "pending_in": "0",
            "available": "7",
        }
    ]
    within = await account_show(ledger.connection, HELD)
    assert within is not None
    assert (within["container"], within["status"], within["balance"]) == (BOX, "frozen", "7")
    assert "holdings" not in within


def with_another_security() -> PureLedger:
    """The same bank, which keeps a second security, too."""
    ledger = a_bank()
    chart = ledger.chart
    sap = ChartAsset(100003, "DE0007164600", "security", 0)
    chart.add_asset(sap)
    for number, name in enumerate(("depository", "suspense")):
        like = chart.accounts[f"BANK/{name}/{ISIN}"]
        account = make_account(
            account_id=like.account_id + 1000 + number,
            code=f"BANK/{name}/{sap.code}",
            owner=like.owner,
            shard=like.shard,
            entity=chart.entities["BANK"],
            asset=sap,
            account_class=name,
            limit=None,
        )
        chart.add_house_account(account)
        ledger.accounts[account.code] = account
    return ledger


def test_an_isin_names_the_security_and_nothing_else_does() -> None:
    """Whatever its check digit: one that an account does not hold is another's, and one not loaded is no asset."""
    ledger = with_another_security()
    sap = {"asset": "DE0007164600"}
    (unknown,) = ledger.send(custody_transfer("alice", "receive", "1", asset="GB0002634946"))
    assert outcome(unknown) == "asset_unknown"
    ledger.send(custody_transfer("alice", "receive", "9"), custody_transfer("alice", "receive", "5", **sap))
    assert ledger.balance("alice/custody#DE0007164600") == 5
    received_, bought, moved = ledger.send(
        custody_transfer("alice", "receive", "2", account="alice/isin", **sap),
        trade("alice", "buy", "2", "4.00", custody_account="alice/isin", **sap),
        transfer(HELD, HELD, "2", credit_account="alice/isin", owner="alice", **sap),
    )
    assert [each.get("routed") for each in (received_, bought)] == ["asset_mismatch"] * 2
    assert (moved["reason"], moved["field"]) == ("asset_mismatch", "debit_account")
    assert (ledger.balance(HELD), ledger.balance("alice/isin")) == (9, 0)
