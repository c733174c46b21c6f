"""Draws what moved in one window so that patterns are in it often, and lets it arrive in any order."""

from hypothesis import strategies as st

from services.compliance.domain.windows.entry import Entry
from tests.compliance.windows import entry

_MINUTES = st.builds(
    lambda day, minute: 24 * 60 * day + minute,
    st.integers(0, 5),
    st.sampled_from([0, 0.5, 1, 4, 7, 10, 12, 12.5, 60, 65, 300, 719, 1380]),
)
_SIZES = [
    "9000",
    "9500",
    "8100",
    "1500",
    "1500",
    "1500",
    "1000",
    "1200",
    "2000",
    "0.50",
    "0.50",
    "400",
    "3000",
]
_AMOUNTS = st.builds(lambda sign, size: sign + size, st.sampled_from("+-"), st.sampled_from(_SIZES))
_PARTIES = st.sampled_from(["", "a", "b", "c", "d", "e", "f", "g", "k/IR", "k/IR", "l/KP", "l/KP", "m/DE"])

Move = tuple[float, str, str, bool]
MOVES: st.SearchStrategy[list[Move]] = st.lists(
    st.tuples(_MINUTES, _AMOUNTS, _PARTIES, st.booleans()),
    unique_by=lambda move: move[0],
    min_size=5,
    max_size=24,
)
"""Minute, signed amount, counterparty, whether it was a trade; no two at one time."""
ARRIVALS: st.SearchStrategy[list[Move]] = MOVES.flatmap(st.permutations)
"""The same, in the order in which they arrive."""


def arriving(moves: list[Move]) -> list[Entry]:
    """Make entries, numbered by their time, whatever the order in which they arrive."""
    in_time = {minute: seq for seq, minute in enumerate(sorted(move[0] for move in moves), start=1)}
    return [
        entry(f"{amount}@{minute / 60}/{party}{'/~trade' if traded else ''}", in_time[minute])
        for minute, amount, party, traded in moves
    ]


def in_order(arrived: list[Entry]) -> list[Entry]:
    """Return entries by event time."""
    return sorted(arrived, key=lambda each: each.at)
