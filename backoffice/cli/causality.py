"""Cuts lines into waves, so that a line that builds on an earlier one of another shard comes after it.

Shards run apart: an account opened, or money sent, in one is seen in another only once it is committed.
An upstream system waits for the outcome before it builds on it; so does a file sent line by line.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar


class Touching(Protocol):
    """What a line names: its home's own owner and accounts, and accounts that may live elsewhere."""

    @property
    def own(self) -> frozenset[str]:
        """Codes at the line's home."""
        ...

    @property
    def others(self) -> frozenset[str]:
        """Codes that may be at home elsewhere."""
        ...

    def home(self, partitions: int) -> int:
        """Return the line's home shard."""
        ...


L = TypeVar("L", bound=Touching)


def waves(lines: Sequence[L], partitions: int, size_max: int) -> Iterator[list[L]]:
    """Yield runs of lines that may be under way together, in the order given, at most `size_max` each.

    A new wave begins at a line whose own codes an earlier line of another home has named, or the other
    way round. Lines of one home are ordered by Kafka and need no wave.
    """
    wave: list[L] = []
    own: dict[str, set[int]] = {}
    others: dict[str, set[int]] = {}
    for line in lines:
        home = line.home(partitions)
        builds_on = any(others.get(code, set()) - {home} for code in line.own) or any(
            own.get(code, set()) - {home} for code in line.others
        )
        if wave and (builds_on or len(wave) >= size_max):
            yield wave
            wave, own, others = [], {}, {}
        wave.append(line)
        for code in line.own:
            own.setdefault(code, set()).add(home)
        for code in line.others:
            others.setdefault(code, set()).add(home)
    if wave:
        yield wave
