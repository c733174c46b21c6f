"""The reference model of names: who an instruction names, what equals an entry, what speaks for and against.

Likeness is beyond this model: which damaged names are alike is compliance's to say, with a score that is held
against the thresholds here. What is equal must be found, and what qualifies a match is reckoned again.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from audit.screening_rows import ListedEntry, ListedName

PARTIES: Final = ("debtor", "creditor", "ultimate_debtor", "ultimate_creditor")
AGENTS: Final = ("debtor_agent", "creditor_agent")
NUMBERS: Final = frozenset({"passport", "national_id", "tax_id", "registration", "lei", "imo", "mmsi"})
ACCOUNTS: Final = frozenset({"account", "crypto"})
BANKS: Final = frozenset({"bic"})
NUMBER_CHARACTERS_MIN: Final = 5

_LEGAL_FORMS_TEXT: Final = """
    ab ad ag ao aps as asa bhd bv bvba cjsc co company corp corporation cv dd doo eirl eood est fzc fzco fze
    gmbh gp inc incorporated jsc kft kg kk ks limited llc llp lp ltd ltda nv oao ojsc ood ooo ou oy oyj pao
    pjsc plc pte pty pvt rt sa sae sarl sas sca scs sdn se snc spa spol spzoo srl sro tbk uab ug wll zao zrt
"""
LEGAL_FORMS: Final = frozenset(_LEGAL_FORMS_TEXT.split())
"""Abbreviations of legal forms, without points; after GLEIF's ELF code list (ISO 20275)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody or something in an instruction that may be listed."""

    field: str
    name: str | None
    kind: str | None = None
    birth_date: str | None = None
    country: str | None = None
    numbers: tuple[tuple[str, frozenset[str]], ...] = ()
    """Each with the kinds of identifier that it may be."""


@dataclass(frozen=True, slots=True)
class Bearing:
    """What speaks for a match or against it, and by how much it moves the score."""

    what: str
    bearing: str
    change: float


def bearers_of(instruction: Mapping[str, Any]) -> list[Bearer]:
    """Everybody whom an instruction names, and the banks."""
    payment, party = instruction.get("payment") or {}, instruction.get("party") or {}
    found: list[Bearer] = []
    for role in PARTIES:
        named = payment.get(role) or {}
        numbers = _present((named.get("identifier"), NUMBERS), (named.get("account"), ACCOUNTS))
        found.append(
            Bearer(f"payment.{role}", named.get("name"), country=named.get("country"), numbers=numbers)
        )
    found += [
        Bearer(f"payment.{role}", None, numbers=_present((payment.get(role), BANKS))) for role in AGENTS
    ]
    later = instruction.get("holder")
    for each in (party, *(party.get("holders") or ()), *([later] if later else ())):
        is_holder = each is not party
        found.append(
            Bearer(
                field="party.holders" if is_holder else "party",
                name=each.get("name"),
                kind=None if is_holder else each.get("kind"),
                birth_date=each.get("birth_date"),
                country=each.get("country"),
                numbers=() if is_holder else _present((each.get("identifier"), NUMBERS)),
            )
        )
    return [each for each in found if each.name or each.numbers]


