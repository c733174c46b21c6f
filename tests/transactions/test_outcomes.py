"""What becomes of each kind of instruction: tables of outcomes and of the balances they leave."""

# ruff: noqa: E501 - tables are as wide as what they show

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.planning import Planned
from services.transactions.handlers.memory import TYPES
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.money import AMOUNT_MINOR_MAX, format_amount
from shared.runtime.work import Discarded, Parked, Received, Unreadable
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    answer,
    deposit,
    instruction,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    table,
    transfer,
    withdrawal,
)

ISIN = "US0378331005"


def a_bank() -> PureLedger:
    """Alice and Bob with 100.00 EUR each, and some accounts that are in the way."""
    ledger = PureLedger()
    ledger.send(
        opening("alice"),
        opening("bob"),
        opening("alice", "alice-usd", asset="USD"),
        opening("alice", "alice-broker", entity="BROKER"),
        opening("alice", "alice-overdraft", limit="50.00"),
        opening("alice", "alice-unlimited", limit=None) | {"limit": None},
        opening("alice", "alice-isin", asset=ISIN, **{"class": "custody"}),
        opening("bob", "bob-frozen"),
        deposit("alice", "100.00"),
        deposit("bob", "100.00"),
        deposit("bob", "100.00", "bob-frozen"),
    )
    ledger.send(
        instruction("freeze_account", owner="bob", account="bob-frozen", freeze_id="f1", authority="court")
    )
    ledger.events.clear()
    return ledger


REQUESTS = table("""
    type           owner  debit             credit          amount     asset  outcome                    alice   bob
    transfer       alice  alice             bob             100.00     EUR    posted                      0.00   200.00
    transfer       alice  alice             bob             100.01     EUR    insufficient_funds        100.00   100.00  # one over
    transfer       alice  alice             bob             100.01     USD    asset_mismatch            100.00   100.00  # before funds
    transfer       alice  alice             bob             1          XXX    asset_unknown             100.00   100.00
    transfer       alice  alice             bob             0.00       EUR    amount_zero               100.00   100.00
    transfer       alice  alice             bob             -1.00      EUR    amount_negative           100.00   100.00
    transfer       alice  alice             bob             1.001      EUR    amount_too_many_decimals  100.00   100.00
    transfer       alice  alice             bob             1e3        EUR    amount_malformed          100.00   100.00
    transfer       alice  alice             bob  92233720368547758.08  EUR    amount_too_large          100.00   100.00  # 2^63
    transfer       alice  alice             bob  92233720368547758.08  XXX    asset_unknown             100.00   100.00  # its scale is not known
    transfer       alice  alice             alice           1.00       EUR    accounts_same             100.00   100.00
    transfer       alice  alice             nobody          1.00       EUR    account_unknown           100.00   100.00
    transfer       alice  nobody            bob             1.00       EUR    account_unknown           100.00   100.00
    transfer       alice  bob               alice           1.00       EUR    wrong_owner               100.00   100.00
    transfer       alice  alice-broker      bob             1.00       EUR    spans_entities            100.00   100.00
    transfer       alice  alice             BANK/nostro/EUR 1.00       EUR    account_class_not_allowed 100.00   100.00
    transfer       alice  alice             bob-frozen      1.00       EUR    account_frozen            100.00   100.00
    transfer       bob    bob-frozen        alice           1.00       EUR    account_frozen            100.00   100.00
    transfer       alice  alice-overdraft   bob             50.00      EUR    posted                    100.00   150.00  # to the limit
    transfer       alice  alice-overdraft   bob             50.01      EUR    insufficient_funds        100.00   100.00
    transfer       alice  alice-unlimited   bob             9999.00    EUR    posted                    100.00  10099.00
    withdrawal     alice  alice             -               100.00     EUR    posted                      0.00   100.00
    withdrawal     alice  alice             -               100.01     EUR    insufficient_funds        100.00   100.00
    withdrawal     alice  alice             -               1000.00    EUR    insufficient_funds        100.00   100.00  # policy reserves no more than there is
    withdrawal     alice  alice-unlimited   -               999.99     EUR    posted                    100.00   100.00  # one under the policy
    withdrawal     alice  alice-unlimited   -               1000.00    EUR    pending                   100.00   100.00  # screened before posting
    withdrawal     alice  bob               -               1.00       EUR    wrong_owner               100.00   100.00
    withdrawal     alice  alice-isin        -               1          US0378331005  account_class_not_allowed  100.00  100.00
    house_posting  house  BANK/nostro/EUR   BANK/vault/EUR  5.00       EUR    posted                    100.00   100.00  # no limits
    house_posting  house  BANK/nostro/EUR   alice           5.00       EUR    wrong_owner               100.00   100.00
    house_posting  alice  BANK/nostro/EUR   alice           5.00       EUR    account_class_not_allowed 100.00   100.00
    house_posting  house  BANK/nostro/EUR  BROKER/nostro/EUR 5.00      EUR    spans_entities            100.00   100.00
""")


