"""What must always hold of the fold: however records are cut into batches, and whatever they are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.transactions.domain import ledger as fold_module
from services.transactions.domain.chart import Dated, ScreeningPolicy
from services.transactions.domain.decisions import Decision
from services.transactions.domain.events import event_bytes, spell_time, spelt_in_parts
from services.transactions.domain.state import ShardState
from services.transactions.store.journal_rows import JournalRows
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.messages.envelope import HOUSE
from shared.runtime.work import Received
from tests.transactions.support import (
    ISIN,
    START,
    PureLedger,
    answer,
    custody,
    custody_transfer,
    deposit,
    instruction,
    named_id,
    opening,
    owner_in,
    rating,
    received,
    transfer,
    withdrawal,
)

HOME = owner_in(1)
NEIGHBOUR = owner_in(1, "neighbour")
FOREIGNER = owner_in(2)
OWNERS = (HOME, NEIGHBOUR, FOREIGNER)
DOLLARS = f"{HOME}/USD"
ACCOUNTS = (HOME, NEIGHBOUR, FOREIGNER, "nobody", "later")
SHARD = 1

amounts = st.sampled_from(["0.01", "10.00", "99.99", "100.00", "1500.00", "0", "-1", "1.001", "x"])
ids = st.integers(0, 12).map(lambda number: named_id(str(number)))
owners = st.sampled_from([HOME, NEIGHBOUR])
codes = st.sampled_from(ACCOUNTS)
directions = st.sampled_from(["debit", "credit", "both"])


ANOTHER_KEY = "sent under another key"
SOMETIMES: dict[str, st.SearchStrategy[Any]] = {
    "value_date": st.sampled_from([None, "2026-01-31", "1899-12-31", "2026-02-30"]),
    "occurred_at": st.sampled_from(
        [None, "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.1234567+01:00", "1850-01-31T10:00:00Z", "noon"]
    ),
    "business_reference": st.sampled_from([None, ANOTHER_KEY, "Miete März", "tab\there", ""]),
    "channel": st.sampled_from([None, {}, {"cash": True}, {"channel": "atm"}, {"channel": "pigeon"}]),
    "payment": st.sampled_from(
        [{"creditor": {"name": "Ana", "country": "DE"}}, {"creditor": {"country": "Germany"}}, 5]
    ),
    "a_later_field": st.just({"x": [1]}),
    "dry_run": st.sampled_from([True, True, False, "yes"]),
}


def message(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """An instruction of this type with drawn fields, and an id that others may have too."""
    plain = st.fixed_dictionaries({"type": st.just(kind), "instruction_id": ids, "owner": owners, **fields})
    extra = st.sampled_from(list(SOMETIMES)).flatmap(lambda name: st.tuples(st.just(name), SOMETIMES[name]))
    return plain | st.builds(lambda drawn, one: {**drawn, one[0]: one[1]}, plain, extra)


euro = st.just("EUR")
reserved = st.integers(100, 103).map(lambda number: named_id(str(number)))


def at_home(kind: str, own_ids: st.SearchStrategy[str], **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """An instruction of the one owner with little wrong with it, so that most of them come to something."""
    given: dict[str, Any] = {"type": st.just(kind), "instruction_id": own_ids, "owner": st.just(HOME)}
    return st.fixed_dictionaries({**given, **fields})


fresh = st.integers(200, 260).map(lambda number: named_id(str(number)))
sums = st.sampled_from(["0.01", "10.00", "99.99", "1500.00"])
LAST_DAYS = ["2025-12-31", "2026-02-02", "2026-02-02", "2026-02-03", "2026-02-04", "2101-01-01"]
RESERVES = st.one_of(
    at_home("reserve", reserved, account=st.just(HOME), amount=sums, asset=euro),
    at_home(
        "reserve",
        reserved,
        account=st.just(HOME),
        credit_account=st.sampled_from([NEIGHBOUR, FOREIGNER]),
        amount=sums,
        asset=euro,
    ),
    at_home(
        "reserve",
        reserved,
        account=st.just(HOME),
        amount=sums,
        asset=euro,
        expires_on=st.sampled_from(LAST_DAYS),
    ),
    at_home("post_pending", fresh, pending_id=reserved),
    at_home("post_pending", fresh, pending_id=reserved, amount=sums, final=st.booleans()),
    at_home("post_pending", fresh, pending_id=reserved, amount=st.just("1.00"), final=st.just(False)),
    at_home("void_pending", fresh, pending_id=reserved),
)
BOXES = st.sampled_from([f"{HOME}/custody", f"{HOME}/custody", f"{HOME}/custody#{ISIN}"])
SECURITIES = st.one_of(
    at_home(
        "open_account",
        fresh,
        account=st.sampled_from([f"{HOME}/custody", f"{HOME}/other", f"{HOME}/custody#{ISIN}"]),
        entity=st.just("BANK"),
        **{"class": st.sampled_from(["custody", "custody", "cash"])},
    ),
    at_home(
        "open_account",
        fresh,
        account=st.just(f"{HOME}/isin"),
        entity=st.just("BANK"),
        asset=st.just(ISIN),
        container=st.sampled_from([f"{HOME}/custody", "box", HOME, f"{HOME}/isin", FOREIGNER]),
        **{"class": st.just("custody")},
    ),
    at_home(
        "custody_transfer",
        fresh,
        account=BOXES | st.sampled_from([HOME, "nobody", f"{FOREIGNER}/custody"]),
        direction=st.sampled_from(["receive", "receive", "deliver"]),
        quantity=st.sampled_from(["1", "10", "0", "1.5", str(2**63 - 1)]),
        asset=st.sampled_from([ISIN, ISIN, "US912810TM09", "EUR", "XXX"]),
        location=st.sampled_from(["depository", "custodian", "nowhere"]),
    ),
    at_home(
        "custody_transfer",
        fresh,
        account=st.just(f"{HOME}/custody"),
        direction=st.just("receive"),
        quantity=st.just("10"),
        asset=st.just(ISIN),
    ),
    at_home(
        "transfer",
        fresh,
        debit_account=BOXES,
        credit_account=st.just(f"{FOREIGNER}/custody#{ISIN}"),
        amount=st.sampled_from(["1", "100"]),
        asset=st.just(ISIN),
    ),
    at_home("change_limit", fresh, account=BOXES, limit=st.just("5"), authority=st.just("committee")),
    at_home(
        "freeze_account",
        fresh,
        account=BOXES,
        freeze_id=st.sampled_from(["s1", "s2"]),
        authority=st.just("court"),
        direction=directions,
    ),
    at_home("unfreeze_account", fresh, account=BOXES, freeze_id=st.sampled_from(["s1", "s2"])),
)
traded = st.integers(300, 302).map(lambda number: named_id(str(number)))
SOME_OF_IT = at_home(
    "post_pending",
    fresh,
    pending_id=traded,
    amount=st.sampled_from(["1", "2", "3"]),
    final=st.just(False),
)
TRADES = st.one_of(
    at_home(
        "trade",
        traded,
        side=st.sampled_from(["buy", "sell"]),
        custody_account=BOXES,
        cash_account=st.sampled_from([HOME, HOME, HOME, NEIGHBOUR, DOLLARS, "nobody"]),
        quantity=st.sampled_from(["3", "7", "1000"]),
        asset=st.sampled_from([ISIN, ISIN, ISIN, "EUR"]),
        settlement_amount=sums,
        settlement_asset=st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
        commission=st.sampled_from([None, "0.01", "1.05", "0"]),
        location=st.sampled_from(["depository", "depository", "nowhere"]),
        contractual_settlement_date=st.sampled_from([None, "2026-01-01", "2026-01-02", "2026-01-03"]),
    ),
    at_home("post_pending", fresh, pending_id=traded),
    at_home("post_pending", fresh, pending_id=traded, amount=st.sampled_from(["1", "2", "5", "1.5"])),
    SOME_OF_IT,
    SOME_OF_IT,
    at_home("void_pending", fresh, pending_id=traded),
)
charges = st.sampled_from(
    [
        None,
        [{"kind": "fee", "amount": "0.01", "asset": "EUR"}],
        [
            {"kind": "fee", "amount": "0.03", "asset": "EUR", "taken": "deducted"},
            {"kind": "tax", "amount": "0.02", "asset": "EUR"},
        ],
        [{"kind": "tax", "amount": "0.05", "asset": "USD", "taken": "deducted"}],
        [{"kind": "fee", "amount": "1.00", "asset": "EUR", "taken": "deducted"}],
        [],
    ]
)
EXCHANGES = st.one_of(
    at_home(
        "exchange",
        fresh,
        charges=charges,
        debit_account=st.just(HOME),
        debit_amount=sums,
        debit_asset=euro,
        credit_account=st.sampled_from([DOLLARS, DOLLARS, f"{NEIGHBOUR}/USD"]),
        credit_amount=st.sampled_from(["0.01", "10.85", "10.86", "1627.80"]),
        credit_asset=st.just("USD"),
        rate=st.sampled_from(["1.0852", "1.0851999999999999999999999999", "0.9"]),
        rate_unit=st.sampled_from(["debit", "debit", "credit"]),
    ),
    at_home(
        "exchange",
        fresh,
        debit_account=st.just(DOLLARS),
        debit_amount=sums,
        debit_asset=st.just("USD"),
        credit_account=st.just(HOME),
        credit_amount=sums,
        credit_asset=euro,
        rate=st.just("1"),
    ),
    at_home(
        "freeze_account",
        fresh,
        account=st.just(DOLLARS),
        freeze_id=st.sampled_from(["d1", "d2"]),
        authority=st.just("court"),
        direction=directions,
    ),
    at_home("unfreeze_account", fresh, account=st.just(DOLLARS), freeze_id=st.sampled_from(["d1", "d2"])),
    at_home("post_pending", fresh, pending_id=fresh, amount=sums),
)
MEMBER = st.one_of(
    at_home("fee", ids | fresh, account=codes, amount=amounts, asset=euro),
    at_home("deposit", fresh, account=codes, amount=sums, asset=euro),
    at_home("withdrawal", fresh, account=st.just(HOME), amount=sums, asset=euro, charges=charges),
    at_home("transfer", fresh, debit_account=st.just(HOME), credit_account=codes, amount=sums, asset=euro),
    at_home("interest", fresh, account=codes, amount=sums, asset=euro, direction=st.just("debit")),
)
FACT = st.one_of(
    at_home("fee", fresh, account=codes, amount=sums, asset=euro),
    at_home("deposit", fresh, account=codes, amount=sums, asset=euro),
)
GROUPS = at_home(
    "group", fresh, members=st.lists(MEMBER, max_size=4) | st.lists(FACT, min_size=1, max_size=3)
)
REVERSALS = st.one_of(
    message("reversal", original_id=ids, original_owner=st.sampled_from([None, HOME, NEIGHBOUR, FOREIGNER])),
    at_home(
        "reversal",
        fresh,
        original_id=st.integers(100, 130).map(lambda number: named_id(str(number))) | ids | fresh,
        forced=st.booleans(),
        reason=st.just("an error"),
        entered_by=st.sampled_from(["op:jane", "op:joe"]),
        approved_by=st.just("op:joe"),
    ),
)
RETURNS = at_home("return", fresh, original_id=ids | fresh, amount=amounts | sums, asset=euro)
NUMBERS = st.integers(0, 60).map(lambda seq: f"1-{seq}-0")
ITEMS = st.one_of(
    at_home("allocate", fresh, item=NUMBERS, account=codes, amount=amounts | sums, asset=euro),
    at_home(
        "write_off",
        fresh,
        item=NUMBERS,
        amount=sums,
        asset=euro,
        reason=st.just("small"),
        entered_by=st.just("op:jane"),
        approved_by=st.sampled_from(["op:joe", "op:jane"]),
    ),
    at_home("deposit", fresh, account=st.just("nobody"), amount=sums, asset=euro),
)
MESSAGES = st.one_of(
    message("transfer", debit_account=codes, credit_account=codes, amount=amounts, asset=euro),
    message(
        "transfer", debit_account=codes, credit_account=codes, amount=amounts, asset=euro, charges=charges
    ),
    message("deposit", account=codes, amount=amounts, asset=st.sampled_from(["EUR", "USD", "JPY", "XXX"])),
    message("withdrawal", account=codes, amount=amounts, asset=euro),
    message("withdrawal", account=codes, amount=amounts, asset=euro, charges=charges),
    message("fee", account=codes, amount=amounts, asset=euro),
    message("interest", account=codes, amount=amounts, asset=euro, direction=st.just("debit")),
    message("interest", account=codes, amount=amounts, asset=euro),
    message("house_posting", debit_account=codes, credit_account=codes, amount=amounts, asset=euro),
    message(
        "adjustment",
        debit_account=codes,
        credit_account=codes,
        amount=amounts,
        asset=euro,
        reason=st.just("reconciled"),
        entered_by=st.sampled_from(["op:jane", "op:joe"]),
        approved_by=st.just("op:joe"),
    ),
    message(
        "open_account", account=st.sampled_from(["later", FOREIGNER]), entity=st.just("BANK"), asset=euro
    ),
    message(
        "freeze_account",
        account=codes,
        freeze_id=st.sampled_from(["f1", "f2"]),
        authority=st.just("court"),
        direction=directions,
    ),
    message(
        "freeze_account",
        account=codes,
        freeze_id=st.sampled_from(["f1", "f2", "f3"]),
        authority=st.just("court"),
        direction=st.sampled_from(["debit", "debit", "both"]),
        amount=st.sampled_from(["10.00", "100.00", "0.001"]),
    ),
    message(
        "change_limit",
        account=codes,
        limit=st.sampled_from(["0", "10.00", "5000.00", "0.001", None]),
        authority=st.just("committee"),
        **{
            name: st.sampled_from([None, "2026-01-01", "2026-02-10", "2026-02-20"])
            for name in ("valid_from", "valid_until")
        },
    ),
    message(
        "change_holder",
        account=codes,
        holder=st.fixed_dictionaries(
            {"name": st.just("Ada Morgenrot"), "person": st.sampled_from(["P-1", None])},
            optional={name: st.sampled_from(["2026-01-01", "2026-02-10"]) for name in ("since", "until")},
        ),
        authority=st.just("register"),
    ),
    message(
        "exchange",
        debit_account=codes,
        debit_amount=amounts,
        debit_asset=euro,
        credit_account=codes | st.just(DOLLARS),
        credit_amount=amounts,
        credit_asset=st.sampled_from(["USD", "EUR", "JPY", "XXX"]),
        rate=st.sampled_from(["1.0852", "0", "-1", "1", "x", "1.", ".5"]),
    ),
    message("close_account", account=codes, authority=st.just("customer")),
    message(
        "reopen_account",
        account=codes,
        reason=st.just("mistake"),
        entered_by=st.just("ann"),
        approved_by=st.sampled_from(["ann", "ben"]),
    ),
    message("unfreeze_account", account=codes, freeze_id=st.sampled_from(["f1", "f2"])),
    message("reserve", account=codes, amount=amounts, asset=euro, charges=charges),
    message("reserve", account=codes, credit_account=codes, amount=amounts, asset=euro),
    message("post_pending", pending_id=ids | reserved, amount=amounts, final=st.booleans()),
    message("void_pending", pending_id=st.just("x")),
    message("transfer", debit_account=codes, credit_account=codes, amount=st.just(1.5), asset=euro),
)


def open_day(day: int) -> dict[str, Any]:
    """Move the bank's books on to that day of February."""
    return instruction(
        "open_business_day",
        owner=HOUSE,
        entity="BANK",
        booking_date=f"2026-02-{day:02}",
        instruction_id=named_id(f"day {day}"),
    )


