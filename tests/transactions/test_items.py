"""What the house keeps for somebody is used up item by item, by the shard that holds it and never twice."""

# ruff: noqa: E501 - tables are as wide as what they show

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.domain.chart import ITEM_CLASSES
from services.transactions.queries.verifying import verify
from shared.messages.envelope import HOUSE
from tests.transactions.conftest import LedgerDatabase
from tests.transactions.support import (
    ISIN,
    PureLedger,
    StoredLedger,
    allocating,
    closing,
    custody,
    custody_transfer,
    deposit,
    instruction,
    named_id,
    number_of,
    opening,
    outcome,
    owner_in,
    received,
    reopening,
    returning,
    reversal,
    table,
    transfer,
    withdrawal,
    writing_off,
)

ALICE, BOB, CAROL = owner_in(1, "alice"), owner_in(2, "bob"), owner_in(1, "carol")
RIGHT: Final[dict[str, Any]] = {
    "forced": True, "reason": "not hers", "entered_by": "op:jane", "approved_by": "op:joe",
}  # fmt: skip


def a_bank() -> PureLedger:
    """Alice and Carol in one shard, Bob in another, with 100.00 each."""
    ledger = PureLedger()
    for owner in (ALICE, BOB, CAROL):
        ledger.send(opening(owner), deposit(owner, "100.00"))
    ledger.send(opening(BOB, "broker", entity="BROKER"), opening(BOB, "dollars", asset="USD"))
    return ledger


def an_item(ledger: PureLedger, amount: str = "40.00", owner: str = ALICE) -> dict[str, Any]:
    """Let money arrive for nobody known; it is of the owner that upstream named."""
    (event,) = ledger.send(deposit(owner, amount, "nobody"))
    return event


def suspense(ledger: PureLedger, name: str = "suspense") -> int:
    """What the bank keeps in an account of its own in EUR."""
    return ledger.balance(f"BANK/{name}/EUR")


PARTS = table("""
    amounts               outcomes                              bob     suspense
    40.00                 posted                                140.00  0.00
    15.00,25.00           posted,posted                         140.00  0.00
    15.00                 posted                                115.00  25.00
    40.01                 amount_exceeds_item                   100.00  40.00
    15.00,25.01,25.00     posted,amount_exceeds_item,posted     140.00  0.00
    40.00,0.01            posted,item_used_up                   140.00  0.00
    40.00,40.00           posted,item_used_up                   140.00  0.00
""")


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("row", PARTS, ids=lambda row: row["amounts"])
def test_an_item_is_allocated_whole_or_in_parts(row: dict[str, str], batches: int) -> None:
    """To a customer of another shard, too; never more than there was."""
    ledger = a_bank()
    arrived = deposit(ALICE, "40.00", "nobody")
    seq = ledger.last_seq[1] + 1
    messages = [
        arrived,
        *(
            allocating({"shard": 1, "seq": seq, "owner": ALICE}, each, BOB)
            for each in row["amounts"].split(",")
        ),
    ]
    events = ledger.run([received(each) for each in messages]) if batches == 1 else ledger.send(*messages)
    assert [outcome(each) for each in events] == ["posted", *row["outcomes"].split(",")]
    for event in events[1:]:
        if outcome(event) == "posted":
            assert event["uses"] == {"shard": 1, "seq": seq, "leg": 0}
            (movement,) = event["movements"]
            assert (movement["debit"]["account"], movement["credit"]["account"]) == ("BANK/suspense/EUR", BOB)
        else:
            assert event["field"] == ("item" if outcome(event) == "item_used_up" else "amount")
    assert [ledger.balance(BOB), suspense(ledger)] == [
        round(float(row[each]) * 100) for each in ("bob", "suspense")
    ]


