"""How fast and how well names are screened: names a second and core, p99 of one, recall and false alerts.

    python -m bench.names [--lists FOLDER] [--ordinary 100000] [--damaged 4000] [--seed 1] [--quick]

With `--lists` the files of each subfolder and each other file are the lists, the last version of each;
without, a list is made up. All pure: no stack. Every name is screened against all lists, one after the other,
by processor time. The baseline, in the same run: the same comparison of each name with every listed name, on
a sample, without candidates.
"""

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random

from rich.console import Console

from bench import machine
from bench.damaged_names import DAMAGES, HARDER, WORDS_BESIDE, Damage
from bench.ordinary_names import ordinary_names, ordinary_people, people
from bench.results import Bound, Findings, append, percentile, show
from services.compliance.domain.lists import ListRefused, read_list
from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.matches import ALERT_AT, HOLD_AT
from services.compliance.domain.names.likeness import Name, align
from services.compliance.domain.watchlist import NamesIndex
from shared.runtime import clock

QUESTION = (
    "How many fresh names a second does one core screen, how many damaged names are found, how many alert?"
)

RATE = Bound("fresh names a second and core", floor=10_000, goal=20_000, unit="names/s")
P99 = Bound("p99 of one name", floor=2.0, goal=0.5, unit="ms", upwards=False)
RECALL = Bound("damaged names found", floor=99.0, goal=99.7, unit="%")
FALSE = Bound("ordinary names that alert", floor=0.2, goal=0.2, unit="%", upwards=False)

MADE_UP = 12_000
"""Entries of a list that is made up, with two names each."""
NAIVE = 40
"""Names that are compared with every listed name."""
WARM = ("Иван Иванов", "Γιώργος", "محمد", "习近平", "김", "やまだ", "משה", "Ąćę")
"""One of each script, since tables of letters are read when they are first needed."""


def main() -> int:
    """Measure, print a table, and append a line to the record if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.names", description=QUESTION)
    parser.add_argument("--lists", type=Path, help="a folder of real list files")
    parser.add_argument("--ordinary", type=int, default=100_000)
    parser.add_argument("--damaged", type=int, default=4_000, help="of each kind of damage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a tenth of the names")
    parser.add_argument("--record", action="store_true", help="append a line to results/names.jsonl")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    facts, at, started = machine.facts(), clock.now(), time.monotonic()
    lists = real_lists(options.lists) if options.lists else {"a list made up": made_up(options.seed)}
    findings = measure(
        lists,
        ordinary=options.ordinary // share,
        damaged=options.damaged // share,
        seed=options.seed,
    )
    facts["load_after"] = [round(each, 2) for each in os.getloadavg()]
    if options.record:
        append("names", findings, at=at, commit=machine.commit(), machine=facts, quick=options.quick)
    show(
        Console(width=None if sys.stdout.isatty() else 130),
        "names",
        QUESTION,
        findings,
        time.monotonic() - started,
    )
    return 0


def real_lists(folder: Path) -> dict[str, list[ListedParty]]:
    """Read all lists in a folder; of several versions of one list the last, by the folder's name, stands."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    groups = [
        *of_one_list(files),
        *(sorted(each.iterdir()) for each in sorted(folder.iterdir()) if each.is_dir()),
    ]
    found: dict[str, list[ListedParty]] = {}
    for paths in groups:
        try:
            read = read_list([(path.name, path.read_bytes()) for path in paths])
        except ListRefused as refused:
            print(f"left out: {refused}", file=sys.stderr)
            continue
        kind = "" if paths[0].parent != folder or len(paths) == 1 else f", {paths[0].name.split('_')[0]}"
        found[f"{read.form}{kind}"] = list(read.entries)
    return found


def of_one_list(files: Sequence[Path]) -> list[list[Path]]:
    """Put CSV files together whose names begin alike up to an underscore (`cons_prim.csv`)."""
    together: dict[str, list[Path]] = {}
    for path in files:
        key = path.name.split("_")[0] if path.suffix == ".csv" else path.name
        together.setdefault(key, []).append(path)
    return list(together.values())