DAYS = st.integers(1, 28).map(open_day)
ANSWERS = st.tuples(
    st.integers(0, 12) | st.integers(100, 103) | st.integers(200, 260),
    st.sampled_from(["cleared", "released", "refused"]),
)
CLOSINGS = st.one_of(
    at_home("close_account", fresh, account=st.one_of(st.just(HOME), BOXES), authority=st.just("customer")),
    at_home(
        "reopen_account",
        fresh,
        account=st.one_of(st.just(HOME), BOXES),
        reason=st.just("mistake"),
        entered_by=st.just("ann"),
        approved_by=st.just("ben"),
    ),
    at_home("fee", fresh, account=st.just(HOME), amount=st.just("2050.00"), asset=euro),
    at_home("deposit", fresh, account=st.just(HOME), amount=sums, asset=euro),
    at_home("fee", fresh, account=st.just(HOME), amount=sums, asset=euro),
)
"""With the owner's two thousand and fifty gone, the account can be closed."""
SPENDING = st.one_of(
    at_home("withdrawal", fresh, account=st.just(HOME), amount=sums, asset=euro),
    at_home("transfer", fresh, debit_account=st.just(HOME), credit_account=codes, amount=sums, asset=euro),
    at_home("fee", fresh, account=st.just(HOME), amount=sums, asset=euro),
)
EXPIRING = RESERVES | ANSWERS | SPENDING | st.integers(1, 5).map(open_day)
"""Days follow each other while money is set aside and spent."""
RATED = st.tuples(st.just("rate"), st.just(HOME), st.sampled_from(["low", "medium", "high"]))
BY_API = SPENDING.map(lambda each: {**each, "channel": {"channel": "api"}})
STREAMS = (
    st.lists(MESSAGES | REVERSALS | GROUPS | DAYS | ANSWERS | st.just(b"{"), max_size=40)
    | st.lists(RESERVES | EXCHANGES | GROUPS | REVERSALS | ANSWERS | CLOSINGS, min_size=6, max_size=30)
    | st.lists(EXPIRING, min_size=6, max_size=30)
    | st.lists(SECURITIES | TRADES | TRADES, min_size=6, max_size=30)
    | st.lists(RETURNS | RETURNS | SPENDING | REVERSALS | ANSWERS | CLOSINGS, min_size=6, max_size=30)
    | st.lists(RATED | BY_API | SPENDING | ANSWERS, min_size=6, max_size=30)
    | st.lists(ITEMS | ITEMS | RETURNS | REVERSALS | CLOSINGS, min_size=6, max_size=30)
)


