"""What the simulated customers do all day: one function per kind of traffic, each making one record."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from backoffice.simulator import people, population
from backoffice.simulator.population import ASSETS, ENTITY, Account
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money
from shared.messages.envelope import HOUSE

Maker = Callable[[Upstream], SimulatedRecord]
AUTHORISED_MAX: Final = 200
"""So many authorisations upstream keeps in mind; older ones are left to expire."""
ORDERED_MAX: Final = 200
"""So many payments are on order at one time, as far as upstream keeps them in mind."""
_MICROS_A_DAY: Final = 1
"""Of a cent's worth of balance, what accrues in a day, in millionths of the asset: about 3.65 % a year."""
_ID_FROM: Final = len('{"type":"reserve","instruction_id":"')


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


def salary(up: Upstream) -> SimulatedRecord:
    """Pay a salary in; a new account gets its first money this way."""
    account = up.unfunded.pop() if up.unfunded else up.some_account()
    return _deposit(up, "salary", account, 150_000 + int(up.random() * 350_000), '"channel":"file"')


def cash_deposit(up: Upstream) -> SimulatedRecord:
    """Pay banknotes in at a branch."""
    amount = 2_000 + int(up.random() * 60_000)
    return _deposit(up, "cash_deposit", up.some_account(), amount, _BRANCH_CASH)


def large_cash_deposit(up: Upstream) -> SimulatedRecord:
    """Pay in more banknotes than may pass without a report."""
    amount = 1_050_000 + int(up.random() * 1_500_000)
    return _deposit(up, "large_cash_deposit", up.some_account(), amount, _BRANCH_CASH)


def structuring_deposit(up: Upstream, account: Account) -> SimulatedRecord:
    """Pay in banknotes just under the threshold; the plan does it three times or more in a day."""
    amount = 800_000 + int(up.random() * 199_900)
    return _deposit(up, "structuring_deposit", account, amount, _BRANCH_CASH)


_BRANCH_CASH: Final = '"channel":"branch","cash":true'


def _deposit(up: Upstream, kind: str, account: Account, amount: int, channel: str) -> SimulatedRecord:
    account.balance += amount if account.frozen is None else 0
    return up.instruct(
        kind,
        "deposit",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        f'"channel":{{{channel}}}',
    )


def card(up: Upstream) -> SimulatedRecord:
    """Pay a merchant by card."""
    account = up.spending_account(20_000)
    if account is None:
        return salary(up)
    amount = 150 + int(up.random() ** 3 * 18_000)
    merchant = population.MERCHANTS[int(up.random() * len(population.MERCHANTS))]
    return _withdrawal(
        up, "card", account, amount,
        f'"channel":{{"channel":"card"}},"payment":{{"creditor":{{"name":"{merchant}","country":"DE"}}}}',
    )  # fmt: skip


def cash_withdrawal(up: Upstream) -> SimulatedRecord:
    """Draw banknotes at a machine."""
    account = up.spending_account(50_000)
    if account is None:
        return cash_deposit(up)
    amount = 1_000 * (1 + int(up.random() * 40))
    return _withdrawal(up, "cash_withdrawal", account, amount, '"channel":{"channel":"atm","cash":true}')


def payment(up: Upstream) -> SimulatedRecord:
    """Pay a counterparty outside, enough to be screened before it is posted; a few are on a watch list."""
    account = up.spending_account(150_000)
    if account is None:
        return salary(up)
    amount = 100_000 + int(up.random() * min(account.balance - 100_000, 900_000))
    kind, names = "payment", population.BENEFICIARIES
    if up.listed_names and up.random() < 0.015:
        kind, names = "payment_to_listed_name", up.listed_names
    block = population.creditor_json(up.rng, names[int(up.random() * len(names))])
    return _withdrawal(up, kind, account, amount, f'"channel":{{"channel":"online"}},"payment":{block}')


def _withdrawal(up: Upstream, kind: str, account: Account, amount: int, blocks: str) -> SimulatedRecord:
    account.balance -= amount
    return up.instruct(
        kind,
        "withdrawal",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",{blocks}',
    )


