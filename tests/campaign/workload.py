"""The campaign's own seeded traffic: every instruction type, what upstreams get wrong, and all the poison."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from audit.places import partition_of

INSTRUCTIONS: Final = "transactions.instructions.v1"
ENTITY: Final = "BANK"
FIRST_DAY: Final = date(2026, 1, 5)
TWO_DECIMALS: Final = ("EUR", "EUR", "EUR", "USD", "GBP")
LISTED: Final = "Listed Name Of The Campaign"
HUGE_BYTES: Final = 6_000_000


@dataclass(frozen=True, slots=True)
class Sending:
    """One record to send; `partition` None: where its key says."""

    key: bytes | None
    value: bytes | None
    kind: str
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    compressed: bool = False
    """Only passes the broker's limit when compressed."""


@dataclass(slots=True)
class Account:
    """What upstream knows of an account."""

    code: str
    owner: str
    asset: str
    scale: int
    balance: int = 0
    frozen: list[str] = field(default_factory=list)


class Workload:
    """A seeded upstream that knows every way to be right and wrong."""

    def __init__(self, seed: int, partitions: int, listed: str = LISTED) -> None:
        self.rng = Random(f"campaign {seed}")
        self.seed = seed
        self.partitions = partitions
        self.listed = listed
        self.accounts: list[Account] = []
        self.recent: list[Sending] = []
        self.day = FIRST_DAY
        self.closed_until = FIRST_DAY - timedelta(days=1)
        self.soft_closed: tuple[date, date] | None = None
        """A period that still takes adjustments."""
        self.customers = 0
        self.freezes = 0
        self.dollars = set[str]()
        self.reserved: list[tuple[Account, str]] = []
        """What was set aside or scheduled: the account, and the id that names it."""
        self.boxes: list[Account] = []
        self.trades: list[tuple[Account, str]] = []
        self.settlements: list[tuple[Account, str]] = []
        """What has settled trades or parts of them, refused or not."""

    def opening(self, customers: int) -> Iterator[Sending]:
        """A business day, customers in every shard, and money for each."""
        yield from self.open_business_day()
        for _ in range(customers):
            yield from self.open_account()

    def next(self) -> list[Sending]:
        """The next piece of traffic: mostly one record."""
        maker = self.rng.choices(_MAKERS, _WEIGHTS)[0]
        made = list(maker(self))
        for sending in made:
            if sending.value is not None and len(sending.value) < 4000:
                self.recent.append(sending)
        del self.recent[:-400]
        return made

    def _person(self) -> str:
        """One of a few, so that some bring and own the cash of several customers."""
        return f"P{self.rng.randint(1, 12)}"

    def _holder(self) -> dict[str, Any]:
        """Somebody with a role, some of them only from some day on or until another."""
        rng = self.rng
        since, until = (rng.choice((None, None, self.day + timedelta(days=rng.randint(0, 4)))) for _ in "ab")
        days = {name: day.isoformat() for name, day in (("since", since), ("until", until)) if day}
        role = rng.choice(("beneficial_owner", "signatory", "representative"))
        return {"name": "Somebody else", "role": role, "person": self._person(), **days}

    # ── right ─────────────────────────────────────────────────────────────────────────────────────

    def open_business_day(self) -> Iterator[Sending]:
        """The same record to every partition."""
        self.day += timedelta(days=1)
        body = self._body("open_business_day", "house", entity=ENTITY, booking_date=self.day.isoformat())
        for partition in range(self.partitions):
            yield Sending(b"house", body, "open_business_day", partition)

    def close_period(self) -> Iterator[Sending]:
        """What is soft-closed for good, else the days behind the last period, softly or at once."""
        first, last = self.soft_closed or (
            self.closed_until + timedelta(days=1),
            self.day - timedelta(days=1),
        )
        if last < first:
            return
        state = "closed" if self.soft_closed else self.rng.choice(("soft_closed", "closed"))
        period = {"entity": ENTITY, "first_day": first.isoformat(), "last_day": last.isoformat()}
        body = self._body("close_period", "house", **period, state=state)
        for partition in range(self.partitions):
            yield Sending(b"house", body, "close_period", partition)
        self.soft_closed = None if state == "closed" else (first, last)
        self.closed_until = last

    def open_account(self) -> Iterator[Sending]:
        """A customer's account with its first money; some unlimited, some with an overdraft, some loans."""
        rng = self.rng
        self.customers += 1
        owner = f"K{self.seed}-{self.customers:05d}"
        asset, scale = rng.choice(TWO_DECIMALS), 2
        if rng.random() < 0.05:
            asset, scale = "JPY", 0
        account = Account(f"{owner}-{asset}", owner, asset, scale)
        limit: str | None = rng.choice(("0", "0", "0", "500.00" if scale else "500", None))
        kind = rng.choice(("person", "person", "organisation"))
        name = self.listed if rng.random() < 0.02 else f"Somebody {self.customers}"
        party: dict[str, Any] = {"kind": kind, "name": name, "country": "DE", "kyc_status": "verified"}
        party |= {"person": self._person()} if kind == "person" else {"holders": [self._holder()]}
        yield self._to(
            account,
            "open_account",
            account=account.code,
            entity=ENTITY,
            asset=asset,
            limit=limit,
            party=party,
            **{"class": rng.choice(("cash", "cash", "cash", "loan"))},
        )
        self.accounts.append(account)
        account.balance += 5_000_00
        yield self._to(
            account, "deposit", account=account.code, amount=self._spell(account, 5_000_00), asset=asset
        )

    def short_lived(self) -> Iterator[Sending]:
        """An account that others pay to while it is closed; some are emptied first, some opened again."""
        rng = self.rng
        payer = self._some()
        if payer.asset != "EUR":
            return
        self.customers += 1
        owner = f"K{self.seed}-{self.customers:05d}"
        account = Account(f"{owner}-EUR", owner, "EUR", 2)

        def pay() -> Sending:
            ends = {"debit_account": payer.code, "credit_account": account.code}
            return self._to(payer, "transfer", **ends, amount="1.00", asset="EUR")

        yield self._to(account, "open_account", account=account.code, entity=ENTITY, asset="EUR")
        yield pay()
        if rng.random() < 0.5:
            fields = {"account": account.code, "amount": "1.00", "asset": "EUR"}
            yield self._to(account, rng.choice(("withdrawal", "fee")), **fields)
        yield self._to(account, "close_account", account=account.code, authority="the customer")
        yield from (pay() for _ in range(rng.randint(0, 4)))
        yield self._to(account, "deposit", account=account.code, amount="3.00", asset="EUR")
        if rng.random() < 0.3:
            by = {"entered_by": "op:ann", "approved_by": rng.choice(("op:ben", "op:ben", "op:ann"))}
            yield self._to(account, "reopen_account", account=account.code, reason="a mistake", **by)
            yield pay()

    def custody(self) -> Iterator[Sending]:
        """A custody account for a security, and one for any, to which things come and go."""
        self.customers += 1
        owner = f"K{self.seed}-{self.customers:05d}"
        account = Account(f"{owner}-SAP", owner, "DE0007164600", 0)
        fields = {"account": account.code, "entity": ENTITY, "asset": account.asset, "class": "custody"}
        yield self._to(account, "open_account", **fields)
        box = Account(f"{owner}-CUSTODY", owner, "DE0007164600", 0)
        self.boxes.append(box)
        yield self._to(box, "open_account", account=box.code, entity=ENTITY, **{"class": "custody"})

    def custody_transfer(self) -> Iterator[Sending]:
        """Securities in or out, more than there are too; on to another customer; a freeze of all."""
        rng = self.rng
        if not self.boxes:
            yield from self.custody()
        box, other = rng.choice(self.boxes), rng.choice(self.boxes)
        asset = rng.choice(("DE0007164600", "FR0000120271"))
        match rng.randrange(8):
            case 0 if box is not other:
                ends = {"debit_account": f"{box.code}#{asset}", "credit_account": f"{other.code}#{asset}"}
                yield self._to(box, "transfer", **ends, amount="2", asset=asset)
            case 1:
                freeze = {"account": box.code, "freeze_id": f"BOX{rng.randrange(3)}"}
                kind = rng.choice(("freeze_account", "unfreeze_account"))
                authority = {"authority": "District court"} if kind == "freeze_account" else {}
                yield self._to(box, kind, **freeze, **authority)
            case _:
                fields = {
                    "account": rng.choice((box.code, box.code, box.code, other.code)),
                    "direction": rng.choice(("receive", "receive", "deliver")),
                    "quantity": str(rng.randint(1, 20)),
                    "asset": asset,
                }
                location = {"location": rng.choice(("depository", "custodian"))} if rng.random() < 0.5 else {}
                yield self._to(box, "custody_transfer", **fields, **location)

    def trade(self) -> Iterator[Sending]:
        """Securities bought or sold for a box; earlier ones settled, undone or cancelled."""
        rng = self.rng
        if self.trades and rng.random() < 0.6:
            account, trade_id = rng.choice(self.trades)
            part: dict[str, Any] = rng.choice(
                ({}, {"amount": "1", "final": False}, {"amount": "2", "final": False}, {"amount": "1"})
            )
            kind = rng.choice(("post_pending", "post_pending", "post_pending", "void_pending", "reversal"))
            if kind == "post_pending":
                sending = self._to(account, kind, pending_id=trade_id, **part)
                self.settlements.append((account, json.loads(sending.value or b"{}")["instruction_id"]))
                yield sending
            elif kind == "void_pending":
                yield self._to(account, kind, pending_id=trade_id)
            elif self.settlements:
                account, part_id = rng.choice(self.settlements[-5:])
                yield self._to(account, kind, original_id=part_id)
            return
        if not self.boxes:
            yield from self.custody()
        box = rng.choice(self.boxes)
        cash = f"{box.owner}-EUR"
        if cash not in self.dollars:
            self.dollars.add(cash)
            yield self._to(box, "open_account", account=cash, entity=ENTITY, asset="EUR")
            yield self._to(box, "deposit", account=cash, amount="900.00", asset="EUR")
        sending = self._to(
            box,
            "trade",
            side=rng.choice(("buy", "buy", "sell")),
            custody_account=box.code,
            cash_account=cash,
            quantity=str(rng.randint(1, 9)),
            asset=box.asset,
            settlement_amount=f"{rng.randint(1, 400)}.{rng.randint(0, 99):02d}",
            settlement_asset="EUR",
            contractual_settlement_date=(self.day + timedelta(days=rng.randint(0, 2))).isoformat(),
            **rng.choice(({}, {"commission": "4.90"})),
        )
        self.trades.append((box, json.loads(sending.value or b"{}")["instruction_id"]))
        yield sending

    def deposit(self) -> Iterator[Sending]:
        """Money in; some of it banknotes, some just under what must be reported."""
        account = self._some()
        cash = self.rng.random() < 0.3
        high = self.rng.random() < 0.15
        amount = self.rng.randint(8_000_00, 12_000_00) if high else self.rng.randint(1_00, 900_00)
        account.balance += amount
        channel: dict[str, Any] = {"channel": "branch" if cash else "online", "cash": cash}
        if cash and self.rng.random() < 0.3:
            channel["conductor"] = self._person()
        fields = {"account": account.code, "amount": self._spell(account, amount), "asset": account.asset}
        yield self._to(account, "deposit", **fields, channel=channel, occurred_at=self._moment())

    def withdrawal(self) -> Iterator[Sending]:
        """Money out: small ones at once, large ones after screening, a few to a listed name."""
        account = self._some()
        amount = self.rng.choice((self.rng.randint(1_00, 400_00), self.rng.randint(1_000_00, 3_000_00)))
        account.balance -= amount
        fields: dict[str, Any] = {
            "account": account.code,
            "amount": self._spell(account, amount),
            "asset": account.asset,
        }
        if self.rng.random() < 0.5:
            name = self.listed if self.rng.random() < 0.08 else "Bakery Morning Crumb"
            fields["payment"] = {
                "creditor": {"name": name, "country": "FR"},
                "remittance": "Zeile 1\nZeile 2",
            }
        if self.rng.random() < 0.3:
            fields["channel"] = {"channel": "atm", "cash": True}
        if self.rng.random() < 0.3:
            fields["value_date"] = (self.day + timedelta(days=self.rng.randint(-3, 3))).isoformat()
        yield self._to(account, "withdrawal", **fields, **self._charges(account))

    def _charges(self, account: Account) -> dict[str, Any]:
        """Mostly none; else a fee on top, or a fee and a tax that the payee bears."""
        if self.rng.random() < 0.8 or account.asset not in {"EUR", "USD"}:
            return {}
        fee, tax = ({"kind": kind, "amount": "1.05", "asset": account.asset} for kind in ("fee", "tax"))
        if self.rng.random() < 0.5:
            return {"charges": [fee]}
        return {"charges": [each | {"taken": "deducted"} for each in (fee, tax)]}

    def transfer(self) -> Iterator[Sending]:
        """Money to another customer, who mostly lives in another shard."""
        account, other = self._some(), self._some()
        if account is other or account.asset != other.asset:
            return
        amount = self.rng.randint(50, 800_00)
        account.balance -= amount
        other.balance += amount
        yield self._to(
            account,
            "transfer",
            debit_account=account.code,
            credit_account=other.code,
            amount=self._spell(account, amount),
            asset=account.asset,
            business_reference=f"ref {self.rng.randint(1, 99)} \u202eright to left\u200b",
            **self._charges(account),
        )

    def group(self) -> Iterator[Sending]:
        """A payment and its fee, all or nothing; now and then a member comes again, in a group or alone."""
        account, other = self._some(), self._some()
        if account is other or account.asset != other.asset:
            return
        amount = self.rng.choice((self.rng.randint(50, 800_00), self.rng.randint(1_000_00, 2_000_00)))
        account.balance -= amount
        given = {"amount": self._spell(account, amount), "asset": account.asset}
        charged = {"account": account.code, "amount": self._spell(account, 1_00), "asset": account.asset}
        paid: dict[str, Any] = {"type": "withdrawal", "account": account.code, **given}
        if self.rng.random() < 0.6:
            ends = {"debit_account": account.code, "credit_account": other.code}
            paid = {"type": "transfer", **ends, **given}
        members = [
            {**each, "instruction_id": str(self._id()), "owner": account.owner}
            for each in (paid, {"type": "fee", **charged})
        ]
        if self.rng.random() < 0.5:
            members.reverse()
        yield self._to(account, "group", members=members)
        if self.rng.random() < 0.1:
            yield self._to(account, "group", members=members[:1])
        if self.rng.random() < 0.1:
            yield Sending(account.owner.encode(), json.dumps(members[0]).encode(), str(members[0]["type"]))

    def exchange(self) -> Iterator[Sending]:
        """Some of it for dollars, in an account of the customer's that is opened with the first exchange."""
        account = self._some()
        if account.asset != "EUR":
            return
        code = f"{account.owner}-USD"
        if code not in self.dollars:
            self.dollars.add(code)
            yield self._to(account, "open_account", account=code, entity=ENTITY, asset="USD")
        amount = self.rng.randint(1_00, 1_500_00)
        account.balance -= amount
        cents = amount * 10852 // 10000 + self.rng.choice((0, 0, 0, 0, 1, 7))
        yield self._to(
            account,
            "exchange",
            debit_account=account.code,
            debit_amount=self._spell(account, amount),
            debit_asset=account.asset,
            credit_account=code,
            credit_amount=self._spell(account, cents),
            credit_asset="USD",
            rate="1.0852",
            **self._booked_late(),
        )

    def _booked_late(self) -> dict[str, str]:
        """Now and then a value date some days back, seldom further than an exchange may reach."""
        if self.rng.random() < 0.7:
            return {}
        return {"value_date": (self.day - timedelta(days=self.rng.randint(1, 5))).isoformat()}

    def drain(self) -> Iterator[Sending]:
        """All that upstream believes is there: it counts on credits of other shards that may come late."""
        account = self._some()
        if account.balance <= 0 or account.scale == 0:
            return
        amount, account.balance = min(account.balance, 900_00), account.balance - min(account.balance, 900_00)
        fields = {"account": account.code, "amount": self._spell(account, amount), "asset": account.asset}
        yield self._to(account, "withdrawal", **fields)

    def fee(self) -> Iterator[Sending]:
        """A fact, whatever is on the account."""
        account = self._some()
        fields = {"account": account.code, "amount": self._spell(account, 2_50), "asset": account.asset}
        yield self._to(account, "fee", **fields)

    def interest(self) -> Iterator[Sending]:
        """Paid or charged."""
        account = self._some()
        fields = {"account": account.code, "amount": self._spell(account, 33_00), "asset": account.asset}
        direction = self.rng.choice(("credit", "debit", None))
        yield self._to(account, "interest", **fields, **({"direction": direction} if direction else {}))

    def accrual(self) -> Iterator[Sending]:
        """Interest of a month so far, finer than cents; now and then less than before."""
        account = self._some()
        cumulative = f"{self.rng.randint(0, 99)}.{self.rng.randint(0, 999_999):06}"
        given = {"account": account.code, "series": f"{self.day:%Y-%m}", "asset": account.asset}
        yield self._to(account, "accrual", **given, cumulative=cumulative)

    def opening_balance(self) -> Iterator[Sending]:
        """A balance from other books, of an earlier day or of today."""
        account = self._some()
        back = self.day - timedelta(days=self.rng.choice((0, 0, 1, 3, 400)))
        yield self._to(
            account,
            "opening_balance",
            account=account.code,
            amount=self._spell(account, 12_34),
            asset=account.asset,
            direction=self.rng.choice(("credit", "credit", "debit")),
            booking_date=back.isoformat(),
        )

    def house_posting(self) -> Iterator[Sending]:
        """Between two of the firm's own accounts, whichever the chart has."""
        body = self._body(
            "house_posting",
            "house",
            debit_account=self.house_account("nostro"),
            credit_account=self.house_account("clearing"),
            amount="12.34",
            asset="EUR",
        )
        yield Sending(b"house", body, "house_posting")

    def adjustment(self) -> Iterator[Sending]:
        """The books put right by two people, now and then by one alone."""
        body = self._body(
            "adjustment",
            "house",
            debit_account=self.house_account("clearing"),
            credit_account=self.house_account("nostro"),
            amount="1.23",
            asset="EUR",
            reason="reconciled",
            entered_by="op:jane",
            approved_by=self.rng.choice(("op:joe", "op:joe", "op:jane")),
            **({} if self.soft_closed is None else {"booking_date": self.soft_closed[1].isoformat()}),
        )
        yield Sending(b"house", body, "adjustment")

    def freeze(self) -> Iterator[Sending]:
        """Freeze, or lift the oldest freeze."""
        account = self._some()
        if account.frozen or sum(len(each.frozen) for each in self.accounts) > 6:
            account = next((each for each in self.accounts if each.frozen), account)
            freeze_id = account.frozen.pop(0) if account.frozen else "NEVER-PLACED"
            yield self._to(account, "unfreeze_account", account=account.code, freeze_id=freeze_id)
            return
        self.freezes += 1
        freeze_id = f"F{self.freezes}"
        account.frozen.append(freeze_id)
        fields = {"direction": self.rng.choice(("debit", "credit", "both"))}
        if self.rng.random() < 0.4:
            fields = {"direction": "debit", "amount": self._spell(account, 200_00)}
        yield self._to(
            account,
            "freeze_account",
            account=account.code,
            freeze_id=freeze_id,
            authority="District court",
            **fields,
        )

    def reserve(self) -> Iterator[Sending]:
        """Set something aside, mostly up to some day: one that is gone, today, or a later one."""
        account, rng = self._some(), self.rng
        fields = {"account": account.code, "amount": self._spell(account, 40_00), "asset": account.asset}
        if rng.random() < 0.8:
            fields["expires_on"] = (self.day + timedelta(days=rng.choice((-1, 0, 0, 0, 1, 2)))).isoformat()
        sending = self._to(account, "reserve", **fields)
        self.reserved.append((account, json.loads(sending.value or b"")["instruction_id"]))
        yield sending

    def schedule(self) -> Iterator[Sending]:
        """Something for a later day, or one that is gone, or much too late; some of it is given up before."""
        account, rng = self._some(), self.rng
        ahead = rng.choice((-1, 0, 1, 1, 1, 2, 2, 3, 2_000))
        day = {"execute_on": (self.day + timedelta(days=ahead)).isoformat()}
        if rng.random() < 0.2:
            ends = {"debit_account": f"{ENTITY}/nostro/EUR", "credit_account": f"{ENTITY}/suspense/EUR"}
            body = self._body("house_posting", "house", **ends, amount="2.00", asset="EUR", **day)
            yield Sending(b"house", body, "schedule")
            return
        amount = self._spell(account, rng.choice((30_00, 30_00, 2_000_00)))
        if rng.random() < 0.5:
            fields = {"account": account.code, "amount": amount, "asset": account.asset}
            sending = self._to(account, "withdrawal", **fields, **day)
        else:
            same = [each for each in self.accounts if each.asset == account.asset and each is not account]
            ends = {"debit_account": account.code, "credit_account": rng.choice(same or [account]).code}
            sending = self._to(account, "transfer", **ends, amount=amount, asset=account.asset, **day)
        self.reserved.append((account, json.loads(sending.value or b"")["instruction_id"]))
        yield sending

    def settle(self) -> Iterator[Sending]:
        """Post what was set aside, or a part, or give it back; it may have expired or been settled before."""
        if not self.reserved:
            return
        account, pending_id = self.rng.choice(self.reserved[-40:])
        if self.rng.random() < 0.3:
            yield self._to(account, "void_pending", pending_id=pending_id)
            return
        part: dict[str, Any] = self.rng.choice(
            ({}, {"amount": self._spell(account, 15_00)}, {"amount": "1", "final": False})
        )
        yield self._to(account, "post_pending", pending_id=pending_id, **part)

    def change_limit(self) -> Iterator[Sending]:
        """Another limit, from today, from some day on, for some days, or for days that are gone."""
        account, rng = self._some(), self.rng
        limit = rng.choice(("0", "100", "2500", None))
        since = rng.choice((None, self.day, self.day + timedelta(days=rng.randint(-1, 3))))
        until = rng.choice((None, None, self.day + timedelta(days=rng.randint(0, 5))))
        cap = {"cap": rng.choice(("500", "1000"))} if rng.random() < 0.2 else {}
        days = {
            name: day.isoformat()
            for name, day in (("valid_from", since), ("valid_until", until))
            if day is not None
        }
        yield self._to(
            account,
            "change_limit",
            account=account.code,
            limit=limit,
            authority="Credit office",
            **days,
            **cap,
        )

    def reversal(self) -> Iterator[Sending]:
        """Undo something sent a while ago, at its home or not, now and then by right; some a second time."""
        rng = self.rng
        wrong = _read(rng.choice(self.recent).value)
        if wrong is None:
            return
        homes = (wrong.get("credit_account"), wrong.get("account"))
        account = next((each for each in self.accounts if each.code in homes), self._some())
        fields: dict[str, Any] = {}
        if rng.random() < 0.3:
            fields = {"forced": True, "reason": "sent twice", "entered_by": "op:jane"}
            fields["approved_by"] = rng.choice(("op:joe", "op:joe", "op:jane"))
        if rng.random() < 0.9:
            fields["original_owner"] = wrong["owner"]
        yield self._to(account, "reversal", original_id=wrong["instruction_id"], **fields)

    def come_back(self) -> Iterator[Sending]:
        """Some or all of something sent a while ago comes back, whether it went out or not; more, too."""
        sent = _read(self.rng.choice(self.recent).value)
        account = next((each for each in self.accounts if sent and each.code == sent.get("account")), None)
        if sent is None or account is None:
            return
        amount = self.rng.choice((str(sent.get("amount")), "1", self._spell(account, 20_00)))
        yield self._to(
            account, "return", original_id=sent["instruction_id"], amount=amount, asset=account.asset
        )

    def allocate(self) -> Iterator[Sending]:
        """Use up what may be an item: some number of the owner's shard, now and then of another."""
        account, rng = self._some(), self.rng
        shard = partition_of(account.owner.encode(), self.partitions) if rng.random() < 0.95 else 0
        fields: dict[str, Any] = {
            "item": f"{shard}-{rng.randint(1, 1500)}-0",
            "amount": self._spell(account, 5_00),
            "asset": account.asset,
        }
        if rng.random() < 0.8:
            yield self._to(account, "allocate", account=self._some().code, **fields)
            return
        fields |= {
            "reason": "small",
            "entered_by": "op:jane",
            "approved_by": rng.choice(("op:joe", "op:jane")),
        }
        yield self._to(account, "write_off", **fields)

    # ── wrong, and must be answered ───────────────────────────────────────────────────────────────

    def dry_run(self) -> Iterator[Sending]:
        """Anything, only asked for; now and then it is sent for real afterwards, under the same id."""
        maker = self.rng.choice(_TRIED)
        for sending in maker(self):
            body = json.loads(sending.value or b"{}")
            asked = json.dumps({**body, "dry_run": True}, separators=(",", ":"), ensure_ascii=False).encode()
            yield Sending(sending.key, asked, "dry_run", sending.partition)
            if self.rng.random() < 0.5:
                yield sending

    def repeated(self) -> Iterator[Sending]:
        """The same again, byte for byte, or the same id in another spelling."""
        sending = self.rng.choice(self.recent)
        value = sending.value or b""
        found = value.find(b'"instruction_id":"')
        if self.rng.random() < 0.3 and found >= 0:
            start = found + 18
            spelled = value[start : start + 36]
            other = self.rng.choice((spelled.upper(), spelled.replace(b"-", b""), b"{" + spelled + b"}"))
            value = value[:start] + other + value[start + 36 :]
        yield Sending(sending.key, value, "repeated", sending.partition, sending.headers)

    def reused_id(self) -> Iterator[Sending]:
        """An id again, for something else."""
        sending = self.rng.choice(self.recent)
        value = (sending.value or b"").replace(b'"amount":"', b'"amount":"1', 1)
        yield Sending(sending.key, value, "reused_id", sending.partition)

    def wrong(self) -> Iterator[Sending]:
        """One field wrong, or one reference."""
        account, other = self._some(), self._some()
        fields: dict[str, Any] = {"account": account.code, "amount": "1.00", "asset": account.asset}
        fields |= self.rng.choice(_WRONG_FIELDS)
        kind = self.rng.choice(("withdrawal", "deposit", "fee", "interest"))
        match self.rng.randrange(12):
            case 0:
                yield Sending(other.owner.encode(), self._body(kind, account.owner, **fields), "wrong_key")
            case 1:
                partition = (partition_of(account.owner.encode(), self.partitions) + 1) % self.partitions
                body = self._body(kind, account.owner, **fields)
                yield Sending(account.owner.encode(), body, "wrong_partition", partition)
            case 2:
                yield Sending(None, self._body(kind, account.owner, **fields), "no_key")
            case 3:
                fields |= {"account": other.code, "asset": other.asset, "amount": "1"}
                yield self._to(account, kind, **fields)
            case 4:
                same = {"debit_account": account.code, "credit_account": account.code, "amount": "1"}
                yield self._to(account, "transfer", **same, asset=account.asset)
            case 5:
                opening = {"account": other.code, "entity": ENTITY, "asset": other.asset}
                yield self._to(account, "open_account", **opening)
            case 6:
                yield self._to(account, kind, **(fields | {"account": "NOBODY-HAS-THIS", "amount": "2"}))
            case 7:
                late = {"entity": ENTITY, "booking_date": "2026-01-01"}
                body = self._body("open_business_day", "house", **late)
                yield Sending(b"house", body, "day_not_later", self.rng.randrange(self.partitions))
            case _:
                yield self._to(account, kind, **fields)

    # ── poison ────────────────────────────────────────────────────────────────────────────────────

    def poison(self) -> Iterator[Sending]:
        """Input that must never stop the line."""
        yield self.poisons()[self.rng.randrange(len(_POISONS))]

    def poisons(self) -> list[Sending]:
        """One of each kind."""
        account = self._some()
        return [make(self, account) for make in _POISONS]

    def poison_for(self, account: Account) -> Sending:
        """Some of it that stands where an account's own records stand."""
        return self.rng.choice(_POISONS)(self, account)

    # ── one account ───────────────────────────────────────────────────────────────────────────────

    def business_of(self, account: Account, count: int) -> list[Sending]:
        """So many deposits, withdrawals and fees of one account, in turn."""
        kinds = ("deposit", "withdrawal", "fee")
        sendings: list[Sending] = []
        for number in range(count):
            amount = self._spell(account, (number + 1) * 1_00)
            fields = {"account": account.code, "amount": amount, "asset": account.asset}
            sendings.append(self._to(account, kinds[number % 3], **fields))
        return sendings

    def payment_to_be_held(self, account: Account) -> list[Sending]:
        """Money, and a payment of some of it to a listed name: it waits until people have decided."""
        fields = {"account": account.code, "asset": account.asset}
        payment = {"creditor": {"name": self.listed, "country": "FR"}}
        amount, less = self._spell(account, 4_000_00), self._spell(account, 2_500_00)
        return [
            self._to(account, "deposit", **fields, amount=amount),
            self._to(account, "withdrawal", **fields, amount=less, payment=payment),
        ]

    # ── spelling ──────────────────────────────────────────────────────────────────────────────────

    def house_account(self, account_class: str, asset: str = "EUR") -> str:
        """The code of one of the firm's own accounts, as the chart spells it."""
        return self.house_accounts.get((account_class, asset), f"{ENTITY}-{account_class}-{asset}")

    house_accounts: dict[tuple[str, str], str] = {}  # noqa: RUF012 - filled once from the chart
    """(class, asset) → code of ENTITY's accounts."""

    def _some(self) -> Account:
        chance = self.rng.random()
        return self.accounts[int(len(self.accounts) * chance * chance)]

    def _spell(self, account: Account, cents: int) -> str:
        return f"{cents // 100}.{cents % 100:02d}" if account.scale == 2 else str(max(1, cents // 100))

    def _moment(self) -> str:
        day = self.day + timedelta(days=self.rng.choice((0, 0, 0, -1, 1)))
        return f"{day.isoformat()}T{self.rng.randrange(24):02d}:{self.rng.randrange(60):02d}:00Z"

    def _to(self, account: Account, kind: str, /, **fields: Any) -> Sending:
        return Sending(account.owner.encode(), self._body(kind, account.owner, **fields), kind)

    def _body(self, kind: str, owner: str, /, **fields: Any) -> bytes:
        body = {"type": kind, "instruction_id": str(self._id()), "owner": owner, **fields}
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    def _id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128))


