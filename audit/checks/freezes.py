"""Check 15: what other shards have frozen is seen in time."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from audit.examination import PENDING, POSTED, Examination
from audit.ledger_rows import FreezeRow, MovementRow
from audit.result import Result, Tally

SEEN_WITHIN: Final = timedelta(seconds=60)
"""A batch reads other shards' freezes when it begins; none takes longer than this."""


def freezes_elsewhere_are_seen(examination: Examination, within: timedelta = SEEN_WITHIN) -> Result:
    """15: nothing moves on another shard's account that has been frozen for it for some time.

    Which freezes a decision saw is what the model takes from the journal, so it cannot find them missing.
    """
    tally = Tally(15, "freezes elsewhere are seen in time")
    freezes: dict[int, list[FreezeRow]] = defaultdict(list)
    for freeze in examination.evidence.ledger.freezes:
        freezes[freeze.account_id].append(freeze)
    for row in examination.rows:
        if row.kind not in {POSTED, PENDING} or row.recorded_at is None:
            continue
        for leg in examination.legs.get((row.shard, row.seq), ()):
            for account_id, direction in _foreign_ends(examination, leg):
                for freeze in freezes[account_id]:
                    since, until = _standing(examination, account_id, freeze)
                    stands = since + within <= row.recorded_at and (until is None or row.recorded_at < until)
                    stops = stands and freeze.amount_minor is None and freeze.direction in {direction, "both"}
                    tally.expect(
                        not stops,
                        f"shard {row.shard} seq {row.seq}: {direction}s {account_id}, frozen since {since}",
                    )
    return tally.result()


def _foreign_ends(examination: Examination, leg: MovementRow) -> list[tuple[int, str]]:
    """Customers' accounts of a movement whose home is another shard, with what happens to them."""
    ends = ((leg.debit_account, "debit"), (leg.credit_account, "credit"))
    accounts = examination.accounts
    return [
        (number, direction)
        for number, direction in ends
        if number in accounts and accounts[number].owner != "house" and accounts[number].shard != leg.shard
    ]


def _standing(
    examination: Examination, account_id: int, freeze: FreezeRow
) -> tuple[datetime, datetime | None]:
    """From when to when it stood, by the journal of its home."""
    home = examination.accounts[account_id].shard
    since = examination.row_of[home, freeze.seq].recorded_at
    assert since is not None
    if freeze.lifted_seq is None:
        return since, None
    return since, examination.row_of[home, freeze.lifted_seq].recorded_at
