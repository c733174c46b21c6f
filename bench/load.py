"""What is sent: accounts opened and filled, then single-movement transfers and screened withdrawals."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.messages.partitioner import partition_of
from shared.runtime import clock
from shared.runtime.client import Record

ENTITY: Final = "BANK"
HOT_ACCOUNTS: Final = 10
HOT_SHARE: Final = 0.8
FUNDS: Final = "100000000.00"
"""On each account before the measurement, so that no transfer lacks money."""
PAYMENT: Final = (
    '"payment":{"debtor":{"name":"Atelier Lumen Sociedad Cooperativa","country":"ES","account":'
    '"ES9121000418450200051332"},"creditor":{"name":"Northern Lights Maritime Insurance A/S","country":"NO",'
    '"account":"NO9386011117947","identifier":"959200LMQ4F1J7B2XH33"},"debtor_agent":"CAIXESBBXXX",'
    '"creditor_agent":"DNBANOKKXXX","end_to_end_id":"E2E-2026-03-01-000123456789","uetr":'
    '"eb6305c9-1f7f-49de-aed0-16487c27b42d","instructed_amount":"1234.50","instructed_asset":"EUR",'
    '"charges_bearer":"SHAR","purpose":"GDDS","remittance":"Invoice INV-2026-000123 of 2026-02-14, less'
    ' credit CN-2026-0007"}'
)
"""About 600 bytes of what a payment message carries."""
FUNDED: Final = "2026-01-05T09:30:00Z"
"""When accounts were opened and filled: over a month before, so that it is in no rule's window."""
SALARY: Final = "9000.00"
SALARIES: Final = ("2025-11-28T09:30:00Z", "2025-12-29T09:30:00Z", "2026-01-28T09:30:00Z")
USUAL: Final = 6
"""So many an ordinary customer pays again and again."""
USUAL_SHARE: Final = 0.8
BEGIN: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
IDS_PER_MS: Final = 20
"""Ids are time-ordered, as an upstream's are that sends 20,000 a second."""


