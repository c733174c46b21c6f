"""Words that stand beside a listed name do not clear it: remarks weigh nothing, business words little."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.matches import ALERT_AT, HOLD_AT, NameMatch
from services.compliance.domain.names.evidence import Known
from services.compliance.domain.names.readings import PIECES_MAX, has_nothing_to_compare, readings
from services.compliance.domain.names.words_beside import BUSINESS_WORDS, CONNECTORS, REMARKS, SLASHED
from services.compliance.domain.watchlist import CANDIDATES_MAX, NamesIndex
from services.compliance.domain.whitelist import WhitelistRow, entry_digest
from services.compliance.rules import san_1
from tests.compliance.tables import table

GIVEN = ("Anka", "Bojan", "Cvetko", "Dragan", "Emil")
PARTIES = (
    ListedParty("1", "person", ("GRIMWOLD, Otto",)),
    ListedParty("2", "organisation", ("Umbra Vortex Trading Company",)),
    ListedParty("3", "organisation", ("Acme Ltd",)),
    ListedParty("4", "vessel", ("MV PHANTOM HARVESTER",)),
    ListedParty("5", "organisation", ("ESTATE OF NOWHERE BANK",)),
    ListedParty("6", "organisation", ("Shadow Brigade 155",)),
    ListedParty("7", "person", ("AL-HASRI, Bassam Ahmad", "بسام أحمد الحصري")),
    ListedParty("8", "person", ("QUERFURT, Odile Account",)),
    ListedParty("9", "aircraft", ("P-552",)),
    ListedParty("10", "person", ("SMITH, Jane", "Captain Undertow")),
    ListedParty("11", "aircraft", ("YV1009",)),
    ListedParty("12", "organisation", ("VORKAB",)),
    ListedParty("13", "vessel", ("SABRINA",)),
    ListedParty("14", "organisation", ("XQZ",)),
    ListedParty("15", "organisation", ("Noorab",)),
    *(ListedParty(f"15{n}", "person", (f"NOORAB, {given}",)) for n, given in enumerate(GIVEN)),
    ListedParty("16", "organisation", ("Global Group",)),
)
INDEX = NamesIndex("L", "1", PARTIES)


def level(name: str, entry_id: str, kind: Any = None, index: NamesIndex = INDEX) -> str:
    """What a name leads to, by one entry; nothing is known of its bearer beside it."""
    levels = {
        match.level(Known(), alert_at=ALERT_AT, hold_at=HOLD_AT)
        for match in index.search(name, kind).matches
        if match.entry_id == entry_id
    }
    return next((each for each in ("hold", "alert") if each in levels), "clear")


LEVELS = table("""
    name                                               entry  level
    Otto_Grimwold                                      1      hold
    Otto_Grimwold_(deceased)                           1      hold
    Otto_Grimwold,_DECEASED                            1      hold
    Estate_of_Otto_Grimwold                            1      hold
    The_late_Otto_Grimwold                             1      hold
    GRIMWOLD,_Otto_(deceased)                          1      hold
    Executors_of_the_estate_of_GRIMWOLD,_Otto          1      hold
    Otto_Grimwold_(10_March_1957)                      1      hold    # a date
    Otto_Grimwold_dob_10.03.1957                       1      hold
    Otto_Grimwold_account_12345                        1      hold
    a/c_12345_Otto_Grimwold                            1      hold
    Otto_Grimwold_A/C_NO._7                            1      hold    # a short number beside its label
    REF_INV-2026-0017_OTTO_GRIMWOLD                    1      hold
    payment_to_Otto_Grimwold                           1      hold
    c/o_Otto_Grimwold                                  1      hold
    Odile_Meyer_c/o_Otto_Grimwold                      1      hold    # each party by itself
    Otto_Grimwold_c/o_Odile_Meyer                      1      hold
    Otto_Grimwold_℅_Odile_Meyer                        1      hold
    Odile_Meyer,_attn._Otto_Grimwold                   1      hold
    Odile_Meyer_on_behalf_of_Otto_Grimwold             1      hold
    Otto_Grimwold_aka_Odile_Meyer                      1      hold
    Odile_Meyer_a.k.a._Otto_Grimwold                   1      hold
    Odile_Meyer_(also_known_as_Otto_Grimwold)          1      hold
    Odile_Meyer_[formerly_Otto_Grimwold]               1      hold
    Otto_(the_Captain)_Grimwold                        1      hold    # with brackets and without
    Otto_Grimwold_/_Odile_Meyer                        1      hold
    Odile_Meyer/Otto_Grimwold                          1      hold
    Odile_Meyer;Otto_Grimwold                          1      hold
    Odile_Meyer_-_Otto_Grimwold                        1      hold
    Odile_Meyer_and_Otto_Grimwold                      1      hold    # two whole names
    Odile_Meyer_&_Otto_Grimwold                        1      hold
    Smith_and_Grimwold                                 1      clear   # not two whole names
    Otto_Meyer_c/o_Grimwold                            1      clear   # parts of two parties are no party
    Otto_Grimwald_(deceased)                           1      hold    # as much alike as without the word
    OttoGrimwold_(deceased)                            1      hold
    Отто_Гримволд_(deceased)                           1      hold
    Otto_Grimwold_Trading_Ltd                          1      alert
    Otto_Grimwold_&_Sons                               1      alert
    Otto_Grimwold_Import_Export_General_Trading        1      alert
    Grimwold_Trading                                   1      clear   # a part alone finds nobody
    Odile_Grimwold_Trading                             1      clear
    Umbra_Vortex_Trading_Company_account_4711          2      hold
    Acme_Ltd_(formerly_Nothing_GmbH)                   3      hold
    Acme_Trading                                       3      alert   # but one word of a firm's does
    Vorkab_Holding_AG                                  12     alert
    The_Vorkab_Group                                   12     alert
    Vorkab_Trading_account_4711                        12     alert
    Vorkib_Holding_AG                                  12     clear   # if it is spelled as it is listed
    Vorkab_Deutschland                                 12     clear   # and nothing else stands beside it
    Sabrina_Trading                                    13     clear   # a ship is no firm
    XQZ_Trading                                        14     clear   # three letters are anybody's
    Noorab_Trading                                     15     clear   # so is a word that six entries have
    Noorab                                             15     hold
    Global_Holding                                     16     clear   # and a word for any business
    Odile_Meyer_and_VORKAB                             12     hold    # one word beside "and" is a firm
    VORKAB_&_Odile_Meyer                               12     hold
    Odile_Meyer_und_Vorkab                             12     hold
    Odile_Meyer_and_Vorkab_Trading                     12     alert
    Odile_Meyer_and_Sabrina                            13     clear   # or nobody: couples are written so
    Johnson_and_Vorkab                                 12     clear   # two words are one name
    Otto_Grimwold_and_Odile                            1      hold    # what stands beside one word is a name
    Odile_Meyer_et_Otto_Grimwold                       1      hold
    Odile_Meyer_y_Otto_Grimwold                        1      hold
    Odile_Meyer_and_Otto_Grimwold_and_Max_Born         1      hold    # also in the middle
    Odile_Meyer,_Otto_Grimwold,_Max_Born               1      hold    # from two commas on
    Odile_Meyer,_Otto_Grimwold                         1      hold    # one is between two whole names, too
    MEYER_Odile,_GRIMWOLD_Otto                         1      hold
    Odile_Meyer,_Umbra_Vortex_Trading_Company          2      hold
    Grimwold_Meyer,_Otto_Karl                          1      clear   # or behind two surnames
    Meyer,_Otto_Grimwold                               1      clear   # or one
    Otto_Grimwold_Otto_Grimwold                        1      hold    # twice is once
    Otto_Grimwold,_Otto_Grimwold                       1      hold
    Phantom_Harvester_ref_77                           4      hold
    Estate_of_Nowhere_Bank                             5      hold    # what is listed with the word
    Estate_of_Nowhere_Bank_deceased                    5      hold
    Nowhere_Bank                                       5      clear   # which it is not without
    Shadow_Brigade_155                                 6      hold
    Shadow_Brigade_155_account_4711                    6      hold
    Shadow_Brigade_200                                 6      clear   # another number is another party
    Odile_Account_Querfurt_(deceased)                  8      hold
    P-552_account_4711                                 9      hold
    4711_P-552                                         9      hold
    Odile_Meyer_c/o_YV1009                             11     hold    # a piece of its own
    Odile_Meyer_and_YV1009                             11     clear   # though one word, not beside "and"
    Captain_Undertow_(deceased)                        10     hold
    Undertow_(deceased)                                10     clear
