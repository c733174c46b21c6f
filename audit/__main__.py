"""`python -m audit`: audits a running or a resting stack and prints a table; exits 1 on any failure."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from audit.checks import examine
from audit.checks.dump import dump_of_tables, hash_of
from audit.examination import Examination
from audit.gathering import gather
from audit.result import Result, failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Gather, examine, print."""
    options = _parser().parse_args(arguments)
    evidence = asyncio.run(gather(options.dsn, options.bootstrap, options.commands, options.master_key))
    evidence.expected_hash = options.expect_hash
    examination = Examination(evidence)
    results = examine(examination)
    if options.json:
        for result in results:
            print(json.dumps(asdict(result)))
    else:
        print(table(results))
        print(f"canonical dump: {hash_of(dump_of_tables(examination))}")
    return 1 if failed(results) else 0


def table(results: Sequence[Result]) -> str:
    """Spell the results for people, one line a check, differences below."""
    lines = [f"{'':>3} {'check':<52} {'looked at':>10}  differences"]
    for result in results:
        mark = "ok" if result.ok else f"{result.differences}"
        lines.append(f"{result.number:>3} {result.name:<52} {result.counted:>10}  {mark}")
        lines += [f"      {example}" for example in result.examples[:5]]
        if not result.ok and not result.examples and result.first_difference:
            lines.append(f"      {result.first_difference}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument("--dsn", required=True, help="a read-only PostgreSQL address that sees all schemas")
    parser.add_argument("--bootstrap", required=True, help="Kafka's address")
    parser.add_argument("--commands", type=Path, help="the load generator's own log")
    parser.add_argument("--master-key", type=Path, help="the file that holds it, to open what is sealed")
    parser.add_argument("--expect-hash", help="the canonical dump of a run that must have come to the same")
    parser.add_argument("--json", action="store_true", help="one JSON object a check instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
