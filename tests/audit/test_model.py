"""The reference ledger's outcomes, as tables: which rung says no, and what the books are after."""

import json
from typing import Any
from uuid import UUID

import pytest

from audit.checks import examine
from audit.examination import Examination
from audit.model import Prediction
from tests.audit.honest import ALICE, BOB, PARTITIONS, Upstream, books, owner_in, predict

A, B = f"{ALICE}-EUR", f"{BOB}-EUR"


def with_customers() -> Upstream:
    """Alice with 100.00 and Bob with nothing, at home in different shards."""
    upstream = Upstream()
    for number, (owner, code) in enumerate(((ALICE, A), (BOB, B))):
        upstream.send("open_account", owner, number + 1, account=code, entity="BANK", asset="EUR")
    upstream.send("deposit", ALICE, 3, account=A, amount="100.00", asset="EUR")
    return upstream


def last(upstream: Upstream) -> Prediction:
    """What the model says of the last record."""
    evidence, said = predict(upstream)
    assert not said.problems
    row = evidence.ledger.journal[-1]
    return said.predictions[row.shard, row.seq]


OUTCOMES: list[tuple[str, dict[str, Any], str]] = [
    ("withdrawal", {"amount": "100.00"}, "TransactionPosted"),
    ("withdrawal", {"amount": "100.01"}, "insufficient_funds"),
    ("withdrawal", {"amount": "0.00"}, "amount_zero"),
    ("withdrawal", {"amount": "-1.00"}, "amount_negative"),
    ("withdrawal", {"amount": "1.001"}, "amount_too_many_decimals"),
    ("withdrawal", {"amount": "92233720368547758.08"}, "amount_too_large"),
    ("withdrawal", {"amount": "1,0"}, "amount_malformed"),
    ("withdrawal", {"amount": 1}, "amount_not_a_string"),
    ("withdrawal", {"amount": "1.001", "asset": "XQQ"}, "asset_unknown"),
    ("withdrawal", {"amount": "0", "asset": "XQQ"}, "amount_zero"),
    ("withdrawal", {"asset": "USD"}, "asset_mismatch"),
    ("withdrawal", {"account": "nobody"}, "account_unknown"),
    ("withdrawal", {"account": B}, "wrong_owner"),
    ("withdrawal", {"value_date": "1899-12-31"}, "date_out_of_range"),
    ("withdrawal", {"value_date": "31.12.2026"}, "date_malformed"),
    ("withdrawal", {"channel": {"channel": "pigeon"}}, "field_value_unknown"),
    ("withdrawal", {"channel": {"cash": 1}}, "field_wrong_type"),
    ("withdrawal", {"business_reference": ""}, "field_malformed"),
    ("transfer", {"debit_account": A, "credit_account": A}, "accounts_same"),
    ("transfer", {"debit_account": A, "credit_account": B}, "TransactionPosted"),
    ("transfer", {"debit_account": B, "credit_account": A}, "wrong_owner"),
    ("transfer", {"debit_account": A, "credit_account": "BANK-EUR-nostro"}, "account_class_not_allowed"),
    ("transfer", {"debit_account": A}, "field_missing"),
    ("fee", {"amount": "100.01"}, "TransactionPosted"),
    ("deposit", {"account": "nobody"}, "TransactionPosted"),
    ("deposit", {"asset": "SAP", "amount": "1"}, "asset_not_used"),
    ("freeze_account", {"freeze_id": "F", "authority": "court", "direction": "debit"}, "InstructionApplied"),
    ("freeze_account", {"freeze_id": "F", "authority": "court"}, "direction_not_debit"),
    (
        "freeze_account",
        {"freeze_id": "F", "authority": "court", "amount": "0.001"},
        "amount_too_many_decimals",
    ),
    ("unfreeze_account", {"freeze_id": "F"}, "freeze_unknown"),
    ("open_account", {"entity": "BANK"}, "account_exists"),
    ("open_account", {"account": "new", "entity": "NONE"}, "entity_unknown"),
    ("open_account", {"account": "new", "entity": "BANK", "class": "custody"}, "account_class_not_allowed"),
    ("open_account", {"account": "new", "entity": "BANK", "asset": "USD"}, "asset_not_used"),
    (
        "open_account",
        {"account": "new", "entity": "BANK", "asset": "SAP", "class": "custody"},
        "InstructionApplied",
    ),
]


