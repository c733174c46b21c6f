"""Derives the books anew from journal and movements, and names the first thing that differs.

Shares no code with what posts: its own arithmetic over what the tables say. Everything is read in one
snapshot up to the vector of `last_seq`, so it can run beside the service.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final

import asyncpg
from asyncpg import Connection

from shared.messages.instructions import FACTS
from shared.runtime.work import Outgoing

FIRST_OUTCOMES: Final = frozenset(
    {
        "TransactionPosted",
        "TransactionPending",
        "TransactionVoided",
        "InstructionApplied",
        "InstructionRejected",
        "BusinessDayOpened",
    }
)
MOVING: Final = frozenset({"TransactionPosted", "TransactionPending", "TransactionVoided"})
PLACE_REASONS: Final = frozenset({"wrong_key", "wrong_partition"})
CHECKS: Final = (
    "sequence",
    "first_outcomes",
    "content",
    "movements",
    "after_balances",
    "booking_dates",
    "freezes",
    "limits",
    "foreign_credits",
    "pendings",
    "balances",
    "debits_equal_credits",
    "accounts",
)
PREFETCH: Final = 5_000
PROGRESS_EVERY: Final = 50_000
AMOUNT_MAX: Final = 2**63 - 1


@dataclass(slots=True)
class Check:
    """One thing that must hold, and how often it was looked at."""

    name: str
    ok: bool = True
    checked: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing found that is not as it must be."""

    check: str
    shard: int | None
    seq: int | None
    leg: int | None
    expected: str
    found: str


