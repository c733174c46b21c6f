"""The golden examples: one for each message type, valid, true to its own hashes, stable."""

import json
from base64 import b64encode
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared import messages
from shared.messages import acts, compliance, instructions, journal, reporting
from shared.messages.instructions import INSTRUCTION, accounts, books, fees_and_interest, payments
from shared.messages.instructions.base import content_of
from shared.messages.sealing import PARTY_KEY_RECORD, MasterKey, PartyKey, PartyKeyMade, opened
from shared.messages.topics import TOPICS

EXAMPLES = Path(messages.__file__).parent / "examples"
EXAMPLE_KEY = PartyKey(bytes(range(64)))
UNIONS: dict[str, Any] = {
    "instructions": instructions.Instruction,
    "transactions acts": acts.TransactionsAct,
    "compliance acts": acts.ComplianceAct,
    "reporting acts": acts.ReportingAct,
    "journal": journal.JournalEvent,
    "decisions": compliance.DecisionEvent,
    "alerts": compliance.AlertEvent,
    "published": reporting.PublishedEvent,
    "keys": PartyKeyMade,
}
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "instructions": instructions.INSTRUCTION,
    "transactions acts": acts.TRANSACTIONS_ACT,
    "compliance acts": acts.COMPLIANCE_ACT,
    "reporting acts": acts.REPORTING_ACT,
    "journal": journal.JOURNAL_EVENT,
    "decisions": compliance.DECISION_EVENT,
    "alerts": compliance.ALERT_EVENT,
    "published": reporting.PUBLISHED_EVENT,
    "keys": PARTY_KEY_RECORD,
}
MEMBERS = [(union, member) for union, kind in UNIONS.items() for member in (get_args(kind) or (kind,))]
IDS = [f"{union}: {member.__name__}" for union, member in MEMBERS]
AMOUNT_TYPES = [
    payments.Deposit, payments.Withdrawal, payments.Transfer, fees_and_interest.Fee,
    fees_and_interest.Interest, books.HousePosting,
]  # fmt: skip
each_member = pytest.mark.parametrize(("union", "member"), MEMBERS, ids=IDS)
each_amount_type = pytest.mark.parametrize("member", AMOUNT_TYPES, ids=lambda member: member.__name__)


@cache
def text_of(name: str) -> bytes:
    """Return an example's bytes."""
    return (EXAMPLES / f"{name}.json").read_bytes()


def example(member: type[BaseModel], **changes: Any) -> bytes:
    """Return an example with some fields changed."""
    return json.dumps({**json.loads(text_of(member.__name__)), **changes}).encode()


@each_member
def test_each_member_of_each_union_has_an_example(union: str, member: type[BaseModel]) -> None:
    """The examples are the docs' examples and what an upstream starts from."""
    assert (EXAMPLES / f"{member.__name__}.json").exists()
    assert type(ADAPTERS[union].validate_json(text_of(member.__name__))) is member


def test_each_example_belongs_to_a_message() -> None:
    """An example of a message that is gone misleads."""
    assert {path.stem for path in EXAMPLES.iterdir()} == {member.__name__ for _, member in MEMBERS}


@each_member
def test_an_example_survives_reading_and_writing(union: str, member: type[BaseModel]) -> None:
    """What is read is what is written: the fields present, under their wire names, and nothing else."""
    adapter = ADAPTERS[union]
    message = adapter.validate_json(text_of(member.__name__))
    written = message.model_dump_json(by_alias=True, exclude_unset=True)
    assert adapter.validate_json(written) == message
    assert set(json.loads(written)) == set(json.loads(text_of(member.__name__)))


@each_member
def test_unknown_fields_are_ignored(union: str, member: type[BaseModel]) -> None:
    """Messages only ever gain fields, and an old consumer must read a new producer."""
    plain = ADAPTERS[union].validate_json(text_of(member.__name__))
    assert ADAPTERS[union].validate_json(example(member, field_of_the_future={"a": [1]})) == plain


@each_member
def test_an_example_is_spelt_as_people_read_it(union: str, member: type[BaseModel]) -> None:
    """Indented by two, a line feed at the end, its type first."""
    text = text_of(member.__name__).decode()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert next(iter(json.loads(text))) == "type"


@each_amount_type
@pytest.mark.parametrize("value", [12.34, 12, 1e999, None, True, ["1.00"], {"value": "1.00"}])
def test_an_amount_that_is_no_string_is_refused_by_name(member: type[BaseModel], value: Any) -> None:
    """A JSON number has passed through binary floating point somewhere, or will."""
    with pytest.raises(ValidationError) as refused:
        INSTRUCTION.validate_json(example(member, amount=value).replace(b"Infinity", b"1e999"))
    assert {error["loc"][-1] for error in refused.value.errors()} == {"amount"}


