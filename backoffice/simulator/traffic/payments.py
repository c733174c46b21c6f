"""What customers pay and are paid, at once."""

from typing import Final

from backoffice.simulator import population
from backoffice.simulator.population import Account
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money


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
