"""What the ledger does by itself when it is due, without a record that asks for it: one module a duty.

EXTEND HERE, and list the duty in `services.transactions.domain.due`. A duty finds its tasks in a shard's
memory; each is folded like a record, after the same loads and in the same transaction, and what comes of
it is an event without a source.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.transactions.domain.decisions import Decision
from services.transactions.domain.records import Record
from services.transactions.domain.state import ShardState, Waiting


@dataclass(frozen=True, slots=True)
class Task:
    """Something that may be due. It stands in a batch where a record stands."""

    perform: Callable[[Any, "Task", int], Decision | None]
    """Takes the context (`services.transactions.domain.cases.Context`), the task, and the number of the
    event. Changes nothing where it returns none: then nothing was due after all.

    An event that follows up an instruction's first outcome names it (`about_seq`)."""
    owner: str
    """Whose account it is. While records of theirs are parked it waits, too."""
    accounts: tuple[str, ...] = ()
    """The accounts it needs, of those whose balance here may not have been met."""
    pending_id: str | None = None
    """The pending transaction it is about, whose accounts it needs."""
    waiting: Waiting | None = None
    """The scheduled request it is about, whose content must be read before it is performed."""
    record: Record | None = None
    """What that request asks."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One kind of such work."""

    find: Callable[[ShardState, datetime], Iterator[Task]]
    """Finds what may be due at a moment, what has waited longest first; not all of it is always taken."""
