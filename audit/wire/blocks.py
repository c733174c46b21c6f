"""Shapes that several types of instruction share: parties, payments, charges, and what each carries."""

from typing import Final

from audit.wire.fields import (
    matching,
    one_of,
    read_amount,
    read_code,
    read_date,
    read_reference,
    read_string,
    read_time,
    read_truth,
    read_uuid,
    read_words,
)
from audit.wire.shapes import Shape, block, list_of, optional, required

_COUNTRY: Final = matching(r"[A-Z]{2}")
_BIC: Final = matching(r"[A-Z0-9]{8}(?:[A-Z0-9]{3})?")

HOLDER: Final[Shape] = {
    **required(name=read_words),
    "role": (
        False,
        one_of("holder", "joint_holder", "beneficial_owner", "signatory", "representative", "guardian"),
    ),
    **optional(birth_date=read_date, country=_COUNTRY, person=read_code, since=read_date, until=read_date),
}
PARTY: Final[Shape] = {
    **required(kind=one_of("person", "organisation"), name=read_words),
    **optional(birth_date=read_date, country=_COUNTRY, identifier=read_reference, person=read_code),
    **optional(kyc_reference=read_reference),
    **optional(kyc_status=one_of("pending", "verified", "expired", "refused")),
    "holders": (False, list_of(block(HOLDER))),
}
_PAYMENT_PARTY: Final = block(
    optional(name=read_words, country=_COUNTRY, account=read_reference, identifier=read_reference)
)
_PAYMENT: Final[Shape] = optional(
    debtor=_PAYMENT_PARTY,
    creditor=_PAYMENT_PARTY,
    ultimate_debtor=_PAYMENT_PARTY,
    ultimate_creditor=_PAYMENT_PARTY,
    debtor_agent=_BIC,
    creditor_agent=_BIC,
    end_to_end_id=read_reference,
    uetr=read_uuid,
    instructed_amount=read_amount,
    instructed_asset=read_code,
    charges_bearer=one_of("DEBT", "CRED", "SHAR", "SLEV"),
    purpose=read_reference,
    remittance=read_words,
)
_CHANNEL: Final[Shape] = {
    **optional(channel=one_of("branch", "atm", "card", "online", "mobile", "api", "file", "internal")),
    **optional(device=read_reference, branch=read_reference, conductor=read_code),
    "cash": (False, read_truth),
}
EVERY: Final[Shape] = {
    **required(instruction_id=read_uuid, owner=read_code),
    **optional(
        occurred_at=read_time, value_date=read_date, execute_on=read_date, business_reference=read_reference
    ),
    **optional(
        settlement_id=read_reference, contractual_settlement_date=read_date, actual_settlement_date=read_date
    ),
    **optional(payment=block(_PAYMENT), channel=block(_CHANNEL)),
    "dry_run": (False, read_truth),
    "type": (True, read_string),
}
CHARGES: Final[Shape] = {
    "charges": (
        False,
        list_of(
            block(
                {
                    **required(kind=one_of("fee", "commission", "tax"), amount=read_amount, asset=read_code),
                    "taken": (False, one_of("on_top", "deducted")),
                }
            )
        ),
    )
}
ONE_ACCOUNT: Final[Shape] = {**EVERY, **required(account=read_code, amount=read_amount, asset=read_code)}
TWO_ACCOUNTS: Final[Shape] = {
    **EVERY,
    **required(debit_account=read_code, credit_account=read_code, amount=read_amount, asset=read_code),
}
