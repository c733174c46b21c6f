"""Reads Arabic, Persian and Hebrew, which leave most vowels out: by tables of names, else by consonants.

Hebrew consonants after ISO 259-3 in the letters in which names are usually spelled. `ו` is v or a vowel, and
`ח` is spelled h or ch: such words are read in several ways.
"""

import re
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.scripts.reading import (
    Reading,
    Sound,
    Word,
    of_consonants,
    of_letters,
    spoken,
)

_HEBREW_NAMES: Final = {
    "יצחק": "yitzhak", "יעקב": "yaakov", "משה": "moshe", "דוד": "david", "אברהם": "avraham", "יוסף": "yosef",
    "שמעון": "shimon", "בנימין": "binyamin", "אהרון": "aharon", "שלמה": "shlomo", "חיים": "chaim",
    "מרים": "miriam", "שרה": "sara", "רחל": "rachel", "לאה": "lea", "דניאל": "daniel", "מיכאל": "michael",
    "מוחמד": "muhammad", "מחמוד": "mahmud", "אחמד": "ahmad", "חסן": "hasan", "חוסיין": "husayn",
    "עלי": "ali", "עבד": "abd", "אבו": "abu", "איסמעיל": "ismail", "איברהים": "ibrahim", "יחיא": "yahya",
    "יאסר": "yasir",
    "כהן": "cohen", "לוי": "levi", "מזרחי": "mizrahi", "פרץ": "peretz", "ישראל": "israel",
}  # fmt: skip

_HEBREW: Final = {
    "א": "", "ב": "b", "ג": "g", "ד": "d", "ה": "h", "ז": "z", "ט": "t", "כ": "k", "ך": "k", "ל": "l",
    "מ": "m", "ם": "m", "נ": "n", "ן": "n", "ס": "s", "ע": "", "פ": "p", "ף": "f", "צ": "tz", "ץ": "tz",
    "ק": "k", "ר": "r", "ש": "sh", "ת": "t", "וו": "v", "יי": "i", "ג׳": "j", "צ׳": "ch", "ץ׳": "ch",
    "ז׳": "zh",
}  # fmt: skip
"""With a stroke they are sounds of other languages; two of `ו` are the consonant."""
_HEBREW_LETTER: Final = re.compile(r"וו|יי|[גצץז]׳|[\u05d0-\u05ea0-9]")
_WITH_ARTICLE_MIN: Final = 4

_ARABIC_NAMES: Final = {
    "محمد": "muhammad", "احمد": "ahmad", "محمود": "mahmud", "حامد": "hamid", "حميد": "hamid",
    "علي": "ali", "على": "ali", "حسن": "hasan", "حسين": "husayn", "عمر": "umar", "عثمان": "uthman",
    "ابراهيم": "ibrahim", "اسماعيل": "ismail", "اسحاق": "ishaq", "يعقوب": "yaqub", "يوسف": "yusuf",
    "موسى": "musa", "عيسى": "isa", "داود": "dawud", "سليمان": "sulayman", "يحيى": "yahya",
    "زكريا": "zakariya",
    "خالد": "khalid", "سعيد": "said", "سعد": "sad", "سعود": "saud", "فيصل": "faysal", "فهد": "fahd",
    "ناصر": "nasir", "نصر": "nasr", "مصطفى": "mustafa", "طارق": "tariq", "طه": "taha", "طاهر": "tahir",
    "كريم": "karim", "رحيم": "rahim", "رحمن": "rahman", "عزيز": "aziz", "قادر": "qadir", "جبار": "jabbar",
    "ستار": "sattar", "غني": "ghani", "حكيم": "hakim", "مجيد": "majid", "رشيد": "rashid", "راشد": "rashid",
    "لطيف": "latif", "سلام": "salam", "سلمان": "salman", "سالم": "salim", "سليم": "salim", "صالح": "salih",
    "صلاح": "salah", "صدام": "saddam", "قاسم": "qasim", "جعفر": "jafar", "جاسم": "jasim", "حيدر": "haydar",
    "عباس": "abbas", "زيد": "zayd", "بكر": "bakr", "وليد": "walid", "هادي": "hadi", "مهدي": "mahdi",
    "مهدى": "mahdi", "رضا": "riza", "امين": "amin", "امير": "amir", "انور": "anwar", "بشار": "bashar",
    "بشير": "bashir", "جمال": "jamal", "جلال": "jalal", "جواد": "jawad", "شريف": "sharif", "عادل": "adil",
    "عامر": "amir", "عماد": "imad", "غالب": "ghalib", "فارس": "faris", "فاروق": "faruq", "كامل": "kamil",
    "كمال": "kamal", "ماجد": "majid", "مالك": "malik", "منصور": "mansur", "نبيل": "nabil", "نور": "nur",
    "هاشم": "hashim", "ياسر": "yasir", "ياسين": "yasin", "اسامة": "usama", "لادن": "ladin",
    "حمزة": "hamza", "معاوية": "muawiya", "خليفة": "khalifa", "خليل": "khalil", "الله": "allah",
    "فاطمة": "fatima", "عائشة": "aisha", "زينب": "zaynab", "مريم": "maryam", "خديجة": "khadija",
    "اسد": "asad", "بغدادي": "baghdadi", "ظواهري": "zawahiri", "تكريتي": "tikriti", "مصري": "masri",
    "عراقي": "iraqi", "ابو": "abu", "ام": "umm", "بن": "bin", "ابن": "ibn", "بنت": "bint", "عبد": "abd",
    "عبدالله": "abdullah", "شركة": "sharika", "بنك": "bank", "مصرف": "masrif",
}  # fmt: skip
"""The commonest Arabic given names and parts of names, as they are romanised."""

