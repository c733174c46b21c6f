"""Accounts are closed in two steps and opened again, and no credit that is under way is lost."""

# ruff: noqa: E501 - tables are as wide as what they show

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.events import event_bytes, spell_time
from shared.messages.envelope import HOUSE
from shared.runtime.work import Received
from tests.transactions.support import (
    START,
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
    reopening,
    table,
    transfer,
    withdrawal,
)

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(3, "carol")
HOME = 1


def a_bank() -> PureLedger:
    """Alice with nothing, Bob and Carol with 100.00 EUR each, all in shards of their own."""
    ledger = PureLedger()
    ledger.send(*(opening(owner) for owner in (ALICE, BOB, CAROL)), opening(ALICE, "second"))
    ledger.send(deposit(BOB, "100.00"), deposit(CAROL, "100.00"))
    ledger.events.clear()
    return ledger


def freezing(owner: str, **fields: Any) -> dict[str, Any]:
    """Freeze the account of the owner's name."""
    return instruction(
        "freeze_account", owner=owner, account=owner, freeze_id="f", authority="court", **fields
    )


def reserve(owner: str, amount: str, **fields: Any) -> dict[str, Any]:
    """Set an amount of the owner's aside."""
    return instruction("reserve", owner=owner, account=owner, amount=amount, asset="EUR", **fields)


def unaware(ledger: PureLedger, *messages: dict[str, Any] | Received) -> list[dict[str, Any]]:
    """Decide as a batch that has read before that no account is shut."""
    ledger.foreign_stopped = {}
    events = ledger.send(*messages)
    ledger.foreign_stopped = None
    return events


BROKEN = table("""
    broken                                                  outcome                    field
    key,id,name,owner,shut,frozen,pending,money             wrong_key                  owner
    id,name,owner,shut,frozen,pending,money                 id_reused                  type
    name,owner,shut,frozen,pending,money                    account_unknown            account
    owner,shut,frozen,pending,money                         wrong_owner                owner
    shut,frozen,pending,money                               account_closed             account
    frozen,pending,money                                    account_frozen             account
    pending,money                                           account_has_pendings       account
    money                                                   balance_not_zero           account
    -                                                       applied                    -
""")


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row["outcome"])
def test_an_account_is_closed_when_nothing_is_in_the_way(row: dict[str, str]) -> None:
    """The first rung that fails names the reason."""
    ledger = a_bank()
    broken = row["broken"].split(",")
    message = closing(ALICE)
    if "shut" in broken:
        assert outcome(ledger.send(closing(ALICE))[0]) == "applied"
        assert outcome(unaware(ledger, transfer(BOB, ALICE, "1.00"))[0]) == "posted"
    elif "money" in broken:
        ledger.send(deposit(ALICE, "5.00"))
    if "pending" in broken and "shut" not in broken:
        ledger.send(deposit(ALICE, "5.00"), reserve(ALICE, "1.00"))
    if "frozen" in broken:
        ledger.send(freezing(ALICE, direction="credit"))
    if "owner" in broken:
        message["account"] = BOB
    if "name" in broken:
        message["account"] = "nobody"
    if "id" in broken:
        ledger.send(opening(ALICE, "third", instruction_id=message["instruction_id"]))
    (event,) = ledger.send(received(message, key="x" if "key" in broken else None))
    assert (outcome(event), event.get("field", "")) == (row["outcome"], row["field"])


def test_only_customers_accounts_are_closed() -> None:
    """The house's are its chart's."""
    (event,) = a_bank().send(closing(HOUSE, "BANK/nostro/EUR"))
    assert event["reason"] == "account_class_not_allowed"


def test_what_other_shards_have_credited_counts_as_its_balance() -> None:
    """And what was seen of them is kept with the decision, so that it can be repeated."""
    ledger = a_bank()
    ledger.send(transfer(BOB, ALICE, "7.00"))
    assert outcome(ledger.send(closing(ALICE))[0]) == "balance_not_zero"
    ledger.send(transfer(ALICE, CAROL, "7.00"))
    assert outcome(ledger.send(closing(ALICE))[0]) == "applied"
    assert ledger.decisions[HOME][-1].seen == {"credits": {str(ledger.accounts[ALICE].account_id): 7_00}}


REOPENINGS = table("""
    status   by    outcome
    open     ravi  account_not_closed
    closing  ravi  applied
    closed   ravi  applied
    closed   jane  approver_same
    open     jane  approver_same      # form comes first
    again    ravi  account_not_closed
""")