@pytest.mark.parametrize("row", REQUESTS, ids=lambda row: f"{row['type']} {row['debit']} {row['outcome']}")
def test_a_request_is_posted_or_refused(row: dict[str, str]) -> None:
    """And a refusal moves nothing."""
    ledger = a_bank()
    ends = {"account": row["debit"]}
    if row["credit"]:
        ends = {"debit_account": row["debit"], "credit_account": row["credit"]}
    (event,) = ledger.send(
        instruction(row["type"], owner=row["owner"], amount=row["amount"], asset=row["asset"], **ends)
    )
    assert outcome(event) == row["outcome"]
    assert {name: format_amount(ledger.balance(name), 2) for name in ("alice", "bob")} == {
        "alice": row["alice"],
        "bob": row["bob"],
    }


FACTS = table("""
    type      direction  owner  account          amount  asset  outcome         routed                     debit                    credit                  limit_passed
    deposit   -          alice  alice            5.00    EUR    posted          -                          BANK/nostro/EUR          alice                   -
    deposit   cash       alice  alice            5.00    EUR    posted          -                          BANK/vault/EUR           alice                   -
    deposit   -          alice  nobody           5.00    EUR    posted          account_unknown            BANK/nostro/EUR          BANK/suspense/EUR       -
    deposit   -          alice  bob              5.00    EUR    posted          wrong_owner                BANK/nostro/EUR          BANK/suspense/EUR       -
    deposit   -          alice  alice            5.00    USD    posted          asset_mismatch             BANK/nostro/USD          BANK/suspense/USD       -
    deposit   -          alice  alice-broker     5.00    EUR    posted          -                          BROKER/nostro/EUR        alice-broker            -
    deposit   -          alice  alice-broker     5.00    USD    asset_not_used  -                          -                        -                       -  # the broker keeps no USD here
    deposit   -          alice  alice            5       JPY    asset_not_used  -                          -                        -                       -
    deposit   -          alice  nobody           5       JPY    asset_not_used  -                          -                        -                       -
    deposit   -          alice  alice            5       XXX    asset_unknown   -                          -                        -                       -
    deposit   -          house  BANK/nostro/EUR  5.00    EUR    posted          account_class_not_allowed  BANK/nostro/EUR          BANK/suspense/EUR       -
    deposit   -          bob    bob-frozen       5.00    EUR    posted          account_frozen             BANK/nostro/EUR          BANK/blocked_funds/EUR  -
    fee       -          alice  alice            5.00    EUR    posted          -                          alice                    BANK/fee_income/EUR     -
    fee       -          alice  alice          100.01    EUR    posted          -                          alice                    BANK/fee_income/EUR     yes
    fee       -          bob    bob-frozen       5.00    EUR    posted          account_frozen             BANK/blocked_funds/EUR   BANK/fee_income/EUR     -
    fee       -          alice  nobody           5.00    EUR    posted          account_unknown            BANK/suspense/EUR        BANK/fee_income/EUR     -
    interest  credit     alice  alice            5.00    EUR    posted          -                          BANK/interest_expense/EUR  alice                 -
    interest  debit      alice  alice            5.00    EUR    posted          -                          alice                    BANK/interest_income/EUR  -
""")


@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['type']} {row['account']} {row['routed']}")
def test_a_fact_is_always_booked(row: dict[str, str]) -> None:
    """On its account, or in suspense or blocked funds, and never lost for want of an account or limit."""
    ledger = a_bank()
    extra: dict[str, Any] = {}
    if row["type"] == "interest":
        extra["direction"] = row["direction"]
    elif row["direction"] == "cash":
        extra["channel"] = {"channel": "branch", "cash": True}
    (event,) = ledger.send(
        instruction(
            row["type"],
            owner=row["owner"],
            account=row["account"],
            amount=row["amount"],
            asset=row["asset"],
            **extra,
        )
    )
    assert outcome(event) == row["outcome"]
    if row["outcome"] != "posted":
        return
    (movement,) = event["movements"]
    assert (movement["debit"]["account"], movement["credit"]["account"]) == (row["debit"], row["credit"])
    assert event.get("routed", "") == row["routed"]
    assert event.get("limit_passed", False) == (row["limit_passed"] == "yes")


OPENINGS = table("""
    owner  account  entity  asset         class    limit  outcome
    carol  carol    BANK    EUR           cash     0      applied
    carol  carol    BANK    US0378331005  custody  0      applied
    carol  carol    BANK    EUR           loan     1.5    applied
    carol  carol    BANK    EUR           custody  0      account_class_not_allowed
    carol  carol    BANK    US0378331005  cash     0      account_class_not_allowed
    carol  carol    NOBODY  EUR           cash     0      entity_unknown
    carol  carol    BANK    XXX           cash     0      asset_unknown
    carol  carol    BANK    XXX           cash     0.001  asset_unknown             # its scale is not known
    carol  carol    BANK    JPY           cash     0      asset_not_used
    carol  carol    BANK    US912810TM09  custody  0      instrument_not_valid      # it ended on this day
    carol  carol    BANK    EUR           cash     0.001  amount_too_many_decimals
    carol  carol    BANK    EUR           cash     -1     amount_negative
    carol  alice    BANK    EUR           cash     0      account_exists
    carol  BANK/nostro/EUR  BANK  EUR     cash     0      account_exists
    carol  alice    BANK    JPY           cash     0      asset_not_used            # before the code, which others may take
    house  carol    BANK    EUR           cash     0      wrong_owner
""")


