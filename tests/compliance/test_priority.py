"""Which alerts are looked at first."""

from uuid import UUID

import asyncpg
import pytest

from backoffice.cli.compliance import most_urgent_first
from services.compliance.domain.priority import ORDER, priority_of
from services.compliance.handlers.work_order import rank_alerts
from services.compliance.queries.alerts import alerts_list
from shared.messages.acts import RefuseHold
from tests.compliance.conftest import Harness
from tests.compliance.ledger import ALICE, ANNE, Ledger
from tests.compliance.tables import table
from tests.compliance.test_cases import Office

PRIORITIES = table(
    """
    rule   held  confirmed  priority
    SAN-1  no    no         urgent
    SAN-1  yes   yes        urgent
    CTR-1  no    no         high
    CTR-1  yes   no         urgent
    RND-1  no    no         normal
    RND-1  no    yes        high
    RND-1  yes   no         urgent     # money waits for it
    """
)


@pytest.mark.parametrize("row", PRIORITIES, ids=lambda row: " ".join(row.values()))
def test_what_waits_and_what_is_listed_comes_first(row: dict[str, str]):
    """One priority each, by what stands behind an alert."""
    found = priority_of(row["rule"], is_held=row["held"] == "yes", was_confirmed=row["confirmed"] == "yes")
    assert found == row["priority"]


def test_of_one_priority_the_oldest_comes_first():
    """Alerts come by age; those more urgent are taken out in front."""
    listed = [{"priority": each, "number": number} for number, each in enumerate([*reversed(ORDER), *ORDER])]
    assert [each["number"] for each in most_urgent_first(listed)] == [2, 3, 1, 4, 0, 5]


async def test_a_priority_is_of_what_is_known_now(harness: Harness):
    """It falls when the hold is decided, and rises when a case about the owner is confirmed."""
    ledger, names = Ledger(), {"creditor": "Yorick Undertow"}
    await harness.take(*ledger.moved("deposit", "10000.01", owner=ALICE))
    await harness.take(
        *ledger.moved("withdrawal", "5.00", cash=False, pending=True, names=names, owner=ALICE)
    )
    for _ in range(3):
        await harness.take(*ledger.moved("deposit", "9000", owner=ANNE))

    async def priorities(owner: str) -> dict[str, str]:
        """By rule."""
        found = await alerts_list(harness.connection, owner=owner)
        return {each["rule"]: each["priority"] for each in found}

    held = await harness.connection.fetchval("SELECT instruction_id FROM hold")
    assert await priorities(ALICE) == {"CTR-1": "high"}
    superuser = await asyncpg.connect(harness.database.superuser_dsn)
    try:  # What waits seldom alerts besides: as if this had.
        await superuser.execute("UPDATE compliance.alert SET instruction_id = $1 WHERE rule = 'CTR-1'", held)
    finally:
        await superuser.close()
    await harness.tick_with(lambda work: rank_alerts(work, (), {(0, held)}))
    assert await priorities(ALICE) == {"CTR-1": "urgent"}
    refusal = RefuseHold(act_id=UUID(int=1), actor="ann", reason="x", owner=ALICE, instruction_id=held)
    assert (await harness.act(refusal))[-1].done
    assert await priorities(ALICE) == {"CTR-1": "high"}
    assert (await priorities(ANNE))["STR-1"] == "normal"
    office = Office(harness)
    await office.open(owner=ANNE)
    await office.do("assign", officer="otto", owner=ANNE)
    await office.do("decide", "otto", disposition="confirmed", owner=ANNE)
    assert (await priorities(ANNE))["STR-1"] == "normal", "one person has said so"
    await office.do("approve", "lena", owner=ANNE)
    assert (await priorities(ANNE))["STR-1"] == "high"