@pytest.mark.parametrize("row", REOPENINGS, ids=lambda row: f"{row['status']} {row['by']}")
def test_an_account_is_opened_again_by_two_people(row: dict[str, str]) -> None:
    """While it is closing or closed, and then takes debits and credits as before."""
    ledger = a_bank()
    if row["status"] != "open":
        ledger.send(closing(ALICE))
    if row["status"] in ("closed", "again"):
        assert [each["type"] for each in ledger.tick(HOME)] == ["AccountClosed"]
    if row["status"] == "again":
        ledger.send(reopening(ALICE))
    (event,) = ledger.send(reopening(ALICE, approved_by=f"op:{row['by']}"))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "applied":
        assert outcome(ledger.send(transfer(BOB, ALICE, "1.00"))[0]) == "posted"
        assert ledger.tick(HOME) == []


SHUT = table("""
    asked                                         outcome
    transfer(ALICE,BOB,"1.00")                    account_closed
    transfer(BOB,ALICE,"1.00")                    account_closed
    transfer(ALICE,"second","1.00")               account_closed
    withdrawal(ALICE,"1.00")                      account_closed
    reserve(ALICE,"1.00")                         account_closed
    reserve(BOB,"1.00",credit_account=ALICE)      account_closed
    closing(ALICE)                                account_closed
    freezing(ALICE)                               applied
    closing(ALICE,"second")                       applied
""")


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("ticks", [0, 1])
@pytest.mark.parametrize("row", SHUT, ids=lambda row: row["asked"])
def test_a_closing_or_closed_account_takes_neither_debits_nor_credits(
    row: dict[str, str], ticks: int, quick: bool
) -> None:
    """Wherever they come from; and the same in one batch with what closed it."""
    ledger = a_bank()
    ledger.quick = quick
    message = eval(row["asked"])
    if message["owner"] == ALICE and not ticks:
        events = ledger.run([received(closing(ALICE)), received(message)])
    else:
        ledger.send(closing(ALICE))
        for _ in range(ticks):
            ledger.tick(HOME)
        events = ledger.send(message)
    assert outcome(events[-1]) == row["outcome"]
    if message["owner"] == BOB:
        seen = ledger.decisions[2][-1].seen
        assert seen == {"closed": {ALICE: "closed" if ticks else "closing"}}


def test_a_closed_account_comes_before_a_frozen_one() -> None:
    """Over all movements: whether accounts are open is asked of all before whether one is frozen."""
    ledger = a_bank()
    ledger.send(freezing(BOB, direction="debit"), closing(ALICE))
    assert outcome(ledger.send(transfer(BOB, ALICE, "1.00"))[0]) == "account_closed"


FACTS = table("""
    type      direction  amount  return
    deposit   -           5.00    5.00
    fee       -           5.00   -5.00
    interest  credit      5.00    5.00
    interest  debit       5.00   -5.00
""")


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['type']} {row['direction']}")
def test_a_fact_for_a_closed_account_goes_to_the_return_account(row: dict[str, str], frozen: bool) -> None:
    """It has happened, and the house has to send it back or make it good; a freeze changes nothing in that."""
    ledger = a_bank()
    ledger.send(closing(ALICE))
    if frozen:
        ledger.send(freezing(ALICE))
    fact = instruction(row["type"], owner=ALICE, account=ALICE, amount=row["amount"], asset="EUR")
    (event,) = ledger.send(fact | ({"direction": row["direction"]} if row["direction"] else {}))
    assert (outcome(event), event["routed"]) == ("posted", "account_closed")
    assert ledger.balance("BANK/return/EUR") == round(100 * float(row["return"]))
    assert ledger.balance(ALICE) == 0


def test_what_waits_for_a_decision_is_voided_when_its_account_is_closed_meanwhile() -> None:
    """And the decision keeps that it saw another shard's account closed."""
    ledger = a_bank()
    ledger.chart.policies[1, "transfer", 978] = [Dated(ScreeningPolicy(10_00), date(1900, 1, 1), None)]
    (pending,) = ledger.send(transfer(BOB, ALICE, "10.00"))
    ledger.send(closing(ALICE))
    (event,) = ledger.send(answer(pending, "cleared"))
    assert outcome(event) == "account_closed"
    assert ledger.decisions[2][-1].seen == {"closed": {ALICE: "closing"}}