_MAKERS: Final[tuple[Callable[[Workload], Iterator[Sending]], ...]] = (
    Workload.deposit,
    Workload.withdrawal,
    Workload.transfer,
    Workload.group,
    Workload.exchange,
    Workload.drain,
    Workload.fee,
    Workload.interest,
    Workload.accrual,
    Workload.opening_balance,
    Workload.house_posting,
    Workload.freeze,
    Workload.reserve,
    Workload.schedule,
    Workload.settle,
    Workload.change_limit,
    Workload.reversal,
    Workload.come_back,
    Workload.allocate,
    Workload.adjustment,
    Workload.open_account,
    Workload.short_lived,
    Workload.custody,
    Workload.custody_transfer,
    Workload.trade,
    Workload.open_business_day,
    Workload.close_period,
    Workload.dry_run,
    Workload.repeated,
    Workload.reused_id,
    Workload.wrong,
    Workload.poison,
)
_WEIGHTS: Final = (
    260, 230, 220, 50, 30, 40, 50, 40, 20, 10, 30, 20, 40, 30, 30, 10, 30,
    20, 60, 6, 10, 12, 2, 25, 30, 4, 3, 20, 60, 15, 60, 30,
)  # fmt: skip

_TRIED: Final = (
    Workload.withdrawal,
    Workload.transfer,
    Workload.group,
    Workload.exchange,
    Workload.fee,
    Workload.house_posting,
    Workload.freeze,
    Workload.reserve,
    Workload.schedule,
    Workload.settle,
    Workload.change_limit,
    Workload.custody,
    Workload.custody_transfer,
    Workload.trade,
)

