"""What was posted is undone once, whole, at its home, and not beyond what is there unless by right."""

# ruff: noqa: E501 - tables are as wide as what they show

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain.planning import Planned
from services.transactions.handlers.memory import TYPES
from shared.messages.envelope import HOUSE
from tests.transactions.support import (
    PARTITIONS,
    PureLedger,
    StoredLedger,
    answer,
    deposit,
    instruction,
    named_id,
    opening,
    outcome,
    owner_in,
    received,
    reversal,
    table,
    transfer,
    withdrawal,
)
from tests.transactions.test_fold import content_hash

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")
RIGHT: dict[str, Any] = {
    "forced": True,
    "reason": "paid twice",
    "entered_by": "op:jane",
    "approved_by": "op:joe",
}


def a_bank() -> PureLedger:
    """Three owners with 100.00 each; Alice and Carol live in one shard, Bob in another."""
    ledger = PureLedger()
    for owner in (ALICE, BOB, CAROL):
        ledger.send(opening(owner), deposit(owner, "100.00"))
    return ledger


def charge(owner: str, amount: str) -> dict[str, Any]:
    """Charge a fee."""
    return instruction("fee", owner=owner, account=owner, amount=amount, asset="EUR")


HOMES = table("""
    original                  home   debit            credit
    deposit                   ALICE  ALICE            BANK/nostro/EUR
    withdrawal                ALICE  BANK/nostro/EUR  ALICE
    fee                       ALICE  BANK/fee_income/EUR  ALICE
    transfer                  BOB    BOB              ALICE            # whom the mirror debits
    suspense                  ALICE  BANK/suspense/EUR  BANK/nostro/EUR   # whose instruction it was
    house_posting             house  BANK/vault/EUR   BANK/nostro/EUR
""")


def original(kind: str) -> dict[str, Any]:
    """Something to be undone, of 40.00."""
    match kind:
        case "deposit":
            return deposit(ALICE, "40.00")
        case "withdrawal":
            return withdrawal(ALICE, "40.00")
        case "fee":
            return charge(ALICE, "40.00")
        case "transfer":
            return transfer(ALICE, BOB, "40.00")
        case "suspense":
            return deposit(ALICE, "40.00", "nobody")
        case _:
            ends = {"debit_account": "BANK/nostro/EUR", "credit_account": "BANK/vault/EUR"}
            return instruction("house_posting", owner=HOUSE, amount="40.00", asset="EUR", **ends)


@pytest.mark.parametrize("row", HOMES, ids=lambda row: row["original"])
def test_the_mirror_is_posted_at_its_home_and_nowhere_else(row: dict[str, str]) -> None:
    """The customer whom it debits, else the one it credits, else the house; and both balances are as before."""
    names = {"ALICE": ALICE, "BOB": BOB, "CAROL": CAROL}
    ledger = a_bank()
    before = {code: ledger.balance(code) for code in ledger.accounts}
    message = original(row["original"])
    (posted,) = ledger.send(message)
    home = names.get(row["home"], row["home"])
    others = {ALICE, BOB, CAROL, HOUSE} - {home}
    for other in sorted(others):
        (event,) = ledger.send(reversal(message, other))
        party = other in {
            end["owner"] for end in (posted["movements"][0][side] for side in ("debit", "credit"))
        }
        assert (event["reason"], event["field"]) == (
            "reversed_elsewhere" if party else "wrong_owner",
            "owner",
        )
        assert home in event["detail"]
    (event,) = ledger.send(reversal(message, home, business_reference="undo"))
    assert outcome(event) == "posted"
    (movement,) = event["movements"]
    (first,) = posted["movements"]
    assert movement == first | {"debit": first["credit"], "credit": first["debit"]}
    ends = [names.get(row[side], row[side]) for side in ("debit", "credit")]
    assert [movement["debit"]["account"], movement["credit"]["account"]] == ends
    assert event["reverses"] == {"shard": posted["shard"], "seq": posted["seq"]}
    assert event["value_date"] == event["booking_date"]
    assert {code: ledger.balance(code) for code in ledger.accounts} == before


@pytest.mark.parametrize("batches", [1, 2])
def test_it_is_undone_once(batches: int) -> None:
    """The second reversal is refused in the same batch, too, whatever its id."""
    ledger = a_bank()
    message = deposit(ALICE, "40.00")
    messages = [message, reversal(message), reversal(message)]
    events = ledger.run([received(each) for each in messages]) if batches == 1 else ledger.send(*messages)
    assert [outcome(each) for each in events] == ["posted", "posted", "already_reversed"]
    assert events[2]["field"] == "original_id"
    assert ledger.balance(ALICE) == 100_00


