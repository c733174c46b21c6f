"""Accounts of customers: opened, closed while others pay to them, frozen, limited."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from tests.campaign.traffic.upstream import ENTITY, Account, Sending, Upstream

TWO_DECIMALS: Final = ("EUR", "EUR", "EUR", "USD", "GBP")


def open_account(up: Upstream) -> Iterator[Sending]:
    """A customer's account with its first money; some unlimited, some with an overdraft, some loans."""
    rng = up.rng
    up.customers += 1
    owner = f"K{up.seed}-{up.customers:05d}"
    asset, scale = rng.choice(TWO_DECIMALS), 2
    if rng.random() < 0.05:
        asset, scale = "JPY", 0
    account = Account(f"{owner}-{asset}", owner, asset, scale)
    limit: str | None = rng.choice(("0", "0", "0", "500.00" if scale else "500", None))
    kind = rng.choice(("person", "person", "organisation"))
    name = up.listed if rng.random() < 0.02 else f"Somebody {up.customers}"
    party: dict[str, Any] = {"kind": kind, "name": name, "country": "DE", "kyc_status": "verified"}
    party |= {"person": person(up)} if kind == "person" else {"holders": [_holder(up)]}
    yield up.to(
        account,
        "open_account",
        account=account.code,
        entity=ENTITY,
        asset=asset,
        limit=limit,
        party=party,
        **{"class": rng.choice(("cash", "cash", "cash", "loan"))},
    )
    up.accounts.append(account)
    account.balance += 5_000_00
    yield up.to(account, "deposit", account=account.code, amount=up.spell(account, 5_000_00), asset=asset)


def _holder(up: Upstream) -> dict[str, Any]:
    """Somebody with a role, some of them only from some day on or until another."""
    rng = up.rng
    since, until = (rng.choice((None, None, up.day + timedelta(days=rng.randint(0, 4)))) for _ in "ab")
    days = {name: day.isoformat() for name, day in (("since", since), ("until", until)) if day}
    role = rng.choice(("beneficial_owner", "signatory", "representative"))
    return {"name": "Somebody else", "role": role, "person": person(up), **days}


def person(up: Upstream) -> str:
    """One of a few, so that some bring and own the cash of several customers."""
    return f"P{up.rng.randint(1, 12)}"


def short_lived(up: Upstream) -> Iterator[Sending]:
    """An account that others pay to while it is closed; some are emptied first, some opened again."""
    rng = up.rng
    payer = up.some()
    if payer.asset != "EUR":
        return
    up.customers += 1
    owner = f"K{up.seed}-{up.customers:05d}"
    account = Account(f"{owner}-EUR", owner, "EUR", 2)

    def pay() -> Sending:
        ends = {"debit_account": payer.code, "credit_account": account.code}
        return up.to(payer, "transfer", **ends, amount="1.00", asset="EUR")

    yield up.to(account, "open_account", account=account.code, entity=ENTITY, asset="EUR")
    yield pay()
    if rng.random() < 0.5:
        fields = {"account": account.code, "amount": "1.00", "asset": "EUR"}
        yield up.to(account, rng.choice(("withdrawal", "fee")), **fields)
    yield up.to(account, "close_account", account=account.code, authority="the customer")
    yield from (pay() for _ in range(rng.randint(0, 4)))
    yield up.to(account, "deposit", account=account.code, amount="3.00", asset="EUR")
    if rng.random() < 0.3:
        by = {"entered_by": "op:ann", "approved_by": rng.choice(("op:ben", "op:ben", "op:ann"))}
        yield up.to(account, "reopen_account", account=account.code, reason="a mistake", **by)
        yield pay()


def freeze(up: Upstream) -> Iterator[Sending]:
    """Freeze, or lift the oldest freeze."""
    account = up.some()
    if account.frozen or sum(len(each.frozen) for each in up.accounts) > 6:
        account = next((each for each in up.accounts if each.frozen), account)
        freeze_id = account.frozen.pop(0) if account.frozen else "NEVER-PLACED"
        yield up.to(account, "unfreeze_account", account=account.code, freeze_id=freeze_id)
        return
    up.freezes += 1
    freeze_id = f"F{up.freezes}"
    account.frozen.append(freeze_id)
    fields = {"direction": up.rng.choice(("debit", "credit", "both"))}
    if up.rng.random() < 0.4:
        fields = {"direction": "debit", "amount": up.spell(account, 200_00)}
    yield up.to(
        account,
        "freeze_account",
        account=account.code,
        freeze_id=freeze_id,
        authority="District court",
        **fields,
    )


def change_limit(up: Upstream) -> Iterator[Sending]:
    """Another limit, from today, from some day on, for some days, or for days that are gone."""
    account, rng = up.some(), up.rng
    limit = rng.choice(("0", "100", "2500", None))
    since = rng.choice((None, up.day, up.day + timedelta(days=rng.randint(-1, 3))))
    until = rng.choice((None, None, up.day + timedelta(days=rng.randint(0, 5))))
    cap = {"cap": rng.choice(("500", "1000"))} if rng.random() < 0.2 else {}
    days = {
        name: day.isoformat()
        for name, day in (("valid_from", since), ("valid_until", until))
        if day is not None
    }
    yield up.to(
        account,
        "change_limit",
        account=account.code,
        limit=limit,
        authority="Credit office",
        **days,
        **cap,
    )


def change_holder(up: Upstream) -> Iterator[Sending]:
    """Somebody gets a role with a customer, or loses it; some of nobody or of no day."""
    account, rng = up.some(), up.rng
    holder = _holder(up)
    if rng.random() < 0.1:
        del holder["person"]
    yield up.to(account, "change_holder", account=account.code, holder=holder, authority="The register")