def test_an_account_is_closed_only_when_nothing_is_under_way_to_it_anywhere() -> None:
    """What another shard has pending as a credit keeps it closing until that is given back."""
    ledger = a_bank()
    name = named_id("under way")
    ledger.send(reserve(BOB, "5.00", credit_account=ALICE, instruction_id=name), closing(ALICE))
    assert ledger.tick(HOME) == []
    posting = instruction("post_pending", owner=BOB, pending_id=name)
    assert outcome(ledger.send(posting)[0]) == "account_closed"
    ledger.send(instruction("void_pending", owner=BOB, pending_id=name))
    (event,) = ledger.tick(HOME)
    assert event["type"] == "AccountClosed"
    assert event["account"]["account"] == ALICE
    assert ledger.tick(HOME) == []


def test_a_credit_that_still_arrives_is_kept_and_swept_to_suspense() -> None:
    """Before it is closed and after; the account comes to nothing, and all of it is announced."""
    ledger = a_bank()
    (first,) = ledger.send(closing(ALICE))
    assert outcome(unaware(ledger, transfer(BOB, ALICE, "5.00"))[0]) == "posted"
    (swept,) = ledger.tick(HOME)
    (closed,) = ledger.tick(HOME)
    unaware(ledger, transfer(CAROL, ALICE, "2.00"), transfer(BOB, ALICE, "3.00"))
    (late,) = ledger.tick(HOME)
    kinds = [each["type"] for each in (swept, closed, late)]
    assert kinds == ["CreditSwept", "AccountClosed", "CreditSwept"]
    for each in (swept, closed, late):
        assert each["first"] == {"shard": HOME, "seq": first["seq"]}
        assert (each["instruction_id"], each["owner"]) == (first["instruction_id"], ALICE)
        assert "source" not in each
    moves = [
        (leg["amount"], leg["debit"]["account"], leg["credit"]["account"])
        for each in (swept, late)
        for leg in each["movements"]
    ]
    assert moves == [("5.00", ALICE, "BANK/suspense/EUR")] * 2
    assert (ledger.balance(ALICE), ledger.balance("BANK/suspense/EUR")) == (0, 10_00)
    assert ledger.tick(HOME) == []


def test_an_account_opened_again_before_the_sweep_keeps_what_has_arrived() -> None:
    """It is its owner's money."""
    ledger = a_bank()
    ledger.send(closing(ALICE))
    unaware(ledger, transfer(BOB, ALICE, "5.00"))
    ledger.send(reopening(ALICE))
    assert ledger.tick(HOME) == []
    assert outcome(ledger.send(withdrawal(ALICE, "5.00"))[0]) == "posted"


def test_an_account_may_be_closed_and_opened_many_times_in_one_batch() -> None:
    """Each time counts."""
    ledger = a_bank()
    events = ledger.run(
        [
            received(each(ALICE))
            for each in (closing, reopening, closing, closing, reopening, reopening, closing)
        ]
    )
    assert [outcome(each) for each in events] == [
        *("applied", "applied", "applied", "account_closed"),
        *("applied", "account_not_closed", "applied"),
    ]
    (closed,) = ledger.tick(HOME)
    assert closed["first"]["seq"] == events[-1]["seq"]


OWNERS = (ALICE, BOB, CAROL)
owners = st.sampled_from(OWNERS)
amounts = st.sampled_from(["1.00", "40.00", "100.00"])
STEPS = st.one_of(
    st.tuples(st.just("close"), owners),
    st.tuples(st.just("close"), st.just(ALICE)),
    st.tuples(st.just("reopen"), owners),
    st.tuples(st.just("transfer"), owners, owners, amounts),
    st.tuples(st.just("transfer"), owners, st.just(ALICE), amounts),
    st.tuples(st.just("deposit"), owners, amounts),
    st.tuples(st.just("fee"), owners, amounts),
    st.tuples(st.just("reserve"), owners, owners, amounts),
    st.tuples(st.just("post"), owners),
    st.tuples(st.just("void"), owners),
    st.tuples(st.just("tick"), owners),
)
Steps = Sequence[tuple[str, ...]]