@pytest.mark.parametrize(
    ("member", "field", "value"),
    [
        (accounts.OpenAccount, "limit", 500.0),
        (accounts.OpenAccount, "class", "savings"),
        (accounts.OpenAccount, "account", "two words"),
        (fees_and_interest.Interest, "direction", "sideways"),
        (accounts.FreezeAccount, "direction", "up"),
        (payments.Deposit, "owner", ""),
        (payments.Deposit, "value_date", "2026-02-30"),
        (payments.Deposit, "value_date", 20260301),
        (payments.Deposit, "occurred_at", "2026-03-02T09:15:00"),
        (payments.Deposit, "instruction_id", "one"),
        (payments.Deposit, "instruction_id", 7),
        (books.OpenBusinessDay, "booking_date", "tomorrow"),
    ],
)
def test_a_wrong_field_is_refused_by_name(member: type[BaseModel], field: str, value: Any) -> None:
    """Upstream is told which field to correct."""
    with pytest.raises(ValidationError) as refused:
        INSTRUCTION.validate_json(example(member, **{field: value}))
    assert field in {error["loc"][-1] for error in refused.value.errors()}


def test_any_spelling_of_an_id_is_the_same_id() -> None:
    """Otherwise a repeated instruction in capitals would be posted twice."""
    plain = INSTRUCTION.validate_json(text_of("Deposit"))
    identity = str(plain.instruction_id)
    for spelling in (identity.upper(), identity.replace("-", ""), f"{{{identity}}}", f"urn:uuid:{identity}"):
        other = INSTRUCTION.validate_json(example(payments.Deposit, instruction_id=spelling))
        assert content_of(other) == content_of(plain)


def test_a_field_left_out_is_no_difference_to_a_later_default() -> None:
    """The content hash is taken over the fields that are present, in the order of the model."""
    fields = json.loads(text_of("Deposit"))
    shuffled = json.dumps(dict(reversed(fields.items())), indent=4).encode()
    content = content_of(INSTRUCTION.validate_json(shuffled))
    assert content == content_of(INSTRUCTION.validate_json(text_of("Deposit")))
    assert set(json.loads(content)) == set(fields)


@pytest.mark.parametrize("member", [m for u, m in MEMBERS if u == "journal"], ids=lambda m: m.__name__)
def test_an_event_carries_the_instruction_it_is_about_and_its_hash(member: type[BaseModel]) -> None:
    """Examples that contradict themselves teach the wrong thing."""
    event = journal.JOURNAL_EVENT.validate_json(text_of(member.__name__))
    if event.instruction is None:
        return
    content = json.dumps(event.instruction, separators=(",", ":"), ensure_ascii=False).encode()
    assert event.content_hash == blake2b(content, digest_size=16).hexdigest()
    assert event.instruction["type"] == event.instruction_type
    assert not any(name.encode() in content for name in ("Morgenrot", "Abendwind", "Salary"))
    asked = opened(content, str(event.instruction_id), EXAMPLE_KEY)
    assert json.loads(content_of(INSTRUCTION.validate_json(asked))) == json.loads(asked)


def test_the_key_of_the_examples_is_the_one_that_is_published() -> None:
    """Whoever follows the examples can open what is sealed in them."""
    record = PARTY_KEY_RECORD.validate_json(text_of("PartyKeyMade"))
    master = MasterKey(b64encode(bytes(range(64, 128))).decode())
    key = master.unwrap(record.wrapped_bytes, record.shard, record.owner)
    assert record.key_id == key.key_id == EXAMPLE_KEY.key_id


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_each_topic_names_an_adapter_that_exists(topic: Any) -> None:
    """The reference page and the checks read the unions by that name."""
    module, _, name = topic.messages.partition(":")
    found = getattr(__import__(f"shared.messages.{module}", fromlist=[name]), name)
    assert any(found is adapter for adapter in ADAPTERS.values())


def test_no_two_members_of_a_union_share_a_type() -> None:
    """The discriminator decides alone."""
    for union in UNIONS:
        names = [member.model_fields["type"].default for each, member in MEMBERS if each == union]
        assert len(names) == len(set(names))


def test_no_two_instructions_of_the_examples_share_an_id() -> None:
    """Sent to a ledger one after the other, each would have an outcome of its own."""
    ids = [json.loads(example(member))["instruction_id"] for member in instructions.INSTRUCTIONS]
    assert len(set(ids)) == len(ids)