@pytest.mark.parametrize("row", OPENINGS, ids=lambda row: f"{row['account']} {row['asset']} {row['outcome']}")
def test_an_account_is_opened_or_not(row: dict[str, str]) -> None:
    """What it names must exist and go together."""
    ledger = a_bank()
    fields: dict[str, Any] = {name: row[name] for name in ("entity", "asset", "class", "limit")}
    (event,) = ledger.send(instruction("open_account", owner=row["owner"], account=row["account"], **fields))
    assert outcome(event) == row["outcome"]


FREEZES = table("""
    type              owner  account          freeze  outcome
    freeze_account    alice  alice            f1      applied
    freeze_account    bob    bob-frozen       f1      freeze_exists
    freeze_account    alice  nobody           f1      account_unknown
    freeze_account    alice  bob              f1      wrong_owner
    freeze_account    house  BANK/nostro/EUR  f1      account_class_not_allowed
    unfreeze_account  bob    bob-frozen       f1      applied
    unfreeze_account  bob    bob-frozen       f2      freeze_unknown
    unfreeze_account  alice  alice            f1      freeze_unknown
""")


@pytest.mark.parametrize("row", FREEZES, ids=lambda row: f"{row['type']} {row['account']} {row['outcome']}")
def test_a_freeze_is_placed_or_lifted(row: dict[str, str]) -> None:
    """Each by its own id, on the owner's own account."""
    ledger = a_bank()
    extra = {"authority": "court"} if row["type"] == "freeze_account" else {}
    (event,) = ledger.send(
        instruction(row["type"], owner=row["owner"], account=row["account"], freeze_id=row["freeze"], **extra)
    )
    assert outcome(event) == row["outcome"]


DIRECTIONS = table("""
    freezes      out             in
    -            posted          posted
    debit        account_frozen  posted
    credit       posted          account_frozen
    both         account_frozen  account_frozen
    debit,credit account_frozen  account_frozen
""")


@pytest.mark.parametrize("row", DIRECTIONS, ids=lambda row: row["freezes"] or "none")
def test_a_freeze_stops_its_direction_while_it_stands(row: dict[str, str]) -> None:
    """And the account is free again once all are lifted; a lifted id is used up."""
    ledger = a_bank()
    freezes = row["freezes"].split(",") if row["freezes"] else []
    for name in freezes:
        ledger.send(freezing("alice", f"freeze-{name}", name))
    (out,) = ledger.send(transfer("alice", "bob", "1.00"))
    (into,) = ledger.send(transfer("bob", "alice", "1.00"))
    assert (outcome(out), outcome(into)) == (row["out"], row["in"])
    for name in freezes:
        ledger.send(
            instruction("unfreeze_account", owner="alice", account="alice", freeze_id=f"freeze-{name}")
        )
        assert outcome(ledger.send(freezing("alice", f"freeze-{name}", name))[0]) == "freeze_exists"
    assert outcome(ledger.send(transfer("alice", "bob", "1.00"))[0]) == "posted"


def freezing(owner: str, freeze_id: str, direction: str) -> dict[str, Any]:
    """Freeze the account of the owner's name."""
    return instruction(
        "freeze_account",
        owner=owner,
        account=owner,
        freeze_id=freeze_id,
        authority="court",
        direction=direction,
    )


DAYS = table("""
    day         entity  outcome
    2026-01-02  BANK    applied
    2026-01-01  BANK    business_day_not_later  # the first day is open already
    2025-12-31  BANK    business_day_not_later
    1899-12-31  BANK    date_out_of_range
    9999-12-31  BANK    date_out_of_range
    2026-01-02  NOBODY  entity_unknown
""")


@pytest.mark.parametrize("row", DAYS, ids=lambda row: f"{row['day']} {row['outcome']}")
def test_business_days_only_move_on(row: dict[str, str]) -> None:
    """By a record to every partition, under the house's key."""
    ledger = a_bank()
    message = instruction("open_business_day", owner=HOUSE, entity=row["entity"], booking_date=row["day"])
    for shard in range(PARTITIONS):
        (event,) = ledger.send(received(message, partition=shard))
        assert outcome(event) == row["outcome"]
    (event,) = ledger.send(transfer("alice", "bob", "1.00"))
    assert event["booking_date"] == (row["day"] if row["outcome"] == "applied" else "2026-01-01")


