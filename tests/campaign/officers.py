"""What officers of compliance do under load, from parameters to removals; and their acts cut off.

Each looks at what there is and does the next thing to it, mostly as somebody who may; some acts come twice,
some are on what has gone on since, some are one's own to approve. The auditor says what may come of it.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from audit.places import partition_of
from tests.campaign.faults import Campaign, Fault, death
from tests.campaign.world import NotRecovered, World

ACTS: Final = "compliance.acts.v1"
SLOT: Final = "compliance-0"
SECONDS_MAX: Final = 30.0

POINTS: Final = (
    "after_fence",
    "after_write",
    "before_commit",
    "after_commit",
    "mid_publish",
    "after_publish",
)
"""Where compliance is killed on a pile of acts."""
PILE: Final = 24
"""So many things officers do while nobody carries them out."""
STALE: Final = 0.1
"""How often an act is on what has gone on since."""

FOUNDERS: Final = (("ada", "founder-1", "founder-2"), ("abe", "founder-1", "founder-2"))
"""Administrators; anybody may appoint the first two."""
STAFF: Final = (
    ("ann", "analyst"),
    ("otto", "investigator"),
    ("ida", "investigator"),
    ("lena", "approver"),
    ("campaign", "approver"),
    ("campaign-2", "approver"),
    ("rita", "rule_author"),
    ("rose", "rule_author"),
    ("paul", "rule_publisher"),
)
TURNS: Final = ("analyst", "rule_author", "rule_publisher", "auditor")
"""Roles of people who come and go meanwhile."""

VERSIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("CTR-1", {"over": "9000"}),
    ("CTR-1", {"over": "11000"}),
    ("RND-1", {"multiple": "100", "count": 2, "days": 30}),
    ("CTR-1", {"ovr": "1"}),
    ("XYZ-1", {"over": "1"}),
)
"""What authors propose; the last two can be judged by nobody."""


DONE: Final = (
    "propose_parameters",
    "publish_parameters",
    "rate_customer",
    "propose_snooze",
    "approve_role",
    "open_case",
    "assign_case",
    "decide_case",
    "place_legal_hold",
    "propose_removal",
)
"""What the shortest campaign must have done, lest nothing was at stake."""
DONE_IN_FULL: Final = (
    *DONE,
    "withdraw_parameters",
    "approve_rating",
    "approve_snooze",
    "end_snooze",
    "revoke_role",
    "approve_decision",
    "file_report",
    "acknowledge_report",
    "reopen_case",
    "lift_legal_hold",
    "approve_removal",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An act, and the shards it is sent to."""

    shards: Sequence[int]
    owner: str
    body: dict[str, Any]


async def appoint(world: World, rng: Random) -> None:
    """Give everybody their roles, in every shard; from then on nobody acts without one."""
    acts = [
        act for officer, one, other in FOUNDERS for act in _given(rng, officer, "administrator", one, other)
    ]
    acts += [act for officer, role in STAFF for act in _given(rng, officer, role, "ada", "abe")]
    await _send(world, [_everywhere(world, act) for act in acts])
    count = (len(FOUNDERS) + len(STAFF)) * world.partitions
    query = "SELECT count(*) FROM compliance.role_fact WHERE what = 'approved'"
    deadline = time.monotonic() + SECONDS_MAX
    while (await world.fetch(query))[0][0] < count:
        if time.monotonic() > deadline:
            raise NotRecovered(f"not everybody was given a role within {SECONDS_MAX:.0f} s")
        await asyncio.sleep(0.1)


async def work(world: World, rng: Random, owners: Sequence[str]) -> None:
    """Let an officer do one thing; now and then it reaches some shards only, or twice."""
    asked = await rng.choice(TASKS)(world, rng, owners)
    if asked is not None:
        await _send(world, [asked] * rng.choice((1, 1, 2)))


def cut_off(point: str) -> tuple[str, Fault]:
    """Pile officers' acts up, and kill compliance at them."""
    kind = f"officers {point}"

    async def inject(campaign: Campaign) -> None:
        """Stop, pile up, kill, recover."""
        world, rng = campaign.world, campaign.rng
        owners = [account.owner for account in campaign.load.workload.accounts]
        await world.stop_service(SLOT)
        pile = [await rng.choice(TASKS)(world, rng, owners) for _ in range(PILE)]
        await _send(world, [each for each in pile if each is not None])
        ends = await world.ends(ACTS)
        trap = f"compliance:{point}:{rng.randint(1, 2)}"
        await world.start_service("compliance", 0, BACKOFFICE_FAILPOINT=trap)
        killed = await death(campaign, "compliance", point)
        await world.stop_service(SLOT)
        await world.start_service("compliance", 0)
        campaign.tally.note(kind, await world.recovered(["compliance"], killed))
        deadline = time.monotonic() + SECONDS_MAX
        for shard, end in ends.items():
            while await world.position("compliance", ACTS, shard) < end:
                if time.monotonic() > deadline:
                    raise NotRecovered(f"compliance has not read the acts of shard {shard}")
                await asyncio.sleep(0.1)

    return kind, inject


