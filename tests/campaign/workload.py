"""The campaign's own seeded traffic: every instruction type, what upstreams get wrong, and all the poison."""

import json
from collections.abc import Callable, Iterator
from typing import Final

from tests.campaign.traffic import accounts, books, mistakes, payments, securities
from tests.campaign.traffic.poison import POISONS
from tests.campaign.traffic.upstream import Account, Sending, Upstream


class Workload(Upstream):
    """A seeded upstream that knows every way to be right and wrong."""

    def opening(self, customers: int) -> Iterator[Sending]:
        """A business day, customers in every shard, and money for each."""
        yield from books.open_business_day(self)
        for _ in range(customers):
            yield from accounts.open_account(self)

    def next(self) -> list[Sending]:
        """The next piece of traffic: mostly one record."""
        maker = self.rng.choices(_MAKERS, _WEIGHTS)[0]
        made = list(maker(self))
        for sending in made:
            if sending.value is not None and len(sending.value) < 4000:
                self.recent.append(sending)
        del self.recent[:-400]
        return made

    def dry_run(self) -> Iterator[Sending]:
        """Anything, only asked for; now and then it is sent for real afterwards, under the same id."""
        maker = self.rng.choice(_TRIED)
        for sending in maker(self):
            body = json.loads(sending.value or b"{}")
            asked = json.dumps({**body, "dry_run": True}, separators=(",", ":"), ensure_ascii=False).encode()
            yield Sending(sending.key, asked, "dry_run", sending.partition)
            if self.rng.random() < 0.5:
                yield sending

    def poison(self) -> Iterator[Sending]:
        """Input that must never stop the line."""
        yield self.poisons()[self.rng.randrange(len(POISONS))]

    def poisons(self) -> list[Sending]:
        """One of each kind."""
        account = self.some()
        return [make(self, account) for make in POISONS]

    def poison_for(self, account: Account) -> Sending:
        """Some of it that stands where an account's own records stand."""
        return self.rng.choice(POISONS)(self, account)

    def business_of(self, account: Account, count: int) -> list[Sending]:
        """So many deposits, withdrawals and fees of one account, in turn."""
        kinds = ("deposit", "withdrawal", "fee")
        sendings: list[Sending] = []
        for number in range(count):
            amount = self.spell(account, (number + 1) * 1_00)
            fields = {"account": account.code, "amount": amount, "asset": account.asset}
            sendings.append(self.to(account, kinds[number % 3], **fields))
        return sendings

    def payment_to_be_held(self, account: Account) -> list[Sending]:
        """Money, and a payment of some of it to a listed name: it waits until people have decided."""
        fields = {"account": account.code, "asset": account.asset}
        payment = {"creditor": {"name": self.listed, "country": "FR"}}
        amount, less = self.spell(account, 4_000_00), self.spell(account, 2_500_00)
        return [
            self.to(account, "deposit", **fields, amount=amount),
            self.to(account, "withdrawal", **fields, amount=less, payment=payment),
        ]


_MAKERS: Final[tuple[Callable[[Workload], Iterator[Sending]], ...]] = (
    payments.deposit,
    payments.withdrawal,
    payments.passed_on,
    payments.transfer,
    payments.group,
    payments.exchange,
    payments.drain,
    books.fee,
    books.interest,
    books.accrual,
    books.opening_balance,
    books.house_posting,
    accounts.freeze,
    payments.reserve,
    payments.schedule,
    payments.settle,
    accounts.change_limit,
    accounts.change_holder,
    payments.reversal,
    payments.come_back,
    books.allocate,
    books.adjustment,
    accounts.open_account,
    accounts.short_lived,
    securities.custody,
    securities.custody_transfer,
    securities.trade,
    books.open_business_day,
    books.close_period,
    Workload.dry_run,
    mistakes.repeated,
    mistakes.reused_id,
    mistakes.wrong,
    Workload.poison,
)
_WEIGHTS: Final = (
    260, 230, 20, 220, 50, 30, 40, 50, 40, 20, 10, 30, 20, 40, 30, 30, 10, 6, 30,
    20, 60, 6, 10, 12, 2, 25, 30, 4, 3, 20, 60, 15, 60, 30,
)  # fmt: skip

_TRIED: Final = (
    payments.withdrawal,
    payments.transfer,
    payments.group,
    payments.exchange,
    books.fee,
    books.house_posting,
    accounts.freeze,
    payments.reserve,
    payments.schedule,
    payments.settle,
    accounts.change_limit,
    accounts.change_holder,
    securities.custody,
    securities.custody_transfer,
    securities.trade,
)
