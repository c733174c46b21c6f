"""What acts are judged by, and what comes of judging them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from services.compliance.domain.memory import ListVersion
from services.compliance.domain.records import HoldRow, ListState
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import WhitelistRow
from shared.messages.acts import LoadList, RefuseList


@dataclass(slots=True)
class Known:
    """What the acts of a batch are judged by; those before change it for those after."""

    house_shard: int
    partitions: int
    verdicts: dict[tuple[int, UUID], "Verdict"]
    """By shard and act id, of acts answered before."""
    holds: dict[tuple[int, UUID], HoldRow]
    lists: dict[ListVersion, ListState]
    entries: set[tuple[str, str, str]]
    active: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    indexes: Mapping[ListVersion, NamesIndex] = field(default_factory=dict[ListVersion, NamesIndex])
    """Of the versions that were active before these acts."""
    pairs: dict[tuple[int, UUID], WhitelistRow] = field(default_factory=dict[tuple[int, UUID], WhitelistRow])
    days: dict[int, date] = field(default_factory=dict[int, date])
    """When the acts are carried out, by shard."""
    whitelist_days_max: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an act is done, and what it changes."""

    done: bool
    detail: str
    result: Mapping[str, Any]
    hold: HoldRow | None = None
    """The hold it decides, as it was."""
    pair: WhitelistRow | None = None
    """The whitelisted pair as it is after the act."""
    part: LoadList | None = None
    activates: ListVersion | None = None
    refuses: RefuseList | None = None
    is_repeat: bool = False
    """The act had been answered before; it is answered the same again."""


def refused(reason: str, words: str, **more: Any) -> Verdict:
    """Return the verdict on an act that cannot be done."""
    return Verdict(False, f"{reason}: {words}", {"refused": reason, **more})
