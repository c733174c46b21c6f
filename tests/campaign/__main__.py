"""`python -m tests.campaign --seed N [--short] [--planted]`: the fault campaign; exits 1 unless it holds."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.campaign import planted, runner


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="a handful of faults in a minute and a half")
    parser.add_argument("--planted", action="store_true", help="plant six bugs; each must be caught")
    parser.add_argument("--bug", action="append", help="with --planted: only this one")
    parser.add_argument("--rate", type=float, default=120.0, help="records a second")
    parser.add_argument("--data", type=Path, help="keep data and logs in this folder")
    options = parser.parse_args(arguments)
    if options.planted:
        caught = asyncio.run(planted.run(options.seed, only=options.bug, keep=options.data))
        print(planted.report(caught))
        planted.keep_result(options.seed, caught)
        return 0 if all(each.caught for each in caught) else 1
    outcome = asyncio.run(runner.run(options.seed, short=options.short, rate=options.rate, keep=options.data))
    print(runner.report(outcome))
    runner.keep_result(outcome)
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
