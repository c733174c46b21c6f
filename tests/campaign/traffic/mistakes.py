"""What upstreams get wrong, and must be answered for: repeated, reused ids, wrong fields."""

from collections.abc import Iterator
from typing import Any, Final

from audit.places import partition_of
from tests.campaign.traffic.upstream import ENTITY, Sending, Upstream

_WRONG_FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {"amount": "0"},
    {"amount": "0.00"},
    {"amount": "-1.00"},
    {"amount": "1.001"},
    {"amount": "9223372036854775808"},
    {"amount": "92233720368547758.08"},
    {"amount": "1,250.00"},
    {"amount": "1e5"},
    {"amount": ""},
    {"amount": "٣"},
    {"amount": "9" * 70},
    {"amount": 12.34},
    {"amount": 12},
    {"amount": None},
    {"amount": ["1.00"]},
    {"asset": "XQQ"},
    {"asset": "USD"},
    {"asset": "DE0007164600"},
    {"asset": 5},
    {"account": ""},
    {"account": "with space"},
    {"account": "\u0000"},
    {"account": {"code": "x"}},
    {"value_date": "1900-01-01"},
    {"value_date": "9999-12-31"},
    {"value_date": "1899-12-31"},
    {"value_date": "2026-02-30"},
    {"value_date": 20260101},
    {"occurred_at": "2026-01-01T00:00:00"},
    {"occurred_at": "0001-01-01T00:00:00Z"},
    {"channel": {"cash": "yes"}},
    {"channel": {"channel": "pigeon"}},
    {"channel": [True]},
    {"payment": {"creditor_agent": "short"}},
    {"payment": {"uetr": "not-a-uuid"}},
    {"business_reference": "x" * 141},
    {"business_reference": "null\u0000byte"},
    {"direction": "sideways"},
)


def repeated(up: Upstream) -> Iterator[Sending]:
    """The same again, byte for byte, or the same id in another spelling."""
    sending = up.rng.choice(up.recent)
    value = sending.value or b""
    found = value.find(b'"instruction_id":"')
    if up.rng.random() < 0.3 and found >= 0:
        start = found + 18
        spelled = value[start : start + 36]
        other = up.rng.choice((spelled.upper(), spelled.replace(b"-", b""), b"{" + spelled + b"}"))
        value = value[:start] + other + value[start + 36 :]
    yield Sending(sending.key, value, "repeated", sending.partition, sending.headers)


def reused_id(up: Upstream) -> Iterator[Sending]:
    """An id again, for something else."""
    sending = up.rng.choice(up.recent)
    value = (sending.value or b"").replace(b'"amount":"', b'"amount":"1', 1)
    yield Sending(sending.key, value, "reused_id", sending.partition)


def wrong(up: Upstream) -> Iterator[Sending]:
    """One field wrong, or one reference."""
    account, other = up.some(), up.some()
    fields: dict[str, Any] = {"account": account.code, "amount": "1.00", "asset": account.asset}
    fields |= up.rng.choice(_WRONG_FIELDS)
    kind = up.rng.choice(("withdrawal", "deposit", "fee", "interest"))
    match up.rng.randrange(12):
        case 0:
            yield Sending(other.owner.encode(), up.body(kind, account.owner, **fields), "wrong_key")
        case 1:
            partition = (partition_of(account.owner.encode(), up.partitions) + 1) % up.partitions
            body = up.body(kind, account.owner, **fields)
            yield Sending(account.owner.encode(), body, "wrong_partition", partition)
        case 2:
            yield Sending(None, up.body(kind, account.owner, **fields), "no_key")
        case 3:
            fields |= {"account": other.code, "asset": other.asset, "amount": "1"}
            yield up.to(account, kind, **fields)
        case 4:
            same = {"debit_account": account.code, "credit_account": account.code, "amount": "1"}
            yield up.to(account, "transfer", **same, asset=account.asset)
        case 5:
            opening = {"account": other.code, "entity": ENTITY, "asset": other.asset}
            yield up.to(account, "open_account", **opening)
        case 6:
            yield up.to(account, kind, **(fields | {"account": "NOBODY-HAS-THIS", "amount": "2"}))
        case 7:
            late = {"entity": ENTITY, "booking_date": "2026-01-01"}
            body = up.body("open_business_day", "house", **late)
            yield Sending(b"house", body, "day_not_later", up.rng.randrange(up.partitions))
        case _:
            yield up.to(account, kind, **fields)