""")


@pytest.mark.parametrize("row", LEVELS, ids=lambda row: row["name"])
def test_a_listed_name_is_found_among_what_stands_beside_it(row: dict[str, str]):
    """Name fields of payments say more than a name; it holds as the bare name does, a firm's name alerts."""
    assert level(row["name"].replace("_", " "), row["entry"]) == row["level"]


PHRASES = [" ".join(words) for each in (CONNECTORS, REMARKS) for group in each.values() for words in group]
BESIDE = [
    *PHRASES,
    *SLASHED,
    "4711",
    "(4711)",
    "no. 77",
    "DE89370400440532013000",
    "10.03.1957",
    "12 May 2026",
]
LISTED = [(party.entry_id, name) for party in PARTIES for name in party.names]
RANK = {"clear": 0, "alert": 1, "hold": 2}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(LISTED), st.sampled_from(BESIDE), st.booleans(), st.integers(0, 30))
def test_a_remark_beside_a_listed_name_never_takes_its_level_down(
    listed: tuple[str, str], remark: str, before: bool, dropped: int
):
    """Whatever the name is, whole or with a letter dropped; whichever the remark is, before or behind it."""
    entry_id, name = listed
    name = name[:dropped] + name[dropped + 1 :]
    beside = f"{remark} {name}" if before else f"{name} {remark}"
    assert RANK[level(beside, entry_id)] >= RANK[level(name, entry_id)], beside


