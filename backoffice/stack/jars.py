"""Fetches Kafka's jars by their coordinates into a per-user cache, and vouches for every byte."""

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backoffice.stack.disk import MEBIBYTE, require_room
from backoffice.stack.errors import StackError

LIST = Path(__file__).with_name("jars.txt")
FETCHES_AT_ONCE = 8
ATTEMPTS = 3
TIMEOUT_SECONDS = 60

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One library by its Maven coordinates, and the SHA-256 its file must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name the file in the cache; artifact names are unique in our list."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def wanted_jars(listing: Path = LIST) -> tuple[Jar, ...]:
    """Read the list of jars that make up a Kafka broker, `group:artifact:version sha256:hex` a line."""
    jars: list[Jar] = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        coordinates, digest = line.split()
        group, artifact, version = coordinates.split(":")
        jars.append(Jar(group, artifact, version, digest.removeprefix("sha256:")))
    return tuple(jars)


def cache_folder() -> Path:
    """Return the per-user cache: `BACKOFFICE_CACHE`, else `backoffice` in the user's cache folder."""
    chosen = os.environ.get("BACKOFFICE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "backoffice"


def missing_jars(folder: Path, jars: Sequence[Jar]) -> list[Jar]:
    """Return the jars that are not in the folder or whose bytes are not the expected ones."""
    return [jar for jar in jars if not is_genuine(folder / jar.file_name, jar)]


def is_genuine(path: Path, jar: Jar) -> bool:
    """Say whether the file exists and has the jar's SHA-256."""
    return path.exists() and sha256_of(path) == jar.sha256


def sha256_of(path: Path) -> str:
    """Return the file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_jars(
    *,
    cache: Path | None = None,
    jars: Sequence[Jar] | None = None,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> list[Path]:
    """Bring every jar into the cache, check it, and return the files in the order of the list.

    A second process waits for the first. A file gets its name only after its bytes were checked, so
    a fetch that was cut off leaves nothing that could be taken for a jar. `progress` is told (at hand,
    wanted) while something is fetched. Raises StackError, `download_failed` or `jar_refused` among others.
    """
    wanted = wanted_jars() if jars is None else jars
    folder = (cache_folder() if cache is None else cache) / "jars"
    tell = progress or (lambda _done, _total: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StackError(
            "cache_not_writable",
            f"The cache folder {folder} cannot be made: {problem.strerror}.",
            "Name a folder you may write to in BACKOFFICE_CACHE.",
        ) from problem
    if missing_jars(folder, wanted):
        with _exclusive(folder / ".lock"):
            missing = missing_jars(folder, wanted)
            if missing:
                require_room(folder, bytes_min=200 * MEBIBYTE)
                _fetch(missing, folder, len(wanted), tell, cancelled or threading.Event())
    return [folder / jar.file_name for jar in wanted]


def _fetch(
    missing: Sequence[Jar], folder: Path, total: int, tell: Progress, cancelled: threading.Event
) -> None:
    done = total - len(missing)
    counting = threading.Lock()
    tell(done, total)
    for stale in folder.glob(".fetch-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder, ignore_cleanup_errors=True) as scratch:

        def fetch(jar: Jar) -> None:
            nonlocal done
            if cancelled.is_set():
                return
            _fetch_one(jar, Path(scratch), folder, cancelled)
            with counting:
                done += 1
                tell(done, total)

        with ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="jar") as pool:
            futures = [pool.submit(fetch, jar) for jar in missing]
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                future.cancel()
            for future in finished:
                future.result()


def _fetch_one(jar: Jar, scratch: Path, folder: Path, cancelled: threading.Event) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            fetched = _download(jar, scratch / f"{jar.artifact}-{attempt}")
        except Exception as problem:  # jgo raises RuntimeError, requests its own, the disk OSError.
            if attempt < ATTEMPTS and not cancelled.wait(attempt):
                continue
            raise StackError(
                "download_failed",
                f"{jar} could not be fetched: {_first_line(problem)}",
                "Check that this machine reaches Maven Central (HTTPS_PROXY, REQUESTS_CA_BUNDLE) and "
                "run the same command again; jars already fetched are kept.",
            ) from problem
        found = sha256_of(fetched)
        if found == jar.sha256:
            fetched.replace(folder / jar.file_name)
            return
        if attempt == ATTEMPTS:
            raise StackError(
                "jar_refused",
                f"{jar} is not the file we expect and was not used: SHA-256 is {found}, not {jar.sha256}.",
                "Run the same command again; if it stays, the mirror between this machine and "
                "Maven Central serves an altered file: tell whoever runs it.",
            )


def _download(jar: Jar, scratch: Path) -> Path:
    """Let jgo fetch exactly this artifact, without its dependency tree, into a folder of its own."""
    from jgo.maven import MavenContext

    logger = logging.getLogger("jgo")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    context = MavenContext(repo_cache=scratch, local_repos=[], timeout=TIMEOUT_SECONDS)
    return context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()


def _first_line(problem: Exception) -> str:
    return f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else 'no details'}"[:300]


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
