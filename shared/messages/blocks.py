"""The blocks that instructions carry, and how what is in them is spelt.

Amounts are decimal strings (see `shared.money`), dates ISO 8601, times RFC 3339 with an offset.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from shared.messages.envelope import Code, Message, Reference, Text

AmountText = Annotated[str, StringConstraints(min_length=1, max_length=60)]
"""A decimal string; sign, decimals and size are judged by the ledger with the asset's scale."""

RateText = Annotated[str, StringConstraints(min_length=1, max_length=60)]
"""A decimal string, positive, of as many decimals as it takes."""

ItemNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,5}-[0-9]{1,18}-[0-9]{1,3}$")]
"""A movement: shard and seq of the event that made it, and its place (`leg`) there, as in `2-1741-0`."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

Bic = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{8}([A-Z0-9]{3})?$")]
"""ISO 9362."""

AccountClass = Literal["cash", "loan", "custody"]
"""What a customer may be opened. House classes are in the chart of accounts."""


class Holder(Message):
    """Somebody beside the party who has a role with the customer."""

    name: Text
    role: Literal["holder", "joint_holder", "beneficial_owner", "signatory", "representative", "guardian"] = (
        "holder"
    )
    birth_date: date | None = None
    country: Country | None = None
    person: Code | None = None
    """An opaque code of who they are, the same with every customer: rules about a person add up by it."""
    since: date | None = None
    """The first business day on which they have the role; all days where it is absent."""
    until: date | None = None
    """The first on which they no longer have it."""


class Party(Message):
    """Who stands behind an owner. Personal data: never in keys, headers, logs or metrics."""

    kind: Literal["person", "organisation"]
    name: Text
    birth_date: date | None = None
    """A person's birth or an organisation's founding date."""
    country: Country | None = None
    identifier: Reference | None = None
    person: Code | None = None
    """An opaque code of who it is, natural or legal: the same where it has a role with other customers."""
    kyc_reference: Reference | None = None
    kyc_status: Literal["pending", "verified", "expired", "refused"] | None = None
    holders: tuple[Holder, ...] = ()


class PaymentParty(Message):
    """A party of a payment outside the firm (ISO 20022 PartyIdentification)."""

    name: Text | None = None
    country: Country | None = None
    account: Reference | None = None
    identifier: Reference | None = None


class Payment(Message):
    """What a payment message carried (ISO 20022 pacs.008 names), kept and passed on as it came."""

    debtor: PaymentParty | None = None
    creditor: PaymentParty | None = None
    ultimate_debtor: PaymentParty | None = None
    ultimate_creditor: PaymentParty | None = None
    debtor_agent: Bic | None = None
    creditor_agent: Bic | None = None
    end_to_end_id: Reference | None = None
    uetr: UUID | None = None
    instructed_amount: AmountText | None = None
    instructed_asset: Code | None = None
    charges_bearer: Literal["DEBT", "CRED", "SHAR", "SLEV"] | None = None
    purpose: Reference | None = None
    remittance: Text | None = None


class Channel(Message):
    """How the customer reached the firm."""

    channel: Literal["branch", "atm", "card", "online", "mobile", "api", "file", "internal"] | None = None
    device: Reference | None = None
    cash: bool = False
    """Whether banknotes changed hands."""
    branch: Reference | None = None
    conductor: Code | None = None
    """An opaque code of the person who brought or took the banknotes, as in `Party` and `Holder`."""


class Charge(Message):
    """What the firm takes for carrying an instruction out (ISO 20022 Charges)."""

    kind: Literal["fee", "commission", "tax"]
    """With the instruction's type it names, by the posting rules, the firm's account that takes it."""
    amount: AmountText
    asset: Code
    """That of what it is taken with or from."""
    taken: Literal["on_top", "deducted"] = "on_top"
    """`on_top`: the customer pays the amount and this. `deducted`: of the amount that is paid the payee
    gets less by this."""
