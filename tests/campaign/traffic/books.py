"""The firm's own books, and what it charges: days, periods, fees, interest, opening balances, items."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from audit.places import partition_of
from tests.campaign.traffic.upstream import ENTITY, Sending, Upstream


def open_business_day(up: Upstream) -> Iterator[Sending]:
    """The same record to every partition."""
    up.day += timedelta(days=1)
    body = up.body("open_business_day", "house", entity=ENTITY, booking_date=up.day.isoformat())
    for partition in range(up.partitions):
        yield Sending(b"house", body, "open_business_day", partition)


def close_period(up: Upstream) -> Iterator[Sending]:
    """What is soft-closed for good, else the days behind the last period, softly or at once."""
    first, last = up.soft_closed or (
        up.closed_until + timedelta(days=1),
        up.day - timedelta(days=1),
    )
    if last < first:
        return
    state = "closed" if up.soft_closed else up.rng.choice(("soft_closed", "closed"))
    period = {"entity": ENTITY, "first_day": first.isoformat(), "last_day": last.isoformat()}
    body = up.body("close_period", "house", **period, state=state)
    for partition in range(up.partitions):
        yield Sending(b"house", body, "close_period", partition)
    up.soft_closed = None if state == "closed" else (first, last)
    up.closed_until = last


def fee(up: Upstream) -> Iterator[Sending]:
    """A fact, whatever is on the account."""
    account = up.some()
    fields = {"account": account.code, "amount": up.spell(account, 2_50), "asset": account.asset}
    yield up.to(account, "fee", **fields)


def interest(up: Upstream) -> Iterator[Sending]:
    """Paid or charged."""
    account = up.some()
    fields = {"account": account.code, "amount": up.spell(account, 33_00), "asset": account.asset}
    direction = up.rng.choice(("credit", "debit", None))
    yield up.to(account, "interest", **fields, **({"direction": direction} if direction else {}))


def accrual(up: Upstream) -> Iterator[Sending]:
    """Interest of a month so far, finer than cents; now and then less than before."""
    account = up.some()
    cumulative = f"{up.rng.randint(0, 99)}.{up.rng.randint(0, 999_999):06}"
    given = {"account": account.code, "series": f"{up.day:%Y-%m}", "asset": account.asset}
    yield up.to(account, "accrual", **given, cumulative=cumulative)


def opening_balance(up: Upstream) -> Iterator[Sending]:
    """A balance from other books, of an earlier day or of today."""
    account = up.some()
    back = up.day - timedelta(days=up.rng.choice((0, 0, 1, 3, 400)))
    yield up.to(
        account,
        "opening_balance",
        account=account.code,
        amount=up.spell(account, 12_34),
        asset=account.asset,
        direction=up.rng.choice(("credit", "credit", "debit")),
        booking_date=back.isoformat(),
    )


def house_posting(up: Upstream) -> Iterator[Sending]:
    """Between two of the firm's own accounts, whichever the chart has."""
    body = up.body(
        "house_posting",
        "house",
        debit_account=up.house_account("nostro"),
        credit_account=up.house_account("clearing"),
        amount="12.34",
        asset="EUR",
    )
    yield Sending(b"house", body, "house_posting")


def adjustment(up: Upstream) -> Iterator[Sending]:
    """The books put right by two people, now and then by one alone."""
    body = up.body(
        "adjustment",
        "house",
        debit_account=up.house_account("clearing"),
        credit_account=up.house_account("nostro"),
        amount="1.23",
        asset="EUR",
        reason="reconciled",
        entered_by="op:jane",
        approved_by=up.rng.choice(("op:joe", "op:joe", "op:jane")),
        **({} if up.soft_closed is None else {"booking_date": up.soft_closed[1].isoformat()}),
    )
    yield Sending(b"house", body, "adjustment")


def allocate(up: Upstream) -> Iterator[Sending]:
    """Use up what may be an item: some number of the owner's shard, now and then of another."""
    account, rng = up.some(), up.rng
    shard = partition_of(account.owner.encode(), up.partitions) if rng.random() < 0.95 else 0
    fields: dict[str, Any] = {
        "item": f"{shard}-{rng.randint(1, 1500)}-0",
        "amount": up.spell(account, 5_00),
        "asset": account.asset,
    }
    if rng.random() < 0.8:
        yield up.to(account, "allocate", account=up.some().code, **fields)
        return
    fields |= {
        "reason": "small",
        "entered_by": "op:jane",
        "approved_by": rng.choice(("op:joe", "op:jane")),
    }
    yield up.to(account, "write_off", **fields)
