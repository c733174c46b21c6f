"""Securities that a customer bought or sold, to be settled on a later day."""

from typing import Final

from services.transactions.domain.effects.trading import TRADING
from services.transactions.domain.planning import CUSTOMER_CLASSES, Against, Planned, TransactionType
from shared.messages.instructions.securities import Trade

MONEY: Final = Against("cash")
COMMISSION: Final = Against("commission")


def _movements(instruction: Trade) -> tuple[Planned, ...]:
    held, there = instruction.custody_account, Against(instruction.location)
    paid = instruction.cash_account
    buys = instruction.side == "buy"
    settlement = (
        Planned(
            "principal",
            there if buys else held,
            held if buys else there,
            instruction.quantity,
            instruction.asset,
            "custody_account",
            "custody_account",
            "quantity",
        ),
        Planned(
            "principal",
            paid if buys else MONEY,
            MONEY if buys else paid,
            instruction.settlement_amount,
            instruction.settlement_asset,
            "cash_account",
            "cash_account",
            "settlement_amount",
            "settlement_asset",
        ),
    )
    if instruction.commission is None:
        return settlement
    kept = Planned(
        "commission",
        MONEY,
        COMMISSION,
        instruction.commission,
        instruction.settlement_asset,
        amount_field="commission",
        asset_field="settlement_asset",
    )
    return (*settlement, kept)


TRADE: Final = TransactionType(
    code="trade",
    description="A customer has bought or sold securities.",
    kind="fact",
    effect=TRADING,
    movements=_movements,
    reserves=True,
    opens=True,
    availability="traded",
    account_classes=CUSTOMER_CLASSES,
)
