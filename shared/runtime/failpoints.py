"""Named places where a test may have the process killed, and defects it may switch on."""

import os
import signal
from typing import Final

POINTS: Final = (
    "after_claim",
    "after_republish",
    "after_poll",
    "after_decode",
    "after_fence",
    "after_write",
    "before_commit",
    "after_commit",
    "mid_publish",
    "after_publish",
    "after_mirror",
)

PLANTED_BUGS: Final = (
    "offset_first",
    "no_epoch_check",
    "no_unique_id",
    "forgotten_leg",
    "swallowed_decode_error",
    "act_before_its_turn",
)

_armed: dict[str, tuple[int, signal.Signals]] = {}
_planted: set[str] = set()


def arm(service: str, failpoint: str | None, planted_bug: str | None) -> None:
    """Take up the settings `failpoint` (`<service>:<point>:<n>`) and `planted_bug`; raises `ValueError`.

    With `:stop` behind it the process freezes there instead, as by SIGSTOP, until somebody wakes it.
    """
    _armed.clear()
    _planted.clear()
    if failpoint:
        where, point, count, *how = failpoint.split(":")
        if point not in POINTS or int(count) < 1 or how not in ([], ["stop"]):
            raise ValueError(f"no such failpoint: {failpoint}; points are {', '.join(POINTS)}")
        if where == service:
            _armed[point] = int(count), signal.SIGSTOP if how else signal.SIGKILL
    if planted_bug:
        if planted_bug not in PLANTED_BUGS:
            raise ValueError(f"no such planted bug: {planted_bug}")
        _planted.add(planted_bug)


def failpoint(point: str) -> None:
    """Die here, as if by kill -9, when it is the armed point's n-th time."""
    armed = _armed.get(point)
    if armed is None:
        return
    left, sent = armed
    if left > 1:
        _armed[point] = left - 1, sent
        return
    del _armed[point]
    os.kill(os.getpid(), sent)


def planted(bug: str) -> bool:
    """Whether a defect is switched on."""
    return bug in _planted
