"""Leads: a party's alerts of a week, the rarest above the line as long as the budget lasts."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from services.compliance.domain.leads import LEAD_DAYS, Lead, LeadQueue, Raised

NUMBERS = count(1)


def raised(rule: str, owner: str, segment: str = "person") -> Raised:
    """An alert."""
    return Raised(rule, owner, segment, next(NUMBERS))


def queue(per_mille: int = 10) -> LeadQueue:
    """Make a queue in which CTR-1 is obligatory."""
    return LeadQueue(per_mille, frozenset({"CTR-1"}))


def owners(leads: list[Lead]) -> list[str]:
    """Whom leads are about."""
    return [lead.owner for lead in leads]


def test_the_rarest_come_first_and_the_rest_stay_below_the_line():
    """Of 300 transactions three may be looked at: those by rules that seldom hit, and by two at once."""
    common = [raised("PAY-1", f"P{number}") for number in range(20)]
    made = [*common, raised("FAN-1", "P100"), raised("GS-1", "P101"), raised("DEV-1", "P19")]
    assert owners(queue().close_day(1, 300, made)) == ["P19", "P100", "P101"]


def test_what_is_rare_is_counted_within_a_segment():
    """What persons seldom do may be what shops do all day."""
    shops = [raised("VEL-1", f"S{number}", "organisation") for number in range(20)]
    person, pay = raised("VEL-1", "P1"), [raised("PAY-1", f"P{number}") for number in range(2, 8)]
    assert owners(queue().close_day(1, 100, [*shops, *pay, person])) == ["P1"]


def test_what_the_law_wants_looked_at_is_above_the_line_whatever_the_budget():
    """And it counts: the others get what is left."""
    made = [raised("CTR-1", "P1"), raised("CTR-1", "P2"), raised("GS-1", "P3")]
    line = queue()
    assert owners(line.close_day(1, 100, made)) == ["P1", "P2"]
    assert line.close_day(2, 100, []) == []
    assert owners(line.close_day(3, 100, [])) == ["P3"]


def test_alerts_of_a_week_are_one_lead_and_later_ones_another():
    """Looking twice within a week is once too often; a week later it may be something new."""
    line = queue(1000)
    for day in (1, LEAD_DAYS, LEAD_DAYS + 1):
        line.close_day(day, 10, [raised("GS-1", "P1")])
    assert [(lead.since, len(lead.alerts)) for lead in line.leads] == [(1, 2), (LEAD_DAYS + 1, 1)]


def test_a_lead_that_has_waited_a_week_waits_no_longer():
    """What was below the line for a week stays there."""
    line = queue(1)
    line.close_day(1, 100, [raised("GS-1", "P1")])
    assert line.close_day(LEAD_DAYS + 1, 5_000, []) == []


DAYS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.lists(st.tuples(st.sampled_from(["PAY-1", "GS-1", "CTR-1"]), st.sampled_from("abcdefgh"))),
    ),
    max_size=25,
)


@given(days=DAYS, per_mille=st.integers(1, 50))
def test_the_budget_is_never_passed_but_for_what_is_obligatory(
    days: list[tuple[int, list[tuple[str, str]]]], per_mille: int
):
    """On no day are there more leads above the line than the transactions up to then allow."""
    line = queue(per_mille)
    obligatory = chosen = 0
    for day, (transactions, hits) in enumerate(days):
        above = line.close_day(day, transactions, [raised(rule, owner) for rule, owner in hits])
        obligatory += sum(lead.is_obligatory for lead in above)
        chosen += len(above)
        assert chosen == line.above == sum(lead.above_since is not None for lead in line.leads)
        assert chosen - obligatory <= line.transactions * per_mille // 1000
    assert sum(len(lead.alerts) for lead in line.leads) == sum(len(hits) for _, hits in days)
