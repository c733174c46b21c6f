"""One asset given for another at a rate: movements that must agree with it."""

from dataclasses import replace
from fractions import Fraction
from typing import Final

from services.transactions.domain.cases import Case
from services.transactions.domain.effects import Refusal
from services.transactions.domain.effects.movements import MOVEMENTS
from shared.money import AmountError, parse_amount, parse_rate


def _form(case: Case) -> Refusal | None:
    message = case.record.message
    refusal = MOVEMENTS.form(case)
    if refusal is not None:
        return refusal
    if message.debit_asset == message.credit_asset:
        return Refusal("assets_same", "credit_asset", "the two assets are the same")
    try:
        parse_rate(message.rate)
    except AmountError as error:
        return Refusal(error.reason, "rate", error.detail)
    return None


def _references(case: Case) -> Refusal | None:
    refusal = MOVEMENTS.references(case)
    if refusal is not None:
        return refusal
    (given, _), (_, taken) = case.moves[:2]
    if given.owner != taken.owner:
        return Refusal("wrong_owner", "credit_account", "the accounts are of two customers")
    message = case.record.message
    # As they are exchanged: of what is taken something may have been deducted.
    exchanged = ((message.debit_amount, given), (message.credit_amount, taken))
    amounts = [
        Fraction(parse_amount(amount, account.scale), 10**account.scale) for amount, account in exchanged
    ]
    minor = [Fraction(1, 10**account.scale) for account in (given, taken)]
    if message.rate_unit == "credit":
        amounts.reverse()
        minor.reverse()
    if _agree(amounts, minor, parse_rate(message.rate)):
        return None
    return Refusal("rate_mismatch", "rate", "the amounts are not each other's at this rate")


def _agree(amounts: list[Fraction], minor: list[Fraction], rate: Fraction) -> bool:
    """Say whether the first amount at its rate is the second one, but for the rounding of either."""
    priced, price = amounts
    return abs(priced * rate - price) < max(minor[1], minor[0] * rate)


EXCHANGE: Final = replace(MOVEMENTS, form=_form, references=_references)
