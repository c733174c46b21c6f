"""A payment that went out comes back, in parts and never more than went out; what has no match is kept."""

# ruff: noqa: E501 - tables are as wide as what they show

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.domain.planning import CASH_DESK, Planned
from services.transactions.handlers.memory import TYPES
from shared.messages.envelope import HOUSE
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    answer,
    closing,
    deposit,
    instruction,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    returning,
    reversal,
    table,
    transfer,
    withdrawal,
)

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


def a_bank() -> PureLedger:
    """Alice and Bob with 100.00 each, in two shards."""
    ledger = PureLedger()
    for owner in (ALICE, BOB):
        ledger.send(opening(owner), deposit(owner, "100.00"))
    return ledger


def suspense(ledger: PureLedger, name: str = "suspense") -> int:
    """What the bank keeps in an account of its own in EUR."""
    return ledger.balance(f"BANK/{name}/EUR")


PARTS = table("""
    paid   came_back          outcomes                                     alice   suspense
    40.00  40.00              -                                            100.00  0
    40.00  15.00,25.00        -,-                                          100.00  0
    40.00  0.01,0.01          -,-                                           60.02  0
    40.00  40.01              amount_exceeds_original                       60.00  40.01     # none of it is taken apart
    40.00  30.00,10.01        -,amount_exceeds_original                     90.00  10.01
    40.00  30.00,10.01,10.00  -,amount_exceeds_original,-                  100.00  10.01
    40.00  40.00,0.01         -,already_reversed                           100.00  0.01
""")


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", PARTS, ids=lambda row: row["came_back"])
def test_never_more_comes_back_than_went_out(row: dict[str, str], batches: int) -> None:
    """What is more has come from somewhere all the same: it is in suspense, and the event says why."""
    ledger = a_bank()
    paid = withdrawal(ALICE, row["paid"])
    messages = [paid, *(returning(paid, each) for each in row["came_back"].split(","))]
    events = ledger.run([received(each) for each in messages]) if batches == 1 else ledger.send(*messages)
    assert [outcome(each) for each in events] == ["posted"] * len(messages)
    routed = ["" if each == "-" else each for each in (row["outcomes"] or "-").split(",")]
    assert [each.get("routed", "") for each in events[1:]] == routed
    used = {"shard": events[0]["shard"], "seq": events[0]["seq"], "leg": 0}
    assert [each.get("uses") for each in events[1:]] == [None if each else used for each in routed]
    assert ledger.balance(ALICE) == round(float(row["alice"]) * 100)
    assert suspense(ledger) == round(float(row["suspense"]) * 100)


NAMED = table("""
    original    owner  amount  asset  routed                   credit                  uses
    paid        ALICE  40.00   EUR    -                        ALICE                   yes
    cash        ALICE  40.00   EUR    -                        ALICE                   yes   # it comes back to the correspondent
    cleared     ALICE  40.00   EUR    -                        ALICE                   yes   # screened first
    screened    ALICE  40.00   EUR    original_not_posted      BANK/suspense/EUR       -
    refused     ALICE  40.00   EUR    original_not_posted      BANK/suspense/EUR       -
    rejected    ALICE  40.00   EUR    original_not_posted      BANK/suspense/EUR       -
    nothing     ALICE  40.00   EUR    original_unknown         BANK/suspense/EUR       -
    paid        BOB    40.00   EUR    original_unknown         BANK/suspense/EUR       -     # an id is its home's
    paid        house  40.00   EUR    original_unknown         BANK/suspense/EUR       -
    paid        ALICE  40.00   USD    asset_mismatch           BANK/suspense/USD       -
    nothing     ALICE  40.00   USD    original_unknown         BANK/suspense/USD       -
    sent        ALICE  40.00   EUR    original_not_returnable  BANK/suspense/EUR       -
    arrived     ALICE  40.00   EUR    original_not_returnable  BANK/suspense/EUR       -
    came_back   ALICE  40.00   EUR    original_not_returnable  BANK/suspense/EUR       -     # a return is none
    closed      ALICE  40.00   EUR    account_closed           BANK/return/EUR         yes
    frozen      ALICE  40.00   EUR    account_frozen           BANK/blocked_funds/EUR  yes
    frozen      ALICE  40.01   EUR    amount_exceeds_original  BANK/suspense/EUR       -     # what it is of comes after
    undone      ALICE  40.00   EUR    already_reversed         BANK/suspense/EUR       -
    of_broker   ALICE  40.00   EUR    -                        broker                  yes
    of_broker   ALICE  99.00   EUR    amount_exceeds_original  BROKER/suspense/EUR     -     # whose books it belongs to is known
""")


