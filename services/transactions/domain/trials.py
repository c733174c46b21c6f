"""Lays a trial over what a batch has changed: it sees all of that, and leaves all of it as it was."""

from collections import ChainMap
from dataclasses import fields, replace
from typing import Any

from services.transactions.domain.changes import Changes


def on_trial(changes: Changes) -> Changes:
    """Return changes that stand on these as if they were committed, to be thrown away.

    No decision changes the memory, since a batch may be rolled back. So the batch's changes become part of
    the memory that the trial stands on, and what has no place there is laid under or copied. This goes by the
    fields that there are: one that is added later is covered.
    """
    state = changes.state
    laid: dict[str, Any] = {}
    for each in fields(state):
        below, above = getattr(state, each.name), getattr(changes, each.name, None)
        if isinstance(below, dict) and isinstance(above, dict):
            laid[each.name] = ChainMap[Any, Any](above, below)
    own: dict[str, Any] = {"state": replace(state, **laid)}
    for each in fields(changes):
        value: Any = getattr(changes, each.name)
        if isinstance(value, dict):
            own[each.name] = {} if each.name in laid else ChainMap[Any, Any]({}, value)
        elif isinstance(value, list | set):
            own[each.name] = value.copy()
    own["before"] = state.balances if changes.before is None else changes.before
    return replace(changes, **own)
