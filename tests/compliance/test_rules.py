"""The rules at and around each of their thresholds."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.cash import CashEvent, CashLog, Direction, OwnerHistory, Reach
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.rule import CashRule, RuleParameter
from services.compliance.rules import LOOKBACK, RULES, ctr_1, str_1
from shared.money import format_amount, parse_amount
from tests.compliance.tables import table

BOOK = ParameterBook(RULE_PARAMETERS)
MONDAY = date(2026, 3, 2)
SCALES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


def event(words: str, asset: str, seq: int) -> CashEvent:
    """Read `in:9000:day:hour`: direction, amount, days after Monday, hours after its midnight."""
    direction, amount, day, hour = words.split(":")
    way: Direction = "in" if direction == "in" else "out"
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=float(hour))
    booked = MONDAY + timedelta(days=int(day))
    return CashEvent("C1", asset, way, "posted", parse_amount(amount, SCALES[asset]), at, booked, 0, seq, 0)


def last_finding(rule: CashRule, history: str, asset: str, now: str):
    """Let a rule judge one event after others."""
    log = CashLog()
    before = [] if history == "-" else history.split(",")
    for seq, words in enumerate(before, start=1):
        log.add(event(words, asset, seq))
    judged = event(now, asset, len(before) + 1)
    parameters = BOOK.read(rule, asset, judged.booking_date, SCALES[asset])
    return rule.evaluate(log, judged, parameters)


REPORTABLE = table("""
    asset  history                            now               total
    USD    -                                  in:10000.00:0:9   -          # not over
    USD    -                                  in:10000.01:0:9   10000.01
    USD    in:9000:0:8                        in:1000.00:0:9    -
    USD    in:9000:0:8                        in:1000.01:0:9    10000.01
    USD    in:9000:0:8                        out:9000:0:9      -          # in and out each for itself
    USD    in:9000:0:8,out:5000:0:8           in:9000:0:9       18000.00
    USD    in:9000:1:8                        in:9000:0:9       -          # another business day
    USD    in:9000:0:-50                      in:9000:0:90      18000.00   # the books' day, not the clock's
    USD    in:12000:0:8                       in:1:0:9          12001.00   # every later one of the day too
    JPY    -                                  in:2000000:0:9    -
    JPY    -                                  in:2000001:0:9    2000001
    KWD    -                                  in:10000.001:0:9  10000.001  # three decimals
""")


@pytest.mark.parametrize("row", REPORTABLE, ids=lambda row: f"{row['history']}+{row['now']}")
def test_cash_over_ten_thousand_in_a_business_day_is_reportable(row: dict[str, str]):
    """31 CFR 1010.311 and 1010.313: more than, in one business day, cash in and cash out apart."""
    finding = last_finding(ctr_1.RULE, row["history"], row["asset"], row["now"])
    assert (finding.values["total"] if finding else "-") == row["total"]


STRUCTURED = table("""
    asset  history                              now                pattern
    USD    -                                    in:9999.99:0:9     -
    USD    in:9000:-9:-216,in:9000:-8:-192      in:9000:0:9        -              # one other week only
    USD    in:8000:1:30,in:8000:0:8             in:8000:2:31       many_in_band   # 8 to 31: under 24 hours
    USD    in:8000:1:32,in:8000:0:8             in:8000:2:32       -              # 8 to 32: 24 hours
    USD    in:8000:1:24,in:8000:0:8             in:7999.99:2:25    -              # under the band
    USD    in:8000:1:24,in:7999.99:0:8          in:8000:2:25       -
    USD    in:9999.99:1:24,in:9999.99:0:8       in:9999.99:2:25    many_in_band
    USD    in:9999.99:1:24,in:10000:0:8         in:9999.99:2:25    -              # above the band
    USD    in:9000:1:24,out:9000:0:8            in:9000:2:25       many_in_band   # in and out together
    USD    in:9000:0:8,in:9000:2:25             in:9000:1:16       many_in_band   # came late, between
    USD    in:9000:2:60,in:9000:1:38            in:9000:0:37       many_in_band   # came late, before both
    USD    in:5000:0:8                          in:5000.00:0:9     -
    USD    in:5000:0:8                          in:5000.01:0:9     day_in_parts
    USD    in:5000:0:8                          out:5000.01:0:9    -              # in and out apart
    USD    in:5000:1:24                         in:5000.01:0:9     -              # another business day
    USD    in:10000.01:0:8                      in:1:0:9           -              # the first was reportable
    USD    in:10000:0:8                         in:0.01:0:9        day_in_parts   # 10,000 itself is not over
    USD    -                                    in:10000.01:0:9    -              # over: CTR-1's matter
    USD    in:9000:-14:-336,in:9000:-7:-168     in:9000:0:9        weekly
    USD    in:9000:-15:-360,in:9000:-7:-168     in:9000:0:9        -              # a week is missing
    USD    in:9000:-8:-192,in:9000:-1:-24       in:9000:0:9        weekly         # Sundays of both weeks
    USD    in:9000:-7:-168,in:9000:7:168        in:9000:0:9        weekly         # came late, in the middle
    USD    in:9000:-14:-336,in:9000:-7:-168     in:7999:0:9        -
    JPY    in:1600000:1:24,in:1600000:0:8       in:1999999:2:25    many_in_band
    JPY    in:1599999:1:24,in:1600000:0:8       in:1999999:2:25    -
