"""Which parameters count for a rule, an asset and a business day."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from services.compliance.domain.rule import ANY_ASSET, CashRule, RuleParameter

REMEMBERED_MAX: Final = 10_000


class ParameterBook:
    """All stored parameters. The asset's own row comes before the one for any; then the highest version."""

    def __init__(self, rows: Iterable[RuleParameter]) -> None:
        self._rows: dict[tuple[str, str], list[RuleParameter]] = {}
        for row in sorted(rows, key=lambda each: -each.version):
            self._rows.setdefault((row.rule, row.asset), []).append(row)
        self._chosen: dict[tuple[str, str, date], RuleParameter | None] = {}
        self._read: dict[tuple[str, str, date, int], Any] = {}

    @property
    def rows(self) -> list[RuleParameter]:
        """Every row, for checking at start."""
        return [row for rows in self._rows.values() for row in rows]

    def choose(self, rule: str, asset: str, day: date) -> RuleParameter | None:
        """Return the row that counts, or None where the rule is not in force."""
        key = (rule, asset, day)
        if key not in self._chosen:
            if len(self._chosen) >= REMEMBERED_MAX:
                self._chosen.clear()
            candidates = [*self._rows.get((rule, asset), ()), *self._rows.get((rule, ANY_ASSET), ())]
            self._chosen[key] = next((row for row in candidates if row.is_valid_on(day)), None)
        return self._chosen[key]

    def read(self, rule: CashRule[Any], asset: str, day: date, scale: int) -> Any | None:
        """Return a rule's own parameters in minor units of the asset, or None where it is not in force."""
        key = (rule.code, asset, day, scale)
        if key not in self._read:
            if len(self._read) >= REMEMBERED_MAX:
                self._read.clear()
            row = self.choose(rule.code, asset, day)
            self._read[key] = None if row is None else rule.read_parameters(row, scale)
        return self._read[key]

    def hold_for(self, rule: str, asset: str, day: date) -> timedelta:
        """How long a hold by this rule may last before it is overdue."""
        row = self.choose(rule, asset, day)
        return timedelta(hours=int(row.values["hold_hours"])) if row is not None else timedelta()
