"""Judges acts on rules' parameters: somebody proposes a version, another publishes it, live or in shadow."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.compliance.domain.cases import DEADLINES, read_days
from services.compliance.domain.memory import Draft
from services.compliance.domain.parameters import read_cooldown
from services.compliance.domain.ratings import RATING, read_data
from services.compliance.domain.retention import RETENTION, read_terms
from services.compliance.domain.rule import (
    ANYTHING,
    CashRule,
    GraphRule,
    NameRule,
    PeerRule,
    Rule,
    RuleParameter,
    WindowRule,
)
from services.compliance.domain.rule_changes import VERSION_MIN, Proposal, RuleChange
from services.compliance.domain.snoozes import SNOOZE, read_days_max
from services.compliance.handlers.verdicts import Known, KnownRules, Verdict, refused
from services.compliance.rules import RULES, san_1
from services.compliance.store import rule_changes as rule_store
from shared.messages.acts import (
    ActBase,
    ProposeParameters,
    PublishParameters,
    VersionStatus,
    WithdrawParameters,
)
from shared.messages.compliance import ParametersChanged
from shared.messages.envelope import HOUSE
from shared.messages.journal import ActDone
from shared.messages.topics import ALERTS, JOURNAL
from shared.money import SCALE_MAX
from shared.runtime.work import Received, UnitOfWork

RuleAct = ProposeParameters | PublishParameters | WithdrawParameters

_RULES: Final = {rule.code: rule for rule in RULES}
NUMBER_MAX: Final = 100_000
"""No count, percentage or time is more; beyond it times leave the calendar."""
HOLD_HOURS_MAX: Final = 24 * 366


def check_parameters(row: RuleParameter, scale: int) -> None:
    """Read a row as its rule does, for amounts of a scale; raises `ValueError` with what is wrong."""
    rule = _RULES.get(row.rule)
    if not row.values:
        return  # where it counts, the rule is not in force
    try:
        read_cooldown(row)
        match rule:
            case CashRule() | WindowRule() | GraphRule() | PeerRule():
                rule.read_parameters(row, scale)
            case NameRule():
                san_1.read_parameters(row)
            case None:
                if row.rule == DEADLINES:
                    read_days(row)
                if row.rule == RATING:
                    read_data(row)
                if row.rule == SNOOZE:
                    read_days_max(row)
                if row.rule == RETENTION:
                    read_terms(row)
        if "hold_hours" in row.values or isinstance(rule, NameRule) or getattr(rule, "holds", False):
            hours = int(row.values["hold_hours"])
            if not 0 < hours <= HOLD_HOURS_MAX:
                raise ValueError(f"hold_hours {hours} is not from 1 to {HOLD_HOURS_MAX}")
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


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
        names={rule: draft.memory.sets.names_of(rule) for rule in rules},
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
    if act.valid_until is not None and act.valid_until <= act.valid_from:
        return refused("never_valid", f"{act.valid_until} is not after {act.valid_from}")
    names = rules.names.get(act.rule, ())
    unknown = sorted(set(act.values) - {*names, "hold_hours", "cooldown_days"}) if names else []
    if unknown:
        return refused(
            "parameter_unknown", f"{act.rule} has no {unknown[0]}; it has {', '.join(sorted(names))}"
        )
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
    wrong = _wrong(row, rule, 0 if act.asset == ANYTHING else act.scale)
    if wrong:
        return refused("parameter_wrong", wrong)
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


def _wrong(row: RuleParameter, rule: Any, scale: int) -> str:
    """Say what is wrong with values; nothing where they can be judged by."""
    if not row.values:
        return f"{row.rule} may not be off" if isinstance(rule, NameRule) else ""
    if not 0 <= scale <= SCALE_MAX:
        return f"the asset's scale is not from 0 to {SCALE_MAX}"
    numbers = [each for each in _leaves(row.values) if isinstance(each, int | float)]
    if any(not 0 <= each <= NUMBER_MAX for each in numbers):
        return f"a number is not from 0 to {NUMBER_MAX}"
    try:
        check_parameters(row, scale)
    except ValueError as error:
        return str(error)
    return ""


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for each in value.values() for leaf in _leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in _leaves(each)]
    return [value]


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
