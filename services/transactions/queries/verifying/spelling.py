"""Spells an event's body from what the tables say of it, sharing nothing with what published it.

The form is that of `docs/reference/messages.md`, without white space, names in the order given here.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from services.transactions.queries.verifying.books import Account, Books, decimal_of
from services.transactions.queries.verifying.journal import Row

MOVING: Final = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionVoided",
        "CreditSwept",
        "ObligationBooked",
        "PendingReopened",
    }
)
DETAILS: Final[dict[str, tuple[str, ...]]] = {
    "TransactionPosted": (
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
    ),
    "TransactionPending": (
        "screening",
        "screened_by",
        "routed",
        "limit_passed",
        "opened",
        "executes",
        "members",
    ),
    "TransactionScheduled": ("entity", "execute_on"),
    "TransactionCancelled": ("entity", "resolves"),
    "TransactionVoided": ("resolves", "members"),
    "ObligationBooked": ("cause",),
    "PendingReopened": ("settled",),
    "PendingCleared": ("decision",),
    "InstructionApplied": ("valid_from",),
    "InstructionRejected": ("field", "detail", "member", "executes"),
    "DuplicateReceived": ("first_outcome", "first_reason"),
    "DryRunJudged": ("outcome", "would_be", "balances_after"),
    "RecordUnreadable": ("error", "size", "sha256"),
    "OwnerParked": ("error", "behind"),
    "RecordDiscarded": ("act_id", "actor", "reason"),
    "DecisionWithoutEffect": ("decision", "why"),
    "RiskClassChanged": ("risk_class", "previous"),
    "BusinessDayOpened": ("entity", "previous"),
    "PeriodClosed": ("entity", "first_day", "last_day", "state"),
    "ActDone": ("act_id", "act", "actor", "done", "detail", "result"),
}
"""What of `detail` stands in the event of each kind, where it is given, and in which order."""


_DATED: Final = frozenset(
    {"BusinessDayOpened", "PeriodClosed", "AccountClosed", "TransactionScheduled", "TransactionCancelled"}
)
"""Kinds that name a booking date and move nothing."""


def body_of(row: Row, books: Books) -> bytes:
    """Spell an event of any kind; raises `LookupError`, `TypeError` or `ValueError` where it cannot be."""
    kind: str = row["kind"]
    shard, about_seq = row["shard"], row["about_seq"]
    detail: dict[str, Any] = {} if row["detail"] is None else json.loads(row["detail"])
    content = row.first_content if row["content"] is None else row["content"]
    text = f'{{"type":"{kind}","shard":{shard},"seq":{row["seq"]},"recorded_at":"{_time(row)}"'
    if row["topic"] is not None:
        place = f'"topic":"{row["topic"]}","partition":{row["partition"]},"offset":{row["offset"]}'
        text += f',"source":{{{place}}}'
    for name in ("instruction_id", "instruction_type", "owner"):
        if row[name] is not None:
            text += f',"{name}":"{row[name]}"'
    if about_seq is not None and "executes" not in detail:
        text += f',"first":{{"shard":{shard},"seq":{about_seq}}}'
    if "content_hash" in detail:
        text += f',"content_hash":"{detail["content_hash"]}"'
    elif content is not None:
        text += f',"content_hash":"{blake2b(content, digest_size=16).hexdigest()}"'
    if kind in MOVING:
        text += f',"booking_date":"{row["booking_date"].isoformat()}"'
        text += f',"value_date":"{row["value_date"].isoformat()}"'
        text += f',"movements":[{",".join(_movements(row, books, detail))}]'
    elif kind in _DATED:
        text += f',"booking_date":"{row["booking_date"].isoformat()}"'
    if kind in ("InstructionApplied", "AccountClosed"):
        named = detail if kind == "AccountClosed" else json.loads(row["content"])
        account = books.accounts[books.ids[named["account"]]]
        text += f',"account":{posting_of(account)},"asset":"{account.asset}","scale":{account.scale}'
    if kind in ("TransactionVoided", "InstructionRejected") or (kind == "DryRunJudged" and row["reason"]):
        text += f',"reason":"{row["reason"]}"'
    for name in DETAILS.get(kind, ()):
        if detail.get(name) is not None:
            text += f',"{name}":{json.dumps(detail[name], ensure_ascii=False, separators=(",", ":"))}'
    if content is None:
        return f"{text}}}".encode()
    return b'%b,"instruction":%b}' % (text.encode(), content)


def posting_of(account: Account) -> str:
    """Spell what an event says of an account."""
    return (
        f'{{"account":"{account.code}","owner":"{account.owner}","entity":"{account.entity}",'
        f'"class":"{account.account_class}"}}'
    )


def said_of(row: Row, books: Books) -> bytes:
    """Spell what the accounts of a plain event are called; raises `LookupError` where one is not known."""
    (leg,) = row.legs
    debit, credit = books.accounts[leg["debit_account"]], books.accounts[leg["credit_account"]]
    return said_of_debit(debit) + said_of_credit(credit)


def said_of_debit(account: Account) -> bytes:
    """Spell what the debited account is called, with asset and scale."""
    return f'{{"asset":"{account.asset}","scale":{account.scale},"debit":{posting_of(account)}'.encode()


def said_of_credit(account: Account) -> bytes:
    """Spell what the credited account is called, behind the debited one."""
    return f',"credit":{posting_of(account)}}}'.encode()


def _time(row: Row) -> str:
    return f"{row['recorded_at'].isoformat(timespec='microseconds')[:-6]}Z"


def _movements(row: Row, books: Books, detail: dict[str, Any]) -> Iterator[str]:
    """Spell each; of a group with the member to which it belongs."""
    whose = [
        number for number, each in enumerate(detail.get("members", ())) for _ in range(each["movements"])
    ]
    for index, leg in enumerate(row.legs):
        spelt = _movement(leg, books)
        yield f'{spelt[:-1]},"member":{whose[index]}}}' if whose else spelt


def _movement(leg: dict[str, Any], books: Books) -> str:
    debit, credit = books.accounts[leg["debit_account"]], books.accounts[leg["credit_account"]]
    return (
        f'{{"leg":{leg["leg"]},"kind":"{leg["kind"]}","amount":"{decimal_of(leg["amount"], debit.scale)}",'
        f'"asset":"{debit.asset}","scale":{debit.scale},"debit":{posting_of(debit)},'
        f'"credit":{posting_of(credit)}}}'
    )
