"""The auditor's own judgement of a record: unreadable, wrong in a field, or an instruction.

Written from the contract's words, not from its code: JSON of at most 50 levels in UTF-8 that names no key
twice; an id (UUID in any usual spelling), a known type and an owner must be there to be answered at all;
amounts are strings, dates ISO 8601, times RFC 3339 with an offset; unknown fields are ignored; nothing is
coerced.
"""

import datetime
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

LARGEST_RECORD: Final = 1_048_576
"""Bytes of a record's value, uncompressed; more is unreadable."""

DEEPEST: Final = 50

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


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nobody can answer this record."""

    why: str


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


@dataclass(frozen=True, slots=True)
class WrongField:
    """A field that breaks the contract, dotted, and the reasons that name how."""

    field: str
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Number:
    """A JSON number, never converted: no field of an instruction is one."""

    spelling: str


class _Wrong(Exception):  # noqa: N818 - a finding, not a fault
    """A value that breaks the contract; carries the dotted place below the field and fitting reasons."""

    def __init__(self, *reasons: str, place: str = "") -> None:
        super().__init__(place)
        self.place = place
        self.reasons = frozenset(reasons or ("field_malformed",))


def read_json(value: bytes | None) -> Any | Unreadable:
    """Read a record's value as JSON; numbers stay spelled."""
    if not value or not value.strip():
        return Unreadable("empty")
    if len(value) > LARGEST_RECORD:
        return Unreadable("too large")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return Unreadable("not UTF-8")
    if _depth(text) > DEEPEST:
        return Unreadable("too deep")
    try:
        found = json.loads(
            text, object_pairs_hook=_distinct, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
        json.dumps(found, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError) as error:
        return Unreadable(f"not JSON: {type(error).__name__}")
    return found


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
        instruction_id = UUID(_uuid(found.get("instruction_id")))
        owner = _code(found.get("owner"))
    except _Wrong:
        return Unreadable("no id or no owner")
    content, wrong = _fields(found, SHAPES[kind])
    mark = found.get("dry_run")
    said = {
        name: value
        for name, value in (found if wrong else content).items()
        if name != "dry_run" or not isinstance(mark, bool)
    }
    return Asked(instruction_id, kind, owner, said, tuple(wrong), mark is True)


def is_act(value: bytes | None) -> bool:
    """Judge a record of the ledger's acts topic: whether an operator asks for something in it."""
    found = read_json(value)
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        return False
    shape = ACT_SHAPES.get(found["type"])
    return shape is not None and not _fields(found, shape)[1]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _depth(text: str) -> int:
    """How deep brackets nest outside strings; stops counting once it is clearly too deep."""
    deepest = depth = 0
    for token in _TOKENS.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                break
        elif first in "]}":
            depth -= 1
    return deepest


_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}")
_UUID: Final = re.compile(
    r"(?:(?:urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
    r"|\{[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\})"
)
_WHOLE: Final = re.compile(r"-?\d{1,4000}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:?\d{2})", re.ASCII
)

Reader = Callable[[Any], Any]
Shape = Mapping[str, tuple[bool, Reader]]
"""Field → whether it must be there, and what reads it."""


def _string(found: Any, *reasons: str) -> str:
    if not isinstance(found, str):
        raise _Wrong(*(reasons or ("field_wrong_type",)))
    return found


def _code(found: Any) -> str:
    if not _CODE.fullmatch(_string(found)):
        raise _Wrong
    return found


def _uuid(found: Any) -> str:
    if not _UUID.fullmatch(_string(found)):
        raise _Wrong
    return str(UUID(found.removeprefix("urn:uuid:").strip("{}")))


def _reference(found: Any) -> str:
    if not 1 <= len(_string(found)) <= 140 or any(ord(each) < 32 or ord(each) == 127 for each in found):
        raise _Wrong
    return found


def _words(found: Any) -> str:
    forbidden = any(ord(each) == 127 or (ord(each) < 32 and each not in "\t\n") for each in _string(found))
    if not 1 <= len(found) <= 500 or forbidden:
        raise _Wrong
    return found


def _amount(found: Any) -> str:
    if not 1 <= len(_string(found, "amount_not_a_string")) <= 60:
        raise _Wrong("amount_malformed")
    return found