PARTS = (
    "balances", "freezes", "stopped", "closing", "closed", "limits", "days", "pendings", "expiring",
    "expiries", "next_account", "risk_classes",
)  # fmt: skip
"""Of what a shard remembers, what a stream alone decides."""


def a_ledger() -> PureLedger:
    """Three owners with some money, in two shards; large withdrawals, reserves and exchanges are screened."""
    ledger = PureLedger()
    for kind in ("reserve", "exchange"):
        ledger.chart.policies[1, kind, 978] = ledger.chart.policies[1, "withdrawal", 978]
    for kind in ("transfer", "withdrawal"):
        ledger.chart.policies.setdefault((1, kind, 978), []).extend(
            [
                Dated(ScreeningPolicy(20_00, ("high",), deadline_hours=4), date(1900, 1, 1), None),
                Dated(
                    ScreeningPolicy(10_00, ("medium",), channels=("api",), deadline_hours=8),
                    date(1900, 1, 1),
                    None,
                ),
            ]
        )
    for owner in OWNERS:
        ledger.send(opening(owner, instruction_id=named_id(f"open {owner}")))
        ledger.send(deposit(owner, "2000.00", instruction_id=named_id(f"fund {owner}")))
    for owner in (HOME, NEIGHBOUR):
        code, name = f"{owner}/USD", f"open {owner}/USD"
        ledger.send(opening(owner, code, asset="USD", instruction_id=named_id(name)))
    ledger.send(deposit(HOME, "100.00", DOLLARS, asset="USD", instruction_id=named_id("fund dollars")))
    for owner in (HOME, FOREIGNER):
        ledger.send(custody(owner, instruction_id=named_id(f"open {owner}/custody")))
    received_before = custody_transfer(FOREIGNER, "receive", "7", instruction_id=named_id("foreign stock"))
    ledger.send(received_before)
    ledger.send(transfer(FOREIGNER, HOME, "50.00", instruction_id=named_id("foreign credit")))
    return ledger


