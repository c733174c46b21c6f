"""What a bench has found: figures, the bounds they are held against, a table, a line for the record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True, slots=True)
class Bound:
    """A floor and a goal for one figure; `upwards` where more is better."""

    name: str
    floor: float
    goal: float
    unit: str
    upwards: bool = True

    def verdict(self, value: float) -> str:
        """Say how a value stands to the bounds."""
        sign = 1 if self.upwards else -1
        if value * sign >= self.goal * sign:
            return "goal reached"
        return "floor reached" if value * sign >= self.floor * sign else "below the floor"


@dataclass(slots=True)
class Findings:
    """What one bench found."""

    figures: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    rows: list[Sequence[str]] = field(default_factory=list)
    """The table's rows."""
    columns: Sequence[str] = ()
    judged: list[tuple[Bound, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    """Why none of it counts."""


def show(console: Console, name: str, question: str, findings: Findings, seconds: float) -> None:
    """Print a bench's table, its bounds and its notes."""
    table = Table(*findings.columns, title=f"{name}: {question}", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in findings.rows:
        table.add_row(*row)
    console.print(table)
    for bound, value in findings.judged:
        verdict = bound.verdict(value)
        style = {"goal reached": "green", "floor reached": "yellow"}.get(verdict, "bold red")
        text = Text(f"  {bound.name}: {number(value)} {bound.unit} ")
        text.append(f"({verdict}: floor {number(bound.floor)}, goal {number(bound.goal)})", style)
        console.print(text)
    for name_of, ratio in findings.ratios.items():
        console.print(f"  {name_of}: {ratio:.2f} ×")
    for note in findings.notes:
        console.print(f"  {note}", style="dim")
    for reason in findings.void:
        console.print(f"  void: {reason}", style="bold red", markup=False)
    console.print(f"  {seconds:.0f} s", style="dim")
    console.print()


def append(
    name: str, findings: Findings, *, at: datetime, commit: str, machine: Mapping[str, Any], quick: bool
) -> None:
    """Append a bench's line to its file."""
    RESULTS.mkdir(exist_ok=True)
    line = {
        "time": at.isoformat(timespec="seconds"),
        "commit": commit,
        "quick": quick,
        "void": findings.void,
        "figures": findings.figures,
        "ratios": {name_of: round(ratio, 3) for name_of, ratio in findings.ratios.items()},
        "bounds": {bound.name: bound.verdict(value) for bound, value in findings.judged},
        "machine": dict(machine),
    }
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")


def number(value: float) -> str:
    """Spell a figure as people read it."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that so great a share of sorted values does not pass."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
