"""Groups: several instructions in one record, all or nothing, each with an id that is used up too."""

# ruff: noqa: E501 - tables are as wide as what they show

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.decisions import hash_of
from services.transactions.domain.effects import no_item, no_original
from services.transactions.queries.verifying import verify
from shared.messages.instructions import INSTRUCTION
from shared.messages.instructions.base import content_of
from shared.messages.instructions.groups import MEMBERS
from shared.messages.journal import JOURNAL_EVENT
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    answer,
    custody,
    custody_transfer,
    deposit,
    exchange,
    instruction,
    opening,
    outcome,
    owner_in,
    reversal,
    table,
    transfer,
    withdrawal,
)
from tests.transactions.test_outcomes import freezing

ALICE, BOB = owner_in(1, "alice"), owner_in(2, "bob")


def group(owner: str, *members: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Several instructions of the owner's in one."""
    return instruction("group", owner=owner, members=list(members), **fields)


def fee(amount: str, account: str = ALICE, owner: str = ALICE) -> dict[str, Any]:
    """A fee of Alice's."""
    return instruction("fee", owner=owner, account=account, amount=amount, asset="EUR")


def member(text: str) -> dict[str, Any]:
    """Read a member of Alice's group: what, how much, and where other than usually."""
    kind, amount, *other = text.split(":")
    match kind:
        case "pay":
            return transfer(ALICE, other[0] if other else BOB, amount)
        case "draw":
            return withdrawal(ALICE, amount, *other)
        case "fee":
            return fee(amount, *other)
        case "in":
            return deposit(ALICE, amount, *other)
        case "bobs":
            return fee(amount, BOB, BOB)
        case "swap":
            return exchange(ALICE, amount, other[0], "1.1")
        case _:
            return instruction("reserve", owner=ALICE, account=ALICE, amount=amount, asset="EUR")


def a_bank() -> PureLedger:
    """Alice with 100.00 EUR and an account in USD, Bob with nothing; large withdrawals are screened."""
    ledger = PureLedger()
    ledger.send(opening(ALICE), opening(BOB), opening(ALICE, f"{ALICE}/USD", asset="USD"))
    ledger.send(opening(ALICE, "elsewhere", entity="BROKER"), deposit(ALICE, "100.00"))
    ledger.chart.policies[1, "withdrawal", 978] = [Dated(ScreeningPolicy(80_00), date(1900, 1, 1), None)]
    return ledger


OUTCOMES = table("""
    members                          outcome                   member  field                   alice   bob
    pay:40.00,fee:1.00               posted                    -       -                       59.00   40.00
    pay:99.00,fee:1.00               posted                    -       -                       0.00    99.00
    pay:99.00,fee:1.01               insufficient_funds        1       members.1.account       100.00  0.00   # all or nothing
    fee:1.01,pay:99.00               insufficient_funds        1       members.1.debit_account 100.00  0.00   # in their order
    in:50.00,pay:150.00              posted                    -       -                       0.00    150.00 # funded by the one before
    pay:150.00,in:50.00              insufficient_funds        0       members.0.debit_account 100.00  0.00
    pay:1.00,fee:0.00                amount_zero               1       members.1.amount        100.00  0.00
    pay:1.00,fee:x                   amount_malformed          1       members.1.amount        100.00  0.00
    pay:1.00:nobody,fee:x            amount_malformed          1       members.1.amount        100.00  0.00   # form before references
    draw:500.00,pay:1.00:nobody      account_unknown           1       members.1.credit_account 100.00 0.00   # references before limits
    fee:1.00:nobody,pay:1.00         account_unknown           0       members.0.account       100.00  0.00   # not a fact in a request
    pay:1.00,bobs:1.00               member_differs            1       members.1.owner         100.00  0.00
    pay:1.00,fee:1.00:BOB            wrong_owner               1       members.1.owner         100.00  0.00
    pay:1.00,fee:1.00:elsewhere      spans_entities            1       members.1               100.00  0.00
    swap:10.00:11.00,fee:1.00        posted                    -       -                       89.00   0.00
    swap:10.00:12.00,fee:1.00        rate_mismatch             0       members.0.rate          100.00  0.00
    pay:1.00,hold:1.00               field_value_unknown       -       members.1.type          100.00  0.00
    draw:79.99,draw:1.00             posted                    -       -                       19.01   0.00
    draw:80.00,pay:1.00              pending                   -       -                       100.00  0.00   # by the strictest
    pay:1.00,draw:80.00              pending                   -       -                       100.00  0.00
""")


AGAINST_PAYMENT = table("""
    held  members                      outcome                 securities  cash
    10    deliver:4,in:60.00           posted                  6           160.00
    10    deliver:4,draw:60.00         posted                  6           40.00
    10    deliver:4,draw:100.01        insufficient_funds      10          100.00  # neither is booked
    10    deliver:4,deliver:7,draw:1.00  insufficient_funds    10          100.00
    10    receive:4,draw:60.00         posted                  14          40.00
    -     receive:4,draw:60.00         asset_mismatch          0           100.00  # a group opens no account
    10    deliver:0,in:1.00            amount_zero             10          100.00
    10    deliver:11,in:1.00           posted                  -1          101.00  # both are facts
""")


@pytest.mark.parametrize("row", AGAINST_PAYMENT, ids=lambda row: f"{row['members']} {row['outcome']}")
def test_securities_are_delivered_against_payment(row: dict[str, str]) -> None:
    """One goes with the other, or neither does."""
    ledger = a_bank()
    ledger.send(custody(ALICE))
    if row["held"]:
        ledger.send(custody_transfer(ALICE, "receive", row["held"]))
    parts = [each.split(":") for each in row["members"].split(",")]
    members = [
        custody_transfer(ALICE, kind, amount)
        if kind in ("deliver", "receive")
        else member(f"{kind}:{amount}")
        for kind, amount in parts
    ]
    (event,) = ledger.send(group(ALICE, *members))
    assert outcome(event) == row["outcome"]
    code = f"{ALICE}/custody#{ISIN}"
    is_there = code in ledger.states[1].accounts
    assert (ledger.balance(code) if is_there else 0) == int(row["securities"])
    assert f"{ledger.balance(ALICE) / 100:.2f}" == row["cash"]


async def test_a_delivery_against_payment_is_kept_and_derived_anew(
    ledger: StoredLedger, ledger_database: LedgerDatabase
) -> None:
    """After the memory is lost, too; and it is undone as a whole."""
    await ledger.send(opening(ALICE), custody(ALICE), deposit(ALICE, "100.00"))
    await ledger.send(custody_transfer(ALICE, "receive", "10"))
    await ledger.forget()
    message = group(ALICE, custody_transfer(ALICE, "deliver", "4"), withdrawal(ALICE, "30.00"))
    assert [outcome(each) for each in await ledger.send(message)] == ["posted"]
    await ledger.forget()
    assert [outcome(each) for each in await ledger.send(reversal(message))] == ["posted"]
    rows = await ledger.connection.fetch(
        "SELECT sum(credits_posted - debits_posted)::int AS minor FROM balance JOIN account USING (account_id)"
        " WHERE owner = $1 GROUP BY code ORDER BY code",
        ALICE,
    )
    assert [row["minor"] for row in rows] == [100_00, 0, 10]
    for quick in (True, False):
        assert (await verify(ledger_database.readonly, quick=quick)).ok


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['members']} {row['outcome']}")
def test_a_group_is_all_or_nothing(row: dict[str, str]) -> None:
    """One outcome, which names the member that is in the way and why."""
    ledger = a_bank()
    members = [member(each.replace("BOB", BOB)) for each in row["members"].split(",")]
    (event,) = ledger.send(group(ALICE, *members))
    assert outcome(event) == row["outcome"]
    assert event.get("field", "") == row["field"]
    assert event.get("member", "") == (int(row["member"]) if row["member"] else "")
    balances = [f"{ledger.balance(each) / 100:.2f}" for each in (ALICE, BOB)]
    assert balances == [row["alice"], row["bob"]]
    if row["outcome"] in ("posted", "pending"):
        JOURNAL_EVENT.validate_python(event, strict=False)
        assert [each["instruction_id"] for each in event["members"]] == [
            each["instruction_id"] for each in members
        ]
        assert [each["member"] for each in event["movements"]] == [
            number for number, each in enumerate(event["members"]) for _ in range(each["movements"])
        ]


