"""Every reason the ledger publishes: its rung, what becomes of the record, and what upstream should do.

A published reason keeps its name for ever. `status_code` is the code of ISO 20022's external code set
StatusReason that a payment system would be told.
"""

from dataclasses import dataclass
from typing import Final, Literal

RungName = Literal["place", "identity", "form", "references", "status", "state", "limits", "decision"]
FactFate = Literal["rejected", "suspense", "return", "blocked_funds", "open_day", "booked"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason and what it means."""

    code: str
    rung: RungName
    fate: Literal["rejected", "duplicate", "voided"]
    fact: FactFate
    """What becomes of a fact: it is `rejected` too, goes to the house's account of the class
    `suspense`, `return` or `blocked_funds`, is booked on the `open_day` instead, or is `booked`."""
    status_code: str
    upstream: str


def _row(
    code: str,
    rung: RungName,
    status_code: str,
    upstream: str,
    *,
    fact: FactFate = "rejected",
    fate: Literal["rejected", "duplicate", "voided"] = "rejected",
) -> Reason:
    return Reason(code, rung, fate, fact, status_code, upstream)


_CORRECT = "correct the field and send it with a new id"

TABLE: Final = (
    # 1 place: does not use up the id
    _row("wrong_key", "place", "FF01", "send the same record again with the key named"),
    _row(
        "wrong_partition", "place", "FF01", "use Kafka's murmur2 partitioner, then send the same record again"
    ),
    # 2 identity
    _row("duplicate", "identity", "DU05", "nothing: the first outcome stands", fate="duplicate"),
    _row("id_reused", "identity", "DU05", "give the new instruction an id of its own"),
    _row("member_id_used", "identity", "DU05", "give each member an id of its own, and the group a new one"),
    # 3 form
    _row("field_missing", "form", "FF01", _CORRECT),
    _row("field_wrong_type", "form", "FF01", _CORRECT),
    _row("field_malformed", "form", "FF01", _CORRECT),
    _row("field_value_unknown", "form", "FF01", _CORRECT),
    _row("date_malformed", "form", "DT01", _CORRECT),
    _row("date_out_of_range", "form", "DT01", _CORRECT),
    _row("amount_not_a_string", "form", "AM12", "spell amounts as decimal strings, with a new id"),
    _row("amount_malformed", "form", "AM12", _CORRECT),
    _row("amount_negative", "form", "AM12", "amounts are positive; the type gives the direction"),
    _row("amount_zero", "form", "AM01", _CORRECT),
    _row("amount_too_many_decimals", "form", "AM12", "round to the asset's decimals, with a new id"),
    _row("amount_too_large", "form", "AM02", _CORRECT),
    _row("validity_empty", "form", "DT01", "end it on a day after its first one, with a new id"),
    _row("period_empty", "form", "DT01", "end it on its first day or later, with a new id"),
    _row("not_schedulable", "form", "DT01", "send it on its day, or leave the day out, with a new id"),
    _row("authority_missing", "form", "FF01", "say why, who enters it and who approves it, with a new id"),
    _row("approver_same", "form", "AG01", "have another person approve it, with a new id"),
    _row("direction_not_debit", "form", "FF01", "freeze an amount for debits, or all without one"),
    _row("accounts_same", "form", "AC01", "name two different accounts, with a new id"),
    _row("assets_same", "form", "AM03", "exchange for another asset, with a new id"),
    _row("charge_asset_mismatch", "form", "AM03", "charge in the asset it is taken with, with a new id"),
    _row(
        "commission_too_high", "form", "AM09", "name what is paid in all, commission and price, with a new id"
    ),
    _row("group_empty", "form", "FF01", "name the instructions it is made of, with a new id"),
    _row("member_id_repeated", "form", "DU05", "give each member an id of its own, and the group a new one"),
    _row("member_differs", "form", "FF01", "say it once, in the group, with a new id"),
    _row("too_large", "form", "FF01", "leave out what the ledger need not carry, with a new id"),
    # 4 references
    _row("entity_unknown", "references", "RC01", _CORRECT),
    _row("asset_unknown", "references", "AM03", _CORRECT),
    _row("account_unknown", "references", "AC01", "open the account first, then a new id", fact="suspense"),
    _row("pending_unknown", "references", "AG01", "name a reserve of the same owner by its id"),
    _row(
        "original_unknown",
        "references",
        "AG01",
        "name what was asked for by its id and owner",
        fact="suspense",
    ),
    _row(
        "original_not_posted",
        "references",
        "AG01",
        "nothing was posted under this id, so none is needed",
        fact="suspense",
    ),
    _row(
        "original_not_returnable",
        "references",
        "AG01",
        "name the payment that came back by its id",
        fact="suspense",
    ),
    _row("original_is_member", "references", "AG01", "name the group, with a new id", fact="suspense"),
    _row("original_not_reversible", "references", "AG03", "send an instruction of its own that corrects it"),
    _row("item_unknown", "references", "AG01", "name a movement that credited an account of items"),
    _row("reversed_elsewhere", "references", "AG01", "name the owner that is said, with a new id"),
    _row("account_exists", "references", "AC01", "choose another account code, with a new id"),
    _row("spans_owners", "references", "AG01", "debit one customer an instruction"),
    _row("wrong_owner", "references", "AC01", "name the account's owner, with a new id", fact="suspense"),
    _row("spans_entities", "references", "AG01", "use a payment between the entities"),
    _row("asset_mismatch", "references", "AM03", "use the account's asset, with a new id", fact="suspense"),
    _row("account_class_not_allowed", "references", "AG01", "use another type or account", fact="suspense"),
    _row(
        "account_class_not_valid",
        "references",
        "AG01",
        "open an account of a class of the day, with a new id",
    ),
    _row(
        "container_not_allowed",
        "references",
        "AG01",
        "name an account of the same owner and entity that is within no other, with a new id",
    ),
    _row("asset_not_used", "references", "AM03", "have the entity's chart extended, then a new id"),
    _row("instrument_not_valid", "references", "AM03", "name an instrument that is there on the day"),
    _row("rate_mismatch", "references", "AM09", "send the amounts that the rate makes, with a new id"),
    _row("charges_exceed_amount", "references", "AM09", "deduct less than the amount, with a new id"),
    # 5 status
    _row("account_closed", "status", "AC04", "use another account, with a new id", fact="return"),
    _row(
        "account_frozen",
        "status",
        "AC06",
        "wait until the freeze is lifted, then a new id",
        fact="blocked_funds",
    ),
    _row(
        "period_closed",
        "status",
        "DT01",
        "book it on the open business day, with a new id",
        fact="open_day",
    ),
    _row(
        "booking_date_not_open",
        "status",
        "DT01",
        "name the open business day, or a day of a period that is soft-closed, with a new id",
        fact="open_day",
    ),
    # 6 state
    _row("business_day_not_later", "state", "DT01", "days only move on; name a later one"),
    _row("booking_date_decreases", "state", "DT01", "send an account's balances by their days; a new id"),
    _row("period_not_over", "state", "DT01", "open a business day behind its last day, then a new id"),
    _row("period_already_closed", "state", "DU03", "nothing: it was closed before"),
    _row("period_not_next", "state", "DT01", "close the period that is said to be next, with a new id"),
    _row("value_date_out_of_window", "state", "DT01", "have it valued later, with a new id"),
    _row("execution_past", "state", "DT01", "name the open business day or a later one, with a new id"),
    _row(
        "execution_too_far", "state", "DT01", "name a day within three years, or send it later, with a new id"
    ),
    _row(
        "not_executed", "state", "AG01", "wait until its day; only before it can it be voided, and not posted"
    ),
    _row("validity_past", "state", "DT01", "begin on the open business day or later, with a new id"),
    _row("account_has_pendings", "state", "AG01", "post or void what is pending, then a new id"),
    _row("account_not_closed", "state", "AG01", "nothing: the account is open"),
    _row("expiry_past", "state", "DT01", "let it expire on the open business day or later, with a new id"),
    _row("freeze_exists", "state", "AC06", "give each freeze an id of its own"),
    _row("freeze_unknown", "state", "AC06", "name a freeze that stands"),
    _row("pending_resolved", "state", "DU03", "nothing: it was posted or given back before"),
    _row("under_screening", "state", "RR04", "wait until compliance has cleared it, then a new id"),
    _row("already_reversed", "state", "DU03", "nothing: it was undone before", fact="suspense"),
    _row(
        "trade_cancelled",
        "state",
        "AG03",
        "correct it by a custody transfer and an adjustment: a cancelled trade is not opened again",
    ),
    _row("later_part_settled", "state", "AG03", "undo the part that was settled last first, with a new id"),
    _row("partly_used", "state", "AG03", "use up the rest as the first part was; it is not undone any more"),
    _row("item_used_up", "state", "DU03", "nothing: it was allocated, written off or undone before"),
    _row("amount_exceeds_item", "state", "AM09", "allocate no more than is left of the item, with a new id"),
    _row(
        "amount_exceeds_original",
        "state",
        "AM09",
        "name the payment that this much of came back",
        fact="suspense",
    ),
    _row("amount_exceeds_pending", "state", "AM09", "post no more than is still reserved, with a new id"),
    _row("rest_remains", "state", "AM09", "say that the part is not final, or void the rest, with a new id"),
    # 7 limits
    _row("balance_overflow", "limits", "AM02", "split over several accounts"),
    _row("balance_not_zero", "limits", "AM09", "move away what is left, or settle it, then a new id"),
    _row("insufficient_funds", "limits", "AM04", "fund the account, then a new id", fact="booked"),
    _row(
        "amount_frozen",
        "limits",
        "AC06",
        "fund the account, or wait until the freeze is lifted, then a new id",
        fact="booked",
    ),
    _row(
        "short_on_value_date",
        "limits",
        "AM04",
        "fund the account by then, or have it valued later, then a new id",
        fact="booked",
    ),
    _row("cap_passed", "limits", "AM14", "send less at a time, or have the cap raised, then a new id"),
    # what ends a pending transaction
    _row("void_requested", "decision", "DS02", "nothing: the money is available again", fate="voided"),
    _row("expired", "decision", "DS02", "nothing: the money is available; reserve it anew", fate="voided"),
    _row(
        "screening_refused", "decision", "RR04", "ask compliance; a new attempt has a new id", fate="voided"
    ),
)

REASONS: Final = {reason.code: reason for reason in TABLE}
