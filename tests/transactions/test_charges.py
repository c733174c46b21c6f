"""Charges: on top of what is paid or deducted from it, with it or not at all, to whom the posting rules say."""

# ruff: noqa: E501 - tables are as wide as what they show

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transactions.domain.chart import Dated, ScreeningPolicy
from shared.money import format_amount, parse_amount
from tests.transactions.support import (
    PureLedger,
    answer,
    deposit,
    exchange,
    instruction,
    opening,
    outcome,
    received,
    reversal,
    table,
    transfer,
    withdrawal,
)

FEES, TAXES = "BANK/fee_income/EUR", "BANK/tax_payable/EUR"


def charge(text: str, asset: str = "EUR") -> dict[str, Any]:
    """Read a charge: its kind, a sign (`+` on top, `-` deducted) and its amount."""
    sign = "+" if "+" in text else "-"
    kind, _, amount = text.partition(sign)
    amount, _, other = amount.partition(":")
    taken = {} if sign == "+" else {"taken": "deducted"}
    return {"kind": kind, "amount": amount, "asset": other or asset, **taken}


def charges(text: str, asset: str = "EUR") -> list[dict[str, Any]] | None:
    """Read charges with commas between them."""
    return [charge(each, asset) for each in text.split(",")] if text else None


def a_bank() -> PureLedger:
    """Alice with 100.00 EUR and an account in USD, Bob with nothing."""
    ledger = PureLedger()
    ledger.send(opening("alice"), opening("bob"), opening("alice", "alice/USD", asset="USD"))
    ledger.send(deposit("alice", "100.00"))
    return ledger


CHARGED = table("""
    amount   charges                   outcome                   field             bob     alice   fees  taxes
    10.00    fee+0.50                  posted                    -                 10.00   89.50   0.50  0.00
    10.00    fee-0.50                  posted                    -                 9.50    90.00   0.50  0.00
    10.00    fee-0.50,tax+0.10         posted                    -                 9.50    89.90   0.50  0.10
    10.00    fee-0.50,commission-0.50  posted                    -                 9.00    90.00   1.00  0.00
    100.00   fee-0.50                  posted                    -                 99.50   0.00    0.50  0.00
    100.00   fee+0.01                  insufficient_funds        charges.0         0.00    100.00  0.00  0.00  # limits hold over all
    99.50    fee+0.50,tax+0.01         insufficient_funds        charges.1         0.00    100.00  0.00  0.00
    100.01   fee-0.50                  insufficient_funds        charges.0         0.00    100.00  0.00  0.00
    10.00    fee-9.99                  posted                    -                 0.01    90.00   9.99  0.00
    10.00    fee-10.00                 charges_exceed_amount     charges           0.00    100.00  0.00  0.00
    10.00    fee-5.00,tax-5.00         charges_exceed_amount     charges           0.00    100.00  0.00  0.00
    10.00    fee+11.00                 posted                    -                 10.00   79.00   11.00 0.00
    10.00    fee+0.00                  amount_zero               charges.0.amount  0.00    100.00  0.00  0.00
    10.00    fee+1,tax+-1              amount_negative           charges.1.amount  0.00    100.00  0.00  0.00
    10.00    fee+0.001                 amount_too_many_decimals  charges.0.amount  0.00    100.00  0.00  0.00
    10.00    fee+x                     amount_malformed          charges.0.amount  0.00    100.00  0.00  0.00
    10.00    fee+1.00:USD              charge_asset_mismatch     charges.0.asset   0.00    100.00  0.00  0.00
    10.00    fee-1.00:USD              charge_asset_mismatch     charges.0.asset   0.00    100.00  0.00  0.00
    10.00    gift+1.00                 field_value_unknown       charges.0.kind    0.00    100.00  0.00  0.00
""")


