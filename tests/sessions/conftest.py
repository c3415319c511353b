"""Stores for tests: every implementation, each as it is shipped, closed at the end of its test."""

import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sessions.sealing.keys import Keyring
from sessions.sealing.store import SealedStore
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import WINDOWS, Program, Story, projection
from tests.sessions.faults import Process

STORES: dict[str, Callable[[pytest.FixtureRequest], Store]] = {
    "memory": lambda _request: MemoryStore(),
    "sqlite": lambda request: SQLiteStore(request.getfixturevalue("tmp_path") / "store" / "sessions.db"),
    "postgresql": lambda request: PostgresStore(request.getfixturevalue("postgres_url")),
    "redis": lambda request: RedisStore(request.getfixturevalue("redis_server").url(request.node.nodeid)),
    "sealed memory": lambda _request: SealedStore(MemoryStore(), KEYRING),
    "sealed sqlite": lambda request: SealedStore(
        SQLiteStore(request.getfixturevalue("tmp_path") / "store" / "sessions.db"), KEYRING
    ),
    "redis cluster": lambda request: RedisStore(request.getfixturevalue("redis_cluster").url(request.node.nodeid)),
}

KEYRING = Keyring({"k1": bytes(range(32))})

CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "append": lambda store: store.append([Story(store).append()]),
    "tail": lambda store: store.tail("s1", "generic", WINDOWS[0]),
    "page": lambda store: store.page("s1"),
    "head": lambda store: store.head("s1"),
    "list": lambda store: store.list("ann"),
    "project": lambda store: store.project([projection("s1")]),
    "lease": lambda store: store.lease("job", "a", 1),
    "tombstone": lambda store: store.tombstone("s1"),
}

WHOLE = {
    "test_store_conformance",
    "test_store_census",
    "test_store_searches",
    "test_seal_stores",
    "test_grant_stores",
    "test_attachment_stores",
}
"""What is run over a cluster too: elsewhere it differs from a single server in nothing that is tested."""
SEALED = {"test_store_conformance", "test_grant_stores", "test_attachment_stores"}
"""What is run over sealed stores too."""
SERVERS = ("sqlite", "postgresql", "redis")
OF_STORES = WHOLE | {
    "test_erasing",
    "test_leases",
    "test_pattern_stores",
    "test_projections",
    "test_retention",
    "test_rotating",
    "test_sealing",
}
"""What is about stores themselves. All else stands on what these hold of every store: it is run in memory and on one
of the others, each test on one of its own, and on all of them where ``EVERY_STORE`` is set."""
EVERY_STORE = bool(os.environ.get("COMPANIONS_TEST_EVERY_STORE"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its stores."""
    if "store" in metafunc.fixturenames:
        metafunc.parametrize("store", _kinds(metafunc.definition.path.stem, metafunc.function.__name__), indirect=True)


def _kinds(module: str, test: str) -> list[str]:
    if not EVERY_STORE and module not in OF_STORES:
        return ["memory", SERVERS[zlib.crc32(test.encode()) % len(SERVERS)]]
    seals, clusters = module in SEALED, module in WHOLE
    return [
        kind for kind in STORES if (clusters or kind != "redis cluster") and (seals or not kind.startswith("sealed"))
    ]


@pytest.fixture
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made = STORES[request.param](request)
    # The first call imports a driver; the deadlines that tests set are for what comes after.
    await made.head("-")
    yield made
    await made.close()


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Store], Awaitable[object]]:
    return CALLS[request.param]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "sessions.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SQLiteStore]:
    made = SQLiteStore(path, deadline=0.5)
    yield made
    await made.close()


@pytest.fixture
async def program(path: Path) -> AsyncIterator[Program]:
    made = Program(path)
    yield made
    await made.close()


@pytest.fixture
async def by_model() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), keeps=True, execution_mode="server")
    yield made
    made.model.gate.open()
    await made.calls.close()


@pytest.fixture
async def by_caller() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    await made.calls.close()