def made_up(seed: int) -> list[ListedParty]:
    """Make up a list: people with names of many cultures, bent until they are nobody's, and companies."""
    rng = Random(f"made-up list {seed}")
    cultures = list(people().values())

    def bent(word: str) -> str:
        middle = rng.choice(("ov", "sk", "tan", "mir", "bek", "oul", "gar", "dzh", "che", "lin"))
        cut = rng.randint(1, max(1, len(word) - 2))
        return word[:cut] + middle + word[cut + rng.randint(0, 1) :]

    parties: list[ListedParty] = []
    for number in range(MADE_UP):
        given, family = rng.choice(cultures)
        if number % 3:
            first = [rng.choice(given) for _ in range(rng.choice((1, 2, 2, 3)))]
            last = bent(rng.choice(family)).upper()
            names = (f"{last}, {' '.join(first)}", f"{last}, {bent(first[0])}")
            parties.append(ListedParty(str(number), "person", names))
        else:
            words = f"{bent(rng.choice(family))} {bent(rng.choice(family))}"
            trade = rng.choice(("Trading", "Shipping", "Holding", "Bank", "Oil"))
            form = rng.choice(("LLC", "Ltd", "GmbH", "S.A.", "Company"))
            parties.append(
                ListedParty(str(number), "organisation", (f"{words} {trade} {form}", f"{words} {form}"))
            )
    return parties


