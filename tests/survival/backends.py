"""The stores that servers are tried on: SQLite in a folder, and servers of their own for the others, to be harmed."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal, get_args

from tests.servers.fixtures import server_folder
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer

Backend = Literal["sqlite", "postgres", "redis"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
How = Literal["stop", "kill", "freeze", "none"]
Server = PostgresServer | RedisServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An empty database and the server that keeps it. Taking it away blocks: that is done in a thread.

    Attributes:
        server: ``None`` for SQLite, whose file nobody serves.
    """

    url: str
    server: Server | None

    def take_away(self, how: How) -> None:
        """Let the server end in order, die, or stand still."""
        if self.server is not None and how != "none":
            {"stop": self.server.stop, "kill": self.server.kill, "freeze": self.server.freeze}[how]()

    def bring_back(self, how: How) -> None:
        """Let the server go on as before; harmless if it was not away."""
        if self.server is not None and how != "none":
            (self.server.thaw if how == "freeze" else self.server.start)()


@dataclass(slots=True)
class Databases:
    """Gives out databases of one backend, each an empty one."""

    folder: Path
    server: Server | None
    _numbers: "count[int]" = field(default_factory=count)

    def fresh(self) -> Place:
        name = f"survival_{next(self._numbers)}"
        url = f"sqlite:///{self.folder / name}.db" if self.server is None else self.server.url(name)
        return Place(url=url, server=self.server)


@contextmanager
def databases(backend: Backend) -> Generator[Databases]:
    """Start a backend's server for the block; it is nobody else's."""
    with server_folder() as folder:
        if backend == "sqlite":
            yield Databases(folder, None)
            return
        server = PostgresServer(folder) if backend == "postgres" else RedisServer(folder)
        server.start()
        try:
            yield Databases(folder, server)
        finally:
            server.stop()
