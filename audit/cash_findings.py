"""Cash against the rules about it: much of it in a day (CTR-1), and less of it than one has (STR-1)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from audit.amounts import read_amount
from audit.evidence import ScreeningData
from audit.findings import Found, found_of_cash, minor_of
from audit.movements import event_time
from audit.parameters import parameter_of
from audit.persons import Cash
from audit.screening_rows import RuleParameter
from audit.wire import HOUSE

Event = Mapping[str, Any]


def cash_of(event: Event) -> list[Cash]:
    """Principal only; one handing over per owner, asset and direction."""
    if event["type"] == "TransactionPending":
        phase = "pending"
    else:
        phase = "posted" if event.get("first") is None and event.get("resolves") is None else "settled"
    at = event_time(event)
    found: dict[tuple[str, str, str], Cash] = {}
    for movement in event["movements"]:
        owners = (movement["debit"]["owner"], movement["credit"]["owner"])
        if movement["kind"] != "principal" or owners[0] == owners[1]:
            continue
        amount = read_amount(movement["amount"], movement["scale"])
        assert isinstance(amount, int)
        for owner, direction in zip(owners, ("out", "in"), strict=True):
            if owner == HOUSE:
                continue
            key = (owner, movement["asset"], direction)
            earlier = found.get(key)
            found[key] = Cash(
                owner=owner,
                asset=movement["asset"],
                scale=movement["scale"],
                direction=direction,
                phase=phase,
                amount=amount + (earlier.amount if earlier else 0),
                at=at,
                day=date.fromisoformat(event["booking_date"]),
                shard=event["shard"],
                seq=event["seq"],
                leg=earlier.leg if earlier else movement["leg"],
                conductor=((event.get("instruction") or {}).get("channel") or {}).get("conductor"),
            )
    return list(found.values())


def cash_findings(data: ScreeningData, before: Sequence[Cash], cash: Cash) -> Iterable[tuple[str, Found]]:
    """What CTR-1 and STR-1 find in some cash, after so much of its owner's before."""
    ctr, structuring = (parameter_of(data, rule, cash.asset, cash.day) for rule in ("CTR-1", "STR-1"))
    if ctr is not None and cash.phase != "pending":
        finding = _reportable(ctr, [each for each in before if each.phase != "pending"], cash)
        if finding is not None:
            yield "CTR-1", finding
    if structuring is not None and cash.phase != "settled":
        finding = _structuring(structuring, [each for each in before if each.phase != "settled"], cash)
        if finding is not None:
            yield "STR-1", finding


def _reportable(row: RuleParameter, before: Sequence[Cash], cash: Cash) -> Found | None:
    """CTR-1: the business day's cash in one asset and direction, this one among it, is over the threshold."""
    same = [
        each
        for each in before
        if (each.asset, each.direction, each.day) == (cash.asset, cash.direction, cash.day)
    ]
    total = sum(each.amount for each in same) + cash.amount
    if total <= minor_of(row.values["over"], cash.scale):
        return None
    return found_of_cash("CTR-1", [*same, cash])


def _structuring(row: RuleParameter, before: Sequence[Cash], cash: Cash) -> Found | None:
    """STR-1: the first pattern that this event completes or prolongs."""
    values, scale = row.values, cash.scale
    low, high, over = (minor_of(values[name], scale) for name in ("band_from", "band_below", "over"))
    before = [each for each in before if each.asset == cash.asset]
    if cash.amount > over:
        return None
    in_band = low <= cash.amount < high
    banded = [each for each in before if low <= each.amount < high]
    if in_band:
        best = _densest(banded, cash, timedelta(hours=int(values["hours"])))
        if len(best) >= int(values["count"]):
            return found_of_cash("STR-1", best, pattern="many_in_band")
    parts = [
        each
        for each in before
        if (each.day, each.direction) == (cash.day, cash.direction) and each.amount <= over
    ]
    if sum(each.amount for each in parts) + cash.amount > over:
        return found_of_cash("STR-1", [*parts, cash], pattern="day_in_parts")
    if in_band:
        weeks = _weeks_running(banded, cash, int(values["weeks"]))
        if len(weeks) >= int(values["weeks"]):
            return found_of_cash("STR-1", weeks, pattern="weekly")
    return None


def _densest(banded: Sequence[Cash], cash: Cash, span: timedelta) -> list[Cash]:
    """The largest set, this one in it, whose members lie less than the span apart; the earliest of equals."""
    members = sorted([*banded, cash], key=lambda each: (each.at, each.shard, each.seq, each.leg))
    best: list[Cash] = []
    for start in members:
        inside = [each for each in members[members.index(start) :] if each.at - start.at < span]
        if cash in inside and len(inside) > len(best):
            best = inside
    return best


def _weeks_running(banded: Sequence[Cash], cash: Cash, weeks: int) -> list[Cash]:
    """The earliest in the band of each week before and after, until a week has none."""
    own = cash.day - timedelta(days=cash.day.weekday())
    found = [cash]
    for step in (-1, 1):
        for distance in range(1, weeks):
            monday = own + timedelta(weeks=step * distance)
            inside = [each for each in banded if timedelta() <= each.day - monday < timedelta(days=7)]
            if not inside:
                break
            first_day = min(each.day for each in inside)
            on_day = [each for each in inside if each.day == first_day]
            found.append(min(on_day, key=lambda each: (each.at, each.shard, each.seq, each.leg)))
    return found
