"""Keeps what tells how long records are kept, and carries out acts by which they are kept longer."""

from collections.abc import Iterable
from dataclasses import replace

from services.compliance.domain.retention import LegalHold, LegalHoldFact
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.store import retention as retention_store
from shared.messages.acts import LiftLegalHold, PlaceLegalHold
from shared.messages.envelope import HOUSE
from shared.messages.partitioner import shard_of
from shared.runtime.work import Received, UnitOfWork

LegalHoldAct = PlaceLegalHold | LiftLegalHold


async def remember_accounts(work: UnitOfWork, records: Iterable[Received]) -> None:
    """Put on record which accounts of customers were opened and closed."""
    rows = [
        (record.shard, work.shards[record.shard].recorded_at, record.message.account)
        for record in records
        if record.message.account is not None and record.copy == "primary"
    ]
    await retention_store.save_account_facts(work.connection, rows)


def judge_legal_hold(shard: int, act: LegalHoldAct, known: Known) -> Verdict:
    """Decide whether records about a customer are kept whatever their age, or not any more."""
    if isinstance(act, PlaceLegalHold):
        home = shard_of(act.owner, known.partitions)
        if act.owner == HOUSE:
            return refused("not_a_customer", "records about the house are nobody's")
        if home != shard:
            return refused("wrong_shard", f"the owner is at home in shard {home}")
        hold = LegalHold(shard, act.act_id, act.owner, act.actor)
        return _done(known, hold, act, "another person can lift it")
    hold = known.legal_holds.get((shard, act.legal_hold_id))
    if hold is None or hold.owner != act.owner:
        return refused("no_such_legal_hold", "nobody has placed that on this owner")
    if hold.status == "lifted":
        return refused("already_lifted", "it does not count")
    if hold.placed_by == act.actor:
        return refused("same_person", f"{act.actor} has placed it; another person has to lift it")
    return _done(
        known, replace(hold, status="lifted"), act, "records go by their age, if no other hold counts"
    )


def _done(known: Known, hold: LegalHold, act: LegalHoldAct, words: str) -> Verdict:
    """Remember it for the acts after this, and answer."""
    known.legal_holds[hold.shard, hold.legal_hold_id] = hold
    held = known.removals.held.setdefault((hold.shard, hold.owner), [])
    if hold.status == "placed":
        held.append(hold.legal_hold_id)
    elif hold.legal_hold_id in held:  # asked for only where an act is about it
        held.remove(hold.legal_hold_id)
    result = {
        "legal_hold_id": str(hold.legal_hold_id),
        "status": hold.status,
        "placed_by": hold.placed_by,
    }
    fact = LegalHoldFact(hold, act.act_id, act.actor, act.reason)
    return Verdict(True, f"the legal hold is {hold.status}; {words}", result, legal_hold=fact)
