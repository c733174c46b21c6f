"""One walk up the whole ladder: the lowest broken rung names the reason, whatever else is wrong."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

import pytest

from services.transactions.domain import ledger as folding
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.movements import MOVEMENTS
from services.transactions.domain.ladder import LADDER, Rung
from services.transactions.domain.reasons import REASONS
from services.transactions.handlers.memory import TYPES
from tests.transactions.support import PureLedger, deposit, named_id, opening, outcome, received, transfer

RUNGS: Final = tuple(rung.name for rung in LADDER)
REFUSALS: Final = {
    "form": "amount_zero",
    "references": "account_unknown",
    "status": "account_frozen",
    "state": "pending_resolved",
    "limits": "insufficient_funds",
}
"""A reason of each rung that belongs to what an instruction does."""


def outcome_with(broken: Collection[str], ladder: Sequence[Rung]) -> str:
    """What comes of an instruction in which these rungs are broken, one at least."""

    def judged(name: str) -> Callable[[Any], Refusal | None]:
        """A rung that refuses, or is content with anything: so any order of them can be walked."""
        refusal = Refusal(REFUSALS[name], None, "as the test says")
        return lambda _: refusal if name in broken else None

    effect = replace(MOVEMENTS, **{name: judged(name) for name in REFUSALS})
    kind = replace(TYPES["transfer"], effect=effect)
    ledger = PureLedger(types={**TYPES, "transfer": kind}, quick=False)
    ledger.send(opening("alice"), opening("bob"), deposit("alice", "5.00", instruction_id=named_id("used")))
    id_of = named_id("used" if "identity" in broken else "new")
    message = transfer("alice", "bob", "1.00", instruction_id=id_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "LADDER", ladder)
        (event,) = ledger.send(received(message, key="bob" if "place" in broken else None))
    return outcome(event)


def walk(ladder: Sequence[Rung] = LADDER) -> list[str]:
    """What comes of it when everything is broken, then all but the lowest rung, and so on to the last."""
    return [outcome_with(RUNGS[number:], ladder) for number in range(len(RUNGS))]


EXPECTED: Final = ["wrong_key", "id_reused", *REFUSALS.values()]


def test_the_walk_meets_every_rung_in_its_order() -> None:
    """Place, identity, form, references, status, state, limits."""
    assert walk() == EXPECTED
    assert [REASONS[each].rung for each in EXPECTED] == list(RUNGS)


@pytest.mark.parametrize(("one", "other"), tuple(combinations(range(len(RUNGS)), 2)))
def test_two_rungs_that_change_places_are_noticed(one: int, other: int) -> None:
    """Or the walk would prove nothing about their order."""
    swapped = list(LADDER)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    assert walk(swapped) != EXPECTED
