"""Nothing is in the repository that must not be, and every extension is listed and tested."""

import re
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest

from services.compliance import rules
from services.compliance.rules import RULES
from services.reporting import reports
from services.reporting.reports import REPORTS
from services.transactions import transaction_types
from services.transactions.transaction_types import TRANSACTION_TYPES
from tests.repository.documents import ROOT, files, generated, text_of

VAGUE = {"utils", "common", "core", "helpers", "manager", "models"}
"""Names that say nothing of what is inside."""

SECRETS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY[-]{5}"),
    "password in an address": re.compile(r"\w://[^\s:/@{}$<>\"'`]+:(?!secret@)[^\s@{}$<>\"'`/]+@"),
    "access token": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abp]-\w{10,}|eyJ\w{20,}\.eyJ\w{20,})"
    ),
    "password written out": re.compile(
        r"(?i)\b\w*(?:password|secret|token)\w* *[=:] *[\"'](?=\S*\d)[\w+/=-]{12,}[\"']"
    ),
}
ADDRESSES = re.compile(r"--(?:extra-)?index[-]url\b|--find[-]links\b")


def _home_paths() -> list[str]:
    """Folders of this machine that a file may have picked up: the checkout's own, the user's home."""
    return [str(path) for path in (ROOT, Path.home()) if len(path.parts) > 1]


PATHS = re.compile("|".join(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])" for path in _home_paths()) or "(?!)")
# (One test spells a home folder to see how Java reads its accents.)
PEOPLE = re.compile(r"(?<![\w.-])/(?:home|Users)/(?!Zo)[\w-]+/|[A-Z]:\\Users\\")


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{text_of(path)[: match.start()].count(chr(10)) + 1}: {match[0][:30]}"
        for path in files()
        for match in pattern.finditer(text_of(path))
    ]


@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_holds_a_secret(kind: str) -> None:
    """What is committed once is public for ever; passwords come from the environment or from files."""
    assert _found(SECRETS[kind]) == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    """It would work there and nowhere else."""
    assert _found(PATHS) + _found(PEOPLE) == []


def test_no_file_says_where_packages_come_from() -> None:
    """Where packages are fetched is each machine's own setting; the locks vouch for them by hash."""
    locks = [*(ROOT / "requirements").iterdir(), ROOT / "backoffice" / "stack" / "jars.txt"]
    assert _found(ADDRESSES) + [str(path) for path in locks if "://" in text_of(path)] == []


NAMED_PAGE = re.compile(r"[\w/.-]*\b[A-Za-z][\w-]*\.md\b")


@pytest.mark.parametrize(
    "folder",
    ["audit", "backoffice", "bench", "services", "shared", "tests", "."],
)
def test_every_page_named_in_code_exists(folder: str) -> None:
    """A page that was never here, or is no longer, explains nothing."""
    pages = {path.name for path in files() if path.suffix == ".md"} | set(generated())
    dangling = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        if path.suffix != ".md"
        and path.relative_to(ROOT).parts[0] in (folder, *(path.name,) * (folder == "."))
        for name in NAMED_PAGE.findall(text_of(path))
        if name.rpartition("/")[2] not in pages
    ]
    assert dangling == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """What has no name of its own has no place of its own either."""
    named = {part.removesuffix(".py") for path in files() if path.suffix == ".py" for part in path.parts}
    assert named & VAGUE == set()


def _stems(package: Any) -> set[str]:
    folder = Path(package.__file__).parent
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def _file_of(code: str) -> str:
    name = code.lower().replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


@pytest.mark.parametrize(
    ("package", "codes"),
    [
        pytest.param(transaction_types, [each.code for each in TRANSACTION_TYPES], id="transaction types"),
        pytest.param(rules, [each.code for each in RULES], id="rules"),
        pytest.param(reports, [each.code for each in REPORTS], id="reports"),
    ],
)
def test_every_extension_is_listed_and_tested(package: Any, codes: list[str]) -> None:
    """A file that nobody lists does nothing, and one that nobody tests may do anything."""
    assert sorted(map(_file_of, codes)) == sorted(_stems(package))
    tests = "".join(text_of(path) for path in files() if _is_test_of(path, package))
    untested = [code for code in codes if not re.search(rf"\b({re.escape(code)}|{_file_of(code)})\b", tests)]
    assert untested == []


def _is_test_of(path: Path, package: Any) -> bool:
    service = package.__name__.split(".")[1]
    return path.is_relative_to(ROOT / "tests" / service) and path.suffix == ".py"


def test_every_report_has_its_query_beside_it() -> None:
    """A report is two files of one name."""
    folder = Path(reports.__file__).parent
    assert {path.stem for path in folder.glob("*.sql")} == {each.code for each in REPORTS}


def test_no_statement_joins_the_view_of_movements() -> None:
    """PostgreSQL looks nothing up in a union of which a part has a condition: it reads all of it, for each.

    `CROSS JOIN LATERAL (SELECT * FROM movement WHERE … OFFSET 0)` looks up (ADR 0063).
    """
    assert _found(re.compile(r"JOIN (?:transactions\.)?movement\b(?!_)")) == []