@pytest.mark.parametrize("row", CHARGED, ids=lambda row: f"{row['amount']} {row['charges']} {row['outcome']}")
@pytest.mark.parametrize("kind", ["transfer", "withdrawal"])
def test_a_charge_is_on_top_or_deducted(row: dict[str, str], kind: str) -> None:
    """All of it or nothing; each charge is a movement of its own kind."""
    ledger = a_bank()
    asked = charges(row["charges"])
    if kind == "transfer":
        (event,) = ledger.send(transfer("alice", "bob", row["amount"], charges=asked))
    else:
        (event,) = ledger.send(withdrawal("alice", row["amount"], charges=asked))
    assert (outcome(event), event.get("field") or "") == (row["outcome"], row["field"])
    payee = "bob" if kind == "transfer" else "BANK/nostro/EUR"
    before = 0 if kind == "transfer" else -100_00
    for code, found in ((payee, "bob"), ("alice", "alice"), (FEES, "fees"), (TAXES, "taxes")):
        expected = parse_amount(row[found], 2) if row[found] != "0.00" else 0
        assert ledger.balance(code) - (before if code == payee else 0) == expected, code
    if event["type"] == "TransactionPosted":
        assert [each["kind"] for each in event["movements"]] == [
            "principal",
            *(each["kind"] for each in asked or ()),
        ]


def test_no_charges_are_as_if_they_had_not_been_named() -> None:
    """But for the content, which is another one."""
    ledger = a_bank()
    message = transfer("alice", "bob", "1.00", charges=[])
    (event,) = ledger.send(message)
    assert (outcome(event), event["instruction"]["charges"]) == ("posted", [])
    del message["charges"]
    (event,) = ledger.send(message)
    assert (outcome(event), event["field"]) == ("id_reused", "charges")


def test_charges_need_a_rule_of_their_kind() -> None:
    """An entity that takes none has nowhere to put them."""
    ledger = a_bank()
    del ledger.chart.rules[1, "transfer", "tax"]
    (event,) = ledger.send(transfer("alice", "bob", "1.00", charges=charges("tax+0.10")))
    assert outcome(event) == "asset_not_used"


EXCHANGED = table("""
    charges                   outcome                alice   dollars  euros   cents
    fee+1.00:EUR              posted                 49.00   55.00    1.00    0.00
    fee-1.00:USD              posted                 50.00   54.00    0.00    1.00
    fee+1.00:EUR,fee-0.50:USD posted                 49.00   54.50    1.00    0.50
    fee+1.00:USD              charge_asset_mismatch  100.00  0.00     0.00    0.00
    fee-1.00:EUR              charge_asset_mismatch  100.00  0.00     0.00    0.00
    fee-55.00:USD             charges_exceed_amount  100.00  0.00     0.00    0.00
    fee+50.01:EUR             insufficient_funds     100.00  0.00     0.00    0.00
""")


@pytest.mark.parametrize("row", EXCHANGED, ids=lambda row: f"{row['charges']} {row['outcome']}")
def test_an_exchange_is_charged_in_what_is_given_or_what_is_taken(row: dict[str, str]) -> None:
    """The rate goes by the amounts without them."""
    ledger = a_bank()
    (event,) = ledger.send(exchange("alice", "50.00", "55.00", "1.1", charges=charges(row["charges"])))
    assert outcome(event) == row["outcome"]
    found = [ledger.balance(each) for each in ("alice", "alice/USD", FEES, "BANK/fee_income/USD")]
    assert [format_amount(each, 2) for each in found] == [
        row[each] for each in ("alice", "dollars", "euros", "cents")
    ]


@pytest.mark.parametrize(
    ("verdict", "money"), [("cleared", (100_00, 850_00, 50_00)), ("refused", (1000_00, 0, 0))]
)
def test_charges_wait_for_compliance_with_what_they_are_taken_for(
    verdict: str, money: tuple[int, int, int]
) -> None:
    """Reserved, posted and given back with it; what is paid in all decides whether it is screened."""
    ledger = a_bank()
    ledger.send(deposit("alice", "900.00"))
    ledger.chart.policies[1, "withdrawal", 978] = [Dated(ScreeningPolicy(900_00), date(1900, 1, 1), None)]
    (event,) = ledger.send(withdrawal("alice", "850.00", charges=charges("fee+50.00")))
    assert (outcome(event), ledger.balance("alice"), ledger.balance(FEES)) == ("pending", 1000_00, 0)
    assert outcome(ledger.send(withdrawal("alice", "100.01"))[0]) == "insufficient_funds"
    ledger.send(answer(event, verdict))
    assert (
        ledger.balance("alice"),
        ledger.balance("BANK/nostro/EUR") + 1000_00,
        ledger.balance(FEES),
    ) == money