@pytest.mark.parametrize("row", NAMED, ids=lambda row: f"{row['original']} {row['owner']} {row['asset']}")
def test_it_goes_to_who_had_paid_or_to_a_house_account(row: dict[str, str]) -> None:
    """Nothing that has come back is lost for want of the payment, an account or an open one."""
    names = {"ALICE": ALICE, "BOB": BOB}
    ledger = a_bank()

    def named(name: str) -> dict[str, Any]:
        """Give an instruction the id of this name."""
        return {"instruction_id": named_id(name)}

    freeze = {"freeze_id": "f", "authority": "court", "direction": "credit"}
    ledger.send(
        *[opening(ALICE, each) for each in ("shut", "cold")],
        opening(ALICE, "broker", entity="BROKER"),
        *[deposit(ALICE, "40.00", each) for each in ("shut", "cold", "broker")],
        deposit(ALICE, "5000.00"),
        withdrawal(ALICE, "40.00", **named("paid")),
        withdrawal(ALICE, "40.00", channel={"cash": True}, **named("cash")),
        withdrawal(ALICE, "40.00", "shut", **named("closed")),
        withdrawal(ALICE, "40.00", "cold", **named("frozen")),
        withdrawal(ALICE, "40.00", "broker", **named("of_broker")),
        withdrawal(ALICE, "99999.00", **named("rejected")),
        transfer(ALICE, BOB, "40.00", **named("sent")),
        deposit(ALICE, "40.00", **named("arrived")),
        closing(ALICE, "shut"),
        instruction("freeze_account", owner=ALICE, account="cold", **freeze),
    )
    undone, again = withdrawal(ALICE, "40.00", **named("undone")), withdrawal(ALICE, "40.00")
    ledger.send(undone, reversal(undone), again, returning(again, "40.00", **named("came_back")))
    events = ledger.send(
        *[withdrawal(ALICE, "1000.00", **named(each)) for each in ("screened", "cleared", "refused")]
    )
    ledger.send(answer(events[1], "cleared"), answer(events[2], "refused"))
    message = returning(
        named(row["original"]), row["amount"], names.get(row["owner"], row["owner"]), asset=row["asset"]
    )
    (event,) = ledger.send(message)
    assert outcome(event) == "posted"
    (movement,) = event["movements"]
    assert movement["amount"] == row["amount"]
    assert movement["credit"]["account"] == names.get(row["credit"], row["credit"])
    assert movement["debit"]["account"].split("/")[1] == "nostro"
    assert event.get("routed", "") == row["routed"]
    assert ("uses" in event) == bool(row["uses"])


WRONG = table("""
    field        value                   outcome
    amount       0.00                    amount_zero
    amount       -1.00                   amount_negative
    amount       1.001                   amount_too_many_decimals
    amount       92233720368547758.08    amount_too_large
    asset        XXX                     asset_unknown
    asset        JPY                     amount_too_many_decimals
    original_id  x                       field_malformed
""")


@pytest.mark.parametrize("row", WRONG, ids=lambda row: f"{row['field']} {row['value']}")
def test_what_is_written_wrong_is_rejected(row: dict[str, str]) -> None:
    """A fact is rejected only for what makes it unintelligible."""
    ledger = a_bank()
    paid = withdrawal(ALICE, "40.00")
    _, event = ledger.send(paid, returning(paid, "40.00") | {row["field"]: row["value"]})
    assert (outcome(event), event["field"]) == (
        row["outcome"],
        "amount" if row["value"] == "JPY" else row["field"],
    )
    assert (ledger.balance(ALICE), suspense(ledger)) == (60_00, 0)


def test_in_an_asset_in_which_no_entity_keeps_accounts_it_is_rejected() -> None:
    """There is nowhere to put it."""
    ledger = a_bank()
    (event,) = ledger.send(returning(withdrawal(ALICE, "40"), "40", asset="JPY"))
    assert outcome(event) == "asset_not_used"


def test_a_payment_is_undone_or_comes_back_and_never_both() -> None:
    """Whichever comes first; a part that came back stands against undoing the rest."""
    ledger = a_bank()
    undone, part, whole = (withdrawal(ALICE, "10.00") for _ in range(3))
    ledger.send(undone, part, whole)
    events = ledger.send(reversal(undone), returning(undone, "1.00"))
    assert [(outcome(each), each.get("routed")) for each in events] == [
        ("posted", None),
        ("posted", "already_reversed"),
    ]
    events = ledger.send(returning(part, "1.00"), reversal(part), returning(part, "9.00"), reversal(part))
    assert [outcome(each) for each in events] == ["posted", "partly_used", "posted", "already_reversed"]
    events = ledger.send(returning(whole, "10.00"), reversal(whole))
    assert [outcome(each) for each in events] == ["posted", "already_reversed"]
    assert (ledger.balance(ALICE), suspense(ledger)) == (100_00, 1_00)


