"""What the firm charges, pays and accrues."""

from typing import Final

from backoffice.simulator.population import ASSETS, ENTITY
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money
from shared.messages.envelope import HOUSE

_MICROS_A_DAY: Final = 1
"""Of a cent's worth of balance, what accrues in a day, in millionths of the asset: about 3.65 % a year."""


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
