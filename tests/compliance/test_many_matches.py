"""Many parties beside many entries of the same name: what is told stays within what a topic takes."""

from services.compliance.data.rule_parameters import RULE_PARAMETERS
from services.compliance.domain.ledger_events import Bearer
from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.parameters import ParameterBook
from services.compliance.domain.watchlist import NamesIndex
from services.compliance.domain.whitelist import NOBODY
from services.compliance.handlers.screening import MATCHES_TOLD_MAX, Hit, find_names, name_hits
from tests.compliance.ledger import ALICE, DAY


def hit(entries: int, bearers: list[Bearer]) -> Hit:
    """Screen these against a list on which one name stands so many times."""
    listed = [ListedParty(f"M-{number}", "person", ("Zoltan Vraxi",)) for number in range(entries)]
    index = NamesIndex("MANY", "1", [*listed, ListedParty("N-1", "person", ("Otto Grimwold",))])
    [found] = name_hits(find_names(bearers, [index]), ALICE, DAY, ParameterBook(RULE_PARAMETERS), NOBODY)
    return found


def test_of_each_entry_and_place_one_match_is_told() -> None:
    """An account of a thousand holders of one name told each entry a thousand times, in megabytes."""
    holders = [Bearer("party.holders", "Zoltan Vraxi")] * 1_000
    found = hit(3, [*holders, Bearer("party", "Vraxi, Zoltan")])
    told = sorted((each.values["field"], each.values["entry"]) for each in found.findings)
    assert told == [(field, f"M-{n}") for field in ("party", "party.holders") for n in range(3)]
    assert found.holds


def test_of_very_many_matches_the_strongest_are_told() -> None:
    """The subject, by which an owner alerts once, still says how many entries there are."""
    bearers = [Bearer(field, "Zoltan Vraxi") for field in ("party", "party.holders", "payment.debtor")]
    found = hit(60, [*bearers, Bearer("payment.creditor", "Otto Grimwoldt")])
    assert len(found.findings) == MATCHES_TOLD_MAX
    assert all(each.values["score"] == 1.0 for each in found.findings)
