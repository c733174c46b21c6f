"""The ledger under random scripts of all types, cut into batches and crashed anywhere, against the model.

`STATEFUL_SCRIPTS=2000 make test TESTS=tests/stateful` plays other, and more, scripts each time. A failing one
is printed as the `script` of the falsifying example: paste it into `FAILED_ONCE`.
"""

import asyncio
import os
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from shared.messages.instructions import INSTRUCTIONS
from tests.stateful.conftest import findings
from tests.stateful.machine import Script
from tests.stateful.scripts import ANNA, ASIDE, BEN, BY_TYPE, DORA, SAP, SCRIPTS
from tests.transactions.conftest import Server
from tests.transactions.support import named_id

MORE = int(os.environ.get("STATEFUL_SCRIPTS", "0"))
"""How many scripts to play instead of the few that are always the same."""


@pytest.mark.slow
@pytest.mark.timeout(0 if MORE else 600)
@settings(
    max_examples=MORE or 24,
    derandomize=not MORE,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(script=SCRIPTS)
def test_whatever_happens_the_books_are_those_of_the_model(scripts_server: Server, script: Script) -> None:
    """Outcomes, balances, pendings, freezes, limits, events, fates; and the verifier finds nothing."""
    assert asyncio.run(findings(scripts_server, [*ASIDE, *script])) == []


def opening(owner: str, asset: str) -> dict[str, Any]:
    """Open the account `later`."""
    given = {"entity": "BANK", "asset": asset, "instruction_id": named_id(f"{owner} {asset}")}
    return {"type": "open_account", "owner": owner, "account": "later", **given}


RESERVE: Final[Script] = [
    (
        "send",
        {
            "type": "reserve",
            "instruction_id": named_id("reserve"),
            "owner": DORA,
            "account": DORA,
            "amount": "500.00",
            "asset": "EUR",
        },
        None,
    ),
    ("work", (0,), 100, 0, "well", True),
]
FAILED_ONCE: Final[dict[str, Script]] = {
    "a code that is refused in one shard and opened in another": [
        ("send", opening(ANNA, "JPY"), None),
        ("work", (1,), 100, 0, "well", True),
        ("send", opening(BEN, "EUR"), None),
    ],
    "a reserve that is cleared": [*RESERVE, ("decide", 0, "cleared", "once")],
    "a balance carried over to suspense by somebody else": [
        (
            "send",
            {
                "type": "opening_balance",
                "instruction_id": named_id("balance"),
                "owner": DORA,
                "account": "BANK/suspense/EUR",
                "amount": "10.00",
                "asset": "EUR",
                "booking_date": "2026-01-01",
                "direction": "debit",
            },
            None,
        )
    ],
    "a decision about other content": [*RESERVE, ("decide", 0, "cleared", "other")],
}


@pytest.mark.parametrize("script", FAILED_ONCE.values(), ids=FAILED_ONCE)
def test_what_failed_once_holds(scripts_server: Server, script: Script) -> None:
    """Found by random scripts, and kept."""
    assert asyncio.run(findings(scripts_server, script)) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_securities_that_came_while_frozen_are_allocated_as_the_model_says(
    scripts_server: Server, is_there: bool
) -> None:
    """To the account within, there already or not: whichever number the item has, others are none."""
    box = {"owner": ANNA, "account": f"{ANNA}/custody"}
    frozen = {**box, "freeze_id": "f"}
    pieces = {**box, "direction": "receive", "quantity": "5", "asset": SAP}
    told: list[dict[str, Any]] = [
        *([{"type": "custody_transfer", **pieces}] if is_there else []),
        {"type": "freeze_account", **frozen, "authority": "court", "direction": "both"},
        {"type": "custody_transfer", **pieces},
        {"type": "unfreeze_account", **frozen},
        *[{"type": "allocate", **box, "item": f"1-{n}-0", "amount": "3", "asset": SAP} for n in range(1, 20)],
    ]
    script: Script = [
        ("send", {**each, "instruction_id": named_id(f"kept {n}")}, None) for n, each in enumerate(told)
    ]
    assert asyncio.run(findings(scripts_server, [*script, ("work", (1,), 7, 0, "well", True)])) == []


def test_every_type_of_instruction_is_drawn() -> None:
    """A type that is missing in the table of strategies would be tried by nobody."""
    assert set(BY_TYPE) == {each.model_fields["type"].default for each in INSTRUCTIONS}
