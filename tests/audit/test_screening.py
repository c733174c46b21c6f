"""The naive model of the rules: what it finds in a stream of events, and in what compliance says of them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from audit.checks.screening import screening_equals_recomputation
from audit.evidence import ALERTS, DECISIONS, JOURNAL, Evidence, Record
from audit.examination import Examination
from audit.screening import Expected, screen
from audit.screening_rows import (
    Activation,
    ListCheck,
    ListedEntry,
    ListedName,
    RuleChange,
    RuleParameter,
    ShadowFinding,
    Whitelisting,
)
from tests.audit.honest import ALICE, BOB, PARTITIONS, START, Upstream, books

DATA = books(Upstream()).screening
ALICES, BOBS = 0, 1
"""The shards in which they are at home."""


def cash(
    hours: float, amount: str, *, direction: str = "in", day: str = "2026-01-05", **more: Any
) -> dict[str, Any]:
    """Banknotes that Alice brings or takes."""
    customer = {"account": "A", "owner": ALICE, "entity": "BANK", "class": "cash"}
    house = {"account": "V", "owner": "house", "entity": "BANK", "class": "vault"}
    debit, credit = (house, customer) if direction == "in" else (customer, house)
    movement = {"leg": 0, "kind": "principal", "amount": amount, "asset": "EUR", "scale": 2}
    at = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(hours=hours)
    return {
        "type": "TransactionPosted",
        "owner": ALICE,
        "booking_date": day,
        "movements": [{**movement, "debit": debit, "credit": credit}],
        "instruction": {"channel": {"cash": True}, "occurred_at": at.isoformat()},
        **more,
    }


def journalled(events: Sequence[dict[str, Any]], shard: int) -> list[Record]:
    """These events of one shard as records, numbered as they come."""
    records: list[Record] = []
    for number, event in enumerate(events, start=1):
        happened = datetime.fromisoformat(event.get("instruction", {}).get("occurred_at", START.isoformat()))
        recorded_at = max(START, happened).isoformat()
        body = {"recorded_at": recorded_at, "instruction_id": str(UUID(int=number)), **event}
        body |= {"shard": shard, "seq": number}
        headers = {"shard": shard, "seq": number, "prev": number - 1}
        spelled = tuple((name, str(value).encode()) for name, value in headers.items())
        records.append(Record(JOURNAL, shard, number, 0, b"", json.dumps(body).encode(), spelled))
    return records


def judged(events: Sequence[dict[str, Any]], shard: int = ALICES) -> Expected:
    """What the model says of these events of one shard."""
    assert DATA is not None
    records = journalled(events, shard)
    return screen(Evidence(partitions=PARTITIONS, topics={JOURNAL: records}), DATA)[shard]


def rules(said: Expected) -> list[str]:
    """The rules that alerted."""
    return sorted(rule for _, rule, _, _ in said.alerts)


FOUND: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("over the threshold in one", [cash(0, "10000.01")], ["CTR-1"]),
    ("exactly the threshold", [cash(0, "10000.00")], []),
    ("in parts, together over", [cash(0, "6000.00"), cash(1, "4000.01")], ["CTR-1", "STR-1"]),
    ("on two days", [cash(0, "6000.00"), cash(24, "4000.01", day="2026-01-06")], []),
    ("in and out", [cash(0, "6000.00"), cash(1, "4000.01", direction="out")], []),
    (
        "three in the band",
        [cash(h, "8000.00", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 11, 23.9))],
        ["STR-1"],
    ),
    (
        "three in more than a day",
        [cash(h, "8000.00", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 12, 24))],
        [],
    ),
    (
        "just below the band",
        [cash(h, "7999.99", day=f"2026-01-0{5 + n}") for n, h in enumerate((0, 1, 2))],
        [],
    ),
    ("weekly", [cash(168 * n, "9000.00", day=f"2026-01-{5 + 7 * n:02d}") for n in range(3)], ["STR-1"]),
    ("two weeks", [cash(168 * n, "9000.00", day=f"2026-01-{5 + 7 * n:02d}") for n in range(2)], []),
]


@pytest.mark.parametrize(("name", "events", "expected"), FOUND, ids=[name for name, _, _ in FOUND])
def test_cash_rules_find_what_they_say(name: str, events: list[dict[str, Any]], expected: list[str]) -> None:
    """Thresholds are exclusive, days and directions apart, weeks run from Monday."""
    assert rules(judged(events)) == expected


def test_one_alert_of_a_rule_an_owner_and_a_day() -> None:
    """The first finding stands."""
    said = judged([cash(0, "10000.01"), cash(1, "20000.00")])
    findings = said.alerts[ALICE, "CTR-1", "2026-01-05", ""]
    assert [dict(each.facts)["count"] for each in findings] == [1]


def test_a_waiting_payment_is_cleared_or_held() -> None:
    """Structuring of the home owner holds it; nothing found clears it."""
    waits: dict[str, Any] = {"type": "TransactionPending", "screening": True}
    assert judged([cash(0, "500.00", direction="out", **waits)]).cleared == {str(UUID(int=1))}
    said = judged([cash(h, "9000.00", direction="out", day=f"2026-01-0{5 + h}", **waits) for h in range(3)])
    assert list(said.held) == [str(UUID(int=3))]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Doctor Evil", "hold"),
        ("EVIL,  doctor!", "hold"),
        ("Dóctor Évil", "hold"),
        ("Doctor Evil Jr", None),
        ("The Doc", None),
    ],
)
def test_a_name_on_a_list_must_be_found_however_it_is_spelled(name: str, level: str | None) -> None:
    """Case, marks, punctuation and order do not count; every part does; a weak alias need not be found."""
    assert must_be_found({"payment": {"creditor": {"name": name}}}) == {level} - {None}


BESIDE: list[tuple[str, dict[str, Any], str]] = [
    ("all agrees", {"birth_date": "1962-09-08", "country": "FR"}, "hold"),
    ("day and month exchanged", {"birth_date": "1962-08-09"}, "hold"),
    ("born near", {"birth_date": "1964-01-01"}, "hold"),
    ("born at another time", {"birth_date": "1985-01-17"}, "hold"),
    ("and elsewhere", {"birth_date": "1985-01-17", "country": "DE"}, "hold"),
    ("and no person", {"birth_date": "1985-01-17", "country": "DE", "kind": "organisation"}, "alert"),
]


@pytest.mark.parametrize(("name", "known", "level"), BESIDE, ids=[name for name, _, _ in BESIDE])
def test_what_is_known_beside_an_equal_name_moves_its_level(
    name: str, known: dict[str, Any], level: str
) -> None:
    """0.12 for the birth date, 0.03 for the country and 0.10 for the kind are needed to come below 0.85."""
    assert must_be_found({"party": {"name": "Doctor Evil", **known}}) == {level}


@pytest.mark.parametrize(
    ("payment", "hits"),
    [
        ({"creditor": {"name": "Jane Doe", "identifier": "x-123 45"}}, True),
        ({"creditor": {"name": "Jane Doe", "identifier": "X12346"}}, False),
        ({"creditor": {"account": "X12345"}}, False),
        ({"debtor_agent": "EVILFRPPXXX"}, True),
        ({"debtor_agent": "EVILFRP1"}, False),
    ],
)
def test_an_identifier_must_be_found_as_what_it_is(payment: dict[str, Any], hits: bool) -> None:
    """A passport number among accounts is another number; a bank is named by eight characters of its BIC."""
    assert must_be_found({"payment": payment}) == ({"hold"} if hits else set())


@pytest.mark.parametrize(
    ("name", "level"), [("???", "hold"), ("\u200b …", "hold"), ("🙂", "hold"), ("Jane?", None), ("7", None)]
)
def test_a_name_of_nothing_must_be_told_of(name: str, level: str | None) -> None:
    """Whoever bears it, no list can say."""
    assert must_be_found({"payment": {"creditor": {"name": name}}}) == {level} - {None}


def must_be_found(instruction: dict[str, Any]) -> set[str | None]:
    """The levels of what must be found in an instruction."""
    [named] = judged([cash(0, "1.00", instruction=instruction)]).named.values()
    return set(named.must.values())


ALIKE: dict[str, Any] = {
    "field": "payment.creditor",
    "list": "OFAC",
    "list_version": "1",
    "entry": "E1",
    "comparison": "alike",
    "score": 0.9,
    "name_score": 0.9,
    "alert_at": 0.7,
    "hold_at": 0.85,
    "weak_alias": False,
    "evidence": [],
}
DISAGREES = [{"what": "country", "bearing": "contradicts", "change": -0.03}]
UNNAMED = {"comparison": "unnamed", "entry": None, "list": None}
TOLD: list[tuple[str, dict[str, Any], dict[str, Any], str | None]] = [
    ("a hold borne out", {}, {}, None),
    ("an alert borne out", {"score": 0.8, "name_score": 0.8, "kind": "AlertRaised"}, {}, None),
    ("held below the level", {"score": 0.8, "name_score": 0.8}, {}, "alike enough to hold"),
    ("alerted above it", {"kind": "AlertRaised"}, {}, "did not"),
    ("below both", {"score": 0.6, "name_score": 0.6}, {}, "is below 0.7"),
    ("another score", {"score": 0.9, "name_score": 0.8}, {}, "the score is 0.8"),
    ("other thresholds", {"hold_at": 0.5}, {}, "parameters"),
    ("an old version", {"list_version": "0"}, {}, "1 was active"),
    ("no such entry", {"entry": "E2"}, {}, "not on OFAC"),
    ("nobody there", {"field": "payment.debtor"}, {}, "nobody stands"),
    ("evidence left out", {}, {"country": "DE"}, "beside the name"),
    ("evidence told", {"score": 0.87, "evidence": DISAGREES}, {"country": "DE"}, None),
    ("a weak alias", {"weak_alias": True}, {}, "no birth date confirms"),
    ("whitelisted by two", {"whitelisting": {"id": "W1", "void": None}, "kind": "DecisionMade"}, {}, None),
    ("whitelisted, yet held", {"whitelisting": {"id": "W1", "void": None}}, {}, "alike enough to hold"),
    ("whitelisted by one", {"whitelisting": {"id": "W2", "void": None}}, {}, "one person"),
    ("whitelisted by nobody", {"whitelisting": {"id": "W3", "void": None}}, {}, "nobody has"),
    ("a pair that is void", {"whitelisting": {"id": "W1", "void": "expired"}}, {}, None),
    ("cleared above it", {"kind": "DecisionMade"}, {}, "did not"),
    ("no identifier", {"comparison": "identifier", "score": 1.0}, {}, "another one"),
    ("an identifier", {"comparison": "identifier", "score": 1.0}, {"identifier": "X12345"}, None),
    ("a name of nothing", UNNAMED, {"name": "???"}, None),
    (
        "a name of nothing, cleared",
        {**UNNAMED, "kind": "DecisionMade"},
        {"name": "?"},
        "did not",
    ),
    ("no name of nothing", UNNAMED, {}, "can be compared"),
    ("nothing told of it", {}, {"name": "???"}, "lacks"),
    ("a name of too much", {**UNNAMED, "comparison": "too_long"}, {"name": "word " * 33}, None),
    ("it could be compared", {**UNNAMED, "comparison": "too_long"}, {}, "can be compared"),
    ("not told of it", {}, {"name": "word " * 33}, "lacks"),
    ("an unknown script", {**UNNAMED, "comparison": "unknown_script"}, {"name": "မောင်မောင်"}, None),
    ("a known script", {**UNNAMED, "comparison": "unknown_script"}, {}, "can be compared"),
    ("not told of a script", {}, {"name": "မောင်မောင်"}, "lacks"),
]


CLEARED: dict[str, Any] = {"type": "DecisionMade", "decision": "cleared"}


@pytest.mark.parametrize(("name", "told", "creditor", "wrong"), TOLD, ids=[each[0] for each in TOLD])
def test_what_is_found_beyond_equal_names_bears_its_score_out(
    name: str, told: dict[str, Any], creditor: dict[str, Any], wrong: str | None
) -> None:
    """The auditor does not know which names are alike; it knows what must follow from the score told."""
    told = {**ALIKE, **told}
    kind = told.pop("kind", "HoldPlaced")
    event: dict[str, Any] = {"type": "TransactionPending", "screening": True}
    event["instruction"] = {"payment": {"creditor": {"name": "Dotcor Evill", **creditor}}}
    about = {"shard": ALICES, "seq": 1}
    finding = {"rule": "SAN-1", "rule_version": 1, "sentence": "", "values": told}
    body: dict[str, Any] = {"type": kind, "owner": ALICE, "findings": [finding], "first": about}
    body |= {"about": about, "rule": "SAN-1", "business_date": "2026-01-05", "decision": "cleared"}
    answers: dict[str, list[dict[str, Any]]] = {"AlertRaised": [CLEARED], "DecisionMade": [body]}
    assert DATA is not None
    pairs = [
        Whitelisting(ALICES, each, ALICE, "OFAC", "E1", "ann", by)
        for each, by in (("W1", "ben"), ("W2", None))
    ]
    evidence = Evidence(
        partitions=PARTITIONS,
        topics={
            JOURNAL: journalled([cash(0, "1.00", **event)], ALICES),
            ALERTS: journalled([body] if kind != "DecisionMade" else [], ALICES),
            DECISIONS: journalled(answers.get(kind, []), ALICES),
        },
        screening=replace(DATA, whitelistings=pairs),
    )
    result = screening_equals_recomputation(Examination(evidence))
    if wrong is None:
        assert result.ok, result.examples
    else:
        assert any(wrong in each for each in result.examples), result.examples


OLD: dict[str, Any] = {
    "field": "lists",
    "comparison": "not_screened",
    "list": "OFAC",
    "list_version": "1",
    "checked_on": "2025-12-31",
    "days": 2,
}
AGED: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    ("marked", "mark", OLD, "DecisionMade", None),
    ("held", "hold", OLD, "HoldPlaced", None),
    ("cleared, though it is to be held", "hold", OLD, "DecisionMade", "cleared, though"),
    ("not marked", "mark", {}, "DecisionMade", "too old"),
    ("not said of a hold", "hold", {}, "HoldPlaced", "too old"),
    ("marked by another age", "mark", {**OLD, "days": 3}, "DecisionMade", "too old"),
    ("marked by another list", "mark", {**OLD, "list": "UN"}, "DecisionMade", "too old"),
    ("an alert", "mark", OLD, "AlertRaised", "raises no alert"),
]


@pytest.mark.parametrize(("name", "setting", "told", "kind", "wrong"), AGED, ids=[each[0] for each in AGED])
def test_what_an_old_list_screened_is_marked_or_held(
    name: str, setting: str, told: dict[str, Any], kind: str, wrong: str | None
) -> None:
    """The list was last read two days before the payment, and one is allowed."""
    result = aged({"list_days_max": {"*": 1}, "when_outdated": setting}, told, kind)
    if wrong is None:
        assert not [each for each in result if "old" in each or "hold" in each], result
    else:
        assert any(wrong in each for each in result), result


def test_what_a_young_list_screened_is_neither() -> None:
    """Two days are allowed, or any number of this list: whoever marks it is wrong."""
    for limits in ({"*": 2}, {"*": 0, "OFAC": None}, {"UN": 1}):
        assert not any("too old" in each for each in aged({"list_days_max": limits}, {}, "DecisionMade"))
        assert any("too old" in each for each in aged({"list_days_max": limits}, OLD, "DecisionMade"))


def test_a_list_is_said_to_be_too_old_only_if_it_is() -> None:
    """The warning is held against the same record of when it was read."""
    said = {"type": "ListOutdated", "list_code": "OFAC", "version": "1"}
    assert not any("not too old" in each for each in aged({"list_days_max": {"*": 1}}, {}, "", said))
    assert any("not too old" in each for each in aged({"list_days_max": {"*": 2}}, {}, "", said))
    other = {**said, "version": "2"}
    assert any("not too old" in each for each in aged({"list_days_max": {"*": 1}}, {}, "", other))


def aged(
    values: dict[str, Any], told: dict[str, Any], kind: str, said: dict[str, Any] | None = None
) -> Sequence[str]:
    """What differs where a payment is answered so, two days after the list was read."""
    assert DATA is not None
    event: dict[str, Any] = {"type": "TransactionPending", "screening": True}
    event["instruction"] = {"payment": {"creditor": {"name": "Jane Doe"}}}
    about = {"shard": ALICES, "seq": 1}
    findings = [{"rule": "SAN-1", "rule_version": 1, "sentence": "", "values": told}] if told else []
    body: dict[str, Any] = {"type": kind, "owner": ALICE, "findings": findings, "first": about}
    body |= {"about": about, "rule": "SAN-1", "business_date": "2026-01-05", "decision": "cleared"}
    alerts = [said] if said is not None else [body] if kind != "DecisionMade" else []
    read_at = START - timedelta(days=2)
    screening = replace(
        DATA,
        parameters=[
            replace(each, values={**each.values, **values}) if each.rule == "SAN-1" else each
            for each in DATA.parameters
        ],
        checks=[
            ListCheck(ALICES, 0, "OFAC", "1", read_at),
            ListCheck(BOBS, 0, "OFAC", "1", START),
            ListCheck(ALICES, 2, "OFAC", "1", START),
        ],
    )
    evidence = Evidence(
        partitions=PARTITIONS,
        topics={
            JOURNAL: journalled([cash(0, "1.00", **event)], ALICES),
            ALERTS: journalled(alerts, ALICES),
            DECISIONS: journalled([body] if kind == "DecisionMade" else [], ALICES),
        },
        screening=screening,
    )
    return screening_equals_recomputation(Examination(evidence)).examples


def test_a_customer_who_became_listed_must_have_been_told_of() -> None:
    """Whoever is equal to an entry of the version active now has alerted, by then or when it came."""
    assert DATA is not None
    newer = replace(
        DATA,
        names=[*DATA.names, ListedName("OFAC", "2", "E2", "person", "Good, Doctor")],
        entries=[*DATA.entries, ListedEntry("OFAC", "2", "E2", "person")],
        activations=[*DATA.activations, Activation(ALICES, 3, "OFAC", "2")],
    )
    opened = {"type": "InstructionApplied", "owner": ALICE, "instruction": {"party": {"name": "Doctor Good"}}}
    evidence = Evidence(partitions=PARTITIONS, topics={JOURNAL: journalled([opened], ALICES)})
    evidence.screening = newer
    result = screening_equals_recomputation(Examination(evidence))
    assert [each for each in result.examples if "nobody was told" in each]
    pair = Whitelisting(ALICES, "W1", ALICE, "OFAC", "E2", "ann", "ben")
    for spared in (replace(newer, unfinished={ALICES}), replace(newer, whitelistings=[pair])):
        evidence.screening = spared
        assert screening_equals_recomputation(Examination(evidence)).ok


def test_who_was_named_before_a_list_was_there_must_have_been_told_of_when_it_came() -> None:
    """A list that is not there cannot be asked; when it comes, customers are looked at, and payments not."""
    assert DATA is not None
    came = datetime(2026, 2, 1, tzinfo=UTC)
    newer = replace(
        DATA,
        names=[*DATA.names, ListedName("UN", "1", "U1", "person", "Good, Doctor")],
        entries=[*DATA.entries, ListedEntry("UN", "1", "U1", "person")],
        activations=[*DATA.activations, Activation(ALICES, 3, "UN", "1")],
        checks=[*DATA.checks, ListCheck(ALICES, 3, "UN", "1", came)],
    )
    party = {"party": {"name": "Doctor Good"}}
    opened = {"type": "InstructionApplied", "owner": ALICE, "instruction": party}
    paid = cash(0, "1.00", instruction={"payment": {"creditor": {"name": "Doctor Good"}}})
    evidence = Evidence(partitions=PARTITIONS, topics={JOURNAL: journalled([opened, paid], ALICES)})
    evidence.screening = newer
    examples = list(screening_equals_recomputation(Examination(evidence)).examples)
    assert examples == [f"shard {ALICES}: {ALICES}-1 names [('UN', 'U1')], and nobody was told"]
    late = {"recorded_at": (came + timedelta(minutes=1)).isoformat()}
    evidence.topics = {JOURNAL: journalled([{**paid, **late}], ALICES)}
    examples = list(screening_equals_recomputation(Examination(evidence)).examples)
    assert examples == [f"shard {ALICES}: {ALICES}-1 names U1, and there is no alert"]


def test_an_equal_name_that_was_not_found_is_missed() -> None:
    """Posted, it must have alerted; waiting, it must be held."""
    for waits, words in ((False, "there is no alert"), (True, "held")):
        event: dict[str, Any] = {"type": "TransactionPending", "screening": True} if waits else {}
        event["instruction"] = {"payment": {"creditor": {"name": "Doctor Evil"}}}
        decisions = journalled([{"type": "DecisionMade", "decision": "cleared"}], ALICES) if waits else []
        evidence = Evidence(
            partitions=PARTITIONS,
            topics={JOURNAL: journalled([cash(0, "1.00", **event)], ALICES), DECISIONS: decisions},
            screening=DATA,
        )
        result = screening_equals_recomputation(Examination(evidence))
        assert any(words in each for each in result.examples), result.examples


def test_copies_already_had_and_copies_ahead_are_passed_over() -> None:
    """A secondary copy adds the cash of its partition's owners, once, and no names."""
    event: dict[str, Any] = {
        **cash(0, "10000.01"),
        "shard": ALICES,
        "seq": 5,
        "recorded_at": START.isoformat(),
    }
    event["movements"][0]["credit"]["owner"] = BOB
    event["instruction_id"] = str(UUID(int=5))
    event["instruction"]["payment"] = {"creditor": {"name": "Doctor Evil"}}
    body = json.dumps(event).encode()

    def copy(offset: int, seq: int, prev: int) -> Record:
        headers = {"shard": ALICES, "seq": seq, "prev": prev}
        spelled = tuple((name, str(value).encode()) for name, value in headers.items())
        return Record(JOURNAL, BOBS, offset, 0, b"", body, spelled)

    records = [copy(0, 7, 5), copy(1, 5, 0), copy(2, 5, 0), copy(3, 7, 5)]
    assert DATA is not None
    said = screen(Evidence(partitions=PARTITIONS, topics={JOURNAL: records}), DATA)[BOBS]
    assert said.events == 2
    assert [(owner, rule) for owner, rule, _, _ in said.alerts] == [(BOB, "CTR-1")]


