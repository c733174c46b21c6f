"""What one version of a list has that another has not, and whom that concerns among those screened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.compliance.domain.lists.party import ListedParty

IDENTITY: Final = frozenset(("kind", "names", "weak_names", "birth_dates", "countries", "identifiers"))
"""Facts that bear on whether somebody is the one listed."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that both versions have, with other facts."""

    before: ListedParty
    after: ListedParty

    @property
    def facts(self) -> tuple[str, ...]:
        """What is different, by name."""
        before, after = self.before.facts, self.after.facts
        return tuple(name for name in before if before[name] != after[name])


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed from one version of a list to another."""

    added: tuple[ListedParty, ...]
    removed: tuple[ListedParty, ...]
    changed: tuple[Change, ...]

    @property
    def to_screen_against(self) -> tuple[ListedParty, ...]:
        """The entries to screen all parties against again: new ones, and those now known otherwise."""
        known_otherwise = (change.after for change in self.changed if not IDENTITY.isdisjoint(change.facts))
        return (*self.added, *known_otherwise)


def difference(before: Iterable[ListedParty], after: Iterable[ListedParty]) -> Difference:
    """Compare two versions entry by entry, each in the order of its own version."""
    old = {each.entry_id: each for each in before}
    new = {each.entry_id: each for each in after}
    return Difference(
        added=tuple(each for entry_id, each in new.items() if entry_id not in old),
        removed=tuple(each for entry_id, each in old.items() if entry_id not in new),
        changed=tuple(
            Change(old[entry_id], each)
            for entry_id, each in new.items()
            if entry_id in old and old[entry_id] != each
        ),
    )


def lost(before: Iterable[ListedParty], after: Iterable[ListedParty]) -> int:
    """Return how many entries a version has lost from another: where that is many, it is another list."""
    return len({each.entry_id for each in before} - {each.entry_id for each in after})
