"""What customers buy, sell and exchange."""

from datetime import date, timedelta

from backoffice.simulator import population
from backoffice.simulator.population import ENTITY
from backoffice.simulator.traffic.payments import card
from backoffice.simulator.upstream import SimulatedRecord, Upstream, money


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
