"""Verifies what compliance has recorded: the chain over its events, and the records against the events.

Read in pages by key, so that memory does not grow with history.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from services.compliance.domain.cases import FILED_FIELDS
from services.compliance.domain.chain import START, Told, link
from services.compliance.queries.verifying_places import verify_places
from services.compliance.queries.verifying_removed import verify_removed_rows

PAGE_ROWS: Final = 5000
SHOWN_MAX: Final = 20

_SHARDS = """
SELECT DISTINCT o.shard FROM compliance.outbox AS o
UNION SELECT DISTINCT c.shard FROM compliance.event_chain AS c
ORDER BY 1
"""

_EVENTS = """
SELECT coalesce(o.shard, c.shard) AS shard, coalesce(o.seq, c.seq) AS seq, o.topic, o.type, o.body, c.hash
FROM (SELECT shard, seq, topic, type, body FROM compliance.outbox
      WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS o
FULL JOIN (SELECT shard, seq, hash FROM compliance.event_chain
           WHERE shard = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS c
    ON c.shard = o.shard AND c.seq = o.seq
ORDER BY 2
LIMIT $3
"""

_HASH = "SELECT c.hash FROM compliance.event_chain AS c WHERE c.shard = $1 AND c.seq = $2"

_DECISIONS = """
SELECT d.seq, d.recorded_at, d.instruction_id::text AS instruction_id, d.content_hash, d.owner, d.decision,
       d.findings, d.lists, d.act_id::text AS act_id, d.actor, d.reason,
       d.proposed_by
FROM compliance.decision AS d WHERE d.shard = $1 AND d.seq > $2 AND d.seq <= $3
"""

_ANSWERS = """
SELECT a.seq, a.recorded_at, a.act_id::text AS act_id, a.act, a.actor, a.done, a.detail, a.result
FROM compliance.act_answer AS a WHERE a.shard = $1 AND a.seq > $2 AND a.seq <= $3
"""

_FACTS = """
SELECT f.seq, f.recorded_at, f.act_id::text AS act_id, f.actor, f.version, f.case_id::text AS case_id,
       f.form, f.sha256, f.schema_sha256, f.filing, f.answer, f.reference
FROM compliance.case_fact AS f WHERE f.shard = $1 AND f.seq > $2 AND f.seq <= $3
"""

_ROLES = """
SELECT r.seq, r.recorded_at, r.act_id::text AS act_id, r.actor, r.grant_id::text AS grant_id,
       r.what AS status, r.officer, r.role, r.since::text AS since, r.until::text AS until, r.proposed_by
FROM compliance.role_fact AS r WHERE r.shard = $1 AND r.seq > $2 AND r.seq <= $3
"""

_CHANGES = """
SELECT c.seq, c.recorded_at, c.proposal_id::text AS proposal_id, c.before, c.after, c.journal_offset, c.actor,
       c.proposed_by
FROM compliance.rule_change AS c WHERE c.shard = $1 AND c.seq > $2 AND c.seq <= $3
"""


_RATINGS = """
SELECT r.seq, r.recorded_at, r.owner, r.version, r.risk_class::text AS risk_class,
       r.previous::text AS previous, r.finding, r.act_id::text AS act_id, r.actor, r.reason, r.proposed_by
FROM compliance.customer_rating AS r WHERE r.shard = $1 AND r.seq > $2 AND r.seq <= $3
"""


_SNOOZES = """
SELECT f.seq, f.recorded_at, f.act_id::text AS act_id, f.actor, f.snooze_id::text AS snooze_id, f.what,
       f.reason, f.owner, f.rule, f.until::text AS until, f.proposed_by, f.journal_offset
FROM compliance.snooze_fact AS f WHERE f.shard = $1 AND f.seq > $2 AND f.seq <= $3
"""

_SNOOZED = """
SELECT s.seq, s.recorded_at, s.snooze_id::text AS snooze_id, s.owner, s.rule, s.findings,
       s.instruction_id::text AS instruction_id, s.business_date::text AS business_date
FROM compliance.snoozed_alert AS s WHERE s.shard = $1 AND s.seq > $2 AND s.seq <= $3
"""

_LEGAL_HOLDS = """
SELECT f.seq, f.recorded_at, f.act_id::text AS act_id, f.actor, f.legal_hold_id::text AS legal_hold_id,
       f.what AS status, f.owner, f.placed_by
FROM compliance.legal_hold_fact AS f WHERE f.shard = $1 AND f.seq > $2 AND f.seq <= $3
"""

_REMOVALS = """
SELECT f.seq, f.recorded_at, f.act_id::text AS act_id, f.actor, f.removal_id::text AS removal_id,
       f.what AS status, f.through::text AS through, f.customer, f.terms, f.proposed_by
FROM compliance.removal_fact AS f WHERE f.shard = $1 AND f.seq > $2 AND f.seq <= $3
"""

_REMOVED_BY = """
SELECT x.removed_seq, x.kind FROM compliance.removed_record AS x WHERE x.shard = $1 AND x.seq = $2
"""

_APPROVED = """
SELECT f.actor, f.proposed_by FROM compliance.removal_fact AS f
WHERE f.shard = $1 AND f.removal_id = $2::text::uuid AND f.what = 'approved' AND f.seq < $3
"""

_CLAIMS = """
SELECT o.seq, o.body FROM compliance.outbox AS o
WHERE o.shard = $1 AND o.type = 'RecordsRemoved'
    AND o.seq IN (SELECT x.seq FROM compliance.removed_record AS x
                  WHERE x.shard = $1 AND x.removed_seq >= $2 AND x.removed_seq <= $3 AND x.body IS NOT NULL)
ORDER BY o.seq
"""


@dataclass(slots=True)
class Verified:
    """What was looked at, and what differs."""

    events: int = 0
    decisions: int = 0
    answers: int = 0
    facts: int = 0
    roles: int = 0
    changes: int = 0
    """Of rules' parameters."""
    ratings: int = 0
    snoozes: int = 0
    """Things done to snoozes, and what they have silenced."""
    legal_holds: int = 0
    """Things done to them."""
    removals: int = 0
    """Things done to removals."""
    removed: int = 0
    """Records whose words are gone, by an event that says so."""
    alerts: int = 0
    """Looked for where they belong in the order of work."""
    heads: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    """By shard, number and hash, in hexadecimal, at the chain's end: kept elsewhere, they vouch for it."""
    differences: int = 0
    examples: list[str] = field(default_factory=list[str])

    def differs(self, what: str) -> None:
        """Note a difference."""
        self.differences += 1
        if len(self.examples) < SHOWN_MAX:
            self.examples.append(what)


async def verify_records(connection: Any, kept: Mapping[int, tuple[int, str]] | None = None) -> Verified:
    """Look at everything, in one snapshot if the connection is in a transaction that has one.

    `kept` are heads of an earlier look, which must stand in the chain as they did.
    """
    verified = Verified()
    for shard, (seq, head) in (kept or {}).items():
        found = await connection.fetchval(_HASH, shard, seq) if seq else START
        if found is None or found.hex() != head:
            verified.differs(f"{shard}-{seq}: the head that was kept stands there no more")
    for row in await connection.fetch(_SHARDS):
        await _verify_shard(connection, row["shard"], verified)
    await verify_removed_rows(connection, verified.differs)
    verified.alerts = await verify_places(connection, verified.differs)
    return verified


async def _verify_shard(connection: Any, shard: int, verified: Verified) -> None:
    head, after = START, 0
    removing = _Removing()
    async for page in _pages(connection, shard):
        events: dict[int, Mapping[str, Any]] = {}
        await removing.read_claims(connection, shard, page)
        for row in page:
            where, verified.events = f"{shard}-{row['seq']}", verified.events + 1
            if row["seq"] != after + 1:
                verified.differs(f"{shard}-{after + 1}: the event is missing")
            after = row["seq"]
            if row["body"] is None or row["hash"] is None:
                verified.differs(f"{where}: {'its hash' if row['hash'] is None else 'the event'} is missing")
                head = row["hash"] or head
                continue
            if link(head, Told(shard, row["seq"], row["topic"], row["body"])) == row["hash"]:
                removing.vouch(row["seq"], row["type"])
            elif removing.excuses(row["seq"], row["body"]):
                verified.removed += 1
            else:
                verified.differs(f"{where}: the event is not the one that was chained")
            head = row["hash"]
            events[row["seq"]] = {**json.loads(row["body"]), "type": row["type"]}
        span = (shard, page[0]["seq"] - 1, page[-1]["seq"])
        await _verify_rows(connection, span, events, verified)
    for seq in sorted(removing.relied_on - removing.vouched):
        verified.differs(f"{shard}-{seq}: it says what was removed, and is not what was chained")
    verified.heads[shard] = (after, head.hex())


class _Removing:
    """Events that stand without their words, and the later events that say so.

    A hash that is kept goes for the event where a later one, itself whole in the chain, names its number and
    the SHA-256 of what stays. What a table says of it is only where to look.
    """

    def __init__(self) -> None:
        self.relied_on: set[int] = set()
        self.vouched: set[int] = set()
        self._claims: dict[int, tuple[int, str]] = {}

    async def read_claims(self, connection: Any, shard: int, page: Sequence[Any]) -> None:
        """Read what says which events of a page stand without their words."""
        self._claims = {
            each["seq"]: (row["seq"], each["sha256"])
            for row in await connection.fetch(_CLAIMS, shard, page[0]["seq"], page[-1]["seq"])
            for each in json.loads(row["body"]).get("records", ())
            if "sha256" in each
        }

    def excuses(self, seq: int, body: bytes) -> bool:
        """Whether a later event says that this is what stays; that one has to be whole itself."""
        by, digest = self._claims.get(seq, (0, ""))
        if by <= seq or sha256(body).hexdigest() != digest:
            return False
        self.relied_on.add(by)
        return True

    def vouch(self, seq: int, kind: str) -> None:
        """Take note that an event is whole, if it is one that says what was removed."""
        if kind == "RecordsRemoved":
            self.vouched.add(seq)


async def _pages(connection: Any, shard: int) -> AsyncIterator[list[Any]]:
    after = 0
    while page := await connection.fetch(_EVENTS, shard, after, PAGE_ROWS):
        yield page
        after = page[-1]["seq"]


async def _verify_rows(
    connection: Any, span: tuple[int, int, int], events: Mapping[int, Mapping[str, Any]], verified: Verified
) -> None:
    """Hold each record against the event that told of it; and each decision told must be recorded."""
    shard = span[0]
    decisions = {row["seq"]: row for row in await connection.fetch(_DECISIONS, *span)}
    for seq, row in decisions.items():
        verified.decisions += 1
        _same(shard, seq, _plain(row), events.get(seq, {}), "DecisionMade", verified)
    for seq, event in events.items():
        if event["type"] == "DecisionMade" and seq not in decisions:
            verified.differs(f"{shard}-{seq}: the decision is not on record")
    ratings = {row["seq"]: row for row in await connection.fetch(_RATINGS, *span)}
    for seq, row in ratings.items():
        verified.ratings += 1
        _same(shard, seq, _plain(row), events.get(seq, {}), "CustomerRated", verified)
    for seq, event in events.items():
        if event["type"] == "CustomerRated" and seq not in ratings:
            verified.differs(f"{shard}-{seq}: the rating is not on record")
    for row in await connection.fetch(_ANSWERS, *span):
        verified.answers += 1
        _same(shard, row["seq"], _plain(row), events.get(row["seq"], {}), "ActDone", verified)
    for row in await connection.fetch(_CHANGES, *span):
        verified.changes += 1
        _same(shard, row["seq"], _plain(row), events.get(row["seq"], {}), "ParametersChanged", verified)
    await _verify_snoozes(connection, span, events, verified)
    for row in await connection.fetch(_FACTS, *span):
        verified.facts += 1
        event = events.get(row["seq"], {})
        told = {**event, **{name: event.get("result", {}).get(name) for name in _OF_RESULT}}
        _same(shard, row["seq"], _plain(row), told, "ActDone", verified)
    for row in await connection.fetch(_ROLES, *span):
        verified.roles += 1
        event = events.get(row["seq"], {})
        told = {**event, **event.get("result", {})}
        _same(shard, row["seq"], _plain(row), told, "ActDone", verified)
    await _verify_legal_holds(connection, span, events, verified)
    await _verify_removals(connection, span, events, verified)


async def _verify_legal_holds(
    connection: Any, span: tuple[int, int, int], events: Mapping[int, Mapping[str, Any]], verified: Verified
) -> None:
    """Each is as its act was answered; one that was done and is not on record would keep nothing."""
    shard = span[0]
    found = {row["seq"]: row for row in await connection.fetch(_LEGAL_HOLDS, *span)}
    for seq, row in found.items():
        verified.legal_holds += 1
        event = events.get(seq, {})
        _same(shard, seq, _plain(row), {**event.get("result", {}), **event}, "ActDone", verified)
    for seq, event in events.items():
        is_done = event.get("act") in LEGAL_HOLD_ACTS and event["done"]
        if is_done and seq not in found and not event["result"].get("repeat"):
            verified.differs(f"{shard}-{seq}: the legal hold is not on record")


async def _verify_removals(
    connection: Any, span: tuple[int, int, int], events: Mapping[int, Mapping[str, Any]], verified: Verified
) -> None:
    """What was removed, two people wanted; and what an event says is gone is put down as gone."""
    shard = span[0]
    for row in await connection.fetch(_REMOVALS, *span):
        verified.removals += 1
        event = events.get(row["seq"], {})
        _same(shard, row["seq"], _plain(row), {**event.get("result", {}), **event}, "ActDone", verified)
    for seq, event in events.items():
        if event["type"] != "RecordsRemoved":
            continue
        approved = await connection.fetchrow(_APPROVED, shard, event["removal_id"], seq)
        people = (event["actor"], event["proposed_by"])
        if approved is None or tuple(approved) != people or len(set(people)) < len(people):
            verified.differs(f"{shard}-{seq}: no two people wanted these records removed")
        told = {(each["seq"], each["kind"]) for each in event["records"]}
        if told != {tuple(row) for row in await connection.fetch(_REMOVED_BY, shard, seq)}:
            verified.differs(f"{shard}-{seq}: what is put down as removed is not what was told")


LEGAL_HOLD_ACTS: Final = ("place_legal_hold", "lift_legal_hold")


async def _verify_snoozes(
    connection: Any, span: tuple[int, int, int], events: Mapping[int, Mapping[str, Any]], verified: Verified
) -> None:
    shard = span[0]
    for row in await connection.fetch(_SNOOZES, *span):
        verified.snoozes += 1
        record = _plain(row)
        event = events.get(row["seq"], {})
        if record.pop("what") == "proposed":
            del record["reason"]
            event = {**event.get("result", {}), **event}
            _same(shard, row["seq"], record, event, "ActDone", verified)
        else:
            _same(shard, row["seq"], record, event, "SnoozeChanged", verified)
    silenced = {row["seq"]: row for row in await connection.fetch(_SNOOZED, *span)}
    for seq, row in silenced.items():
        verified.snoozes += 1
        _same(shard, seq, _plain(row), events.get(seq, {}), "AlertSnoozed", verified)
    for seq, event in events.items():
        if event["type"] == "AlertSnoozed" and seq not in silenced:
            verified.differs(f"{shard}-{seq}: what was snoozed is not on record")


_OF_RESULT: Final = ("version", "case_id", *FILED_FIELDS)
"""Of a case's fact, what the answer's result says."""


def _plain(row: Any) -> dict[str, Any]:
    """A row as an event would spell it; what is null is left out there."""
    read = {"finding", "findings", "lists", "result", "terms"}
    return {
        name: json.loads(value) if name in read else _time(value)
        for name, value in row.items()
        if value is not None
    }


def _time(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _same(
    shard: int, seq: int, row: Mapping[str, Any], event: Mapping[str, Any], kind: str, verified: Verified
) -> None:
    if event.get("type") != kind:
        verified.differs(f"{shard}-{seq}: a record, and no {kind} that told of it")
        return
    for name, value in row.items():
        if event.get(name) != value:
            verified.differs(f"{shard}-{seq}: {name} on record is not what was told")
