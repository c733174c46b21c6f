"""What is typed as text: a day, an instant or a value, or a sentence that says which option is wrong."""

from datetime import UTC, date, datetime

import pytest

from backoffice.cli.errors import USAGE, CommandError
from backoffice.cli.typed import day_of, instant_of, values_of


def test_what_is_typed_is_read_and_nothing_stays_nothing() -> None:
    """An option that was left out bounds nothing."""
    assert day_of("--until", "2026-03-02") == date(2026, 3, 2)
    assert instant_of("--at", "2026-03-02T17:00:00Z") == datetime(2026, 3, 2, 17, tzinfo=UTC)
    assert values_of(["over=9000", "to=a=b"]) == {"over": "9000", "to": "a=b"}
    assert (day_of("--until", None), instant_of("--at", None), values_of([])) == (None, None, {})


@pytest.mark.parametrize("text", ["today", "2026-02-30", "", "02.03.2026"])
def test_a_day_that_is_none_is_refused_with_its_option(text: str) -> None:
    """Wherever a day is typed, by one name of the error."""
    with pytest.raises(CommandError, match="--until") as caught:
        day_of("--until", text)
    assert (caught.value.error, caught.value.exit_code) == ("date_wrong", USAGE)


@pytest.mark.parametrize("text", ["2026-03-02T17:00:00", "noon"])
def test_an_instant_must_say_its_offset(text: str) -> None:
    """Else it would be another one on another machine."""
    with pytest.raises(CommandError) as caught:
        instant_of("--at", text)
    assert caught.value.error == "instant_wrong"


@pytest.mark.parametrize("text", ["over", "=9000"])
def test_a_value_without_a_name_is_refused(text: str) -> None:
    """Or a name without a value."""
    with pytest.raises(CommandError, match="--set"):
        values_of([text])