""")


@pytest.mark.parametrize("row", STRUCTURED, ids=lambda row: f"{row['history']}+{row['now']}")
def test_cash_kept_under_the_threshold_is_structuring(row: dict[str, str]):
    """31 CFR 1010.314: sums broken into parts, by event time, by business day, by week."""
    finding = last_finding(str_1.RULE, row["history"], row["asset"], row["now"])
    assert (finding.values["pattern"] if finding else "-") == row["pattern"]


def test_a_finding_gives_amounts_as_decimal_strings_and_names_the_events():
    """It must be enough to explain and to repeat the decision."""
    finding = last_finding(ctr_1.RULE, "in:9000:0:8", "USD", "in:1000.01:0:9")
    assert finding is not None
    assert finding.values == {
        "asset": "USD",
        "direction": "in",
        "business_date": "2026-03-02",
        "total": "10000.01",
        "over": "10000.00",
        "count": 2,
        "events": ["0-1", "0-2"],
    }
    assert finding.sentence == "Cash in of 10000.01 USD on 2026-03-02 is over 10000.00."


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_parameters_for_every_asset_and_their_source(rule: object):
    """A number of law is data with a source, and a currency without a row must not be a hole."""
    row = BOOK.choose(getattr(rule, "code"), "XTS", date(1993, 1, 1))  # noqa: B009 - of either kind of rule
    assert row is not None
    assert row.source
    if isinstance(rule, CashRule):
        rule.read_parameters(row, 0)
    assert getattr(rule, "title")  # noqa: B009


def test_parameters_change_on_a_business_day_and_the_assets_own_come_first():
    """A change takes effect by the books' day, so that a replay takes the same version."""
    old = RuleParameter("CTR-1", 1, "*", {"over": "10000"}, date(2020, 1, 1), date(2026, 1, 1), "law")
    new = RuleParameter("CTR-1", 2, "*", {"over": "5000"}, date(2026, 1, 1), None, "law")
    own = RuleParameter("CTR-1", 1, "CHF", {"over": "15000"}, date(2025, 1, 1), None, "law")
    book = ParameterBook([old, new, own])
    chosen = {
        ("USD", date(2019, 12, 31)): None,
        ("USD", date(2025, 12, 31)): old,
        ("USD", date(2026, 1, 1)): new,
        ("CHF", date(2026, 1, 1)): own,
        ("CHF", date(2024, 1, 1)): old,
    }
    assert {key: book.choose("CTR-1", *key) for key in chosen} == chosen


def test_a_long_history_is_cut_and_says_from_where_it_is_complete():
    """A merchant's cash of years must not stay in memory; a late event loads it again."""
    reach = Reach(date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC))
    start = datetime(2025, 1, 1, tzinfo=UTC)
    events = [
        CashEvent("C1", "USD", "in", "posted", 100, at, at.date(), 0, number, 0)
        for number in range(1200)
        for at in [start + timedelta(hours=6 * number)]
    ]
    history = OwnerHistory.of(reach, events).trimmed(LOOKBACK)
    kept = history.logs["attempts"].by_time
    assert len(kept) < len(events)
    assert kept == [
        e for e in events if e.booking_date >= history.reach.day or e.occurred_at >= history.reach.since
    ]
    assert history.reach.covers(LOOKBACK.from_event(events[-1]))
    assert not history.reach.covers(LOOKBACK.from_event(events[0]))


def test_amounts_in_findings_are_exact():
    """No float ever touches an amount."""
    finding = last_finding(ctr_1.RULE, "-", "USD", "in:92233720368547758.07:0:9")
    assert finding is not None
    assert finding.values["total"] == format_amount(2**63 - 1, 2)
