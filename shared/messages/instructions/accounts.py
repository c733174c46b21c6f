"""Accounts: opened, frozen, limited and closed."""

from datetime import date
from typing import Literal

from pydantic import Field

from shared.messages.blocks import AccountClass, AmountText, Holder, Party
from shared.messages.envelope import Code, Reference
from shared.messages.instructions.base import InstructionBase


class OpenAccount(InstructionBase):
    """Request: open an account for a customer.

    A custody account that names no asset holds any security: an account in each is opened within it as it
    is first needed (`TransactionPosted.opened`), and a freeze of it stops them all.
    """

    type: Literal["open_account"] = "open_account"
    account: Code
    """No `#`, which stands in the codes of accounts within a custody account."""
    entity: Code
    asset: Code | None = None
    account_class: AccountClass = Field(default="cash", alias="class")
    limit: AmountText | None = "0"
    """The overdraft allowed: "0" for none, null for unlimited."""
    container: Code | None = None
    """An open account of the same owner and entity, within none itself, under which it is asked for."""
    party: Party | None = None


class FreezeAccount(InstructionBase):
    """Request: stop debits, credits or both on an account, under an authority; or keep an amount of it.

    With an `amount` (then of `debit`s), the available balance is less by that much, of what is there and of
    what comes, and nothing else is stopped. Amounts of several freezes add up. A closed account may be
    frozen, too: an authority's word stands, and the account is frozen should it be opened again.
    """

    type: Literal["freeze_account"] = "freeze_account"
    account: Code
    freeze_id: Code
    authority: Reference
    direction: Literal["debit", "credit", "both"] = "both"
    amount: AmountText | None = None
    """In the account's asset; without it all is stopped."""


class UnfreezeAccount(InstructionBase):
    """Request: lift one freeze, whole; the account is frozen while any stands. It may be closed."""

    type: Literal["unfreeze_account"] = "unfreeze_account"
    account: Code
    freeze_id: Code


class ChangeLimit(InstructionBase):
    """Request: an account has another limit from a booking date on, under an authority.

    Of several that hold on a day the one that came last counts; where none does, the limit it was opened
    with. Lowered below what is used, it stops further debits and calls nothing back. An account that is
    closing or closed is given none.
    """

    type: Literal["change_limit"] = "change_limit"
    account: Code
    limit: AmountText | None
    """The overdraft allowed: "0" for none, null for unlimited."""
    cap: AmountText | None = None
    """The most that one request may take from it, with its charges; none where absent. A payer may set one
    for what they send (Regulation (EU) No 260/2012, Article 5a(6))."""
    valid_from: date | None = None
    """The first booking date on which it holds; the open business day where absent."""
    valid_until: date | None = None
    """The first booking date on which it holds no longer; none where it stays."""
    authority: Reference
    """Who has set it."""


class ChangeHolder(InstructionBase):
    """Request: somebody beside the party has a role with an account's customer, or has it only until a day.

    It is the customer's, whichever of its accounts is named, and says the whole of it: of the same person
    and role what came last counts, for days gone by too. Rules about a person go by it. So the account may be
    closed.
    """

    type: Literal["change_holder"] = "change_holder"
    account: Code
    holder: Holder
    """Its `person` must be there. `until` ends the role; where it is `since`, they never had it."""
    authority: Reference
    """By what document or whose word."""


class CloseAccount(InstructionBase):
    """Request: an account takes no debits and credits any more, and is closed once it has come to nothing.

    It must hold nothing, and nothing may be pending on it or frozen. Until credits that were under way have
    arrived it is closing; what arrives is swept to suspense. `AccountClosed` says when it is closed.
    A custody account is closed as a whole, with all that is within it.
    """

    type: Literal["close_account"] = "close_account"
    account: Code
    authority: Reference
    """Who wants it closed."""


class ReopenAccount(InstructionBase):
    """Request: an account that is closing or closed is open again, as two people have found right."""

    type: Literal["reopen_account"] = "reopen_account"
    account: Code
    reason: Reference
    entered_by: Code
    approved_by: Code
    """Another person than the one who entered it."""