NAMED = table("""
    item      owner  account            amount  asset  outcome                    field
    there     ALICE  BOB                40.00   EUR    posted                     -
    there     ALICE  ALICE              40.00   EUR    posted                     -
    there     ALICE  BANK/nostro/EUR    40.00   EUR    posted                     -         # it is sent back by hand
    there     ALICE  BANK/suspense/EUR  40.00   EUR    account_class_not_allowed  item_or_account
    there     ALICE  BANK/return/EUR    40.00   EUR    account_class_not_allowed  account
    there     ALICE  nobody             40.00   EUR    account_unknown            account   # a fact that stays where it is
    there     ALICE  broker             40.00   EUR    spans_entities             -
    there     ALICE  dollars            40.00   EUR    asset_mismatch             account
    there     ALICE  dollars            40.00   USD    asset_mismatch             asset
    there     ALICE  BOB                40.00   XXX    asset_unknown              asset
    there     ALICE  BOB                40.001  EUR    amount_too_many_decimals   amount
    there     ALICE  BOB                0       EUR    amount_zero                amount
    there     CAROL  CAROL              40.00   EUR    wrong_owner                owner     # of the same shard
    there     BOB    BOB                40.00   EUR    wrong_owner                owner     # of another one
    there     house  BOB                40.00   EUR    wrong_owner                owner
    later     ALICE  BOB                40.00   EUR    item_unknown               item
    own       ALICE  BOB                40.00   EUR    item_unknown               item      # a deposit to Alice's account
    opening   ALICE  BOB                40.00   EUR    item_unknown               item      # it has no movement
    leg       ALICE  BOB                40.00   EUR    item_unknown               item
    fee       ALICE  BOB                40.00   EUR    item_unknown               item      # what the house is owed is undone
    nonsense  ALICE  BOB                40.00   EUR    field_malformed            item
""")


@pytest.mark.parametrize(
    "row", NAMED, ids=lambda row: f"{row['item']} {row['owner']} {row['account']} {row['asset']}"
)
def test_what_is_wrong_leaves_the_item_where_it_is(row: dict[str, str]) -> None:
    """Each has its name, and the right owner is told."""
    names = {"ALICE": ALICE, "BOB": BOB, "CAROL": CAROL}
    ledger = a_bank()
    item = an_item(ledger)
    fee = instruction("fee", owner=ALICE, account="nobody", amount="40.00", asset="EUR")
    own, fee_event = ledger.send(deposit(ALICE, "40.00"), fee)
    number = {
        "there": number_of(item),
        "later": f"1-{fee_event['seq'] + 1}-0",
        "own": number_of(own),
        "opening": "1-1-0",
        "leg": number_of(item, 1),
        "fee": number_of(fee_event),
        "nonsense": "1-x-0",
    }[row["item"]]
    before = (suspense(ledger), len(ledger.uses))
    owner, account = (names.get(row[each], row[each]) for each in ("owner", "account"))
    message = allocating(item, row["amount"], account, owner=owner, asset=row["asset"], item=number)
    (event,) = ledger.send(message)
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "posted":
        return
    assert event.get("field") in row["field"].replace("item_or_", "").split() + [None] * (not row["field"])
    if row["outcome"] == "wrong_owner" and row["owner"] == "CAROL":
        assert ALICE in event["detail"]
    assert (suspense(ledger), len(ledger.uses)) == before


def test_one_item_is_not_allocated_from_two_shards() -> None:
    """Whoever is not its home is told so, before and after its home has used it up."""
    ledger = a_bank()
    item = an_item(ledger)
    events = ledger.send(*[allocating(item, "40.00", BOB, owner=each) for each in (BOB, ALICE, BOB, HOUSE)])
    assert [outcome(each) for each in events] == ["wrong_owner", "posted", "wrong_owner", "wrong_owner"]
    assert (ledger.balance(BOB), suspense(ledger)) == (140_00, 0)


STOPPED = table("""
    stop    outcome  routed          credit
    shut    posted   account_closed  BANK/return/EUR
    frozen  posted   account_frozen  BANK/blocked_funds/EUR
""")


@pytest.mark.parametrize("row", STOPPED, ids=lambda row: row["stop"])
def test_for_a_stopped_account_it_goes_on_and_is_an_item_there(row: dict[str, str]) -> None:
    """Where it is it stays, until the account takes it."""
    ledger = a_bank()
    ledger.send(opening(BOB, "other"))
    stop, free = closing(BOB, "other"), reopening(BOB, "other")
    if row["stop"] == "frozen":
        given = {"owner": BOB, "account": "other", "freeze_id": "f"}
        stop = instruction("freeze_account", **given, authority="court", direction="credit")
        free = instruction("unfreeze_account", **given)
    ledger.send(stop)
    item = an_item(ledger)
    first, again = ledger.send(allocating(item, "30.00", "other"), allocating(item, "10.00", BOB))
    assert (outcome(first), first["routed"], first["movements"][0]["credit"]["account"]) == (
        row["outcome"], row["routed"], row["credit"],
    )  # fmt: skip
    assert outcome(again) == "posted"
    (event,) = ledger.send(allocating(first, "30.00", "other"))
    assert outcome(event) == row["routed"]
    _, event = ledger.send(free, allocating(first, "30.00", "other"))
    assert outcome(event) == "posted"
    assert ledger.balance("other") == 30_00
    assert [suspense(ledger, name) for name in sorted(ITEM_CLASSES)] == [0, 0, 0]


