"""What the pages say is there: links lead somewhere, commands exist, decisions have their form."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from backoffice.cli.app import COMMANDS
from shared.runtime import settings
from tests.repository.documents import (
    ROOT,
    Block,
    anchors_of,
    blocks_of,
    commands_in,
    links_of,
    pages,
    text_of,
)

PAGES = pages()
SHELL = [block for page in PAGES for block in blocks_of(page) if block.language in ("sh", "console")]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DECISION_PARTS = ["Context", "Decision", "Consequences", "Alternatives", "What enforces it"]
DECISION_LINES_MAX = 60
PREFIXES = (
    ["docker", "compose", "run", "--rm", "tools"],
    ["docker", "compose", "exec", "transactions", "backoffice"],
)
"""What may stand before the words of our own command instead of `backoffice`."""
SETTING = re.compile(r"\b(BACKOFFICE_[A-Z_]+)=")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_between_our_pages_leads_somewhere(page: Path) -> None:
    """A page that was moved, or a heading reworded, must not leave a dead end behind."""
    for target in links_of(page):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked in PAGES or linked.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors_of(linked), f"{target}: no heading of this name"


@pytest.mark.parametrize("block", SHELL, ids=lambda block: _name(block.page))
def test_every_command_typed_in_a_page_exists(block: Block) -> None:
    """What a reader copies must not be refused for its words or its options."""
    for words in commands_in(block):
        for part in _split(words):
            if part[:1] == ["make"]:
                _check_make(part[1:])
            elif (own := _own_command(part)) is not None:
                _check_command(own)


def test_every_setting_that_a_page_sets_is_known_to_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has set it in a shell starts the services there, and they refuse what they do not know."""
    for name in {name for block in SHELL for name in SETTING.findall(block.text)}:
        monkeypatch.setenv(name, "")
    settings.refuse_unknown()


def _split(words: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in ("&&", ";", "||", "|"):
            yield part
            part = []
        elif part or "=" not in word or word.startswith("-"):  # settings before a command are no part of it
            part.append(word)
    yield part


def _own_command(words: list[str]) -> list[str] | None:
    if words[:1] in (["backoffice"], [".venv/bin/backoffice"]):
        return words[1:]
    return next((words[len(each) :] for each in PREFIXES if words[: len(each)] == each), None)


def _check_command(words: list[str]) -> None:
    entry = next((each for each in COMMANDS if each.name == words[0]), None) if words else None
    assert entry is not None, f"there is no `backoffice {' '.join(words[:1])}`"
    command: Any = entry.load()
    rest = words[1:]
    while below := getattr(command, "commands", None):
        word = rest[0] if rest else ""
        assert word in below, f"`backoffice {' '.join(words)}` names no command of {sorted(below)}"
        command, rest = below[word], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        if word.startswith("--"):
            assert word.partition("=")[0] in options | {"--help"}, (
                f"`backoffice {' '.join(words)}`: no {word}"
            )


def _check_make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for word in words:
        assert "=" in word or word.startswith("-") or word in targets, f"there is no `make {word}`"


@pytest.mark.parametrize("page", DECISIONS, ids=_name)
def test_a_decision_is_short_and_has_every_part(page: Path) -> None:
    """Whoever doubts a decision finds why it was made, what else there was, and what holds it."""
    text = text_of(page)
    assert re.match(r"# \d{4} ", text), "the title begins with the number"
    assert text.startswith(f"# {page.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == DECISION_PARTS
    assert len(text.splitlines()) <= DECISION_LINES_MAX


def test_decisions_are_numbered_without_gaps() -> None:
    """A number names one decision for ever."""
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    """Who looks a word up finds it where it must be, and one meaning."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    words = [line.split("**")[1].casefold() for line in lines if line.startswith("| **")]
    assert words == sorted(set(words))


def test_every_guide_and_decision_can_be_found() -> None:
    """The README's map leads to each guide, ARCHITECTURE or the README to each decision."""
    found = {
        (ROOT / target.partition("#")[0]).resolve()
        for page in ("README.md", "ARCHITECTURE.md")
        for target in links_of(ROOT / page)
    }
    assert found.issuperset((*DECISIONS, *(ROOT / "docs" / "guides").glob("*.md")))


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "pictures").glob("*.svg")), ids=_name)
def test_a_picture_has_words_for_those_who_cannot_see_it(picture: Path) -> None:
    """A title and a description, and no script or address of another machine."""
    root = ElementTree.parse(picture).getroot()
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert {"title", "desc"} <= tags
    assert "script" not in tags
    assert "href" not in picture.read_text(encoding="utf-8")