def _date(found: Any) -> str:
    if not _DATE.fullmatch(_string(found, "field_wrong_type", "date_malformed")):
        raise _Wrong("date_malformed")
    try:
        return datetime.date.fromisoformat(found).isoformat()
    except ValueError:
        raise _Wrong("date_malformed") from None


def _time(found: Any) -> str:
    """Normalised as the contract's messages spell it: microseconds where there are any, Z for UTC."""
    parts = _TIME.fullmatch(_string(found, "field_wrong_type", "date_malformed"))
    if parts is None:
        raise _Wrong("date_malformed")
    day, clock, fraction, offset = parts.groups()
    seconds = clock if clock.count(":") == 2 else f"{clock}:00"
    offset = "+00:00" if offset in "Zz" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{seconds}{offset}")
    except ValueError:
        raise _Wrong("date_malformed") from None
    micros = (fraction or "").ljust(6, "0")[:6]
    shown = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    if int(micros or "0"):
        shown += f".{micros}"
    return shown + ("Z" if moment.utcoffset() == datetime.timedelta(0) else offset)


def _pattern(expression: str) -> Reader:
    compiled = re.compile(expression)

    def read(found: Any) -> str:
        if not compiled.fullmatch(_string(found)):
            raise _Wrong
        return found

    return read


def _one_of(*allowed: str) -> Reader:
    def read(found: Any) -> str:
        if _string(found, "field_wrong_type", "field_value_unknown") not in allowed:
            raise _Wrong("field_value_unknown")
        return found

    return read


def _whole(found: Any) -> int:
    if not isinstance(found, _Number) or not _WHOLE.fullmatch(found.spelling):
        raise _Wrong("field_wrong_type")
    return int(found.spelling)


def _truth(found: Any) -> bool:
    if not isinstance(found, bool):
        raise _Wrong("field_wrong_type")
    return found


def _or_null(reader: Reader) -> Reader:
    return lambda found: None if found is None else reader(found)


def _block(shape: Shape) -> Reader:
    def read(found: Any) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise _Wrong("field_wrong_type")
        content, wrong = _fields(found, shape)
        if wrong:
            raise _Wrong(*wrong[0].reasons, place=wrong[0].field)
        return content

    return read


def _list_of(reader: Reader) -> Reader:
    def read(found: Any) -> list[Any]:
        if not isinstance(found, list):
            raise _Wrong("field_wrong_type")
        read_so_far: list[Any] = []
        for number, each in enumerate(found):
            try:
                read_so_far.append(reader(each))
            except _Wrong as finding:
                place = f"{number}.{finding.place}".rstrip(".")
                raise _Wrong(*finding.reasons, place=place) from None
        return read_so_far

    return read


def _fields(found: Mapping[str, Any], shape: Shape) -> tuple[dict[str, Any], list[WrongField]]:
    content: dict[str, Any] = {}
    wrong: list[WrongField] = []
    for name, (required, reader) in shape.items():
        if name not in found:
            if required:
                wrong.append(WrongField(name, frozenset({"field_missing"})))
            continue
        try:
            content[name] = reader(found[name])
        except _Wrong as finding:
            dotted = f"{name}.{finding.place}" if finding.place else name
            wrong.append(WrongField(dotted, finding.reasons))
    return content, wrong


def _optional(**readers: Reader) -> Shape:
    return {name: (False, _or_null(reader)) for name, reader in readers.items()}


def _required(**readers: Reader) -> Shape:
    return {name: (True, reader) for name, reader in readers.items()}


_COUNTRY: Final = _pattern(r"[A-Z]{2}")
_ITEM: Final = _pattern(r"[0-9]{1,5}-[0-9]{1,18}-[0-9]{1,3}")
_BIC: Final = _pattern(r"[A-Z0-9]{8}(?:[A-Z0-9]{3})?")

