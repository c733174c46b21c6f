"""What is known of the instructions that are wanted, as the tables have it, and whether one is like that."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final
from uuid import UUID

from asyncpg import Connection

from shared.messages.journal import OUTCOMES
from shared.money import AMOUNT_MINOR_MAX

_AMOUNT_MAX: Final = Decimal(AMOUNT_MINOR_MAX)
_PARTIES: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor")
_AMOUNTS: Final = (
    ("amount", "asset"),
    ("debit_amount", "debit_asset"),
    ("credit_amount", "credit_asset"),
)
"""Fields of an instruction that are an amount and what of."""
_WITHOUT_MOVEMENTS: Final = frozenset({"InstructionRejected", "InstructionApplied", "TransactionScheduled"})
"""First outcomes of which only what was asked tells the amount."""
_ACCOUNTS: Final = ("account", "debit_account", "credit_account")

Opened = Callable[[str, str, bytes], bytes]
"""Owner, instruction id and content to the content with what is sealed in it opened, as far as may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is known of the instructions wanted; what is left out may be anything."""

    instruction_id: UUID | None = None
    """Its id, or that of a group's member."""
    reference: str | None = None
    """The business reference."""
    end_to_end_id: str | None = None
    """Of the payment (ISO 20022 EndToEndId)."""
    asset: str | None = None
    amount_min: Decimal | None = None
    amount_max: Decimal | None = None
    """Of any movement, or, where nothing moved, as asked. Needs the asset."""
    booked_since: date | None = None
    booked_until: date | None = None
    recorded_since: datetime | None = None
    recorded_until: datetime | None = None
    counterparty: str | None = None
    """Another than its owner: a party's name, account or identifier in the payment (if that can be opened), a
    bank in it, an account's code or container, or an account's owner."""
    owner: str | None = None
    """Whose instruction it is."""
    type: str | None = None
    outcome: str | None = None
    """What it has come to by now."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is wanted, as the tables have it."""

    wanted: Wanted
    kinds: list[str] | None
    asset_id: int | None
    amounts: tuple[int, int] | None
    """From and to, in minor units."""
    fragments: list[bytes]
    """What of the content must be kept, as it is spelt there."""
    owned: list[int]
    """Accounts that are the owner's."""
    ends: list[int] | None
    """Accounts that are the counterparty's."""
    name: bytes | None
    """The counterparty, as it is spelt in the content."""
    opened: Opened | None


async def criteria_of(connection: Connection, wanted: Wanted, opened: Opened | None) -> Criteria | None:
    """Spell what is wanted as the tables have it; none if nothing can be like that."""
    kinds = None
    if wanted.outcome is not None:
        kinds = [kind for kind, outcome in OUTCOMES.items() if outcome == wanted.outcome]
    asset_id = amounts = None
    if wanted.asset is not None:
        asset = await connection.fetchrow(
            "SELECT asset_id, scale FROM transactions.asset WHERE code = $1", wanted.asset
        )
        if asset is None:
            return None
        asset_id = asset["asset_id"]
        unit = Decimal(10) ** asset["scale"]
        smallest = Decimal(0) if wanted.amount_min is None else wanted.amount_min * unit
        largest = _AMOUNT_MAX if wanted.amount_max is None else wanted.amount_max * unit
        amounts = (
            int(min(smallest.to_integral_value(ROUND_CEILING), _AMOUNT_MAX)),
            int(min(largest.to_integral_value(ROUND_FLOOR), _AMOUNT_MAX)),
        )
        if amounts[0] > amounts[1]:
            return None
    fragments: list[bytes] = []
    if wanted.reference is not None:
        # Its name may be kept as one byte (`store.asking`).
        fragments.append(_spelt(wanted.reference)[1:])
    if wanted.end_to_end_id is not None:
        fragments.append(b'"end_to_end_id":' + _spelt(wanted.end_to_end_id))
    owned: list[int] = []
    if wanted.owner is not None:
        rows = await connection.fetch(
            "SELECT account_id FROM transactions.account WHERE owner = $1", wanted.owner
        )
        owned = [row["account_id"] for row in rows]
    ends = name = None
    if wanted.counterparty is not None:
        name = b":" + _spelt(wanted.counterparty)
        ends = [
            row["account_id"]
            for row in await connection.fetch(
                """
                SELECT account_id
                FROM transactions.account
                WHERE code = $1 OR owner = $1 OR container = $1
                """,
                wanted.counterparty,
            )
        ]
    return Criteria(wanted, kinds, asset_id, amounts, fragments, owned, ends, name, opened)


def _spelt(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def is_wanted(row: Mapping[str, Any], criteria: Criteria) -> bool:
    """Look closely at what may only look like it."""
    wanted = criteria.wanted
    asked = asked_for(row, criteria.opened if wanted.counterparty is not None else None)
    payment = object_in(asked.get("payment"))
    if wanted.reference is not None and asked.get("business_reference") != wanted.reference:
        return False
    if wanted.end_to_end_id is not None and payment.get("end_to_end_id") != wanted.end_to_end_id:
        return False
    if wanted.asset is not None and row["first_event"] in _WITHOUT_MOVEMENTS:
        bounded = wanted.amount_min is not None or wanted.amount_max is not None
        amounts = [asked.get(amount) for amount, asset in _AMOUNTS if asked.get(asset) == wanted.asset]
        if not amounts or (bounded and not any(_asks_for(each, wanted) for each in amounts)):
            return False
    if wanted.counterparty is None:
        return True
    if row["owner"] == wanted.counterparty:
        return False
    assert criteria.ends is not None
    if not {row["debit_account"], row["credit_account"]}.isdisjoint(criteria.ends):
        return True
    named = {asked.get(name) for name in _ACCOUNTS if isinstance(asked.get(name), str)}
    named |= {payment.get("debtor_agent"), payment.get("creditor_agent")}
    for party in _PARTIES:
        facts = object_in(payment.get(party))
        named |= {facts.get("name"), facts.get("account"), facts.get("identifier")}
    return wanted.counterparty in named or row["is_among_several"]


def _asks_for(amount: object, wanted: Wanted) -> bool:
    if not isinstance(amount, str) or not amount.replace(".", "", 1).isdecimal():
        return False
    return (
        (wanted.amount_min or Decimal(0))
        <= Decimal(amount)
        <= (Decimal("Infinity") if wanted.amount_max is None else wanted.amount_max)
    )


def asked_for(row: Mapping[str, Any], opened: Opened | None = None) -> dict[str, Any]:
    """Return the fields of what was asked, with what is sealed in them where it can be `opened`."""
    content = row["content"]
    if content is not None and opened is not None and row["owner"] is not None:
        content = opened(row["owner"], str(row["instruction_id"]), content)
    return {} if content is None else object_in(json.loads(content))


def object_in(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one where the value is none."""
    return value if isinstance(value, dict) else {}