_WRONG_FIELDS: Final[tuple[dict[str, Any], ...]] = (
    {"amount": "0"},
    {"amount": "0.00"},
    {"amount": "-1.00"},
    {"amount": "1.001"},
    {"amount": "9223372036854775808"},
    {"amount": "92233720368547758.08"},
    {"amount": "1,250.00"},
    {"amount": "1e5"},
    {"amount": ""},
    {"amount": "٣"},
    {"amount": "9" * 70},
    {"amount": 12.34},
    {"amount": 12},
    {"amount": None},
    {"amount": ["1.00"]},
    {"asset": "XQQ"},
    {"asset": "USD"},
    {"asset": "DE0007164600"},
    {"asset": 5},
    {"account": ""},
    {"account": "with space"},
    {"account": "\u0000"},
    {"account": {"code": "x"}},
    {"value_date": "1900-01-01"},
    {"value_date": "9999-12-31"},
    {"value_date": "1899-12-31"},
    {"value_date": "2026-02-30"},
    {"value_date": 20260101},
    {"occurred_at": "2026-01-01T00:00:00"},
    {"occurred_at": "0001-01-01T00:00:00Z"},
    {"channel": {"cash": "yes"}},
    {"channel": {"channel": "pigeon"}},
    {"channel": [True]},
    {"payment": {"creditor_agent": "short"}},
    {"payment": {"uetr": "not-a-uuid"}},
    {"business_reference": "x" * 141},
    {"business_reference": "null\u0000byte"},
    {"direction": "sideways"},
)