_HOLDER: Final[Shape] = {
    **_required(name=_words),
    "role": (
        False,
        _one_of("holder", "joint_holder", "beneficial_owner", "signatory", "representative", "guardian"),
    ),
    **_optional(birth_date=_date, country=_COUNTRY, person=_code, since=_date, until=_date),
}
_PARTY: Final[Shape] = {
    **_required(kind=_one_of("person", "organisation"), name=_words),
    **_optional(birth_date=_date, country=_COUNTRY, identifier=_reference, person=_code),
    **_optional(kyc_reference=_reference),
    **_optional(kyc_status=_one_of("pending", "verified", "expired", "refused")),
    "holders": (False, _list_of(_block(_HOLDER))),
}
_PAYMENT_PARTY: Final = _block(
    _optional(name=_words, country=_COUNTRY, account=_reference, identifier=_reference)
)
_PAYMENT: Final[Shape] = _optional(
    debtor=_PAYMENT_PARTY,
    creditor=_PAYMENT_PARTY,
    ultimate_debtor=_PAYMENT_PARTY,
    ultimate_creditor=_PAYMENT_PARTY,
    debtor_agent=_BIC,
    creditor_agent=_BIC,
    end_to_end_id=_reference,
    uetr=_uuid,
    instructed_amount=_amount,
    instructed_asset=_code,
    charges_bearer=_one_of("DEBT", "CRED", "SHAR", "SLEV"),
    purpose=_reference,
    remittance=_words,
)
_CHANNEL: Final[Shape] = {
    **_optional(channel=_one_of("branch", "atm", "card", "online", "mobile", "api", "file", "internal")),
    **_optional(device=_reference, branch=_reference, conductor=_code),
    "cash": (False, _truth),
}
_EVERY: Final[Shape] = {
    **_required(instruction_id=_uuid, owner=_code),
    **_optional(occurred_at=_time, value_date=_date, execute_on=_date, business_reference=_reference),
    **_optional(settlement_id=_reference, contractual_settlement_date=_date, actual_settlement_date=_date),
    **_optional(payment=_block(_PAYMENT), channel=_block(_CHANNEL)),
    "dry_run": (False, _truth),
    "type": (True, _string),
}
_CHARGES: Final[Shape] = {
    "charges": (
        False,
        _list_of(
            _block(
                {
                    **_required(kind=_one_of("fee", "commission", "tax"), amount=_amount, asset=_code),
                    "taken": (False, _one_of("on_top", "deducted")),
                }
            )
        ),
    )
}
_ONE_ACCOUNT: Final[Shape] = {**_EVERY, **_required(account=_code, amount=_amount, asset=_code)}
_TWO_ACCOUNTS: Final[Shape] = {
    **_EVERY,
    **_required(debit_account=_code, credit_account=_code, amount=_amount, asset=_code),
}

_EXCHANGE: Final[Shape] = {
    **_EVERY,
    **_required(debit_account=_code, debit_amount=_amount, debit_asset=_code),
    **_required(credit_account=_code, credit_amount=_amount, credit_asset=_code, rate=_amount),
    "rate_unit": (False, _one_of("debit", "credit")),
    **_CHARGES,
}

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
OF_THE_WHOLE: Final = frozenset(_EVERY) - {"instruction_id", "owner", "type"}
"""Fields that a group has for all its members."""


def _members(found: Any) -> list[dict[str, Any]]:
    """Each as its own shape says; of several wrong ones any may be named."""
    if not isinstance(found, list):
        raise _Wrong("field_wrong_type")
    read: list[dict[str, Any]] = []
    reasons: set[str] = set()
    for each in found:
        if not isinstance(each, dict):
            reasons.add("field_wrong_type")
        elif not isinstance(each.get("type"), str) or each["type"] not in MEMBERS:
            reasons |= {"field_value_unknown"} if "type" in each else {"field_missing"}
        else:
            content, wrong = _fields(each, SHAPES[each["type"]])
            read.append(content)
            reasons |= {reason for one in wrong for reason in one.reasons}
    if reasons:
        raise _Wrong(*reasons)
    return read