def messages_of(steps: Steps) -> list[Any]:
    """The instructions of the steps, and the shards of the ticks among them."""
    made: list[Any] = []
    reserves: dict[str, str] = {}
    for number, step in enumerate(steps):
        name = named_id(f"step {number}")
        match step:
            case ("close", owner):
                made.append(closing(owner, instruction_id=name))
            case ("reopen", owner):
                made.append(reopening(owner, instruction_id=name))
            case ("transfer", debit, credit, amount):
                made.append(transfer(debit, credit, amount, instruction_id=name))
            case ("deposit" | "fee" as kind, owner, amount):
                made.append(
                    instruction(
                        kind, owner=owner, account=owner, amount=amount, asset="EUR", instruction_id=name
                    )
                )
            case ("reserve", debit, credit, amount):
                reserves[debit] = name
                made.append(reserve(debit, amount, credit_account=credit, instruction_id=name))
            case ("post" | "void" as kind, owner):
                about = reserves.get(owner, named_id("none"))
                made.append(
                    instruction(f"{kind}_pending", owner=owner, pending_id=about, instruction_id=name)
                )
            case (_, owner, *_):
                made.append(OWNERS.index(owner) + 1)
            case _:
                raise ValueError(step)
    return made


def played(steps: Steps, cuts: Sequence[int]) -> PureLedger:
    """Play the steps in pieces; in each, no shard sees what another one closes in the same piece."""
    ledger = a_bank()
    made = messages_of(steps)
    places = sorted({0, *(cut % (len(made) + 1) for cut in cuts), len(made)})
    for start, end in pairwise(places):
        shut = {shard: ledger._foreign_stopped(shard) for shard in ledger.states}
        for message in made[start:end]:
            if isinstance(message, int):
                ledger.tick(message)
            else:
                record = received(message, offset=len(ledger.events))
                ledger.foreign_stopped = shut[record.shard]
                ledger.run([record])
                ledger.foreign_stopped = None
    return ledger


def come_to_rest(ledger: PureLedger) -> None:
    """Let all that is due be done."""
    while sum(len(ledger.tick(shard)) for shard in ledger.states):
        pass


@given(st.lists(STEPS, max_size=40), st.lists(st.integers(0, 40), max_size=6))
@example(
    [
        ("close", ALICE),
        ("transfer", BOB, ALICE, "40.00"),
        ("tick", ALICE),
        ("transfer", CAROL, ALICE, "1.00"),
    ],
    [3],
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_credit_is_lost_however_accounts_are_closed_and_batches_cut(steps: Steps, cuts: list[int]) -> None:
    """Debits equal credits, closed accounts come to nothing, and what is swept is what had arrived."""
    ledger = played(steps, cuts)
    come_to_rest(ledger)
    rows = [row for state in ledger.states.values() for row in state.balances.values()]
    assert sum(row[0] for row in rows) == sum(row[1] for row in rows)
    assert sum(row[2] for row in rows) == sum(row[3] for row in rows)
    moved: Counter[str] = Counter()
    for each in (each for decided in ledger.decisions.values() for each in decided):
        if each.kind in ("TransactionPosted", "CreditSwept"):
            for leg in each.legs:
                moved[leg.debit.code] -= leg.amount
                moved[leg.credit.code] += leg.amount
    for account in ledger.accounts.values():
        assert ledger.balance(account.code) == moved[account.code]
    for state in ledger.states.values():
        for shut in (*state.closed.values(), *state.closing.values()):
            assert ledger.balance(shut.account.code) == 0


@given(st.lists(STEPS, max_size=40))
@example([("close", ALICE), ("deposit", ALICE, "1.00"), ("transfer", BOB, ALICE, "40.00"), ("tick", ALICE)])
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_a_shard_decides_the_same_however_its_records_are_cut_between_ticks(steps: Steps) -> None:
    """Byte for byte: what the others do comes at the same places, so a replay makes the same events."""
    found: list[Any] = []
    for one_by_one in (True, False):
        ledger = a_bank()
        already = len(ledger.decisions[HOME])
        ledger.foreign_stopped = {}
        batch: list[Received] = []
        for number, message in enumerate([*messages_of(steps), HOME]):
            record = None if isinstance(message, int) else received(message, offset=number)
            if record is not None and record.shard == HOME:
                batch.append(record)
                if not one_by_one:
                    continue
            ledger.run(batch)
            batch = []
            if record is None:
                ledger.tick(HOME)
            elif record.shard != HOME:
                ledger.run([record])
        state = ledger.states[HOME]
        events = [event_bytes(each, HOME, spell_time(START)) for each in ledger.decisions[HOME][already:]]
        found.append((events, state.stopped, state.closing, state.closed, state.balances))
    assert found[0] == found[1]
