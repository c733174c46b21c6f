"""The checks, each with a number that never changes: pure functions over plain data, one list."""

from collections.abc import Callable
from typing import Final

from audit.checks.books import (
    balances_equal_their_movements,
    chains_have_no_gap,
    limits_hold_at_every_prefix,
    value_is_conserved,
)
from audit.checks.cases import cases_follow_from_their_facts
from audit.checks.dump import runs_of_one_order_are_equal
from audit.checks.effects import everything_happened_once
from audit.checks.events import events_equal_outcomes
from audit.checks.fates import every_record_has_one_fate, order_within_owners_is_kept
from audit.checks.freezes import freezes_elsewhere_are_seen
from audit.checks.ratings import ratings_follow_from_data_and_acts
from audit.checks.removals import removed_as_the_law_allows
from audit.checks.reports import reports_equal_recomputation
from audit.checks.rights import nobody_reads_anothers
from audit.checks.running import the_system_comes_to_rest
from audit.checks.screening import screening_equals_recomputation
from audit.examination import Examination
from audit.result import Result

Check = Callable[[Examination], Result]

CHECKS: Final[tuple[Check, ...]] = (
    value_is_conserved,
    everything_happened_once,
    balances_equal_their_movements,
    chains_have_no_gap,
    every_record_has_one_fate,
    limits_hold_at_every_prefix,
    order_within_owners_is_kept,
    events_equal_outcomes,
    reports_equal_recomputation,
    screening_equals_recomputation,
    nobody_reads_anothers,
    the_system_comes_to_rest,
    runs_of_one_order_are_equal,
    freezes_elsewhere_are_seen,
    cases_follow_from_their_facts,
    ratings_follow_from_data_and_acts,
    removed_as_the_law_allows,
)
"""Number 11 is kept for seals: there are none yet."""


def examine(examination: Examination) -> tuple[Result, ...]:
    """Run every check; one that falls over counts as failed and says how."""
    return tuple(_run(check, examination) for check in CHECKS)


def _run(check: Check, examination: Examination) -> Result:
    try:
        return check(examination)
    except Exception as error:  # noqa: BLE001 - an auditor that dies has not said the books are right
        what = f"the check itself failed: {type(error).__name__}: {error}"
        return Result(0, check.__name__, ok=False, counted=0, first_difference=what, differences=1)