SHAPES: Final[Mapping[str, Shape]] = {
    "open_account": {
        **_EVERY,
        **_required(account=_code, entity=_code),
        "class": (False, _one_of("cash", "loan", "custody")),
        **_optional(asset=_code, limit=_amount, container=_code, party=_block(_PARTY)),
    },
    "deposit": _ONE_ACCOUNT,
    "withdrawal": {**_ONE_ACCOUNT, **_CHARGES},
    "transfer": {**_TWO_ACCOUNTS, **_CHARGES},
    "exchange": _EXCHANGE,
    "fee": _ONE_ACCOUNT,
    "interest": {**_ONE_ACCOUNT, "direction": (False, _one_of("credit", "debit"))},
    "accrual": {
        **_EVERY,
        **_required(account=_code, series=_code, cumulative=_amount, asset=_code),
        "direction": (False, _one_of("credit", "debit")),
    },
    "opening_balance": {
        **_ONE_ACCOUNT,
        **_required(booking_date=_date),
        "direction": (False, _one_of("credit", "debit")),
    },
    "house_posting": _TWO_ACCOUNTS,
    "adjustment": {
        **_TWO_ACCOUNTS,
        **_required(reason=_words, entered_by=_code, approved_by=_code),
        **_optional(booking_date=_date),
    },
    "trade": {
        **_EVERY,
        **_required(side=_one_of("buy", "sell"), custody_account=_code, cash_account=_code, quantity=_amount),
        **_required(asset=_code, settlement_amount=_amount, settlement_asset=_code),
        **_optional(commission=_amount, price=_amount),
        "location": (False, _code),
    },
    "custody_transfer": {
        **_EVERY,
        **_required(account=_code, direction=_one_of("receive", "deliver"), quantity=_amount, asset=_code),
        "location": (False, _code),
    },
    "reserve": {**_ONE_ACCOUNT, **_optional(credit_account=_code, expires_on=_date), **_CHARGES},
    "post_pending": {
        **_EVERY,
        **_required(pending_id=_uuid),
        **_optional(amount=_amount),
        "final": (False, _truth),
    },
    "void_pending": {**_EVERY, **_required(pending_id=_uuid)},
    "reversal": {
        **_EVERY,
        **_required(original_id=_uuid),
        **_optional(original_owner=_code, reason=_words, entered_by=_code, approved_by=_code),
        "forced": (False, _truth),
    },
    "return": {
        **_EVERY,
        **_required(original_id=_uuid, amount=_amount, asset=_code),
        **_optional(reason=_reference),
    },
    "allocate": {
        **_EVERY,
        **_required(item=_ITEM, account=_code, amount=_amount, asset=_code),
        **_optional(reason=_words),
    },
    "write_off": {
        **_EVERY,
        **_required(item=_ITEM, amount=_amount, asset=_code, reason=_words),
        **_required(entered_by=_code, approved_by=_code),
    },
    "group": {**_EVERY, **_required(members=_members)},
    "freeze_account": {
        **_EVERY,
        **_required(account=_code, freeze_id=_code, authority=_reference),
        "direction": (False, _one_of("debit", "credit", "both")),
        **_optional(amount=_amount),
    },
    "unfreeze_account": {**_EVERY, **_required(account=_code, freeze_id=_code)},
    "change_limit": {
        **_EVERY,
        **_required(account=_code, limit=_or_null(_amount), authority=_reference),
        **_optional(cap=_amount, valid_from=_date, valid_until=_date),
    },
    "change_holder": {
        **_EVERY,
        **_required(account=_code, holder=_block(_HOLDER), authority=_reference),
    },
    "close_account": {**_EVERY, **_required(account=_code, authority=_reference)},
    "reopen_account": {
        **_EVERY,
        **_required(account=_code, reason=_reference, entered_by=_code, approved_by=_code),
    },
    "open_business_day": {**_EVERY, **_required(entity=_code, booking_date=_date)},
    "close_period": {
        **_EVERY,
        **_required(entity=_code, first_day=_date, last_day=_date),
        "state": (False, _one_of("soft_closed", "closed")),
    },
}

_EVERY_ACT: Final[Shape] = _required(act_id=_uuid, actor=_code, reason=_words)

ACT_SHAPES: Final[Mapping[str, Shape]] = {
    "replay_parked": {**_EVERY_ACT, **_required(owner=_code)},
    "discard_parked": {
        **_EVERY_ACT,
        **_required(owner=_code, topic=_string, partition=_whole, offset=_whole),
    },
    "resume_shard": {**_EVERY_ACT, **_required(shard=_whole)},
    "pass_over_lost": {
        **_EVERY_ACT,
        **_required(shard=_whole, topic=_string, from_offset=_whole, until_offset=_whole, approved_by=_code),
    },
    "erase_party": {**_EVERY_ACT, **_required(owner=_code, approved_by=_code)},
}
