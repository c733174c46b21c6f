"""The ledger's own fold and the reference model, on the same random records of all types."""

from collections import Counter
from datetime import date
from typing import Any

from hypothesis import HealthCheck, example, given, settings

from audit.amounts import spell_amount
from audit.evidence import DECISIONS, Chart, Evidence, Record
from audit.ledger_rows import (
    Account,
    Asset,
    Entity,
    Instrument,
    JournalRow,
    PostingRule,
    ScreeningPolicy,
    TradePolicy,
)
from audit.model import Prediction, Replay, replay
from audit.model.effects import EFFECTS
from audit.wire import BROADCAST, FACTS, SHAPES
from services.transactions.domain import chart as charts
from services.transactions.domain.chart import Dated
from services.transactions.domain.decisions import Decision
from services.transactions.transaction_types import TRANSACTION_TYPES
from shared.messages.compliance import CustomerRated, DecisionMade
from shared.runtime.work import Received
from tests.transactions.support import ISIN, PARTITIONS, PureLedger, named_id, transfer
from tests.transactions.test_fold import (
    FOREIGNER,
    HOME,
    NEIGHBOUR,
    SHARD,
    STREAMS,
    a_ledger,
    open_day,
    stream,
)


def delivered(record: Received, decision: Decision) -> Record:
    """The record as it stands on its topic."""
    assert decision.offset is not None
    value = record.value
    if isinstance(record.message, DecisionMade | CustomerRated):
        value = record.message.model_dump_json().encode()
    return Record(record.topic, SHARD, decision.offset, 0, record.key, value)


def evidence_of(ledger: PureLedger, records: list[Record], decided: list[Decision]) -> Evidence:
    """What the model is given of a ledger: its chart, its accounts, the records, and what was seen."""
    chart = ledger.chart
    evidence = Evidence(partitions=PARTITIONS, chart=chart_of(chart))
    opened = {
        each.account.code: each.seq
        for decisions in ledger.decisions.values()
        for each in decisions
        if each.instruction_type == "open_account" and each.account is not None
    }
    evidence.ledger.accounts = [
        Account(
            each.account_id, each.code, each.entity_id, each.owner, each.shard, each.asset_id,
            each.account_class, each.opening_limit, opened.get(each.code, 0), each.container,
        )
        for each in ledger.accounts.values()
    ]  # fmt: skip
    for record in records:
        evidence.topics.setdefault(record.topic, []).append(record)
    evidence.topics.setdefault(DECISIONS, [])
    evidence.ledger.journal = [
        JournalRow(
            SHARD, each.seq, each.kind, topic=each.topic, partition=each.partition, offset=each.offset,
            reason=each.reason, content=each.content, seen=each.seen, about_seq=each.about_seq,
        )
        for each in decided
    ]  # fmt: skip
    return evidence


def chart_of(chart: charts.Chart) -> Chart:
    """The same chart in the auditor's words."""
    return Chart(
        assets=[
            Asset(each.asset_id, each.code, each.kind, each.scale) for each in chart.assets_by_id.values()
        ],
        instruments=[
            Instrument(each.asset_id, each.valid_from, each.valid_until)
            for each in chart.instruments.values()
        ],
        entities=[
            Entity(each.entity_id, each.code, each.first_booking_date) for each in chart.entities.values()
        ],
        posting_rules=[
            PostingRule(entity, code, condition, rule.value, rule.valid_from, rule.valid_until)
            for (entity, code, condition), rules in chart.rules.items()
            for rule in rules
        ],
        policies=[
            ScreeningPolicy(
                entity,
                code,
                asset,
                policy.value.amount_from,
                policy.valid_from,
                policy.valid_until,
                policy.value.risk_classes,
                policy.value.countries,
                policy.value.channels,
                policy.value.deadline_hours,
                policy.value.told,
            )
            for (entity, code, asset), policies in chart.policies.items()
            for policy in policies
        ],
        trade_policies=[
            TradePolicy(entity, policy.value, policy.valid_from, policy.valid_until)
            for entity, policies in chart.trade_policies.items()
            for policy in policies
        ],
    )


def shown(ledger: PureLedger, decided: list[Decision]) -> list[Any]:
    """What the fold decided, in words that both have."""
    return [
        (
            each.kind,
            each.reason,
            each.about_seq,
            [(leg.debit.code, leg.credit.code, leg.amount, leg.debit_balance_after) for leg in each.legs],
            each.booking_date,
            each.value_date,
            {
                name: (each.detail or {}).get(name)
                for name in (
                    "routed",
                    "limit_passed",
                    "freed",
                    "opened",
                    "reverses",
                    "uses",
                    "reopens",
                    "valid_from",
                    "cause",
                    "screened_by",
                    "risk_class",
                )
            },
            (each.detail or {}).get("resolves", {}).get("seq"),
            trial_shown(each.detail or {}) if each.kind == "DryRunJudged" else None,
        )
        for each in decided
    ]


