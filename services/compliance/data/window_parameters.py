"""The parameters in the box of the rules about windows, each with the source of its values.

Figures that no law gives say so: they are where a firm begins, and sets its own by segment and country.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.compliance.domain.rule import ANY_ASSET, RuleParameter

_SINCE: Final = date(1970, 1, 1)
"""Valid for imported history too."""
_FFIEC: Final = "FFIEC BSA/AML examination manual, appendix F"
_NO_LAW: Final = "; no law gives the figure: a firm sets its own"
_CAPACITY: Final = f"{_NO_LAW}; alerts a day: what its people can look at"
_LEAST: Final = "FATF recommendation 16 for the smallest amount; no law gives the counts"
_OWN_MEAN: Final = "; three times the customer's own mean, as DEV-1"
_SETS_PRICES: Final = (
    "Durtschi, Hillison and Pacini, The Effective Use of Benford's Law (2004): not for prices"
)
_PATTERNS: Final = "Altman et al., Realistic Synthetic Financial Transactions for AML Models (NeurIPS 2023)"

JAPAN: Final = "Act on Prevention of Transfer of Criminal Proceeds, order art. 7: over ¥2,000,000 in cash"
KOREA: Final = "FTRA, decree art. 8-2: ₩10,000,000 and more in cash a day"
INDIA: Final = "PML (Maintenance of Records) Rules 2005, rule 3(1)(A): over ₹1,000,000 in cash"
CZECHIA: Final = "Act No. 254/2004 Coll., § 4: no payments in cash over CZK 270,000"
UNITS: Final = {"JPY": (200, JAPAN), "KRW": (1000, KOREA), "INR": (100, INDIA), "CZK": (27, CZECHIA)}
"""How many times 10,000 the country's own threshold for cash is, where a unit is worth far less."""

_CALL_FOR_ACTION: Final = ["IR", "KP"]
_WITH_MYANMAR: Final = [*_CALL_FOR_ACTION, "MM"]
_GREY_FEBRUARY_2025: Final = [
    "AO", "BF", "BG", "CD", "CI", "CM", "DZ", "HR", "HT", "KE", "LA", "LB", "MC", "ML", "MZ", "NA", "NG",
    "NP", "SS", "SY", "TZ", "VE", "VN", "YE", "ZA",
]  # fmt: skip
_GREY_JUNE_2025: Final = sorted({*_GREY_FEBRUARY_2025, "BO", "VG"} - {"HR", "ML", "TZ"})
_GREY_OCTOBER_2025: Final = sorted(set(_GREY_JUNE_2025) - {"BF", "MZ", "NG", "ZA"})

# Version, from, until, countries, what FATF said.
FATF_COUNTRIES: Final = (
    (1, _SINCE, date(2022, 10, 21), _CALL_FOR_ACTION, "call for action of February 2020"),
    (2, date(2022, 10, 21), date(2025, 2, 21), _WITH_MYANMAR, "call for action of October 2022"),
    (
        3,
        date(2025, 2, 21),
        date(2025, 6, 13),
        [*_WITH_MYANMAR, *_GREY_FEBRUARY_2025],
        "lists of February 2025",
    ),
    (4, date(2025, 6, 13), date(2025, 10, 24), [*_WITH_MYANMAR, *_GREY_JUNE_2025], "lists of June 2025"),
    (5, date(2025, 10, 24), None, [*_WITH_MYANMAR, *_GREY_OCTOBER_2025], "lists of October 2025"),
)


def _row(rule: str, values: dict[str, Any], source: str, asset: str = ANY_ASSET) -> RuleParameter:
    return RuleParameter(rule, 1, asset, values, _SINCE, None, source)


def _organisations(rule: str, values: dict[str, Any], source: str) -> RuleParameter:
    return RuleParameter(rule, 1, ANY_ASSET, values, _SINCE, None, source, segment="organisation")