@pytest.mark.parametrize(("kind", "fields", "outcome"), OUTCOMES)
def test_the_first_rung_that_fails_names_the_reason(kind: str, fields: dict[str, Any], outcome: str) -> None:
    """One instruction of Alice's, who has 100.00."""
    upstream = with_customers()
    asked: dict[str, Any] = {"account": A, "amount": "1.00", "asset": "EUR"} | fields
    upstream.send(kind, ALICE, 9, **asked)
    said = last(upstream)
    assert (said.reason or said.kind) == outcome


def test_a_fact_for_nobody_goes_to_suspense() -> None:
    """It has happened: it is booked all the same."""
    upstream = with_customers()
    upstream.send("deposit", ALICE, 9, account="nobody", amount="1.00", asset="EUR")
    said = last(upstream)
    assert said.routed == "account_unknown"
    assert [(leg.debit, leg.credit) for leg in said.movements] == [("BANK-EUR-nostro", "BANK-EUR-suspense")]


@pytest.mark.parametrize(("direction", "credit"), [("debit", A), ("credit", "BANK-EUR-blocked_funds")])
def test_a_deposit_to_an_account_frozen_for_credits_goes_to_blocked_funds(
    direction: str, credit: str
) -> None:
    """A freeze for debits does not concern it."""
    upstream = with_customers()
    upstream.send(
        "freeze_account", ALICE, 8, account=A, freeze_id="F", authority="court", direction=direction
    )
    upstream.send("deposit", ALICE, 9, account=A, amount="1.00", asset="EUR")
    said = last(upstream)
    assert said.movements[0].credit == credit
    assert said.routed == (None if direction == "debit" else "account_frozen")


def test_a_fee_beyond_the_limit_is_booked_and_marked() -> None:
    """A fact passes the limit."""
    upstream = with_customers()
    upstream.send("fee", ALICE, 9, account=A, amount="100.01", asset="EUR")
    assert last(upstream).limit_passed


def test_the_same_id_with_the_same_content_is_a_duplicate_in_any_spelling() -> None:
    """UUIDs and times are normalised before they are compared."""
    upstream = with_customers()
    upstream.send("deposit", ALICE, 0x0ABC, account=A, amount="1.00", asset="EUR")
    value = json.loads(upstream.records[-1].value or b"")
    value["instruction_id"] = value["instruction_id"].upper()
    value["a_field_nobody_knows"] = 1
    upstream.raw(json.dumps(value).encode(), key=ALICE.encode())
    said = last(upstream)
    assert (said.kind, said.about_seq) == ("DuplicateReceived", 3)


def test_the_same_id_with_other_content_names_the_field() -> None:
    """And is about the first outcome."""
    upstream = with_customers()
    upstream.send("deposit", ALICE, 3, account=A, amount="100.01", asset="EUR")
    said = last(upstream)
    assert (said.reason, said.fields, said.about_seq) == ("id_reused", ("amount",), 2)


def test_a_wrong_place_does_not_use_up_the_id() -> None:
    """The same record under the right key is taken."""
    upstream = with_customers()
    fields: dict[str, Any] = {"account": A, "amount": "1.00", "asset": "EUR"}
    upstream.send("deposit", ALICE, 9, key=BOB.encode(), **fields)
    assert last(upstream).reason == "wrong_key"
    upstream.send("deposit", ALICE, 9, partition=2, **fields)
    assert last(upstream).reason == "wrong_partition"
    upstream.send("deposit", ALICE, 9, **fields)
    assert last(upstream).kind == "TransactionPosted"