WITHIN = table("""
    first    asset         account            outcome
    -        US0378331005  alice/custody      posted
    5        US0378331005  alice/custody      posted
    5        US0378331005  the-one-in-it      posted
    -        US0378331005  the-one-in-it      account_unknown
    -        US0378331005  bob/custody        asset_mismatch
    -        EUR           alice/custody      asset_mismatch
""")


@pytest.mark.parametrize("row", WITHIN, ids=lambda row: f"{row['first']} {row['account']} {row['asset']}")
async def test_securities_kept_for_somebody_go_to_the_account_within_their_custody_account(
    ledger: StoredLedger, ledger_database: LedgerDatabase, row: dict[str, str]
) -> None:
    """What came while it was frozen would stay with the house for ever, where no account was within it yet."""
    mine = f"{ALICE}/custody"
    names = {"alice/custody": mine, "the-one-in-it": f"{mine}#{ISIN}", "bob/custody": f"{BOB}/custody"}
    await ledger.send(custody(ALICE), custody(BOB))
    if row["first"]:
        await ledger.send(custody_transfer(ALICE, "receive", row["first"]))
    freeze = {"owner": ALICE, "account": mine, "freeze_id": "f"}
    await ledger.send(instruction("freeze_account", **freeze, authority="court"))
    (kept,) = await ledger.send(custody_transfer(ALICE, "receive", "4"))
    assert kept["routed"] == "account_frozen"
    (event,) = await ledger.send(allocating(kept, "3", mine, asset=ISIN))
    assert outcome(event) == "account_frozen"
    await ledger.send(instruction("unfreeze_account", **freeze))
    await ledger.forget()
    (event,) = await ledger.send(allocating(kept, "3", names[row["account"]], asset=row["asset"]))
    assert outcome(event) == row["outcome"]
    if row["outcome"] == "posted":
        opened = None if row["first"] else f"{mine}#{ISIN}"
        assert (event.get("opened"), event["movements"][0]["credit"]["account"]) == (opened, f"{mine}#{ISIN}")
    assert (await verify(ledger_database.readonly)).first_difference is None


def test_everything_that_credits_an_account_of_items_makes_one() -> None:
    """A fact of any kind, a return without a match, a late credit that was swept, a posting by hand."""
    ledger = a_bank()
    by_hand = instruction(
        "house_posting", owner=HOUSE, debit_account="BANK/nostro/EUR", credit_account="BANK/suspense/EUR",
        amount="7.00", asset="EUR",
    )  # fmt: skip
    made = ledger.send(
        deposit(ALICE, "7.00", BOB),
        instruction("interest", owner=ALICE, account="nobody", amount="7.00", asset="EUR"),
        returning(withdrawal(ALICE, "7.00"), "7.00"),
        by_hand,
    )
    ledger.send(opening(ALICE, "shut"), closing(ALICE, "shut"))
    ledger.foreign_stopped = {}
    ledger.send(transfer(BOB, "shut", "7.00"))
    ledger.foreign_stopped = None
    made += ledger.tick(1)[:1]
    assert made[-1]["type"] == "CreditSwept"
    assert suspense(ledger) == 35_00
    events = ledger.send(*[allocating(each, "7.00", BOB) for each in made])
    assert [outcome(each) for each in events] == ["posted"] * 5
    assert [each["owner"] for each in events] == [ALICE, ALICE, ALICE, HOUSE, ALICE]
    assert (suspense(ledger), ledger.balance(BOB)) == (0, 128_00)


@pytest.mark.parametrize("kind", ["house_posting", "adjustment"])
@pytest.mark.parametrize("name", sorted(ITEM_CLASSES))
def test_no_posting_takes_from_an_account_of_items(kind: str, name: str) -> None:
    """It would be said of which item by nobody."""
    ledger = a_bank()
    ends = {"debit_account": f"BANK/{name}/EUR", "credit_account": "BANK/nostro/EUR"}
    people = {"reason": "x", "entered_by": "op:jane", "approved_by": "op:joe"} if kind == "adjustment" else {}
    (event,) = ledger.send(instruction(kind, owner=HOUSE, **ends, amount="1.00", asset="EUR", **people))
    assert (outcome(event), event["field"]) == ("account_class_not_allowed", "debit_account")


