"""What events do to the books, as the verifier derives it: one module an effect. EXTEND HERE.

The modules are named as those in which the posting code has the same (`domain/effects`), and share nothing
with them.
"""

from typing import Final

from services.transactions.queries.verifying.effects.accruals import ACCRUALS
from services.transactions.queries.verifying.effects.business_days import BUSINESS_DAYS
from services.transactions.queries.verifying.effects.carrying import CARRYING
from services.transactions.queries.verifying.effects.closing import CLOSING
from services.transactions.queries.verifying.effects.dry_runs import DRY_RUNS
from services.transactions.queries.verifying.effects.effect import Effect, Walk
from services.transactions.queries.verifying.effects.freezing import FREEZING
from services.transactions.queries.verifying.effects.holders import HOLDERS
from services.transactions.queries.verifying.effects.limits import LIMITS
from services.transactions.queries.verifying.effects.movements import MOVEMENTS
from services.transactions.queries.verifying.effects.obligations import OBLIGATIONS
from services.transactions.queries.verifying.effects.opening import OPENING
from services.transactions.queries.verifying.effects.passing_over import PASSING_OVER
from services.transactions.queries.verifying.effects.pendings import PENDINGS
from services.transactions.queries.verifying.effects.periods import PERIODS
from services.transactions.queries.verifying.effects.reversals import REVERSALS
from services.transactions.queries.verifying.effects.safekeeping import SAFEKEEPING
from services.transactions.queries.verifying.effects.scheduling import SCHEDULING
from services.transactions.queries.verifying.effects.screening import SCREENING
from services.transactions.queries.verifying.effects.value_dates import VALUE_DATES

EFFECTS: Final = (
    PENDINGS,
    SCREENING,
    OBLIGATIONS,
    SCHEDULING,
    REVERSALS,
    FREEZING,
    CLOSING,
    LIMITS,
    HOLDERS,
    MOVEMENTS,
    SAFEKEEPING,
    BUSINESS_DAYS,
    PERIODS,
    VALUE_DATES,
    CARRYING,
    ACCRUALS,
    OPENING,
    DRY_RUNS,
    PASSING_OVER,
)
"""In the order in which they are compared."""
KINDS: Final[dict[str, Walk]] = {kind: walk for effect in EFFECTS for kind, walk in effect.kinds.items()}
APPLIED: Final[dict[str, Walk]] = {code: walk for effect in EFFECTS for code, walk in effect.applied.items()}

__all__ = ["APPLIED", "EFFECTS", "KINDS", "Effect", "Walk"]