# ── what they do ──────────────────────────────────────────────────────────────────────────────────


async def propose_parameters(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Propose a version, of values that can be judged by or cannot."""
    del owners
    rule, values = rng.choice(VERSIONS)
    actor = rng.choice(("rita", "rose", "rose", "otto"))
    fields = {"rule": rule, "values": values, "valid_from": "1970-01-01"}
    return Asked([_house(world)], "house", _act(rng, "propose_parameters", actor, **fields))


async def move_parameters(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Publish a version, live or in shadow, or withdraw it; some acts reach a few shards only."""
    del owners
    rows = await world.fetch(
        "SELECT p.proposal_id::text, p.proposed_by, (SELECT c.after FROM compliance.rule_change AS c"
        " WHERE c.proposal_id = p.proposal_id AND c.shard = $1 ORDER BY c.seq DESC LIMIT 1)"
        " FROM compliance.rule_proposal AS p ORDER BY p.recorded_at DESC LIMIT 6",
        _house(world),
    )
    if not rows:
        return None
    proposal_id, proposed_by, status = rng.choice(rows)
    fields: dict[str, Any] = {"proposal_id": proposal_id}
    if rng.random() < 0.5:
        fields["seen"] = "withdrawn" if rng.random() < STALE else status or "proposed"
    match rng.randrange(5):
        case 0:
            act = _act(rng, "withdraw_parameters", rng.choice((proposed_by, "paul", "rita")), **fields)
        case 1:
            act = _act(rng, "publish_parameters", "paul", shadow=True, **fields)
        case _:
            act = _act(rng, "publish_parameters", rng.choice(("paul", "paul", "paul", proposed_by)), **fields)
    everywhere = _everywhere(world, act)
    if rng.random() < STALE:
        return Asked(rng.sample(range(world.partitions), 2), "house", act)
    return everywhere


async def rate_customer(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Rate a customer higher, or propose to rate them lower."""
    owner = rng.choice(owners[:12])
    fields: dict[str, Any] = {"owner": owner, "risk_class": rng.choice(("low", "medium", "high"))}
    if rng.random() < 0.5:
        rows = await world.fetch(
            "SELECT coalesce(max(version), 0) FROM compliance.customer_rating WHERE owner = $1", owner
        )
        fields["seen"] = rows[0][0] - (rng.random() < STALE)
    return _at_home(world, owner, _act(rng, "rate_customer", rng.choice(("otto", "ida")), **fields))


async def approve_rating(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Approve a lower class, some by who proposed it, some on a rating that has gone on."""
    del owners
    rows = await world.fetch(
        "SELECT rating_id::text, owner, proposed_by FROM compliance.rating_proposal"
        " ORDER BY recorded_at DESC LIMIT 6"
    )
    if not rows:
        return None
    rating_id, owner, proposed_by = rng.choice(rows)
    actor = rng.choice(("lena", "lena", "lena", proposed_by))
    return _at_home(world, owner, _act(rng, "approve_rating", actor, owner=owner, rating_id=rating_id))


async def propose_snooze(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Propose to silence a rule for a customer, mostly one that has alerted; or what is never silenced."""
    rows = await world.fetch(
        "SELECT a.owner, a.rule FROM compliance.alert AS a ORDER BY a.recorded_at DESC LIMIT 20"
    )
    owner, rule = rng.choice(rows) if rows else (rng.choice(owners), "RND-1")
    if rng.random() < 0.2:
        rule = rng.choice(("SAN-1", "STR-1", "XYZ-1"))
    until = datetime.now(UTC).date() + timedelta(days=rng.choice((1, 30, 60, 90, 200)))
    fields = {"owner": owner, "rule": rule, "until": until.isoformat()}
    return _at_home(world, owner, _act(rng, "propose_snooze", rng.choice(("ann", "otto")), **fields))


async def move_snooze(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Approve a snooze or end it, proposed or approved; some by who proposed it, some a second time."""
    del owners
    rows = await world.fetch(
        "SELECT f.snooze_id::text, f.owner, f.proposed_by, bool_or(f.what = 'approved')"
        " FROM compliance.snooze_fact AS f GROUP BY f.shard, f.snooze_id, f.owner, f.proposed_by"
        " ORDER BY max(f.recorded_at) DESC LIMIT 8"
    )
    if not rows:
        return None
    snooze_id, owner, proposed_by, is_approved = rng.choice(rows)
    fields = {"owner": owner, "snooze_id": snooze_id}
    if rng.random() < (0.5 if is_approved else 0.2):
        act = _act(rng, "end_snooze", rng.choice(("ann", "ida")), **fields)
    else:
        act = _act(rng, "approve_snooze", rng.choice(("lena", "lena", "lena", proposed_by)), **fields)
    return _at_home(world, owner, act)


async def propose_role(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Propose to give somebody who comes and goes a role, or what is kept apart from one they have."""
    del owners
    officer = rng.choice(("temp-1", "temp-2", "temp-3", "otto"))
    fields = {"officer": officer, "role": rng.choice(TURNS), "since": _yesterday()}
    return _everywhere(world, _act(rng, "propose_role", rng.choice(("ada", "abe")), **fields))


async def move_role(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Approve or revoke what was proposed for those who come and go; an administrator's, in vain."""
    del owners
    rows = await world.fetch(
        "SELECT DISTINCT grant_id::text, proposed_by FROM compliance.role_fact"
        " WHERE officer LIKE 'temp-%' OR (officer = 'ada' AND role = 'administrator') ORDER BY 1"
    )
    if not rows:
        return None
    grant_id, proposed_by = rng.choice(rows)
    other = "abe" if proposed_by == "ada" else "ada"
    if rng.random() < 0.6:
        actor = rng.choice((other, other, proposed_by))
        return _everywhere(world, _act(rng, "approve_role", actor, grant_id=grant_id))
    return _everywhere(world, _act(rng, "revoke_role", rng.choice(("ada", "abe")), grant_id=grant_id))


async def open_case(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Open a case about an alert, or dismiss it."""
    del owners
    rows = await world.fetch(
        "SELECT a.owner, a.shard || '-' || a.seq FROM compliance.alert AS a"
        " ORDER BY a.recorded_at DESC LIMIT 20"
    )
    if not rows:
        return None
    owner, alert_id = rng.choice(rows)
    if rng.random() < 0.3:
        act = _act(rng, "dismiss_alert", "ann", owner=owner, alert_id=alert_id)
    else:
        act = _act(
            rng,
            "open_case",
            "ann",
            owner=owner,
            kind=rng.choice(("suspicion", "suspicion", "market_abuse")),
            alert_ids=[alert_id],
        )
    return _at_home(world, owner, act)


async def move_case(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Do the next thing to a case: assign, decide, approve, file and have it answered."""
    del owners
    rows = await world.fetch(
        "SELECT owner, case_id::text, version, status, officer, report, filing, filing_status"
        " FROM compliance.case_file ORDER BY opened_at DESC LIMIT 8"
    )
    if not rows:
        return None
    row = rng.choice(rows)
    kind, actor, fields = _next_step(rng, dict(row))
    version = row["version"] - (rng.random() < STALE)
    act = _act(rng, kind, actor, owner=row["owner"], case_id=row["case_id"], version=version, **fields)
    return _at_home(world, row["owner"], act)


def _next_step(rng: Random, case: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    officer = case["officer"] or "otto"
    match case["status"]:
        case "open":
            return "assign_case", "otto", {"officer": rng.choice(("otto", "ida"))}
        case "investigating" if rng.random() < 0.2:
            return "note_case", officer, {}
        case "investigating":
            disposition = rng.choice(("confirmed", "confirmed", "inconclusive", "false_positive"))
            said = {"disposition": disposition, "report": disposition == "confirmed"}
            return "decide_case", officer, said
        case "proposed":
            kind = rng.choice(("approve_decision", "approve_decision", "return_decision"))
            return kind, rng.choice(("lena", "lena", officer)), {}
        case _ if case["report"] and case["filing_status"] in (None, "rejected"):
            hashes = {name: f"{rng.getrandbits(256):064x}" for name in ("sha256", "schema_sha256")}
            return "file_report", officer, {"form": rng.choice(("sar", "goaml", "stor")), **hashes}
        case _ if case["filing_status"] == "filed":
            said = {"filing": case["filing"], "status": rng.choice(("accepted", "rejected"))}
            return "acknowledge_report", officer, {**said, "reference": f"R-{rng.randrange(1000)}"}
        case _:
            return "reopen_case", officer, {}


async def place_legal_hold(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Keep all records about a customer; what the house or another shard is asked to keep, in vain."""
    owner = rng.choice((*owners[:12], "house"))
    act = _act(rng, "place_legal_hold", rng.choice(("otto", "ida", "ann")), owner=owner)
    if rng.random() < STALE:
        return Asked([rng.randrange(world.partitions)], owner, act)
    return _at_home(world, owner, act)


async def lift_legal_hold(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Lift a legal hold, some by who placed it, some a second time."""
    del owners
    rows = await world.fetch(
        "SELECT legal_hold_id::text, owner, placed_by FROM compliance.legal_hold_fact"
        " WHERE what = 'placed' ORDER BY recorded_at DESC LIMIT 8"
    )
    if not rows:
        return None
    legal_hold_id, owner, placed_by = rng.choice(rows)
    actor = rng.choice(("lena", "lena", "campaign", placed_by))
    fields = {"owner": owner, "legal_hold_id": legal_hold_id}
    return _at_home(world, owner, _act(rng, "lift_legal_hold", actor, **fields))


async def propose_removal(world: World, rng: Random, owners: Sequence[str]) -> Asked:
    """Propose to remove the words of what is past its day, of all or one customer; some of days to come."""
    days = 1 if rng.random() < STALE else -rng.randrange(3)
    fields: dict[str, Any] = {"through": (datetime.now(UTC).date() + timedelta(days=days)).isoformat()}
    actor = rng.choice(("otto", "ida"))
    if rng.random() < 0.3:
        return _everywhere(world, _act(rng, "propose_removal", actor, **fields))
    owner = rng.choice(owners[:12])
    return _at_home(world, owner, _act(rng, "propose_removal", actor, customer=owner, **fields))


async def approve_removal(world: World, rng: Random, owners: Sequence[str]) -> Asked | None:
    """Let a removal begin, some by who proposed it, some a second time, some before every shard has it."""
    del owners
    rows = await world.fetch(
        "SELECT DISTINCT ON (recorded_at, removal_id) removal_id::text, customer, proposed_by"
        " FROM compliance.removal_fact WHERE what = 'proposed' ORDER BY recorded_at DESC, removal_id LIMIT 8"
    )
    if not rows:
        return None
    removal_id, customer, proposed_by = rng.choice(rows)
    act = _act(rng, "approve_removal", rng.choice(("lena", "lena", proposed_by)), removal_id=removal_id)
    return _at_home(world, customer, act) if customer else _everywhere(world, act)


TASKS: Final[tuple[Callable[[World, Random, Sequence[str]], Awaitable[Asked | None]], ...]] = (
    propose_parameters,
    move_parameters,
    move_parameters,
    rate_customer,
    rate_customer,
    approve_rating,
    propose_snooze,
    move_snooze,
    move_snooze,
    propose_role,
    move_role,
    open_case,
    move_case,
    move_case,
    move_case,
    place_legal_hold,
    lift_legal_hold,
    propose_removal,
    approve_removal,
)


async def _send(world: World, acts: Sequence[Asked]) -> None:
    """Put acts into the topic in their order, each in every shard it concerns."""
    records = [
        (shard, asked.owner.encode(), json.dumps(asked.body).encode())
        for asked in acts
        for shard in asked.shards
    ]
    await world.send(ACTS, records)


def _given(rng: Random, officer: str, role: str, one: str, other: str) -> list[dict[str, Any]]:
    fields = {"officer": officer, "role": role, "since": _yesterday()}
    proposed = _act(rng, "propose_role", one, **fields)
    return [proposed, _act(rng, "approve_role", other, grant_id=proposed["act_id"])]


def _yesterday() -> str:
    return (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


def _house(world: World) -> int:
    return partition_of(b"house", world.partitions)


def _everywhere(world: World, act: dict[str, Any]) -> Asked:
    return Asked(range(world.partitions), "house", act)


def _at_home(world: World, owner: str, act: dict[str, Any]) -> Asked:
    return Asked([world.home_of(owner)], owner, act)


def _act(rng: Random, what: str, actor: str, **fields: Any) -> dict[str, Any]:
    act_id = str(UUID(int=rng.getrandbits(128)))
    return {"type": what, "act_id": act_id, "actor": actor, "reason": "campaign", **fields}