WRITTEN_OFF = table("""
    amount  entered  approved  outcome
    0.02    op:jane  op:joe    posted
    40.00   op:jane  op:joe    posted
    40.01   op:jane  op:joe    amount_exceeds_item
    0.02    op:jane  op:jane   approver_same
    0.02    op:jane  -         field_missing
    0.02    -        op:joe    field_missing
""")


@pytest.mark.parametrize(
    "row", WRITTEN_OFF, ids=lambda row: f"{row['amount']} {row['entered']} {row['approved']}"
)
def test_what_is_given_up_is_income_and_two_people_answer_for_it(row: dict[str, str]) -> None:
    """It goes where the posting rules say."""
    ledger = a_bank()
    item = an_item(ledger)
    people = {"entered_by": row["entered"] or None, "approved_by": row["approved"] or None}
    (event,) = ledger.send(writing_off(item, row["amount"], **people))
    assert outcome(event) == row["outcome"]
    written = round(float(row["amount"]) * 100) if row["outcome"] == "posted" else 0
    assert (suspense(ledger), suspense(ledger, "sundry_income")) == (40_00 - written, written)


def test_an_item_is_undone_or_used_and_never_both() -> None:
    """Undoing what brought it sends it back: only whole, only once, and only by its home."""
    ledger = a_bank()
    first, second = deposit(ALICE, "10.00", "nobody"), deposit(ALICE, "10.00", "nobody")
    items = ledger.send(first, second)
    events = ledger.send(
        allocating(items[0], "4.00", BOB), reversal(first), allocating(items[0], "6.00", BOB), reversal(first),
        reversal(second), allocating(items[1], "1.00", BOB), writing_off(items[1], "1.00"),
    )  # fmt: skip
    assert [outcome(each) for each in events] == [
        "posted", "partly_used", "posted", "already_reversed", "posted", "item_used_up", "item_used_up",
    ]  # fmt: skip
    assert (suspense(ledger), ledger.balance(BOB)) == (0, 110_00)


def test_what_was_allocated_to_the_wrong_one_is_an_item_again() -> None:
    """Its reversal has its home at whom it had credited; there it is allocated anew."""
    ledger = a_bank()
    item = an_item(ledger)
    wrong = allocating(item, "40.00", BOB)
    (undone,) = ledger.send(wrong, reversal(wrong, BOB))[1:]
    assert (outcome(undone), undone["reopens"], undone["shard"]) == ("posted", True, 2)
    assert (ledger.balance(BOB), suspense(ledger)) == (100_00, 40_00)
    events = ledger.send(allocating(item, "40.00", CAROL), allocating(undone, "40.00", CAROL))
    assert [outcome(each) for each in events] == ["item_used_up", "posted"]
    assert (ledger.balance(CAROL), suspense(ledger)) == (140_00, 0)


def test_a_plain_reversal_to_an_account_of_items_leaves_none() -> None:
    """A fee that suspense has paid is undone: it holds what it had held before."""
    ledger = a_bank()
    fee = instruction("fee", owner=ALICE, account="nobody", amount="5.00", asset="EUR")
    _, undone = ledger.send(fee, reversal(fee))
    assert (outcome(undone), "reopens" in undone, suspense(ledger)) == ("posted", False, 0)
    (event,) = ledger.send(allocating(undone, "5.00", ALICE))
    assert outcome(event) == "item_unknown"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "fee", "allocate", "allocate", "write_off", "undo", "undo_use"]),
        st.sampled_from([1, 3, 5, 10]),
        st.integers(1, 40),
        st.sampled_from([ALICE, CAROL, BOB, "nobody", "shut"]),
    ),
    max_size=25,
)


def told(number: int, step: tuple[str, int, int, str]) -> dict[str, Any]:
    """The instruction of a step, of Alice's or Carol's; those that name one name the number drawn."""
    what, amount, which, account = step
    owner = CAROL if number % 5 == 4 else ALICE
    given = {"owner": owner, "instruction_id": named_id(str(number))}
    item = {"shard": 1, "seq": which, "owner": owner}
    match what:
        case "arrive":
            return deposit(owner, f"{amount}.00", account, instruction_id=given["instruction_id"])
        case "fee":
            return (
                instruction("fee", **{**given, "account": account, "amount": "1.00", "asset": "EUR"}) | given
            )
        case "allocate":
            return allocating(item, f"{amount}.00", account) | given
        case "write_off":
            return writing_off(item, f"{amount}.00") | given
        case _:
            return reversal({"owner": owner, "instruction_id": named_id(str(which % max(number, 1)))}) | given


