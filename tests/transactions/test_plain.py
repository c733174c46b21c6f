"""What is read as plain is what pydantic reads, with the same meaning; all else is left to pydantic."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.transactions.domain.decoding import MalformedInstruction, read_closely
from services.transactions.domain.plain import read_plain
from services.transactions.handlers.memory import TYPES
from shared.messages.instructions import INSTRUCTIONS
from shared.messages.instructions.base import content_of
from shared.messages.structs import struct_of
from tests.transactions.support import deposit, transfer

GOOD = transfer("alice", "bob", "12.34")

texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "x" * 141, "x" * 501, "é", "a\nb", "a\x7fb", "\u202e", "DE", "DEUTDEFF", "EUR", "12.34"]
    ),
)
times = st.one_of(
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.sampled_from(
        [
            "2026-03-01T09:30:00Z", "2026-03-01t09:30:00z", "2026-03-01 09:30:00Z", "2026-03-01T09:30Z",
            "2026-03-01T09:30:00", "2026-03-01T09:30:60Z", "2026-03-01T24:00:00Z", "2026-03-01T09:30:00+0100",
            "2026-03-01T09:30:00-00:00", "2026-03-01T09:30:00+24:00", "2026-03-01T09:30:00+23:59:59",
            "2026-03-01T09:30:00.123456Z", "2026-03-01T09:30:00.1234567Z", "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00", "1772357400", "2026-03-01",
        ]
    ),
)  # fmt: skip
days = st.one_of(
    st.dates().map(lambda day: day.isoformat()),
    st.sampled_from(
        ["2026-02-29", "2026-3-1", "20260301", "2026-03-01T00:00:00", "0000-01-01", "1772357400"]
    ),
)
anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts, times, days)
parties = st.dictionaries(st.sampled_from(["name", "country", "account", "identifier", "other"]), anything)
payments = st.fixed_dictionaries(
    {},
    optional={
        "debtor": parties,
        "creditor": parties,
        "creditor_agent": anything | st.just("DEUTDEFFXXX"),
        "debtor_agent": texts,
        "uetr": anything | st.uuids().map(str),
        "charges_bearer": anything | st.just("SHAR"),
        "instructed_asset": texts,
        "end_to_end_id": texts,
        "remittance": texts,
    },
)
channels = st.dictionaries(st.sampled_from(["channel", "device", "cash", "branch"]), anything)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "instruction_id": anything | st.uuids().map(str) | st.uuids().map(lambda each: each.hex.upper()),
    "owner": texts,
    "occurred_at": times | anything,
    "value_date": days | anything,
    "actual_settlement_date": days,
    "business_reference": anything,
    "payment": payments | anything,
    "channel": channels | anything,
    "amount": anything,
    "asset": texts,
    "credit_account": texts,
    "charges": st.sampled_from([[], None, [{"kind": "fee", "amount": "1.00", "asset": "EUR"}], [5], {}]),
    "unknown": anything,
}
fields = st.lists(
    st.sampled_from(list(CHANGES)).flatmap(lambda name: st.tuples(st.just(name), CHANGES[name])), max_size=2
).map(dict)
"""Few at a time, so that what is wrong with one does not hide another."""


@given(fields, st.booleans())
@settings(deadline=None, max_examples=1500)
def test_a_plain_instruction_is_one_that_pydantic_reads_to_the_same(
    changed: dict[str, Any], is_ascii: bool
) -> None:
    """But for codes that no account or asset can have: those are found out when they are looked up."""
    value = json.dumps({**GOOD, **changed}, ensure_ascii=is_ascii).encode(errors="surrogatepass")
    plain = read_plain(value, TYPES)
    if plain is None:
        return
    read = read_closely(value)
    if isinstance(read, MalformedInstruction):
        assert read.fault.field in ("debit_account", "credit_account", "asset")
        assert read.fault.reason == "field_malformed"
        return
    assert content_of(read) == plain.content
    assert str(read.instruction_id) == plain.instruction_id
    assert read.owner == plain.owner
    for name in type(read).model_fields:
        there = getattr(plain.fields, name, msgspec.UNSET)
        if name != "type" and name not in ("payment", "channel"):
            assert (there is not msgspec.UNSET) == (name in read.model_fields_set)
            assert there is msgspec.UNSET or there == getattr(read, name)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (json.dumps({**GOOD, "new_field": 1}), "a field of a later version"),
        (json.dumps(GOOD)[:-1] + ',"amount":"99.99"}', "a key twice"),
        (json.dumps({**GOOD, "payment": {}})[:-2] + '"uetr":null,"uetr":null}}', "a key twice in a block"),
        (json.dumps({**GOOD, "business_reference": "a\nb"}), "an escape"),
        (json.dumps({**GOOD, "business_reference": "a\x7fb"}, ensure_ascii=False), "a control character"),
        (json.dumps({**GOOD, "owner": "al ice"}), "an owner that is no code"),
        (json.dumps({**GOOD, "value_date": "1850-01-01"}), "a date out of bounds"),
        (json.dumps({**GOOD, "amount": 12}), "a wrong type"),
        (json.dumps({**GOOD, "business_reference": "é" * 141}, ensure_ascii=False), "a long text"),
        (json.dumps({**GOOD, "type": "open_account"}), "another type"),
        (json.dumps({**GOOD, "charges": [{"kind": "fee", "amount": "1", "asset": "EUR"}]}), "two movements"),
        (json.dumps(GOOD) + "x", "something behind it"),
        ("", "nothing"),
    ],
)
def test_what_needs_a_second_look_is_not_plain(value: str, why: str) -> None:
    """Somebody else reads it."""
    assert read_plain(value.encode(), TYPES) is None, why


def test_a_good_instruction_is_plain_however_its_json_is_laid_out() -> None:
    """Order and spaces are the sender's."""
    for message in (
        GOOD,
        deposit("alice", "1.00", payment={"debtor": {"name": "Zoë"}}, value_date="2026-01-02"),
    ):
        shuffled = dict(reversed(list(message.items())))
        one = read_plain(json.dumps(message, ensure_ascii=False).encode(), TYPES)
        other = read_plain(json.dumps(shuffled, indent=2, ensure_ascii=False).encode(), TYPES)
        assert one is not None
        assert other is not None
        assert one.content == other.content


@pytest.mark.parametrize("model", INSTRUCTIONS)
def test_every_message_class_has_a_struct_of_the_same_fields(model: Any) -> None:
    """A field of a type that no struct can have is found when it is added, not in production."""
    struct = struct_of(model)
    assert list(struct.__struct_fields__) == [name for name in model.model_fields if name != "type"]
