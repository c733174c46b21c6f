"""Reading one field: what a text, a date or an amount may look like, and by which reason one is wrong."""

import datetime
import re
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from audit.wire.json_values import Number


class Wrong(Exception):  # noqa: N818 - a finding, not a fault
    """A value that breaks the contract; carries the dotted place below the field and fitting reasons."""

    def __init__(self, *reasons: str, place: str = "") -> None:
        super().__init__(place)
        self.place = place
        self.reasons = frozenset(reasons or ("field_malformed",))


_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}")
_UUID: Final = re.compile(
    r"(?:(?:urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
    r"|\{[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\})"
)
_WHOLE: Final = re.compile(r"-?\d{1,4000}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:?\d{2})", re.ASCII
)

Reader = Callable[[Any], Any]
"""Returns a value as it is normalised, or raises `Wrong`."""


def read_string(found: Any, *reasons: str) -> str:
    """Read a string of any length; of another kind of value the reasons given are told."""
    if not isinstance(found, str):
        raise Wrong(*(reasons or ("field_wrong_type",)))
    return found


def read_code(found: Any) -> str:
    """Read a code: an owner's, an account's, an asset's."""
    if not _CODE.fullmatch(read_string(found)):
        raise Wrong
    return found


def read_uuid(found: Any) -> str:
    """Read an id in any usual spelling; normalised to lower case with hyphens."""
    if not _UUID.fullmatch(read_string(found)):
        raise Wrong
    return str(UUID(found.removeprefix("urn:uuid:").strip("{}")))


def read_reference(found: Any) -> str:
    """Read a reference of one line, 140 characters at most."""
    if not 1 <= len(read_string(found)) <= 140 or any(ord(each) < 32 or ord(each) == 127 for each in found):
        raise Wrong
    return found


def read_words(found: Any) -> str:
    """Read free text, 500 characters at most."""
    forbidden = any(
        ord(each) == 127 or (ord(each) < 32 and each not in "\t\n") for each in read_string(found)
    )
    if not 1 <= len(found) <= 500 or forbidden:
        raise Wrong
    return found


def read_amount(found: Any) -> str:
    """Read a decimal string; whether it is an amount of its asset is judged with the asset."""
    if not 1 <= len(read_string(found, "amount_not_a_string")) <= 60:
        raise Wrong("amount_malformed")
    return found


def read_date(found: Any) -> str:
    """Read a calendar date."""
    if not _DATE.fullmatch(read_string(found, "field_wrong_type", "date_malformed")):
        raise Wrong("date_malformed")
    try:
        return datetime.date.fromisoformat(found).isoformat()
    except ValueError:
        raise Wrong("date_malformed") from None


def read_time(found: Any) -> str:
    """Read a time, normalised as messages spell it: microseconds where there are any, Z for UTC."""
    parts = _TIME.fullmatch(read_string(found, "field_wrong_type", "date_malformed"))
    if parts is None:
        raise Wrong("date_malformed")
    day, clock, fraction, offset = parts.groups()
    seconds = clock if clock.count(":") == 2 else f"{clock}:00"
    offset = "+00:00" if offset in "Zz" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{seconds}{offset}")
    except ValueError:
        raise Wrong("date_malformed") from None
    micros = (fraction or "").ljust(6, "0")[:6]
    shown = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    if int(micros or "0"):
        shown += f".{micros}"
    return shown + ("Z" if moment.utcoffset() == datetime.timedelta(0) else offset)


def matching(expression: str) -> Reader:
    """Make a reader of strings that match a regular expression whole."""
    compiled = re.compile(expression)

    def read(found: Any) -> str:
        if not compiled.fullmatch(read_string(found)):
            raise Wrong
        return found

    return read


def one_of(*allowed: str) -> Reader:
    """Make a reader of these words and no others."""

    def read(found: Any) -> str:
        if read_string(found, "field_wrong_type", "field_value_unknown") not in allowed:
            raise Wrong("field_value_unknown")
        return found

    return read


def read_whole(found: Any) -> int:
    """Read a whole number."""
    if not isinstance(found, Number) or not _WHOLE.fullmatch(found.spelling):
        raise Wrong("field_wrong_type")
    return int(found.spelling)


def read_truth(found: Any) -> bool:
    """Read true or false."""
    if not isinstance(found, bool):
        raise Wrong("field_wrong_type")
    return found


def or_null(reader: Reader) -> Reader:
    """Let a field be null, too."""
    return lambda found: None if found is None else reader(found)
