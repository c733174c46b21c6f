"""What the firm takes for an instruction: on top of what is paid, or deducted from what the payee gets.

Each charge is a movement of its own behind those that it is taken for, so it is reserved, posted and given
back with them, and limits hold over all. Whom it goes to is said by the posting rule of its kind.
"""

from dataclasses import replace
from typing import Any

from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Effect, Refusal
from services.transactions.domain.planning import Against, Planned


def with_charges(
    instruction: Any, *movements: Planned, on_top: str, deducted: str | Against
) -> tuple[Planned, ...]:
    """Return the movements and behind them those of its charges, debited there by how they are taken."""
    return (
        *movements,
        *(
            Planned(
                charge.kind,
                deducted if charge.taken == "deducted" else on_top,
                Against(charge.kind),
                charge.amount,
                charge.asset,
                debit_field=f"charges.{number}",
                credit_field=f"charges.{number}",
                amount_field=f"charges.{number}.amount",
                asset_field=f"charges.{number}.asset",
            )
            for number, charge in enumerate(instruction.charges)
        ),
    )


def charged(effect: Effect, *, paid: int = 0) -> Effect:
    """Return the effect for instructions that may name charges; what is deducted is so from movement `paid`.

    What is on top goes with the first one.
    """

    def form(case: Case) -> Refusal | None:
        return effect.form(case) or _take_off(case, paid)

    def references(case: Case) -> Refusal | None:
        return effect.references(case) or _leaves_something(case, paid)

    return replace(effect, form=form, references=references)


def _take_off(case: Case, paid: int) -> Refusal | None:
    """See that each charge is in the asset it is taken with, and take what is deducted off the amount."""
    charges = case.record.message.charges
    if not charges:
        return None
    plan, amounts = case.record.plan, case.amounts
    first = len(plan) - len(charges)
    for charge, planned in zip(charges, plan[first:], strict=True):
        asset = plan[paid if charge.taken == "deducted" else 0].asset
        if charge.asset != asset:
            return Refusal("charge_asset_mismatch", planned.asset_field, f"it is taken with {asset}")
    amounts[paid] -= sum(
        amount for charge, amount in zip(charges, amounts[first:], strict=True) if charge.taken == "deducted"
    )
    return None


def _leaves_something(case: Case, paid: int) -> Refusal | None:
    if case.amounts[paid] > 0:
        return None
    return Refusal("charges_exceed_amount", "charges", "what is deducted leaves nothing of the amount")
