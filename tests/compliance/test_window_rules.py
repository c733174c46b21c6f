"""The rules about windows at and around each of their thresholds."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.data.window_parameters import UNITS
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import RuleParameter
from services.compliance.rules import RULES, WINDOW_RULES, ben_1, document_of
from tests.compliance.tables import table
from tests.compliance.windows import BOOK, MONDAY, entries, findings_of

OUTCOMES = table("""
    rule   asset  entries                                                              finds
    STR-2  USD    +8000@0/a,+8000@40/b,+9999.99@95/c                                   payers=3
    STR-2  USD    +8000@0/a,+8000@40/b,+9999.99@96/c                                   -  # 4 days are over
    STR-2  USD    +8000@0/a,+8000@40/a,+9999.99@95/c                                   -  # two payers
    STR-2  USD    +7999.99@0/a,+8000@40/b,+9999.99@95/c                                -
    STR-2  USD    +8000@0/a,+8000@40/b,+10000@95/c                                     -  # not under it
    STR-2  USD    +8000@0,+8000@40/b,+9000@95/c                                        -  # nobody named
    RMF-1  USD    +5000@0,-4000@23                                                     hours=24
    RMF-1  USD    +5000@0,-3999.99@23                                                  -
    RMF-1  USD    +4999.99@0,-4999@23                                                  -
    RMF-1  USD    +5000@0,-4000@24                                                     hours=72
    RMF-1  USD    +5000@0,-4000@72                                                     -
    RMF-1  USD    -4000@0,+5000@1,-1@2                                                 -  # it went before
    RMF-1  USD    +5000@0,-2000@1,-2000@2                                              total=9000.00
    MIR-1  USD    +2000@0,-2000@23                                                     pattern=same
    MIR-1  USD    +2000@0,-2000@24                                                     -
    MIR-1  USD    +2000@0,-1980@23                                                     pattern=same
    MIR-1  USD    +2000@0,-1979.99@23                                                  -
    MIR-1  USD    +2000@0,-2020.01@23                                                  -
    MIR-1  USD    +2000@0,-1800@23                                                     pattern=less_commission
    MIR-1  USD    +2000@0,-1818@23                                                     pattern=less_commission
    MIR-1  USD    +2000@0,-1818.01@23                                                  -
    MIR-1  USD    +1000@0,-999.99@23                                                   -  # too small
    VEL-1  USD    10*-5@0.5,-5@1                                                       span=hour
    VEL-1  USD    9*-5@0.5,-5@1                                                        -
    VEL-1  USD    10*-5@0,-5@1                                                         -  # an hour is over
    VEL-1  USD    10*-5@0,10*-5@2,10*-5@4,-5@24                                        span=day
    VEL-1  USD    10*-5@0,10*-5@2,10*-5@4,-5@25                                        -
    VEL-2  USD    -20000@0                                                             -
    VEL-2  USD    -20000.01@0                                                          span=hour
    VEL-2  USD    -20000@0,+20000@2,-10000@4                                           -
    VEL-2  USD    -20000@0,+20000@2,-10000.01@4                                        span=day
    VEL-2  USD    5*-20000@0,-0.01@96                                                  span=week
    VEL-2  USD    5*-20000@0,-0.01@240                                                 -
    FAN-1  USD    +1000@0/a,+1000@1/b,+1000@2/c,+1000@3/d                              days=1
    FAN-1  USD    +1000@0/a,+1000@1/b,+1000@2/c                                        -
    FAN-1  USD    +1000@0/a,+1000@25/b,+1000@50/c,+1000@75/d,+1000@119/e               days=5
    FAN-1  USD    +1000@0/a,+1000@25/b,+1000@50/c,+1000@75/d,+1000@120/e               -
    FAN-1  USD    +1000@0/a,+1000@25/b,+1000@50/c,+1000@75/d,+1000@119/d               -  # four of them
    FAN-1  USD    +1000@0/a,-1000@1/b,-1000@2/c,+1000@3/d                              -  # both ways
    FAN-1  USD    +1000@-999/a,+1000@0/a,+1000@1/b,+1000@2/c,+1000@3/d                 -  # one is known
    FAN-2  USD    -1000@0/a,-1000@1/b,-1000@2/c,-1000@3/d                              counterparties=4
    FAN-1  USD    +999.99@0/a,+1000@1/b,+1000@2/c,+1000@3/d                            -  # one is too small
    GS-1   USD    +9@-9/d,+1500@0/a,+1500@1/b,+999@2/c,-1200@9/x,-1200@9/y,-1200@9/z   -
    FAN-2  USD    +1000@0/a,+1000@1/b,+1000@2/c,-1000@3/d                              -
    GS-1   USD    3*+1@-9,+1500@0/a,+1500@1/b,+1500@2/c,-1200@9/x,-1200@9/y,-1200@9/z  payees=3
    GS-1   USD    +1500@0/a,+1500@1/b,+1500@2/c,-1200@9/x,-1200@9/y,-1199.99@9/z       -
    GS-1   USD    +1500@0/a,+1500@1/b,+1500@2/c,-1200@9/x,-1200@9/y,-1200@216/z        -  # 9 days are over
    GS-1   USD    +1500@0/a,+1500@1/b,+1500@2/a,-1200@9/x,-1200@9/y,-1200@9/z          -  # two payers
    DOR-1  USD    open@0,-1000.01@2160                                                 pattern=dormant
    DOR-1  USD    open@0,-1000@2160                                                    -
    DOR-1  USD    open@0,-1000.01@2159                                                 -
    DOR-1  USD    +1@0,+1000.01@4320                                                   pattern=long
    DOR-1  USD    +1000.01@9999                                                        -  # not known before
    DEV-1  USD    5*-100@0,5*-120@1,-1000.01@2                                         history=10
    DEV-1  USD    5*-100@0,5*-120@1,-1000@2                                            -  # not over 1,000
    DEV-1  USD    5*-100@0,4*-120@1,-1000.01@2                                         -  # nine before
    DEV-1  USD    5*-1000@0,5*-1200@1,-3300.01@2                                       mean=1100.00
    DEV-1  USD    5*-1000@0,5*-1200@1,-3300@2                                          -  # 3 × the mean
    DEV-1  USD    5*-100@0,5*-9000@1,-14000@2                                          -  # 3 deviations
    GEO-1  USD    +3000@0/a/IR                                                         pattern=amount
    GEO-1  USD    +2999.99@0/a/IR                                                      -
    GEO-1  USD    +3000@0/a/DE                                                         -
    GEO-1  USD    +600@0/a/DE,-700@1/b/KP,+700@2/c/IR                                  -
    GEO-1  USD    +1290@0/a/DE,-1500@1/b/KP,+1510@2/c/IR                               pattern=share
    GEO-1  USD    +1300@0/a/DE,-1500@1/b/KP,+1510@2/c/IR                               -  # under 70 %
    RND-1  USD    +1000@0,+5000@5,+2000@719                                            count=3
    RND-1  USD    +1000@0,+5000@5,+2000@720                                            -
    RND-1  USD    +1000@0,-5000@5,+2000@9                                              -  # both ways
    RND-1  USD    +1000@0,+5000@5,+2000.01@9                                           -
    PAY-1  USD    -5000.01@0/a                                                         pattern=large
    PAY-1  USD    -5000@0/a                                                            -
    PAY-1  USD    -1@0/a,-5000.01@1/a                                                  -  # known
    PAY-1  USD    +5000.01@0/a                                                         -
    PAY-1  USD    -5000.01@0                                                           -  # nobody
    PAY-1  USD    3*-400@0/a,-1200.01@1/b                                              pattern=unusual
    PAY-1  USD    3*-400@0/a,-1200@1/b                                                 -
    PAY-1  USD    2*-400@0/a,-1200.01@1/b                                              -  # two before
    NEW-1  USD    open@0,+15000@1                                                      -
    NEW-1  USD    open@0,+15000@1,-0.01@719                                            age_days=29
    NEW-1  USD    open@0,+15000@1,-0.01@720                                            -
    NEW-1  USD    +15000.01@5                                                          age_days=0
    NEW-1  USD    +15000.01@5,-5@6                                                     -  # passed before
    SPL-1  USD    +200@0,3*-0.99@1,-157.63@2                                           count=3
    SPL-1  USD    +200@0,3*-0.99@1,-157.62@2                                           -  # of 197.03
    SPL-1  USD    +200@0,2*-0.99@1,-180@2                                              -
    SPL-1  USD    +200@0,3*-1@1,-180@2                                                 -
    SPL-1  USD    +100@0,3*-0.01@1,-99.97@2                                            -  # under 100
    SPL-1  USD    +200@0,3*-0.99@1,-180@169                                            -  # 7 days are over
    TRV-1  USD    -3000@0/a/DE/!debtor.account                                         count=1
    TRV-1  USD    -2999.99@0/a/DE/!debtor.account                                      -
    TRV-1  USD    -3000@0/a/DE                                                         -
    TRV-1  EUR    -0.01@0/a/DE/!debtor.account                                         count=1
    MA-1   USD    +9@0/~trade,-7@0.0163/~trade                                         pattern=seconds
    MA-1   USD    -7@0/~trade,+9@0.0163/~trade                                         pattern=seconds
    MA-1   USD    +9@0/~trade,-7@0.01667/~trade                                        -  # a minute is over
    MA-1   USD    +9@0/~trade,+7@0.0163/~trade                                         -  # one side
    MA-1   USD    +9@0/~trade,-7@0.0163                                                -  # it is not sold
    MA-1   USD    -7@0.05/~trade,+9@0/~trade                                           -
    MA-1   USD    -7@0.05/~trade,+3@0.1/~trade,+9@0.06/~trade                          count=2
    MA-1   USD    +50@0/~trade,-50@1/~trade,+50@2/~trade,-49@3/~trade                  pattern=flat
    MA-1   USD    +50@0/~trade,-50@1/~trade,+50@2/~trade,-48@3/~trade                  -
    MA-1   USD    +50@0/~trade,-25@1/~trade,-25@2/~trade                               -  # three
    MA-1   USD    +50@0/~trade,-50@1/~trade,+50@2/~trade,-50@24/~trade                 -
    BEN-1  USD    50*-5@0                                                              count=50
    BEN-1  USD    49*-5@0                                                              -
    BEN-1  USD    25*-5@0,25*-5@719                                                    count=50
    BEN-1  USD    25*-5@0,25*-5@720                                                    -  # 30 days are over
