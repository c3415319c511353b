"""Stores for tests: every implementation, each as it is shipped, closed at the end of its test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sessions.memory_store import MemoryStore
from sessions.sqlite_store import SQLiteStore
from sessions.store import Store

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _folder: MemoryStore(),
    "sqlite": lambda folder: SQLiteStore(folder / "store" / "sessions.db"),
}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = STORES[request.param](tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    made = SQLiteStore(tmp_path / "store" / "sessions.db")
    yield made
    await made.close()