def test_a_large_withdrawal_waits_and_a_decision_posts_or_voids_it() -> None:
    """The amount is reserved meanwhile."""
    for verdict, kind in (("cleared", "TransactionPosted"), ("refused", "TransactionVoided")):
        upstream = with_customers()
        upstream.send("deposit", ALICE, 8, account=A, amount="2000.00", asset="EUR")
        upstream.send("withdrawal", ALICE, 9, account=A, amount="1500.00", asset="EUR")
        assert last(upstream).kind == "TransactionPending"
        content = upstream.records[-1].value or b""
        upstream.decide(0, 1, 9, verdict, ALICE, content, first=4)
        said = last(upstream)
        assert (said.kind, said.about_seq) == (kind, 4)
        upstream.send("withdrawal", ALICE, 10, account=A, amount="700.00", asset="EUR")
        assert (last(upstream).reason is None) == (verdict == "refused")


CONTAINED: list[tuple[dict[str, Any], str]] = [
    ({"container": A}, "InstructionApplied"),
    ({"container": "new"}, "accounts_same"),
    ({"container": "nobody"}, "account_unknown"),
    ({"container": B}, "container_not_allowed"),
    ({"container": "BANK-EUR-nostro"}, "container_not_allowed"),
    ({"container": "within"}, "container_not_allowed"),
    ({"container": "closed"}, "account_closed"),
    ({"container": "closed", "account": A}, "account_exists"),
    ({"container": "nobody", "asset": "USD"}, "account_unknown"),
]


@pytest.mark.parametrize(("fields", "outcome"), CONTAINED)
def test_an_account_is_grouped_under_an_open_one_of_its_owners(fields: dict[str, Any], outcome: str) -> None:
    """Of the same entity, and one level deep."""
    upstream = with_customers()
    opening: dict[str, Any] = {"entity": "BANK", "asset": "EUR"}
    upstream.send("open_account", ALICE, 20, account="within", container=A, **opening)
    upstream.send("open_account", ALICE, 21, account="closed", **opening)
    upstream.send("close_account", ALICE, 22, account="closed", authority="the customer")
    upstream.send("change_limit", ALICE, 23, account="closed", limit="5.00", authority="committee")
    assert last(upstream).reason == "account_closed"
    given: dict[str, Any] = {"account": "new", **opening, **fields}
    upstream.send("open_account", ALICE, 9, **given)
    said = last(upstream)
    assert (said.reason or said.kind) == outcome
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


BOX: dict[str, Any] = {"account": "BOX", "entity": "BANK", "class": "custody"}

TRADED: list[tuple[dict[str, Any], list[dict[str, Any]], str, list[int]]] = [
    ({}, [], "TransactionPending", [0, 10_00]),
    ({}, [{}], "TransactionPosted", [10_00, 0]),
    ({}, [{"amount": "1", "final": False}], "TransactionPosted", [3_33, 6_67]),
    (
        {},
        [{"amount": "1", "final": False}, {"amount": "1", "final": False}],
        "TransactionPosted",
        [6_67, 3_33],
    ),
    ({}, [{"amount": "1", "final": False}, {}], "TransactionPosted", [10_00, 0]),
    ({}, [{"amount": "1"}], "rest_remains", [0, 10_00]),
    ({}, [{"amount": "1", "final": False}, {"void": True}], "void_requested", [3_33, 0]),
    ({"cash_account": B}, [], "wrong_owner", [0, 0]),
    ({"location": "nowhere"}, [], "asset_not_used", [0, 0]),
    ({"commission": "0"}, [], "amount_zero", [0, 0]),
    ({"side": "swap"}, [], "field_value_unknown", [0, 0]),
    ({"settlement_amount": "100.01"}, [], "limit_passed", [0, 100_01]),
]