""")


def test_every_rule_has_an_example_in_its_page():
    """The reference is made of the rules' own words."""
    examples = {rule.code: document_of(rule).partition("\nExample: ")[2] for rule in RULES}
    assert [
        code
        for code, said in examples.items()
        if not {"found", "Found", "held"} & {*re.findall(r"\w+", said)}
    ] == []


@pytest.mark.parametrize("row", OUTCOMES, ids=lambda row: f"{row['rule']}:{row['entries']}")
def test_a_window_rule_finds_at_its_threshold_and_not_below(row: dict[str, str]):
    """The source of each figure is with the rule's parameters; the last entry is the one judged."""
    found = findings_of(entries(row["entries"], row["asset"])).get(row["rule"])
    if row["finds"] == "-":
        assert found is None
        return
    assert found is not None
    name, value = row["finds"].split("=")
    assert str(found.values[name]) == value


def test_amounts_that_follow_the_first_digit_law_are_not_found():
    """Σ o²/e - n is nearly 0 where the digits come as they should."""
    usual = [digit for digit, share in enumerate(ben_1.SHARES, start=1) for _ in range(share // 10_000)]
    assert len(usual) == 95
    lawful = ",".join(f"-{digit}7.11@{hour}" for hour, digit in enumerate([*usual, 1, 1, 2, 2, 3]))
    assert "BEN-1" not in findings_of(entries(lawful))
    assert "BEN-1" in findings_of(entries(",".join(50 * ["-97@1"])))


def test_every_window_rule_is_in_the_table_with_and_without_a_finding():
    """A threshold is tested from both sides."""
    sides = {(row["rule"], row["finds"] != "-") for row in OUTCOMES}
    assert sides == {(rule.code, side) for rule in WINDOW_RULES for side in (True, False)}


def test_a_finding_tells_the_events_and_their_sum():
    """It must be enough to explain and to repeat the decision, and names nobody."""
    found = findings_of(entries("+5000@0/ann,-4000@23/bob"))["RMF-1"]
    assert found.values == {
        "asset": "USD",
        "business_date": "2026-03-02",
        "count": 2,
        "total": "9000.00",
        "events": ["0-1", "0-2"],
        "hours": 24,
    }
    assert found.sentence == "80 % of what came in went out again within 24 hours."


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("STR-2", {"days": 31}),
    ("RMF-1", {"hours": []}),
    ("RMF-1", {"hours": [24, 721]}),
    ("MIR-1", {"hours": 0}),
    ("FAN-1", {"steps": []}),
    ("FAN-2", {"steps": [[31, 3]]}),
    ("GS-1", {"days": 0}),
    ("GEO-1", {"countries": ["Iran"]}),
    ("GEO-1", {"days": 31}),
    ("RND-1", {"multiple": "-1"}),
    ("NEW-1", {"days": 31}),
    ("SPL-1", {"days": 31}),
    ("MA-1", {"seconds": 0}),
    ("MA-1", {"hours": 721}),
]


@pytest.mark.parametrize(("rule", "change"), WRONG, ids=str)
def test_parameters_that_a_window_cannot_answer_are_refused(rule: str, change: dict[str, Any]):
    """Looking back farther than the log reaches would find too little, silently."""
    [reader] = [each for each in WINDOW_RULES if each.code == rule]
    row = next(each for each in RULE_PARAMETERS if each.rule == rule)
    with pytest.raises(ValueError):
        reader.read_parameters(replace(row, values={**row.values, **change}), 2)


def test_lists_of_countries_change_on_their_day():
    """Nepal has been on FATF's list since 21 February 2025, Croatia not any more since 13 June 2025."""
    listed = {
        (day, code): code in getattr(BOOK.choose("GEO-1", "EUR", day), "values")["countries"]  # noqa: B009
        for day in (date(2025, 2, 20), date(2025, 2, 21), date(2025, 6, 12), date(2025, 6, 13))
        for code in ("NP", "HR")
    }
    assert [day.isoformat() for (day, code), is_on in listed.items() if is_on and code == "NP"] == [
        "2025-02-21",
        "2025-06-12",
        "2025-06-13",
    ]
    assert [day.isoformat() for (day, code), is_on in listed.items() if is_on and code == "HR"] == [
        "2025-02-21",
        "2025-06-12",
    ]


def test_parameters_meant_for_a_customer_come_before_those_for_all():
    """By asset, then by segment, then by jurisdiction, then the highest version."""

    def row(version: int, asset: str, segment: str, jurisdiction: str) -> RuleParameter:
        """Make a row that says which it is."""
        values = {"over": str(version)}
        return RuleParameter("NEW-1", version, asset, values, MONDAY, None, "x", segment, jurisdiction)

    book = ParameterBook(
        [
            row(1, "*", "*", "*"),
            row(2, "*", "*", "DE"),
            row(3, "*", "person", "*"),
            row(4, "*", "person", "DE"),
            row(5, "EUR", "*", "*"),
        ]
    )
    asked = [("USD", "", ""), ("USD", "", "DE"), ("USD", "person", "FR"), ("USD", "person", "DE"),
             ("EUR", "person", "DE")]  # fmt: skip
    chosen = [book.choose("NEW-1", asset, MONDAY, *who) for asset, *who in asked]
    assert [each.version if each else None for each in chosen] == [1, 2, 3, 4, 5]


def test_a_segment_of_its_own_changes_what_is_found():
    """Who the customer is comes with the account's opening."""
    [own] = [each for each in RULE_PARAMETERS if (each.rule, each.asset) == ("NEW-1", "*")]
    closer = replace(own, version=2, segment="organisation", values={"days": 30, "over": "99999"})
    book = ParameterBook([*RULE_PARAMETERS, closer])
    made = entries("open@0,+15000.01@1")
    opened = msgspec.structs.replace(made[0], segment="organisation")
    assert "NEW-1" in findings_of(made, book)
    assert "NEW-1" not in findings_of([opened, made[1]], book)


ORGANISATIONS = table("""
    rule   entries                                          finds
    VEL-1  11*-5@1                                          span=hour
    VEL-1  6*-5@1,5*-5@2.5                                  -
    VEL-1  2600*-5@1,11*-5@300                              span=hour
    VEL-1  2640*-5@1,11*-5@300                              -  # 11 · 720 < 3 · 2,651
    VEL-1  10*-5@1,10*-5@3,11*-5@5.9,-5@7                   span=day
    VEL-1  280*-5@1,8*-5@300,8*-5@302,8*-5@304,8*-5@306     span=day
    VEL-1  310*-5@1,8*-5@300,8*-5@302,8*-5@304,8*-5@306     -  # 32 · 30 < 3 · 342
    VEL-1  400*-5@1,10*-5@300                               -  # no limit for a month
    VEL-2  -100000.01@0                                     span=week
    VEL-2  -100000@0                                        -
    VEL-2  -42000@0,-100000.01@300                          span=week
    VEL-2  -44000@0,-100000.01@300                          -  # less than 70 % of the month
    BEN-1  50*-5@0                                          -  # prices are set
""")


@pytest.mark.parametrize("row", ORGANISATIONS, ids=lambda row: f"{row['rule']}:{row['entries']}")
def test_an_organisation_is_held_against_its_own_month(row: dict[str, str]):
    """Trade is many transactions: what is much for a person is an hour's business for a shop."""
    opening = msgspec.structs.replace(entries("open@0")[0], segment="organisation")
    found = findings_of([opening, *entries(row["entries"])]).get(row["rule"])
    assert (row["finds"] == "-") == (found is None)
    if found is not None:
        assert f"span={found.values['span']}" == row["finds"]


def test_a_row_without_values_says_that_the_rule_is_not_in_force():
    """Switching a rule off for some is a decision with a date and a source, as any other parameter."""
    assert BOOK.choose("BEN-1", "EUR", MONDAY, "organisation") is None
    assert BOOK.choose("BEN-1", "EUR", MONDAY, "person") is not None


def test_amounts_are_those_of_the_asset():
    """10,000 of a unit worth a cent is nothing: the country's own threshold is the measure."""
    for asset, (units, law) in UNITS.items():
        for rule in WINDOW_RULES:
            row, own = BOOK.choose(rule.code, "USD", MONDAY), BOOK.choose(rule.code, asset, MONDAY)
            assert row is not None
            assert own is not None
            amounts = {name for name, value in row.values.items() if isinstance(value, str)}
            assert (own.asset == asset) == bool(amounts)
            if not amounts:
                continue
            assert law in own.source
            ratios = {
                Decimal(own.values[name]) / Decimal(row.values[name]) for name in amounts - {"multiple"}
            }
            assert ratios <= {units}
            rest = row.values.keys() - amounts
            assert {name: own.values[name] for name in rest} == {name: row.values[name] for name in rest}
    assert "RND-1" in findings_of(entries("+10000@0,+20000@1,+30000@2", "CZK"))
    assert "RND-1" not in findings_of(entries("+1000@0,+2000@1,+3000@2", "CZK"))
