"""The rules' parameters in the box, each with the source of its values.

Amounts are decimal strings of the asset. A new version is a new row; rows are never edited.
"""

from datetime import date
from typing import Final

from services.compliance.data.window_parameters import (
    CZECHIA,
    FATF_COUNTRIES,
    INDIA,
    JAPAN,
    KOREA,
    WINDOW_PARAMETERS,
)
from services.compliance.domain.rule import ANY_ASSET, RuleParameter

_LAW: Final = "31 CFR 1010.311, 1010.313: more than $10,000 in currency in one business day"
_STRUCTURING: Final = "31 CFR 1010.314; FFIEC BSA/AML examination manual, appendix G (structuring)"
_OWN_UNITS: Final = "; the same figure in the asset's own units unless a row for it says otherwise"
_SINCE: Final = date(1970, 1, 1)
"""Valid for imported history too."""
_TEN_YEARS_SINCE: Final = date(2025, 3, 12)
_KEPT: Final = (
    "31 CFR 1010.430(d), 1020.320(d), 1010.306(a)(2): five years from the record, the report's filing or the"
    " currency report; Regulation (EU) 2024/1624, article 77(3), before 2027-07-10 Directive (EU) 2015/849,"
    " article 40(1): five years from the end of the relationship; Delegated Regulation (EU) 2016/957,"
    " article 3(8): five years for what became of a suspicion of market abuse; 31 CFR 501.601: "
)


def _retention(version: int, sanctions: int, since: date, until: date | None, law: str) -> RuleParameter:
    years = {"aml_years": 5, "sanctions_years": sanctions, "filing_years": 5, "years_from_end": 5}
    return RuleParameter("RETENTION", version, ANY_ASSET, years, since, until, _KEPT + law)


def _cash(
    asset: str, over: str, band_from: str, law: str, structuring: str
) -> tuple[RuleParameter, RuleParameter]:
    """The threshold, and the band under it that structuring keeps to."""
    reportable = RuleParameter("CTR-1", 1, asset, {"over": over}, _SINCE, None, law)
    values = {
        "band_from": band_from,
        "band_below": over,
        "over": over,
        "count": 3,
        "hours": 24,
        "weeks": 3,
        "hold_hours": 24,
    }
    return reportable, RuleParameter("STR-1", 1, asset, values, _SINCE, None, structuring)


def _scaled(law: str) -> str:
    return f"{_STRUCTURING}; scaled to the threshold of {law}"


RULE_PARAMETERS: Final[tuple[RuleParameter, ...]] = (
    *_cash(ANY_ASSET, "10000", "8000", _LAW + _OWN_UNITS, _STRUCTURING + _OWN_UNITS),
    *_cash("JPY", "2000000", "1600000", JAPAN, _scaled(JAPAN)),
    *_cash("KRW", "9999999", "8000000", KOREA, _scaled(KOREA)),
    *_cash("INR", "1000000", "800000", INDIA, _scaled(INDIA)),
    *_cash("CZK", "270000", "216000", CZECHIA, _scaled(CZECHIA)),
    RuleParameter(
        "SAN-1",
        1,
        ANY_ASSET,
        {
            "hold_hours": 24,
            "alert_at": "0.70",
            "hold_at": "0.85",
            "whitelist_days_max": 365,
            "list_days_max": {"*": 1, "DEMO": None},
            "when_outdated": "mark",
        },
        _SINCE,
        None,
        "one business day to look at a match; 31 CFR 501.603, 501.604: report within 10 business days;"
        " lists read daily: Regulation (EU) 260/2012, article 5d(1); the made-up list has no publisher",
    ),
    *WINDOW_PARAMETERS,
    _retention(1, 5, _SINCE, _TEN_YEARS_SINCE, "five years"),
    _retention(2, 10, _TEN_YEARS_SINCE, None, "ten years (89 FR 74832, from 2025-03-12; 90 FR 13286)"),
    RuleParameter(
        "SNOOZE",
        1,
        ANY_ASSET,
        {"days_max": 90},
        _SINCE,
        None,
        "FinCEN, SAR electronic filing instructions: activity that goes on is looked at again after 90 days",
    ),
    *(
        RuleParameter(
            "RATING",
            version,
            ANY_ASSET,
            {"high": countries},
            since,
            until,
            f"FATF, {words}; recommendation 19; Directive (EU) 2015/849, article 18a: enhanced diligence",
        )
        for version, since, until, countries, words in FATF_COUNTRIES
    ),
    RuleParameter(
        "CASE",
        1,
        ANY_ASSET,
        {
            "suspicion_days": 30,
            "unknown_suspect_days": 60,
            "review_days": 90,
            "continuing_days": 120,
            "cash_report_days": 15,
            "market_abuse_days": 1,
        },
        _SINCE,
        None,
        "31 CFR 1020.320(b)(3): 30 days from detection, 60 where no suspect is known;"
        " FinCEN's SAR instructions: review after 90 days, report of continuing activity after 120;"
        " 31 CFR 1010.306(a)(1): currency within 15 days; Regulation (EU) 596/2014, article 16(1) and (2),"
        " and Delegated Regulation (EU) 2016/957, article 6(1): market abuse without delay, and a day is the"
        " shortest time that a case can have",
    ),
)