class Load:
    """Makes the records of one run; `prefix` keeps several runs' accounts apart."""

    funds: Sequence[tuple[str, str]] = ((FUNDED, FUNDS),)
    """When each account got how much."""
    moved = (100, 10_000)
    """Cents of a transfer, from and below."""
    withdrawn = (100_000, 200_000)
    """Cents of what is screened first, by the policy in the box."""

    def __init__(self, accounts: int, partitions: int, *, seed: int = 1, prefix: str = "B") -> None:
        self.partitions = partitions
        self.seconds_apart = 0.0
        """Of event time, between what is sent: 0 where nobody looks at it."""
        self.rng = random.Random(seed)
        self.owners = [f"{prefix}{number:07}" for number in range(accounts)]
        self.keys = [owner.encode() for owner in self.owners]
        self.homes = [partition_of(key, partitions) for key in self.keys]
        self._start_ms = clock.now_ms()
        self._made = 0

    def new_id(self) -> str:
        """Spell a new time-ordered id (version 7)."""
        stamp = f"{self._start_ms + self._made // IDS_PER_MS:012x}"
        chance = self.rng.getrandbits(62)
        self._made += 1
        return (
            f"{stamp[:8]}-{stamp[8:]}-7{self._made % IDS_PER_MS:03x}"
            f"-{0x8000 | chance >> 48:04x}-{chance & 0xFFFFFFFFFFFF:012x}"
        )

    def openings(self) -> Iterator[Record]:
        """Open every account without an overdraft, and put money on it."""
        for index, owner in enumerate(self.owners):
            yield self._record(
                index,
                f'"type":"open_account","owner":"{owner}","account":"{owner}-EUR","entity":"{ENTITY}",'
                f'"asset":"EUR","class":"cash","limit":"0","occurred_at":"{self.funds[0][0]}",'
                f'"party":{{"kind":"person","name":"Customer {index}","country":"ES"}}',
            )
        for at, amount in self.funds:
            for index, owner in enumerate(self.owners):
                yield self._record(
                    index,
                    f'"type":"deposit","owner":"{owner}","account":"{owner}-EUR","amount":"{amount}",'
                    f'"asset":"EUR","occurred_at":"{at}"',
                )

    def transfers(self, count: int, *, hot: bool = False, payment: bool = False) -> Iterator[Record]:
        """Make transfers, uniform over all accounts; `hot`: 80 % of them between ten of the accounts."""
        for _ in range(count):
            yield self.transfer(hot=hot, payment=payment)[1]

    def transfer(self, *, hot: bool = False, payment: bool = False) -> tuple[str, Record]:
        """Make one transfer, with payment data or without, and return its id too."""
        rng = self.rng
        accounts = HOT_ACCOUNTS if hot and rng.random() < HOT_SHARE else len(self.owners)
        debit = int(rng.random() * accounts)
        credit = self._payee(debit, accounts)
        owner = self.owners[debit]
        amount = self._cents(*self.moved)
        return self._identified(
            debit,
            f'"type":"transfer","owner":"{owner}","debit_account":"{owner}-EUR",'
            f'"credit_account":"{self.owners[credit]}-EUR","amount":"{amount // 100}.{amount % 100:02d}",'
            f'"asset":"EUR","occurred_at":"{self._occurred_at()}","business_reference":"INV-2026-000123"'
            + (f",{PAYMENT}" if payment else ""),
        )

    def screened_withdrawal(self) -> tuple[str, Record]:
        """Make a withdrawal above the policy's amount: reserved, screened, then posted."""
        index = int(self.rng.random() * len(self.owners))
        owner = self.owners[index]
        amount = self._cents(*self.withdrawn)
        return self._identified(
            index,
            f'"type":"withdrawal","owner":"{owner}","account":"{owner}-EUR",'
            f'"amount":"{amount // 100}.{amount % 100:02d}","asset":"EUR",'
            f'"occurred_at":"{self._occurred_at()}","channel":{{"channel":"online"}},'
            '"payment":{"creditor":{"name":"Atelier Lumen","country":"DE",'
            '"account":"DE89370400440532013000"}}',
        )

    def _payee(self, payer: int, accounts: int) -> int:
        return (payer + 1 + int(self.rng.random() * (accounts - 1))) % accounts

    def _cents(self, least: int, below: int) -> int:
        return least + int(self.rng.random() * (below - least))

    def _occurred_at(self) -> str:
        if not self.seconds_apart:
            return "2026-03-01T09:30:00Z"
        at = BEGIN + timedelta(seconds=self._made * self.seconds_apart)
        return at.isoformat().replace("+00:00", "Z")

    def _record(self, index: int, fields: str) -> Record:
        return self._identified(index, fields)[1]

    def _identified(self, index: int, fields: str) -> tuple[str, Record]:
        instruction_id = self.new_id()
        value = f'{{"instruction_id":"{instruction_id}",{fields}}}'.encode()
        return instruction_id, (self.keys[index], value, self.homes[index])


class Customers(Load):
    """People as a bank has them, of whom its rules find few: a salary each month, mostly the same payees.

    With all money on one day and strangers for payees every customer would be somebody to look at, and what
    would be measured is the writing of alerts. Of this load compliance's rules name 0.25 % (150,000
    transactions of 10,000 customers, by `compliance evaluate`).
    """

    funds = tuple((at, SALARY) for at in SALARIES)
    moved = (10_000, 90_000)
    withdrawn = (100_000, 120_000)

    def _payee(self, payer: int, accounts: int) -> int:
        if self.rng.random() >= USUAL_SHARE:
            return super()._payee(payer, accounts)
        which = int(self.rng.random() * min(USUAL, accounts - 1))
        return (payer + 1 + (payer * 7 + which * 131) % (accounts - 1)) % accounts
