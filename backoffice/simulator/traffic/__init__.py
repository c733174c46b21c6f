"""What the simulated customers do all day: one function per kind of traffic, each making one record."""

from typing import Final

from backoffice.simulator import people
from backoffice.simulator.traffic.accounts import change_limit, freeze, short_lived
from backoffice.simulator.traffic.corrections import repeated, returned, reversal
from backoffice.simulator.traffic.house import accrual, fee, house_posting, interest
from backoffice.simulator.traffic.markets import custody_transfer, exchange, trade
from backoffice.simulator.traffic.payments import (
    card,
    cash_deposit,
    cash_withdrawal,
    dry_run,
    instant_transfer,
    large_cash_deposit,
    payment,
    payment_order,
    salary,
    transfer,
)
from backoffice.simulator.traffic.reserves import authorisation, capture, order_ahead
from backoffice.simulator.upstream import Maker

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
