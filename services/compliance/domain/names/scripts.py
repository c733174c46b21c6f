"""Writes names of any script in Latin letters, after a few tables of our own and anyascii for the rest.

Covered well: Latin with accents, Cyrillic, Greek, Armenian, Georgian, kana. Arabic, Persian and Hebrew leave
most vowels out: the commonest names are spelled out from a table, others give their consonants and are
compared by those. Han characters are read as Mandarin, so Chinese names are covered and Japanese ones in
kanji are not. Hangul is read by letters, with surnames as they are usually spelled.
"""

import re
import unicodedata
from typing import Final

from anyascii import anyascii

_CYRILLIC_AS_LATIN: Final = str.maketrans("аеорсухѕіјАВЕЅКМНОРСТУХІЈ", "aeopcyxsijABESKMHOPCTYXIJ")
_GREEK_AS_LATIN: Final = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονκι", "ABEZHIKMNOPTYXovki")
_LATIN_AS_CYRILLIC: Final = str.maketrans("aeopcyxABEKMHOPCTYX", "аеорсухАВЕКМНОРСТУХ")

_GREEK: Final = {"ου": "ou", "ευ": "ev", "αυ": "av", "γγ": "ng", "τζ": "j", "χ": "ch", "β": "v"}
"""Letters that sound together; anyascii takes each alone."""
_GREEK_FIRST: Final = {"μπ": "b", "ντ": "d", "γκ": "g"}
"""What they sound like at the beginning of a word."""

_HEBREW_NAMES: Final = {
    "יצחק": "yitzhak", "יעקב": "yaakov", "משה": "moshe", "דוד": "david", "אברהם": "avraham", "יוסף": "yosef",
    "שמעון": "shimon", "בנימין": "binyamin", "אהרון": "aharon", "שלמה": "shlomo", "חיים": "chaim",
    "מרים": "miriam", "שרה": "sara", "רחל": "rachel", "לאה": "lea", "דניאל": "daniel", "מיכאל": "michael",
    "כהן": "cohen", "לוי": "levi", "מזרחי": "mizrahi", "פרץ": "peretz", "ישראל": "israel",
}  # fmt: skip

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

_HANGUL_SURNAMES: Final = {
    "김": "kim", "이": "lee", "리": "ri", "박": "pak", "최": "choe", "정": "jong", "강": "kang", "조": "cho",
    "윤": "yun", "장": "jang", "임": "im", "림": "rim", "한": "han", "오": "o", "서": "so", "신": "sin",
    "권": "kwon", "황": "hwang", "안": "an", "송": "song", "류": "ryu", "유": "yu", "전": "jon", "홍": "hong",
    "고": "ko", "문": "mun", "양": "yang", "손": "son", "배": "pae", "백": "paek", "허": "ho", "노": "no",
    "로": "ro", "주": "ju", "현": "hyon", "태": "thae",
}  # fmt: skip

