"""Spells the ledger's events, byte for byte the same when first published and when rebuilt."""

import json
from binascii import hexlify
from collections.abc import Callable
from datetime import UTC, date, datetime
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

from services.transactions.domain import decisions
from services.transactions.domain.decisions import Decision, Leg, Terms
from shared.money import format_amount

_JOIN: Final = b"".join


def spell_time(instant: datetime) -> str:
    """Spell an instant as RFC 3339 in UTC, always to the microsecond."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def event_bytes(decision: Decision, shard: int, recorded_at: str) -> bytes:
    """Spell a decision as the JSON event that consumers read.

    `recorded_at` is spelt by `spell_time`. Codes, types, topics and dates hold no character that JSON
    escapes (`shared.messages.envelope.CODE_PATTERN`); all other texts are escaped.
    """
    if decision.terms is not None:
        return plain_bytes(decision, decision.terms, shard, recorded_at)
    return spelt_in_parts(decision, shard, recorded_at)


def spelt_in_parts(decision: Decision, shard: int, recorded_at: str) -> bytes:
    """Spell any decision, part by part."""
    head = f'{{"type":"{decision.kind}","shard":{shard},"seq":{decision.seq},"recorded_at":"{recorded_at}"'
    if decision.topic is not None:
        head += (
            f',"source":{{"topic":"{decision.topic}","partition":{decision.partition},'
            f'"offset":{decision.offset}}}'
        )
    if decision.instruction_id is not None:
        head += f',"instruction_id":"{decision.instruction_id}"'
    if decision.instruction_type is not None:
        head += f',"instruction_type":"{decision.instruction_type}"'
    if decision.owner is not None:
        head += f',"owner":"{decision.owner}"'
    if decision.about_seq is not None and "executes" not in (decision.detail or {}):
        head += f',"first":{{"shard":{shard},"seq":{decision.about_seq}}}'
    if decision.content_hash is not None:
        head += f',"content_hash":"{decision.content_hash.hex()}"'
    head += tail_of(decision)
    if decision.content is None:
        return (head + "}").encode()
    return b'%b,"instruction":%b}' % (head.encode(), decision.content)


def tail_of(decision: Decision) -> str:
    """Spell the fields that are a kind's own, as they stand in its events: each behind a comma."""
    return _TAILS[decision.kind](decision)


class _PlainSpelling(NamedTuple):
    """What the plain events of one batch and terms have in common, cut where they differ."""

    recorded_at: str
    seq: bytes
    offset: bytes
    instruction_id: bytes
    owner: bytes
    content_hash: bytes
    amount: bytes
    debit: bytes


def plain_bytes(decision: Decision, terms: Terms, shard: int, recorded_at: str) -> bytes:
    """Spell nearly all events there are at one go; a test finds the same bytes both ways."""
    _, debit, credit, amount, _, _ = decision.legs[0]
    spelt: _PlainSpelling | None = terms.spelt
    if spelt is None or spelt[0] is not recorded_at:
        spelt = terms.spelt = _spelling_of(decision, terms, shard, recorded_at)
    _, seq, offset, instruction_id, owner, content_hash, at_amount, at_debit = spelt
    assert decision.offset is not None
    assert decision.instruction_id is not None
    assert decision.owner is not None
    assert decision.content_hash is not None
    assert decision.content is not None
    return _JOIN(
        (
            seq,
            b"%d" % decision.seq,
            offset,
            b"%d" % decision.offset,
            instruction_id,
            decision.instruction_id.encode(),
            owner,
            decision.owner.encode(),
            content_hash,
            hexlify(decision.content_hash),
            at_amount,
            format_amount(amount, terms.scale).encode(),
            at_debit,
            debit.posting,
            b',"credit":',
            credit.posting,
            b'}],"instruction":',
            decision.content,
            b"}",
        )
    )


def _spelling_of(decision: Decision, terms: Terms, shard: int, recorded_at: str) -> _PlainSpelling:
    parts = (
        f'{{"type":"TransactionPosted","shard":{shard},"seq":',
        (
            f',"recorded_at":"{recorded_at}","source":{{"topic":"{decision.topic}",'
            f'"partition":{decision.partition},"offset":'
        ),
        '},"instruction_id":"',
        f'","instruction_type":"{terms.instruction_type}","owner":"',
        '","content_hash":"',
        (
            f'","booking_date":"{terms.booking_date.isoformat()}",'
            f'"value_date":"{terms.value_date.isoformat()}",'
            f'"movements":[{{"leg":0,"kind":"{terms.kind}","amount":"'
        ),
        f'","asset":"{terms.asset}","scale":{terms.scale},"debit":',
    )
    return _PlainSpelling(recorded_at, *(part.encode() for part in parts))


def _transaction(decision: Decision) -> str:
    legs = decision.legs
    if decision.detail is not None and "members" in decision.detail:
        movements = _movements_of_members(decision.detail["members"], legs)
    else:
        movements = _movement(0, legs[0])
        for index in range(1, len(legs)):
            movements += "," + _movement(index, legs[index])
    return (
        f',"booking_date":"{_day(decision.booking_date)}","value_date":"{_day(decision.value_date)}",'
        f'"movements":[{movements}]'
    )


