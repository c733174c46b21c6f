"""Jars: only bytes we vouch for reach a class path, whatever a network or an earlier run has done."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backoffice.stack import jars as module
from backoffice.stack.errors import StackError
from backoffice.stack.jars import Jar, fetch_jars, wanted_jars

GOOD = b"the library"
JAR = Jar("org.example", "library", "1.0", hashlib.sha256(GOOD).hexdigest())


class Mirror:
    """Stands in for jgo: serves given bytes, or an error, and counts how often it was asked."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, jar: Jar, scratch: Path) -> Path:
        """Answer the next of the answers, the last one for ever."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        scratch.mkdir(parents=True)
        path = scratch / jar.file_name
        path.write_bytes(answer)
        return path


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch):
    """Replace the download by a mirror that serves these answers."""
    monkeypatch.setattr(module, "ATTEMPTS", 2)

    def install(*answers: bytes | Exception) -> Mirror:
        mirror = Mirror(*answers)
        monkeypatch.setattr(module, "_download", mirror)
        return mirror

    return install


def test_a_jar_whose_hash_does_not_match_is_refused_by_name(serve, tmp_path: Path) -> None:
    """A changed library would run with all our rights."""
    serve(b"something else")
    with pytest.raises(StackError) as refused:
        fetch_jars(cache=tmp_path, jars=[JAR])
    assert refused.value.error == "jar_refused"
    assert "org.example:library:1.0" in refused.value.message
    assert refused.value.fix
    assert not (tmp_path / "jars" / JAR.file_name).exists()


def test_a_cached_jar_with_other_bytes_is_replaced_before_use(serve, tmp_path: Path) -> None:
    """Disks fail, and half a file from some other tool must not count as the whole."""
    mirror = serve(GOOD)
    path = tmp_path / "jars" / JAR.file_name
    path.parent.mkdir()
    path.write_bytes(GOOD[:4])
    assert fetch_jars(cache=tmp_path, jars=[JAR]) == [path]
    assert path.read_bytes() == GOOD
    assert mirror.asked == 1


def test_a_fetch_is_tried_again_before_it_fails(serve, tmp_path: Path) -> None:
    """Networks stutter."""
    mirror = serve(RuntimeError("connection reset"), GOOD)
    fetch_jars(cache=tmp_path, jars=[JAR])
    assert mirror.asked == 2


def test_a_failed_fetch_says_what_to_do_and_leaves_nothing_half_done(serve, tmp_path: Path) -> None:
    """The next try must not find a scratch file and take it for a jar."""
    serve(OSError("no route to host"))
    with pytest.raises(StackError) as failed:
        fetch_jars(cache=tmp_path, jars=[JAR])
    assert failed.value.error == "download_failed"
    assert "run the same command again" in failed.value.fix
    assert [path.name for path in (tmp_path / "jars").iterdir()] == [".lock"]


def test_what_a_killed_fetch_left_is_cleared_away(serve, tmp_path: Path) -> None:
    """Otherwise the cache would grow with every Ctrl-C."""
    serve(GOOD)
    left = tmp_path / "jars" / ".fetch-left"
    left.mkdir(parents=True)
    fetch_jars(cache=tmp_path, jars=[JAR])
    assert not left.exists()


def test_two_starts_at_once_fetch_each_jar_once(serve, tmp_path: Path) -> None:
    """The second waits for the first and then finds everything there."""
    mirror = serve(GOOD)
    barrier = threading.Barrier(2)

    def start() -> list[Path]:
        barrier.wait()
        return fetch_jars(cache=tmp_path, jars=[JAR])

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(start), pool.submit(start)
        assert first.result() == second.result()
    assert mirror.asked == 1


def test_a_cancelled_fetch_asks_for_no_more_jars(serve, tmp_path: Path) -> None:
    """Ctrl-C during the first start should not wait for forty downloads."""
    mirror = serve(GOOD)
    cancelled = threading.Event()
    cancelled.set()
    fetch_jars(cache=tmp_path, jars=[JAR], cancelled=cancelled)
    assert mirror.asked == 0


def test_a_cache_that_cannot_be_made_says_which_setting_moves_it(tmp_path: Path) -> None:
    """Home folders are read-only in some containers."""
    occupied = tmp_path / "file"
    occupied.touch()
    with pytest.raises(StackError) as refused:
        fetch_jars(cache=occupied, jars=[JAR])
    assert "BACKOFFICE_CACHE" in refused.value.fix


def test_every_listed_jar_has_a_full_hash_and_a_name_of_its_own() -> None:
    """The cache is one flat folder."""
    listed = wanted_jars()
    assert len({jar.file_name for jar in listed}) == len(listed) == 48
    assert all(len(jar.sha256) == 64 for jar in listed)
