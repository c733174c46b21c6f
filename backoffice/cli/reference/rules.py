"""The page of compliance's rules: what each looks for, by whose word, and its parameters in the box."""

from collections.abc import Iterator
from typing import Any, Final

from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import paragraphs, table
from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.bounds import REQUIRED, Bound
from services.compliance.domain.rule import CashRule, GraphRule, NameRule, PeerRule, Rule, bounds_of
from services.compliance.domain.windows.anew import ANEW_MAX
from services.compliance.domain.windows.window import LATENESS, LOG_DAYS, LOG_MAX
from services.compliance.rules import RULES, WINDOW_RULES, document_of

ABOUT: Final = (
    "A rule is a file in `services/compliance/rules/`. Rules about cash look at an exact log of banknotes; "
    f"rules about windows at an owner's last {LOG_MAX} movements of {LOG_DAYS} days in an asset, exact, and "
    "at counts and sums by hour and day of all of them. A movement counts once, when it is posted or first "
    "pending; movements between accounts of one owner, reversals and returns do not. Windows end at the "
    "latest event time, which is upstream's but never after an event was recorded; what comes over "
    f"{LATENESS // 60_000_000} minutes behind it is judged as of its own time, and its "
    "finding says `late`: of what is kept, nothing that lies after that time is looked at then, nor counts "
    "in how often a counterparty was met, or in what was there."
)
DISORDER: Final = (
    f"{', '.join(rule.code for rule in WINDOW_RULES if rule.reach is not None)} name the movements that "
    "they find, and find them in whatever order they arrive. What lies behind the latest is judged first; "
    "then each of these rules that has not named it judges it as of its own time, unless that was done, and "
    f"those after it, each as of its own time. These are the {ANEW_MAX} nearest of those that are in the "
    "rule's direction and reach its smallest amount (`band_from`, `amount_min`, `multiple`), for GEO-1 of "
    "those whose country is told, for MA-1 of trades. Parameters are those for what came out of order. The "
    "first finding that names it is one of it: `completed_by` says which movement completes the pattern. It "
    "never holds."
)
CHOICE: Final = (
    "Parameters are rows in `rule_parameter`, valid from a business day on. For a customer's asset the "
    "row that says most closely counts: by asset, then segment (kind of party), then jurisdiction "
    "(country of residence), then the highest version; one without values says that the rule is not in "
    "force. What a value may not be is refused when it is proposed, and stops the start where it is "
    "stored. About one owner a rule alerts once in `cooldown_days`, one where it says nothing. A rule "
    "about windows holds what waits where its row has `hold_hours`; in the box none has."
)


def page() -> str:
    """Describe every rule in the order findings are told."""
    return markdown.page("Rules", ABOUT, DISORDER, CHOICE, *(part for rule in RULES for part in _parts(rule)))


def _parts(rule: Rule) -> Iterator[str]:
    yield f"## {rule.code}"
    yield f"{rule.title}; {_kind(rule)}."
    yield paragraphs(document_of(rule))
    rows = [
        (
            str(row.version),
            f"`{row.asset}`",
            f"`{row.segment}`",
            str(row.valid_from),
            str(row.valid_until or ""),
            _values(row.values),
            row.source,
        )
        for row in RULE_PARAMETERS
        if row.rule == rule.code
    ]
    yield table(("value", "may be"), [(f"`{name}`", _bound(each)) for name, each in bounds_of(rule).items()])
    yield table(("version", "asset", "segment", "from", "until", "values", "source"), rows)


def _kind(rule: Rule) -> str:
    match rule:
        case NameRule():
            return "a rule about names"
        case CashRule():
            return "a rule about cash" + (", which holds what waits" if rule.holds else "")
        case GraphRule():
            return "a rule about who paid whom, over all shards: second tier, which only alerts"
        case PeerRule():
            return "a rule about a customer beside its peers, over all shards: second tier, which only alerts"
        case _:
            return {"in": "what comes in", "out": "what goes out"}.get(
                rule.judges, "what comes in or goes out"
            )


def _bound(bound: Bound) -> str:
    return bound.words if bound.default is REQUIRED else f"{bound.words}; may be left out"


def _values(values: Any) -> str:
    return ", ".join(f"`{name}` {_spelt(value)}" for name, value in values.items()) or "not in force"


def _spelt(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_spelt, value)) if value and isinstance(value[0], str) else str(value)
    return "any" if value is None else str(value)
