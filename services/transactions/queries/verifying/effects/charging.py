"""Charges: what was asked for is what moved, one by one, and what was deducted is not paid out."""

import json
from collections.abc import Mapping
from typing import Any, Final

from services.transactions.queries.verifying.books import Books, Shard, minor_of

SIGN: Final = b'"charges":[{'
"""Stands in the content of an instruction that names charges."""


def walk_charges(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """See that a posting, or what is pending, has the charges that were asked for behind what it moves."""
    content: bytes | None = row["content"]
    is_one = row["about_seq"] is None and row["instruction_type"] != "group"
    if content is not None and SIGN in content and is_one:
        see_charges(books, shard, row["seq"], json.loads(content), legs)


def see_charges(books: Books, shard: Shard, seq: int, asked: Mapping[str, Any], legs: list[Any]) -> None:
    """See that the last movements are an instruction's charges, and what is left of the one before them."""
    charges: list[dict[str, str]] = asked.get("charges", [])
    if not charges:
        return
    first, paid, taken = legs[0], legs[-len(charges) - 1], legs[-len(charges) :]
    scale = books.accounts[paid["debit_account"]].scale
    left = minor_of(asked["credit_amount" if "credit_amount" in asked else "amount"], scale) or 0
    expected: list[tuple[Any, ...]] = []
    for each, leg in zip(charges, taken, strict=True):
        is_deducted = each.get("taken") == "deducted"
        amount = minor_of(each["amount"], books.accounts[leg["debit_account"]].scale) or 0
        left -= amount if is_deducted else 0
        expected.append((each["kind"], (paid if is_deducted else first)["debit_account"], amount))
    found = [(leg["kind"], leg["debit_account"], leg["amount"]) for leg in taken]
    books.see(
        "movements",
        (paid["amount"], found) == (left, expected),
        expected=f"{left} and charges {expected}",
        found=f"{paid['amount']} and {found}",
        shard=shard.number,
        seq=seq,
    )
