"""A file sent line by line: what builds on another shard's line waits for it, the rest goes together."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from backoffice.cli.causality import waves


@dataclass(frozen=True)
class Line:
    """A line of home `at` that names `own` and `others`."""

    at: int
    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def home(self, partitions: int) -> int:
        """Where it was put."""
        return self.at


def line(at: int, own: str = "", others: str = "") -> Line:
    """A line that names one-letter codes."""
    return Line(at, frozenset(own), frozenset(others))


def cut(*lines: Line) -> list[int]:
    """The sizes of the waves."""
    return [len(wave) for wave in waves(lines, 4, 100)]


def test_a_credit_to_an_account_opened_elsewhere_waits_for_the_opening() -> None:
    """Else it would be refused as unknown, though the file opens it first."""
    assert cut(line(1, "a"), line(2, "b"), line(1, "a", "b")) == [2, 1]


def test_spending_what_came_from_elsewhere_waits_for_it_to_come() -> None:
    """The home sees foreign credits only once they are committed."""
    assert cut(line(1, "a", "b"), line(2, "b", "c")) == [1, 1]


def test_lines_of_one_home_and_strangers_go_together() -> None:
    """Kafka orders the first, and nothing ties the others."""
    assert cut(line(1, "a"), line(1, "a", "c"), line(2, "b", "d"), line(3, "e", "d")) == [4]


def test_a_wave_is_no_larger_than_asked() -> None:
    """Memory and the time to the first outcome stay bounded."""
    assert [len(wave) for wave in waves([line(1)] * 5, 4, 2)] == [2, 2, 1]


@given(
    st.lists(
        st.builds(
            Line,
            st.integers(0, 3),
            st.frozensets(st.sampled_from("abcdef"), max_size=2),
            st.frozensets(st.sampled_from("abcdef"), max_size=2),
        )
    )
)
def test_no_wave_holds_two_lines_that_build_on_each_other_across_homes(lines: list[Line]) -> None:
    """And nothing is lost or changes its order."""
    made = list(waves(lines, 4, 100))
    assert [each for wave in made for each in wave] == lines
    for wave in made:
        for index, later in enumerate(wave):
            for earlier in wave[:index]:
                if earlier.at != later.at:
                    assert not (earlier.others & later.own)
                    assert not (earlier.own & later.others)