def trial_shown(detail: dict[str, Any]) -> list[Any]:
    """What a dry run says would have come of it."""
    would_be = detail["would_be"]
    return [
        *(would_be.get(name) for name in ("type", "reason", "routed", "freed")),
        [
            (each["debit"]["account"], each["credit"]["account"], each["amount"])
            for each in would_be.get("movements", ())
        ],
        [(each["debit"], each["credit"]) for each in detail.get("balances_after", ())],
    ]


def trial_predicted(said: Prediction) -> list[Any]:
    """What the model says would have come of it; all that moves here has two decimals, but for yen."""
    scales = [0 if each.asset in ("JPY", ISIN) else 2 for each in said.movements]
    legs = list(zip(said.movements, scales, strict=True))
    return [
        *(said.kind, said.reason, said.routed, said.freed),
        [(leg.debit, leg.credit, spell_amount(leg.amount, scale)) for leg, scale in legs],
        [
            (spell_amount(leg.debit_after, scale), spell_amount(leg.credit_after, scale))
            for leg, scale in legs
        ],
    ]


def predicted(said: Replay, decided: list[Decision]) -> list[Any]:
    """What the model says of the same."""
    found = [said.predictions[SHARD, each.seq] for each in decided]
    return [
        (
            each.kind,
            each.reason,
            each.about_seq,
            [(leg.debit, leg.credit, leg.amount, leg.debit_after) for leg in each.movements],
            each.booking_date,
            each.value_date,
            {
                "routed": each.routed,
                "limit_passed": each.limit_passed or None,
                "freed": each.freed,
                "opened": each.opened,
                "reverses": each.reverses and {"shard": each.reverses[0], "seq": each.reverses[1]},
                "uses": each.uses and dict(zip(("shard", "seq", "leg"), each.uses, strict=True)),
                "reopens": each.reopens or None,
                "valid_from": each.valid_from and each.valid_from.isoformat(),
                "cause": each.cause,
                "risk_class": each.detail.get("risk_class"),
                "screened_by": each.screened_by[0] if each.screened_by else None,
            },
            each.resolves,
            None if each.tried is None else trial_predicted(each.tried),
        )
        for each in found
    ]


