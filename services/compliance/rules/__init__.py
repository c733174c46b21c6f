"""← EXTEND HERE: one file per rule, listed below in the order findings are told."""

import sys
from datetime import timedelta
from typing import Final

from services.compliance.domain.cases import DEADLINES
from services.compliance.domain.cash import Lookback
from services.compliance.domain.ratings import RATING
from services.compliance.domain.retention import RETENTION
from services.compliance.domain.rule import CashRule, GraphRule, PeerRule, Rule, WindowRule
from services.compliance.domain.snoozes import SNOOZE
from services.compliance.rules import (
    ben_1,
    ctr_1,
    cyc_1,
    dev_1,
    dev_2,
    dor_1,
    fan_1,
    fan_2,
    geo_1,
    gs_1,
    ma_1,
    mir_1,
    new_1,
    pay_1,
    rmf_1,
    rnd_1,
    san_1,
    spl_1,
    stk_1,
    str_1,
    str_2,
    trv_1,
    vel_1,
    vel_2,
)

RULES: Final[tuple[Rule, ...]] = (
    san_1.RULE,
    ctr_1.RULE,
    str_1.RULE,
    str_2.RULE,
    rmf_1.RULE,
    mir_1.RULE,
    vel_1.RULE,
    vel_2.RULE,
    fan_1.RULE,
    fan_2.RULE,
    gs_1.RULE,
    dor_1.RULE,
    dev_1.RULE,
    geo_1.RULE,
    rnd_1.RULE,
    pay_1.RULE,
    new_1.RULE,
    spl_1.RULE,
    trv_1.RULE,
    ma_1.RULE,
    ben_1.RULE,
    cyc_1.RULE,
    stk_1.RULE,
    dev_2.RULE,
)

CODES: Final = tuple(rule.code for rule in RULES)
DATA_CODES: Final = (RATING, DEADLINES, SNOOZE, RETENTION)
"""Of what is no rule and has parameters, too."""
CASH_RULES: Final = tuple(rule for rule in RULES if isinstance(rule, CashRule))
WINDOW_RULES: Final = tuple(rule for rule in RULES if isinstance(rule, WindowRule))
PERSON_RULES: Final = tuple(rule for rule in CASH_RULES if rule.evaluate_person is not None)
GRAPH_RULES: Final = tuple(rule for rule in RULES if isinstance(rule, GraphRule))
PEER_RULES: Final = tuple(rule for rule in RULES if isinstance(rule, PeerRule))
TIER_RULES: Final = (*GRAPH_RULES, *PEER_RULES)
"""Those over all shards: the second tier."""

LOOKBACK: Final = Lookback(
    days=max((rule.lookback.days for rule in CASH_RULES), default=0),
    time=max((rule.lookback.time for rule in CASH_RULES), default=timedelta()),
)
"""What all cash rules together need to see."""


def document_of(rule: Rule) -> str:
    """Return what a rule's file says of it: what it looks for, its source, an example."""
    return sys.modules[rule.evaluate.__module__].__doc__ or ""