@pytest.mark.parametrize(
    ("verdict", "balances"),
    [("cleared", (19_00, 1_00)), ("released", (19_00, 1_00)), ("refused", (100_00, 0))],
)
def test_a_decision_ends_the_whole_group(verdict: str, balances: tuple[int, int]) -> None:
    """What waits with its strictest member is reserved with it."""
    ledger = a_bank()
    asked = group(ALICE, member("pay:1.00"), member("draw:80.00"))
    (event,) = ledger.send(asked)
    assert outcome(ledger.send(withdrawal(ALICE, "19.01"))[0]) == "insufficient_funds"
    for pending_id, reason in ((asked, "under_screening"), (asked["members"][1], "pending_unknown")):
        named = instruction(
            "post_pending", owner=ALICE, pending_id=pending_id["instruction_id"], amount="1.00"
        )
        assert outcome(ledger.send(named)[0]) == reason
    (ended,) = ledger.send(answer(event, verdict))
    assert (ledger.balance(ALICE), ledger.balance(BOB)) == balances
    assert ended["members"] == event["members"]
    assert [each["member"] for each in ended["movements"]] == [0, 1]


REPEATED = table("""
    again       outcome         field                       about
    group       duplicate       -                           group
    longer      id_reused       members                     group
    member      duplicate       -                           group
    other       id_reused       amount                      group
    grouped     member_id_used  members.1.instruction_id    group
    twice       member_id_repeated  members.1.instruction_id -
    own         member_id_repeated  members.0.instruction_id -
    fresh       posted          -                           -
""")


