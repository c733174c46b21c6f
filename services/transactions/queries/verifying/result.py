"""What `backoffice ledger verify` finds."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing found that is not as it must be."""

    check: str
    shard: int | None
    seq: int | None
    leg: int | None
    expected: str
    found: str


@dataclass(slots=True)
class Check:
    """One thing that must hold, and how often it was looked at."""

    name: str
    ok: bool = True
    checked: int = 0
    first: Difference | None = None
    """What of it was first found not to hold."""


@dataclass(slots=True)
class VerifyResult:
    """What `backoffice ledger verify` prints."""

    ok: bool
    instructions: int
    movements: int
    assets: dict[str, dict[str, str]]
    from_seq: int
    """Of every shard, the first event that was looked at: 1, unless older ones are away."""
    as_of: dict[str, int]
    passed_over: list[dict[str, Any]]
    """Records lost before they were taken, which two people have passed over (`shard pass-over`), oldest
    first: no difference, since the books never had them."""
    checks: list[Check]
    first_difference: Difference | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of the command's contract."""
        difference = self.first_difference
        return {
            "ok": self.ok,
            "instructions": self.instructions,
            "movements": self.movements,
            "assets": self.assets,
            "from_seq": self.from_seq,
            "as_of": self.as_of,
            "passed_over": self.passed_over,
            "checks": [{"name": each.name, "ok": each.ok, "checked": each.checked} for each in self.checks],
            "first_difference": None
            if difference is None
            else {name: getattr(difference, name) for name in Difference.__dataclass_fields__},
            "seconds": round(self.seconds, 3),
        }