def _present(*numbers: tuple[str | None, frozenset[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((number, kinds) for number, kinds in numbers if number)


def has_number_of(bearer: Bearer, entry: ListedEntry) -> bool:
    """Whether a number is one of the entry's; a BIC names the bank by its first eight characters."""
    for text, kinds in bearer.numbers:
        for listed in entry.identifiers:
            kind, _, value = listed.partition(":")
            if kind not in kinds:
                continue
            ours, theirs = _number(text, kind), value
            if kind == "bic":
                ours, theirs = ours[:8], theirs[:8]
            if len(ours) >= NUMBER_CHARACTERS_MIN and ours == theirs:
                return True
    return False


def _number(text: str, kind: str) -> str:
    text = text.strip()
    if kind == "crypto":
        return text.lower() if re.fullmatch(r"(?i)0x[0-9a-f]{40}", text) else text
    return "".join(each for each in text if not each.isspace() and each not in "./-").upper()


def bearings(bearer: Bearer, entry: ListedEntry) -> list[Bearing]:
    """What is known of both beside the name. Figures as ADR 0020 and the guide give them."""
    found: list[Bearing] = []
    if bearer.birth_date and entry.birth_dates:
        dates = [_dates(bearer.birth_date, each) for each in entry.birth_dates]
        found.append(max(dates, key=lambda each: each.change))
    if bearer.country and entry.countries:
        agrees = bearer.country in entry.countries
        found.append(
            Bearing("country", "agrees", 0.02) if agrees else Bearing("country", "contradicts", -0.03)
        )
    if bearer.kind and entry.kind not in (bearer.kind, "unknown"):
        found.append(Bearing("kind", "contradicts", -0.10))
    return found


def _dates(ours: str, listed: str) -> Bearing:
    born = date.fromisoformat(ours)
    first, _, last = listed.partition("/")
    years = [int(each[:4]) for each in (first, last or first)]
    if years[0] <= born.year <= years[1]:
        if len(first) < len("1962-09-08"):
            return Bearing("birth_date", "agrees", 0.03)
        if ours == first:
            return Bearing("birth_date", "agrees", 0.05)
        month, day = first[5:7], first[8:10]
        is_swapped = (month, day) == (f"{born.day:02d}", f"{born.month:02d}")
        if is_swapped or (month, day) == ("01", "01") or (born.month, born.day) == (1, 1):
            return Bearing("birth_date", "agrees", 0.03)
        return Bearing("birth_date", "near", 0.0)
    if years[0] - 2 <= born.year <= years[1] + 2:
        return Bearing("birth_date", "near", 0.0)
    return Bearing("birth_date", "contradicts", -0.12)


def score_of(name_score: float, found: Sequence[Bearing], alert_at: float) -> float:
    """A name's score with what is known beside it; what alerts by its name alone still does."""
    if not found:
        return name_score
    total = min(1.0, max(0.0, name_score + sum(each.change for each in found)))
    return round(max(total, min(name_score, alert_at)), 4)


def is_same_name(name: str, listed: ListedName) -> bool:
    """Equal after normalising, in any order."""
    parts = _parts(name)
    return bool(parts) and sorted(parts) == sorted(_parts(listed.name))


def is_same_but_for_its_form(name: str, kind: str | None, listed: ListedName) -> bool:
    """Of what may be an organisation: equal without the legal form."""
    if kind == "person" or listed.kind == "person":
        return False
    bare = sorted(_bare(name))
    return bool(bare) and bare == sorted(_bare(listed.name))


def has_nothing(name: str) -> bool:
    """Whether a name is only spaces, punctuation, pictures and what is not seen: nothing can be compared."""
    return all(each in _SIGNS or each.isspace() or "\U0001f600" <= each <= "\U0001f64f" for each in name)


def has_too_much(name: str) -> bool:
    """Whether a name surely has more than the 32 words that are compared: of four Latin letters and more."""
    return len(re.findall(r"[A-Za-z]{4,}", name[:_LOOKED_AT])) > _WORDS_MAX


def may_have_too_much(name: str) -> bool:
    """Whether a name is long enough to have more words or parties than are compared."""
    return len(name) > _WORDS_MAX


_WORDS_MAX: Final = 32
_LOOKED_AT: Final = 1000


def has_unread_letters(name: str) -> bool:
    """Whether a name surely has letters of a script that compliance does not read."""
    return any(each.isalpha() and _script_of(each) in _UNREAD for each in name[:_LOOKED_AT])


def may_have_unread_letters(name: str) -> bool:
    """Whether a name has a character beside Latin, Greek, Cyrillic, Arabic and Hebrew letters, and signs."""
    return any(
        unicodedata.category(each)[0] in "LC" and _script_of(each) not in _READ for each in name[:_LOOKED_AT]
    )


def _script_of(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


_READ: Final = frozenset(("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW"))
_UNREAD: Final = frozenset(
    ("LAO", "KHMER", "MYANMAR", "TIBETAN", "MONGOLIAN", "SYRIAC", "CHEROKEE", "NKO", "YI")
)


def has_a_letter(name: str) -> bool:
    """Whether a name has a Latin letter or a digit, and so can be compared."""
    return bool(_parts(name))


_SIGNS: Final = frozenset(
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00b7\u2013\u2014\u2018\u2019\u2026\ufe0f\ufeff"
) | {chr(each) for each in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065))}
"""ASCII punctuation and some beside it, and characters that are not seen."""


def _parts(name: str) -> list[str]:
    """Latin letters and digits in lower case, marks dropped. (Other scripts are beyond this model.)"""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    for letter, spelled in _LETTERS.items():
        plain = plain.replace(letter, spelled)
    return re.findall(r"[a-z0-9]+", plain.casefold())


_LETTERS: Final = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
}


def _bare(name: str) -> list[str]:
    parts = _parts(name)
    joined: list[str] = []
    run: list[str] = []
    for part in [*parts, ""]:
        if len(part) == 1:
            run.append(part)
            continue
        word = "".join(run)
        joined += [word] if word in LEGAL_FORMS else run
        run = []
        joined += [part] if part else []
    kept = [part for part in joined if part not in LEGAL_FORMS]
    return kept or parts


def subject_of(entries: Iterable[tuple[str, str]]) -> str:
    """What the cooldown tells apart: the (list, entry) of a name alert."""
    named = sorted({f"{code}:{entry}" for code, entry in entries})
    return ",".join(named[:10]) + (f"+{len(named) - 10}" if len(named) > 10 else "")
