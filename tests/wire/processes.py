"""The shipped program as processes of its own, over stdio and HTTP, with real clients; it ends only what it started.

What is asked of the program is each test's own. A host gives a server a reduced environment, and so does this.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from tests.provider.server import KEY, Provider
from tests.servers.preloaded import NOTE_PID

Connection = Any
"""A FastMCP client. Its results are generic in output schemas, and our tools declare none: tests say what is there."""
Era = Literal["auto", "legacy"]
Kind = Literal["stdio", "http"]
ERAS: tuple[Era, ...] = ("auto", "legacy")
PLACES: tuple[tuple[Kind, Era], ...] = tuple((kind, era) for kind in ("stdio", "http") for era in ERAS)

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server.py"
HTTP = (sys.executable, str(SERVER), "serve", "--http")
MODEL = "loopback-1"
START_SECONDS = 60
LOOK_SECONDS = 0.02


def environment(folder: Path, settings: Mapping[str, str] | None) -> dict[str, str]:
    """Give what a host passes on, a home in ``folder`` and a store there, and the settings of a test."""
    store = f"sqlite:///{folder / 'sessions.db'}"
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "COMPANIONS_STORE": store, **(settings or {})}


def with_model(provider: Provider, **settings: str) -> dict[str, str]:
    """Give the settings of a program that asks the loopback provider."""
    named = {"COMPANIONS_MODEL": f"openai:{MODEL}", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url}
    return named | settings


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One process that serves HTTP.

    Attributes:
        log: Its standard error.
    """

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def client(self, era: Era) -> Connection:
        # Without certificates, which take longer to load than a connection to make.
        return Client(self.url, mode=era, verify=False)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def serving_http(
    folder: Path, settings: Mapping[str, str] | None = None, command: Sequence[str] = HTTP
) -> Generator[Served]:
    """Serve over HTTP on a free port until the block ends; ready when it takes connections."""
    port = free_port()
    log = folder / f"http-{port}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=environment(folder, settings),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
    served = Served(process=process, port=port, log=log)
    try:
        _await_connection(served)
        yield served
    finally:
        end(process)


def _await_connection(served: Served) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", served.port), timeout=START_SECONDS).close()
        except OSError:
            assert not _ended(served.process, within=LOOK_SECONDS), served.log.read_text()
        else:
            return
    raise AssertionError(f"no server after {START_SECONDS} s: {served.log.read_text()}")


def _ended(process: subprocess.Popen[bytes], *, within: float) -> bool:
    """Wait for a process to end; this is what the look for its port waits on."""
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that this test started."""
    if process.poll() is None:
        process.terminate()
        if not _ended(process, within=5):
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdio:
    """A server for one host over standard input and output; each client that connects starts a process of its own."""

    folder: Path
    settings: Mapping[str, str] | None = None

    def client(self, era: Era) -> Connection:
        # The shell writes down its process id and becomes the server, so that a test can kill it.
        transport = StdioTransport(
            "/bin/sh",
            ["-c", NOTE_PID, str(self.pid_file), sys.executable, str(SERVER)],
            env=environment(self.folder, self.settings),
            cwd=str(self.folder),
            keep_alive=False,
            log_file=self.folder / "stdio.log",
        )
        return Client(transport, mode=era)

    @property
    def pid_file(self) -> Path:
        return self.folder / "stdio.pid"

    def kill(self) -> None:
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)


Program = Served | Stdio


@contextmanager
def serving(kind: Kind, folder: Path) -> Generator[Program]:
    """Serve over either transport."""
    if kind == "stdio":
        yield Stdio(folder=folder)
    else:
        with serving_http(folder) as served:
            yield served
