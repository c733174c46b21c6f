"""The same work done in other shapes: a row at a time, in a loop, as pgledger does it; what each gives."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from backoffice.stack.schema import OWNER
from bench.load import HOT_ACCOUNTS, HOT_SHARE
from bench.world import World

CLIENTS: Final = (1, 2, 4, 8, 16)
CLIENTS_QUICK: Final = (1, 4, 16)
FUNDS: Final = 10_000_000_000
REFERENCE: Final = "INV-2026-000123"
ASKED: Final = (
    '{"instruction_id":"%s","type":"transfer","owner":"B%07d","debit_account":"B%07d-EUR","credit_account":'
    '"B%07d-EUR","amount":"%d.%02d","asset":"EUR","occurred_at":"2026-03-01T09:30:00Z","business_reference":"%s"}'
)
"""The instruction that the ledger is sent, too."""


class Transfer(NamedTuple):
    """One transfer between two accounts, numbered from 1."""

    key: uuid.UUID
    debit: int
    credit: int
    cents: int

    @property
    def asked(self) -> str:
        """The instruction as an upstream would spell it."""
        whole, part = divmod(self.cents, 100)
        return ASKED % (self.key, self.debit, self.debit, self.credit, whole, part, REFERENCE)


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to write a ledger in PostgreSQL."""

    name: str
    file: str
    """The SQL that makes it, beside this module; none if an earlier shape has made it."""
    schema: str
    accounts: str
    """The statement that makes accounts 1 to $1, each with $2 on it."""
    call: str
    values: Callable[[Sequence[Transfer]], list[Any]]
    together: tuple[int, ...] = (1,)
    """How many transfers a call and a database transaction take."""
    hot: bool = True
    """Whether it is measured on ten hot accounts, too."""


SHAPES: Final = (
    Shape(
        "row at a time",
        "rows.sql",
        "bench_rows",
        "INSERT INTO bench_rows.account SELECT n, $2, 0 FROM generate_series(1, $1::int) AS n",
        "SELECT bench_rows.transfer($1, $2, $3, $4, $5, $6)",
        lambda few: [*few[0], REFERENCE, few[0].asked],
    ),
    Shape(
        "row at a time, bare",
        "bare.sql",
        "bench_bare",
        "INSERT INTO bench_bare.account SELECT n, $2, 0 FROM generate_series(1, $1::int) AS n",
        "SELECT bench_bare.transfer($1, $2, $3, $4, $5)",
        lambda few: [*few[0], REFERENCE],
    ),
    Shape(
        "in a loop",
        "",
        "bench_rows",
        "",
        "SELECT bench_rows.transfer_many($1, $2, $3, $4, $5, $6)",
        lambda few: [*(list(column) for column in zip(*few, strict=True)), REFERENCE, [e.asked for e in few]],
        together=(100, 500),
        hot=False,
    ),
    Shape(
        "pgledger's shape",
        "pgledger.sql",
        "bench_pgledger",
        "INSERT INTO bench_pgledger.account"
        " (id, name, currency, balance, allow_negative_balance, allow_positive_balance)"
        " SELECT 'pgla_' || lpad(n::text, 26, '0'), 'account ' || n, 'EUR', $2::bigint, false, true"
        " FROM generate_series(1, $1::int) AS n",
        "SELECT bench_pgledger.create_transfers($1, $2, $3, $4)",
        lambda few: [
            [f"pgla_{each.debit:026}" for each in few],
            [f"pgla_{each.credit:026}" for each in few],
            [each.cents for each in few],
            f'{{"note":"{REFERENCE}"}}',
        ],
        together=(1, 100),
        hot=False,
    ),
)


async def rates_of(world: World, shape: Shape, *, quick: bool, accounts: int) -> dict[str, dict[str, float]]:
    """Return transfers a second by what was done (spread, transfers a call) and by clients.

    Several clients that take many transfers at once keep each to accounts of its own, as sharding would
    have it: else they deadlock.
    """
    if shape.file:
        await world.owner.execute(Path(__file__).with_name(shape.file).read_text(encoding="utf-8"))
        await world.owner.execute(shape.accounts, accounts, FUNDS)
        # The accounts alone: a table known to be empty is read whole for each foreign key when it has grown.
        await world.owner.execute(f"ANALYZE {shape.schema}.account")
    dsn = world.stack.dsn(OWNER)
    every = CLIENTS_QUICK if quick else CLIENTS
    connections = [await asyncpg.connect(dsn) for _ in range(max(every))]
    found: dict[str, dict[str, float]] = {}
    try:
        for together in shape.together:
            spreads = ("uniform",) if quick or not shape.hot else ("uniform", "ten hot accounts")
            for spread in spreads:
                name = f"{shape.name}, {spread}" if together == 1 else f"{shape.name} of {together}"
                found[name] = {}
                await world.settle()
                for clients in every if together == 1 else (1, 2):
                    hot = spread != "uniform"
                    rate = await _call(
                        connections[:clients],
                        shape,
                        together,
                        accounts,
                        hot=hot,
                        seconds=1.5 if quick else 5.0,
                    )
                    found[name][str(clients)] = round(rate, 1)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    return found


async def _call(
    connections: Sequence[Any], shape: Shape, together: int, accounts: int, *, hot: bool, seconds: float
) -> float:
    begun = time.perf_counter()
    until = begun + seconds
    share = accounts if together == 1 else accounts // len(connections)

    async def client(connection: Any, number: int) -> int:
        """Call until the time is up."""
        rng = random.Random(number)
        first = 1 if together == 1 else 1 + number * share
        call = await connection.prepare(shape.call)
        done = 0
        while time.perf_counter() < until:
            few = [_transfer(rng, first, share, hot=hot) for _ in range(together)]
            await call.fetchval(*shape.values(few))
            done += together
        return done

    done = await asyncio.gather(*(client(each, number) for number, each in enumerate(connections)))
    return sum(done) / (time.perf_counter() - begun)


def _transfer(rng: random.Random, first: int, accounts: int, *, hot: bool) -> Transfer:
    among = HOT_ACCOUNTS if hot and rng.random() < HOT_SHARE else accounts
    debit = int(rng.random() * among)
    credit = (debit + 1 + int(rng.random() * (among - 1))) % among
    key = uuid.UUID(int=int(time.time() * 1000) << 80 | 0x7 << 76 | rng.getrandbits(70))
    return Transfer(key, first + debit, first + credit, 100 + int(rng.random() * 9900))
