"""What customers set aside or order for later."""

from datetime import date, timedelta
from typing import Final

from backoffice.simulator.traffic.payments import salary
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money

AUTHORISED_MAX: Final = 200
"""So many authorisations upstream keeps in mind; older ones are left to expire."""
ORDERED_MAX: Final = 200
"""So many payments are on order at one time, as far as upstream keeps them in mind."""
_ID_FROM: Final = len('{"type":"reserve","instruction_id":"')


def authorisation(up: Upstream) -> SimulatedRecord:
    """Set aside what a card terminal asks for, for some days; not every merchant comes back to it."""
    account = up.spending_account(20_000)
    if account is None:
        return salary(up)
    amount = 500 + int(up.random() * 15_000)
    account.balance -= amount
    last_day = date.fromisoformat(up.date_text) + timedelta(days=1 + int(up.random() * 4))
    record = up.instruct(
        "authorisation",
        "reserve",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        f'"expires_on":"{last_day.isoformat()}","channel":{{"channel":"card"}}',
    )
    up.authorised.append((account, record.value[_ID_FROM : _ID_FROM + 36].decode(), amount))
    del up.authorised[:-AUTHORISED_MAX]
    return record


def capture(up: Upstream) -> SimulatedRecord:
    """Post what a card terminal had set aside, or a part of it, or give it back; now and then too late."""
    if not up.authorised:
        return authorisation(up)
    account, pending_id, amount = up.authorised.pop(int(up.random() * len(up.authorised)))
    chance = up.random()
    if chance < 0.2:
        account.balance += amount
        return up.instruct("release", "void_pending", account.owner, f'"pending_id":"{pending_id}"')
    part = f',"amount":"{money(amount - amount // 10)}"' if chance < 0.5 else ""
    return up.instruct("capture", "post_pending", account.owner, f'"pending_id":"{pending_id}"{part}')


def order_ahead(up: Upstream) -> SimulatedRecord:
    """Order a payment to another customer for one of the next days, or give the oldest such order up."""
    if len(up.ordered) > ORDERED_MAX or (up.ordered and up.random() < 0.2):
        account, pending_id, amount = up.ordered.pop(0)
        account.balance += amount
        return up.instruct("cancel_order", "void_pending", account.owner, f'"pending_id":"{pending_id}"')
    account = up.spending_account(20_000)
    peer = None if account is None else up.payee_for(account)
    if account is None or peer is None:
        return salary(up)
    amount = 1_000 + int(up.random() * 10_000)
    account.balance -= amount
    execute_on = date.fromisoformat(up.date_text) + timedelta(days=1 + int(up.random() * 6))
    record = up.instruct(
        "order_ahead",
        "transfer",
        account.owner,
        f'"debit_account":"{account.code}","credit_account":"{peer.code}","amount":"{money(amount)}",'
        f'"asset":"{account.asset}","execute_on":"{execute_on.isoformat()}",'
        '"channel":{"channel":"online"}',
    )
    start = record.value.index(b'"instruction_id":"') + 18
    up.ordered.append((account, record.value[start : start + 36].decode(), amount))
    return record
