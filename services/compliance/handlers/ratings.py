"""Rates customers: by data as they are met, and by acts, where lowering takes two people."""

from collections.abc import Iterable
from datetime import datetime

from services.compliance.domain.ledger_events import LedgerNews
from services.compliance.domain.memory import Draft
from services.compliance.domain.ratings import (
    Rating,
    RatingProposal,
    Said,
    Standing,
    is_lower,
    rate_by_data,
)
from services.compliance.handlers.verdicts import Known, Verdict, refused
from services.compliance.store import ratings as rating_store
from shared.messages.acts import ApproveRating, RateCustomer
from shared.messages.compliance import CustomerRated, Finding
from shared.messages.envelope import HOUSE, Number, RiskClass
from shared.messages.journal import InstructionApplied
from shared.messages.partitioner import shard_of
from shared.messages.topics import DECISIONS
from shared.runtime.work import Received, UnitOfWork

RatingAct = RateCustomer | ApproveRating


def judge_rating(shard: int, act: RateCustomer, known: Known) -> Verdict:
    """Decide whether a customer can be rated: higher at once, lower as a proposal."""
    home = shard_of(act.owner, known.partitions)
    if act.owner == HOUSE:
        return refused("not_a_customer", "the house has no risk class")
    if home != shard:
        return refused("wrong_shard", f"the owner is at home in shard {home}")
    standing = known.standing(shard, act.owner)
    if act.seen not in (None, standing.version):
        words = f"the customer was rated since, and is of {standing.risk_class} risk"
        return refused("version_old", words, version=standing.version)
    if act.risk_class == standing.risk_class:
        return refused("already_rated", f"the customer is of {act.risk_class} risk")
    version = standing.version + 1
    if is_lower(act.risk_class, standing.risk_class):
        proposal = RatingProposal(
            shard, act.act_id, act.owner, version, act.risk_class, act.actor, act.reason
        )
        known.rating_proposals[shard, act.act_id] = proposal
        result = {"rating_id": str(act.act_id), "risk_class": act.risk_class, "status": "proposed"}
        words = f"{act.risk_class} risk is proposed; another person has to approve it"
        return Verdict(True, words, result, rating_proposal=proposal)
    rating = Rating(
        shard,
        act.owner,
        version,
        act.risk_class,
        standing.risk_class,
        act_id=act.act_id,
        actor=act.actor,
        reason=act.reason,
    )
    return _rated(rating, known)


def judge_approval_of_rating(shard: int, act: ApproveRating, known: Known) -> Verdict:
    """Decide whether a proposed class counts from now on."""
    proposal = known.rating_proposals.get((shard, act.rating_id))
    if proposal is None or proposal.owner != act.owner:
        return refused("no_such_rating", "nobody has proposed that for this owner")
    if proposal.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to approve it")
    standing = known.standing(shard, act.owner)
    if proposal.version != standing.version + 1:
        return refused(
            "rating_changed", f"the customer was rated since, and is of {standing.risk_class} risk"
        )
    rating = Rating(
        shard,
        act.owner,
        proposal.version,
        proposal.risk_class,
        standing.risk_class,
        act_id=act.act_id,
        actor=act.actor,
        reason=act.reason,
        rating_id=proposal.rating_id,
        proposed_by=proposal.proposed_by,
    )
    return _rated(rating, known)


def _rated(rating: Rating, known: Known) -> Verdict:
    known.standings[rating.shard, rating.owner] = Standing(rating.version, rating.risk_class)
    result = {
        "risk_class": rating.risk_class,
        "previous": rating.previous,
        "version": rating.version,
        "status": "rated",
    }
    return Verdict(True, f"the customer is of {rating.risk_class} risk", result, rating=rating)


def announce_rating(work: UnitOfWork, rating: Rating, traceparent: str | None) -> Said:
    """Publish a rating, so that the ledger takes it."""
    about = None if rating.about is None else Number(shard=rating.about[0], seq=rating.about[1])

    def build(seq: int, recorded_at: datetime) -> CustomerRated:
        return CustomerRated(
            shard=rating.shard,
            seq=seq,
            recorded_at=recorded_at,
            owner=rating.owner,
            version=rating.version,
            risk_class=rating.risk_class,
            previous=rating.previous,
            finding=rating.finding,
            about=about,
            act_id=rating.act_id,
            actor=rating.actor,
            reason=rating.reason,
            proposed_by=rating.proposed_by,
        )

    said = work.publish(rating.shard, DECISIONS, build, key=rating.owner, traceparent=traceparent)
    return rating, said.seq, said.recorded_at


async def rate_new_customers(work: UnitOfWork, records: Iterable[Received], draft: Draft) -> None:
    """Rate those of whose parties data say something, as an account is opened or a holder is told of later.

    At an opening data give a first class; later, and to whoever has one, only a higher one than there is. Of
    the same version they say it once, so that what people have decided since stands.
    """
    found = [each for record in records if (each := _by_data(record, draft)) is not None]
    if not found:
        return
    owners = {(record.shard, event.account.owner) for record, event, _, _ in found}
    standings = await rating_store.standings(work.connection, owners)
    said_before = await rating_store.rated_by_data(work.connection, owners)
    said: list[Said] = []
    for record, event, risk_class, finding in found:
        key = (record.shard, event.account.owner)
        standing = standings.get(key, Standing())
        same = (*key, finding.rule_version, risk_class)
        is_opening = event.instruction_type == "open_account"
        is_first = is_opening and standing.version == 0 and risk_class != standing.risk_class
        if same in said_before or not (is_first or is_lower(standing.risk_class, risk_class)):
            continue
        rating = Rating(
            record.shard,
            event.account.owner,
            standing.version + 1,
            risk_class,
            standing.risk_class,
            finding,
            (event.shard, event.seq),
        )
        said.append(announce_rating(work, rating, record.traceparent))
        said_before.add(same)
        standings[key] = Standing(rating.version, risk_class)
    await rating_store.save_ratings(work.connection, said)


def _by_data(
    record: Received, draft: Draft
) -> tuple[Received, InstructionApplied, RiskClass, Finding] | None:
    news: LedgerNews = record.message
    if not news.names:
        return None
    parties = [each.known for each in news.names if each.is_party]
    if record.copy != "primary" or not any(each.countries for each in parties):
        return None
    event = news.event()
    if not isinstance(event, InstructionApplied):
        return None
    said = rate_by_data(
        parties, event.recorded_at.date(), draft.rules_of(record.shard).at(record.offset).book
    )
    return None if said is None else (record, event, *said)
