"""What a new version of a list means for the customers on record: who is found, and how long it takes.

    python -m bench.rescreen --before FOLDER --after FOLDER [--customers 100000] [--seed 1]

The files of each folder are one version of a list, as `compliance lists load` takes them. Customers are
made by seed: people with ordinary names, birth dates and countries, and a few who bear the name of an entry
that is new in the later version, new but with a slip in it, in both versions alike, or gone. They are
screened again as the service does it, against what has changed; then, to compare, against the whole list.
All pure: no stack.
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from rich.console import Console

from bench import machine
from bench.damaged_names import doubled, dropped, swapped
from bench.ordinary_names import ordinary_people
from bench.results import Bound, Findings, append, show
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.ledger_events import Bearer
from services.compliance.domain.lists import read_list
from services.compliance.domain.lists.difference import difference
from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.names.evidence import Known
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import NOBODY
from services.compliance.handlers.screening import find_names, name_hits
from shared.runtime import clock

QUESTION = "When a list changes, which customers on record are found, and how long does it take?"
FOUND = Bound("customers found who bear the name of a new entry", floor=99.0, goal=99.7, unit="%")
ALERTS = Bound("ordinary customers who alert", floor=0.2, goal=0.2, unit="%", upwards=False)

DAY: Final = date(2026, 3, 2)
PLANTED: Final = 100
"""Customers of each kind that is not ordinary."""
COUNTRIES: Final = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SE", "TR", "AE", "IN", "CN", "JP", "BR")
ORDINARY: Final = "ordinary name"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody on record."""

    what: str
    """Ordinary, or how the name came about."""
    name: str
    known: Known


