"""What a check found: how much it looked at, and the first thing that differs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check, under its fixed number."""

    number: int
    name: str
    ok: bool
    counted: int
    first_difference: str | None = None
    differences: int = 0
    examples: tuple[str, ...] = ()
    """The first few differences, for people."""


@dataclass(slots=True)
class Tally:
    """Counts what a check looks at and keeps what differs."""

    number: int
    name: str
    counted: int = 0
    differences: int = 0
    examples: list[str] = field(default_factory=list)

    def differs(self, what: str) -> None:
        """Note one difference."""
        self.differences += 1
        if len(self.examples) < SHOWN_MAX:
            self.examples.append(what)

    def expect(self, holds: bool, what: str) -> None:
        """Count one thing looked at, and note it unless it holds."""
        self.counted += 1
        if not holds:
            self.differs(what)

    def same(self, expected: object, found: object, where: str) -> None:
        """Count one thing looked at, and note it unless what was found is what was expected."""
        self.counted += 1
        if expected != found:
            self.differs(f"{where}: expected {_short(expected)}, found {_short(found)}")

    def result(self) -> Result:
        """Close the check."""
        return Result(
            number=self.number,
            name=self.name,
            ok=self.differences == 0,
            counted=self.counted,
            first_difference=self.examples[0] if self.examples else None,
            differences=self.differences,
            examples=tuple(self.examples),
        )


def failed(results: Iterable[Result]) -> tuple[Result, ...]:
    """The checks that found something."""
    return tuple(result for result in results if not result.ok)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 300 else f"{shown[:300]}…"
