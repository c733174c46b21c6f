"""SAN-1, a name on a watch list: exact after normalising; a later issue adds likeness.

31 CFR part 501 and the programmes of each list; OFAC's FAQ 5 on what to do with a match.
"""

from typing import Final

from services.compliance.domain.rule import NameRule
from services.compliance.domain.watchlist import NameMatch
from shared.messages.compliance import Finding

_WORDS: Final = {
    "party": "The customer",
    "party.holders": "A holder of the relationship",
    "payment.debtor": "The debtor",
    "payment.creditor": "The creditor",
    "payment.ultimate_debtor": "The ultimate debtor",
    "payment.ultimate_creditor": "The ultimate creditor",
}


def evaluate(match: NameMatch, version: int) -> Finding:
    """Tell a match without the name: list, version and entry say it to those who may know."""
    return Finding(
        rule=RULE.code,
        rule_version=version,
        sentence=f"{_WORDS[match.field]} bears a name of entry {match.entry_id} on list {match.list_code},"
        f" version {match.list_version}.",
        values={
            "field": match.field,
            "list": match.list_code,
            "list_version": match.list_version,
            "entry": match.entry_id,
            "comparison": "exact after normalising",
        },
    )


RULE: Final = NameRule(code="SAN-1", title="Name on a watch list", holds=True, evaluate=evaluate)
