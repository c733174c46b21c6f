"""Input that must never stop the line, one of each kind."""

from collections.abc import Callable
from typing import Any, Final

from tests.campaign.traffic.upstream import ENTITY, Account, Sending, Upstream

HUGE_BYTES: Final = 6_000_000

Poison = Callable[[Upstream, Account], Sending]
"""Makes one that stands where an account's own records stand."""


def _raw(up: Upstream, account: Account, extra: str) -> Sending:
    """A good deposit with something more in its JSON text."""
    body = up.body("deposit", account.owner, account=account.code, amount="1", asset=account.asset)
    return Sending(
        account.owner.encode(), body[:-1] + extra.encode("utf-8", "surrogatepass") + b"}", "poison"
    )


def _plain(value: bytes | None, *, headers: tuple[tuple[str, bytes], ...] = ()) -> Poison:
    return lambda up, account: Sending(account.owner.encode(), value, "poison", None, headers)


def _appended(extra: str) -> Poison:
    return lambda up, account: _raw(up, account, extra)


def _with_headers(*headers: tuple[str, bytes]) -> Poison:
    def make(up: Upstream, account: Account) -> Sending:
        body = up.body("deposit", account.owner, account=account.code, amount="1", asset=account.asset)
        return Sending(account.owner.encode(), body, "poison_headers", None, headers)

    return make


def _bomb(up: Upstream, account: Account) -> Sending:
    sending = _raw(up, account, ',"x":"' + "0" * HUGE_BYTES + '"')
    return Sending(sending.key, sending.value, "compressed_bomb", None, (), compressed=True)


def _typed(kind: str, /, **fields: Any) -> Poison:
    return lambda up, account: Sending(
        account.owner.encode(), up.body(kind, account.owner, **fields), "poison"
    )


POISONS: Final[tuple[Poison, ...]] = (
    _plain(b'{"type":"deposit","instruction_id":"0190'),
    _plain(b"plain words"),
    _plain(b""),
    _plain(None),
    _plain(b"   \n"),
    _plain(b"null"),
    _plain(b"[]"),
    _plain(b"{}"),
    _plain(b"NaN"),
    _plain(b"\x00"),
    _plain(b"\x00\xff\xfe\x80"),
    _plain(b'\xef\xbb\xbf{"type":"deposit"}'),
    _plain(b"[" * 100_000),
    _plain(b"[" * 100_000 + b"]" * 100_000),
    _plain(b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    _plain(b"9" * 1_000_000),
    _plain(b'{"type":"deposit","owner":"A","instruction_id":"018f0000-0000-7000-8000-00000000000g"}'),
    _plain(b'{"type":5,"owner":"A","instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _plain(b'{"type":"deposit","owner":7,"instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _plain(b'{"type":"deposit","owner":"\\u0000","instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _appended(',"x":NaN'),
    _appended(',"x":-Infinity'),
    _appended(',"x":1e999999999'),
    _appended(',"x":' + "9" * 5_000),
    _appended(',"x":' + "9" * 500_000),
    _appended(',"amount":1e999999999'),
    _appended(',"amount":"2.00"'),
    _appended(',"x":"\\ud800"'),
    _appended(',"\\udfff":1'),
    _appended(',"x":"\ud800"'),
    _appended(',"x":' + "[" * 40 + "]" * 40),
    _appended(',"x":' + "[" * 100_000 + "]" * 100_000),
    _appended(',"x":"\\u0000"'),
    _appended(',"x":"' + "a" * 900_000 + '"'),
    _appended(',"x":"\u202e\u200b\ufeff"'),
    _appended(',"business_reference":"\u202e\u200b\u2066 zero width"'),
    _appended(',"business_reference":"\\u0000"'),
    _appended(',"class":"cash","version":2,"schema":"transactions.instructions.v2"'),
    _bomb,
    _typed("time_travel", to="1999-12-31"),
    _typed("deposit.v2", account="A", amount="1.00", asset="EUR"),
    _typed("DEPOSIT", account="A", amount="1.00", asset="EUR"),
    _typed("deposit"),
    _typed("open_account", account="A" * 65, entity=ENTITY, asset="EUR"),
    _typed("open_account", account="ok", entity="NOWHERE", asset="EUR"),
    _typed("open_account", account="ok", entity=ENTITY, asset="EUR", limit="-1"),
    _typed("open_account", account="ok", entity=ENTITY, asset="EUR", party={"kind": "ghost", "name": "x"}),
    _typed("house_posting", debit_account="A", credit_account="B", amount="1", asset="EUR"),
    _typed("open_business_day", entity=ENTITY, booking_date="9999-12-31"),
    _with_headers(("traceparent", b"\x00")),
    _with_headers(("traceparent", b"\xff" * 300), ("correlation_id", b"\x00\xff")),
    _with_headers(("seq", b"not a number"), ("prev", b"-1"), ("shard", b"99"), ("epoch", b"")),
)