def stream(drawn: Sequence[Any]) -> list[Received]:
    """Records of the one shard; an answer is to whatever instruction has that id, with its content."""
    records: list[Received] = []
    contents: dict[str, str] = {}
    for offset, each in enumerate(drawn):
        if isinstance(each, tuple) and each[0] == "rate":
            records.append(rating(*each[1:], shard=SHARD, offset=offset))
            continue
        if isinstance(each, tuple):
            number, decision = each
            name = named_id(str(number))
            event = {
                "shard": SHARD,
                "seq": 1,
                "instruction_id": name,
                "owner": HOME,
                "content_hash": contents.get(name, "00"),
            }
            records.append(answer(event, decision, offset=offset))
            continue
        astray = isinstance(each, dict) and each.get("business_reference") == ANOTHER_KEY
        record = received(each, offset=offset, partition=SHARD, key="another" if astray else None)
        records.append(record)
        if isinstance(each, dict):
            contents.setdefault(each["instruction_id"], content_hash(record))
    return records


def content_hash(record: Received) -> str:
    """The hash a decision about this record must carry."""
    from services.transactions.domain.records import Record
    from services.transactions.handlers.memory import TYPES

    digest = Record(record, TYPES).content_hash
    return "" if digest is None else digest.hex()


def decided(
    records: Sequence[Received], cuts: Sequence[int], *, quick: bool = True
) -> tuple[list[Decision], ShardState]:
    """Decide the stream cut before each of these places."""
    ledger = a_ledger()
    ledger.quick = quick
    already = len(ledger.decisions[SHARD])
    places = sorted({0, *(cut % (len(records) + 1) for cut in cuts), len(records)})
    for start, end in pairwise(places):
        ledger.run([replace(each) for each in records[start:end]])
    return ledger.decisions[SHARD][already:], ledger.states[SHARD]


