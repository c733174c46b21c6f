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
        },
        _SINCE,
        None,
        "31 CFR 1020.320(b)(3): 30 days from detection, 60 where no suspect is known;"
        " FinCEN's SAR instructions: review after 90 days, report of continuing activity after 120;"
        " 31 CFR 1010.306(a)(1): currency within 15 days",
    ),
)
