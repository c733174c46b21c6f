"""What a dry run says would have come of it, against what the model says would have."""

from audit.amounts import spell_amount
from audit.examination import Examination
from audit.ledger_rows import JournalRow
from audit.model import Prediction
from audit.result import Tally

OUTCOMES = {
    "TransactionPosted": "posted",
    "TransactionPending": "pending",
    "TransactionScheduled": "scheduled",
    "TransactionCancelled": "voided",
    "TransactionVoided": "voided",
    "InstructionApplied": "applied",
    "BusinessDayOpened": "applied",
    "PeriodClosed": "applied",
    "InstructionRejected": "rejected",
    "DuplicateReceived": "duplicate",
}


def compare_trial(
    tally: Tally, examination: Examination, row: JournalRow, tried: Prediction, where: str
) -> None:
    """Kind, reason, dates, movements and the balances after them; and that nothing moved."""
    detail = row.detail or {}
    would_be = detail.get("would_be") or {}
    tally.same(tried.kind, would_be.get("type"), f"{where}: would be")
    tally.same(OUTCOMES[tried.kind], detail.get("outcome"), f"{where}: would come to")
    tally.same(tried.reason, would_be.get("reason"), f"{where}: would be refused for")
    field = would_be.get("field")
    if tried.fields and field is not None and not {field, field.split(".")[0]} & set(tried.fields):
        tally.differs(f"{where}: names {field}, where {' or '.join(tried.fields)} is wrong")
    if tried.movements:
        for name in ("booking_date", "value_date"):
            day = getattr(tried, name)
            tally.same(day.isoformat(), would_be.get(name), f"{where}: {name}")
    tally.same(tried.routed, would_be.get("routed"), f"{where}: would be routed for")
    tally.same(tried.limit_passed, would_be.get("limit_passed", False), f"{where}: would pass the limit")
    tally.same(tried.settled, would_be.get("settled"), f"{where}: would have settled")
    tally.same(tried.freed, would_be.get("freed"), f"{where}: would give back")
    scales = {asset.code: asset.scale for asset in examination.assets.values()}
    wanted = [
        (leg.kind, leg.debit, leg.credit, spell_amount(leg.amount, scales[leg.asset]), leg.asset)
        for leg in tried.movements
    ]
    found = [
        (leg["kind"], leg["debit"]["account"], leg["credit"]["account"], leg["amount"], leg["asset"])
        for leg in would_be.get("movements", ())
    ]
    tally.same(wanted, found, f"{where}: would move")
    balances = [
        tuple(spell_amount(after, scales[leg.asset]) for after in (leg.debit_after, leg.credit_after))
        for leg in tried.movements
    ]
    said = [(after["debit"], after["credit"]) for after in detail.get("balances_after", ())]
    tally.same(balances, said, f"{where}: would leave")
    legs = examination.legs.get((row.shard, row.seq), ())
    tally.expect(not legs, f"{where}: a dry run has moved something")
