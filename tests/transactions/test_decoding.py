"""What is read of an instructions record, however bad it is: an instruction, a fault, or an error's name."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.domain.decoding import MalformedInstruction, decode_instruction
from services.transactions.domain.reasons import REASONS
from services.transactions.handlers.memory import TYPES
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.base import InstructionBase, content_of
from shared.runtime.errors import UnreadableRecord
from tests.transactions.support import instruction, named_id, transfer

BASE = transfer("alice", "bob", "12.34")
TEXT = json.dumps(BASE)
RESERVED = json.dumps(instruction("post_pending", owner="alice", pending_id=named_id("reserved"))).encode()


def changed(**fields: Any) -> bytes:
    """A good transfer but for these fields."""
    return json.dumps({**BASE, **fields}).encode()


def without(name: str) -> bytes:
    """A good transfer but for a field that is missing."""
    return json.dumps({key: value for key, value in BASE.items() if key != name}).encode()


def spelt(amount: str) -> bytes:
    """A good transfer but for the amount, spelt as no Python value is."""
    return TEXT.replace('"12.34"', amount).encode()


def added(text: str) -> bytes:
    """A good transfer with something more behind it."""
    return (TEXT[:-1] + text + "}").encode()


def outcome_of(value: bytes) -> str:
    """In a word: ok, or reason and field, or the error's name after a `!`."""
    try:
        decoded = decode_instruction(TYPES, value)
    except UnreadableRecord as error:
        return f"!{error.error}"
    if isinstance(decoded, MalformedInstruction):
        assert REASONS[decoded.fault.reason].rung == "form"
        return f"{decoded.fault.reason} {decoded.fault.field}"
    return "ok"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(TEXT.encode(), "ok", id="good"),
        pytest.param(changed(new_field={"a": [1]}), "ok", id="fields of a later version are ignored"),
        pytest.param(changed(value_date=None), "ok", id="null where it may be"),
        pytest.param(added(',"x":' + "1" * 900_000), "ok", id="a million digits nobody reads"),
        pytest.param(changed(instruction_id=BASE["instruction_id"].upper()), "ok", id="another spelling"),
        pytest.param(changed(amount=12.34), "amount_not_a_string amount", id="float"),
        pytest.param(changed(amount=12), "amount_not_a_string amount", id="int"),
        pytest.param(changed(amount=None), "amount_not_a_string amount", id="null"),
        pytest.param(spelt("NaN"), "!not_json", id="NaN"),
        pytest.param(spelt("-Infinity"), "!not_json", id="-Infinity"),
        pytest.param(added(',"x":NaN'), "!not_json", id="NaN in a field of a later version"),
        pytest.param(added(',"x":-Infinity'), "!not_json", id="-Infinity in a field of a later version"),
        pytest.param(added(',"x":{"y":[1,Infinity]}'), "!not_json", id="Infinity deep inside"),
        pytest.param(
            json.dumps({**BASE, "channel": {}}).encode()[:-1] + b',"x":NaN}',
            "!not_json",
            id="NaN behind a block",
        ),
        pytest.param(
            RESERVED[:-1] + b',"final":true,"x":NaN}', "!not_json", id="NaN behind a field that is no text"
        ),
        pytest.param(added(',"x":"NaN"'), "ok", id="NaN as a text nobody reads"),
        pytest.param(spelt("1e999999999"), "amount_not_a_string amount", id="1e999999999"),
        pytest.param(spelt("1" * 900_000), "amount_not_a_string amount", id="a million digits"),
        pytest.param(changed(amount=""), "amount_malformed amount", id="empty amount"),
        pytest.param(changed(amount="9" * 61), "amount_malformed amount", id="long amount"),
        pytest.param(without("amount"), "field_missing amount", id="no amount"),
        pytest.param(changed(asset=5), "field_wrong_type asset", id="wrong type"),
        pytest.param(changed(channel=5), "field_wrong_type channel", id="block of the wrong type"),
        pytest.param(changed(asset="\u202eEUR"), "field_malformed asset", id="right-to-left"),
        pytest.param(changed(credit_account="bob\u200b"), "field_malformed credit_account", id="zero width"),
        pytest.param(changed(credit_account="bob\0"), "field_malformed credit_account", id="null byte"),
        pytest.param(
            changed(business_reference="\0"), "field_malformed business_reference", id="null byte in text"
        ),
        pytest.param(
            changed(channel={"channel": "pigeon"}), "field_value_unknown channel.channel", id="unknown value"
        ),
        pytest.param(changed(payment={"uetr": "1"}), "field_malformed payment.uetr", id="no UETR"),
        pytest.param(
            changed(payment={"instructed_amount": 1}),
            "amount_not_a_string payment.instructed_amount",
            id="an amount inside a block",
        ),
        pytest.param(changed(value_date="2026-13-01"), "date_malformed value_date", id="month 13"),
        pytest.param(
            changed(occurred_at="2026-01-01T00:00:00"), "date_malformed occurred_at", id="no offset"
        ),
        pytest.param(without("instruction_id"), "!no_instruction_id", id="no id"),
        pytest.param(changed(instruction_id="17"), "!no_instruction_id", id="id is no UUID"),
        pytest.param(without("owner"), "!no_owner", id="no owner"),
        pytest.param(changed(owner="\u202e"), "!no_owner", id="owner is no code"),
        pytest.param(without("type"), "!no_type", id="no type"),
        pytest.param(changed(type="teleport"), "!unknown_type", id="unknown type"),
        pytest.param(changed(type=["transfer"]), "!unknown_type", id="type is a list"),
        pytest.param(added(',"amount":"99.00"'), "!duplicate_key", id="two amounts"),
        pytest.param(added(',"\\u0061mount":"99.00"'), "!duplicate_key", id="two amounts, one escaped"),
        pytest.param(added(',"x":{"a":1,"a":1}'), "!duplicate_key", id="duplicate key deep inside"),
        pytest.param(
            json.dumps({**BASE, "payment": None, "channel": None}).encode()[:-1] + b',"amount":"99.00"}',
            "!duplicate_key",
            id="duplicate key behind nulls",
        ),
        pytest.param(
            RESERVED[:-1] + b',"final":true,"dry_run":false,"amount":"1.00","amount":"99.00"}',
            "!duplicate_key",
            id="duplicate key behind fields that are no texts",
        ),
        pytest.param(
            json.dumps({**BASE, "payment": {}, "channel": {}}).encode()[:-1] + b',"amount":"99.00"}',
            "!duplicate_key",
            id="duplicate key behind empty blocks",
        ),
        pytest.param(added(',"business_reference":"\\ud800"'), "!not_json", id="lone surrogate"),
        pytest.param(b"[" * 100_000, "!too_deep", id="100,000 levels"),
        pytest.param(added(',"x":' + "[" * 60 + "]" * 60), "!too_deep", id="60 levels nobody reads"),
        pytest.param(TEXT.encode("utf-16"), "!not_json", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), "!not_json", id="byte order mark"),
        pytest.param(b"\xff\xfe\0", "!not_json", id="no UTF-8"),
        pytest.param(b"\0", "!not_json", id="null byte alone"),
        pytest.param(TEXT.encode()[:-1], "!not_json", id="cut off"),
        pytest.param(b"", "!empty", id="empty"),
        pytest.param(b" \n", "!empty", id="blank"),
        pytest.param(b"null", "!not_an_object", id="null alone"),
        pytest.param(b'["transfer"]', "!not_an_object", id="a list"),
        pytest.param(changed(x="x" * 1_100_000), "!too_large", id="over-size"),
    ],
)
def test_each_record_is_read_or_named(value: bytes, expected: str) -> None:
    """Bad input never stops good input, and upstream learns what was wrong."""
    assert outcome_of(value) == expected


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_nothing_but_unreadable_leaves_the_decoder(value: bytes) -> None:
    """Whatever the bytes are."""
    outcome_of(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*BASE, "payment", "channel", "value_date", "limit"]), JSON))
