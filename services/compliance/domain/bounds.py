"""What a parameter may be: the words in which each rule says its own bounds.

They are one table a rule. By it values are read and refused, and the reference lists them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from services.compliance.domain.countries import COUNTRIES
from shared.money import AMOUNT_MINOR_MAX, AmountError, parse_amount

NUMBER_MAX: Final = 100_000
"""No count or time is more; beyond it times leave the calendar."""
YEAR: Final = 366
"""Days."""
REQUIRED: Final = object()
BRIEF_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True)
class Bound:
    """What one value may be."""

    words: str
    """Follows "is not"."""
    read: Callable[[Any, int], Any]
    """From what is stored and the asset's scale; raises `ValueError`, with a reason or without."""
    default: Any = REQUIRED
    """What it is where it is left out, as `read` would return it."""


Bounds = Mapping[str, Bound]
"""By a parameter's name."""


class ValueWrongError(ValueError):
    """A value that is missing, not known, or not within its bounds; `name` is the parameter's."""

    def __init__(self, name: str, words: str, allowed: str) -> None:
        super().__init__(words)
        self.name = name
        self.allowed = allowed


class ValueUnknownError(ValueWrongError):
    """A value that a rule does not have."""


def read_values(values: Mapping[str, Any], bounds: Bounds, scale: int = 0) -> dict[str, Any]:
    """Return each value as its bound reads it, amounts in minor units; raises `ValueWrongError`.

    What else there is among the values is not looked at: see `require_known`.
    """
    found: dict[str, Any] = {}
    for name, bound in bounds.items():
        if name in values:
            found[name] = _read(name, values[name], bound, scale)
        elif bound.default is REQUIRED:
            raise ValueWrongError(name, f"{name} is missing: {bound.words}", bound.words)
        else:
            found[name] = bound.default
    return found


def require_known(values: Mapping[str, Any], bounds: Bounds, whose: str) -> None:
    """Raise `ValueUnknownError` for the first name that there is no bound of."""
    known = ", ".join(sorted(bounds))
    for name in sorted(values.keys() - bounds.keys()):
        brief = _brief(name)
        raise ValueUnknownError(brief, f"{whose} has no {brief}; it has {known}", known)


def require(holds: bool, name: str, allowed: str) -> None:
    """Raise `ValueWrongError` unless values agree with each other; `allowed` follows "has to be"."""
    if not holds:
        raise ValueWrongError(name, f"{name} has to be {allowed}", allowed)


def require_band(low: int, high: int, low_name: str, high_name: str) -> None:
    """Raise `ValueWrongError` unless amounts are a band; of what nobody can pass the ends are one."""
    require(low < high or low == AMOUNT_MINOR_MAX, high_name, f"above {low_name}")


def _read(name: str, value: Any, bound: Bound, scale: int) -> Any:
    try:
        return bound.read(value, scale)
    except ValueError as error:
        why = f" ({_brief(str(error))})" if str(error) else ""
        raise ValueWrongError(
            name, f"{name} {_brief(repr(value))} is not {bound.words}{why}", bound.words
        ) from error


def _brief(text: str) -> str:
    """Cut a text short: who has sent it knows it, and the answer must fit into its topic."""
    return text if len(text) <= BRIEF_CHARACTERS else f"{text[:BRIEF_CHARACTERS]}…"


# ── the words ─────────────────────────────────────────────────────────────────────────────────────


def count(at_least: int = 1, at_most: int = NUMBER_MAX) -> Bound:
    """A whole number."""

    def read(value: Any, scale: int) -> int:
        del scale
        if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
            raise ValueError
        return value

    return Bound(f"a whole number from {at_least:,} to {at_most:,}", read)


def percent(at_least: int = 1, at_most: int = 100) -> Bound:
    """A share in hundredths, whole."""
    return replace(
        count(at_least, at_most), words=f"a percentage, a whole number from {at_least} to {at_most}"
    )


def amount() -> Bound:
    """An amount above zero of the asset; beyond 64 bits it is one that nobody can pass."""

    def read(value: Any, scale: int) -> int:
        if not isinstance(value, str):
            raise ValueError("it is written as text")
        try:
            return parse_amount(value, scale)
        except AmountError as error:
            if error.reason == "amount_too_large":
                return AMOUNT_MINOR_MAX
            raise

    return Bound("an amount above zero, a decimal string with no more decimals than the asset's", read)


def decimal(at_least: float, at_most: float) -> Bound:
    """A decimal string."""

    def read(value: Any, scale: int) -> float:
        del scale
        if not isinstance(value, str) or not at_least <= (found := float(value)) <= at_most:
            raise ValueError
        return found

    return Bound(f"a decimal string from {at_least} to {at_most}", read)


def one_of(*words: str) -> Bound:
    """One of a few words."""

    def read(value: Any, scale: int) -> str:
        del scale
        if value not in words:
            raise ValueError
        return value

    return Bound(f"one of {', '.join(words)}", read)


def countries() -> Bound:
    """A list with one country at least."""

    def read(value: Any, scale: int) -> frozenset[str]:
        del scale
        if not _list(value):
            raise ValueError("there is none")
        unknown = [each for each in _list(value) if not isinstance(each, str) or each not in COUNTRIES]
        if unknown:
            raise ValueError(f"there is no {unknown[0]}")
        return frozenset(value)

    return Bound("a list of countries, ISO 3166-1 alpha-2", read)


def several(bound: Bound) -> Bound:
    """A list with one at least, in order."""

    def read(value: Any, scale: int) -> tuple[Any, ...]:
        found = tuple(sorted(bound.read(each, scale) for each in _list(value)))
        if not found:
            raise ValueError("there is none")
        return found

    return Bound(f"a list, each {bound.words}", read)


def pair(one: Bound, other: Bound) -> Bound:
    """A list of two."""

    def read(value: Any, scale: int) -> tuple[Any, Any]:
        if len(_list(value)) != 2:
            raise ValueError("there are not two")
        return one.read(value[0], scale), other.read(value[1], scale)

    return Bound(f"two: {one.words}, and {other.words}", read)


def by_name(bound: Bound, names: str) -> Bound:
    """A value for each of some names."""

    def read(value: Any, scale: int) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError
        given = cast(Mapping[str, Any], value)
        return {name: bound.read(each, scale) for name, each in given.items()}

    return Bound(f"by {names}, {bound.words}", read)


def or_none(bound: Bound, none: Any, words: str) -> Bound:
    """The same, or null; `none` is what null reads as, `words` what it means."""

    def read(value: Any, scale: int) -> Any:
        return none if value is None else bound.read(value, scale)

    return Bound(f"{bound.words}, or null for {words}", read)


def optional(bound: Bound, default: Any) -> Bound:
    """The same, or left out."""
    return replace(bound, default=default)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("it is no list")
    return cast(Sequence[Any], value)


HOLD_HOURS: Final = count(1, 24 * YEAR)
"""How long a hold may last before it is overdue."""
COOLDOWN_DAYS: Final = count(1, YEAR)
"""Business days in which a rule alerts once about an owner, an alert's own among them."""
