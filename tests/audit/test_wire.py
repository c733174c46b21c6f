"""How the auditor judges bytes: unreadable, wrong in a field, or an instruction."""

import pytest

from audit.amounts import BadAmount, read_amount, spell_amount
from audit.places import murmur2, partition_of
from audit.wire import Asked, Unreadable, read_instruction

ID = "018f0000-0000-7000-8000-0000000000ab"
GOOD = f'{{"type":"deposit","instruction_id":"{ID}","owner":"C1","account":"A","amount":"1.00","asset":"EUR"'


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"  \n",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"\xef\xbb\xbf" + GOOD.encode() + b"}",
        GOOD.encode(),
        GOOD.encode() + b"} x",
        GOOD.replace("deposit", "time_travel").encode() + b"}",
        GOOD.replace("C1", "with space").encode() + b"}",
        GOOD.replace("018f", "x18f").encode() + b"}",
        GOOD.encode() + b',"amount":"2.00"}',
        GOOD.encode() + b',"x":NaN}',
        GOOD.encode() + b',"x":{"y":[-Infinity]}}',
        GOOD.encode() + b',"x":"\\ud800"}',
        GOOD.encode() + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        GOOD.encode() + b',"x":"' + b"a" * 1_100_000 + b'"}',
    ],
)
def test_a_record_without_id_type_or_owner_is_unreadable(value: bytes | None) -> None:
    """Nobody could be answered."""
    assert isinstance(read_instruction(value), Unreadable)


@pytest.mark.parametrize(
    ("extra", "wrong"),
    [
        ("", []),
        (',"x":1e999999999', []),
        (',"x":' + "9" * 100_000, []),
        (',"value_date":"2026-02-30"', ["value_date"]),
        (',"value_date":"2026-02-28T00:00:00"', ["value_date"]),
        (',"occurred_at":"2026-02-28T00:00:00"', ["occurred_at"]),
        (',"occurred_at":"2026-02-28T00:00:00+01:00"', []),
        (',"payment":{"creditor":{"name":""}}', ["payment.creditor.name"]),
        (',"channel":null', []),
        (',"business_reference":"\\u0000"', ["business_reference"]),
        (',"business_reference":"\u202e\u200b"', []),
    ],
)
def test_a_wrong_field_is_named(extra: str, wrong: list[str]) -> None:
    """What can be answered is answered."""
    asked = read_instruction((GOOD + extra + "}").encode())
    assert isinstance(asked, Asked)
    assert [each.field for each in asked.wrong] == wrong


@pytest.mark.parametrize(
    "spelling", ["018F000000007000800000000000{}", "{{018f0000-0000-7000-8000-0000000000ab}}"]
)
def test_every_usual_spelling_of_an_id_is_one_id(spelling: str) -> None:
    """Upper case, without hyphens, in braces."""
    spelled = spelling.format("00AB") if "{}" in spelling else spelling.replace("{{", "{").replace("}}", "}")
    asked = read_instruction((GOOD.replace("018f0000-0000-7000-8000-0000000000ab", spelled) + "}").encode())
    first = read_instruction((GOOD + "}").encode())
    assert isinstance(asked, Asked)
    assert isinstance(first, Asked)
    assert asked.instruction_id == first.instruction_id
    assert asked.content == first.content


@pytest.mark.parametrize(
    ("text", "scale", "outcome"),
    [
        ("12.34", 2, 1234),
        ("12", 2, 1200),
        ("0012.3", 2, 1230),
        ("5", 0, 5),
        ("92233720368547758.07", 2, 2**63 - 1),
        ("92233720368547758.08", 2, "amount_too_large"),
        ("1.", 2, "amount_malformed"),
        (".5", 2, "amount_malformed"),
        ("1e5", 2, "amount_malformed"),
        ("٣", 2, "amount_malformed"),
        ("-1", 2, "amount_negative"),
        ("0.00", 2, "amount_zero"),
        ("1.000", 2, "amount_too_many_decimals"),
    ],
)
def test_amounts_are_read_exactly(text: str, scale: int, outcome: int | str) -> None:
    """Integers only; each way of being wrong has its name."""
    found = read_amount(text, scale)
    assert (found.reason if isinstance(found, BadAmount) else found) == outcome


def test_spelling_an_amount_is_the_inverse_of_reading_it() -> None:
    """Also below one unit and below zero."""
    assert [spell_amount(minor, 2) for minor in (0, 7, 1234, -5)] == ["0.00", "0.07", "12.34", "-0.05"]
    assert spell_amount(5, 0) == "5"


def test_murmur2_is_kafkas() -> None:
    """Known values of Kafka's own test of `Utils.murmur2` (signed there)."""
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    for key, value in known.items():
        assert murmur2(key) == value % 2**32
    assert partition_of(b"house", 12) == (murmur2(b"house") & 0x7FFFFFFF) % 12
