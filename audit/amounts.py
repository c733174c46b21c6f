"""The auditor's own reading and spelling of amounts: integers only, one digit after the other."""

from dataclasses import dataclass
from typing import Final

LARGEST: Final = 9_223_372_036_854_775_807
"""What a signed 64-bit counter holds."""

_DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class BadAmount:
    """Why an amount cannot be taken."""

    reason: str


def read_amount(text: str, scale: int, *, zero_allowed: bool = False) -> int | BadAmount:
    """Turn a decimal string into minor units of an asset with `scale` decimals."""
    negative = text.startswith("-")
    whole, point, fraction = text[negative:].partition(".")
    well_formed = (
        1 <= len(text) <= 60
        and whole != ""
        and set(whole) <= _DIGITS
        and set(fraction) <= _DIGITS
        and (fraction != "" or point == "")
    )
    if not well_formed:
        return BadAmount("amount_malformed")
    if negative:
        return BadAmount("amount_negative")
    if len(fraction) > scale:
        return BadAmount("amount_too_many_decimals")
    minor = 0
    for digit in whole + fraction.ljust(scale, "0"):
        minor = minor * 10 + "0123456789".index(digit)
    if minor > LARGEST:
        return BadAmount("amount_too_large")
    if minor == 0 and not zero_allowed:
        return BadAmount("amount_zero")
    return minor


def spell_amount(minor: int, scale: int) -> str:
    """Spell minor units with exactly `scale` decimals."""
    sign, digits = ("-", str(-minor)) if minor < 0 else ("", str(minor))
    if scale == 0:
        return sign + digits
    while len(digits) <= scale:
        digits = "0" + digits
    return sign + digits[: len(digits) - scale] + "." + digits[len(digits) - scale :]
