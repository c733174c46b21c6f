"""One asset of a customer's that is exchanged for another with the firm."""

from typing import Final

from services.transactions.domain.effects import exchanging
from services.transactions.domain.effects.charging import charged, with_charges
from services.transactions.domain.planning import CASH_CLASSES, COUNTERPARTY, Planned, TransactionType
from shared.messages.instructions.payments import Exchange

VALUE_DAYS_BACK: Final = 4
"""A spot exchange is settled two trading days after it was agreed (Commission Delegated Regulation (EU)
2017/565, Article 10(2)(a)): booked late, its value lies so far back at the most, over a weekend."""


def _movements(instruction: Exchange) -> tuple[Planned, ...]:
    return with_charges(
        instruction,
        Planned(
            "principal",
            instruction.debit_account,
            COUNTERPARTY,
            instruction.debit_amount,
            instruction.debit_asset,
            debit_field="debit_account",
            amount_field="debit_amount",
            asset_field="debit_asset",
        ),
        Planned(
            "principal",
            COUNTERPARTY,
            instruction.credit_account,
            instruction.credit_amount,
            instruction.credit_asset,
            credit_field="credit_account",
            amount_field="credit_amount",
            asset_field="credit_asset",
        ),
        on_top=instruction.debit_account,
        deducted=COUNTERPARTY,
    )


EXCHANGE: Final = TransactionType(
    code="exchange",
    description="A customer exchanges one asset for another with the firm.",
    kind="request",
    effect=charged(exchanging.EXCHANGE, paid=1),
    movements=_movements,
    account_classes=CASH_CLASSES,
    value_days_back=VALUE_DAYS_BACK,
    schedulable=True,
)