def transfer(up: Upstream) -> SimulatedRecord:
    """Send money to another customer; upstream does not count on what it is sent, which may come late."""
    account = up.spending_account(30_000)
    if account is None:
        return cash_deposit(up)
    peer = up.payee_for(account)
    if peer is None:
        return cash_deposit(up)
    amount = 500 + int(up.random() * 25_000)
    account.balance -= amount
    return up.instruct(
        "transfer",
        "transfer",
        account.owner,
        f'"debit_account":"{account.code}","credit_account":"{peer.code}","amount":"{money(amount)}",'
        f'"asset":"{account.asset}","value_date":"{up.date_text}","channel":{{"channel":"mobile"}}',
    )


def instant_transfer(up: Upstream) -> SimulatedRecord:
    """Send money at once, for a fee on top, or have the payee bear it."""
    account = up.spending_account(30_000)
    peer = None if account is None else up.payee_for(account)
    if account is None or peer is None:
        return cash_deposit(up)
    amount, fee, taken = 500 + int(up.random() * 25_000), 150, "on_top"
    if up.random() < 0.3:
        taken = "deducted"
    account.balance -= amount + (fee if taken == "on_top" else 0)
    return up.instruct(
        "instant_transfer",
        "transfer",
        account.owner,
        f'"debit_account":"{account.code}","credit_account":"{peer.code}","amount":"{money(amount)}",'
        f'"asset":"{account.asset}","charges":[{{"kind":"fee","amount":"{money(fee)}",'
        f'"asset":"{account.asset}","taken":"{taken}"}}],"channel":{{"channel":"mobile"}}',
    )


def payment_order(up: Upstream) -> SimulatedRecord:
    """Send money together with the fee for it, and seldom more than there is: then neither is booked."""
    account = up.spending_account(30_000)
    peer = None if account is None else up.payee_for(account)
    if account is None or peer is None:
        return cash_deposit(up)
    amount, fee = 500 + int(up.random() * 25_000), 35
    if up.random() < 0.05:
        amount += account.balance
    else:
        account.balance -= amount + fee
    shared = f'"owner":"{account.owner}"'
    return up.instruct(
        "payment_order",
        "group",
        account.owner,
        f'"members":[{{"type":"transfer","instruction_id":"{up.new_id()}",{shared},'
        f'"debit_account":"{account.code}","credit_account":"{peer.code}","amount":"{money(amount)}",'
        f'"asset":"{account.asset}"}},{{"type":"fee","instruction_id":"{up.new_id()}",{shared},'
        f'"account":"{account.code}","amount":"{money(fee)}","asset":"{account.asset}"}}],'
        f'"value_date":"{up.date_text}","channel":{{"channel":"online"}}',
    )


def exchange(up: Upstream) -> SimulatedRecord:
    """Exchange money of a customer who has accounts in two currencies; upstream does not count on it.

    Now and then it is booked a day or two late, with its value when it was agreed.
    """
    pair = up.exchanging_pair(20_000)
    if pair is None:
        return card(up)
    gives, takes = pair
    rate = population.IN_EURO[gives.asset] * 10_000 // population.IN_EURO[takes.asset]
    rate += int(rate * (up.random() - 0.5)) // 100
    amount = 5_000 + int(up.random() * 15_000)
    gives.balance -= amount
    late = ""
    if up.random() < 0.1:
        agreed = date.fromisoformat(up.date_text) - timedelta(days=1 + int(up.random() * 2))
        late = f'"value_date":"{agreed.isoformat()}",'
    return up.instruct(
        "exchange",
        "exchange",
        gives.owner,
        f'"debit_account":"{gives.code}","debit_amount":"{money(amount)}","debit_asset":"{gives.asset}",'
        f'"credit_account":"{takes.code}","credit_amount":"{money(amount * rate // 10_000)}",'
        f'"credit_asset":"{takes.asset}","rate":"{rate // 10_000}.{rate % 10_000:04d}",{late}'
        '"channel":{"channel":"online"}',
    )


