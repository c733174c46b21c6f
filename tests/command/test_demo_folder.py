"""The demo throws away only what a demo has made."""

from pathlib import Path

import pytest

from backoffice.cli.demo import MARK, _clear, _make_room
from backoffice.cli.errors import CommandError


def test_books_that_no_demo_made_are_not_touched(tmp_path: Path) -> None:
    """`--data` on the folder of a real stack must not cost its books."""
    (tmp_path / "postgres").mkdir()
    with pytest.raises(CommandError) as told:
        _make_room(tmp_path)
    assert told.value.error == "folder_in_use"
    assert (tmp_path / "postgres").exists()


def test_an_earlier_demos_books_make_room_and_its_reports_stay(tmp_path: Path) -> None:
    """A demo starts from nothing every time."""
    folder = tmp_path / "demo"
    _make_room(folder)
    assert (folder / MARK).exists()
    for name in ("postgres", "kafka", "reports"):
        (folder / name).mkdir()
    _make_room(folder)
    assert sorted(path.name for path in folder.iterdir()) == [MARK, "reports"]


def test_the_end_leaves_reports_and_logs_only(tmp_path: Path) -> None:
    """No half-written file, no password."""
    for name in ("postgres", "kafka", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "passwords.json").touch()
    _clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
