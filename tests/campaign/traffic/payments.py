"""Payments of customers: in, out, to each other, in groups, in dollars, reserved, scheduled, undone."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.campaign.traffic.accounts import person
from tests.campaign.traffic.upstream import ENTITY, Account, Sending, Upstream


def deposit(up: Upstream) -> Iterator[Sending]:
    """Money in; some of it banknotes, some just under what must be reported."""
    account = up.some()
    cash = up.rng.random() < 0.3
    high = up.rng.random() < 0.15
    amount = up.rng.randint(8_000_00, 12_000_00) if high else up.rng.randint(1_00, 900_00)
    account.balance += amount
    channel: dict[str, Any] = {"channel": "branch" if cash else "online", "cash": cash}
    if cash and up.rng.random() < 0.3:
        channel["conductor"] = person(up)
    fields = {"account": account.code, "amount": up.spell(account, amount), "asset": account.asset}
    yield up.to(account, "deposit", **fields, channel=channel, occurred_at=up.moment())


def withdrawal(up: Upstream) -> Iterator[Sending]:
    """Money out: small ones at once, large ones after screening, a few to a listed name."""
    account = up.some()
    amount = up.rng.choice((up.rng.randint(1_00, 400_00), up.rng.randint(1_000_00, 3_000_00)))
    account.balance -= amount
    fields: dict[str, Any] = {
        "account": account.code,
        "amount": up.spell(account, amount),
        "asset": account.asset,
    }
    if up.rng.random() < 0.5:
        name = up.listed if up.rng.random() < 0.08 else "Bakery Morning Crumb"
        fields["payment"] = {
            "creditor": {"name": name, "country": "FR"},
            "remittance": "Zeile 1\nZeile 2",
        }
    if up.rng.random() < 0.3:
        fields["channel"] = {"channel": "atm", "cash": True}
    if up.rng.random() < 0.3:
        fields["value_date"] = (up.day + timedelta(days=up.rng.randint(-3, 3))).isoformat()
    yield up.to(account, "withdrawal", **fields, **_charges(up, account))


def passed_on(up: Upstream) -> Iterator[Sending]:
    """Money of a new customer that mostly goes again within two days, told of in any order.

    Nothing else moves there: what has no time of its own happens when it is recorded, long after all this.
    """
    rng = up.rng
    up.customers += 1
    owner = f"K{up.seed}-{up.customers:05d}"
    account = Account(f"{owner}-EUR", owner, "EUR", 2)
    parts = rng.randint(2, 5)
    since, *times = sorted(timedelta(minutes=rng.randrange(48 * 60)) for _ in range(parts + 1))
    rng.shuffle(times)

    def at(time: timedelta) -> str:
        return f"{datetime.combine(up.day, datetime.min.time()) + time:%Y-%m-%dT%H:%M:%SZ}"

    yield up.to(account, "open_account", account=account.code, entity=ENTITY, asset="EUR")
    fields: dict[str, Any] = {"account": account.code, "asset": "EUR"}
    yield up.to(account, "deposit", **fields, amount="9000.00", occurred_at=at(since))
    for number, time in enumerate(times):
        payment = {"creditor": {"name": f"Payee {number}", "account": f"X{number}", "country": "FR"}}
        amount = up.spell(account, 8_100_00 // parts)
        yield up.to(account, "withdrawal", **fields, amount=amount, payment=payment, occurred_at=at(time))


def transfer(up: Upstream) -> Iterator[Sending]:
    """Money to another customer, who mostly lives in another shard."""
    account, other = up.some(), up.some()
    if account is other or account.asset != other.asset:
        return
    amount = up.rng.randint(50, 800_00)
    account.balance -= amount
    other.balance += amount
    yield up.to(
        account,
        "transfer",
        debit_account=account.code,
        credit_account=other.code,
        amount=up.spell(account, amount),
        asset=account.asset,
        business_reference=f"ref {up.rng.randint(1, 99)} \u202eright to left\u200b",
        **_charges(up, account),
    )


def _charges(up: Upstream, account: Account) -> dict[str, Any]:
    """Mostly none; else a fee on top, or a fee and a tax that the payee bears."""
    if up.rng.random() < 0.8 or account.asset not in {"EUR", "USD"}:
        return {}
    fee, tax = ({"kind": kind, "amount": "1.05", "asset": account.asset} for kind in ("fee", "tax"))
    if up.rng.random() < 0.5:
        return {"charges": [fee]}
    return {"charges": [each | {"taken": "deducted"} for each in (fee, tax)]}


def group(up: Upstream) -> Iterator[Sending]:
    """A payment and its fee, all or nothing; now and then a member comes again, in a group or alone."""
    account, other = up.some(), up.some()
    if account is other or account.asset != other.asset:
        return
    amount = up.rng.choice((up.rng.randint(50, 800_00), up.rng.randint(1_000_00, 2_000_00)))
    account.balance -= amount
    given = {"amount": up.spell(account, amount), "asset": account.asset}
    charged = {"account": account.code, "amount": up.spell(account, 1_00), "asset": account.asset}
    paid: dict[str, Any] = {"type": "withdrawal", "account": account.code, **given}
    if up.rng.random() < 0.6:
        ends = {"debit_account": account.code, "credit_account": other.code}
        paid = {"type": "transfer", **ends, **given}
    members = [
        {**each, "instruction_id": str(up.new_id()), "owner": account.owner}
        for each in (paid, {"type": "fee", **charged})
    ]
    if up.rng.random() < 0.5:
        members.reverse()
    yield up.to(account, "group", members=members)
    if up.rng.random() < 0.1:
        yield up.to(account, "group", members=members[:1])
    if up.rng.random() < 0.1:
        yield Sending(account.owner.encode(), json.dumps(members[0]).encode(), str(members[0]["type"]))


def exchange(up: Upstream) -> Iterator[Sending]:
    """Some of it for dollars, in an account of the customer's that is opened with the first exchange."""
    account = up.some()
    if account.asset != "EUR":
        return
    code = f"{account.owner}-USD"
    if code not in up.dollars:
        up.dollars.add(code)
        yield up.to(account, "open_account", account=code, entity=ENTITY, asset="USD")
    amount = up.rng.randint(1_00, 1_500_00)
    account.balance -= amount
    cents = amount * 10852 // 10000 + up.rng.choice((0, 0, 0, 0, 1, 7))
    yield up.to(
        account,
        "exchange",
        debit_account=account.code,
        debit_amount=up.spell(account, amount),
        debit_asset=account.asset,
        credit_account=code,
        credit_amount=up.spell(account, cents),
        credit_asset="USD",
        rate="1.0852",
        **_booked_late(up),
    )


