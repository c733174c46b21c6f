"""The generated reference is what the code says; `backoffice docs` writes it, `--check` compares."""

import re
from pathlib import Path

import pytest

from backoffice.cli import reference
from backoffice.cli.app import COMMANDS
from backoffice.cli.docs import FOLDER
from services.transactions.domain.reasons import TABLE
from shared.messages.topics import TOPICS


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """What the code says now."""
    return reference.pages()


def test_the_committed_pages_are_current(pages: dict[str, str]) -> None:
    """Run `backoffice docs` and commit what it writes."""
    for name, text in pages.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name} differs from the code"


def test_every_topic_reason_and_command_is_described(pages: dict[str, str]) -> None:
    """Nothing that others rely on may be left out."""
    for topic in TOPICS:
        assert f"`{topic.name}`" in pages["topics.md"]
        assert f"On `{topic.name}`" in pages["messages.md"]
    for reason in TABLE:
        assert f"`{reason.code}`" in pages["reasons.md"]
    for command in COMMANDS:
        assert f"## `backoffice {command.name}" in pages["commands.md"]


def test_links_inside_the_messages_page_lead_somewhere(pages: dict[str, str]) -> None:
    """A field's type is described on the same page."""
    text = pages["messages.md"]
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", text)) <= headings


def test_the_schema_of_a_message_that_is_gone_is_removed(backoffice, tmp_path: Path) -> None:
    """Otherwise others would go on checking with it."""
    folder = tmp_path / "pages"
    assert backoffice("docs", "--folder", folder).status == 0
    gone = folder / "schemas" / "Gone.json"
    gone.write_text("{}")
    checked = backoffice("docs", "--check", "--folder", folder)
    assert (checked.status, checked.error["error"]) == (1, "docs_differ")
    assert gone.exists()
    assert backoffice("docs", "--folder", folder).status == 0
    assert not gone.exists()


def test_no_committed_schema_belongs_to_a_message_that_is_gone(pages: dict[str, str]) -> None:
    """Run `backoffice docs` and commit what it removes."""
    committed = {f"schemas/{path.name}" for path in (FOLDER / "schemas").iterdir()}
    assert committed == {name for name in pages if name.startswith("schemas/")}


def test_check_writes_nothing_and_names_what_differs(backoffice, tmp_path: Path) -> None:
    """Status 1, and what to type; afterwards all is current."""
    ran = backoffice("docs", "--check", "--folder", tmp_path / "pages")
    assert (ran.status, ran.error["error"]) == (1, "docs_differ")
    assert not (tmp_path / "pages").exists()
    assert backoffice("docs", "--folder", tmp_path / "pages").status == 0
    assert {
        each["state"] for each in backoffice("docs", "--check", "--folder", tmp_path / "pages").records
    } == {"current"}