def test_a_business_day_is_the_houses() -> None:
    """Under another owner it is refused, and under another key it is out of place."""
    ledger = a_bank()
    message = instruction("open_business_day", owner="alice", entity="BANK", booking_date="2026-01-02")
    (event,) = ledger.send(received(message))
    assert outcome(event) == "wrong_key"
    (event,) = ledger.send(received(message, key=HOUSE))
    assert outcome(event) == "wrong_owner"


DATES = table("""
    field                        value                 outcome
    value_date                   1900-01-01            value_date_out_of_window  # sane, and too long ago
    value_date                   2100-12-31            posted
    value_date                   1899-12-31            date_out_of_range
    value_date                   9999-12-31            date_out_of_range
    occurred_at                  1899-12-31T23:00:00Z  date_out_of_range
    contractual_settlement_date  2101-01-01            date_out_of_range
    actual_settlement_date       2101-01-01            date_out_of_range
""")


@pytest.mark.parametrize("row", DATES, ids=lambda row: f"{row['field']} {row['value']}")
def test_dates_are_sane(row: dict[str, str]) -> None:
    """between 1900 and 2100."""
    (event,) = a_bank().send(transfer("alice", "bob", "1.00", **{row["field"]: row["value"]}))
    assert outcome(event) == row["outcome"]
    assert event.get("field") == (None if row["outcome"] == "posted" else row["field"])


def test_an_instruction_that_makes_too_large_an_event_is_rejected() -> None:
    """Not a surprise after the commit; and its event goes without it."""
    ledger = a_bank()
    party = {"kind": "person", "name": "x", "holders": [{"name": "y" * 500}] * 2000}
    (event,) = ledger.send(opening("carol", party=party))
    assert outcome(event) == "too_large"
    assert "instruction" not in event
    assert event["content_hash"]


def test_a_malformed_record_is_rejected_with_its_field_and_its_repeat_is_a_duplicate() -> None:
    """The id is used up, whatever came with it."""
    ledger = a_bank()
    message = transfer("alice", "bob", "1.00") | {"amount": 1.0}
    (event,) = ledger.send(message)
    assert (event["reason"], event["field"]) == ("amount_not_a_string", "amount")
    assert event["instruction"]["amount"] == 1.0
    (again,) = ledger.send(message)
    assert (again["type"], again["first_reason"]) == ("DuplicateReceived", "amount_not_a_string")
    (corrected,) = ledger.send(message | {"amount": "1.00"})
    assert (corrected["reason"], corrected["field"]) == ("id_reused", "amount")


REPEATS = table("""
    change                            outcome    field
    {}                                duplicate  -
    {"unknown_later_field":1}         duplicate  -
    {"amount":"2.00"}                 id_reused  amount
    {"credit_account":"alice-usd"}    id_reused  credit_account
    {"amount":"2.00","asset":"USD"}   id_reused  amount
    {"value_date":"2026-01-01"}       id_reused  value_date
    {"payment":{"purpose":"RENT"}}    id_reused  payment.purpose
""")


@pytest.mark.parametrize("row", REPEATS, ids=lambda row: row["change"])
@pytest.mark.parametrize("batches", [1, 2])
def test_an_id_names_one_attempt(row: dict[str, str], batches: int) -> None:
    """The same content is a duplicate, other content a rejection that names the first difference."""
    import json

    ledger = a_bank()
    message = transfer("alice", "bob", "1.00", payment={"purpose": "GIFT"})
    if batches == 1:
        first, second = ledger.run([received(message), received(message | json.loads(row["change"]))])
    else:
        first, second = ledger.send(message, message | json.loads(row["change"]))
    assert outcome(first) == "posted"
    assert outcome(second) == row["outcome"]
    assert second["first"] == {"shard": first["shard"], "seq": first["seq"]}
    assert second.get("field", "") == row["field"]
    assert ledger.balance("bob") == 101_00
    if row["outcome"] == "duplicate":
        assert second["first_outcome"] == "posted"


def test_a_rejection_is_remembered_too() -> None:
    """A new attempt needs a new id, even once it could be done."""
    ledger = a_bank()
    message = transfer("alice", "bob", "150.00")
    ledger.send(message, deposit("alice", "100.00"))
    (again,) = ledger.send(message)
    assert (again["first_outcome"], again["first_reason"]) == ("rejected", "insufficient_funds")


PLACES = table("""
    key    partition  outcome          owner
    alice  home       posted           alice
    bob    home       wrong_key        alice
    ALICE  home       wrong_key        alice
    alice  elsewhere  wrong_partition  house
    bob    elsewhere  wrong_key        house
""")


@pytest.mark.parametrize("row", PLACES, ids=lambda row: f"{row['key']} {row['partition']}")
def test_a_record_out_of_place_is_refused_without_using_up_its_id(row: dict[str, str]) -> None:
    """So that the same record can be sent again rightly."""
    ledger = a_bank()
    message = transfer("alice", "bob", "1.00")
    home = received(message).partition
    partition = home if row["partition"] == "home" else (home + 1) % PARTITIONS
    (event,) = ledger.send(received(message, key=row["key"], partition=partition))
    assert outcome(event) == row["outcome"]
    assert event["owner"] == row["owner"]
    if row["outcome"] != "posted":
        assert outcome(ledger.send(message)[0]) == "posted"


