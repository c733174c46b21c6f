"""What customers do about accounts: open, close, freeze and bound them."""

from typing import Final

from backoffice.simulator import people, population
from backoffice.simulator.population import ASSETS, ENTITY, Account
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money


def open_account(up: Upstream) -> SimulatedRecord:
    """Open a new customer's account, or now and then another account of one we have."""
    rng = up.rng
    if up.accounts and up.random() < 0.1:
        first = up.some_account()
        owner, number = first.owner, int(first.owner[-6:])
        asset = ASSETS[int(up.random() * len(ASSETS))]
        if not any(each.owner == owner for each in up.by_asset.get(asset, ())):
            account = population.open_account(up.seed, number, asset, up.partitions)
            up.pairs.append((first, account))
            return _opened(up, account, "")
    up.customers += 1
    asset = ASSETS[int(up.random() * len(ASSETS))]
    account = population.open_account(up.seed, up.customers, asset, up.partitions)
    listed = rng.choice(up.listed_names) if up.listed_names and up.customers % 150 == 75 else None
    return _opened(up, account, f',"party":{people.party_of(up, account, listed)}')


def _opened(up: Upstream, account: Account, party: str) -> SimulatedRecord:
    account.opened_at = up.recent_count
    up.accounts.append(account)
    up.by_asset.setdefault(account.asset, []).append(account)
    up.unfunded.append(account)
    return up.instruct(
        "open_account",
        "open_account",
        account.owner,
        f'"account":"{account.code}","entity":"{ENTITY}","asset":"{account.asset}","class":"cash",'
        f'"limit":"0"{party}',
    )


def freeze(up: Upstream) -> SimulatedRecord:
    """Freeze an account by a court's order, or lift the oldest freeze when several stand."""
    if len(up.frozen) > 4:
        return unfreeze(up)
    account = up.some_account()
    if account.frozen is not None:
        return unfreeze(up)
    up.freezes += 1
    account.frozen = f"FRZ-{up.freezes:05d}"
    up.frozen.append(account)
    direction = ("debit", "debit", "both")[int(up.random() * 3)]
    kept = ""
    if direction == "debit" and up.random() < 0.5:
        kept = f',"amount":"{money(10_000 * (1 + int(up.random() * 20)))}"'
    return up.instruct(
        "freeze_account",
        "freeze_account",
        account.owner,
        f'"account":"{account.code}","freeze_id":"{account.frozen}","authority":"District court, order '
        f'{up.freezes}","direction":"{direction}"{kept}',
    )


def unfreeze(up: Upstream) -> SimulatedRecord:
    """Lift the oldest freeze."""
    account = up.frozen.pop(0)
    freeze_id, account.frozen = account.frozen, None
    return up.instruct(
        "unfreeze_account",
        "unfreeze_account",
        account.owner,
        f'"account":"{account.code}","freeze_id":"{freeze_id}"',
    )


def change_limit(up: Upstream) -> SimulatedRecord:
    """Give an account an overdraft, or take it back; upstream does not count on it."""
    account = up.some_account()
    limit = ("0", "250.00", "1000.00")[int(up.random() * 3)]
    return up.instruct(
        "change_limit",
        "change_limit",
        account.owner,
        f'"account":"{account.code}","limit":"{limit}","valid_from":"{up.date_text}",'
        '"authority":"Credit office"',
    )


def short_lived(up: Upstream) -> SimulatedRecord:
    """Go one step on in the life of an account that is closed: opened, closed, paid to in vain, opened again.

    What is paid to it meanwhile is a fact, and goes to the return account.
    """
    step, account = up.short_lived.pop() if up.short_lived else (0, None)
    if account is None:
        first = up.some_account()
        up.closings += 1
        account = Account(f"{first.code}-{up.closings}", first.owner, first.key, first.partition, first.asset)
    if step + 1 < len(_LIFE) and (step < 2 or up.random() < 0.3):
        up.short_lived.append((step + 1, account))
    type_, fields = _LIFE[step]
    given = fields.replace("ASSET", account.asset)
    return up.instruct(type_, type_, account.owner, f'"account":"{account.code}",{given}')


_LIFE: Final = (
    ("open_account", f'"entity":"{ENTITY}","asset":"ASSET","class":"cash","limit":"0"'),
    ("close_account", '"authority":"The customer, by letter"'),
    ("deposit", '"amount":"12.00","asset":"ASSET","channel":{"channel":"online"}'),
    (
        "reopen_account",
        '"reason":"The customer has changed their mind","entered_by":"op:jane","approved_by":"op:ravi"',
    ),
)
"""Steps of an account that is not kept; most are not opened again."""