def of_home(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    """An instruction of the owner at home."""
    return {"type": kind, "instruction_id": named_id(str(number)), "owner": HOME, **fields}


RESERVES: list[Any] = [
    of_home("reserve", 100, account=HOME, amount="10.00", asset="EUR"),
    of_home("post_pending", 200, pending_id=named_id("100"), amount="2.00", final=False),
    of_home("post_pending", 201, pending_id=named_id("100"), amount="8.01"),
    of_home("post_pending", 202, pending_id=named_id("100"), amount="1.00"),
    of_home("void_pending", 203, pending_id=named_id("100")),
    of_home("reserve", 101, account=HOME, amount="1500.00", asset="EUR"),
    of_home("void_pending", 204, pending_id=named_id("101")),
    (101, "cleared"),
    (101, "refused"),
    of_home("void_pending", 205, pending_id=named_id("101")),
    of_home("post_pending", 206, pending_id=named_id("100"), dry_run=True),
    of_home("reserve", 103, account=HOME, amount="1999.00", asset="EUR", expires_on="2026-02-01"),
    of_home("reserve", 104, account=HOME, amount="1.00", asset="EUR", expires_on="2025-12-31"),
    of_home("withdrawal", 210, account=HOME, amount="900.00", asset="EUR"),
    open_day(2),
    of_home("withdrawal", 211, account=HOME, amount="900.00", asset="EUR"),
    of_home("post_pending", 212, pending_id=named_id("103")),
    of_home("reserve", 102, account=HOME, amount="10.00", asset="EUR", dry_run=True),
    of_home("reserve", 102, account=HOME, amount="10.00", asset="EUR"),
    of_home("post_pending", 207, pending_id=named_id("102"), amount="3.00", dry_run=True),
    of_home("void_pending", 207, pending_id=named_id("102"), dry_run=True),
    of_home("open_account", 208, account="tried", entity="BANK", asset="EUR", dry_run=True),
    of_home("deposit", 209, account="tried", amount="1.00", asset="EUR", dry_run=True),
    of_home("open_account", 208, account="tried", entity="BANK", asset="EUR"),
]
"""Parts and a rest; one that is screened; what comes too early, too late or is too much; dry runs."""


CLOSINGS: list[Any] = [
    of_home("close_account", 210, account=HOME, authority="customer"),
    of_home("fee", 211, account=HOME, amount="2050.00", asset="EUR"),
    of_home("reserve", 104, account=HOME, amount="1.00", asset="EUR"),
    of_home("close_account", 212, account=HOME, authority="customer"),
    of_home("deposit", 213, account=HOME, amount="1.00", asset="EUR"),
    of_home("reopen_account", 214, account=HOME, reason="x", entered_by="ann", approved_by="ann"),
    of_home("reopen_account", 215, account=HOME, reason="x", entered_by="ann", approved_by="ben"),
    of_home("close_account", 216, account=HOME, authority="customer"),
    # the late credit comes here
    of_home("close_account", 217, account=HOME, authority="customer"),
    of_home("fee", 218, account=HOME, amount="1.00", asset="EUR"),
    of_home("interest", 219, account=HOME, amount="1.00", asset="EUR"),
    of_home("reopen_account", 220, account=HOME, reason="x", entered_by="ann", approved_by="ben"),
    of_home("reopen_account", 221, account=HOME, reason="x", entered_by="ann", approved_by="ben"),
    of_home("deposit", 222, account=HOME, amount="1.00", asset="EUR"),
    of_home("close_account", 223, account=HOME, authority="customer"),
    of_home("transfer", 224, debit_account=HOME, credit_account=NEIGHBOUR, amount="1.00", asset="EUR"),
    of_home("close_account", 225, account=HOME, authority="customer"),
]
"""Too early, closed, opened and closed again, a late credit, facts meanwhile, opened with some money."""


RATINGS: list[Any] = [
    of_home("withdrawal", 1, account=HOME, amount="20.00", asset="EUR"),
    ("rate", HOME, "high"),
    of_home("withdrawal", 2, account=HOME, amount="20.00", asset="EUR"),
    of_home("withdrawal", 3, account=HOME, amount="19.99", asset="EUR"),
    (2, "cleared"),
    ("rate", FOREIGNER, "high"),
    ("rate", HOME, "medium"),
    of_home("withdrawal", 4, account=HOME, amount="20.00", asset="EUR", channel={"channel": "api"}),
    of_home("withdrawal", 5, account=HOME, amount="1000.00", asset="EUR", channel={"channel": "atm"}),
    of_home("withdrawal", 6, account=HOME, amount="20.00", asset="EUR", payment={"creditor_agent": "B" * 8}),
    (4, "refused"),
]
"""A class for a while, one of somebody at home elsewhere, and conditions met and not met."""


def of_trade(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    """A trade of the owner at home in ten shares, or what is done about one."""
    if kind != "trade":
        return of_home(kind, number, **fields)
    fields.setdefault("contractual_settlement_date", "2026-01-03")
    of = {"custody_account": f"{HOME}/custody", "cash_account": HOME, "quantity": "10", "asset": ISIN}
    return of_home(kind, number, **of, settlement_asset="EUR", **fields)


TRADES: list[Any] = [
    of_trade("trade", 299, side="buy", settlement_amount="7.00", commission="1.01"),
    open_day(2),
    of_trade("void_pending", 300, pending_id=named_id("299")),
    of_trade("trade", 301, side="buy", settlement_amount="99.99", commission="1.01"),
    of_trade("post_pending", 302, pending_id=named_id("301"), amount="3", final=False),
    of_trade("trade", 303, side="buy", settlement_amount="1.00", commission="1.00"),
    of_trade("trade", 304, side="buy", settlement_amount="1.00", dry_run=True),
    of_trade("trade", 305, side="sell", settlement_amount="50.00", commission="2.00"),
    of_trade("void_pending", 306, pending_id=named_id("301")),
    of_trade("post_pending", 307, pending_id=named_id("305"), amount="7", final=False),
    of_trade("post_pending", 308, pending_id=named_id("305")),
    of_trade("trade", 310, side="buy", settlement_amount="92233720368547758.07"),
    of_trade("trade", 311, side="buy", settlement_amount="92233720368547758.07"),
    of_trade("void_pending", 312, pending_id=named_id("310")),
    of_trade("trade", 320, side="buy", settlement_amount="99.99", commission="1.01"),
    of_trade("trade", 321, side="sell", settlement_amount="50.00", commission="2.00"),
    of_trade("trade", 322, side="sell", settlement_amount="0.03"),
    of_trade("post_pending", 323, pending_id=named_id("321"), amount="3", final=False),
    open_day(4),
    of_trade("post_pending", 324, pending_id=named_id("320"), amount="3", final=False),
    of_trade("post_pending", 325, pending_id=named_id("321"), amount="3", final=False),
    of_trade("post_pending", 326, pending_id=named_id("322"), amount="9", final=False),
    of_trade("void_pending", 327, pending_id=named_id("320")),
    of_trade("void_pending", 328, pending_id=named_id("321")),
    of_trade("trade", 329, side="sell", settlement_amount="5.00", contractual_settlement_date="2026-01-02"),
    of_trade("post_pending", 330, pending_id=named_id("329")),
]
"""By trade date: settled in parts, cancelled, routed, and more than a counter takes; after their day too."""


REVERSALS: list[Any] = [
    of_home("transfer", 1, debit_account=HOME, credit_account=NEIGHBOUR, amount="10.00", asset="EUR"),
    of_home("reversal", 2, original_id=named_id("1")),
    {**of_home("reversal", 3, original_id=named_id("1"), original_owner=HOME), "owner": NEIGHBOUR},
    {**of_home("reversal", 4, original_id=named_id("1"), original_owner=HOME), "owner": NEIGHBOUR},
    of_home("reversal", 5, original_id=named_id("1"), original_owner=FOREIGNER),
    of_home("reversal", 6, original_id=named_id("4")),
    of_home("deposit", 7, account=HOME, amount="10.00", asset="EUR"),
    of_home("withdrawal", 8, account=HOME, amount="2055.00", asset="EUR"),
    (8, "cleared"),
    of_home("reversal", 9, original_id=named_id("7")),
    of_home(
        "reversal", 10, original_id=named_id("7"), forced=True, reason="x", entered_by="a", approved_by="b"
    ),
    of_home("reversal", 11, original_id=named_id("8"), approved_by="b", entered_by="b"),
    of_home("reversal", 12, original_id=named_id("8"), forced=True, reason="x", approved_by="b"),
    of_home("reversal", 13, original_id=named_id("8")),
    of_home("reversal", 10, original_id=named_id("7"), forced=False),
]
"""At the right home and the wrong one, twice, of what was screened, with and without a right."""


RETURNS: list[Any] = [
    of_home("withdrawal", 1, account=HOME, amount="10.00", asset="EUR"),
    of_home("return", 2, original_id=named_id("1"), amount="4.00", asset="EUR", reason="AC04"),
    of_home("return", 3, original_id=named_id("1"), amount="6.01", asset="EUR"),
    of_home("reversal", 4, original_id=named_id("1")),
    of_home("return", 5, original_id=named_id("1"), amount="6.00", asset="USD"),
    of_home("return", 6, original_id=named_id("1"), amount="6.00", asset="EUR"),
    of_home("reversal", 7, original_id=named_id("1")),
    of_home("reversal", 8, original_id=named_id("3")),
    of_home("reversal", 9, original_id=named_id("6")),
    of_home("return", 10, original_id=named_id("1"), amount="0.01", asset="EUR", value_date="2026-01-09"),
    of_home("return", 11, original_id=named_id("4"), amount="0.01", asset="EUR"),
    of_home("withdrawal", 12, account=HOME, amount="10.00", asset="EUR"),
    of_home("freeze_account", 13, account=HOME, freeze_id="r", authority="court", direction="credit"),
    of_home("return", 14, original_id=named_id("12"), amount="4.00", asset="EUR", dry_run=True),
    of_home("return", 14, original_id=named_id("12"), amount="4.00", asset="EUR"),
    of_home("return", 15, original_id=named_id("12"), amount="6.01", asset="EUR"),
    of_home("unfreeze_account", 16, account=HOME, freeze_id="r"),
    of_home("withdrawal", 17, account=HOME, amount="1500.00", asset="EUR"),
    of_home("return", 18, original_id=named_id("17"), amount="1.00", asset="EUR"),
    (17, "cleared"),
    of_home("return", 19, original_id=named_id("17"), amount="1.00", asset="EUR"),
]
"""In parts, too much, after and before it was undone, of what is frozen, and of what was screened."""


def use(kind: str, number: int, seq: int, amount: str, **fields: Any) -> dict[str, Any]:
    """Use up so much of what the event of this number left, if it left something."""
    people = {"reason": "x", "entered_by": "op:jane", "approved_by": "op:joe"} if kind == "write_off" else {}
    given = {"item": f"{SHARD}-{seq}-0", "amount": amount, "asset": "EUR", **people, **fields}
    return of_home(kind, number, **given)


FUNDED = len(a_ledger().taken[SHARD])
ITEMS: list[Any] = [
    of_home("deposit", 1, account="nobody", amount="10.00", asset="EUR"),
    use("allocate", 2, FUNDED + 1, "4.00", account=NEIGHBOUR),
    use("allocate", 3, FUNDED + 1, "6.01", account=NEIGHBOUR),
    use("allocate", 4, FUNDED + 1, "1.00", account=FOREIGNER, dry_run=True),
    use("allocate", 4, FUNDED + 1, "1.00", account=FOREIGNER),
    use("allocate", 5, FUNDED + 1, "1.00", account="nobody"),
    use("allocate", 6, FUNDED + 1, "1.00", account="BANK/suspense/EUR"),
    use("allocate", 7, FUNDED + 1, "1.00", account="BANK/nostro/EUR"),
    {**use("allocate", 8, FUNDED + 1, "1.00", account=HOME), "owner": NEIGHBOUR},
    of_home("reversal", 9, original_id=named_id("1")),
    use("write_off", 10, FUNDED + 1, "4.00"),
    use("write_off", 11, FUNDED + 1, "0.01"),
    use("write_off", 12, FUNDED + 1, "0.01", approved_by="op:jane"),
    of_home("reversal", 13, original_id=named_id("10")),
    use("allocate", 14, FUNDED + 14, "4.00", account=HOME, asset="USD"),
    use("allocate", 15, FUNDED + 14, "4.00", account=HOME),
    {**of_home("reversal", 16, original_id=named_id("2"), original_owner=HOME), "owner": NEIGHBOUR},
    {**use("allocate", 17, FUNDED + 17, "4.00", account=HOME), "owner": NEIGHBOUR},
    of_home("freeze_account", 18, account=HOME, freeze_id="i", authority="court", direction="credit"),
    of_home("deposit", 19, account="nobody", amount="10.00", asset="EUR"),
    use("allocate", 20, FUNDED + 20, "10.00", account=HOME),
    use("allocate", 21, FUNDED + 21, "10.00", account=HOME),
    use("write_off", 22, FUNDED + 21, "1.00"),
    of_home("unfreeze_account", 23, account=HOME, freeze_id="i"),
    use("allocate", 24, FUNDED + 21, "9.00", account=HOME),
    use("allocate", 25, FUNDED + 99, "9.00", account=HOME),
]
"""Parts, too much, to whom it may not go, given up, undone and allocated anew, frozen."""


@given(STREAMS)
@example(ITEMS)
@example(RETURNS)
@example(RESERVES)
@example(CLOSINGS)
@example(TRADES)
@example(RATINGS)
@example(REVERSALS)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_the_model_and_the_ledger_agree(drawn: list[Any]) -> None:
    """Kind, reason, movements, dates, and what was routed, freed and settled."""
    agreed(drawn)


def test_the_examples_come_to_what_the_ledger_does_by_itself() -> None:
    """Or the model's word on that would never be asked for."""
    kinds = Counter(each.kind for each in agreed(CLOSINGS))
    assert (kinds["CreditSwept"], kinds["AccountClosed"]) == (1, 1)


def agreed(drawn: list[Any]) -> list[Decision]:
    """Let both decide, compare, and return what was decided."""
    ledger = a_ledger()
    ledger.chart.trade_policies[1] = [Dated("trade_date", date(2026, 1, 2), None)]
    funded = list(ledger.taken[SHARD])
    records = stream(drawn)
    for offset, each in enumerate(records, start=len(funded) + 1000):
        each.offset = offset
    half = len(records) // 2
    ledger.run(records[:half])
    ledger.foreign_stopped = {}
    ledger.send(transfer(FOREIGNER, HOME, "5.00", instruction_id=named_id("late")))
    ledger.foreign_stopped = None
    for part in (records[half:], []):
        ledger.tick(SHARD)
        ledger.run(part)
    ledger.tick(SHARD)
    decided = ledger.decisions[SHARD]
    told = [
        delivered(record, decision)
        for record, decision in zip(ledger.taken[SHARD], decided, strict=True)
        if record is not None
    ]
    said = replay(evidence_of(ledger, told, decided))
    assert not said.problems
    assert predicted(said, decided) == shown(ledger, decided)
    return decided


def test_the_model_knows_every_type() -> None:
    """A type that the reference ledger lacks would be judged by nobody but the ledger itself."""
    codes = {each.code for each in TRANSACTION_TYPES}
    assert set(EFFECTS) == codes
    assert set(SHAPES) == codes
    assert {each.code for each in TRANSACTION_TYPES if each.kind == "fact"} == FACTS
    assert {each.code for each in TRANSACTION_TYPES if each.broadcast} == BROADCAST
