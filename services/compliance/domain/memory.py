"""What a process keeps of the shards it holds, and what one batch has changed of it so far.

A batch works on a `Draft`; its changes become the memory only when the transaction is committed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from services.compliance.domain.cash import Lookback, OwnerHistory
from services.compliance.domain.list_age import ListCheck, Outdated
from services.compliance.domain.records import ListRefusalRow
from services.compliance.domain.rule_changes import RuleChange, RuleSets, RuleTimeline
from services.compliance.domain.snoozes import NOTHING_SNOOZED, SnoozeFact, Snoozes
from services.compliance.domain.tier_two import TierTwo
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import NOBODY, Whitelist, WhitelistRow
from services.compliance.domain.windows.shard import ShardWindows

OWNERS_MAX: Final = 50_000
"""Histories kept for all shards together; beyond it they are dropped and loaded again when asked for."""

ListVersion = tuple[str, str]
"""A list's code and version."""


@dataclass(slots=True)
class Memory:
    """The state of the shards held, as committed."""

    sets: RuleSets
    """What judges where nobody has published anything, and makes what judges elsewhere."""
    lookback: Lookback
    rules: dict[int, RuleTimeline] = field(default_factory=dict[int, RuleTimeline])
    """What judges each shard, from which record on."""
    histories: dict[int, dict[str, OwnerHistory]] = field(default_factory=dict[int, dict[str, OwnerHistory]])
    """By shard and owner; only owners with cash lately."""
    active: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    """The version of each list that a shard screens against, by shard and list code."""
    checked: dict[int, dict[str, ListCheck]] = field(default_factory=dict[int, dict[str, ListCheck]])
    """When each of them was last read from its publisher."""
    outdated: dict[int, dict[str, Outdated]] = field(default_factory=dict[int, dict[str, Outdated]])
    """Of which it was said that they are older than allowed."""
    indexes: dict[ListVersion, NamesIndex] = field(default_factory=dict[ListVersion, NamesIndex])
    whitelists: dict[int, Whitelist] = field(default_factory=dict[int, Whitelist])
    snoozes: dict[int, Snoozes] = field(default_factory=dict[int, Snoozes])
    refused: dict[int, dict[str, ListRefusalRow]] = field(
        default_factory=dict[int, dict[str, ListRefusalRow]]
    )
    """The last refused file of each list, by shard and list code, until a version is activated."""
    windows: dict[int, ShardWindows] = field(default_factory=dict[int, ShardWindows])
    """Windows over what moves, by shard. A batch changes them in place: see `handlers.windows`."""
    rescreened: dict[tuple[int, int], frozenset[str] | None] = field(
        default_factory=dict[tuple[int, int], frozenset[str] | None]
    )
    """What open screenings of parties are about: entry ids by (shard, seq), None for all; as stored."""

    tier_two: TierTwo | None = None
    """Of the second tier, if the house's shard is held; a tick changes it in place."""

    def forget(self, shard: int) -> None:
        """Drop a shard, and the indexes that no other shard uses."""
        if self.tier_two is not None and self.tier_two.house == shard:
            self.tier_two = None
        self.histories.pop(shard, None)
        self.active.pop(shard, None)
        self.checked.pop(shard, None)
        self.outdated.pop(shard, None)
        self.refused.pop(shard, None)
        self.rules.pop(shard, None)
        self.whitelists.pop(shard, None)
        self.snoozes.pop(shard, None)
        self.windows.pop(shard, None)
        self._drop_unused_indexes()

    def adopt(self, draft: "Draft") -> None:
        """Take over what a committed batch has changed."""
        for (shard, owner), history in draft.histories.items():
            if shard in self.active:
                self.histories.setdefault(shard, {})[owner] = history.trimmed(self.lookback)
        if draft.histories and sum(map(len, self.histories.values())) > OWNERS_MAX:
            self.histories.clear()
        self.rules |= {s: rules for s, rules in draft.rules.items() if s in self.active}
        self.whitelists |= {s: found for s, found in draft.whitelists.items() if s in self.active}
        self.snoozes |= {s: found for s, found in draft.snoozes.items() if s in self.active}
        self.checked |= {s: checks for s, checks in draft.checked.items() if s in self.active}
        self.outdated |= {s: found for s, found in draft.outdated.items() if s in self.active}
        self.refused |= {s: refused for s, refused in draft.refused.items() if s in self.active}
        if draft.active:
            self.indexes.update(draft.indexes)
            self.active.update({s: lists for s, lists in draft.active.items() if s in self.active})
            self._drop_unused_indexes()

    def _drop_unused_indexes(self) -> None:
        used = {version for lists in self.active.values() for version in lists.items()}
        self.indexes = {version: index for version, index in self.indexes.items() if version in used}


