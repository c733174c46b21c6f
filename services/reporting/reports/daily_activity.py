"""Daily activity: counts and values by type, asset, channel, outcome and reason; the straight-through rate.

Every event that gives a record its fate is counted once, in one line; `later` marks those that follow up an
earlier outcome of the same record, and what the ledger does by itself: a credit `swept` off a closed account,
an account `closed`, what is owed for a trade `booked`. So counts add up to the events taken. The
straight-through rate is the instructions whose *first* outcome was `posted` or `applied` (nothing waited for
a decision), over all readable ones: first outcomes posted, applied, pending and rejected, and parked ones
that were discarded.
Duplicates repeat an instruction already counted; a parked one counts when it gets its outcome, a
scheduled one on its day, by what comes of it then. Dry runs are no activity.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from services.reporting.domain.events import ASIDE
from services.reporting.domain.report import (
    Answer,
    Column,
    Made,
    Parameter,
    Problem,
    Question,
    Report,
    Row,
    agree,
)
from shared.messages.journal import OUTCOMES
from shared.messages.kinds import MOVED
from shared.messages.reporting import Reconciliation
from shared.money import format_amount

STRAIGHT: Final = frozenset({"posted", "applied"})
MOVED_OUTCOMES: Final = frozenset(OUTCOMES[kind] for kind in MOVED)
FIRST: Final = STRAIGHT | {"pending", "rejected"}
RATE_PLACES: Final = Decimal("0.0001")


def _arguments(question: Question) -> tuple[Any, ...]:
    return (question.booking_date,)


def _make(question: Question, answers: Mapping[str, Answer]) -> Made | Problem:
    entity = question.parameters.get("entity")
    shown = [each for each in answers["activity"] if entity is None or each["entity"] == entity]
    rows: list[Row] = [
        (
            each["entity"],
            each["instruction_type"],
            each["asset"],
            each["channel"],
            each["outcome"],
            each["reason"],
            "yes" if each["later"] else "no",
            str(each["count"]),
            format_amount(int(each["amount"]), each["scale"]) if each["asset"] else "",
        )
        for each in shown
    ]
    return Made(rows, _totals(shown), _compare(answers))


def straight_through_rate(activity: Answer) -> str | None:
    """The share of readable instructions that nothing stopped, to four decimals; None if there were none."""
    straight = readable = 0
    for each in activity:
        first = not each["later"] and each["outcome"] in FIRST
        if first or each["outcome"] == "discarded":
            readable += int(each["count"])
        if first and each["outcome"] in STRAIGHT:
            straight += int(each["count"])
    if readable == 0:
        return None
    return str((Decimal(straight) / Decimal(readable)).quantize(RATE_PLACES))


def _totals(activity: Answer) -> dict[str, Any]:
    amounts: dict[str, Counter[str]] = {}
    scales: dict[str, int] = {}
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for each in activity:
        name = each["outcome"]
        if each["later"] and name == "posted":
            name = "posted_later"
        outcomes[name] += int(each["count"])
        if each["outcome"] == "rejected":
            reasons[each["reason"]] += int(each["count"])
        if each["asset"] and each["amount"]:
            scales[each["asset"]] = each["scale"]
            amounts.setdefault(each["asset"], Counter())[name] += int(each["amount"])
    values: dict[str, Any] = {
        asset: {name: format_amount(minor, scales[asset]) for name, minor in sorted(by_outcome.items())}
        for asset, by_outcome in sorted(amounts.items())
    }
    return values | {
        "events": dict(sorted(outcomes.items())),
        "rejections": dict(sorted(reasons.items())),
        "straight_through_rate": straight_through_rate(activity),
    }


def _compare(answers: Mapping[str, Answer]) -> list[Reconciliation]:
    """Hold all entities together against the events taken and the accounts' days."""
    counted: Counter[str] = Counter()
    posted: Counter[str] = Counter()
    scales: dict[str, int] = {}
    for each in answers["activity"]:
        counted[each["outcome"]] += int(each["count"])
        if each["outcome"] in MOVED_OUTCOMES:
            posted[each["asset"]] += int(each["amount"])
            scales[each["asset"]] = each["scale"]
    taken: Counter[str] = Counter()
    for each in answers["taken"]:
        if each["kind"] in OUTCOMES and each["kind"] not in ASIDE:
            taken[OUTCOMES[each["kind"]]] += int(each["count"])
    compared = [
        agree(f"{outcome} = events taken", taken[outcome], counted[outcome])
        for outcome in sorted(taken.keys() | counted.keys())
    ]
    moved = {each["asset"]: (int(each["debits"]), int(each["credits"])) for each in answers["account_days"]}
    for asset in sorted(moved.keys() | posted.keys()):
        debits, credits_ = moved.get(asset, (0, 0))
        if (debits, credits_, posted[asset]) == (0, 0, 0):
            continue
        scale = scales.get(asset, 0)
        found = format_amount(posted[asset], scale)
        compared += [
            agree(f"moved = accounts' debits, {asset}", format_amount(debits, scale), found),
            agree(f"moved = accounts' credits, {asset}", format_amount(credits_, scale), found),
        ]
    return compared


DAILY_ACTIVITY: Final = Report(
    code="daily_activity",
    title="Daily activity",
    period="the booking date; what books nothing counts on the business day its shard stood at",
    parameters=(Parameter("entity", "show only this legal entity; rejections have none"),),
    columns=(
        Column("entity", "text", "legal entity; empty where the event names none"),
        Column("type", "text", "instruction type; empty for an unreadable record"),
        Column("asset", "text", "currency or security; empty where no account is touched"),
        Column("channel", "text", "how the customer reached the firm; empty where not said"),
        Column("outcome", "text", "the fate the event gives its record"),
        Column("reason", "text", "why it was rejected, voided, parked or not read"),
        Column("later", "text", "`yes` where it follows up an earlier outcome of the same record"),
        Column("count", "integer", "events; a transaction once, at its first movement's asset"),
        Column("amount", "amount", "sum of the movements"),
    ),
    totals=(
        "by asset, amounts by outcome; `events` by outcome; `rejections` by reason; `straight_through_rate`"
    ),
    reconciles_with=(
        "counts by outcome = the events of the ledger taken, by kind",
        "amounts moved = debits and credits of the accounts' days, by asset, counted apart",
        "events taken = the ledger's numbers, by shard",
    ),
    arguments=_arguments,
    make=_make,
)
