"""Check 2: each instruction took effect exactly once, and the effect is the model's."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from audit.checks.trials import compare_trial
from audit.examination import Examination
from audit.ledger_rows import JournalRow
from audit.model import Prediction
from audit.places import partition_of
from audit.result import Result, Tally
from audit.sealed import is_sealed, opened, public, shows_personal

FIRST_OUTCOMES = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionScheduled",
        "TransactionCancelled",
        "TransactionVoided",
        "InstructionApplied",
        "InstructionRejected",
        "BusinessDayOpened",
        "PeriodClosed",
    }
)


def everything_happened_once(examination: Examination) -> Result:
    """2: by id and content, against the model: kind, reason, dates, movements of every event."""
    tally = Tally(2, "exactly once, by id and content, as the model says")
    replay = examination.replay
    for row in examination.rows:
        said = replay.predictions.get((row.shard, row.seq))
        where = (
            f"shard {row.shard} seq {row.seq} ({row.instruction_type or row.kind} {row.instruction_id or ''})"
        )
        if said is None:
            tally.differs(f"{where}: the model knows nothing that could have caused it")
            continue
        tally.counted += 1
        _compare(tally, examination, row, said, where)
    for problem in replay.problems:
        tally.differs(problem)
    _ids(tally, examination)
    return tally.result()


def _compare(tally: Tally, examination: Examination, row: JournalRow, said: Prediction, where: str) -> None:
    expected = (said.kind, said.reason)
    if expected != (row.kind, row.reason):
        tally.differs(
            f"{where}: expected {' '.join(filter(None, expected))}, found {row.kind} {row.reason or ''}"
        )
        return
    if said.about_seq != row.about_seq:
        tally.differs(f"{where}: expected to follow up seq {said.about_seq}, found {row.about_seq}")
    if (said.booking_date, said.value_date) != (row.booking_date, row.value_date):
        found = f"{row.booking_date} and {row.value_date}"
        tally.differs(f"{where}: expected dates {said.booking_date} and {said.value_date}, found {found}")
    if said.content is not None:
        _content(tally, examination, row, said.content, where)
    if said.tried is not None:
        compare_trial(tally, examination, row, said.tried, where)
        return
    detail = row.detail or {}
    field = detail.get("field")
    if said.fields and field is not None and not {field, field.split(".")[0]} & set(said.fields):
        tally.differs(f"{where}: names {field}, where {' or '.join(said.fields)} is wrong")
    resolves = None if said.resolves is None else {"shard": row.shard, "seq": said.resolves}
    executes = None if said.executes is None else {"shard": row.shard, "seq": said.executes}
    if said.kind == "TransactionPending" and detail.get("screening", True) != said.screening:
        tally.differs(f"{where}: expected screening {said.screening}, found {detail.get('screening')}")
    policy = detail.get("screened_by")
    if policy not in (said.screened_by or (None,)):
        tally.differs(f"{where}: expected screened_by one of {said.screened_by}, found {policy}")
    for name, value in (
        *said.detail.items(),
        ("routed", said.routed),
        ("limit_passed", said.limit_passed or None),
        ("resolves", resolves),
        ("executes", executes),
        ("execute_on", None if said.execute_on is None else said.execute_on.isoformat()),
        ("settled", said.settled),
        ("freed", said.freed),
        ("reverses", said.reverses and {"shard": said.reverses[0], "seq": said.reverses[1]}),
        ("uses", said.uses and dict(zip(("shard", "seq", "leg"), said.uses, strict=True))),
        ("reopens", said.reopens or None),
        ("opened", said.opened),
        ("cause", said.cause),
        ("valid_from", None if said.valid_from is None else said.valid_from.isoformat()),
    ):
        if (detail.get(name) or None) != value:
            tally.differs(f"{where}: expected {name} {value}, found {detail.get(name)}")
    if detail.get("member") != said.member:
        tally.differs(f"{where}: expected member {said.member}, found {detail.get('member')}")
    members = [
        (each["instruction_id"], each["type"], each["movements"], each.get("routed"))
        for each in detail.get("members", ())
    ]
    if said.members is not None and members != said.members:
        tally.differs(f"{where}: expected members {said.members}, found {members}")
    accounts, assets = examination.accounts, examination.assets
    found_legs = [
        (
            leg.kind,
            accounts[leg.debit_account].code,
            accounts[leg.credit_account].code,
            leg.amount,
            assets[leg.asset_id].code,
        )
        for leg in examination.legs.get((row.shard, row.seq), ())
    ]
    wanted = [(leg.kind, leg.debit, leg.credit, leg.amount, leg.asset) for leg in said.movements]
    if found_legs != wanted:
        tally.differs(f"{where}: expected movements {wanted}, found {found_legs}")


def _content(
    tally: Tally, examination: Examination, row: JournalRow, wanted: Mapping[str, Any], where: str
) -> None:
    """What is kept is what was asked, and nothing personal in it can be read without its owner's key."""
    kept = json.loads(row.content or b"{}")
    tally.expect(not shows_personal(kept), f"{where}: something personal is not sealed")
    found = opened(examination.evidence.keys, row.shard, kept)
    if not is_sealed(found):
        same = found == wanted
        gone = is_sealed(kept) and examination.erased.get((row.shard, row.owner or ""), 0) > row.seq
        tally.expect(not gone, f"{where}: it can be opened though its owner was erased since")
    else:
        same = public(found) == public(wanted)
        tally.expect(_may_stay_sealed(examination, row), f"{where}: what is sealed in it cannot be opened")
    tally.expect(same, f"{where}: the content kept is not what the record asked for")


