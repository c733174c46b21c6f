"""Reads Han characters as Mandarin: in pinyin, and as spelled in Taiwan after Wade and Giles.

A surname stands first. Readings by character are anyascii's, but for surnames that are read otherwise than
the same character elsewhere. What the bearer says may be another thing: in Cantonese, Hokkien, Japanese or
Korean, which characters do not tell.
"""

import re
from typing import Final

from anyascii import anyascii

from services.compliance.domain.names.parts import JOINED_FROM
from services.compliance.domain.names.scripts.reading import SYLLABLE, Word, in_ways, spoken

_SURNAMES: Final = {
    "单": "shan", "單": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "朴": "piao", "区": "ou", "區": "ou",
    "查": "zha", "盖": "ge", "蓋": "ge", "葛": "ge", "任": "ren", "种": "chong", "秘": "bi", "翟": "zhai",
    "乐": "yue", "樂": "yue", "召": "shao", "华": "hua", "華": "hua", "宁": "ning", "甯": "ning", "燕": "yan",
    "员": "yun", "員": "yun", "冼": "xian", "覃": "qin", "缪": "miao", "繆": "miao", "折": "she", "黑": "he",
    "佴": "nai", "那": "na", "祭": "zhai", "繁": "po", "洗": "xian", "阚": "kan", "闞": "kan", "鲍": "bao",
    "重": "chong", "行": "xing", "藏": "zang", "石": "shi", "沈": "shen", "瀋": "shen", "薛": "xue",
    "尉迟": "yuchi", "尉遲": "yuchi", "万俟": "moqi", "澹台": "tantai", "澹臺": "tantai", "令狐": "linghu",
    "长孙": "zhangsun", "長孫": "zhangsun", "欧阳": "ouyang", "歐陽": "ouyang", "司马": "sima",
    "司馬": "sima", "上官": "shangguan", "诸葛": "zhuge", "諸葛": "zhuge", "夏侯": "xiahou",
    "皇甫": "huangfu", "公孙": "gongsun", "公孫": "gongsun", "慕容": "murong", "宇文": "yuwen",
    "司徒": "situ", "司空": "sikong", "东方": "dongfang", "東方": "dongfang", "独孤": "dugu",
    "獨孤": "dugu", "南宫": "nangong", "南宮": "nangong", "西门": "ximen", "西門": "ximen", "呼延": "huyan",
    "淳于": "chunyu", "钟离": "zhongli", "鍾離": "zhongli", "鲜于": "xianyu", "鮮于": "xianyu",
    "赫连": "helian", "赫連": "helian", "完颜": "wanyan", "完顏": "wanyan", "端木": "duanmu",
    "闻人": "wenren", "聞人": "wenren", "濮阳": "puyang", "濮陽": "puyang", "申屠": "shentu",
}  # fmt: skip
"""Surnames of two characters, and those of one that are read in another way than the character elsewhere.

After the Hundred Family Surnames as read in the Table of General Standard Chinese Characters (2013)."""
_AGAIN: Final = re.compile("(.)々")
_SURNAME_CHARACTERS_MAX: Final = 2
NAME_CHARACTERS_MAX: Final = 4
"""A word of up to so many characters is taken for a surname and what is given; longer ones are firms."""

_WHOLE: Final = {
    "zhi": "chih", "chi": "chih", "shi": "shih", "ri": "jih", "zi": "tzu", "ci": "tzu", "si": "szu",
    "yi": "i", "you": "yu", "yan": "yen", "ye": "yeh", "yue": "yueh", "yong": "yung", "er": "erh",
    "e": "o", "ge": "ko", "ke": "ko", "he": "ho", "gui": "kuei", "kui": "kuei", "guo": "kuo", "kuo": "kuo",
    "huo": "huo", "shuo": "shuo", "wo": "wo",
}  # fmt: skip
_INITIALS: Final = (
    ("zh", "ch"), ("ch", "ch"), ("sh", "sh"), ("b", "p"), ("d", "t"), ("g", "k"), ("j", "ch"), ("q", "ch"),
    ("x", "hs"), ("z", "ts"), ("c", "ts"), ("r", "j"),
)  # fmt: skip
_FINALS: Final = (
    ("iong", "iung"), ("ong", "ung"), ("ian", "ien"), ("ie", "ieh"), ("ue", "ueh"), ("ve", "ueh"),
    ("uo", "o"),
)  # fmt: skip


def read_han(word: str) -> Word:
    """Return how a word of Han characters may be read: in pinyin, syllable by syllable, and as in Taiwan."""
    surname: list[str] = []
    given = word
    if len(word) <= NAME_CHARACTERS_MAX:
        for length in range(_SURNAME_CHARACTERS_MAX, 0, -1):
            known = _SURNAMES.get(word[:length])
            if known is not None:
                surname, given = [known], word[length:]
                break
    syllables = [each.lower().replace("lv", "lu").replace("nv", "nu") for each in _syllables(given)]
    pinyin = [*surname, *syllables]
    found = [spoken(*pinyin)]
    last = "".join(pinyin[1:])
    if len(word) <= NAME_CHARACTERS_MAX and len(pinyin) > 2 and (len(last) < JOINED_FROM or len(pinyin) > 3):
        # Longer ones of two are found to be one part where they are compared.
        found.append(spoken(pinyin[0], last))
    return in_ways(*found, spoken(*[_as_in_taiwan(each) for each in pinyin]))


def _syllables(characters: str) -> list[str]:
    characters = _AGAIN.sub(r"\1\1", characters)
    return [each for character in characters for each in SYLLABLE.split(anyascii(character)) if each]


def _as_in_taiwan(syllable: str) -> str:
    """Write a syllable after Wade and Giles, without strokes and points."""
    whole = _WHOLE.get(syllable)
    if whole is not None:
        return whole
    initial, changed = next((each for each in _INITIALS if syllable.startswith(each[0])), ("", ""))
    final = syllable[len(initial) :]
    for ending, spelled in _FINALS:
        if final.endswith(ending):
            final = final[: -len(ending)] + spelled
            break
    return changed + final
