"""Stores on real Redis servers, as fixtures: on one shared by the run, on one to be changed, on some to be stopped.

A test module names it in ``pytest_plugins`` and never imports it.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from sessions.stores.redis.store import RedisStore
from tests.servers.fixtures import Server, server_folder
from tests.servers.redis_server import RedisServer


@pytest.fixture(scope="module", params=["single", "cluster"])
def own_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server that a test may stop and freeze; it goes on when the test is over."""
    with server_folder() as folder:
        server = RedisServer(folder, cluster=request.param == "cluster")
        yield server
        server.stop()


@pytest.fixture
async def fragile(own_server: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    """A store on that server, which runs again at the beginning of each test."""
    own_server.start()
    made = RedisStore(own_server.url(request.node.nodeid))
    yield made
    await made.close()


@pytest.fixture(scope="module")
def single_server() -> Iterator[RedisServer]:
    """A server on its own, whose settings and counters are a test's to change."""
    with server_folder() as folder:
        server = RedisServer(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def single(single_server: RedisServer, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    made = RedisStore(single_server.url(request.node.nodeid))
    yield made
    await made.close()


@pytest.fixture
async def redis(redis_server: Server, request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    made = RedisStore(redis_server.url(request.node.nodeid))
    yield made
    await made.close()
