"""The parameters that a rule goes by."""

from datetime import date

from audit.evidence import ScreeningData
from audit.screening_rows import RuleParameter


def parameter_of(
    data: ScreeningData, rule: str, asset: str, day: date, segment: str = "", country: str = ""
) -> RuleParameter | None:
    """The closest row: by asset, then by segment, then by jurisdiction; then the highest version.

    A row without values says that the rule is not in force.
    """
    rows = [
        each
        for each in data.parameters
        if each.rule == rule
        and each.asset in (asset, "*")
        and each.segment in (segment, "*")
        and each.jurisdiction in (country, "*")
        and each.valid_from <= day
        and (each.valid_until is None or day < each.valid_until)
    ]
    closest = max(
        rows,
        key=lambda each: (each.asset != "*", each.segment != "*", each.jurisdiction != "*", each.version),
        default=None,
    )
    return closest if closest is not None and closest.values else None