def custody_transfer(up: Upstream) -> SimulatedRecord:
    """Bring securities into safekeeping, or take some out that came in before; the first time an account."""
    owner = up.some_account().owner
    account, held = f"{owner}-CUSTODY", up.custody.get(owner)
    if held is None:
        up.custody[owner] = {}
        return up.instruct(
            "open_custody",
            "open_account",
            owner,
            f'"account":"{account}","entity":"{ENTITY}","class":"custody"',
        )
    security = population.SECURITIES[int(up.random() * len(population.SECURITIES))]
    direction, quantity = "receive", 1 + int(up.random() * 50)
    if held.get(security, 0) > 1 and up.random() < 0.4:
        direction, quantity = "deliver", held[security] // 2
    held[security] = held.get(security, 0) + (quantity if direction == "receive" else -quantity)
    location = "custodian" if security == "US0378331005" else "depository"
    return up.instruct(
        "custody_transfer",
        "custody_transfer",
        owner,
        f'"account":"{account}","direction":"{direction}","quantity":"{quantity}","asset":"{security}",'
        f'"location":"{location}"',
    )


def trade(up: Upstream) -> SimulatedRecord:
    """Buy securities for a customer, or settle the oldest trades when several wait."""
    if len(up.unsettled) > 20:
        return settlement(up)
    account = up.spending_account(60_000)
    if account is None or account.owner not in up.custody:
        return custody_transfer(up)
    security = population.SECURITIES[int(up.random() * len(population.SECURITIES))]
    quantity, price = 1 + int(up.random() * 5), 2_000 + int(up.random() * 8_000)
    account.balance -= quantity * price + 490
    settles_on = date.fromisoformat(up.date_text) + timedelta(days=2)
    record = up.instruct(
        "trade",
        "trade",
        account.owner,
        f'"side":"buy","custody_account":"{account.owner}-CUSTODY","cash_account":"{account.code}",'
        f'"quantity":"{quantity}","asset":"{security}","settlement_amount":"{money(quantity * price + 490)}",'
        f'"settlement_asset":"{account.asset}","commission":"4.90","price":"{money(price)}",'
        f'"contractual_settlement_date":"{settles_on}"',
    )
    instruction_id = record.value.split(b'"instruction_id":"', 1)[1][:36].decode()
    up.unsettled.append((account.owner, instruction_id))
    return record


def settlement(up: Upstream) -> SimulatedRecord:
    """Settle the trade that has waited longest."""
    owner, instruction_id = up.unsettled.pop(0)
    return up.instruct("settlement", "post_pending", owner, f'"pending_id":"{instruction_id}"')


def fee(up: Upstream) -> SimulatedRecord:
    """Charge for keeping an account: a fact, whatever is on it."""
    account = up.some_account()
    amount = 190 + int(up.random() * 700)
    account.balance -= amount
    return up.instruct(
        "fee",
        "fee",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        f'"business_reference":"fee-{up.date_text[:7]}"',
    )