def _movement(index: int, leg: Leg) -> str:
    kind, debit, credit, amount, _, _ = leg
    scale = debit.scale
    return (
        f'{{"leg":{index},"kind":"{kind}","amount":"{format_amount(amount, scale)}","asset":"{debit.asset}",'
        f'"scale":{scale},"debit":{debit.posting.decode()},"credit":{credit.posting.decode()}}}'
    )


def _movements_of_members(members: list[dict[str, Any]], legs: list[Leg]) -> str:
    numbers = (number for number, each in enumerate(members) for _ in range(each["movements"]))
    return ",".join(
        f'{_movement(index, leg)[:-1]},"member":{number}}}'
        for index, (leg, number) in enumerate(zip(legs, numbers, strict=True))
    )


def _posted(decision: Decision) -> str:
    if decision.detail is None:
        return _transaction(decision)
    return _transaction(decision) + _named(decision.detail, *_POSTED)


_POSTED: Final = (
    "routed",
    "limit_passed",
    "opened",
    "resolves",
    "settled",
    "freed",
    "reverses",
    "uses",
    "reopens",
    "executes",
    "members",
)
_PENDING: Final = ("screening", "screened_by", "routed", "limit_passed", "opened", "executes", "members")


def _pending(decision: Decision) -> str:
    return _transaction(decision) + _named(_detail(decision), *_PENDING)


def _voided(decision: Decision) -> str:
    return f'{_transaction(decision)},"reason":"{decision.reason}"' + _named(
        _detail(decision), "resolves", "members"
    )


def _booked(decision: Decision) -> str:
    return _transaction(decision) + _named(_detail(decision), "cause")


def _reopened(decision: Decision) -> str:
    return _transaction(decision) + _named(_detail(decision), "settled")


def _applied(decision: Decision) -> str:
    spelt = _account(decision)
    return spelt if decision.detail is None else spelt + _named(decision.detail, "valid_from")


def _account(decision: Decision) -> str:
    account = decision.account
    assert account is not None
    return f',"account":{account.posting.decode()},"asset":"{account.asset}","scale":{account.scale}'


def _rejected(decision: Decision) -> str:
    return f',"reason":"{decision.reason}"' + _named(
        _detail(decision), "field", "detail", "member", "executes"
    )


def _dry_run(decision: Decision) -> str:
    reason = "" if decision.reason is None else f',"reason":"{decision.reason}"'
    return reason + _named(_detail(decision), "outcome", "would_be", "balances_after")


def _day_opened(decision: Decision) -> str:
    return f',"booking_date":"{_day(decision.booking_date)}"' + _named(
        _detail(decision), "entity", "previous"
    )


def _period_closed(decision: Decision) -> str:
    return f',"booking_date":"{_day(decision.booking_date)}"' + _named(
        _detail(decision), "entity", "first_day", "last_day", "state"
    )


def _scheduled(decision: Decision) -> str:
    return f',"booking_date":"{_day(decision.booking_date)}"' + _named(
        _detail(decision), "entity", "execute_on"
    )


def _cancelled(decision: Decision) -> str:
    return f',"booking_date":"{_day(decision.booking_date)}"' + _named(
        _detail(decision), "entity", "resolves"
    )


def _closed(decision: Decision) -> str:
    return f',"booking_date":"{_day(decision.booking_date)}"' + _account(decision)


def _by_names(*names: str) -> Callable[[Decision], str]:
    def tail(decision: Decision) -> str:
        return _named(_detail(decision), *names)

    return tail


_TAILS: Final[dict[str, Callable[[Decision], str]]] = {
    decisions.POSTED: _posted,
    decisions.PENDING: _pending,
    decisions.SCHEDULED: _scheduled,
    decisions.CANCELLED: _cancelled,
    decisions.VOIDED: _voided,
    decisions.CLEARED: _by_names("decision"),
    decisions.APPLIED: _applied,
    decisions.REJECTED: _rejected,
    decisions.DUPLICATE: _by_names("first_outcome", "first_reason"),
    decisions.DRY_RUN: _dry_run,
    decisions.UNREADABLE: _by_names("error", "size", "sha256"),
    decisions.PARKED: _by_names("error", "behind"),
    decisions.DISCARDED: _by_names("act_id", "actor", "reason"),
    decisions.WITHOUT_EFFECT: _by_names("decision", "why"),
    decisions.RISK_CHANGED: _by_names("risk_class", "previous"),
    decisions.DAY_OPENED: _day_opened,
    decisions.PERIOD_CLOSED: _period_closed,
    decisions.SWEPT: _transaction,
    decisions.BOOKED: _booked,
    decisions.REOPENED: _reopened,
    decisions.CLOSED: _closed,
    decisions.ACT_DONE: _by_names("act_id", "act", "actor", "done", "detail", "result"),
}


def _detail(decision: Decision) -> dict[str, Any]:
    return decision.detail or {}


def _named(detail: dict[str, Any], *names: str) -> str:
    """Spell the named values that are there, in this order."""
    return "".join(f',"{name}":{_spelt(detail[name])}' for name in names if detail.get(name) is not None)


def _spelt(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _day(day: date | None) -> str:
    assert day is not None
    return day.isoformat()