@settings(deadline=None)
def test_any_value_in_any_field_has_an_outcome(fields: dict[str, Any]) -> None:
    """Fields of any JSON value, on top of a good instruction."""
    outcome_of(json.dumps({**BASE, **fields}).encode("utf-8", "surrogatepass"))


def test_a_malformed_record_has_the_same_content_however_it_is_spaced() -> None:
    """So that a repeat is a duplicate."""
    one = decode_instruction(TYPES, changed(amount=5))
    other = decode_instruction(TYPES, json.dumps({**BASE, "amount": 5}, indent=4, sort_keys=True).encode())
    assert isinstance(one, MalformedInstruction)
    assert isinstance(other, MalformedInstruction)
    assert one.content == other.content
    assert one.content_hash == other.content_hash


def test_content_that_is_too_large_to_keep_is_hashed_all_the_same() -> None:
    """Two large malformed records are told apart by their hashes."""
    one = decode_instruction(TYPES, changed(amount=5, x="x" * 100_000))
    other = decode_instruction(TYPES, changed(amount=5, x="y" * 100_000))
    assert isinstance(one, MalformedInstruction)
    assert isinstance(other, MalformedInstruction)
    assert one.content is other.content is None
    assert one.content_hash != other.content_hash


@pytest.mark.parametrize("message", INSTRUCTIONS)
def test_the_id_is_the_first_field_of_every_content(message: type[InstructionBase]) -> None:
    """`records` cuts it out there instead of spelling it."""
    given_id = uuid.uuid4()
    built = message.model_construct(
        _fields_set={"instruction_id", "owner"}, instruction_id=given_id, owner="a"
    )
    assert content_of(built).startswith(b'{"instruction_id":"%b"' % str(given_id).encode())