@pytest.mark.parametrize(("fields", "steps", "outcome", "counters"), TRADED)
def test_a_trade_is_settled_in_parts_or_cancelled(
    fields: dict[str, Any], steps: list[dict[str, Any]], outcome: str, counters: list[int]
) -> None:
    """Three shares for 10.00, of which 0.02 are the firm's: Alice's debits, and the audit of all of it."""
    upstream = with_customers()
    upstream.send("open_account", ALICE, 20, **BOX)
    asked: dict[str, Any] = {
        "side": "buy", "custody_account": "BOX", "cash_account": A, "quantity": "3", "asset": "SAP",
        "settlement_amount": "10.00", "settlement_asset": "EUR", "commission": "0.02",
    }  # fmt: skip
    given: dict[str, Any] = asked | fields
    upstream.send("trade", ALICE, 9, **given)
    for number, step in enumerate(steps):
        kind = "void_pending" if step.get("void") else "post_pending"
        part: dict[str, Any] = {} if step.get("void") else step
        upstream.send(kind, ALICE, 10 + number, pending_id=str(UUID(int=9)), **part)
    said = last(upstream)
    passed = "limit_passed" if said.limit_passed else None
    assert (said.reason or said.routed or passed or said.kind) == outcome
    debits, _, pending, _ = predict(upstream)[1].shards[0].balance(A)
    assert [debits, pending] == counters
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


SAFEKEPT: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("custody_transfer", {}, "TransactionPosted", "BOX#SAP"),
    ("custody_transfer", {"direction": "deliver"}, "TransactionPosted", "BOX#SAP"),
    ("custody_transfer", {"location": "nowhere"}, "asset_not_used", None),
    ("custody_transfer", {"account": "nobody"}, "account_unknown", None),
    ("custody_transfer", {"account": A}, "asset_mismatch", None),
    ("custody_transfer", {"quantity": "1.5"}, "amount_too_many_decimals", None),
    ("custody_transfer", {"asset": "XXX"}, "asset_unknown", None),
    ("custody_transfer", {"direction": "sideways"}, "field_value_unknown", None),
    (
        "open_account",
        {"account": "BOX#SAP", "entity": "BANK", "asset": "SAP", "class": "custody"},
        "field_malformed",
        None,
    ),
    (
        "open_account",
        {"account": "b", "entity": "BANK", "asset": "SAP", "class": "custody", "container": "BOX"},
        "container_not_allowed",
        None,
    ),
    ("open_account", {"account": "b", "entity": "BANK", "asset": None}, "account_class_not_allowed", None),
    ("change_limit", {"account": "BOX", "limit": "1", "authority": "x"}, "account_class_not_allowed", None),
]


@pytest.mark.parametrize(("kind", "fields", "outcome", "opened"), SAFEKEPT)
def test_securities_are_kept_within_a_custody_account(
    kind: str, fields: dict[str, Any], outcome: str, opened: str | None
) -> None:
    """Where an account of each is opened as it is needed; a freeze of it stops them all."""
    upstream = with_customers()
    upstream.send("open_account", ALICE, 20, **BOX)
    asked: dict[str, Any] = {"account": "BOX", "direction": "receive", "quantity": "5", "asset": "SAP"}
    given: dict[str, Any] = asked | fields if kind == "custody_transfer" else fields
    upstream.send(kind, ALICE, 9, **given)
    said = last(upstream)
    assert (said.reason or said.routed or said.kind, said.opened) == (outcome, opened)
    upstream.send("freeze_account", ALICE, 21, account="BOX", freeze_id="F", authority="court")
    upstream.send("custody_transfer", ALICE, 22, **asked)
    said = last(upstream)
    assert (said.routed, said.opened) == ("account_frozen", None)
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


EXCHANGED: list[tuple[dict[str, Any], str]] = [
    ({}, "TransactionPosted"),
    ({"credit_amount": "8063"}, "TransactionPosted"),
    ({"credit_amount": "8060"}, "rate_mismatch"),
    ({"credit_amount": "8065"}, "rate_mismatch"),
    ({"rate": "0.0062018", "rate_unit": "credit"}, "TransactionPosted"),
    ({"rate": "0.0062"}, "rate_mismatch"),
    ({"rate": "1.61.25"}, "amount_malformed"),
    ({"rate": "-161.25"}, "amount_negative"),
    ({"rate": "0.0"}, "amount_zero"),
    ({"rate": 161.25}, "amount_not_a_string"),
    ({"rate_unit": "EUR"}, "field_value_unknown"),
    ({"credit_account": A, "credit_asset": "EUR", "credit_amount": "50.00"}, "assets_same"),
    ({"credit_account": f"{BOB}-JPY"}, "wrong_owner"),
    ({"debit_amount": "100.01", "credit_amount": "16127"}, "insufficient_funds"),
]


