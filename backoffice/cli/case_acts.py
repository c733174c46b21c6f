"""Acts on alerts and cases as the command sends them: to the shard of their owner, on the version seen."""

from typing import Any
from uuid import UUID

from backoffice.cli import acts, sessions
from backoffice.cli.connection import Connection, connect
from backoffice.cli.errors import USAGE, CommandError
from services.compliance.queries.alerts import alert_find
from services.compliance.queries.cases import case_show
from shared.messages.acts import DismissAlert, OpenCase
from shared.messages.acts.cases import CaseAct
from shared.messages.journal import ActDone
from shared.messages.partitioner import shard_of
from shared.runtime import clock


def perform(
    act_type: type[CaseAct],
    case: UUID,
    version: int | None,
    reason: str,
    actor: str | None,
    timeout: float,
    **fields: Any,
) -> None:
    """Have something done to a case, and print what came of it."""
    acts.carry_out(performed(connect(), act_type, case, version, reason, acts.actor(actor), timeout, fields))


async def performed(
    connection: Connection,
    act_type: type[CaseAct],
    case: UUID,
    version: int | None,
    reason: str,
    actor: str,
    timeout: float,
    fields: dict[str, Any],
) -> ActDone:
    """Have something done to a case, on the version it is at where none is named."""
    found = await shown(connection, case)
    act = act_type(
        act_id=clock.new_id(),
        actor=actor,
        reason=reason,
        owner=found["owner"],
        case_id=case,
        version=found["version"] if version is None else version,
        **fields,
    )
    return await acts.in_compliance(connection, act, found["shard"], timeout)


async def opened(
    connection: Connection,
    alerts: tuple[str, ...],
    kind: Any,
    owner: str | None,
    actor: str,
    reason: str,
    timeout: float,
) -> ActDone:
    """Have a case opened, about the owner of its first alert where none is named."""
    about = owner
    for alert in alerts[: 1 if owner is None else 0]:
        _, about = await _home_of(connection, alert)
    if about is None:
        raise CommandError(
            "usage", "Nothing says whom the case is about.", "Name an alert, or give --owner.", USAGE
        )
    act = OpenCase(
        act_id=clock.new_id(), actor=actor, reason=reason, owner=about, kind=kind, alert_ids=alerts
    )
    return await acts.in_compliance(connection, act, shard_of(about, connection.partitions), timeout)


async def dismissed(connection: Connection, alert: str, actor: str, reason: str, timeout: float) -> ActDone:
    """Have an alert dismissed."""
    shard, owner = await _home_of(connection, alert)
    act = DismissAlert(act_id=clock.new_id(), actor=actor, reason=reason, owner=owner, alert_id=alert)
    return await acts.in_compliance(connection, act, shard, timeout)


async def shown(connection: Connection, case: UUID) -> dict[str, Any]:
    """Return a case as it is."""
    async with sessions.open_database(connection) as database:
        found = await case_show(database, case)
    if found is None:
        raise CommandError(
            "case_unknown", f"There is no case {case}.", "Type `backoffice cases list` to see them."
        )
    return found


async def _home_of(connection: Connection, alert: str) -> tuple[int, str]:
    """Return the shard of an alert, and whom it is about."""
    async with sessions.open_database(connection) as database:
        found = await alert_find(database, alert)
    if found is None:
        raise CommandError(
            "alert_unknown", f"There is no alert {alert}.", "Type `backoffice alerts list` to see them."
        )
    return found
