"""What was screened first: by a policy of its day, and by the risk class the customer had then."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from asyncpg import Connection

from services.transactions.queries.verifying.books import Books, Policy, Shard, decimal_of
from services.transactions.queries.verifying.effects.effect import Effect

HOUSE: Final = "house"
UNRATED: Final = "medium"


def walk_rating(books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    """Take a customer's class, which follows the one before."""
    del legs
    said = json.loads(row["detail"])
    owner: str = row["owner"]
    previous = _class_of(shard, owner)
    books.see(
        "screening",
        said["previous"] == previous and owner != HOUSE,
        expected=f"a customer of {previous} risk before",
        found=f"{owner}, {said['previous']} before",
        shard=shard.number,
        seq=row["seq"],
    )
    shard.risk_classes.setdefault(owner, []).append((row["seq"], said["risk_class"]))


def see_screened(
    books: Books, shard: Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> None:
    """See that a policy asked for what waits for compliance, and that none is named of what does not."""
    said: Mapping[str, Any] | None = detail.get("screened_by")
    waits: bool = detail.get("screening", True)
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    if said is None or not waits:
        books.see("screening", (said is None) is not waits, expected="a policy", found=said, **at)
        return
    asked = json.loads(row["content"])
    agent: str = (asked.get("payment") or {}).get("creditor_agent") or ""
    met = {
        "risk_class": None if row["owner"] == HOUSE else _class_of(shard, row["owner"]),
        "country": agent[4:6] or None,
        "channel": (asked.get("channel") or {}).get("channel"),
    }
    found = {name: said.get(name) for name in met}
    books.see("screening", found == met, expected=met, found=found, **at)
    named = any(
        _spelt(policy, scale) == {name: value for name, value in said.items() if name not in met}
        and amount >= policy.amount_from
        and all(
            not each or value in each for each, value in zip(policy.conditions, met.values(), strict=True)
        )
        for kind, amount, entity_id, asset_id, scale in _parts(books, asked, legs, detail)
        for policy in books.policies.get((entity_id, kind, asset_id), ())
        if policy.valid_from <= shard.days[entity_id]
        and (policy.valid_until is None or shard.days[entity_id] < policy.valid_until)
    )
    books.see("screening", named, expected="a policy in force that asks for it", found=said, **at)


def _class_of(shard: Shard, owner: str) -> str:
    rated = shard.risk_classes.get(owner)
    return rated[-1][1] if rated else UNRATED


def _parts(
    books: Books, asked: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> Iterator[tuple[str, int, int, int, int]]:
    """Type, amount in the first asset moved, entity, that asset and its scale: of each member, or of it."""
    alone: dict[str, Any] = {"type": asked["type"], "movements": len(legs)}
    members: list[dict[str, Any]] = detail.get("members") or [alone]
    at = 0
    for each in members:
        own = legs[at : at + each["movements"]]
        at += each["movements"]
        debits = [books.accounts[leg["debit_account"]] for leg in own]
        first = debits[0]
        together = zip(own, debits, strict=True)
        amount = sum(leg["amount"] for leg, debit in together if debit.asset_id == first.asset_id)
        yield each["type"], amount, first.entity_id, first.asset_id, first.scale


def _spelt(policy: Policy, scale: int) -> dict[str, Any]:
    every: dict[str, Any] = {
        "amount_from": decimal_of(policy.amount_from, scale),
        "risk_classes": list(policy.risk_classes),
        "countries": list(policy.countries),
        "channels": list(policy.channels),
        "deadline_hours": policy.deadline_hours,
        "told": policy.told,
    }
    return {name: value for name, value in every.items() if value not in (None, [])}


async def compare_classes(connection: Connection, books: Books) -> None:
    """Each rating taken has its row, and no row is without one."""
    derived = {
        (shard.number, owner, seq): risk_class
        for shard in books.shards.values()
        for owner, rated in shard.risk_classes.items()
        for seq, risk_class in rated
    }
    for row in await connection.fetch(
        "SELECT shard, owner, seq, risk_class FROM transactions.risk_class ORDER BY shard, seq"
    ):
        expected = derived.pop((row["shard"], row["owner"], row["seq"]), None)
        found = row["risk_class"]
        books.see(
            "screening",
            expected == found,
            expected=expected,
            found=found,
            shard=row["shard"],
            seq=row["seq"],
        )
    for (number, owner, seq), expected in derived.items():
        found = f"no row of {owner}"
        books.see("screening", False, expected=expected, found=found, shard=number, seq=seq)


SCREENING: Final = Effect(compare=compare_classes, kinds={"RiskClassChanged": walk_rating})
