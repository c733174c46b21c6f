"""Somebody has a role with a customer, or has it no longer: the ledger keeps it and tells others."""

from typing import Final

from services.transactions.domain.cases import Case, account_named, own_account
from services.transactions.domain.decisions import Decision
from services.transactions.domain.effects import Effect, Refusal


def _form(case: Case) -> Refusal | None:
    """Without a code nobody could say later whose role it was."""
    holder = case.record.message.holder
    if holder.person is None:
        return Refusal("field_missing", "holder.person", "whose role it is, by the code of the person")
    if holder.since is not None and holder.until is not None and holder.until < holder.since:
        return Refusal("validity_empty", "holder.until", "it would end before it begins")
    return None


def _accept(case: Case, decision: Decision) -> None:
    decision.account = case.account


CHANGE_HOLDER: Final = Effect(form=_form, references=own_account, accept=_accept, accounts=account_named)