def _may_stay_sealed(examination: Examination, row: JournalRow) -> bool:
    """Whether nobody needs to open it: its owner was erased since, or is at home elsewhere."""
    evidence, owner = examination.evidence, row.owner or ""
    if evidence.master_key is None or examination.erased.get((row.shard, owner), 0) > row.seq:
        return True
    asked = json.loads(row.content or b"{}")
    return partition_of(asked.get("owner", "").encode(), evidence.partitions) != row.shard


def _ids(tally: Tally, examination: Examination) -> None:
    """Each id has one first outcome in its home, and the table of keys says which."""
    firsts: dict[tuple[int, UUID], list[int]] = defaultdict(list)
    replay_of = examination.replay.predictions
    for row in examination.rows:
        used = row.reason not in examination.replay.not_remembered
        if row.kind in FIRST_OUTCOMES and row.about_seq is None and row.instruction_id is not None and used:
            firsts[row.shard, row.instruction_id].append(row.seq)
            for member_id in _members_taken(row, replay_of.get((row.shard, row.seq))):
                firsts[row.shard, member_id].append(row.seq)
    keys = {(key.shard, key.instruction_id): key.seq for key in examination.evidence.ledger.keys}
    for identity, seqs in firsts.items():
        tally.expect(len(seqs) == 1, f"shard {identity[0]}: {identity[1]} has first outcomes at seqs {seqs}")
        if identity not in keys:
            tally.differs(f"shard {identity[0]}: {identity[1]} of seq {seqs[0]} is not remembered")
        elif keys[identity] != seqs[0]:
            tally.differs(
                f"shard {identity[0]}: {identity[1]} is remembered at seq {keys[identity]}, not {seqs[0]}"
            )
    for identity in keys.keys() - firsts.keys():
        tally.differs(f"shard {identity[0]}: {identity[1]} is remembered, but has no first outcome")


def _members_taken(row: JournalRow, said: Prediction | None) -> list[UUID]:
    """The ids that a group has taken for its members."""
    if said is None or not said.takes_members or row.content is None:
        return []
    return [UUID(each["instruction_id"]) for each in json.loads(row.content)["members"]]