@dataclass(slots=True)
class Draft:
    """One batch's view of the memory: what it changes is put beside, never into it."""

    memory: Memory
    starts: Mapping[int, int] = field(default_factory=dict[int, int])
    """The first record of the journal in the batch, by shard."""
    rules: dict[int, RuleTimeline] = field(default_factory=dict[int, RuleTimeline])
    histories: dict[tuple[int, str], OwnerHistory] = field(
        default_factory=dict[tuple[int, str], OwnerHistory]
    )
    active: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    checked: dict[int, dict[str, ListCheck]] = field(default_factory=dict[int, dict[str, ListCheck]])
    outdated: dict[int, dict[str, Outdated]] = field(default_factory=dict[int, dict[str, Outdated]])
    indexes: dict[ListVersion, NamesIndex] = field(default_factory=dict[ListVersion, NamesIndex])

    whitelists: dict[int, Whitelist] = field(default_factory=dict[int, Whitelist])
    snoozes: dict[int, Snoozes] = field(default_factory=dict[int, Snoozes])
    refused: dict[int, dict[str, ListRefusalRow]] = field(
        default_factory=dict[int, dict[str, ListRefusalRow]]
    )

    def rules_of(self, shard: int) -> RuleTimeline:
        """What judges a shard, with what this batch has changed of it."""
        return self.rules.get(shard) or self.memory.rules[shard]

    def change_rules(self, change: RuleChange) -> None:
        """Let a version of parameters count, or count no more, from its record on."""
        self.rules[change.shard] = self.rules_of(change.shard).with_change(change)

    def whitelist(self, shard: int) -> Whitelist:
        """The whitelisted pairs of a shard."""
        return self.whitelists.get(shard) or self.memory.whitelists.get(shard, NOBODY)

    def move_pair(self, row: WhitelistRow) -> None:
        """Take a pair into its shard's whitelist, or out of it."""
        self.whitelists[row.shard] = self.whitelist(row.shard).with_row(row)

    def drop_pairs(self, shard: int, ids: Collection[UUID]) -> None:
        """Take pairs out of a shard's whitelist."""
        if ids:
            self.whitelists[shard] = self.whitelist(shard).without(ids)

    def snoozes_of(self, shard: int) -> Snoozes:
        """Which rules are silent about which customers of a shard."""
        return self.snoozes.get(shard) or self.memory.snoozes.get(shard, NOTHING_SNOOZED)

    def change_snooze(self, fact: SnoozeFact) -> None:
        """Let a rule be silent, or not any more."""
        shard = fact.snooze.shard
        self.snoozes[shard] = self.snoozes_of(shard).with_fact(fact)

    def refuse(self, row: ListRefusalRow) -> None:
        """Note that a file of a list was refused."""
        self.refused[row.shard] = {**self._refused_of(row.shard), row.list_code: row}

    def _refused_of(self, shard: int) -> dict[str, ListRefusalRow]:
        found = self.refused.get(shard)
        return found if found is not None else self.memory.refused.get(shard, {})

    def lists_of(self, shard: int) -> dict[str, str]:
        """The list versions a shard screens against, by code."""
        found = self.active.get(shard)
        return found if found is not None else self.memory.active.get(shard, {})

    def index(self, version: ListVersion) -> NamesIndex | None:
        """The names of a list version, if they are in memory."""
        return self.indexes.get(version) or self.memory.indexes.get(version)

    def indexes_of(self, shard: int) -> tuple[NamesIndex, ...]:
        """The indexes a shard screens against, in the order of the lists' codes."""
        found = (self.index(version) for version in sorted(self.lists_of(shard).items()))
        return tuple(index for index in found if index is not None)

    def activate(self, shard: int, index: NamesIndex) -> None:
        """Let a shard screen against another version from here on."""
        self.active[shard] = {**self.lists_of(shard), index.code: index.version}
        self.indexes[index.code, index.version] = index

    def checks_of(self, shard: int) -> dict[str, ListCheck]:
        """When each list of a shard was last read, by code."""
        found = self.checked.get(shard)
        return found if found is not None else self.memory.checked.get(shard, {})

    def outdated_of(self, shard: int) -> dict[str, Outdated]:
        """The lists of a shard of which it was said that they are older than allowed, by code."""
        found = self.outdated.get(shard)
        return found if found is not None else self.memory.outdated.get(shard, {})

    def check(self, shard: int, code: str, check: ListCheck) -> None:
        """Note that a list was read from its publisher; what was wrong with it before is mended."""
        self.checked[shard] = {**self.checks_of(shard), code: check}
        self.outdated[shard] = {each: row for each, row in self.outdated_of(shard).items() if each != code}
        self.refused[shard] = {each: row for each, row in self._refused_of(shard).items() if each != code}

    def age(self, shard: int, found: Outdated) -> None:
        """Note that it was said of a list that it is older than allowed."""
        self.outdated[shard] = {**self.outdated_of(shard), found.list_code: found}

    def history(self, shard: int, owner: str) -> OwnerHistory | None:
        """An owner's history for this batch to add to: a copy at first touch; None if it must be loaded."""
        key = (shard, owner)
        found = self.histories.get(key)
        if found is None:
            kept = self.memory.histories.get(shard, {}).get(owner)
            if kept is not None:
                found = self.histories[key] = kept.copy()
        return found

    def put(self, shard: int, owner: str, history: OwnerHistory) -> None:
        """Take a loaded history."""
        self.histories[shard, owner] = history


def versions_of(lists: Iterable[dict[str, str]]) -> set[ListVersion]:
    """All list versions that any of the shards uses."""
    return {version for each in lists for version in each.items()}
