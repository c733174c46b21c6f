"""The command line's contract: exit statuses, one line of error, JSON when asked, and never a traceback."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from aiokafka.errors import KafkaTimeoutError

from backoffice.cli import app
from backoffice.cli.app import COMMANDS, Command, main
from backoffice.cli.errors import DEFECT, FOUND, INTERRUPTED, TIMED_OUT, UNREACHABLE, USAGE, CommandError
from backoffice.stack.errors import StackError
from backoffice.stack.record import SUPERVISOR, StackRecord, write_record

PROJECT = Path(app.__file__).parents[2]


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch):
    """Make `backoffice act` run the given function."""

    def install(act) -> None:
        monkeypatch.setattr(app, "COMMANDS", (Command("act", "act_of_a_test", "Act."),))
        import typer

        module = type(sys)("backoffice.cli.act_of_a_test")
        module.app = typer.Typer()
        module.app.command()(act)
        monkeypatch.setitem(sys.modules, "backoffice.cli.act_of_a_test", module)

    return install


def failing(problem: BaseException):
    """Return a command that ends with the problem."""

    def act() -> None:
        raise problem

    return act


OUTCOMES = [
    (CommandError("account_unknown", "There is no account A.", "Check it."), FOUND, "account_unknown"),
    (CommandError("timeout", "It took too long.", "Wait longer.", TIMED_OUT), TIMED_OUT, "timeout"),
    (StackError("port_taken", "The port is taken.", "Choose another."), UNREACHABLE, "port_taken"),
    (ConnectionRefusedError(111, "Connection refused"), UNREACHABLE, "unreachable"),
    (asyncpg.InterfaceError("the underlying connection is closed"), UNREACHABLE, "unreachable"),
    (asyncpg.InterfaceError("another operation is in progress"), DEFECT, "defect"),
    (asyncpg.AdminShutdownError("terminating connection"), UNREACHABLE, "unreachable"),
    (KafkaTimeoutError(), UNREACHABLE, "unreachable"),
    (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
    (ZeroDivisionError("division by zero"), DEFECT, "defect"),
]


@pytest.mark.parametrize(("problem", "status", "error"), OUTCOMES, ids=[each[2] for each in OUTCOMES])
def test_a_failure_is_one_json_object_on_standard_error(acting, capsys, problem, status, error) -> None:
    """Scripts read it; standard output stays free for results."""
    acting(failing(problem))
    assert main(["act", "--json"]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    told = json.loads(captured.err)
    assert told["error"] == error
    assert set(told) == {"error", "message", "fix"}
    assert told["fix"]


@pytest.mark.parametrize("problem", [each[0] for each in OUTCOMES], ids=[each[2] for each in OUTCOMES])
def test_a_failure_is_a_sentence_without_a_traceback(acting, capsys, problem) -> None:
    """A traceback tells a person nothing about what to type."""
    acting(failing(problem))
    assert main(["act"]) != 0
    captured = capsys.readouterr()
    assert captured.err.startswith("backoffice: ")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["act", "--nonsense"], ["act", "surplus"]])
def test_wrong_usage_exits_2_and_says_where_help_is(acting, capsys, arguments: list[str]) -> None:
    """With --json as JSON."""
    acting(lambda: None)
    assert main(arguments) == USAGE
    assert "--help" in capsys.readouterr().err
    assert main([*arguments, "--json"]) == USAGE
    assert json.loads(capsys.readouterr().err)["error"] == "usage"


@pytest.mark.parametrize("options", [[], ["--detach"]])
def test_a_second_stack_on_a_folder_is_refused_alike(capsys, tmp_path: Path, options: list[str]) -> None:
    """In the foreground too it is something found, and not something that cannot be reached."""
    running = StackRecord(
        bootstrap="127.0.0.1:9",
        dsn_readonly="",
        health={},
        pids={SUPERVISOR: os.getpid()},
        partitions=4,
        dsn_owner="",
        data=str(tmp_path),
        logs="",
    )
    write_record(running, tmp_path)
    assert main(["up", "--data", str(tmp_path), "--json", *options]) == FOUND
    assert json.loads(capsys.readouterr().err)["error"] == "already_running"


def test_no_command_prints_the_list_of_commands(capsys) -> None:
    """As wrong usage, since nothing was done."""
    assert main([]) == USAGE
    assert "Commands:" in capsys.readouterr().err


def test_a_command_that_returns_a_number_exits_with_it(acting) -> None:
    """Status 1 says that something was found, which is no error."""
    acting(lambda: 1)
    assert main(["act"]) == FOUND


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_every_listed_command_can_be_loaded_and_accepts_json(command: Command) -> None:
    """The list is written by hand and its modules are imported only when typed."""
    loaded = command.load()
    assert any("--json" in parameter.opts for parameter in loaded.params)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """As in `backoffice … | head`."""
    command = f"{sys.executable} -m backoffice --help | true; echo ${{PIPESTATUS[0]}}"
    shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=PROJECT)
    assert shell.stdout.strip() == "0"
    assert "Traceback" not in shell.stderr


def test_help_imports_no_command(capsys) -> None:
    """It is what people type while they wait; 300 ms is the limit, and imports are what costs."""
    code = (
        "import sys; from backoffice.cli.app import main; main(['--help']);"
        "heavy = {'asyncpg', 'aiokafka', 'faststream', 'pydantic', 'rich', 'psutil'};"
        "print(sorted(set(sys.modules) & heavy))"
    )
    begun = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"
    assert time.monotonic() - begun < 5


def test_nothing_runs_here_is_told_by_down(capsys) -> None:
    """Stopping what is stopped is no error."""
    assert main(["down", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False, "reason": "not_running"}


def test_an_unknown_service_is_named(capsys) -> None:
    """With the ones that exist."""
    assert main(["run", "ledger"]) == USAGE
    assert "transactions, compliance, reporting" in capsys.readouterr().err