@pytest.mark.parametrize(("fields", "outcome"), EXCHANGED)
def test_an_exchange_moves_both_or_neither(fields: dict[str, Any], outcome: str) -> None:
    """Half of Alice's 100.00 EUR for yen, at 161.25: 8062.5 are rounded."""
    upstream = with_customers()
    for number, owner in enumerate((ALICE, BOB)):
        upstream.send("open_account", owner, 20 + number, account=f"{owner}-JPY", entity="BANK", asset="JPY")
    asked: dict[str, Any] = {
        "debit_account": A, "debit_amount": "50.00", "debit_asset": "EUR",
        "credit_account": f"{ALICE}-JPY", "credit_amount": "8062", "credit_asset": "JPY", "rate": "161.25",
    }  # fmt: skip
    upstream.send("exchange", ALICE, 9, **asked | fields)
    said = last(upstream)
    assert (said.reason or said.kind) == outcome
    assert len(said.movements) == (2 if outcome == "TransactionPosted" else 0)
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


CHARGED: list[tuple[str, str, list[tuple[str, str, str]], str, list[int]]] = [
    ("transfer", "10.00", [("fee", "0.50", "on_top")], "TransactionPosted", [10_00, 50]),
    ("transfer", "10.00", [("fee", "0.50", "deducted")], "TransactionPosted", [9_50, 50]),
    (
        "withdrawal",
        "10.00",
        [("fee", "0.50", "deducted"), ("tax", "1.00", "on_top")],
        "TransactionPosted",
        [9_50, 50, 1_00],
    ),
    ("reserve", "10.00", [("fee", "0.50", "deducted")], "TransactionPending", [9_50, 50]),
    ("transfer", "10.00", [("fee", "10.00", "deducted")], "charges_exceed_amount", []),
    ("transfer", "10.00", [("fee", "90.01", "on_top")], "insufficient_funds", []),
    ("transfer", "10.00", [("fee", "-1", "on_top")], "amount_negative", []),
    ("transfer", "10.00", [("gift", "1", "on_top")], "field_value_unknown", []),
    ("transfer", "10.00", [("fee", "1", "later")], "field_value_unknown", []),
]


@pytest.mark.parametrize(("kind", "amount", "charges", "outcome", "moved"), CHARGED)
def test_charges_are_on_top_or_deducted(
    kind: str, amount: str, charges: list[tuple[str, str, str]], outcome: str, moved: list[int]
) -> None:
    """Of Alice's 100.00; then the audit of all of it, which reads the same from the rows."""
    upstream = with_customers()
    asked: dict[str, Any] = {"account": A, "amount": amount, "asset": "EUR"}
    if kind == "transfer":
        asked = {"debit_account": A, "credit_account": B, "amount": amount, "asset": "EUR"}
    named = [dict(zip(("kind", "amount", "taken"), each, strict=True), asset="EUR") for each in charges]
    upstream.send(kind, ALICE, 9, **asked, charges=named)
    said = last(upstream)
    assert (said.reason or said.kind, [leg.amount for leg in said.movements]) == (outcome, moved)
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


def _pay(amount: str, number: int = 50, **fields: Any) -> dict[str, Any]:
    return {
        "type": "transfer", "instruction_id": str(UUID(int=number)), "owner": ALICE,
        "debit_account": A, "credit_account": B, "amount": amount, "asset": "EUR", **fields,
    }  # fmt: skip


def _fee(amount: str, number: int = 60, **fields: Any) -> dict[str, Any]:
    return {
        "type": "fee", "instruction_id": str(UUID(int=number)), "owner": ALICE,
        "account": A, "amount": amount, "asset": "EUR", **fields,
    }  # fmt: skip


