"""What the words weigh that tell little in a name: titles, legal forms, particles, initials, remarks."""

from functools import lru_cache
from typing import Final, Literal

from services.compliance.domain.names.spelling import Spelled
from services.compliance.domain.names.words import (
    HALF_NAMES,
    ORGANISATION_FORMS,
    PARTICLES,
    TITLES,
    VESSEL_PREFIXES,
    WEIGHT_OF_FORM,
    WEIGHT_OF_HALF_NAME,
    WEIGHT_OF_INITIAL,
    WEIGHT_OF_PARTICLE,
    WEIGHT_OF_TITLE,
)

NameKind = Literal["person", "organisation", "vessel", "aircraft", "unknown"]


def light_weights_beside(spelled: Spelled, kind: NameKind | None) -> tuple[float | None, ...]:
    """Return the light weights of a name as it is without its remarks, and each remark's by itself."""
    kept = iter(light_weights(spelled.kept, kind))
    return tuple(
        [
            light_weight(part, kind) if n in spelled.remarks else next(kept)
            for n, part in enumerate(spelled.parts)
        ]
    )


def light_weight(part: str, kind: NameKind | None) -> float | None:
    """Return the weight of a word that tells little in a name of this kind; None of any other."""
    if part in PARTICLES:
        return WEIGHT_OF_PARTICLE
    if kind != "person" and part in ORGANISATION_FORMS:
        return WEIGHT_OF_FORM
    if kind in ("person", "unknown", None) and part in TITLES:
        return WEIGHT_OF_TITLE
    if kind in ("vessel", "unknown", None) and part in VESSEL_PREFIXES:
        return WEIGHT_OF_TITLE
    if part in HALF_NAMES:
        return WEIGHT_OF_HALF_NAME
    if len(part) == 1 and not part.isdigit():
        return WEIGHT_OF_INITIAL
    return None


@lru_cache(maxsize=1 << 10)
def light_weights(parts: tuple[str, ...], kind: NameKind | None) -> tuple[float | None, ...]:
    """Return `light_weight` of each part, but none where too little of the name would be left.

    A title or particle beside one name is part of the name, so that "Captain Undertow" is not just anybody
    Undertow; one beside a legal form is not. A name of nothing but light words is compared by all of them.
    """
    light = tuple([light_weight(part, kind) for part in parts])
    named = light.count(None)
    if named == 0:
        return (None,) * len(parts)
    if named == 1 and len(parts) > 1:
        return tuple(
            [
                None if each in _BESIDE_ONE and WEIGHT_OF_FORM not in light[n - (n > 0) : n + 2] else each
                for n, each in enumerate(light)
            ]
        )
    return light


_BESIDE_ONE: Final = (WEIGHT_OF_TITLE, WEIGHT_OF_PARTICLE, WEIGHT_OF_HALF_NAME)