@pytest.mark.parametrize("refused", [False, True], ids=["accepted", "refused"])
@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("row", REPEATED, ids=lambda row: row["again"])
def test_the_ids_of_members_are_used_up_with_the_group(
    row: dict[str, str], quick: bool, refused: bool
) -> None:
    """Whoever sends one again, alone or in a group, is told by which group it was used."""
    ledger = a_bank()
    ledger.quick = quick
    paid, charged = member("pay:1.00"), member("fee:500.00" if refused else "fee:0.10")
    first = group(ALICE, charged, paid)
    (before,) = ledger.send(first)
    assert outcome(before) == ("insufficient_funds" if refused else "posted")
    again = {
        "group": first,
        "longer": {**first, "members": [charged]},
        "member": paid,
        "other": {**paid, "amount": "2.00"},
        "grouped": group(ALICE, member("fee:0.20"), paid),
        "twice": group(ALICE, *[member("fee:0.20")] * 2),
        "own": {
            **(each := group(ALICE)),
            "members": [{**member("fee:0.20"), "instruction_id": each["instruction_id"]}],
        },
        "fresh": group(ALICE, member("fee:0.20")),
    }[row["again"]]
    (event,) = ledger.send(again)
    assert (outcome(event), event.get("field") or "") == (row["outcome"], row["field"])
    assert event.get("first", {}).get("seq") == (before["seq"] if row["about"] else None)


def test_what_concerns_all_members_is_said_by_the_group() -> None:
    """A second value date would be of no use: one transaction has one."""
    ledger = a_bank()
    for name, value in (
        ("value_date", "2026-01-02"),
        ("payment", {}),
        ("business_reference", "x"),
        ("dry_run", True),
        ("execute_on", "2026-01-02"),
    ):
        (event,) = ledger.send(group(ALICE, member("fee:1.00"), {**member("pay:1.00"), name: value}))
        assert (outcome(event), event["field"]) == ("member_differs", f"members.1.{name}")
    (event,) = ledger.send(group(ALICE, member("draw:1.00"), channel={"cash": True}, value_date="2026-01-02"))
    assert event["value_date"] == "2026-01-02"
    assert event["movements"][0]["credit"]["account"] == "BANK/vault/EUR"