def main() -> int:
    """Measure, print a table, and append a line to the record if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.rescreen", description=QUESTION)
    parser.add_argument(
        "--before", type=Path, required=True, help="a folder with the files of the old version"
    )
    parser.add_argument("--after", type=Path, required=True, help="a folder with those of the new one")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="append a line to results/rescreen.jsonl")
    options = parser.parse_args()
    facts, at, started = machine.facts(), clock.now(), time.monotonic()
    before, after = entries_in(options.before), entries_in(options.after)
    findings = measure(before, after, customers=options.customers, seed=options.seed)
    facts["load_after"] = [round(each, 2) for each in os.getloadavg()]
    if options.record:
        append("rescreen", findings, at=at, commit=machine.commit(), machine=facts, quick=False)
    console = Console(width=None if sys.stdout.isatty() else 130)
    show(console, "rescreen", QUESTION, findings, time.monotonic() - started)
    return 0


def entries_in(folder: Path) -> tuple[ListedParty, ...]:
    """Read the files of a folder as one version of a list."""
    return read_list([(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]).entries


def measure(
    before: Sequence[ListedParty], after: Sequence[ListedParty], *, customers: int, seed: int
) -> Findings:
    """Screen customers again against what has changed, and against everything."""
    started = time.process_time()
    changed = difference(before, after)
    compared = time.process_time() - started
    new = frozenset(each.entry_id for each in changed.to_screen_against)
    index = NamesIndex("LIST", "new", after)
    built = time.process_time() - started - compared
    people = list(customers_of(before, after, customers, seed))
    gc.collect()
    gc.freeze()
    levels, took = screened(people, index, new)
    whole, whole_took = screened(people, NamesIndex("LIST", "new", after), None)
    findings = Findings(columns=("customers", "on record", "held", "alerted", "against the whole list"))
    for what in dict.fromkeys(each.what for each in people):
        findings.rows.append(
            (
                what,
                *(
                    f"{count:,}"
                    for count in (
                        sum(each.what == what for each in people),
                        levels[what, "hold"],
                        levels[what, "alert"],
                        whole[what, "hold"] + whole[what, "alert"],
                    )
                ),
            )
        )
    planted = [each.what for each in people if each.what in ("name of a new entry", "the same with a slip")]
    found = sum(levels[what, level] for what in set(planted) for level in ("hold", "alert"))
    ordinary = sum(each.what == ORDINARY for each in people)
    alerts = levels[ORDINARY, "hold"] + levels[ORDINARY, "alert"]
    findings.judged = [
        (FOUND, 100 * found / max(1, len(planted))),
        (ALERTS, 100 * alerts / max(1, ordinary)),
    ]
    findings.figures = {
        "entries": [len(before), len(after)],
        "added": len(changed.added),
        "removed": len(changed.removed),
        "changed": len(changed.changed),
        "to_screen_against": len(new),
        "customers": len(people),
        "seed": seed,
        "compared_s": round(compared, 3),
        "index_built_s": round(built, 2),
        "screened_s": round(took, 2),
        "customers_per_s": round(len(people) / took),
        "found": {f"{what}: {level}": count for (what, level), count in sorted(levels.items())},
        "found_against_all": {f"{what}: {level}": count for (what, level), count in sorted(whole.items())},
        "screened_against_all_s": round(whole_took, 2),
    }
    changes = (
        f"{len(changed.added):,} added, {len(changed.removed):,} removed, {len(changed.changed):,} changed"
    )
    speed = f"{len(people):,} customers in {took:.1f} s of one core, {len(people) / took:,.0f} a second"
    findings.notes = [
        f"{len(before):,} entries, then {len(after):,}: {changes}; {len(new):,} to screen against",
        f"{speed}; index built in {built:.2f} s, versions compared in {compared:.2f} s",
        f"customers, slips and who is planted are drawn with seed {seed}; levels are the default ones",
    ]
    return findings


def screened(
    people: Sequence[Customer], index: NamesIndex, only: Collection[str] | None
) -> tuple[Counter[tuple[str, str]], float]:
    """Screen people as the service does again; count them by what they are and what follows.

    Also returns the processor seconds. `only` are the entries that count, None for all.
    """
    book = ParameterBook(RULE_PARAMETERS)
    found: Counter[tuple[str, str]] = Counter()
    started = time.process_time()
    for each in people:
        matches = find_names([Bearer("party", each.name, each.known)], [index])
        if only is not None:
            matches = tuple(match for match in matches if match.entry_id in only)
        hits = name_hits(matches, "C1", DAY, book, NOBODY)
        if hits:
            found[each.what, "hold" if any(hit.holds for hit in hits) else "alert"] += 1
    return found, time.process_time() - started


def customers_of(
    before: Sequence[ListedParty], after: Sequence[ListedParty], count: int, seed: int
) -> Iterator[Customer]:
    """Make customers: ordinary people, and those who bear the names of entries."""
    rng = Random(f"customers {seed}")
    for name in islice(ordinary_people(seed), count - 4 * PLANTED):
        yield Customer(ORDINARY, name, _known(rng))
    old, new = ({each.entry_id: each for each in some if each.kind == "person"} for some in (before, after))
    same = [each for entry_id, each in new.items() if old.get(entry_id) == each]
    kinds = (
        ("name of a new entry", [each for entry_id, each in new.items() if entry_id not in old], False),
        ("the same with a slip", [each for entry_id, each in new.items() if entry_id not in old], True),
        ("name of an entry that is the same", same, False),
        ("name of an entry that is gone", [each for key, each in old.items() if key not in new], False),
    )
    for what, entries, slips in kinds:
        for entry in rng.sample(entries, min(PLANTED, len(entries))):
            name = rng.choice(entry.names)
            if slips:
                name = rng.choice((dropped, doubled, swapped))(name, rng) or name
            yield Customer(what, name, Known("person"))


def _known(rng: Random) -> Known:
    born = datetime(1940, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(65 * 365))
    return Known("person", born.date().isoformat(), (rng.choice(COUNTRIES),))


if __name__ == "__main__":
    sys.exit(main())
