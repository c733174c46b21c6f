"""What a list version finds: by likeness, with evidence, and in bounded work for any name."""

import json
import random
import string
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance.domain import watchlist
from services.compliance.domain.lists.party import ListedParty, identifier
from services.compliance.domain.matches import ALERT_AT, HOLD_AT, NameMatch
from services.compliance.domain.names.evidence import Known, PartyKind, qualified, weigh_evidence
from services.compliance.domain.names.readings import PIECES_MAX, readings
from services.compliance.domain.names.spellings import SPELLINGS_MAX
from services.compliance.domain.rule import RuleParameter
from services.compliance.domain.watchlist import CANDIDATES_MAX, NamesIndex
from services.compliance.rules import san_1
from tests.compliance.tables import table

PARTIES = (
    ListedParty("1", "person", ("LEE, Sa",)),
    ListedParty("2", "organisation", ("Acme Ltd",)),
    ListedParty(
        "3",
        "person",
        ("GRIMWOLD, Ottokar Vasilibus", "GRIMWOLD, Otto"),
        weak_names=("The Captain", "Old Grim"),
        birth_dates=("1962-09-08",),
        countries=("FR", "BE"),
        identifiers=(identifier("passport", "AB 123-456"), identifier("bic", "GRIMFRPPXXX")),
    ),
    ListedParty("4", "vessel", ("MV PHANTOM HARVESTER",), identifiers=(identifier("imo", "9074729"),)),
    ListedParty("5", "organisation", ("Umbra Vortex Trading Company",), countries=("CY",)),
    ListedParty(
        "6",
        "person",
        ("AL-TIKRITI, Abdul Rahman Hussein",),
        identifiers=(identifier("crypto", "0x8576ACC5C05D6Ce88f4e49bf65BdF0C62F91353C"),),
    ),
    ListedParty("7", "person", ("GRIMWOLD, Otto",)),
)
INDEX = NamesIndex("L", "1", PARTIES)


FOUND = table("""
    name                              kind          entries
    Sa_Lee                            person        1
    Lee                               person        -            # "Sa" is a part of a person's name
    Lee                               -             -
    Acme                              organisation  2
    ACME_GmbH                         -             2
    Acme_Global                       -             -
    Otto_Grimwold                     person        3,7          # both bear it
    Ottto_Grimwald                    -             3,7
    Grimwold                          -             -            # a part alone is no match
    Otto                              -             -
    Phantom_Harvester                 -             4
    Phantm_Harvester                  -             4
    Phantom_Harvester                 vessel        4
    MT_Phantom_Harvester              vessel        4            # what kind of ship it is does not matter
    Umbra_Vortex_Trading              -             5
    Trading_Company                   -             -            # common words alone are none
    Hussein_Abdurrahman_Al_Tikriti    person        6
    Оттокар_Василибус_Гримволд        person        3
    OttokarVasilibusGrimwold          person        3            # no space is left in it
    GrimwoldOttokarVasilibus          -             3
    O_t_t_o_k_a_r_G_r_i_m_w_o_l_d     -             -            # not all of it: a part is lacking
    O_t_t_o_G_r_i_m_w_o_l_d           -             3,7          # a space behind each letter
    Otto\u200bGrimwold                -             3,7          # one that nobody sees
    UmbraVortexTradingCompany         -             5
    MVPhantomHarvester                -             4
    ...                               -             -
    -                                 -             -
""")


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row['name']}-{row['kind']}")
def test_a_name_is_found_by_its_parts(row: dict[str, str]):
    """Persons by their names, others without their legal form, none by a single common word."""
    name = row["name"].replace("_", " ")
    kind: Any = None if row["kind"] == "-" else row["kind"]
    found = sorted(each.entry_id for each in INDEX.find(name, kind))
    assert (",".join(found) or "-") == row["entries"]
    again = sorted(each.entry_id for each in INDEX.find(name, kind))
    assert again == found, "the second time it comes from what was remembered"


def test_the_most_alike_name_of_an_entry_is_told():
    """An officer sees the alias that was found, as the list spells it."""
    [first, _] = INDEX.find("Otto Grimwold")
    assert (first.name, first.comparison) == ("GRIMWOLD, Otto", "equal")
    assert first.likeness is not None
    assert (first.likeness.score, first.official_score) == (1.0, 100)


def test_the_rarer_a_part_the_more_it_counts():
    """A list full of people called Ali: two of them are not alike for that."""
    common = [ListedParty(str(n), "person", (f"ALI, {name}",)) for n, name in enumerate(_words(400, seed=5))]
    index = NamesIndex("L", "1", [*common, ListedParty("rare", "person", ("QUILLFEATHER, Ali",))])
    [found] = index.search("Ali Quillfeathr").matches
    assert found.entry_id == "rare"
    assert found.likeness is not None
    assert found.likeness.score >= ALERT_AT
    assert index.search("Ali Montgomery").matches == ()


