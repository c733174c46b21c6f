"""How results look: JSON that any reader understands, tables that a person can read."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from backoffice.cli import output


def test_values_become_plain_json() -> None:
    """Amounts as decimal strings, times as RFC 3339 in UTC."""
    record = {
        "amount": Decimal("1E+2"),
        "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))),
        "day": date(2026, 1, 2),
        "id": UUID(int=1),
        "as_of": {2: 17},
    }
    assert output.as_json(record) == (
        '{"amount": "100", "at": "2026-01-02T01:04:05.000006Z", "day": "2026-01-02", '
        '"id": "00000000-0000-0000-0000-000000000001", "as_of": {"2": 17}}'
    )
    assert output.rfc3339(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"


def test_what_has_no_json_form_is_not_guessed() -> None:
    """Infinity is not JSON, and an object's repr is nobody's contract."""
    with pytest.raises(ValueError, match="JSON"):
        output.as_json({"a": float("inf")})
    with pytest.raises(TypeError):
        output.as_json({"a": object()})


def test_with_json_standard_output_carries_json_only(capsys) -> None:
    """Words and tables would break the reader."""
    output.use_json()
    output.emit({"a": 1}, "words")
    output.table(["a"], [[1]])
    output.say("progress")
    captured = capsys.readouterr()
    assert captured.out == '{"a": 1}\n'
    assert captured.err == "progress\n"


def test_a_table_is_aligned(capsys) -> None:
    """Numbers to the right."""
    output.table(["account", "balance"], [["A", "1.00"], ["LONGER", None]], right={"balance"})
    assert capsys.readouterr().out == "account  balance\n───────  ───────\nA           1.00\nLONGER\n"


def test_records_are_a_table_of_their_fields_or_a_word_that_there_are_none(capsys) -> None:
    """A heading is the field's name as a person reads it."""
    output.use_json(False)
    output.records([{"snooze_id": "a", "alerts": 12, "more": "left out"}], ("snooze_id", "alerts"), "None.")
    assert capsys.readouterr().out.splitlines() == ["snooze id  alerts", "─────────  ──────", "a          12"]
    output.records([], ("snooze_id",), "There is no snooze.")
    assert capsys.readouterr() == ("", "There is no snooze.\n")
