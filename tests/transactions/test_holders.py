"""Roles with a customer, told of after an account was opened: kept and told, and nothing of them is moved."""

# ruff: noqa: E501 - tables are as wide as what they show

import json
from typing import Any

import pytest

from services.transactions.domain.personal import is_personal, sealed_content
from shared.messages.instructions import INSTRUCTION
from shared.messages.sealing import PartyKey, opened
from tests.transactions.support import PureLedger, instruction, named_id, opening, outcome, table

HOLDER = {"name": "Ada Morgenrot", "role": "beneficial_owner", "person": "P-1"}


def telling(owner: str, account: str | None = None, **holder: Any) -> dict[str, Any]:
    """Say that somebody has a role with the owner of the account of this name."""
    return instruction(
        "change_holder", owner=owner, account=account or owner, holder=HOLDER | holder, authority="register"
    )


TOLD = table("""
    owner  account          person  since       until       outcome                    field
    alice  alice            P-1     -           -           applied                    -
    alice  alice            P-1     2019-07-01  -           applied                    -              # days gone by, too
    alice  alice            P-1     -           2026-01-01  applied                    -
    alice  alice            P-1     2026-01-01  2026-01-02  applied                    -
    alice  alice            P-1     2026-01-01  2026-01-01  applied                    -              # never had it
    alice  alice            P-1     2026-01-02  2026-01-01  validity_empty             holder.until
    alice  alice            -       -           -           field_missing              holder.person
    alice  alice/custody    P-1     -           -           applied                    -              # any account stands for the customer
    alice  nobody           P-1     -           -           account_unknown            account
    alice  bob              P-1     -           -           wrong_owner                owner
    house  BANK/nostro/EUR  P-1     -           -           account_class_not_allowed  account
""")  # fmt: skip


@pytest.mark.parametrize("row", TOLD, ids=lambda row: f"{row['account']} {row['outcome']} {row['until']}")
def test_a_role_is_told_of_or_refused(row: dict[str, str]) -> None:
    """Of a customer, by its owner's record, whatever the days."""
    ledger = PureLedger()
    box = opening("alice", "alice/custody", **{"class": "custody"})
    del box["asset"]
    ledger.send(opening("alice"), opening("bob"), box)
    holder = {name: row[name] or None for name in ("person", "since", "until")}
    (event,) = ledger.send(telling(row["owner"], row["account"], **holder))
    assert outcome(event) == row["outcome"]
    assert event.get("field", "") == row["field"]
    if row["outcome"] == "applied":
        assert event["account"]["account"] == row["account"]
        assert event["instruction"]["holder"]["person"] == "P-1"


def test_by_whose_word_must_be_said() -> None:
    """A role is known from a document, or somebody said so."""
    ledger = PureLedger()
    ledger.send(opening("alice"))
    message = telling("alice")
    del message["authority"]
    (event,) = ledger.send(message)
    assert (event["reason"], event["field"]) == ("field_missing", "authority")


def test_a_role_is_told_of_while_the_account_is_frozen() -> None:
    """It moves nothing; who owns what is frozen matters more, not less."""
    ledger = PureLedger()
    freeze = instruction("freeze_account", owner="alice", account="alice", freeze_id="f", authority="court")
    ledger.send(opening("alice"), freeze)
    assert outcome(ledger.send(telling("alice"))[0]) == "applied"


def test_who_has_a_role_is_sealed() -> None:
    """The whole block, under the key of the customer, and can be opened with it."""
    key = PartyKey(bytes(range(64)))
    message = {**telling("alice"), "instruction_id": named_id("told")}
    asked = INSTRUCTION.validate_json(json.dumps(message))
    assert is_personal(asked)
    content = json.dumps(message).encode()
    sealed = sealed_content(content, named_id("told"), key)
    assert b"Morgenrot" not in sealed
    assert b"P-1" not in sealed
    assert json.loads(sealed)["holder"].keys() == {"sealed"}
    assert json.loads(opened(sealed, named_id("told"), key)) == message