def _booked_late(up: Upstream) -> dict[str, str]:
    """Now and then a value date some days back, seldom further than an exchange may reach."""
    if up.rng.random() < 0.7:
        return {}
    return {"value_date": (up.day - timedelta(days=up.rng.randint(1, 5))).isoformat()}


def drain(up: Upstream) -> Iterator[Sending]:
    """All that upstream believes is there: it counts on credits of other shards that may come late."""
    account = up.some()
    if account.balance <= 0 or account.scale == 0:
        return
    amount, account.balance = min(account.balance, 900_00), account.balance - min(account.balance, 900_00)
    fields = {"account": account.code, "amount": up.spell(account, amount), "asset": account.asset}
    yield up.to(account, "withdrawal", **fields)


def reserve(up: Upstream) -> Iterator[Sending]:
    """Set something aside, mostly up to some day: one that is gone, today, or a later one."""
    account, rng = up.some(), up.rng
    fields = {"account": account.code, "amount": up.spell(account, 40_00), "asset": account.asset}
    if rng.random() < 0.8:
        fields["expires_on"] = (up.day + timedelta(days=rng.choice((-1, 0, 0, 0, 1, 2)))).isoformat()
    sending = up.to(account, "reserve", **fields)
    up.reserved.append((account, json.loads(sending.value or b"")["instruction_id"]))
    yield sending


