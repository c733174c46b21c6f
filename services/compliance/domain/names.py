"""Brings names to the one spelling in which they are compared.

Unicode NFKD, transliterated to ASCII (anyascii), casefolded, punctuation to spaces, parts sorted, so
that "Müller, Jürgen" and "JURGEN MULLER" are one name. Of an organisation its legal form is left out.
"""

import re
import unicodedata
from typing import Final

from anyascii import anyascii

_PART: Final = re.compile(r"[a-z0-9]+")

_FORMS: Final = (
    "ab ad ag ao aps as asa bhd bv bvba cjsc co company corp corporation cv dd doo eirl eood "
    "est fzc fzco fze gmbh gp inc incorporated jsc kft kg kk ks limited llc llp lp ltd ltda nv "
    "oao ojsc ood ooo ou oy oyj pao pjsc plc pte pty pvt rt sa sae sarl sas sca scs sdn se snc "
    "spa spol spzoo srl sro tbk uab ug wll zao zrt"
)

ORGANISATION_FORMS: Final = frozenset(_FORMS.split())
"""Legal forms in their usual abbreviation, without points; after GLEIF's ELF code list (ISO 20275)."""


def parts_of(name: str) -> list[str]:
    """Return the parts of a name in their order, as plain lower-case ASCII letters and digits."""
    text = name if name.isascii() else anyascii(unicodedata.normalize("NFKD", name))
    return _PART.findall(text.casefold())


def whole_key(name: str) -> str:
    """Return the spelling that persons' names are compared in; empty where nothing is left."""
    return " ".join(sorted(parts_of(name)))


def bare_key(name: str) -> str:
    """Return the spelling that other names are compared in: without legal forms.

    Forms spelled with points ("S.A.", "G.m.b.H.") come as single letters and are put together first. A
    name of nothing but forms keeps them.
    """
    parts = parts_of(name)
    kept = [part for part in _joined_initials(parts) if part not in ORGANISATION_FORMS]
    return " ".join(sorted(kept or parts))


def _joined_initials(parts: list[str]) -> list[str]:
    """Put a run of single letters together where it spells a legal form."""
    if all(len(part) > 1 for part in parts):
        return parts
    joined: list[str] = []
    run: list[str] = []
    for part in [*parts, ""]:
        if len(part) == 1:
            run.append(part)
            continue
        word = "".join(run)
        joined += [word] if word in ORGANISATION_FORMS else run
        run = []
        if part:
            joined.append(part)
    return joined