TAX = {"kind": "tax", "amount": "0.05", "asset": "EUR"}
GROUPED: list[tuple[list[dict[str, Any]], str, int | None, list[int]]] = [
    ([_pay("10.00"), _fee("1.00")], "TransactionPosted", None, [10_00, 1_00]),
    ([_pay("10.00", charges=[TAX]), _fee("1.00")], "TransactionPosted", None, [10_00, 5, 1_00]),
    ([_pay("99.01"), _fee("1.00")], "insufficient_funds", 1, []),
    ([_fee("200.00"), _fee("1.00", 61)], "TransactionPosted", None, [200_00, 1_00]),
    ([_fee("1.00"), _fee("1.00", 61, account="nobody")], "TransactionPosted", None, [1_00, 1_00]),
    ([_pay("1.00"), _fee("1.00", account="nobody")], "account_unknown", 1, []),
    ([_pay("1.00"), _fee("1.00", 50)], "member_id_repeated", 1, []),
    ([_pay("1.00"), _fee("1.00", 9)], "member_id_repeated", 1, []),
    ([_pay("1.00"), _fee("1.00", 1)], "member_id_used", 1, []),
    ([_pay("1.00", value_date="2026-01-01")], "member_differs", 0, []),
    ([_pay("1.00", owner=BOB)], "member_differs", 0, []),
    ([_pay("0"), _fee("x")], "amount_zero", 0, []),
    ([], "group_empty", None, []),
    ([_fee("0.01", 60 + number) for number in range(17)], "too_large", None, []),
    ([_pay("1.00"), {"type": "reserve"}], "field_value_unknown", None, []),
]


@pytest.mark.parametrize(("members", "outcome", "member", "moved"), GROUPED)
def test_a_group_is_booked_whole_or_refused(
    members: list[dict[str, Any]], outcome: str, member: int | None, moved: list[int]
) -> None:
    """Of Alice's 100.00; a member that comes again alone is told so, and the books are in order."""
    upstream = with_customers()
    upstream.send("group", ALICE, 9, members=members)
    said = last(upstream)
    assert (said.reason or said.kind, said.member) == (outcome, member)
    assert [leg.amount for leg in said.movements] == moved
    if moved:
        again = {**members[0]}
        kind, owner, number = again.pop("type"), again.pop("owner"), UUID(again.pop("instruction_id")).int
        upstream.send(kind, owner, number, **again)
        assert last(upstream).kind == "DuplicateReceived"
        upstream.send("reversal", ALICE, 30, original_id=members[0]["instruction_id"])
        assert last(upstream).reason == "original_is_member"
        upstream.send("reversal", ALICE, 31, original_id=str(UUID(int=9)))
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


BOOKS = frozenset({1, 2, 3, 4, 5, 6, 8})
"""The checks that need no more than the ledger."""

RESERVED: list[tuple[list[tuple[str, dict[str, Any]]], str, list[int]]] = [
    ([("post_pending", {})], "TransactionPosted", [60_00, 0]),
    ([("post_pending", {"amount": "20.00"})], "TransactionPosted", [20_00, 0]),
    ([("post_pending", {"amount": "20.00", "final": False})], "TransactionPosted", [20_00, 40_00]),
    ([("post_pending", {"amount": "60.00", "final": False})], "TransactionPosted", [60_00, 0]),
    ([("post_pending", {"amount": "60.01"})], "amount_exceeds_pending", [0, 60_00]),
    ([("post_pending", {"amount": "1.001"})], "amount_too_many_decimals", [0, 60_00]),
    ([("post_pending", {"pending_id": str(UUID(int=77))})], "pending_unknown", [0, 60_00]),
    ([("post_pending", {"pending_id": str(UUID(int=77)), "amount": "1.001"})], "pending_unknown", [0, 60_00]),
    ([("post_pending", {"pending_id": "x"})], "field_malformed", [0, 60_00]),
    ([("void_pending", {})], "void_requested", [0, 0]),
    ([("void_pending", {}), ("post_pending", {})], "pending_resolved", [0, 0]),
    (
        [("post_pending", {"amount": "20.00", "final": False}), ("void_pending", {})],
        "void_requested",
        [20_00, 0],
    ),
]


