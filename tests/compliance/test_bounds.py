"""What a rule's parameters may be: each rule says its own bounds, and nothing beyond them is read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain import bounds
from services.compliance.domain.countries import COUNTRIES
from services.compliance.domain.lists.facts import country_from
from services.compliance.domain.rule import Rule, RuleParameter, bounds_of
from services.compliance.handlers.rule_changes import check_parameters
from services.compliance.rules import RULES
from shared import assets
from shared.money import SCALE_MAX

EVERYWHERE: list[tuple[Rule, str]] = [(rule, name) for rule in RULES for name in bounds_of(rule)]
NONSENSE: list[Any] = [0, -1, 101.5, True, "", "many", "-1", "1e3", [], [0], [[1]], {}, {"*": -1}, 10**9]


def row_of(rule: Rule) -> RuleParameter:
    """What comes with the product for a rule, with all that it may say."""
    row = next(each for each in RULE_PARAMETERS if each.rule == rule.code and each.values)
    return replace(row, values=dict(row.values))


@pytest.mark.parametrize("scale", range(SCALE_MAX + 1))
def test_what_is_in_the_box_is_read_for_an_asset_of_any_decimals(scale: int) -> None:
    """Beyond 64 bits an amount is one that nobody can pass; a row that cannot be read would halt a shard."""
    for row in RULE_PARAMETERS:
        check_parameters(row, scale)


@pytest.mark.parametrize(("rule", "name"), EVERYWHERE, ids=lambda each: getattr(each, "code", each))
def test_no_value_of_any_rule_is_read_that_makes_no_sense(rule: Rule, name: str) -> None:
    """Wrong in kind or beyond its bounds: refused with the value's name, or read as what it says."""
    bound, row = bounds_of(rule)[name], row_of(rule)
    for value in NONSENSE:
        if value == 0 and "from 0" in bound.words:
            continue
        with pytest.raises(bounds.ValueWrongError) as refused:
            check_parameters(replace(row, values={**row.values, name: value}), 2)
        assert refused.value.name == name, (value, str(refused.value))
        assert refused.value.allowed == bound.words


@pytest.mark.parametrize(("rule", "name"), EVERYWHERE, ids=lambda each: getattr(each, "code", each))
def test_what_is_refused_is_told_in_few_words_however_long_it_is(rule: Rule, name: str) -> None:
    """An answer that does not fit into its topic would be sent again for ever, and nothing after it."""
    row, long = row_of(rule), "\\" * 400_000
    for values in ({long: 1}, {name: long}, {name: [long]}, {name: [[long, long]]}, {name: {"*": long}}):
        with pytest.raises(bounds.ValueWrongError) as refused:
            check_parameters(replace(row, values={**row.values, **values}), 2)
        assert len(refused.value.name) <= bounds.BRIEF_CHARACTERS + 1
        assert len(str(refused.value)) < 2_000


@pytest.mark.parametrize(("rule", "name"), EVERYWHERE, ids=lambda each: getattr(each, "code", each))
def test_a_value_is_there_or_may_be_left_out(rule: Rule, name: str) -> None:
    """What is missing is named, with what it may be."""
    bound, row = bounds_of(rule)[name], row_of(rule)
    without = replace(row, values={each: value for each, value in row.values.items() if each != name})
    if bound.default is not bounds.REQUIRED or not without.values:  # none at all: not in force
        check_parameters(without, 2)
        return
    with pytest.raises(bounds.ValueWrongError, match=f"^{name} is missing: "):
        check_parameters(without, 2)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_value_in_the_box_is_one_that_its_rule_names(rule: Rule) -> None:
    """A name that nobody reads would look like a setting."""
    for row in RULE_PARAMETERS:
        if row.rule == rule.code:
            assert row.values.keys() <= bounds_of(rule).keys()
    with pytest.raises(bounds.ValueUnknownError, match="has no ovr; it has "):
        check_parameters(replace(row_of(rule), values={**row_of(rule).values, "ovr": 1}), 2)


@given(st.integers(-10, 10), st.integers(-10, 10), st.integers(-12, 12))
def test_a_count_is_read_from_its_least_to_its_most(least: int, most: int, value: int) -> None:
    """Both ends belong to it."""
    read = bounds.count(least, most).read
    if least <= value <= most:
        assert read(value, 0) == value
    else:
        with pytest.raises(ValueError):
            read(value, 0)


def test_countries_are_those_of_iso_3166() -> None:
    """249 are assigned; one more is the users' own."""
    assert len(COUNTRIES) == 250
    assert {"DE", "US", "XK"} < COUNTRIES
    assert not COUNTRIES & {"ZZ", "XX", "AA", "EU", "UK", "SU"}


def test_every_country_is_known_by_its_code_wherever_one_is_read() -> None:
    """Greenland's and Puerto Rico's too, of whose names lists of publishers say nothing."""
    assert {country_from(code.lower()) for code in COUNTRIES} == COUNTRIES
    assert country_from("ZZ") == ""


def test_assets_have_the_decimals_of_iso_4217() -> None:
    """By which the amounts of a version for one asset are read."""
    scales = {code: assets.scale_of(code) for code in ("EUR", "JPY", "BHD", "CLF", "EURO")}
    assert scales == {"EUR": 2, "JPY": 0, "BHD": 3, "CLF": 4, "EURO": None}
