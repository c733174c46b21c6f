"""A score of the kind that OFAC's own search shows, for people who compare with it.

After the words of OFAC's FAQ 249 (28 April 2021): Jaro-Winkler over the whole names; and name part by name
part with Jaro-Winkler and Soundex, put together; the higher of the two, from 0 to 100. Treasury does not
publish the formula, so figures are near those of its search, not the same.
"""

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance.JaroWinkler import similarity as jaro_winkler

from services.compliance.domain.names.sounds import soundex

SAME_SOUND: Final = 0.05
"""What a common Soundex code adds to a part's score."""
DIFFERENT_SOUND: Final = 0.9
"""What Jaro-Winkler counts of parts that do not sound alike: it is generous to common beginnings."""


def official_style_score(parts: Sequence[str], listed: Sequence[str]) -> int:
    """Score two names, given in their compared spelling, from 0 to 100."""
    if not parts or not listed:
        return 0
    whole = jaro_winkler(" ".join(parts), " ".join(listed))
    by_part = [max(_part(part, other) for other in listed) for part in parts]
    composite = sum(by_part) / len(by_part)
    covered = min(1.0, len(parts) / len(listed))
    return round(100 * max(whole, composite * (0.7 + 0.3 * covered)))


def _part(part: str, other: str) -> float:
    alike = jaro_winkler(part, other)
    if soundex(part) == soundex(other):
        return min(1.0, alike + SAME_SOUND)
    return alike * DIFFERENT_SOUND
