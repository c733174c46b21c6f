"""What the simulated back office finds out of items in suspense: whose they are, or that nobody will know."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from random import Random
from typing import Final, Protocol
from uuid import UUID

from backoffice.simulator.upstream import SimulatedRecord

LEFT_OPEN: Final = 0.2
"""So many of them are still being looked into, and grow older."""
SMALL: Final = 5_000
"""Minor units of what is given up looking for, as often as not."""


class Item(Protocol):
    """Something that the house keeps for somebody."""

    @property
    def number(self) -> str:
        """Shard, seq and leg of the movement that made it."""
        ...

    @property
    def account_class(self) -> str:
        """Of the house's account where it is."""
        ...

    @property
    def owner(self) -> str:
        """Who uses it up."""
        ...

    @property
    def asset(self) -> str:
        """In which it is."""
        ...

    @property
    def left(self) -> str:
        """How much of it is left."""
        ...


def investigate(items: Iterable[Item], *, seed: int, day: date) -> Iterator[SimulatedRecord]:
    """Allocate items in suspense to accounts of those they were meant for, or write small ones off.

    What becomes of an item depends on its number and the seed alone: asked again, the same records come.
    """
    for item in items:
        rng = Random(f"backoffice investigation {seed} {item.number}")  # noqa: S311 - repeatable on purpose
        if item.account_class != "suspense" or item.left.startswith("-") or rng.random() < LEFT_OPEN:
            continue
        instruction = {
            "type": "allocate",
            "instruction_id": str(UUID(int=rng.getrandbits(128), version=4)),
            "owner": item.owner,
            "occurred_at": f"{day.isoformat()}T17:00:00Z",
            "item": item.number,
            "amount": item.left,
            "asset": item.asset,
        }
        if int(item.left.replace(".", "")) < SMALL and rng.random() < 0.5:
            people = {"entered_by": "op:jane", "approved_by": "op:ravi"}
            instruction |= {"type": "write_off", "reason": "The sender does not answer.", **people}
        else:
            account = f"{item.owner}-{item.asset}"
            instruction |= {"account": account, "reason": "Found by the sender's bank."}
        value = json.dumps(instruction, separators=(",", ":")).encode()
        yield SimulatedRecord(item.owner.encode(), value, None, instruction["type"])
