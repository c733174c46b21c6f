"""Groups: each member's movements are what it asked for, and its id is taken by the group's outcome."""

import json
from collections.abc import Mapping
from typing import Any, Final

from services.transactions.domain.reasons import TABLE
from services.transactions.queries.verifying.books import Books, Shard, minor_of
from services.transactions.queries.verifying.effects.charging import see_charges
from shared.messages.kinds import FACTS

GROUP: Final = "group"
FORM_REASONS: Final = frozenset(each.code for each in TABLE if each.rung == "form")
"""A group that is refused for one of these uses up its own id alone."""
_NAMED: Final = ("account", "debit_account", "credit_account")
_AMOUNTS: Final = ("amount", "quantity", "debit_amount", "credit_amount")


def is_of_facts(row: Mapping[str, Any], detail: Mapping[str, Any]) -> bool:
    """Say whether an event is of a group that may pass limits, since all in it has happened."""
    return row["instruction_type"] == GROUP and all(each["type"] in FACTS for each in detail["members"])


def asked_by(row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]) -> list[str | None]:
    """Return by movement the type that asked for it: of a group, its member's."""
    if row["instruction_type"] != GROUP:
        return [row["instruction_type"]] * len(legs)
    types = [each["type"] for each in detail.get("members") or () for _ in range(each["movements"])]
    return (types + [None] * len(legs))[: len(legs)]


def members_taken(row: Mapping[str, Any]) -> list[str]:
    """Return the ids that a first outcome takes beside its own."""
    if row["instruction_type"] != GROUP or row["reason"] in FORM_REASONS:
        return []
    return [member["instruction_id"] for member in json.loads(row["content"])["members"]]


def walk_group(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that a group's movements are those of its members, in their order, and say whose each is."""
    said: list[dict[str, Any]] | None = detail.get("members")
    if row["instruction_type"] != GROUP:
        if said is not None:
            _see(books, shard, row, False, "no members", said)
        return
    if row["content"] is None:
        # What follows up a group says the same as its first event, whose movements it has.
        found = shard.groups.pop(row["about_seq"], None)
        _see(books, shard, row, said == found, found, said)
        return
    if row["kind"] == "TransactionPending":
        shard.groups[row["seq"]] = said
    asked: list[dict[str, Any]] = json.loads(row["content"])["members"]
    expected = [(each["instruction_id"], each["type"], _movements_of(each)) for each in asked]
    found = [(each["instruction_id"], each["type"], each["movements"]) for each in said or ()]
    adds_up = expected == found and sum(number for *_, number in expected) == len(legs)
    _see(books, shard, row, adds_up, expected, found)
    if not adds_up or said is None:
        return
    may_be_routed = is_of_facts(row, detail)
    first = 0
    for member, booked in zip(asked, said, strict=True):
        own = legs[first : first + booked["movements"]]
        first += booked["movements"]
        routed = booked.get("routed")
        _see(books, shard, row, may_be_routed or routed is None, "not routed", routed)
        see_charges(books, shard, row["seq"], member, own)
        _see_member(books, shard, row, member, own, is_as_named=routed is None)


def _see_member(
    books: Books,
    shard: Shard,
    row: Mapping[str, Any],
    member: Mapping[str, Any],
    legs: list[Any],
    *,
    is_as_named: bool,
) -> None:
    """See that accounts and amounts are those that it names; securities are within the account named."""
    ends = {_named(books, leg[side]) for leg in legs for side in ("debit_account", "credit_account")}
    named = {member[name] for name in _NAMED if name in member}
    _see(books, shard, row, named <= ends or not is_as_named, named, ends)
    if member.get("charges"):
        return
    asked = [member[name] for name in _AMOUNTS if name in member]
    scales = [books.accounts[leg["debit_account"]].scale for leg in legs]
    expected = [minor_of(text, scale) for text, scale in zip(asked, scales, strict=True)]
    _see(books, shard, row, expected == [leg["amount"] for leg in legs], expected, legs)


def _named(books: Books, account_id: int) -> str:
    account = books.accounts[account_id]
    return account.code if account.container is None else books.accounts[account.container].code


def _movements_of(member: Mapping[str, Any]) -> int:
    return (2 if member["type"] == "exchange" else 1) + len(member.get("charges", ()))


def _see(books: Books, shard: Shard, row: Mapping[str, Any], ok: bool, expected: Any, found: Any) -> None:
    books.see("movements", ok, expected=expected, found=found, shard=shard.number, seq=row["seq"])
