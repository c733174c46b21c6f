"""The one error of the embedded stack: what went wrong, and what a person should do about it."""


class StackError(Exception):
    """Something the stack needs is missing, taken or broken.

    `error` is a stable name for programs, `message` says what happened, `fix` what to type or change.
    """

    def __init__(self, error: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.error = error
        self.message = message
        self.fix = fix
