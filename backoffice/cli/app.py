"""The command line itself: the list of commands, how they are loaded, and how every failure is told."""

import copy
import functools
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from backoffice.cli import output
from backoffice.cli.errors import DEFECT, FOUND, INTERRUPTED, UNREACHABLE, USAGE, CommandError
from backoffice.stack.errors import StackError

__all__ = ["COMMANDS", "Command", "CommandError", "main"]


@dataclass(frozen=True, slots=True)
class Command:
    """One word after `backoffice`: where it is written and what it is for.

    `target` is the module's `app`, a `typer.Typer`, or one plain function. The module is imported
    only when the command is typed, so that `backoffice --help` stays fast.
    """

    name: str
    module: str
    summary: str
    target: str = "app"

    def load(self) -> Any:
        """Import the module and return the command in the form typer runs."""
        found: object = getattr(importlib.import_module(f"backoffice.cli.{self.module}"), self.target)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(name=self.name)(found)  # pyright: ignore[reportArgumentType]
            found = single
        command = typer.main.get_command(found)
        command.name = self.name
        _accept_json(command)
        return command


COMMANDS: tuple[Command, ...] = (
    Command("up", "up", "Start PostgreSQL, Kafka and all services here, until Ctrl-C.", "up"),
    Command("down", "up", "Stop what `up --detach` has started.", "down"),
    Command("demo", "demo", "Play a simulated trading day from nothing and show what happened."),
    Command("status", "status", "Show what runs and how it is."),
    Command("simulate", "simulate", "Play the upstream systems: send made-up traffic."),
    Command("import", "imports", "Send a real data set as instructions."),
    Command("instruction", "instruction", "Send instructions and follow what comes of them."),
    Command("account", "account", "Show an account's balance and history."),
    Command("balances", "book", "Show what an owner, an entity or the whole book holds.", "balances"),
    Command("transaction", "transaction", "Follow one transaction through the system."),
    Command("ledger", "ledger", "Verify the books."),
    Command("parts", "parts", "See the parts of the journal, detach old ones and attach them again."),
    Command("holds", "compliance", "List, release and refuse what compliance holds.", "holds"),
    Command("alerts", "compliance", "See what compliance found, and dismiss what needs no case.", "alerts"),
    Command("cases", "cases", "Work alerts in cases, and decide them."),
    Command("compliance", "compliance", "Load and show the lists that parties are screened against."),
    Command("report", "report", "Make a report."),
    Command("lag", "lag", "Show how far each service is behind."),
    Command("shard", "shard", "See who works each shard, and let a halted one go on."),
    Command("parked", "parked", "Look after owners whose records wait."),
    Command("party", "party", "Erase what the ledger keeps of the person behind an owner."),
    Command("dead-letters", "dead_letters", "Look at the records nobody could read."),
    Command("docs", "docs", "Write the generated reference pages, or check that they are current."),
    Command("migrate", "migrate", "Bring the database schema and the topics up to date.", "migrate"),
    Command("run", "run", "Run one service in the foreground.", "run"),
    Command("doctor", "doctor", "Say what this machine lacks.", "doctor"),
)


UNREACHABLE_ERRORS = frozenset(
    {"KafkaConnectionError", "NoBrokersAvailable", "NodeNotReadyError", "CannotConnectNowError"}
    | {"ConnectionDoesNotExistError", "AdminShutdownError", "CrashShutdownError", "gaierror"}
    | {"KafkaTimeoutError", "RequestTimedOutError", "DatabaseDroppedError"}
)
"""Names of errors from aiokafka, asyncpg and the resolver, which are not imported for their names' sake."""