def reserve(amount: str, asked: str, **fields: Any) -> dict[str, Any]:
    """Alice's reserve with charges."""
    given = {"account": "alice", "amount": amount, "asset": "EUR", **fields}
    return instruction("reserve", owner="alice", **given, charges=charges(asked))


def ending(kind: str, event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Post what is reserved, or give it back."""
    return instruction(kind, owner="alice", pending_id=event["instruction_id"], **fields)


def pending_of(ledger: PureLedger, code: str) -> tuple[int, int]:
    """Balance and debits pending of an account."""
    account_id = ledger.accounts[code].account_id
    rows = [state.balances.get(account_id, [0, 0, 0, 0]) for state in ledger.states.values()]
    return sum(row[1] - row[0] for row in rows), sum(row[2] for row in rows)


@given(
    st.integers(2, 60_00).flatmap(
        lambda total: st.tuples(st.just(total), st.lists(st.integers(1, total), max_size=9))
    ),
    st.integers(1, 20_00),
    st.integers(1, 20_00),
    st.sampled_from(["post", "void", "expire"]),
)
def test_the_charges_of_a_reserve_are_posted_in_proportion_and_sum_exactly(
    drawn: tuple[int, list[int]], fee: int, tax: int, end: str
) -> None:
    """However it is cut; what is left of them is given back, or expires, with what is left of it."""
    total, parts = drawn
    ledger = a_bank()
    amounts = [format_amount(each, 2) for each in (total, fee, tax)]
    asked = f"fee+{amounts[1]},tax+{amounts[2]}"
    (event,) = ledger.send(reserve(amounts[0], asked, expires_on="2026-01-01"))
    assert pending_of(ledger, "alice") == (100_00, total + fee + tax)
    done = 0
    for part in parts:
        if done + part >= total:
            break
        (posted,) = ledger.send(ending("post_pending", event, amount=format_amount(part, 2), final=False))
        assert outcome(posted) == "posted"
        done += part
        for whole, code in ((fee, FEES), (tax, TAXES)):
            assert abs(ledger.balance(code) * total - whole * done) * 2 <= total
    spent = done + ledger.balance(FEES) + ledger.balance(TAXES)
    assert pending_of(ledger, "alice") == (100_00 - spent, total + fee + tax - spent)
    if end == "expire":
        day = instruction("open_business_day", owner="house", entity="BANK", booking_date="2026-01-02")
        shard = ledger.accounts["alice"].shard
        ledger.run([received(day, partition=shard)])
        state = ledger.states[shard]
        assert sum(state.expiring[ledger.accounts["alice"].account_id].values()) == total + fee + tax - spent
        ledger.tick(shard)
        assert not state.expiring
    else:
        ledger.send(ending(f"{end}_pending", event))
    assert pending_of(ledger, "alice") == (100_00 - (total + fee + tax if end == "post" else spent), 0)


def test_a_final_part_of_a_reserve_with_charges_leaves_no_rest() -> None:
    """What is left is given back by an instruction that says so, as of a trade."""
    ledger = a_bank()
    (event,) = ledger.send(reserve("10.00", "fee+1.00"))
    (refused,) = ledger.send(ending("post_pending", event, amount="5.00"))
    assert outcome(refused) == "rest_remains"
    (posted,) = ledger.send(ending("post_pending", event, amount="5.00", final=False))
    assert [each["amount"] for each in posted["movements"]] == ["5.00", "0.50"]
    (voided,) = ledger.send(ending("void_pending", event))
    assert [each["amount"] for each in voided["movements"]] == ["5.00", "0.50"]


def test_a_reversal_gives_back_the_charges_at_the_home_of_who_paid_them() -> None:
    """The payee's home undoes the principal, the payer's the charges: each once."""
    ledger = a_bank()
    sent = transfer("alice", "bob", "10.00", charges=charges("fee+1.00"))
    ledger.send(sent)
    assert outcome(ledger.send(reversal(sent))[0]) == "posted"
    assert (ledger.balance("alice"), ledger.balance("bob"), ledger.balance(FEES)) == (90_00, 10_00, 0)
    assert outcome(ledger.send(reversal(sent, "bob"))[0]) == "posted"
    assert (ledger.balance("alice"), ledger.balance("bob")) == (100_00, 0)
