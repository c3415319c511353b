"""Where the contestants keep what they are given: a server of our own, one that somebody else runs, or files."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from tests.servers.fixtures import GivenPostgres, GivenRedis, server_folder
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer

STORES = ("sqlite", "postgres", "redis")

Databases = Callable[[str], str]
"""Gives the URL of the database of a name, empty when first asked for; it blocks."""


@contextmanager
def databases(store: str, url: str | None) -> Generator[Databases]:
    """Have a place for databases: on the server at the URL if one is given, else on one of our own."""
    if store == "sqlite":
        with server_folder() as folder:
            yield lambda name: f"sqlite:///{folder}/{name}.db"
    elif url is None:
        with server_folder() as folder:
            server = PostgresServer(folder) if store == "postgres" else RedisServer(folder)
            server.start()
            try:
                yield server.url
            finally:
                server.stop()
    else:
        given = GivenPostgres(url) if store == "postgres" else GivenRedis(url)
        try:
            yield given.url
        finally:
            given.drop()