def test_what_was_returned_by_mistake_is_undone_and_stays_used() -> None:
    """Facts are added: the reversal is a transaction of its own, and the next return has nothing to match."""
    ledger = a_bank()
    paid = withdrawal(ALICE, "40.00")
    back = returning(paid, "40.00")
    events = ledger.send(paid, back, reversal(back), returning(paid, "40.00"))
    assert [outcome(each) for each in events] == ["posted"] * 4
    assert events[3]["routed"] == "already_reversed"
    assert (ledger.balance(ALICE), suspense(ledger)) == (60_00, 40_00)


def test_what_went_to_suspense_is_undone_by_whose_instruction_it_was() -> None:
    """The shard that holds it keeps what was made of it."""
    ledger = a_bank()
    unknown = returning(withdrawal(ALICE, "40.00"), "40.00")
    events = ledger.send(unknown, reversal(unknown, HOUSE), reversal(unknown), reversal(unknown))
    assert [outcome(each) for each in events] == [
        "posted", "reversed_elsewhere", "posted", "already_reversed",
    ]  # fmt: skip
    assert suspense(ledger) == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "return", "return", "return", "reverse"]),
        st.sampled_from([1, 3, 5, 10]),
        st.integers(0, 3),
    ),
    max_size=20,
)


@given(STEPS, st.lists(st.integers(1, 4), min_size=20, max_size=20))
@settings(max_examples=150, deadline=None)
def test_of_each_payment_at_most_all_comes_back_however_it_is_cut(
    steps: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    """What the events say was used of each payment is never more than it, and the rest is in suspense."""
    payments = [withdrawal(ALICE, "10.00") for _ in range(4)]
    messages: list[dict[str, Any]] = []
    for number, (what, amount, which) in enumerate(steps):
        paid = payments[which]
        made = {
            "pay": paid,
            "return": returning(paid, f"{amount}.00", instruction_id=named_id(f"return {number}")),
            "reverse": reversal(paid, instruction_id=named_id(f"reversal {number}")),
        }[what]
        messages.append(made)
    whole, cut = a_bank(), a_bank()
    records = [received(each, offset=number) for number, each in enumerate(messages)]
    whole.run(records)
    at = 0
    for size in cuts:
        cut.run(records[at : at + size])
        at += size
    assert cut.events[4:] == whole.events[4:]
    used: dict[int, int] = {}
    for event in whole.events:
        if "uses" in event:
            used[event["uses"]["seq"]] = used.get(event["uses"]["seq"], 0) + amount_of(event)
        if "reverses" in event:
            assert used.setdefault(event["reverses"]["seq"], 0) == 0
            used[event["reverses"]["seq"]] = amount_of(event)
    assert all(each <= 10_00 for each in used.values())
    paid_out = sum(
        amount_of(each)
        for each in whole.events
        if each.get("instruction_type") == "withdrawal" and "movements" in each
    )
    assert whole.balance(ALICE) == 100_00 - paid_out + sum(used.values())
    assert suspense(whole) == sum(amount_of(each) for each in whole.events if "routed" in each)


def amount_of(event: dict[str, Any]) -> int:
    """What an event moved, in minor units."""
    (movement,) = event["movements"]
    return round(float(movement["amount"]) * 100)


def test_it_is_kept_at_one_shard() -> None:
    """The one of who had paid; no other ever writes it."""
    ledger = a_bank()
    paid = withdrawal(ALICE, "40.00")
    ledger.send(paid, returning(paid, "1.00"), returning(paid, "1.00", BOB), returning(paid, "1.00", HOUSE))
    used = [each for events in ledger.decisions.values() for each in events if "uses" in (each.detail or {})]
    assert [each.owner for each in used] == [ALICE]
    assert len(ledger.uses) == 1
    assert all(each.shard < PARTITIONS for each in ledger.uses)


def test_what_was_taken_for_a_payment_does_not_come_back_with_it() -> None:
    """Its first movement is what went out; a bank that sends a payment back has not got the others."""
    ledger = a_bank()
    paid = replace(
        ledger.types["withdrawal"],
        movements=lambda message: (
            *TYPES["withdrawal"].movements(message),
            Planned("fee", message.account, CASH_DESK, "1.00", "EUR"),
        ),
    )
    ledger.types["withdrawal"] = paid
    message = withdrawal(ALICE, "40.00")
    events = ledger.send(message, returning(message, "40.01"), returning(message, "40.00"))
    assert [each.get("routed") for each in events] == [None, "amount_exceeds_original", None]
    assert ledger.balance(ALICE) == 99_00
