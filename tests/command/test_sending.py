"""Publishing a stream: an open loop keeps its rate, and without one it does not run away."""

from backoffice.cli.outcomes import Outcomes
from backoffice.cli.sending import AHEAD_RECORDS_MAX, CHUNK_RECORDS, Sending, _due, progress_words


def test_an_open_loop_owes_what_its_rate_says() -> None:
    """Latency measured with a loop that waits for answers would hide every stall."""
    sending = Sending(published=100)
    assert _due(sending, 1_000.0, 0.1, wait=True) == 1
    assert _due(sending, 1_000.0, 0.25, wait=True) == 151
    assert _due(sending, 1_000.0, 0.05, wait=True) < 0


def test_without_a_rate_it_waits_for_answers_that_are_far_behind() -> None:
    """Memory stays bounded."""
    outcomes = Outcomes()
    sending = Sending(outcomes=outcomes)
    assert _due(sending, None, 1.0, wait=True) == CHUNK_RECORDS
    outcomes.expect((0, offset) for offset in range(AHEAD_RECORDS_MAX))
    assert _due(sending, None, 1.0, wait=True) == 0
    assert _due(sending, None, 1.0, wait=False) == CHUNK_RECORDS


def test_progress_is_told_in_words() -> None:
    """How many of how many, how fast, and what came of them."""
    sending = Sending(published=1_500, publishing_seconds=1.5)
    sending.outcomes.settled["posted"] = 1_200
    words = progress_words(sending, 20_000, "lag reporting 3")
    assert words == "published 1,500 of 20,000 at 1,000/s, posted 1,200, lag reporting 3"
