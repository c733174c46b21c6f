"""Carries out acts on the whitelist: one person proposes a pair, another approves it, anybody revokes it."""

from dataclasses import replace
from datetime import date, timedelta

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.memory import Draft
from services.compliance.domain.names.spelling import spell
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.records import WhitelistMove, WhitelistProposal
from services.compliance.domain.rule import ANY_ASSET
from services.compliance.domain.whitelist import WhitelistRow, entry_digest
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.rules import san_1
from shared.messages.acts import ApproveWhitelisting, ProposeWhitelisting, RevokeWhitelisting
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of

PairAct = ProposeWhitelisting | ApproveWhitelisting | RevokeWhitelisting


def whitelist_days_max(book: ParameterBook, day: date) -> int:
    """How long a pair may count; no day at all where SAN-1 is not in force."""
    row = book.choose(san_1.RULE.code, ANY_ASSET, day)
    return san_1.read_parameters(row).whitelist_days_max if row is not None else 0


def judge_proposal(shard: int, act: ProposeWhitelisting, known: Known) -> Verdict:
    """Decide whether a pair can be proposed."""
    today, home = known.day(shard), shard_of(act.owner, known.partitions)
    if home != shard:
        return refused("wrong_shard", f"the owner is at home in shard {home}")
    if act.until <= today:
        return refused("expired", f"{act.until} is no day to come")
    days_max = known.whitelist_days_max.get(shard, 0)
    if act.until > today + timedelta(days=days_max):
        return refused("too_long", f"a pair is whitelisted for {days_max} days at most")
    if not spell(act.name).parts:
        return refused("name_empty", "there is nothing to compare in the name")
    entry = _entry(shard, act.list_code, act.entry_id, known)
    if entry is None:
        return refused("entry_unknown", f"{act.entry_id} is on no version of {act.list_code} active here")
    pair = known.pairs[shard, act.act_id] = WhitelistRow(
        shard=shard,
        whitelisting_id=act.act_id,
        owner=act.owner,
        list_code=act.list_code,
        entry_id=act.entry_id,
        entry_digest=entry_digest(entry),
        name=act.name,
        kind=act.kind,
        birth_date=act.birth_date.isoformat() if act.birth_date is not None else None,
        country=act.country,
        until=act.until,
        proposed_by=act.actor,
    )
    return _pair_is(pair, "another person has to approve it")


def judge_approval(shard: int, act: ApproveWhitelisting, known: Known) -> Verdict:
    """Decide whether a proposed pair counts from now on."""
    pair = known.pairs.get((shard, act.whitelisting_id))
    if pair is None or pair.owner != act.owner:
        return refused("no_such_whitelisting", "nobody has proposed that for this owner")
    if pair.status != "proposed":
        return refused(f"already_{pair.status}", "it has been decided")
    if pair.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
    if pair.until <= known.day(shard):
        return refused("expired", f"it would have counted until {pair.until}")
    entry = _entry(shard, pair.list_code, pair.entry_id, known)
    if entry is None or entry_digest(entry) != pair.entry_digest:
        return refused("entry_changed", f"{pair.entry_id} of {pair.list_code} is not what it was")
    pair = known.pairs[shard, act.whitelisting_id] = replace(pair, status="approved")
    return _pair_is(pair, f"it counts until {pair.until}")


def judge_revocation(shard: int, act: RevokeWhitelisting, known: Known) -> Verdict:
    """Decide whether a pair can be revoked; one that is only proposed, too."""
    pair = known.pairs.get((shard, act.whitelisting_id))
    if pair is None or pair.owner != act.owner:
        return refused("no_such_whitelisting", "nobody has proposed that for this owner")
    if pair.status == "revoked":
        return refused("already_revoked", "it does not count")
    pair = known.pairs[shard, act.whitelisting_id] = replace(pair, status="revoked")
    return _pair_is(pair, "it does not count")


def _entry(shard: int, code: str, entry_id: str, known: Known) -> ListedParty | None:
    """The entry of the version active here; none of one that was activated a moment ago, in this batch."""
    index = known.indexes.get((code, known.active.get(shard, {}).get(code, "")))
    return index.entry(entry_id) if index is not None else None


def _pair_is(pair: WhitelistRow, words: str) -> Verdict:
    result = {
        "whitelisting_id": str(pair.whitelisting_id),
        "status": pair.status,
        "list": pair.list_code,
        "entry": pair.entry_id,
        "until": pair.until.isoformat(),
    }
    return Verdict(True, f"the pair is {pair.status}; {words}", result, pair=pair)


def row_of(
    act: PairAct, pair: WhitelistRow, said: ActDone, draft: Draft
) -> WhitelistProposal | WhitelistMove:
    """Return what is to be stored of an act that was done, and let the batch's memory know."""
    if isinstance(act, ProposeWhitelisting):
        version = draft.lists_of(pair.shard)[pair.list_code]
        return WhitelistProposal(pair, said.seq, said.recorded_at, version, act.reason)
    draft.move_pair(pair)
    return WhitelistMove(pair.shard, pair.whitelisting_id, pair.status, act.actor, said.seq, act.reason)