@pytest.mark.parametrize(("proposed_by", "is_wrong"), [(None, True), ("ann", True), ("ben", False)])
def test_a_listed_name_released_by_one_person_is_found(proposed_by: str | None, is_wrong: bool) -> None:
    """Two people release it, whatever the service's tables let through."""
    hold = {"type": "HoldPlaced", "owner": ALICE, "findings": []}
    released = {
        "type": "DecisionMade",
        "decision": "released",
        "act_id": "a",
        "actor": "ann",
        "findings": [{"rule": "SAN-1"}],
        "proposed_by": proposed_by,
    }
    topics = {ALERTS: journalled([hold], ALICES), DECISIONS: journalled([released], ALICES)}
    evidence = Evidence(partitions=PARTITIONS, topics=topics, screening=DATA)
    result = screening_equals_recomputation(Examination(evidence))
    assert any("by one person" in each for each in result.examples) == is_wrong, result.examples


def change(offset: int, after: str, *, seq: int = 1, before: str = "proposed", **more: Any) -> RuleChange:
    """A lower threshold of CTR-1, and from which record on it is so in Alice's shard."""
    row = RuleParameter("CTR-1", 1001, "*", {"over": "4999"}, START.date(), None)
    fields: dict[str, Any] = {"actor": "ben", "proposed_by": "ann", "row": row, "shard": ALICES, **more}
    return RuleChange(seq=seq, proposal_id="p", before=before, after=after, journal_offset=offset, **fields)