LADDER = table("""
    broken                                                           outcome
    key,id,amount,account,frozen,funds                               wrong_key
    id,amount,account,frozen,funds                                   id_reused
    amount,account,frozen,funds                                      amount_zero
    account,frozen,funds                                             account_unknown
    frozen,funds                                                     account_frozen
    funds                                                            insufficient_funds
    -                                                                posted
""")


@pytest.mark.parametrize("row", LADDER, ids=lambda row: row["outcome"])
def test_the_first_rung_that_fails_names_the_reason(row: dict[str, str]) -> None:
    """Whatever else is wrong with the instruction."""
    ledger = a_bank()
    used = transfer("alice", "bob", "1.00", instruction_id=named_id("used"))
    ledger.send(used)
    broken = row["broken"].split(",")
    message = transfer("alice", "bob", "1.00")
    if "frozen" in broken:
        ledger.send(freezing("alice", "f", "debit"))
    if "funds" in broken:
        message["amount"] = "9999.00"
    if "account" in broken:
        message["credit_account"] = "nobody"
    if "amount" in broken:
        message["amount"] = "0.00"
    if "id" in broken:
        message["instruction_id"] = named_id("used")
    (event,) = ledger.send(received(message, key="bob" if "key" in broken else None))
    assert outcome(event) == row["outcome"]


def two_debits(message: Any) -> tuple[Planned, ...]:
    """A type of the tests' own: both accounts are debited, in favour of the nostro."""
    return (
        Planned("principal", message.debit_account, "BANK/nostro/EUR", message.amount, message.asset),
        Planned("principal", message.credit_account, "BANK/nostro/EUR", message.amount, message.asset),
    )


MOVEMENTS = table("""
    second             amount  outcome             alice
    alice-overdraft    50.00   posted               50.00
    alice-overdraft    50.01   insufficient_funds  100.00  # the second movement fails, so the first is taken back
    bob                 1.00   spans_owners        100.00
    nobody              1.00   account_unknown     100.00
""")


@pytest.mark.parametrize("row", MOVEMENTS, ids=lambda row: f"{row['second']} {row['amount']}")
def test_movements_stand_or_fall_together(row: dict[str, str]) -> None:
    """And limits hold after each of them in order."""
    from dataclasses import replace

    ledger = a_bank()
    ledger.types["transfer"] = replace(
        TYPES["transfer"],
        movements=two_debits,
        account_classes=frozenset({"cash", "nostro"}),
    )
    (event,) = ledger.send(transfer("alice", row["second"], row["amount"]))
    assert outcome(event) == row["outcome"]
    assert format_amount(ledger.balance("alice"), 2) == row["alice"]


ANSWERS = table("""
    decision  frozen  outcome            alice
    cleared   -       posted             4100.00
    released  -       posted             4100.00
    refused   -       screening_refused  5100.00
    cleared   debit   account_frozen     5100.00
    released  both    account_frozen     5100.00
    cleared   credit  posted             4100.00
    refused   debit   screening_refused  5100.00
""")


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row['decision']} {row['frozen']}")
def test_a_decision_posts_or_voids_what_waits(row: dict[str, str]) -> None:
    """Funds are reserved meanwhile; posting checks the account's status again, not its funds."""
    ledger = a_bank()
    ledger.send(deposit("alice", "5000.00"))
    (pending,) = ledger.send(withdrawal("alice", "1000.00"))
    assert outcome(pending) == "pending"
    assert ledger.balance("alice") == 5100_00
    assert outcome(ledger.send(transfer("alice", "bob", "4100.01"))[0]) == "insufficient_funds"
    if row["frozen"]:
        ledger.send(freezing("alice", "f", row["frozen"]))
    ledger.send(
        *[
            received(
                instruction("open_business_day", owner=HOUSE, entity="BANK", booking_date="2026-01-05"),
                partition=shard,
            )
            for shard in range(PARTITIONS)
        ]
    )
    (event,) = ledger.send(answer(pending, row["decision"]))
    assert outcome(event) == row["outcome"]
    assert event["first"] == {"shard": pending["shard"], "seq": pending["seq"]}
    assert event["instruction"] == pending["instruction"]
    assert event["booking_date"] == event["value_date"] == "2026-01-05"
    assert format_amount(ledger.balance("alice"), 2) == row["alice"]
    (late,) = ledger.send(answer(pending, row["decision"]))
    assert (late["type"], late["why"]) == ("DecisionWithoutEffect", "already_resolved")


