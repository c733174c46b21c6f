"""The page of commands: what may be typed, with every option."""

from typing import Any, Final

from backoffice.cli.app import COMMANDS
from backoffice.cli.reference import markdown
from backoffice.cli.reference.markdown import one_line, paragraphs, table

ABOUT: Final = (
    "`--json` prints only JSON on standard output, one object a line; progress and words go to standard "
    "error. Status 0: done; 1: something was found; 2: typed wrongly; 3: cannot be reached; 4: timed "
    "out."
)


def page() -> str:
    """Describe every command in the order of the list."""
    parts: list[str] = []
    for entry in COMMANDS:
        parts += _command(entry.load(), f"backoffice {entry.name}")
    return markdown.page("Commands", ABOUT, *parts)


def _command(command: Any, path: str) -> list[str]:
    below: dict[str, Any] = getattr(command, "commands", {})
    if below:
        return [part for name in sorted(below) for part in _command(below[name], f"{path} {name}")]
    options = [each for each in command.params if "--json" not in each.opts]
    words = [_usage(each) for each in options if not _is_option(each)]
    rows = [(f"`{_names(each)}`", one_line(getattr(each, "help", None) or "")) for each in options]
    parts = [f"## `{' '.join([path, *words])}`", paragraphs(command.help or "")]
    return [*parts, table(("", ""), rows)] if rows else parts


def _is_option(parameter: Any) -> bool:
    return parameter.opts[0].startswith("-")


def _usage(parameter: Any) -> str:
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _names(parameter: Any) -> str:
    if not _is_option(parameter):
        return _usage(parameter)
    names = "/".join([parameter.opts[-1], *parameter.secondary_opts])
    return names if getattr(parameter, "is_flag", False) else f"{names} {parameter.name.upper()}"