@pytest.mark.parametrize("word", sorted(BUSINESS_WORDS))
@pytest.mark.parametrize("kind", ["person", "organisation", None])
def test_a_business_word_beside_a_whole_listed_name_alerts(word: str, kind: Any):
    """A firm is named after its owner; whether it is his, people find out."""
    assert level(f"Otto Grimwold {word.title()}", "1", kind) in ("alert", "hold")
    assert level(f"Otto Grimwold {word.title()} Ltd", "1") in ("alert", "hold")


def test_what_was_left_aside_is_told_without_the_words():
    """Whoever decides sees that the field says more than the name; the words may be personal."""
    name = "Odile Meyer c/o Otto Grimwold (deceased)"
    [match] = [each for each in INDEX.search(name).matches if each.entry_id == "1"]
    assert match.left_aside == ("odile", "meyer", "careof", "deceased")
    finding = san_1.tell(NameMatch("payment.creditor", "L", "1", match), san_1.Parameters(1))
    assert finding.sentence == (
        "The creditor bears a name of entry 1 on list L, version 1. Left aside: 4 words beside it."
    )
    assert (finding.values["words_left_aside"], finding.values["business_words"]) == (4, 0)
    assert "meyer" not in json.dumps(finding.values)


def test_business_words_are_told_as_what_lowers_the_score():
    """Else 0.80 could not be explained."""
    [match] = INDEX.search("Otto Grimwold Trading Ltd").matches
    assert (match.business_words, match.left_aside) == (("trading", "ltd"), ())
    assert (match.comparison, match.likeness and match.likeness.score) == ("alike", 0.8)
    finding = san_1.tell(NameMatch("payment.creditor", "L", "1", match), san_1.Parameters(1))
    assert finding.sentence == (
        "The creditor bears a name like one of entry 1 on list L, version 1 (score 0.80)."
        " It stands whole beside 2 business words."
    )


@pytest.mark.parametrize(
    "name", ["Otto Grimwold", "GRIMWOLD, Otto", "Max Born", "Kim Son Il", "May Dec", "Phantom Harvester 2"]
)
def test_most_names_are_read_in_one_way(name: str):
    """Words that may be names are remarks only in a phrase, or beside a number."""
    [reading] = readings(name)
    assert (reading.remarks, reading.trades) == ((), ())


MONSTERS = {
    "five thousand slashes": "/" * 5_000,
    "five thousand parties": "Otto Grimwold/" * 5_000,
    "five thousand brackets": "(" * 5_000,
    "brackets in brackets": "(Otto [" * 2_500,
    "closing brackets": ") Otto " * 2_500,
    "nothing but connectors": "c/o aka " * 2_000,
    "one name again and again": "Otto Grimwold and " * 2_000,
    "ampersands": "&" * 5_000,
    "spaces and one ampersand": " " * 9_999 + "&",
    "numbers": "4711 " * 5_000,
    "remarks": "deceased " * 5_000,
}


@pytest.mark.parametrize("text", MONSTERS.values(), ids=MONSTERS)
def test_the_readings_of_a_name_are_few_whatever_it_is(text: str):
    """Each costs a search of its own."""
    assert len(readings(text)) <= PIECES_MAX + 1
    assert INDEX.search(text).candidates <= (PIECES_MAX + 1) * CANDIDATES_MAX


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab 1/;|&()[]-,.\n", max_size=60))
def test_any_text_can_be_read(text: str):
    """And no reading has a part that is not in the field."""
    whole, *pieces = readings(text)
    for piece in pieces:
        assert 0 < len(piece.parts) <= 32
        assert 0 <= piece.surname < len(piece.parts)
        assert set(piece.remarks) <= set(range(len(piece.parts)))
    assert has_nothing_to_compare(text) == (not whole.parts)


NOTHING = ["???", "-----", "…", "🙂🙂", "★ ★", "\u200b\u2060", "   ", "\u202e", "( )", "€"]
SOMETHING = ["O", "7", "Ж", "李", "\u200bOtto", "🅾", "Nobody?"]


@pytest.mark.parametrize("name", [*NOTHING, *SOMETHING])
def test_a_name_without_letters_and_digits_has_nothing_to_compare(name: str):
    """Punctuation, pictures and what is not seen are no name."""
    assert has_nothing_to_compare(name) == (name in NOTHING)


def test_a_whitelisted_pair_counts_however_its_name_was_read():
    """By the letters of its script, or as one party of several: the field is the same."""
    for name, entry_id in (("بسام أحمد الصري", "7"), ("Odile Meyer c/o Otto Grimwold", "1")):
        [match] = [each for each in INDEX.search(name).matches if each.entry_id == entry_id]
        row = WhitelistRow(
            shard=0,
            whitelisting_id=UUID(int=1),
            owner="A",
            list_code="L",
            entry_id=entry_id,
            entry_digest=entry_digest(match.entry),
            name=name,
            kind=None,
            birth_date=None,
            country=None,
            until=date(2027, 1, 1),
            proposed_by="ann",
            status="approved",
        )
        day = date(2026, 1, 1)
        assert row.void(NameMatch("payment.creditor", "L", "1", match), day) is None
        [other] = INDEX.search("Otto Grimwold").matches
        assert row.void(NameMatch("payment.creditor", "L", "1", other), day) == "party_changed"