def test_a_group_is_booked_on_the_open_day() -> None:
    """One event has one booking date: neither it nor a member names another."""
    ledger = a_bank()
    (event,) = ledger.send(group(ALICE, member("pay:1.00"), execute_on="2026-01-02"))
    assert (outcome(event), event["field"]) == ("not_schedulable", "execute_on")
    ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/fee_income/EUR"}
    adjusted = instruction(
        "adjustment",
        owner="house",
        **ends,
        amount="1.00",
        asset="EUR",
        reason="found out",
        entered_by="a",
        approved_by="b",
    )
    (event,) = ledger.send(group("house", {**adjusted, "booking_date": "2026-01-01"}))
    assert (outcome(event), event["field"]) == ("member_differs", "members.0.booking_date")
    (event,) = ledger.send(group("house", adjusted))
    assert outcome(event) == "posted"


def test_a_value_date_is_one_that_each_member_may_have() -> None:
    """A customer's request has its value today or later; a group is a way round no rule of its members."""
    ledger = a_bank()
    (event,) = ledger.send(group(ALICE, member("fee:1.00"), value_date="2025-12-31"))
    assert outcome(event) == "posted"
    (event,) = ledger.send(group(ALICE, member("fee:1.00"), member("pay:1.00"), value_date="2025-12-31"))
    assert (outcome(event), event["member"], event["field"]) == ("value_date_out_of_window", 1, "value_date")


def test_a_group_takes_no_money_before_its_value() -> None:
    """What has its value tomorrow is there for a group of tomorrow's, and for facts."""
    ledger = a_bank()
    ledger.send(deposit(ALICE, "50.00", value_date="2026-01-02"))
    (event,) = ledger.send(group(ALICE, member("pay:100.00"), member("pay:1.00")))
    assert (outcome(event), event["member"]) == ("short_on_value_date", 1)
    (event,) = ledger.send(group(ALICE, member("pay:100.00"), member("pay:1.00"), value_date="2026-01-02"))
    assert outcome(event) == "posted"
    ledger = a_bank()
    ledger.send(deposit(ALICE, "50.00", value_date="2026-01-02"))
    (event,) = ledger.send(group(ALICE, member("fee:100.00"), member("fee:1.00")))
    assert (outcome(event), event["limit_passed"]) == ("posted", True)


def test_facts_in_a_group_take_what_a_freeze_keeps() -> None:
    """As they do by themselves; with a request among them the freeze holds."""
    ledger = a_bank()
    ledger.send(
        instruction(
            "freeze_account",
            owner=ALICE,
            account=ALICE,
            freeze_id="f",
            authority="court",
            direction="debit",
            amount="90.00",
        )
    )
    (event,) = ledger.send(group(ALICE, member("fee:11.00"), member("pay:1.00")))
    assert (outcome(event), event["member"]) == ("amount_frozen", 0)
    (event,) = ledger.send(group(ALICE, member("fee:11.00"), member("fee:1.00")))
    assert (outcome(event), event["limit_passed"]) == ("posted", True)


def test_a_group_debits_no_account_of_items() -> None:
    """What is in one is used up item by item, whoever asks."""
    ledger = a_bank()
    ends = {"debit_account": "BANK/suspense/EUR", "credit_account": "BANK/nostro/EUR"}
    posting = instruction("house_posting", owner="house", **ends, amount="1.00", asset="EUR")
    (event,) = ledger.send(group("house", posting))
    assert (outcome(event), event["field"]) == ("account_class_not_allowed", "members.0.debit_account")


