"""Several processes of the shipped program on one store, over HTTP.

What is asked of them is each test's own; who is asked is the balancer's choice or the test's.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer
from tests.wire.processes import Served, serving_http

AT_ONCE = "256"
"""Everybody here is the local user, whose calls are bounded together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The processes, and the URL of their store."""

    processes: tuple[Served, ...]
    store: str

    @property
    def ports(self) -> list[int]:
        return [process.port for process in self.processes]

    @property
    def logs(self) -> str:
        """Everything that any of them wrote to standard error."""
        return "\n".join(process.log.read_text() for process in self.processes)


@contextmanager
def fleet(folder: Path, store: str, processes: int, settings: Mapping[str, str] | None = None) -> Generator[Fleet]:
    """Serve with several processes; legacy clients without protocol sessions, since any process answers any call."""
    shared = {"COMPANIONS_STORE": store, "COMPANIONS_HTTP_STATELESS": "true", "COMPANIONS_CALLS_AT_ONCE": AT_ONCE}
    with ExitStack() as stack:
        served: list[Served] = []
        for number in range(processes):
            home = folder / f"process-{number}"
            home.mkdir(parents=True)
            served.append(stack.enter_context(serving_http(home, shared | dict(settings or {}))))
        yield Fleet(processes=tuple(served), store=store)


@contextmanager
def databases(kind: str, folder: Path) -> Generator[Callable[[str], str]]:
    """Give the URLs of empty stores of a kind, by name, with a server of its own where they need one."""
    if kind == "sqlite":
        yield lambda name: f"sqlite:///{folder / name}.db"
        return
    server = PostgresServer(folder) if kind == "postgres" else RedisServer(folder)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
