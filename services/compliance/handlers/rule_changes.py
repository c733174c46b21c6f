"""Judges acts on rules' parameters: somebody proposes a version, another publishes it, live or in shadow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.compliance.domain.bounds import (
    Bounds,
    ValueUnknownError,
    ValueWrongError,
    read_values,
    require_known,
)
from services.compliance.domain.cases import DEADLINE_BOUNDS, DEADLINES, read_days
from services.compliance.domain.countries import COUNTRIES
from services.compliance.domain.memory import Draft
from services.compliance.domain.ratings import RATING, RATING_BOUNDS, read_data
from services.compliance.domain.retention import RETENTION, RETENTION_BOUNDS, read_terms
from services.compliance.domain.rule import (
    ANYTHING,
    SEGMENTS,
    CashRule,
    GraphRule,
    NameRule,
    PeerRule,
    Rule,
    RuleParameter,
    WindowRule,
    bounds_of,
)
from services.compliance.domain.rule_changes import VERSION_MIN, Proposal, RuleChange
from services.compliance.domain.snoozes import SNOOZE, SNOOZE_BOUNDS, read_days_max
from services.compliance.handlers.verdicts import Known, KnownRules, Verdict, refused
from services.compliance.rules import RULES, san_1
from services.compliance.store import rule_changes as rule_store
from shared.assets import scale_of
from shared.messages.acts import ProposeParameters, PublishParameters, WithdrawParameters
from shared.messages.acts.base import ActBase
from shared.messages.acts.parameters import VersionStatus
from shared.messages.compliance import ParametersChanged
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.topics import ALERTS, JOURNAL
from shared.money import SCALE_MAX, isin_fault
from shared.runtime.work import Received, UnitOfWork

RuleAct = ProposeParameters | PublishParameters | WithdrawParameters

_RULES: Final = {rule.code: rule for rule in RULES}
_DATA: Final[Mapping[str, tuple[Bounds, Callable[[RuleParameter], Any]]]] = {
    DEADLINES: (DEADLINE_BOUNDS, read_days),
    RATING: (RATING_BOUNDS, read_data),
    SNOOZE: (SNOOZE_BOUNDS, read_days_max),
    RETENTION: (RETENTION_BOUNDS, read_terms),
}
"""Of data beside the rules: what a row may say, and how it is read."""


def check_parameters(row: RuleParameter, scale: int) -> None:
    """Read a row as its rule does, for amounts of a scale; raises `ValueWrongError` with what is wrong."""
    if not row.values:
        return  # where it counts, the rule is not in force
    rule = _RULES.get(row.rule)
    bounds = bounds_of(rule) if rule is not None else _DATA[row.rule][0]
    require_known(row.values, bounds, row.rule)
    read_values(row.values, bounds, scale)
    match rule:
        case CashRule() | WindowRule() | GraphRule() | PeerRule():
            rule.read_parameters(row, scale)
        case NameRule():
            san_1.read_parameters(row)
        case None:
            _DATA[row.rule][1](row)


async def load_rule_acts(work: UnitOfWork, acts: Iterable[tuple[int, ActBase]], draft: Draft) -> KnownRules:
    """Read what acts on parameters are judged by; nothing where there are none."""
    mine = [(shard, act) for shard, act in acts if isinstance(act, RuleAct)]
    if not mine:
        return KnownRules()
    steps = {(shard, act.proposal_id) for shard, act in mine if not isinstance(act, ProposeParameters)}
    rules = {act.rule for _, act in mine if isinstance(act, ProposeParameters)}
    return KnownRules(
        proposals=await rule_store.load_proposals(work.connection, {each for _, each in steps}),
        versions=await rule_store.last_versions(work.connection, rules),
        timelines={shard: draft.rules_of(shard) for shard, _ in steps},
        starts=await first_records(work.connection, {shard for shard, _ in steps}, draft),
    )


async def first_records(connection: Any, shards: AbstractSet[int], draft: Draft) -> dict[int, int]:
    """Return the first record of the journal that each shard judges after the acts of this batch."""
    unread = shards - draft.starts.keys()
    return {**await rule_store.next_offsets(connection, JOURNAL.name, unread), **draft.starts}


def judge_rule_act(shard: int, act: RuleAct, known: Known) -> Verdict:
    """Decide whether a version can be proposed, published or withdrawn."""
    if isinstance(act, ProposeParameters):
        return _judge_proposal(shard, act, known, known.rules)
    proposal = known.rules.proposals.get(act.proposal_id)
    if proposal is None:
        return refused("no_such_proposal", f"nobody has proposed {act.proposal_id}")
    if isinstance(act, PublishParameters):
        return _judge_publication(shard, act, proposal, known.rules)
    return _judge_withdrawal(shard, act, proposal, known.rules)


def _judge_proposal(shard: int, act: ProposeParameters, known: Known, rules: KnownRules) -> Verdict:
    rule = _RULES.get(act.rule)
    if shard != known.house_shard:
        return refused("wrong_shard", f"parameters are proposed in the house's shard, {known.house_shard}")
    if rule is None:
        return refused("rule_unknown", f"there is no rule {act.rule}")
    narrowed = [name for name in _fixed(rule) if getattr(act, name) != ANYTHING]
    if narrowed:
        return refused("scope_unused", f"{act.rule} has the same parameters for every {narrowed[0]}")
    for each in (_wrong_scope(act), _wrong_days(act), _wrong_values(act, rule)):
        if each is not None:
            return each
    row = RuleParameter(
        rule=act.rule,
        version=max(rules.versions.get(act.rule, 0) + 1, VERSION_MIN),
        asset=act.asset,
        values=act.values,
        valid_from=act.valid_from,
        valid_until=act.valid_until,
        source=act.reason,
        segment=act.segment,
        jurisdiction=act.jurisdiction,
    )
    rules.versions[act.rule] = row.version
    proposal = rules.proposals[act.act_id] = Proposal(act.act_id, row, act.actor)
    return Verdict(
        True,
        f"version {row.version} of {row.rule} is proposed; another person has to publish it",
        _result(proposal, "proposed"),
        proposal=proposal,
    )


def _fixed(rule: Rule) -> Sequence[str]:
    """What a rule does not tell apart, because it does not know it of those it judges."""
    match rule:
        case NameRule():
            return ("asset", "segment", "jurisdiction")
        case CashRule() | GraphRule():
            return ("segment", "jurisdiction")
        case WindowRule() | PeerRule():
            return ()


def _wrong_scope(act: ProposeParameters) -> Verdict | None:
    """Refuse a version for a kind of party, a country or an asset that there is not."""
    if act.segment not in (ANYTHING, *SEGMENTS):
        return _unknown("segment", act.segment, f"one of {', '.join(SEGMENTS)}")
    if act.jurisdiction != ANYTHING and act.jurisdiction not in COUNTRIES:
        return _unknown("jurisdiction", act.jurisdiction, "a country, ISO 3166-1 alpha-2")
    if act.asset == ANYTHING:
        return None
    scale = scale_of(act.asset)
    if scale is None and isin_fault(act.asset) is not None:
        return _unknown("asset", act.asset, "a currency of shared/assets.csv, or an ISIN")
    scale_max = SCALE_MAX if scale is None else scale
    if not 0 <= act.scale <= scale_max:
        words = f"a whole number from 0 to {scale_max}"
        return _wrong("scale", f"scale {act.scale} of {act.asset} is not {words}", words)
    return None


def _wrong_days(act: ProposeParameters) -> Verdict | None:
    if act.valid_until is not None and act.valid_until <= act.valid_from:
        words = f"valid_until {act.valid_until} is not after valid_from {act.valid_from}"
        return refused("never_valid", words, field="valid_until", allowed=f"a day after {act.valid_from}")
    return None


def _wrong_values(act: ProposeParameters, rule: Rule) -> Verdict | None:
    """Refuse values that cannot be judged by."""
    if not act.values and isinstance(rule, NameRule):
        return _wrong("values", f"{act.rule} may not be off", "all that the rule has")
    row = RuleParameter(act.rule, 0, act.asset, act.values, act.valid_from, act.valid_until, act.reason)
    try:
        check_parameters(row, 0 if act.asset == ANYTHING else act.scale)
    except ValueUnknownError as error:
        return refused("parameter_unknown", str(error), field=f"values.{error.name}", allowed=error.allowed)
    except ValueWrongError as error:
        return _wrong(f"values.{error.name}", str(error), error.allowed)
    return None


def _unknown(field_name: str, value: str, allowed: str) -> Verdict:
    words = f"{field_name} {value} is not {allowed}"
    return refused(f"{field_name}_unknown", words, field=field_name, allowed=f"{allowed}; or {ANYTHING}")


def _wrong(field_name: str, words: str, allowed: str) -> Verdict:
    return refused("parameter_wrong", words, field=field_name, allowed=allowed)


def _judge_publication(shard: int, act: PublishParameters, proposal: Proposal, rules: KnownRules) -> Verdict:
    timeline = rules.timelines[shard]
    before, after = timeline.status_of(proposal), "shadow" if act.shadow else "live"
    if act.seen not in (None, before):
        return _gone_on(proposal, before)
    if before == after or before in ("live", "withdrawn"):
        return refused(f"already_{before}", f"version {proposal.row.version} is {before} in this shard")
    if proposal.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to publish it")
    later = max(timeline.live_versions(proposal.scope), default=0)
    if later > proposal.row.version:
        return refused("superseded", f"version {later} is live for the same; propose these values anew")
    return _step(RuleChange(shard, proposal, before, after, rules.starts.get(shard, 0)), rules)


def _judge_withdrawal(shard: int, act: WithdrawParameters, proposal: Proposal, rules: KnownRules) -> Verdict:
    before = rules.timelines[shard].status_of(proposal)
    if act.seen not in (None, before):
        return _gone_on(proposal, before)
    if before == "withdrawn":
        return refused("already_withdrawn", "it does not count")
    if before == "live" and proposal.proposed_by == act.actor:
        return refused("same_person", f"{act.actor} has proposed it; another person has to withdraw it")
    return _step(RuleChange(shard, proposal, before, "withdrawn", rules.starts.get(shard, 0)), rules)


def _gone_on(proposal: Proposal, status: VersionStatus) -> Verdict:
    words = f"version {proposal.row.version} of {proposal.row.rule} is {status} by now"
    return refused("version_old", words, status=status)


def _step(change: RuleChange, rules: KnownRules) -> Verdict:
    """Remember it for the acts after this, and answer."""
    rules.timelines[change.shard] = rules.timelines[change.shard].with_change(change)
    row = change.proposal.row
    result = {**_result(change.proposal, change.after), "journal_offset": change.journal_offset}
    words = f"version {row.version} of {row.rule} is {change.after} in this shard"
    return Verdict(True, f"{words} from record {change.journal_offset} on", result, change=change)


def _result(proposal: Proposal, status: str) -> dict[str, Any]:
    row = proposal.row
    return {
        "proposal_id": str(proposal.proposal_id),
        "rule": row.rule,
        "version": row.version,
        "status": status,
    }


@dataclass(slots=True)
class RulesTold:
    """What a batch has done to parameters, to be stored with it."""

    proposals: list[tuple[Proposal, int, int, datetime]] = field(
        default_factory=list[tuple[Proposal, int, int, datetime]]
    )
    changes: list[tuple[RuleChange, PublishParameters | WithdrawParameters, int, datetime]] = field(
        default_factory=list[tuple[RuleChange, PublishParameters | WithdrawParameters, int, datetime]]
    )

    def announce(
        self, work: UnitOfWork, record: Received, act: ActBase, verdict: Verdict, draft: Draft
    ) -> None:
        """Publish a change, before the answer to the act that asked for it, and let it count."""
        change = verdict.change
        if change is None or not isinstance(act, PublishParameters | WithdrawParameters):
            return

        def build(seq: int, recorded_at: datetime) -> ParametersChanged:
            return ParametersChanged(
                shard=change.shard,
                seq=seq,
                recorded_at=recorded_at,
                proposal_id=change.proposal.proposal_id,
                rule=change.proposal.row.rule,
                rule_version=change.proposal.row.version,
                before=change.before,
                after=change.after,
                journal_offset=change.journal_offset,
                actor=act.actor,
                proposed_by=change.proposal.proposed_by,
            )

        said = work.publish(record.shard, ALERTS, build, key=HOUSE, traceparent=record.traceparent)
        self.changes.append((change, act, said.seq, said.recorded_at))
        draft.change_rules(change)

    def add(self, verdict: Verdict, said: ActDone) -> None:
        """Take a proposal; `said` answers it."""
        if verdict.proposal is not None:
            self.proposals.append((verdict.proposal, said.shard, said.seq, said.recorded_at))

    async def save(self, connection: Any) -> None:
        """Store it, in the batch's transaction."""
        await rule_store.save_proposals(connection, self.proposals)
        await rule_store.save_changes(connection, self.changes)
