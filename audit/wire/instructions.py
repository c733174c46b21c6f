"""Instructions: the shape of each type, and the judgement of a record."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from audit.wire.blocks import CHARGES, EVERY, HOLDER, ONE_ACCOUNT, PARTY, TWO_ACCOUNTS
from audit.wire.fields import (
    Wrong,
    matching,
    one_of,
    or_null,
    read_amount,
    read_code,
    read_date,
    read_reference,
    read_truth,
    read_uuid,
    read_words,
)
from audit.wire.json_values import Unreadable, read_json
from audit.wire.kinds import MEMBERS
from audit.wire.shapes import Shape, WrongField, block, optional, read_fields, required


@dataclass(frozen=True, slots=True)
class Asked:
    """A record that can be answered: who asked for what, and which fields are wrong."""

    instruction_id: UUID
    type: str
    owner: str
    content: Mapping[str, Any]
    """The business fields present in the record, normalised; of a malformed one all it says, as it is."""
    wrong: tuple["WrongField", ...] = ()
    """Fields that break the contract; empty for a well-formed instruction."""
    dry_run: bool = False
    """Whether it is only asked what would come of it."""

    @property
    def value_date(self) -> datetime.date | None:
        """The value date that a well-formed instruction names."""
        value = self.content.get("value_date")
        return datetime.date.fromisoformat(value) if value else None


def read_instruction(value: bytes | None) -> Asked | Unreadable:
    """Judge a record of the instructions topic."""
    found = read_json(value)
    if isinstance(found, Unreadable):
        return found
    if not isinstance(found, dict):
        return Unreadable("not an object")
    kind = found.get("type")
    if not isinstance(kind, str) or kind not in SHAPES:
        return Unreadable("unknown type")
    try:
        instruction_id = UUID(read_uuid(found.get("instruction_id")))
        owner = read_code(found.get("owner"))
    except Wrong:
        return Unreadable("no id or no owner")
    content, wrong = read_fields(found, SHAPES[kind])
    mark = found.get("dry_run")
    said = {
        name: value
        for name, value in (found if wrong else content).items()
        if name != "dry_run" or not isinstance(mark, bool)
    }
    return Asked(instruction_id, kind, owner, said, tuple(wrong), mark is True)


_ITEM: Final = matching(r"[0-9]{1,5}-[0-9]{1,18}-[0-9]{1,3}")

_EXCHANGE: Final[Shape] = {
    **EVERY,
    **required(debit_account=read_code, debit_amount=read_amount, debit_asset=read_code),
    **required(credit_account=read_code, credit_amount=read_amount, credit_asset=read_code, rate=read_amount),
    "rate_unit": (False, one_of("debit", "credit")),
    **CHARGES,
}
OF_THE_WHOLE: Final = frozenset(EVERY) - {"instruction_id", "owner", "type"}
"""Fields that a group has for all its members."""


def _members(found: Any) -> list[dict[str, Any]]:
    """Each as its own shape says; of several wrong ones any may be named."""
    if not isinstance(found, list):
        raise Wrong("field_wrong_type")
    read: list[dict[str, Any]] = []
    reasons: set[str] = set()
    for each in found:
        if not isinstance(each, dict):
            reasons.add("field_wrong_type")
        elif not isinstance(each.get("type"), str) or each["type"] not in MEMBERS:
            reasons |= {"field_value_unknown"} if "type" in each else {"field_missing"}
        else:
            content, wrong = read_fields(each, SHAPES[each["type"]])
            read.append(content)
            reasons |= {reason for one in wrong for reason in one.reasons}
    if reasons:
        raise Wrong(*reasons)
    return read


SHAPES: Final[Mapping[str, Shape]] = {
    "open_account": {
        **EVERY,
        **required(account=read_code, entity=read_code),
        "class": (False, one_of("cash", "loan", "custody")),
        **optional(asset=read_code, limit=read_amount, container=read_code, party=block(PARTY)),
    },
    "deposit": ONE_ACCOUNT,
    "withdrawal": {**ONE_ACCOUNT, **CHARGES},
    "transfer": {**TWO_ACCOUNTS, **CHARGES},
    "exchange": _EXCHANGE,
    "fee": ONE_ACCOUNT,
    "interest": {**ONE_ACCOUNT, "direction": (False, one_of("credit", "debit"))},
    "accrual": {
        **EVERY,
        **required(account=read_code, series=read_code, cumulative=read_amount, asset=read_code),
        "direction": (False, one_of("credit", "debit")),
    },
    "opening_balance": {
        **ONE_ACCOUNT,
        **required(booking_date=read_date),
        "direction": (False, one_of("credit", "debit")),
    },
    "house_posting": TWO_ACCOUNTS,
    "adjustment": {
        **TWO_ACCOUNTS,
        **required(reason=read_words, entered_by=read_code, approved_by=read_code),
        **optional(booking_date=read_date),
    },
    "trade": {
        **EVERY,
        **required(
            side=one_of("buy", "sell"),
            custody_account=read_code,
            cash_account=read_code,
            quantity=read_amount,
        ),
        **required(asset=read_code, settlement_amount=read_amount, settlement_asset=read_code),
        **optional(commission=read_amount, price=read_amount),
        "location": (False, read_code),
    },
    "custody_transfer": {
        **EVERY,
        **required(
            account=read_code, direction=one_of("receive", "deliver"), quantity=read_amount, asset=read_code
        ),
        "location": (False, read_code),
    },
    "reserve": {**ONE_ACCOUNT, **optional(credit_account=read_code, expires_on=read_date), **CHARGES},
    "post_pending": {
        **EVERY,
        **required(pending_id=read_uuid),
        **optional(amount=read_amount),
        "final": (False, read_truth),
    },
    "void_pending": {**EVERY, **required(pending_id=read_uuid)},
    "reversal": {
        **EVERY,
        **required(original_id=read_uuid),
        **optional(original_owner=read_code, reason=read_words, entered_by=read_code, approved_by=read_code),
        "forced": (False, read_truth),
    },
    "return": {
        **EVERY,
        **required(original_id=read_uuid, amount=read_amount, asset=read_code),
        **optional(reason=read_reference),
    },
    "allocate": {
        **EVERY,
        **required(item=_ITEM, account=read_code, amount=read_amount, asset=read_code),
        **optional(reason=read_words),
    },
    "write_off": {
        **EVERY,
        **required(item=_ITEM, amount=read_amount, asset=read_code, reason=read_words),
        **required(entered_by=read_code, approved_by=read_code),
    },
    "group": {**EVERY, **required(members=_members)},
    "freeze_account": {
        **EVERY,
        **required(account=read_code, freeze_id=read_code, authority=read_reference),
        "direction": (False, one_of("debit", "credit", "both")),
        **optional(amount=read_amount),
    },
    "unfreeze_account": {**EVERY, **required(account=read_code, freeze_id=read_code)},
    "change_limit": {
        **EVERY,
        **required(account=read_code, limit=or_null(read_amount), authority=read_reference),
        **optional(cap=read_amount, valid_from=read_date, valid_until=read_date),
    },
    "change_holder": {
        **EVERY,
        **required(account=read_code, holder=block(HOLDER), authority=read_reference),
    },
    "close_account": {**EVERY, **required(account=read_code, authority=read_reference)},
    "reopen_account": {
        **EVERY,
        **required(account=read_code, reason=read_reference, entered_by=read_code, approved_by=read_code),
    },
    "open_business_day": {**EVERY, **required(entity=read_code, booking_date=read_date)},
    "close_period": {
        **EVERY,
        **required(entity=read_code, first_day=read_date, last_day=read_date),
        "state": (False, one_of("soft_closed", "closed")),
    },
}