@given(STEPS, st.lists(st.integers(1, 6), min_size=25, max_size=25))
@settings(max_examples=200, deadline=None)
def test_the_house_keeps_what_is_left_of_its_items(
    steps: list[tuple[str, int, int, str]], cuts: list[int]
) -> None:
    """In each shard and account, however the stream is cut: no item is used beyond what it was."""

    def a_start() -> PureLedger:
        ledger = PureLedger()
        for name in (ALICE, CAROL, BOB):
            ledger.send(opening(name, instruction_id=named_id(name)))
        shut = opening(BOB, "shut", instruction_id=named_id("shut"))
        ledger.send(shut, closing(BOB, "shut", instruction_id=named_id("close")))
        return ledger

    whole, cut = a_start(), a_start()
    records = [received(told(number, each), offset=number) for number, each in enumerate(steps)]
    whole.run(records)
    at = 0
    for size in cuts:
        cut.run(records[at : at + size])
        at += size
    assert cut.events == whole.events
    assert left_of_items(whole) == balances_of_items(whole)


def balances_of_items(ledger: PureLedger) -> dict[tuple[int, str], int]:
    """What each shard's rows of accounts of items hold."""
    return {
        (shard, account.code): row[1] - row[0]
        for shard, state in ledger.states.items()
        for account in ledger.chart.accounts.values()
        if account.account_class in ITEM_CLASSES and (row := state.balances[account.account_id])[1] - row[0]
    }


def left_of_items(ledger: PureLedger) -> dict[tuple[int, str], int]:
    """What is left of the items by the events alone: what went out without an item is owed to the house."""
    left: dict[tuple[int, int, int], int] = {}
    code_of: dict[tuple[int, int, int], str] = {}
    for event in ledger.events:
        for movement in event.get("movements", ()):
            key = (event["shard"], event["seq"], movement["leg"])
            amount = round(float(movement["amount"]) * 100)
            used: tuple[int, int, int] | None = None
            if "uses" in event:
                used = tuple(event["uses"].values())
            elif "reverses" in event:
                used = (event["reverses"]["shard"], event["reverses"]["seq"], movement["leg"])
            for side, sign in (("credit", 1), ("debit", -1)):
                code = movement[side]["account"]
                if movement[side]["class"] not in ITEM_CLASSES:
                    continue
                if used is not None and code_of.get(used) == code and left[used] * sign < 0:
                    left[used] += sign * amount
                    assert left[used] * sign <= 0
                else:
                    left[key], code_of[key] = sign * amount, code
    sums: dict[tuple[int, str], int] = {}
    for key, amount in left.items():
        sums[key[0], code_of[key]] = sums.get((key[0], code_of[key]), 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


async def test_what_is_left_of_an_item_outlives_the_memory(ledger: StoredLedger) -> None:
    """Items and their uses are read when they are named; a sweep has one, too."""
    await ledger.send(opening(ALICE), opening(BOB), deposit(BOB, "50.00"))
    (item,) = await ledger.send(deposit(ALICE, "40.00", "nobody"))
    await ledger.forget()
    assert [outcome(each) for each in await ledger.send(allocating(item, "15.00", BOB))] == ["posted"]
    await ledger.forget()
    events = await ledger.send(
        allocating(item, "25.01", BOB), writing_off(item, "25.00"), allocating(item, "0.01", BOB)
    )
    assert [outcome(each) for each in events] == ["amount_exceeds_item", "posted", "item_used_up"]
    undone = reversal(events[1] | {"instruction_id": events[1]["instruction_id"]})
    (again,) = await ledger.send(undone)
    await ledger.forget()
    events = await ledger.send(allocating(again, "25.00", ALICE), allocating(again, "0.01", ALICE))
    assert [outcome(each) for each in events] == ["posted", "item_used_up"]
    rows = await ledger.connection.fetch(
        "SELECT leg, part, amount, left_minor FROM reversed ORDER BY original_seq, part"
    )
    assert [tuple(row) for row in rows] == [
        (0, 1, 15_00, 25_00), (0, 2, 25_00, 0), (0, 1, 25_00, 0), (0, 1, 25_00, 0),
    ]  # fmt: skip