EVIDENCE = table("""
    kind          birth_date  country  levels           # of entry 3: person, 1962-09-08, FR and BE
    -             -           -        hold
    person        1962-09-08  FR       hold
    person        1962        -        hold
    person        1962-08-09  -        hold             # day and month are often exchanged
    person        1963        DE       hold             # a year off is neither for nor against
    person        1985-01-17  DE       alert            # contradicted, but never filtered
    organisation  1985        DE       alert
""")


@pytest.mark.parametrize(
    "row", EVIDENCE, ids=lambda row: f"{row['kind']} {row['birth_date']} {row['country']}"
)
def test_birth_date_country_and_kind_qualify_but_never_filter(row: dict[str, str]):
    """Dates are wrong on lists and in files; they move a match between hold and alert, never to clear."""
    countries = () if row["country"] == "-" else (row["country"],)
    kind: Any = None if row["kind"] == "-" else row["kind"]
    known = Known(kind, None if row["birth_date"] == "-" else row["birth_date"], countries)
    [match] = [each for each in INDEX.search("Otto Grimwald").matches if each.entry_id == "3"]
    assert match.level(known, alert_at=ALERT_AT, hold_at=HOLD_AT) == row["levels"]


def test_what_agrees_can_lift_a_match_and_what_contradicts_cannot_drop_it():
    """The bounds of evidence, at the thresholds."""
    entry = PARTIES[2]
    agrees = weigh_evidence(Known("person", "1962-09-08", ("FR",)), entry)
    contradicts = weigh_evidence(Known("organisation", "1985", ("DE",)), entry)
    assert {each.bearing for each in agrees} == {"agrees"}
    assert {each.bearing for each in contradicts} == {"contradicts"}
    assert qualified(0.68, agrees, ALERT_AT) > ALERT_AT
    assert qualified(0.99, contradicts, ALERT_AT) < HOLD_AT
    assert qualified(0.71, contradicts, ALERT_AT) == ALERT_AT
    assert qualified(0.66, contradicts, ALERT_AT) == 0.66
    assert qualified(1.0, agrees, ALERT_AT) == 1.0


@pytest.mark.parametrize(
    ("born", "listed", "bearing"),
    [
        ("1962-09-08", "1962-09-08", "agrees"),
        ("1962-09-08", "1962", "agrees"),
        ("1962-09-08", "1960/1965", "agrees"),
        ("1962-09-08", "1962-01-01", "agrees"),
        ("1962-09-08", "1962-11-30", "near"),
        ("1964", "1962", "near"),
        ("1965", "1962", "contradicts"),
        ("1968", "1960/1965", "contradicts"),
    ],
)
def test_birth_dates_are_compared_as_far_as_they_are_known(born: str, listed: str, bearing: str):
    """Lists often give a year, a span, or the first of January."""
    entry = ListedParty("1", "person", ("X",), birth_dates=(listed,))
    [found] = weigh_evidence(Known("person", born), entry)
    assert found.bearing == bearing


def test_a_weak_alias_confirms_but_does_not_alert():
    """OFAC's weak aliases are too common to screen by; with the birth date they count."""
    [match] = INDEX.search("Old Grim").matches
    assert (match.entry_id, match.is_weak) == ("3", True)
    levels = [
        match.level(known, alert_at=ALERT_AT, hold_at=HOLD_AT)
        for known in (Known(), Known("person", "1985"), Known("person", "1962-09-08"))
    ]
    assert levels == ["clear", "clear", "alert"]
    assert INDEX.find("Old Grim") == ()


IDENTIFIERS: list[tuple[str, str, list[str]]] = [
    ("ab123456", "passport", ["3"]),
    ("AB123456", "tax_id", []),
    ("GRIMFRPP", "bic", ["3"]),
    ("GRIMFRPPABC", "bic", ["3"]),
    ("GRIMDEPP", "bic", []),
    ("9074729", "imo", ["4"]),
    ("0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c", "crypto", ["6"]),
    ("", "passport", []),
    ("AB1", "passport", []),
]


@pytest.mark.parametrize(("value", "kind", "entries"), IDENTIFIERS)
def test_an_identifier_is_found_exactly_whatever_the_name(value: str, kind: Any, entries: list[str]):
    """Spaces, dashes and case do not matter; the kind does; a bank is the first eight letters of its BIC."""
    found = INDEX.find_identifier(value, (kind,))
    assert [each.entry_id for each in found] == entries
    assert {each.level(Known(), alert_at=1.0, hold_at=1.0) for each in found} <= {"hold"}


