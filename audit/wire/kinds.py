"""What is true of a type of instruction before it is read: facts, broadcasts, what may wait for a day."""

from typing import Final

HOUSE: Final = "house"
FACTS: Final = frozenset(
    {
        "deposit",
        "fee",
        "interest",
        "custody_transfer",
        "trade",
        "return",
        "allocate",
        "write_off",
        "opening_balance",
        "accrual",
    }
)
BROADCAST: Final = frozenset({"open_business_day", "close_period"})
SCHEDULABLE: Final = frozenset({"transfer", "withdrawal", "exchange", "house_posting"})
"""Types that may be asked for a later day."""

MEMBERS: Final = frozenset(
    {
        "deposit",
        "withdrawal",
        "transfer",
        "exchange",
        "fee",
        "interest",
        "house_posting",
        "adjustment",
        "custody_transfer",
    }
)
"""Types of which a group may be made."""