def test_a_decision_that_changes_nothing_is_published() -> None:
    """About what is unknown, what never waited, or another content."""
    ledger = a_bank()
    (posted,) = ledger.send(withdrawal("alice", "1.00"))
    ledger.send(deposit("alice", "5000.00"))
    (pending,) = ledger.send(withdrawal("alice", "1000.00"))
    events = ledger.send(
        answer(posted, "cleared"),
        answer(posted, "cleared", instruction_id=UUID(int=1)),
        answer(pending, "cleared", content_hash="00" * 16),
    )
    assert [each["why"] for each in events] == ["not_pending", "unknown_instruction", "other_content"]
    assert outcome(ledger.send(answer(pending, "refused"))[0]) == "screening_refused"


def reserve(name: str, amount: str, owner: str = "alice", **fields: Any) -> dict[str, Any]:
    """Set something aside on the account of the owner's name."""
    given = {"account": owner, "asset": "EUR", "instruction_id": named_id(name), **fields}
    return instruction("reserve", owner=owner, amount=amount, **given)


def resolving(kind: str, name: str, owner: str = "alice", **fields: Any) -> dict[str, Any]:
    """Post or void what is reserved under this name."""
    return instruction(kind, owner=owner, **{"pending_id": named_id(name), **fields})


RESERVES = table("""
    account          credit           amount   asset  outcome                    available
    alice            -                100.00   EUR    pending                      0.00
    alice            bob              100.00   EUR    pending                      0.00
    alice            -                100.01   EUR    insufficient_funds         100.00
    alice            -                  0.00   EUR    amount_zero                100.00
    alice            alice              1.00   EUR    accounts_same              100.00
    alice            nobody             1.00   EUR    account_unknown            100.00
    alice            bob-frozen         1.00   EUR    account_frozen             100.00
    alice            -                  1.00   USD    asset_mismatch             100.00
    bob              -                  1.00   EUR    wrong_owner                100.00
    alice-isin       -                  1      US0378331005  account_class_not_allowed  100.00
    alice            BANK/nostro/EUR    1.00   EUR    account_class_not_allowed  100.00
""")


@pytest.mark.parametrize(
    "row", RESERVES, ids=lambda row: f"{row['account']} {row['amount']} {row['outcome']}"
)
def test_a_reserve_sets_money_aside(row: dict[str, str]) -> None:
    """It stays the customer's, and nothing else can use it."""
    ledger = a_bank()
    (event,) = ledger.send(
        reserve(
            "r",
            row["amount"],
            account=row["account"],
            asset=row["asset"],
            credit_account=row["credit"] or None,
        )
    )
    assert outcome(event) == row["outcome"]
    assert ledger.balance("alice") == 100_00
    if row["outcome"] == "pending":
        assert event["screening"] is False
        assert event["movements"][0]["credit"]["account"] == (row["credit"] or "BANK/clearing/EUR")
    one_more = format_amount(int(row["available"].replace(".", "")) + 1, 2)
    assert outcome(ledger.send(transfer("alice", "bob", one_more))[0]) == "insufficient_funds"


SETTLEMENTS = table("""
    steps                                                     outcomes                                        alice   reserved
    post_pending                                              posted                                          40.00     0.00
    post_pending:60.00                                        posted                                          40.00     0.00
    post_pending:60.01                                        amount_exceeds_pending                         100.00    60.00
    post_pending:20.00                                        posted                                          80.00     0.00  # the rest is given back
    post_pending:20.00+                                       posted                                          80.00    40.00
    post_pending:20.00+,post_pending:40.01                    posted,amount_exceeds_pending                   80.00    40.00
    post_pending:20.00+,post_pending:10.00+,post_pending      posted,posted,posted                            40.00     0.00
    post_pending:20.00+,post_pending:10.00,post_pending       posted,posted,pending_resolved                  70.00     0.00
    post_pending:20.00+,void_pending                          posted,void_requested                           80.00     0.00
    post_pending:20.00+,post_pending:40.00+,void_pending      posted,posted,pending_resolved                  40.00     0.00  # nothing is left
    void_pending                                              void_requested                                 100.00     0.00
    void_pending,post_pending                                 void_requested,pending_resolved                100.00     0.00
    post_pending,void_pending                                 posted,pending_resolved                         40.00     0.00
    post_pending,post_pending                                 posted,pending_resolved                         40.00     0.00
    post_pending:0.00                                         amount_zero                                    100.00    60.00
    post_pending:-1.00                                        amount_negative                                100.00    60.00
    post_pending:1.001                                        amount_too_many_decimals                       100.00    60.00
    post_pending,post_pending:1.001                           posted,amount_too_many_decimals                 40.00     0.00
""")


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", SETTLEMENTS, ids=lambda row: row["steps"])
def test_what_is_reserved_is_posted_part_by_part_or_given_back(row: dict[str, str], batches: int) -> None:
    """Until the final part, once, in one batch or in several; the rest is available again."""
    ledger = a_bank()
    messages = [reserve("r", "60.00")]
    for step in row["steps"].split(","):
        kind, _, amount = step.partition(":")
        extra: dict[str, Any] = {"amount": amount.rstrip("+")} if amount else {}
        if amount.endswith("+"):
            extra["final"] = False
        messages.append(resolving(kind, "r", **extra))
    if batches == 1:
        pending, *events = ledger.run([received(each) for each in messages])
    else:
        pending, *events = ledger.send(*messages)
    assert ",".join(outcome(each) for each in events) == row["outcomes"]
    assert format_amount(ledger.balance("alice"), 2) == row["alice"]
    account = ledger.accounts["alice"].account_id
    assert format_amount(ledger.states[pending["shard"]].balances[account][2], 2) == row["reserved"]
    for event in events:
        if "movements" in event:
            assert event["resolves"] == {"shard": pending["shard"], "seq": pending["seq"]}
            assert "first" not in event
            assert event["instruction"]["pending_id"] == pending["instruction_id"]