def measure(
    lists: Mapping[str, Sequence[ListedParty]], *, ordinary: int, damaged: int, seed: int
) -> Findings:
    """Build an index of each list and measure everything on them, by processor time of this one process."""
    gc.collect()
    before = time.process_time()
    indexes = [NamesIndex(code, "1", parties) for code, parties in lists.items()]
    built = time.process_time() - before
    gc.collect()
    gc.freeze()
    for index in indexes:
        for name in WARM:
            index.search(name)
    findings = Findings(columns=("what", "names", "names/s", "µs p50", "µs p99", "alert %", "hold %"))
    fresh = ordinary_names(ordinary, seed)
    times, fresh_scores = searched(indexes, fresh)
    row(findings, "ordinary names, each new", times, fresh_scores)
    again = timed(lambda: [index.search(name) for name in fresh[-1_000:] for index in indexes]) / 1_000
    population = list(islice(ordinary_people(seed + 1), ordinary))
    people_times, people_scores = searched(indexes, population)
    row(findings, "ordinary people, names repeat", people_times, people_scores)
    strange_times, strange_scores = searched(indexes, strange_names(ordinary // 10, seed))
    row(findings, "words nobody has, each new", strange_times, strange_scores)
    recalled: list[float] = []
    slowest: list[float] = []
    recall_by_damage: dict[str, float] = {}
    held_beside: dict[str, float] = {}
    for damage, change in {**DAMAGES, **WORDS_BESIDE, **HARDER}.items():
        made = damaged_names(lists, damage, change, damaged, seed)
        damaged_times, scores = searched(indexes, [name for _, _, name in made], [each[:2] for each in made])
        row(findings, f"listed names, {damage}", damaged_times, scores)
        recall_by_damage[damage] = round(100 * share_of(scores, ALERT_AT), 2)
        if damage in WORDS_BESIDE:
            held_beside[damage] = round(100 * share_of(scores, HOLD_AT), 2)
        if damage in DAMAGES:
            recalled += scores
            slowest += damaged_times
    rate, p99 = len(times) / sum(times), percentile(sorted(times), 0.99) * 1e3
    recall, alerts = 100 * share_of(recalled, ALERT_AT), 100 * share_of(fresh_scores, ALERT_AT)
    listed = 100 * sum(is_namesake(indexes, name) for name in fresh) / len(fresh)
    naive = naive_seconds(indexes, fresh[:NAIVE])
    findings.judged = [(RATE, rate), (P99, p99), (RECALL, recall), (FALSE, alerts)]
    findings.ratios = {
        "candidates first, against comparing with every name": naive * rate,
        "a name seen before, against a fresh one": 1 / rate / again,
    }
    findings.figures = {
        "lists": {code: len(parties) for code, parties in lists.items()},
        "names": sum(index.names for index in indexes),
        "seed": seed,
        "indexes_built_s": round(built, 2),
        "fresh_names_per_s": round(rate),
        "p99_ms": round(p99, 3),
        "p99_ms_damaged": round(percentile(sorted(slowest), 0.99) * 1e3, 3),
        "strange_names_per_s": round(len(strange_times) / sum(strange_times)),
        "seen_before_us": round(again * 1e6, 2),
        "naive_names_per_s": round(1 / naive, 2),
        "recall_percent": round(recall, 2),
        "recall_percent_by_damage": recall_by_damage,
        "held_percent_with_words_beside": held_beside,
        "alerts_percent": round(alerts, 3),
        "holds_percent": round(100 * share_of(fresh_scores, HOLD_AT), 3),
        "namesakes_percent": round(listed, 3),
        "alerts_percent_where_names_repeat": round(100 * share_of(people_scores, ALERT_AT), 3),
    }
    told = ", ".join(f"{code} {len(parties):,}" for code, parties in lists.items())
    findings.notes = [
        f"{told} entries; {findings.figures['names']:,} distinct names; built in {built:.2f} s",
        f"{listed:.3f} % of the ordinary names are themselves listed (same parts or sounds) and must alert",
        "recall counts dropped, doubled, swapped, reordered, transliterated (Cyrillic); others do not",
        f"names and damages are drawn with seed {seed}; default thresholds, {ALERT_AT} and {HOLD_AT}",
    ]
    return findings


def searched(
    indexes: Sequence[NamesIndex], names: Iterable[str], entries: Sequence[tuple[str, str]] | None = None
) -> tuple[list[float], list[float]]:
    """Search each name, new to all indexes at the start, in each of them.

    Returns the processor seconds of each name, and its best score (of the list and entry meant).
    """
    for index in indexes:
        index._seen.clear()
        index._words.clear()
    times: list[float] = []
    scores: list[float] = []
    for number, name in enumerate(names):
        before = time.thread_time()
        found = [(index.code, index.search(name)) for index in indexes]
        times.append(time.thread_time() - before)
        scores.append(
            max(
                (
                    match.likeness.score
                    for code, search in found
                    for match in search.matches
                    if match.likeness is not None
                    and not match.is_weak
                    and (entries is None or (code, match.entry_id) == entries[number])
                ),
                default=0.0,
            )
        )
    return times, scores


def damaged_names(
    lists: Mapping[str, Sequence[ListedParty]], damage: str, change: Damage, count: int, seed: int
) -> list[tuple[str, str, str]]:
    """Damage names drawn from all lists; return list, entry and name. Weak aliases are not screened by."""
    named = [
        (code, each.entry_id, name)
        for code, parties in lists.items()
        for each in parties
        for name in each.names
    ]
    rng = Random(f"damaged names {damage} {seed}")
    return [
        (code, entry, changed)
        for code, entry, name in rng.sample(named, min(count, len(named)))
        if (changed := change(name, rng)) is not None
    ]


def strange_names(count: int, seed: int) -> list[str]:
    """Make names of words that nobody has, so that no part was ever seen before."""
    rng = Random(f"strange names {seed}")
    syllables = [first + vowel for first in "bdfghjklmnprstvz" for vowel in "aeiou"]

    def word() -> str:
        return "".join(rng.choices(syllables, k=rng.randint(2, 4))).capitalize()

    return list(dict.fromkeys(f"{word()} {word()}" for _ in range(count)))


def is_namesake(indexes: Sequence[NamesIndex], name: str) -> bool:
    """Whether a listed name has the same parts as this one, or parts that sound the same."""
    return any(
        match.likeness is not None
        and not match.likeness.left
        and not match.likeness.listed_left
        and all(part.how in ("equal", "sound", "variant") for part in match.likeness.parts)
        for index in indexes
        for match in index.search(name).matches
    )


def naive_seconds(indexes: Sequence[NamesIndex], names: Sequence[str]) -> float:
    """Compare names with every listed name in turn; return the seconds for one."""
    listed = [each.name for index in indexes for each in index._listed]

    def compare() -> None:
        for name in names:
            parts = name.casefold().split()
            one = Name(tuple(parts), tuple(1.0 for _ in parts))
            for other in listed:
                align(one, other)

    return timed(compare) / len(names)


def timed(call: Callable[[], object]) -> float:
    """Run something and return the processor seconds it took."""
    before = time.process_time()
    call()
    return time.process_time() - before


def share_of(scores: Sequence[float], at_least: float) -> float:
    """The share of scores that reach a threshold."""
    return sum(score >= at_least for score in scores) / max(1, len(scores))


def row(findings: Findings, what: str, times: Sequence[float], scores: Sequence[float]) -> None:
    """Add a row to the table."""
    ordered = sorted(times)
    findings.rows.append(
        (
            what,
            f"{len(times):,}",
            f"{len(times) / sum(times):,.0f}",
            f"{percentile(ordered, 0.5) * 1e6:.0f}",
            f"{percentile(ordered, 0.99) * 1e6:.0f}",
            f"{100 * share_of(scores, ALERT_AT):.3f}",
            f"{100 * share_of(scores, HOLD_AT):.3f}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
