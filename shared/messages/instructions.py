"""What upstream systems send: instructions, each a request (may be refused) or a fact (has happened).

Amounts are decimal strings (see `shared.money`), dates ISO 8601, times RFC 3339 with an offset. An
instruction names its home `owner`: the one customer it debits, else the only customer in it, else
`house`; the record key on the topic is that owner.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, field_validator

from shared.messages.blocks import (
    AccountClass,
    AmountText,
    Channel,
    Charge,
    ItemNumber,
    Party,
    Payment,
    RateText,
)
from shared.messages.envelope import Code, Message, Reference, Text


class InstructionBase(Message):
    """What every instruction carries."""

    if not TYPE_CHECKING:  # each class says which one; here is only its place, the first of its content
        type: str
    instruction_id: UUID
    """Names one attempt; a new attempt has a new id. Any spelling of the UUID is the same id."""
    owner: Code
    occurred_at: datetime | None = None
    value_date: date | None = None
    """Counts for interest and availability; the booking date where absent."""
    execute_on: date | None = None
    """Of a `SCHEDULABLE` request: the business day of its entity on which it is to be judged and carried out.
    Until then it is `scheduled` and reserves nothing."""
    business_reference: Reference | None = None
    settlement_id: Reference | None = None
    contractual_settlement_date: date | None = None
    actual_settlement_date: date | None = None
    payment: Payment | None = None
    channel: Channel | None = None
    dry_run: bool = False
    """Whether only to say what would come of it: it moves nothing, and its id stays free. No part of the
    content, so the same instruction may be sent for real under the same id."""

    @field_validator("occurred_at")
    @classmethod
    def _has_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs an offset, as in 2026-03-01T09:30:00Z")
        return value


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
    party: Party | None = None


class Deposit(InstructionBase):
    """Fact: money arrived for a customer."""

    type: Literal["deposit"] = "deposit"
    account: Code
    amount: AmountText
    asset: Code


class Withdrawal(InstructionBase):
    """Request: money leaves a customer's account for a counterparty outside."""

    type: Literal["withdrawal"] = "withdrawal"
    account: Code
    amount: AmountText
    asset: Code
    charges: tuple[Charge, ...] = ()


class Transfer(InstructionBase):
    """Request: money moves from one customer's account to another account of the firm's customers."""

    type: Literal["transfer"] = "transfer"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code
    charges: tuple[Charge, ...] = ()


class Exchange(InstructionBase):
    """Request: a customer exchanges one asset for another with the firm, both movements or neither.

    The amounts are what moves; the rate says how they came about, and must agree with them: each is the other
    at that rate, but for less than one minor unit of what was rounded. Booked late, it may have its value up
    to four days back, if that leaves the account short on no day since.
    """

    type: Literal["exchange"] = "exchange"
    debit_account: Code
    """The customer's account that gives."""
    debit_amount: AmountText
    debit_asset: Code
    credit_account: Code
    """An account of the same customer, which takes."""
    credit_amount: AmountText
    credit_asset: Code
    rate: RateText
    rate_unit: Literal["debit", "credit"] = "debit"
    """Of which asset one unit is `rate` units of the other."""
    charges: tuple[Charge, ...] = ()
    """On top of what is given, in its asset; deducted from what is taken, in that one. The rate goes by the
    amounts without them."""


class Fee(InstructionBase):
    """Fact: a fee was charged to a customer."""

    type: Literal["fee"] = "fee"
    account: Code
    amount: AmountText
    asset: Code


class Interest(InstructionBase):
    """Fact: interest was paid to a customer (`credit`) or charged (`debit`)."""

    type: Literal["interest"] = "interest"
    account: Code
    amount: AmountText
    asset: Code
    direction: Literal["credit", "debit"] = "credit"


class Accrual(InstructionBase):
    """Fact: interest has accrued on a customer's account, so much since its series began.

    What is posted is all that has accrued, rounded to the asset's decimals, less what was posted of the
    series before: so no rounding adds up. Nothing moves while that comes to nothing (`InstructionApplied`);
    if less has accrued than was posted, the rest is taken back. It is not reversed: an accrual corrects it.
    """

    type: Literal["accrual"] = "accrual"
    account: Code
    series: Code
    """Names what accrues, such as the interest of a quarter; a new one begins at nothing."""
    cumulative: RateText
    """All that has accrued since the series began, with as many decimals as it takes."""
    asset: Code
    direction: Literal["credit", "debit"] = "credit"
    """`credit` in the holder's favour; the same throughout a series."""


