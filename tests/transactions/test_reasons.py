"""The table of reasons holds what it promises."""

import re
from pathlib import Path

import pytest

from services.transactions.domain import ladder
from services.transactions.domain.reasons import REASONS, TABLE, Reason
from shared.messages.kinds import FACTS
from shared.money import AmountError, parse_amount

FOLDER = Path(__file__).parent
DOMAIN = Path(ladder.__file__).parent


def test_each_reason_has_one_row() -> None:
    """A published reason keeps its name for ever, so it is listed once."""
    assert len(REASONS) == len(TABLE)


@pytest.mark.parametrize("reason", TABLE, ids=lambda reason: reason.code)
def test_each_reason_is_met_in_a_test(reason: Reason) -> None:
    """Every reason is reached by some record in the ledger's tests."""
    texts = [path.read_text() for path in FOLDER.glob("test_*.py") if path.name != Path(__file__).name]
    assert any(re.search(rf"\b{reason.code}\b", text) for text in texts)
    assert re.fullmatch(r"[A-Z]{2}\d\d", reason.status_code)
    assert reason.upstream


@pytest.mark.parametrize("reason", TABLE, ids=lambda reason: reason.code)
def test_a_fact_is_rejected_only_by_the_first_rungs(reason: Reason) -> None:
    """Facts are rejected by rungs 1 to 3, an unknown or unused asset, `spans_…` and overflow alone."""
    if reason.rung in ("place", "identity", "form"):
        assert reason.fact == "rejected"
    if reason.rung == "references" and reason.fact == "rejected":
        request_only = {
            "account_exists",
            "account_class_not_valid",
            "entity_unknown",
            "instrument_not_valid",
            "pending_unknown",
            "original_not_reversible",
            "container_not_allowed",
            "item_unknown",
            "reversed_elsewhere",
            "rate_mismatch",
            "charges_exceed_amount",
        }
        assert (
            reason.code
            in {"asset_unknown", "asset_not_used", "spans_owners", "spans_entities"} | request_only
        )


def test_each_rung_is_in_the_table() -> None:
    """The ladder and the table speak of the same rungs, in the same order."""
    order = list(dict.fromkeys(reason.rung for reason in TABLE))
    assert order == [*(rung.name for rung in ladder.LADDER), "decision"]


def test_every_reason_named_in_the_code_has_a_row() -> None:
    """A refusal with a reason that the table lacks would be an exception in the fold."""
    found: set[str] = set()
    for path in DOMAIN.rglob("*.py"):
        found |= set(re.findall(r'(?:Refusal|Fault)\(\s*"([a-z_]+)"', path.read_text()))
    assert found - set(REASONS) == set()


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1.001", "9" * 30])
def test_the_reasons_of_amounts_are_in_the_table(text: str) -> None:
    """What money refuses is a published reason."""
    with pytest.raises(AmountError) as raised:
        parse_amount(text, 2)
    assert raised.value.reason in REASONS


def test_facts_are_those_of_the_contract() -> None:
    """The contract and the types say the same."""
    from services.transactions.transaction_types import TRANSACTION_TYPES

    assert {each.code for each in TRANSACTION_TYPES if each.kind == "fact"} == FACTS
