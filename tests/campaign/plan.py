"""Which faults a campaign injects; the seed shuffles them."""

from collections.abc import Sequence

from audit.evidence import SERVICES
from tests.campaign import mending, officers
from tests.campaign.faults import (
    POINTS,
    Fault,
    all_poison,
    everything_twice,
    freeze,
    kill_at,
    kill_at_random,
    kill_broker,
    kill_database,
    rebalance,
)


def full_plan() -> Sequence[tuple[str, Fault]]:
    """Everything at least once."""
    plan = [kill_at(service, point) for service in SERVICES for point in POINTS]
    for service in SERVICES:
        plan += [kill_at_random(service)] * 3
        plan += [freeze(service), rebalance(service)]
    plan += [freeze("transactions", claiming=True), freeze("compliance", claiming=True)]
    plan += [kill_broker(), kill_broker(), kill_database(), kill_database()]
    plan += [everything_twice(10.0), all_poison(), all_poison()]
    plan += [mending.cut_off(point) for point in POINTS]
    plan += [officers.cut_off(point) for point in officers.POINTS]
    plan += [mending.halted("after_commit"), mending.halted("before_commit")]
    return plan


def short_plan() -> Sequence[tuple[str, Fault]]:
    """One of each kind that fits into a minute."""
    return [
        all_poison(),
        kill_at("transactions", "before_commit"),
        kill_at("transactions", "after_commit"),
        kill_at("transactions", "mid_publish"),
        kill_at("compliance", "after_fence"),
        kill_at("reporting", "after_write"),
        kill_at_random("transactions"),
        everything_twice(2.0),
        kill_database(),
        kill_broker(),
        freeze("transactions"),
        mending.cut_off("before_commit"),
        officers.cut_off("before_commit"),
        officers.cut_off("mid_publish"),
    ]
