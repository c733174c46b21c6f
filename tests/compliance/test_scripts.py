"""Names written in other scripts are found by how a list spells them in Latin letters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compliance.domain.lists.party import ListedParty
from services.compliance.domain.matches import ALERT_AT, HOLD_AT
from services.compliance.domain.names.evidence import NOTHING_KNOWN
from services.compliance.domain.names.readings import PIECES_MAX, other_readings
from services.compliance.domain.names.scripts import has_unknown_letters, latin, otherwise
from services.compliance.domain.names.spelling import PARTS_MAX
from services.compliance.domain.watchlist import CANDIDATES_MAX, NamesIndex

FOUND = [
    ("Ευάγγελος Τσιμπούρης", "TSIMPOURIS, Evangelos"),
    ("Ελευθέριος Αυγερινός", "AVGERINOS, Eleftherios"),
    ("Μπάλτας Ψυχογιός", "PSYCHOGIOS, Baltas"),
    ("מוחמד סלאמה", "SALAMEH, Mohammed"),  # Arabic names in Hebrew letters
    ("חאתם זועבי", "ZUABI, Hatem"),
    ("זאב וולף", "WOLF, Zeev"),
    ("מאיר כהנוב", "KAHANOV, Meir"),  # k and h are no kh
    ("ზვიად ღვინჯილია", "GHVINJILIA, Zviad"),
    ("Ոսկան Ջուղուրյան", "JUGHURYAN, Voskan"),
    ("Երվանդ Սուքիասյան", "SUKIASYAN, Yervand"),
    ("कमल शर्मा", "SHARMA, Kamal"),
    ("लक्ष्मण वाजपेयी", "VAJPAYEE, Lakshman"),
    ("हाफिज रिजवान", "RIZWAN, Hafiz"),  # j without a point may be z
    ("জিয়াউল চক্রবর্তী", "CHAKRABARTI, Ziaul"),
    ("ਗੁਰਮੀਤ ਸਿੰਘ ਢਿੱਲੋਂ", "DHILLON, Gurmeet Singh"),
    ("જિગ્નેશ પરમાર", "PARMAR, Jignesh"),
    ("பிரபாகரன் முருகேசன்", "MURUGESAN, Prabhakaran"),  # one letter for p, b and bh
    ("వెంకట నాయుడు", "NAIDU, Venkata"),
    ("ಮಂಜುನಾಥ ಹೆಗಡೆ", "HEGADE, Manjunatha"),
    ("ശ്രീധരൻ നായർ", "NAIR, Sreedharan"),
    ("ප්‍රියන්ත ජයවර්ධන", "JAYAWARDHANA, Priyantha"),
    ("トウジョウ シュンイチ", "TOJO, Shunichi"),
    ("ﾉｸﾞﾁ ｷﾖｼ", "NOGUCHI, Kiyoshi"),  # as banks in Japan send it
    ("いのうえ じゅんぺい", "INOUE, Jumpei"),
    ("イスマイル・ラフマン", "RAHMAN, Ismail"),  # r and l, f and h
    ("리평철", "RI, Phyong Chol"),
    ("박승현", "PARK, Seung-hyun"),
    ("황보영석", "HWANGBO, Yeong Seok"),  # a surname of two syllables
    ("单志强", "SHAN, Zhiqiang"),  # read otherwise as a surname
    ("歐陽明", "OUYANG, Ming"),
    ("王一夫", "WANG, Yifu"),  # short names written as one
    ("谢国強", "HSIEH, Kuo-chiang"),  # as spelled in Taiwan
    ("佐々木", "Zuo Zuo Mu"),  # as Mandarin: how it is said the characters do not tell
    ("นายสมคิด วงศ์สุวรรณ", "WONGSUWAN, Somkid"),  # with a title, and letters that are not heard
    ("วิชัย พัฒนพงศ์", "PATTANAPONG, Wichai"),
    ("ደሳለኝ ተስፋዬ", "TESFAYE, Desalegn"),
]
INDEX = NamesIndex(
    "L", "1", [ListedParty(str(n), "person", (listed,)) for n, (_, listed) in enumerate(FOUND)]
)


@pytest.mark.parametrize(("name", "listed"), FOUND, ids=[name for name, _ in FOUND])
def test_a_name_in_another_script_is_found_by_its_latin_spelling(name: str, listed: str):
    """Lists spell names in Latin letters, after one of several systems or as the bearer does."""
    found = [
        each.name
        for each in INDEX.search(name).matches
        if each.level(NOTHING_KNOWN, alert_at=ALERT_AT, hold_at=HOLD_AT) != "clear"
    ]
    assert found == [listed]


ORDINARY = """
    Μαρία Παπαδοπούλου; Γιώργος Νικολάου; יוסי ביטון; רחל לוי; გიორგი ბერიძე; Արմեն Գրիգորյան; राहुल वर्मा
    প্রিয়া দাস; செந்தில் குமார்; タナカ ヒロシ; ジョン・スミス; 김민수; 王伟; สมหญิง ใจดี; አበበ ከበደ
"""


@pytest.mark.parametrize(
    "name", [each.strip() for each in ORDINARY.replace("\n", ";").split(";") if each.strip()]
)
def test_an_ordinary_name_in_another_script_finds_nobody(name: str):
    """What is left open is not taken for anybody."""
    assert INDEX.search(name).matches == ()


def test_a_listed_name_in_its_own_script_is_found_in_it():
    """Slips and other readings aside: the same letters are the same name."""
    parties = [ListedParty(str(n), "person", (name,)) for n, (name, _) in enumerate(FOUND)]
    index = NamesIndex("L", "1", parties)
    for party in parties:
        assert party.entry_id in {each.entry_id for each in index.find(party.names[0])}


def test_how_a_word_is_read_depends_on_no_other_word():
    """Each of the ways of one is tried with each of the other's."""
    assert {text for text, _ in (latin("ラフ イル"), *otherwise("ラフ イル"))} == {
        f"{one} {other}" for one in ("rafu", "lafu") for other in ("iru", "ilu")
    }


MONSTERS = [
    "ラル " * 400,
    "สมคิด " * 300,
    "חיו" * 400,
    "한" * 1_000,
    "単" * 1_000,
    "कमल; " * 300,
    "a" + "ิ" * 999,
]


@pytest.mark.parametrize("text", MONSTERS)
def test_the_other_readings_of_a_name_are_few_whatever_it_is(text: str):
    """Each costs a search of its own."""
    found = other_readings(text)
    assert len(found) <= PIECES_MAX
    assert all(len(each.parts) <= PARTS_MAX for each in found)
    assert INDEX.search(text).candidates <= 2 * (PIECES_MAX + 1) * CANDIDATES_MAX


LETTERS = "aé.; אבוחיהאل محمدのルッャーんグ김정은リ李々單 सिंहाज़़্যকரகனకంഅൻ සිංหสิร์ทว อ ለማ Ωουυαυ եւոբ ღᲡ"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=LETTERS, max_size=30))
def test_any_text_of_these_scripts_can_be_read(text: str):
    """In ASCII, in few ways, and always in the same."""
    for read, consonants in (latin(text), *otherwise(text)):
        assert read.isascii()
        assert consonants <= set(read.lower().split())
    assert not has_unknown_letters(text)
    assert INDEX.search(text) == NamesIndex("L", "1", INDEX.parties).search(text)