def test_the_last_part_says_what_is_given_back() -> None:
    """Its movement is what was posted, so consumers that count what is reserved need the rest."""
    ledger = a_bank()
    _, first, last = ledger.send(
        reserve("r", "60.00"),
        resolving("post_pending", "r", amount="20.00", final=False),
        resolving("post_pending", "r", amount="15.00", value_date="2026-01-09"),
    )
    assert "freed" not in first
    assert (last["movements"][0]["amount"], last["freed"]) == ("15.00", "25.00")
    assert (last["booking_date"], last["value_date"]) == ("2026-01-01", "2026-01-09")


NAMED = table("""
    id        owner  amount  outcome
    r         bob    1.00    wrong_owner
    nothing   alice  1.00    pending_unknown
    nothing   alice  1.0001  pending_unknown           # its decimals are not known
    nothing   alice  0       amount_zero
    posted    alice  1.00    pending_unknown           # it never waited
    screened  alice  1.00    under_screening           # compliance decides on a withdrawal
    cleared   alice  1.00    pending_resolved
    r         alice  1.00    posted
""")


@pytest.mark.parametrize("kind", ["post_pending", "void_pending"])
@pytest.mark.parametrize("row", NAMED, ids=lambda row: f"{row['id']} {row['owner']} {row['amount']}")
def test_what_is_posted_or_voided_must_be_a_reserve_of_its_owner(row: dict[str, str], kind: str) -> None:
    """Named by its id; what never was pending is unknown, and what is screened is compliance's."""
    ledger = a_bank()
    bob = owner_beside("alice", "bobby")
    _, _, _, _, _, cleared = ledger.send(
        opening(bob),
        reserve("r", "10.00"),
        transfer("alice", "bob", "1.00", instruction_id=named_id("posted")),
        deposit("alice", "5000.00"),
        withdrawal("alice", "1000.00", instruction_id=named_id("screened")),
        withdrawal("alice", "1000.00", instruction_id=named_id("cleared")),
    )
    ledger.send(answer(cleared, "cleared"))
    owner = bob if row["owner"] == "bob" else "alice"
    extra = {"amount": row["amount"]} if kind == "post_pending" else {}
    (event,) = ledger.send(resolving(kind, row["id"], owner, **extra))
    expected = row["outcome"]
    if kind == "void_pending":
        expected = {"posted": "void_requested", "amount_zero": "pending_unknown"}.get(expected, expected)
    assert outcome(event) == expected


def owner_beside(owner: str, stem: str) -> str:
    """Another owner at home in the same shard."""
    return owner_in(shard_of(owner, PARTITIONS), stem)


def test_posting_looks_at_status_again_and_giving_back_does_not() -> None:
    """Funds were there when they were set aside; a freeze that came since stops the posting."""
    ledger = a_bank()
    ledger.send(reserve("r", "60.00", credit_account="bob"), freezing("bob", "f", "credit"))
    (event,) = ledger.send(resolving("post_pending", "r"))
    assert (event["reason"], event["field"]) == ("account_frozen", "pending_id")
    ledger.send(freezing("alice", "f", "both"))
    assert outcome(ledger.send(resolving("void_pending", "r"))[0]) == "void_requested"
    assert outcome(ledger.send(resolving("post_pending", "r"))[0]) == "pending_resolved"


SCREENED = table("""
    decision  outcome            then
    cleared   PendingCleared     posted
    released  PendingCleared     posted
    refused   screening_refused  pending_resolved
""")


@pytest.mark.parametrize("row", SCREENED, ids=lambda row: row["decision"])
def test_a_screened_reserve_stays_reserved_when_it_is_cleared(row: dict[str, str]) -> None:
    """A decision only lifts the mark; until then nobody may post it or give it back."""
    ledger = a_bank()
    since = date(1900, 1, 1)
    ledger.chart.policies[1, "reserve", 978] = [Dated(ScreeningPolicy(50_00), since, None)]
    (pending,) = ledger.send(reserve("r", "60.00"))
    assert (pending["type"], pending.get("screening", True)) == ("TransactionPending", True)
    assert outcome(ledger.send(resolving("post_pending", "r"))[0]) == "under_screening"
    assert outcome(ledger.send(resolving("void_pending", "r"))[0]) == "under_screening"
    event, late = ledger.send(answer(pending, row["decision"]), answer(pending, row["decision"]))
    assert outcome(event) == row["outcome"]
    assert event["first"] == {"shard": pending["shard"], "seq": pending["seq"]}
    assert late["why"] == ("already_resolved" if row["decision"] == "refused" else "not_screened")
    assert outcome(ledger.send(resolving("post_pending", "r"))[0]) == row["then"]


