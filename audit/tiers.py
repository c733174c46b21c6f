"""What compliance's runs over all shards have to tell, live and in shadow."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from audit.evidence import ScreeningData
from audit.findings import Found
from audit.flows import RULES as FLOWS
from audit.flows import Told, tell
from audit.movements import Moved, Opened
from audit.parameters import parameter_of
from audit.peers import RULE as PEERS
from audit.peers import Apart, tell_apart
from audit.persons import ToldOfPerson
from audit.persons import tell as tell_of_persons
from audit.places import partition_of
from audit.screening import Expected
from audit.screening_rows import RuleChange
from audit.wire import HOUSE

RULES: Final = (*FLOWS, PEERS)

Entered = Mapping[int, Sequence[Moved | Opened]]
ToldOf = dict[tuple[str, str, date], Found]
"""By owner, rule and business day."""
ValuesFor = Callable[..., Mapping[str, Any] | None]
"""A rule's values for an asset and a business day, and for a kind of party and a residence where it asks."""


def tell_tier(data: ScreeningData, expected: Mapping[int, Expected], partitions: int) -> ToldOf:
    """What each run had to tell, by what was live in the house's shard."""
    made: dict[frozenset[str], ValuesFor] = {}
    runs: list[tuple[Sequence[int], ValuesFor | None]] = []
    for run in data.tier_runs:
        standing = _standing(data, run.house_seq, partitions)
        runs.append((run.entries, _values(made, data, standing, run.house_seq, partitions)))
    return _told(_entered(expected), runs, None, _classes(data))


def tell_shadows(data: ScreeningData, expected: Mapping[int, Expected], partitions: int) -> dict[str, ToldOf]:
    """What each version in shadow would have told, by proposal, in the runs during which it was in shadow.

    As if it were live beside what is, and only where it is the row that counts.
    """
    shadows = {each.proposal_id: each.row for each in data.changes if each.after == "shadow"}
    found: dict[str, ToldOf] = {}
    for proposal_id, row in shadows.items():
        made: dict[frozenset[str], ValuesFor] = {}
        runs: list[tuple[Sequence[int], ValuesFor | None]] = []
        for run in data.tier_runs:
            standing = _standing(data, run.house_seq, partitions)
            is_in_shadow = proposal_id in standing and standing[proposal_id].after == "shadow"
            beside = data.with_rows([row])
            values = _values(made, beside, standing, run.house_seq, partitions) if is_in_shadow else None
            runs.append((run.entries, values))
        if row.rule in RULES:
            found[proposal_id] = _told(_entered(expected), runs, row.values, _classes(data))
    return found


def tell_persons(
    data: ScreeningData, expected: Mapping[int, Expected], partitions: int
) -> list[ToldOfPerson]:
    """What runs about persons had to tell, each by what was live in the house's shard."""
    made: dict[frozenset[str], ValuesFor] = {}
    runs: list[tuple[Sequence[int], Sequence[int], ValuesFor]] = []
    for run in data.person_runs:
        standing = _standing(data, run.house_seq, partitions)
        runs.append((run.cash, run.roles, _values(made, data, standing, run.house_seq, partitions)))
    return tell_of_persons(
        {shard: said.cashed for shard, said in expected.items()},
        {shard: said.roles for shard, said in expected.items()},
        runs,
    )


def _standing(data: ScreeningData, house_seq: int, partitions: int) -> dict[str, RuleChange]:
    """The last step of each version in the house's shard when it had said so much."""
    house = partition_of(HOUSE.encode(), partitions)
    return {e.proposal_id: e for e in data.changes if e.shard == house and e.seq <= house_seq}


def _values(
    made: dict[frozenset[str], ValuesFor],
    data: ScreeningData,
    standing: Mapping[str, RuleChange],
    house_seq: int,
    partitions: int,
) -> ValuesFor:
    """How values are found among what is live; the same function for the same versions."""
    live = frozenset(proposal_id for proposal_id, each in standing.items() if each.after == "live")
    if live not in made:
        then = data.when_told(partition_of(HOUSE.encode(), partitions), house_seq + 1)

        def values_for(
            rule: str, asset: str, day: date, segment: str = "", country: str = ""
        ) -> Mapping[str, Any] | None:
            row = parameter_of(then, rule, asset, day, segment, country)
            return row.values if row is not None else None

        made[live] = values_for
    return made[live]


def _classes(data: ScreeningData) -> list[dict[str, str]]:
    """For each run, how those were rated of whose rating it knew."""
    return [
        {
            each.owner: each.risk_class
            for each in data.ratings
            if each.shard < len(run.ratings) and each.seq <= run.ratings[each.shard]
        }
        for run in data.tier_runs
    ]


def _entered(expected: Mapping[int, Expected]) -> Entered:
    return {shard: said.entered for shard, said in expected.items()}


def _told(
    entered: Entered,
    runs: Sequence[tuple[Sequence[int], ValuesFor | None]],
    only: Mapping[str, Any] | None,
    classes: Sequence[Mapping[str, str]],
) -> ToldOf:
    """What runs tell; where only one row of values is asked about, what that finds."""
    flows = {(each.owner, each.rule, each.day): found_flow(each) for each in tell(entered, runs, only)}
    apart = tell_apart(entered, runs, only, classes)
    return flows | {(each.owner, PEERS, each.day): _found_apart(each) for each in apart}


def found_flow(told: Told) -> Found:
    """What identifies a finding about who paid whom."""
    facts: list[tuple[str, Any]] = [
        ("count", len(told.path)),
        ("events", tuple(sorted({each.reference for each in told.path}))),
        ("total", sum(each.amount for each in told.path)),
    ]
    return Found(told.rule, tuple(facts))


def _found_apart(told: Apart) -> Found:
    """What identifies a finding about a customer beside its peers."""
    return Found(PEERS, (("count", told.count), ("events", (told.event,)), ("total", told.total)))