class OpeningBalance(InstructionBase):
    """Fact: an account had a balance elsewhere, before its books were kept here.

    It stands against the entity's migration account, which holds nothing when both sides of the books have
    been carried over. An account's balances come in the order of their booking dates.
    """

    type: Literal["opening_balance"] = "opening_balance"
    account: Code
    """A customer's, or one of the firm's own. A custody account for any security stands for the one in it."""
    direction: Literal["credit", "debit"] = "credit"
    """On a customer's account, `credit` is in the holder's favour."""
    amount: AmountText
    asset: Code
    booking_date: date
    """The open business day or an earlier one, also before the entity's first; of a period that is closed in
    any way, it is booked on the open day."""


class HousePosting(InstructionBase):
    """Request: money moves between two of the firm's own accounts. Its owner is `house`."""

    type: Literal["house_posting"] = "house_posting"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code


class Adjustment(InstructionBase):
    """Request: the firm's own books are put right, from one of its accounts to another. Its owner is `house`.

    Two people answer for it, and why is said. It alone may still be booked into a period that is soft-closed.
    """

    type: Literal["adjustment"] = "adjustment"
    debit_account: Code
    credit_account: Code
    amount: AmountText
    asset: Code
    reason: Text
    entered_by: Code
    approved_by: Code
    """Somebody other than who entered it."""
    booking_date: date | None = None
    """A day of a period that is soft-closed; the open business day where absent."""


class CustodyTransfer(InstructionBase):
    """Fact: securities of a customer's came into the firm's safekeeping, free of payment, or left it."""

    type: Literal["custody_transfer"] = "custody_transfer"
    account: Code
    """The customer's custody account."""
    direction: Literal["receive", "deliver"]
    quantity: AmountText
    asset: Code
    """The security, by its ISIN."""
    location: Code = "depository"
    """Where the securities are: the condition of the posting rule that names the firm's account there."""


class Trade(InstructionBase):
    """Fact: a customer has bought or sold securities, which is not settled yet.

    Securities and money are pending until `post_pending` names the trade, with the quantity that was settled
    (all of it, where absent); the money of a part is in proportion, and parts add up exactly. A part that is
    not the last one has `final` false. `void_pending` cancels what is not settled.
    """

    type: Literal["trade"] = "trade"
    side: Literal["buy", "sell"]
    custody_account: Code
    cash_account: Code
    quantity: AmountText
    asset: Code
    """The security, by its ISIN."""
    settlement_amount: AmountText
    """What the customer pays in all, or gets in all."""
    settlement_asset: Code
    commission: AmountText | None = None
    """What of it is the firm's, or has been kept back for the firm; absent for nothing."""
    price: RateText | None = None
    """As it was executed; carried, and not judged."""
    location: Code = "depository"
    """Where it settles: as of a `custody_transfer`."""


class Reserve(InstructionBase):
    """Request: an amount of a customer's is set aside until it is posted or given back.

    It stays the customer's, and is no longer available. `post_pending` and `void_pending` name it by its
    `instruction_id`.
    """

    type: Literal["reserve"] = "reserve"
    account: Code
    amount: AmountText
    asset: Code
    credit_account: Code | None = None
    """Whom it is set aside for; the house account of the posting rules where absent."""
    expires_on: date | None = None
    """The last booking date on which it stands: when the entity opens a later business day, what is left of
    it is available again and given back. Where absent, it stands until it is posted or given back."""
    charges: tuple[Charge, ...] = ()
    """Set aside too, and posted in proportion: of each part as much as that is of the amount."""


class PostPending(InstructionBase):
    """Request: what was reserved, or a part of it, is posted."""

    type: Literal["post_pending"] = "post_pending"
    pending_id: UUID
    """The `instruction_id` of the reserve or trade."""
    amount: AmountText | None = None
    """All that is still reserved, where absent; of a trade, the quantity; of a reserve with charges, what is
    reserved without them."""
    final: bool = True
    """Whether the rest is given back. What has no rest is settled in any case; a trade, or a reserve with
    charges, that has one is refused (`rest_remains`): give it back with `void_pending`."""


