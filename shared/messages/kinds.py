"""Which types of instruction and kinds of event are what, by name: for whoever needs no message itself."""

from typing import Final

HOUSE: Final = "house"
"""The owner of the firm's own accounts, and the key of records that belong to no customer."""

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
"""Types that have happened outside and are always booked; the others are requests."""

BROADCAST: Final = frozenset({"open_business_day", "close_period"})
"""Types whose one record goes to every partition."""

SCHEDULABLE: Final = frozenset({"transfer", "withdrawal", "exchange", "house_posting"})
"""Types of request that may be sent for a later day: `execute_on`."""

MOVED: Final = frozenset({"TransactionPosted", "CreditSwept", "ObligationBooked"})
"""Events that say that money has moved."""
