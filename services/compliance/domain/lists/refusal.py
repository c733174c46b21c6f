"""Why a list is refused, and where."""


class ListRefused(ValueError):  # noqa: N818 - what happened to the list
    """A list file is not taken, as a whole: it is cut off, empty, or not what it should be."""

    def __init__(self, file: str, line: int, why: str) -> None:
        place = f"{file}, line {line}: " if line else f"{file}: " if file else ""
        super().__init__(f"{place}{why}")
        self.file = file
        self.line = line
        self.why = why