DEPOSITS = [cash(24 * n, "5000.00", day=f"2026-01-0{5 + n}") for n in range(4)]


def found_on(changes: Sequence[RuleChange], deposits: Sequence[dict[str, Any]] = DEPOSITS) -> Expected:
    """What the model says of deposits on four days, with these changes."""
    assert DATA is not None
    records = journalled(deposits, ALICES)
    evidence = Evidence(partitions=PARTITIONS, topics={JOURNAL: records})
    return screen(evidence, replace(DATA, changes=changes))[ALICES]


CHANGES: list[tuple[str, list[RuleChange], list[int]]] = [
    ("from a record on", [change(3, "live")], [7, 8]),
    ("up to a record", [change(1, "live"), change(3, "withdrawn", seq=2, before="live")], [5, 6]),
    ("in another shard", [change(1, "live", shard=BOBS)], []),
    ("in shadow", [change(1, "shadow")], []),
    ("in shadow, then live", [change(1, "shadow"), change(4, "live", seq=2, before="shadow")], [8]),
]


@pytest.mark.parametrize(("name", "changes", "days"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_a_version_judges_from_its_record_on(name: str, changes: list[RuleChange], days: list[int]) -> None:
    """And not from a day, an instant or a batch."""
    found = [int(day[-2:]) for _, _, day, _ in found_on(changes).alerts]
    assert found == days


def test_a_version_in_shadow_finds_beside_what_is_live() -> None:
    """While it is in shadow, once by owner and day; what is live goes on as it did."""
    changes = [change(2, "shadow"), change(4, "live", seq=2, before="shadow")]
    said = found_on(changes, [*DEPOSITS[:3], cash(49, "6000.00", day="2026-01-07")])
    assert list(said.shadowed) == [
        ("p", ALICE, "CTR-1", "2026-01-06", False),
        ("p", ALICE, "CTR-1", "2026-01-07", False),
    ]
    assert [key[2] for key in said.alerts if key[1] == "CTR-1"] == ["2026-01-07"]


def test_a_rule_without_values_is_off() -> None:
    """As if it had no parameters at all."""
    off = RuleParameter("CTR-1", 1001, "*", {}, START.date(), None)
    over = [cash(0, "20000.00")]
    assert rules(found_on([], over)) == ["CTR-1"]
    assert rules(found_on([change(1, "live", row=off)], over)) == []


CHANGED: dict[str, Any] = {
    "type": "ParametersChanged",
    "shard": ALICES,
    "seq": 1,
    "proposal_id": "p",
    "before": "proposed",
    "after": "live",
    "journal_offset": 3,
    "actor": "ben",
    "proposed_by": "ann",
}
BY_ONE: list[tuple[str, list[RuleChange], list[dict[str, Any]], str]] = [
    ("by two, as told", [change(3, "live")], [CHANGED], ""),
    (
        "by one",
        [change(3, "live", actor="ann")],
        [{**CHANGED, "actor": "ann"}],
        "shard 0: version 1001 of CTR-1: proposed to live by one person",
    ),
    ("another record", [change(4, "live")], [CHANGED], "shard 0: version 1001 of CTR-1: what was told: "),
    ("told to nobody", [change(3, "live")], [], "shard 0: version 1001 of CTR-1: what was told: "),
    ("not on record", [], [CHANGED], "shard 0: 1 tells of a change of parameters that is not on record"),
]


@pytest.mark.parametrize(("name", "changes", "told", "says"), BY_ONE, ids=[each[0] for each in BY_ONE])
def test_changes_of_parameters_are_by_two_and_as_told(
    name: str, changes: list[RuleChange], told: list[dict[str, Any]], says: str
) -> None:
    """What the tables say stands in the chained events, and no one person changed what judges."""
    evidence = books(Upstream())
    assert evidence.screening is not None
    evidence.screening = replace(evidence.screening, changes=changes)
    evidence.topics[ALERTS] = [
        *evidence.topics.get(ALERTS, ()),
        *(Record(ALERTS, ALICES, 900, 0, b"", json.dumps(each).encode()) for each in told),
    ]
    result = screening_equals_recomputation(Examination(evidence))
    assert result.ok == (not says), result
    assert (result.first_difference or "").startswith(says)


def test_what_a_shadow_is_said_to_have_found_must_be_what_it_finds() -> None:
    """Neither more nor less."""
    evidence = books(Upstream())
    assert evidence.screening is not None
    more = ShadowFinding(ALICES, "p", ALICE, "CTR-1", START.date(), "", False, [])
    evidence.screening = replace(evidence.screening, shadow_findings=[more])
    result = screening_equals_recomputation(Examination(evidence))
    assert result.ok, "a finding of nothing is none"
    values = {"asset": "EUR", "count": 1, "events": ["0-1"], "total": "1.00"}
    more = replace(more, findings=[{"rule": "CTR-1", "values": values}])
    evidence.screening = replace(evidence.screening, shadow_findings=[more])
    result = screening_equals_recomputation(Examination(evidence))
    assert (result.first_difference or "").startswith("shard 0: in shadow: ('p'")