NAMED = table("""
    original     outcome
    nothing      original_unknown
    rejected     original_not_posted
    opened       original_not_posted
    reserved     original_not_posted
    screened     original_not_posted
    cleared      posted
    refused      original_not_posted
    part         posted                    # a transaction of its own
    voided       original_not_posted
    reversal     original_not_reversible
    elsewhere    original_unknown          # an id is its home's: without the owner it is looked for here
""")


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row["original"])
def test_only_what_was_posted_is_undone(row: dict[str, str]) -> None:
    """Named by its id and owner; a part of a reserve by what posted it, a screened one by itself."""
    ledger = a_bank()

    def named(name: str) -> dict[str, Any]:
        """Give an instruction the id of this name."""
        return {"instruction_id": named_id(name)}

    def part(kind: str, of: str, name: str, **fields: Any) -> dict[str, Any]:
        """Post or void a reserve."""
        return instruction(kind, owner=ALICE, pending_id=named_id(of), **named(name), **fields)

    def reserve(name: str) -> dict[str, Any]:
        """Set 20.00 aside."""
        given = {"account": ALICE, "amount": "20.00", "asset": "EUR"}
        return instruction("reserve", owner=ALICE, **given, **named(name))

    ledger.send(
        transfer(ALICE, BOB, "9999.00", **named("rejected")),
        opening(ALICE, "second", **named("opened")),
        reserve("reserved"),
        part("post_pending", "reserved", "part", amount="5.00", final=False),
        reserve("other"),
        part("void_pending", "other", "voided"),
        deposit(ALICE, "6000.00"),
        transfer(BOB, ALICE, "1.00", **named("elsewhere")),
        transfer(BOB, ALICE, "7.00", **named("back")),
    )
    events = ledger.send(
        *[withdrawal(ALICE, "1000.00", **named(each)) for each in ("screened", "cleared", "refused")]
    )
    ledger.send(answer(events[1], "cleared"), answer(events[2], "refused"))
    ledger.send(reversal({"owner": BOB, "instruction_id": named_id("back")}, ALICE, **named("reversal")))
    (event,) = ledger.send(reversal({"owner": ALICE, "instruction_id": named_id(row["original"])}))
    assert outcome(event) == row["outcome"]
    if row["outcome"] != "posted":
        assert event["field"] == "original_id"


def test_what_was_not_seen_of_another_shard_is_kept_with_the_decision() -> None:
    """It may be there a moment later; of the own shard everything is known."""
    ledger = a_bank()
    message = transfer(ALICE, BOB, "40.00")
    event, rejected, again, own = ledger.send(
        reversal(message, BOB), transfer(ALICE, BOB, "999.00"), message, reversal(message, ALICE)
    )
    assert outcome(event) == "original_unknown"
    (posted,) = ledger.send(reversal(message, BOB))
    (refused,) = ledger.send(reversal(rejected | {"owner": ALICE}, BOB))
    assert [outcome(each) for each in (again, own, posted, refused)] == [
        "posted", "reversed_elsewhere", "posted", "original_not_posted",
    ]  # fmt: skip
    seen = [each.seen for each in ledger.decisions[event["shard"]][-3:]]
    ids = [message["instruction_id"], rejected["instruction_id"]]
    assert seen == [
        {"originals": {ids[0]: "original_unknown"}},
        None,
        {"originals": {ids[1]: "original_not_posted"}},
    ]


RIGHTS = table("""
    forced  reason  entered_by  approved_by  outcome              field
    -       -       -           -            insufficient_funds   original_id
    -       error   op:jane     op:joe       insufficient_funds   original_id  # who answers for it is no right by itself
    yes     error   op:jane     op:joe       posted               -
    yes     -       op:jane     op:joe       authority_missing    reason
    yes     error   -           op:joe       authority_missing    entered_by
    yes     error   op:jane     -            authority_missing    approved_by
    yes     error   op:jane     op:jane      approver_same        approved_by
    -       error   op:jane     op:jane      approver_same        approved_by
""")


@pytest.mark.parametrize(
    "row", RIGHTS, ids=lambda row: f"{row['forced']} {row['entered_by']} {row['approved_by']} {row['reason']}"
)
def test_what_is_spent_is_taken_back_by_right_alone(row: dict[str, str]) -> None:
    """Two people answer for it, and the event says that the limit was passed."""
    ledger = a_bank()
    message = deposit(ALICE, "40.00")
    ledger.send(message, withdrawal(ALICE, "130.00"))
    fields: dict[str, Any] = {name: row[name] or None for name in ("reason", "entered_by", "approved_by")}
    (event,) = ledger.send(reversal(message, forced=True if row["forced"] else None, **fields))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["field"])
    assert ledger.balance(ALICE) == (-30_00 if row["outcome"] == "posted" else 10_00)
    assert event.get("limit_passed", False) == (row["outcome"] == "posted")


