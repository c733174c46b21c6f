"""DEV-2, away from peers: a customer who moves far more in a month than others of its kind.

FFIEC BSA/AML examination manual, appendix F: a business whose patterns are dramatically different from those
of similar businesses. Peers are customers of the same kind (person, organisation), residence, age and risk
class (FATF, recommendation 10(d): transactions are held against the customer's risk profile) who moved
something. Turnovers are skewed (Aitchison and Brown, The Lognormal Distribution, 1957), so they are measured
by ratios: the median, and the spread, which is the median of how many times each is more or less than that.
These are the median and the median absolute deviation of logarithms, in whole numbers. Far is what is
`spreads` of those deviations away: five are 3.4 standard deviations where logarithms are normal; Iglewicz and
Hoaglin, How to Detect and Handle Outliers (1993), take 3.5. It is over `times` the median in any case, also
where peers are all alike. The business day that has only begun is left out for peers, and nobody is compared
before the firm has so many days of history.

Example: 40 persons of one country moved 1,000 to 4,000 in 30 days, half of them within 1.5 times the median
of 2,000. One moves 30,000: more than twice the median, and more than 1.5⁵ (7.6) times, 15,188: found.
"""

from dataclasses import dataclass
from typing import Final

from services.compliance.domain import bounds
from services.compliance.domain.peers import DAYS_MAX, THOUSAND, Standing, Turnovers
from services.compliance.domain.rule import PeerRule, RuleParameter

SPREADS_MAX: Final = 20
"""Beyond it powers of ratios are of no use."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Default: 30 days, 15,000 or more, over 2 times and 5 spreads from 30 peers; 50 alerts a day.

    Customers of less than 30 days are peers of each other.
    """

    version: int
    days: int
    times: int
    spreads: int
    peers_min: int
    young_days: int
    amount_min: int
    alerts_a_day: int


BOUNDS: Final[bounds.Bounds] = {
    "days": bounds.count(1, DAYS_MAX),
    "times": bounds.count(),
    "spreads": bounds.count(1, SPREADS_MAX),
    "peers_min": bounds.count(),
    "young_days": bounds.count(0),
    "amount_min": bounds.amount(),
    "alerts_a_day": bounds.count(),
}


def read_parameters(row: RuleParameter, scale: int) -> Parameters:
    """Read stored values."""
    return Parameters(version=row.version, **bounds.read_values(row.values, BOUNDS, scale))


def evaluate(turnovers: Turnovers, owner: str, parameters: Parameters) -> Standing | None:
    """Find that a customer's turnover is far above what is usual among its peers."""
    count, total = turnovers.of(owner, parameters.days)
    if total < parameters.amount_min:
        return None
    peers = turnovers.peers_of(owner, parameters.days, parameters.young_days)
    if peers is None or peers.count < parameters.peers_min or total <= parameters.times * peers.median:
        return None
    far = parameters.spreads
    if total * THOUSAND**far <= peers.median * peers.spread**far:
        return None
    return Standing(count, total, peers)


RULE: Final = PeerRule(
    code="DEV-2",
    title="Away from peers",
    bounds=BOUNDS,
    words="The turnover of {days} days is {times} times the median of {count} customers of this kind.",
    read_parameters=read_parameters,
    evaluate=evaluate,
)