_ARABIC_ONE_LETTER: Final = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ى", "ة": "ة", "ک": "ك", "ی": "ي", "ھ": "ه", "ـ": None}
)

HEBREW: Final = re.compile(r"[\u0590-\u05ff]")
ABJAD: Final = re.compile(r"[\u0590-\u06ff\u0750-\u077f\u0870-\u08ff]")
_MARKS: Final = re.compile(r"[\u064b-\u065f\u0670\u0591-\u05c7]")
_NO_LETTER: Final = re.compile(r"[^a-z0-9]")


def read_abjad(word: str) -> Word:
    """Return how a word may be read."""
    bare = _MARKS.sub("", word)
    letters = anyascii(bare.translate(_ARABIC_ONE_LETTER)).replace("'", "")
    said = _hebrew(bare) if HEBREW.search(bare) else (_arabic(bare.translate(_ARABIC_ONE_LETTER)),)
    return Word(said, spoken(letters.lower()))


def _arabic(bare: str) -> Reading:
    known = _ARABIC_NAMES.get(bare)
    if known is not None:
        return spoken(known)
    if bare.startswith("عبدال") and len(bare) > 6:
        return (*spoken("abd", "al"), *_arabic(bare[5:]))
    if bare.startswith("ال") and len(bare) > 4:
        return (Sound("al"), *_arabic(bare[2:]))
    letters = _NO_LETTER.sub("", anyascii(bare).lower())
    # Within a word these letters mostly stand for long vowels.
    return of_consonants(letters[:1] + letters[1:].replace("w", "u").replace("y", "i"))


def _hebrew(bare: str) -> tuple[Reading, ...]:
    known = _HEBREW_NAMES.get(bare)
    if known is not None:
        return (spoken(known),)
    if bare.startswith("אל") and len(bare) > _WITH_ARTICLE_MIN:
        return tuple([(Sound("al"), *each) for each in _hebrew(bare[2:])])
    # A last `ה` is not heard.
    bare = bare[:-1] if len(bare) > 2 and bare.endswith("ה") else bare
    found: dict[Reading, None] = {}
    letters: list[str] = _HEBREW_LETTER.findall(bare.replace("'", "׳"))
    for vav, het in (("u", "h"), ("v", "h"), ("u", "ch")):
        sounds = {**_HEBREW, "ו": vav, "י": "i", "ח": het}
        first = {**sounds, "ו": "v", "י": "y"}
        heard = [(sounds if n else first).get(each, each) for n, each in enumerate(letters)]
        found[of_letters(heard)] = None
    return tuple(found)