def test_a_right_that_was_not_needed_passes_no_limit() -> None:
    """The mark is about what happened, not about what was allowed."""
    ledger = a_bank()
    message = deposit(ALICE, "40.00")
    (_, event) = ledger.send(message, reversal(message, **RIGHT))
    assert outcome(event) == "posted"
    assert "limit_passed" not in event


def test_a_right_lets_nothing_past_a_freeze() -> None:
    """That somebody else has ordered."""
    ledger = a_bank()
    message = transfer(ALICE, BOB, "40.00")
    freeze = {"freeze_id": "f", "authority": "court", "direction": "credit"}
    ledger.send(message, instruction("freeze_account", owner=ALICE, account=ALICE, **freeze))
    (event,) = ledger.send(reversal(message, BOB, **RIGHT))
    assert (event["reason"], event["field"]) == ("account_frozen", "original_id")
    (decision,) = ledger.decisions[event["shard"]][-1:]
    assert decision.seen == {"frozen": {ALICE: "credit"}}


def to_both(message: Any) -> tuple[Planned, ...]:
    """A type of the tests' own: half to the account named, half to Carol's, and a fee."""
    return (
        Planned("principal", message.debit_account, message.credit_account, message.amount, message.asset),
        Planned("principal", message.debit_account, CAROL, message.amount, message.asset),
        Planned("fee", message.debit_account, "BANK/fee_income/EUR", "1.00", message.asset),
    )


def test_what_credited_several_customers_takes_a_reversal_for_each() -> None:
    """Each takes the movements of its home, and only those."""
    ledger = a_bank()
    classes = frozenset({"cash", "fee_income"})
    ledger.types["transfer"] = replace(TYPES["transfer"], movements=to_both, account_classes=classes)
    message = transfer(ALICE, BOB, "10.00")
    (posted,) = ledger.send(message)
    events = ledger.send(
        reversal(message, CAROL), reversal(message, CAROL), reversal(message, BOB), reversal(message, ALICE)
    )
    assert [outcome(each) for each in events] == ["posted", "already_reversed", "posted", "posted"]
    for event, number in zip(events[:1] + events[2:], (1, 0, 2), strict=True):
        (movement,) = event["movements"]
        first = posted["movements"][number]
        assert movement == first | {"leg": 0, "debit": first["credit"], "credit": first["debit"]}
    assert [ledger.balance(each) for each in (ALICE, BOB, CAROL)] == [100_00] * 3


def test_a_type_may_say_that_it_is_not_reversed() -> None:
    """Such as one that others build on."""
    ledger = a_bank()
    ledger.types["deposit"] = replace(TYPES["deposit"], reversible=False)
    message = deposit(ALICE, "1.00")
    (_, event) = ledger.send(message, reversal(message))
    assert (event["reason"], event["field"]) == ("original_not_reversible", "original_id")


LADDER = table("""
    broken                                    outcome
    key,id,right,name,owner,frozen,undone,funds  wrong_key
    id,right,name,owner,frozen,undone,funds      id_reused
    right,name,owner,frozen,undone,funds         authority_missing
    name,owner,frozen,undone,funds               original_unknown
    owner,frozen,undone,funds                    wrong_owner
    frozen,undone,funds                          account_frozen
    undone,funds                                 already_reversed
    funds                                        insufficient_funds
    -                                            posted
""")


@pytest.mark.parametrize("row", LADDER, ids=lambda row: row["outcome"])
def test_the_first_rung_that_fails_names_the_reason(row: dict[str, str]) -> None:
    """Whatever else is wrong with the instruction."""
    ledger = a_bank()
    broken = row["broken"].split(",")
    message = deposit(ALICE, "40.00")
    used = charge(ALICE, "1.00")
    ledger.send(message, used)
    if "undone" in broken:
        ledger.send(reversal(message))
    if "funds" in broken:
        ledger.send(withdrawal(ALICE, "90.00" if "undone" in broken else "130.00"))
    if "frozen" in broken:
        ledger.send(
            instruction("freeze_account", owner=ALICE, account=ALICE, freeze_id="f", authority="court")
        )
    undo = reversal(message, CAROL if "owner" in broken else None)
    if "name" in broken:
        undo["original_id"] = named_id("nothing")
    if "right" in broken:
        undo["forced"] = True
    if "id" in broken:
        undo |= {"instruction_id": used["instruction_id"], "owner": ALICE}
    (event,) = ledger.send(received(undo, key="another" if "key" in broken else None))
    assert outcome(event) == row["outcome"]