def _read(value: bytes | None) -> dict[str, Any] | None:
    """What was asked for in a record that is worth naming in another."""
    try:
        found = json.loads(value or b"")
    except ValueError:
        return None
    named = isinstance(found, dict) and all(
        isinstance(found.get(name), str) for name in ("instruction_id", "owner")
    )
    return found if named else None


def _raw(up: Workload, account: Account, extra: str) -> Sending:
    """A good deposit with something more in its JSON text."""
    body = up._body("deposit", account.owner, account=account.code, amount="1", asset=account.asset)
    return Sending(
        account.owner.encode(), body[:-1] + extra.encode("utf-8", "surrogatepass") + b"}", "poison"
    )


def _plain(value: bytes | None, *, headers: tuple[tuple[str, bytes], ...] = ()) -> Callable[..., Sending]:
    return lambda up, account: Sending(account.owner.encode(), value, "poison", None, headers)


def _appended(extra: str) -> Callable[[Workload, Account], Sending]:
    return lambda up, account: _raw(up, account, extra)


def _with_headers(*headers: tuple[str, bytes]) -> Callable[[Workload, Account], Sending]:
    def make(up: Workload, account: Account) -> Sending:
        body = up._body("deposit", account.owner, account=account.code, amount="1", asset=account.asset)
        return Sending(account.owner.encode(), body, "poison_headers", None, headers)

    return make


