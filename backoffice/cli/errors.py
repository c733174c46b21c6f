"""The error every command ends with when a person has to do something."""

from collections.abc import Sequence
from typing import Final

FOUND: Final = 1
"""Something was found: not balanced, over a bound, unknown."""
USAGE: Final = 2
"""The command was typed wrongly."""
UNREACHABLE: Final = 3
"""Something that must be reached is not there."""
TIMED_OUT: Final = 4
"""It did not happen in the time given."""
DEFECT: Final = 70
"""The command itself is broken."""
INTERRUPTED: Final = 130
"""Ctrl-C."""


class CommandError(Exception):
    """A command cannot do what it was asked.

    `error` is a stable name for programs, `message` says what is wrong, `fix` what to type or change.
    """

    def __init__(self, error: str, message: str, fix: str, exit_code: int = FOUND) -> None:
        super().__init__(f"{message} {fix}")
        self.error = error
        self.message = message
        self.fix = fix
        self.exit_code = exit_code


def require_status(status: str, statuses: Sequence[str]) -> None:
    """Refuse a status that there is not."""
    require_one_of(status, statuses, "status")


def require_one_of(word: str | None, known: Sequence[str], what: str, error: str = "usage") -> None:
    """Refuse a word that there is not; none is none too many.

    An empty list would be taken for an answer, though the question was misspelt.
    """
    if word is not None and word not in known:
        raise CommandError(error, f"There is no {what} {word!r}.", f"Give one of {', '.join(known)}.", USAGE)


def require_rule(rule: str | None, known: Sequence[str]) -> None:
    """Refuse a rule's code that there is not."""
    require_one_of(rule, known, "rule", "rule_unknown")


def stack_not_running(detail: str = "") -> CommandError:
    """Return the error of a command that needs the running stack."""
    message = "The stack is not running here." if not detail else f"The stack is not running here: {detail}."
    return CommandError(
        "stack_not_running",
        message,
        "Type `backoffice up` to start it, or set BACKOFFICE_KAFKA_BOOTSTRAP and BACKOFFICE_READONLY_DSN.",
        UNREACHABLE,
    )