_HIDDEN: Final = re.compile(
    r"[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What is not seen: control and format characters, joiners, direction marks, variation selectors."""

_OVERRIDE: Final = re.compile("\u202e([^\u202c\u202d\u202e]*)[\u202c\u202d]?")
"""Text shown from right to left whatever it is: a name stored backwards reads forwards."""

_MAY_BE_PICTURE: Final = re.compile(r"[\u00a1-\u00bf\u2000-\u2bff\u3000-\u303f\U0001f000-\U0001faff]")
"""Blocks of signs and pictures; the one letter that some of them are is kept."""
_WORD: Final = re.compile(r"\S+")
_MARKS: Final = re.compile(r"[\u0300-\u036f\u064b-\u065f\u0670\u0591-\u05c7]")
_ARABIC: Final = re.compile(r"[\u0600-\u06ff\u0750-\u077f]")
_HEBREW: Final = re.compile(r"[\u0590-\u05ff]")
_ABJAD: Final = re.compile(r"[\u0590-\u06ff\u0750-\u077f]")
_GREEK_LETTER: Final = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
_CYRILLIC: Final = re.compile(r"[\u0400-\u052f]")
_LATIN: Final = re.compile(r"[A-Za-z]")
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_HANGUL: Final = re.compile(r"[\uac00-\ud7a3]")
_SYLLABLE: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[\s,;/·・･‧•\u3000\-‐‑–—_]+")


def without_hidden(name: str) -> str:
    """Return the name as a reader sees it: overrides of direction carried out, hidden characters gone."""
    if "\u202e" in name:
        name = _OVERRIDE.sub(lambda found: found[1][::-1], name)
    return _HIDDEN.sub("", name)


def latin(name: str) -> tuple[str, frozenset[str]]:
    """Write a name in ASCII; also return those of its words of which only the consonants are known.

    The words are in lower case, as they stand in the text lower-cased.
    """
    words: list[str] = []
    consonants: set[str] = set()
    for word in _words_of(name):
        if word.isascii():
            words.append(word)
        elif _ARABIC.search(word):
            _read_abjad(_arabic(word), words, consonants)
        elif _HEBREW.search(word):
            bare = _MARKS.sub("", word)
            _read_abjad([_HEBREW_NAMES.get(bare) or (anyascii(bare),)], words, consonants)
        elif _HANGUL.search(word):
            words += _hangul(word)
        elif _HAN.search(word):
            words += _SYLLABLE.split(anyascii(word))
        else:
            words.append(_alphabetic(word))
    return " ".join(words), frozenset(consonants)


def _words_of(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", without_hidden(name))
    if _MAY_BE_PICTURE.search(text) is not None:
        text = _MAY_BE_PICTURE.sub(_letter_of, text)
    return _SEPARATORS.split(text)


def _letter_of(found: re.Match[str]) -> str:
    """Return a sign as it is where it stands for a letter or a digit; a picture is no word of a name."""
    sign = found[0]
    is_letter = unicodedata.category(sign)[0] in "LN" or len(anyascii(sign)) == 1
    return sign if is_letter else " "


def by_letters_of_its_script(name: str) -> str | None:
    """Write a name in a script without vowels letter by letter; None of a name without such a word.

    Nobody says it so, but two names in that script can be compared by it, with slips.
    """
    if not _ABJAD.search(name):
        return None
    return " ".join(
        [
            anyascii(_MARKS.sub("", word).translate(_ARABIC_ONE_LETTER)).replace("'", "")
            for word in _words_of(name)
        ]
    )


def _read_abjad(found: list[str | tuple[str]], words: list[str], consonants: set[str]) -> None:
    """Add words read from a table as they are, others (in a tuple) as consonants."""
    for each in found:
        if isinstance(each, str):
            words.append(each)
            continue
        bare = re.sub(r"[^a-z0-9]", "", each[0].lower())
        # Within a word these letters mostly stand for long vowels.
        bare = bare[:1] + bare[1:].replace("w", "u").replace("y", "i")
        words.append(bare)
        if not bare.isdigit():
            consonants.add(bare)


def _arabic(word: str) -> list[str | tuple[str]]:
    bare = _MARKS.sub("", word).translate(_ARABIC_ONE_LETTER)
    known = _ARABIC_NAMES.get(bare)
    if known is not None:
        return [known]
    if bare.startswith("عبدال") and len(bare) > 6:
        return ["abd", "al", *_arabic(bare[5:])]
    if bare.startswith("ال") and len(bare) > 4:
        return ["al", *_arabic(bare[2:])]
    return [(anyascii(bare),)]


def _hangul(word: str) -> list[str]:
    """A name of two to four syllables begins with its surname; a single syllable may be one."""
    surname = _HANGUL_SURNAMES.get(word[0]) if len(word) <= 4 else None
    given = word if surname is None else word[1:]
    syllables = [
        syllable.lower().replace("eu", "u").replace("eo", "o")
        for syllable in _SYLLABLE.split(anyascii(given))
        if syllable
    ]
    return syllables if surname is None else [surname, *syllables]


def _alphabetic(word: str) -> str:
    """Read a word of letters; one that mixes scripts is taken for what it looks like."""
    mixes = _LATIN.search(word) is not None
    if _CYRILLIC.search(word):
        word = word.replace("ё", "йо").replace("Ё", "Йо")
        if mixes and _only_looks_latin(word):
            word = word.translate(_CYRILLIC_AS_LATIN)
        elif mixes:
            word = word.translate(_LATIN_AS_CYRILLIC)
    elif _GREEK_LETTER.search(word):
        if mixes:
            word = word.translate(_GREEK_AS_LATIN)
        else:
            word = _MARKS.sub("", unicodedata.normalize("NFD", word)).lower()
            word = _GREEK_FIRST.get(word[:2], word[:2]) + word[2:]
            for letters, sound in _GREEK.items():
                word = word.replace(letters, sound)
    return anyascii(word)


def _only_looks_latin(word: str) -> bool:
    return not _CYRILLIC.search(word.translate(_CYRILLIC_AS_LATIN))