PENDING_LADDER = table("""
    broken                                       outcome
    key,id,amount,name,frozen,state              wrong_key
    id,amount,name,frozen,state                  id_reused
    amount,name,frozen,state                     amount_zero
    name,frozen,state                            pending_unknown
    owner,frozen,state                           wrong_owner
    frozen,state                                 account_frozen
    state                                        amount_exceeds_pending
    -                                            posted
""")


@pytest.mark.parametrize("row", PENDING_LADDER, ids=lambda row: row["outcome"])
def test_the_ladder_is_the_same_for_what_names_a_pending_one(row: dict[str, str]) -> None:
    """The first rung that fails names the reason here, too."""
    ledger = a_bank()
    other = owner_beside("alice", "other")
    ledger.send(
        opening(other),
        reserve("r", "60.00"),
        transfer("alice", "bob", "1.00", instruction_id=named_id("used")),
    )
    broken = row["broken"].split(",")
    message = resolving("post_pending", "r", amount="10.00")
    if "state" in broken:
        message["amount"] = "99.00"
    if "frozen" in broken:
        ledger.send(freezing("alice", "f", "debit"))
    if "name" in broken:
        message["pending_id"] = named_id("nothing")
    if "owner" in broken:
        message["owner"] = other
    if "amount" in broken:
        message["amount"] = "0.00"
    if "id" in broken:
        message["instruction_id"] = named_id("used")
    (event,) = ledger.send(received(message, key="bob" if "key" in broken else None))
    assert outcome(event) == row["outcome"]


def test_counters_never_wrap_around() -> None:
    """Beyond 2^63 − 1 minor units there is a reason, for facts too, and reservations count."""
    ledger = a_bank()
    most = format_amount(AMOUNT_MINOR_MAX - 100_00, 2)
    assert outcome(ledger.send(deposit("alice", most))[0]) == "posted"
    assert outcome(ledger.send(deposit("alice", "0.01"))[0]) == "balance_overflow"


def test_credits_from_other_shards_count_when_home_funds_are_short() -> None:
    """And what was seen of them is kept with the decision."""
    ledger = a_bank()
    assert (
        received(transfer("alice", "bob", "1.00")).shard != received(transfer("bob", "alice", "1.00")).shard
    )
    ledger.send(transfer("bob", "alice", "40.00"))
    (over,) = ledger.send(transfer("alice", "bob", "140.01"))
    (posted,) = ledger.send(transfer("alice", "bob", "140.00"))
    assert (outcome(over), outcome(posted)) == ("insufficient_funds", "posted")
    alice = ledger.accounts["alice"].account_id
    assert ledger.decisions[posted["shard"]][-1].seen == {"credits": {str(alice): 40_00}}


def test_what_was_seen_outside_is_kept_with_the_decision() -> None:
    """Absent codes, codes others have taken, and frozen foreign accounts."""
    ledger = a_bank()
    events = ledger.send(
        transfer("alice", "nobody", "1.00"),
        opening("alice", "bob"),
        transfer("alice", "bob-frozen", "1.00"),
    )
    seen = [each.seen for each in ledger.decisions[events[0]["shard"]][-3:]]
    assert seen == [{"absent": ["nobody"]}, {"taken": ["bob"]}, {"frozen": {"bob-frozen": "both"}}]


def test_what_is_no_instruction_is_announced() -> None:
    """Each delivered record has one fate, and an event that says so."""
    ledger = a_bank()
    message = received(transfer("alice", "bob", "1.00"))

    def record(inner: Any) -> Received:
        return Received(message.shard, message.topic, message.partition, 7, 0, message.key, inner)

    events = ledger.send(
        record(Unreadable("not_json", 3, "ab" * 32)),
        record(Parked("alice", "KeyError", behind=False, message=message.message)),
        record(
            Parked(
                "alice",
                "KeyError",
                behind=True,
                message=answer(
                    {
                        "shard": 0,
                        "seq": 1,
                        "instruction_id": named_id("x"),
                        "content_hash": "00",
                        "owner": "alice",
                    },
                    "cleared",
                ).message,
            )
        ),
        record(Discarded("alice", UUID(int=5), "op:jane", '"quoted" ü \u2028', message.message)),
    )
    assert [outcome(each) for each in events][:3] == ["unreadable", "parked", "parked"]
    assert events[3]["type"] == "RecordDiscarded"
    assert events[3]["reason"] == '"quoted" ü \u2028'
    assert events[1]["instruction_id"] == str(message.message.instruction_id)
    assert outcome(ledger.send(message)[0]) == "posted"