NUMBERS = st.integers(0, 7)
SPENDING = st.tuples(
    NUMBERS,
    st.sampled_from(["deposit", "withdrawal", "transfer", "foreign"]),
    st.sampled_from(["5.00", "90.00", "1000.00"]),
)
UNDOING = st.tuples(st.just("undo"), NUMBERS, st.booleans(), st.sampled_from([ALICE, CAROL]))
ANSWERING = st.tuples(st.just("answer"), NUMBERS)
STREAMS = st.lists(SPENDING | UNDOING | ANSWERING, min_size=4, max_size=25)


def undoing(number: int, of: int, forced: bool, owner: str) -> dict[str, Any]:
    """Undo one of the stream's own, or what Bob has sent."""
    named = {"owner": BOB if of == 0 else ALICE, "instruction_id": named_id(str(of))}
    right = RIGHT if forced else {}
    return reversal(named, owner, instruction_id=named_id(f"undo {number}"), **right)


def moving(number: int, kind: str, amount: str) -> dict[str, Any]:
    """Move something, in or out of Alice's account."""
    named = {"instruction_id": named_id(str(number + 1))}
    match kind:
        case "deposit":
            return deposit(ALICE, amount, **named)
        case "withdrawal":
            return withdrawal(ALICE, amount, **named)
        case _:
            return transfer(ALICE, CAROL if kind == "transfer" else BOB, amount, **named)


def decided(drawn: list[Any], cut: int, *, quick: bool) -> Any:
    """Decide the stream of one shard, cut before this place."""
    ledger = PureLedger(quick=quick)
    for owner in (ALICE, BOB, CAROL):
        ledger.send(opening(owner, instruction_id=named_id(owner)))
        ledger.send(deposit(owner, "100.00", instruction_id=named_id(f"fund {owner}")))
    ledger.send(transfer(BOB, ALICE, "30.00", instruction_id=named_id("0")))
    records: list[Any] = []
    contents: dict[str, str] = {}
    for number, each in enumerate(drawn):
        if each[0] == "answer":
            named = named_id(str(each[1]))
            event = {"shard": 1, "seq": 1, "instruction_id": named, "owner": ALICE}
            event["content_hash"] = contents.get(named, "00")
            records.append(answer(event, "cleared", offset=number))
            continue
        message = undoing(number, *each[1:]) if each[0] == "undo" else moving(*each)
        record = received(message, offset=number)
        contents.setdefault(message["instruction_id"], content_hash(record))
        records.append(record)
    already = len(ledger.decisions[1])
    ledger.run(records[:cut])
    ledger.run(records[cut:])
    return ledger.decisions[1][already:], ledger.uses, ledger.states[1].balances


@given(STREAMS, st.integers(0, 25))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_reversals_are_the_same_however_decided(drawn: list[Any], cut: int) -> None:
    """In one batch or two, judged quickly or on the ladder; and nothing is undone twice."""
    whole = decided(drawn, 0, quick=False)
    assert decided(drawn, cut, quick=False) == whole
    assert decided(drawn, cut, quick=True) == whole
    undone = [each.detail["reverses"] for each in whole[0] if each.detail and "reverses" in each.detail]
    assert len(undone) == len({tuple(each.items()) for each in undone})


async def test_what_was_undone_outlives_the_memory(ledger: StoredLedger) -> None:
    """Originals of any shard are read when they are named, with what of them is undone."""
    await ledger.send(*[opening(each) for each in (ALICE, BOB)], deposit(ALICE, "5000.00"))
    message, screened = transfer(ALICE, BOB, "40.00"), withdrawal(ALICE, "1000.00")
    both = await ledger.send(message, screened, reversal(message, BOB))
    # What another shard posts in the same batch is not there yet; who asks again finds it.
    assert {each["type"]: outcome(each) for each in both} == {
        "TransactionPosted": "posted", "TransactionPending": "pending", "InstructionRejected": "original_unknown",
    }  # fmt: skip
    pending = next(each for each in both if each["type"] == "TransactionPending")
    await ledger.send(answer(pending, "cleared"))
    await ledger.forget()
    events = await ledger.send(reversal(message, BOB), reversal(message, BOB), reversal(screened))
    assert sorted(outcome(each) for each in events) == ["already_reversed", "posted", "posted"]
    await ledger.forget()
    events = await ledger.send(reversal(message, BOB), reversal(screened))
    assert [outcome(each) for each in events] == ["already_reversed"] * 2
    rows = await ledger.connection.fetch("SELECT original_shard, leg, shard FROM reversed ORDER BY shard")
    assert [tuple(row) for row in rows] == [(1, 0, 1), (1, 0, 2)]
    assert PARTITIONS > 2
