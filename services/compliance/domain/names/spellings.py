"""Which parts of listed names are spelled or sound like a part of a name: a table made once for a list."""

from collections.abc import Iterable
from typing import Final

from services.compliance.domain.names.parts import (
    BONES_MIN,
    CONSONANTS,
    CONSONANTS_WITH_SLIP_MIN,
    OTHER_LETTER_FROM,
    PART_SCORE_MIN,
    SLIP,
    SOUND,
    VARIANT,
    VOWELS,
    by_letters,
    consonants_in,
    consonants_of,
    folded,
)
from services.compliance.domain.names.sounds import skeleton
from services.compliance.domain.names.words import CANONICAL

SPELLINGS_MAX: Final = 24
"""Listed parts taken for one part of a name, the most alike."""


class Spellings:
    """The distinct parts of listed names by their sound, found by parts that are spelled or sound like them.

    A *form* is a part as it is spelled, or as it sounds. Parts are alike by one slip (a letter too many, too
    few, or swapped with the next), by one other letter in longer parts, by vowels only, or by usage.
    """

    def __init__(self, parts: Iterable[str], joined: Iterable[str]) -> None:
        self._forms: dict[str, tuple[str, ...]] = {}
        """Sounds, by what is spelled so or sounds so."""
        self._lacking: dict[str, tuple[str, ...]] = {}
        """Forms, by what is left of them without one letter."""
        self._bones: dict[str, tuple[str, ...]] = {}
        self._consonants: dict[str, tuple[str, ...]] = {}
        self._lacking_consonants: dict[str, tuple[str, ...]] = {}
        self._canonical: dict[str, tuple[str, ...]] = {}
        for part in sorted({*parts, *joined}):
            sound = folded(part)
            for form in (part, sound):
                sounds = self._forms.get(form, ())
                if not sounds:
                    for rest in _rests(form):
                        self._lacking[rest] = (*self._lacking.get(rest, ()), form)
                if sound not in sounds:
                    self._forms[form] = (*sounds, sound)
            canonical = CANONICAL.get(part)
            if canonical is not None and sound not in (known := self._canonical.get(canonical, ())):
                self._canonical[canonical] = (*known, sound)
        for sound in sorted({sound for sounds in self._forms.values() for sound in sounds}):
            bones = skeleton(sound)
            self._bones[bones] = (*self._bones.get(bones, ()), sound)
            consonants = consonants_in(sound)
            if consonants not in self._consonants:
                for rest in _rests(consonants):
                    self._lacking_consonants[rest] = (*self._lacking_consonants.get(rest, ()), consonants)
            self._consonants[consonants] = (*self._consonants.get(consonants, ()), sound)

    def of(self, part: str) -> list[tuple[float, str]]:
        """Return the sounds of listed parts like this one with how alike they are, the most alike first."""
        forms, lacking = self._forms, self._lacking
        found: dict[str, float] = {}
        sound = folded(part)
        if len(part) < 2 or part.isdigit():
            return [(1.0, sound)] if part in forms else []
        for form in (part, sound) if sound != part else (part,):
            length = len(form)
            one_more, one_less = 1.0 - SLIP / (length + 1), 1.0 - SLIP / length
            for more in lacking.get(form, ()):
                _keep(found, forms[more], one_more)
            rests = _rests(form)
            for rest in rests:
                if rest in forms:
                    _keep(found, forms[rest], one_less)
            for swapped in _swapped(form):
                if swapped in forms:
                    _keep(found, forms[swapped], one_less)
            if length >= OTHER_LETTER_FROM:
                others = {other for rest in rests for other in lacking.get(rest, ())}
                others.discard(form)
                for other in others:
                    score, _ = by_letters(form, other)
                    if score > 0.0:
                        _keep(found, forms[other], score)
        bones = skeleton(sound)
        if len(bones) >= BONES_MIN + bones.startswith("'"):
            length = len(sound)
            for other in self._bones.get(bones, ()):
                if -2 < len(other) - length < 2:
                    _keep(found, (other,), VOWELS)
        canonical = CANONICAL.get(part)
        if canonical is not None:
            _keep(found, self._canonical.get(canonical, ()), VARIANT)
        _keep(found, forms.get(sound, ()), SOUND)
        _keep(found, forms.get(part, ()), SOUND)
        return _best(found)

    def of_consonants(self, part: str) -> list[tuple[float, str]]:
        """Return the sounds of listed parts with the consonants of this one, which has no vowels."""
        found: dict[str, float] = {}
        consonants = consonants_of(part)
        if len(consonants) > 1:
            _keep(found, self._consonants.get(consonants, ()), CONSONANTS)
        if len(consonants) >= CONSONANTS_WITH_SLIP_MIN:
            others = {
                *_rests(consonants),
                *_swapped(consonants),
                *self._lacking_consonants.get(consonants, ()),
            }
            for other in others:
                score, how = by_letters(consonants, other)
                if how == "slip":
                    _keep(found, self._consonants.get(other, ()), score)
        _keep(found, self._forms.get(part, ()), SOUND)
        return _best(found)


def _keep(found: dict[str, float], sounds: tuple[str, ...], score: float) -> None:
    for sound in sounds:
        if found.get(sound, 0.0) < score:
            found[sound] = score


def _best(found: dict[str, float]) -> list[tuple[float, str]]:
    ordered = sorted(
        [(score, sound) for sound, score in found.items() if score >= PART_SCORE_MIN], reverse=True
    )
    return ordered[:SPELLINGS_MAX]


def _rests(form: str) -> set[str]:
    """Return what is left of a form without each one of its letters; nothing of two letters."""
    if len(form) < 3:
        return set()
    return {form[:n] + form[n + 1 :] for n in range(len(form))}


def _swapped(form: str) -> list[str]:
    return [form[:n] + form[n + 1] + form[n] + form[n + 2 :] for n in range(len(form) - 1)]