def _bomb(up: Workload, account: Account) -> Sending:
    sending = _raw(up, account, ',"x":"' + "0" * HUGE_BYTES + '"')
    return Sending(sending.key, sending.value, "compressed_bomb", None, (), compressed=True)


def _typed(kind: str, /, **fields: Any) -> Callable[[Workload, Account], Sending]:
    return lambda up, account: Sending(
        account.owner.encode(), up._body(kind, account.owner, **fields), "poison"
    )


_POISONS: Final[tuple[Callable[[Workload, Account], Sending], ...]] = (
    _plain(b'{"type":"deposit","instruction_id":"0190'),
    _plain(b"plain words"),
    _plain(b""),
    _plain(None),
    _plain(b"   \n"),
    _plain(b"null"),
    _plain(b"[]"),
    _plain(b"{}"),
    _plain(b"NaN"),
    _plain(b"\x00"),
    _plain(b"\x00\xff\xfe\x80"),
    _plain(b'\xef\xbb\xbf{"type":"deposit"}'),
    _plain(b"[" * 100_000),
    _plain(b"[" * 100_000 + b"]" * 100_000),
    _plain(b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    _plain(b"9" * 1_000_000),
    _plain(b'{"type":"deposit","owner":"A","instruction_id":"018f0000-0000-7000-8000-00000000000g"}'),
    _plain(b'{"type":5,"owner":"A","instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _plain(b'{"type":"deposit","owner":7,"instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _plain(b'{"type":"deposit","owner":"\\u0000","instruction_id":"018f0000-0000-7000-8000-000000000001"}'),
    _appended(',"x":NaN'),
    _appended(',"x":-Infinity'),
    _appended(',"x":1e999999999'),
    _appended(',"x":' + "9" * 5_000),
    _appended(',"x":' + "9" * 500_000),
    _appended(',"amount":1e999999999'),
    _appended(',"amount":"2.00"'),
    _appended(',"x":"\\ud800"'),
    _appended(',"\\udfff":1'),
    _appended(',"x":"\ud800"'),
    _appended(',"x":' + "[" * 40 + "]" * 40),
    _appended(',"x":' + "[" * 100_000 + "]" * 100_000),
    _appended(',"x":"\\u0000"'),
    _appended(',"x":"' + "a" * 900_000 + '"'),
    _appended(',"x":"\u202e\u200b\ufeff"'),
    _appended(',"business_reference":"\u202e\u200b\u2066 zero width"'),
    _appended(',"business_reference":"\\u0000"'),
    _appended(',"class":"cash","version":2,"schema":"transactions.instructions.v2"'),
    _bomb,
    _typed("time_travel", to="1999-12-31"),
    _typed("deposit.v2", account="A", amount="1.00", asset="EUR"),
    _typed("DEPOSIT", account="A", amount="1.00", asset="EUR"),
    _typed("deposit"),
    _typed("open_account", account="A" * 65, entity=ENTITY, asset="EUR"),
    _typed("open_account", account="ok", entity="NOWHERE", asset="EUR"),
    _typed("open_account", account="ok", entity=ENTITY, asset="EUR", limit="-1"),
    _typed("open_account", account="ok", entity=ENTITY, asset="EUR", party={"kind": "ghost", "name": "x"}),
    _typed("house_posting", debit_account="A", credit_account="B", amount="1", asset="EUR"),
    _typed("open_business_day", entity=ENTITY, booking_date="9999-12-31"),
    _with_headers(("traceparent", b"\x00")),
    _with_headers(("traceparent", b"\xff" * 300), ("correlation_id", b"\x00\xff")),
    _with_headers(("seq", b"not a number"), ("prev", b"-1"), ("shard", b"99"), ("epoch", b"")),
)