class VoidPending(InstructionBase):
    """Request: what is still reserved is given back; or what is scheduled is given up before its day."""

    type: Literal["void_pending"] = "void_pending"
    pending_id: UUID
    """The `instruction_id` of the reserve or trade, or of what is scheduled."""


class Reversal(InstructionBase):
    """Request: a posted transaction is undone by its mirror, once and whole.

    Its owner is the home of what it undoes: of each movement the customer whom the mirror debits, else the
    customer whom it credits, else `house`. It undoes the movements of that home and no others, so what
    credited several customers takes a reversal for each. A part of a reserve is named by the `post_pending`
    that posted it, what was screened first by its own id. A reversal is not reversed.
    """

    type: Literal["reversal"] = "reversal"
    original_id: UUID
    """The `instruction_id` of what was posted."""
    original_owner: Code | None = None
    """The owner that it named; the same as this one's where absent."""
    forced: bool = False
    """By right, though the money is gone: the balance may pass its limit. Two people answer for it."""
    reason: Text | None = None
    entered_by: Code | None = None
    approved_by: Code | None = None
    """Somebody other than who entered it."""


class Return(InstructionBase):
    """Fact: a payment that went out came back, whole or in part; to whom had paid it.

    Several may come back of one payment, until nothing is left of it. What names no payment that can come
    back, or is more than is left of it, goes to suspense.
    """

    type: Literal["return"] = "return"
    original_id: UUID
    """The `instruction_id` of the withdrawal, of the same owner."""
    amount: AmountText
    asset: Code
    reason: Reference | None = None
    """Why it came back: a code of ISO 20022's ExternalReturnReason1Code, or words."""


class Allocate(InstructionBase):
    """Fact: what the house keeps for somebody, or a part of it, is put on their account.

    An item is a movement that credited suspense, the return account or blocked funds. It is used up by its
    home, which is the owner to be named: the customer it debited, else whoever's instruction made it. Parts
    of it may be allocated until nothing is left. Where the account is closed or frozen, it goes to the return
    account or blocked funds and is an item there. What cannot be done leaves it where it is.
    """

    type: Literal["allocate"] = "allocate"
    item: ItemNumber
    account: Code
    """Anybody's account of the same entity, or one of the house's where no items are."""
    amount: AmountText
    asset: Code
    reason: Text | None = None
    """How it was found out."""


class WriteOff(InstructionBase):
    """Fact: what is left of a small item is given up looking for, and becomes the house's income.

    Two people answer for it. Its owner is the item's home, as of an `allocate`.
    """

    type: Literal["write_off"] = "write_off"
    item: ItemNumber
    amount: AmountText
    asset: Code
    reason: Text
    entered_by: Code
    approved_by: Code
    """Somebody other than who entered it."""


Member = Annotated[
    Deposit | Withdrawal | Transfer | Exchange | Fee | Interest | HousePosting | Adjustment | CustodyTransfer,
    Field(discriminator="type"),
]
"""An instruction that may be one of a group: it moves something at once, between accounts that there are."""


class Group(InstructionBase):
    """Several instructions of one owner, all or nothing: one record, one id, one outcome.

    Each has an id of its own, which the group's outcome uses up unless its form is wrong, and the same owner.
    What else concerns every instruction (dates, references, payment, channel) is said once, by the group. A
    group of facts alone is a fact, any other a request; it waits for compliance if any member would. All are
    booked on the open day: a group is not schedulable, and no adjustment in it names a `booking_date`.
    """

    type: Literal["group"] = "group"
    members: tuple[Member, ...]
    """Up to 16, with up to 64 movements between them, which are judged and made in this order."""


class FreezeAccount(InstructionBase):
    """Request: stop debits, credits or both on an account, under an authority; or keep an amount of it.

    With an `amount` (then of `debit`s), the available balance is less by that much, of what is there and of
    what comes, and nothing else is stopped. Amounts of several freezes add up.
    """

    type: Literal["freeze_account"] = "freeze_account"
    account: Code
    freeze_id: Code
    authority: Reference
    direction: Literal["debit", "credit", "both"] = "both"
    amount: AmountText | None = None
    """In the account's asset; without it all is stopped."""