def schedule(up: Upstream) -> Iterator[Sending]:
    """Something for a later day, or one that is gone, or much too late; some of it is given up before."""
    account, rng = up.some(), up.rng
    ahead = rng.choice((-1, 0, 1, 1, 1, 2, 2, 3, 2_000))
    day = {"execute_on": (up.day + timedelta(days=ahead)).isoformat()}
    if rng.random() < 0.2:
        ends = {"debit_account": f"{ENTITY}/nostro/EUR", "credit_account": f"{ENTITY}/suspense/EUR"}
        body = up.body("house_posting", "house", **ends, amount="2.00", asset="EUR", **day)
        yield Sending(b"house", body, "schedule")
        return
    amount = up.spell(account, rng.choice((30_00, 30_00, 2_000_00)))
    if rng.random() < 0.5:
        fields = {"account": account.code, "amount": amount, "asset": account.asset}
        sending = up.to(account, "withdrawal", **fields, **day)
    else:
        same = [each for each in up.accounts if each.asset == account.asset and each is not account]
        ends = {"debit_account": account.code, "credit_account": rng.choice(same or [account]).code}
        sending = up.to(account, "transfer", **ends, amount=amount, asset=account.asset, **day)
    up.reserved.append((account, json.loads(sending.value or b"")["instruction_id"]))
    yield sending


def settle(up: Upstream) -> Iterator[Sending]:
    """Post what was set aside, or a part, or give it back; it may have expired or been settled before."""
    if not up.reserved:
        return
    account, pending_id = up.rng.choice(up.reserved[-40:])
    if up.rng.random() < 0.3:
        yield up.to(account, "void_pending", pending_id=pending_id)
        return
    part: dict[str, Any] = up.rng.choice(
        ({}, {"amount": up.spell(account, 15_00)}, {"amount": "1", "final": False})
    )
    yield up.to(account, "post_pending", pending_id=pending_id, **part)


def reversal(up: Upstream) -> Iterator[Sending]:
    """Undo something sent a while ago, at its home or not, now and then by right; some a second time."""
    rng = up.rng
    wrong = _read(rng.choice(up.recent).value)
    if wrong is None:
        return
    homes = (wrong.get("credit_account"), wrong.get("account"))
    account = next((each for each in up.accounts if each.code in homes), up.some())
    fields: dict[str, Any] = {}
    if rng.random() < 0.3:
        fields = {"forced": True, "reason": "sent twice", "entered_by": "op:jane"}
        fields["approved_by"] = rng.choice(("op:joe", "op:joe", "op:jane"))
    if rng.random() < 0.9:
        fields["original_owner"] = wrong["owner"]
    yield up.to(account, "reversal", original_id=wrong["instruction_id"], **fields)


def come_back(up: Upstream) -> Iterator[Sending]:
    """Some or all of something sent a while ago comes back, whether it went out or not; more, too."""
    sent = _read(up.rng.choice(up.recent).value)
    account = next((each for each in up.accounts if sent and each.code == sent.get("account")), None)
    if sent is None or account is None:
        return
    amount = up.rng.choice((str(sent.get("amount")), "1", up.spell(account, 20_00)))
    yield up.to(account, "return", original_id=sent["instruction_id"], amount=amount, asset=account.asset)


def _read(value: bytes | None) -> dict[str, Any] | None:
    """What was asked for in a record that is worth naming in another."""
    try:
        found = json.loads(value or b"")
    except ValueError:
        return None
    named = isinstance(found, dict) and all(
        isinstance(found.get(name), str) for name in ("instruction_id", "owner")
    )
    return found if named else None