@dataclass(slots=True)
class VerifyResult:
    """What `backoffice ledger verify` prints."""

    ok: bool
    instructions: int
    movements: int
    assets: dict[str, dict[str, str]]
    as_of: dict[str, int]
    checks: list[Check]
    first_difference: Difference | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of the command's contract."""
        difference = self.first_difference
        return {
            "ok": self.ok,
            "instructions": self.instructions,
            "movements": self.movements,
            "assets": self.assets,
            "as_of": self.as_of,
            "checks": [{"name": each.name, "ok": each.ok, "checked": each.checked} for each in self.checks],
            "first_difference": None
            if difference is None
            else {name: getattr(difference, name) for name in Difference.__dataclass_fields__},
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class _Account:
    code: str
    home: int
    asset_id: int
    entity_id: int
    limit: int | None
    is_customer: bool
    opened_seq: int
    scale: int


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit that was set, in the order of the journal."""

    seq: int
    minor: int | None
    valid_from: date
    valid_until: date | None
    authority: str

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(slots=True)
class _Open:
    """A pending transaction met in the journal."""

    legs: list[tuple[int, int, int]]
    """Debit account, credit account, and what is still reserved."""
    instruction_id: Any
    screening: bool
    """Whether it had to be cleared before it could be posted."""
    cleared: int | None = None
    settled: int = 0
    resolved: int | None = None

    @property
    def waits(self) -> bool:
        """Whether only a decision can end it."""
        return self.screening and self.cleared is None

    @property
    def row(self) -> tuple[bool, int | None, int, int | None]:
        """What its moving row must say."""
        return self.screening, self.cleared, self.settled, self.resolved


@dataclass(slots=True)
class _Shard:
    """What is derived for one shard."""

    number: int
    days: dict[int, date]
    days_opened: dict[tuple[int, int, date], int] = field(default_factory=dict)
    rows: dict[int, list[int]] = field(default_factory=dict)
    pending: dict[int, _Open] = field(default_factory=dict)
    freezes: dict[tuple[int, str], tuple[str, int, int | None]] = field(default_factory=dict)
    standing: dict[int, dict[str, str]] = field(default_factory=dict)
    limits: dict[int, list[_Limit]] = field(default_factory=dict)
    opened: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    """The seq that opened an account, and the limit it asked for."""
    seen: dict[int, int] = field(default_factory=dict)
    """The largest foreign credits a decision saw, by account."""


class _Books:
    """The derivation, and what it found."""

    def __init__(self) -> None:
        self.checks = {name: Check(name) for name in CHECKS}
        self.first: Difference | None = None
        self.instructions = 0
        self.movements = 0
        self.accounts: dict[int, _Account] = {}
        self.ids: dict[str, int] = {}
        self.entities: dict[str, int] = {}
        self.shards: dict[int, _Shard] = {}

    def see(
        self,
        check: str,
        holds: bool,
        *,
        expected: object = "",
        found: object = "",
        shard: int | None = None,
        seq: int | None = None,
        leg: int | None = None,
    ) -> bool:
        each = self.checks[check]
        each.checked += 1
        if not holds:
            each.ok = False
            if self.first is None:
                self.first = Difference(check, shard, seq, leg, str(expected), str(found))
        return holds


Published = Callable[[Connection, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]
"""Compares the topic with the journal up to a vector; see `compare_published`."""


async def verify(
    dsn: str,
    progress: Callable[[int], None] | None = None,
    published: Callable[[Connection, dict[int, int]], Awaitable[tuple[Check, Difference | None]]]
    | None = None,
    seals: Callable[[Connection, dict[int, int]], Awaitable[tuple[Check, Difference | None]]] | None = None,
) -> VerifyResult:
    """Check the whole ledger and return what was found.

    `progress` is told the number of journal rows read so far. `published` compares the topic with the
    journal up to the vector it is given (see `compare_published`); without it that is not checked.
    """
    started = asyncio.get_running_loop().time()
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            books = _Books()
            vector = {
                row["shard"]: row["last_seq"]
                for row in await connection.fetch("SELECT shard, last_seq FROM transactions.shard")
            }
            await _read_chart(connection, books)
            for shard, last_seq in sorted(vector.items()):
                await _derive(connection, books, shard, last_seq, progress)
            await _compare_keys(connection, books)
            await _compare_pendings(connection, books)
            await _compare_freezes(connection, books)
            await _compare_limits(connection, books)
            await _compare_balances(connection, books)
            await _compare_days(connection, books)
            _compare_accounts(books)
            _compare_foreign_credits(books)
            assets = await _compare_sides(connection, books)
            checks = list(books.checks.values())
            first = books.first
            for compare in (seals, published):
                if compare is not None:
                    check, difference = await compare(connection, vector)
                    checks.append(check)
                    first = first or difference
    finally:
        await connection.close()
    return VerifyResult(
        ok=all(each.ok for each in checks),
        instructions=books.instructions,
        movements=books.movements,
        assets=assets,
        as_of={str(shard): seq for shard, seq in sorted(vector.items())},
        checks=checks,
        first_difference=first,
        seconds=asyncio.get_running_loop().time() - started,
    )


async def _read_chart(connection: Connection, books: _Books) -> None:
    async for row in connection.cursor(
        """
        SELECT account_id, account.code, account.shard, asset_id, entity_id, limit_minor, opened_seq,
               account_class.holder = 'customer' AS is_customer, scale
        FROM transactions.account
        JOIN transactions.account_class USING (class)
        JOIN transactions.asset USING (asset_id)
        """,
        prefetch=PREFETCH,
    ):
        books.accounts[row["account_id"]] = _Account(
            row["code"],
            row["shard"],
            row["asset_id"],
            row["entity_id"],
            row["limit_minor"],
            row["is_customer"],
            row["opened_seq"],
            row["scale"],
        )
        books.ids[row["code"]] = row["account_id"]
    for row in await connection.fetch("SELECT entity_id, code FROM transactions.entity"):
        books.entities[row["code"]] = row["entity_id"]


async def _derive(
    connection: Connection,
    books: _Books,
    number: int,
    last_seq: int,
    progress: Callable[[int], None] | None,
) -> None:
    """Walk one shard's journal with its movements, from the first to the last."""
    firsts = await connection.fetch("SELECT entity_id, first_booking_date FROM transactions.entity")
    shard = _Shard(number, {row["entity_id"]: row["first_booking_date"] for row in firsts})
    books.shards[number] = shard
    movements = _Movements(connection, number, last_seq)
    expected = 0
    async for row in connection.cursor(
        """
        SELECT seq, about_seq, kind::text AS kind, instruction_id, instruction_type, booking_date, reason,
               detail, seen,
               CASE WHEN instruction_type IN ('open_account', 'freeze_account', 'unfreeze_account',
                                              'change_limit')
                    THEN content END AS content
        FROM transactions.journal
        WHERE shard = $1 AND seq <= $2
        ORDER BY seq
        """,
        number,
        last_seq,
        prefetch=PREFETCH,
    ):
        seq = row["seq"]
        expected += 1
        if not books.see(
            "sequence", seq == expected, expected=expected, found=seq, shard=number, seq=expected
        ):
            expected = seq
        legs = await movements.take(seq)
        for stray in movements.strays:
            books.see("movements", False, expected="a journal row", found="none", shard=number, seq=stray)
        movements.strays.clear()
        _walk(books, shard, row, legs)
        total = sum(each.checked for each in (books.checks["sequence"],))
        if progress is not None and total % PROGRESS_EVERY == 0:
            progress(total)
    books.see(
        "sequence", expected == last_seq, expected=last_seq, found=expected, shard=number, seq=expected + 1
    )
    await movements.take(last_seq + 1)
    for stray in movements.strays:
        books.see("movements", False, expected="a journal row", found="none", shard=number, seq=stray)


class _Movements:
    """One shard's movements in order, taken beside its journal rows."""

    def __init__(self, connection: Connection, shard: int, last_seq: int) -> None:
        self.strays: list[int] = []
        self._rows: AsyncIterator[Any] = connection.cursor(
            """
            SELECT seq, leg, kind, debit_account, credit_account, amount, asset_id,
                   debit_balance_after, credit_balance_after
            FROM transactions.movement
            WHERE shard = $1 AND seq <= $2
            ORDER BY seq, leg
            """,
            shard,
            last_seq,
            prefetch=PREFETCH,
        ).__aiter__()
        self._next: Any = None
        self._done = False

    async def take(self, seq: int) -> list[Any]:
        """Return the movements of this seq; those of earlier ones without a journal row become strays."""
        found: list[Any] = []
        while not self._done:
            if self._next is None:
                self._next = await anext(self._rows, None)
                if self._next is None:
                    self._done = True
                    break
            if self._next["seq"] > seq:
                break
            if self._next["seq"] == seq:
                found.append(self._next)
            else:
                self.strays.append(self._next["seq"])
            self._next = None
        return found


def _walk(books: _Books, shard: _Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    kind: str = row["kind"]
    seq: int = row["seq"]
    at: dict[str, Any] = {"shard": shard.number, "seq": seq}
    if kind in FIRST_OUTCOMES and row["about_seq"] is None and row["reason"] not in PLACE_REASONS:
        books.instructions += 1
    if not books.see(
        "movements",
        bool(legs) == (kind in MOVING),
        expected="movements" if kind in MOVING else "none",
        found=f"{len(legs)} of a {kind}",
        **at,
    ):
        return
    if kind in MOVING:
        _walk_movements(books, shard, row, legs)
    elif kind == "BusinessDayOpened":
        entity_id = books.entities[json.loads(row["detail"])["entity"]]
        day = row["booking_date"]
        books.see(
            "booking_dates",
            day > shard.days[entity_id],
            expected=f"after {shard.days[entity_id]}",
            found=day,
            **at,
        )
        shard.days[entity_id] = day
        shard.days_opened[shard.number, entity_id, day] = seq
    elif kind == "InstructionApplied":
        _walk_applied(books, shard, row)
    elif kind == "PendingCleared":
        opened = shard.pending.get(row["about_seq"] or 0)
        waits = opened is not None and opened.waits and opened.resolved is None
        books.see("pendings", waits, expected="one that waits", found=f"about {row['about_seq']}", **at)
        if opened is not None:
            opened.cleared = seq


def _walk_applied(books: _Books, shard: _Shard, row: Mapping[str, Any]) -> None:
    asked = json.loads(row["content"])
    seq: int = row["seq"]
    if row["instruction_type"] == "open_account":
        shard.opened[asked["account"]] = seq, asked.get("limit", "0")
        return
    account_id = books.ids.get(asked["account"], -1)
    if row["instruction_type"] == "change_limit":
        _walk_limit(books, shard, row, account_id, asked)
        return
    freeze_id: str = asked["freeze_id"]
    if row["instruction_type"] == "freeze_account":
        direction = asked.get("direction", "both")
        shard.freezes[account_id, freeze_id] = (direction, seq, None)
        shard.standing.setdefault(account_id, {})[freeze_id] = direction
        return
    placed = shard.freezes.get((account_id, freeze_id))
    stands = placed is not None and placed[2] is None
    books.see("freezes", stands, expected="a standing freeze", found="none", shard=shard.number, seq=seq)
    if placed is not None:
        shard.freezes[account_id, freeze_id] = (placed[0], placed[1], seq)
    shard.standing.get(account_id, {}).pop(freeze_id, None)


def _walk_limit(
    books: _Books, shard: _Shard, row: Mapping[str, Any], account_id: int, asked: Mapping[str, Any]
) -> None:
    account = books.accounts.get(account_id)
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    if not books.see(
        "limits",
        account is not None and account.is_customer and account.home == shard.number,
        expected="an account at home here",
        found=asked["account"],
        **at,
    ):
        return
    assert account is not None
    today = shard.days[account.entity_id]
    since = asked.get("valid_from") or today.isoformat()
    until = asked.get("valid_until")
    said = json.loads(row["detail"] or "{}").get("valid_from")
    books.see(
        "limits",
        said == since and since >= today.isoformat() and (until is None or until > since),
        expected=f"from {since}, {today} or later",
        found=f"from {said} until {until}",
        **at,
    )
    shard.limits.setdefault(account_id, []).append(
        _Limit(
            row["seq"],
            _minor(asked["limit"], account.scale),
            date.fromisoformat(since),
            None if until is None else date.fromisoformat(until),
            asked["authority"],
        )
    )


def _limit_of(shard: _Shard, account_id: int, account: _Account) -> int | None:
    """The limit in force on the day that is open: the last one set that holds, else that of the opening."""
    holding = [each for each in shard.limits.get(account_id, ()) if each.holds(shard.days[account.entity_id])]
    return holding[-1].minor if holding else account.limit


def _walk_movements(books: _Books, shard: _Shard, row: Mapping[str, Any], legs: list[Any]) -> None:
    kind: str = row["kind"]
    seq: int = row["seq"]
    at: dict[str, Any] = {"shard": shard.number, "seq": seq}
    detail = {} if row["detail"] is None else json.loads(row["detail"])
    resolves, freed = _resolved(books, shard, row, legs, detail)
    is_fact = row["instruction_type"] in FACTS
    passed = False
    seen = {} if row["seen"] is None else json.loads(row["seen"]).get("credits", {})
    for account, credited in seen.items():
        account_id = int(account)
        books.see(
            "foreign_credits",
            credited >= shard.seen.get(account_id, 0),
            expected=f"at least {shard.seen.get(account_id)}",
            found=credited,
            **at,
        )
        shard.seen[account_id] = max(credited, shard.seen.get(account_id, 0))
    if kind == "TransactionPending":
        shard.pending[seq] = _Open(
            [(leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs],
            row["instruction_id"],
            detail.get("screening", True),
        )
    for number, leg in enumerate(legs):
        books.movements += 1
        at["leg"] = number
        debit = books.accounts.get(leg["debit_account"])
        credit = books.accounts.get(leg["credit_account"])
        if not books.see(
            "movements",
            debit is not None
            and credit is not None
            and leg["leg"] == number
            and debit.asset_id == credit.asset_id == leg["asset_id"]
            and debit.entity_id == credit.entity_id
            and (not debit.is_customer or debit.home == shard.number),
            expected="two accounts of one asset and entity, the debited one at home",
            found=f"leg {leg['leg']}: {leg['debit_account']} and {leg['credit_account']}",
            **at,
        ):
            continue
        assert debit is not None
        assert credit is not None
        books.see(
            "booking_dates",
            row["booking_date"] == shard.days[debit.entity_id],
            expected=shard.days[debit.entity_id],
            found=row["booking_date"],
            **at,
        )
        if kind != "TransactionVoided":
            _walk_freezes(books, shard, leg, at)
        taken = shard.rows.setdefault(leg["debit_account"], [0, 0, 0, 0])
        given = shard.rows.setdefault(leg["credit_account"], [0, 0, 0, 0])
        amount: int = leg["amount"]
        if resolves:
            taken[2] -= amount + freed
            given[3] -= amount + freed
        if kind == "TransactionPending":
            taken[2] += amount
            given[3] += amount
        elif kind == "TransactionPosted":
            taken[0] += amount
            given[1] += amount
        for side, counters in (("debit", taken), ("credit", given)):
            balance = counters[1] - counters[0]
            books.see(
                "after_balances",
                balance == leg[f"{side}_balance_after"],
                expected=f"{side} {balance}",
                found=f"{side} {leg[f'{side}_balance_after']}",
                **at,
            )
        books.see(
            "limits",
            min(*taken, *given) >= 0 and max(taken[0] + taken[2], given[1] + given[3]) <= AMOUNT_MAX,
            expected=f"counters from 0 to {AMOUNT_MAX}",
            found=[taken, given],
            **at,
        )
        limit = _limit_of(shard, leg["debit_account"], debit)
        if not resolves and debit.is_customer and limit is not None:
            foreign = seen.get(str(leg["debit_account"]), 0)
            left = taken[1] - taken[0] - taken[2] + limit + foreign
            passed = passed or left < 0
            if not is_fact:
                books.see("limits", left >= 0, expected="at least 0 available", found=left, **at)
    if is_fact:
        marked = detail.get("limit_passed", False)
        at["leg"] = None
        books.see("limits", passed == marked, expected=f"limit passed: {passed}", found=marked, **at)


def _walk_freezes(books: _Books, shard: _Shard, leg: Mapping[str, Any], at: dict[str, Any]) -> None:
    for side in ("debit", "credit"):
        standing = shard.standing.get(leg[f"{side}_account"])
        if standing is not None:
            stopped = [each for each in standing.values() if each in (side, "both")]
            books.see("freezes", not stopped, expected="no freeze", found=f"{side} frozen", **at)


def _resolved(
    books: _Books, shard: _Shard, row: Mapping[str, Any], legs: list[Any], detail: Mapping[str, Any]
) -> tuple[bool, int]:
    """Say whether this event settles something pending, and what it gives back beside its movements.

    A decision ends what waits for one, an instruction (`resolves`) what does not.
    """
    kind: str = row["kind"]
    named: Mapping[str, int] | None = detail.get("resolves")
    about: int | None = row["about_seq"] if named is None else named["seq"]
    if kind == "TransactionPending" or (about is None and kind == "TransactionPosted"):
        return False, 0
    at: dict[str, Any] = {"shard": shard.number, "seq": row["seq"]}
    opened = shard.pending.get(about or 0)
    moved = [(leg["debit_account"], leg["credit_account"], leg["amount"]) for leg in legs]
    if opened is None or opened.resolved is not None or opened.waits != (named is None):
        books.see("pendings", False, expected="an end of what is pending", found=f"about {about}", **at)
        return opened is not None, 0
    rest = 0
    if named is None:
        same = opened.legs == moved and opened.instruction_id == row["instruction_id"]
    elif kind == "TransactionVoided":
        same = opened.legs == moved
    else:
        debit, credit, left = opened.legs[0]
        amount = moved[0][2]
        same = [(debit, credit, amount)] == moved and amount <= left
        rest = left - amount
        opened.settled += amount
        opened.legs = [(debit, credit, rest)]
    books.see("pendings", same, expected=opened.legs, found=moved, **at)
    freed: str | None = detail.get("freed")
    if rest and freed is None:
        return True, 0
    opened.resolved = row["seq"]
    expected = _decimal(rest, books.accounts[legs[0]["debit_account"]].scale) if rest else None
    books.see("pendings", freed == expected, expected=f"freed: {expected}", found=f"freed: {freed}", **at)
    return True, rest


async def _compare_keys(connection: Connection, books: _Books) -> None:
    """Each id has one first outcome in its shard, and each first outcome its id, with the content's hash."""
    async for row in connection.cursor(
        """
        SELECT coalesce(key.shard, first.shard) AS shard, coalesce(key.seq, first.seq) AS seq,
               key.instruction_id AS key_id, first.instruction_id, key.content_hash, first.content
        FROM transactions.instruction_key AS key
        FULL JOIN (
            SELECT shard, seq, instruction_id, content
            FROM transactions.journal
            WHERE about_seq IS NULL
              AND kind IN ('TransactionPosted', 'TransactionPending', 'TransactionVoided',
                           'InstructionApplied', 'InstructionRejected', 'BusinessDayOpened')
              AND (reason IS NULL OR reason NOT IN ('wrong_key', 'wrong_partition'))
        ) AS first ON first.shard = key.shard AND first.seq = key.seq
        """,
        prefetch=PREFETCH,
    ):
        at: dict[str, Any] = {"shard": row["shard"], "seq": row["seq"]}
        books.see(
            "first_outcomes",
            row["key_id"] is not None
            and row["key_id"] == row["instruction_id"]
            and row["shard"] in books.shards,
            expected=row["instruction_id"],
            found=row["key_id"],
            **at,
        )
        if row["content"] is not None and row["content_hash"] is not None:
            digest = blake2b(row["content"], digest_size=16).digest()
            books.see(
                "content",
                digest == row["content_hash"],
                expected=row["content_hash"].hex(),
                found=digest.hex(),
                **at,
            )


async def _compare_pendings(connection: Connection, books: _Books) -> None:
    derived = {
        (shard.number, seq): opened.row
        for shard in books.shards.values()
        for seq, opened in shard.pending.items()
    }
    for row in await connection.fetch(
        "SELECT shard, seq, screening, cleared_seq, settled_minor, resolved_seq FROM transactions.pending"
    ):
        number, seq, *said = row
        found = tuple(said)
        expected = derived.pop((number, seq), None)
        books.see("pendings", expected == found, expected=expected, found=found, shard=number, seq=seq)
    for (number, seq), expected in derived.items():
        books.see("pendings", False, expected=expected, found="no row", shard=number, seq=seq)


async def _compare_freezes(connection: Connection, books: _Books) -> None:
    derived = {key: value for shard in books.shards.values() for key, value in shard.freezes.items()}
    for row in await connection.fetch(
        "SELECT account_id, freeze_id, direction, seq, lifted_seq FROM transactions.account_freeze"
    ):
        expected = derived.pop((row["account_id"], row["freeze_id"]), None)
        found = (row["direction"], row["seq"], row["lifted_seq"])
        home = books.accounts[row["account_id"]].home
        books.see("freezes", expected == found, expected=expected, found=found, shard=home, seq=row["seq"])
    for (account_id, _), value in derived.items():
        home = books.accounts[account_id].home if account_id in books.accounts else None
        books.see("freezes", False, expected=value, found="no row", shard=home, seq=value[1])


async def _compare_limits(connection: Connection, books: _Books) -> None:
    derived = {
        (account_id, each.seq): each
        for shard in books.shards.values()
        for account_id, limits in shard.limits.items()
        for each in limits
    }
    for row in await connection.fetch(
        """
        SELECT account_id, seq, limit_minor, valid_from, valid_until, authority
        FROM transactions.account_limit
        """
    ):
        account_id, *said = row
        expected = derived.pop((account_id, row["seq"]), None)
        home = books.accounts[account_id].home
        books.see(
            "limits", expected == _Limit(*said), expected=expected, found=said, shard=home, seq=row["seq"]
        )
    for (account_id, seq), expected in derived.items():
        home = books.accounts[account_id].home
        books.see("limits", False, expected=expected, found="no row", shard=home, seq=seq)


async def _compare_balances(connection: Connection, books: _Books) -> None:
    """Every stored row is what the movements come to; rows of zeros may be there or not."""
    derived = {
        (shard.number, account_id): counters
        for shard in books.shards.values()
        for account_id, counters in shard.rows.items()
    }
    async for row in connection.cursor(
        """
        SELECT shard, account_id, debits_posted, credits_posted, debits_pending, credits_pending
        FROM transactions.balance
        ORDER BY shard, account_id
        """,
        prefetch=PREFETCH,
    ):
        expected = derived.pop((row["shard"], row["account_id"]), [0, 0, 0, 0])
        found = [
            row["debits_posted"],
            row["credits_posted"],
            row["debits_pending"],
            row["credits_pending"],
        ]
        code = books.accounts[row["account_id"]].code if row["account_id"] in books.accounts else "?"
        books.see(
            "balances",
            expected == found,
            expected=f"{code}: {expected}",
            found=f"{code}: {found}",
            shard=row["shard"],
        )
    for (number, account_id), counters in derived.items():
        code = books.accounts[account_id].code
        books.see(
            "balances",
            not any(counters),
            expected=f"{code}: {counters}",
            found=f"{code}: no row",
            shard=number,
        )


async def _compare_days(connection: Connection, books: _Books) -> None:
    derived = {key: seq for shard in books.shards.values() for key, seq in shard.days_opened.items()}
    for row in await connection.fetch(
        "SELECT shard, entity_id, booking_date, seq FROM transactions.business_day"
    ):
        expected = derived.pop((row["shard"], row["entity_id"], row["booking_date"]), None)
        found = row["seq"]
        books.see(
            "booking_dates", expected == found, expected=expected, found=found, shard=row["shard"], seq=found
        )
    for (number, _, day), seq in derived.items():
        books.see("booking_dates", False, expected=day, found="no row", shard=number, seq=seq)


def _compare_accounts(books: _Books) -> None:
    opened = {
        code: (shard.number, seq, limit)
        for shard in books.shards.values()
        for code, (seq, limit) in shard.opened.items()
    }
    for account in books.accounts.values():
        if account.is_customer:
            number, seq, limit = opened.pop(account.code, (None, None, None))
            expected = (number, seq, _minor(limit, account.scale))
            found = (account.home, account.opened_seq, account.limit)
            books.see(
                "accounts", expected == found, expected=expected, found=found, shard=found[0], seq=found[1]
            )
    for code, (number, seq, _) in opened.items():
        books.see("accounts", False, expected=code, found="no account", shard=number, seq=seq)


def _compare_foreign_credits(books: _Books) -> None:
    """No decision saw more credits from other shards than there have ever been."""
    for shard in books.shards.values():
        for account_id, seen in shard.seen.items():
            posted = sum(
                other.rows[account_id][1]
                for other in books.shards.values()
                if other.number != shard.number and account_id in other.rows
            )
            books.see(
                "foreign_credits",
                seen <= posted,
                expected=f"at most {posted}",
                found=seen,
                shard=shard.number,
            )


async def _compare_sides(connection: Connection, books: _Books) -> dict[str, dict[str, str]]:
    """In each asset, debits equal credits, posted and pending, over all stored balances."""
    assets: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(
        """
        SELECT asset.code, asset.scale, sum(debits_posted) AS debits, sum(credits_posted) AS credits,
               sum(debits_pending) AS debits_pending, sum(credits_pending) AS credits_pending
        FROM transactions.balance
        JOIN transactions.account USING (account_id)
        JOIN transactions.asset USING (asset_id)
        GROUP BY asset.asset_id
        HAVING sum(debits_posted) + sum(credits_posted) + sum(debits_pending) + sum(credits_pending) > 0
        ORDER BY asset.code
        """
    ):
        debited, credited = int(row["debits"]), int(row["credits"])
        books.see(
            "debits_equal_credits",
            debited == credited and row["debits_pending"] == row["credits_pending"],
            expected=f"{row['code']} {debited}",
            found=f"{row['code']} {credited}",
        )
        assets[row["code"]] = {
            "debits": _decimal(debited, row["scale"]),
            "credits": _decimal(credited, row["scale"]),
        }
    return assets


def _minor(text: str | None, scale: int) -> int | None:
    """Read what an instruction that was taken calls a limit; none is none at all."""
    if text is None:
        return None
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**scale + int(fraction.ljust(scale, "0") or "0")


def _decimal(minor: int, scale: int) -> str:
    if scale == 0:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**scale)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{scale}}"


# ── published = journalled ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """One of the ledger's events as it stands on the topic."""

    partition: int
    shard: int
    """From its headers: the shard and seq that numbered it, and the chain it hangs on."""
    seq: int
    prev: int
    body: bytes
    chain: bytes | None = None
    """The header of that name; not compared where it is absent."""


async def compare_published(
    connection: Connection,
    vector: Mapping[int, int],
    *,
    events: AsyncIterator[PublishedEvent],
    rebuild: Callable[[Connection, int, int, int], Awaitable[list[Outgoing]]],
) -> tuple[Check, Difference | None]:
    """Compare what stands on the topic with what the journal says should, byte for byte.

    `events` yields every event from the topic's start; one that was published twice may stand there
    twice. `rebuild` is the service's `events_after`. Events up to each shard's `published_seq` must be
    there; later ones may be.
    """
    check = Check("published")
    first: Difference | None = None
    found: dict[tuple[int, int, int], tuple[int, bytes, bytes | None]] = {}

    def see(holds: bool, shard: int, seq: int, expected: str, what: str) -> None:
        nonlocal first
        check.checked += 1
        if not holds:
            check.ok = False
            first = first or Difference("published", shard, seq, None, expected, what)

    async for event in events:
        place = (event.shard, event.seq, event.partition)
        spelt = (event.prev, blake2b(event.body, digest_size=16).digest(), event.chain)
        if event.seq > vector.get(event.shard, 0):
            continue
        if place in found:
            see(found[place] == spelt, event.shard, event.seq, "the same bytes twice", "other bytes")
        found[place] = spelt
    rows = await connection.fetch("SELECT shard, published_seq FROM transactions.shard ORDER BY shard")
    for row in rows:
        shard, seq = row["shard"], 0
        while batch := await rebuild(connection, shard, seq, PREFETCH):
            for event in batch:
                seq = event.seq
                if seq > vector.get(shard, 0):
                    break
                digest = blake2b(event.body, digest_size=16).digest()
                for partition, prev, _ in ((shard, event.prev, b""), *event.copies):
                    spelt = found.pop((shard, seq, partition), None)
                    if spelt is None:
                        see(seq > row["published_seq"], shard, seq, f"in partition {partition}", "missing")
                    else:
                        see(
                            spelt == (prev, digest, event.chain if spelt[2] else None),
                            shard,
                            seq,
                            digest.hex(),
                            spelt[1].hex(),
                        )
    for shard, seq, partition in found:
        see(False, shard, seq, "nothing", f"an event in partition {partition}")
    return check, first
