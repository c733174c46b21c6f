"""Makes the ledger's events as compliance receives them: bytes, per partition, primary or secondary."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, Literal
from uuid import UUID

from shared.messages.envelope import HOUSE, Event, Number
from shared.messages.journal import (
    AccountClosed,
    DryRunJudged,
    InstructionApplied,
    InstructionRejected,
    Movement,
    Posting,
    ScreenedBy,
    TransactionPending,
    TransactionPosted,
)
from shared.messages.partitioner import shard_of

PARTITIONS = 4
DAY = date(2026, 3, 2)
"""A Monday."""
RECORDED_AT = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
Copy = Literal["primary", "secondary"]


def owners_at(shard: int) -> Iterator[str]:
    """Yield owners whose home is a shard."""
    return (f"C{n}" for n in range(10_000) if shard_of(f"C{n}", PARTITIONS) == shard)


ALICE, ANNE = islice(owners_at(0), 2)
BOB = next(owners_at(1))


@dataclass(frozen=True)
class Delivery:
    """One copy of an event, in a partition."""

    partition: int
    value: bytes
    copy: Copy


@dataclass
class Ledger:
    """Numbers events as the ledger's shards would, and copies them to the partitions they concern."""

    seqs: dict[int, int] = field(default_factory=dict)
    instructions: int = 0

    def next_seq(self, shard: int) -> int:
        """Take a shard's next number."""
        self.seqs[shard] = self.seqs.get(shard, 0) + 1
        return self.seqs[shard]

    def next_instruction(self) -> UUID:
        """Take the next instruction id."""
        self.instructions += 1
        return UUID(int=self.instructions)

    def moved(
        self,
        what: Literal["deposit", "withdrawal", "transfer", "fee"],
        amount: str,
        *,
        owner: str = ALICE,
        other: str = BOB,
        asset: str = "USD",
        scale: int = 2,
        day: date = DAY,
        at: datetime | None = RECORDED_AT,
        cash: bool = True,
        pending: bool = False,
        screening: bool = True,
        first: Number | None = None,
        names: dict[str, str] | None = None,
        payment: dict[str, Any] | None = None,
        instruction_id: UUID | None = None,
        screened_by: ScreenedBy | None = None,
        conductor: str | None = None,
    ) -> list[Delivery]:
        """Make a transaction posted, pending, or posted after it was pending (`first`), in all its copies."""
        ends = {"deposit": (HOUSE, owner), "transfer": (owner, other)}
        debit, credit = ends.get(what, (owner, HOUSE))
        instruction: dict[str, Any] = {"type": what, "owner": owner, "amount": amount, "asset": asset}
        if at is not None:
            instruction["occurred_at"] = at.isoformat().replace("+00:00", "Z")
        if cash:
            instruction["channel"] = {"channel": "branch", "cash": True}
            if conductor is not None:
                instruction["channel"]["conductor"] = conductor
        if names:
            instruction["payment"] = {role: {"name": name} for role, name in names.items()}
        if payment:
            instruction["payment"] = payment
        shard = shard_of(owner, PARTITIONS)
        common: dict[str, Any] = {
            "shard": shard,
            "seq": self.next_seq(shard),
            "recorded_at": max(RECORDED_AT, at or RECORDED_AT) + timedelta(milliseconds=self.seqs[shard]),
            "instruction_id": instruction_id or self.next_instruction(),
            "instruction_type": what,
            "owner": owner,
            "instruction": instruction,
            "content_hash": blake2b(repr(instruction).encode(), digest_size=16).hexdigest(),
            "booking_date": day,
            "value_date": day,
            "first": first,
            "movements": (
                Movement(
                    leg=0,
                    kind="fee" if what == "fee" else "principal",
                    amount=amount,
                    asset=asset,
                    scale=scale,
                    debit=_posting(debit, asset),
                    credit=_posting(credit, asset),
                ),
            ),
        }
        event = (
            TransactionPending(screening=screening, screened_by=screened_by, **common)
            if pending
            else TransactionPosted(**common)
        )
        return self._copies(event, {debit, credit} - {HOUSE, owner})

    def tried(self, name: str, *, owner: str = ALICE) -> list[Delivery]:
        """Make the event of a dry run of a payment in cash to somebody."""
        shard = shard_of(owner, PARTITIONS)
        event = DryRunJudged(
            shard=shard,
            seq=self.next_seq(shard),
            recorded_at=RECORDED_AT,
            instruction_id=self.next_instruction(),
            instruction_type="withdrawal",
            owner=owner,
            instruction={
                "type": "withdrawal",
                "owner": owner,
                "payment": {"creditor": {"name": name}},
                "channel": {"cash": True},
            },
            outcome="pending",
            would_be={"type": "TransactionPending"},
        )
        return self._copies(event, set())

    def opened(
        self,
        name: str,
        *,
        owner: str = ALICE,
        kind: str = "person",
        at: datetime | None = None,
        **party: Any,
    ) -> list[Delivery]:
        """Make the event of an account opened for a party."""
        given = {"occurred_at": at.isoformat().replace("+00:00", "Z")} if at is not None else {}
        shard = shard_of(owner, PARTITIONS)
        event = InstructionApplied(
            shard=shard,
            seq=self.next_seq(shard),
            recorded_at=RECORDED_AT,
            instruction_id=self.next_instruction(),
            instruction_type="open_account",
            owner=owner,
            instruction={
                "type": "open_account",
                "owner": owner,
                "party": {"kind": kind, "name": name, **party},
                **given,
            },
            account=_posting(owner, "USD"),
            asset="USD",
            scale=2,
        )
        return self._copies(event, set())

    def closed(self, *, owner: str = ALICE, day: date = DAY) -> list[Delivery]:
        """Make the event of an account that has come to nothing."""
        shard = shard_of(owner, PARTITIONS)
        event = AccountClosed(
            shard=shard,
            seq=self.next_seq(shard),
            recorded_at=RECORDED_AT,
            owner=owner,
            booking_date=day,
            account=_posting(owner, "USD"),
            asset="USD",
            scale=2,
        )
        return self._copies(event, set())

    def reopened(self, *, owner: str = ALICE) -> list[Delivery]:
        """Make the event of an account that is open again."""
        return self._applied({"type": "reopen_account", "owner": owner}, owner)

    def told_of(self, holder: dict[str, Any], *, owner: str = ALICE) -> list[Delivery]:
        """Make the event of somebody's role with a customer, said after an account was opened."""
        return self._applied(
            {"type": "change_holder", "owner": owner, "account": owner, "holder": holder}, owner
        )

    def _applied(self, instruction: dict[str, Any], owner: str) -> list[Delivery]:
        shard = shard_of(owner, PARTITIONS)
        event = InstructionApplied(
            shard=shard,
            seq=self.next_seq(shard),
            recorded_at=RECORDED_AT,
            instruction_id=self.next_instruction(),
            instruction_type=instruction["type"],
            owner=owner,
            instruction=instruction,
            account=_posting(owner, "USD"),
            asset="USD",
            scale=2,
        )
        return self._copies(event, set())

    def rejected(self, instruction: Any, *, owner: str = ALICE) -> list[Delivery]:
        """Make the event of an instruction refused, whatever shape it had."""
        shard = shard_of(owner, PARTITIONS)
        event = InstructionRejected(
            shard=shard,
            seq=self.next_seq(shard),
            recorded_at=RECORDED_AT,
            owner=owner,
            instruction=instruction,
            reason="amount_malformed",
            detail="an amount is a decimal string",
        )
        return self._copies(event, set())

    def _copies(self, event: Event, others: set[str]) -> list[Delivery]:
        value = event.model_dump_json(by_alias=True, exclude_none=True).encode()
        elsewhere = {shard_of(owner, PARTITIONS) for owner in others} - {event.shard}
        return [
            Delivery(event.shard, value, "primary"),
            *(Delivery(shard, value, "secondary") for shard in sorted(elsewhere)),
        ]


def _posting(owner: str, asset: str) -> Posting:
    account_class = "till" if owner == HOUSE else "cash"
    return Posting(account=f"{owner}-{asset}", owner=owner, entity="BANK", **{"class": account_class})


def hours(number: float) -> datetime:
    """Return an instant some hours into the day."""
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=number)
