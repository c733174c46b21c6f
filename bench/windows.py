"""How fast and how large the windows of compliance are: entries a second and core with all their rules.

    python -m bench.windows [--accounts 100000] [--entries 1000000] [--seed 1] [--quick] [--record]

All pure: no stack. Entries are made beforehand; time is processor time of this one process. The baseline, in
the same run on the same entries: the form one writes first, which keeps each owner's entries of a month in a
list and goes through it for every sum and count that a rule asks for.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Sequence
from datetime import date
from random import Random

from rich.console import Console

from bench import machine
from bench.results import Bound, Findings, append, show
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.windows.entry import DAY, HOUR, Entry
from services.compliance.domain.windows.judging import WindowJudge
from services.compliance.domain.windows.shard import ShardWindows, spell_entries
from services.compliance.domain.windows.window import Window
from services.compliance.rules import WINDOW_RULES
from shared.runtime import clock
from shared.runtime.service import settle_memory

QUESTION = (
    "How many entries a second does one core take into windows, with all rules about them judging each?"
)

RATE = Bound("entries a second and core", floor=50_000, goal=150_000, unit="entries/s")
MEMORY = Bound("memory of a million windows", floor=3.0, goal=2.0, unit="GB", upwards=False)
READ = Bound("100,000 stored windows read", floor=10.0, goal=3.0, unit="s", upwards=False)

RECOVERY = Bound(
    "a tail of 100,000 entries read, all windows built", floor=10.0, goal=3.0, unit="s", upwards=False
)

TAIL = 100_000
"""Entries after the checkpoint, when a shard is claimed: several times what the service lets come."""
BATCH = 2_000
DAYS = 30
SPANS = (HOUR, DAY, 3 * DAY, 5 * DAY, 7 * DAY, 9 * DAY, 30 * DAY)
LATE = 3 * DAY
NAIVE_SHARE = 20
"""Of the entries, for the comparison with plain loops."""
BUSY = 1000
"""They are of so many times fewer owners, as busy as a company is: in short lists loops cost nothing."""


def main() -> int:
    """Measure, print a table, and append a line to the record if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.windows", description=QUESTION)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a tenth of both")
    parser.add_argument("--record", action="store_true", help="append a line to results/windows.jsonl")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    facts, at, started = machine.facts(), clock.now(), time.monotonic()
    findings = measure(options.accounts // share, options.entries // share, options.seed)
    facts["load_after"] = [round(each, 2) for each in os.getloadavg()]
    if options.record:
        append("windows", findings, at=at, commit=machine.commit(), machine=facts, quick=options.quick)
    console = Console(width=None if sys.stdout.isatty() else 130)
    show(console, "windows", QUESTION, findings, time.monotonic() - started)
    return 0


def made(accounts: int, count: int, seed: int) -> list[Entry]:
    """Make a month of entries: some owners do much, most pay the same few, amounts are log-normal."""
    rng = Random(f"windows {seed}")
    first = date(2026, 3, 2)
    start = (first - date(1970, 1, 1)).days * DAY
    others = [rng.getrandbits(62) << 1 for _ in range(accounts)]
    found: list[Entry] = []
    for number in range(count):
        account = int(accounts * rng.random() ** 1.5)
        usual = rng.random() < 0.8
        other = others[(account * 7 + rng.randrange(6)) % accounts] if usual else rng.choice(others)
        amount = int(rng.lognormvariate(8.5, 1.3)) + 1
        since = number * DAYS * DAY // count
        found.append(
            Entry(
                owner=f"C{account:07}",
                asset="EUR",
                account=f"C{account:07}-EUR",
                scale=2,
                amount=amount if rng.random() < 0.5 else -amount,
                at=start + since,
                day=first.toordinal() + since // DAY,
                shard=0,
                seq=number + 1,
                other=other if rng.random() < 0.8 else 0,
                country="DE" if rng.random() < 0.3 else "",
            )
        )
    return found


def late(entries: Sequence[Entry], seed: int) -> list[Entry]:
    """Let one in ten arrive up to `LATE` after its time, as what another shard has not told yet."""
    rng = Random(f"late {seed}")
    arrivals = [(each.at + (rng.random() < 0.1) * rng.randrange(LATE), each.seq, each) for each in entries]
    return [each for *_, each in sorted(arrivals, key=lambda arrival: arrival[:2])]


def measure(accounts: int, count: int, seed: int) -> Findings:
    """Take entries, store and read the windows, and let the naive form have a part of the entries."""
    entries = made(accounts, count, seed)
    settle_memory()
    judge = WindowJudge(WINDOW_RULES, ParameterBook(RULE_PARAMETERS))
    windows: dict[tuple[str, str], Window] = {}
    before, begun, alerts = _resident(), time.process_time(), set[tuple[str, str, int]]()
    for entry in entries:
        key = (entry.owner, entry.asset)
        window = windows.get(key)
        if window is None:
            window = windows[key] = Window()
        for finding in judge.take(window, entry):
            alerts.add((finding.rule, entry.owner, entry.day))
    spent = time.process_time() - begun
    grown = _resident() - before
    begun = time.process_time()
    stored = [window.to_bytes() for window in windows.values()]
    writing = time.process_time() - begun
    begun = time.process_time()
    for each in stored:
        Window.from_bytes(each)
    reading = time.process_time() - begun
    tail = entries[: min(TAIL, count)]
    batches = [
        (number, spell_entries(tail[place : place + BATCH]))
        for number, place in enumerate(range(0, len(tail), BATCH), start=1)
    ]
    begun = time.process_time()
    shard = ShardWindows.of(0, batches)
    for key in list(shard.tail):
        shard.build(key, None)
    recovering = time.process_time() - begun
    packed = sum(len(each) for _, each in batches) / len(tail)
    busy = made(accounts // BUSY, count // NAIVE_SHARE, seed)
    naive = naive_seconds(busy)
    again = _seconds_of(WindowJudge(WINDOW_RULES, ParameterBook(RULE_PARAMETERS)), busy)
    few = made(accounts // NAIVE_SHARE, count // NAIVE_SHARE, seed)
    delayed, delayed_busy = (
        _seconds_of(WindowJudge(WINDOW_RULES, ParameterBook(RULE_PARAMETERS)), late(each, seed))
        for each in (few, busy)
    )
    rate, size = count / spent, grown / len(windows)
    findings = Findings(columns=("what", "entries", "entries/s", "µs an entry"))
    for name, number, seconds in (
        ("windows, all rules", count, spent),
        ("windows, all rules, busy owners", count // NAIVE_SHARE, again),
        ("windows, all rules, one in ten late", count // NAIVE_SHARE, delayed),
        ("windows, all rules, busy owners, one in ten late", count // NAIVE_SHARE, delayed_busy),
        ("plain loops, sums and counts alone, busy owners", count // NAIVE_SHARE, naive),
    ):
        findings.rows.append(
            (name, f"{number:,}", f"{number / seconds:,.0f}", f"{seconds / number * 1e6:.1f}")
        )
    per_100k = 100_000 / len(windows)
    findings.judged = [
        (RATE, rate),
        (MEMORY, size * 1e6 / 1e9),
        (READ, reading * per_100k),
        (RECOVERY, recovering * TAIL / len(tail)),
    ]
    findings.ratios = {"windows with all rules, against plain loops for the sums alone": naive / again}
    findings.figures = {
        "accounts": accounts,
        "windows": len(windows),
        "entries": count,
        "seed": seed,
        "entries_per_s": round(rate),
        "late_entries_per_s": round(count / NAIVE_SHARE / delayed),
        "late_busy_entries_per_s": round(count / NAIVE_SHARE / delayed_busy),
        "naive_entries_per_s": round(count / NAIVE_SHARE / naive),
        "bytes_a_window": round(size),
        "stored_bytes_a_window": round(sum(map(len, stored)) / len(stored)),
        "written_s_100k": round(writing * per_100k, 2),
        "read_s_100k": round(reading * per_100k, 2),
        "tail_s_100k": round(recovering * TAIL / len(tail), 2),
        "stored_bytes_an_entry": round(packed),
        "alerts": len(alerts),
    }
    stored_size = findings.figures["stored_bytes_a_window"]
    findings.notes = [
        f"{len(windows):,} windows of {size:,.0f} B, {stored_size:,} B stored",
        f"100,000 windows are written in {writing * per_100k:.1f} s, and read in {reading * per_100k:.1f} s",
        f"{len(WINDOW_RULES)} rules; {len(alerts):,} alerts (rule, owner, day); drawn with seed {seed}",
        "plain loops keep a list of each owner's month and find no counterparties, fans or outliers in it",
    ]
    return findings


def _seconds_of(judge: WindowJudge, entries: Sequence[Entry]) -> float:
    windows: dict[tuple[str, str], Window] = {}
    begun = time.process_time()
    for entry in entries:
        key = (entry.owner, entry.asset)
        window = windows.get(key)
        if window is None:
            window = windows[key] = Window()
        judge.take(window, entry)
    return time.process_time() - begun


def naive_seconds(entries: Sequence[Entry]) -> float:
    """Keep lists, and go through them for every span: what is asked of windows, one by one."""
    kept: dict[tuple[str, str], list[Entry]] = {}
    begun = time.process_time()
    for entry in entries:
        mine = kept.setdefault((entry.owner, entry.asset), [])
        mine.append(entry)
        kept[entry.owner, entry.asset] = mine = [each for each in mine if each.at > entry.at - DAYS * DAY]
        for span in SPANS:
            inside = [each for each in mine if each.at > entry.at - span]
            sum(each.amount for each in inside if each.amount > 0)
            sum(1 for each in inside if each.amount > 0)
            sum(-each.amount for each in inside if each.amount < 0)
            sum(1 for each in inside if each.amount < 0)
            len({each.other for each in inside if each.amount > 0})
            len({each.other for each in inside if each.amount < 0})
    return time.process_time() - begun


def _resident() -> int:
    """Bytes this process has had at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