class UnfreezeAccount(InstructionBase):
    """Request: lift one freeze, whole; the account is frozen while any stands."""

    type: Literal["unfreeze_account"] = "unfreeze_account"
    account: Code
    freeze_id: Code


class ChangeLimit(InstructionBase):
    """Request: an account has another limit from a booking date on, under an authority.

    Of several that hold on a day the one that came last counts; where none does, the limit it was opened
    with. Lowered below what is used, it stops further debits and calls nothing back.
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


class OpenBusinessDay(InstructionBase):
    """Request: the entity's books move on to another day. Its owner is `house`.

    The same record, with the same id, is sent to each partition of the topic, so that it is ordered
    with the postings of every shard.
    """

    type: Literal["open_business_day"] = "open_business_day"
    entity: Code
    booking_date: date


class ClosePeriod(InstructionBase):
    """Request: nothing more is booked into a period of the entity's books. Its owner is `house`.

    The same record, with the same id, is sent to each partition of the topic. Periods follow each other
    without a gap, and one is closed when a business day behind it is open. Soft-closed first, it still takes
    adjustments; closed, it takes nothing. What has its value in it goes on being booked on the open day.
    """

    type: Literal["close_period"] = "close_period"
    entity: Code
    first_day: date
    """The day after the last period's; of the first one the first day of the books, or an earlier one."""
    last_day: date
    state: Literal["soft_closed", "closed"] = "closed"
    """What it becomes."""


Instruction = (
    OpenAccount
    | Deposit
    | Withdrawal
    | Transfer
    | Exchange
    | Fee
    | Interest
    | Accrual
    | OpeningBalance
    | HousePosting
    | Adjustment
    | CustodyTransfer
    | Trade
    | Reserve
    | PostPending
    | VoidPending
    | Reversal
    | Return
    | Allocate
    | WriteOff
    | Group
    | FreezeAccount
    | UnfreezeAccount
    | ChangeLimit
    | CloseAccount
    | ReopenAccount
    | OpenBusinessDay
    | ClosePeriod
)

INSTRUCTIONS: Final[tuple[type[InstructionBase], ...]] = (
    OpenAccount,
    Deposit,
    Withdrawal,
    Transfer,
    Exchange,
    Fee,
    Interest,
    Accrual,
    OpeningBalance,
    HousePosting,
    Adjustment,
    CustodyTransfer,
    Trade,
    Reserve,
    PostPending,
    VoidPending,
    Reversal,
    Return,
    Allocate,
    WriteOff,
    Group,
    FreezeAccount,
    UnfreezeAccount,
    ChangeLimit,
    CloseAccount,
    ReopenAccount,
    OpenBusinessDay,
    ClosePeriod,
)

MEMBERS: Final = frozenset(
    {
        "deposit",
        "withdrawal",
        "transfer",
        "exchange",
        "fee",
        "interest",
        "house_posting",
        "adjustment",
        "custody_transfer",
    }
)
"""Types of which a group may be made."""

FACTS: Final = frozenset(
    {
        "deposit",
        "fee",
        "interest",
        "custody_transfer",
        "trade",
        "return",
        "allocate",
        "write_off",
        "opening_balance",
        "accrual",
    }
)
"""Types that have happened outside and are always booked; the others are requests."""

BROADCAST: Final = frozenset({"open_business_day", "close_period"})
"""Types whose one record goes to every partition."""

SCHEDULABLE: Final = frozenset({"transfer", "withdrawal", "exchange", "house_posting"})
"""Types of request that may be sent for a later day: `execute_on`."""

NOT_CONTENT: Final = {"dry_run"}
"""Fields that say how to take an instruction, not what is asked."""

INSTRUCTION: Final[TypeAdapter[Instruction]] = TypeAdapter(
    Annotated[Instruction, Field(discriminator="type")]
)


def content_of(instruction: InstructionBase) -> bytes:
    """Spell the business fields that are present in the record, normalised, as JSON.

    Its type comes first, then its id. This is what the content hash is taken over, what the journal keeps
    and what events carry as `instruction`. Fields the record did not have are left out, so a later default
    is no difference, and so is `dry_run`.
    """
    return instruction.__pydantic_serializer__.to_json(
        instruction, exclude_unset=True, by_alias=True, exclude=NOT_CONTENT
    )