def test_a_name_in_a_script_without_vowels_is_found_by_its_consonants():
    """Arabic and Hebrew leave vowels out; two such parts together are enough, one alone is not."""
    index = NamesIndex("L", "1", [ListedParty("1", "person", ("KHREBTOVSKIY, Zubair",)), *PARTIES])
    assert [each.entry_id for each in index.find("زبير خربتوفسكي", at_least=ALERT_AT)] == ["1"]
    assert index.find("زبير", at_least=ALERT_AT) == ()


SLIPS = ["بام أحمد الحصري", "بسام أحمد الصري", "بسام أحممد الحصري", "بسام حأمد الحصري", "الحصري بسام أحمد"]


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_in_a_script_without_vowels_is_found_where_the_list_has_the_name_in_it(name: str):
    """Letter by letter, as in any other script; by consonants alone too little of the name would be left."""
    parties = (ListedParty("1", "person", ("AL-HASRI, Bassam Ahmad", "بسام أحمد الحصري")), *PARTIES)
    index = NamesIndex("L", "1", parties)
    [match] = index.search(name).matches
    assert (match.entry_id, match.level(Known(), alert_at=ALERT_AT, hold_at=HOLD_AT)) == ("1", "hold")
    assert index.search("بسام أحمد المصري").matches == (), "another letter makes another name"


def test_a_match_names_its_entry_as_alerts_do():
    """The subject of an alert is the list's code and the entry."""
    [first, _] = INDEX.find("Otto Grimwold")
    match = NameMatch("party", "L", "1", first)
    assert (match.subject, match.level(alert_at=ALERT_AT, hold_at=HOLD_AT)) == ("L:3", "hold")


# ── bounded work ──────────────────────────────────────────────────────────────────────────────────


def _words(count: int, seed: int, length: int = 6) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(string.ascii_lowercase[:8], k=length)) for _ in range(count)]


def _crowded() -> NamesIndex:
    """An index in which everything is like everything."""
    words = _words(60, seed=1, length=5)
    rng = random.Random(2)
    return NamesIndex(
        "L", "1", [ListedParty(str(n), "person", (" ".join(rng.sample(words, 3)),)) for n in range(3_000)]
    )


CROWDED = _crowded()
MONSTERS = {
    "ten thousand letters": "a" * 10_000,
    "ten thousand letters and spaces": "ab " * 3_333,
    "every listed word": " ".join(_words(60, seed=1, length=5)),
    "one word again and again": " ".join(_words(1, seed=1, length=5) * 500),
    "control characters": "\x00\x01" * 5_000,
    "only punctuation": "-'.,;" * 2_000,
    "right to left overrides": "\u202ea\u202c" * 2_000,
    "another script": "Ж" * 10_000,
    "combining marks": "a" + "\u0301" * 9_999,
}


@pytest.mark.parametrize("text", MONSTERS.values(), ids=MONSTERS)
def test_the_work_for_a_name_is_bounded_whatever_it_is(text: str):
    """By the parts looked at, the spellings taken for each, and the names compared; never by the clock."""
    search = CROWDED.search(text)
    assert search.candidates <= CANDIDATES_MAX * len(readings(text)) <= CANDIDATES_MAX * (PIECES_MAX + 1)
    assert search.parts <= 32
    assert all(len(word.sets) <= 2 * SPELLINGS_MAX + 1 for word in CROWDED._words.values())


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_screened(text: str):
    """Whatever upstream sends, screening answers, and answers alike."""
    first = CROWDED.search(text)
    index = NamesIndex("L", "1", PARTIES)
    assert index.search(text) == INDEX.search(text)
    assert all(0.0 <= each.likeness.score <= 1.0 for each in first.matches if each.likeness is not None)


def test_memory_of_what_was_seen_is_bounded_and_does_not_change_answers(monkeypatch: pytest.MonkeyPatch):
    """A process screens for months."""
    monkeypatch.setattr(watchlist, "SEEN_MAX", 3)
    monkeypatch.setattr(watchlist, "WORDS_MAX", 3)
    index = NamesIndex("L", "1", PARTIES)
    names = ["Otto Grimwold", "Ottto Grimwald", "Acme", "Phantom Harvester", "Jane Doe", "Otto Grimwold"]
    for name in names:
        assert index.search(name) == INDEX.search(name)
        assert len(index._seen) <= 3
        assert len(index._words) <= 3


@pytest.mark.parametrize("kind", ["person", "organisation", None])
def test_every_listed_name_finds_its_own_entry(kind: PartyKind | None):
    """However short or common: exactly as listed is a match, in any order of its parts."""
    for party in PARTIES:
        for name in party.names:
            for spelling in (name, " ".join(reversed(name.replace(",", "").split()))):
                assert party.entry_id in {each.entry_id for each in INDEX.find(spelling, None)}
    assert INDEX.search("Sa Lee", kind).matches[0].entry_id == "1"


# ── the rule ──────────────────────────────────────────────────────────────────────────────────────


