"""Reads the Markdown of the repository: pages, links, headings, code blocks, the commands typed in them."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backoffice.cli.reference import pages as reference_pages

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"

_FENCE = re.compile(
    r"^(?:<!-- run: (?P<run>[\w-]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_HEREDOC = re.compile(r"<<'?(\w+)'?.*?^\1$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced code block; `run` names it where a test runs it."""

    page: Path
    language: str
    text: str
    run: str | None


@cache
def files() -> tuple[Path, ...]:
    """Every file that is tracked, or would be if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = listed.stdout.decode().split("\0")
    return tuple(path for name in sorted(set(names)) if name and (path := ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    """Return a file's text; for a generated page what the code makes of it now."""
    if path.parent == REFERENCE and path.name in generated():
        return generated()[path.name]
    return path.read_text(encoding="utf-8", errors="replace")


@cache
def generated() -> dict[str, str]:
    """Return the pages that `backoffice docs` writes, without what is for programs only."""
    return {name: text for name, text in reference_pages().items() if name.endswith(".md")}


def pages() -> tuple[Path, ...]:
    """Return every Markdown page, the generated ones too."""
    written = {path for path in files() if path.suffix == ".md"}
    return tuple(sorted(written | {REFERENCE / name for name in generated()}))


def links_of(page: Path) -> list[str]:
    """Return the targets of a page's links within the repository."""
    prose = _FENCE.sub("", text_of(page))
    return [
        target for target in _LINK.findall(prose) if "://" not in target and not target.startswith("mailto:")
    ]


def anchors_of(page: Path) -> set[str]:
    """Return what may stand after `#` in a link to a page, as GitHub makes it from headings."""
    prose = _FENCE.sub("", text_of(page))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower().strip()).replace(" ", "-")
        for heading in _HEADING.findall(prose)
    }


def blocks_of(page: Path) -> list[Block]:
    """Return a page's fenced code blocks."""
    return [
        Block(page, each["language"], each["text"], each["run"]) for each in _FENCE.finditer(text_of(page))
    ]


def block_to_run(page: str, name: str) -> str:
    """Return the code marked `<!-- run: name -->` in a page; all of it where several blocks are."""
    found = [block.text for block in blocks_of(ROOT / page) if block.run == name]
    assert found, f"{page} has no block marked {name}"
    return "\n".join(found)


def commands_in(block: Block) -> Iterator[list[str]]:
    """Yield the words of each command typed in an `sh` or `console` block; in the latter after a `$`."""
    text = _HEREDOC.sub("", block.text).replace("\\\n", " ")
    for line in text.splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        typed = line.removeprefix("$ ").strip()
        if typed and not typed.startswith("#"):
            yield shlex.split(typed.partition(" | ")[0], comments=True)