@given(STREAMS, st.lists(st.integers(0, 40), max_size=8))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_cutting_into_batches_gives_the_same(drawn: list[Any], cuts: list[int]) -> None:
    """Decisions, events, balances, freezes, days, pending ones and account numbers."""
    records = stream(drawn)
    whole, state = decided(records, [])
    cut, other = decided(records, cuts)
    assert [event_bytes(each, SHARD, spell_time(START)) for each in whole] == [
        event_bytes(each, SHARD, spell_time(START)) for each in cut
    ]
    assert whole == cut
    for part in PARTS:
        assert getattr(state, part) == getattr(other, part)


@given(STREAMS)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_judged_quickly_or_on_the_ladder_the_same_comes_of_it(drawn: list[Any]) -> None:
    """The quick judgement is the ladder's yes and nothing else: decisions, events and memory."""
    records = stream(drawn)
    quickly, state = decided(records, [])
    on_the_ladder, other = decided(records, [], quick=False)
    assert quickly == on_the_ladder
    for part in PARTS:
        assert getattr(state, part) == getattr(other, part)


PLAIN = (
    transfer(HOME, NEIGHBOUR, "1.00", value_date="2026-01-01", payment={"remittance": "100 % \u00e9"}),
    transfer(HOME, FOREIGNER, "0.05", occurred_at="2026-01-05T10:00:00Z", business_reference="INV 7"),
    deposit(HOME, "1000000.00"),
    withdrawal(HOME, "1.00", channel={"channel": "atm", "cash": True}),
    instruction("fee", owner=HOME, account=HOME, amount="1.00", asset="EUR"),
    instruction("interest", owner=HOME, account=HOME, amount="1.00", asset="EUR", direction="debit"),
)