_FOR_ANY_ASSET: Final[tuple[RuleParameter, ...]] = (
    _row(
        "STR-2",
        {"band_from": "8000", "band_below": "10000", "payers": 3, "days": 4, "cooldown_days": 4},
        "31 CFR 1010.314; FFIEC BSA/AML examination manual, appendix G (structuring through others)",
    ),
    _row("RMF-1", {"hours": [24, 72], "percent": 80, "in_min": "5000", "cooldown_days": 3}, _FFIEC + _NO_LAW),
    _row(
        "MIR-1",
        {"hours": 24, "tolerance_percent": 1, "commission_percent": 10, "amount_min": "1000"},
        "FATF, Professional Money Laundering (2018); FATF recommendation 16 for the smallest amount",
    ),
    _row("VEL-1", {"hour": 10, "day": 30, "week": 100, "month": 300, "cooldown_days": 7}, _FFIEC + _NO_LAW),
    _organisations(
        "VEL-1",
        {"hour": 10, "day": 30, "week": 100, "month": None, "times": 3, "cooldown_days": 7},
        _FFIEC + _OWN_MEAN + _NO_LAW,
    ),
    _row(
        "VEL-2",
        {"hour": "20000", "day": "50000", "week": "100000", "month": "200000", "cooldown_days": 7},
        _FFIEC + _NO_LAW,
    ),
    _organisations(
        "VEL-2",
        {"hour": None, "day": None, "week": "100000", "month": None, "times": 3, "cooldown_days": 7},
        _FFIEC + _OWN_MEAN + _NO_LAW,
    ),
    *(
        _row(
            rule,
            {"steps": [[1, 4], [5, 5]], "amount_min": "1000", "cooldown_days": 5},
            f"{_FFIEC}; {_PATTERNS}; {_LEAST}",
        )
        for rule in ("FAN-1", "FAN-2")
    ),
    _row(
        "GS-1",
        {"payers": 3, "payees": 3, "days": 9, "percent": 20, "amount_min": "1000", "cooldown_days": 9},
        f"{_PATTERNS}; {_LEAST}",
    ),
    _row("DOR-1", {"days": 90, "long_days": 180, "over": "1000"}, _FFIEC + _NO_LAW),
    _row(
        "DEV-1",
        {"deviations": 3, "count": 10, "times": 3, "over": "1000"},
        f"{_FFIEC}; three standard deviations as in Shewhart's control charts{_NO_LAW}",
    ),
    *(
        RuleParameter(
            "GEO-1",
            version,
            ANY_ASSET,
            {"countries": countries, "amount_min": "3000", "percent": 70, "days": 30},
            since,
            until,
            f"FATF, {words}; 31 CFR 1010.410(f) for the amount",
        )
        for version, since, until, countries, words in FATF_COUNTRIES
    ),
    _row("RND-1", {"multiple": "1000", "count": 3, "days": 30, "cooldown_days": 30}, _FFIEC + _NO_LAW),
    _row(
        "PAY-1",
        {"over": "5000", "times": 3, "times_over": "1000", "count": 3},
        f"FATF, Professional Money Laundering (2018){_NO_LAW}",
    ),
    _row(
        "NEW-1",
        {"days": 30, "over": "15000"},
        f"{_FFIEC}; Directive (EU) 2015/849, article 11(b), for the amount",
    ),
    _row(
        "SPL-1",
        {"tiny_below": "1", "count": 3, "days": 7, "percent": 80, "amount_min": "100"},
        f"card schemes' guidance on account testing{_NO_LAW}",
    ),
    _row("TRV-1", {"amount_min": "3000"}, "31 CFR 1010.410(f); FATF recommendation 16"),
    _row("TRV-1", {"amount_min": None}, "Regulation (EU) 2023/1113, articles 4 and 7", "EUR"),
    _row(
        "MA-1",
        {"seconds": 60, "hours": 24, "count": 4, "net_percent": 1},
        f"Delegated Regulation (EU) 2016/522, annex II, section 1, point 3(a), for the pattern{_NO_LAW}",
    ),
    _row(
        "BEN-1",
        {"count": 50, "over_thousandths": 15507, "cooldown_days": 30},
        "Nigrini, Benford's Law (2012); χ² table, 8 degrees of freedom, 5 %",
    ),
    _organisations("BEN-1", {}, _SETS_PRICES),
    _row(
        "CYC-1",
        {
            "hops_min": 3,
            "hops_max": 6,
            "days": 5,
            "percent": 60,
            "new_percent": 90,
            "amount_min": "1000",
            "alerts_a_day": 50,
        },
        _PATTERNS + _CAPACITY,
    ),
    _row(
        "STK-1",
        {
            "layers": 3,
            "days": 5,
            "percent": 80,
            "new_percent": 90,
            "amount_min": "1000",
            "alerts_a_day": 50,
        },
        _PATTERNS + _CAPACITY,
    ),
    _row(
        "DEV-2",
        {
            "days": 30,
            "times": 2,
            "spreads": 5,
            "peers_min": 30,
            "young_days": 30,
            "amount_min": "15000",
            "alerts_a_day": 50,
        },
        f"{_FFIEC}; Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), for the distance; "
        f"Directive (EU) 2015/849, article 11(b), for the smallest amount{_CAPACITY}",
    ),
)


def _in_units_of(asset: str, units: int, law: str) -> Iterator[RuleParameter]:
    """Rows of an asset: every amount as many times larger as the law's threshold is over 10,000."""
    for row in _FOR_ANY_ASSET:
        amounts = {name: _times(name, value, units) for name, value in row.values.items()}
        if row.asset == ANY_ASSET and amounts != row.values:
            yield replace(row, asset=asset, values=amounts, source=f"{row.source}; scaled to {law}")


def _times(name: str, value: Any, units: int) -> Any:
    if not isinstance(value, str):
        return value
    if name == "multiple":  # a round amount is a power of ten
        units = 10 ** (len(str(units)) - 1)
    return str(Decimal(value) * units)


WINDOW_PARAMETERS: Final[tuple[RuleParameter, ...]] = (
    *_FOR_ANY_ASSET,
    *(row for asset, (units, law) in UNITS.items() for row in _in_units_of(asset, units, law)),
)