def interest(up: Upstream) -> SimulatedRecord:
    """Pay interest, or charge it where the account is overdrawn."""
    account = up.some_account()
    direction = "credit" if account.balance >= 0 else "debit"
    amount = max(1, abs(account.balance) // 4_000)
    account.balance += amount if direction == "credit" and account.frozen is None else 0
    account.balance -= amount if direction == "debit" else 0
    return up.instruct(
        "interest",
        "interest",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        f'"direction":"{direction}","value_date":"{up.date_text}"',
    )


def accrual(up: Upstream) -> SimulatedRecord:
    """Say what interest has accrued on an account in this month so far, finer than cents.

    Upstream does not count on it: what of it is posted, rounded, is the ledger's.
    """
    account = up.some_account()
    series = f"credit-{up.date_text[:7]}"
    of, accrued = up.accrued.get(account.code, (series, 0))
    accrued = (accrued if of == series else 0) + max(0, account.balance) * _MICROS_A_DAY
    up.accrued[account.code] = series, accrued
    return up.instruct(
        "accrual",
        "accrual",
        account.owner,
        f'"account":"{account.code}","series":"{series}","asset":"{account.asset}",'
        f'"cumulative":"{accrued // 1_000_000}.{accrued % 1_000_000:06d}"',
    )


def house_posting(up: Upstream) -> SimulatedRecord:
    """Bring banknotes from the vault to the firm's account at a correspondent, or back."""
    asset = ASSETS[int(up.random() * len(ASSETS))]
    ends = (f"{ENTITY}/nostro/{asset}", f"{ENTITY}/vault/{asset}")
    debit, credit = ends if up.random() < 0.7 else ends[::-1]
    amount = 100_000 * (1 + int(up.random() * 50))
    return up.instruct(
        "house_posting",
        "house_posting",
        HOUSE,
        f'"debit_account":"{debit}","credit_account":"{credit}","amount":"{money(amount)}","asset":"{asset}",'
        f'"business_reference":"cash-{up.date_text}"',
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


def dry_run(up: Upstream) -> SimulatedRecord:
    """Ask whether an account would bear a payment, without making it."""
    account = up.some_account()
    amount = 1_000 + int(up.random() * 500_000)
    return up.instruct(
        "dry_run",
        "withdrawal",
        account.owner,
        f'"account":"{account.code}","amount":"{money(amount)}","asset":"{account.asset}",'
        '"channel":{"channel":"api"},"dry_run":true',
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


def reversal(up: Upstream) -> SimulatedRecord:
    """Undo a fee or a card payment that was charged in error; upstream does not count on the money."""
    for _ in range(12):
        wrong = up.recent[int(up.random() * len(up.recent))]
        if wrong.kind in ("fee", "card"):
            start = wrong.value.index(b'"instruction_id":"') + 18
            original_id = wrong.value[start : start + 36].decode()
            fields = f'"original_id":"{original_id}","reason":"Charged in error."'
            return up.instruct("reversal", "reversal", wrong.key.decode(), fields)
    return fee(up)


def returned(up: Upstream) -> SimulatedRecord:
    """Bring a payment back that its bank did not take, most of it or all."""
    for _ in range(12):
        paid = up.recent[int(up.random() * len(up.recent))]
        if paid.kind == "payment":
            fields = json.loads(paid.value)
            amount = round(float(fields["amount"]) * 100) - (500 if up.random() < 0.3 else 0)
            if amount > 0:
                given = f'"original_id":"{fields["instruction_id"]}","amount":"{money(amount)}"'
                asset = fields["asset"]
                return up.instruct(
                    "return", "return", paid.key.decode(), f'{given},"asset":"{asset}","reason":"AC04"'
                )
    return fee(up)


def repeated(up: Upstream) -> SimulatedRecord:
    """Send an earlier record again, byte for byte, as an upstream does that missed the answer."""
    record = up.recent[int(up.random() * len(up.recent))]
    return record._replace(kind="repeated")


ORDINARY: Final[tuple[tuple[Maker, int], ...]] = (
    (card, 380),
    (transfer, 200),
    (cash_withdrawal, 90),
    (cash_deposit, 90),
    (salary, 110),
    (payment, 45),
    (fee, 20),
    (interest, 15),
    (accrual, 10),
    (freeze, 3),
    (change_limit, 3),
    (people.change_holder, 2),
    (authorisation, 12),
    (capture, 8),
    (order_ahead, 6),
    (dry_run, 3),
    (short_lived, 4),
    (reversal, 3),
    (returned, 3),
    (house_posting, 3),
    (instant_transfer, 8),
    (payment_order, 6),
    (exchange, 6),
    (custody_transfer, 12),
    (trade, 20),
    (large_cash_deposit, 2),
    (repeated, 10),
)
"""What an ordinary day is made of, in parts."""

PAYDAY: Final[tuple[tuple[Maker, int], ...]] = ((salary, 700), (card, 200), (transfer, 70), (repeated, 10))
"""Towards the end of the month."""

MONTH_END: Final[tuple[tuple[Maker, int], ...]] = ((interest, 500), (fee, 250), *ORDINARY)
"""The month's last business day."""
