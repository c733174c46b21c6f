"""Exact money: assets, amounts in whole minor units, and their decimal spelling on the wire.

No floats and no IO. An amount is an `int` of minor units (cents, whole securities at scale 0) of one
asset; on the wire it is a decimal string such as ``"12.34"``. Scales of currencies follow ISO 4217.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

AMOUNT_MINOR_MAX: Final = 2**63 - 1
"""The largest amount or counter, in minor units: what a signed 64-bit column holds."""

SCALE_MAX: Final = 18

AssetKind = Literal["currency", "security", "none"]
"""`none` is of accounts that hold nothing themselves."""

_DECIMAL: Final = re.compile(r"(\d{1,40})(?:\.(\d{1,40}))?", re.ASCII)
_ISIN: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", re.ASCII)
_RATE: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asset:
    """A currency or a security. `scale` is the number of decimals: one unit is 10**scale minor units."""

    code: str
    kind: AssetKind
    scale: int


class AmountError(ValueError):
    """An amount that cannot be taken; `reason` is the published reason's name."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse_amount(text: str, scale: int) -> int:
    """Turn a wire amount into minor units.

    Raises `AmountError` with reason `amount_malformed`, `amount_negative`, `amount_zero`,
    `amount_too_many_decimals` or `amount_too_large`.
    """
    minor = parse_signed(text, scale)
    if minor == 0:
        raise AmountError("amount_zero", "the amount is zero")
    return minor


def parse_signed(text: str, scale: int) -> int:
    """Turn a wire amount that may be zero (a limit) into minor units; raises as `parse_amount` does."""
    whole, point, fraction = text.partition(".")
    if (
        not text.isascii()
        or not whole.isdigit()
        or (point and not fraction.isdigit())
        or not 0 < len(text) <= 60
    ):
        if text.startswith("-") and _DECIMAL.fullmatch(text[1:60]):
            raise AmountError("amount_negative", "the amount is negative")
        raise AmountError("amount_malformed", "an amount is a decimal string such as 12.34")
    if len(fraction) > scale:
        raise AmountError("amount_too_many_decimals", f"the asset has {scale} decimals")
    minor = int(whole + fraction + "0" * (scale - len(fraction)))
    if minor > AMOUNT_MINOR_MAX:
        raise AmountError("amount_too_large", "the amount does not fit 64 bits of minor units")
    return minor


def parse_exact(text: str) -> Fraction:
    """Turn a wire rate, or anything finer than minor units, into the number it spells; it may be zero.

    Raises `AmountError` with reason `amount_malformed` or `amount_negative`.
    """
    if not _RATE.fullmatch(text):
        if text.startswith("-") and _RATE.fullmatch(text[1:]):
            raise AmountError("amount_negative", "the number is negative")
        raise AmountError("amount_malformed", "it is a decimal string such as 1.0852")
    return Fraction(text)


def parse_rate(text: str) -> Fraction:
    """Turn a wire rate into the exact number it spells, however many decimals it has.

    Raises `AmountError` with reason `amount_malformed`, `amount_negative` or `amount_zero`.
    """
    rate = parse_exact(text)
    if rate == 0:
        raise AmountError("amount_zero", "the rate is zero")
    return rate


def format_amount(minor: int, scale: int) -> str:
    """Spell minor units as the decimal string the wire carries; exact inverse of `parse_signed`."""
    if scale == 0:
        return str(minor)
    digits = str(minor)
    if len(digits) > scale and minor > 0:
        return f"{digits[:-scale]}.{digits[-scale:]}"
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def check_digit(first_eleven: str) -> int:
    """Return the check digit of an ISIN's first eleven characters (ISO 6166, annex A).

    Letters count as 10 to 35, two digits each; from the right every other digit is doubled, and the digits
    of all are summed.
    """
    digits = "".join(str(int(character, 36)) for character in first_eleven)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return -total % 10


def isin_fault(text: str) -> str | None:
    """Say what is wrong with an ISIN; none if nothing is."""
    if not _ISIN.fullmatch(text):
        return f"{text!r} is no ISIN: two letters, nine letters or digits, and a check digit"
    expected = check_digit(text[:-1])
    if text[-1] != str(expected):
        return f"the check digit of {text} should be {expected}"
    return None