@pytest.mark.parametrize(
    ("members", "reason", "field"),
    [
        ([], "group_empty", "members"),
        (["fee:0.01"] * 17, "too_large", "members"),
        ([5], "field_wrong_type", "members.0"),
        ([{}], "field_missing", "members.0.type"),
        (["fee:0.01", {"type": "group"}], "field_value_unknown", "members.1.type"),
        (["fee:0.01", {"type": "fee"}], "field_missing", "members.1.instruction_id"),
    ],
)
def test_a_group_that_is_not_written_as_it_must_be_is_refused(
    members: list[Any], reason: str, field: str
) -> None:
    """With the member and its field named."""
    read = [member(each) if isinstance(each, str) else each for each in members]
    (event,) = a_bank().send(group(ALICE, *read))
    assert (outcome(event), event["field"]) == (reason, field)


def test_a_group_has_no_more_movements_than_an_event_may_have() -> None:
    """However few its members are."""
    ledger = a_bank()
    many = [{"kind": "fee", "amount": "0.01", "asset": "EUR"}] * 62
    for number, said in ((62, "posted"), (63, "too_large")):
        charged = {**member("pay:1.00"), "charges": [*many, *many][:number]}
        assert outcome(ledger.send(group(ALICE, member("fee:0.01"), charged))[0]) == said


def test_members_may_be_charged() -> None:
    """Their charges are their own movements."""
    charged = {
        **member("pay:10.00"),
        "charges": [{"kind": "fee", "amount": "0.50", "asset": "EUR", "taken": "deducted"}],
    }
    (event,) = a_bank().send(group(ALICE, member("in:1.00"), charged))
    assert [(each["member"], each["kind"], each["amount"]) for each in event["movements"]] == [
        (0, "principal", "1.00"), (1, "principal", "9.50"), (1, "fee", "0.50"),
    ]  # fmt: skip


FACTS = table("""
    members                  frozen  limit_passed  routed                  alice    suspense  blocked
    in:5.00,fee:1.00         -       -             -,-                     104.00   0.00      0.00
    in:5.00,fee:200.00       -       yes           -,-                     -95.00   0.00      0.00
    in:5.00:nobody,fee:1.00  -       -             account_unknown,-       99.00    5.00      0.00
    in:5.00,fee:1.00:nobody  -       -             -,account_unknown       105.00   -1.00     0.00
    in:5.00,fee:1.00         debit   -             -,account_frozen        105.00   0.00      -1.00
    in:5.00,fee:1.00         both    -             account_frozen,account_frozen 100.00 0.00  4.00
""")


@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['members']} {row['frozen']}")
def test_a_group_of_facts_is_never_lost(row: dict[str, str]) -> None:
    """What cannot be booked as named goes where it would go by itself; the rest stays as it is."""
    ledger = a_bank()
    if row["frozen"]:
        ledger.send(freezing(ALICE, "f", row["frozen"]))
    (event,) = ledger.send(group(ALICE, *map(member, row["members"].split(","))))
    assert outcome(event) == "posted"
    assert event.get("limit_passed", False) == (row["limit_passed"] == "yes")
    assert [each.get("routed", "-") for each in event["members"]] == row["routed"].split(",")
    codes = (ALICE, "BANK/suspense/EUR", "BANK/blocked_funds/EUR")
    assert [f"{ledger.balance(each) / 100:.2f}" for each in codes] == [
        row["alice"],
        row["suspense"],
        row["blocked"],
    ]


def test_a_freeze_stops_a_group_with_a_request_in_it() -> None:
    """The first movement that it stops is named."""
    ledger = a_bank()
    ledger.send(freezing(ALICE, "f", "debit"))
    (event,) = ledger.send(group(ALICE, member("in:1.00"), member("pay:1.00")))
    assert (outcome(event), event["member"], event["field"]) == (
        "account_frozen",
        1,
        "members.1.debit_account",
    )


