"""Rules about a person around their thresholds: a table of customers, amounts and what is found."""

from datetime import timedelta

import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cash import CashEvent
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.persons import Handed, find
from services.compliance.rules import PERSON_RULES
from shared.money import parse_amount
from tests.compliance.ledger import DAY, hours

OUTCOMES = [
    ("over the threshold by a cent", "A@9:6000 B@10:4000.01", ["CTR-1", "STR-1 day_in_parts"]),
    ("exactly the threshold", "A@9:6000 B@10:4000", []),
    ("of one customer alone", "A@9:6000 A@10:6000", []),
    ("one over the threshold already", "A@9:10000.01 B@10:0.01", ["CTR-1"]),
    ("on two business days", "A@9:6000 B@33:6000", []),
    (
        "three in the band",
        "A@9:8000 B@20:8000 A@32.9:8000",
        ["CTR-1", "STR-1 day_in_parts", "STR-1 many_in_band"],
    ),
    ("two in the band, on two days", "A@9:8000 B@32.9:8000", []),
    ("the third a day after the first", "A@9:8000 B@33:8000 A@57:8000", []),
    ("one just below the band", "A@20:8000 B@30:7999.99 A@43.9:8000", ["CTR-1", "STR-1 day_in_parts"]),
    ("in three weeks running", "A@9:8000 B@177:8000 A@345:8000", ["STR-1 weekly"]),
    ("a week left out", "A@9:8000 B@177:8000 A@513:8000", []),
    ("three weeks of one customer", "A@9:8000 A@177:8000 A@345:8000", []),
]


@pytest.mark.parametrize(("name", "steps", "expected"), OUTCOMES, ids=[name for name, _, _ in OUTCOMES])
def test_rules_about_a_person_find_what_they_say(name: str, steps: str, expected: list[str]) -> None:
    """Thresholds are the customers' own; more than one customer is part of what is found."""
    handed: list[Handed] = []
    for seq, step in enumerate(steps.split(), start=1):
        owner, _, rest = step.partition("@")
        hour, _, amount = rest.partition(":")
        at = hours(float(hour))
        day = DAY + timedelta(days=int(float(hour) // 24))
        minor = parse_amount(amount, 2)
        handed.append(Handed(CashEvent(owner, "USD", "in", "posted", minor, at, day, 0, seq, 0), 2, True))
    found = find("P-1", handed, PERSON_RULES, ParameterBook(RULE_PARAMETERS), set())
    said = {f"{each.finding.rule} {each.finding.values.get('pattern', '')}".strip() for each in found}
    assert said == set(expected)