def told(name: str, known: Known, entry_id: str = "3") -> Any:
    """Tell the match of a name with an entry as SAN-1 does."""
    [match] = [each for each in INDEX.search(name).matches if each.entry_id == entry_id]
    return san_1.tell(NameMatch("payment.creditor", "L", "1", match, known), san_1.Parameters(2))


def test_a_finding_explains_itself_without_the_name():
    """Places, scores and evidence; the words are with the list and the payment, for who may see them."""
    finding = told("Grimwald Otto", Known("person", "1962-09-08", ("FR",)))
    assert finding.sentence == (
        "The creditor bears a name like one of entry 3 on list L, version 1"
        f" (score {finding.values['score']:.2f})."
        " For it: date of birth, country."
    )
    assert finding.values["parts"] == [
        {"places": [2], "listed_places": [2], "score": 1.0, "how": "equal"},
        {"places": [1], "listed_places": [1], "score": 0.85, "how": "letters"},
    ]
    assert finding.values["score"] > finding.values["name_score"]
    assert (finding.rule, finding.rule_version, finding.values["hold_at"]) == ("SAN-1", 2, HOLD_AT)
    assert "grimw" not in json.dumps(finding.model_dump(mode="json")).casefold()


SENTENCES = {
    "Otto Grimwold": "The creditor bears a name of entry 3 on list L, version 1.",
    "Old Grim": "The creditor bears a weak alias of entry 3 on list L, version 1.",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_an_equal_name_and_a_weak_alias_are_told_as_such(name: str):
    """People read the sentence first."""
    assert told(name, Known()).sentence == SENTENCES[name]


SPOKEN: dict[tuple[Any, str, str | None], str] = {
    ("person", "1962-09-08", "FR"): " For it: date of birth, country.",
    ("person", "1962-09-08", "DE"): " For it: date of birth. Against it: country.",
    ("organisation", "1985-01-17", "DE"): " Against it: date of birth, country, kind of party.",
    (None, "1963-01-01", None): " Undecided: date of birth.",
}


@pytest.mark.parametrize("known", SPOKEN)
def test_a_finding_says_what_spoke_for_it_and_what_against(known: tuple[Any, str, str | None]):
    """Whoever decides must see both sides, and how much each has moved the score."""
    kind, born, country = known
    finding = told("Otto Grimwold", Known(kind, born, (country,) if country else ()))
    assert finding.sentence.partition("version 1")[2].removeprefix(".").endswith(SPOKEN[known])
    changes = [each["change"] for each in finding.values["evidence"]]
    assert finding.values["score"] == round(min(1.0, finding.values["name_score"] + sum(changes)), 4)


def test_an_identifier_is_told_as_such_and_by_its_kind():
    """There is no likeness to tell of; what is known beside it is told, and moves no score."""
    [match] = INDEX.find_identifier("GRIMFRPP", ("bic",))
    assert match.level(Known(), alert_at=1.0, hold_at=1.0) == "hold"
    elsewhere = NameMatch("party", "L", "1", match, Known(None, None, ("DE",)))
    finding = san_1.evaluate(elsewhere, 1)
    assert (
        finding.sentence == "The customer has the BIC of entry 3 on list L, version 1. Against it: country."
    )
    assert (finding.values["identifier_kind"], finding.values["score"]) == ("bic", 1.0)
    assert [each["change"] for each in finding.values["evidence"]] == [0.0]
    finding = san_1.evaluate(NameMatch("payment.creditor_agent", "L", "1", match), 1)
    assert finding.sentence == "The creditor's bank has the BIC of entry 3 on list L, version 1."
    assert (finding.values["comparison"], finding.values["score"]) == ("identifier", 1.0)


def parameters(**values: str) -> RuleParameter:
    """Make a row of SAN-1's parameters."""
    return RuleParameter("SAN-1", 3, "*", {"hold_hours": 24, **values}, date(2026, 1, 1), None, "test")


def test_thresholds_are_data_and_the_design_s_where_there_are_none():
    """0.70 and 0.85; a firm chooses by its risk."""
    assert san_1.read_parameters(parameters()) == san_1.Parameters(3, 0.70, 0.85)
    assert san_1.read_parameters(parameters(alert_at="0.75", hold_at="0.9")) == san_1.Parameters(3, 0.75, 0.9)


@pytest.mark.parametrize(
    "values", [{"alert_at": "0.9"}, {"hold_at": "1.1"}, {"alert_at": "0.5"}, {"alert_at": "x"}]
)
def test_thresholds_that_make_no_sense_are_refused(values: dict[str, str]):
    """Alert above hold, above one, or below what is found at all."""
    with pytest.raises(ValueError, match=r"is not a decimal string|has to be alert_at at least"):
        san_1.read_parameters(parameters(**values))
