"""How names are spelled for comparison, and how alike two of them are found to be."""

import pytest

from services.compliance.domain.names.likeness import Likeness, Name, align
from services.compliance.domain.names.official import official_style_score
from services.compliance.domain.names.sounds import fold, soundex
from services.compliance.domain.names.spelling import (
    CHARACTERS_MAX,
    PART_CHARACTERS_MAX,
    PARTS_MAX,
    spell,
)
from services.compliance.domain.names.weights import light_weights


def name_of(text: str) -> Name:
    """Spell a name and weigh its parts alike."""
    spelled = spell(text)
    light = light_weights(spelled.parts, None)
    return Name(
        spelled.parts,
        tuple(1.0 if each is None else each for each in light),
        surname=spelled.surname,
        vowelless=spelled.vowelless,
    )


def compared(one: str, other: str) -> Likeness:
    """Compare two names without a list."""
    return align(name_of(one), name_of(other))


SAME = [
    ("DJIBO, Ousmane Illiassou", "Ousmane Illiassou DJIBO"),
    ("Müller, Jürgen", "JURGEN MULLER"),
    ("Mu\u0308ller Ju\u0308rgen", "Müller Jürgen"),
    ("Oßwaldt", "OSSWALDT"),
    ("O'Brien-Smith", "SMITH OBRIEN"),
    ("ＡＬＩＣＥ", "alice"),
    ("Dr. Jane Doe", "Doe, Jane"),
    ("Jane Doe Jr", "Jane Doe"),
    ("Umbra Vortex Trading Limited", "UMBRA VORTEX TRADING LTD"),
    ("Schattenfels GmbH", "SCHATTENFELS G.m.b.H."),
    ("Acme", "Acme S.A. de C.V."),
    ("MV Phantom Harvester", "PHANTOM HARVESTER"),
    ("Bank of Atlantis", "Atlantis Bank"),
    ("Малахит Хребтовский", "Malakhit Khrebtovskiy"),
    ("Владимир Владимирович", "Vladimirovich, Vladimir"),
    ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoulos"),
    ("习近平", "XI, Jinping"),
    ("김정은", "KIM, Jong Un"),
    ("やまだ はなこ", "Yamada Hanako"),
    ("محمد حسن", "Hasan, Muhammad"),
    ("طارق عزيز", "Aziz, Tariq"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_accents_order_titles_forms_and_script_do_not_tell_names_apart(one: str, other: str):
    """The same party is spelled in many ways; these are equal, not just alike."""
    likeness = compared(one, other)
    assert likeness.is_equal
    assert likeness.score > 0.85


ALIKE = [
    ("Mohammed Hussein", "MUHAMMAD, Husayn", 0.90),
    ("Abdul Rahman al-Hakim", "HAKIM, Abdurrahman", 0.90),
    ("Jurgen Mueller", "Müller, Jürgen", 0.95),
    ("Yuriy Tchaikovsky", "Юрий Чайковский", 0.80),
    ("Jon Smith", "John Smith", 0.80),
    ("Jhon Smith", "John Smith", 0.80),
    ("Johnn Smith", "John Smith", 0.90),
    ("Quillfeathr Araminta", "Quillfeather, Araminta", 0.85),
    ("J. Smith", "John Smith", 0.70),
    ("Ousmane Djibo", "DJIBO, Ousmane Illiassou", 0.75),
    ("יצחק רבין", "Yitzhak Rabin", 0.85),
    ("فلاديمير بوتين", "Vladimir Putin", 0.85),
    ("Nowhere and Nothing Holdings", "Nowhere & Nothing Holding PLC", 0.85),
]


@pytest.mark.parametrize(("one", "other", "at_least"), ALIKE)
def test_slips_sounds_and_romanisations_leave_names_alike(one: str, other: str, at_least: float):
    """A name is rarely typed twice in the same way; both ways round it is as much alike."""
    assert at_least <= compared(one, other).score < 1.0
    assert compared(one, other).score == pytest.approx(compared(other, one).score, abs=0.02)


DIFFERENT = [
    ("John Smith", "Jane Doe"),
    ("John Smith", "John Taylor"),
    ("Umbra Trading Company Ltd", "Vortex Trading Company Ltd"),
    ("Factory 17", "Factory 71"),
    ("Li Wei", "Li Na"),
    ("Anna Alba", "Nina Alba"),
    ("Jamal Mahmoud", "Jamal Mohamad"),
    ("...", "..."),
    ("", "Jane Doe"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_a_common_part_does_not_make_names_alike(one: str, other: str):
    """Parts that contradict each other weigh more than those in common."""
    assert compared(one, other).score < 0.65


def test_it_is_told_which_part_is_which_and_what_is_left():
    """An officer must see why, and an auditor must see it again."""
    likeness = compared("Araminta Rose Quilfeather", "Quillfeather, Araminta Jane")
    assert [(each.part, each.listed, each.how) for each in likeness.parts] == [
        ("araminta", "araminta", "equal"),
        ("quilfeather", "quillfeather", "sound"),
    ]
    assert (likeness.left, likeness.listed_left) == (("rose",), ("jane",))
    assert [(each.places, each.listed_places) for each in likeness.parts] == [((0,), (1,)), ((2,), (0,))]


def test_two_parts_written_as_one_are_told_as_joined():
    """Chinese given names, "al" and its noun, "van den" are written either way."""
    [joined] = [each for each in compared("Xi Jin Ping", "Xi Jinping").parts if each.how == "joined"]
    assert (joined.part, joined.listed, joined.places) == ("jin ping", "jinping", (1, 2))


HIDDEN = {
    "a control character in a word": ("Grim\x00wo\x07ld", ("grimwold",)),
    "tabs and line ends": ("Otto\tGrim\r\nwold", ("otto", "grim", "wold")),
    "zero width joiners": ("Gr\u200dim\u200bwold", ("grimwold",)),
    "a soft hyphen": ("Grim\u00adwold", ("grimwold",)),
    "right to left shown forwards": ("\u202edlowmirG ottO\u202c", ("otto", "grimwold")),
    "direction marks": ("\u200fOtto\u200e \u2066Grimwold\u2069", ("otto", "grimwold")),
    "letters of another script that look alike": ("Gr\u0456mw\u043eld", ("grimwold",)),
    "full width and mathematical letters": ("Ｏtto 𝐆𝐫𝐢𝐦𝐰𝐨𝐥𝐝", ("otto", "grimwold")),
    "only punctuation": ("--- !?. ,'`", ()),
    "only hidden characters": ("\u200b\u202e\x00", ()),
    "pictures": ("Otto 🙂 Grimwold ★ ✈", ("otto", "grimwold")),
    "pictures of letters": ("🅾🆃🆃🅾", ("otto",)),
}


@pytest.mark.parametrize(("text", "parts"), HIDDEN.values(), ids=HIDDEN)
def test_what_is_not_seen_does_not_hide_a_name(text: str, parts: tuple[str, ...]):
    """Somebody may try; what a reader sees is compared."""
    assert spell(text).parts == parts


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "a b " * 2_500,
        "é" * 10_000,
        "محمد " * 2_000,
        "习" * 10_000,
        "-" * 10_000,
        "\u202e" * 10_000,
    ],
)
def test_a_name_of_any_length_has_few_parts_of_few_letters(text: str):
    """The work for a name is bounded by its parts, whatever it is made of."""
    parts = spell(text).parts
    assert len(parts) <= PARTS_MAX
    assert all(len(part) <= PART_CHARACTERS_MAX for part in parts)
    assert spell(text).parts == spell(text[:CHARACTERS_MAX]).parts
    assert spell(text).is_cut, "and it is told that there is more"


SOUNDS = [
    ("abdulrahman", "abdurrahman"),
    ("abdullah", "abdallah"),
    ("khrebtovskiy", "khrebtovsky"),
    ("yusuf", "youssuf"),
    ("dzhamal", "jamal"),
    ("gonzalez", "gonzales"),
    ("mueller", "muller"),
    ("karlos", "carlos"),
    ("qureshi", "kureshi"),
    ("quesada", "kesada"),
]


@pytest.mark.parametrize(("one", "other"), SOUNDS)
def test_romanisations_of_one_name_sound_alike(one: str, other: str):
    """Transliteration is done after many systems."""
    assert fold(one) == fold(other)


def test_soundex_is_that_of_the_national_archives():
    """OFAC's search uses it; these are the Archives' own examples."""
    examples = {"washington": "W252", "lee": "L000", "gutierrez": "G362", "pfister": "P236"}
    examples |= {"jackson": "J250", "tymczak": "T522", "vandeusen": "V532", "ashcraft": "A261"}
    assert {name: soundex(name) for name in examples} == examples
    assert soundex("17") == ""


def test_the_official_style_score_takes_the_higher_of_whole_and_parts():
    """FAQ 249: the whole string by Jaro-Winkler; and part by part, with Soundex."""
    assert official_style_score(("otto", "grimwold"), ("otto", "grimwold")) == 100
    assert official_style_score(("grimwold", "otto"), ("otto", "grimwold")) == 100
    assert official_style_score(("otto", "grimwald"), ("otto", "grimwold")) > 90
    assert official_style_score(("jane", "doe"), ("otto", "grimwold")) < 60
    assert official_style_score((), ("otto",)) == official_style_score(("otto",), ()) == 0
