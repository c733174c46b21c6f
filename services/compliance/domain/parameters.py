"""Which parameters count for a rule, an asset, a customer and a business day."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from services.compliance.domain.rule import ANYTHING, CashRule, GraphRule, PeerRule, RuleParameter, WindowRule

REMEMBERED_MAX: Final = 10_000


class ParameterBook:
    """All stored parameters. The closest comes first: by asset, by segment, by jurisdiction, by version."""

    def __init__(self, rows: Iterable[RuleParameter]) -> None:
        self._rows: dict[str, list[RuleParameter]] = {}
        for row in sorted(rows, key=_closeness):
            self._rows.setdefault(row.rule, []).append(row)
        self._chosen: dict[tuple[str, str, date, str, str], RuleParameter | None] = {}
        self._read: dict[tuple[str, str, date, int, str, str], Any] = {}

    @property
    def rows(self) -> list[RuleParameter]:
        """Every row, for checking at start."""
        return [row for rows in self._rows.values() for row in rows]

    def choose(
        self, rule: str, asset: str, day: date, segment: str = "", jurisdiction: str = ""
    ) -> RuleParameter | None:
        """Return the row that counts; None where the rule is not in force: no row, or one without values."""
        key = (rule, asset, day, segment, jurisdiction)
        if key not in self._chosen:
            if len(self._chosen) >= REMEMBERED_MAX:
                self._chosen.clear()
            rows = self._rows.get(rule, ())
            row = next(
                (
                    row
                    for row in rows
                    if row.counts_for(asset, segment, jurisdiction) and row.is_valid_on(day)
                ),
                None,
            )
            self._chosen[key] = row if row is not None and row.values else None
        return self._chosen[key]

    def read(
        self,
        rule: CashRule[Any] | WindowRule[Any] | GraphRule[Any] | PeerRule[Any],
        asset: str,
        day: date,
        scale: int,
        segment: str = "",
        jurisdiction: str = "",
    ) -> Any | None:
        """Return a rule's own parameters in minor units of the asset, or None where it is not in force."""
        key = (rule.code, asset, day, scale, segment, jurisdiction)
        if key not in self._read:
            if len(self._read) >= REMEMBERED_MAX:
                self._read.clear()
            row = self.choose(rule.code, asset, day, segment, jurisdiction)
            self._read[key] = None if row is None else rule.read_parameters(row, scale)
        return self._read[key]

    def hold_for(
        self, rule: str, asset: str, day: date, segment: str = "", jurisdiction: str = ""
    ) -> timedelta | None:
        """How long a hold by this rule may last before it is overdue; None where it does not hold."""
        row = self.choose(rule, asset, day, segment, jurisdiction)
        if row is None or "hold_hours" not in row.values:
            return None
        return timedelta(hours=int(row.values["hold_hours"]))

    def cooldown_days(
        self, rule: str, asset: str, day: date, segment: str = "", jurisdiction: str = ""
    ) -> int:
        """Business days, its own among them, in which a rule alerts once about an owner."""
        row = self.choose(rule, asset, day, segment, jurisdiction)
        return int(row.values.get("cooldown_days", 1)) if row is not None else 1


def _closeness(row: RuleParameter) -> tuple[bool, bool, bool, int]:
    return (row.asset == ANYTHING, row.segment == ANYTHING, row.jurisdiction == ANYTHING, -row.version)
