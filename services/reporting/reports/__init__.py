"""The reports, one `.py` and one `.sql` each. EXTEND HERE: write the two files, add the name to the tuple."""

from typing import Final

from services.reporting.domain.report import Report
from services.reporting.reports.account_statement import ACCOUNT_STATEMENT
from services.reporting.reports.daily_activity import DAILY_ACTIVITY
from services.reporting.reports.period_trial_balance import PERIOD_TRIAL_BALANCE
from services.reporting.reports.stock_record import STOCK_RECORD
from services.reporting.reports.suspense_by_age import SUSPENSE_BY_AGE
from services.reporting.reports.trial_balance import TRIAL_BALANCE

REPORTS: Final[tuple[Report, ...]] = (
    TRIAL_BALANCE,
    ACCOUNT_STATEMENT,
    DAILY_ACTIVITY,
    STOCK_RECORD,
    SUSPENSE_BY_AGE,
    PERIOD_TRIAL_BALANCE,
)

REPORT: Final = {report.code: report for report in REPORTS}