@pytest.mark.parametrize(("steps", "outcome", "counters"), RESERVED)
def test_what_is_reserved_is_posted_in_parts_or_given_back(
    steps: list[tuple[str, dict[str, Any]]], outcome: str, counters: list[int]
) -> None:
    """Alice's debits, posted and pending, and the audit of all of it."""
    upstream = with_customers()
    upstream.send("reserve", ALICE, 9, account=A, amount="60.00", asset="EUR")
    for number, (kind, fields) in enumerate(steps):
        named: dict[str, Any] = {"pending_id": str(UUID(int=9)), **fields}
        upstream.send(kind, ALICE, 10 + number, **named)
    said = last(upstream)
    assert (said.reason or said.kind) == outcome
    debits, _, pending, _ = predict(upstream)[1].shards[0].balance(A)
    assert [debits, pending] == counters
    found = examine(Examination(books(upstream)))
    assert [each for each in found if each.number in BOOKS and not each.ok] == []


def test_a_screened_reserve_waits_for_a_decision_and_then_for_its_posting() -> None:
    """Withdrawals named by `post_pending` are compliance's all along."""
    upstream = with_customers()
    upstream.send("deposit", ALICE, 8, account=A, amount="2000.00", asset="EUR")
    upstream.send("withdrawal", ALICE, 9, account=A, amount="1500.00", asset="EUR")
    upstream.send("void_pending", ALICE, 10, pending_id=str(UUID(int=9)))
    assert last(upstream).reason == "under_screening"


def test_foreign_credits_count_as_far_as_the_decision_saw_them() -> None:
    """Bob spends what Alice's shard has credited him, once his own shard has seen it."""
    upstream = with_customers()
    upstream.send("transfer", ALICE, 8, debit_account=A, credit_account=B, amount="40.00", asset="EUR")
    evidence, _ = predict(upstream)
    bob = next(account.account_id for account in evidence.ledger.accounts if account.code == B)
    seen: dict[str, Any] = {"credits": {str(bob): 4000}}
    upstream.send("withdrawal", BOB, 9, account=B, amount="40.00", asset="EUR")
    assert last(upstream).reason == "insufficient_funds"
    upstream.send("withdrawal", BOB, 10, account=B, amount="40.00", asset="EUR", seen=seen)
    assert last(upstream).kind == "TransactionPosted"
    upstream.send("withdrawal", BOB, 11, account=B, amount="0.01", asset="EUR", seen=seen)
    assert last(upstream).reason == "insufficient_funds"


def test_business_days_only_move_on() -> None:
    """In each shard by itself; postings take the open day."""
    upstream = with_customers()
    upstream.open_day(8, "2026-01-05")
    _, said = predict(upstream)
    assert len([each for each in said.predictions.values() if each.kind == "BusinessDayOpened"]) == PARTITIONS
    upstream.send("deposit", ALICE, 9, account=A, amount="1.00", asset="EUR")
    assert str(last(upstream).booking_date) == "2026-01-05"
    upstream.send("open_business_day", "house", 10, partition=0, entity="BANK", booking_date="2026-01-05")
    assert last(upstream).reason == "business_day_not_later"


def test_an_account_absent_to_a_shard_is_unknown_there() -> None:
    """What was seen of other shards stands with the decision."""
    upstream = with_customers()
    fields: dict[str, Any] = {"debit_account": A, "credit_account": B, "amount": "1.00", "asset": "EUR"}
    upstream.send("transfer", ALICE, 9, seen={"absent": [B]}, **fields)
    assert last(upstream).reason == "account_unknown"


def test_owners_are_spread_as_kafka_spreads_keys() -> None:
    """The fixture's customers live where they should."""
    assert len({owner_in(shard) for shard in range(PARTITIONS)}) == PARTITIONS