class _Commands(TyperGroup):
    """The list of commands: described without importing them, imported when one is typed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the command that was typed."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is None or command is None:
            return name, command, rest
        return name, _command_named(name).load(), rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; failures are told in a line, never as a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    output.use_json("--json" in words)
    if os.environ.get("BACKOFFICE_LOG_LEVEL") != "DEBUG":
        # What libraries say of a server that is away, the error says once.
        logging.getLogger().addHandler(logging.NullHandler())
    try:
        _spelt(words)
        outcome: object = _root().main(words, prog_name="backoffice", standalone_mode=False)
    except BaseException as problem:  # noqa: BLE001  # the last resort of the whole command
        return _tell(problem)
    if not isinstance(outcome, int):
        return 0
    if outcome == INTERRUPTED:
        return _tell(KeyboardInterrupt())
    return outcome


def _spelt(words: Sequence[str]) -> None:
    """See that all words are text: no code, name or file of ours has bytes that are no UTF-8."""
    for each in words:
        if not each.isascii() and each.encode("utf-8", "replace").decode() != each:
            raise CommandError("usage", f"{each!a} is no UTF-8.", "Type it in UTF-8.", USAGE)


def _root() -> TyperGroup:
    described = {
        each.name: TyperCommand(
            each.name, short_help=each.summary, help=each.summary, callback=None, rich_markup_mode=None
        )
        for each in COMMANDS
    }
    root = _Commands(
        name="backoffice",
        help="Post money movements, screen them for compliance, report on them, and look after all of it.",
        epilog="`backoffice COMMAND --help` says more. With --json a command prints JSON lines only.",
        commands=dict(described),
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    _accept_json(root)
    return root


def _command_named(name: str) -> Command:
    return next(each for each in COMMANDS if each.name == name)


def _accept_json(command: Any) -> None:
    """Give a command and those below it the option `--json`, which `main` has read already."""
    for below in getattr(command, "commands", {}).values():
        _accept_json(below)
    if any("--json" in parameter.opts for parameter in command.params):
        return
    option = copy.copy(_json_option())
    command.params.append(option)


@functools.cache
def _json_option() -> Any:
    """Let typer make the option, for a command that is never run, and keep its value from the commands."""
    carrier = typer.Typer(add_completion=False)

    @carrier.command()
    def _carry(  # pyright: ignore[reportUnusedFunction]
        *, _: Annotated[bool, typer.Option("--json", help="Print JSON only, one object a line.")] = False
    ) -> None: ...

    option: Any = typer.main.get_command(carrier).params[0]
    option.expose_value = False
    return option


def _tell(problem: BaseException) -> int:
    """Print what went wrong and return the exit status that goes with it."""
    match problem:
        case CommandError():
            output.print_error(problem.error, problem.message, problem.fix)
            return problem.exit_code
        case StackError():
            output.print_error(problem.error, problem.message, problem.fix)
            return UNREACHABLE
        case KeyboardInterrupt():
            again = "Type it again to go on: an instruction that was sent already is not posted twice."
            output.print_error("interrupted", "Stopped by Ctrl-C.", again)
            return INTERRUPTED
        case typer.TyperException():
            return _tell_usage(problem)
        case typer.Abort():
            output.print_error("aborted", "Nothing was done.", "")
            return FOUND
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):
            # The reader has seen enough, as in `backoffice … | head`. Nothing more must be written at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
            return 0
        case SystemExit():
            return problem.code if isinstance(problem.code, int) else FOUND
        case _:
            return _tell_unexpected(problem)


def _tell_usage(problem: typer.TyperException) -> int:
    context: Any = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "backoffice"
    if type(problem).__name__ == "NoArgsIsHelpError":
        print(problem.format_message(), file=sys.stderr)
        return USAGE
    message = problem.format_message()
    output.print_error("usage", message, f"Type `{path} --help` to see how it is used.")
    return USAGE


def _is_unreachable(problem: BaseException) -> bool:
    """Whether a server is not there, or has gone: then asyncpg says of its connection that it is closed."""
    name = type(problem).__name__
    is_closed = name == "InterfaceError" and "closed" in str(problem)
    return is_closed or isinstance(problem, ConnectionError | TimeoutError) or name in UNREACHABLE_ERRORS


def _tell_unexpected(problem: BaseException) -> int:
    """Tell of a server that is not there, else of a defect; with log level DEBUG show where it is."""
    if os.environ.get("BACKOFFICE_LOG_LEVEL") == "DEBUG":
        import traceback

        traceback.print_exception(problem)
    detail = (str(problem).strip().splitlines() or [""])[0][:300]
    if _is_unreachable(problem):
        output.print_error(
            "unreachable",
            f"Something that must be running cannot be reached: {detail or type(problem).__name__}.",
            "Type `backoffice status` to see what runs, or `backoffice up` to start it.",
        )
        return UNREACHABLE
    if type(problem).__name__ == "ConfigurationError":
        output.print_error("configuration", f"{detail}.", "Correct it and type the same command again.")
        return USAGE
    output.print_error(
        "defect",
        f"The command failed in a way nobody foresaw: {type(problem).__name__}: {detail}.",
        "Set BACKOFFICE_LOG_LEVEL=DEBUG, run it again, and report what it prints.",
    )
    return DEFECT