def test_a_plain_event_has_the_same_bytes_spelt_at_one_go_or_in_parts() -> None:
    """Consumers and the outbox's rebuilding rest on them."""
    ledger = a_ledger()
    ledger.send(*PLAIN)
    made = [each for decided_there in ledger.decisions.values() for each in decided_there]
    assert len(made) > 6
    for each in made:
        stamp = spell_time(START)
        assert event_bytes(each, SHARD, stamp) == spelt_in_parts(each, SHARD, stamp)


def test_a_plain_row_has_the_same_bytes_spelt_at_one_go_or_field_by_field() -> None:
    """They are sealed as first written, and spelt again from the tables."""
    ledger = a_ledger()
    ledger.send(*PLAIN)
    made = [(shard, each) for shard, decided_there in ledger.decisions.items() for each in decided_there]
    assert sum(each.terms is not None for _, each in made) >= len(PLAIN)
    for shard, each in made:
        for copies in ((), ((2, each.seq - 1, b"key"),)):
            other = replace(each, terms=None)
            at_one_go, by_field = (JournalRows().add(one, shard, 5, 3, copies) for one in (each, other))
            assert at_one_go == by_field


VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "a value date": {"value_date": "2026-01-05"},
    "no value date": {"value_date": None},
    "a value date out of bounds": {"value_date": "1899-12-31"},
    "a time finer than it is kept": {"occurred_at": "2026-01-31T10:00:00.1234567Z"},
    "a time long ago": {"occurred_at": "1850-01-31T10:00:00Z"},
    "another owner": {"owner": NEIGHBOUR},
    "another asset": {"asset": "USD"},
    "an unknown asset": {"asset": "XXX"},
    "an unknown account": {"credit_account": "nobody"},
    "an account of the house": {"credit_account": "BANK.suspense.EUR"},
    "itself": {"credit_account": HOME},
    "a foreign debit": {"debit_account": FOREIGNER, "credit_account": HOME},
    "too much": {"amount": "2500.00"},
    "all there is": {"amount": "2000.00"},
    "no amount": {"amount": "0.00"},
    "leading zeros": {"amount": "0001.00"},
    "fewer decimals": {"amount": "1"},
    "a point and nothing": {"amount": "1."},
    "too many decimals": {"amount": "1.001"},
    "an amount no counter holds": {"amount": "99999999999999999999.00"},
    "other digits": {"amount": "١.٠٠"},
}


