"""How names are brought to one spelling, and what a list version finds."""

import pytest

from services.compliance.domain.names import bare_key, whole_key
from services.compliance.domain.watchlist import NamesIndex, PartyKind

SAME_PERSON = [
    ("DJIBO, Ousmane Illiassou", "Ousmane Illiassou DJIBO"),
    ("Müller, Jürgen", "JURGEN MULLER"),
    ("Mu\u0308ller Ju\u0308rgen", "Müller Jürgen"),
    ("Oßwaldt", "OSSWALDT"),
    ("Малахит", "Malakhit"),
    ("O'Brien-Smith", "Smith  O BRIEN"),
    ("ＡＬＩＣＥ", "alice"),
]


@pytest.mark.parametrize(("one", "other"), SAME_PERSON)
def test_case_accents_order_punctuation_and_script_do_not_tell_names_apart(one: str, other: str):
    """The same person is spelled in many ways; the comparison is exact after normalising."""
    assert whole_key(one) == whole_key(other) != ""


SAME_ORGANISATION = [
    ("ANGLO-CARIBBEAN CO., LTD.", "Anglo Caribbean"),
    ("Schattenfels GmbH", "SCHATTENFELS G.m.b.H."),
    ("Fantasma del Mar S.A.", "Fantasma del Mar"),
    ("Umbra Vortex Trading Ltd", "UMBRA VORTEX TRADING LIMITED"),
]


@pytest.mark.parametrize(("one", "other"), SAME_ORGANISATION)
def test_the_legal_form_does_not_tell_organisations_apart(one: str, other: str):
    """Payments leave the form out or spell it otherwise."""
    assert bare_key(one) == bare_key(other) != ""


def test_a_name_of_nothing_but_legal_forms_is_kept():
    """Or it would be found in every organisation."""
    assert bare_key("Co. Ltd") == "co ltd"
    assert whole_key("--- !") == bare_key("--- !") == ""


FOUND: list[tuple[str, PartyKind | None, tuple[str, ...]]] = [
    ("Sa Lee", "person", ("1",)),
    ("Lee", "person", ()),  # "Sa" is a part of a person's name, not a form
    ("Lee", None, ()),
    ("Acme", "organisation", ("2",)),
    ("ACME GmbH", None, ("2",)),
    ("Acme Ltd", "person", ("2",)),  # as spelled on the list
    ("Acme GmbH", "person", ()),
    ("Acme Global", None, ()),
    ("", None, ()),
    ("...", None, ()),
]


@pytest.mark.parametrize(("name", "kind", "entries"), FOUND)
def test_a_name_is_found_by_what_kind_of_party_bears_it(
    name: str, kind: PartyKind | None, entries: tuple[str, ...]
):
    """Persons are compared by all parts of their names, others without their legal form."""
    index = NamesIndex("L", "1", [("1", "person", "LEE, Sa"), ("2", "organisation", "Acme Ltd")])
    assert index.find(name, kind) == entries
    assert index.find(name, kind) == entries, "the second time it comes from what was remembered"


def test_a_name_on_two_entries_finds_both():
    """Aliases are shared."""
    index = NamesIndex(
        "L", "1", [("9", "person", "Ann Lee"), ("10", "vessel", "LEE ANN"), ("10", "vessel", "X")]
    )
    assert index.find("Ann Lee", None) == ("10", "9")
    assert index.entries == 2