def test_a_group_is_reversed_whole_by_home() -> None:
    """By its own id; a member is not undone without the others."""
    ledger = a_bank()
    asked = group(ALICE, member("pay:10.00"), member("fee:1.00"), member("draw:5.00"))
    ledger.send(asked)
    (event,) = ledger.send(reversal(asked["members"][1]))
    assert (outcome(event), event["field"]) == ("original_is_member", "original_id")
    (event,) = ledger.send(reversal(asked))
    assert [each["amount"] for each in event["movements"]] == ["1.00", "5.00"]
    assert outcome(ledger.send(reversal(asked, BOB))[0]) == "posted"
    assert (ledger.balance(ALICE), ledger.balance(BOB)) == (100_00, 0)


def test_a_dry_run_of_a_group_leaves_its_members_ids_free() -> None:
    """It says what would come of all of it."""
    ledger = a_bank()
    asked = group(ALICE, member("pay:10.00"), member("fee:1.00"))
    (event,) = ledger.send({**asked, "dry_run": True})
    assert (event["outcome"], [each["member"] for each in event["would_be"]["movements"]]) == (
        "posted",
        [0, 1],
    )
    assert outcome(ledger.send(asked["members"][0])[0]) == "posted"
    (event,) = ledger.send({**asked, "dry_run": True})
    assert (event["outcome"], event["reason"]) == ("rejected", "member_id_used")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_members_content_is_what_it_would_be_alone(text: str) -> None:
    """So that it is a duplicate of itself, whatever it is made of."""
    alone = instruction(
        "adjustment", owner="house", debit_account="BANK/nostro/EUR", credit_account="BANK/vault/EUR",
        amount="1.00", asset="EUR", reason="".join(each for each in text if each >= " " and each != "\x7f") or "x",
        entered_by="op:jane", approved_by="op:joe",
    )  # fmt: skip
    ledger = PureLedger()
    ledger.send(group("house", alone))
    first = next(each for (_, name), each in ledger.firsts.items() if name == alone["instruction_id"])
    content = content_of(INSTRUCTION.validate_python(alone, strict=False))
    assert (first.content, first.content_hash) == (content, hash_of(content))


def test_the_types_of_members_move_what_they_move_at_once() -> None:
    """What sets something aside, or is about something else, has an outcome that a group has not.

    What opens accounts where it comes alone opens none in a group: see deliveries against payment.
    """
    from services.transactions.handlers.memory import TYPES

    effects = {code: TYPES[code].effect for code in MEMBERS}
    assert {code for code in MEMBERS if TYPES[code].reserves} == set()
    assert {code for code, each in effects.items() if each.item is not no_item} == set()
    assert {code for code, each in effects.items() if each.original is not no_original} == set()
    assert all(code in TYPES for code in MEMBERS)


async def test_a_group_is_the_same_after_another_process_has_taken_over(ledger: StoredLedger) -> None:
    """Its members' ids are in the tables, and what waits knows whose its movements are."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(ALICE, "5000.00"))
    posted, waits = (
        group(ALICE, member("pay:1.00"), member("fee:0.10")),
        group(ALICE, member("fee:1.00"), member("draw:2000.00")),
    )
    (first, pending) = await ledger.send(posted, waits)
    assert (outcome(first), outcome(pending)) == ("posted", "pending")
    await ledger.forget()
    again, other, grouped, alone = await ledger.send(
        posted["members"][0],
        {**waits["members"][1], "amount": "1.00"},
        group(ALICE, member("fee:0.20"), posted["members"][1]),
        reversal(posted["members"][0]),
    )
    assert (outcome(again), again["first"]["seq"]) == ("duplicate", first["seq"])
    assert (outcome(other), other["field"], other["first"]["seq"]) == ("id_reused", "amount", pending["seq"])
    assert (outcome(grouped), grouped["member"], grouped["first"]["seq"]) == (
        "member_id_used",
        1,
        first["seq"],
    )
    assert outcome(alone) == "original_is_member"
    (ended,) = await ledger.send(answer(pending, "cleared"))
    assert (outcome(ended), ended["members"]) == ("posted", pending["members"])
    assert [each["member"] for each in ended["movements"]] == [0, 1]