@pytest.mark.parametrize("key", [None, "another"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_comes_to_the_same_both_ways(variant: str, key: str | None) -> None:
    """One thing at a time, on an instruction that is good but for it."""
    made: list[Any] = []
    for quick in (True, False):
        ledger = a_ledger()
        ledger.quick = quick
        message = {**transfer(HOME, NEIGHBOUR, "1.00", instruction_id=named_id("v")), **VARIANTS[variant]}
        for each in (message, message):
            ledger.send(received(each, key=key))
        made.append((ledger.decisions, {number: each.balances for number, each in ledger.states.items()}))
    assert made[0] == made[1]


def test_what_is_plain_never_goes_up_the_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the quick judgement would be of no use, and nobody would see."""
    ledger = a_ledger()
    monkeypatch.setattr(fold_module, "_judge", lambda _: pytest.fail("a plain one was on the ladder"))
    events = ledger.send(
        transfer(HOME, NEIGHBOUR, "1.00", payment={"remittance": "for tea"}),
        transfer(HOME, FOREIGNER, "1.00", value_date="2026-01-01", occurred_at="2026-01-05T10:00:00Z"),
        deposit(HOME, "1.00", value_date="2026-01-01"),
        withdrawal(HOME, "1.00", channel={"channel": "atm", "cash": True}),
        instruction("fee", owner=HOME, account=HOME, amount="1.00", asset="EUR"),
        instruction("interest", owner=HOME, account=HOME, amount="1.00", asset="EUR"),
    )
    assert {each["type"] for each in events} == {"TransactionPosted"}


@given(STREAMS)
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_the_books_hold(drawn: list[Any]) -> None:
    """Debits equal credits, nothing is negative, requests respect limits, each record has one event."""
    records = stream(drawn)
    ledger = a_ledger()
    already = len(ledger.decisions[SHARD])
    ledger.run(records)
    made = ledger.decisions[SHARD][already:]
    assert [each.offset for each in made] == [each.offset for each in records]
    state = ledger.states[SHARD]
    assert min(min(row) for row in state.balances.values()) >= 0
    assert sum(row[0] for row in state.balances.values()) == sum(row[1] for row in state.balances.values())
    waiting = sum(leg.amount for each in state.pendings.values() for leg in each.legs)
    assert sum(row[2] for row in state.balances.values()) == waiting
    assert sum(row[3] for row in state.balances.values()) == waiting
    for each in made:
        for leg in each.legs:
            limits = [dated.value.limit for dated in state.limits.get(leg.debit.account_id, ())]
            if leg.debit.owner in OWNERS and each.instruction_type in ("transfer", "withdrawal"):
                most = max((10**18 if limit is None else limit for limit in limits), default=0)
                assert leg.debit_balance_after >= -50_00 - most


@given(STREAMS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_stream_delivered_twice_moves_nothing_the_second_time(drawn: list[Any]) -> None:
    """Every instruction that was taken is a duplicate or out of place, every answer without effect."""
    records = stream(drawn)
    ledger = a_ledger()
    ledger.run([replace(each) for each in records])
    before = {key: list(row) for key, row in ledger.states[SHARD].balances.items()}
    again = ledger.run([replace(each) for each in records])
    assert {key: list(row) for key, row in ledger.states[SHARD].balances.items()} == before
    for record, event in zip(records, again, strict=True):
        if isinstance(record.message, CustomerRated):
            assert event["type"] == "RiskClassChanged"
        elif isinstance(record.message, DecisionMade):
            assert event["type"] == "DecisionWithoutEffect"
        else:
            assert event["type"] in (
                "DuplicateReceived",
                "InstructionRejected",
                "RecordUnreadable",
                "DryRunJudged",
            )


@pytest.mark.parametrize("foreign", [0, 49_99, 50_00])
def test_a_decision_stands_on_the_foreign_credits_it_is_given(foreign: int) -> None:
    """So that a model can repeat it: late they may be, never too high."""
    ledger = a_ledger()
    account = ledger.accounts[HOME].account_id
    ledger.foreign_credits = {account: foreign}
    (event,) = ledger.send(transfer(HOME, NEIGHBOUR, "2050.00"))
    assert event["type"] == ("TransactionPosted" if foreign == 50_00 else "InstructionRejected")
    seen = ledger.decisions[SHARD][-1].seen
    assert seen == ({"credits": {str(account): foreign}} if foreign else None)


def test_a_foreign_account_is_seen_frozen_or_not_with_each_batch() -> None:
    """Its freezes are another shard's: they are read again, and kept with the decision."""
    ledger = a_ledger()
    assert ledger.send(transfer(HOME, FOREIGNER, "1.00"))[0]["type"] == "TransactionPosted"
    ledger.foreign_stopped = {ledger.accounts[FOREIGNER].account_id: 2}
    (event,) = ledger.send(transfer(HOME, FOREIGNER, "1.00"))
    assert event["reason"] == "account_frozen"
    assert ledger.decisions[SHARD][-1].seen == {"frozen": {FOREIGNER: "credit"}}


def test_the_screening_policy_goes_by_the_total_of_an_instruction() -> None:
    """From the amount of the policy on."""
    ledger = a_ledger()
    events = ledger.send(withdrawal(HOME, "999.99"), withdrawal(HOME, "1000.00"))
    assert [each["type"] for each in events] == ["TransactionPosted", "TransactionPending"]
