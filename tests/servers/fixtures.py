"""Real servers for the whole run, each started when a test first asks for it and stopped at the end.

A test that stops, kills or freezes a server makes one of its own in a ``server_folder``.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

from tests.servers.postgres_server import Client, PostgresServer, make_database, run
from tests.servers.redis_server import RedisServer

# Read before the run's own settings are taken away.
POSTGRES_URL = os.environ.get("COMPANIONS_TEST_POSTGRES_URL")
REDIS_URL = os.environ.get("COMPANIONS_TEST_REDIS_URL")

TABLES = "sessions entries leases shares seals participants invitations attachments"
# Cheaper by far than a new database, and than new files for each table; those that have grown are made anew.
DELETED = " ".join(f"DELETE FROM companions_{table};" for table in TABLES.split())  # noqa: S608 (names of ours)
GROWN = "pg_total_relation_size('companions_entries') > 65536"
EMPTY_STORE = f"""DO $$ BEGIN IF to_regclass('companions_sessions') IS NOT NULL THEN
    IF {GROWN} THEN TRUNCATE companions_entries; END IF; {DELETED} END IF; END $$"""


class Server(Protocol):
    """A server that gives away databases."""

    def url(self, name: str) -> str:
        """Give the URL of the database of that name, empty when first asked for."""
        ...


class GivenPostgres:
    """Databases on a server that somebody else runs; dropped in the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._prefix = f"companions_test_{secrets.token_hex(4)}"
        self._names = set[str]()

    def url(self, name: str) -> str:
        self._names.add(name)
        return make_database(self._url, f"{self._prefix}_{name}")

    def drop(self) -> None:
        for name in self._names:
            run(self._url, f"DROP DATABASE {self._prefix}_{name} WITH (FORCE)")


class GivenRedis:
    """Those numbered databases of a server that somebody else runs that hold nothing yet; emptied in the end."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        count = int(self._run(0, "CONFIG", "GET", "databases")["databases"])
        self._free = [number for number in range(count) if not self._run(number, "DBSIZE")]
        assert self._free, "COMPANIONS_TEST_REDIS_URL names a server without an empty database"
        self._numbers: dict[str, int] = {}

    def url(self, name: str) -> str:
        if name not in self._numbers:
            self._numbers[name] = self._free[len(self._numbers) % len(self._free)]
            self._run(self._numbers[name], "FLUSHDB")
        return self._numbered(self._numbers[name])

    def drop(self) -> None:
        for number in {*self._numbers.values()}:
            self._run(number, "FLUSHDB")

    def _numbered(self, number: int) -> str:
        return urlunsplit(self._url._replace(path=f"/{number}"))

    def _run(self, number: int, *command: str) -> Any:
        # Any: redis-py's types are partly unknown.
        library: Any = redis
        with library.Redis.from_url(self._numbered(number), decode_responses=True) as client:
            return client.execute_command(*command)


@contextmanager
def server_folder() -> Generator[Path]:
    """Give a folder for a server's data, removed in the end; pytest's own are closed to the user it may run as."""
    folder = Path(tempfile.mkdtemp(prefix="companions-server-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """PostgreSQL: our own, or the one that COMPANIONS_TEST_POSTGRES_URL names."""
    if POSTGRES_URL is None:
        with server_folder() as folder:
            yield from _running(PostgresServer(folder))
    else:
        given = GivenPostgres(POSTGRES_URL)
        yield given
        given.drop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """Redis: our own, or the one that COMPANIONS_TEST_REDIS_URL names."""
    if REDIS_URL is None:
        with server_folder() as folder:
            yield from _running(RedisServer(folder))
    else:
        given = GivenRedis(REDIS_URL)
        yield given
        given.drop()


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[Server]:
    """A Redis cluster of three nodes, always our own: it has one database, which every test empties."""
    with server_folder() as folder:
        yield from _running(RedisServer(folder, cluster=True))


def _running(server: PostgresServer | RedisServer) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def emptied(postgres_server: Server) -> Iterator[Client]:
    """A client of the database whose store is emptied for each test: one for all of them, since each is a process."""
    with Client(postgres_server.url("emptied")) as client:
        yield client


@pytest.fixture
def postgres_url(emptied: Client) -> str:
    """The URL of a PostgreSQL database whose store is empty; every test is given the same one."""
    emptied.run(EMPTY_STORE)
    return emptied.url


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for tests that stop, kill or freeze it."""
    with server_folder() as folder:
        server = PostgresServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_postgres_url(own_postgres: PostgresServer) -> str:
    """A database made anew, on a server that is up again whatever the test before did to it."""
    own_postgres.start()
    own_postgres.thaw()
    run(own_postgres.url("postgres"), "DROP DATABASE IF EXISTS own WITH (FORCE)")
    return own_postgres.url("own")
