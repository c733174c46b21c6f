"""The page of reasons: why the ledger says no, what to do then, and an example of each.

`reasons.jsonl` holds a whole story, an instruction a line, in the order in which they were sent to an empty
ledger: what came of each, and of those that met a reason why. `tests/transactions/test_reason_examples.py`
plays it.
"""

import json
from pathlib import Path
from typing import Any, Final

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import table
from services.transactions.domain.reasons import TABLE, Reason

ABOUT: Final = (
    "Every instruction is judged by one ladder, a rung at a time; the first rung that fails names the "
    "reason. A published reason keeps its name for ever. *Fact* says what becomes of a fact (`deposit`, "
    "`fee`, `interest`), which has happened whatever a rule says. *Status* is ISO 20022's external "
    "status reason code."
)
ABOUT_EXAMPLES: Final = (
    "They are lines of one story, which the tests play from its first line on; what came before is said "
    "where it matters."
)
STORY: Final = Path(__file__).with_name("reasons.jsonl")
MEMBERS_SHOWN: Final = 2


def page() -> str:
    """Describe every reason in the order of the ladder."""
    rows = [
        (
            f"[`{reason.code}`](#{reason.code})",
            reason.rung,
            reason.fate,
            reason.fact,
            f"`{reason.status_code}`",
            reason.upstream,
        )
        for reason in TABLE
    ]
    headings = ("reason", "rung", "fate", "fact", "status", "what upstream should do")
    lines = story()
    examples = [_example(reason, lines) for reason in TABLE]
    return markdown.page("Reasons", ABOUT, table(headings, rows), "## Examples", ABOUT_EXAMPLES, *examples)


def story() -> list[dict[str, Any]]:
    """Return the story's lines.

    `instruction` is what was sent, under `key` and to `partition` where its owner's are not meant. A line
    without one says by `follows` of which earlier instruction it tells, and `by` what it came: what was
    `due` in the ledger, or `compliance`. `outcome`, `reason`, `field` and `detail` are what the event says,
    `because` is said to readers. `played` is false for what no line can bring about in the chart as it is.
    """
    return [json.loads(line) for line in STORY.read_text().splitlines()]


def _example(reason: Reason, lines: list[dict[str, Any]]) -> str:
    line = next(each for each in lines if each.get("reason") == reason.code)
    told = f"`{line['outcome']}`"
    if "field" in line:
        told += f", because of `{line['field']}`"
    if "detail" in line:
        told += f": “{line['detail']}”"
    words = f"{told}." + (f" Here: {line['because']}." if "because" in line else "")
    asked = _asked(line, lines)
    members = asked.get("members", [])
    if len(members) > MEMBERS_SHOWN:
        asked = {**asked, "members": members[:MEMBERS_SHOWN]}
        words += f" Of its {len(members)} members {MEMBERS_SHOWN} are shown."
    return f"### `{reason.code}`\n\n{words}\n\n```json\n{json.dumps(asked, indent=2)}\n```"


def _asked(line: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    if "instruction" in line:
        return line["instruction"]
    asked = (each["instruction"] for each in lines if "instruction" in each)
    return next(each for each in asked if each["instruction_id"] == line["follows"])
